//! The walk over the templates that makes the roles.

use std::collections::{BTreeMap, BTreeSet};

use super::around::Around;
use super::error::{ErrorKind, InstantiateError, error_at, record};
use super::fields::{Scene, is_true};
use super::range::quoted;
use super::view::{Local, View};
use super::{Limits, Whole, merge, range};
use crate::evaluate::{Missed, Place, RoleName, World};
use crate::identity;
use crate::instance::{
    CallRole, Constraint, Inbound, Include, Instance, Kind, Outbound, Role, TaskRole, Traits,
};
use crate::ir::{
    Artefact, Body, Code, ControlMode, Iterator, Layers, Part, Range, RoleTemplate, Span, Template, Variable,
};
use crate::stack::Stack;

/// How many of the includes around a too deep one a message names.
const INCLUDES_SHOWN: usize = 3;

/// Makes one tree.
pub(super) struct Engine<'a> {
    artefact: &'a Artefact,
    pub(super) world: &'a dyn World,
    pub(super) limits: &'a Limits,
    errors: Vec<InstantiateError>,
    pub(super) warnings: Vec<InstantiateError>,
    /// Errors and warnings that were too many to keep.
    pub(super) untold: usize,
    /// Roles begun so far.
    roles: usize,
    /// Bytes of text in the roles so far.
    text: usize,
    /// Identities of the includes we are in, outermost first.
    including: Vec<String>,
    included: BTreeSet<String>,
    /// What turns out disabled stays in the tree, marked so: somebody wants to know why.
    keep: bool,
}

/// A role without its children.
struct Shell {
    name: String,
    path: String,
    layers: Layers,
    constraints: Vec<Constraint>,
    connect: Vec<Outbound>,
    bind: Vec<Inbound>,
    body: Evaluated,
}

/// What became of an iterator.
#[derive(Default)]
struct Instances {
    roles: Vec<Role>,
    /// It is there and made nothing: that keeps its parent (`template-language.md` 3.5).
    empty: bool,
}

/// The evaluated kind-specific fields.
enum Evaluated {
    Aggregator,
    Task { load: String, traits: Traits },
    Call(CallRole),
    Include(String),
}

impl<'a> Engine<'a> {
    pub(super) fn new(artefact: &'a Artefact, world: &'a dyn World, limits: &'a Limits) -> Self {
        Self {
            artefact,
            world,
            limits,
            errors: Vec::new(),
            warnings: Vec::new(),
            untold: 0,
            roles: 0,
            text: 0,
            including: Vec::new(),
            included: BTreeSet::new(),
            keep: false,
        }
    }

    /// The tree with all that [`Engine::run`] leaves out, as far as it can be made, and everything that is wrong.
    pub(super) fn whole(mut self, given: &Layers) -> Whole {
        self.keep = true;
        let root = self.root(given);
        self.tell_untold();
        let errors = self.errors;
        Whole {
            instance: root.map(|root| Instance {
                root,
                environment: given.clone(),
                warnings: self.warnings,
                included: self.included,
            }),
            errors,
        }
    }

    pub(super) fn run(mut self, given: &Layers) -> Result<Instance, Vec<InstantiateError>> {
        let root = self.root(given);
        self.tell_untold();
        match root {
            Some(root) if self.errors.is_empty() => Ok(Instance {
                root,
                environment: given.clone(),
                warnings: self.warnings,
                included: self.included,
            }),
            // What is only a warning comes last: whoever mends the errors should see it in the same look.
            _ => Err(self.errors.into_iter().chain(self.warnings).collect()),
        }
    }

    /// As the last of the errors, or of the warnings where there is no error.
    fn tell_untold(&mut self) {
        if self.untold > 0 {
            let number = self.untold;
            let kind = ErrorKind::More { number };
            let more = error_at(kind, Span::default(), self.artefact.root.clone());
            let list = if self.errors.is_empty() {
                &mut self.warnings
            } else {
                &mut self.errors
            };
            list.push(more);
        }
    }

    fn root(&mut self, given: &Layers) -> Option<Role> {
        let artefact = self.artefact;
        let Some(module) = artefact.modules.get(&artefact.root) else {
            let kind = ErrorKind::MissingModule {
                identity: artefact.root.clone(),
            };
            return self.fail(kind, Span::default(), artefact.root.clone());
        };
        let stack = Stack::new(given);
        let around = Around {
            stack: &stack,
            ancestors: &[],
            constraints: &[],
            connect: &[],
            bind: &[],
            module,
            depth: 1,
        };
        let before = self.errors.len();
        let root = self.role(&module.root, None, None, &around);
        if root.is_none() && self.errors.len() == before {
            Some(disabled(&module.root))
        } else {
            root
        }
    }

