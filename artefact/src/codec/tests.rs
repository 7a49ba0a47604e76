use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::expression::{Binary, Expression, Node, Unary};
use crate::ir::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[a-z]{1,3}", ".{0,4}"]
}

fn span() -> impl Strategy<Value = Span> {
    (0..3u32, 0..300u32, 0..99u32).prop_map(|(source, line, column)| Span { source, line, column })
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        Just(Node::Nil),
        any::<bool>().prop_map(Node::Bool),
        any::<i64>().prop_map(Node::Int),
        (-1e9..1e9).prop_map(Node::Float),
        text().prop_map(Node::Str),
        text().prop_map(Node::Name),
        option::of(text()).prop_map(Node::Pointer),
    ];
    let at = |node: Node| Expression { at: 7, node };
    leaf.prop_map(at).prop_recursive(4, 24, 3, move |inner| {
        let some = vec(inner.clone(), 0..3);
        let one = inner.prop_map(Box::new);
        let node = prop_oneof![
            some.clone().prop_map(Node::Array),
            some.clone().prop_map(Node::Sequence),
            some.clone()
                .prop_map(|items| Node::Map(items.iter().cloned().zip(items.clone()).collect())),
            (text(), some.clone()).prop_map(|(name, arguments)| Node::Predicate { name, arguments }),
            (one.clone(), some).prop_map(|(callee, arguments)| Node::Call { callee, arguments }),
            (one.clone(), one.clone(), any::<bool>()).prop_map(|(object, property, optional)| Node::Member {
                object,
                property,
                optional
            }),
            (one.clone(), option::of(one.clone()), option::of(one.clone()))
                .prop_map(|(object, from, to)| Node::Slice { object, from, to }),
            one.clone().prop_map(Node::Closure),
            one.clone().prop_map(|operand| Node::Unary(Unary::Minus, operand)),
            (one.clone(), one.clone()).prop_map(|(a, b)| Node::Binary(Binary::Coalesce, a, b)),
            (one.clone(), one.clone(), one.clone()).prop_map(|(a, b, c)| Node::Conditional(a, b, c)),
            (text(), one.clone(), one).prop_map(|(name, value, body)| Node::Let { name, value, body }),
        ];
        node.prop_map(at)
    })
}

fn code() -> impl Strategy<Value = Code> {
    (text(), expression()).prop_map(|(text, expression)| Code::new(text, expression))
}

fn template() -> impl Strategy<Value = Template> {
    let part = prop_oneof![
        4 => text().prop_map(Part::Text),
        2 => code().prop_map(Part::Expression),
        1 => (text(), text()).prop_map(|(text, message)| Part::Malformed { text, message }),
    ];
    (span(), vec(part, 0..3)).prop_map(|(span, parts)| Template { span, parts })
}

fn variables() -> impl Strategy<Value = Vec<Variable>> {
    let spec = (text(), vec(text(), 0..2), any::<i32>()).prop_map(|(kind, values, index)| {
        Box::new(VariableSpec {
            kind,
            values,
            index,
            rows: 2,
            ..VariableSpec::default()
        })
    });
    let variable = (text(), template(), option::of(spec));
    vec(
        variable.prop_map(|(name, value, spec)| Variable { name, value, spec }),
        0..2,
    )
}

fn constraints() -> impl Strategy<Value = Vec<ConstraintTemplate>> {
    let item = (span(), text(), template(), any::<i64>());
    let item = item.prop_map(|(span, attribute, value, operator)| ConstraintTemplate {
        span,
        attribute,
        value,
        operator,
    });
    vec(item, 0..2)
}

fn channel() -> impl Strategy<Value = ChannelTemplate> {
    (span(), text(), any::<i64>(), template(), template()).prop_map(|(span, name, buffer, rate, target)| {
        ChannelTemplate {
            span,
            kind: name.clone(),
            name,
            send_buffer: buffer,
            receive_buffer: 1000,
            rate_logging: rate,
            transport: "shmem".to_owned(),
            target,
        }
    })
}

fn bind() -> impl Strategy<Value = Vec<InboundTemplate>> {
    let addressing = prop_oneof![Just(Addressing::Tcp), Just(Addressing::Ipc)];
    let item = (channel(), template(), addressing);
    vec(
        item.prop_map(|(channel, global, addressing)| InboundTemplate {
            channel,
            global,
            addressing,
        }),
        0..2,
    )
}

