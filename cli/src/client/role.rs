//! `partita role`: the roles of an environment.

use partita_proto::o2control as pb;
use serde_json::Value;

use super::{answer, environment, json, table, with};
use crate::connection::Endpoint;
use crate::failure::Failure;

/// Show roles of an environment, by a pattern of their paths
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita role 2AbC 'readout-dataflow.host-*.readout' --variables")]
pub(crate) struct Role {
    #[command(flatten)]
    core: Endpoint,
    /// Identity of the environment, or the beginning of it
    environment: String,
    /// Path with wildcards: `*` within a name, `**` over several
    #[arg(default_value = "**")]
    pattern: String,
    /// With everything that each role sees
    #[arg(long)]
    variables: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Role {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let roles = with(&self.core, async |mut core| {
            let env_id = environment(&mut core, &self.environment).await?;
            let path_spec = self.pattern.clone();
            let request = pb::GetRolesRequest { env_id, path_spec };
            Ok(answer(core.control.get_roles(request).await)?.roles)
        })?;
        if roles.is_empty() {
            return Err(Failure::No(format!("no role matches `{}`", self.pattern)));
        }
        if self.json {
            let all: Vec<Value> = roles
                .iter()
                .map(|role| json::role(role, self.variables))
                .collect();
            json::print(&all.into());
            return Ok(());
        }
        let row = |role: &pb::RoleInfo| {
            [
                role.full_path.clone(),
                role.state.clone(),
                role.status.clone(),
                role.task_ids.len().to_string(),
            ]
        };
        if self.variables {
            for role in &roles {
                println!("{} {} {}", role.full_path, role.state, role.status);
                let mut seen: Vec<_> = role.consolidated_stack.iter().collect();
                seen.sort();
                for (name, value) in seen {
                    println!("  {name}={value}");
                }
            }
        } else {
            let rows: Vec<_> = roles.iter().map(row).collect();
            print!("{}", table::draw(["ROLE", "STATE", "STATUS", "TASKS"], &rows));
        }
        Ok(())
    }
}