    /// A role with all below it; `None` if it is disabled or something in it is wrong. `given` is the name that an
    /// include passes to the root that takes its place.
    fn role(
        &mut self,
        template: &'a RoleTemplate,
        given: Option<&str>,
        local: Option<Local<'_>>,
        around: &Around<'_>,
    ) -> Option<Role> {
        self.admit(template, around)?;
        if !self.is_enabled(template, local, around) {
            return self.keep.then(|| self.left_out(template, given, local, around));
        }
        let shell = self.shell(template, given, local, around)?;
        let role = Role {
            name: shell.name,
            path: shell.path,
            span: template.span,
            enabled: true,
            layers: shell.layers,
            constraints: shell.constraints,
            connect: shell.connect,
            bind: shell.bind,
            critical: false,
            kind: Kind::Aggregator,
            roles: Vec::new(),
            include: None,
            empty_iterators: 0,
        };
        self.weigh(&role, template.span)?;
        match shell.body {
            Evaluated::Aggregator => self.aggregator(role, template, around),
            Evaluated::Task { load, traits } => self.task(role, &load, traits, around),
            Evaluated::Call(call) => Some(Role {
                critical: call.traits.critical,
                kind: Kind::Call(call),
                ..role
            }),
            Evaluated::Include(text) => self.include(role, text, around),
        }
    }

    /// Stage 0 of a role.
    fn is_enabled(&mut self, template: &RoleTemplate, local: Option<Local<'_>>, around: &Around<'_>) -> bool {
        let scene = Scene {
            view: View::outside(around.stack, local),
            place: Place::Role {
                home: around.module.home(),
                this: None,
                ancestors: around.ancestors,
            },
            around,
            role: Err(template),
        };
        self.enabled(&template.enabled, &scene)
    }

    /// Stages 1 to 5 of a role.
    fn shell(
        &mut self,
        template: &'a RoleTemplate,
        given: Option<&str>,
        local: Option<Local<'_>>,
        around: &Around<'_>,
    ) -> Option<Shell> {
        let early = Place::Role {
            home: around.module.home(),
            this: None,
            ancestors: around.ancestors,
        };
        let outside = View::outside(around.stack, local);
        let scene = Scene {
            view: outside,
            place: early,
            around,
            role: Err(template),
        };
        let defaults = self.variables(&template.defaults, &scene)?;
        let scene = Scene {
            view: View {
                defaults: Some(&defaults),
                ..outside
            },
            ..scene
        };
        let vars = self.variables(&template.vars, &scene)?;
        let scene = Scene {
            view: View {
                defaults: Some(&defaults),
                vars: Some(&vars),
                ..outside
            },
            ..scene
        };
        let name = match given {
            Some(name) => name.to_owned(),
            None => self.name(&template.name, &scene)?,
        };
        let path = around.path(&name);
        let this = Some(RoleName {
            name: &name,
            path: &path,
        });
        let place = Place::Role {
            home: around.module.home(),
            this,
            ancestors: around.ancestors,
        };
        let scene = Scene {
            place,
            role: Ok(&path),
            ..scene
        };
        // Each is evaluated before any is given up, so that all errors of a role are said at once.
        let body = self.body(&template.body, &scene);
        let constraints = self.each(
            &template.constraints,
            &scene,
            |item| &item.value,
            merge::constraint,
        );
        let connect = self.each(
            &template.connect,
            &scene,
            |item| &item.channel.target,
            merge::outbound,
        );
        let bind = self.each(&template.bind, &scene, |item| &item.global, merge::inbound);
        let (body, constraints, connect, bind) = (body?, constraints?, connect?, bind?);
        let mut layers = Layers {
            defaults,
            vars,
            user: BTreeMap::new(),
        };
        if let Some((name, item)) = local {
            layers.vars.insert(name.to_owned(), item.to_owned());
            if around.module.edition.iterator_variable_beats_user_variable() {
                layers.user.insert(name.to_owned(), item.to_owned());
            }
        }
        Some(Shell {
            constraints: merge::constraints(around.constraints, constraints),
            connect: merge::channels(connect, around.connect, merge::outbound_name),
            bind: merge::channels(bind, around.bind, merge::inbound_name),
            name,
            path,
            layers,
            body,
        })
    }

