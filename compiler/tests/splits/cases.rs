//! What is compiled, and with what.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use partita_artefact::ir::Layers;
use partita_compiler::compile::Request;
use partita_compiler::configuration;
use partita_compiler::source::{Repositories, Repository};
use proptest::prelude::*;
use serde_json::Value;

/// A workflow and all that it is given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    pub(crate) name: String,
    workflow: String,
    pub(crate) given: Layers,
    pub(crate) configuration: BTreeMap<String, String>,
    pub(crate) services: Vec<String>,
    repository: (String, PathBuf),
    roles: u64,
}

impl Case {
    pub(crate) fn request(&self, given: Layers, configuration: BTreeMap<String, String>) -> Request {
        Request {
            workflow: self.workflow.clone(),
            given,
            configuration,
            services: self.services.clone(),
            ..Request::default()
        }
    }

    pub(crate) fn repositories(&self) -> Repositories {
        let (identifier, path) = &self.repository;
        let mut repositories = Repositories::default();
        repositories
            .add(Repository::open(identifier, path).unwrap())
            .unwrap();
        repositories
    }

    pub(crate) fn is_small(&self) -> bool {
        self.roles < 150
    }
}

/// Every way in which a variable decides which files are needed, and some in which that fails.
pub(crate) const FILES: &[(&str, &str)] = &[
    (
        "workflows/w.yaml",
        "name: w\ndefaults: {hosts: '[\"a\"]', kind: x, mode: plain, load: t, strange: '', depth: '1', number: '1'}\nroles:\n\
         - name: \"h-{{ it }}\"\n  for: {range: \"{{ hosts }}\", var: it}\n  include: \"sub-{{ kind }}\"\n\
         - name: tasks\n  vars: {note: \"{{ mode + '!' }}\"}\n  roles:\n  - name: one\n    task: {load: \"{{ load }}\"}\n\
         - name: chosen\n  enabled: \"{{ mode != 'plain' }}\"\n  include: \"{{ mode == 'x' ? 'sub-x' : 'sub-' + mode }}\"\n\
         - name: undefined\n  enabled: \"{{ mode == 'odd' }}\"\n  vars: {v: \"{{ nowhere }}\"}\n  roles: [{name: t, task: {load: t}}]\n\
         - name: bad\n  enabled: \"{{ mode == 'bad' }}\"\n  vars: {v: \"{{ json.Unmarshal(strange)[0] }}\"}\n  roles: [{name: t, task: {load: t}}]\n\
         - name: counted\n  for: {begin: 1, end: \"{{ number }}\", var: i}\n  task: {load: t}\n\
         - name: far\n  enabled: \"{{ strange != '' }}\"\n  include: \"{{ strange }}\"\n",
    ),
    (
        "workflows/sub-x.yaml",
        "name: sub-x\ndefaults: {inner: one}\nroles:\n- name: \"{{ inner }}\"\n  task: {load: \"t-{{ inner }}\"}\n",
    ),
    (
        "workflows/sub-y.yaml",
        "name: sub-y\nroles:\n- name: again\n  include: \"sub-{{ kind == 'y' ? 'x' : kind }}\"\n",
    ),
    (
        "workflows/sub-z.yaml",
        "name: sub-z\nroles:\n- {name: t, task: {load: t, trigger: \"{{ moment }}\"}}\n",
    ),
    ("workflows/sub-broken.yaml", "name: sub-broken\nname: twice\n"),
    (
        "workflows/sub-loop.yaml",
        "name: sub-loop\nroles:\n- {name: l, include: \"sub-{{ kind }}\"}\n",
    ),
    (
        "tasks/t.yaml",
        "name: t\ndefaults: {size: \"1\"}\ncommand: {value: \"sleep {{ size }} {{ mode }}\"}\n",
    ),
    ("tasks/t-one.yaml", "name: t-one\ncommand: {value: \"true\"}\n"),
    (
        "tasks/t-two.yaml",
        "name: t-two\ncommand: {value: \"{{ kind }}\"}\n",
    ),
];