fn connect() -> impl Strategy<Value = Vec<OutboundTemplate>> {
    vec(channel().prop_map(|channel| OutboundTemplate { channel }), 0..2)
}

fn traits() -> impl Strategy<Value = TraitsTemplate> {
    (template(), template(), template(), any::<bool>()).prop_map(|(trigger, await_at, timeout, critical)| {
        TraitsTemplate {
            trigger,
            await_at,
            timeout,
            critical,
        }
    })
}

fn iterator() -> impl Strategy<Value = Iterator> {
    let range = prop_oneof![
        template().prop_map(Range::List),
        (template(), template()).prop_map(|(begin, end)| Range::Count { begin, end }),
    ];
    (span(), text(), range).prop_map(|(span, variable, range)| Iterator {
        span,
        variable,
        range,
    })
}

fn role(body: BoxedStrategy<Body>) -> impl Strategy<Value = RoleTemplate> {
    let written = (span(), template(), template(), variables(), variables());
    let lists = (constraints(), connect(), bind(), option::of(iterator()));
    (written, lists, body).prop_map(|(written, lists, body)| {
        let (span, name, enabled, defaults, vars) = written;
        let (constraints, connect, bind, iterator) = lists;
        RoleTemplate {
            span,
            name,
            enabled,
            defaults,
            vars,
            constraints,
            connect,
            bind,
            iterator,
            body,
        }
    })
}

fn leaf() -> impl Strategy<Value = RoleTemplate> {
    let body = prop_oneof![
        (template(), traits()).prop_map(|(load, traits)| Body::Task { load, traits }),
        (template(), option::of(code()), template(), traits()).prop_map(
            |(func, function, returns, traits)| Body::Call {
                func,
                function,
                returns,
                traits
            }
        ),
        template().prop_map(Body::Include),
    ];
    role(body.boxed())
}

fn module() -> impl Strategy<Value = Module> {
    let inner = role(vec(leaf(), 0..2).prop_map(Body::Aggregator).boxed());
    let root = role(vec(inner, 0..3).prop_map(Body::Aggregator).boxed());
    (text(), option::of(text()), any::<bool>(), root).prop_map(|(revision, description, public, root)| {
        Module {
            edition: Edition::E2026,
            repository: "h/o/r".to_owned(),
            revision,
            description,
            public,
            root,
        }
    })
}

fn class() -> impl Strategy<Value = TaskClass> {
    let command = (
        vec(template(), 0..2),
        any::<bool>(),
        template(),
        option::of(template()),
    );
    let command = command.prop_map(|(arguments, shell, value, stdout)| CommandTemplate {
        env: arguments.clone(),
        shell,
        user: value.clone(),
        value,
        arguments,
        stderr: stdout.clone(),
        stdout,
    });
    let mode = prop_oneof![
        Just(ControlMode::Fairmq),
        Just(ControlMode::Hook),
        Just(ControlMode::Kubernetes(KubernetesMode::KubectlDirect)),
    ];
    let blocks = (variables(), variables(), variables(), constraints());
    let rest = (
        mode,
        option::of(command),
        bind(),
        connect(),
        option::of(0.0..9.0),
        vec(any::<(u64, u64)>(), 0..2),
    );
    (span(), text(), blocks, rest).prop_map(|(span, name, blocks, rest)| {
        let (defaults, vars, properties, constraints) = blocks;
        let (mode, command, bind, connect, memory, ports) = rest;
        TaskClass {
            edition: Edition::E2026,
            span,
            name,
            defaults,
            vars,
            mode,
            command,
            wants: Wants {
                cpu: 0.5,
                memory: 128.0,
                ports,
            },
            limits: Limits { cpu: None, memory },
            bind,
            connect,
            properties,
            constraints,
        }
    })
}