    fn body(&mut self, body: &Body, scene: &Scene<'_>) -> Option<Evaluated> {
        match body {
            Body::Aggregator(_) => Some(Evaluated::Aggregator),
            Body::Task { load, traits } => {
                let load = self.text(load, scene);
                let traits = self.traits(traits, scene);
                Some(Evaluated::Task {
                    load: load?,
                    traits: traits?,
                })
            }
            Body::Call {
                func,
                function,
                returns,
                traits,
            } => {
                let text = self.text(func, scene);
                let returns = self.text(returns, scene);
                let traits = self.traits(traits, scene);
                let text = text?;
                let function = match function {
                    Some(code) => Some(code.clone()),
                    None => self.function(func, &text, scene).ok()?,
                };
                Some(Evaluated::Call(CallRole {
                    edition: scene.around.module.edition,
                    text,
                    function,
                    returns: returns?,
                    traits: traits?,
                }))
            }
            Body::Include(text) => self.text(text, scene).map(Evaluated::Include),
        }
    }

    /// The expression that a templated `func` turned out to be: the artefact must hold it, since nothing here parses.
    /// A text that is no expression stays without one; its call then fails, as in the reference. `Err` if it is not known.
    fn function(&mut self, func: &Template, text: &str, scene: &Scene<'_>) -> Result<Option<Code>, ()> {
        if func.literal().is_some() {
            return Ok(None);
        }
        let braced = format!("{{{{{text}}}}}");
        let Some(template) = self.world.template(&braced) else {
            self.world.miss(Missed::Text(braced));
            let kind = ErrorKind::Function {
                text: text.to_owned(),
            };
            return self.fail(kind, func.span, scene.path()).ok_or(());
        };
        Ok(match template.parts.as_slice() {
            [Part::Expression(code)] => Some(code.clone()),
            _ => None,
        })
    }

    fn aggregator(
        &mut self,
        mut role: Role,
        template: &'a RoleTemplate,
        around: &Around<'_>,
    ) -> Option<Role> {
        let Body::Aggregator(templates) = &template.body else {
            return None;
        };
        let stack = around.stack.below(&role.layers);
        let mut ancestors = Vec::with_capacity(around.ancestors.len() + 1);
        ancestors.push(RoleName {
            name: &role.name,
            path: &role.path,
        });
        ancestors.extend_from_slice(around.ancestors);
        let inside = Around {
            stack: &stack,
            ancestors: &ancestors,
            constraints: &role.constraints,
            connect: &role.connect,
            bind: &role.bind,
            module: around.module,
            depth: around.depth + 1,
        };
        let mut roles = Vec::new();
        let mut empty_iterators = 0;
        for template in templates {
            match &template.iterator {
                Some(iterator) => {
                    let instances = self.iterate(template, iterator, &inside).unwrap_or_default();
                    let leaves_nothing = around.module.edition.empty_iterators_leave_nothing();
                    empty_iterators += usize::from(instances.empty && !leaves_nothing);
                    roles.extend(instances.roles);
                }
                None => roles.extend(self.role(template, None, None, &inside)),
            }
        }
        if around.module.edition.one_path_is_one_role() {
            self.refuse_twins(&roles);
        }
        role.critical = roles.iter().any(|child| child.enabled && child.critical);
        role.enabled = roles.iter().any(|child| child.enabled) || empty_iterators > 0;
        role.roles = roles;
        role.empty_iterators = empty_iterators;
        let is_root = around.ancestors.is_empty();
        (role.enabled || is_root || self.keep).then_some(role)
    }

    /// Of roles that stand side by side, each has its own path.
    fn refuse_twins(&mut self, roles: &[Role]) {
        let mut seen = BTreeSet::new();
        for role in roles.iter().filter(|role| role.enabled) {
            if !seen.insert(role.path.as_str()) {
                self.fail::<()>(ErrorKind::SamePath, role.span, role.path.clone());
            }
        }
    }

    /// The instances of an iterator. In the reference, the text of `enabled` as written decides whether it counts as
    /// disabled: with an expression in it all instances go, whatever they evaluated to (`template-language.md` 3.5).
    fn iterate(
        &mut self,
        template: &'a RoleTemplate,
        iterator: &Iterator,
        around: &Around<'_>,
    ) -> Option<Instances> {
        let items = match &iterator.range {
            Range::List(text) => {
                let text = self.range(text, template, around)?;
                range::list(&text)
            }
            Range::Count { begin, end } => {
                let begin = self.range(begin, template, around);
                let end = self.range(end, template, around);
                range::count(&begin?, &end?)
            }
        };
        let items = match items {
            Ok(items) => items,
            Err(kind) => return self.fail(kind, iterator.span, around.unnamed(template)),
        };
        let before = self.errors.len();
        let mut instances = Vec::new();
        for item in items {
            instances.extend(self.role(template, None, Some((&iterator.variable, &item)), around));
            if self.roles > self.limits.roles || self.text > self.limits.text {
                break;
            }
        }
        let each_decides = around.module.edition.iterator_enabled_decides_each_instance();
        if each_decides || template.enabled.literal().is_some_and(is_true) {
            let empty = !instances.iter().any(|role| role.enabled);
            return Some(Instances {
                roles: instances,
                empty,
            });
        }
        // Task templates are looked up only for what is left in the end.
        let since = self.errors.split_off(before);
        let kept = since
            .into_iter()
            .filter(|error| !matches!(error.kind, ErrorKind::MissingClass { .. }));
        self.errors.extend(kept);
        if !self.keep {
            return None;
        }
        for instance in &mut instances {
            instance.enabled = false;
        }
        Some(Instances {
            roles: instances,
            empty: false,
        })
    }

