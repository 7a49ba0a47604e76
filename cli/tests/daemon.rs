//! `partita core` from the outside: where it listens, what it refuses, what it keeps.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and stands at the edge"
)]

#[path = "support/daemon.rs"]
mod daemon;
mod support;

use std::process::Command;

use daemon::Daemon;
use partita_proto::o2control::control_client::ControlClient;
use partita_proto::o2control::control_environment_request::Optype;
use partita_proto::o2control::{self as pb};
use partita_proto::partita::v1::core_client::CoreClient;
use partita_proto::partita::v1::{self as ours};
use support::{Home, examples, stderr, stdout};
use tonic::Code;
use tonic::transport::Channel;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

type Client = ControlClient<Channel>;

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

fn flp() -> String {
    examples().join("flp").display().to_string()
}

/// An identity of nobody.
const NOBODY: &str = "2gXqYtVb6Ma";

#[test]
fn only_this_machine_is_served_unless_asked_otherwise() {
    let home = Home::new();
    let refused = home
        .partita()
        .args(["core", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        stderr(&refused).contains("--allow-remote-clients"),
        "{}",
        stderr(&refused)
    );
    assert!(home.files().is_empty(), "{:?}", home.files());

    let core = Daemon::start(&home, &[]);
    let port: u16 = core.address.rsplit(':').next().unwrap().parse().unwrap();
    let sockets = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let listening: Vec<&str> = sockets
        .lines()
        .filter(|line| line.split_whitespace().nth(3) == Some("0A"))
        .filter_map(|line| line.split_whitespace().nth(1))
        .filter(|local| local.ends_with(&format!(":{port:04X}")))
        .collect();
    assert_eq!(
        listening,
        [format!("0100007F:{port:04X}")],
        "127.0.0.1 and nothing else"
    );
    let own = Command::new("ss").args(["-lntpH"]).output();
    if let Ok(own) = own {
        let own = String::from_utf8_lossy(&own.stdout).into_owned();
        let mine = own
            .lines()
            .filter(|line| line.contains(&format!("pid={},", core.pid())));
        for line in mine {
            assert!(line.contains("127.0.0.1:"), "{line}");
        }
    }
}

#[test]
fn other_machines_are_served_with_a_warning() {
    let home = Home::new();
    let core = home
        .partita()
        .args(["core", "--listen", "256.0.0.1:1"])
        .output()
        .unwrap();
    assert_eq!(core.status.code(), Some(2));
    let mut core = Daemon::start(&home, &["--allow-remote-clients"]);
    assert!(core.end().success());
}

#[test]
fn one_state_folder_has_one_core() {
    let home = Home::new();
    let core = Daemon::start(&home, &[]);
    let second = home
        .partita()
        .args(["core", "--listen", "127.0.0.1:0", "--state"])
        .arg(home.path().join("state"))
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(3));
    assert!(
        stderr(&second).contains("another core uses"),
        "{}",
        stderr(&second)
    );
    let taken = home
        .partita()
        .args(["core", "--listen", &core.address, "--state"])
        .arg(home.path().join("other"))
        .output()
        .unwrap();
    assert_eq!(taken.status.code(), Some(3));
    assert!(stderr(&taken).contains("cannot listen on"), "{}", stderr(&taken));
}

