//! Variables of a whole repository: which can be defined where they are read.
//!
//! A file sees what it defines itself, what every file around it may define (all that include or load it, whatever they
//! are included by), what the core provides, and what `partita.toml` says comes from outside. Anybody may give any
//! variable when a workflow is run, so an undefined one is a warning.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use partita_artefact::ir::{Part, Span, Template};
use partita_artefact::similar::closest;

use super::names::{Folder, Free, Names, When};
use super::pattern::Pattern;
use super::revision::{Revision, Target};
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::source::Repositories;
use partita_artefact::surroundings::AT_LOAD;

/// What the core adds before the command of a task is made (`template-language.md` 3.1, 3.7).
const AT_DEPLOYMENT: [&str; 6] = [
    "detectors",
    "task_class_name",
    "task_hostname",
    "task_id",
    "task_name",
    "task_parent_role",
];

/// What it adds until a call is made (`template-language.md` 3.1, 5.6). A `*` stands for any text.
const AT_CALL: [&str; 9] = [
    "__call_*",
    "detectors",
    "lhc_period",
    "pdp_n_hbf_per_tf",
    "runNumber",
    "run_end_*_ms",
    "run_end_time_ms",
    "run_number",
    "run_start_*_ms",
];

/// Places that a finding shows beside the first, at most.
const PLACES: usize = 3;

/// Variables that nothing defines where they are read.
pub(super) fn undefined(revision: &Revision, _: &Repositories, findings: &mut Vec<Diagnostic>) {
    let scope = Scope::of(revision);
    let mut missing: BTreeMap<&str, Vec<&Free>> = BTreeMap::new();
    for (index, file) in scope.files.iter().enumerate() {
        for free in file.names.free.iter().filter(|_| file.reached) {
            if !scope.sees(index, free) {
                missing.entry(&free.name).or_default().push(free);
            }
        }
    }
    let passes = !revision.settings.edition.undefined_arguments_are_errors();
    for (name, frees) in missing {
        // Of names of one or two letters, all are near.
        let misspelt = name.len() > 2 && frees.iter().any(|free| free.late.is_none());
        let near = misspelt
            .then(|| closest(name, scope.defined.keys().copied()))
            .flatten();
        match scope.defined.get(name) {
            Some(defined) => {
                findings.extend(frees.iter().map(|free| not_here(free, *defined, near, passes)));
            }
            None => findings.push(nowhere(&frees, near, passes)),
        }
    }
}

/// A variable that other files define, or this one in another place.
fn not_here(free: &Free, defined: Span, near: Option<&str>, passes: bool) -> Diagnostic {
    let name = &free.name;
    let label = Label::at(free.span).saying(uses(free));
    let Some(late) = free.late else {
        let found = passing(undefined_here(free), passes && free.argument).at(label);
        let meant = near.map_or_else(String::new, |near| format!("did you mean `{near}`? otherwise "));
        return found
            .and(Label::at(defined).saying("defined here, for other roles"))
            .hint(format!(
                "{meant}define it around this role, or declare in `partita.toml` that it comes from outside"
            ));
    };
    let message = format!("variable `{name}` is read before it is defined");
    Diagnostic::of(Code::ReadTooEarly, message)
        .at(label)
        .and(Label::at(late).saying("this definition is not seen there"))
        .hint("variables of one map do not see each other, nor `enabled` and `defaults` the role's own: define it on the role around")
}

fn undefined_here(free: &Free) -> Diagnostic {
    let name = &free.name;
    let message = if provided(name, When::Deploy) || provided(name, When::Call) {
        format!("variable `{name}` is not defined yet here: the core defines it later")
    } else {
        format!("variable `{name}` is not defined here")
    };
    Diagnostic::warning(Code::UndefinedVariable, message)
}

