//! What is done with the bytes of each fuzz target. No input may make it panic, hang, run out of stack or memory.
//!
//! A file of its own, because two build it: the fuzzers, and the test that feeds them the corpus.

use std::collections::BTreeMap;

use partita_artefact::codec::{MAGIC, decode, encode};
use partita_artefact::digest::Digest;
use partita_artefact::evaluate::{Context, Home, Place, RoleName, Snapshot, Variables, World, evaluate};
use partita_artefact::instance::Moment;
use partita_artefact::instantiate::{Limits, instantiate_within};
use partita_artefact::ir::{Artefact, Edition, FORMAT, Layers, Source, Span, Template};
use partita_artefact::{duration, show};
use partita_compiler::diagnostic::{Diagnostic, SourceMap};
use partita_compiler::settings::Settings;
use partita_compiler::source::{Location, ROOTS, Repositories, Repository};
use partita_compiler::syntax::template;
use partita_compiler::{check, compile, configuration, decode as files, lock, render, yaml};

/// A target: its name, which is that of its folder in `corpus/` too, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: [Target; 8] = [
    ("artefact", artefact),
    ("expression", expression),
    ("lock", lock),
    ("payload", payload),
    ("repository", repository),
    ("settings", settings),
    ("words", words),
    ("yaml", yaml),
];

/// Small enough that a tree is made in no time: the limits themselves have tests of their own.
const LIMITS: Limits = Limits {
    depth: 20,
    includes: 5,
    roles: 100,
    text: 1 << 20,
    errors: 10,
};

/// Findings that are drawn with their frames: drawing costs more than finding.
const DRAWN: usize = 2;

/// An artefact, without the beginning that every one has. What can be read can be written, is then itself again, and
/// makes a tree or says why not.
pub fn artefact(body: &[u8]) {
    // Most bytes are no artefact at all; with the right beginning they are at least taken for one.
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(body);
    let Ok(artefact) = decode(&bytes) else {
        return;
    };
    let written = encode(&artefact).expect("what was read can be written");
    let again = decode(&written).expect("what was written can be read");
    assert_eq!(encode(&again), Ok(written), "one artefact has one form");
    make(&artefact);
}

/// Makes the tree of an artefact, and all that a deployment of it needs.
fn make(artefact: &Artefact) {
    let world = Snapshot::new(artefact, || "uid".to_owned());
    if let Ok(instance) = instantiate_within(artefact, &artefact.given, &world, &LIMITS) {
        let dry = show::Dry::new(artefact, &instance, &world);
        let detail = show::Detail {
            stacks: false,
            dry: Some(&dry),
        };
        let _ = show::json(artefact, &instance, &detail);
    }
}

/// Text around expressions, in each edition.
pub fn expression(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let artefact = Artefact {
        configuration: [
            ("o2/hardware/detectors/TPC/flps/h1/cards", "{\"0\":{}}"),
            ("o2/components/c/ANY/any/p", "{{ a }} {% if n %}x{% endif %}"),
        ]
        .map(owned)
        .into(),
        ..Artefact::default()
    };
    let world = Snapshot::new(&artefact, || "uid".to_owned());
    let variables = BTreeMap::from([("a", "A"), ("hosts", "[\"h1\",\"h2\"]"), ("n", "3")].map(owned));
    for edition in Edition::ALL {
        let parsed = template::parse_in(edition, text, Span::default());
        let _ = value(&parsed, &variables, &world, edition);
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn value(
    template: &Template,
    variables: &dyn Variables,
    world: &dyn World,
    edition: Edition,
) -> Option<String> {
    let this = RoleName {
        name: "r",
        path: "w.r",
    };
    let place = Place::Role {
        home: Home::default(),
        this: Some(this),
        ancestors: &[RoleName { name: "w", path: "w" }],
    };
    let context = Context {
        variables,
        place,
        world,
        edition,
        within: 0,
    };
    evaluate(template, &context).ok()
}

/// A payload of the configuration store, with one that it may include.
pub fn payload(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let artefact = Artefact {
        configuration: [
            ("o2/components/c/ANY/any/p", text),
            (
                "o2/components/c/ANY/any/q",
                "{{ a }}{% for x in l %}{{ x }}{% endfor %}",
            ),
        ]
        .map(owned)
        .into(),
        ..Artefact::default()
    };
    let world = Snapshot::new(&artefact, || "uid".to_owned());
    let variables = BTreeMap::from([("a", "A<b>"), ("l", "[\"x\",\"y\"]"), ("n", "3")].map(owned));
    let get = template::parse("{{ config.Get('c/ANY/any/p') }}", Span::default());
    for edition in Edition::ALL {
        value(&get, &variables, &world, edition);
    }
}

/// A workflow repository: files, each below a line `@<path>`. It is checked and compiled, and what came of it does the
/// same after it has been written and read.
pub fn repository(bytes: &[u8]) {
    let repository = Repository::in_memory("r", files_of(bytes));
    let mut repositories = Repositories::default();
    if repositories.add(repository).is_err() {
        return;
    }
    if let Ok(report) = check::check(&repositories, None) {
        draw(&report.diagnostics, &report.sources);
    }
    let request = compile::Request {
        workflow: "w".to_owned(),
        given: Layers::default(),
        limits: LIMITS,
        ..compile::Request::default()
    };
    let outcome = compile::compile(&request, &repositories);
    draw(&outcome.diagnostics, &outcome.sources);
    if let Some(artefact) = outcome.artefact {
        let Ok(written) = encode(&artefact) else {
            return;
        };
        let read = decode(&written).expect("what was written can be read");
        assert_eq!(encode(&read), Ok(written), "one artefact has one form");
        make(&read);
    }
}

fn files_of(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::<String, Vec<u8>>::new();
    let mut path = "workflows/w.yaml".to_owned();
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(b"@") {
            Some(name) => String::from_utf8_lossy(name).trim_end().clone_into(&mut path),
            None => files.entry(path.clone()).or_default().extend(line),
        }
    }
    files
}

fn draw(diagnostics: &[Diagnostic], sources: &SourceMap) {
    let some = diagnostics.get(..DRAWN).unwrap_or(diagnostics);
    let _ = render::full(some, sources, false);
}

/// The settings of a repository.
pub fn settings(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (sources, source) = only(text);
        draw(&Settings::parse(text, source).1, &sources);
    }
}

/// What a repository has pinned.
pub fn lock(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let (sources, source) = only(text);
        draw(&lock::parse(text, source).1, &sources);
    }
}

fn only(text: &str) -> (SourceMap, u32) {
    let mut sources = SourceMap::default();
    let source = sources.add(Source::default(), text.to_owned());
    (sources, source)
}

/// The little languages, each a line or a word.
pub fn words(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let _ = duration::parse(text);
    let _ = Moment::check(text);
    if let Some(moment) = Moment::parse(text) {
        let _ = moment.to_string();
    }
    for folder in ROOTS {
        if let Ok(location) = Location::parse(text, folder) {
            let _ = location.path();
        }
    }
    let _ = yaml::scalar::resolve_plain(text);
    let _ = text.parse::<Digest>();
    let _ = text.parse::<Edition>();
}

/// Everything that is written in YAML.
pub fn yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (sources, source) = only(text);
    for edition in Edition::ALL {
        draw(&files::workflow(text, source, edition).diagnostics, &sources);
    }
    draw(
        &files::task_class(text, source, Edition::Aliecs).diagnostics,
        &sources,
    );
    let _ = configuration::parse(text);
}
