use super::*;

#[test]
fn empty_text_is_refused() {
    assert!(parse("").is_err());
    assert!(parse("  ").is_err());
}
