//! `partita template`: the workflows that a core can run.

use clap::Subcommand;
use partita_proto::o2control as pb;
use serde_json::Value;

use super::{Core, answer, json, table, with};
use crate::connection::Endpoint;
use crate::failure::Failure;

/// Show the workflows of a core's repositories
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples: partita template list\n          partita template show readout-dataflow")]
pub(crate) struct Template {
    #[command(flatten)]
    core: Endpoint,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Choice {
    /// Repositories: a number, or a name with wildcards
    #[arg(long, default_value = "", value_name = "PATTERN")]
    repo: String,
    /// Revisions, with wildcards
    #[arg(long, default_value = "", value_name = "PATTERN", conflicts_with_all = ["branches", "tags"])]
    revision: String,
    /// At all branches
    #[arg(long)]
    branches: bool,
    /// At all tags
    #[arg(long)]
    tags: bool,
    /// Also those that are not meant for people
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List workflows
    List(Choice),
    /// Show the variables of a workflow
    Show {
        /// Its name
        name: String,
        #[command(flatten)]
        choice: Choice,
    },
}

impl Template {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::List(choice) => {
                let templates = with(&self.core, |core| templates(core, &choice))?;
                list(&templates, choice.json);
            }
            Action::Show { name, mut choice } => {
                // Whoever names one wants to see it, public or not.
                choice.all = true;
                let mut templates = with(&self.core, |core| templates(core, &choice))?;
                templates.retain(|one| one.template == name);
                if templates.is_empty() {
                    return Err(Failure::No(format!(
                        "there is no workflow `{name}`: `partita template list --all` shows all"
                    )));
                }
                show(&templates, choice.json);
            }
        }
        Ok(())
    }
}

async fn templates(mut core: Core, choice: &Choice) -> Result<Vec<pb::WorkflowTemplateInfo>, Failure> {
    let request = pb::GetWorkflowTemplatesRequest {
        repo_pattern: choice.repo.clone(),
        revision_pattern: choice.revision.clone(),
        all_branches: choice.branches,
        all_tags: choice.tags,
        all_workflows: choice.all,
    };
    Ok(answer(core.control.get_workflow_templates(request).await)?.workflow_templates)
}

fn list(templates: &[pb::WorkflowTemplateInfo], as_json: bool) {
    if as_json {
        json::print(&templates.iter().map(json::template).collect());
        return;
    }
    let row = |one: &pb::WorkflowTemplateInfo| {
        [
            one.template.clone(),
            one.repo.clone(),
            one.revision.clone(),
            one.var_spec_map.len().to_string(),
            one.description.lines().next().unwrap_or_default().to_owned(),
        ]
    };
    let rows: Vec<_> = templates.iter().map(row).collect();
    print!(
        "{}",
        table::draw(
            ["WORKFLOW", "REPOSITORY", "REVISION", "VARIABLES", "DESCRIPTION"],
            &rows
        )
    );
}

fn show(templates: &[pb::WorkflowTemplateInfo], as_json: bool) {
    if as_json {
        let all: Vec<Value> = templates.iter().map(json::template).collect();
        json::print(&all.into());
        return;
    }
    for template in templates {
        println!(
            "{}/workflows/{}@{}",
            template.repo, template.template, template.revision
        );
        if !template.description.is_empty() {
            println!("{}", template.description.trim_end());
        }
        let mut variables: Vec<_> = template.var_spec_map.iter().collect();
        variables.sort_by_key(|(name, spec)| (spec.panel.clone(), spec.index, (*name).clone()));
        let row = |(name, spec): (&String, &pb::VarSpecMessage)| {
            [
                format!("  {name}"),
                spec.r#type().as_str_name().to_owned(),
                spec.default_value.clone(),
                spec.allowed_values.join(" | "),
                spec.label.clone(),
            ]
        };
        let rows: Vec<_> = variables.into_iter().map(row).collect();
        print!(
            "{}",
            table::draw(["  VARIABLE", "TYPE", "DEFAULT", "VALUES", "LABEL"], &rows)
        );
    }
}
