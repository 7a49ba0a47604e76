//! Workflows that DPL commands make (reference: template-language.md 7.2).
//!
//! The reference runs the command while it loads a workflow, and names the result after everything that went into it.
//! Nothing is run here: the name is computed, and what the command once made must be pinned under it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;
use sha1::{Digest as _, Sha1};

use super::config;
use crate::evaluate::{Context, Home, Missed, Place, World, evaluate_text};
use crate::identity;
use crate::payload::Scene;

/// What comes before every command; the two forms differ in a space, and so do the names.
const PREFIX: &str = "source /etc/profile.d/o2.sh &&";

/// Configuration URIs of a command that count for its name.
const MAX_URIS: usize = 2;

/// Variables that are exported before the command is run.
const ENVIRONMENT: &str = "jit_env_vars";

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    /// `dpl.Generate`: the command.
    Command(&'a str),
    /// `dpl.GenerateFromUri`: the file in `jit/` that holds it.
    Uri(&'a str),
    /// `dpl.GenerateFromUriOrFallbackToTemplate`: the same, or the template of that name.
    UriOrTemplate(&'a str),
}

/// Name of the workflow template that a command makes.
pub(super) fn generate(request: &Request<'_>, context: &Context<'_>) -> Result<String, String> {
    let (Place::Role { home, .. } | Place::Dpl { home }) = context.place else {
        return Err("DPL commands can be used only in roles".to_owned());
    };
    let (Request::Command(text) | Request::Uri(text) | Request::UriOrTemplate(text)) = request;
    // What production writes for no command.
    if *text == "none" {
        return Err("there is no DPL command: it is `none`".to_owned());
    }
    let (command, uri, separator) = match request {
        Request::Command(command) => ((*command).to_owned(), None, ""),
        Request::Uri(uri) | Request::UriOrTemplate(uri) => match command(uri, home, context.world) {
            Some(command) => (command, Some((*uri).to_owned()), " "),
            None if matches!(request, Request::UriOrTemplate(_)) => return Ok((*uri).to_owned()),
            None => return Err(format!("there is no file `jit/{uri}` in {}", home.repository)),
        },
    };
    let inside = context.inside(Place::Dpl { home })?;
    let command = evaluate_text(&command, &inside)
        .map_err(|message| format!("the DPL command cannot be evaluated: {message}"))?;
    let name = name(&format!("{PREFIX}{separator}{command}"), context)?;
    if let Some(workflow) = pinned(&name, home, context.world) {
        return Ok(workflow);
    }
    context.world.miss(Missed::Pin {
        name: name.clone(),
        command: command.clone(),
        uri: uri.clone(),
    });
    match request {
        Request::UriOrTemplate(uri) if has_workflow(uri, home, context.world) => Ok((*uri).to_owned()),
        _ => {
            let what = match &uri {
                Some(uri) => format!("the DPL command in `jit/{uri}`"),
                None => format!("the DPL command `{command}`"),
            };
            Err(format!(
                "what {what} makes is not pinned: name its workflow template under `{name}` in `partita.lock`"
            ))
        }
    }
}

fn command(uri: &str, home: Home<'_>, world: &dyn World) -> Option<String> {
    let identity = identity::command(home, uri);
    let command = world.command(&identity).map(str::to_owned);
    if command.is_none() {
        world.miss(Missed::Command(identity));
    }
    command
}

/// The template that stands for a result: the one that the lock names, or the result itself in its repository.
fn pinned(name: &str, home: Home<'_>, world: &dyn World) -> Option<String> {
    if let Some(workflow) = world.pins().and_then(|pins| pins.workflows.get(name)) {
        return Some(workflow.clone());
    }
    has_workflow(name, home, world).then(|| name.to_owned())
}

fn has_workflow(name: &str, home: Home<'_>, world: &dyn World) -> bool {
    let identity = identity::workflow(home, name);
    let found = world.has_workflow(&identity);
    if !found {
        world.miss(Missed::Workflow(identity));
    }
    found
}

/// `jit-` and the SHA-1 of the command, the packages, the exported variables and the payloads that it names.
fn name(command: &str, context: &Context<'_>) -> Result<String, String> {
    let mut sha1 = Sha1::new();
    sha1.update(command);
    sha1.update(context.world.pins().map_or("", |pins| pins.packages.as_str()));
    sha1.update(context.variables.get(ENVIRONMENT).unwrap_or_default());
    for uri in uris(command).take(MAX_URIS) {
        sha1.update(payload(uri, context)?);
    }
    let mut name = "jit-".to_owned();
    for byte in sha1.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    Ok(name)
}

static URI: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"['"]?(?:consul-json|apricot)://[^ |\n]+"#).ok());

/// Configuration URIs in a command; quotes around one are not part of it.
fn uris(command: &str) -> impl Iterator<Item = &str> {
    URI.iter().flat_map(|uri| uri.find_iter(command)).map(|found| {
        let text = found.as_str();
        ['\'', '"']
            .into_iter()
            .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
            .unwrap_or(text)
    })
}

/// The payload that a configuration URI means, processed unless it says otherwise. Only its own parameters are
/// variables of the template (9.3).
fn payload(uri: &str, context: &Context<'_>) -> Result<String, String> {
    let failed = |message: String| format!("the payload `{uri}` of a DPL command cannot be read: {message}");
    let (_, query) = uri
        .split_once("components/")
        .ok_or_else(|| failed("there is no `components/` in it".to_owned()))?;
    let (path, parameters) = match query.split_once('?') {
        Some((path, parameters)) => (path, Some(self::parameters(parameters).map_err(failed)?)),
        None => (query, None),
    };
    let apricot = uri.trim_start_matches(['\'', '"']).starts_with("apricot://");
    let (process, variables) = parameters.unwrap_or((apricot, BTreeMap::new()));
    if !process {
        return config::raw(path, context.world).map_err(failed);
    }
    let scene = Scene {
        world: context.world,
        variables: &variables,
        edition: context.edition,
    };
    config::rendered(path, scene).map_err(failed)
}

/// `k=v(&k=v)*`; `process` is no variable.
fn parameters(text: &str) -> Result<(bool, BTreeMap<String, String>), String> {
    let bad = || "bad component configuration key format".to_owned();
    let plain = |text: &str, more: &[u8]| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte) || more.contains(&byte);
        !text.is_empty() && text.bytes().all(fits)
    };
    let mut process = None;
    let mut variables = BTreeMap::new();
    for parameter in text.split('&') {
        let (name, value) = parameter.split_once('=').ok_or_else(bad)?;
        if !plain(name, b"") || !plain(value, b",\"[]") {
            return Err(bad());
        }
        if name == "process" {
            let truth = match value {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => true,
                "0" | "f" | "F" | "FALSE" | "false" | "False" => false,
                _ => return Err(bad()),
            };
            if process.replace(truth).is_some() {
                return Err(bad());
            }
        } else if variables.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(bad());
        }
    }
    Ok((process.unwrap_or(true), variables))
}
