//! Environments of real processes on the local cluster. `harness = false`: this program plays executor and task too.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, though without the harness by which clippy would know it for one"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use partita_artefact::instance::{Constraint, Instance, Kind, Moment, Role, TaskRole, Traits, TraitsTexts};
use partita_artefact::ir::{
    Artefact, CommandTemplate, ControlMode, Edition, Layers, Limits, Part, Span, TaskClass, Template, Wants,
};
use partita_core::cause::Exit;
use partita_core::core::{Core, CoreError};
use partita_core::environment::{DestroyOptions, Observation, State, Transition};
use partita_services::Registry;

mod support;

fn text(text: &str) -> Template {
    Template {
        span: Span::default(),
        parts: vec![Part::Text(text.to_owned())],
    }
}

fn class(mode: ControlMode, shell: bool, value: &str, arguments: &[&str]) -> TaskClass {
    TaskClass {
        edition: Edition::default(),
        span: Span::default(),
        name: value.to_owned(),
        defaults: Vec::new(),
        vars: Vec::new(),
        mode,
        command: Some(CommandTemplate {
            shell,
            value: text(value),
            arguments: arguments.iter().map(|argument| text(argument)).collect(),
            ..CommandTemplate::default()
        }),
        wants: Wants::default(),
        limits: Limits::default(),
        bind: Vec::new(),
        connect: Vec::new(),
        properties: Vec::new(),
        constraints: Vec::new(),
    }
}

fn role(path: &str, kind: Kind, roles: Vec<Role>) -> Role {
    Role {
        name: path.rsplit('.').next().unwrap_or(path).to_owned(),
        path: path.to_owned(),
        span: Span::default(),
        enabled: true,
        layers: Layers::default(),
        constraints: Vec::new(),
        connect: Vec::new(),
        bind: Vec::new(),
        critical: true,
        kind,
        roles,
        include: None,
        empty_iterators: 0,
    }
}

fn task(path: &str, class: &str, mode: ControlMode, host: &str, critical: bool, trigger: &str) -> Role {
    let traits = Traits {
        trigger: Moment::parse(trigger),
        await_at: Moment::parse(trigger),
        timeout: Ok(Duration::from_secs(5)),
        critical,
        texts: TraitsTexts::default(),
    };
    let task = TaskRole {
        class: class.to_owned(),
        mode,
        traits,
        wants: Wants::default(),
        limits: Limits::default(),
    };
    let mut role = role(path, Kind::Task(task), Vec::new());
    role.critical = critical;
    role.constraints.push(Constraint {
        span: Span::default(),
        attribute: "machine_id".to_owned(),
        value: host.to_owned(),
        operator: 0,
    });
    role
}

fn idle(path: &str, host: &str, critical: bool) -> Role {
    task(path, "idle", ControlMode::Direct, host, critical, "")
}

fn artefact(more: &[(&str, TaskClass)]) -> Arc<Artefact> {
    let myself = support::myself().into_string().expect("a path in UTF-8");
    let mut classes: BTreeMap<String, TaskClass> = more
        .iter()
        .map(|(name, class)| ((*name).to_owned(), class.clone()))
        .collect();
    classes.insert(
        "idle".to_owned(),
        class(ControlMode::Direct, false, &myself, &["idle"]),
    );
    Arc::new(Artefact {
        classes,
        ..Artefact::default()
    })
}

fn instance(roles: Vec<Role>) -> Instance {
    Instance {
        root: role("flp", Kind::Aggregator, roles),
        environment: Layers::default(),
        warnings: Vec::new(),
        included: std::collections::BTreeSet::new(),
    }
}

fn start(folder: &Path) -> Core {
    Core::start(support::config(folder, &["host1", "host2"], Registry::default())).expect("a core")
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}/exe")).exists()
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it lives");
}

async fn pids(core: &Core, id: &str) -> Vec<u32> {
    let snapshot = core.snapshot(id).await.expect("it is there");
    snapshot
        .roles
        .iter()
        .filter_map(|role| role.task.as_ref())
        .map(|task| task.pid)
        .collect()
}

async fn a_whole_life() {
    let folder = tempfile::tempdir().expect("a folder");
    let core = start(folder.path());
    let roles = vec![
        idle("flp.a", "host1", true),
        idle("flp.b", "host2", true),
        idle("flp.c", "host2", false),
    ];
    let creation = core
        .create(support::wanted(
            core.new_id().expect("an identity"),
            artefact(&[]),
            instance(roles),
            false,
        ))
        .await
        .expect("a plan");
    let id = creation.id.clone();
    let outcome = creation
        .outcome
        .wait()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(outcome.state, State::Configured);
    let pids = pids(&core, &id).await;
    assert!(
        pids.len() == 3 && pids.iter().all(|pid| is_alive(*pid)),
        "{pids:?}"
    );
    for run in 1..=2 {
        let outcome = core.transition(&id, Transition::Start).await.expect("START");
        assert_eq!((outcome.state, outcome.run), (State::Running, Some(run)));
        let again = core
            .transition(&id, Transition::Start)
            .await
            .expect_err("it runs already");
        assert!(
            matches!(
                again,
                CoreError::Refused {
                    state: State::Running,
                    ..
                }
            ),
            "{again}"
        );
        let outcome = core.transition(&id, Transition::Stop).await.expect("STOP");
        assert_eq!(outcome.state, State::Configured);
    }
    core.destroy(&id, DestroyOptions::default())
        .await
        .expect("the end");
    assert!(!pids.iter().any(|pid| is_alive(*pid)), "{pids:?}");
    core.shutdown().await;
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .flatten()
        .map(|e| e.file_name())
        .collect();
    assert_eq!(left, ["run_number"]);
}

