use std::collections::BTreeMap;

use super::*;
use crate::evaluate::Snapshot;
use crate::expression::{Expression, Node};
use crate::instance::{Instance, Kind, Role};
use crate::ir::{
    Addressing, Body, ChannelTemplate, Code, ConstraintTemplate, ControlMode, Edition, InboundTemplate,
    Iterator, Module, OutboundTemplate, Part, Range, RoleTemplate, Span, TaskClass, Template, TraitsTemplate,
    Variable, Wants,
};

const REVISION: &str = "0123";

/// Text with variables in it; all that is needed here of the language.
fn t(text: &str) -> Template {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").unwrap();
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let expression = Expression {
            at: 0,
            node: Node::Name(name.trim().to_owned()),
        };
        parts.push(Part::Expression(Code::new(name, expression)));
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest.to_owned()));
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

fn role(name: &str, body: Body) -> RoleTemplate {
    RoleTemplate {
        span: Span::default(),
        name: t(name),
        enabled: t("true"),
        defaults: Vec::new(),
        vars: Vec::new(),
        constraints: Vec::new(),
        connect: Vec::new(),
        bind: Vec::new(),
        iterator: None,
        body,
    }
}

fn group(name: &str, roles: Vec<RoleTemplate>) -> RoleTemplate {
    role(name, Body::Aggregator(roles))
}

fn traits(trigger: &str) -> TraitsTemplate {
    TraitsTemplate {
        trigger: t(trigger),
        await_at: t(trigger),
        timeout: t("30s"),
        critical: true,
    }
}

fn task(name: &str) -> RoleTemplate {
    role(
        name,
        Body::Task {
            load: t("noop"),
            traits: traits(""),
        },
    )
}

fn each(variable: &str, range: &str, role: RoleTemplate) -> RoleTemplate {
    let (variable, range) = (variable.to_owned(), Range::List(t(range)));
    RoleTemplate {
        iterator: Some(Iterator {
            span: Span::default(),
            variable,
            range,
        }),
        ..role
    }
}

fn constraint(attribute: &str, value: &str) -> ConstraintTemplate {
    ConstraintTemplate {
        span: Span::default(),
        attribute: attribute.to_owned(),
        value: t(value),
        operator: 0,
    }
}

fn channel(name: &str, target: &str) -> ChannelTemplate {
    ChannelTemplate {
        span: Span::default(),
        name: name.to_owned(),
        kind: "push".to_owned(),
        send_buffer: 1000,
        receive_buffer: 1000,
        rate_logging: t("0"),
        transport: "default".to_owned(),
        target: t(target),
    }
}

fn class() -> TaskClass {
    let connect = OutboundTemplate {
        channel: channel("own", "tcp://ignored:1"),
    };
    TaskClass {
        edition: Edition::default(),
        span: Span::default(),
        name: "noop".to_owned(),
        defaults: Vec::new(),
        vars: Vec::new(),
        mode: ControlMode::Basic,
        command: None,
        wants: Wants::default(),
        limits: crate::ir::Limits::default(),
        bind: Vec::new(),
        connect: vec![connect],
        properties: Vec::new(),
        constraints: vec![constraint("machine_type", "flp"), constraint("rack", "r1")],
    }
}

/// An artefact of several files; the first is the root.
fn artefact(files: Vec<RoleTemplate>) -> Artefact {
    let identity = |name: &str| format!("h/o/r/workflows/{name}@{REVISION}");
    let root = identity(files[0].name.literal().unwrap());
    let module = |root: RoleTemplate| Module {
        edition: Edition::default(),
        repository: "h/o/r".to_owned(),
        revision: REVISION.to_owned(),
        description: None,
        public: false,
        root,
    };
    Artefact {
        root,
        modules: files
            .into_iter()
            .map(|root| (identity(root.name.literal().unwrap()), module(root)))
            .collect(),
        classes: BTreeMap::from([(format!("h/o/r/tasks/noop@{REVISION}"), class())]),
        ..Artefact::default()
    }
}

fn user(pairs: &[(&str, &str)]) -> Layers {
    let user = pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Layers {
        user,
        ..Layers::default()
    }
}