    fn range(&mut self, text: &Template, template: &RoleTemplate, around: &Around<'_>) -> Option<String> {
        let view = View::outside(around.stack, None);
        self.text(
            text,
            &Scene {
                view,
                place: Place::Range,
                around,
                role: Err(template),
            },
        )
    }

    fn task(&mut self, role: Role, load: &str, traits: Traits, around: &Around<'_>) -> Option<Role> {
        let identity = identity::loaded(around.module, load, &self.artefact.revisions);
        let Some(class) = self.artefact.classes.get(&identity) else {
            return self.fail(ErrorKind::MissingClass { identity }, role.span, role.path);
        };
        let mode = match class.mode {
            ControlMode::Basic if traits.trigger.is_some() => ControlMode::Hook,
            mode => mode,
        };
        // In the reference these are literal: there is nothing to evaluate in them then.
        let (constraints, bind) = {
            let this = Some(RoleName {
                name: &role.name,
                path: &role.path,
            });
            let scene = Scene {
                view: View {
                    defaults: Some(&role.layers.defaults),
                    vars: Some(&role.layers.vars),
                    ..View::outside(around.stack, None)
                },
                place: Place::Role {
                    home: around.module.home(),
                    this,
                    ancestors: around.ancestors,
                },
                around,
                role: Ok(&role.path),
            };
            let constraints = self.each(&class.constraints, &scene, |item| &item.value, merge::constraint);
            let bind = self.each(&class.bind, &scene, |item| &item.global, merge::inbound);
            (constraints?, bind?)
        };
        let connect = merge::connect_of_class(class);
        let task = TaskRole {
            class: identity,
            mode,
            traits,
            wants: class.wants.clone(),
            limits: class.limits.clone(),
        };
        let role = Role {
            // The class stands outside the whole tree: everything in the tree overrides it.
            constraints: merge::constraints(&constraints, role.constraints),
            connect: merge::channels(role.connect, &connect, merge::outbound_name),
            bind: merge::channels(role.bind, &bind, merge::inbound_name),
            critical: task.traits.critical,
            kind: Kind::Task(task),
            ..role
        };
        self.weigh(&role, role.span)?;
        Some(role)
    }

    /// The root of the included file takes the place of the role, under its name. Of the role the variables stay, as a
    /// level between the parent and the included root; in the reference, nothing else (`template-language.md` 7.1).
    fn include(&mut self, role: Role, text: String, around: &Around<'_>) -> Option<Role> {
        let identity = identity::included(around.module, &text, &self.artefact.revisions);
        let Some(module) = self.artefact.modules.get(&identity) else {
            return self.fail(ErrorKind::MissingModule { identity }, role.span, role.path);
        };
        if self.including.len() >= self.limits.includes {
            let innermost = self.including.iter().rev().take(INCLUDES_SHOWN).rev();
            let chain = innermost.cloned().chain([identity]).collect();
            return self.fail(
                ErrorKind::Includes {
                    limit: self.limits.includes,
                    chain,
                },
                role.span,
                role.path,
            );
        }
        self.including.push(identity.clone());
        if !self.included.contains(&identity) {
            self.included.insert(identity.clone());
        }
        let stack = around.stack.below(&role.layers);
        let mut inside = Around {
            stack: &stack,
            module,
            depth: around.depth + 1,
            ..*around
        };
        if around.module.edition.include_passes_on_what_it_has() {
            inside.constraints = &role.constraints;
            inside.connect = &role.connect;
            inside.bind = &role.bind;
        }
        let root = self.role(&module.root, Some(&role.name), None, &inside);
        self.including.pop();
        let include = Include {
            text,
            module: identity,
            layers: role.layers,
        };
        root.map(|root| Role {
            span: role.span,
            include: Some(include),
            ..root
        })
    }

