//! `partita task`: the processes of a core.

use clap::Subcommand;
use partita_proto::o2control as pb;
use serde_json::json;

use super::{Core, answer, environment, json, table, with};
use crate::connection::Endpoint;
use crate::failure::Failure;

/// Show the tasks of a core, and end those that no environment owns
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita task list --environment 2AbC")]
pub(crate) struct Task {
    #[command(flatten)]
    core: Endpoint,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List tasks
    List {
        /// Only those of this environment
        #[arg(long, value_name = "ID")]
        environment: Option<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show one task: where it runs, its command, channels and properties
    Show {
        /// Its identity
        task: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// End tasks that no environment owns
    Clean {
        /// Only these; otherwise all
        tasks: Vec<String>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

impl Task {
    pub(crate) fn run(self) -> Result<(), Failure> {
        with(&self.core, |core| act(core, self.action))
    }
}

async fn act(mut core: Core, action: Action) -> Result<(), Failure> {
    match action {
        Action::List {
            environment: None,
            json,
        } => {
            let tasks = answer(core.control.get_tasks(pb::GetTasksRequest {}).await)?.tasks;
            list(&tasks, json);
        }
        Action::List {
            environment: Some(wanted),
            json,
        } => {
            let id = environment(&mut core, &wanted).await?;
            let request = pb::GetEnvironmentRequest {
                id,
                show_workflow_tree: false,
            };
            let info = answer(core.control.get_environment(request).await)?.environment;
            list(&info.unwrap_or_default().tasks, json);
        }
        Action::Show { task: task_id, json } => {
            let reply = answer(core.control.get_task(pb::GetTaskRequest { task_id }).await)?;
            show(&reply.task.unwrap_or_default(), json);
        }
        Action::Clean {
            tasks: task_ids,
            json,
        } => {
            let reply = answer(
                core.control
                    .cleanup_tasks(pb::CleanupTasksRequest { task_ids })
                    .await,
            )?;
            list(&reply.killed_tasks, json);
        }
    }
    Ok(())
}

pub(super) fn list(tasks: &[pb::ShortTaskInfo], as_json: bool) {
    if as_json {
        json::print(&tasks.iter().map(json::task).collect());
        return;
    }
    let row = |task: &pb::ShortTaskInfo| {
        let host = task
            .deployment_info
            .as_ref()
            .map(|info| info.hostname.clone())
            .unwrap_or_default();
        [
            task.task_id.clone(),
            task.class_name.clone(),
            host,
            task.state.clone(),
            task.status.clone(),
            task.pid.clone(),
            if task.critical { "" } else { "not critical" }.to_owned(),
            if task.locked { "" } else { "nobody's" }.to_owned(),
        ]
    };
    let rows: Vec<_> = tasks.iter().map(row).collect();
    print!(
        "{}",
        table::draw(["TASK", "CLASS", "HOST", "STATE", "STATUS", "PID", "", ""], &rows)
    );
}

fn show(task: &pb::TaskInfo, as_json: bool) {
    let short = task.short_info.clone().unwrap_or_default();
    let command = task.command_info.clone().unwrap_or_default();
    let mut properties: Vec<_> = task.properties.iter().collect();
    properties.sort();
    if as_json {
        let channel = |channel: &pb::ChannelInfo| json!({"name": channel.name, "type": channel.r#type, "target": channel.target});
        let properties: serde_json::Map<_, _> = properties
            .iter()
            .map(|(name, value)| ((*name).clone(), json!(value)))
            .collect();
        json::print(&json!({
            "task": json::task(&short),
            "environment": task.env_id,
            "path": task.task_path,
            "command": {
                "value": command.value,
                "arguments": command.arguments,
                "env": command.env,
                "shell": command.shell,
                "user": command.user,
            },
            "inboundChannels": task.inbound_channels.iter().map(channel).collect::<Vec<_>>(),
            "outboundChannels": task.outbound_channels.iter().map(channel).collect::<Vec<_>>(),
            "properties": properties,
        }));
        return;
    }
    let host = short
        .deployment_info
        .map(|info| info.hostname)
        .unwrap_or_default();
    println!(
        "task         {}\nrole         {}\nenvironment  {}\nclass        {}\nhost         {host}\n\
         state        {} {}\npid          {}\noutput       {}",
        short.task_id,
        task.task_path,
        task.env_id,
        short.class_name,
        short.state,
        short.status,
        short.pid,
        short.sandbox_stdout,
    );
    println!("command      {}", command.value);
    for argument in &command.arguments {
        println!("  {argument}");
    }
    for channel in task.inbound_channels.iter().chain(&task.outbound_channels) {
        println!(
            "channel      {} {} {}",
            channel.name, channel.r#type, channel.target
        );
    }
    for (name, value) in properties {
        println!("property     {name}={value}");
    }
}