/// Values for the variables of [`FILES`], good and bad.
pub(crate) fn hand_made() -> impl Strategy<Value = Case> {
    let values: [(&str, &[&str]); 9] = [
        ("hosts", &["[\"a\",\"b\"]", "[]", "[\"a\"]", "x"]),
        ("kind", &["x", "y", "z", "loop", "broken", "none"]),
        ("mode", &["plain", "x", "y", "z", "odd", "bad", "broken"]),
        ("load", &["t", "t-one", "nothing", ""]),
        (
            "strange",
            &[
                "",
                "sub-x",
                "sub-x.yaml",
                "local/workflows/sub-x",
                "../secret",
                "[1]",
            ],
        ),
        ("number", &["0", "2", "x"]),
        ("inner", &["one", "two", "three"]),
        ("moment", &["enter_RUNNING", "never"]),
        ("nowhere", &["here"]),
    ];
    let one = |(name, values): (&'static str, &'static [&'static str])| {
        let value = prop::sample::select(values);
        (0..5u8, value).prop_map(move |(layer, value)| (name, layer, value))
    };
    let all: Vec<_> = values.into_iter().map(one).collect();
    all.prop_map(|chosen| {
        let mut given = Layers::default();
        for (name, layer, value) in chosen {
            let layer = match layer {
                0 => &mut given.defaults,
                1 => &mut given.vars,
                2 | 3 => &mut given.user,
                _ => continue,
            };
            layer.insert(name.to_owned(), value.to_owned());
        }
        Case {
            name: "hand-made".to_owned(),
            workflow: "w".to_owned(),
            given,
            ..Case::default()
        }
    })
}

/// The example with some of its variables.
pub(crate) fn example() -> impl Strategy<Value = Case> {
    let user = prop::sample::subsequence(
        vec![
            ("hosts", "[\"flp1\",\"flp2\"]"),
            ("monitoring_enabled", "false"),
            ("rate", "7"),
            ("run_type", "PHYSICS"),
        ],
        0..=4,
    );
    user.prop_map(|user| {
        let user = user
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        Case {
            name: "example".to_owned(),
            workflow: "readout".to_owned(),
            given: Layers {
                user: user.collect(),
                ..Layers::default()
            },
            ..Case::default()
        }
    })
}

/// The recorded cases that need no DPL program; `None`, loudly, where they are not there.
pub(crate) fn recorded() -> Option<Vec<Case>> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/conformance"));
    if !root.join("cases").is_dir() {
        eprintln!("SKIPPED: {} is not there", root.display());
        return None;
    }
    let mut folders: Vec<PathBuf> = std::fs::read_dir(root.join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.sort();
    let mut stores = BTreeMap::new();
    let cases = folders
        .iter()
        .filter_map(|folder| read(root, folder, &mut stores))
        .collect();
    Some(cases)
}

type Stores = BTreeMap<String, BTreeMap<String, String>>;

fn read(root: &Path, folder: &Path, stores: &mut Stores) -> Option<Case> {
    let json: Value = serde_json::from_slice(&std::fs::read(folder.join("case.json")).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let layer = |name: &str| {
        let layer = json["environment"][name].as_object().unwrap();
        layer
            .iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect()
    };
    let is_empty = |value: &Value| value.as_object().is_none_or(serde_json::Map::is_empty);
    if !is_empty(&json["dpl"]["command"]) || !is_empty(&json["dpl"]["uri"]) {
        return None;
    }
    let configuration = match json["config"].as_str() {
        None => BTreeMap::new(),
        Some(path) => stores
            .entry(path.to_owned())
            .or_insert_with(|| {
                configuration::parse(&std::fs::read_to_string(root.join(path)).unwrap()).unwrap()
            })
            .clone(),
    };
    let workflow = text(&json["workflow"]);
    let workflow = workflow
        .split_once("/workflows/")
        .map_or(workflow.as_str(), |(_, name)| name);
    let services = json["plugins"].as_array().unwrap();
    let size = |name| std::fs::metadata(folder.join(name)).map(|data| data.len()).ok();
    Some(Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        workflow: workflow.split('@').next().unwrap_or_default().to_owned(),
        given: Layers {
            defaults: layer("defaults"),
            vars: layer("vars"),
            user: layer("user_vars"),
        },
        configuration,
        services: services.iter().map(text).collect(),
        repository: (text(&json["repo"]["id"]), root.join(text(&json["repo"]["path"]))),
        // A role takes about a kilobyte of the recorded result.
        roles: size("expected.json").map_or(u64::MAX, |size| size / 1000),
    })
}
