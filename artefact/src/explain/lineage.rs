//! From the environment down to one role: every level of variables on the way, with the template it was made from.

use crate::evaluate::RoleName;
use crate::instance::{Instance, Role};
use crate::ir::{Artefact, Body, Iterator, Layers, Module, RoleTemplate};
use crate::stack::Stack;

/// One level of variables.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level<'a> {
    pub(super) layers: &'a Layers,
    /// The role that it belongs to; `None`: the environment.
    pub(super) of: Option<Made<'a>>,
}

/// What a level was made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Made<'a> {
    pub(super) role: &'a Role,
    pub(super) template: &'a RoleTemplate,
    /// The file that the template stands in.
    pub(super) module: &'a Module,
    /// It is the level that an include puts between its parent and the included root.
    pub(super) include: bool,
    /// The iterator that the role is an instance of, with the item.
    pub(super) local: Option<(&'a Iterator, &'a str)>,
}

/// The levels that a role sees, from the environment inwards; its own is the last.
#[derive(Debug, Clone)]
pub(super) struct Lineage<'a> {
    pub(super) levels: Vec<Level<'a>>,
    /// The file that the last template stands in.
    module: &'a Module,
}

impl<'a> Lineage<'a> {
    /// The lineage of the role that is reached by taking the given children. `None` if the tree was not made from this
    /// artefact.
    pub(super) fn of(artefact: &'a Artefact, instance: &'a Instance, children: &[usize]) -> Option<Self> {
        let module = artefact.modules.get(&artefact.root)?;
        let environment = Level {
            layers: &instance.environment,
            of: None,
        };
        let mut lineage = Self {
            levels: vec![environment],
            module,
        };
        lineage.enter(artefact, &instance.root, &module.root)?;
        let mut role = &instance.root;
        for &child in children {
            let Body::Aggregator(templates) = &lineage.own()?.template.body else {
                return None;
            };
            role = role.roles.get(child)?;
            let template = templates.iter().find(|template| template.span == role.span)?;
            lineage.enter(artefact, role, template)?;
        }
        Some(lineage)
    }

    /// Adds the levels of a role: two, if it is an include.
    fn enter(&mut self, artefact: &'a Artefact, role: &'a Role, template: &'a RoleTemplate) -> Option<()> {
        let layers = role
            .include
            .as_ref()
            .map_or(&role.layers, |include| &include.layers);
        let local = template.iterator.as_ref().and_then(|iterator| {
            let item = layers.vars.get(&iterator.variable)?;
            Some((iterator, item.as_str()))
        });
        let of = Some(Made {
            role,
            template,
            module: self.module,
            include: role.include.is_some(),
            local,
        });
        self.levels.push(Level { layers, of });
        if let Some(include) = &role.include {
            self.module = artefact.modules.get(&include.module)?;
            let of = Some(Made {
                role,
                template: &self.module.root,
                module: self.module,
                include: false,
                local: None,
            });
            self.levels.push(Level {
                layers: &role.layers,
                of,
            });
        }
        Some(())
    }

    /// The role's own level.
    pub(super) fn own(&self) -> Option<Made<'a>> {
        self.levels.last().and_then(|level| level.of)
    }

    /// What is seen from outside of the level at `place`.
    pub(super) fn outside(&self, place: usize) -> Option<Stack<'a>> {
        let (environment, rest) = self.levels.get(..place)?.split_first()?;
        let stack = Stack::new(environment.layers);
        Some(rest.iter().fold(stack, |stack, level| stack.below(level.layers)))
    }

    /// The ancestors of the role at `place`, nearest first. The two levels of an include are one role.
    pub(super) fn ancestors(&self, place: usize) -> Vec<RoleName<'a>> {
        let own = self.levels.get(place).and_then(|level| level.of);
        let above = self.levels.get(..place).unwrap_or_default();
        let roles = above.iter().rev().filter_map(|level| level.of);
        roles
            .filter(|made| !made.include && !own.is_some_and(|own| std::ptr::eq(own.role, made.role)))
            .map(|made| RoleName {
                name: &made.role.name,
                path: &made.role.path,
            })
            .collect()
    }
}
