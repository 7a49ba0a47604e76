//! `partita repo`: the repositories of workflows that a core reads.

use clap::Subcommand;
use partita_proto::o2control as pb;
use serde_json::json;

use super::{Core, answer, json, table, with};
use crate::connection::Endpoint;
use crate::failure::Failure;

/// Show and change the workflow repositories of a core
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples: partita repo list\n          partita repo add https://example.org/flp/workflows --revision v1.2"
)]
pub(crate) struct Repo {
    #[command(flatten)]
    core: Endpoint,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List repositories, their numbers and default revisions
    List {
        /// With all branches and tags
        #[arg(long)]
        revisions: bool,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a repository
    Add {
        /// Folder or URL
        repository: String,
        /// Revision that is meant when none is named
        #[arg(long, default_value = "")]
        revision: String,
    },
    /// Remove a repository
    Remove {
        /// Its number in `repo list`, or its name
        repository: String,
    },
    /// Read new commits of one repository, or of all
    Refresh {
        /// Its number in `repo list`, or its name
        repository: Option<String>,
    },
    /// Make a repository the one that is meant when none is named
    Default {
        /// Its number in `repo list`, or its name
        repository: String,
    },
    /// Set the revision that is meant when none is named
    Revision {
        /// Branch, tag or hash
        revision: String,
        /// Only for this repository: its number in `repo list`, or its name
        repository: Option<String>,
    },
}

impl Repo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        with(&self.core, |core| act(core, self.action))
    }
}

async fn act(mut core: Core, action: Action) -> Result<(), Failure> {
    match action {
        Action::List { revisions, json } => list(&mut core, revisions, json).await,
        Action::Add {
            repository: name,
            revision: default_revision,
        } => {
            let request = pb::AddRepoRequest {
                name,
                default_revision,
            };
            let reply = answer(core.control.add_repo(request).await)?;
            if !reply.info.is_empty() {
                eprintln!("{}", reply.info.trim_end());
            }
            println!("{}", reply.new_default_revision);
            Ok(())
        }
        Action::Remove { repository } => {
            let index = number(&mut core, &repository).await?;
            let reply = answer(core.control.remove_repo(pb::RemoveRepoRequest { index }).await)?;
            if !reply.new_default_repo.is_empty() {
                eprintln!("the default is now {}", reply.new_default_repo);
            }
            Ok(())
        }
        Action::Refresh { repository } => {
            let index = match repository {
                Some(repository) => number(&mut core, &repository).await?,
                None => -1,
            };
            answer(
                core.control
                    .refresh_repos(pb::RefreshReposRequest { index })
                    .await,
            )?;
            Ok(())
        }
        Action::Default { repository } => {
            let index = number(&mut core, &repository).await?;
            answer(
                core.control
                    .set_default_repo(pb::SetDefaultRepoRequest { index })
                    .await,
            )?;
            Ok(())
        }
        Action::Revision { revision, repository } => set_revision(&mut core, revision, repository).await,
    }
}

async fn listed(core: &mut Core, get_revisions: bool) -> Result<pb::ListReposReply, Failure> {
    answer(
        core.control
            .list_repos(pb::ListReposRequest { get_revisions })
            .await,
    )
}

/// The number of a repository: what the wire calls it by.
async fn number(core: &mut Core, wanted: &str) -> Result<i32, Failure> {
    let repositories = listed(core, false).await?.repos;
    let found = match wanted.parse::<usize>() {
        Ok(number) => Some(number).filter(|number| *number < repositories.len()),
        Err(_) => repositories.iter().position(|one| one.name == wanted),
    };
    found
        .and_then(|number| i32::try_from(number).ok())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "there is no repository `{wanted}`: `partita repo list` shows their numbers and names"
            ))
        })
}

async fn list(core: &mut Core, revisions: bool, as_json: bool) -> Result<(), Failure> {
    let reply = listed(core, revisions).await?;
    if as_json {
        let repository = |one: &pb::RepoInfo| {
            json!({
                "name": one.name,
                "default": one.default,
                "defaultRevision": one.default_revision,
                "revisions": one.revisions,
            })
        };
        json::print(&json!({
            "globalDefaultRevision": reply.global_default_revision,
            "repositories": reply.repos.iter().map(repository).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let rows: Vec<_> = reply
        .repos
        .iter()
        .enumerate()
        .map(|(index, one)| {
            [
                index.to_string(),
                one.name.clone(),
                if one.default { "yes" } else { "" }.to_owned(),
                one.default_revision.clone(),
                one.revisions.join(" "),
            ]
        })
        .collect();
    let last = if revisions { "REVISIONS" } else { "" };
    print!(
        "{}",
        table::draw(
            ["NUMBER", "REPOSITORY", "DEFAULT", "DEFAULT REVISION", last],
            &rows
        )
    );
    Ok(())
}

async fn set_revision(core: &mut Core, revision: String, repository: Option<String>) -> Result<(), Failure> {
    let Some(repository) = repository else {
        let request = pb::SetGlobalDefaultRevisionRequest { revision };
        answer(core.control.set_global_default_revision(request).await)?;
        return Ok(());
    };
    let index = number(core, &repository).await?;
    let request = pb::SetRepoDefaultRevisionRequest {
        index,
        revision: revision.clone(),
    };
    let reply = answer(core.control.set_repo_default_revision(request).await)?;
    // Whatever it says, it says instead of doing it (`wire.md` 2.2).
    match reply.info.trim() {
        "" => Ok(()),
        there => Err(Failure::No(format!(
            "{repository} has no revision `{revision}`; it has {there}"
        ))),
    }
}
