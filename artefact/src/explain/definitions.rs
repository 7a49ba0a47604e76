//! All definitions of a variable, the strongest first.

use std::collections::{BTreeMap, BTreeSet};

use super::class::ClassStage;
use super::lineage::{Level, Lineage, Made};
use super::steps::Follower;
use super::{Definition, Explainer, Explanation, Layer, Origin, Step};
use crate::evaluate::{Context, Place, RoleName, Trace, trace};
use crate::instantiate::View;
use crate::ir::{Range, Template, Variable};
use crate::surroundings::AT_LOAD;

/// As much of a role's own variables as a field can see (`template-language.md` 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The range of its iterator: not even the item.
    Range,
    /// `enabled` and the own defaults: nothing of its own.
    Outside,
    /// The own vars: the own defaults.
    Vars,
    /// Everything else: both. `This()` is there from here on.
    Late,
}

/// From where a name is looked up.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sight {
    /// A field of the role at that level, with what it sees of its own. What is below does not matter.
    Role {
        /// Place in the lineage.
        level: usize,
        /// What it sees of its own.
        stage: Stage,
    },
    /// A field of the task template of the last role.
    Class(ClassStage),
}

/// A definition before its expressions are looked at.
pub(super) struct Candidate<'a> {
    pub(super) definition: Definition,
    /// What to follow, and what that sees.
    pub(super) follow: Option<(&'a Template, Sight)>,
    /// Tells definitions apart.
    pub(super) key: (usize, Layer, String),
}

