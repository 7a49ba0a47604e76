//! The recorded cases of `../shared/conformance/runtime`, step by step, on the local cluster with hosts host1 and
//! host2. `harness = false`: this program plays executor and task too. Steps that only the interface could do, and
//! what follows a step marked as a defect of the reference, are not compared.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, though without the harness by which clippy would know it for one"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use partita_artefact::evaluate::Snapshot as World;
use partita_artefact::instance::Instance;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Layers};
use partita_compiler::compile::{Request, compile};
use partita_compiler::source::{Repositories, Repository};
use partita_core::core::{Core, CoreError, Outcome, Snapshot, User};
use partita_core::environment::plan::Mode;
use partita_core::environment::{DestroyOptions, State, Transition};
use partita_services::{Registry, TestPlugin};
use serde_json::{Map, Value};

mod support;

/// Cases that must agree; raised as more do.
const FLOOR: usize = 43;
/// Cases run at once.
const AT_ONCE: usize = 6;
/// The reference is looked at so long after each step (README of the cases).
const SETTLE: Duration = Duration::from_millis(300);
/// A machine that is busy with other tests is slower than that of the recording: it is looked at so often.
const LOOKS: usize = 5;
/// Longest time for a whole case; the longest took 12 s on the reference.
const LIMIT: Duration = Duration::from_mins(1);

struct Case {
    core: Arc<Core>,
    spec: Value,
    repository: PathBuf,
    trace: PathBuf,
    lines: usize,
    environments: BTreeMap<String, String>,
    /// Processes of OCC tasks ever seen, by environment and role path.
    tasks: BTreeMap<String, BTreeMap<String, u32>>,
    runs: BTreeSet<u32>,
    watched: BTreeMap<String, BTreeMap<String, String>>,
    background: BTreeMap<String, tokio::task::JoinHandle<Map<String, Value>>>,
}

