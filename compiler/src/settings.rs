//! `partita.toml` at the root of a repository: what its owners say about the whole of it.
//!
//! ```toml
//! edition = "aliecs"                  # the meaning of the language
//!
//! [check]                             # level of each finding: error, warning or off
//! unknown-key = "error"
//!
//! [variables]                         # what comes from outside: configuration store, GUI
//! detectors = { type = "list", description = "codes of the detectors that take part" }
//! run_type = "what the run is for"    # short for { description = "…" }
//! ```
//!
//! It is read from the revision that the workflows are read from. Without it, everything has its default.

use std::collections::BTreeMap;
use std::ops::Range;

use partita_artefact::ir::{Edition, Source, Span};
use partita_artefact::similar::closest;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Label, Level, SourceMap};
use crate::source::{File, Snapshot, SourceError};

/// Path of the file in its repository.
pub const PATH: &str = "partita.toml";
const KEYS: [&str; 3] = ["edition", "check", "variables"];
const VARIABLE_KEYS: [&str; 2] = ["type", "description"];
/// The kinds that `!public` variables know as well (`template-language.md` 10).
const KINDS: [&str; 5] = ["string", "number", "bool", "list", "map"];
const LEVELS: [&str; 3] = ["error", "warning", "off"];

/// What a repository says about itself.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// Edition of the language.
    pub edition: Edition,
    /// Levels of findings that differ from the default.
    pub levels: BTreeMap<Code, Level>,
    /// Variables that come from outside, by name.
    pub variables: BTreeMap<String, External>,
}

/// A variable that comes from outside.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct External {
    /// Where it is declared.
    pub span: Span,
    /// `string`, `number`, `bool`, `list` or `map`; empty if nothing is said.
    pub kind: String,
    /// What it is for; may be empty.
    pub description: String,
}

impl Settings {
    /// Reads the text of a `partita.toml`; `source` is its index for places. What is wrong is left out of the
    /// settings and told.
    pub fn parse(text: &str, source: u32) -> (Self, Vec<Diagnostic>) {
        let mut reader = Reader {
            text,
            source,
            settings: Self::default(),
            diagnostics: Vec::new(),
        };
        match DeTable::parse(text) {
            Ok(table) => reader.root(table.get_ref()),
            Err(error) => reader.wrong(error.span().unwrap_or_default(), error.message().to_owned(), None),
        }
        (reader.settings, reader.diagnostics)
    }

    /// The level that findings of that kind have here, or `level` if nothing is said.
    pub fn level(&self, code: Code, level: Level) -> Level {
        self.levels.get(&code).copied().unwrap_or(level)
    }
}

/// The settings of the repository that a snapshot is of; the defaults where it has no `partita.toml`.
pub fn read(
    snapshot: &Snapshot<'_>,
    sources: &mut SourceMap,
) -> Result<(Settings, Vec<Diagnostic>), SourceError> {
    let Some(file) = snapshot.read(PATH)? else {
        return Ok((Settings::default(), Vec::new()));
    };
    let (settings, wrong, _) = of_file(file, snapshot, sources);
    Ok((settings, wrong))
}

/// The settings that a `partita.toml` of a snapshot holds, and its index among the sources.
pub(crate) fn of_file(
    file: File,
    snapshot: &Snapshot<'_>,
    sources: &mut SourceMap,
) -> (Settings, Vec<Diagnostic>, u32) {
    let source = Source {
        repository: snapshot.repository().to_owned(),
        revision: if file.committed {
            snapshot.revision()
        } else {
            String::new()
        },
        path: PATH.to_owned(),
        blob: file.blob,
        dirty: file.dirty,
    };
    let index = sources.add(source, file.text.clone());
    let (settings, wrong) = Settings::parse(&file.text, index);
    (settings, wrong, index)
}

struct Reader<'t> {
    text: &'t str,
    source: u32,
    settings: Settings,
    diagnostics: Vec<Diagnostic>,
}

type Key<'t> = Spanned<std::borrow::Cow<'t, str>>;

