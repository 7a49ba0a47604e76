//! Jobs: what people and circumstances ask for, one after the other, and which transitions that takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Environment;
use super::message::{DestroyOptions, Effect, Reply, Request, RequestId, Timer};
use super::observation::{Advance, Observation};
use super::transition::{Program, RELEASED, RELEASING, State, Step, Transition};
use crate::cause::Cause;
use crate::compact::is_default;

/// So many causes are told in one chain; of the others, how many they are.
const CAUSES: usize = 100;

/// What is to be done, and for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    #[serde(default, skip_serializing_if = "is_default")]
    request: Option<RequestId>,
    work: Request,
    #[serde(default, skip_serializing_if = "is_default")]
    causes: Vec<Cause>,
    /// Which of the causes is about which task.
    #[serde(default, skip_serializing_if = "is_default")]
    about: BTreeMap<String, usize>,
    /// It failed: what is left is to end well.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) failed: bool,
}

impl Job {
    fn new(request: Option<RequestId>, work: Request) -> Self {
        Self {
            request,
            work,
            causes: Vec::new(),
            about: BTreeMap::new(),
            failed: false,
        }
    }

    /// Notes what went wrong; of one task what knows most. `false`: nothing new.
    pub(super) fn note(&mut self, cause: &Cause) -> bool {
        let known = cause.task.as_ref().and_then(|task| self.about.get(task));
        match known.and_then(|index| self.causes.get_mut(*index)) {
            Some(known) if known.exit.is_none() && cause.exit.is_some() => known.clone_from(cause),
            Some(_) => return false,
            None => {
                if let Some(task) = &cause.task {
                    self.about.insert(task.clone(), self.causes.len());
                }
                self.causes.push(cause.clone());
            }
        }
        true
    }

    /// All that went wrong, as one chain.
    fn chain(mut self) -> Option<Cause> {
        let what = match self.work {
            Request::Create { .. } => "the environment could not be created".to_owned(),
            Request::Transition(Transition::GoError) => "the environment is in ERROR".to_owned(),
            Request::Transition(transition) => format!("{transition} failed"),
            Request::Destroy(_) => "not everything went well at the end".to_owned(),
        };
        let more = self.causes.len().saturating_sub(CAUSES);
        if more > 0 {
            self.causes.truncate(CAUSES);
            self.causes.push(Cause::new(format!("and {more} more")));
        }
        (!self.causes.is_empty()).then(|| Cause::new(what).because(self.causes))
    }
}

impl Environment {
    pub(super) fn request(&mut self, id: RequestId, request: Request) {
        let job = Job::new(Some(id), request);
        match request {
            Request::Destroy(DestroyOptions { force: true, .. }) => {
                self.interrupt();
                self.queue.push_front(job);
            }
            Request::Destroy(_) => {
                self.cancel_creation();
                self.queue.push_back(job);
            }
            Request::Create { .. } | Request::Transition(_) => self.queue.push_back(job),
        }
    }

    /// An end by force does not wait for what is under way: that is given up here and now, whatever still comes of it. An
    /// end that is under way is what was asked for.
    fn interrupt(&mut self) {
        let Some(program) = &self.program else { return };
        if program.transition.is_some() {
            self.job_failed(vec![Cause::new("the environment was ended by force meanwhile")]);
            self.give_up();
            self.observe_end();
            self.program = None;
            self.end_job();
        }
    }

    /// Nobody waits for an environment that is not wanted any more.
    fn cancel_creation(&mut self) {
        let creates = |job: &Job| matches!(job.work, Request::Create { .. }) && !job.failed;
        if self.job.as_ref().is_some_and(creates) {
            self.job_failed(vec![Cause::new("the creation was cancelled")]);
            self.give_up();
        }
    }

