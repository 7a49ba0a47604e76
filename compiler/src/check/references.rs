//! Names of files: those that are not there, and those that differ from what the file says.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::ir::{Body, Module, Span, TaskClass, Template};
use partita_artefact::similar::closest;

use super::file::File;
use super::revision::{Revision, Target};
use crate::compile::load::name_mismatch;
use crate::compile::walk;
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::source::{Location, Repositories};

/// A task template must be called like its file (`template-language.md` 1.6).
pub(super) fn task_template(
    file: &File<TaskClass>,
    class: &TaskClass,
    _text: &str,
    findings: &mut Vec<Diagnostic>,
) {
    if class.name != file.name {
        let message = format!(
            "the task template is called `{}`, its file `{}`",
            class.name, file.name
        );
        findings.push(
            Diagnostic::of(Code::NameMismatch, message)
                .at(Label::at(class.span))
                .hint(format!("write `name: {}`", file.name)),
        );
    }
}

/// Workflows that cannot be asked for by the name of their file. That is right for one that is included by name, and
/// may be right where what is included is not known yet.
pub(super) fn workflows(revision: &Revision, _: &Repositories, findings: &mut Vec<Diagnostic>) {
    if revision.workflows.is_empty() && revision.tasks.is_empty() {
        let repository = &revision.repository;
        let message = format!("repository `{repository}` has neither workflows nor task templates");
        findings.push(
            Diagnostic::of(Code::NotFound, message)
                .hint("they would be the files `workflows/*.yaml` and `tasks/*.yaml`"),
        );
    }
    let open = includes(revision).any(|(text, _)| text.literal().is_none());
    for root in revision.roots() {
        let mismatch = root
            .value
            .as_ref()
            .and_then(|module| name_mismatch(module, &root.name));
        findings.extend(mismatch.map(|error| if open { error.as_warning() } else { error }));
    }
}

/// A text that names a file, and whether its role may be removed.
type Named<'a> = (&'a Template, bool);

fn includes(revision: &Revision) -> impl Iterator<Item = Named<'_>> {
    named(revision, |body| match body {
        Body::Include(text) => Some(text),
        _ => None,
    })
}

fn loads(revision: &Revision) -> impl Iterator<Item = Named<'_>> {
    named(revision, |body| match body {
        Body::Task { load, .. } => Some(load),
        _ => None,
    })
}

fn named(revision: &Revision, text: fn(&Body) -> Option<&Template>) -> impl Iterator<Item = Named<'_>> {
    let modules = revision.workflows.values().filter_map(|file| file.value.as_ref());
    let roles = modules.flat_map(|module| walk::conditional_roles(&module.root));
    roles.filter_map(move |(role, conditional)| Some((text(&role.body)?, conditional)))
}

/// What is wrong with one name, and where it is used.
#[derive(Default)]
struct Places {
    spans: Vec<(Span, bool)>,
}

/// Included workflows and loaded task templates that do not exist. One that is not there harms only if it is needed
/// for certain.
pub(super) fn absent(revision: &Revision, repositories: &Repositories, findings: &mut Vec<Diagnostic>) {
    let mut wrong: BTreeMap<(&str, String), (Wrong, Places)> = BTreeMap::new();
    let mut note = |folder, text: &Template, conditional, what: Option<Wrong>| {
        if let Some(what) = what {
            let key = (folder, text.source());
            let (_, places) = wrong.entry(key).or_insert((what, Places::default()));
            places.spans.push((text.span, conditional));
        }
    };
    for (text, conditional) in includes(revision) {
        let what = Wrong::of(revision.workflow(text), repositories);
        note("workflows", text, conditional, what);
    }
    for (text, conditional) in loads(revision) {
        let what = Wrong::of(revision.task(text), repositories);
        note("tasks", text, conditional, what);
    }
    for ((folder, _), (what, places)) in wrong {
        findings.push(what.finding(folder, revision, places));
    }
}

enum Wrong {
    Absent(Location),
    Unknown(Location),
    Malformed(String),
}

impl Wrong {
    fn of<T>(target: Target<'_, T>, repositories: &Repositories) -> Option<Self> {
        match target {
            Target::File(_) | Target::Open => None,
            Target::Absent(location) => Some(Self::Absent(location)),
            Target::Malformed(message) => Some(Self::Malformed(message)),
            Target::Elsewhere(location) => elsewhere(location, repositories),
        }
    }

