//! Agreement with the reference on every line of `../shared/conformance/{expressions,functions}.jsonl`.
//!
//! A line agrees if both sides give the same text, or both refuse. Error texts are ours. The floors may only rise.
#![allow(
    clippy::expect_used,
    reason = "the data is ours; if it cannot be read the test must fail"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use partita_artefact::evaluate::{
    Context, Dpl, ErrorKind, EvaluateError, Place, RoleName, Snapshot, Time, Variables, World, evaluate,
};
use partita_artefact::ir::{Edition, Span};
use partita_compiler::syntax::template;
use saphyr_parser::{Event, Parser};
use serde::Deserialize;

/// Lines of each file that must agree.
const FLOORS: [(&str, usize); 2] = [("expressions.jsonl", 2135), ("functions.jsonl", 1018)];

/// Lines that differ on purpose: a part of the expression, and why.
const DELIBERATE: &[(&str, &str)] = &[
    ("config.Get('qc/ANY/any/qc-daq')", PAYLOAD),
    ("config.Get('qc/ANY/any/shared')", PAYLOAD),
    ("GetConfig('qc/ANY/any/qc-daq')", PAYLOAD),
    ("GetConfig('qc/ANY/any/shared')", PAYLOAD),
];

const PAYLOAD: &str = "payloads need the template engine of the next issue";

#[derive(Deserialize)]
struct Line {
    expr: Option<String>,
    text: Option<String>,
    vars: Option<BTreeMap<String, String>>,
    result: Option<String>,
    error_class: Option<String>,
    ctx: Option<String>,
    origin: Option<String>,
    function: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    default_vars: BTreeMap<String, String>,
}

fn conformance() -> Option<PathBuf> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance"));
    if folder.is_dir() {
        return Some(folder.to_owned());
    }
    eprintln!("SKIPPED: no conformance data at {}", folder.display());
    None
}

/// The world that the data was made in.
struct DataWorld<'a> {
    snapshot: Snapshot<'a>,
    repository: PathBuf,
}

