//! The variables that a role sees, without copying them.

use std::collections::BTreeMap;
#[allow(
    clippy::disallowed_types,
    reason = "names are looked up in it, its order is never seen"
)]
use std::collections::HashMap;
use std::sync::Arc;

use crate::evaluate::Variables;
use crate::instance::{Instance, Role};
use crate::ir::Layers;

/// The levels of variables that a role sees: the environment's, its ancestors', its own.
///
/// The layer decides before the depth: user variables beat vars beat defaults, and within a layer the nearest level
/// wins (`template-language.md` 3.2).
#[derive(Debug, Clone)]
pub struct Stack<'a> {
    /// From the environment inwards.
    levels: Vec<&'a Layers>,
    /// The outermost of them in one table, if they are large: every name of every expression is looked up in them.
    outer: Option<Arc<Outer<'a>>>,
}

/// Levels with more variables than this are put into a table.
const LARGE: usize = 48;

/// The values of levels, the nearest of each layer.
#[derive(Debug)]
struct Outer<'a> {
    /// How many levels are in it.
    levels: usize,
    #[allow(
        clippy::disallowed_types,
        reason = "names are looked up in it, its order is never seen"
    )]
    names: HashMap<&'a str, Values<'a>>,
}

/// What one name is in each layer.
#[derive(Debug, Clone, Copy, Default)]
struct Values<'a> {
    defaults: Option<&'a str>,
    vars: Option<&'a str>,
    user: Option<&'a str>,
}

impl<'a> Outer<'a> {
    #[allow(
        clippy::disallowed_types,
        reason = "names are looked up in it, its order is never seen"
    )]
    fn of(levels: &[&'a Layers]) -> Self {
        let mut names: HashMap<&'a str, Values<'a>> = HashMap::new();
        for level in levels {
            for (name, value) in &level.defaults {
                names.entry(name).or_default().defaults = Some(value);
            }
            for (name, value) in &level.vars {
                names.entry(name).or_default().vars = Some(value);
            }
            for (name, value) in &level.user {
                names.entry(name).or_default().user = Some(value);
            }
        }
        Self {
            levels: levels.len(),
            names,
        }
    }
}

/// One name in a stack, layer by layer.
pub(crate) struct Look<'s, 'a> {
    /// Levels that are in no table.
    inner: &'s [&'a Layers],
    outer: Values<'a>,
    name: &'s str,
}

impl<'a> Look<'_, 'a> {
    pub(crate) fn user(&self) -> Option<&'a str> {
        self.nearest(|layers| &layers.user).or(self.outer.user)
    }

    pub(crate) fn var(&self) -> Option<&'a str> {
        self.nearest(|layers| &layers.vars).or(self.outer.vars)
    }

    pub(crate) fn default(&self) -> Option<&'a str> {
        self.nearest(|layers| &layers.defaults).or(self.outer.defaults)
    }

    fn nearest(&self, layer: impl Fn(&'a Layers) -> &'a BTreeMap<String, String>) -> Option<&'a str> {
        let levels = self.inner.iter().rev();
        levels
            .map(|level| layer(level))
            .find_map(|layer| layer.get(self.name))
            .map(String::as_str)
    }
}

impl<'a> Stack<'a> {
    /// What is seen outside the tree.
    pub fn new(environment: &'a Layers) -> Self {
        Self {
            levels: vec![environment],
            outer: None,
        }
    }

    /// What is seen one level further in.
    #[must_use]
    pub fn below(&self, layers: &'a Layers) -> Self {
        let mut levels = Vec::with_capacity(self.levels.len() + 2);
        levels.extend_from_slice(&self.levels);
        levels.push(layers);
        let outer = self.outer.clone();
        Self { levels, outer }.with_table()
    }

    /// Puts the levels into a table when those outside of it have become many.
    fn with_table(mut self) -> Self {
        let size = |layers: &&Layers| layers.defaults.len() + layers.vars.len() + layers.user.len();
        if self.inner().iter().map(size).sum::<usize>() > LARGE {
            self.outer = Some(Arc::new(Outer::of(&self.levels)));
        }
        self
    }

    fn inner(&self) -> &[&'a Layers] {
        let from = self.outer.as_ref().map_or(0, |outer| outer.levels);
        self.levels.get(from..).unwrap_or_default()
    }

