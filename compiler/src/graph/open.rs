//! An open artefact as a tree of roles: as it is written, where nobody has given the variables yet. An iterator is one
//! role, a name keeps its expressions, and a role with a condition may turn out not to be there.

use std::collections::BTreeMap;
use std::time::Duration;

use partita_artefact::expression::{Binary, Expression, Node};
use partita_artefact::identity;
use partita_artefact::instance::{
    CallRole, Channel, Constraint, Inbound, Include, Instance, Kind, Moment, Outbound, Role, TaskRole,
    Traits, TraitsTexts,
};
use partita_artefact::ir::{
    Artefact, Body, ChannelTemplate, ConstraintTemplate, ControlMode, InboundTemplate, Layers, Limits,
    Module, OutboundTemplate, Part, Range, RoleTemplate, Span, TaskClass, Template, TraitsTemplate, Wants,
};

/// Includes within includes, and roles in all, that are followed.
const INCLUDES: usize = 32;
const ROLES: usize = 100_000;

/// What is known of a role only where it is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Note {
    /// Its `enabled`, if that is an expression.
    pub(super) condition: Option<String>,
    /// What its iterator runs over.
    pub(super) each: Option<String>,
}

/// By source, line and column of the role.
pub(super) type Notes = BTreeMap<(u32, u32, u32), Note>;

pub(super) fn key(span: Span) -> (u32, u32, u32) {
    (span.source, span.line, span.column)
}

/// The roles of an artefact as they are written.
pub(super) fn outline(artefact: &Artefact) -> (Instance, Notes) {
    let mut outline = Outline {
        artefact,
        notes: Notes::new(),
        roles: 0,
    };
    let root = artefact.modules.get(&artefact.root).map(|module| {
        let place = Place {
            module,
            around: &[],
            includes: 0,
        };
        outline.role(&module.root, &place)
    });
    let instance = Instance {
        root: root
            .flatten()
            .unwrap_or_else(|| role(String::new(), Span::default())),
        environment: Layers::default(),
        warnings: Vec::new(),
        included: std::collections::BTreeSet::new(),
    };
    (instance, outline.notes)
}

struct Outline<'a> {
    artefact: &'a Artefact,
    notes: Notes,
    roles: usize,
}

/// Where a role is written, and the roles around it, the nearest last.
struct Place<'p> {
    module: &'p Module,
    around: &'p [&'p Role],
    includes: usize,
}

impl<'a> Outline<'a> {
    fn role(&mut self, template: &RoleTemplate, place: &Place<'_>) -> Option<Role> {
        self.roles += 1;
        if self.roles > ROLES || template.enabled.literal() == Some("false") {
            return None;
        }
        let mut made = role(String::new(), template.span);
        made.name = text(&template.name, None, place.around);
        made.path = match place.around.last() {
            Some(parent) => format!("{}.{}", parent.path, made.name),
            None => made.name.clone(),
        };
        self.note(template);
        let own = Some(&made);
        let constraints = constraints(&template.constraints, own, place.around);
        let connect = outbound(&template.connect, own, place.around);
        let bind = inbound(&template.bind, own, place.around);
        let parent = place.around.last();
        made.constraints = merged(
            constraints,
            parent.map_or(&[], |parent| &parent.constraints),
            |item| &item.attribute,
        );
        made.connect = merged(connect, parent.map_or(&[], |parent| &parent.connect), |item| {
            &item.channel.name
        });
        made.bind = merged(bind, parent.map_or(&[], |parent| &parent.bind), |item| {
            &item.channel.name
        });
        match &template.body {
            Body::Aggregator(children) => self.children(&mut made, children, place),
            Body::Include(file) => self.include(&mut made, file, place),
            Body::Task { load, traits } => {
                let traits = moments(traits, &made, place.around);
                self.task(&mut made, load, traits, place);
            }
            Body::Call { func, traits, .. } => {
                let traits = moments(traits, &made, place.around);
                made.critical = traits.critical;
                made.kind = Kind::Call(CallRole {
                    edition: place.module.edition,
                    text: text(func, Some(&made), place.around),
                    function: None,
                    returns: String::new(),
                    traits,
                });
            }
        }
        Some(made)
    }