impl World for DataWorld<'_> {
    fn configuration(&self, key: &str) -> Option<String> {
        self.snapshot.configuration(key)
    }

    fn configuration_keys(&self, prefix: &str) -> Vec<String> {
        self.snapshot.configuration_keys(prefix)
    }

    fn services(&self) -> &[String] {
        self.snapshot.services()
    }

    fn uid(&self) -> String {
        self.snapshot.uid()
    }

    fn runtime_set(&self, component: &str, key: &str, value: &str) -> Result<(), String> {
        self.snapshot.runtime_set(component, key, value)
    }

    fn now(&self) -> Option<Time> {
        Some(Time { nanoseconds: 0 })
    }

    fn base_variable(&self, name: &str) -> Option<String> {
        match name {
            "pdp_o2_data_processing_hash" => Some("BASEHASH".to_owned()),
            "pdp_o2pdpsuite_version" => Some("BASESUITE".to_owned()),
            _ => None,
        }
    }

    fn dpl(&self, request: &Dpl<'_>, variables: &dyn Variables) -> Result<String, String> {
        let (uri, fallback) = match *request {
            Dpl::Command(command) => {
                self.text(command, variables)?;
                return Ok("jit-of-command".to_owned());
            }
            Dpl::Uri(uri) => (uri, false),
            Dpl::UriOrTemplate(uri) => (uri, true),
        };
        match std::fs::read_to_string(self.repository.join("jit").join(uri)) {
            Ok(command) => self.text(&command, variables).map(|_| format!("jit-of-{uri}")),
            Err(_) if fallback => Ok(uri.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn legacy_payload(
        &self,
        _path: &str,
        payload: String,
        variables: &dyn Variables,
    ) -> Result<String, String> {
        self.text(&payload, variables)
    }
}

impl DataWorld<'_> {
    fn text(&self, text: &str, variables: &dyn Variables) -> Result<String, String> {
        let template = template::parse(text, Span::default());
        evaluate(
            &template,
            &Context {
                variables,
                place: Place::Dpl,
                world: self,
                edition: Edition::Aliecs,
            },
        )
        .map_err(|error| error.to_string())
    }
}

/// The keys of a store in the file layout: nested maps, an empty one is a folder.
fn store(text: &str) -> BTreeMap<String, String> {
    let mut store = BTreeMap::new();
    let mut path: Vec<Option<String>> = Vec::new();
    let mut empty = false;
    for event in Parser::new_from_str(text) {
        match event.expect("the store is YAML").0 {
            Event::MappingStart(..) => {
                path.push(None);
                empty = true;
            }
            Event::MappingEnd => {
                path.pop();
                let key: Vec<_> = path.iter().flatten().cloned().collect();
                if empty {
                    store.insert(format!("{}/", key.join("/")), String::new());
                }
                empty = false;
                if let Some(last) = path.last_mut() {
                    *last = None;
                }
            }
            Event::Scalar(value, ..) => {
                empty = false;
                let key: Vec<_> = path.iter().flatten().cloned().collect();
                let last = path.last_mut().expect("scalars stand in a map");
                if last.take().is_some() {
                    store.insert(key.join("/"), value.into_owned());
                } else {
                    *last = Some(value.into_owned());
                }
            }
            _ => {}
        }
    }
    store
}

struct Outcome {
    group: String,
    field: String,
    wanted: Result<String, String>,
    got: Result<String, EvaluateError>,
}

impl Outcome {
    fn agrees(&self) -> bool {
        match (&self.wanted, &self.got) {
            (Ok(wanted), Ok(got)) => wanted == got,
            (Err(_), Err(_)) => true,
            _ => false,
        }
    }

    /// Whether a refusal was for the same kind of mistake.
    fn same_kind(&self) -> bool {
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

    fn deliberate(&self) -> Option<&'static str> {
        DELIBERATE
            .iter()
            .find(|(part, _)| self.field.contains(part))
            .map(|(_, reason)| *reason)
    }
}

fn run(folder: &Path, file: &str) -> Vec<Outcome> {
    let text = std::fs::read_to_string(folder.join(file)).expect("the data is readable");
    let config = std::fs::read_to_string(folder.join("configs/p2.yaml")).expect("the store is readable");
    let store = store(&config);
    let services = [
        "bookkeeping",
        "ccdb",
        "dcs",
        "ddsched",
        "kafka",
        "lhc",
        "odc",
        "testplugin",
        "trg",
    ]
    .map(str::to_owned);
    let world = DataWorld {
        snapshot: Snapshot::new(&store, &services, || "2fixedUidXX".to_owned()),
        repository: folder.join("repos/lang"),
    };
    let ancestors = [
        RoleName {
            name: "b",
            path: "root.a.b",
        },
        RoleName {
            name: "a",
            path: "root.a",
        },
        RoleName {
            name: "root",
            path: "root",
        },
    ];
    let mut defaults = BTreeMap::new();
    let mut outcomes = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if number == 0 && file == "functions.jsonl" {
            defaults = serde_json::from_str::<Header>(line)
                .expect("the header")
                .default_vars;
            continue;
        }
        let line: Line = serde_json::from_str(line).expect("a line");
        let exactly = line
            .function
            .as_deref()
            .is_some_and(|function| function.starts_with("odc."));
        let variables: BTreeMap<String, String> = match line.vars {
            Some(vars) if exactly => vars,
            vars => defaults
                .clone()
                .into_iter()
                .chain(vars.unwrap_or_default())
                .collect(),
        };
        let field = line
            .text
            .unwrap_or_else(|| format!("{{{{ {} }}}}", line.expr.unwrap_or_default()));
        let place = match line.ctx.as_deref() {
            Some("range") => Place::Range,
            Some("task") => Place::Task,
            _ => Place::Role {
                this: Some(RoleName {
                    name: "leaf",
                    path: "root.a.b.leaf",
                }),
                ancestors: &ancestors,
            },
        };
        let template = template::parse(&field, Span::default());
        let got = evaluate(
            &template,
            &Context {
                variables: &variables,
                place,
                world: &world,
                edition: Edition::Aliecs,
            },
        );
        let wanted = line.result.ok_or_else(|| line.error_class.unwrap_or_default());
        let group = line.function.or(line.origin).unwrap_or_default();
        outcomes.push(Outcome {
            group,
            field,
            wanted,
            got,
        });
    }
    outcomes
}

#[test]
fn agrees_with_the_reference() {
    let Some(folder) = conformance() else { return };
    for (file, floor) in FLOORS {
        let outcomes = run(&folder, file);
        let mut table: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for outcome in &outcomes {
            let row = table.entry(&outcome.group).or_default();
            row[0] += 1;
            row[1] += usize::from(outcome.agrees());
            row[2] += usize::from(!outcome.agrees() && outcome.deliberate().is_some());
            if !outcome.agrees() {
                let note = outcome.deliberate().unwrap_or("");
                println!(
                    "{} wanted {:?}, got {:?} {note}",
                    outcome.field, outcome.wanted, outcome.got
                );
            }
        }
        println!("{file}: group, lines, agree, differ on purpose");
        for (group, [lines, agree, deliberate]) in &table {
            println!("  {group:45} {lines:5} {agree:5} {deliberate:5}");
        }
        let agree = outcomes.iter().filter(|outcome| outcome.agrees()).count();
        let kinds = outcomes
            .iter()
            .filter(|outcome| outcome.agrees() && outcome.same_kind())
            .count();
        println!(
            "  {file}: {agree} of {} agree, {kinds} also in the kind of mistake",
            outcomes.len()
        );
        assert!(agree >= floor, "{file}: {agree} lines agree, {floor} did before");
        let unexplained = outcomes
            .iter()
            .filter(|outcome| !outcome.agrees() && outcome.deliberate().is_none())
            .count();
        assert_eq!(
            unexplained, 0,
            "{file}: lines that differ and are not in the list of deliberate ones"
        );
    }
}
