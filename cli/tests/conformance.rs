//! The cases of `../shared/conformance` from the command line: compiled, shown, and compared by the script that comes
//! with the data.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails loudly on data that is not as described"
)]
#![allow(clippy::disallowed_methods, reason = "a test stands at the edge")]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use partita_compiler::configuration;
use serde_json::{Map, Value, json};
use support::{Home, stderr, stdout};

#[test]
fn agrees_with_the_reference() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    if !root.join("cases").is_dir() {
        eprintln!("SKIPPED: {} is not there", root.display());
        return;
    }
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: there is no python3 to compare with");
        return;
    }
    let home = Home::new();
    let produced = home.path().join("produced");
    fs::create_dir(&produced).unwrap();
    let names = fs::read_dir(root.join("cases")).unwrap();
    let names: Vec<_> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let waiting = Mutex::new(names.into_iter());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(name) = waiting.lock().unwrap().next() else {
                        return;
                    };
                    let result = Case::new(&root, &home, &name).result();
                    fs::write(produced.join(format!("{name}.json")), result).unwrap();
                }
            });
        }
    });
    let script = Command::new("python3")
        .arg(root.join("check_conformance.py"))
        .arg(&produced)
        .output()
        .unwrap();
    let report = String::from_utf8(script.stdout).unwrap();
    println!("{report}");
    let differ: BTreeSet<&str> = report
        .lines()
        .filter_map(|line| {
            line.strip_prefix("DIFFER")
                .or_else(|| line.strip_prefix("MISSING"))
        })
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    assert_eq!(
        differ,
        deliberate(),
        "what differs, and what docs/differences.md lists"
    );
}

/// The trees that may differ: the first two columns of the table in `docs/differences.md`.
fn deliberate() -> BTreeSet<&'static str> {
    let page = include_str!("../../docs/differences.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| trees | `"));
    rows.filter_map(|row| row.split('`').next()).collect()
}

/// One case, in a folder of its own.
struct Case<'a> {
    root: &'a Path,
    home: &'a Home,
    folder: PathBuf,
    input: Value,
}

impl<'a> Case<'a> {
    fn new(root: &'a Path, home: &'a Home, name: &str) -> Self {
        let case = fs::read(root.join("cases").join(name).join("case.json")).unwrap();
        let folder = home.path().join(name);
        fs::create_dir(&folder).unwrap();
        Self {
            root,
            home,
            folder,
            input: serde_json::from_slice(&case).unwrap(),
        }
    }

    /// What the command line makes of it, in the form of the data.
    fn result(&self) -> String {
        let artefact = self.folder.join("artefact");
        let compiled = self.compiled(&artefact);
        if !compiled.status.success() {
            let text = stderr(&compiled);
            return json!({ "error": text, "stage": stage(&text) }).to_string();
        }
        let shown = self
            .partita()
            .arg("show")
            .arg(&artefact)
            .args(["--json", "--dry"])
            .output();
        stdout(&shown.unwrap())
    }

    fn partita(&self) -> Command {
        let mut command = self.home.partita();
        command.arg("--store").arg(self.folder.join("store"));
        command
    }

