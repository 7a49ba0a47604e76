//! Workflow templates: roles of all kinds (sections 2.2 to 2.5 and 6).

use partita_artefact::ir::{
    Body, Iterator, Module, Part, Range, RoleTemplate, Span, Template, TraitsTemplate,
};

use super::Decoder;
use super::fields::Fields;
use super::variable::is_public;
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{Content, Node, Place, scalar};

/// Keys that every role has.
const ROLE_KEYS: [&str; 8] = [
    "name",
    "enabled",
    "defaults",
    "vars",
    "constraints",
    "connect",
    "bind",
    "description",
];
/// The keys that say what kind of role it is.
const KINDS: [&str; 4] = ["roles", "task", "call", "include"];
const TRAITS: [&str; 4] = ["trigger", "await", "timeout", "critical"];
/// What hooks get that say no time-out (2.5).
const HOOK_TIMEOUT: &str = "30s";
const NO_TIMEOUT: &str = "0s";

impl Decoder {
    /// A whole file. Its root is always an aggregator; an empty file is one without roles.
    pub(super) fn module(&mut self, root: Option<&Node>) -> Module {
        let mut module = Module {
            edition: self.edition,
            repository: String::new(),
            revision: String::new(),
            description: None,
            public: false,
            root: empty_role(Span {
                source: self.source,
                line: 1,
                column: 1,
            }),
        };
        let Some(root) = root.filter(|root| !scalar::is_null(root)) else {
            return module;
        };
        let Some(fields) = self.fields(root, "a workflow") else {
            return module;
        };
        let mut known = ROLE_KEYS.to_vec();
        known.push("roles");
        self.check_keys(&fields, "workflow", &known);
        module.root = self.role_base(&fields);
        module.root.body = Body::Aggregator(self.roles(&fields));
        module.public = fields.get("name").is_some_and(is_public);
        if fields.get("description").is_some_and(is_public) {
            module.description = self.text(&fields, "description");
        }
        module
    }

    fn roles(&mut self, fields: &Fields<'_>) -> Vec<RoleTemplate> {
        self.list(fields, "roles")
            .into_iter()
            .filter_map(|item| self.role(item))
            .collect()
    }

    fn role(&mut self, node: &Node) -> Option<RoleTemplate> {
        let fields = self.fields(node, "a role")?;
        let kind = self.kind(&fields)?;
        let mut known = ROLE_KEYS.to_vec();
        known.extend([kind, "for"]);
        self.check_keys(&fields, "role", &known);
        let mut role = self.role_base(&fields);
        role.iterator = self.iterator(&fields);
        role.body = match kind {
            "task" => self.task(&fields)?,
            "call" => self.call(&fields)?,
            "include" => {
                self.lost_on_include(&fields);
                Body::Include(self.template_or_empty(&fields, "include"))
            }
            _ => Body::Aggregator(self.roles(&fields)),
        };
        if role.iterator.is_some() {
            self.check_iterator_enabled(&fields);
        }
        Some(role)
    }

