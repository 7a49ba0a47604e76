//! No text may make the YAML loader, the decoders or the rendering of what they find panic, hang or run out of stack.
#![no_main]

use libfuzzer_sys::fuzz_target;
use partita_artefact::ir::{Edition, Source};
use partita_compiler::diagnostic::SourceMap;
use partita_compiler::{configuration, decode, render};

fuzz_target!(|text: &str| {
    let mut sources = SourceMap::default();
    let source = sources.add(Source::default(), text.to_owned());
    for diagnostics in [decode::workflow(text, source, Edition::Aliecs).diagnostics, decode::task_class(text, source, Edition::Aliecs).diagnostics] {
        let _ = render::full(&diagnostics, &sources, false);
    }
    let _ = configuration::parse(text);
});
