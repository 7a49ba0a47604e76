//! No text may make the expression parser, the check or the evaluator panic, hang or run out of stack.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use partita_artefact::evaluate::{Context, Home, Place, Snapshot, evaluate};
use partita_artefact::ir::{Artefact, Edition, Span};
use partita_compiler::syntax::template;

fuzz_target!(|text: &str| {
    let artefact = Artefact::default();
    let world = Snapshot::new(&artefact, || "uid".to_owned());
    let variables: BTreeMap<String, String> =
        [("a", "A"), ("hosts", "[\"h1\",\"h2\"]"), ("n", "3")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let place = Place::Role { home: Home::default(), this: None, ancestors: &[] };
    let template = template::parse(text, Span::default());
    let _ = evaluate(&template, &Context { variables: &variables, place, world: &world, edition: Edition::Aliecs });
});