fn run(files: Vec<RoleTemplate>, given: &Layers) -> Result<Instance, Vec<InstantiateError>> {
    let artefact = artefact(files);
    let world = Snapshot::new(&artefact, || "uid".to_owned());
    instantiate(&artefact, given, &world)
}

fn tree(root: RoleTemplate, given: &[(&str, &str)]) -> Instance {
    run(vec![root], &user(given)).unwrap()
}

fn errors(root: RoleTemplate) -> Vec<String> {
    run(vec![root], &Layers::default())
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

fn paths(instance: &Instance) -> Vec<String> {
    let mut paths = Vec::new();
    instance.walk(&mut |role, _| paths.push(role.path.clone()));
    paths
}

fn seen<'a>(instance: &'a Instance, path: &str, name: &str) -> Option<&'a str> {
    instance.find(path).unwrap().1.get(name)
}

#[test]
fn a_stage_sees_what_is_evaluated_before_it() {
    let mut root = group("r", vec![task("t")]);
    root.defaults = block(&[("a", "1"), ("b", "2")]);
    root.vars = block(&[("v", "{{ a }}-{{ given }}")]);
    let Body::Aggregator(roles) = &mut root.body else {
        unreachable!()
    };
    roles[0].defaults = block(&[("a", "[{{ a }}]"), ("v", "weaker")]);
    roles[0].vars = block(&[("w", "{{ a }}{{ v }}")]);
    roles[0].name = t("t-{{ w }}");
    let instance = tree(root, &[("given", "g"), ("b", "user")]);
    assert_eq!(paths(&instance), ["r", "r.t-[1]1-g"]);
    let path = "r.t-[1]1-g";
    assert_eq!(
        seen(&instance, path, "v"),
        Some("1-g"),
        "a var of the parent beats an own default"
    );
    assert_eq!(seen(&instance, path, "b"), Some("user"));
}

#[test]
fn variables_of_one_block_do_not_see_each_other() {
    let mut root = group("r", vec![task("t")]);
    root.vars = block(&[("a", "{{ b }}"), ("b", "1"), ("c", "{{ nope }}")]);
    let errors = errors(root);
    assert_eq!(
        errors.len(),
        2,
        "both mistakes of the stage, and none that follows: {errors:?}"
    );
    assert!(errors[0].starts_with("role r: unknown name b"), "{errors:?}");
}

