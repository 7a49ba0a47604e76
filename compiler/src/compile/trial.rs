//! Trial instantiation: the tree is made with the variables that are given, so that what only shows then (templated
//! includes, undefined variables, failing expressions) is known before anything runs.

use std::collections::{BTreeMap, BTreeSet};

use partita_artefact::evaluate::{ErrorKind as EvaluateKind, EvaluateError, Missed, Snapshot};
use partita_artefact::instance::{Instance, Role};
use partita_artefact::instantiate::{ErrorKind, InstantiateError, Limits, Surprise, instantiate_within};
use partita_artefact::ir::{Artefact, Span};
use partita_artefact::surroundings;

use super::certain::Certain;
use super::load::Loader;
use super::{Unpinned, late, traps};
use crate::diagnostic::{Code, Diagnostic, Label, SourceMap};
use crate::{link, lock};

/// What the trial says.
pub(super) struct Tried {
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The tree, if it can be made with what is given.
    pub(super) instance: Option<Instance>,
    /// Variables that it reads and nothing defines, and whether it reads them whatever else is given.
    pub(super) undefined: BTreeMap<String, bool>,
    /// Mistakes that were too many to keep.
    pub(super) untold: usize,
    /// DPL commands whose results are not pinned.
    pub(super) unpinned: BTreeSet<Unpinned>,
}

/// Reads files and makes the tree until no more are missing.
pub(super) fn run(artefact: &mut Artefact, loader: &mut Loader<'_>, limits: &Limits) -> Tried {
    let given = surroundings::assumed(&artefact.given);
    artefact.revisions.clone_from(&loader.revisions);
    loop {
        lend(artefact, loader);
        let (tree, missed) = {
            let world = Snapshot::new(artefact, || "uid".to_owned());
            let tree = instantiate_within(artefact, &given, &world, limits);
            (tree, world.missed())
        };
        lend(artefact, loader);
        let mut new = false;
        let mut unpinned = BTreeSet::new();
        for missed in missed {
            new |= match missed {
                Missed::Text(text) => late::parse(artefact, text),
                Missed::Command(identity) => loader.command(&identity),
                Missed::Workflow(identity) => loader.module(&identity),
                Missed::Pin { name, command, uri } => {
                    unpinned.insert(Unpinned { name, command, uri });
                    false
                }
            };
        }
        if let Err(errors) = &tree {
            new |= read_missing(errors, loader);
        }
        if new {
            continue;
        }
        let mut tried = match tree {
            Ok(instance) => Tried {
                diagnostics: of_instance(&instance, known(artefact), &loader.sources),
                untold: untold(&instance.warnings),
                instance: Some(instance),
                undefined: BTreeMap::new(),
                unpinned: BTreeSet::new(),
            },
            Err(errors) => {
                lend(artefact, loader);
                let certain = (!artefact.closed).then(|| Certain::new(artefact));
                lend(artefact, loader);
                of_errors(&errors, loader, certain.as_ref(), known(artefact))
            }
        };
        tell_unpinned(&unpinned, &mut tried.diagnostics);
        tried.unpinned = unpinned;
        return tried;
    }
}

/// A command whose result is not pinned fails what needs it, or else a template takes its place, which is told.
fn tell_unpinned(unpinned: &BTreeSet<Unpinned>, diagnostics: &mut Vec<Diagnostic>) {
    for Unpinned { name, uri, .. } in unpinned {
        let mut failed = false;
        for diagnostic in diagnostics.iter_mut().filter(|told| told.message.contains(name)) {
            diagnostic.code = Code::Unpinned;
            failed = true;
        }
        if let Some(uri) = uri.as_ref().filter(|_| !failed) {
            let message = format!(
                "what the DPL command in `jit/{uri}` makes is not pinned (`{name}`): the template `{uri}` is used"
            );
            let hint = format!("name the workflow template that it makes in `{}`", lock::PATH);
            diagnostics.push(Diagnostic::warning(Code::Unpinned, message).hint(hint));
        }
    }
}

/// Moves what was read into the artefact, or back.
fn lend(artefact: &mut Artefact, loader: &mut Loader<'_>) {
    std::mem::swap(&mut artefact.modules, &mut loader.modules);
    std::mem::swap(&mut artefact.classes, &mut loader.classes);
    std::mem::swap(&mut artefact.commands, &mut loader.commands);
}

fn read_missing(errors: &[InstantiateError], loader: &mut Loader<'_>) -> bool {
    let mut new = false;
    for error in errors {
        new |= match &error.kind {
            ErrorKind::MissingModule { identity } => loader.module(identity),
            ErrorKind::MissingClass { identity } => loader.class(identity),
            _ => false,
        };
    }
    new
}

/// Whether it is known what the configuration store says.
fn known(artefact: &Artefact) -> bool {
    !artefact.configuration.is_empty()
}

/// How many mistakes were too many to keep.
fn untold(errors: &[InstantiateError]) -> usize {
    let number = |error: &InstantiateError| match error.kind {
        ErrorKind::More { number } => number,
        _ => 0,
    };
    errors.iter().map(number).sum()
}

