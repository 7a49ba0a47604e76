//! What the machine lets people see: each observation says all that somebody needs who has seen nothing else.

use super::Environment;
use super::calls::StartedCall;
use super::message::Effect;
use super::observation::{Advance, Called, Label, Observation, Progress, Traits};
use super::plan::{Mode, PlannedTask, TaskIndex};
use super::transition::Program;
use crate::aggregate::{RoleIndex, State as TaskState, Status};
use crate::cause::Cause;
use partita_artefact::instance::Moment;

/// Variable of the root role that says who asked last.
pub(super) const USER: &str = "last_request_user";

fn text(moment: Option<&Moment>) -> String {
    moment.map(Moment::to_string).unwrap_or_default()
}

fn traits_of(task: &PlannedTask) -> Traits {
    let trigger = match task.mode {
        Mode::Hook => text(task.trigger.as_ref()),
        Mode::Stateful | Mode::Basic => String::new(),
    };
    Traits {
        await_at: trigger.clone(),
        trigger,
        timeout: task.timeout,
        critical: task.critical,
    }
}

impl Environment {
    pub(super) fn observe(&mut self, observation: Observation) {
        self.effects.push(Effect::Observe(observation));
    }

    pub(super) fn observe_state(&mut self) {
        self.observe(Observation::Environment {
            state: self.state,
            transition: self.transition(),
            run: self.run,
        });
    }

    pub(super) fn harmless(&mut self, mut cause: Cause) {
        cause.harmless = true;
        self.observe(Observation::Cause(cause));
    }

    fn user(&self) -> String {
        self.variable(USER).unwrap_or_default().to_owned()
    }

    fn label(&self) -> Label {
        Label {
            workflow: self.plan.workflow.clone(),
            user: self.user(),
        }
    }

    pub(super) fn observe_created(&mut self, auto: bool) {
        self.observe(Observation::Created {
            label: self.label(),
            auto,
            variables: self.plan.variables.clone(),
        });
    }

    pub(super) fn observe_refused(&mut self, transition: super::Transition, reason: String) {
        self.observe(Observation::Advance {
            state: self.state,
            run: self.run,
            transition: Some(transition),
            advance: Advance::Refused(reason),
            label: self.label(),
        });
    }

    /// What is under way got further.
    pub(super) fn observe_advance(&mut self, advance: Advance) {
        self.observe(Observation::Advance {
            state: self.state,
            run: self.run,
            transition: self.transition(),
            advance,
            label: self.label(),
        });
    }

    /// The program at hand is over, in order or not.
    pub(super) fn observe_end(&mut self) {
        self.observe_step_end();
        if let Some(program) = &mut self.program {
            let error = program.take_error();
            self.observe_advance(Advance::Ended { error });
        }
    }

    /// The step at hand is over, if there is one.
    pub(super) fn observe_step_end(&mut self) {
        let step = self.program.as_mut().and_then(Program::end_step);
        // The steps of an end have none (`wire.md` 4.3).
        if let (Some((step, error)), Some(_)) = (step, self.transition()) {
            self.observe_advance(Advance::StepEnded { step, error });
        }
    }

    pub(super) fn observe_imminent_error(&mut self, cause: Cause) {
        self.observe(Observation::ErrorImminent {
            state: self.state,
            run: self.run,
            cause,
            label: self.label(),
        });
    }

    pub(super) fn observe_run(&mut self, advance: Advance) {
        if let Some(number) = self.run {
            self.observe(Observation::Run {
                number,
                state: self.state,
                transition: self.transition(),
                advance,
                user: self.user(),
            });
        }
    }

    /// `state`: `None` if it was launched just now.
    pub(super) fn observe_task(&mut self, index: TaskIndex, state: Option<TaskState>, status: Status) {
        let Some(task) = self.plan.tasks.get(index) else {
            return;
        };
        let observation = Observation::Task {
            path: self.role_path(task.role),
            id: task.id.clone(),
            class: task.class.clone(),
            host: task.host.clone().unwrap_or_default(),
            state,
            status,
            traits: traits_of(task),
            released: self.has_released(),
        };
        self.observe(observation);
    }

    /// Sets a role, and with it everything above; first the status, then the state, as those who listen expect.
    pub(super) fn set_role(&mut self, role: RoleIndex, state: TaskState, status: Status) {
        let before = self.tree.state(role);
        for (state, by_state) in [(before, false), (state, true)] {
            for role in self.tree.set(role, state, status) {
                self.observe(Observation::Role {
                    role,
                    path: self.role_path(role),
                    state: self.tree.state(role),
                    status: self.tree.status(role),
                    by_state,
                    released: self.has_released(),
                });
            }
        }
    }

    /// The environment has let go of its tasks: what becomes of them is no longer news of it.
    fn has_released(&self) -> bool {
        self.program.as_ref().is_some_and(Program::has_released)
    }

    pub(super) fn observe_call(&mut self, started: &StartedCall, progress: Progress) {
        let Some(call) = self.plan.calls.get(started.call) else {
            return;
        };
        let called = Called {
            function: call.function.clone(),
            returns: call.returns.clone(),
            output: started.output.clone(),
            traits: Traits {
                trigger: text(call.trigger.as_ref()),
                await_at: text(call.await_at.as_ref()),
                timeout: call.timeout,
                critical: call.critical,
            },
        };
        self.observe(Observation::Hook {
            path: self.role_path(call.role),
            moment: started.moment.clone(),
            progress,
            called: Some(called),
        });
    }

    pub(super) fn observe_hook(&mut self, task: TaskIndex, progress: Progress) {
        self.observe(Observation::Hook {
            path: self.task_path(task),
            moment: self.hook_moment(task),
            progress,
            called: None,
        });
    }
}