/// What the reference's interface says to an outcome.
fn result(outcome: &Result<Outcome, CoreError>) -> Map<String, Value> {
    let mut seen = Map::new();
    let mut say = |result: &str| seen.insert("result".to_owned(), result.into());
    match outcome {
        Ok(outcome) => {
            say("OK");
            seen.insert("reply".to_owned(), outcome.state.name().into());
        }
        // GO_ERROR has worked: the reference answers OK, with the state.
        Err(CoreError::Failed { state, .. }) if *state != State::Done => {
            say("OK");
            seen.insert("reply".to_owned(), state.name().into());
        }
        Err(CoreError::Refused {
            state: State::Error, ..
        }) => drop(say("ABORTED")),
        Err(CoreError::Refused { .. }) => drop(say("FAILED_PRECONDITION")),
        Err(CoreError::NotFound(_)) => drop(say("NOT_FOUND")),
        Err(_) => drop(say("INTERNAL")),
    }
    seen
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The interface refuses what cannot be an identity.
fn is_id(text: &str) -> bool {
    text.len() == 11 && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

fn is_alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    state.is_some_and(|state| !"ZX".contains(state))
}

impl Case {
    /// Puts the files of the case into a repository, and starts a core for it.
    fn install(folder: &Path, work: &Path) -> Self {
        let read = |path: &Path| {
            std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let (repository, trace, idle) = (work.join("workflows"), work.join("trace"), work.join("idle"));
        std::fs::write(&trace, "").expect("a trace");
        let program = support::myself().into_string().expect("a path in UTF-8");
        std::fs::write(&idle, format!("#!/bin/sh\nexec '{program}' idle \"$@\"\n")).expect("a script");
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&idle, executable).expect("a script");
        for part in ["workflows", "tasks"] {
            let to = repository.join(part);
            std::fs::create_dir_all(&to).expect("a folder");
            for file in std::fs::read_dir(folder.join(part))
                .into_iter()
                .flatten()
                .flatten()
            {
                let content = read(&file.path())
                    .replace("@OCC_LIGHT@", &idle.display().to_string())
                    .replace("@TRACE@", &trace.display().to_string());
                std::fs::write(to.join(file.file_name()), content).expect("a file");
            }
        }
        let services = Registry::new(vec![Arc::new(TestPlugin)]).expect("one service");
        let config = support::config(&work.join("state"), &["host1", "host2"], services);
        Self {
            core: Arc::new(Core::start(config).expect("a core")),
            spec: serde_json::from_str(&read(&folder.join("steps.json"))).expect("steps"),
            repository,
            trace,
            lines: 0,
            environments: BTreeMap::new(),
            tasks: BTreeMap::new(),
            runs: BTreeSet::new(),
            watched: BTreeMap::new(),
            background: BTreeMap::new(),
        }
    }

    /// Compiles a workflow of the case and makes its tree.
    fn load(&self, workflow: &str, given: &Layers) -> Result<(Arc<Artefact>, Instance), String> {
        let request = Request {
            workflow: workflow.to_owned(),
            given: given.clone(),
            services: vec!["testplugin".to_owned()],
            ..Request::default()
        };
        let repository = Repository::open("local", &self.repository).expect("a repository");
        let mut repositories = Repositories::open::<&str>(&[]).unwrap_or_default();
        repositories.add(repository).expect("the first");
        let outcome = compile(&request, &repositories);
        let artefact = outcome
            .artefact
            .ok_or_else(|| format!("{:?}", outcome.diagnostics))?;
        let instance = {
            let world = World::new(&artefact, String::new);
            instantiate(&artefact, given, &world).map_err(|errors| format!("{errors:?}"))?
        };
        Ok((Arc::new(artefact), instance))
    }

    async fn create(&mut self, step: &Value, name: &str) -> Map<String, Value> {
        let id = self.core.new_id().expect("an identity");
        let mut given = Layers::default();
        given.vars.insert("environment_id".to_owned(), id.clone());
        for (key, value) in step.get("vars").and_then(Value::as_object).into_iter().flatten() {
            given
                .user
                .insert(key.clone(), value.as_str().unwrap_or_default().to_owned());
        }
        let (artefact, instance) = match self.load(text(step, "workflow"), &given) {
            Ok(loaded) => loaded,
            Err(why) => return Map::from_iter([("result".to_owned(), why.into())]),
        };
        let outcome = match self
            .core
            .create(support::wanted(
                id.clone(),
                artefact,
                instance,
                flag(step, "autoTransition"),
            ))
            .await
        {
            Ok(creation) => creation.outcome.wait().await,
            Err(error) => Err(error),
        };
        if outcome.is_ok() {
            self.environments.insert(name.to_owned(), id);
        }
        result(&outcome)
    }

    async fn act(&mut self, step: &Value, name: &str) -> Map<String, Value> {
        let id = self
            .environments
            .get(name)
            .cloned()
            .unwrap_or_else(|| text(step, "id").to_owned());
        let core = Arc::clone(&self.core);
        let only_result = |result: &str| Map::from_iter([("result".to_owned(), result.into())]);
        match text(step, "do") {
            "event" | "destroy" | "get" if !is_id(&id) => return only_result("INVALID_ARGUMENT"),
            "get" => {
                let found = core.snapshot(&id).await.is_ok();
                return only_result(if found { "OK" } else { "NOT_FOUND" });
            }
            "create" => return self.create(step, name).await,
            "event" => {
                let transition = match text(step, "event") {
                    "START_ACTIVITY" => Transition::Start,
                    "STOP_ACTIVITY" => Transition::Stop,
                    "CONFIGURE" => Transition::Configure,
                    "RESET" => Transition::Reset,
                    "DEPLOY" => Transition::Deploy,
                    // What the interface says before a core hears of it: there are no other events.
                    _ if core.snapshot(&id).await.is_err() && is_id(&id) => {
                        return only_result("NOT_FOUND");
                    }
                    _ => return only_result("INVALID_ARGUMENT"),
                };
                let call = async move { result(&core.transition(&id, transition).await) };
                if let Some(background) = step.get("background").and_then(Value::as_str) {
                    self.background.insert(background.to_owned(), tokio::spawn(call));
                } else {
                    return call.await;
                }
            }
            "destroy" => {
                let options = DestroyOptions {
                    allow_in_running: flag(step, "allowInRunningState"),
                    force: flag(step, "force"),
                    keep_tasks: flag(step, "keepTasks"),
                };
                let mut seen = result(&core.destroy(&id, options).await);
                seen.remove("reply");
                return seen;
            }
            "join" => {
                let joined = self.background.remove(text(step, "of")).expect("begun before");
                return joined.await.expect("no panic");
            }
            "kill" => {
                let pid = self
                    .tasks
                    .get(name)
                    .and_then(|tasks| tasks.get(text(step, "role")));
                let pid = pid.and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(*pid).ok()?));
                let signal = match text(step, "signal") {
                    "SIGTERM" => rustix::process::Signal::TERM,
                    _ => rustix::process::Signal::KILL,
                };
                rustix::process::kill_process(pid.expect("seen before"), signal).expect("it lives");
            }
            "cleanup" => {
                core.cleanup(User::default()).await.expect("a core");
                return only_result("OK");
            }
            _ => {}
        }
        let seconds = step.get("seconds").and_then(Value::as_f64).unwrap_or_default();
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        Map::new()
    }

    /// What there is to see of an environment now.
    async fn look(&mut self, name: &str) -> Map<String, Value> {
        let mut seen = Map::new();
        if let Some(id) = self.environments.get(name) {
            match self.core.snapshot(id).await {
                Ok(snapshot) => self.describe(name, &snapshot, &mut seen),
                Err(_) => drop(seen.insert("state".to_owned(), "NOT_FOUND".into())),
            }
        }
        if let Some(tasks) = self.tasks.get(name) {
            let alive = tasks
                .iter()
                .filter(|(_, pid)| is_alive(**pid))
                .map(|(path, _)| path.clone());
            seen.insert("alive".to_owned(), alive.collect::<Vec<_>>().into());
        }
        let trace = std::fs::read_to_string(&self.trace).unwrap_or_default();
        let lines: Vec<String> = trace
            .lines()
            .skip(self.lines)
            .map(|line| self.normal(line))
            .collect();
        self.lines += lines.len();
        seen.insert("trace".to_owned(), lines.into());
        seen
    }

    fn describe(&mut self, name: &str, snapshot: &Snapshot, seen: &mut Map<String, Value>) {
        seen.insert("state".to_owned(), snapshot.state.name().into());
        seen.insert("run".to_owned(), snapshot.run.is_some().into());
        if let Some(transition) = snapshot.transition {
            seen.insert("transition".to_owned(), transition.name().into());
        }
        self.runs.extend(snapshot.run);
        let all: BTreeMap<&str, String> = snapshot
            .roles
            .iter()
            .map(|role| (role.path.as_str(), format!("{}/{}", role.state, role.status)))
            .collect();
        let differs = |(path, value): &(&&str, &String)| {
            let parent = path.rsplit_once('.').and_then(|(parent, _)| all.get(parent));
            parent != Some(*value) && *value != "UNKNOWN/ACTIVE"
        };
        let roles = all
            .iter()
            .filter(differs)
            .map(|(path, value)| ((*path).to_owned(), value.clone().into()));
        seen.insert("roles".to_owned(), Value::Object(roles.collect()));
        for role in &snapshot.roles {
            if let Some(task) = role
                .task
                .as_ref()
                .filter(|task| task.mode == Mode::Stateful && task.pid > 1)
            {
                self.tasks
                    .entry(name.to_owned())
                    .or_default()
                    .insert(role.path.clone(), task.pid);
            }
        }
        let watch = self
            .spec
            .get("watch")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let old = self.watched.remove(name).unwrap_or_default();
        let mut new = BTreeMap::new();
        for variable in watch.iter().filter_map(Value::as_str) {
            let (path, variable_name) = variable.rsplit_once('|').unwrap_or(("", variable));
            let role = snapshot
                .roles
                .iter()
                .position(|role| path.is_empty() || role.path == path);
            let seen = role.and_then(|role| snapshot.role(role));
            let value = seen.and_then(|(_, stack)| stack.get(variable_name).map(str::to_owned));
            new.insert(variable.to_owned(), value.unwrap_or_else(|| "<unset>".to_owned()));
        }
        let history = |values: &BTreeMap<String, String>| -> Vec<String> {
            let text = values.get("call_history").cloned().unwrap_or_default();
            text.split(',')
                .filter(|call| !matches!(*call, "" | "<unset>"))
                .map(str::to_owned)
                .collect()
        };
        if new.contains_key("call_history") {
            let calls: Vec<String> = history(&new).into_iter().skip(history(&old).len()).collect();
            seen.insert("calls".to_owned(), calls.into());
        }
        if !new.is_empty() {
            let changed = new.iter().filter(|(variable, value)| {
                variable.as_str() != "call_history"
                    && old.get(*variable).map_or("<unset>", String::as_str) != value.as_str()
            });
            let shown = changed.map(|(variable, value)| {
                let number = variable.ends_with("run_number") && value.parse::<u32>().is_ok();
                let value = if number {
                    "<run>".to_owned()
                } else {
                    self.normal(value)
                };
                (variable.clone(), Value::from(value))
            });
            let shown = Value::Object(shown.collect());
            seen.insert("vars".to_owned(), shown);
        }
        self.watched.insert(name.to_owned(), new);
    }

    /// Text without what is different each time.
    fn normal(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for id in self.environments.values() {
            text = text.replace(id, "<env>");
        }
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut out = String::new();
        for word in text.split_inclusive(|c: char| !is_word(c)) {
            let end = word.trim_end_matches(|c: char| !is_word(c));
            let rest = &word[end.len()..];
            let stamp = end.len() == 13 && end.starts_with('1') && end.bytes().all(|b| b.is_ascii_digit());
            let run = end.parse::<u32>().is_ok_and(|number| self.runs.contains(&number));
            out.push_str(if stamp {
                "<ms>"
            } else if run {
                "<run>"
            } else {
                end
            });
            out.push_str(rest);
        }
        out
    }

    async fn step(&mut self, step: &Value) -> Vec<String> {
        let name = step.get("env").and_then(Value::as_str).unwrap_or("e").to_owned();
        let acted = self.act(step, &name).await;
        let (lines, watched) = (self.lines, self.watched.clone());
        let mut differ = Vec::new();
        for _ in 0..LOOKS {
            // The recording looks that long after each step, and so do we.
            tokio::time::sleep(SETTLE).await;
            (self.lines, self.watched) = (lines, watched.clone());
            let mut seen = acted.clone();
            seen.append(&mut self.look(&name).await);
            differ = differences(step, &seen);
            if differ.is_empty() || step.get("defect").is_some() {
                break;
            }
        }
        differ
    }
}

