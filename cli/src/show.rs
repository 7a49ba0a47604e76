//! `partita show`: what an artefact holds.

use std::fmt::Write as _;
use std::path::Path;

use partita_artefact::behaviour;
use partita_artefact::digest::{self, Digest};
use partita_artefact::evaluate::{Snapshot, World};
use partita_artefact::instance::{Instance, Role};
use partita_artefact::instantiate::{InstantiateError, instantiate};
use partita_artefact::ir::{Artefact, Layers, Source};
use partita_artefact::show;
use partita_artefact::surroundings::assumed;

use crate::failure::Failure;
use crate::inputs::{assignments, given};
use crate::parameters::{self, place};
use crate::store;

/// The unique identifiers of a tree that is only looked at: always the same one (docs/role-tree.md).
const FIXED_UID: &str = "2fixedUidXX";

/// Show what an artefact holds: its role tree, parameters or sources.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: partita show 3f2a --tree")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an option, and clap keeps those apart that exclude one another"
)]
pub(crate) struct Show {
    /// Hash (or its beginning), name in the store, or file
    artefact: String,
    /// Draw the role tree (what is done if nothing else is asked for)
    #[arg(long, group = "what")]
    tree: bool,
    /// Print the role tree, or with --params the parameters, as JSON (docs/role-tree.md)
    #[arg(long, conflicts_with_all = ["tree", "sources"])]
    json: bool,
    /// With --json: add the commands and properties of a dry deployment
    #[arg(long, requires = "json", conflicts_with = "params")]
    dry: bool,
    /// With --json: add the variables that each role sees
    #[arg(long, requires = "json", conflicts_with = "params")]
    stacks: bool,
    /// List what may and must still be given
    #[arg(long, group = "what")]
    params: bool,
    /// List every file that was read, with its pinned revision and blob, and the digest of what it does
    #[arg(long, group = "what")]
    sources: bool,
    /// Draw only the roles below this path, and say what that role does, field by field, with its digests
    #[arg(long, value_name = "PATH", conflicts_with_all = ["json", "params", "sources"])]
    role: Option<String>,
    /// User variable, on top of what the artefact was given
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
}

impl Show {
    pub(crate) fn run(self, folder: Option<&Path>) -> Result<(), Failure> {
        let (_, artefact) = store::find(folder, &self.artefact)?;
        let text = if self.params && self.json {
            format!("{:#}\n", parameters::list(&artefact))
        } else if self.params {
            parameters::table(&artefact)
        } else if self.sources {
            sources(&artefact)
        } else {
            self.tree_text(&artefact)?
        };
        print!("{text}");
        Ok(())
    }

    fn tree_text(&self, artefact: &Artefact) -> Result<String, Failure> {
        let later = Layers {
            user: assignments(&self.set)?,
            ..Layers::default()
        };
        let missing: Vec<&str> = artefact
            .parameters
            .iter()
            .filter(|parameter| parameter.required && !later.user.contains_key(&parameter.name))
            .map(|parameter| parameter.name.as_str())
            .collect();
        // An open artefact is drawn as it was written; its JSON would have to invent values.
        if !missing.is_empty() && !self.json && self.role.is_none() {
            return Ok(format!(
                "{}open: --set {} to see its roles\n",
                show::template_tree(artefact),
                missing.join(", ")
            ));
        }
        let given = given(artefact, &later)?;
        let world = Snapshot::new(artefact, || FIXED_UID.to_owned());
        // For a look any value will do of what the core will put around the tree; JSON is compared, and exact.
        let around = if self.json { given } else { assumed(&given) };
        let instance = instantiate(artefact, &around, &world).map_err(|errors| failed(artefact, &errors))?;
        if !self.json {
            return match &self.role {
                Some(path) => one_role(artefact, instance, &world, path),
                None => Ok(show::instance_tree(&instance)),
            };
        }
        let dry = self.dry.then(|| show::Dry::new(artefact, &instance, &world));
        let detail = show::Detail {
            stacks: self.stacks,
            dry: dry.as_ref(),
        };
        let value = show::json(artefact, &instance, &detail);
        Ok(format!("{value:#}\n"))
    }
}

/// Errors of an instantiation, each with its place.
pub(crate) fn failed(artefact: &Artefact, errors: &[InstantiateError]) -> Failure {
    let lines: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {error}", place(artefact, error.span)))
        .collect();
    Failure::No(lines.join("\n"))
}

fn one_role(
    artefact: &Artefact,
    mut instance: Instance,
    world: &dyn World,
    path: &str,
) -> Result<String, Failure> {
    let unknown = || Failure::No(format!("no role `{path}` in this artefact"));
    let root = behaviour::of_instance(artefact, &instance, world);
    let mut fields = None;
    root.walk(&mut |node| {
        if node.path == path {
            fields.get_or_insert_with(|| show::role_fields(node));
        }
    });
    instance.root = take(instance.root, path).ok_or_else(unknown)?;
    let fields = fields.ok_or_else(unknown)?;
    Ok(format!("{}{fields}", show::instance_tree(&instance)))
}

fn take(role: Role, path: &str) -> Option<Role> {
    if role.path == path {
        return Some(role);
    }
    role.roles.into_iter().find_map(|child| take(child, path))
}

fn sources(artefact: &Artefact) -> String {
    let mut text = String::new();
    for Source {
        repository,
        revision,
        path,
        blob,
        dirty,
    } in &artefact.sources
    {
        let revision = if revision.is_empty() { "-" } else { revision };
        let mark = if *dirty { "  dirty" } else { "" };
        let digest = behaviour_of(artefact, repository, path).map(|digest| format!("  {digest}"));
        let _ = writeln!(
            text,
            "{blob}  {repository}@{revision}  {path}{mark}{}",
            digest.unwrap_or_default()
        );
    }
    text
}

/// The digest of what the workflow or task template in a file does: files that differ in spaces or comments have the same.
fn behaviour_of(artefact: &Artefact, repository: &str, path: &str) -> Option<Digest> {
    let identity = format!("{repository}/{}", path.strip_suffix(".yaml")?);
    let is_it = |key: &str| {
        key == identity
            || key
                .strip_prefix(&identity)
                .is_some_and(|rest| rest.starts_with('@'))
    };
    let module = artefact.modules.iter().find(|(key, _)| is_it(key));
    let class = || artefact.classes.iter().find(|(key, _)| is_it(key));
    module
        .map(|(_, module)| digest::module(module))
        .or_else(|| class().map(|(_, class)| digest::class(class)))
}
