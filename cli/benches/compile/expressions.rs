//! Expressions one by one: the 542 of production, with the variables that they are tested with.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use partita_artefact::evaluate::{Context, Home, Place, RoleName, Snapshot, evaluate};
use partita_artefact::ir::{Artefact, Edition, Span, Template};
use partita_compiler::configuration;
use partita_compiler::syntax::template;
use serde_json::Value;

use crate::Failed;
use crate::table::{Work, head, line};

/// How often everything is done in one round, so that the clock can tell.
const TIMES: usize = 20;

/// What the reference needs for one, us: compiling and running (`performance.md`, Expressions).
const REFERENCE: [f64; 2] = [146.0, 1.1];
/// What one may need, us.
const BUDGET: [f64; 2] = [5.0, 0.3];

struct Case {
    template: Template,
    variables: BTreeMap<String, String>,
}

/// Without the conformance data beside the checkout one expression stands for all.
const ONE: &str = "qc_enabled == 'true' && (dcs_enabled == 'true' || trg_enabled == 'true') ? 'on' : 'off'";

pub(crate) fn run(conformance: &Path) -> Result<(), Failed> {
    let lines = lines(conformance)?;
    let mut texts: Vec<String> = lines
        .iter()
        .map(|(expression, _)| format!("{{{{ {expression} }}}}"))
        .collect();
    let templates: Vec<Template> = texts
        .iter()
        .map(|text| template::parse(text, Span::default()))
        .collect();
    let cases: Vec<Case> = templates
        .into_iter()
        .zip(lines)
        .map(|(template, (_, variables))| Case { template, variables })
        .collect();
    texts.sort_unstable();
    texts.dedup();
    head("Expressions of production, each parsed once; each run with up to three sets of variables");
    parse(&texts)?;
    evaluated(conformance, &cases)
}

/// The text of an expression, and the variables that it is run with.
type Line = (String, BTreeMap<String, String>);

/// Expressions that have a value.
fn lines(conformance: &Path) -> Result<Vec<Line>, Failed> {
    let path = conformance.join("expressions.jsonl");
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!(
            "SKIPPED: {} is not there; one expression stands for all",
            path.display()
        );
        let variables = ["qc_enabled", "dcs_enabled", "trg_enabled"]
            .map(|name| (name.to_owned(), "true".to_owned()))
            .into();
        return Ok(vec![(ONE.to_owned(), variables)]);
    };
    let mut found = Vec::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line)?;
        let (Some(expression), Some("production"), Some(_)) =
            (case["expr"].as_str(), case["origin"].as_str(), case.get("result"))
        else {
            continue;
        };
        // As in the reference's figures: what runs programs or looks at roles is left out.
        if !["dpl", "Dpl", "Parent", "Up(", "This"]
            .iter()
            .any(|word| expression.contains(word))
        {
            found.push((
                expression.to_owned(),
                serde_json::from_value(case["vars"].clone())?,
            ));
        }
    }
    Ok(found)
}

#[allow(clippy::cast_precision_loss, reason = "figures for people")]
fn works(name: &str, count: usize, which: usize) -> Work<'_> {
    let times = (count * TIMES) as f64 / 1e3;
    let of = |figures: [f64; 2]| figures.get(which).map(|figure| figure * times);
    Work::new(name, "times")
        .reference(of(REFERENCE))
        .budget(of(BUDGET))
}

fn parse(texts: &[String]) -> Result<(), Failed> {
    let work = works("parse", texts.len(), 0);
    line(
        &work,
        |()| texts.len() * TIMES,
        || {
            for text in texts.iter().cycle().take(texts.len() * TIMES) {
                black_box(template::parse(text, Span::default()));
            }
            Ok(())
        },
    )
}

fn evaluated(conformance: &Path, cases: &[Case]) -> Result<(), Failed> {
    let configuration = match fs::read_to_string(conformance.join("configs/p2.yaml")) {
        Ok(text) => configuration::parse(&text)?,
        Err(_) => BTreeMap::new(),
    };
    let services = [
        "bookkeeping",
        "ccdb",
        "dcs",
        "ddsched",
        "kafka",
        "lhc",
        "odc",
        "trg",
    ];
    let artefact = Artefact {
        configuration,
        services: services.map(str::to_owned).into(),
        ..Artefact::default()
    };
    let world = Snapshot::new(&artefact, || "uid".to_owned());
    let role = RoleName {
        name: "leaf",
        path: "root.a.b.leaf",
    };
    let run = |case: &Case| {
        let context = Context {
            variables: &case.variables,
            place: Place::Role {
                home: Home::default(),
                this: Some(role),
                ancestors: &[],
            },
            world: &world,
            edition: Edition::Aliecs,
            within: 0,
        };
        evaluate(&case.template, &context)
    };
    if let Some(error) = cases.iter().find_map(|case| run(case).err()) {
        return Err(error.into());
    }
    let work = works("run", cases.len(), 1);
    line(
        &work,
        |()| cases.len() * TIMES,
        || {
            for case in cases.iter().cycle().take(cases.len() * TIMES) {
                black_box(run(case)).map_err(|error| error.to_string())?;
            }
            Ok(())
        },
    )
}
