//! What is hostile, or mistaken on a large scale, ends in an error that a person can act on, within the memory of a small
//! machine. The limits are listed in `docs/limits.md`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Output;

use support::Home;

/// Address space of the command, KiB.
const MEMORY: u32 = 2_000_000;

const TASK: &str = "name: t\ncontrol: {mode: direct}\ncommand: {value: x}\n";

struct Case {
    home: Home,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let case = Self { home: Home::new() };
        case.write("tasks/t.yaml", TASK.as_bytes());
        for (path, text) in files {
            case.write(path, text.as_bytes());
        }
        case
    }

    fn workflow(text: &str) -> Self {
        Self::new(&[("workflows/w.yaml", text)])
    }

    fn root(&self) -> std::path::PathBuf {
        self.home.path().join("repository")
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A file of 100 MiB that takes no room on the disk.
    fn large(&self, path: &str) {
        self.write(path, b"");
        let file = fs::File::options()
            .write(true)
            .open(self.root().join(path))
            .unwrap();
        file.set_len(100 << 20).unwrap();
    }

    fn partita(&self, arguments: &[&str]) -> Output {
        let script = format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
        let mut command = self.home.command("sh");
        command.arg("-c").arg(script).arg(env!("CARGO_BIN_EXE_partita"));
        command.args(arguments).output().unwrap()
    }

    fn check(&self) -> Output {
        self.partita(&["check", "repository", "--format", "concise"])
    }

    fn compile(&self, more: &[&str]) -> Output {
        let mut arguments = vec!["compile", "w", "--closed", "--repo", "repository"];
        arguments.extend(more);
        self.partita(&arguments)
    }
}

#[track_caller]
fn says(output: &Output, code: i32, what: &str) {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let shown: String = text.chars().take(2_000).collect();
    assert_eq!(output.status.code(), Some(code), "{shown}");
    assert!(text.contains(what), "no `{what}` in: {shown}");
}

/// Twelve anchors, each with nine aliases of the one before.
fn doubling(merge: bool) -> String {
    let mut text = String::from("name: w\nanchors:\n");
    for level in 0..12 {
        let below = if level == 0 {
            "a: 1".to_owned()
        } else {
            let aliases = vec![format!("*a{}", level - 1); 9].join(", ");
            let key = if merge { "<<" } else { "b" };
            format!("{key}: [{aliases}]")
        };
        writeln!(text, "  a{level}: &a{level} {{{below}}}").unwrap();
    }
    text + "roles: []\n"
}

#[test]
fn aliases_and_merge_keys_that_multiply() {
    for merge in [false, true] {
        let case = Case::workflow(&doubling(merge));
        says(&case.check(), 1, "after expanding aliases");
        says(&case.compile(&[]), 1, "after expanding aliases");
    }
}

#[test]
fn files_of_a_hundred_mebibytes() {
    let case = Case::workflow("name: w\nroles:\n- name: r\n  task: {load: large}\n");
    case.large("tasks/large.yaml");
    says(&case.check(), 1, "more than the limit of 16777216");
    says(&case.compile(&[]), 1, "more than the limit of 16777216");
    case.large("configuration.yaml");
    says(
        &case.compile(&["--config", "repository/configuration.yaml"]),
        2,
        "more than 67108864",
    );
    case.large("artefact");
    let artefact = fs::File::options().write(true).open(case.root().join("artefact"));
    artefact.unwrap().write_all(b"\x7fPARTITA\x01\0\0\0").unwrap();
    says(
        &case.partita(&["show", "repository/artefact"]),
        1,
        "67108864 are allowed",
    );
    case.large("workflows/w.yaml");
    says(&case.compile(&[]), 1, "more than the limit of 16777216");
    let case = Case::workflow("name: w\nroles:\n- name: r\n  task: {load: t}\n");
    case.large("partita.toml");
    says(&case.check(), 3, "more than the limit of 16777216");
}

#[test]
fn iterators_without_end() {
    let iterator = |variable: &str, inside: &str| {
        format!(
            "- name: \"{variable}{{{{ {variable} }}}}\"\n  for: {{begin: 0, end: 999999999999, var: {variable}}}\n  {inside}\n"
        )
    };
    let one = iterator("i", "task: {load: t}");
    says(
        &Case::workflow(&format!("name: w\nroles:\n{one}")).compile(&[]),
        1,
        "more than 250000 roles",
    );
    let inner = iterator("j", "task: {load: t}").replace('\n', "\n    ");
    let two = iterator("i", &format!("roles:\n    {}", inner.trim_end()));
    says(
        &Case::workflow(&format!("name: w\nroles:\n{two}")).compile(&[]),
        1,
        "more than 250000 roles",
    );
}