    fn note(&mut self, template: &RoleTemplate) {
        let condition = template
            .enabled
            .literal()
            .is_none()
            .then(|| template.enabled.source());
        let each = template.iterator.as_ref().map(|iterator| match &iterator.range {
            Range::List(list) => list.source(),
            Range::Count { begin, end } => format!("{} to {}", begin.source(), end.source()),
        });
        if condition.is_some() || each.is_some() {
            self.notes.insert(key(template.span), Note { condition, each });
        }
    }

    fn children(&mut self, made: &mut Role, children: &[RoleTemplate], place: &Place<'_>) {
        let mut around: Vec<&Role> = place.around.to_vec();
        let parent = made.clone();
        around.push(&parent);
        let inside = Place {
            module: place.module,
            around: &around,
            includes: place.includes,
        };
        made.roles = children
            .iter()
            .filter_map(|child| self.role(child, &inside))
            .collect();
        made.critical = made.roles.iter().any(|child| child.critical);
    }

    /// An included file's roles take the place of the role that includes it; one whose name is an expression stays closed.
    fn include(&mut self, made: &mut Role, file: &Template, place: &Place<'_>) {
        let written = text(file, Some(made), place.around);
        let identity = identity::included(place.module, &written, &self.artefact.revisions);
        let found = file.literal().and_then(|_| self.artefact.modules.get(&identity));
        made.include = Some(Include {
            text: written.clone(),
            module: if found.is_some() { identity } else { written },
            layers: Layers::default(),
        });
        let Some(module) = found.filter(|_| place.includes < INCLUDES) else {
            return;
        };
        if let Body::Aggregator(children) = &module.root.body {
            let inside = Place {
                module,
                around: place.around,
                includes: place.includes + 1,
            };
            self.children(made, children, &inside);
        }
    }

    fn task(&self, made: &mut Role, load: &Template, traits: Traits, place: &Place<'_>) {
        let written = text(load, Some(made), place.around);
        let identity = identity::loaded(place.module, &written, &self.artefact.revisions);
        let class: Option<&'a TaskClass> = self.artefact.classes.get(&identity);
        let steered = class.map_or(ControlMode::Direct, |class| class.mode);
        if let Some(class) = class {
            let own = Some(&*made);
            let outer = constraints(&class.constraints, own, place.around);
            let connect = outbound(&class.connect, own, place.around);
            let bind = inbound(&class.bind, own, place.around);
            made.constraints = merged(std::mem::take(&mut made.constraints), &outer, |item| {
                &item.attribute
            });
            made.connect = merged(std::mem::take(&mut made.connect), &connect, |item| {
                &item.channel.name
            });
            made.bind = merged(std::mem::take(&mut made.bind), &bind, |item| &item.channel.name);
        }
        made.critical = traits.critical;
        let hook = traits.trigger.is_some() && steered == ControlMode::Basic;
        made.kind = Kind::Task(TaskRole {
            class: if class.is_some() { identity } else { written },
            mode: if hook { ControlMode::Hook } else { steered },
            traits,
            wants: Wants::default(),
            limits: Limits::default(),
        });
    }
}

fn role(name: String, span: Span) -> Role {
    Role {
        path: name.clone(),
        name,
        span,
        enabled: true,
        layers: Layers::default(),
        constraints: Vec::new(),
        connect: Vec::new(),
        bind: Vec::new(),
        critical: true,
        kind: Kind::Aggregator,
        roles: Vec::new(),
        include: None,
        empty_iterators: 0,
    }
}

/// Own items, then those further out whose name is still free.
fn merged<T: Clone>(own: Vec<T>, outer: &[T], name: impl Fn(&T) -> &String) -> Vec<T> {
    let mut merged = own;
    for item in outer {
        if !merged.iter().any(|known| name(known) == name(item)) {
            merged.push(item.clone());
        }
    }
    merged
}

