use std::collections::BTreeMap;

use super::*;
use crate::evaluate::Snapshot;
use crate::ir::Artefact;

fn store(entries: &[(&str, &str)]) -> Artefact {
    let configuration = entries
        .iter()
        .map(|(path, payload)| (format!("o2/components/{path}"), (*payload).to_owned()))
        .collect();
    Artefact {
        configuration,
        ..Artefact::default()
    }
}

fn rendered(entries: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let store = store(entries);
    let world = Snapshot::new(&store, String::new);
    let variables: BTreeMap<String, String> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let scene = Scene {
        world: &world,
        variables: &variables,
        edition: Edition::Aliecs,
    };
    match render(entries[0].0, scene) {
        Ok(text) => text,
        Err(error) => error.to_string(),
    }
}

const VARIABLES: [(&str, &str); 6] = [
    ("q", "a\"b<c>&'"),
    ("n", "5"),
    ("det", "ITS"),
    ("detectors", r#"["ITS","TPC"]"#),
    ("card", r#"{"serial":"0200","links":[1,2.5]}"#),
    ("blank", ""),
];

fn one(payload: &str) -> String {
    rendered(&[("qc/ANY/any/x", payload)], &VARIABLES)
}

/// Each line: a payload, and what pongo2 v6 makes of it.
#[test]
fn renders_as_pongo2_does() {
    let lines = [
        ("plain { } }} text", "plain { } }} text"),
        ("{{ q }}", "a&quot;b&lt;c&gt;&amp;&#39;"),
        ("{{ q|safe }}{{ nosuch }}{{ nosuch.more(1) }}", "a\"b<c>&'"),
        (
            "{{ q|escape }}",
            "a&amp;quot;b&amp;lt;c&amp;gt;&amp;amp;&amp;#39;",
        ),
        ("{% autoescape off %}{{ q }}{% endautoescape %}", "a\"b<c>&'"),
        (
            "{{ n + 1 }} {{ n * 2 }} {{ 7 / 2 }} {{ 7.0 / 2 }} {{ 2 ^ 3 }}",
            "51 10 3 3.500000 8.000000",
        ),
        (
            "{{ json.Marshal(json.Unmarshal(detectors)) }}",
            "[&quot;ITS&quot;,&quot;TPC&quot;]",
        ),
        ("{{ json.Unmarshal(detectors) }}", "<[]interface {} Value>"),
        (
            "{{ json.Unmarshal(detectors).1 }} {{ json.Unmarshal(detectors)[0] }}",
            "TPC ITS",
        ),
        (
            "{{ json.Unmarshal(card).serial }} {{ json.Unmarshal(card).links.1 }}",
            "0200 2.500000",
        ),
        ("{% if \"its\" in detectors|lower %}in{% endif %}", "in"),
        (
            "{% if 'TPC' in json.Unmarshal(detectors) %}in{% else %}out{% endif %}",
            "in",
        ),
        (
            "{% if det == \"TPC\" %}1{% elif det == \"ITS\" %}2{% else %}3{% endif %}",
            "2",
        ),
        (
            "{% if n == 5 %}same{% else %}a text is no number{% endif %}",
            "a text is no number",
        ),
        ("{% if n|integer == 5 and n >= 4 %}same{% endif %}", "same"),
        (
            "{% if \"false\" %}true{% endif %}{% if blank or nosuch %}true{% endif %}",
            "true",
        ),
        (
            "{% if not det == \"ITS\" %}1{% else %}`not` binds to what follows it{% endif %}",
            "`not` binds to what follows it",
        ),
        (
            "{% if blank and blank or det %}1{% else %}to the right{% endif %}",
            "to the right",
        ),
        ("{% ifequal det \"ITS\" %}y{% else %}n{% endifequal %}", "y"),
        (
            "{% for d in json.Unmarshal(detectors) %}{{ forloop.Counter }}{{ d }}{% if not forloop.Last %},{% endif %}{% endfor %}",
            "1ITS,2TPC",
        ),
        (
            "{% for k, v in json.Unmarshal(card) reversed sorted %}{{ k }} {% endfor %}",
            "serial links ",
        ),
        ("{% for d in nosuch %}x{% empty %}none{% endfor %}", "none"),
        (
            "{% set a = det|lower %}{% with b=a c=1 %}{{ a }}{{ b }}{{ c }}{% endwith %}{{ b }}",
            "itsits1",
        ),
        ("{# note #}x{% comment %}{{ q }}{% if %}{% endcomment %}y", "xy"),
        ("{% verbatim %}{{ q }}{% endverbatim %}", "{{ q }}"),
        ("a \n {{- det -}} \n b", "aITSb"),
        ("{% firstof blank nosuch det %}", "ITS"),
        (
            "{{ nosuch|default:\"d\" }}{{ det|default:'x'|lower }}{{ detectors|length }}",
            "dits13",
        ),
        (
            "{{ \"a,b\"|split:\",\"|join:\"-\" }}{{ det|first }}{{ det|slice:\":-1\" }}",
            "a-bIIT",
        ),
        ("{{ true }}{{ false }}{{ 1 == 1.0 }}{{ nil }}", "TrueFalseFalse"),
        (
            "{{ util.PrefixedOverride('n', 'det') }}{{ strings.ToLower(det) }}{{ ToUpper('x') }}",
            "5itsX",
        ),
        ("{{ strings.Atoi(n) + 1 }}", "6"),
    ];
    for (payload, wanted) in lines {
        assert_eq!(one(payload), wanted, "{payload}");
    }
}

#[test]
fn mistakes_are_those_of_pongo2() {
    insta_lines(&[
        (
            "{{ a b }}",
            "[Error (where: parser) in qc/ANY/any/x | Line 1 Col 6 near 'b'] '}}' expected",
        ),
        (
            "x\n{{ a\n }}",
            "[Error (where: lexer) in qc/ANY/any/x | Line 2 Col 5] Newline not allowed within tag/variable.",
        ),
        (
            "{{ a|nosuch }}",
            "[Error (where: parser) in qc/ANY/any/x | Line 1 Col 6 near 'nosuch'] Filter 'nosuch' does not exist.",
        ),
        (
            "{% nosuch %}",
            "[Error (where: parser) in qc/ANY/any/x | Line 1 Col 4 near 'nosuch'] Tag 'nosuch' not found (or beginning tag not provided)",
        ),
        (
            "{% macro a() %}{% endmacro %}",
            "[Error (where: parser) in qc/ANY/any/x | Line 1 Col 4 near 'macro'] tag 'macro' is not supported in payloads",
        ),
        (
            "{{ det.name }}",
            "[Error (where: execution) in qc/ANY/any/x | Line 1 Col 4 near 'det'] can't access a field by name on type string (variable det.name)",
        ),
        (
            "{{ 1 / 0 }}",
            "[Error (where: execution) in qc/ANY/any/x] runtime error: integer divide by zero",
        ),
        (
            "{% include \"no\" %}",
            "[Error (where: fromfile) in qc/ANY/any/no | Line 1 Col 12 near 'no'] unable to resolve template",
        ),
        (
            "{% if false %}{% include \"no\" %}{% endif %}",
            "[Error (where: fromfile) in qc/ANY/any/no | Line 1 Col 26 near 'no'] unable to resolve template",
        ),
    ]);
    let odd = rendered(&[("qc/ANY/any/x", "text")], &[("my-key", "v")]);
    assert_eq!(
        odd,
        "[Error (where: checkForValidIdentifiers)] context-key 'my-key' (value: 'v') is not a valid identifier"
    );
}

fn insta_lines(lines: &[(&str, &str)]) {
    for (payload, wanted) in lines {
        assert_eq!(one(payload), *wanted, "{payload}");
    }
}

/// What the handbook of quality control tells its users to write.
#[test]
fn includes_are_looked_up_beside_the_payload_that_was_asked_for() {
    let entries = [
        (
            "qc/ANY/any/demo",
            "{ \"config\": {% include \"TST/included\" %}{% if run_type == \"PHYSICS\" %}, \"run\": 1{% endif %} }",
        ),
        (
            "qc/ANY/any/TST/included",
            "{ \"it\": \"{{ it }}\", {% include \"COMMON/url\" with port=4001 %} }",
        ),
        ("qc/ANY/any/COMMON/url", "\"url\": \"web01:{{ port }}\""),
        (
            "qc/ANY/any/only",
            "{% include \"demo\" with run_type=\"PHYSICS\" only %}{% include nosuch|default:\"gone\" if_exists %}",
        ),
    ];
    let variables = [("run_type", "PHYSICS"), ("it", "h1")];
    assert_eq!(
        rendered(&entries, &variables),
        "{ \"config\": { \"it\": \"h1\", \"url\": \"web01:4001\" }, \"run\": 1 }"
    );
    let from_only: Vec<_> = entries.iter().rev().copied().collect();
    assert_eq!(
        rendered(&from_only, &variables),
        "{ \"config\": { \"it\": \"\", \"url\": \"web01:4001\" }, \"run\": 1 }"
    );
}

#[test]
fn nothing_runs_away() {
    let itself = one("{% include \"x\" %}");
    assert!(itself.contains("an include of itself"), "{itself}");
    let late = one("{% set me = \"x\" %}{% include me %}");
    assert!(late.contains("an include of itself"), "{late}");
    let list = format!("[{}]", vec!["\"a\""; 2_000].join(","));
    let loops =
        "{% for a in json.Unmarshal(l) %}{% for b in json.Unmarshal(l) %}{{ a }}{% endfor %}{% endfor %}";
    let endless = rendered(&[("qc/ANY/any/x", loops)], &[("l", &list)]);
    assert!(endless.contains("takes more than"), "{endless}");
    let grown = one(
        "{% set a = \"aaaaaaaaaaaaaaaa\" %}{% for i in \"aaaaaaaaaaaaaaaaaaaaaaaa\" %}{% set a = a + a %}{% endfor %}",
    );
    assert!(grown.contains("gives more than"), "{grown}");
    for nested in [
        "(".repeat(100_000),
        "{% if a %}".repeat(10_000),
        "1+".repeat(100_000),
    ] {
        let text = one(&format!("{{{{ {nested}"));
        assert!(text.starts_with("[Error"), "{text}");
    }
}

mod any_text {
    use proptest::prelude::*;

    use super::one;

    proptest! {
        #[test]
        fn is_rendered_or_refused(payload in "([a-z0-9 .|:=+()\\[\\],\"'!-]|\\{\\{|\\}\\}|\\{%|%\\}|for|in|if|endif|endfor|set|with|n|det|é)*") {
            one(&payload);
        }
    }
}