async fn a_task_dies() {
    let folder = tempfile::tempdir().expect("a folder");
    let core = start(folder.path());
    let roles = vec![
        idle("flp.a", "host1", true),
        idle("flp.b", "host2", true),
        idle("flp.c", "host2", false),
    ];
    let creation = core
        .create(support::wanted(
            core.new_id().expect("an identity"),
            artefact(&[]),
            instance(roles),
            false,
        ))
        .await
        .expect("a plan");
    let id = creation.id;
    creation
        .outcome
        .wait()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    core.transition(&id, Transition::Start).await.expect("START");
    let pids = pids(&core, &id).await;
    let mut watch = core.watch(&id).await.expect("it is there");

    kill(pids[2]);
    let cause = loop {
        if let Observation::Cause(cause) = watch.recv().await.expect("more to see") {
            break cause;
        }
    };
    assert!(
        cause.harmless && cause.role.as_deref() == Some("flp.c"),
        "{cause}"
    );
    assert_eq!(core.snapshot(&id).await.expect("there").state, State::Running);

    kill(pids[0]);
    let mut causes = Vec::new();
    loop {
        match watch.recv().await.expect("more to see") {
            Observation::Cause(cause) => causes.push(cause),
            Observation::Environment {
                state: State::Error,
                transition: None,
                ..
            } => break,
            _ => {}
        }
    }
    let first = &causes[0];
    assert_eq!(
        (first.role.as_deref(), first.host.as_deref()),
        (Some("flp.a"), Some("host1"))
    );
    assert_eq!(first.exit, Some(Exit::Signal(9)));
    core.destroy(&id, DestroyOptions::default())
        .await
        .expect("the end");
    core.shutdown().await;
}

async fn creation_fails_with_its_cause() {
    let folder = tempfile::tempdir().expect("a folder");
    let core = start(folder.path());
    let dies = class(ControlMode::Direct, true, "echo no such card >&2; exit 3", &[]);
    let roles = vec![
        idle("flp.a", "host1", true),
        task("flp.x", "dies", ControlMode::Direct, "host2", true, ""),
    ];
    let creation = core
        .create(support::wanted(
            core.new_id().expect("an identity"),
            artefact(&[("dies", dies)]),
            instance(roles),
            false,
        ))
        .await
        .expect("a plan");
    let error = creation.outcome.wait().await.expect_err("x dies");
    let CoreError::Failed {
        state: State::Done,
        cause,
    } = error
    else {
        panic!("{error}")
    };
    let cause = &cause.because[0];
    assert_eq!(
        (cause.role.as_deref(), cause.exit),
        (Some("flp.x"), Some(Exit::Code(3)))
    );
    assert_eq!(cause.last_lines, ["no such card"]);
    assert!(matches!(
        core.snapshot(&creation.id).await,
        Err(CoreError::NotFound(_))
    ));

    let roles = vec![idle("flp.a", "host1", true), idle("flp.y", "host7", true)];
    let creation = core
        .create(support::wanted(
            core.new_id().expect("an identity"),
            artefact(&[]),
            instance(roles),
            false,
        ))
        .await
        .expect("a plan");
    let error = creation.outcome.wait().await.expect_err("no host7").to_string();
    assert!(
        error.contains("flp.y") && error.contains("machine_id = host7"),
        "{error}"
    );
    core.shutdown().await;
}

async fn hooks_run_in_their_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("trace");
    let core = start(folder.path());
    let names = [
        "before_START_ACTIVITY-5",
        "before_START_ACTIVITY",
        "leave_CONFIGURED",
        "enter_RUNNING",
        "DESTROY+3",
    ];
    let classes: Vec<(&str, TaskClass)> = names
        .iter()
        .map(|name| {
            let line = format!("echo {name} >> {}", trace.display());
            (*name, class(ControlMode::Hook, true, &line, &[]))
        })
        .collect();
    let mut roles = vec![idle("flp.a", "host1", true)];
    for name in names {
        roles.push(task(
            &format!("flp.{name}"),
            name,
            ControlMode::Hook,
            "host2",
            true,
            name,
        ));
    }
    let creation = core
        .create(support::wanted(
            core.new_id().expect("an identity"),
            artefact(&classes),
            instance(roles),
            false,
        ))
        .await
        .expect("a plan");
    let id = creation.id;
    creation
        .outcome
        .wait()
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    core.transition(&id, Transition::Start)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let refused = core
        .destroy(&id, DestroyOptions::default())
        .await
        .expect_err("it runs");
    assert!(matches!(refused, CoreError::Refused { .. }), "{refused}");
    let allow = DestroyOptions {
        allow_in_running: true,
        ..DestroyOptions::default()
    };
    core.destroy(&id, allow)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let seen = std::fs::read_to_string(&trace).expect("a trace");
    let [before, zero, leave, enter, last] = names;
    // CONFIGURED is left twice: at START and at RESET.
    assert_eq!(
        seen.lines().collect::<Vec<_>>(),
        [before, zero, leave, enter, leave, last]
    );
    core.shutdown().await;
}

fn main() {
    if support::play_role() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let limit = Duration::from_mins(1);
    runtime.block_on(async {
        let run = async |name: &str, test: std::pin::Pin<Box<dyn Future<Output = ()>>>| {
            let done = tokio::time::timeout(limit, test).await;
            assert!(done.is_ok(), "{name} did not end within {limit:?}");
            println!("test {name} ... ok");
        };
        run("a_whole_life", Box::pin(a_whole_life())).await;
        run("a_task_dies", Box::pin(a_task_dies())).await;
        run(
            "creation_fails_with_its_cause",
            Box::pin(creation_fails_with_its_cause()),
        )
        .await;
        run("hooks_run_in_their_order", Box::pin(hooks_run_in_their_order())).await;
    });
}