fn constraints(templates: &[ConstraintTemplate], own: Option<&Role>, around: &[&Role]) -> Vec<Constraint> {
    let of = |template: &ConstraintTemplate| Constraint {
        span: template.span,
        attribute: template.attribute.clone(),
        value: text(&template.value, own, around),
        operator: template.operator,
    };
    templates.iter().map(of).collect()
}

fn outbound(templates: &[OutboundTemplate], own: Option<&Role>, around: &[&Role]) -> Vec<Outbound> {
    let of = |template: &OutboundTemplate| Outbound {
        channel: channel(&template.channel),
        target: text(&template.channel.target, own, around),
    };
    templates.iter().map(of).collect()
}

fn inbound(templates: &[InboundTemplate], own: Option<&Role>, around: &[&Role]) -> Vec<Inbound> {
    let of = |template: &InboundTemplate| Inbound {
        channel: channel(&template.channel),
        target: template.channel.target.clone(),
        global: text(&template.global, own, around),
        addressing: template.addressing,
    };
    templates.iter().map(of).collect()
}

fn channel(template: &ChannelTemplate) -> Channel {
    Channel {
        span: template.span,
        name: template.name.clone(),
        kind: template.kind.clone(),
        send_buffer: template.send_buffer,
        receive_buffer: template.receive_buffer,
        rate_logging: template.rate_logging.clone(),
        transport: template.transport.clone(),
    }
}

fn moments(template: &TraitsTemplate, own: &Role, around: &[&Role]) -> Traits {
    let of = |template: &Template| text(template, Some(own), around);
    let texts = TraitsTexts {
        trigger: of(&template.trigger),
        await_at: of(&template.await_at),
        timeout: of(&template.timeout),
    };
    let trigger = Moment::parse(&texts.trigger);
    Traits {
        await_at: trigger
            .as_ref()
            .map(|trigger| Moment::parse(&texts.await_at).unwrap_or_else(|| trigger.clone())),
        trigger,
        timeout: Ok(Duration::ZERO),
        critical: template.critical,
        texts,
    }
}

/// A text in which `This()`, `Parent()` and `Up(n)` are known, and other expressions stay as they are written.
fn text(template: &Template, own: Option<&Role>, around: &[&Role]) -> String {
    let mut made = String::new();
    for part in &template.parts {
        match part {
            Part::Text(text) => made.push_str(text),
            Part::Expression(code) => match known(&code.expression, own, around) {
                Some(text) => made.push_str(&text),
                None => made.extend(["{{ ", code.text.trim(), " }}"]),
            },
            Part::Malformed { text, .. } => made.extend(["{{", text, "}}"]),
        }
    }
    made
}

fn known(expression: &Expression, own: Option<&Role>, around: &[&Role]) -> Option<String> {
    match &expression.node {
        Node::Str(text) => Some(text.clone()),
        Node::Binary(Binary::Add, left, right) => {
            Some(known(left, own, around)? + &known(right, own, around)?)
        }
        Node::Member { object, property, .. } => {
            let role = meant(object, own, around)?;
            match &property.node {
                Node::Str(property) if property == "Path" => Some(role.path.clone()),
                Node::Str(property) if property == "Name" => Some(role.name.clone()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The role that `This()`, `Parent()` or `Up(n)` means.
fn meant<'r>(expression: &Expression, own: Option<&'r Role>, around: &[&'r Role]) -> Option<&'r Role> {
    let Node::Call { callee, arguments } = &expression.node else {
        return None;
    };
    let Node::Name(function) = &callee.node else {
        return None;
    };
    let up = match (function.as_str(), arguments.as_slice()) {
        ("This", []) => return own,
        ("Parent", []) => 1,
        ("Up", [number]) => match number.node {
            Node::Int(number) => usize::try_from(number).ok()?,
            _ => return None,
        },
        _ => return None,
    };
    around.get(around.len().checked_sub(up)?).copied()
}
