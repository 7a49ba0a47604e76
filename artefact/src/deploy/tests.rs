use std::collections::BTreeMap;

use super::*;
use crate::evaluate::Snapshot;
use crate::expression::{Expression, Node};
use crate::instance::{Channel, Inbound, Kind, Outbound, Traits, TraitsTexts};
use crate::ir::{
    Addressing, Code, CommandTemplate, ControlMode, Edition, Limits, Part, Span, Template, Variable, Wants,
};
use crate::{duration, ir};

/// Text with variables in it.
fn t(text: &str) -> Template {
    let mut parts = Vec::new();
    for (place, piece) in text.split("{{").enumerate() {
        let rest = match piece.split_once("}}") {
            Some((name, rest)) if place > 0 => {
                let expression = Expression {
                    at: 0,
                    node: Node::Name(name.to_owned()),
                };
                parts.push(Part::Expression(Code::new(name, expression)));
                rest
            }
            _ => piece,
        };
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
    }
    Template {
        span: Span::default(),
        parts,
    }
}

fn block(pairs: &[(&str, &str)]) -> Vec<Variable> {
    pairs
        .iter()
        .map(|(name, value)| Variable {
            name: (*name).to_owned(),
            value: t(value),
            spec: None,
        })
        .collect()
}

fn class(mode: ControlMode) -> TaskClass {
    TaskClass {
        edition: Edition::default(),
        span: Span::default(),
        name: "c".to_owned(),
        defaults: block(&[("both", "default"), ("plain", "p"), ("seen", "[{{role}}]")]),
        vars: block(&[("both", "var"), ("var", "<{{seen}}>")]),
        mode,
        command: Some(CommandTemplate {
            value: t("{{both}} {{var}} {{task_hostname}}"),
            arguments: vec![t("--name"), t("{{task_name}}")],
            env: vec![t("O2_SYSTEM_X=1")],
            stdout: Some(t(" ALL ")),
            ..CommandTemplate::default()
        }),
        wants: Wants::default(),
        limits: Limits::default(),
        bind: Vec::new(),
        connect: Vec::new(),
        properties: block(&[("both", "{{both}}"), ("raw", "{{var}}"), ("mine", "{{role}}")]),
        constraints: Vec::new(),
    }
}

fn channel(name: &str, transport: &str) -> Channel {
    Channel {
        span: Span::default(),
        name: name.to_owned(),
        kind: "push".to_owned(),
        send_buffer: 1000,
        receive_buffer: 2000,
        rate_logging: t("{{role}}"),
        transport: transport.to_owned(),
    }
}

fn inbound(name: &str, addressing: Addressing, target: &str) -> Inbound {
    Inbound {
        channel: channel(name, "shmem"),
        target: t(target),
        global: String::new(),
        addressing,
    }
}

fn outbound(name: &str, target: &str) -> Outbound {
    Outbound {
        channel: channel(name, "default"),
        target: target.to_owned(),
    }
}

fn role(mode: ControlMode, timeout: &str) -> Role {
    let texts = TraitsTexts {
        timeout: timeout.to_owned(),
        ..TraitsTexts::default()
    };
    let timeout = duration::parse(timeout);
    let traits = Traits {
        trigger: None,
        await_at: None,
        timeout,
        critical: true,
        texts,
    };
    let task = TaskRole {
        class: "h/o/r/tasks/c@1".to_owned(),
        mode,
        traits,
        wants: Wants::default(),
        limits: Limits::default(),
    };
    Role {
        name: "t".to_owned(),
        path: "r.t".to_owned(),
        span: Span::default(),
        enabled: true,
        layers: ir::Layers::default(),
        constraints: Vec::new(),
        connect: Vec::new(),
        bind: Vec::new(),
        critical: true,
        kind: Kind::Task(task),
        roles: Vec::new(),
        include: None,
        empty_iterators: 0,
    }
}

const SPECIAL: Special<'_> = Special {
    task_id: "id1",
    hostname: "h1",
    environment_id: "e1",
};

struct Given {
    artefact: Artefact,
    variables: BTreeMap<String, String>,
}

fn given(mode: ControlMode) -> Given {
    let classes = BTreeMap::from([("h/o/r/tasks/c@1".to_owned(), class(mode))]);
    let variables = [("role", "R"), ("task_hostname", "not this")];
    Given {
        artefact: Artefact {
            classes,
            ..Artefact::default()
        },
        variables: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
    }
}

impl Given {
    fn command(&self, role: &Role) -> Result<Command, Vec<DeployError>> {
        let world = Snapshot::new(&self.artefact, String::new);
        command(
            &self.artefact,
            role,
            &self.variables,
            &SPECIAL,
            &Plugin::default(),
            &world,
        )
    }

    fn properties(&self, role: &Role, bound: &BindMap) -> Result<BTreeMap<String, String>, Vec<DeployError>> {
        let world = Snapshot::new(&self.artefact, String::new);
        let own =
            endpoints(role, "h1", &[9000, 9001], |channel| format!("x.{channel}")).map_err(|e| vec![e])?;
        properties(
            &self.artefact,
            role,
            &self.variables,
            &SPECIAL,
            &own,
            bound,
            &world,
        )
    }
}

