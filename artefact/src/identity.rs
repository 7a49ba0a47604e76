//! Identities of workflow and task templates: the keys by which an artefact holds them.
//!
//! The compiler names what it reads by these functions, and instantiation looks it up by the same ones.

use crate::ir::Module;

/// Identity of the workflow template that `include: <text>` means in a module.
pub fn included(module: &Module, text: &str) -> String {
    if is_elsewhere(module, "workflows", text) {
        return resolve(&module.repository, "workflows", text);
    }
    workflow(&module.repository, &module.revision, text)
}

/// Identity of the task template that `load: <text>` means in a module.
pub fn loaded(module: &Module, text: &str) -> String {
    if is_elsewhere(module, "tasks", text) {
        return resolve(&module.repository, "tasks", text);
    }
    task(&module.repository, &module.revision, text)
}

/// Whether a text names its own revision, or a repository that has one. In the reference it means the revision of the
/// module all the same (`template-language.md` 1.5).
fn is_elsewhere(module: &Module, folder: &str, text: &str) -> bool {
    let here = format!("{}/{folder}/", module.repository);
    module.edition.other_repositories_have_their_own_revision()
        && (text.contains('@') || text.contains('/') && !text.starts_with(&here))
}

/// Identity of the workflow template that `include: <text>` means in a file of `repository` at `revision`
/// (`template-language.md` 1.5). An explicit `@revision` stays; without it, the including file's is meant.
pub fn workflow(repository: &str, revision: &str, text: &str) -> String {
    let path = resolve(repository, "workflows", text);
    if revision.is_empty() || text.contains('@') {
        path
    } else {
        format!("{path}@{revision}")
    }
}

/// Identity of the task template that `load: <text>` means in a file of `repository` at `revision`. The revision is
/// always appended, even after an explicit one (`template-language.md` 1.5).
pub fn task(repository: &str, revision: &str, text: &str) -> String {
    let path = resolve(repository, "tasks", text);
    if revision.is_empty() {
        path
    } else {
        format!("{path}@{revision}")
    }
}

fn resolve(repository: &str, folder: &str, text: &str) -> String {
    if text.contains('/') {
        text.to_owned()
    } else {
        format!("{repository}/{folder}/{text}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_in_the_including_repository() {
        assert_eq!(workflow("h/o/r", "abc", "x"), "h/o/r/workflows/x@abc");
        assert_eq!(workflow("h/o/r", "abc", "x@v1"), "h/o/r/workflows/x@v1");
        assert_eq!(
            workflow("h/o/r", "abc", "h/o/s/workflows/x@v1"),
            "h/o/s/workflows/x@v1"
        );
        assert_eq!(workflow("/home/r", "", "x"), "/home/r/workflows/x");
        assert_eq!(task("h/o/r", "abc", "t"), "h/o/r/tasks/t@abc");
        assert_eq!(task("h/o/r", "abc", "t@v1"), "h/o/r/tasks/t@v1@abc");
    }
}