/// Lines in groups; within a group any order.
fn same_trace(groups: &Value, lines: &Value) -> bool {
    let strings = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let lines = strings(lines);
    let mut rest = lines.as_slice();
    for group in groups.as_array().into_iter().flatten() {
        let mut want = strings(group);
        let Some((part, after)) = rest.split_at_checked(want.len()) else {
            return false;
        };
        let mut part = part.to_vec();
        want.sort();
        part.sort();
        if want != part {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn differences(step: &Value, seen: &Map<String, Value>) -> Vec<String> {
    let mut differ = Vec::new();
    for (key, want) in step
        .get("expect")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        if step
            .get("unstable")
            .and_then(|unstable| unstable.get(key))
            .is_some()
        {
            continue;
        }
        let got = seen.get(key).cloned().unwrap_or(Value::Null);
        let same = if key == "trace" {
            same_trace(want, &got)
        } else {
            *want == got
        };
        if !same {
            differ.push(format!("{key}: want {want}, got {got}"));
        }
    }
    differ
}

/// `Ok`: it agrees. `Err`: where it does not.
async fn run(folder: PathBuf) -> Result<(), String> {
    let work = tempfile::tempdir().expect("a folder");
    let mut case = Case::install(&folder, work.path());
    let steps = case
        .spec
        .get("steps")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let mut verdict = Ok(());
    for (number, step) in steps.iter().enumerate() {
        let differ = case.step(step).await;
        if step.get("defect").is_some() {
            break;
        }
        if !differ.is_empty() {
            let what = format!("{} {}", text(step, "do"), text(step, "event"));
            verdict = Err(format!(
                "step {} ({what}):\n      {}",
                number + 1,
                differ.join("\n      ")
            ));
            break;
        }
    }
    case.background.clear();
    if let Ok(core) = Arc::try_unwrap(case.core) {
        core.shutdown().await;
    }
    verdict
}

async fn all(cases: Vec<PathBuf>) -> usize {
    let total = cases.len();
    let turns = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut running = tokio::task::JoinSet::new();
    for folder in cases {
        let turns = Arc::clone(&turns);
        running.spawn(async move {
            let _turn = turns.acquire().await.expect("never closed");
            let name = folder
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let verdict = tokio::time::timeout(LIMIT, run(folder)).await;
            (
                name,
                verdict.unwrap_or_else(|_| Err(format!("not done within {LIMIT:?}"))),
            )
        });
    }
    let mut agree = 0;
    while let Some(done) = running.join_next().await {
        match done {
            Ok((name, Ok(()))) => {
                agree += 1;
                println!("{name}: agrees");
            }
            Ok((name, Err(difference))) => println!("{name}: DIFFERS at {difference}"),
            Err(error) => println!("a case failed: {error}"),
        }
    }
    println!("{agree} of {total} cases agree");
    agree
}

fn main() {
    if support::play_role() {
        return;
    }
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance/runtime");
    let Ok(folders) = std::fs::read_dir(&shared) else {
        eprintln!("SKIPPED: {} is not there", shared.display());
        return;
    };
    let only: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    let mut cases: Vec<PathBuf> = folders.flatten().map(|entry| entry.path()).collect();
    cases.retain(|path| path.join("steps.json").exists());
    cases.retain(|path| only.is_empty() || only.iter().any(|name| path.ends_with(name)));
    cases.sort();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let agree = runtime.block_on(all(cases));
    assert!(
        !only.is_empty() || agree >= FLOOR,
        "{agree} cases agree, {FLOOR} did before"
    );
}
