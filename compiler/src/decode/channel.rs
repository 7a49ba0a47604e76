//! `connect` and `bind` (section 2.7).

use partita_artefact::ir::{Addressing, ChannelTemplate, InboundTemplate, OutboundTemplate, Template};

use super::Decoder;
use super::fields::Fields;
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::Node;
use partita_artefact::similar::closest;

const OUTBOUND: [&str; 7] = [
    "name",
    "type",
    "sndBufSize",
    "rcvBufSize",
    "rateLogging",
    "transport",
    "target",
];
const INBOUND: [&str; 9] = [
    "name",
    "type",
    "sndBufSize",
    "rcvBufSize",
    "rateLogging",
    "transport",
    "target",
    "global",
    "addressing",
];
const TYPES: [&str; 4] = ["push", "pull", "pub", "sub"];
const TRANSPORTS: [&str; 4] = ["default", "zeromq", "nanomsg", "shmem"];
const ADDRESSINGS: [&str; 2] = ["tcp", "ipc"];
/// Messages, where none is written.
pub(crate) const BUFFER: i64 = 1000;

impl Decoder {
    /// `connect` of a role, or of a task template, where targets are dropped.
    pub(super) fn outbound(&mut self, fields: &Fields<'_>, in_class: bool) -> Vec<OutboundTemplate> {
        let mut channels = Vec::new();
        for item in self.list(fields, "connect") {
            let Some(fields) = self.fields(item, "channel") else {
                continue;
            };
            self.check_keys(&fields, "`connect` channel", &OUTBOUND);
            let mut channel = self.channel(&fields);
            if in_class && let Some(target) = fields.get("target") {
                let message = "`target` of a task template is dropped";
                let warning = Diagnostic::warning(Code::NoEffect, message).at(self.label(target));
                self.report(warning.hint("write the channel with its target on the role"));
                channel.target = Template {
                    span: channel.span,
                    parts: Vec::new(),
                };
            }
            channels.push(OutboundTemplate { channel });
        }
        channels
    }

    /// `bind` of a role, or of a task template, where `global` is literal.
    pub(super) fn inbound(&mut self, fields: &Fields<'_>, in_class: bool) -> Vec<InboundTemplate> {
        let mut channels = Vec::new();
        for item in self.list(fields, "bind") {
            channels.extend(self.inbound_channel(item, in_class));
        }
        channels
    }

    pub(super) fn inbound_channel(&mut self, item: &Node, in_class: bool) -> Option<InboundTemplate> {
        let fields = self.fields(item, "channel")?;
        self.check_keys(&fields, "`bind` channel", &INBOUND);
        let channel = self.channel(&fields);
        self.check_bound_target(&fields, &channel.name);
        let global = if in_class {
            self.class_text(&fields, "global")
        } else {
            self.template_or_empty(&fields, "global")
        };
        let addressing = match self.choice(&fields, "addressing", &ADDRESSINGS).as_deref() {
            Some("ipc") => Addressing::Ipc,
            _ => Addressing::Tcp,
        };
        Some(InboundTemplate {
            channel,
            global,
            addressing,
        })
    }

    /// In the reference, a channel whose target is no address as written gets none at all (2.7).
    fn check_bound_target(&mut self, fields: &Fields<'_>, channel: &str) {
        let Some((node, target)) = fields.get("target").zip(self.text(fields, "target")) else {
            return;
        };
        let target = target.trim();
        let address = ["tcp://", "ipc://"]
            .iter()
            .any(|scheme| target.starts_with(scheme));
        let strict = self.edition.bound_targets_are_addresses();
        if target.is_empty() || address || strict && target.contains("{{") {
            return;
        }
        let message = format!("channel `{channel}` is left out: its target is no address");
        let warning = Diagnostic::warning(Code::NoEffect, message).at(self.label(node));
        let warning = warning.hint("begin the target of a bound channel with `tcp://` or `ipc://`");
        self.report_trap(strict, warning);
    }

    fn channel(&mut self, fields: &Fields<'_>) -> ChannelTemplate {
        let target = match fields.get("target") {
            Some(node) => {
                let text = self.text(fields, "target").unwrap_or_default();
                self.parse_template(text.trim(), node.place)
            }
            None => self.literal("", fields.place()),
        };
        let rate_logging = match self.template(fields, "rateLogging") {
            Some(template) => template,
            None => self.literal("0", fields.place()),
        };
        ChannelTemplate {
            span: fields.span(),
            name: self.text(fields, "name").unwrap_or_default(),
            kind: self.choice(fields, "type", &TYPES).unwrap_or_default(),
            send_buffer: self.buffer(fields, "sndBufSize"),
            receive_buffer: self.buffer(fields, "rcvBufSize"),
            rate_logging,
            transport: self
                .choice(fields, "transport", &TRANSPORTS)
                .unwrap_or_else(|| "default".to_owned()),
            target,
        }
    }

    /// One of a few words, in any case, with or without a second pair of quotes.
    fn choice(&mut self, fields: &Fields<'_>, key: &str, allowed: &[&str]) -> Option<String> {
        let node = fields.get(key)?;
        let text = self.text(fields, key)?;
        let word = text.trim_matches('"').to_lowercase();
        if allowed.contains(&word.as_str()) {
            return Some(word);
        }
        let message = format!("`{key}`: `{text}` is none of {}", allowed.join(", "));
        let mut error = Diagnostic::error(Code::InvalidValue, message).at(self.label(node));
        if text.contains("{{") {
            error = error.hint(format!("`{key}` cannot be templated"));
        } else if let Some(close) = closest(&word, allowed.iter().copied()) {
            error = error.hint(format!("did you mean `{close}`?"));
        }
        self.report(error);
        None
    }

    fn buffer(&mut self, fields: &Fields<'_>, key: &str) -> i64 {
        let Some((node, text)) = fields.get(key).zip(self.text(fields, key)) else {
            return BUFFER;
        };
        text.parse().unwrap_or_else(|_| {
            let message = format!("`{key}`: `{text}` is not a number of messages");
            let mut error = Diagnostic::error(Code::InvalidValue, message).at(self.label(node));
            if text.contains("{{") {
                error = error.hint(format!("`{key}` cannot be templated"));
            }
            self.report(error);
            BUFFER
        })
    }
}