#[test]
fn the_state_folder_is_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let _core = Daemon::start(&home, &[]);
    let mode = std::fs::metadata(home.path().join("state"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn health_and_reflection_are_there() {
    let home = Home::new();
    let core = Daemon::start(&home, &[]);
    block_on(async {
        let mut health = tonic_health::pb::health_client::HealthClient::new(core.channel().await);
        for service in ["", "o2control.Control", "partita.v1.Core"] {
            let request = tonic_health::pb::HealthCheckRequest {
                service: service.to_owned(),
            };
            let reply = health.check(request).await.unwrap().into_inner();
            assert_eq!(
                reply.status(),
                tonic_health::pb::health_check_response::ServingStatus::Serving,
                "{service}"
            );
        }
        let mut reflection = ServerReflectionClient::new(core.channel().await);
        let ask = |request| {
            tokio_stream::once(ServerReflectionRequest {
                host: String::new(),
                message_request: Some(request),
            })
        };
        let list = ask(MessageRequest::ListServices(String::new()));
        let mut replies = reflection
            .server_reflection_info(list)
            .await
            .unwrap()
            .into_inner();
        let Some(MessageResponse::ListServicesResponse(services)) =
            replies.message().await.unwrap().unwrap().message_response
        else {
            panic!("no list of services");
        };
        let names: Vec<String> = services.service.into_iter().map(|service| service.name).collect();
        for service in ["o2control.Control", "partita.v1.Core", "grpc.health.v1.Health"] {
            assert!(names.iter().any(|name| name == service), "{names:?}");
        }
        let file = ask(MessageRequest::FileContainingSymbol(
            "o2control.EnvironmentInfo".to_owned(),
        ));
        let mut replies = reflection
            .server_reflection_info(file)
            .await
            .unwrap()
            .into_inner();
        assert!(matches!(
            replies.message().await.unwrap().unwrap().message_response,
            Some(MessageResponse::FileDescriptorResponse(_))
        ));
    });
}

/// Events that are not possible, by a name that is none, or not now.
async fn refuses_events(client: &mut Client, id: &str) {
    let event = |id: &str, number: i32| pb::ControlEnvironmentRequest {
        id: id.to_owned(),
        r#type: number,
        request_user: None,
    };
    for (what, request, code) in [
        ("empty", event("", 1), Code::InvalidArgument),
        ("no identity", event("no id!", 1), Code::InvalidArgument),
        ("unknown", event(NOBODY, 1), Code::NotFound),
        ("unknown, and nothing asked", event(NOBODY, 0), Code::NotFound),
        ("nothing asked", event(id, 0), Code::InvalidArgument),
        (
            "never asked by people",
            event(id, Optype::GoError.into()),
            Code::InvalidArgument,
        ),
        ("no such event", event(id, 99), Code::InvalidArgument),
        ("negative", event(id, -1), Code::InvalidArgument),
        (
            "not in this state",
            event(id, Optype::StopActivity.into()),
            Code::FailedPrecondition,
        ),
        (
            "repeated",
            event(id, Optype::Configure.into()),
            Code::FailedPrecondition,
        ),
        (
            "of the beginning",
            event(id, Optype::Deploy.into()),
            Code::FailedPrecondition,
        ),
    ] {
        let refused = client.control_environment(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{what}: {refused}");
        assert!(!refused.message().is_empty(), "{what}");
    }
}

/// Identities and patterns that mean nothing here.
async fn refuses_names(client: &mut Client, id: &str) {
    for (id, code) in [("", Code::InvalidArgument), (NOBODY, Code::NotFound)] {
        let id = id.to_owned();
        let destroy = pb::DestroyEnvironmentRequest {
            id: id.clone(),
            ..Default::default()
        };
        assert_eq!(
            client.destroy_environment(destroy).await.unwrap_err().code(),
            code
        );
        let roles = pb::GetRolesRequest {
            env_id: id,
            path_spec: "*".to_owned(),
        };
        assert_eq!(client.get_roles(roles).await.unwrap_err().code(), code);
    }
    for (pattern, code) in [("", Code::InvalidArgument), ("[", Code::InvalidArgument)] {
        let roles = pb::GetRolesRequest {
            env_id: id.to_owned(),
            path_spec: pattern.to_owned(),
        };
        assert_eq!(client.get_roles(roles).await.unwrap_err().code(), code);
    }
    let owned = client
        .get_tasks(pb::GetTasksRequest {})
        .await
        .unwrap()
        .into_inner()
        .tasks;
    let kill = pb::CleanupTasksRequest {
        task_ids: vec![owned[0].task_id.clone()],
    };
    assert_eq!(
        client.cleanup_tasks(kill).await.unwrap_err().code(),
        Code::FailedPrecondition
    );
    for (task, code) in [("", Code::InvalidArgument), ("nobody", Code::NotFound)] {
        let task = pb::GetTaskRequest {
            task_id: task.to_owned(),
        };
        assert_eq!(client.get_task(task).await.unwrap_err().code(), code);
    }
}

/// Creations and questions that cannot be meant.
async fn refuses_workflows(client: &mut Client) {
    let none = pb::NewEnvironmentRequest::default();
    assert_eq!(
        client.new_environment(none.clone()).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    assert_eq!(
        client.new_environment_async(none).await.unwrap_err().code(),
        Code::InvalidArgument
    );
    let both = pb::GetWorkflowTemplatesRequest {
        revision_pattern: "x".to_owned(),
        all_tags: true,
        ..Default::default()
    };
    let refused = client.get_workflow_templates(both).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(
        refused
            .message()
            .starts_with("cannot query available workflows for "),
        "{}",
        refused.message()
    );
    for unimplemented in [
        client.teardown(pb::TeardownRequest::default()).await.unwrap_err(),
        client
            .modify_environment(pb::ModifyEnvironmentRequest::default())
            .await
            .unwrap_err(),
    ] {
        assert_eq!(unimplemented.code(), Code::Unimplemented);
    }
    let huge = pb::NewEnvironmentRequest {
        workflow_template: "x".repeat(5 * 1024 * 1024),
        ..Default::default()
    };
    assert_eq!(
        client.new_environment(huge).await.unwrap_err().code(),
        Code::OutOfRange
    );
}

#[test]
fn bad_requests_have_the_right_status_and_change_nothing() {
    let home = Home::new();
    let core = Daemon::start(&home, &["--repo", &flp()]);
    block_on(async {
        let client = &mut core.client().await;
        let created = client
            .new_environment(pb::NewEnvironmentRequest {
                workflow_template: "readout".to_owned(),
                ..pb::NewEnvironmentRequest::default()
            })
            .await
            .unwrap()
            .into_inner();
        let id = created.environment.unwrap().id;
        refuses_events(client, &id).await;
        refuses_names(client, &id).await;
        refuses_workflows(client).await;
        let request = pb::GetEnvironmentRequest {
            id,
            show_workflow_tree: true,
        };
        let after = client.get_environment(request).await.unwrap().into_inner();
        assert_eq!(
            after.environment.unwrap().state,
            "CONFIGURED",
            "a healthy environment takes no harm"
        );
        assert_eq!(after.workflow.unwrap().state, "CONFIGURED");
    });
}

#[test]
fn a_mistake_in_a_workflow_comes_back_in_full() {
    let home = Home::new();
    let workflow = "name: test\nroles:\n  - name: a\n    task:\n      load: missing\n  - name: \"{{ nobody }}\"\n    \
                    task:\n      load: t\n";
    let repository = support::repository(home.path(), workflow, &[]);
    let core = Daemon::start(&home, &["--repo", &repository.display().to_string()]);
    block_on(async {
        let request = pb::NewEnvironmentRequest {
            workflow_template: "test".to_owned(),
            ..Default::default()
        };
        let refused = core.client().await.new_environment(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::Internal);
        for part in [
            "workflows/test.yaml:3:5",
            "workflows/test.yaml:6:15",
            "missing",
            "nobody",
            "help:",
        ] {
            assert!(
                refused.message().contains(part),
                "no {part} in {}",
                refused.message()
            );
        }
    });
}

#[test]
fn repositories_are_kept() {
    let home = Home::new();
    let second = support::repository(home.path(), "name: !public test\nroles: []\n", &[]);
    let mut core = Daemon::start(&home, &["--repo", &flp()]);
    block_on(async {
        let client = &mut core.client().await;
        let add = pb::AddRepoRequest {
            name: second.display().to_string(),
            default_revision: String::new(),
        };
        let added = client.add_repo(add.clone()).await.unwrap().into_inner();
        assert_eq!(added.new_default_revision, "local");
        assert!(added.info.contains("repository"), "{}", added.info);
        assert_eq!(
            client.add_repo(add).await.unwrap_err().code(),
            Code::InvalidArgument
        );
        client
            .set_default_repo(pb::SetDefaultRepoRequest { index: 1 })
            .await
            .unwrap();
        let global = pb::SetGlobalDefaultRevisionRequest {
            revision: "v9".to_owned(),
        };
        client.set_global_default_revision(global).await.unwrap();
        let wrong = pb::SetRepoDefaultRevisionRequest {
            index: 0,
            revision: "no-such".to_owned(),
        };
        let others = client
            .set_repo_default_revision(wrong)
            .await
            .unwrap()
            .into_inner();
        assert!(
            others.info.contains("local"),
            "the others are told: {}",
            others.info
        );
        for index in [-2, 9] {
            let refused = client
                .remove_repo(pb::RemoveRepoRequest { index })
                .await
                .unwrap_err();
            assert!(
                matches!(refused.code(), Code::InvalidArgument | Code::NotFound),
                "{index}: {refused}"
            );
        }
    });
    assert!(core.end().success());
    let core = Daemon::start(&home, &["--repo", &flp()]);
    block_on(async {
        let client = &mut core.client().await;
        let all = client
            .list_repos(pb::ListReposRequest { get_revisions: false })
            .await
            .unwrap()
            .into_inner();
        let told: Vec<(&str, bool)> = all
            .repos
            .iter()
            .map(|one| (one.name.as_str(), one.default))
            .collect();
        assert_eq!(told, [("local", false), ("repository", true)]);
        assert_eq!(all.global_default_revision, "v9");
        let templates = client
            .get_workflow_templates(pb::GetWorkflowTemplatesRequest::default())
            .await
            .unwrap()
            .into_inner();
        let names: Vec<String> = templates
            .workflow_templates
            .iter()
            .map(|one| format!("{}/{}", one.repo, one.template))
            .collect();
        assert_eq!(names, ["local/readout", "repository/test"]);
        let removed = client
            .remove_repo(pb::RemoveRepoRequest { index: 1 })
            .await
            .unwrap()
            .into_inner();
        assert_eq!(removed.new_default_repo, "local");
    });
}

#[test]
fn a_repository_elsewhere_is_copied_and_refreshed() {
    let home = Home::new();
    let origin = support::repository(home.path(), "name: !public test\nroles: []\n", &[]);
    let git = |arguments: &[&str]| {
        let done = home
            .command("git")
            .current_dir(&origin)
            .args([
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@t",
                "-c",
                "init.defaultBranch=main",
            ])
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", stderr(&done));
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "one"]);
    git(&["tag", "v1"]);
    let url = format!("file://{}", origin.display());
    let core = Daemon::start(&home, &["--repo", &format!("elsewhere={url}")]);
    std::fs::write(
        origin.join("workflows/second.yaml"),
        "name: !public second\nroles: []\n",
    )
    .unwrap();
    git(&["add", "."]);
    git(&["commit", "-qm", "two"]);
    block_on(async {
        let client = &mut core.client().await;
        let all = client
            .list_repos(pb::ListReposRequest { get_revisions: true })
            .await
            .unwrap()
            .into_inner();
        assert_eq!(all.repos[0].name, "elsewhere");
        assert_eq!(all.repos[0].default_revision, "main", "there is no master");
        assert_eq!(all.repos[0].revisions, ["main", "v1"]);
        let templates = |revision: &str| pb::GetWorkflowTemplatesRequest {
            revision_pattern: revision.to_owned(),
            ..Default::default()
        };
        let before = client
            .get_workflow_templates(templates(""))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(before.workflow_templates.len(), 1);
        client
            .refresh_repos(pb::RefreshReposRequest { index: 0 })
            .await
            .unwrap();
        let after = client
            .get_workflow_templates(templates(""))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(after.workflow_templates.len(), 2);
        let old = client
            .get_workflow_templates(templates("v*"))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(old.workflow_templates.len(), 1);
        assert_eq!(old.workflow_templates[0].revision, "v1");
    });
}

#[test]
fn ours_compiles_plans_creates_watches_and_drains() {
    let home = Home::new();
    let mut core = Daemon::start(&home, &["--repo", &flp()]);
    block_on(async {
        let client = &mut CoreClient::new(core.channel().await);
        let compile = ours::CompileRequest {
            workflow: "readout".to_owned(),
            ..Default::default()
        };
        let artefact = client.compile(compile).await.unwrap().into_inner().artefact;
        assert!(artefact.starts_with("sha256:"), "{artefact}");
        let plan = ours::PlanRequest {
            artefact: artefact[..16].to_owned(),
            ..Default::default()
        };
        let plan = client.plan(plan).await.unwrap().into_inner();
        assert_eq!(plan.artefact, artefact);
        let readout = plan
            .roles
            .iter()
            .find(|role| role.path.ends_with(".readout"))
            .unwrap();
        assert_eq!(
            (readout.host.as_str(), readout.class.as_str()),
            ("localhost", "readout")
        );
        assert!(
            plan.deadlines
                .iter()
                .any(|one| one.what == "deploy_timeout" && one.left_ms == 90_000)
        );
        let unknown = ours::CreateRequest {
            artefact: "0".repeat(64),
            ..Default::default()
        };
        assert_eq!(client.create(unknown).await.unwrap_err().code(), Code::NotFound);
        let create = ours::CreateRequest {
            artefact: artefact.clone(),
            ..Default::default()
        };
        let mut shown = client.create(create.clone()).await.unwrap().into_inner();
        let first = shown.message().await.unwrap().unwrap().what;
        let Some(ours::creation::What::Begun(created)) = first else {
            panic!("first it is told what begins: {first:?}");
        };
        assert_eq!(created.artefact, artefact);
        let mut late = false;
        loop {
            let next = shown.message().await.unwrap().unwrap().what;
            let Some(ours::creation::What::Picture(picture)) = next else {
                panic!("then come pictures: {next:?}");
            };
            late |= picture
                .waits
                .iter()
                .any(|wait| wait.left_ms > 0 && wait.roles_total > 0);
            if picture.state == "CONFIGURED" && picture.transition.is_empty() {
                assert_eq!(picture.tasks.iter().map(|count| count.tasks).sum::<u32>(), 7);
                break;
            }
        }
        let watch = ours::WatchRequest {
            environment: created.environment.clone(),
            after: 0,
        };
        let mut pictures = client.watch(watch).await.unwrap().into_inner();
        assert!(late, "which roles are waited for is seen");
        let start = ours::TransitionRequest {
            environment: created.environment.clone(),
            transition: "START_ACTIVITY".to_owned(),
            user: None,
        };
        let started = client.transition(start.clone()).await.unwrap().into_inner();
        assert_eq!((started.state.as_str(), started.run_number), ("RUNNING", 1));
        assert_eq!(
            client.transition(start).await.unwrap_err().code(),
            Code::FailedPrecondition
        );
        let drained = home
            .partita()
            .args(["core", "drain", "--endpoint", &core.address])
            .output()
            .unwrap();
        assert_eq!(stdout(&drained), format!("{} has ended\n", created.environment));
        assert_eq!(client.create(create).await.unwrap_err().code(), Code::Unavailable);
        let mut last = pictures.message().await.unwrap().unwrap();
        while let Some(picture) = pictures.message().await.unwrap() {
            last = picture;
        }
        assert!(last.gone && last.state == "DONE", "{last:?}");
    });
    assert!(core.end().success());
    assert!(
        core.processes().is_empty(),
        "a core that was drained ends its executors"
    );
}
