//! Task templates (section 2.6).

use partita_artefact::ir::{
    CommandTemplate, ControlMode, Edition, KubernetesMode, Limits, Span, TaskClass, Template, Wants,
};

use super::Decoder;
use super::fields::Fields;
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{Node, Place, scalar};
use partita_artefact::similar::closest;

const KEYS: [&str; 10] = [
    "name",
    "defaults",
    "vars",
    "control",
    "command",
    "wants",
    "limits",
    "bind",
    "connect",
    "properties",
];
const COMMAND_KEYS: [&str; 8] = [
    "env",
    "shell",
    "value",
    "user",
    "arguments",
    "stdout",
    "stderr",
    "log",
];
const MODES: [(&str, ControlMode); 8] = [
    ("direct", ControlMode::Direct),
    ("fairmq", ControlMode::Fairmq),
    ("basic", ControlMode::Basic),
    ("hook", ControlMode::Hook),
    (
        "kubectl_direct",
        ControlMode::Kubernetes(KubernetesMode::KubectlDirect),
    ),
    (
        "kubectl_fairmq",
        ControlMode::Kubernetes(KubernetesMode::KubectlFairmq),
    ),
    (
        "kubernetes_direct",
        ControlMode::Kubernetes(KubernetesMode::Direct),
    ),
    (
        "kubernetes_fairmq",
        ControlMode::Kubernetes(KubernetesMode::Fairmq),
    ),
];

impl Decoder {
    /// A whole file; an empty one is a class without a name.
    pub(super) fn task_class(&mut self, root: Option<&Node>) -> TaskClass {
        let fields = match root.filter(|root| !scalar::is_null(root)) {
            Some(root) => self.fields(root, "a task template"),
            None => None,
        };
        let Some(fields) = fields else {
            let start = Place {
                line: 1,
                column: 1,
                length: 0,
            };
            return empty_class(self.edition, self.span(start));
        };
        let mut known = KEYS.to_vec();
        known.extend(["constraints", "description"]);
        self.check_keys(&fields, "task template", &known);
        let class = TaskClass {
            edition: self.edition,
            span: fields.span(),
            name: self.text(&fields, "name").unwrap_or_default(),
            defaults: self.class_variables(&fields, "defaults"),
            vars: self.class_variables(&fields, "vars"),
            mode: self.mode(&fields),
            command: self.command(&fields),
            wants: self.wants(&fields),
            limits: self.limits(&fields),
            bind: self.inbound(&fields, true),
            connect: self.outbound(&fields, true),
            properties: self.class_variables(&fields, "properties"),
            constraints: self.constraints(&fields, false),
        };
        self.check_precedence(&class);
        class
    }

    fn mode(&mut self, fields: &Fields<'_>) -> ControlMode {
        let Some(control) = self.mapping(fields, "control") else {
            return ControlMode::Direct;
        };
        self.check_keys(&control, "`control`", &["mode"]);
        let Some((node, text)) = control.get("mode").zip(self.text(&control, "mode")) else {
            return ControlMode::Direct;
        };
        let word = text.trim_matches('"').to_lowercase();
        if let Some((_, mode)) = MODES.iter().find(|(name, _)| *name == word) {
            return *mode;
        }
        let strict = self.edition.unknown_modes_are_errors();
        let meaning = if strict { "" } else { " and means `direct`" };
        let message = format!("`mode`: `{text}` is not known{meaning}");
        let warning = Diagnostic::warning(Code::InvalidValue, message).at(self.label(node));
        let close = closest(&word, MODES.iter().map(|(name, _)| *name));
        let warning = match close {
            Some(close) => warning.hint(format!("did you mean `{close}`?")),
            None => warning.hint("known are direct, fairmq, basic and hook"),
        };
        self.report_trap(strict, warning);
        ControlMode::Direct
    }

    fn command(&mut self, fields: &Fields<'_>) -> Option<CommandTemplate> {
        let command = self.mapping(fields, "command")?;
        self.check_keys(&command, "`command`", &COMMAND_KEYS);
        Some(CommandTemplate {
            env: self.templates(&command, "env"),
            shell: self
                .text(&command, "shell")
                .is_some_and(|text| text.trim().eq_ignore_ascii_case("true")),
            value: self.template_or_empty(&command, "value"),
            user: self.template_or_empty(&command, "user"),
            arguments: self.templates(&command, "arguments"),
            stdout: self
                .output(&command, "stdout")
                .or_else(|| self.output(&command, "log")),
            stderr: self.output(&command, "stderr"),
        })
    }