/// It asks a store that nothing is known of: that it fails says nothing.
fn asks_the_unknown(error: &InstantiateError, known: bool) -> bool {
    match &error.kind {
        ErrorKind::Evaluate(evaluate) => !known && evaluate.kind == EvaluateKind::Store,
        ErrorKind::Surprise { surprise, .. } => !known && *surprise == Surprise::Error,
        _ => false,
    }
}

/// What is wrong. Where more variables may come (`certain` is known), only what they cannot mend is an error.
fn of_errors(
    errors: &[InstantiateError],
    loader: &mut Loader<'_>,
    certain: Option<&Certain>,
    known: bool,
) -> Tried {
    let mut diagnostics = Vec::new();
    let mut undefined: BTreeMap<String, bool> = BTreeMap::new();
    for error in errors {
        let found = match &error.kind {
            ErrorKind::More { .. } => Vec::new(),
            _ if asks_the_unknown(error, known) => Vec::new(),
            _ if error.is_warning() => vec![warned(error, &loader.sources)],
            ErrorKind::Evaluate(evaluate) if evaluate.kind == EvaluateKind::UnknownName => {
                let name = name_at(evaluate);
                let told = undefined.contains_key(&name);
                if let Some(certain) = certain {
                    *undefined.entry(name.clone()).or_default() |= certain.is_evaluated(error.span);
                }
                if told {
                    continue;
                }
                vec![unknown_name(error, evaluate, &name, certain, &loader.sources)]
            }
            ErrorKind::MissingModule { identity } | ErrorKind::MissingClass { identity } => {
                missing(error, identity, loader)
            }
            _ => vec![failed(error, &loader.sources)],
        };
        let mendable = certain.is_some_and(|certain| !certain.is_error(error));
        diagnostics.extend(found.into_iter().map(|diagnostic| {
            if mendable && diagnostic.is_error() {
                so_far(diagnostic)
            } else {
                diagnostic
            }
        }));
    }
    // A text that cannot be parsed is a warning where it stands; here it was reached.
    let reached: Vec<Span> = errors
        .iter()
        .filter(|error| is_syntax(error))
        .map(|error| error.span)
        .collect();
    let superseded = |diagnostic: &Diagnostic| {
        let place = diagnostic.primary.as_ref().map(|label| label.span);
        diagnostic.code == Code::ExpressionSyntax && place.is_some_and(|span| reached.contains(&span))
    };
    loader.warnings.retain(|diagnostic| !superseded(diagnostic));
    Tried {
        diagnostics,
        instance: None,
        undefined,
        untold: untold(errors),
        unpinned: BTreeSet::new(),
    }
}

/// What would be an error if nothing more were given.
fn so_far(mut diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.message.push_str(" (with what is given so far)");
    diagnostic.as_warning()
}

fn is_syntax(error: &InstantiateError) -> bool {
    matches!(&error.kind, ErrorKind::Evaluate(evaluate) if evaluate.kind == EvaluateKind::Syntax)
}

fn unknown_name(
    error: &InstantiateError,
    evaluate: &EvaluateError,
    name: &str,
    certain: Option<&Certain>,
    sources: &SourceMap,
) -> Diagnostic {
    let label = place(evaluate, sources).saying(format!("read by role `{}`", error.role));
    let diagnostic = match certain {
        None => Diagnostic::error(
            Code::UndefinedVariable,
            format!("variable `{name}` is not defined here"),
        ),
        Some(certain) => {
            let when = if certain.is_evaluated(error.span) {
                "when the workflow is run"
            } else {
                "where this role is there"
            };
            let message = format!("variable `{name}` is not defined: it must be given {when}");
            Diagnostic::warning(Code::UndefinedVariable, message)
        }
    };
    let give = format!("give it with `--set {name}=…`");
    diagnostic.at(label).hint(match &evaluate.hint {
        Some(hint) => format!("{hint}; or {give}"),
        None => give,
    })
}

fn missing(error: &InstantiateError, identity: &str, loader: &mut Loader<'_>) -> Vec<Diagnostic> {
    let label = Label::at(error.span).saying(format!("needed by role `{}`", error.role));
    let why = loader.why(identity);
    let point = |diagnostic: Diagnostic| match diagnostic.primary {
        None => diagnostic.at(label.clone()),
        Some(_) => diagnostic.and(label.clone()),
    };
    why.into_iter().map(point).collect()
}

fn failed(error: &InstantiateError, sources: &SourceMap) -> Diagnostic {
    let (code, label, message) = match &error.kind {
        ErrorKind::Evaluate(evaluate) => (
            Code::Expression,
            place(evaluate, sources),
            evaluate.message.clone(),
        ),
        ErrorKind::Includes { limit, chain } => return recursion(error, *limit, chain),
        ErrorKind::SamePath => (Code::DuplicatePath, Label::at(error.span), error.kind.to_string()),
        kind => (Code::Instantiate, Label::at(error.span), kind.to_string()),
    };
    with_role(Diagnostic::error(code, message).at(label), error)
}

