//! The roles of an environment as a tree with their states.

use std::fmt::Write as _;

use partita_core::aggregate::{State, Status};
use partita_core::core::RoleSnapshot;

/// Draws the roles, which come parents first. Calls are left out: they have no state of their own.
pub(super) fn draw(roles: &[RoleSnapshot]) -> String {
    let shown: Vec<&RoleSnapshot> = roles
        .iter()
        .filter(|role| !role.call && !holds_only_calls(role, roles))
        .collect();
    let name_width = shown
        .iter()
        .map(|role| indent(role, roles) + name(role, roles).chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for role in shown {
        let label = format!("{}{}", " ".repeat(indent(role, roles)), name(role, roles));
        let (state, status) = seen(role, roles);
        let _ = write!(
            text,
            "{label:name_width$}  {:10} {:8}",
            state.to_string(),
            status.to_string()
        );
        if let Some(task) = &role.task {
            let host = task.host.as_deref().unwrap_or("nowhere");
            let _ = write!(text, "  {host}");
            if task.pid != 0 {
                let _ = write!(text, "  pid {}", task.pid);
            }
            if !role.critical {
                text.push_str("  not critical");
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// State and status as people see them. Where nothing counts for the environment, so that the role has no state of
/// its own, what is below it does.
fn seen(role: &RoleSnapshot, roles: &[RoleSnapshot]) -> (State, Status) {
    if role.task.is_some() || role.state != State::Invariant {
        return (role.state, role.status);
    }
    roles
        .iter()
        .filter(|other| other.task.is_some() && is_below(other, role))
        .fold((State::Invariant, Status::Invariant), |(state, status), other| {
            (state.product(other.state), status.product(other.status))
        })
}

/// The nearest role above, among those that come before.
fn parent<'a>(role: &RoleSnapshot, roles: &'a [RoleSnapshot]) -> Option<&'a RoleSnapshot> {
    roles
        .iter()
        .filter(|other| is_below(role, other))
        .max_by_key(|other| other.path.len())
}

fn is_below(role: &RoleSnapshot, other: &RoleSnapshot) -> bool {
    role.path
        .strip_prefix(&other.path)
        .is_some_and(|rest| rest.starts_with('.'))
}

fn indent(role: &RoleSnapshot, roles: &[RoleSnapshot]) -> usize {
    2 * roles.iter().filter(|other| is_below(role, other)).count()
}

fn name<'a>(role: &'a RoleSnapshot, roles: &[RoleSnapshot]) -> &'a str {
    let above = parent(role, roles).map_or(0, |parent| parent.path.len() + 1);
    role.path.get(above..).unwrap_or(&role.path)
}

fn holds_only_calls(role: &RoleSnapshot, roles: &[RoleSnapshot]) -> bool {
    role.task.is_none()
        && !roles
            .iter()
            .any(|other| other.task.is_some() && is_below(other, role))
}
