//! The fields of a role: `name`, `enabled`, what it runs, when, and what its task template says.

use super::definitions::{Sight, Stage, definition, judge};
use super::lineage::{Lineage, Made};
use super::steps::Follower;
use super::{Definition, Explainer, Explanation, Layer, Origin};
use crate::ir::{Body, Range, Span, Template, TraitsTemplate};

impl Explainer<'_> {
    /// The fields that a name means: `enabled`, `command` (all of it), `properties.x`, `connect.x`; for constraints and
    /// channels also their bare name.
    pub(super) fn field(&self, lineage: &Lineage<'_>, name: &str) -> Option<Vec<Explanation>> {
        let group = |explanation: &Explanation| {
            let subject = explanation.subject.trim_start_matches('.');
            let below = subject.strip_prefix(name);
            let last = subject.split_once('.').map(|(_, last)| last);
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '['])) || last == Some(name)
        };
        let fields: Vec<_> = self.fields(lineage).into_iter().filter(group).collect();
        (!fields.is_empty()).then_some(fields)
    }

    /// All fields of the role.
    pub(super) fn fields(&self, lineage: &Lineage<'_>) -> Vec<Explanation> {
        let Some(own) = lineage.own() else {
            return Vec::new();
        };
        let mut fields = Fields {
            explainer: self,
            lineage,
            role: own.role.path.clone(),
            all: Vec::new(),
        };
        let last = lineage.levels.len().saturating_sub(1);
        // An include has its fields at the level before, and shares `enabled` with the root that it includes.
        let outer = last
            .checked_sub(1)
            .and_then(|level| lineage.levels.get(level)?.of);
        if let Some(include) = outer.filter(|made| made.include && own.role.include.is_some()) {
            fields.of_template(include, last - 1);
            let origin = Origin::Role(own.role.path.clone());
            fields.template(
                ".enabled of the included root",
                &own.template.enabled,
                Sight::Role {
                    level: last,
                    stage: Stage::Outside,
                },
                &origin,
            );
        } else {
            fields.of_template(own, last);
        }
        fields.critical(own);
        fields.inherited(own);
        if let Some(class) = self.class(lineage) {
            fields.of_class(class);
        }
        fields.all
    }
}

/// The fields found so far.
pub(super) struct Fields<'e> {
    pub(super) explainer: &'e Explainer<'e>,
    pub(super) lineage: &'e Lineage<'e>,
    role: String,
    all: Vec<Explanation>,
}

impl Fields<'_> {
    fn of_template(&mut self, made: Made<'_>, level: usize) {
        let origin = Origin::Role(made.role.path.clone());
        let at = |stage| Sight::Role { level, stage };
        let template = made.template;
        self.template(".name", &template.name, at(Stage::Late), &origin);
        self.template(".enabled", &template.enabled, at(Stage::Outside), &origin);
        if let Some(iterator) = &template.iterator {
            let bounds = match &iterator.range {
                Range::List(range) => vec![(".for.range", range)],
                Range::Count { begin, end } => vec![(".for.begin", begin), (".for.end", end)],
            };
            for (name, bound) in bounds {
                self.template(name, bound, at(Stage::Range), &origin);
            }
        }
        match &template.body {
            Body::Aggregator(_) => {}
            Body::Task { load, traits } => {
                self.template(".load", load, at(Stage::Late), &origin);
                self.traits(traits, at(Stage::Late), &origin);
            }
            Body::Call {
                func,
                returns,
                traits,
                ..
            } => {
                self.template(".func", func, at(Stage::Late), &origin);
                self.template(".return", returns, at(Stage::Late), &origin);
                self.traits(traits, at(Stage::Late), &origin);
            }
            Body::Include(text) => self.template(".include", text, at(Stage::Late), &origin),
        }
    }

    fn traits(&mut self, traits: &TraitsTemplate, sight: Sight, origin: &Origin) {
        if traits.trigger.literal() == Some("") {
            return;
        }
        self.template(".trigger", &traits.trigger, sight, origin);
        self.template(".await", &traits.await_at, sight, origin);
        self.template(".timeout", &traits.timeout, sight, origin);
    }

    /// `critical` is written where there is something to fail, and passes upwards.
    fn critical(&mut self, own: Made<'_>) {
        let role = own.role;
        let origin = Origin::Role(role.path.clone());
        self.plain(
            ".critical",
            if role.critical { "true" } else { "false" },
            role.span,
            &origin,
        );
        let cause = role.roles.iter().find(|child| child.enabled && child.critical);
        if let (Some(cause), Some(explanation)) = (cause, self.all.last_mut()) {
            explanation.notes.push(format!(
                "an aggregator is critical if anything in it is: here `{}`",
                cause.path
            ));
        }
    }

    /// A field that only one place writes.
    pub(super) fn template(&mut self, subject: &str, template: &Template, sight: Sight, origin: &Origin) {
        let mut follower = Follower::new(self.explainer, self.lineage);
        let (value, steps) = follower.follow(template, sight, self.explainer.depth);
        let only = Definition {
            origin: origin.clone(),
            span: (template.span != Span::default()).then_some(template.span),
            written: template.literal().is_none().then(|| template.source()),
            steps,
            ..definition(Layer::Field, value)
        };
        self.push(subject, vec![only]);
    }

    /// A field without expressions.
    pub(super) fn plain(&mut self, subject: &str, value: &str, span: Span, origin: &Origin) {
        let only = Definition {
            origin: origin.clone(),
            span: Some(span),
            ..definition(Layer::Field, Ok(value.to_owned()))
        };
        self.push(subject, vec![only]);
    }

    /// Definitions of the last field that do not even take part.
    pub(super) fn also(&mut self, dropped: Vec<Definition>) {
        if let Some(explanation) = self.all.last_mut() {
            explanation.definitions.extend(dropped);
        }
    }

    /// A field with all that is said about it, the winner first.
    pub(super) fn push(&mut self, subject: &str, mut definitions: Vec<Definition>) {
        judge(&mut definitions);
        self.all.push(Explanation {
            role: self.role.clone(),
            subject: subject.to_owned(),
            value: definitions.first().map(|definition| definition.value.clone()),
            definitions,
            notes: Vec::new(),
        });
    }
}