    /// Asks for a transition that circumstances call for; asking twice changes nothing.
    pub(super) fn react(&mut self, transition: Transition, cause: Option<&Cause>) {
        let work = Request::Transition(transition);
        let wanted = |job: &Job| job.work == work;
        let is_next = self.queue.front().is_some_and(wanted);
        if is_next && cause.is_none() {
            return;
        }
        let queued = self.queue.iter_mut();
        if let Some(job) = queued
            .into_iter()
            .find(|job| job.request.is_none() && wanted(job))
        {
            if let Some(cause) = cause {
                job.note(cause);
            }
            return;
        }
        let at_hand = |job: &Job| wanted(job) || matches!(job.work, Request::Destroy(_));
        if self.job.as_ref().is_some_and(at_hand) {
            return;
        }
        let mut job = Job::new(None, work);
        if let Some(cause) = cause {
            job.note(cause);
        }
        self.queue.push_front(job);
    }

    /// Begins the next job, if none is under way.
    pub(super) fn next_job(&mut self) -> bool {
        let Some(job) = self.queue.pop_front() else {
            return false;
        };
        if let Some(reason) = self.refusal(&job) {
            if let Request::Transition(transition) = job.work
                && self.state != State::Done
            {
                self.observe_refused(transition, reason.clone());
            }
            if let Some(id) = job.request {
                let state = self.state;
                let reply = match job.work {
                    // What was asked for is so.
                    Request::Destroy(_) if state == State::Done => Reply::Done { state, run: None },
                    _ => Reply::Refused { state, reason },
                };
                self.effects.push(Effect::Reply(id, reply));
            }
            return true;
        }
        if let Request::Create { auto } = job.work {
            self.observe_created(auto);
        }
        self.job = Some(job);
        self.continue_job();
        true
    }

    fn refusal(&self, job: &Job) -> Option<String> {
        let state = self.state;
        if state == State::Done {
            return Some("the environment is gone".to_owned());
        }
        match job.work {
            Request::Create { .. } => (state != State::Standby).then(|| format!("it is {state} already")),
            Request::Transition(transition) => {
                let asked_by_person = job.request.is_some();
                let impossible = transition.destination(state).is_none()
                    || (asked_by_person && matches!(transition, Transition::GoError | Transition::Deploy));
                if impossible {
                    return Some(format!("{transition} is not possible in {state}"));
                }
                (state == State::Error)
                    .then(|| self.kept_in_error(transition))
                    .flatten()
            }
            Request::Destroy(options) => {
                let refuse = state == State::Running && !options.force && !options.allow_in_running;
                refuse.then(|| {
                    "a run is under way: stop it first, or allow the end of a running environment".to_owned()
                })
            }
        }
    }

    /// Decides what the job needs now that its last program, if any, is done.
    pub(super) fn continue_job(&mut self) {
        let Some(job) = &self.job else { return };
        let program = match (job.work, self.state) {
            (_, State::Done) => None,
            (_, State::Standby | State::Deployed | State::Configured | State::Running) if job.failed => {
                self.program_of(Transition::GoError)
            }
            (Request::Create { .. }, _) if job.failed => Some(Program::teardown(self.state, false)),
            (Request::Create { .. }, State::Standby) => self.program_of(Transition::Deploy),
            (Request::Create { .. }, State::Deployed) => self.program_of(Transition::Configure),
            (Request::Transition(transition), _) if !job.failed && !self.began => self.program_of(transition),
            (Request::Create { .. } | Request::Transition(_), _) => None,
            (Request::Destroy(options), state) => self.next_of_destroy(options, state),
        };
        self.began = true;
        match program {
            Some(program) => self.begin(program),
            None => self.end_job(),
        }
    }

    fn next_of_destroy(&self, options: DestroyOptions, state: State) -> Option<Program> {
        match state {
            State::Running if !options.force => self.program_of(Transition::Stop),
            State::Configured if !options.force => self.program_of(Transition::Reset),
            _ => Some(Program::teardown(state, options.keep_tasks)),
        }
    }

    fn program_of(&self, transition: Transition) -> Option<Program> {
        let to = transition.destination(self.state)?;
        Some(Program::of(transition, self.state, to))
    }

