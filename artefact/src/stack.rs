//! The variables that a role sees, without copying them.

use std::collections::BTreeMap;

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
}

impl<'a> Stack<'a> {
    /// What is seen outside the tree.
    pub fn new(environment: &'a Layers) -> Self {
        Self {
            levels: vec![environment],
        }
    }

    /// What is seen one level further in.
    #[must_use]
    pub fn below(&self, layers: &'a Layers) -> Self {
        let mut levels = Vec::with_capacity(self.levels.len() + 2);
        levels.extend_from_slice(&self.levels);
        levels.push(layers);
        Self { levels }
    }

    /// What `role` sees, given that this is what its parent sees.
    #[must_use]
    pub fn of(&self, role: &'a Role) -> Self {
        match &role.include {
            Some(include) => {
                let mut stack = self.below(&include.layers);
                stack.levels.push(&role.layers);
                stack
            }
            None => self.below(&role.layers),
        }
    }

    /// The value that wins.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.user(name)
            .or_else(|| self.var(name))
            .or_else(|| self.default(name))
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

    pub(crate) fn user(&self, name: &str) -> Option<&'a str> {
        self.nearest(name, |layers| &layers.user)
    }

    pub(crate) fn var(&self, name: &str) -> Option<&'a str> {
        self.nearest(name, |layers| &layers.vars)
    }

    pub(crate) fn default(&self, name: &str) -> Option<&'a str> {
        self.nearest(name, |layers| &layers.defaults)
    }

    fn nearest(
        &self,
        name: &str,
        layer: impl Fn(&'a Layers) -> &'a BTreeMap<String, String>,
    ) -> Option<&'a str> {
        self.levels
            .iter()
            .rev()
            .find_map(|level| layer(level).get(name))
            .map(String::as_str)
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
