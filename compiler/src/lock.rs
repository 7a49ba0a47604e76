//! `partita.lock` at the root of a repository: what its DPL commands make (`template-language.md` 7.2).
//!
//! ```toml
//! packages = ""            # what the package manager said of O2 and QC where the commands were run
//!
//! [workflows]              # name of a result = the workflow template to use for it
//! jit-d712acdd6d53d93bc2ec3d38f18175e1470dcf9f = "minimal-dpl"
//! ```
//!
//! A result whose template is in the repository under its own name (`workflows/jit-….yaml`) needs no line.

use partita_artefact::ir::{Pins, Source, Span};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::{Code, Diagnostic, Label, SourceMap};
use crate::source::{Snapshot, SourceError};

/// Path of the file in its repository.
pub const PATH: &str = "partita.lock";

/// Reads the text of a lock; `source` is its index for places. What is wrong is left out and told.
pub fn parse(text: &str, source: u32) -> (Pins, Vec<Diagnostic>) {
    let mut pins = Pins::default();
    let mut wrong = Vec::new();
    let mut tell = |at: usize, message: String| {
        let span = place(text, source, at);
        wrong.push(Diagnostic::warning(Code::Settings, message).at(Label::at(span)));
    };
    match DeTable::parse(text) {
        Err(error) => tell(error.span().unwrap_or_default().start, error.message().to_owned()),
        Ok(table) => {
            for (key, value) in table.get_ref() {
                match (key.get_ref().as_ref(), value.get_ref()) {
                    ("packages", DeValue::String(packages)) => pins.packages = packages.to_string(),
                    ("workflows", DeValue::Table(workflows)) => {
                        read_workflows(workflows, &mut pins, &mut tell);
                    }
                    (name, _) => tell(
                        key.span().start,
                        format!(
                            "`{name}` is not known here: a lock has the text `packages` and the table `workflows`"
                        ),
                    ),
                }
            }
        }
    }
    (pins, wrong)
}

fn read_workflows(table: &DeTable<'_>, pins: &mut Pins, tell: &mut impl FnMut(usize, String)) {
    for (name, workflow) in table {
        match Spanned::get_ref(workflow) {
            DeValue::String(workflow) => {
                pins.workflows
                    .insert(name.get_ref().to_string(), workflow.to_string());
            }
            _ => tell(
                workflow.span().start,
                format!("`{}` must be the name of a workflow template", name.get_ref()),
            ),
        }
    }
}

fn place(text: &str, source: u32, at: usize) -> Span {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    Span {
        source,
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}

/// The lock of the repository that a snapshot is of; nothing is pinned where there is none.
pub(crate) fn read(
    snapshot: &Snapshot<'_>,
    sources: &mut SourceMap,
) -> Result<(Pins, Vec<Diagnostic>), SourceError> {
    let Some(file) = snapshot.read(PATH)? else {
        return Ok((Pins::default(), Vec::new()));
    };
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
    Ok(parse(&file.text, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_templates_by_result() {
        let (pins, wrong) = parse(
            "packages = \"o2-O2-1\\n\"\n[workflows]\njit-1 = \"a\"\n\"jit-2\" = \"b\"\n",
            0,
        );
        assert_eq!(wrong, []);
        assert_eq!(pins.packages, "o2-O2-1\n");
        let workflows: Vec<_> = pins.workflows.iter().collect();
        assert_eq!(workflows.len(), 2, "{workflows:?}");
        assert_eq!(pins.workflows["jit-1"], "a");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let (pins, wrong) = parse("package = \"\"\n[workflows]\njit-1 = 1\njit-2 = \"b\"\n", 3);
        let places: Vec<_> = wrong
            .iter()
            .map(|diagnostic| {
                diagnostic
                    .primary
                    .as_ref()
                    .map(|label| (label.span.line, label.span.column))
            })
            .collect();
        assert_eq!(places, [Some((1, 1)), Some((3, 9))]);
        assert_eq!(pins.workflows.len(), 1);
        assert_eq!(parse("workflows", 0).1.len(), 1);
    }
}
