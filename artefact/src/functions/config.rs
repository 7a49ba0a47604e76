//! Component configuration (reference: template-language.md 9.1 and 9.2).

use crate::evaluate::{Context, Place, World, evaluate_partly, evaluate_text};
use crate::payload::Scene;

const RUN_TYPES: [&str; 20] = [
    "NULL",
    "PHYSICS",
    "TECHNICAL",
    "PEDESTAL",
    "PULSER",
    "LASER",
    "CALIBRATION_ITHR_TUNING",
    "CALIBRATION_VCASN_TUNING",
    "CALIBRATION_THR_SCAN",
    "CALIBRATION_DIGITAL_SCAN",
    "CALIBRATION_ANALOG_SCAN",
    "CALIBRATION_FHR",
    "CALIBRATION_ALPIDE_SCAN",
    "CALIBRATION",
    "COSMICS",
    "SYNTHETIC",
    "NOISE",
    "CALIBRATION_PULSE_LENGTH",
    "CALIBRATION_VRESETD",
    "ANY",
];

/// Where components keep their configuration in the store.
const COMPONENTS: &str = "o2/components";

/// `component/RUNTYPE/role/entry`
struct Query<'q> {
    component: &'q str,
    run_type: &'q str,
    role: &'q str,
    entry: &'q str,
}

impl<'q> Query<'q> {
    fn parse(path: &'q str) -> Result<Self, String> {
        let mut parts = path.trim().splitn(4, '/');
        let mut next = || parts.next().filter(|part| !part.is_empty());
        let query = match (next(), next(), next(), next()) {
            (Some(component), Some(run_type), Some(role), Some(entry)) => Self {
                component,
                run_type,
                role,
                entry,
            },
            _ => return Err(bad_query()),
        };
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let well_formed = plain(query.component)
            && RUN_TYPES.contains(&query.run_type)
            && plain(query.role)
            && query.entry.split('/').all(plain);
        if well_formed { Ok(query) } else { Err(bad_query()) }
    }

    fn path(&self) -> String {
        format!(
            "{}/{}/{}/{}",
            self.component, self.run_type, self.role, self.entry
        )
    }

    /// The first of the fallbacks that the store has.
    fn resolve(&self, world: &dyn World) -> Result<String, String> {
        let fallbacks = [
            (self.run_type, self.role),
            ("ANY", self.role),
            (self.run_type, "any"),
            ("ANY", "any"),
        ];
        fallbacks
            .into_iter()
            .map(|(run_type, role)| {
                Query {
                    run_type,
                    role,
                    ..*self
                }
                .path()
            })
            .find(|path| world.configuration(&format!("{COMPONENTS}/{path}")).is_some())
            .ok_or_else(|| {
                format!(
                    "could not resolve configuration path {COMPONENTS}/{}",
                    self.path()
                )
            })
    }
}

/// Whether a text is the path of a configuration entry, whatever the store has.
pub(crate) fn is_path(text: &str) -> bool {
    Query::parse(text).is_ok()
}

/// Whether a text is the name of a run type, in any case.
pub(crate) fn is_run_type(text: &str) -> bool {
    RUN_TYPES.contains(&text.to_ascii_uppercase().as_str())
}

fn bad_query() -> String {
    "bad component configuration key format".to_owned()
}

pub(super) fn resolve(
    component: &str,
    run_type: &str,
    role: &str,
    entry: &str,
    world: &dyn World,
) -> Result<String, String> {
    let known = run_type.to_ascii_uppercase();
    let run_type = RUN_TYPES
        .into_iter()
        .find(|name| *name == known)
        .unwrap_or("NULL");
    Query {
        component,
        run_type,
        role,
        entry,
    }
    .resolve(world)
}

pub(super) fn resolve_path(path: &str, world: &dyn World) -> Result<String, String> {
    Query::parse(path)?.resolve(world)
}

/// The payload at exactly this path, as it stands in the store.
pub(crate) fn payload(path: &str, world: &dyn World) -> Option<String> {
    let path = Query::parse(path).ok()?.path();
    world.configuration(&format!("{COMPONENTS}/{path}"))
}

/// The payload at exactly this path, its template done.
pub(super) fn get(path: &str, context: &Context<'_>) -> Result<String, String> {
    let scene = Scene {
        world: context.world,
        variables: context.variables,
        edition: context.edition,
    };
    rendered(path, scene)
}

/// The same with other variables: those of a configuration URI.
pub(super) fn rendered(path: &str, scene: Scene<'_>) -> Result<String, String> {
    let path = Query::parse(path)?.path();
    crate::payload::render(&path, scene).map_err(|error| error.to_string())
}

/// The payload at exactly this path, unprocessed.
pub(super) fn raw(path: &str, world: &dyn World) -> Result<String, String> {
    let path = Query::parse(path)?.path();
    payload(&path, world).ok_or_else(|| format!("no payload at configuration path {COMPONENTS}/{path}"))
}

/// The payload at exactly this path, with its expressions evaluated; those that fail stay as they are written.
pub(super) fn get_legacy(path: &str, context: &Context<'_>) -> Result<String, String> {
    let payload = raw(path, context.world)?;
    // `dpl` and the roles around do not exist in it.
    let context = context.inside(Place::Task)?;
    match context.world.template(&payload) {
        Some(template) => Ok(evaluate_partly(template, &context)),
        None => evaluate_text(&payload, &context),
    }
}
