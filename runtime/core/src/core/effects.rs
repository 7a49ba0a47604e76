//! Doing what the machines say.

use std::collections::BTreeMap;
use std::time::Duration;

use partita_artefact::evaluate::Snapshot;
use partita_artefact::instance::Kind;
use partita_proto::executor::{
    Kill, Launch, Target, Transition as WireTransition, Trigger, to_executor::Body,
};

use super::actor::{Actor, now};
use super::machine::{Entry, Output};
use crate::calls::PlannedCall;
use crate::cause::Cause;
use crate::deployment::{Deployment, milliseconds};
use crate::environment::plan::{CallIndex, TaskIndex};
use crate::environment::{
    CallReport, CommandId, Effect, Environment, Event, Life, Obstacle, TaskReport, Transition,
};

/// Identity of a command on the wire.
fn wire_command(environment: &str, command: CommandId) -> String {
    format!("{environment}-{command}")
}

impl Actor {
    pub(super) fn perform(&mut self, output: Output) {
        match output {
            Output::Effect(id, effect) => self.effect(&id, effect),
            Output::Kill { host, tasks } => self.kill_on(&host, tasks),
            Output::Reply(request, reply) => {
                if let Some(asker) = self.replies.remove(&request) {
                    // Who asked may have gone.
                    let _ = asker.send(reply);
                }
            }
            Output::Observed(observed) => {
                if let Some(scene) = self.scenes.get(&observed.environment) {
                    // Nobody watches: fine.
                    let _ = scene.observations.send(observed.observation.clone());
                }
                self.history.add(observed);
            }
            Output::Gone(id) => drop(self.scenes.remove(&id)),
        }
    }

    fn effect(&mut self, id: &str, effect: Effect) {
        match effect {
            Effect::Launch(tasks) => self.launch(id, &tasks),
            Effect::Command {
                command,
                transition,
                tasks,
                arguments,
                timeout,
            } => self.command(id, command, transition, &tasks, arguments, timeout),
            Effect::Trigger {
                command,
                task,
                timeout,
            } => self.trigger(id, command, task, timeout),
            Effect::Call {
                command,
                call,
                timeout,
            } => self.call(id, command, call, timeout),
            Effect::Kill(tasks) => self.kill(id, &tasks),
            Effect::AllocateRunNumber => self.allocate_run_number(id),
            Effect::SetVariable { role, name, value } => {
                if let Some(scene) = self.scenes.get_mut(id) {
                    scene.set_variable(role, name, value);
                }
            }
            Effect::CancelCall(command) => {
                let scene = self.scenes.get_mut(id);
                if let Some(call) = scene.and_then(|scene| scene.calls.remove(&command)) {
                    call.abort();
                }
            }
            // The machine keeps these to itself.
            Effect::SetTimer(..)
            | Effect::CancelTimer(_)
            | Effect::Leave(_)
            | Effect::Store { .. }
            | Effect::Reply(..)
            | Effect::Observe(_)
            | Effect::Gone => {}
        }
    }

