//! Hooks: which run when, and who waits for them (`runtime.md` 3.9, errata 13).
//!
//! A pass goes through the weights of one trigger in ascending order. At each weight calls are started, then the
//! calls awaited exactly there are collected, then hook tasks run; a critical failure stops later weights of the
//! pass. The next weight is looked for only when the last is done, so a call that was started in this pass and
//! is awaited later in it is always collected, whether or not anything else uses that weight.

use std::collections::BTreeMap;

use partita_artefact::instance::Moment;
use serde::{Deserialize, Serialize};

use super::plan::{CallIndex, Mode, Plan, TaskIndex};
use super::{Environment, Wait};
use crate::cause::Cause;

/// Which weights of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Half {
    /// Below zero.
    Early,
    /// From zero on.
    Late,
    /// All.
    Both,
}

impl Half {
    fn holds(self, weight: i32) -> bool {
        match self {
            Self::Early => weight < 0,
            Self::Late => weight >= 0,
            Self::Both => true,
        }
    }
}

/// What starts at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Due {
    pub(super) calls: Vec<CallIndex>,
    pub(super) tasks: Vec<TaskIndex>,
}

/// What starts when, by the name and weight of the trigger: a plan is searched once, not at every moment.
#[derive(Debug)]
pub(super) struct Schedule(BTreeMap<String, BTreeMap<i32, Due>>);

impl Schedule {
    pub(super) fn of(plan: &Plan) -> Self {
        let mut schedule = Self(BTreeMap::new());
        for (index, call) in plan.calls.iter().enumerate() {
            if let Some(due) = schedule.at(call.trigger.as_ref()) {
                due.calls.push(index);
            }
        }
        let hooks = plan.tasks.iter().enumerate();
        for (index, task) in hooks.filter(|(_, task)| task.mode == Mode::Hook) {
            if let Some(due) = schedule.at(task.trigger.as_ref()) {
                due.tasks.push(index);
            }
        }
        schedule
    }

    fn at(&mut self, moment: Option<&Moment>) -> Option<&mut Due> {
        let moment = moment?;
        let weights = self.0.entry(moment.name.clone()).or_default();
        Some(weights.entry(moment.weight).or_default())
    }
}

/// Place in the row of a pass: the weight, and which of its triggers.
type Turn = (i32, usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    Collect,
    Tasks,
    Done,
}

/// One pass over the hooks of a trigger, or of two that share a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pass {
    triggers: Vec<String>,
    half: Half,
    stops: bool,
    turn: Option<Turn>,
    stage: Stage,
    pub(super) failures: Vec<Cause>,
}

impl Pass {
    pub(super) fn new(triggers: &[String], half: Half) -> Self {
        Self {
            triggers: triggers.to_vec(),
            half,
            stops: true,
            turn: None,
            stage: Stage::Done,
            failures: Vec::new(),
        }
    }

    /// Over all weights, whatever fails.
    pub(super) fn unstoppable(triggers: &[String]) -> Self {
        Self {
            stops: false,
            ..Self::new(triggers, Half::Both)
        }
    }

    /// The turn of a moment in this pass.
    fn turn_of(&self, moment: Option<&Moment>) -> Option<Turn> {
        let moment = moment?;
        let trigger = self.triggers.iter().position(|name| *name == moment.name)?;
        self.half.holds(moment.weight).then_some((moment.weight, trigger))
    }

    pub(super) fn is_now(&self, moment: Option<&Moment>) -> bool {
        self.turn.is_some() && self.turn == self.turn_of(moment)
    }

    /// The pass has not come to this moment yet, or is waiting there.
    pub(super) fn is_to_come(&self, moment: Option<&Moment>) -> bool {
        let begun = |last| match self.stage {
            Stage::Collect => Some(last),
            Stage::Tasks | Stage::Done => None,
        };
        self.turn_of(moment).is_some_and(|turn| {
            self.turn
                .is_none_or(|last| turn > last || begun(last) == Some(turn))
        })
    }

    /// The moment whose turn it is.
    pub(super) fn moment(&self) -> String {
        let name = |trigger: usize| self.triggers.get(trigger).cloned().unwrap_or_default();
        self.turn.map_or_else(String::new, |(weight, trigger)| {
            let name = name(trigger);
            Moment { name, weight }.to_string()
        })
    }
}

impl Environment {
    /// Goes on with the pass at hand until it has to wait or is done. `Some`: done, with its critical failures.
    pub(super) fn advance_pass(&mut self, pass: &mut Pass) -> Option<Vec<Cause>> {
        loop {
            match pass.stage {
                Stage::Done => {
                    if pass.stops && !pass.failures.is_empty() {
                        // Nobody comes to the later weights: what was to be awaited there is awaited no more.
                        self.forget_calls(|moment| pass.is_to_come(moment));
                        return Some(std::mem::take(&mut pass.failures));
                    }
                    let Some(turn) = self.next_turn(pass) else {
                        return Some(std::mem::take(&mut pass.failures));
                    };
                    pass.turn = Some(turn);
                    self.start_calls(&self.due(pass).calls, &pass.moment());
                    pass.stage = Stage::Collect;
                }
                Stage::Collect => {
                    if !self.collect_calls(pass) {
                        self.wait = Some(Wait::Calls);
                        return None;
                    }
                    pass.stage = Stage::Tasks;
                    let pending = self.trigger_tasks(&self.due(pass).tasks);
                    if !pending.is_empty() {
                        let failures = Vec::new();
                        self.wait = Some(Wait::Hooks { pending, failures });
                        return None;
                    }
                }
                Stage::Tasks => {
                    if let Some(Wait::Hooks { failures, .. }) = self.wait.take() {
                        pass.failures.extend(failures);
                    }
                    pass.stage = Stage::Done;
                }
            }
        }
    }

    fn schedule(&self) -> &Schedule {
        self.schedule.get_or_init(|| Schedule::of(&self.plan))
    }

    /// What starts now.
    fn due(&self, pass: &Pass) -> Due {
        let due = pass.turn.and_then(|(weight, trigger)| {
            let name = pass.triggers.get(trigger)?;
            self.schedule().0.get(name)?.get(&weight)
        });
        due.cloned().unwrap_or_default()
    }

    fn next_turn(&self, pass: &Pass) -> Option<Turn> {
        let triggers = pass.triggers.iter().enumerate();
        let planned = triggers.flat_map(|(trigger, name)| {
            let weights = self.schedule().0.get(name).into_iter().flatten();
            weights.map(move |(weight, _)| (*weight, trigger))
        });
        let awaited = self.calls.values().filter(|started| !started.forgotten);
        let awaited = awaited.filter_map(|started| pass.turn_of(self.await_of(started)));
        planned
            .filter(|(weight, _)| pass.half.holds(*weight))
            .chain(awaited)
            .filter(|turn| pass.turn.is_none_or(|last| *turn > last))
            .min()
    }
}
