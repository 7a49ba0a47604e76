use partita_artefact::expression::{Binary, Node};
use proptest::prelude::*;

use super::*;

fn shape(text: &str) -> String {
    fn write(expression: &Expression) -> String {
        match &expression.node {
            Node::Name(name) => name.clone(),
            Node::Int(number) => number.to_string(),
            Node::Unary(operator, inner) => format!("({operator:?} {})", write(inner)),
            Node::Binary(operator, left, right) => {
                format!("({} {operator:?} {})", write(left), write(right))
            }
            Node::Call { callee, arguments } => {
                let arguments: Vec<String> = arguments.iter().map(write).collect();
                format!("{} {}", write(callee), arguments.join(" "))
            }
            other => format!("{other:?}"),
        }
    }
    write(&parse(text).unwrap())
}

#[test]
fn operators_bind_as_in_the_reference() {
    assert_eq!(shape("a || b && c"), "(a Or (b And c))");
    assert_eq!(shape("a + b * c - d"), "((a Add (b Multiply c)) Subtract d)");
    assert_eq!(shape("2 ** 3 ** 2"), "(2 Power (3 Power 2))");
    assert_eq!(shape("-2 ** 2"), "(Minus (2 Power 2))");
    assert_eq!(shape("not a == b"), "((Not a) Equal b)");
    assert_eq!(shape("a not in b"), "(Not (a In b))");
    assert_eq!(shape("a < b < c"), "((a Less b) And (b Less c))");
    assert_eq!(shape("a + b ?? c"), "(a Add (b Coalesce c))");
    assert_eq!(shape("a + b | f(c)"), "f (a Add b) c");
}

#[test]
fn places_are_byte_offsets() {
    let expression = parse(" é == 'x' ").unwrap();
    let Node::Binary(Binary::Equal, left, right) = &expression.node else {
        panic!("{expression:?}")
    };
    assert_eq!((left.at, expression.at, right.at), (1, 4, 7));
}

#[test]
fn mistakes_say_where_and_what_to_do() {
    let texts = [
        "",
        "a = b",
        "a if b else c",
        "hosts | sort",
        "'a",
        "'\\d'",
        "(a",
        "a == ",
        "# > 1",
        "{'a': {'b': 1",
        "a <> b",
        "a ~ b",
        "a ?? b == c",
        "99999999999999999999",
        "filter(a)",
    ];
    let mistakes: Vec<String> = texts
        .iter()
        .map(|text| {
            let error = parse(text).unwrap_err();
            format!("{text:25} {:2} {error}", error.at)
        })
        .collect();
    insta::assert_snapshot!(mistakes.join("\n"));
}

/// On a small stack: what is refused must be refused before it recurses.
#[test]
fn deep_text_is_refused_before_the_stack_ends() {
    let deep = 4_000;
    let texts = [
        "(".repeat(deep),
        "[".repeat(deep),
        "{a:".repeat(deep),
        "f(".repeat(deep),
        "a[".repeat(deep),
        "a?".repeat(deep),
        "a?b:".repeat(deep),
        "!".repeat(deep) + "a",
        "- ".repeat(deep) + "1",
        "a + ".repeat(deep / 3) + "a",
        "a ** ".repeat(deep / 3) + "a",
        "a < ".repeat(deep / 3) + "a",
        "a".to_owned() + &".b".repeat(deep),
        "a".to_owned() + &"[0]".repeat(deep / 2),
        "a".to_owned() + &" | f()".repeat(deep / 4),
        "let a = 1; ".repeat(deep / 8),
        "if a {b} else ".repeat(deep / 8),
        "filter(a, {".repeat(deep / 8),
        "a ".repeat(deep),
        "'".repeat(deep + 1),
        "/*".repeat(deep),
    ];
    for text in texts {
        assert!(parse(&text).is_err(), "{}", text.get(..20).unwrap_or_default());
    }
}

#[test]
fn what_production_needs_is_within_the_limits() {
    let hosts: Vec<String> = (0..150)
        .map(|host| format!("it == 'alio2-cr1-flp{host:03}'"))
        .collect();
    assert!(parse(&hosts.join(" || ")).is_ok());
    assert!(parse(&format!("{}a{}", "(".repeat(60), ")".repeat(60))).is_ok());
    assert!(parse(&("a ? 1 : ".repeat(60) + "2")).is_ok());
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9 '\"`(){}\\[\\].,;:?!|&=<>+*/%#^$@~\\\\-]{0,80}") {
        let _ = parse(&text);
    }
}

/// Tokens, and what is almost one.
fn token() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "a",
        "é",
        "_x",
        "$env",
        " ",
        "\n",
        "not ",
        "in ",
        "or ",
        "contains ",
        "nil",
        "true",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "?",
        ":",
        "::",
        ".",
        "..",
        "?.",
        "??",
        "#",
        "#acc",
        "|",
        "||",
        "&&",
        "=",
        "==",
        "!",
        "!=",
        "<",
        "<=",
        "*",
        "**",
        "/",
        "//",
        "/*",
        "*/",
        "-",
        "1",
        ".5",
        "1.",
        "1e",
        "0x1f",
        "'s'",
        "\"t\"",
        "`r`",
        "'",
        "\\",
        ";",
        ",",
        "let x = 1;",
        "if a {b} else {c}",
        "filter(a, #)",
        "map(",
        "count",
        "len(",
        "::len(",
        "reduce(",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The parser follows the grammar: it refuses what the grammar refuses, and what else it refuses it can name.
    #[test]
    fn the_grammar_and_the_parser_agree(tokens in proptest::collection::vec(token(), 0..12)) {
        let text = tokens.concat();
        let grammar = ExpressionParser::parse(Rule::expression, &text).is_ok();
        match parser::Parser::expression(&text) {
            Ok(_) => prop_assert!(grammar, "only the parser accepts {text:?}"),
            Err(error) => prop_assert!(!grammar || error.message != parser::STUCK, "only the grammar accepts {text:?}"),
        }
    }
}
