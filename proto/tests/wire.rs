//! The services for clients, held against the tables of `wire.md`: every message, field, enumeration and method of
//! `common`, `events` and `o2control`, in both directions.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet};

const PACKAGES: [&str; 3] = ["common", "events", "o2control"];

/// What `wire.md` says, one line a fact.
fn told(text: &str) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    let mut heading: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix('#') {
            let rest = rest.trim_start_matches('#').trim();
            heading = rest.split_once(' ').and_then(|(kind, name)| {
                let name = name.trim_matches('`').to_owned();
                let ours = PACKAGES
                    .iter()
                    .any(|package| name.starts_with(&format!("{package}.")));
                (ours && ["message", "enum", "service"].contains(&kind)).then(|| (kind.to_owned(), name))
            });
            if let Some((kind, name)) = &heading {
                facts.insert(format!("{kind} {name}"));
            }
            continue;
        }
        let Some((kind, name)) = &heading else { continue };
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().trim_matches('|').trim())
            .collect();
        if !line.starts_with('|') || cells.len() < 2 {
            continue;
        }
        let bare = |cell: &str| cell.trim_matches('`').to_owned();
        match kind.as_str() {
            "service" if cells.len() > 3 && cells[1].starts_with('`') => {
                facts.insert(format!(
                    "{name}.{}({}) {} {}",
                    cells[0],
                    bare(cells[1]),
                    bare(cells[2]),
                    cells[3]
                ));
            }
            "message" if cells[0].parse::<i32>().is_ok() => {
                let oneof = cells.get(3).is_some_and(|notes| notes.starts_with("oneof"));
                let oneof = if oneof { " oneof" } else { "" };
                facts.insert(format!(
                    "{name}.{} = {} {}{oneof}",
                    cells[1],
                    cells[0],
                    bare(cells[2])
                ));
            }
            "enum" if cells[0].parse::<i32>().is_ok() => {
                facts.insert(format!("{name}.{} = {}", cells[1], cells[0]));
            }
            _ => {}
        }
    }
    facts
}

/// What our files say.
fn ours() -> BTreeSet<String> {
    let set = FileDescriptorSet::decode(partita_proto::API_DESCRIPTORS).unwrap();
    let mut facts = BTreeSet::new();
    for file in set.file.iter().filter(|file| PACKAGES.contains(&file.package())) {
        for message in &file.message_type {
            describe(file.package(), message, &mut facts);
        }
        for enumeration in &file.enum_type {
            enumerate(file.package(), enumeration, &mut facts);
        }
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            facts.insert(format!("service {name}"));
            for method in &service.method {
                let streams = if method.server_streaming() {
                    "server"
                } else {
                    "unary"
                };
                let [input, output] =
                    [method.input_type(), method.output_type()].map(|name| name.trim_start_matches('.'));
                facts.insert(format!("{name}.{}({input}) {output} {streams}", method.name()));
            }
        }
    }
    facts
}

fn describe(scope: &str, message: &DescriptorProto, facts: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", message.name());
    facts.insert(format!("message {name}"));
    for field in &message.field {
        let oneof = field.oneof_index.is_some() && !field.proto3_optional();
        let oneof = if oneof { " oneof" } else { "" };
        let kind = kind(field, message);
        facts.insert(format!(
            "{name}.{} = {} {kind}{oneof}",
            field.name(),
            field.number()
        ));
    }
    for nested in &message.nested_type {
        if !nested
            .options
            .as_ref()
            .is_some_and(prost_types::MessageOptions::map_entry)
        {
            describe(&name, nested, facts);
        }
    }
    for enumeration in &message.enum_type {
        enumerate(&name, enumeration, facts);
    }
}

fn enumerate(scope: &str, enumeration: &EnumDescriptorProto, facts: &mut BTreeSet<String>) {
    let name = format!("{scope}.{}", enumeration.name());
    facts.insert(format!("enum {name}"));
    for value in &enumeration.value {
        facts.insert(format!("{name}.{} = {}", value.name(), value.number()));
    }
}

fn kind(field: &FieldDescriptorProto, message: &DescriptorProto) -> String {
    let entry = message.nested_type.iter().find(|nested| {
        field
            .type_name()
            .ends_with(&format!("{}.{}", message.name(), nested.name()))
    });
    if let Some([key, value]) = entry.map(|entry| entry.field.as_slice()) {
        return format!("map<{},{}>", scalar(key), scalar(value));
    }
    let before = match field.label() {
        Label::Repeated => "repeated ",
        _ if field.proto3_optional() => "optional ",
        _ => "",
    };
    format!("{before}{}", scalar(field))
}

fn scalar(field: &FieldDescriptorProto) -> String {
    match field.r#type() {
        Type::String => "string".to_owned(),
        Type::Bool => "bool".to_owned(),
        Type::Int32 => "int32".to_owned(),
        Type::Int64 => "int64".to_owned(),
        Type::Uint32 => "uint32".to_owned(),
        Type::Message | Type::Enum => field.type_name().trim_start_matches('.').to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn clients_find_every_field_where_they_look_for_it() {
    let path = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/reference/wire.md"
    ));
    let Ok(text) = std::fs::read_to_string(path) else {
        eprintln!("skipped: {} is not there", path.display());
        return;
    };
    let (told, ours) = (told(&text), ours());
    assert!(told.len() > 350, "only {} facts were read", told.len());
    let missing: Vec<&String> = told.difference(&ours).collect();
    let extra: Vec<&String> = ours.difference(&told).collect();
    assert!(
        missing.is_empty() && extra.is_empty(),
        "missing {missing:#?}\nextra {extra:#?}"
    );
}
