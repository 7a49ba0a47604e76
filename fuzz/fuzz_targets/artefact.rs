//! Whatever the bytes: reading an artefact ends in an artefact or an error, and what was read can be written and read
//! again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use partita_artefact::codec::{MAGIC, decode, encode};
use partita_artefact::ir::FORMAT;

fuzz_target!(|body: &[u8]| {
    let _ = decode(body);
    // Most bytes are no artefact at all; with the right beginning they are at least taken for one.
    let mut bytes = MAGIC.to_vec();
    bytes.extend(FORMAT.to_le_bytes());
    bytes.extend(body);
    if let Ok(artefact) = decode(&bytes) {
        let written = encode(&artefact).expect("what was read can be written");
        let read = decode(&written).expect("what was written can be read");
        assert_eq!(encode(&read), Ok(written));
    }
});
