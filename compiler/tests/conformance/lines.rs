//! Expressions, functions and names of DPL results, line by line.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use partita_artefact::evaluate::{
    Context, ErrorKind, EvaluateError, Finding, Harm, Home, Missed, Place, RoleName, Snapshot, Time,
    evaluate, findings,
};
use partita_artefact::ir::{Artefact, Edition, Part, Span, Template};
use partita_artefact::show::DRY_UID;
use partita_compiler::syntax::template;
use serde::Deserialize;

use crate::load::store;

#[derive(Deserialize)]
struct Line {
    expr: Option<String>,
    text: Option<String>,
    #[serde(default)]
    vars: Option<BTreeMap<String, String>>,
    result: Option<String>,
    #[serde(default)]
    error_class: String,
    ctx: Option<String>,
    function: Option<String>,
    /// Of names: the command, and the file that holds it.
    command: Option<String>,
    uri: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    default_vars: BTreeMap<String, String>,
}

/// What came of a line.
pub(crate) struct Outcome {
    pub(crate) number: usize,
    pub(crate) group: String,
    pub(crate) text: String,
    wanted: Result<String, String>,
    got: Result<String, EvaluateError>,
    /// What the check without values says fails.
    alarms: Vec<Finding>,
}

impl Outcome {
    /// The check calls wrong what the reference evaluates.
    pub(crate) fn false_alarm(&self) -> Option<String> {
        let alarm = self.alarms.first().filter(|_| self.wanted.is_ok())?;
        Some(format!("{}: {}", self.text, alarm.message))
    }

    /// The check sees that the reference refuses it.
    pub(crate) fn foreseen(&self) -> Option<bool> {
        self.wanted.as_ref().err().map(|_| !self.alarms.is_empty())
    }

    /// The same text, or a refusal; error texts are ours.
    pub(crate) fn agrees(&self) -> bool {
        match (&self.wanted, &self.got) {
            (Ok(wanted), Ok(got)) => wanted == got,
            (Err(_), Err(_)) => true,
            _ => false,
        }
    }

    /// Whether a refusal was for the same kind of mistake.
    pub(crate) fn same_kind(&self) -> bool {
        let (Err(class), Err(error)) = (&self.wanted, &self.got) else {
            return true;
        };
        matches!(
            (class.as_str(), error.kind),
            ("syntax", ErrorKind::Syntax)
                | ("unknown-name", ErrorKind::UnknownName)
                | ("type", ErrorKind::Type)
                | ("runtime", ErrorKind::Runtime)
        )
    }

    pub(crate) fn difference(&self) -> String {
        format!("{} wanted {:?}, got {:?}", self.text, self.wanted, self.got)
    }
}

const REPOSITORY: &str = "github.com/conformance/lang";

const HOME: Home<'_> = Home {
    repository: REPOSITORY,
    revision: "",
};

/// The services that the data was made with.
const SERVICES: [&str; 9] = [
    "bookkeeping",
    "ccdb",
    "dcs",
    "ddsched",
    "kafka",
    "lhc",
    "odc",
    "testplugin",
    "trg",
];

/// What an artefact of the data's repository knows.
fn artefact(root: &Path) -> Artefact {
    let mut configuration = store(&root.join("configs/p2.yaml"));
    for (name, value) in [
        ("pdp_o2_data_processing_hash", "BASEHASH"),
        ("pdp_o2pdpsuite_version", "BASESUITE"),
    ] {
        configuration.insert(format!("o2/runtime/aliecs/defaults/{name}"), value.to_owned());
    }
    let jit = crate::folders(&root.join("repos/lang/jit")).into_iter();
    let commands = jit.map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (
            format!("{REPOSITORY}/jit/{name}"),
            fs::read_to_string(path).unwrap(),
        )
    });
    Artefact {
        configuration,
        services: SERVICES.map(str::to_owned).to_vec(),
        commands: commands.collect(),
        ..Artefact::default()
    }
}

/// Evaluates, and supplies what the artefact was found to lack, as the compiler does.
fn evaluated(
    artefact: &mut Artefact,
    template: &Template,
    variables: &BTreeMap<String, String>,
    place: Place<'_>,
    made: impl Fn(&Missed) -> Option<String>,
) -> Result<String, EvaluateError> {
    loop {
        let world = Snapshot::new(artefact, || DRY_UID.to_owned()).at(Time { nanoseconds: 0 });
        let context = Context {
            variables,
            place,
            world: &world,
            edition: Edition::Aliecs,
            within: 0,
        };
        let result = evaluate(template, &context);
        let mut new = false;
        for missed in world.missed() {
            let workflow = made(&missed);
            let before = match missed {
                Missed::Text(text) => {
                    let template = template::parse(&text, Span::default());
                    artefact.texts.insert(text, template).map(|_| String::new())
                }
                Missed::Pin { name, .. } => match workflow {
                    Some(workflow) => artefact.pins.workflows.insert(name, workflow),
                    None => continue,
                },
                Missed::Command(_) | Missed::Workflow(_) => continue,
            };
            new |= before.is_none();
        }
        if !new {
            return result;
        }
    }
}