#[test]
fn a_command_sees_defaults_before_vars() {
    let command = given(ControlMode::Fairmq)
        .command(&role(ControlMode::Fairmq, "0s"))
        .unwrap();
    assert_eq!(command.value, "default <[R]> h1");
    let arguments =
        "--name h/o/r/tasks/c@1#id1 --id id1 -S $CONTROL_OCCPLUGIN_ROOT/lib/ -P OCClite --color false";
    assert_eq!(command.arguments.join(" "), arguments);
    assert_eq!(
        command.env,
        ["O2_SYSTEM_X=1", "O2_ROLE=h1"],
        "an entry that begins like O2_SYSTEM stands for it"
    );
    assert_eq!(
        (command.stdout, command.stderr, command.timeout),
        (Output::All, Output::None, None)
    );
}

#[test]
fn a_hook_needs_a_sound_timeout() {
    let given = given(ControlMode::Basic);
    let command = given.command(&role(ControlMode::Hook, "1m30s")).unwrap();
    assert_eq!(command.timeout.unwrap().as_secs(), 90);
    let errors = given.command(&role(ControlMode::Hook, "soon")).unwrap_err();
    assert_eq!(
        errors[0].to_string(),
        "task r.t: timeout: `soon` is not a duration: write a number with a unit, such as 30s, 1m30s or 500ms"
    );
}

#[test]
fn properties_see_templates_as_written() {
    let properties =
        given(ControlMode::Direct).properties(&role(ControlMode::Direct, "0s"), &BindMap::default());
    let properties: Vec<_> = properties.unwrap().into_iter().collect();
    let expected = [
        ("both", "var"),
        ("environment_id", "e1"),
        ("mine", "R"),
        ("raw", "<{{seen}}>"),
    ];
    assert_eq!(
        properties,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
    let none = given(ControlMode::Basic).properties(&role(ControlMode::Basic, "0s"), &BindMap::default());
    assert_eq!(none, Ok(BTreeMap::new()));
}

#[test]
fn channels_become_properties() {
    let mut binder = role(ControlMode::Direct, "0s");
    binder.path = "r.binder".to_owned();
    binder.bind = vec![
        inbound("data", Addressing::Tcp, ""),
        inbound("local", Addressing::Ipc, ""),
    ];
    binder.bind[0].global = "all".to_owned();
    let own = endpoints(&binder, "h2", &[9000], |channel| format!("x.{channel}")).unwrap();
    let mut bound = BindMap::default();
    bound.add(&binder.path, &binder.bind, &own).unwrap();
    let keys: Vec<_> = bound
        .iter()
        .map(|(key, bound)| format!("{key} {}", bound.endpoint.target()))
        .collect();
    assert_eq!(
        keys,
        [
            "::all tcp://h2:9000",
            "r.binder:data tcp://h2:9000",
            "r.binder:local ipc://@o2ipc-x.local"
        ]
    );
    assert!(
        bound.add("r.other", &binder.bind, &own).is_err(),
        "an alias is bound once"
    );

    let mut role = role(ControlMode::Direct, "0s");
    role.bind = vec![
        inbound("b", Addressing::Tcp, ""),
        inbound("fixed", Addressing::Tcp, "tcp://*:{{role}}"),
        inbound("left-out", Addressing::Ipc, "nowhere"),
    ];
    role.connect = vec![outbound("x", "::all"), outbound("y", "tcp://elsewhere:1")];
    let properties = given(ControlMode::Direct).properties(&role, &bound).unwrap();
    let value = |name: &str| properties.get(name).map(String::as_str);
    assert_eq!(value("chans.b.0.address"), Some("tcp://*:9000"));
    assert_eq!(value("chans.b.0.autoBind"), Some("0"));
    assert_eq!(value("chans.b.0.rateLogging"), Some("R"));
    assert_eq!(value("chans.fixed.0.address"), Some("tcp://*:R"));
    assert_eq!(value("chans.left-out.0.address"), None);
    assert_eq!(value("chans.x.0.address"), Some("tcp://h2:9000"));
    assert_eq!(value("chans.x.0.transport"), Some("shmem"), "that of the binder");
    assert_eq!(value("chans.y.0.transport"), Some("default"));
    assert_eq!(value("chans.y.0.autoBind"), None);
}

#[test]
fn a_dangling_target_names_what_is_near() {
    let mut binder = role(ControlMode::Direct, "0s");
    binder.path = "r.reader".to_owned();
    binder.bind = vec![inbound("data", Addressing::Tcp, "")];
    let own = endpoints(&binder, "h2", &[9000], str::to_owned).unwrap();
    let mut bound = BindMap::default();
    bound.add(&binder.path, &binder.bind, &own).unwrap();
    let mut role = role(ControlMode::Direct, "0s");
    role.connect = vec![outbound("x", "r.readr:data"), outbound("y", "")];
    let errors = given(ControlMode::Direct).properties(&role, &bound).unwrap_err();
    let messages: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(
        messages,
        [
            "task r.t: channel `x` connects to `r.readr:data`, which no task binds; there is `r.reader:data`",
            "task r.t: channel `y` connects to ``, which no task binds",
        ]
    );
    let short = endpoints(&binder, "h2", &[], str::to_owned).unwrap_err();
    assert_eq!(
        short.to_string(),
        "task r.reader: channel `data` has no port: 0 were given, for 1 tcp channels"
    );
}