impl Explainer<'_> {
    /// Names of all variables that the role sees; of a task also those of its template.
    pub(super) fn names(&self, lineage: &Lineage<'_>) -> Vec<String> {
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for level in &lineage.levels {
            for layer in [&level.layers.defaults, &level.layers.vars, &level.layers.user] {
                names.extend(layer.keys().map(String::as_str));
            }
        }
        if let Some(class) = self.class(lineage) {
            let own = class.template.defaults.iter().chain(&class.template.vars);
            names.extend(own.map(|variable| variable.name.as_str()));
        }
        names.into_iter().map(str::to_owned).collect()
    }

    /// Why a variable is what the role sees after it was made.
    pub(super) fn variable(&self, lineage: &Lineage<'_>, name: &str) -> Option<Explanation> {
        let own = lineage.own()?;
        let mut candidates = self.seen_by_role(lineage, name, None);
        candidates.extend(self.of_class(lineage, name, ClassStage::Command));
        let mut follower = Follower::new(self, lineage);
        let mut definitions = Vec::new();
        for (place, candidate) in candidates.into_iter().enumerate() {
            definitions.push(follower.finish(candidate, place == 0 || self.all));
        }
        judge(&mut definitions);
        let winner = definitions.first()?;
        let value = Some(winner.value.clone());
        let mut notes = Vec::new();
        if let Some((iterator, item)) = own.local
            && iterator.variable == name
            && !matches!(winner.origin, Origin::Iterator(_))
        {
            notes.push(format!(
                "while this role itself was made, `{name}` was the iterator's item `{item}`: it beats everything in the \
                 iterated role, but is only a var for what is below"
            ));
        }
        if own.role.task().is_some() && crate::deploy::is_special(name) {
            notes.push(format!(
                "in the task's template `{name}` is what the deployment sets, over all of these"
            ));
        }
        Some(Explanation {
            role: own.role.path.clone(),
            subject: name.to_owned(),
            value,
            definitions,
            notes,
        })
    }

    /// The definitions of a variable as seen from a place, the strongest first.
    pub(super) fn candidates<'l>(
        &'l self,
        lineage: &Lineage<'l>,
        name: &str,
        sight: Sight,
    ) -> Vec<Candidate<'l>> {
        match sight {
            Sight::Role { level, stage } => self.seen_by_role(lineage, name, Some((level, stage))),
            Sight::Class(stage) => {
                let mut all: Vec<_> = self.special(lineage, name).into_iter().collect();
                all.extend(self.seen_by_role(lineage, name, None));
                all.extend(self.of_class(lineage, name, stage));
                all
            }
        }
    }

    /// The definitions of a variable as seen from a stage of the role at a level, or (`None`) after everything was made.
    /// The layer decides, then the depth (`template-language.md` 3.2).
    fn seen_by_role<'l>(
        &self,
        lineage: &Lineage<'l>,
        name: &str,
        from: Option<(usize, Stage)>,
    ) -> Vec<Candidate<'l>> {
        let mut all: Vec<(Layer, usize, Candidate<'l>)> = Vec::new();
        let last = from.map_or(lineage.levels.len(), |(level, _)| level + 1);
        for (place, level) in lineage.levels.iter().enumerate().take(last) {
            let stage = match from {
                Some((level, stage)) if level == place => Some(stage),
                _ => None,
            };
            for layer in [Layer::Defaults, Layer::Vars, Layer::User] {
                if stage.is_none_or(|stage| sees(stage, layer))
                    && let Some(candidate) = self.candidate(level, place, layer, name)
                {
                    all.push((layer, place, candidate));
                }
            }
            if stage.is_some_and(|stage| stage > Stage::Range)
                && let Some(candidate) = local(level, place, name, Layer::Local)
            {
                all.retain(|(layer, at, _)| *layer == Layer::Defaults || *at != place);
                all.push((Layer::Local, place, candidate));
            }
        }
        all.sort_by_key(|(layer, place, _)| std::cmp::Reverse((*layer, *place)));
        all.into_iter().map(|(_, _, candidate)| candidate).collect()
    }

    fn candidate<'l>(
        &self,
        level: &Level<'l>,
        place: usize,
        layer: Layer,
        name: &str,
    ) -> Option<Candidate<'l>> {
        let (values, stage) = match layer {
            Layer::Defaults => (&level.layers.defaults, Stage::Outside),
            Layer::Vars => (&level.layers.vars, Stage::Vars),
            _ => (&level.layers.user, Stage::Late),
        };
        let value = values.get(name)?;
        let Some(made) = level.of else {
            return Some(self.given(values, place, layer, name));
        };
        // Below its instance the item is a var; in edition 2026 also a user variable.
        if layer != Layer::Defaults
            && let Some(candidate) = local(level, place, name, layer)
        {
            return Some(candidate);
        }
        let block = match layer {
            Layer::Defaults => made.template.defaults.as_slice(),
            Layer::Vars => made.template.vars.as_slice(),
            _ => &[],
        };
        // The last of a name counts, as it does where the values are made.
        let written = block.iter().rfind(|variable| variable.name == name);
        Some(written_candidate(made, place, layer, stage, value, written))
    }

    fn given<'l>(
        &self,
        values: &BTreeMap<String, String>,
        place: usize,
        layer: Layer,
        name: &str,
    ) -> Candidate<'l> {
        let compiled = match layer {
            Layer::Defaults => &self.artefact.given.defaults,
            Layer::Vars => &self.artefact.given.vars,
            _ => &self.artefact.given.user,
        };
        let value = values.get(name).cloned().unwrap_or_default();
        Candidate {
            definition: Definition {
                origin: if AT_LOAD.contains(&name) && value == format!("<{name}>") {
                    Origin::Core
                } else {
                    Origin::Given {
                        compiled: compiled.get(name) == Some(&value),
                    }
                },
                ..definition(layer, Ok(value))
            },
            follow: None,
            key: (place, layer, name.to_owned()),
        }
    }

    /// Evaluates a field again, as it was evaluated before, and keeps the steps.
    pub(super) fn trace(&self, lineage: &Lineage<'_>, template: &Template, sight: Sight) -> Option<Trace> {
        match sight {
            Sight::Role { level, stage } => self.trace_in_role(lineage, template, level, stage),
            Sight::Class(stage) => self.trace_in_class(lineage, template, stage),
        }
    }

    fn trace_in_role(
        &self,
        lineage: &Lineage<'_>,
        template: &Template,
        place: usize,
        stage: Stage,
    ) -> Option<Trace> {
        let level = lineage.levels.get(place)?;
        let made = level.of?;
        let outside = lineage.outside(place)?;
        let ancestors = lineage.ancestors(place);
        let item = made
            .local
            .filter(|_| stage > Stage::Range)
            .map(|(iterator, item)| (iterator.variable.as_str(), item));
        let view = View {
            parent: &outside,
            local: item,
            defaults: (stage >= Stage::Vars).then_some(&level.layers.defaults),
            vars: (stage >= Stage::Late).then_some(&level.layers.vars),
        };
        let this = (stage >= Stage::Late).then_some(RoleName {
            name: &made.role.name,
            path: &made.role.path,
        });
        let place = match stage {
            Stage::Range => Place::Range,
            _ => Place::Role {
                home: made.module.home(),
                this,
                ancestors: &ancestors,
            },
        };
        let context = Context {
            variables: &view,
            place,
            world: self.world,
            edition: made.module.edition,
            within: 0,
        };
        Some(trace(template, &context))
    }
}