/// A variable that no file of the repository defines.
fn nowhere(frees: &[&Free], near: Option<&str>, passes: bool) -> Diagnostic {
    let Some((first, others)) = frees.split_first() else {
        return Diagnostic::warning(Code::UndefinedVariable, String::new());
    };
    let name = &first.name;
    let found = if provided(name, When::Deploy) || provided(name, When::Call) {
        undefined_here(first)
    } else {
        let message = format!("nothing defines the variable `{name}`");
        Diagnostic::warning(Code::UndefinedVariable, message)
    };
    let argument = passes && frees.iter().all(|free| free.argument);
    let mut found = passing(found, argument).at(Label::at(first.span).saying(uses(first)));
    for other in others.iter().take(PLACES) {
        found = found.and(Label::at(other.span).saying(uses(other)));
    }
    // Not in the message: a history compares messages, and this number changes with other files.
    let readers = match others.len() {
        0 => String::new(),
        more => format!("{} files read it; ", more + 1),
    };
    let declare = format!(
        "{readers}if it comes from outside, declare it in `partita.toml`: `[variables]` `{name} = \"…\"`"
    );
    found.hint(match near {
        Some(near) => format!("did you mean `{near}`? {declare}"),
        None => declare,
    })
}

fn passing(mut diagnostic: Diagnostic, argument: bool) -> Diagnostic {
    if argument {
        diagnostic.message.push_str(": it passes as nothing");
    }
    diagnostic
}

fn uses(free: &Free) -> String {
    match free.uses {
        1 => String::new(),
        uses => format!("the first of {uses} uses in this file"),
    }
}

/// A workflow or task template, and how it is reached.
struct File<'a> {
    names: &'a Names,
    /// It can be asked for, or something loads it: otherwise nobody knows what is around it.
    reached: bool,
    /// Every place from which it can be reached, directly or through others: what is defined there.
    around: Vec<&'a [Arc<str>]>,
}

/// From which file another one is reached, and what is defined there.
type Site<'a> = (usize, &'a [Arc<str>]);

/// Who sees what.
struct Scope<'a> {
    revision: &'a Revision,
    files: Vec<File<'a>>,
    /// Everything that is defined anywhere, and where first.
    defined: BTreeMap<&'a str, Span>,
    /// What task templates define; channels that are inherited by a task see it.
    by_tasks: BTreeSet<&'a str>,
}

impl<'a> Scope<'a> {
    fn of(revision: &'a Revision) -> Self {
        let workflows = revision.workflows.values().map(|file| &file.names);
        let tasks = revision.tasks.values().map(|file| &file.names);
        let mut scope = Self {
            revision,
            files: workflows
                .chain(tasks)
                .map(|names| File {
                    names,
                    reached: false,
                    around: Vec::new(),
                })
                .collect(),
            defined: BTreeMap::new(),
            by_tasks: BTreeSet::new(),
        };
        for (index, file) in scope.files.iter().enumerate() {
            for definition in &file.names.defined {
                scope.defined.entry(&definition.name).or_insert(definition.span);
                if index >= revision.workflows.len() {
                    scope.by_tasks.insert(&definition.name);
                }
            }
            for (name, span) in &file.names.iterators {
                scope.defined.entry(name).or_insert(*span);
            }
        }
        scope.reach();
        scope
    }

    /// Finds for each file the places from which it is reached.
    fn reach(&mut self) {
        let indices = self.indices();
        // From which file, and what is around: for each file.
        let mut incoming: Vec<Vec<Site<'a>>> = vec![Vec::new(); self.files.len()];
        for (from, file) in self.files.iter().enumerate() {
            for reach in &file.names.reaches {
                for to in indices.of(self.revision, reach.folder, &reach.text) {
                    if let Some(incoming) = incoming.get_mut(to) {
                        incoming.push((from, &reach.around));
                    }
                }
            }
        }
        let workflows = self.revision.workflows.len();
        let mut closed: Vec<Vec<&'a [Arc<str>]>> = Vec::new();
        for start in 0..workflows {
            closed.push(around(start, &incoming));
        }
        for (index, file) in self.files.iter_mut().enumerate() {
            let direct = incoming.get(index).map(Vec::as_slice).unwrap_or_default();
            file.reached = index < workflows || !direct.is_empty();
            file.around = closed
                .get(index)
                .cloned()
                .unwrap_or_else(|| through(direct, &closed));
        }
    }

    fn indices(&self) -> Indices<'a> {
        let workflows = self.revision.workflows.keys().map(String::as_str).collect();
        let tasks = self.revision.tasks.keys().map(String::as_str).collect();
        Indices { workflows, tasks }
    }

    fn sees(&self, index: usize, free: &Free) -> bool {
        let name: &str = &free.name;
        provided(name, free.when)
            || self.revision.settings.variables.contains_key(name)
            || (free.when == When::Configure && self.by_tasks.contains(name))
            || self.files.get(index).is_some_and(|file| {
                let mut around = file.around.iter();
                around.any(|names| names.binary_search_by(|known| (**known).cmp(name)).is_ok())
            })
    }
}