#[test]
fn includes_without_end() {
    let includes = |name: &str, what: &str| format!("name: {name}\nroles:\n- name: r\n  include: {what}\n");
    let case = Case::workflow(&includes("w", "w"));
    says(&case.check(), 1, "has no end");
    says(&case.compile(&[]), 1, "includes itself");
    let x = includes("x", "w");
    let case = Case::new(&[
        ("workflows/w.yaml", &includes("w", "x")),
        ("workflows/x.yaml", &x),
    ]);
    says(&case.check(), 1, "has no end");
    says(&case.compile(&[]), 1, "includes itself");
    let text = "name: w\ndefaults: {again: w}\nroles:\n- name: r\n  include: '{{ again }}'\n- name: s\n  include: '{{ again }}'\n";
    says(&Case::workflow(text).compile(&[]), 1, "includes itself");
}

#[test]
fn a_long_row_of_includes() {
    let case = Case::new(&[]);
    for number in 0..3_000 {
        let name = if number == 0 {
            "w".to_owned()
        } else {
            format!("w{number}")
        };
        let text = format!("name: {name}\nroles:\n- name: r\n  include: w{}\n", number + 1);
        case.write(&format!("workflows/{name}.yaml"), text.as_bytes());
    }
    says(&case.compile(&[]), 1, "32");
}

#[test]
fn texts_that_double() {
    let mut text = String::from("name: w\nroles:\n");
    for level in 0..40 {
        let value = if level == 0 {
            "0123456789abcdef"
        } else {
            "{{ v }}{{ v }}"
        };
        let indent = "  ".repeat(level);
        writeln!(
            text,
            "{indent}- name: r\n{indent}  defaults: {{v: '{value}'}}\n{indent}  roles:"
        )
        .unwrap();
    }
    writeln!(text, "{0}- name: r\n{0}  task: {{load: t}}", "  ".repeat(40)).unwrap();
    says(&Case::workflow(&text).compile(&[]), 1, "16777216 bytes");
    let long = "x".repeat(4 << 20);
    let text = format!(
        "name: w\ndefaults: {{v: {long}}}\nroles:\n- name: 'r{{{{ i }}}}'\n  for: {{begin: 0, end: 99999, var: i}}\n  \
         vars: {{u: '{{{{ v }}}}'}}\n  task: {{load: t}}\n"
    );
    says(
        &Case::workflow(&text).compile(&[]),
        1,
        "more than 536870912 bytes",
    );
}

/// What an expression says that is the value of a variable.
#[track_caller]
fn evaluates(expression: &str, what: &str) {
    let text = format!(
        "name: w\ndefaults:\n  v: |-\n    {{{{ {expression} }}}}\nroles:\n- name: r\n  task: {{load: t}}\n"
    );
    says(&Case::workflow(&text).compile(&[]), 1, what);
}

#[test]
fn expressions_that_cost_much() {
    evaluates("1..1000000000000", "more than 1000000 elements");
    evaluates(
        "count(1..1000000, {len(1..1000000) > 0})",
        "more than 2000000 steps",
    );
    evaluates("reduce(1..100000, {[#acc]}, [])", "200 levels");
    let mut lets = String::new();
    for n in 1..60 {
        write!(lets, "let l{n} = [l{0}, l{0}]; ", n - 1).unwrap();
    }
    evaluates(&format!("let l0 = [1]; {lets}len(toJSON(l59))"), "steps");
    evaluates("len(uniq(map(1..100000, {string(#)})))", "different elements");
    evaluates(
        "'x' matches '((((a{1,100}){1,100}){1,100}){1,100})'",
        "exceeds size limit",
    );
    evaluates(
        &format!("{}1{}", "(".repeat(5_000), ")".repeat(5_000)),
        "levels deep",
    );
    evaluates(
        &format!("'x' matches '{}'", "(".repeat(5_000)),
        "error[expression]",
    );
}

#[test]
fn texts_that_lead_back_to_themselves() {
    let text = "name: w\ndefaults: {v: '{{ config.GetLegacy(\"c/ANY/any/p\") }}'}\nroles:\n- name: r\n  task: {load: t}\n";
    let case = Case::workflow(text);
    let payload = "{{ config.GetLegacy(\\\"c/ANY/any/p\\\") }}";
    let configuration = format!("o2: {{components: {{c: {{ANY: {{any: {{p: \"{payload}\"}}}}}}}}}}\n");
    case.write("c.yaml", configuration.as_bytes());
    // What cannot be evaluated in such a payload stays as it is written, as in the reference.
    assert_eq!(
        case.compile(&["--config", "repository/c.yaml"]).status.code(),
        Some(0)
    );
    let case = Case::workflow("name: w\nroles:\n- name: r\n  include: '{{ dpl.GenerateFromUri(\"c\") }}'\n");
    case.write("jit/c", b"{{ dpl.GenerateFromUri(\"c\") }}");
    says(&case.compile(&[]), 1, "lead back to themselves");
}

