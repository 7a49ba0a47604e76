//! The examples of a page: fenced blocks, and the comments in them that say what is found.

use std::collections::BTreeSet;
use std::fmt;

/// A small repository, and what is found in it. The blocks below one heading are one example.
#[derive(Debug, Default)]
pub(crate) struct Example {
    pub(crate) heading: String,
    /// Path and text.
    pub(crate) files: Vec<(String, String)>,
    /// The workflow to compile and its variables as JSON; otherwise the repository is checked.
    pub(crate) compile: Option<(String, String)>,
    pub(crate) expected: BTreeSet<Expected>,
}

/// A finding as a comment says it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expected {
    /// File; empty for a finding without a place.
    pub(crate) path: String,
    /// Line in it.
    pub(crate) line: u32,
    pub(crate) level: String,
    pub(crate) code: String,
}

impl fmt::Display for Expected {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            level,
            code,
        } = self;
        write!(formatter, "{path}:{line}: {level}: {code}")
    }
}

/// All examples of a page that have a file.
pub(crate) fn examples(page: &str) -> Vec<Example> {
    let mut examples = vec![Example::default()];
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            examples.last_mut().unwrap().block(info, &block);
        } else if line.starts_with('#') {
            examples.push(Example {
                heading: line.trim_start_matches('#').trim().to_owned(),
                ..Example::default()
            });
        }
    }
    examples.retain(|example| !example.files.is_empty());
    examples
}

impl Example {
    fn block(&mut self, info: &str, lines: &[&str]) {
        for word in info.split_whitespace() {
            match word.split_once('=') {
                Some(("path", path)) => {
                    self.files.push((path.to_owned(), lines.join("\n") + "\n"));
                    self.expected.extend(said(path, lines));
                }
                Some(("compile", workflow)) => self.compile = Some((workflow.to_owned(), lines.concat())),
                _ if word == "findings" => self.expected.extend(said("", lines)),
                _ => {}
            }
        }
    }
}

/// What the comments of a file say. A comment speaks of its own line; one that stands alone, or where a block begins
/// (`key: |  # …`), of the next line that has something else.
fn said(path: &str, lines: &[&str]) -> Vec<Expected> {
    let mut found = Vec::new();
    let mut waiting: Vec<(String, String)> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let (before, comments) = comments(line);
        let number = if path.is_empty() {
            0
        } else {
            u32::try_from(index + 1).unwrap()
        };
        let alone = before.is_empty() && !path.is_empty();
        if !alone {
            for (level, code) in waiting.drain(..) {
                found.push(expected(path, number, level, code));
            }
        }
        if alone || before.ends_with(['|', '>']) {
            waiting.extend(comments);
        } else {
            for (level, code) in comments {
                found.push(expected(path, number, level, code));
            }
        }
    }
    assert!(waiting.is_empty(), "{path}: a comment speaks of no line");
    found
}

fn expected(path: &str, line: u32, level: String, code: String) -> Expected {
    Expected {
        path: path.to_owned(),
        line,
        level,
        code,
    }
}

/// What stands before the comments of a line, and each `# level: code` in them.
fn comments(line: &str) -> (&str, Vec<(String, String)>) {
    let starts = ["# error: ", "# warning: "]
        .iter()
        .filter_map(|mark| line.find(mark));
    let Some(start) = starts.min() else {
        return (line.trim(), Vec::new());
    };
    let (before, rest) = line.split_at(start);
    let found = rest
        .split("# ")
        .filter_map(|comment| comment.split_once(": "))
        .map(|(level, code)| {
            (
                level.to_owned(),
                code.split_whitespace().next().unwrap().to_owned(),
            )
        })
        .collect();
    (before.trim(), found)
}
