//! From what the evaluator saw to what a person follows: each name with where it comes from.

use std::collections::BTreeSet;

use super::definitions::{Candidate, Sight};
use super::lineage::Lineage;
use super::{Definition, Explainer, Layer, Step};
use crate::evaluate::TracedPart;
use crate::ir::Template;

/// Follows the names of one explanation. What it has shown once it does not show again.
pub(super) struct Follower<'e> {
    explainer: &'e Explainer<'e>,
    lineage: &'e Lineage<'e>,
    seen: BTreeSet<(usize, Layer, String)>,
}

impl<'e> Follower<'e> {
    pub(super) fn new(explainer: &'e Explainer<'e>, lineage: &'e Lineage<'e>) -> Self {
        Self {
            explainer,
            lineage,
            seen: BTreeSet::new(),
        }
    }

    /// The definition of a candidate; with its steps, if they are wanted.
    pub(super) fn finish(&mut self, candidate: Candidate<'e>, wanted: bool) -> Definition {
        let depth = if wanted { self.explainer.depth } else { 0 };
        self.seen.insert(candidate.key);
        let mut definition = candidate.definition;
        if wanted && let Some((template, sight)) = candidate.follow {
            definition.steps = self.follow(template, sight, depth).1;
        }
        definition
    }

    /// The text of a field, and the steps to it.
    pub(super) fn follow(
        &mut self,
        template: &Template,
        sight: Sight,
        depth: usize,
    ) -> (Result<String, String>, Vec<Step>) {
        if let Some(text) = template.literal() {
            return (Ok(text.to_owned()), Vec::new());
        }
        match self.explainer.trace(self.lineage, template, sight) {
            None => (Ok(template.source()), Vec::new()),
            Some(trace) => (
                trace.text.map_err(|error| error.to_string()),
                self.steps(trace.expressions, sight, depth),
            ),
        }
    }

    fn steps(&mut self, parts: Vec<TracedPart>, sight: Sight, depth: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        for part in parts {
            let mut again = false;
            let origin = part.variable.and_then(|name| {
                let (origin, known) = self.origin(&name, sight, depth)?;
                again = known;
                Some(Box::new(origin))
            });
            steps.push(Step {
                source: part.source,
                outcome: part.outcome,
                origin,
                again,
                parts: self.steps(part.parts, sight, depth),
            });
        }
        steps
    }

    /// The definition that a name has its value from, and whether it was shown before.
    fn origin(&mut self, name: &str, sight: Sight, depth: usize) -> Option<(Definition, bool)> {
        let lineage = self.lineage;
        let candidate = self
            .explainer
            .candidates(lineage, name, sight)
            .into_iter()
            .next()?;
        let mut definition = candidate.definition;
        definition.wins = true;
        let known = !self.seen.insert(candidate.key);
        if let (false, Some((template, sight)), Some(depth)) = (known, candidate.follow, depth.checked_sub(1))
        {
            definition.steps = self.follow(template, sight, depth).1;
        }
        Some((definition, known))
    }
}
