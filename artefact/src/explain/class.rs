//! What a task template adds: its own variables, its command and its properties, and what the deployment sets
//! (`template-language.md` 3.7).

use super::definitions::{Candidate, Sight, definition};
use super::field::Fields;
use super::lineage::Lineage;
use super::{Definition, Explainer, Layer, Origin};
use crate::deploy::{self, ClassVariables, Own, Visible};
use crate::evaluate::{Context, Place, Trace, Variables, trace};
use crate::instance::Role;
use crate::ir::{TaskClass, Template, Variable};
use crate::show::dry_special;

/// As much of a task template as a field of it can see. The number: how many variables of its own block; in the
/// reference, none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClassStage {
    /// A default.
    Default(usize),
    /// A var: all the defaults besides.
    Var(usize),
    /// The command: all.
    Command,
    /// The properties: all; in the reference, as they are written.
    Properties,
}

/// The template of a task.
#[derive(Clone, Copy)]
pub(super) struct Class<'l> {
    pub(super) identity: &'l str,
    pub(super) template: &'l TaskClass,
    pub(super) role: &'l Role,
}

impl Explainer<'_> {
    /// The task template of the role, if it is a task.
    pub(super) fn class<'l>(&'l self, lineage: &Lineage<'l>) -> Option<Class<'l>> {
        let role = lineage.own()?.role;
        let identity = role.task()?.class.as_str();
        let template = self.artefact.classes.get(identity)?;
        Some(Class {
            identity,
            template,
            role,
        })
    }

    /// What the deployment sets.
    pub(super) fn special<'l>(&self, lineage: &Lineage<'l>, name: &str) -> Option<Candidate<'l>> {
        let role = lineage.own()?.role;
        let visible = self.visible(lineage, |_, visible| visible.get(name).map(str::to_owned));
        let value = visible
            .flatten()
            .filter(|_| deploy::is_special(name) && role.task().is_some())?;
        Some(Candidate {
            definition: definition(Layer::Special, Ok(value)),
            follow: None,
            key: (usize::MAX, Layer::Special, name.to_owned()),
        })
    }

    /// The definitions of a variable by the task template, as a stage of it sees them, the stronger first.
    pub(super) fn of_class<'l>(
        &'l self,
        lineage: &Lineage<'l>,
        name: &str,
        stage: ClassStage,
    ) -> Vec<Candidate<'l>> {
        let Some(class) = self.class(lineage) else {
            return Vec::new();
        };
        let edition = class.template.edition;
        let vars_win = stage == ClassStage::Properties || edition.class_variables_see_each_other();
        let defaults = (Layer::ClassDefaults, class.template.defaults.as_slice());
        let vars = (Layer::ClassVars, class.template.vars.as_slice());
        let blocks = match stage {
            ClassStage::Default(count) => vec![(defaults.0, first(defaults.1, count))],
            ClassStage::Var(count) => vec![(vars.0, first(vars.1, count)), defaults],
            _ if vars_win => vec![vars, defaults],
            _ => vec![defaults, vars],
        };
        let literal = stage == ClassStage::Properties && !edition.properties_see_evaluated_variables();
        let mut candidates = Vec::new();
        for (layer, block) in blocks {
            let Some(place) = block.iter().rposition(|variable| variable.name == name) else {
                continue;
            };
            let Some(variable) = block.get(place) else {
                continue;
            };
            let seen = if edition.class_variables_see_each_other() {
                place
            } else {
                0
            };
            let own = match layer {
                Layer::ClassDefaults => ClassStage::Default(seen),
                _ => ClassStage::Var(seen),
            };
            let value = if literal {
                Ok(variable.value.source())
            } else {
                self.text_in_class(lineage, &variable.value, own)
            };
            candidates.push(Candidate {
                definition: Definition {
                    origin: Origin::Class(class.identity.to_owned()),
                    span: Some(variable.value.span),
                    written: variable
                        .value
                        .literal()
                        .is_none()
                        .then(|| variable.value.source()),
                    ..definition(layer, value)
                },
                follow: (!literal).then_some((&variable.value, Sight::Class(own))),
                key: (usize::MAX, layer, name.to_owned()),
            });
        }
        candidates
    }

    fn text_in_class(
        &self,
        lineage: &Lineage<'_>,
        template: &Template,
        stage: ClassStage,
    ) -> Result<String, String> {
        match template.literal() {
            Some(text) => Ok(text.to_owned()),
            None => match self.trace_in_class(lineage, template, stage) {
                Some(trace) => trace.text.map_err(|error| error.to_string()),
                None => Ok(template.source()),
            },
        }
    }

    /// Evaluates a field of the task template as a dry deployment does, and keeps the steps.
    pub(super) fn trace_in_class(
        &self,
        lineage: &Lineage<'_>,
        template: &Template,
        stage: ClassStage,
    ) -> Option<Trace> {
        let place = match stage {
            ClassStage::Properties => Place::Properties,
            _ => Place::Task,
        };
        self.visible(lineage, |class, visible| {
            let own = self.own_variables(class, visible, stage);
            let variables = Own {
                around: visible,
                levels: match stage {
                    ClassStage::Command => own.in_command(class.template.edition),
                    _ => [&own.vars, &own.defaults],
                },
            };
            let context = Context {
                variables: &variables,
                place,
                world: self.world,
                edition: class.template.edition,
                within: 0,
            };
            trace(template, &context)
        })
    }

    /// The template's own variables, as far as a stage sees them.
    fn own_variables(&self, class: Class<'_>, around: &Visible<'_>, stage: ClassStage) -> ClassVariables {
        let Class { template, role, .. } = class;
        if stage == ClassStage::Properties {
            return deploy::variables_of_properties(role, template, around, self.world).unwrap_or_default();
        }
        let mut own = deploy::evaluated_class_variables(role, template, around, self.world);
        let among = |block: &[Variable], name: &String| block.iter().any(|variable| variable.name == *name);
        match stage {
            ClassStage::Default(count) => {
                own.vars.clear();
                own.defaults
                    .retain(|name, _| among(first(&template.defaults, count), name));
            }
            ClassStage::Var(count) => own
                .vars
                .retain(|name, _| among(first(&template.vars, count), name)),
            _ => {}
        }
        own
    }

    /// Lends what a task's template sees of the role and the deployment.
    fn visible<T>(
        &self,
        lineage: &Lineage<'_>,
        then: impl FnOnce(Class<'_>, &Visible<'_>) -> T,
    ) -> Option<T> {
        let class = self.class(lineage)?;
        let stack = lineage.outside(lineage.levels.len())?;
        let environment_id = stack.get("environment_id").unwrap_or_default().to_owned();
        let visible = dry_special(class.role, &environment_id, |special| {
            then(class, &Visible::new(class.role, class.identity, special, &stack))
        });
        Some(visible)
    }
}

