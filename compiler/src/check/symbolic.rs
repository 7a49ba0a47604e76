//! Names and paths of the roles of a workflow without variables: what is literal or follows from `This()`, `Parent()`
//! and `Up(n)` is known, anything else is a hole.

use partita_artefact::expression::{Binary, Expression, Node};
use partita_artefact::ir::{Code, Part, Template};

use super::expansion::Workflow;
use super::pattern::Pattern;

/// How the path of a workflow is written that may be included anywhere.
const ANYWHERE: &str = "…";

/// Names and paths of all roles of a workflow, by their index.
pub(crate) struct Paths<'w> {
    workflow: &'w Workflow<'w>,
    names: Vec<Pattern>,
    of: Vec<Pattern>,
}

impl<'w> Paths<'w> {
    /// Of a workflow. `alone`: it is never included in another one, so that its own name begins its paths.
    pub(crate) fn new(workflow: &'w Workflow<'w>, alone: bool) -> Self {
        let mut paths = Self {
            workflow,
            names: Vec::new(),
            of: Vec::new(),
        };
        for (index, role) in workflow.roles.iter().enumerate() {
            let (name, path) = match role.parent {
                None if !alone => (Pattern::hole(ANYWHERE), Pattern::hole(ANYWHERE)),
                None => {
                    let name = paths.evaluate(&role.template.name, index);
                    (name.clone(), name)
                }
                // It takes the place of the role that includes it (3.6).
                Some(parent) if role.included => (paths.name(parent), paths.path(parent)),
                Some(parent) => {
                    let name = paths.evaluate(&role.template.name, index);
                    let mut path = paths.path(parent);
                    path.push_text(".");
                    path.push(&name);
                    (name, path)
                }
            };
            paths.names.push(name);
            paths.of.push(path);
        }
        paths
    }

    /// The path of a role.
    pub(crate) fn path(&self, index: usize) -> Pattern {
        self.of.get(index).cloned().unwrap_or_default()
    }

    fn name(&self, index: usize) -> Pattern {
        self.names.get(index).cloned().unwrap_or_default()
    }

    /// What is left of a text below the root of the workflow; `None` if it may be anywhere.
    pub(crate) fn below_root(text: &Pattern) -> Option<Pattern> {
        text.strip_hole(ANYWHERE)
    }

    /// A text of a role.
    pub(crate) fn evaluate(&self, template: &Template, index: usize) -> Pattern {
        let mut pattern = Pattern::default();
        for part in &template.parts {
            match part {
                Part::Text(text) => pattern.push_text(text),
                Part::Expression(code) => pattern.push(&self.expression(&code.expression, code, index)),
                Part::Malformed { text, .. } => pattern.push(&Pattern::hole(text.clone())),
            }
        }
        pattern
    }

    fn expression(&self, expression: &Expression, code: &Code, index: usize) -> Pattern {
        let unknown = || Pattern::hole(code.text.clone());
        match &expression.node {
            Node::Str(text) => Pattern::text(text.clone()),
            Node::Binary(Binary::Add, left, right) => {
                let mut pattern = self.expression(left, code, index);
                pattern.push(&self.expression(right, code, index));
                pattern
            }
            Node::Member { object, property, .. } => {
                let Some(role) = self.role(object, index) else {
                    return unknown();
                };
                match &property.node {
                    Node::Str(property) if property == "Path" => self.path(role),
                    Node::Str(property) if property == "Name" => self.name(role),
                    _ => unknown(),
                }
            }
            _ => unknown(),
        }
    }

    /// The role that `This()`, `Parent()` or `Up(n)` means, if its path is known by now.
    fn role(&self, expression: &Expression, index: usize) -> Option<usize> {
        let Node::Call { callee, arguments } = &expression.node else {
            return None;
        };
        let Node::Name(function) = &callee.node else {
            return None;
        };
        let role = match (function.as_str(), arguments.as_slice()) {
            ("This", []) => Some(index),
            ("Parent", []) => self.up(index, 1),
            ("Up", [number]) => match number.node {
                Node::Int(number) if number > 0 => self.up(index, number),
                _ => None,
            },
            _ => None,
        };
        role.filter(|role| *role < self.of.len())
    }

    /// The role that many levels up. The root of an included file and the role that includes it are one (3.6).
    fn up(&self, index: usize, levels: i64) -> Option<usize> {
        let mut index = self.including(index)?;
        for _ in 0..levels {
            index = self.including(self.workflow.roles.get(index)?.parent?)?;
        }
        Some(index)
    }

    fn including(&self, index: usize) -> Option<usize> {
        let role = self.workflow.roles.get(index)?;
        if role.included {
            self.including(role.parent?)
        } else {
            Some(index)
        }
    }
}