/// What can be known to fail without evaluating.
fn alarms(
    artefact: &Artefact,
    template: &Template,
    variables: &BTreeMap<String, String>,
    place: Place<'_>,
) -> Vec<Finding> {
    let world = Snapshot::new(artefact, || DRY_UID.to_owned());
    let mut variables = variables.clone();
    // Without it there are no functions of `odc` (5.4): that is no mistake of the expression.
    variables.insert("environment_id".to_owned(), String::new());
    let context = Context {
        variables: &variables,
        place,
        world: &world,
        edition: Edition::Aliecs,
        within: 0,
    };
    let codes = template.parts.iter().filter_map(|part| match part {
        Part::Expression(code) => Some(code),
        _ => None,
    });
    codes
        .flat_map(|code| findings(code, &context))
        .filter(|finding| matches!(finding.harm, Harm::Refused | Harm::Fails))
        .collect()
}

/// The lines of `expressions.jsonl` or `functions.jsonl`.
pub(crate) fn run(root: &Path, file: &str) -> Vec<Outcome> {
    let mut artefact = artefact(root);
    let ancestors =
        [("b", "root.a.b"), ("a", "root.a"), ("root", "root")].map(|(name, path)| RoleName { name, path });
    let leaf = RoleName {
        name: "leaf",
        path: "root.a.b.leaf",
    };
    let jit_of = |missed: &Missed| match missed {
        Missed::Pin { uri: Some(uri), .. } => Some(format!("jit-of-{uri}")),
        _ => Some("jit-of-command".to_owned()),
    };
    let text = fs::read_to_string(root.join(file)).unwrap();
    let mut defaults = BTreeMap::new();
    let mut outcomes = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if let Ok(header) = serde_json::from_str::<Header>(line) {
            defaults = header.default_vars;
            continue;
        }
        let line: Line = serde_json::from_str(line).unwrap();
        // The functions of `odc` are tried with exactly the variables of a line, if it has any.
        let exactly = line
            .function
            .as_deref()
            .is_some_and(|function| function.starts_with("odc."));
        let mut variables = defaults.clone();
        if exactly && line.vars.is_some() {
            variables.clear();
        }
        variables.extend(line.vars.unwrap_or_default());
        let place = match line.ctx.as_deref() {
            Some("range") => Place::Range,
            Some("task") => Place::Task,
            _ => Place::Role {
                home: HOME,
                this: Some(leaf),
                ancestors: &ancestors,
            },
        };
        let text = line
            .text
            .unwrap_or_else(|| format!("{{{{ {} }}}}", line.expr.unwrap_or_default()));
        let template = template::parse(&text, Span::default());
        // One command can stand in two files; each line knows its own.
        artefact.pins.workflows.clear();
        outcomes.push(Outcome {
            number: number + 1,
            group: line.function.unwrap_or_else(|| "expressions".to_owned()),
            alarms: alarms(&artefact, &template, &variables, place),
            got: evaluated(&mut artefact, &template, &variables, place, jit_of),
            wanted: line.result.ok_or(line.error_class),
            text,
        });
    }
    outcomes
}

/// The lines of `dpl_hash.jsonl`: what is not pinned must be missed under the name that the reference gives it.
pub(crate) fn names(root: &Path) -> Vec<Outcome> {
    let text = fs::read_to_string(root.join("dpl_hash.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Line>(line).unwrap());
    let outcomes = lines.enumerate().map(|(number, line)| {
        let mut artefact = artefact(root);
        let mut variables = line.vars.unwrap_or_default();
        let command = line.command.unwrap_or_default();
        let expression = if let Some(uri) = &line.uri {
            let identity = format!("{REPOSITORY}/jit/{uri}");
            artefact.commands.insert(identity, command.clone());
            format!("dpl.GenerateFromUri('{uri}')")
        } else {
            variables.insert("cmd".to_owned(), command.clone());
            "dpl.Generate(cmd)".to_owned()
        };
        let place = Place::Role {
            home: HOME,
            this: None,
            ancestors: &[],
        };
        let template = template::parse(&format!("{{{{ {expression} }}}}"), Span::default());
        let itself = |missed: &Missed| match missed {
            Missed::Pin { name, .. } => Some(name.clone()),
            _ => None,
        };
        Outcome {
            number: number + 1,
            group: "names".to_owned(),
            alarms: Vec::new(),
            got: evaluated(&mut artefact, &template, &variables, place, itself),
            wanted: line.result.ok_or(String::new()),
            text: command,
        }
    });
    outcomes.collect()
}