/// The path of the role would be as long as the recursion is deep, so it is left out.
fn recursion(error: &InstantiateError, limit: usize, chain: &[String]) -> Diagnostic {
    let innermost = chain.last().map(String::as_str).unwrap_or_default();
    let message = if chain.iter().filter(|identity| *identity == innermost).count() > 1 {
        format!("workflow `{innermost}` includes itself")
    } else {
        format!("includes nest more than {limit} deep: {}", chain.join(" > "))
    };
    let diagnostic = Diagnostic::error(Code::RecursiveInclude, message).at(Label::at(error.span));
    error.hint().into_iter().fold(diagnostic, Diagnostic::hint)
}

/// Adds in which role, and what to do.
fn with_role(mut diagnostic: Diagnostic, error: &InstantiateError) -> Diagnostic {
    if let Some(label) = &mut diagnostic.primary {
        label.message = match error.repeated {
            0 => format!("in role `{}`", error.role),
            more => format!("in role `{}` and {more} more", error.role),
        };
    }
    diagnostic.hint = error.hint();
    diagnostic
}

fn warned(warning: &InstantiateError, sources: &SourceMap) -> Diagnostic {
    let label = match &warning.kind {
        ErrorKind::Evaluate(evaluate) | ErrorKind::Enabled(evaluate) => place(evaluate, sources),
        _ => Label::at(warning.span),
    };
    let code = match &warning.kind {
        ErrorKind::Surprise { .. } => Code::SurprisingText,
        _ => Code::Expression,
    };
    with_role(
        Diagnostic::warning(code, warning.kind.to_string()).at(label),
        warning,
    )
}

/// What a tree that can be made still shows.
fn of_instance(instance: &Instance, known: bool, sources: &SourceMap) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> = instance
        .warnings
        .iter()
        .filter(|warning| {
            !asks_the_unknown(warning, known) && !matches!(warning.kind, ErrorKind::More { .. })
        })
        .map(|warning| warned(warning, sources))
        .collect();
    duplicate_paths(&instance.root, &mut BTreeMap::new(), &mut diagnostics);
    diagnostics.extend(traps::of_instance(instance));
    let (_, findings) = link::link(instance);
    diagnostics.extend(findings.into_iter().map(|finding| {
        let mut diagnostic = Diagnostic::warning(finding.code, finding.message).at(Label::at(finding.span));
        diagnostic
            .secondary
            .extend(finding.other.map(|span| Label::at(span).saying("the other one")));
        diagnostic.hint = finding.hint;
        diagnostic
    }));
    diagnostics
}

/// Their channels would be one in the bind map (3.6).
fn duplicate_paths(role: &Role, seen: &mut BTreeMap<String, Span>, diagnostics: &mut Vec<Diagnostic>) {
    match seen.get(&role.path) {
        None => {
            seen.insert(role.path.clone(), role.span);
        }
        Some(first) => {
            let message = format!("two roles are called `{}`", role.path);
            let mut diagnostic = Diagnostic::warning(Code::DuplicatePath, message).at(Label::at(role.span));
            if *first != role.span {
                diagnostic = diagnostic.and(Label::at(*first).saying("the other one"));
            }
            diagnostics.push(diagnostic.hint("give them different names, or disable one of them"));
        }
    }
    for child in &role.roles {
        duplicate_paths(child, seen, diagnostics);
    }
}

/// The name at which an expression failed.
pub(crate) fn name_at(error: &EvaluateError) -> String {
    let at = usize::try_from(error.at).unwrap_or(usize::MAX);
    let rest = error.expression.get(at..).unwrap_or_default();
    rest.chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        .collect()
}

/// Where exactly an expression fails: the text of a field may begin many lines before.
fn place(error: &EvaluateError, sources: &SourceMap) -> Label {
    let at = usize::try_from(error.at).unwrap_or(usize::MAX);
    let found = sources.get(error.span.source).and_then(|file| {
        let from = offset(&file.text, error.span)?;
        let written = format!("{{{{{}}}}}", error.expression);
        let bare = || file.text.get(from..)?.starts_with(&error.expression).then_some(0);
        let start = match file.text.get(from..)?.find(&written) {
            Some(found) => from + found + "{{".len(),
            None => from + bare()?,
        };
        Some(span(&file.text, error.span.source, start + at))
    });
    Label::at(found.unwrap_or(error.span))
}

fn offset(text: &str, span: Span) -> Option<usize> {
    let lines = usize::try_from(span.line).ok()?.checked_sub(1)?;
    let start: usize = text.split_inclusive('\n').take(lines).map(str::len).sum();
    let column = usize::try_from(span.column).ok()?.checked_sub(1)?;
    let (skip, _) = text.get(start..)?.char_indices().nth(column)?;
    Some(start + skip)
}

fn span(text: &str, source: u32, offset: usize) -> Span {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    Span {
        source,
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}