/// Whether a stage sees that layer of its own role. User variables of a role only come at run time.
fn sees(stage: Stage, layer: Layer) -> bool {
    match layer {
        Layer::Defaults => stage >= Stage::Vars,
        Layer::Vars | Layer::User => stage >= Stage::Late,
        _ => false,
    }
}

/// The variable of the iterator that a level is an instance of.
fn local<'l>(level: &Level<'l>, place: usize, name: &str, layer: Layer) -> Option<Candidate<'l>> {
    let made = level.of?;
    let (iterator, item) = made.local.filter(|(iterator, _)| iterator.variable == name)?;
    let range = match &iterator.range {
        Range::List(range) => Some(range),
        Range::Count { .. } => None,
    };
    let written = match &iterator.range {
        Range::List(range) => range.source(),
        Range::Count { begin, end } => format!("{} to {}", begin.source(), end.source()),
    };
    Some(Candidate {
        definition: Definition {
            origin: Origin::Iterator(made.role.path.clone()),
            span: Some(iterator.span),
            written: Some(written),
            ..definition(layer, Ok(item.to_owned()))
        },
        follow: range.map(|range| {
            let stage = Stage::Range;
            (range, Sight::Role { level: place, stage })
        }),
        key: (place, Layer::Local, name.to_owned()),
    })
}

fn written_candidate<'l>(
    made: Made<'l>,
    place: usize,
    layer: Layer,
    stage: Stage,
    value: &str,
    written: Option<&'l Variable>,
) -> Candidate<'l> {
    let path = made.role.path.clone();
    let template = written.map(|variable| &variable.value);
    Candidate {
        definition: Definition {
            origin: if made.include {
                Origin::Include(path)
            } else {
                Origin::Role(path)
            },
            span: template.map(|template| template.span),
            written: template
                .filter(|template| template.literal().is_none())
                .map(Template::source),
            ..definition(layer, Ok(value.to_owned()))
        },
        follow: template.map(|template| (template, Sight::Role { level: place, stage })),
        key: (
            place,
            layer,
            written.map_or_else(String::new, |variable| variable.name.clone()),
        ),
    }
}

/// A definition that nothing is known of but its layer and value.
pub(super) fn definition(layer: Layer, value: Result<String, String>) -> Definition {
    Definition {
        layer,
        origin: Origin::Deployment,
        span: None,
        written: None,
        value,
        wins: false,
        why: "",
        steps: Vec::<Step>::new(),
    }
}

/// Says of each definition, the winner being the first, why it wins or loses.
pub(super) fn judge(definitions: &mut [Definition]) {
    let Some((winner, losers)) = definitions.split_first_mut() else {
        return;
    };
    winner.wins = true;
    winner.why = match losers.first() {
        None => "the only definition",
        Some(second) => beats(winner.layer, second.layer),
    };
    for loser in losers {
        loser.why = loses(winner.layer, loser.layer);
    }
}

fn beats(winner: Layer, second: Layer) -> &'static str {
    match (winner, second) {
        _ if winner == second => "the nearest in the strongest layer",
        (Layer::Special, _) => "the deployment's own values beat everything",
        (Layer::Local, _) => "the iterator's item beats everything in the iterated role",
        (Layer::User, _) => "user variables beat everything",
        (Layer::Vars, _) => "vars beat defaults, at any depth",
        (Layer::Defaults, _) => "what the role sees beats the task template",
        (Layer::ClassDefaults, _) => "defaults of a task template beat its vars (template-language.md 3.7)",
        (Layer::ClassVars, _) => "vars of a task template beat its defaults",
        _ => "the nearest",
    }
}

fn loses(winner: Layer, loser: Layer) -> &'static str {
    match (winner, loser) {
        _ if winner == loser => "the same layer, but further out",
        (_, Layer::ClassVars | Layer::ClassDefaults) if winner > Layer::ClassDefaults => {
            "what the role sees beats the task template"
        }
        _ => beats(winner, loser),
    }
}
