//! Constraints and channels: a role has its own, those of its ancestors, and as a task those of its template. For one
//! attribute or name the nearest wins as a whole (`template-language.md` 2.7, 2.8).

use super::definitions::{Sight, Stage, definition};
use super::field::Fields;
use super::lineage::Made;
use super::steps::Follower;
use super::{Definition, Layer, Origin};
use crate::ir::{RoleTemplate, Span, TaskClass, Template};

/// An item of a list that is passed down.
struct Item<'t> {
    name: &'t str,
    span: Span,
    value: &'t Template,
}

fn constraints(template: &RoleTemplate) -> Vec<Item<'_>> {
    template
        .constraints
        .iter()
        .map(|constraint| Item {
            name: &constraint.attribute,
            span: constraint.span,
            value: &constraint.value,
        })
        .collect()
}

fn connect(template: &RoleTemplate) -> Vec<Item<'_>> {
    template
        .connect
        .iter()
        .map(|item| Item {
            name: &item.channel.name,
            span: item.channel.span,
            value: &item.channel.target,
        })
        .collect()
}

fn bind(template: &RoleTemplate) -> Vec<Item<'_>> {
    template
        .bind
        .iter()
        .map(|item| Item {
            name: &item.channel.name,
            span: item.channel.span,
            value: &item.global,
        })
        .collect()
}

impl Fields<'_> {
    /// Every effective constraint and channel of the role.
    pub(super) fn inherited(&mut self, own: Made<'_>) {
        let class = self.explainer.class(self.lineage);
        let class = class.map(|class| (class.identity, class.template));
        for constraint in &own.role.constraints {
            let of_class = class.and_then(|(identity, class)| {
                let item = class
                    .constraints
                    .iter()
                    .rfind(|item| item.attribute == constraint.attribute)?;
                Some(by_class(identity, item.span, item.value.source()))
            });
            let name = &constraint.attribute;
            self.list(
                &format!(".constraints.{name}"),
                name,
                &constraint.value,
                constraints,
                of_class,
            );
        }
        for outbound in &own.role.connect {
            let name = &outbound.channel.name;
            let of_class = class.and_then(|(identity, class)| of_connect(identity, class, name));
            self.list(
                &format!(".connect.{name}"),
                name,
                &outbound.target,
                connect,
                of_class,
            );
        }
        for inbound in &own.role.bind {
            let name = &inbound.channel.name;
            let of_class = class.and_then(|(identity, class)| of_bind(identity, class, name));
            self.list(&format!(".bind.{name}"), name, &inbound.global, bind, of_class);
        }
    }

    fn list(
        &mut self,
        subject: &str,
        name: &str,
        value: &str,
        items: fn(&RoleTemplate) -> Vec<Item<'_>>,
        of_class: Option<Definition>,
    ) {
        let mut definitions = Vec::new();
        let mut dropped = Vec::new();
        let mut follower = Follower::new(self.explainer, self.lineage);
        for (level, made) in self.lineage.levels.iter().enumerate().rev() {
            let Some(made) = made.of else { continue };
            for item in items(made.template)
                .into_iter()
                .rev()
                .filter(|item| item.name == name)
            {
                let stage = Stage::Late;
                let (text, steps) =
                    follower.follow(item.value, Sight::Role { level, stage }, self.explainer.depth);
                let path = made.role.path.clone();
                let mut found = Definition {
                    origin: if made.include {
                        Origin::Include(path)
                    } else {
                        Origin::Role(path)
                    },
                    span: Some(item.span),
                    written: item.value.literal().is_none().then(|| item.value.source()),
                    steps,
                    ..definition(Layer::Field, text)
                };
                if made.include && !made.module.edition.include_passes_on_what_it_has() {
                    found.why = "what an include says is dropped with the include role";
                    dropped.push(found);
                } else {
                    definitions.push(found);
                }
            }
        }
        definitions.extend(of_class);
        if let Some(first) = definitions.first_mut() {
            first.value = Ok(value.to_owned());
        }
        self.push(subject, definitions);
        self.also(dropped);
    }
}

fn by_class(identity: &str, span: Span, value: String) -> Definition {
    Definition {
        origin: Origin::Class(identity.to_owned()),
        span: Some(span),
        ..definition(Layer::Field, Ok(value))
    }
}

/// The target of a task template's own outbound channel means nothing.
fn of_connect(identity: &str, class: &TaskClass, name: &str) -> Option<Definition> {
    let item = class.connect.iter().find(|item| item.channel.name == name)?;
    Some(by_class(identity, item.channel.span, String::new()))
}

fn of_bind(identity: &str, class: &TaskClass, name: &str) -> Option<Definition> {
    let item = class.bind.iter().find(|item| item.channel.name == name)?;
    Some(by_class(identity, item.channel.span, item.global.source()))
}
