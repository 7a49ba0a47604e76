//! Jobs: what people and circumstances ask for, one after the other, and which transitions that takes.

use serde::{Deserialize, Serialize};

use super::message::{DestroyOptions, Effect, Reply, Request, RequestId, Timer};
use super::observation::{Advance, Observation};
use super::transition::{Program, State, Step, Transition};
use super::{Environment, Wait};
use crate::cause::Cause;
use crate::compact::is_default;

/// What is to be done, and for whom.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    #[serde(default, skip_serializing_if = "is_default")]
    request: Option<RequestId>,
    work: Request,
    #[serde(default, skip_serializing_if = "is_default")]
    causes: Vec<Cause>,
    /// It failed: what is left is to end well.
    #[serde(default, skip_serializing_if = "is_default")]
    failed: bool,
}

impl Environment {
    pub(super) fn request(&mut self, id: RequestId, request: Request) {
        let job = Job {
            request: Some(id),
            work: request,
            causes: Vec::new(),
            failed: false,
        };
        if matches!(request, Request::Destroy(DestroyOptions { force: true, .. })) {
            self.interrupt();
            self.queue.push_front(job);
        } else {
            self.queue.push_back(job);
        }
    }

    /// An end by force does not wait for what is under way: that is given up here and now, whatever still comes of it.
    fn interrupt(&mut self) {
        if self.is_forced() {
            return;
        }
        let timer = match self.wait.take() {
            Some(Wait::Answers { command, .. }) => Some(Timer::Command(command)),
            Some(Wait::Hooks { pending, .. }) => {
                for command in pending.into_keys() {
                    self.cancel_timer(Timer::Hook(command));
                }
                None
            }
            Some(Wait::Deploy { .. }) => {
                self.cancel_timer(Timer::Deploy);
                Some(Timer::Patience)
            }
            Some(Wait::RunNumber) => Some(Timer::RunNumber),
            Some(Wait::Kill { .. }) => Some(Timer::Kill),
            Some(Wait::Calls) | None => None,
        };
        if let Some(timer) = timer {
            self.cancel_timer(timer);
        }
        self.deferred.clear();
        self.pass = None;
        self.job_failed(vec![Cause::new("the environment was ended by force meanwhile")]);
        self.observe_end();
        self.program = None;
        self.end_job();
    }

    /// Asks for a transition that circumstances call for; asking twice changes nothing.
    pub(super) fn react(&mut self, transition: Transition, causes: Vec<Cause>) {
        let work = Request::Transition(transition);
        let wanted = |job: &Job| job.work == work;
        if let Some(job) = self
            .queue
            .iter_mut()
            .find(|job| job.request.is_none() && wanted(job))
        {
            job.causes.extend(causes);
            return;
        }
        if self
            .job
            .as_ref()
            .is_some_and(|job| wanted(job) || matches!(job.work, Request::Destroy(_)))
        {
            return;
        }
        let job = Job {
            request: None,
            work,
            causes,
            failed: false,
        };
        self.queue.push_front(job);
    }

