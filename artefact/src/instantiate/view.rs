//! The variables visible in one stage of one role.

use std::collections::{BTreeMap, BTreeSet};

use crate::evaluate::Variables;
use crate::stack::Stack;

/// The local variable of an iterator: name and item.
pub(crate) type Local<'a> = (&'a str, &'a str);

/// What a stage sees (`template-language.md` 3.3): the parent's stack, and as much of the role's own as is evaluated.
///
/// The table of the reference is three rows long for what exists at load time: `enabled` and the defaults see nothing
/// of the role's own, the vars see the own defaults, everything later sees both.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) parent: &'a Stack<'a>,
    pub(crate) local: Option<Local<'a>>,
    pub(crate) defaults: Option<&'a BTreeMap<String, String>>,
    pub(crate) vars: Option<&'a BTreeMap<String, String>>,
}

impl<'a> View<'a> {
    pub(super) fn outside(parent: &'a Stack<'a>, local: Option<Local<'a>>) -> Self {
        Self {
            parent,
            local,
            defaults: None,
            vars: None,
        }
    }
}

impl Variables for View<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        if let Some((local, item)) = self.local
            && local == name
        {
            return Some(item);
        }
        let parent = self.parent.look(name);
        parent
            .user()
            .or_else(|| self.vars?.get(name).map(String::as_str))
            .or_else(|| parent.var())
            .or_else(|| self.defaults?.get(name).map(String::as_str))
            .or_else(|| parent.default())
    }

    fn names(&self) -> Vec<String> {
        let own = [self.defaults, self.vars]
            .into_iter()
            .flatten()
            .flat_map(BTreeMap::keys)
            .cloned();
        let local = self.local.map(|(name, _)| name.to_owned());
        let inherited = self.parent.names();
        own.chain(local)
            .chain(inherited)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect()
    }
}
