//! Everything that can be known of an expression without running it.

use partita_stdlib::{Function, Id};

use super::{Checker, Rigour};
use crate::evaluate::{Context, Fault, json};
use crate::expression::{Expression, Node};
use crate::functions::config;
use crate::ir::Code;

/// Something about an expression that its author should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it does to whoever evaluates the expression.
    pub harm: Harm,
    /// What is found, in a few words.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Byte offset in the text of the expression.
    pub at: u32,
}

/// What a finding does to whoever evaluates the expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// The expression is refused as a whole, in whichever branch the mistake is.
    Refused,
    /// It fails once the place is reached.
    Fails,
    /// It gives a value, but hardly the one that was meant.
    Misleads,
    /// It works, under a name that is going away.
    Deprecated,
}

/// Looks at an expression as closely as it can be looked at without values, in order of place. `context` says which names are
/// variables, and where the expression stands.
pub fn findings(code: &Code, context: &Context<'_>) -> Vec<Finding> {
    let refused = faults(&code.expression, context, Rigour::Reference).0;
    let (faults, remarks) = faults(&code.expression, context, Rigour::Full);
    let mut findings: Vec<Finding> = refused
        .into_iter()
        .map(|fault| finding(fault, Harm::Refused))
        .collect();
    for fault in faults {
        match findings.iter_mut().find(|known| known.at == fault.at) {
            // Whoever looks closer knows better what is wrong.
            Some(known) => *known = finding(fault, known.harm),
            None => findings.push(finding(fault, Harm::Fails)),
        }
    }
    for remark in remarks {
        if !findings.iter().any(|known| known.at == remark.at) {
            findings.push(remark);
        }
    }
    findings.sort_by_key(|finding| finding.at);
    findings
}

fn faults<'a>(
    expression: &'a Expression,
    context: &Context<'a>,
    rigour: Rigour,
) -> (Vec<Fault>, Vec<Finding>) {
    let mut checker = Checker::new(context, rigour);
    checker.nature(expression);
    (checker.faults, checker.remarks)
}

fn finding(fault: Fault, harm: Harm) -> Finding {
    Finding {
        harm,
        message: fault.message,
        hint: fault.hint,
        at: fault.at,
    }
}

/// The remark on a function that is called by a name that the reference warns of.
pub(super) fn deprecated(function: &Function, name: &str, at: u32) -> Option<Finding> {
    let now = format!("{}.{}", function.namespace, function.name);
    function.deprecates(name).then(|| Finding {
        harm: Harm::Deprecated,
        message: format!("{name} is the old name of {now}"),
        hint: Some(format!("write `{now}(…)`")),
        at,
    })
}

impl<'a> Checker<'a, '_> {
    /// Remarks on a condition that does not depend on anything.
    pub(super) fn constant(&mut self, condition: &'a Expression) {
        if is_constant(condition) {
            self.misleads(condition.at, "this condition does not depend on anything", None);
        }
    }

    /// Remarks on texts that a function makes nothing of.
    pub(super) fn literals(&mut self, function: &Function, arguments: &'a [Expression]) {
        for (index, argument) in arguments.iter().enumerate() {
            let Node::Str(text) = &argument.node else { continue };
            let (message, hint) = match (function.id, index) {
                (Id::Unmarshal, 0) if json::decode(text).is_err() => (
                    "this text is not JSON: the value is nil",
                    "texts in it need double quotes: '[\"a\"]'",
                ),
                (Id::ConfigGet | Id::ConfigGetLegacy | Id::ConfigResolvePath, 0)
                    if !config::is_path(text) =>
                {
                    (
                        "this is no path of a configuration entry",
                        "write `component/RUNTYPE/role/entry`, such as `qc/ANY/any/postprocessing`",
                    )
                }
                (Id::ConfigResolve, 1) if !config::is_run_type(text) => (
                    "this is no run type: NULL is looked for",
                    "such as PHYSICS or ANY",
                ),
                (Id::SuffixInRange, 2 | 3) if text.parse::<i64>().is_err() => (
                    "this is no number: nothing is in the range",
                    "write decimal digits",
                ),
                _ => continue,
            };
            self.misleads(argument.at, message, Some(hint.to_owned()));
        }
    }

    pub(super) fn misleads(&mut self, at: u32, message: impl Into<String>, hint: Option<String>) {
        self.remarks.push(Finding {
            harm: Harm::Misleads,
            message: message.into(),
            hint,
            at,
        });
    }
}

fn is_constant(expression: &Expression) -> bool {
    match &expression.node {
        Node::Nil | Node::Bool(_) | Node::Int(_) | Node::Float(_) | Node::Str(_) => true,
        Node::Unary(_, operand) => is_constant(operand),
        Node::Binary(_, left, right) => is_constant(left) && is_constant(right),
        Node::Array(items) => items.iter().all(is_constant),
        _ => false,
    }
}
