//! A workflow with all that it includes, as one tree of roles, without variables: what the rules about whole
//! workflows look at.

use partita_artefact::ir::{Body, Module, RoleTemplate, TaskClass};

use super::file::File;
use super::revision::{Revision, Target};
use crate::limits::check::{DEPTH, ROLES};

/// A workflow that can be asked for, and everything it reaches.
#[derive(Debug)]
pub(crate) struct Workflow<'a> {
    /// What is around it.
    pub(crate) revision: &'a Revision,
    /// Its own file.
    pub(crate) file: &'a File<Module>,
    /// Its roles, parents before their children; the first is the root.
    pub(crate) roles: Vec<Role<'a>>,
    /// Something in it is not known without variables: a templated include, or one that cannot be followed.
    pub(crate) open: bool,
}

/// A role where it stands in a workflow. An iterator is one role here, whatever it runs over; an included file's
/// root role stands below the role that includes it, and adds no element to paths.
#[derive(Debug)]
pub(crate) struct Role<'a> {
    /// As written.
    pub(crate) template: &'a RoleTemplate,
    /// The file that it is written in.
    pub(crate) file: &'a File<Module>,
    /// Index of the role around it; `None` for the root of the workflow.
    pub(crate) parent: Option<usize>,
    /// Roles from the root down to it.
    depth: usize,
    /// It is the root role of an included file.
    pub(crate) included: bool,
    /// `enabled` of it or of a role around it may remove it.
    pub(crate) conditional: bool,
    /// It or a role around it is an iterator: it may be there any number of times.
    pub(crate) repeated: bool,
    /// The task template that it loads, if that is known and can be decoded.
    pub(crate) class: Option<(&'a File<TaskClass>, &'a TaskClass)>,
}

impl<'a> Workflow<'a> {
    /// Follows every include of `file`; `None` if it cannot be decoded.
    pub(crate) fn expand(revision: &'a Revision, file: &'a File<Module>) -> Option<Self> {
        let module = file.value.as_ref()?;
        let mut workflow = Self {
            revision,
            file,
            roles: Vec::new(),
            open: false,
        };
        workflow.role(&module.root, file, None, false);
        Some(workflow)
    }

    /// The roles around `index`, nearest first.
    pub(crate) fn ancestors(&self, index: usize) -> impl Iterator<Item = &Role<'a>> {
        let parent = move |role: &&Role<'a>| role.parent.and_then(|parent| self.roles.get(parent));
        std::iter::successors(self.roles.get(index), parent).skip(1)
    }

    /// It is asked for as it is, and not included by a name that is not known here.
    pub(crate) fn is_alone(&self) -> bool {
        let public = self.file.value.as_ref().is_some_and(|module| module.public);
        public || !self.revision.includes_anything()
    }

    /// What the role includes is not among the roles.
    pub(crate) fn is_open_at(&self, index: usize) -> bool {
        self.roles
            .get(index + 1)
            .is_none_or(|next| next.parent != Some(index))
    }

    fn role(
        &mut self,
        template: &'a RoleTemplate,
        file: &'a File<Module>,
        parent: Option<usize>,
        included: bool,
    ) {
        let around = parent.and_then(|parent| self.roles.get(parent));
        let depth = around.map_or(1, |role| role.depth + 1);
        if self.roles.len() >= ROLES || depth > DEPTH {
            self.open = true;
            return;
        }
        let index = self.roles.len();
        let conditional = around.is_some_and(|role| role.conditional);
        let repeated = around.is_some_and(|role| role.repeated);
        let class = match &template.body {
            Body::Task { load, .. } => match self.revision.task(load) {
                Target::File(file) => file.value.as_ref().map(|class| (file, class)),
                _ => None,
            },
            _ => None,
        };
        self.roles.push(Role {
            template,
            file,
            parent,
            depth,
            included,
            conditional: conditional || template.enabled.literal() != Some("true"),
            repeated: repeated || template.iterator.is_some(),
            class,
        });
        match &template.body {
            Body::Aggregator(children) => {
                for child in children {
                    self.role(child, file, Some(index), false);
                }
            }
            Body::Include(text) => match self.revision.workflow(text) {
                Target::File(next) if !self.is_inside(index, next) => match &next.value {
                    Some(module) => self.role(&module.root, next, Some(index), true),
                    None => self.open = true,
                },
                _ => self.open = true,
            },
            Body::Task { .. } | Body::Call { .. } => {}
        }
    }

    /// Whether the role is below the root of that file: including it again would never end.
    fn is_inside(&self, index: usize, file: &File<Module>) -> bool {
        let own = self.roles.get(index).into_iter();
        own.chain(self.ancestors(index))
            .any(|role| std::ptr::eq(role.file, file))
    }
}