    fn output(&mut self, command: &Fields<'_>, key: &str) -> Option<Template> {
        self.template(command, key)
    }

    fn wants(&mut self, fields: &Fields<'_>) -> Wants {
        let Some(wants) = self.mapping(fields, "wants") else {
            return Wants::default();
        };
        self.check_keys(&wants, "`wants`", &["cpu", "memory", "ports"]);
        Wants {
            cpu: self.amount(&wants, "cpu").unwrap_or_default(),
            memory: self.amount(&wants, "memory").unwrap_or_default(),
            ports: self.ports(&wants),
        }
    }

    fn limits(&mut self, fields: &Fields<'_>) -> Limits {
        let Some(limits) = self.mapping(fields, "limits") else {
            return Limits::default();
        };
        self.check_keys(&limits, "`limits`", &["cpu", "memory"]);
        let positive = |amount: Option<f64>| amount.filter(|amount| *amount > 0.0);
        Limits {
            cpu: positive(self.amount(&limits, "cpu")),
            memory: positive(self.amount(&limits, "memory")),
        }
    }

    fn amount(&mut self, fields: &Fields<'_>, key: &str) -> Option<f64> {
        let (node, text) = fields.get(key).zip(self.text(fields, key))?;
        let amount = go_float(&text);
        if amount.is_none() {
            let message = format!("`{key}`: `{text}` is not a number");
            let error = Diagnostic::error(Code::InvalidValue, message).at(self.label(node));
            self.report(if text.contains("{{") {
                error.hint(format!("`{key}` cannot be templated"))
            } else {
                error
            });
        }
        amount
    }

    /// `p, a-b, …`
    fn ports(&mut self, fields: &Fields<'_>) -> Vec<(u64, u64)> {
        let Some((node, text)) = fields.get("ports").zip(self.text(fields, "ports")) else {
            return Vec::new();
        };
        if text.is_empty() {
            return Vec::new();
        }
        let mut ports = Vec::new();
        for item in text.split(',') {
            let item = item.trim();
            if let Some(range) = port_range(item) {
                ports.push(self.port_range(range, item, node));
            } else {
                let message = format!("`ports`: `{item}` is neither a port nor a range of ports");
                self.report(Diagnostic::error(Code::InvalidValue, message).at(self.label(node)));
            }
        }
        ports
    }

    /// The ports of one item. The reference takes the end of a range from its beginning: `10-20` is port 10 (2.6).
    fn port_range(&mut self, (begin, end): (u64, Option<u64>), item: &str, node: &Node) -> (u64, u64) {
        let strict = self.edition.port_ranges_have_two_ends();
        match end {
            Some(end) if end == begin => (begin, begin),
            Some(end) if strict && end > begin => (begin, end),
            _ => {
                let message = if strict {
                    format!("`ports`: the range `{item}` has no end after its beginning")
                } else {
                    format!("`ports`: the range `{item}` means port {begin} only")
                };
                let warning = Diagnostic::warning(Code::NoEffect, message).at(self.label(node));
                self.report_trap(strict, warning.hint("list the ports one by one"));
                (begin, begin)
            }
        }
    }
}

/// `p` or `a-b`. As in the reference, what stands after the sign may be anything: then there is no end (12.7).
fn port_range(item: &str) -> Option<(u64, Option<u64>)> {
    let ends: Vec<&str> = item.split('-').collect();
    match ends.as_slice() {
        [port] => go_uint(port).map(|port| (port, Some(port))),
        [begin, end] => go_uint(begin).map(|begin| (begin, go_uint(end))),
        _ => None,
    }
}

fn empty_class(edition: Edition, span: Span) -> TaskClass {
    TaskClass {
        edition,
        span,
        name: String::new(),
        defaults: Vec::new(),
        vars: Vec::new(),
        mode: ControlMode::Direct,
        command: None,
        wants: Wants::default(),
        limits: Limits::default(),
        bind: Vec::new(),
        connect: Vec::new(),
        properties: Vec::new(),
        constraints: Vec::new(),
    }
}

/// Go's `strconv.ParseUint` with base 10: digits only.
fn go_uint(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        None
    } else {
        text.parse().ok()
    }
}

/// Go's `strconv.ParseFloat`: decimal floats with single underscores between digits, `inf` and `nan` in any case.
/// Floats written in hexadecimal (`0x1p4`) are refused.
fn go_float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit = |index: Option<usize>| index.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    for (index, byte) in bytes.iter().enumerate() {
        if *byte == b'_' && !(digit(index.checked_sub(1)) && digit(index.checked_add(1))) {
            return None;
        }
    }
    text.replace('_', "").parse().ok()
}
