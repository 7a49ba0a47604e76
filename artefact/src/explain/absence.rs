//! Why a role is not in the tree.

use super::definitions::{Sight, Stage};
use super::lineage::Lineage;
use super::steps::Follower;
use super::{ExplainError, Explainer, Found, Step};
use crate::instance::{Instance, Kind, Role};
use crate::ir::{Body, Span};
use crate::similar::closest;

/// Most roles that a message lists.
const LISTED: usize = 12;

const REMOVED_BY_ITERATOR: &str = "an expression in the `enabled` of an iterator removes all its instances, whatever it \
                                   says (template-language.md 3.5): put the condition on an aggregator around it";

/// Why a role is not in the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Absence {
    /// Path of the role that was asked for.
    pub role: String,
    /// The reasons: one for each role of that path, or that of the ancestor that is missing.
    pub causes: Vec<Cause>,
    /// There are more causes, all of the same kind.
    pub more: usize,
}

/// What keeps a role out of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    /// The role that is left out: the one that was asked for or an ancestor of it.
    pub role: String,
    /// Where it is written.
    pub span: Span,
    /// In words.
    pub reason: String,
    /// Where the deciding text is, as it is written.
    pub written: Option<(Span, String)>,
    /// How it came to its value.
    pub steps: Vec<Step>,
    /// For an aggregator that nothing is left in: why its children are not there.
    pub below: Vec<Cause>,
}

impl Explainer<'_> {
    /// What to say of a path that is not in the real tree. `found` are the roles of that path that were left out.
    pub(super) fn absence(&self, instance: &Instance, path: &str, found: &[Found]) -> ExplainError {
        let mut places: Vec<Vec<usize>> = found.iter().map(|found| found.children.clone()).collect();
        if places.is_empty() {
            ancestors_left_out(&instance.root, path, &mut Vec::new(), &mut places);
        }
        let failed = self.failed(path);
        if places.is_empty() && failed.is_empty() {
            return unknown(instance, path);
        }
        let more = places.len().saturating_sub(LISTED);
        let causes = places
            .iter()
            .take(LISTED)
            .filter_map(|place| self.cause(instance, place))
            .chain(failed)
            .collect();
        ExplainError::Absent(Box::new(Absence {
            role: path.to_owned(),
            causes,
            more,
        }))
    }

    /// Errors of the role or of one above it.
    fn failed(&self, path: &str) -> Vec<Cause> {
        let concerns = |role: &str| {
            path.strip_prefix(role)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let errors = self.whole.errors.iter().filter(|error| concerns(&error.role));
        errors
            .map(|error| Cause {
                role: error.role.clone(),
                span: error.span,
                reason: format!("it cannot be made: {}", error.kind),
                written: None,
                steps: Vec::new(),
                below: Vec::new(),
            })
            .collect()
    }

    /// Why the role at a place is left out.
    fn cause(&self, instance: &Instance, children: &[usize]) -> Option<Cause> {
        let lineage = Lineage::of(self.artefact, instance, children)?;
        let own = lineage.own()?;
        let last = lineage.levels.len() - 1;
        let first = if own.role.include.is_some() {
            last - 1
        } else {
            last
        };
        let mut cause = Cause {
            role: own.role.path.clone(),
            span: own.role.span,
            reason: String::new(),
            written: None,
            steps: Vec::new(),
            below: Vec::new(),
        };
        for level in first..=last {
            let made = lineage.levels.get(level)?.of?;
            let enabled = &made.template.enabled;
            let stage = Stage::Outside;
            let mut follower = Follower::new(self, &lineage);
            let (text, steps) = follower.follow(enabled, Sight::Role { level, stage }, self.depth);
            let included = if level == first {
                ""
            } else {
                " of the root that it includes"
            };
            let reason = match text {
                Ok(text) if crate::instantiate::means_enabled(&text, made.module.edition) => continue,
                Ok(text) => format!("`enabled`{included} is `{text}`, not true"),
                Err(message) => {
                    format!("`enabled`{included} cannot be evaluated, which counts as not true: {message}")
                }
            };
            return Some(Cause {
                reason,
                written: Some((enabled.span, enabled.source())),
                steps,
                ..cause
            });
        }
        let made = lineage.levels.get(first)?.of?;
        let (iterated, edition) = (made.template, made.module.edition);
        let each_decides = edition.iterator_enabled_decides_each_instance();
        if iterated.iterator.is_some() && iterated.enabled.literal().is_none() && !each_decides {
            REMOVED_BY_ITERATOR.clone_into(&mut cause.reason);
            cause.written = Some((iterated.enabled.span, iterated.enabled.source()));
        } else if matches!(own.template.body, Body::Aggregator(_)) {
            cause.reason = if own.role.roles.is_empty() {
                "it has no roles".to_owned()
            } else {
                "none of its roles is left".to_owned()
            };
            for place in 0..own.role.roles.len().min(LISTED) {
                let child = [children, &[place]].concat();
                cause.below.extend(self.cause(instance, &child));
            }
        } else {
            "something above it is left out".clone_into(&mut cause.reason);
        }
        Some(cause)
    }
}

