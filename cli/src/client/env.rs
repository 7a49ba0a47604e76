//! `partita env`: the environments of a core.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use partita_proto::o2control as pb;
use partita_proto::partita::v1;
use serde_json::json;

use super::follow::{Follower, headline, pictures};
use super::{Core, answer, environment, json, table, task, user, with};
use crate::connection::Endpoint;
use crate::failure::Failure;
use crate::{inputs, store};

/// Create, steer, watch and end environments
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: partita env create readout-dataflow --set hosts='[\"localhost\"]'\n          \
    partita env start 2AbC\n          partita env watch 2AbC\n          partita env destroy 2AbC --stop"
)]
pub(crate) struct Env {
    #[command(flatten)]
    core: Endpoint,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List environments
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Create an environment from a workflow of the core's repositories, or from an artefact
    Create(Create),
    /// Show an environment: what it is, and its roles
    Show {
        /// Its identity, or the beginning of it
        id: String,
        /// Its tasks instead of its roles
        #[arg(long)]
        tasks: bool,
        /// The variables of its root role instead of its roles
        #[arg(long)]
        variables: bool,
        /// As JSON, with roles
        #[arg(long)]
        json: bool,
    },
    /// Start a run
    Start(Target),
    /// Stop the run
    Stop(Target),
    /// Give the tasks their configuration
    Configure(Target),
    /// Take the configuration back; also the way out of ERROR
    Reset(Target),
    /// Bring an environment in ERROR back to where it can be configured
    Recover(Target),
    /// Give up a creation that is under way
    Cancel(Target),
    /// End an environment
    Destroy(Destroy),
    /// Tell what happens to an environment until it is gone
    Watch {
        /// Its identity, or the beginning of it
        id: String,
        /// A JSON object on a line for each change
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Target {
    /// Identity of the environment, or the beginning of it
    id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Create {
    /// `[REPOSITORY/workflows/]NAME[@REVISION]`, the hash of an artefact in the core's store, or an artefact file
    #[arg(value_name = "WORKFLOW|ARTEFACT")]
    what: String,
    /// User variable
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// JSON object of user variables; `--set` beats it
    #[arg(long, value_name = "FILE")]
    vars: Option<PathBuf>,
    /// Go through one run by itself, and end
    #[arg(long)]
    auto: bool,
    /// Do not wait until it is configured
    #[arg(long)]
    detach: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Destroy {
    /// Identity of the environment, or the beginning of it
    id: String,
    /// Stop its run first, if there is one; without this a running environment is left alone
    #[arg(long, visible_alias = "allow-in-running")]
    stop: bool,
    /// By force: no transition, straight to the end
    #[arg(long)]
    force: bool,
    /// Leave its processes
    #[arg(long)]
    keep_tasks: bool,
}

impl Env {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Create(create) => {
                let variables = create.variables()?;
                with(&self.core, |core| create.create(core, variables))
            }
            action => with(&self.core, |core| act(core, action)),
        }
    }
}

async fn act(mut core: Core, action: Action) -> Result<(), Failure> {
    match action {
        Action::List { json } => list(&mut core, json).await,
        // Its variables need the files of this machine, and are read before.
        Action::Create(_) => Ok(()),
        Action::Show {
            id,
            tasks,
            variables,
            json,
        } => {
            let reply = shown(&mut core, &id).await?;
            if json {
                show_json(&reply);
                return Ok(());
            }
            show(&reply, tasks, variables);
            Ok(())
        }
        Action::Start(target) => transition(core, target, "START_ACTIVITY").await,
        Action::Stop(target) => transition(core, target, "STOP_ACTIVITY").await,
        Action::Configure(target) => transition(core, target, "CONFIGURE").await,
        Action::Reset(target) => transition(core, target, "RESET").await,
        Action::Recover(target) => transition(core, target, "RECOVER").await,
        Action::Cancel(target) => {
            let environment = environment(&mut core, &target.id).await?;
            let request = v1::CancelRequest {
                environment,
                user: Some(user()),
            };
            answer(core.ours.cancel(request).await).map(drop)
        }
        Action::Destroy(destroy) => destroy.destroy(core).await,
        Action::Watch { id, json } => watch(core, &id, json).await,
    }
}

async fn list(core: &mut Core, as_json: bool) -> Result<(), Failure> {
    let request = pb::GetEnvironmentsRequest {
        show_all: true,
        ..Default::default()
    };
    let all = answer(core.control.get_environments(request).await)?.environments;
    if as_json {
        json::print(&all.iter().map(json::environment).collect());
        return Ok(());
    }
    let row = |one: &pb::EnvironmentInfo| {
        [
            one.id.clone(),
            one.root_role.clone(),
            one.state.clone(),
            one.current_transition.clone(),
            run(one.current_run_number),
            one.number_of_tasks.to_string(),
            one.included_detectors.join(" "),
        ]
    };
    let rows: Vec<_> = all.iter().map(row).collect();
    let headings = [
        "ID",
        "WORKFLOW",
        "STATE",
        "TRANSITION",
        "RUN",
        "TASKS",
        "DETECTORS",
    ];
    print!("{}", table::draw(headings, &rows));
    Ok(())
}

/// A run number; 0 is none (`wire.md` 2.2).
fn run(number: u32) -> String {
    match number {
        0 => String::new(),
        number => number.to_string(),
    }
}

async fn shown(core: &mut Core, wanted: &str) -> Result<pb::GetEnvironmentReply, Failure> {
    let id = environment(core, wanted).await?;
    let request = pb::GetEnvironmentRequest {
        id,
        show_workflow_tree: true,
    };
    answer(core.control.get_environment(request).await)
}

fn show_json(reply: &pb::GetEnvironmentReply) {
    let info = reply.environment.clone().unwrap_or_default();
    let mut value = json::environment(&info);
    if let Some(object) = value.as_object_mut() {
        let tasks = info.tasks.iter().map(json::task).collect();
        object.insert("tasks".to_owned(), tasks);
        let tree = reply.workflow.as_ref().map(|root| json::role(root, false));
        object.insert("workflow".to_owned(), tree.unwrap_or_default());
    }
    json::print(&value);
}

fn show(reply: &pb::GetEnvironmentReply, tasks: bool, variables: bool) {
    let info = reply.environment.clone().unwrap_or_default();
    if tasks {
        return task::list(&info.tasks, false);
    }
    if variables {
        for (layer, values) in [
            ("defaults", &info.defaults),
            ("vars", &info.vars),
            ("user", &info.user_vars),
        ] {
            let mut values: Vec<_> = values.iter().collect();
            values.sort();
            println!("{layer}:");
            for (name, value) in values {
                println!("  {name}={value}");
            }
        }
        return;
    }
    let mut state = info.state.clone();
    if !info.current_transition.is_empty() {
        let _ = write!(state, ", {} under way", info.current_transition);
    }
    if info.current_run_number != 0 {
        let _ = write!(state, ", run {}", info.current_run_number);
    }
    println!("environment  {}\nstate        {state}", info.id);
    println!(
        "tasks        {} active of {} on {} hosts",
        info.number_of_active_tasks, info.number_of_tasks, info.number_of_hosts
    );
    if !info.included_detectors.is_empty() {
        println!("detectors    {}", info.included_detectors.join(" "));
    }
    if let Some(root) = &reply.workflow {
        let mut rows = Vec::new();
        tree(root, 0, &info, &mut rows);
        print!(
            "{}",
            table::draw(["ROLE", "STATE", "STATUS", "HOST", "PID"], &rows)
        );
    }
}

/// The roles with their states. Roles without any task are calls and what holds only calls: they have no state.
fn tree(role: &pb::RoleInfo, depth: usize, info: &pb::EnvironmentInfo, rows: &mut Vec<[String; 5]>) {
    if role.task_ids.is_empty() {
        return;
    }
    let own = match (role.roles.as_slice(), role.task_ids.as_slice()) {
        ([], [id]) => info.tasks.iter().find(|task| task.task_id == *id),
        _ => None,
    };
    let host = own.and_then(|task| task.deployment_info.as_ref());
    rows.push([
        format!("{}{}", "  ".repeat(depth), role.name),
        role.state.clone(),
        role.status.clone(),
        host.map(|info| info.hostname.clone()).unwrap_or_default(),
        own.map(|task| task.pid.clone()).unwrap_or_default(),
    ]);
    for below in &role.roles {
        tree(below, depth + 1, info, rows);
    }
}

impl Create {
    fn variables(&self) -> Result<std::collections::BTreeMap<String, String>, Failure> {
        inputs::user_variables(self.vars.as_deref(), &self.set)
    }

    async fn create(
        self,
        mut core: Core,
        variables: std::collections::BTreeMap<String, String>,
    ) -> Result<(), Failure> {
        let artefact = self.artefact(&mut core).await?;
        let request = v1::CreateRequest {
            artefact,
            variables: variables.into_iter().collect(),
            auto: self.auto,
            user: Some(user()),
        };
        let mut creation = answer(core.ours.create(request).await)?;
        let first = creation.message().await.map_err(Failure::from)?;
        let Some(v1::creation::What::Begun(begun)) = first.and_then(|first| first.what) else {
            return Err(Failure::Surroundings("the core ended".to_owned()));
        };
        for warning in &begun.warnings {
            eprintln!("{} {warning}", crate::terminal::warning_label());
        }
        let id = begun.environment;
        if self.detach {
            self.created(&id, "PENDING");
            return Ok(());
        }
        let mut follower = Follower::new();
        let last = follower.until_it_rests(&mut creation).await;
        follower.end();
        let last = last?;
        if last.gone || last.state == "ERROR" {
            return Err(Failure::No(format!("environment {id} was not created")));
        }
        self.created(&id, &last.state);
        Ok(())
    }

    fn created(&self, id: &str, state: &str) {
        if self.json {
            json::print(&json!({"id": id, "state": state}));
        } else {
            println!("{id}");
        }
    }

    /// The hash of what is to be created, in the core's store.
    async fn artefact(&self, core: &mut Core) -> Result<String, Failure> {
        let path = Path::new(&self.what);
        if path.is_file() {
            let artefact = store::read(path)?;
            let reply = core.ours.put(v1::PutRequest { artefact }).await;
            return Ok(answer(reply)?.artefact);
        }
        if store::is_hash(&self.what) {
            return Ok(self.what.clone());
        }
        let request = v1::CompileRequest {
            workflow: self.what.clone(),
            ..Default::default()
        };
        let reply = answer(core.ours.compile(request).await)?;
        for diagnostic in &reply.diagnostics {
            eprintln!("{}", diagnostic.text.trim_end());
        }
        if reply.artefact.is_empty() {
            return Err(Failure::No(format!("{} cannot be compiled", self.what)));
        }
        Ok(reply.artefact)
    }
}

async fn transition(mut core: Core, target: Target, transition: &str) -> Result<(), Failure> {
    let environment = environment(&mut core, &target.id).await?;
    let pictures = pictures(&mut core, &environment).await?;
    let request = v1::TransitionRequest {
        environment: environment.clone(),
        transition: transition.to_owned(),
        user: Some(user()),
    };
    let mut follower = Follower::new();
    let result = follower.during(pictures, core.ours.transition(request)).await;
    follower.end();
    let reply = result?;
    if target.json {
        json::print(&json!({
            "id": environment,
            "state": reply.state,
            "currentRunNumber": reply.run_number,
            "startOfTransition": reply.begun_ms,
            "endOfTransition": reply.ended_ms,
        }));
    } else {
        let picture = v1::Picture {
            state: reply.state,
            run_number: reply.run_number,
            ..Default::default()
        };
        println!("{}", headline(&picture));
    }
    Ok(())
}

impl Destroy {
    async fn destroy(self, mut core: Core) -> Result<(), Failure> {
        let id = environment(&mut core, &self.id).await?;
        let pictures = pictures(&mut core, &id).await?;
        let request = pb::DestroyEnvironmentRequest {
            id,
            keep_tasks: self.keep_tasks,
            allow_in_running_state: self.stop,
            force: self.force,
            request_user: Some(user()),
        };
        let mut follower = Follower::new();
        let result = follower
            .during(pictures, core.control.destroy_environment(request))
            .await;
        follower.end();
        result.map(drop)
    }
}

async fn watch(mut core: Core, wanted: &str, as_json: bool) -> Result<(), Failure> {
    let id = environment(&mut core, wanted).await?;
    let mut pictures = pictures(&mut core, &id).await?;
    let mut follower = Follower::new();
    loop {
        let picture = pictures.message().await.map_err(Failure::from)?;
        let Some(picture) = picture else {
            return Err(Failure::Surroundings("the core ended".to_owned()));
        };
        if as_json {
            println!("{}", watched(&picture));
        } else {
            follower.tell(&picture);
        }
        if picture.gone {
            follower.end();
            return Ok(());
        }
    }
}

/// A picture on one line.
fn watched(picture: &v1::Picture) -> serde_json::Value {
    let wait = |wait: &v1::Deadline| {
        json!({
            "what": wait.what,
            "leftMs": wait.left_ms,
            "roles": wait.roles,
            "rolesTotal": wait.roles_total,
        })
    };
    let count = |count: &v1::Count| (count.state.clone(), json!(count.tasks));
    json!({
        "sequence": picture.sequence,
        "timestamp": picture.time_ms,
        "id": picture.environment,
        "state": picture.state,
        "currentTransition": picture.transition,
        "currentRunNumber": picture.run_number,
        "waits": picture.waits.iter().map(wait).collect::<Vec<_>>(),
        "tasks": picture.tasks.iter().map(count).collect::<serde_json::Map<_, _>>(),
        "gone": picture.gone,
    })
}