/// The first so many variables of a block.
fn first(block: &[Variable], count: usize) -> &[Variable] {
    block.get(..count).unwrap_or(block)
}

impl Fields<'_> {
    /// The fields that come from the task template.
    pub(super) fn of_class(&mut self, class: Class<'_>) {
        let origin = Origin::Class(class.identity.to_owned());
        let TaskClass {
            span,
            command,
            properties,
            ..
        } = class.template;
        if let Some(task) = class.role.task() {
            self.plain(".mode", crate::show::mode(task.mode), *span, &origin);
        }
        if let Some(command) = command {
            let sight = Sight::Class(ClassStage::Command);
            let single = [("value", Some(&command.value)), ("user", Some(&command.user))];
            let outputs = [
                ("stdout", command.stdout.as_ref()),
                ("stderr", command.stderr.as_ref()),
            ];
            for (name, template) in single.into_iter().chain(outputs) {
                if let Some(template) = template.filter(|template| template.literal() != Some("")) {
                    self.template(&format!(".command.{name}"), template, sight, &origin);
                }
            }
            for (name, list) in [("env", &command.env), ("arguments", &command.arguments)] {
                for (place, template) in list.iter().enumerate() {
                    self.template(&format!(".command.{name}[{place}]"), template, sight, &origin);
                }
            }
        }
        for property in properties {
            let sight = Sight::Class(ClassStage::Properties);
            self.template(
                &format!(".properties.{}", property.name),
                &property.value,
                sight,
                &origin,
            );
        }
    }
}