impl Reader<'_> {
    fn root(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "edition" => self.edition(value),
                "check" => self.each(value, "check", Self::check),
                "variables" => self.each(value, "variables", Self::variable),
                unknown => self.unknown(key.span(), unknown, &KEYS),
            }
        }
    }

    fn edition(&mut self, value: &Spanned<DeValue<'_>>) {
        match value.get_ref().as_str().map(str::parse) {
            Some(Ok(edition)) => self.settings.edition = edition,
            _ => self.none_of(value, "edition", &Edition::ALL.map(Edition::as_str)),
        }
    }

    fn each(
        &mut self,
        value: &Spanned<DeValue<'_>>,
        name: &str,
        read: fn(&mut Self, &Key<'_>, &Spanned<DeValue<'_>>),
    ) {
        match value.get_ref().as_table() {
            Some(table) => {
                for (key, value) in table {
                    read(self, key, value);
                }
            }
            None => self.wrong(
                value.span(),
                format!("`{name}` must be a table"),
                Some(format!("begin it with `[{name}]`")),
            ),
        }
    }

    fn check(&mut self, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        let name = key.get_ref().as_ref();
        let Some(code) = Code::parse(name) else {
            let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
            let hint = closest(name, codes).map(|close| format!("did you mean `{close}`?"));
            return self.wrong(
                key.span(),
                format!("there is no kind of finding called `{name}`"),
                hint,
            );
        };
        match value.get_ref().as_str().and_then(Level::parse) {
            Some(level) => {
                self.settings.levels.insert(code, level);
            }
            None => self.none_of(value, name, &LEVELS),
        }
    }

    fn variable(&mut self, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        let name = key.get_ref().as_ref();
        let mut external = External {
            span: self.label(&key.span()).span,
            ..External::default()
        };
        match value.get_ref() {
            DeValue::String(description) => external.description = description.to_string(),
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.property(&mut external, key, value);
                }
            }
            _ => {
                let message = format!("variable `{name}` must be a description or a table");
                let hint = format!("write `{name} = {{}}` if there is nothing to say about it");
                self.wrong(value.span(), message, Some(hint));
            }
        }
        self.settings.variables.insert(name.to_owned(), external);
    }

    fn property(&mut self, external: &mut External, key: &Key<'_>, value: &Spanned<DeValue<'_>>) {
        let text = value.get_ref().as_str();
        match (key.get_ref().as_ref(), text) {
            ("type", Some(kind)) if KINDS.contains(&kind) => kind.clone_into(&mut external.kind),
            ("type", _) => self.none_of(value, "type", &KINDS),
            ("description", Some(text)) => text.clone_into(&mut external.description),
            ("description", None) => {
                self.wrong(value.span(), "`description` must be text".to_owned(), None);
            }
            (unknown, _) => self.unknown(key.span(), unknown, &VARIABLE_KEYS),
        }
    }

    fn none_of(&mut self, value: &Spanned<DeValue<'_>>, name: &str, allowed: &[&str]) {
        let hint = value
            .get_ref()
            .as_str()
            .and_then(|text| closest(text, allowed.iter().copied()))
            .map(|close| format!("did you mean \"{close}\"?"));
        let quoted: Vec<String> = allowed.iter().map(|word| format!("\"{word}\"")).collect();
        let message = format!("`{name}` must be {}", quoted.join(" or "));
        self.wrong(value.span(), message, hint);
    }

    fn unknown(&mut self, range: Range<usize>, name: &str, known: &[&str]) {
        let hint = match closest(name, known.iter().copied()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("known: {}", known.join(", ")),
        };
        self.wrong(range, format!("nothing reads the key `{name}`"), Some(hint));
    }

    fn wrong(&mut self, range: Range<usize>, message: String, hint: Option<String>) {
        let diagnostic = Diagnostic::of(Code::Settings, message).at(self.label(&range));
        self.diagnostics.push(match hint {
            Some(hint) => diagnostic.hint(hint),
            None => diagnostic,
        });
    }

    /// Lines and columns of a range of bytes.
    fn label(&self, range: &Range<usize>) -> Label {
        let before = self.text.get(..range.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        let covered = self.text.get(range.clone()).unwrap_or("");
        let first = covered.lines().next().unwrap_or("");
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Label {
            span: Span {
                source: self.source,
                line: number(before.matches('\n').count() + 1),
                column: number(column),
            },
            length: number(first.chars().count()),
            message: String::new(),
        }
    }
}
