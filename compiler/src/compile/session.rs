//! What several compilations share: a file that was decoded once is not decoded again.

use std::collections::BTreeMap;

use partita_artefact::ir::{Edition, Module, TaskClass};

use super::{Outcome, Request, run, walk};
use crate::decode::{self, Decoded};
use crate::diagnostic::Diagnostic;
use crate::source::Repositories;

/// Files kept; a revision of production has two thousand. When there are more, all are forgotten.
const MOST: usize = 8_192;

/// Compilations that share most of their files: the same workflow after an edit, or at many revisions. It changes how
/// long they take, never what they give.
#[derive(Debug, Default)]
pub struct Session {
    modules: Files<Module>,
    classes: Files<TaskClass>,
}

/// Decoded files by their blob id and the edition that they are read in.
type Files<T> = BTreeMap<(String, Edition), Decoded<T>>;

impl Session {
    /// As [`super::compile`].
    pub fn compile(&mut self, request: &Request, repositories: &Repositories) -> Outcome {
        run(request, repositories, Some(self))
    }

    /// As [`decode::workflow`] of a text with that blob id.
    pub(super) fn workflow(
        &mut self,
        blob: &str,
        text: &str,
        source: u32,
        edition: Edition,
    ) -> Decoded<Module> {
        let mut decoded = kept(&mut self.modules, blob, edition, || {
            decode::workflow(text, 0, edition)
        });
        if let Some(module) = &mut decoded.value {
            walk::role_spans(&mut module.root, &|span| span.source = source);
        }
        moved(&mut decoded.diagnostics, source);
        decoded
    }

    /// As [`decode::task_class`] of a text with that blob id.
    pub(super) fn task_class(
        &mut self,
        blob: &str,
        text: &str,
        source: u32,
        edition: Edition,
    ) -> Decoded<TaskClass> {
        let mut decoded = kept(&mut self.classes, blob, edition, || {
            decode::task_class(text, 0, edition)
        });
        if let Some(class) = &mut decoded.value {
            walk::class_spans(class, &|span| span.source = source);
        }
        moved(&mut decoded.diagnostics, source);
        decoded
    }
}

fn kept<T: Clone>(
    files: &mut Files<T>,
    blob: &str,
    edition: Edition,
    decode: impl FnOnce() -> Decoded<T>,
) -> Decoded<T> {
    if files.len() >= MOST {
        files.clear();
    }
    files
        .entry((blob.to_owned(), edition))
        .or_insert_with(decode)
        .clone()
}

/// What was found in file 0 is now in another.
fn moved(diagnostics: &mut [Diagnostic], source: u32) {
    for label in diagnostics.iter_mut().flat_map(Diagnostic::labels_mut) {
        label.span.source = source;
    }
}
