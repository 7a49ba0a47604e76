//! The texts and places of a workflow or task template.

use partita_artefact::ir::{
    Artefact, Body, ChannelTemplate, CommandTemplate, ConstraintTemplate, InboundTemplate, OutboundTemplate,
    Range, RoleTemplate, Span, TaskClass, Template, TraitsTemplate, Variable,
};

/// `role` and all roles below it, parents first.
pub(crate) fn roles(role: &RoleTemplate) -> Vec<&RoleTemplate> {
    conditional_roles(role)
        .into_iter()
        .map(|(role, _)| role)
        .collect()
}

/// The same, and of each whether `enabled` of it or of a parent may remove it.
pub(crate) fn conditional_roles(role: &RoleTemplate) -> Vec<(&RoleTemplate, bool)> {
    let may_be_removed = |role: &RoleTemplate| role.enabled.literal() != Some("true");
    let mut found = vec![(role, may_be_removed(role))];
    let mut next = 0;
    while let Some((role, conditional)) = found.get(next).copied() {
        if let Body::Aggregator(children) = &role.body {
            let below = children
                .iter()
                .map(|child| (child, conditional || may_be_removed(child)));
            found.splice((next + 1)..=next, below);
        }
        next += 1;
    }
    found
}

/// Every template of one role, without those of its children.
pub(crate) fn role_templates(role: &RoleTemplate) -> Vec<&Template> {
    let mut found = vec![&role.name, &role.enabled];
    found.extend(
        role.defaults
            .iter()
            .chain(&role.vars)
            .map(|variable| &variable.value),
    );
    match role.iterator.as_ref().map(|iterator| &iterator.range) {
        Some(Range::List(list)) => found.push(list),
        Some(Range::Count { begin, end }) => found.extend([begin, end]),
        None => {}
    }
    match &role.body {
        Body::Aggregator(_) => {}
        Body::Task { load, traits } => {
            found.push(load);
            found.extend([&traits.trigger, &traits.await_at, &traits.timeout]);
        }
        Body::Call {
            func,
            returns,
            traits,
            ..
        } => {
            found.extend([func, returns, &traits.trigger, &traits.await_at, &traits.timeout]);
        }
        Body::Include(text) => found.push(text),
    }
    lists(&role.constraints, &role.connect, &role.bind, &mut found);
    found
}

/// Every template of a task template.
pub(crate) fn class_templates(class: &TaskClass) -> Vec<&Template> {
    let mut found: Vec<&Template> = class
        .defaults
        .iter()
        .chain(&class.vars)
        .chain(&class.properties)
        .map(|variable| &variable.value)
        .collect();
    if let Some(command) = &class.command {
        found.extend(command.env.iter().chain(&command.arguments));
        found.extend([&command.value, &command.user]);
        found.extend(command.stdout.iter().chain(&command.stderr));
    }
    lists(&class.constraints, &class.connect, &class.bind, &mut found);
    found
}

fn lists<'a>(
    constraints: &'a [ConstraintTemplate],
    connect: &'a [OutboundTemplate],
    bind: &'a [InboundTemplate],
    found: &mut Vec<&'a Template>,
) {
    found.extend(constraints.iter().map(|item| &item.value));
    for channel in connect
        .iter()
        .map(|item| &item.channel)
        .chain(bind.iter().map(|item| &item.channel))
    {
        found.extend([&channel.rate_logging, &channel.target]);
    }
    found.extend(bind.iter().map(|item| &item.global));
}

/// Changes every place in the modules, classes and parameters of an artefact.
pub(crate) fn each_span(artefact: &mut Artefact, change: &dyn Fn(&mut Span)) {
    for module in artefact.modules.values_mut() {
        role_spans(&mut module.root, change);
    }
    for class in artefact.classes.values_mut() {
        class_spans(class, change);
    }
    for parameter in &mut artefact.parameters {
        parameter.used.iter_mut().for_each(|used| change(&mut used.span));
    }
}

pub(super) fn role_spans(role: &mut RoleTemplate, change: &dyn Fn(&mut Span)) {
    change(&mut role.span);
    change(&mut role.name.span);
    change(&mut role.enabled.span);
    variable_spans(&mut role.defaults, change);
    variable_spans(&mut role.vars, change);
    if let Some(iterator) = &mut role.iterator {
        change(&mut iterator.span);
        match &mut iterator.range {
            Range::List(list) => change(&mut list.span),
            Range::Count { begin, end } => {
                change(&mut begin.span);
                change(&mut end.span);
            }
        }
    }
    list_spans(&mut role.constraints, &mut role.connect, &mut role.bind, change);
    match &mut role.body {
        Body::Aggregator(roles) => roles.iter_mut().for_each(|role| role_spans(role, change)),
        Body::Task { load, traits } => {
            change(&mut load.span);
            traits_spans(traits, change);
        }
        Body::Call {
            func,
            returns,
            traits,
            ..
        } => {
            change(&mut func.span);
            change(&mut returns.span);
            traits_spans(traits, change);
        }
        Body::Include(text) => change(&mut text.span),
    }
}

pub(super) fn class_spans(class: &mut TaskClass, change: &dyn Fn(&mut Span)) {
    change(&mut class.span);
    for variables in [&mut class.defaults, &mut class.vars, &mut class.properties] {
        variable_spans(variables, change);
    }
    if let Some(command) = &mut class.command {
        let CommandTemplate {
            env,
            shell: _,
            value,
            user,
            arguments,
            stdout,
            stderr,
        } = command;
        env.iter_mut()
            .chain(arguments)
            .chain([value, user])
            .chain(stdout)
            .chain(stderr)
            .for_each(|template| {
                change(&mut template.span);
            });
    }
    list_spans(
        &mut class.constraints,
        &mut class.connect,
        &mut class.bind,
        change,
    );
}

fn variable_spans(variables: &mut [Variable], change: &dyn Fn(&mut Span)) {
    for variable in variables {
        change(&mut variable.value.span);
    }
}

fn traits_spans(traits: &mut TraitsTemplate, change: &dyn Fn(&mut Span)) {
    change(&mut traits.trigger.span);
    change(&mut traits.await_at.span);
    change(&mut traits.timeout.span);
}

fn list_spans(
    constraints: &mut [ConstraintTemplate],
    connect: &mut [OutboundTemplate],
    bind: &mut [InboundTemplate],
    change: &dyn Fn(&mut Span),
) {
    for constraint in constraints {
        change(&mut constraint.span);
        change(&mut constraint.value.span);
    }
    for outbound in connect {
        channel_spans(&mut outbound.channel, change);
    }
    for inbound in bind {
        channel_spans(&mut inbound.channel, change);
        change(&mut inbound.global.span);
    }
}

fn channel_spans(channel: &mut ChannelTemplate, change: &dyn Fn(&mut Span)) {
    change(&mut channel.span);
    change(&mut channel.rate_logging.span);
    change(&mut channel.target.span);
}