    /// Runs `read` with what there is to read of an environment.
    fn deployment<T>(&self, id: &str, read: impl FnOnce(&Deployment<'_>) -> T) -> Option<T> {
        let scene = self.scenes.get(id)?;
        let identities = &self.identities;
        let uid = || identities.new_id().unwrap_or_default();
        let world = Snapshot::new(&scene.artefact, uid).over(self.machine.stored());
        Some(read(&Deployment {
            artefact: &scene.artefact,
            instance: &scene.instance,
            plan: self.environment(id)?.plan(),
            trails: &scene.trails,
            plugin: &self.config.plugin,
            kill: self.config.kill,
            world: &world,
        }))
    }

    fn environment(&self, id: &str) -> Option<&Environment> {
        self.machine.environments().get(id).map(Entry::environment)
    }

    fn by_host(&self, id: &str, tasks: &[TaskIndex]) -> BTreeMap<String, Vec<(TaskIndex, String)>> {
        let mut hosts: BTreeMap<String, Vec<(TaskIndex, String)>> = BTreeMap::new();
        let Some(environment) = self.environment(id) else {
            return hosts;
        };
        for index in tasks {
            if let Some(task) = environment.plan().tasks.get(*index)
                && let Ok(host) = &task.host
            {
                hosts
                    .entry(host.clone())
                    .or_default()
                    .push((*index, task.id.clone()));
            }
        }
        hosts
    }

    /// Tells a machine something once it has taken in what led to this.
    fn find(&self, id: &str, event: Event) {
        // The core is ending when nobody takes it.
        let _ = self.found.send((id.to_owned(), event));
    }

    fn launch(&mut self, id: &str, tasks: &[TaskIndex]) {
        for (host, tasks) in self.by_host(id, tasks) {
            let mut specs = Vec::new();
            for (index, _) in tasks {
                if let Some(cause) = self.machine.lost().get(&host) {
                    self.cannot_start(id, index, vec![cause.clone()]);
                    continue;
                }
                match self.deployment(id, |deployment| deployment.spec(index)) {
                    Some(Ok(spec)) => specs.push(spec),
                    Some(Err(causes)) => self.cannot_start(id, index, causes),
                    None => {}
                }
            }
            if !specs.is_empty() {
                self.cluster.send(&host, Body::Launch(Launch { tasks: specs }));
            }
        }
    }

    fn cannot_start(&self, id: &str, task: TaskIndex, causes: Vec<Cause>) {
        let reasons: Vec<String> = causes.into_iter().map(|cause| cause.what).collect();
        let report = TaskReport {
            version: 1,
            life: Life::Ended,
            obstacle: Some(Obstacle::NoCommand),
            reason: reasons.join("; "),
            ..TaskReport::default()
        };
        self.find(id, Event::Task(task, report));
    }

    fn command(
        &mut self,
        id: &str,
        command: CommandId,
        transition: Transition,
        tasks: &[TaskIndex],
        arguments: Vec<(String, String)>,
        timeout: Duration,
    ) {
        let mut properties = BTreeMap::new();
        if transition == Transition::Configure {
            let here = self.here(id);
            match self.deployment(id, |deployment| deployment.properties(tasks, &here)) {
                Some(Ok(all)) => properties = all,
                Some(Err(causes)) => return self.find(id, Event::Impossible(command, causes)),
                None => {}
            }
        }
        let (event, source, destination) = transition.task_event();
        let argument = |(key, value)| partita_proto::executor::Argument { key, value };
        let common: Vec<_> = arguments.into_iter().map(argument).collect();
        for (host, tasks) in self.by_host(id, tasks) {
            let mut target = |(index, task_id)| Target {
                task_id,
                arguments: properties.remove(&index).unwrap_or_default(),
            };
            let message = WireTransition {
                command_id: wire_command(id, command),
                event: event.to_owned(),
                source: source.to_owned(),
                destination: destination.to_owned(),
                common: common.clone(),
                targets: tasks.into_iter().map(&mut target).collect(),
                timeout_ms: milliseconds(timeout),
            };
            self.cluster.send(&host, Body::Transition(message));
        }
    }

    /// The tasks that are there, with their ports and the address of their host.
    fn here(&self, id: &str) -> Vec<(TaskIndex, Vec<u16>, String)> {
        let Some(environment) = self.environment(id) else {
            return Vec::new();
        };
        let tasks = environment.plan().tasks.iter().enumerate();
        let here = tasks.filter_map(|(index, task)| {
            let report = environment
                .report(index)
                .filter(|report| report.life == Life::Active)?;
            let ports = report
                .bind_ports
                .iter()
                .filter_map(|port| u16::try_from(*port).ok())
                .collect();
            Some((index, ports, self.cluster.address(task.host.as_ref().ok()?)))
        });
        here.collect()
    }

    fn trigger(&self, id: &str, command: CommandId, task: TaskIndex, timeout: Duration) {
        for (host, tasks) in self.by_host(id, &[task]) {
            let message = Trigger {
                command_id: wire_command(id, command),
                task_ids: tasks.into_iter().map(|(_, task)| task).collect(),
                timeout_ms: milliseconds(timeout),
            };
            self.cluster.send(&host, Body::Trigger(message));
        }
    }

    fn kill(&self, id: &str, tasks: &[TaskIndex]) {
        for (host, tasks) in self.by_host(id, tasks) {
            self.kill_on(&host, tasks.into_iter().map(|(_, task)| task).collect());
        }
    }

    fn kill_on(&self, host: &str, task_ids: Vec<String>) {
        let message = Kill {
            command_id: self.identities.new_id().unwrap_or_default(),
            task_ids,
            now: false,
        };
        self.cluster.send(host, Body::Kill(message));
    }

    fn allocate_run_number(&mut self, id: &str) {
        let (numbers, found, environment) = (self.run_numbers.clone(), self.found.clone(), id.to_owned());
        let Some(scene) = self.scenes.get_mut(id) else {
            return;
        };
        let task = tokio::spawn(async move {
            let number = numbers.next().await.map_err(|error| error.to_string());
            let _ = found.send((environment, Event::RunNumber(number)));
        });
        scene.run_number = Some(task.abort_handle());
    }

    fn call(&mut self, id: &str, command: CommandId, call: CallIndex, timeout: Duration) {
        let (found, environment) = (self.found.clone(), id.to_owned());
        let (services, identities) = (self.config.services.clone(), self.identities.clone());
        let entry = self.machine.environments().get(id);
        let planned = entry.and_then(|entry| entry.environment().plan().calls.get(call));
        let Some((scene, planned)) = self.scenes.get_mut(id).zip(planned) else {
            return;
        };
        let role = scene
            .trails
            .get(planned.role)
            .and_then(|trail| scene.instance.at(trail));
        let Some((role, stack)) = role else { return };
        let Kind::Call(call_role) = &role.kind else {
            let error = Some("the role is no call".to_owned());
            let report = CallReport {
                error,
                ..CallReport::default()
            };
            return self.find(id, Event::Call(command, report));
        };
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let call = PlannedCall {
            artefact: scene.artefact.clone(),
            services,
            identities,
            role: call_role.clone(),
            path: role.path.clone(),
            environment: id.to_owned(),
            stored: self.machine.stored().clone(),
            variables: stack.consolidated().into_iter().map(owned).collect(),
            timeout,
            grace: self.config.call_grace,
            now: now(),
        };
        let task = tokio::spawn(async move {
            let report = call.make().await;
            let _ = found.send((environment, Event::Call(command, report)));
        });
        scene.calls.insert(command, task.abort_handle());
    }
}