    fn begin(&mut self, program: Program) {
        let is_end = program.transition.is_none();
        self.program = Some(program);
        self.observe_state();
        if !is_end {
            self.observe_advance(Advance::Begun);
        }
    }

    /// The program at hand is through.
    pub(super) fn end_program(&mut self) {
        self.observe_end();
        let ended = self.program.take();
        if ended.is_some_and(|program| program.transition == Some(Transition::GoError)) {
            // After a RECOVER all begins anew: what failed before is not to fail what comes then.
            let kept = ["leave_ERROR", RELEASING, RELEASED];
            self.forget_calls(|moment| moment.is_none_or(|moment| !kept.contains(&moment.name.as_str())));
        }
        self.observe_state();
        self.continue_job();
    }

    fn end_job(&mut self) {
        self.began = false;
        let Some(job) = self.job.take() else { return };
        let (state, work, request) = (self.state, job.work, job.request);
        let cause = job.chain();
        if let Some(cause) = &cause {
            self.tell(cause.clone());
        }
        if let Some(id) = request {
            let run = self.run;
            let reply = match cause {
                Some(cause) => Reply::Failed { state, cause },
                None => Reply::Done { state, run },
            };
            self.effects.push(Effect::Reply(id, reply));
        }
        match (work, state) {
            (Request::Create { auto: true }, State::Configured) => {
                self.auto = true;
                self.react(Transition::Start, None);
            }
            (_, State::Running | State::Done) => {}
            _ if self.auto && !self.timers.contains_key(&Timer::Linger) => {
                let linger = self.plan.deadlines.linger;
                self.set_timer(Timer::Linger, linger.into(), "end of the environment".to_owned());
            }
            _ => {}
        }
        if state == State::Done {
            self.gone();
        }
    }

    /// Who is still waiting is told, and nothing is left behind.
    fn gone(&mut self) {
        while self.next_job() {}
        let timers: Vec<Timer> = self.timers.keys().copied().collect();
        for timer in timers {
            self.cancel_timer(timer);
        }
        self.observe(Observation::Gone);
        self.effects.push(Effect::Gone);
    }

    /// The run of an environment with automatic transitions is over, and everybody has seen it.
    pub(super) fn end_by_itself(&mut self) {
        let options = DestroyOptions {
            force: self.state == State::Error,
            ..DestroyOptions::default()
        };
        self.queue.push_back(Job::new(None, Request::Destroy(options)));
    }

    /// Is a run about to begin: tasks may speak of it before the state says so.
    pub(super) fn is_starting(&self) -> bool {
        self.program
            .as_ref()
            .is_some_and(|program| program.transition == Some(Transition::Start))
    }

    /// Does one thing of the program.
    pub(super) fn do_step(&mut self, step: Step) {
        match step {
            Step::Begin(step) => {
                if let Some(program) = &mut self.program {
                    program.begin_step(step.clone());
                }
                self.observe_advance(Advance::StepBegun(step));
            }
            Step::End => self.observe_step_end(),
            Step::Hooks(pass) => self.pass = Some(pass),
            Step::OpenRun => self.open_run(),
            Step::RunStarted => self.run_started(),
            Step::CloseRun => self.close_run(),
            Step::RunEnded => self.run_ended(),
            Step::ForgetRun => self.forget_run(),
            Step::Tasks(Transition::Deploy) => self.deploy(),
            Step::Tasks(transition) => self.command(transition),
            Step::TasksThere(transition) => self.command_there(transition),
            Step::Enter(state) => {
                self.state = state;
                self.observe_state();
                self.check_finished();
                self.stop_all_astray();
            }
            Step::EnterTime => self.set_variable(0, "enter_state_time_ms", Some(self.now.to_string())),
            Step::CancelCalls => self.cancel_calls(),
            Step::EndTasks { keep } => self.end_tasks(keep),
        }
    }
}
