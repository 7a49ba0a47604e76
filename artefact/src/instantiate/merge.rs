//! How constraints and channels pass down the tree.

use std::collections::BTreeSet;

use crate::instance::{Channel, Constraint, Inbound, Outbound};
use crate::ir::{ChannelTemplate, ConstraintTemplate, InboundTemplate, OutboundTemplate, TaskClass};

/// Own constraints over inherited ones: one for the same attribute takes the place of the inherited one, others follow
/// (`template-language.md` 2.8).
pub(super) fn constraints(inherited: &[Constraint], own: Vec<Constraint>) -> Vec<Constraint> {
    let mut merged = inherited.to_vec();
    for constraint in own {
        match merged
            .iter_mut()
            .find(|other| other.attribute == constraint.attribute)
        {
            Some(other) => *other = constraint,
            None => merged.push(constraint),
        }
    }
    merged
}

/// Own channels, then those inherited whose name is still free. Channels of one name are never mixed: the nearest wins
/// as a whole (`template-language.md` 2.7).
pub(super) fn channels<C: Clone>(own: Vec<C>, inherited: &[C], name: impl Fn(&C) -> &str) -> Vec<C> {
    if inherited.is_empty() {
        return own;
    }
    let mut taken: BTreeSet<&str> = own.iter().map(&name).collect();
    let mut free = Vec::new();
    for channel in inherited {
        if taken.insert(name(channel)) {
            free.push(channel.clone());
        }
    }
    own.into_iter().chain(free).collect()
}

pub(super) fn outbound_name(channel: &Outbound) -> &str {
    &channel.channel.name
}

pub(super) fn inbound_name(channel: &Inbound) -> &str {
    &channel.channel.name
}

pub(super) fn constraint(template: &ConstraintTemplate, value: String) -> Constraint {
    Constraint {
        span: template.span,
        attribute: template.attribute.clone(),
        value,
        operator: template.operator,
    }
}

pub(super) fn outbound(template: &OutboundTemplate, target: String) -> Outbound {
    Outbound {
        channel: channel(&template.channel),
        target,
    }
}

pub(super) fn inbound(template: &InboundTemplate, global: String) -> Inbound {
    Inbound {
        channel: channel(&template.channel),
        target: template.channel.target.clone(),
        global,
        addressing: template.addressing,
    }
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

/// The channels that a task connects by its class: their targets mean nothing.
pub(super) fn connect_of_class(class: &TaskClass) -> Vec<Outbound> {
    let connect = class.connect.iter();
    connect.map(|item| outbound(item, String::new())).collect()
}