    fn finding(self, folder: &str, revision: &Revision, mut places: Places) -> Diagnostic {
        places.spans.sort_by_key(|(_, conditional)| *conditional);
        let certain = places.spans.iter().any(|(_, conditional)| !conditional);
        let (diagnostic, certain) = match self {
            Self::Absent(location) => (missing(&location, revision), certain),
            Self::Unknown(location) => {
                let repository = location.repository.unwrap_or_default();
                let message = format!("repository `{repository}` is not known here");
                let hint = "what is in another repository is not checked";
                (Diagnostic::of(Code::NotFound, message).hint(hint), false)
            }
            Self::Malformed(message) => {
                let hint = format!("write it without `/`, or as `<repository>/{folder}/<name>`");
                (Diagnostic::of(Code::NotFound, message).hint(hint), certain)
            }
        };
        let diagnostic = places.spans.iter().fold(diagnostic, pointing);
        if certain {
            diagnostic
        } else {
            diagnostic.as_warning()
        }
    }
}

/// What is wrong with a name in another repository or revision, as far as it can be seen from here.
fn elsewhere(location: Location, repositories: &Repositories) -> Option<Wrong> {
    let identifier = location.repository.as_deref().unwrap_or_default();
    let Ok(repository) = repositories.get(identifier) else {
        return Some(Wrong::Unknown(location));
    };
    let there = repository
        .snapshot(location.revision.as_deref())
        .and_then(|snapshot| snapshot.read(&location.path()));
    match there {
        Ok(Some(_)) => None,
        _ => Some(Wrong::Absent(location)),
    }
}

fn missing(location: &Location, revision: &Revision) -> Diagnostic {
    let (what, close) = if location.folder == "tasks" {
        let names = revision.tasks.keys().map(String::as_str);
        ("task template", closest(&location.name, names))
    } else {
        let names = revision.workflows.keys().map(String::as_str);
        ("workflow", closest(&location.name, names))
    };
    let at = location
        .revision
        .as_deref()
        .map(|revision| format!("@{revision}"))
        .unwrap_or_default();
    let message = format!("there is no {what} `{}{at}`", location.name);
    let hint = match close {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("it would be the file `{}`", location.path()),
    };
    Diagnostic::of(Code::NotFound, message).hint(hint)
}

/// Points at a place that needs it; the first is what the finding is about.
fn pointing(diagnostic: Diagnostic, (span, conditional): &(Span, bool)) -> Diagnostic {
    let when = if *conditional {
        "needed where this role is enabled"
    } else {
        "needed here"
    };
    let label = Label::at(*span).saying(when);
    if diagnostic.primary.is_some() {
        diagnostic.and(label)
    } else {
        diagnostic.at(label)
    }
}

/// Workflows that include themselves for certain.
pub(super) fn recursive(revision: &Revision, _: &Repositories, findings: &mut Vec<Diagnostic>) {
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for file in revision.workflows.values() {
        let mut path: Vec<&str> = Vec::new();
        follow(revision, file, &mut path, &mut done, findings);
    }
}

/// Follows the includes of `file`, which is included by those of `path`.
fn follow<'a>(
    revision: &'a Revision,
    file: &'a File<Module>,
    path: &mut Vec<&'a str>,
    done: &mut BTreeSet<&'a str>,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(module) = file.value.as_ref().filter(|_| !done.contains(file.name.as_str())) else {
        return;
    };
    path.push(&file.name);
    for (role, conditional) in walk::conditional_roles(&module.root) {
        let (Body::Include(text), false, None) = (&role.body, conditional, &role.iterator) else {
            continue;
        };
        let Target::File(next) = revision.workflow(text) else {
            continue;
        };
        match path.iter().position(|name| *name == next.name) {
            Some(start) => {
                let circle = path.get(start..).unwrap_or_default().join("` includes `");
                let message = format!("`{circle}` includes `{}`: that has no end", next.name);
                findings.push(Diagnostic::of(Code::RecursiveInclude, message).at(Label::at(text.span)));
            }
            None => follow(revision, next, path, done, findings),
        }
    }
    path.pop();
    done.insert(&file.name);
}
