//! What it costs to compile, to instantiate and to evaluate: one processor, no processes.
//!
//! `cargo bench -p partita --bench compile`. Medians of some rounds after one to warm up. Nothing is asserted, since
//! times belong to the machine. Production's repository is in `../shared`; without it that part is skipped.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and is an edge"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use partita_artefact::codec;
use partita_artefact::evaluate::{Context, Place, Snapshot as World, evaluate};
use partita_artefact::instance::Role;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Edition, Layers, Span};
use partita_compiler::compile::{Request, compile};
use partita_compiler::source::Repositories;
use partita_compiler::syntax::template;
use partita_compiler::{configuration, render};

type Failed = Box<dyn Error>;

/// Rounds that count.
const ROUNDS: usize = 7;
/// How often an expression is evaluated in one round.
const TIMES: u32 = 10_000;
/// The case of production with the most hosts.
const CASE: &str = "cw-head-202hosts";

fn main() -> Result<(), Failed> {
    expressions()?;
    many_tasks()?;
    production()
}

/// Runs it once to warm up and then some times; says and gives the median.
fn timed<T>(what: &str, each: u32, mut work: impl FnMut() -> Result<T, Failed>) -> Result<T, Failed> {
    let mut result = work()?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begin = Instant::now();
        result = work()?;
        times.push(begin.elapsed());
    }
    times.sort_unstable();
    let median: Duration = times.get(ROUNDS / 2).copied().unwrap_or_default();
    println!(
        "{what:60}  {:10.1} us",
        median.as_secs_f64() * 1e6 / f64::from(each)
    );
    Ok(result)
}

fn expressions() -> Result<(), Failed> {
    let text =
        "{{ qc_enabled == 'true' && (dcs_enabled == 'true' || trg_enabled == 'true') ? 'on' : 'off' }}";
    let parse = || template::parse(text, Span::default());
    timed("parse an expression", TIMES, || {
        for _ in 0..TIMES {
            black_box(parse());
        }
        Ok(())
    })?;
    let parsed = parse();
    let variables: BTreeMap<String, String> = ["qc_enabled", "dcs_enabled", "trg_enabled"]
        .map(|name| (name.to_owned(), "true".to_owned()))
        .into();
    let artefact = Artefact::default();
    let world = World::new(&artefact, String::new);
    let context = Context {
        variables: &variables,
        place: Place::Task,
        world: &world,
        edition: Edition::Aliecs,
    };
    timed("evaluate it", TIMES, || {
        for _ in 0..TIMES {
            black_box(evaluate(&parsed, &context).map_err(|error| error.to_string())?);
        }
        Ok(())
    })
}

fn instantiated(artefact: &Artefact, given: &Layers) -> Result<usize, Failed> {
    let world = World::new(artefact, || "uid".to_owned());
    let instance = instantiate(artefact, given, &world)
        .map_err(|errors| errors.first().map(ToString::to_string).unwrap_or_default())?;
    Ok(roles(&instance.root))
}

fn roles(role: &Role) -> usize {
    1 + role.roles.iter().map(roles).sum::<usize>()
}

fn compiled(workflow: &str, request: &Request, repository: &Path) -> Result<Artefact, Failed> {
    let path = repository.to_str().ok_or("the repository has no name in UTF-8")?;
    let (repositories, workflow) = Repositories::open_for(workflow, &[path])?;
    let request = Request {
        workflow,
        ..request.clone()
    };
    let outcome = compile(&request, &repositories);
    let errors = || render::full(&outcome.diagnostics, &outcome.sources, false);
    outcome.artefact.clone().ok_or_else(|| errors().into())
}

/// 1,000 hosts with 100 tasks each.
fn many_tasks() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    for (path, text) in [
        (
            "tasks/task.yaml",
            "name: task\ncontrol:\n  mode: direct\nwants:\n  cpu: 0.01\n  memory: 1\ncommand:\n  value: task\n",
        ),
        (
            "workflows/many.yaml",
            "name: many\nroles:\n  - name: \"{{ it }}\"\n    for:\n      range: \"{{ hosts }}\"\n      var: it\n    \
             constraints:\n      - attribute: machine_id\n        value: \"{{ it }}\"\n    roles:\n      - name: \"task-{{ n }}\"\n        \
             for:\n          begin: \"1\"\n          end: \"100\"\n          var: n\n        task:\n          load: task\n",
        ),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder.path()))?;
        std::fs::write(path, text)?;
    }
    let artefact = compiled("many", &Request::default(), folder.path())?;
    let hosts: Vec<String> = (0..1000).map(|host| format!("host{host:04}")).collect();
    let given = Layers {
        user: [("hosts".to_owned(), serde_json::to_string(&hosts)?)].into(),
        ..Layers::default()
    };
    let count = timed("instantiate 1,000 hosts with 100 tasks each", 1, || {
        instantiated(&artefact, &given)
    })?;
    println!("  {count} roles");
    Ok(())
}

/// A clone of production's repository; `None`, loudly, where there is none.
fn clone(folder: &Path, shared: &Path) -> Option<PathBuf> {
    let bundle = shared.join("controlworkflows/ControlWorkflows.bundle");
    let clone = folder.join("production.git");
    let git = Command::new("git")
        .args(["clone", "--quiet", "--bare"])
        .args([&bundle, &clone])
        .stdin(Stdio::null())
        .status();
    if git.is_ok_and(|status| status.success()) {
        return Some(clone);
    }
    eprintln!("SKIPPED: git cannot unpack {}", bundle.display());
    None
}

fn production() -> Result<(), Failed> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let folder = tempfile::tempdir()?;
    let Some(clone) = clone(folder.path(), &shared) else {
        return Ok(());
    };
    let conformance = shared.join("conformance");
    let case = std::fs::read_to_string(conformance.join("cases").join(CASE).join("case.json"))?;
    let case: serde_json::Value = serde_json::from_str(&case)?;
    let layer = |name: &str| -> Result<BTreeMap<String, String>, Failed> {
        Ok(serde_json::from_value(
            case.pointer(&format!("/environment/{name}"))
                .cloned()
                .unwrap_or_default(),
        )?)
    };
    let given = Layers {
        defaults: layer("defaults")?,
        vars: layer("vars")?,
        user: layer("user_vars")?,
    };
    let request = Request {
        given: given.clone(),
        configuration: configuration::parse(&std::fs::read_to_string(conformance.join("configs/p2.yaml"))?)?,
        services: serde_json::from_value(case.get("plugins").cloned().unwrap_or_default())?,
        closed: true,
        ..Request::default()
    };
    let artefact = timed(
        "compile readout-dataflow for 202 hosts, cold, from Git",
        1,
        || compiled("readout-dataflow", &request, &clone),
    )?;
    let bytes = codec::encode(&artefact)?;
    timed("encode it", 1, || Ok(codec::encode(&artefact)?))?;
    timed("load it", 1, || Ok(codec::decode(&bytes)?))?;
    let count = timed("instantiate it", 1, || instantiated(&artefact, &given))?;
    println!("  {count} roles, {} bytes", bytes.len());
    Ok(())
}