/// What is defined at every place from which a task template is reached, each once.
fn through<'a>(direct: &[Site<'a>], workflows: &[Vec<&'a [Arc<str>]>]) -> Vec<&'a [Arc<str>]> {
    let mut around: Vec<&'a [Arc<str>]> = Vec::new();
    let above = direct
        .iter()
        .filter_map(|(from, _)| workflows.get(*from))
        .flatten();
    for names in direct.iter().map(|(_, names)| names).chain(above) {
        if !around.iter().any(|known| std::ptr::eq(*known, *names)) {
            around.push(names);
        }
    }
    around
}

/// Whether the core or a service defines the name by then.
fn provided(name: &str, when: When) -> bool {
    let later = match when {
        When::Load => false,
        When::Deploy | When::Configure => AT_DEPLOYMENT.contains(&name),
        When::Call => {
            let services = partita_stdlib::SERVICES.iter().flat_map(|service| service.sets);
            AT_CALL
                .iter()
                .chain(services)
                .any(|pattern| matches(pattern, name))
        }
    };
    later || AT_LOAD.contains(&name)
}

/// Whether a name is what a pattern with at most two `*` stands for.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((first, rest)) => name
            .strip_prefix(first)
            .is_some_and(|tail| match rest.rsplit_once('*') {
                Some((middle, last)) => tail.strip_suffix(last).is_some_and(|tail| tail.contains(middle)),
                None => tail.ends_with(rest),
            }),
    }
}

/// What is defined at every place from which a file is reached, each once.
fn around<'a>(start: usize, incoming: &[Vec<Site<'a>>]) -> Vec<&'a [Arc<str>]> {
    let mut around: Vec<&'a [Arc<str>]> = Vec::new();
    let mut seen = BTreeSet::from([start]);
    let mut waiting = vec![start];
    while let Some(file) = waiting.pop() {
        for (from, names) in incoming.get(file).into_iter().flatten() {
            if !names.is_empty() && !around.iter().any(|known| std::ptr::eq(*known, *names)) {
                around.push(names);
            }
            if seen.insert(*from) {
                waiting.push(*from);
            }
        }
    }
    around
}

/// The place of each file among all.
struct Indices<'a> {
    workflows: Vec<&'a str>,
    tasks: Vec<&'a str>,
}

impl Indices<'_> {
    /// The files that a text may name.
    fn of(&self, revision: &Revision, folder: Folder, text: &Template) -> Vec<usize> {
        let (names, first) = match folder {
            Folder::Workflows => (&self.workflows, 0),
            Folder::Tasks => (&self.tasks, self.workflows.len()),
        };
        let known = match folder {
            Folder::Workflows => target(&revision.workflow(text)),
            Folder::Tasks => target(&revision.task(text)),
        };
        match known {
            Known::File(name) => {
                let found = names.binary_search(&name.as_str()).ok();
                found.map(|index| first + index).into_iter().collect()
            }
            Known::Nothing => Vec::new(),
            Known::Open => {
                let pattern = pattern(text);
                let matching = names.iter().enumerate();
                matching
                    .filter(|(_, name)| pattern.meets(&Pattern::text(**name)))
                    .map(|(index, _)| first + index)
                    .collect()
            }
        }
    }
}

enum Known {
    File(String),
    Open,
    Nothing,
}

fn target<T>(target: &Target<'_, T>) -> Known {
    match target {
        Target::File(file) => Known::File(file.name.clone()),
        Target::Open => Known::Open,
        Target::Absent(_) | Target::Elsewhere(_) | Target::Malformed(_) => Known::Nothing,
    }
}

fn pattern(text: &Template) -> Pattern {
    let mut pattern = Pattern::default();
    for part in &text.parts {
        match part {
            Part::Text(text) => pattern.push_text(text),
            Part::Expression(code) => pattern.push(&Pattern::hole(code.text.clone())),
            Part::Malformed { text, .. } => pattern.push(&Pattern::hole(text.clone())),
        }
    }
    pattern
}