    /// Compiles, and pins what the case says that DPL commands make, as long as there are more of them.
    fn compiled(&self, artefact: &Path) -> Output {
        let text = |pointer: &str| {
            self.input
                .pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let environment = self.folder.join("environment.json");
        fs::write(&environment, self.input["environment"].to_string()).unwrap();
        let services: Vec<&str> = self.input["plugins"]
            .as_array()
            .map(|plugins| plugins.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let repository = format!(
            "{}={}@{}",
            text("/repo/id"),
            self.root.join(text("/repo/path")).display(),
            text("/repo/revision")
        );
        let workflow = text("/workflow");
        let mut lock = BTreeMap::new();
        let mut store: Option<BTreeMap<String, String>> = None;
        let mut config = self.input["config"].as_str().map(|path| self.root.join(path));
        loop {
            let mut command = self.partita();
            // A revision in the request is ignored there.
            command.args([
                "compile",
                workflow.split('@').next().unwrap_or_default(),
                "--closed",
            ]);
            command
                .args(["--repo", &repository])
                .arg("--environment")
                .arg(&environment);
            command.arg("--out").arg(artefact);
            if let Some(config) = &config {
                command.arg("--config").arg(config);
            }
            if !services.is_empty() {
                command.arg("--services").arg(services.join(","));
            }
            if !lock.is_empty() {
                command.arg("--lock").arg(self.locked(&lock));
            }
            let output = command.output().unwrap();
            let said = stderr(&output);
            let mut new = false;
            for (name, workflow) in self.unpinned(&said) {
                new |= lock.insert(name, workflow).is_none();
            }
            // In the data, configuration URIs in commands are not looked up.
            for path in missing_payloads(&said) {
                let store = store.get_or_insert_with(|| {
                    let text = config.as_ref().map(|config| fs::read_to_string(config).unwrap());
                    configuration::parse(&text.unwrap_or_default()).unwrap()
                });
                new |= store
                    .insert(format!("o2/components/{path}"), String::new())
                    .is_none();
                let path = self.folder.join("config.json");
                fs::write(&path, nested(store).to_string()).unwrap();
                config = Some(path);
            }
            if !new {
                return output;
            }
        }
    }

    /// Names of results that are not pinned, with what the case says of them. What is said looks like this:
    /// ``what the DPL command in `jit/URI` makes is not pinned: … `NAME` …``
    fn unpinned(&self, said: &str) -> Vec<(String, String)> {
        let pin = |line: &str| {
            let (_, rest) = line.split_once("what the DPL command ")?;
            let mut quoted = rest.split('`').skip(1).step_by(2);
            let (what, name) = (quoted.next()?, quoted.next()?);
            let made = match what.strip_prefix("jit/").filter(|_| rest.starts_with("in ")) {
                Some(uri) => self.input["dpl"]["uri"].get(uri),
                None => self.input["dpl"]["command"].get(what),
            };
            Some((name.to_owned(), made?.as_str()?.to_owned()))
        };
        said.lines().filter_map(pin).collect()
    }

    fn locked(&self, lock: &BTreeMap<String, String>) -> PathBuf {
        let mut text = "[workflows]\n".to_owned();
        for (name, workflow) in lock {
            writeln!(text, "{name} = \"{workflow}\"").unwrap();
        }
        let path = self.folder.join("partita.lock");
        fs::write(&path, text).unwrap();
        path
    }
}

fn missing_payloads(said: &str) -> Vec<String> {
    let path = |line: &str| {
        let (_, uri) = line.split_once("the payload `")?;
        let (uri, _) = uri.split_once('`')?;
        let (_, path) = uri.split_once("components/")?;
        Some(path.split('?').next().unwrap_or_default().to_owned())
    };
    said.lines().filter_map(path).collect()
}

/// Full keys as the nested mappings that `--config` reads.
fn nested(store: &BTreeMap<String, String>) -> Value {
    let mut root = Map::new();
    for (key, value) in store {
        let (folder, last) = match key.strip_suffix('/') {
            Some(folder) => (folder, None),
            None => key
                .rsplit_once('/')
                .map_or(("", Some(key.as_str())), |(folder, last)| (folder, Some(last))),
        };
        let mut inside = &mut root;
        for element in folder.split('/').filter(|element| !element.is_empty()) {
            let next = inside.entry(element).or_insert_with(|| json!({}));
            inside = next.as_object_mut().unwrap();
        }
        if let Some(last) = last {
            inside.insert(last.to_owned(), json!(value));
        }
    }
    Value::Object(root)
}

/// Whether the templates fail or the task templates: the reference reads the latter when all else is well.
fn stage(said: &str) -> &'static str {
    let blocks = said.split("error[").skip(1);
    let mut of_classes = blocks.map(|block| {
        let block = block.split("\nwarning[").next().unwrap_or_default();
        let place = block.lines().find(|line| line.trim_start().starts_with("--> "));
        block.contains("task template") || place.is_some_and(|place| place.contains("tasks/"))
    });
    if of_classes.all(|of_class| of_class) {
        "classes"
    } else {
        "load"
    }
}