    /// Where a name is defined.
    pub(crate) fn look<'s>(&'s self, name: &'s str) -> Look<'s, 'a> {
        let outer = self.outer.as_ref().and_then(|outer| outer.names.get(name));
        Look {
            inner: self.inner(),
            outer: outer.copied().unwrap_or_default(),
            name,
        }
    }

    /// What `role` sees, given that this is what its parent sees.
    #[must_use]
    pub fn of(&self, role: &'a Role) -> Self {
        match &role.include {
            Some(include) => self.below(&include.layers).below(&role.layers),
            None => self.below(&role.layers),
        }
    }

    /// The value that wins.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let look = self.look(name);
        look.user().or_else(|| look.var()).or_else(|| look.default())
    }

    /// All variables, each with the value that wins.
    pub fn consolidated(&self) -> BTreeMap<&'a str, &'a str> {
        let mut all = BTreeMap::new();
        for layer in [
            |l: &'a Layers| &l.defaults,
            |l: &'a Layers| &l.vars,
            |l: &'a Layers| &l.user,
        ] {
            for level in &self.levels {
                all.extend(
                    layer(level)
                        .iter()
                        .map(|(name, value)| (name.as_str(), value.as_str())),
                );
            }
        }
        all
    }
}

impl Variables for Stack<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        Stack::get(self, name)
    }

    fn names(&self) -> Vec<String> {
        self.consolidated().into_keys().map(str::to_owned).collect()
    }
}

impl Instance {
    /// Calls `visit` for every role, in tree order (parents first), with the variables that it sees.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Role, &Stack<'a>)) {
        walk(&self.root, &Stack::new(&self.environment), visit);
    }

    /// The role reached by taking the given children from the root on, with the variables that it sees; an empty
    /// list is the root.
    pub fn at(&self, children: &[usize]) -> Option<(&Role, Stack<'_>)> {
        let mut role = &self.root;
        let mut stack = Stack::new(&self.environment).of(role);
        for &child in children {
            role = role.roles.get(child)?;
            stack = stack.of(role);
        }
        Some((role, stack))
    }

    /// The first role, in tree order, of a path.
    pub fn find(&self, path: &str) -> Option<(&Role, Stack<'_>)> {
        let mut found = None;
        self.walk(&mut |role, stack| {
            if found.is_none() && role.path == path {
                found = Some((role, stack.clone()));
            }
        });
        found
    }
}

fn walk<'a>(role: &'a Role, parent: &Stack<'a>, visit: &mut dyn FnMut(&'a Role, &Stack<'a>)) {
    let stack = parent.of(role);
    visit(role, &stack);
    for child in &role.roles {
        walk(child, &stack, visit);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    use super::*;

    fn layers() -> impl Strategy<Value = Layers> {
        let layer = || btree_map("[abc]", "[xyz]?", 0..3);
        (layer(), layer(), layer()).prop_map(|(defaults, vars, user)| Layers { defaults, vars, user })
    }

    fn stack(levels: &[Layers]) -> Stack<'_> {
        levels
            .iter()
            .skip(1)
            .fold(Stack::new(&levels[0]), |stack, level| stack.below(level))
    }

    /// Layer before depth, and within a layer the deepest; an empty text is a value.
    fn winner<'a>(levels: &'a [Layers], name: &str) -> Option<&'a str> {
        let definitions = levels.iter().enumerate().flat_map(|(depth, level)| {
            let layers = [&level.defaults, &level.vars, &level.user]
                .into_iter()
                .enumerate();
            layers.filter_map(move |(rank, layer)| Some(((rank, depth), layer.get(name)?)))
        });
        definitions
            .max_by_key(|(place, _)| *place)
            .map(|(_, value)| value.as_str())
    }

    proptest! {
        #[test]
        fn layer_beats_depth(levels in vec(layers(), 1..5)) {
            let stack = stack(&levels);
            let all = stack.consolidated();
            for name in ["a", "b", "c", "d"] {
                prop_assert_eq!(stack.get(name), winner(&levels, name));
                prop_assert_eq!(all.get(name).copied(), winner(&levels, name));
            }
        }

        /// A level in the middle (an include) does what its variables would do in the level below it, where that says nothing.
        #[test]
        fn levels_can_be_joined(levels in vec(layers(), 1..4), middle in layers(), last in layers()) {
            let two = [levels.clone(), vec![middle.clone(), last.clone()]].concat();
            let one = [levels, vec![middle.with(&last)]].concat();
            prop_assert_eq!(stack(&two).consolidated(), stack(&one).consolidated());
        }
    }
}