fn unknown(instance: &Instance, path: &str) -> ExplainError {
    let mut paths = Vec::new();
    collect(&instance.root, true, &mut paths);
    let nearest = paths
        .iter()
        .map(|(path, _)| *path)
        .filter(|known| path.strip_prefix(known).is_some_and(|rest| rest.starts_with('.')))
        .max_by_key(|known| known.len());
    let present = paths
        .iter()
        .filter(|(_, present)| *present)
        .map(|(path, _)| *path);
    let close = closest(path, present.clone())
        .or_else(|| present.clone().find(|known| ends(known, path)))
        .or_else(|| closest(path, paths.iter().map(|(path, _)| *path)));
    let hint = match (close, nearest) {
        (Some(close), _) => format!("did you mean `{close}`?"),
        (None, Some(nearest)) => inside(instance, nearest),
        (None, None) => format!("paths begin with the root: `{}`", instance.root.path),
    };
    ExplainError::NoRole {
        path: path.to_owned(),
        hint,
    }
}

fn ends(known: &str, path: &str) -> bool {
    known.strip_suffix(path).is_some_and(|rest| rest.ends_with('.'))
}

/// What there is in a role.
fn inside(instance: &Instance, path: &str) -> String {
    let Some((role, _)) = instance.find(path) else {
        return String::new();
    };
    let names: Vec<&str> = role
        .roles
        .iter()
        .filter(|child| child.enabled)
        .map(|child| child.name.as_str())
        .collect();
    let shown = names.get(..LISTED).unwrap_or(&names).join(", ");
    match (names.len(), &role.kind) {
        (0, Kind::Aggregator) => format!("there is nothing in `{path}`"),
        (0, _) => format!("`{path}` is no aggregator: nothing is below it"),
        (all, _) if all > LISTED => format!("in `{path}` there are {shown}, … ({all} in all)"),
        _ => format!("in `{path}` there are {shown}"),
    }
}

fn collect<'r>(role: &'r Role, above: bool, paths: &mut Vec<(&'r str, bool)>) {
    let present = above && role.enabled;
    paths.push((&role.path, present));
    for child in &role.roles {
        collect(child, present, paths);
    }
}

/// The roles above a path that were left out with everything below them.
fn ancestors_left_out(role: &Role, path: &str, here: &mut Vec<usize>, places: &mut Vec<Vec<usize>>) {
    let above = path
        .strip_prefix(role.path.as_str())
        .is_some_and(|rest| rest.starts_with('.'));
    if !above {
        return;
    }
    if !role.enabled && role.roles.is_empty() {
        places.push(here.clone());
    }
    for (place, child) in role.roles.iter().enumerate() {
        here.push(place);
        ancestors_left_out(child, path, here, places);
        here.pop();
    }
}