    /// Exactly one of the keys of kind must be there.
    fn kind(&mut self, fields: &Fields<'_>) -> Option<&'static str> {
        let present: Vec<&'static str> = KINDS
            .into_iter()
            .filter(|key| fields.get(key).is_some())
            .collect();
        if let [kind] = present.as_slice() {
            return Some(kind);
        }
        let name = fields.get("name").and_then(Node::source_text).unwrap_or_default();
        let (message, hint) = if present.is_empty() {
            (
                format!("role `{name}` has no kind"),
                "give it one of `roles`, `task`, `call` and `include`".to_owned(),
            )
        } else {
            let found = present
                .iter()
                .map(|key| format!("`{key}`"))
                .collect::<Vec<_>>()
                .join(" and ");
            (
                format!("role `{name}` has more than one kind"),
                format!("keep one of {found}"),
            )
        };
        let label = fields.iter().next().map(|(key, _)| self.label(key));
        let mut error = Diagnostic::error(Code::InvalidRole, message).hint(hint);
        error.primary = label;
        self.report(error);
        None
    }

    fn role_base(&mut self, fields: &Fields<'_>) -> RoleTemplate {
        let enabled = match self.template(fields, "enabled") {
            Some(enabled) => {
                self.check_enabled(fields, &enabled);
                enabled
            }
            None => self.literal("true", fields.place()),
        };
        RoleTemplate {
            span: fields.span(),
            name: self.template_or_empty(fields, "name"),
            enabled,
            defaults: self.role_variables(fields, "defaults"),
            vars: self.role_variables(fields, "vars"),
            constraints: self.constraints(fields, true),
            connect: self.outbound(fields, false),
            bind: self.inbound(fields, false),
            iterator: None,
            body: Body::Aggregator(Vec::new()),
        }
    }

    fn iterator(&mut self, role: &Fields<'_>) -> Option<Iterator> {
        let node = role.get("for")?;
        let fields = self.fields(node, "`for`")?;
        self.check_keys(&fields, "`for`", &["range", "begin", "end", "var"]);
        let written = |key| fields.get(key).is_some();
        let range = if written("begin") && written("end") && written("var") {
            let begin = self.template(&fields, "begin");
            let end = self.template(&fields, "end");
            begin.zip(end).map(|(begin, end)| Range::Count { begin, end })
        } else if written("range") && written("var") {
            self.template(&fields, "range").map(Range::List)
        } else {
            let error = Diagnostic::error(Code::InvalidRole, "`for` does not say what it runs over")
                .at(self.label(node));
            self.report(error.hint("give it `var` and either `range` or `begin` and `end`"));
            None
        };
        let variable = self.text(&fields, "var").unwrap_or_default();
        Some(Iterator {
            span: fields.span(),
            variable,
            range: range?,
        })
    }

    /// The reference keeps or drops an iterator by the raw text of `enabled` (3.5).
    fn check_iterator_enabled(&mut self, fields: &Fields<'_>) {
        if self.edition.iterator_enabled_decides_each_instance() {
            return;
        }
        let Some(node) = fields.get("enabled") else { return };
        let text = node.source_text().unwrap_or_default().trim().to_lowercase();
        if text != "true" && text != "1" {
            let message = "`enabled` of an iterator is not evaluated: it removes all roles of this iterator";
            let warning = Diagnostic::warning(Code::IteratorEnabled, message).at(self.label(node));
            self.report(warning.hint("put the iterator into an aggregator and write `enabled` there"));
        }
    }

    /// Only `true` and `1` mean yes to the reference, everything else means no (2.3).
    fn check_enabled(&mut self, fields: &Fields<'_>, enabled: &Template) {
        let Some((node, text)) = fields.get("enabled").zip(enabled.literal()) else {
            return;
        };
        let word = text.trim().to_lowercase();
        let understood = ["true", "1", "false", "0", "no", "n", "off", "none"].contains(&word.as_str());
        let yes = ["yes", "y", "on", "ok"].contains(&word.as_str());
        let strict = self.edition.enabled_is_yes_or_no();
        if understood || strict && (yes || word.is_empty()) {
            return;
        }
        let message = if strict {
            format!("`enabled` is neither yes nor no but `{text}`")
        } else {
            format!("`enabled: {text}` disables the role")
        };
        let warning = Diagnostic::warning(Code::InvalidValue, message).at(self.label(node));
        let hint = if yes {
            "did you mean `true`?"
        } else {
            "write `true` or `false`"
        };
        self.report_trap(strict, warning.hint(hint));
    }

    fn lost_on_include(&mut self, fields: &Fields<'_>) {
        if self.edition.include_passes_on_what_it_has() {
            return;
        }
        for key in ["constraints", "connect", "bind"] {
            if let Some(node) = fields.get(key) {
                let message = format!("`{key}` of an include is dropped");
                let warning = Diagnostic::warning(Code::NoEffect, message).at(self.label(node));
                self.report(
                    warning.hint("write it on the root of the included workflow, or on an aggregator around"),
                );
            }
        }
    }

    fn task(&mut self, role: &Fields<'_>) -> Option<Body> {
        let fields = self.mapping(role, "task")?;
        self.check_keys(
            &fields,
            "`task`",
            &["load", TRAITS[0], TRAITS[1], TRAITS[2], TRAITS[3]],
        );
        Some(Body::Task {
            load: self.template_or_empty(&fields, "load"),
            traits: self.traits(&fields),
        })
    }

    fn call(&mut self, role: &Fields<'_>) -> Option<Body> {
        let fields = self.mapping(role, "call")?;
        self.check_keys(
            &fields,
            "`call`",
            &["func", "return", TRAITS[0], TRAITS[1], TRAITS[2], TRAITS[3]],
        );
        let func = self.template_or_empty(&fields, "func");
        let function = match (literal_text(&func), fields.get("func")) {
            (Some(text), Some(node)) if !text.is_empty() => self.function(text, node.place),
            _ => None,
        };
        let returns = self.template_or_empty(&fields, "return");
        Some(Body::Call {
            func,
            function,
            returns,
            traits: self.traits(&fields),
        })
    }

    /// `func` is an expression when its trigger comes, as if braces stood around it (5.6).
    fn function(&mut self, text: &str, place: Place) -> Option<partita_artefact::ir::Code> {
        match self
            .parse_template(&format!("{{{{{text}}}}}"), place)
            .parts
            .as_slice()
        {
            [Part::Expression(code)] => Some(code.clone()),
            _ => None,
        }
    }

    fn traits(&mut self, fields: &Fields<'_>) -> TraitsTemplate {
        let trigger = self.template_or_empty(fields, "trigger");
        let await_at = self.template(fields, "await").unwrap_or_else(|| trigger.clone());
        // Both defaults look at the trigger as written, before it is evaluated.
        let default = if trigger.parts.is_empty() {
            NO_TIMEOUT
        } else {
            HOOK_TIMEOUT
        };
        let timeout = match self.template(fields, "timeout") {
            Some(timeout) => timeout,
            // Chosen when the trigger is known.
            None if self.edition.empty_trigger_is_none() => self.literal("", fields.place()),
            None => Template {
                span: trigger.span,
                parts: vec![Part::Text(default.to_owned())],
            },
        };
        for key in ["trigger", "await"] {
            self.check_moment(fields, key);
        }
        let critical = match fields.get("critical") {
            None => true,
            Some(node) => self.critical(node),
        };
        TraitsTemplate {
            trigger,
            await_at,
            timeout,
            critical,
        }
    }

    fn critical(&mut self, node: &Node) -> bool {
        match scalar::boolean(node) {
            Ok(critical) => critical.unwrap_or(true),
            Err(error) => {
                let mut diagnostic =
                    Diagnostic::error(Code::WrongType, format!("`critical`: {error}")).at(self.label(node));
                if matches!(node.content, Content::Quoted(_)) {
                    diagnostic =
                        diagnostic.hint("`critical` is true or false without quotes; it cannot be templated");
                }
                self.report(diagnostic);
                true
            }
        }
    }

    /// Only some names of moments ever come (2.5); templated ones are seen when they are evaluated.
    fn check_moment(&mut self, fields: &Fields<'_>, key: &str) {
        let Some(node) = fields.get(key) else { return };
        let Some(text) = node
            .source_text()
            .filter(|text| !text.is_empty() && !text.contains("{{"))
        else {
            return;
        };
        let (name, weight) = text.rfind(['+', '-']).map_or((text, None), |at| {
            (text.get(..at).unwrap_or(text), text.get(at..))
        });
        if weight.is_some_and(|weight| weight.parse::<i64>().is_err()) {
            let message = format!("`{key}`: `{text}` is cut at its last sign and has no weight after it");
            let warning = Diagnostic::warning(Code::InvalidValue, message).at(self.label(node));
            self.report_trap(self.edition.weights_are_numbers(), warning);
        }
        let prefixes = ["before_", "after_", "enter_", "leave_"];
        let comes = name == "DESTROY" || prefixes.iter().any(|prefix| name.starts_with(prefix));
        if !comes {
            let message = format!("`{key}`: the moment `{name}` never comes");
            let warning = Diagnostic::warning(Code::NeverFires, message).at(self.label(node));
            self.report(warning.hint(
                "moments are before_<EVENT>, leave_<STATE>, enter_<STATE>, after_<EVENT> and DESTROY, \
                 such as `before_CONFIGURE`",
            ));
        }
    }
}

/// The text of a template that has no expression.
fn literal_text(template: &Template) -> Option<&str> {
    match template.parts.as_slice() {
        [] => Some(""),
        [Part::Text(text)] => Some(text),
        _ => None,
    }
}

fn empty_role(span: Span) -> RoleTemplate {
    let empty = Template {
        span,
        parts: Vec::new(),
    };
    RoleTemplate {
        span,
        name: empty.clone(),
        enabled: Template {
            span,
            parts: vec![Part::Text("true".to_owned())],
        },
        defaults: Vec::new(),
        vars: Vec::new(),
        constraints: Vec::new(),
        connect: Vec::new(),
        bind: Vec::new(),
        iterator: None,
        body: Body::Aggregator(Vec::new()),
    }
}
