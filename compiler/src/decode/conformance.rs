//! `../shared/conformance/values.jsonl`: what the reference decodes, line by line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use partita_artefact::ir::Edition;
use serde_json::{Value, json};

use super::{Decoded, Decoder, run, task_class, workflow};
use crate::yaml::{Node, scalar};

/// Lines that may differ: those of the area `values` in `docs/differences.md`.
fn deliberate() -> BTreeSet<String> {
    let page = include_str!("../../../docs/differences.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| values | "));
    rows.filter_map(|row| Some(row.split_once(" | ")?.0.to_owned()))
        .collect()
}

#[test]
fn agrees_with_the_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance/values.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: {} is not there", path.display());
        return;
    };
    let mut table: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut differences = Vec::new();
    let mut differ = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let case: Value = serde_json::from_str(line).unwrap();
        let target = case["target"].as_str().unwrap();
        let ours = decode(
            target,
            case["document"].as_str().unwrap(),
            case["preset"].as_str(),
        );
        let same = match (&ours, case.get("error")) {
            (Err(_), Some(_)) => true,
            (Ok(ours), None) => same(ours, &case["result"]),
            _ => false,
        };
        let (agree, all) = table.entry(target.to_owned()).or_default();
        *all += 1;
        if same {
            *agree += 1;
        } else {
            differ.insert((number + 1).to_string());
            differences.push(format!("{}: {line}\n    ours: {ours:?}", number + 1));
        }
    }
    for (target, (agree, all)) in &table {
        eprintln!("{target:10} {agree:4} of {all:4}");
    }
    for difference in &differences {
        eprintln!("{difference}");
    }
    assert_eq!(
        differ,
        deliberate(),
        "what differs, and what docs/differences.md lists"
    );
}

fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours.as_f64(), theirs.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < f64::EPSILON,
        // Two targets of the reference are pointers, where we have the value that a null pointer means.
        _ if theirs.is_null() => ours.is_null() || *ours == json!(false) || *ours == json!(0.0),
        _ => ours == theirs,
    }
}

fn decode(target: &str, document: &str, preset: Option<&str>) -> Result<Value, String> {
    match target {
        "string" => with_v(document, |d, v| {
            text(d, v).map_or(json!(preset.unwrap_or("preset")), Value::from)
        }),
        "stringptr" => with_v(document, |d, v| text(d, v).map_or(Value::Null, Value::from)),
        "bool" => with_v(document, |d, v| {
            let value = scalar::boolean(v);
            d.read("v", v, value).map_or(Value::Null, Value::from)
        }),
        "strings" => with_root(document, |d, root| {
            let fields = d.fields(root, "root").unwrap();
            let texts = d.templates(&fields, "v");
            texts
                .iter()
                .map(partita_artefact::ir::Template::source)
                .collect::<Vec<_>>()
                .into()
        }),
        "map" => with_root(document, |d, root| {
            let fields = d.fields(root, "root").unwrap();
            variables(&d.class_variables(&fields, "v"))
        }),
        "wftmap" => value(workflow(document, 0, Edition::Aliecs)).map(|module| variables(&module.root.vars)),
        "wft" => value(workflow(document, 0, Edition::Aliecs)).map(|_| json!("ok")),
        "tt" => value(task_class(document, 0, Edition::Aliecs)).map(|_| json!("ok")),
        "float" => value(task_class(document, 0, Edition::Aliecs)).map(|class| json!(class.wants.cpu)),
        "shell" => value(task_class(document, 0, Edition::Aliecs))
            .map(|class| json!(class.command.is_some_and(|c| c.shell))),
        "ports" => value(task_class(document, 0, Edition::Aliecs)).map(|class| {
            class
                .wants
                .ports
                .iter()
                .map(|(a, b)| format!("{a}-{b}"))
                .collect::<Vec<_>>()
                .into()
        }),
        "mode" => value(task_class(document, 0, Edition::Aliecs)).map(|class| json!(mode(class.mode))),
        "inbound" => with_v(document, |d, v| {
            d.inbound_channel(v, false)
                .map_or(Value::Null, |channel| inbound(&channel))
        }),
        other => Err(format!("unknown target {other}")),
    }
}

fn value<T>(decoded: Decoded<T>) -> Result<T, String> {
    decoded.value.ok_or_else(|| {
        decoded
            .diagnostics
            .iter()
            .map(|d| d.message.clone())
            .collect::<Vec<_>>()
            .join("; ")
    })
}

fn with_root(document: &str, read: impl FnOnce(&mut Decoder, &Node) -> Value) -> Result<Value, String> {
    let decoded = run(document, 0, Edition::Aliecs, |d, root| {
        root.map_or(Value::Null, |root| read(d, root))
    });
    value(decoded)
}

fn with_v(document: &str, read: impl FnOnce(&mut Decoder, &Node) -> Value) -> Result<Value, String> {
    with_root(document, |d, root| {
        let fields = d.fields(root, "root").unwrap();
        let v = fields.get_raw("v").unwrap();
        read(d, v)
    })
}

fn text(decoder: &mut Decoder, node: &Node) -> Option<String> {
    let value = scalar::text(node);
    decoder.read("v", node, value)
}

fn variables(variables: &[partita_artefact::ir::Variable]) -> Value {
    variables
        .iter()
        .map(|v| (v.name.clone(), v.value.source().into()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn mode(mode: partita_artefact::ir::ControlMode) -> &'static str {
    use partita_artefact::ir::{ControlMode as M, KubernetesMode as K};
    match mode {
        M::Direct => "direct",
        M::Fairmq => "fairmq",
        M::Basic => "basic",
        M::Hook => "hook",
        M::Kubernetes(K::KubectlDirect) => "kubectl_direct",
        M::Kubernetes(K::KubectlFairmq) => "kubectl_fairmq",
        M::Kubernetes(K::Direct) => "kubernetes_direct",
        M::Kubernetes(K::Fairmq) => "kubernetes_fairmq",
    }
}

fn inbound(channel: &partita_artefact::ir::InboundTemplate) -> Value {
    use partita_artefact::ir::Addressing;
    let c = &channel.channel;
    json!({
        "addressing": match channel.addressing { Addressing::Tcp => "tcp", Addressing::Ipc => "ipc" },
        "global": channel.global.source(),
        "name": c.name,
        "rateLogging": c.rate_logging.source(),
        "rcvBufSize": c.receive_buffer,
        "sndBufSize": c.send_buffer,
        "target": c.target.source(),
        "transport": c.transport,
        "type": c.kind,
    })
}