    /// Something critical is gone. What is under way is cancelled if it can be; `GO_ERROR` follows in any case.
    pub(super) fn critical_loss(&mut self, cause: Cause) {
        match &self.program {
            Some(program) if program.can_be_cancelled() => self.fail(vec![cause]),
            Some(_) => self.job_failed(vec![cause]),
            None => {
                self.observe(Observation::Cause(cause.clone()));
                if !matches!(self.state, State::Error | State::Done) {
                    self.observe_imminent_error(cause.clone());
                    self.react(Transition::GoError, vec![cause]);
                }
            }
        }
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
                self.effects
                    .push(Effect::Reply(id, Reply::Refused { state, reason }));
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
                impossible.then(|| format!("{transition} is not possible in {state}"))
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
            (_, State::Standby | State::Deployed | State::Configured | State::Running)
                if job.failed && !self.is_forced() =>
            {
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

    /// The job at hand has failed, and what is left of it is to end well.
    pub(super) fn has_failed(&self) -> bool {
        self.job.as_ref().is_some_and(|job| job.failed)
    }

    fn is_forced(&self) -> bool {
        matches!(
            self.job.as_ref().map(|job| job.work),
            Some(Request::Destroy(DestroyOptions { force: true, .. }))
        )
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

    /// A critical failure in the program under way: it is cancelled here if it can be, else it goes on to its end.
    pub(super) fn fail(&mut self, causes: Vec<Cause>) {
        self.job_failed(causes);
        self.cancel_program();
    }

    fn cancel_program(&mut self) {
        let Some(program) = &mut self.program else { return };
        if program.can_be_cancelled() {
            program.steps.clear();
            self.abandon();
            self.observe_step_end();
        }
    }

    /// Waits for nothing any more.
    fn abandon(&mut self) {
        self.pass = None;
        match self.wait.take() {
            Some(Wait::Deploy { .. }) => {
                self.cancel_timer(Timer::Deploy);
                self.cancel_timer(Timer::Patience);
            }
            Some(Wait::Hooks { pending, .. }) => {
                self.deferred.clear();
                for command in pending.into_keys() {
                    self.cancel_timer(Timer::Hook(command));
                }
            }
            Some(Wait::RunNumber) => self.cancel_timer(Timer::RunNumber),
            Some(Wait::Answers { .. } | Wait::Calls | Wait::Kill { .. }) | None => {}
        }
    }

    /// Notes what went wrong in the job, and tells it at once. News of the same task that know more replace what was
    /// known.
    pub(super) fn job_failed(&mut self, causes: Vec<Cause>) {
        let Some(job) = &mut self.job else { return };
        if self
            .program
            .as_ref()
            .is_some_and(|program| program.transition.is_some())
        {
            job.failed = true;
        }
        if let (Some(program), Some(cause)) = (&mut self.program, causes.first()) {
            program.note_error(cause.to_string().lines().next().unwrap_or_default());
        }
        let mut news = Vec::new();
        for cause in causes {
            match job
                .causes
                .iter_mut()
                .find(|known| known.task.is_some() && known.task == cause.task)
            {
                Some(known) if known.exit.is_none() && cause.exit.is_some() => *known = cause.clone(),
                Some(_) => continue,
                None => job.causes.push(cause.clone()),
            }
            news.push(cause);
        }
        for cause in news {
            self.observe(Observation::Cause(cause));
        }
    }

    /// The program at hand is through.
    pub(super) fn end_program(&mut self) {
        self.observe_end();
        self.program = None;
        self.observe_state();
        self.continue_job();
    }

    fn end_job(&mut self) {
        self.began = false;
        let Some(job) = self.job.take() else { return };
        let state = self.state;
        let what = match job.work {
            Request::Create { .. } => "the environment could not be created".to_owned(),
            Request::Transition(Transition::GoError) => "the environment is in ERROR".to_owned(),
            Request::Transition(transition) => format!("{transition} failed"),
            Request::Destroy(_) => "not everything went well at the end".to_owned(),
        };
        let cause = (!job.causes.is_empty()).then(|| Cause::new(what).because(job.causes));
        if let Some(cause) = &cause {
            self.observe(Observation::Cause(cause.clone()));
        }
        if let Some(id) = job.request {
            let run = self.run;
            let reply = match cause {
                Some(cause) => Reply::Failed { state, cause },
                None => Reply::Done { state, run },
            };
            self.effects.push(Effect::Reply(id, reply));
        }
        match (job.work, state) {
            (Request::Create { auto: true }, State::Configured) => {
                self.auto = true;
                self.react(Transition::Start, Vec::new());
            }
            (_, State::Running | State::Done) => {}
            _ if self.auto && !self.timers.contains_key(&Timer::Linger) => {
                let linger = self.plan.deadlines.linger.time;
                self.set_timer(Timer::Linger, linger, "end of the environment".to_owned());
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
        self.queue.push_back(Job {
            request: None,
            work: Request::Destroy(options),
            causes: Vec::new(),
            failed: false,
        });
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
            Step::Enter(state) => {
                self.state = state;
                self.observe_state();
                self.check_finished();
            }
            Step::EnterTime => self.set_variable(0, "enter_state_time_ms", Some(self.now.to_string())),
            Step::CancelCalls => self.cancel_calls(),
            Step::EndTasks { keep } => self.end_tasks(keep),
        }
    }
}
