//! One role in full: what it does, field by field, and the digests of that.

use std::fmt::Write as _;

use crate::behaviour::Node;

/// Everything of a role that matters to a running environment, with its digests.
pub fn role_fields(node: &Node) -> String {
    let mut text = String::new();
    for (field, value) in &node.fields {
        let shown = value.shown();
        let name = field.to_string();
        match shown.as_slice() {
            [one] => _ = writeln!(text, "{name}  {}", one.replace('\n', "⏎")),
            several => {
                let _ = writeln!(text, "{name}");
                for one in several {
                    let _ = writeln!(text, "    {}", one.replace('\n', "⏎"));
                }
            }
        }
    }
    let digests = &node.digests;
    for (name, digest, meaning) in [
        ("launch ", digests.launch, "equal: a running process may be kept"),
        (
            "content",
            digests.content,
            "equal: nor need it be configured again",
        ),
        ("tree   ", digests.tree, "equal: all below it is the same too"),
    ] {
        let _ = writeln!(text, "{name}  {digest}  ({meaning})");
    }
    text
}
