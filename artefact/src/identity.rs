//! Identities of files: the keys by which an artefact holds them (`template-language.md` 1.5).
//!
//! The compiler names what it reads by these functions, and instantiation looks it up by the same ones. A name without a
//! `/` is that of a file beside the one that names it, in the same revision. An explicit `@revision` stays.

use std::collections::BTreeMap;

use crate::evaluate::Home;
use crate::ir::Module;

/// Default revisions by repository.
pub type Revisions = BTreeMap<String, String>;

/// Identity of the workflow template that `include: <text>` means in a module. Its name may be written with the extension
/// of its file, which makes it no other workflow.
pub fn included(module: &Module, text: &str, revisions: &Revisions) -> String {
    let (name, own) = text.split_at(text.find('@').unwrap_or(text.len()));
    let name = name.strip_suffix(".yaml").unwrap_or(name);
    let path = format!("{}{own}", in_folder(module.home(), "workflows", name));
    if text.contains('@') {
        path
    } else {
        named(module, &path, "workflows", revisions)
    }
}

/// Identity of the task template that `load: <text>` means in a module. In the reference a revision in the text makes an
/// identity that names no file.
pub fn loaded(module: &Module, text: &str, revisions: &Revisions) -> String {
    let path = in_folder(module.home(), "tasks", text);
    if text.contains('@') && module.edition.other_repositories_have_their_own_revision() {
        path
    } else {
        named(module, &path, "tasks", revisions)
    }
}

/// What lies in another repository is taken from that repository's default revision. The reference asks it for a revision
/// of the repository of the module, which it does not have (11, quirk 16).
fn named(module: &Module, path: &str, folder: &str, revisions: &Revisions) -> String {
    let repository = path
        .split_once(&format!("/{folder}/"))
        .map(|(repository, _)| repository);
    match repository {
        Some(other)
            if other != module.repository && module.edition.other_repositories_have_their_own_revision() =>
        {
            let revision = revisions.get(other).map_or("", String::as_str);
            at(path, revision)
        }
        _ => at(path, &module.revision),
    }
}

/// Identity of a workflow template of a repository.
pub fn workflow(home: Home<'_>, name: &str) -> String {
    at(&format!("{}/workflows/{name}", home.repository), home.revision)
}

/// Identity of a task template of a repository.
pub fn task(home: Home<'_>, name: &str) -> String {
    at(&format!("{}/tasks/{name}", home.repository), home.revision)
}

/// Identity of the command in the file `jit/<name>`; the name is a path, in which `..` may stand.
pub fn command(home: Home<'_>, name: &str) -> String {
    let mut path = vec!["jit"];
    for element in name.split('/') {
        match element {
            "" | "." => {}
            ".." if path.last().is_some_and(|last| *last != "..") => drop(path.pop()),
            other => path.push(other),
        }
    }
    at(&format!("{}/{}", home.repository, path.join("/")), home.revision)
}

fn in_folder(home: Home<'_>, folder: &str, text: &str) -> String {
    if text.contains('/') {
        text.to_owned()
    } else {
        format!("{}/{folder}/{text}", home.repository)
    }
}

fn at(path: &str, revision: &str) -> String {
    if revision.is_empty() {
        path.to_owned()
    } else {
        format!("{path}@{revision}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Body, Edition, RoleTemplate, Span, Template};

    fn module(edition: Edition, revision: &str) -> Module {
        let role = RoleTemplate {
            span: Span::default(),
            name: Template::default(),
            enabled: Template::default(),
            defaults: Vec::new(),
            vars: Vec::new(),
            constraints: Vec::new(),
            connect: Vec::new(),
            bind: Vec::new(),
            iterator: None,
            body: Body::Aggregator(Vec::new()),
        };
        Module {
            edition,
            repository: "h/o/r".to_owned(),
            revision: revision.to_owned(),
            description: None,
            public: false,
            root: role,
        }
    }

    #[test]
    fn a_bare_name_stays_in_its_repository_and_revision() {
        let none = Revisions::new();
        for edition in Edition::ALL {
            let module = module(edition, "abc");
            let included = |text| included(&module, text, &none);
            assert_eq!(included("x"), "h/o/r/workflows/x@abc");
            assert_eq!(included("x@v1"), "h/o/r/workflows/x@v1");
            assert_eq!(included("x.yaml"), "h/o/r/workflows/x@abc");
            assert_eq!(included("x.yaml@v1"), "h/o/r/workflows/x@v1");
            assert_eq!(included("h/o/r/workflows/x"), "h/o/r/workflows/x@abc");
            assert_eq!(included("h/o/s/workflows/x@v1"), "h/o/s/workflows/x@v1");
            assert_eq!(loaded(&module, "t", &none), "h/o/r/tasks/t@abc");
        }
        let folder = module(Edition::Aliecs, "");
        assert_eq!(included(&folder, "x", &none), "h/o/r/workflows/x");
    }

    #[test]
    fn another_repository_has_its_own_revision_in_edition_2026() {
        let known = Revisions::from([("h/o/s".to_owned(), "def".to_owned())]);
        let both = |text, of: fn(&Module, &str, &Revisions) -> String| {
            Edition::ALL.map(|edition| of(&module(edition, "abc"), text, &known))
        };
        let workflows = both("h/o/s/workflows/x", included);
        assert_eq!(workflows, ["h/o/s/workflows/x@abc", "h/o/s/workflows/x@def"]);
        let tasks = both("h/o/s/tasks/t", loaded);
        assert_eq!(tasks, ["h/o/s/tasks/t@abc", "h/o/s/tasks/t@def"]);
        assert_eq!(both("t@v1", loaded), ["h/o/r/tasks/t@v1@abc", "h/o/r/tasks/t@v1"]);
    }

    #[test]
    fn commands_are_found_by_path() {
        let home = Home {
            repository: "h/o/r",
            revision: "abc",
        };
        assert_eq!(command(home, "c"), "h/o/r/jit/c@abc");
        assert_eq!(command(home, "../jit/./c"), "h/o/r/jit/c@abc");
        assert_eq!(command(home, "../../../c"), "h/o/r/../../c@abc");
    }
}
