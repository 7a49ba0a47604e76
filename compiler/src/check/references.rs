//! Names of files: those that are not there, and those that differ from what the file says.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::ir::{Module, Span, TaskClass};
use partita_artefact::similar::closest;

use super::file::File;
use super::revision::{Revision, Target};
use crate::compile::load::name_mismatch;
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
    let open = revision.includes_anything();
    for root in revision.roots() {
        let mismatch = root
            .value
            .as_ref()
            .and_then(|module| name_mismatch(module, &root.name));
        findings.extend(mismatch.map(|error| if open { error.as_warning() } else { error }));
    }
}

/// What is wrong with one name, and where it is used.
#[derive(Default)]
struct Places {
    spans: Vec<(Span, bool)>,
}

/// Included workflows and loaded task templates that do not exist. One that is not there harms only if it is needed
/// for certain.
pub(super) fn absent(revision: &Revision, repositories: &Repositories, findings: &mut Vec<Diagnostic>) {
    let mut wrong: BTreeMap<(&str, &str), (Wrong, Places)> = BTreeMap::new();
    for mention in revision.mentions() {
        let included = revision
            .included(mention)
            .map(|target| Wrong::of(target, repositories));
        let loaded = revision
            .loaded(mention)
            .map(|target| Wrong::of(target, repositories));
        if let Some(what) = included.or(loaded).flatten() {
            let key = (mention.folder, mention.text.as_str());
            let (_, places) = wrong.entry(key).or_insert((what, Places::default()));
            places.spans.push((mention.span, mention.conditional));
        }
    }
    for (what, places) in wrong.into_values() {
        findings.push(what.finding(revision, places));
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

    fn finding(self, revision: &Revision, mut places: Places) -> Diagnostic {
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
            Self::Malformed(message) => (Diagnostic::of(Code::NotFound, message), certain),
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
    if done.contains(file.name.as_str()) {
        return;
    }
    path.push(&file.name);
    let certain = file
        .mentions
        .iter()
        .filter(|mention| !mention.conditional && !mention.repeated);
    for mention in certain {
        let Some(Target::File(next)) = revision.included(mention) else {
            continue;
        };
        match path.iter().position(|name| *name == next.name) {
            Some(start) => {
                let circle = path.get(start..).unwrap_or_default().join("` includes `");
                let message = format!("`{circle}` includes `{}`: that has no end", next.name);
                findings.push(Diagnostic::of(Code::RecursiveInclude, message).at(Label::at(mention.span)));
            }
            None => follow(revision, next, path, done, findings),
        }
    }
    path.pop();
    done.insert(&file.name);
}