fn artefact() -> impl Strategy<Value = Artefact> {
    let map = || btree_map(text(), text(), 0..3);
    let layers = (map(), map(), map()).prop_map(|(defaults, vars, user)| Layers { defaults, vars, user });
    let source = (text(), text(), any::<bool>()).prop_map(|(path, blob, dirty)| Source {
        repository: "h/o/r".to_owned(),
        revision: String::new(),
        path,
        blob,
        dirty,
    });
    let bound = prop::sample::select(vec![
        Binding::Compile,
        Binding::Instance,
        Binding::Deploy,
        Binding::Run,
    ]);
    let used = (span(), bound).prop_map(|(span, bound)| Use { span, bound });
    let parameter = (text(), any::<bool>(), option::of(text()), vec(used, 0..2));
    let parameter = parameter.prop_map(|(name, required, default, used)| Parameter {
        name,
        kind: ParameterKind::List,
        bound: Binding::Deploy,
        required,
        default,
        spec: Some(Box::default()),
        used,
    });
    let files = (
        btree_map(text(), module(), 0..2),
        btree_map(text(), class(), 0..2),
        vec(source, 0..2),
    );
    let open = (map(), text(), map(), btree_map(text(), template(), 0..2), map());
    let rest = (layers, vec(text(), 0..2), map(), vec(parameter, 0..2), open);
    (text(), files, rest).prop_map(|(root, files, rest)| {
        let (modules, classes, sources) = files;
        let (given, services, configuration, parameters, open) = rest;
        let (commands, packages, workflows, texts, revisions) = open;
        Artefact {
            edition: Edition::Aliecs,
            stdlib: "1".to_owned(),
            root,
            sources,
            modules,
            classes,
            given,
            services,
            configuration,
            parameters,
            commands,
            pins: Pins { packages, workflows },
            texts,
            revisions,
            closed: true,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(artefact in artefact()) {
        let bytes = encode(&artefact).unwrap();
        prop_assert_eq!(&encode(&artefact).unwrap(), &bytes);
        prop_assert_eq!(decode(&bytes).unwrap(), artefact);
    }

    #[test]
    fn no_damage_breaks_the_reader(artefact in artefact(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let mut bytes = encode(&artefact).unwrap();
        let place = at.index(bytes.len());
        let _ = decode(&bytes[..place]);
        bytes[place] ^= 1 << bit;
        // It may still be an artefact, then one that can be written again; the hash tells the two apart.
        if let Ok(other) = decode(&bytes) {
            prop_assert!(encode(&other).is_ok());
        }
    }

    #[test]
    fn no_bytes_break_the_reader(body in vec(any::<u8>(), 0..200)) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(FORMAT.to_le_bytes());
        bytes.extend(body);
        let _ = decode(&bytes);
    }
}

#[test]
fn tells_what_it_cannot_read() {
    let bytes = encode(&Artefact::default()).unwrap();
    assert_eq!(decode(b"name: readout\nroles: []\n"), Err(DecodeError::Foreign));
    assert_eq!(decode(b""), Err(DecodeError::Short));
    assert_eq!(decode(&bytes[..10]), Err(DecodeError::Short));
    assert!(matches!(
        decode(&bytes[..bytes.len() - 1]),
        Err(DecodeError::Damaged(_) | DecodeError::Invalid(_))
    ));
    let mut newer = bytes;
    newer[MAGIC.len()] += 1;
    assert_eq!(decode(&newer), Err(DecodeError::TooNew { found: FORMAT + 1 }));
    let message = decode(&newer).unwrap_err().to_string();
    assert_eq!(
        message,
        "the artefact has format 2, and this build reads formats up to 1: use a newer build"
    );
}

#[test]
fn refuses_to_nest_without_end() {
    let mut expression = Expression {
        at: 0,
        node: Node::Nil,
    };
    for _ in 1..MAX_EXPRESSION_DEPTH {
        expression = Expression {
            at: 0,
            node: Node::Closure(Box::new(expression)),
        };
    }
    let with = |expression: &Expression| {
        let code = Code::new("deep", expression.clone());
        let value = Template {
            parts: vec![Part::Expression(code)],
            ..Template::default()
        };
        let variable = Variable {
            name: "v".to_owned(),
            value,
            spec: None,
        };
        let mut artefact = Artefact::default();
        artefact.classes.insert(
            "c".to_owned(),
            TaskClass {
                edition: Edition::E2026,
                vars: vec![variable],
                ..empty_class()
            },
        );
        artefact
    };
    let deepest = with(&expression);
    assert_eq!(decode(&encode(&deepest).unwrap()), Ok(deepest));
    let deeper = Expression {
        at: 0,
        node: Node::Closure(Box::new(expression)),
    };
    assert_eq!(
        encode(&with(&deeper)),
        Err(EncodeError::ExpressionDepth {
            text: "deep".to_owned()
        })
    );
}

fn empty_class() -> TaskClass {
    TaskClass {
        edition: Edition::default(),
        span: Span::default(),
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
