//! Command lines and properties of all tasks of a tree, as a deployment makes them.

use std::hint::black_box;

use partita_artefact::Stack;
use partita_artefact::deploy::{self, BindMap, Endpoints, Plugin, Special};
use partita_artefact::evaluate::World;
use partita_artefact::instance::{Instance, Role};
use partita_artefact::ir::Artefact;

use crate::Failed;

const ENVIRONMENT: &str = "2oDvieFrVTi";
const HOST: &str = "host";
const FIRST_PORT: u16 = 9_000;

pub(crate) fn tasks(instance: &Instance) -> usize {
    let mut tasks = 0;
    instance.walk(&mut |role, _| tasks += usize::from(role.task().is_some()));
    tasks
}

/// Calls `each` for every task; the first error ends it all.
fn each(
    instance: &Instance,
    mut each: impl FnMut(&Role, &Stack<'_>, &Special<'_>) -> Result<(), Vec<deploy::DeployError>>,
) -> Result<(), Failed> {
    let mut failed = None;
    instance.walk(&mut |role, stack| {
        if role.task().is_none() || failed.is_some() {
            return;
        }
        let special = Special {
            task_id: &role.path,
            hostname: HOST,
            environment_id: ENVIRONMENT,
        };
        failed = each(role, stack, &special).err();
    });
    match failed.unwrap_or_default().first() {
        Some(error) => Err(error.to_string().into()),
        None => Ok(()),
    }
}

pub(crate) fn commands(artefact: &Artefact, instance: &Instance, world: &dyn World) -> Result<(), Failed> {
    let plugin = Plugin::default();
    each(instance, |role, stack, special| {
        black_box(deploy::command(artefact, role, stack, special, &plugin, world)?);
        Ok(())
    })
}

fn endpoints(role: &Role) -> Result<Endpoints, Vec<deploy::DeployError>> {
    let ports: Vec<u16> = (FIRST_PORT..).take(deploy::tcp_channels(&role.bind)).collect();
    let ipc = |channel: &str| format!("{}.{channel}", role.path);
    deploy::endpoints(role, HOST, &ports, ipc).map_err(|error| vec![error])
}

pub(crate) fn properties(artefact: &Artefact, instance: &Instance, world: &dyn World) -> Result<(), Failed> {
    let mut bound = BindMap::default();
    each(instance, |role, _, _| {
        // An alias that is bound twice fails a configuration, but is none of our business.
        drop(bound.add(&role.path, &role.bind, &endpoints(role)?));
        Ok(())
    })?;
    each(instance, |role, stack, special| {
        let own = endpoints(role)?;
        black_box(deploy::properties(
            artefact, role, stack, special, &own, &bound, world,
        )?);
        Ok(())
    })
}