#[test]
fn an_item_beats_everything_in_its_role_but_is_a_var_below() {
    let inner = group("{{ it }}", vec![task("below-{{ it }}")]);
    let instance = tree(
        group("r", vec![each("it", r#"["a","b"]"#, inner)]),
        &[("it", "user")],
    );
    assert_eq!(
        paths(&instance),
        ["r", "r.a", "r.a.below-user", "r.b", "r.b.below-user"]
    );
    assert_eq!(instance.root.roles[0].layers.vars["it"], "a");
}

#[test]
fn an_expression_in_enabled_removes_a_whole_iterator() {
    let mut conditional = each("it", r#"["a"]"#, task("{{ it }}"));
    conditional.enabled = t("{{ on }}");
    let instance = tree(group("r", vec![conditional, task("stays")]), &[("on", "true")]);
    assert_eq!(paths(&instance), ["r", "r.stays"]);
}

#[test]
fn an_empty_iterator_keeps_its_parent() {
    let empty = group("kept", vec![each("it", "[]", task("{{ it }}"))]);
    let mut disabled = task("t");
    disabled.enabled = t(" no ");
    let instance = tree(group("r", vec![empty, group("gone", vec![disabled])]), &[]);
    assert_eq!(paths(&instance), ["r", "r.kept"]);
    assert_eq!(instance.root.roles[0].empty_iterators, 1);
}

#[test]
fn an_error_in_enabled_disables_and_warns() {
    let mut doubtful = task("t");
    doubtful.enabled = t("{{ nope }}");
    let instance = tree(group("r", vec![doubtful, task("u")]), &[]);
    assert_eq!(paths(&instance), ["r", "r.u"]);
    assert_eq!(instance.warnings.len(), 1);
    assert!(matches!(instance.warnings[0].kind, ErrorKind::Enabled(_)));
}

#[test]
fn an_include_is_a_level_of_its_own() {
    let mut include = role("inc", Body::Include(t("{{ which }}")));
    include.defaults = block(&[("d", "include"), ("e", "include")]);
    include.vars = block(&[("v", "include")]);
    include.constraints = vec![constraint("lost", "x")];
    let mut file = group("file", vec![task("t")]);
    file.defaults = block(&[("d", "file"), ("v", "file")]);
    let instance = run(vec![group("r", vec![include]), file], &user(&[("which", "file")])).unwrap();
    assert_eq!(
        paths(&instance),
        ["r", "r.inc", "r.inc.t"],
        "one element, with the name of the include"
    );
    let values = ["d", "e", "v"].map(|name| seen(&instance, "r.inc.t", name).unwrap());
    assert_eq!(values, ["file", "include", "include"]);
    assert_eq!(instance.root.roles[0].constraints, []);
    assert_eq!(
        instance.root.roles[0].include.as_ref().unwrap().module,
        "h/o/r/workflows/file@0123"
    );
}

#[test]
fn what_is_inherited_gives_way_to_what_is_near() {
    let mut leaf = task("t");
    leaf.constraints = vec![constraint("rack", "r2"), constraint("machine_id", "{{ host }}")];
    leaf.connect = vec![OutboundTemplate {
        channel: channel("x", "near:x"),
    }];
    let bound = InboundTemplate {
        channel: channel("b", ""),
        global: t("g-{{ host }}"),
        addressing: Addressing::default(),
    };
    let mut root = group("r", vec![leaf]);
    root.constraints = vec![constraint("zone", "z")];
    root.connect = vec![OutboundTemplate {
        channel: channel("x", "far:x"),
    }];
    root.bind = vec![bound];
    let instance = tree(root, &[("host", "h1")]);
    let leaf = &instance.root.roles[0];
    let constraints: Vec<_> = leaf
        .constraints
        .iter()
        .map(|c| format!("{}={}", c.attribute, c.value))
        .collect();
    assert_eq!(
        constraints,
        ["machine_type=flp", "rack=r2", "zone=z", "machine_id=h1"]
    );
    let connect: Vec<_> = leaf
        .connect
        .iter()
        .map(|c| (c.channel.name.as_str(), c.target.as_str()))
        .collect();
    assert_eq!(connect, [("x", "near:x"), ("own", "")]);
    assert_eq!(leaf.bind[0].global, "g-h1");
}

#[test]
fn a_basic_task_with_a_trigger_is_a_hook() {
    let hook = role(
        "h",
        Body::Task {
            load: t("noop"),
            traits: traits("after_STOP_ACTIVITY-5"),
        },
    );
    let instance = tree(group("r", vec![hook, task("t")]), &[]);
    let mode = |role: &Role| match &role.kind {
        Kind::Task(task) => task.mode,
        other => panic!("{other:?}"),
    };
    assert_eq!(mode(&instance.root.roles[0]), ControlMode::Hook);
    assert_eq!(mode(&instance.root.roles[1]), ControlMode::Basic);
    assert_eq!(
        instance.root.roles[0]
            .traits()
            .unwrap()
            .trigger
            .as_ref()
            .unwrap()
            .weight,
        -5
    );
}

#[test]
fn a_weight_that_is_no_number_is_said() {
    let hook = role(
        "h",
        Body::Task {
            load: t("noop"),
            traits: traits("after_STOP+many"),
        },
    );
    let instance = tree(group("r", vec![hook]), &[]);
    let message = "role r.h: `after_STOP+many`: the weight `+many` is not a whole number; 0 is used";
    assert_eq!(instance.warnings[0].to_string(), message);
}

#[test]
fn says_all_errors_once() {
    let bad = each(
        "it",
        r#"["a","b","c"]"#,
        group("{{ it }}", vec![task("{{ nope }}")]),
    );
    let missing = role(
        "m",
        Body::Task {
            load: t("nothing"),
            traits: traits(""),
        },
    );
    let include = role("i", Body::Include(t("nowhere")));
    let ranges = each("it", "a b", task("x"));
    assert_eq!(
        errors(group("r", vec![bad, missing, include, ranges])),
        [
            "role r.a.{{ nope }} and 2 more: unknown name nope in `nope`",
            "role r.m: there is no task template `h/o/r/tasks/nothing@0123`",
            "role r.i: there is no workflow template `h/o/r/workflows/nowhere@0123`",
            "role r.x: the range of the iterator is not a JSON list of strings but `a b`: expected value at line 1 column 1",
        ]
    );
}

#[test]
fn has_limits() {
    let own = role("again", Body::Include(t("r")));
    let errors = run(vec![group("r", vec![own])], &Layers::default()).unwrap_err();
    assert!(matches!(
        &errors[..],
        [InstantiateError {
            kind: ErrorKind::Includes { limit: 32, .. },
            ..
        }]
    ));

    let mut endless = task("{{ it }}");
    let range = Range::Count {
        begin: t("0"),
        end: t("9223372036854775807"),
    };
    endless.iterator = Some(Iterator {
        span: Span::default(),
        variable: "it".to_owned(),
        range,
    });
    let artefact = artefact(vec![group("r", vec![endless])]);
    let world = Snapshot::new(&artefact, || "uid".to_owned());
    let limits = Limits {
        roles: 50,
        ..Limits::default()
    };
    let errors = instantiate_within(&artefact, &Layers::default(), &world, &limits).unwrap_err();
    assert!(matches!(
        &errors[..],
        [InstantiateError {
            kind: ErrorKind::Roles { limit: 50 },
            ..
        }]
    ));

    let deep = (0..200).fold(task("t"), |role, _| group("g", vec![role]));
    let errors = run(vec![group("r", vec![deep])], &Layers::default()).unwrap_err();
    assert!(matches!(
        &errors[..],
        [InstantiateError {
            kind: ErrorKind::Depth { limit: 100 },
            ..
        }]
    ));
}

#[test]
fn a_disabled_root_stays_as_written() {
    let mut root = group("r", vec![task("t")]);
    root.enabled = t("false");
    root.vars = block(&[("v", "{{ nope }}")]);
    let instance = tree(root, &[]);
    assert!(!instance.root.enabled);
    assert_eq!(instance.root.layers.vars["v"], "{{ nope }}");
    assert_eq!(paths(&instance), ["r"]);
}

/// What is left of a whole tree without the roles that are not enabled.
fn enabled_only(role: &mut Role) {
    role.roles.retain(|child| child.enabled);
    role.roles.iter_mut().for_each(enabled_only);
}

#[test]
fn the_whole_tree_has_what_is_left_out_and_nothing_else() {
    let mut doubtful = task("t-{{ it }}");
    doubtful.enabled = t("{{ nope }}");
    let mut conditional = each("it", r#"["a"]"#, task("{{ it }}"));
    conditional.enabled = t("{{ on }}");
    let some = each("it", r#"["true","false"]"#, {
        let mut inner = task("s-{{ it }}");
        inner.enabled = t("{{ it }}");
        group("g-{{ it }}", vec![inner])
    });
    let root = group(
        "r",
        vec![
            each("it", r#"["x"]"#, group("host", vec![doubtful])),
            conditional,
            some,
            task("stays"),
        ],
    );
    let artefact = artefact(vec![root]);
    let given = user(&[("on", "true")]);
    let world = Snapshot::new(&artefact, || "uid".to_owned());
    let whole = instantiate_whole(&artefact, &given, &world);
    assert_eq!(whole.errors, []);
    let mut instance = whole.instance.unwrap();
    assert_eq!(
        paths(&instance),
        [
            "r",
            "r.host",
            "r.host.t-x",
            "r.a",
            "r.g-true",
            "r.g-true.s-true",
            "r.g-false",
            "r.g-false.s-false",
            "r.stays"
        ]
    );
    enabled_only(&mut instance.root);
    assert_eq!(instance, instantiate(&artefact, &given, &world).unwrap());
}