    /// Counts the role against the limits.
    fn admit(&mut self, template: &RoleTemplate, around: &Around<'_>) -> Option<()> {
        self.roles += 1;
        if self.roles > self.limits.roles {
            // Said once: whatever comes after it would only say the same.
            if self.roles == self.limits.roles + 1 {
                let kind = ErrorKind::Roles {
                    limit: self.limits.roles,
                };
                return self.fail(kind, template.span, around.unnamed(template));
            }
            return None;
        }
        if around.depth > self.limits.depth {
            let kind = ErrorKind::Depth {
                limit: self.limits.depth,
            };
            return self.fail(kind, template.span, around.unnamed(template));
        }
        Some(())
    }

    /// Counts the text of a role against the limits, what it inherits included: a long value costs its length in each
    /// role that has it.
    fn weigh(&mut self, role: &Role, span: Span) -> Option<()> {
        let before = self.text;
        self.text = before.saturating_add(weight(role));
        if self.text <= self.limits.text {
            return Some(());
        }
        if before <= self.limits.text {
            let limit = self.limits.text;
            return self.fail(ErrorKind::Text { limit }, span, quoted(&role.path));
        }
        None
    }

    pub(super) fn fail<T>(&mut self, kind: ErrorKind, span: Span, role: String) -> Option<T> {
        let kept = record(&mut self.errors, error_at(kind, span, role), self.limits.errors);
        self.untold += usize::from(!kept);
        None
    }
}

impl<'a> Engine<'a> {
    /// A disabled role for those who want to see it: what it would be called and its variables would be, or what is
    /// written where that cannot be evaluated. Nothing that is wrong with it is reported: it is not used.
    fn left_out(
        &mut self,
        template: &'a RoleTemplate,
        given: Option<&str>,
        local: Option<Local<'_>>,
        around: &Around<'_>,
    ) -> Role {
        let written = disabled(template);
        if around.ancestors.is_empty() {
            return written;
        }
        let (errors, warnings) = (
            std::mem::take(&mut self.errors),
            std::mem::take(&mut self.warnings),
        );
        let untold = self.untold;
        let shell = self.shell(template, given, local, around);
        (self.errors, self.warnings, self.untold) = (errors, warnings, untold);
        match shell {
            None => Role {
                path: around.path(&written.name),
                ..written
            },
            Some(shell) => Role {
                name: shell.name,
                path: shell.path,
                layers: shell.layers,
                ..written
            },
        }
    }
}

/// Bytes of the texts in a role, and of what holds them.
fn weight(role: &Role) -> usize {
    const EACH: usize = size_of::<String>();
    let layer = |layer: &BTreeMap<String, String>| -> usize {
        let entry = |(name, value): (&String, &String)| name.len() + value.len() + 2 * EACH;
        layer.iter().map(entry).sum()
    };
    let layers = &role.layers;
    let constraint = |c: &Constraint| size_of::<Constraint>() + c.attribute.len() + c.value.len();
    let connect = |c: &Outbound| size_of::<Outbound>() + c.channel.name.len() + c.target.len();
    let bind = |c: &Inbound| size_of::<Inbound>() + c.channel.name.len() + c.global.len();
    role.name.len()
        + role.path.len()
        + [&layers.defaults, &layers.vars, &layers.user]
            .into_iter()
            .map(layer)
            .sum::<usize>()
        + role.constraints.iter().map(constraint).sum::<usize>()
        + role.connect.iter().map(connect).sum::<usize>()
        + role.bind.iter().map(bind).sum::<usize>()
}

/// A disabled role as it is written: so a root stays.
fn disabled(template: &RoleTemplate) -> Role {
    let sources = |block: &[Variable]| {
        block
            .iter()
            .map(|variable| (variable.name.clone(), variable.value.source()))
            .collect()
    };
    let name = template.name.source();
    Role {
        path: name.clone(),
        name,
        span: template.span,
        enabled: false,
        layers: Layers {
            defaults: sources(&template.defaults),
            vars: sources(&template.vars),
            user: BTreeMap::new(),
        },
        constraints: template
            .constraints
            .iter()
            .map(|c| merge::constraint(c, c.value.source()))
            .collect(),
        connect: template
            .connect
            .iter()
            .map(|c| merge::outbound(c, c.channel.target.source()))
            .collect(),
        bind: template
            .bind
            .iter()
            .map(|c| merge::inbound(c, c.global.source()))
            .collect(),
        critical: false,
        kind: Kind::Aggregator,
        roles: Vec::new(),
        include: None,
        empty_iterators: 0,
    }
}