#[test]
fn deep_nesting() {
    let nested = |depth: usize| format!("name: w\nx: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    says(&Case::workflow(&nested(100_000)).check(), 1, "w.yaml");
    let settings = format!("x = {}\n", "[".repeat(100_000));
    let case = Case::new(&[("partita.toml", &settings), ("partita.lock", &settings)]);
    says(&case.check(), 1, "partita.toml");
}

#[test]
fn paths_that_leave_the_repository() {
    let text = "name: w\nroles:\n- name: r\n  task: {load: link}\n- name: s\n  include: ../../secret\n";
    let case = Case::workflow(text);
    fs::write(case.home.path().join("secret.yaml"), "name: link\nsecret: 1\n").unwrap();
    symlink("../../secret.yaml", case.root().join("tasks/link.yaml")).unwrap();
    symlink("circle.yaml", case.root().join("tasks/circle.yaml")).unwrap();
    let output = case.check();
    says(&output, 1, "is not inside its repository");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("secret: 1"));
    says(&case.compile(&[]), 1, "is not inside its repository");
}

#[test]
fn bytes_that_are_no_text() {
    let case = Case::new(&[]);
    case.write("workflows/w.yaml", b"name: w\xff\nroles: []\n");
    says(&case.check(), 1, "is not UTF-8");
    says(&case.compile(&[]), 1, "is not UTF-8");
    case.write(
        "workflows/w.yaml",
        b"name: w\nroles:\n- name: a\0b\n  task: {load: t}\n",
    );
    says(&case.check(), 1, "w.yaml:3");
    case.write(
        "workflows/w.yaml",
        "\u{feff}name: w\r\nroles:\r\n- name: r\r\n  task: {load: t}\r\n".as_bytes(),
    );
    says(&case.check(), 0, "nothing wrong");
    says(&case.compile(&[]), 0, "sha256:");
}

#[test]
fn damaged_git_objects() {
    let case = Case::workflow("name: w\nroles:\n- name: r\n  task: {load: t}\n");
    let root = case.root();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=n", "-c", "user.email=e"];
        let mut command = case.home.command("git");
        let output = command
            .args(identity)
            .args(arguments)
            .current_dir(&root)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-q", "-m", "m"]);
    for what in ["HEAD:workflows/w.yaml", "HEAD:workflows", "HEAD"] {
        let id = git(&["rev-parse", what]);
        let object = root.join(".git/objects").join(&id[..2]).join(&id[2..]);
        damaged(&case, &object);
    }
}

/// An object cut short, of other bytes, or gone.
fn damaged(case: &Case, object: &Path) {
    let whole = fs::read(object).unwrap();
    fs::remove_file(object).unwrap();
    let mut other = whole.clone();
    other.iter_mut().skip(2).for_each(|byte| *byte ^= 0x55);
    for bytes in [Some(&whole[..whole.len() / 2]), Some(&other), Some(&[]), None] {
        if let Some(bytes) = bytes {
            fs::write(object, bytes).unwrap();
        }
        let output = case.partita(&["check", "repository", "--rev", "HEAD"]);
        assert!(matches!(output.status.code(), Some(1 | 3)), "{output:?}");
        let _ = fs::remove_file(object);
    }
    fs::write(object, whole).unwrap();
    says(
        &case.partita(&["check", "repository", "--rev", "HEAD"]),
        0,
        "nothing wrong",
    );
}

#[test]
fn what_is_too_much_to_tell_is_counted() {
    let mut text = String::from("name: w\nroles:\n- name: r\n  task: {load: t}\n");
    for number in 0..1_500 {
        writeln!(text, "unknown{number}: 1").unwrap();
    }
    let case = Case::workflow(&text);
    for (format, rest) in [
        ("full", "... and 500 more\n"),
        ("concise", "... and 500 more\n"),
        ("json", "\"more\": 500"),
        ("github", "::notice::... and 500 more\n"),
        ("sarif", "\"text\": \"... and 500 more\""),
    ] {
        let output = case.partita(&["check", "repository", "--format", format]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains(rest),
            "{format}: {}",
            &text[text.len().saturating_sub(300)..]
        );
    }
    let mut text = String::from("name: w\nroles:\n");
    for number in 0..1_200 {
        writeln!(
            text,
            "- name: r{number}\n  vars: {{v: '{{{{ 1/\"{number}\" }}}}'}}\n  task: {{load: t}}"
        )
        .unwrap();
    }
    says(&Case::workflow(&text).compile(&[]), 1, "... and 200 more\n");
}
