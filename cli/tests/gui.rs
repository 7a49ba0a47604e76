//! The calls that the web GUI of the reference makes, in its order, and the fields that it reads (`clients.md` 3).

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

use daemon::Daemon;
use partita_proto::common::User;
use partita_proto::events::event::Payload;
use partita_proto::o2control::control_client::ControlClient;
use partita_proto::o2control::control_environment_request::Optype;
use partita_proto::o2control::{self as pb};
use prost::Message as _;
use support::{Home, examples};
use tonic::Code;
use tonic::transport::Channel;

type Client = ControlClient<Channel>;

/// A visitor of a GUI without sign-on (`clients.md` 3.10): the number is there, and 0.
fn anonymous() -> User {
    User {
        external_id: Some(0),
        id: None,
        name: "anonymous".to_owned(),
    }
}

#[allow(clippy::disallowed_types, reason = "so the messages have it")]
fn variables(pairs: &[(&str, &str)]) -> std::collections::HashMap<String, String> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(test);
}

fn example(home: &Home) -> Daemon {
    let repository = examples().join("flp");
    Daemon::start(home, &["--repo", repository.to_str().unwrap()])
}

/// The path of a workflow, made as the page for new environments makes it.
async fn workflow(client: &mut Client) -> String {
    let request = pb::ListReposRequest { get_revisions: true };
    let repositories = client.list_repos(request).await.unwrap().into_inner();
    let defaults: Vec<&pb::RepoInfo> = repositories.repos.iter().filter(|one| one.default).collect();
    let [default] = defaults.as_slice() else {
        panic!("exactly one is the default: {repositories:?}");
    };
    assert!(!default.default_revision.is_empty() && default.revisions.contains(&default.default_revision));
    assert!(!repositories.global_default_revision.is_empty());
    let request = pb::GetWorkflowTemplatesRequest {
        repo_pattern: default.name.clone(),
        revision_pattern: default.default_revision.clone(),
        ..pb::GetWorkflowTemplatesRequest::default()
    };
    let templates = client
        .get_workflow_templates(request)
        .await
        .unwrap()
        .into_inner()
        .workflow_templates;
    let [template] = templates.as_slice() else {
        panic!("one is public: {templates:?}");
    };
    let hosts = &template.var_spec_map["hosts"];
    assert_eq!(
        (hosts.r#type(), hosts.index, hosts.panel.as_str()),
        (pb::var_spec_message::Type::List, 1, "General")
    );
    let run_type = &template.var_spec_map["run_type"];
    assert_eq!(run_type.widget(), pb::var_spec_message::UiWidget::ComboBox);
    assert_eq!(run_type.allowed_values, ["TECHNICAL", "PHYSICS", "COSMICS"]);
    format!(
        "{}/workflows/{}@{}",
        template.repo, template.template, template.revision
    )
}

#[test]
fn the_pages_of_an_environment() {
    let home = Home::new();
    let core = example(&home);
    block_on(async {
        let client = &mut core.client().await;
        let info = client
            .get_framework_info(pb::GetFrameworkInfoRequest {})
            .await
            .unwrap()
            .into_inner();
        assert_eq!(info.state, "CONNECTED");
        assert!(!info.instance_name.is_empty() && !info.framework_id.is_empty() && info.timestamp > 0);
        let none = client
            .get_environments(pb::GetEnvironmentsRequest::default())
            .await
            .unwrap()
            .into_inner();
        assert!(none.environments.is_empty());
        let services = client
            .get_integrated_services(pb::Empty {})
            .await
            .unwrap()
            .into_inner()
            .services;
        assert!(services["testplugin"].enabled && !services["dcs"].enabled);
        for service in services.values() {
            assert_eq!(service.data, "{}", "it is parsed");
        }
        client
            .refresh_repos(pb::RefreshReposRequest { index: -1 })
            .await
            .unwrap();
        let active = client
            .get_active_detectors(pb::Empty {})
            .await
            .unwrap()
            .into_inner();
        assert!(active.detectors.is_empty());

        let request = pb::NewEnvironmentRequest {
            workflow_template: workflow(client).await,
            vars: variables(&[
                ("hosts", r#"["localhost"]"#),
                ("run_type", "PHYSICS"),
                ("detectors", r#"["TST"]"#),
            ]),
            request_user: Some(anonymous()),
            ..pb::NewEnvironmentRequest::default()
        };
        let created = client
            .new_environment(request.clone())
            .await
            .unwrap()
            .into_inner();
        let created = created.environment.unwrap();
        assert_eq!(created.state, "CONFIGURED");
        assert!(!created.tasks.is_empty());

        // Public by its template, whatever the request says, so the list of the GUI shows it.
        let listed = client
            .get_environments(pb::GetEnvironmentsRequest::default())
            .await
            .unwrap()
            .into_inner();
        assert_eq!(listed.environments.len(), 1);
        assert!(listed.environments[0].tasks.is_empty());
        environment(client, &created.id).await;
        tasks(client).await;
        taken(client, request).await;
        run(client, &created.id).await;
        end(client, &created.id).await;
    });
}

async fn shown(client: &mut Client, id: &str) -> pb::EnvironmentInfo {
    let request = pb::GetEnvironmentRequest {
        id: id.to_owned(),
        show_workflow_tree: false,
    };
    let reply = client.get_environment(request).await.unwrap().into_inner();
    assert!(reply.workflow.is_none() && reply.public);
    reply.environment.unwrap()
}

async fn environment(client: &mut Client, id: &str) {
    let info = shown(client, id).await;
    assert_eq!((info.root_role.as_str(), info.current_run_number), ("readout", 0));
    assert_eq!(info.included_detectors, ["TST"]);
    assert_eq!((info.number_of_flps, info.number_of_hosts), (1, 1));
    assert_eq!(usize::try_from(info.number_of_tasks).unwrap(), info.tasks.len());
    assert!(info.created_when > 1_600_000_000_000 && info.current_transition.is_empty());
    assert_eq!(info.user_vars["run_type"], "PHYSICS");
    assert_eq!(
        info.user_vars["last_request_user"],
        r#"{"externalId":0,"name":"anonymous"}"#
    );
    assert_eq!(info.vars["detector"], "TST");
    assert!(info.defaults.contains_key("rate") && !info.description.is_empty());
    let readout = info
        .tasks
        .iter()
        .find(|task| task.class_name == "readout")
        .unwrap();
    assert_eq!(
        (readout.state.as_str(), readout.status.as_str()),
        ("CONFIGURED", "ACTIVE")
    );
    assert!(readout.critical && readout.locked && readout.pid.parse::<u32>().is_ok());
    assert_eq!(readout.deployment_info.as_ref().unwrap().hostname, "localhost");
    assert!(
        !readout.sandbox_stdout.is_empty(),
        "the GUI hides tasks without it"
    );
    assert!(
        readout.name.contains("/tasks/readout@") && readout.name.ends_with(&format!("#{}", readout.task_id))
    );
}

async fn tasks(client: &mut Client) {
    let all = client
        .get_tasks(pb::GetTasksRequest {})
        .await
        .unwrap()
        .into_inner()
        .tasks;
    let builder = all.iter().find(|task| task.class_name == "stfbuilder").unwrap();
    let request = pb::GetTaskRequest {
        task_id: builder.task_id.clone(),
    };
    let task = client.get_task(request).await.unwrap().into_inner().task.unwrap();
    assert_eq!(task.short_info.unwrap().class_name, "stfbuilder");
    let command = task.command_info.unwrap();
    assert_eq!(
        (command.value.as_str(), command.shell),
        ("partita stand-in stfbuilder", true)
    );
    assert_eq!(task.outbound_channels[0].name, "readout");
    assert!(task.task_path.ends_with(".stfbuilder"));
    let kept = client
        .cleanup_tasks(pb::CleanupTasksRequest::default())
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (kept.killed_tasks.len(), kept.running_tasks.len()),
        (0, all.len()),
        "owned tasks live on"
    );
}

/// A detector can be used once, and what fails tells which environment it was to be.
async fn taken(client: &mut Client, request: pb::NewEnvironmentRequest) {
    assert_eq!(
        client
            .get_active_detectors(pb::Empty {})
            .await
            .unwrap()
            .into_inner()
            .detectors,
        ["TST"]
    );
    let refused = client.new_environment(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Internal);
    assert!(
        refused.message().starts_with("cannot create new environment: "),
        "{}",
        refused.message()
    );
    assert!(
        refused.message().contains("detector TST is already in use"),
        "{}",
        refused.message()
    );
    let info = detail(refused.details());
    assert_eq!((info.id.len(), info.state.as_str()), (11, "ERROR"));
}

/// The first detail of a `google.rpc.Status`, decoded as the GUI does it.
fn detail(status: &[u8]) -> pb::EnvironmentInfo {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Status {
        #[prost(message, repeated, tag = "3")]
        details: Vec<Any>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct Any {
        #[prost(bytes = "vec", tag = "2")]
        value: Vec<u8>,
    }
    let status = Status::decode(status).unwrap();
    pb::EnvironmentInfo::decode(status.details[0].value.as_slice()).unwrap()
}

async fn control(client: &mut Client, id: &str, event: Optype) -> pb::ControlEnvironmentReply {
    let request = pb::ControlEnvironmentRequest {
        id: id.to_owned(),
        r#type: event.into(),
        request_user: Some(anonymous()),
    };
    client.control_environment(request).await.unwrap().into_inner()
}

async fn run(client: &mut Client, id: &str) {
    let started = control(client, id, Optype::StartActivity).await;
    assert_eq!(
        (started.state.as_str(), started.current_run_number),
        ("RUNNING", 1)
    );
    assert!(started.end_of_transition >= started.start_of_transition && started.start_of_transition > 0);
    let running = shown(client, id).await;
    assert_eq!(
        (running.state.as_str(), running.current_run_number),
        ("RUNNING", 1)
    );
    assert!(running.user_vars["run_start_time_ms"].parse::<u64>().is_ok());
    let stopped = control(client, id, Optype::StopActivity).await;
    assert_eq!(
        (stopped.state.as_str(), stopped.current_run_number),
        ("CONFIGURED", 0)
    );
}

async fn end(client: &mut Client, id: &str) {
    let request = pb::DestroyEnvironmentRequest {
        id: id.to_owned(),
        request_user: Some(anonymous()),
        ..pb::DestroyEnvironmentRequest::default()
    };
    let killed = client
        .destroy_environment(request)
        .await
        .unwrap()
        .into_inner()
        .cleanup_tasks_reply
        .unwrap();
    assert!(!killed.killed_tasks.is_empty() && killed.running_tasks.is_empty());
    let request = pb::GetEnvironmentRequest {
        id: id.to_owned(),
        show_workflow_tree: false,
    };
    let gone = client.get_environment(request).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    assert!(
        gone.message().starts_with("environment not found: "),
        "{}",
        gone.message()
    );
}

#[test]
fn a_calibration_run_is_followed_to_its_end() {
    let home = Home::new();
    let core = example(&home);
    block_on(async {
        let client = &mut core.client().await;
        let stream = pb::SubscribeRequest {
            id: "123456".to_owned(),
        };
        // First the stream, then the environment: so the GUI does it.
        let mut events = client.subscribe(stream).await.unwrap().into_inner();
        let request = pb::NewAutoEnvironmentRequest {
            workflow_template: workflow(client).await,
            vars: variables(&[
                ("auto_stop_enabled", "true"),
                ("auto_stop_timeout", "200ms"),
                ("auto_linger", "10ms"),
            ]),
            id: "123456".to_owned(),
            request_user: Some(anonymous()),
        };
        client.new_auto_environment(request).await.unwrap();
        let mut states = Vec::new();
        while let Some(event) = events.message().await.unwrap() {
            assert!(event.timestamp > 1_600_000_000_000);
            if let Some(Payload::EnvironmentEvent(event)) = event.payload {
                assert_eq!(event.error, "");
                if states.last() != Some(&event.state) {
                    states.push(event.state);
                }
            }
        }
        for state in ["DEPLOYED", "CONFIGURED", "RUNNING", "CONFIGURED", "DONE"] {
            let place = states.iter().position(|seen| seen == state);
            states.drain(..=place.unwrap_or_else(|| panic!("no {state} in {states:?}")));
        }
        assert!(states.is_empty(), "after the end: {states:?}");
        let none = client
            .get_environments(pb::GetEnvironmentsRequest::default())
            .await
            .unwrap()
            .into_inner();
        assert!(none.environments.is_empty());
    });
}

#[test]
fn what_cannot_be_an_automatic_environment_is_told_on_the_stream() {
    let home = Home::new();
    let core = example(&home);
    block_on(async {
        let client = &mut core.client().await;
        let request = pb::NewAutoEnvironmentRequest {
            workflow_template: "nothing".to_owned(),
            id: "x".to_owned(),
            ..pb::NewAutoEnvironmentRequest::default()
        };
        client.new_auto_environment(request).await.unwrap();
        let stream = pb::SubscribeRequest { id: "x".to_owned() };
        let mut events = client.subscribe(stream).await.unwrap().into_inner();
        let first = events.message().await.unwrap().unwrap();
        let Some(Payload::EnvironmentEvent(failed)) = first.payload else {
            panic!("{first:?}");
        };
        assert!(failed.error.contains("nothing"), "{failed:?}");
        assert!(events.message().await.unwrap().is_none(), "the stream ends");
    });
}
