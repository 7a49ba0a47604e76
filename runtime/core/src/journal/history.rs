//! What the journal tells people: who did what, when, to which artefact, and what came of it. Only reads, so it works
//! beside a core.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::Serialize;

use super::{JournalError, Recorded, read, segments};
use crate::core::machine::{Input, Machine, Output};
use crate::environment::{DestroyOptions, Observation, Reply, Request, State};

/// One thing that was done or happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Milliseconds since 1970.
    pub time: u64,
    /// Which environment; `None`: the core itself.
    pub environment: Option<String>,
    /// Who did it; `None`: it happened.
    pub user: Option<String>,
    /// Artefact of a new environment.
    pub artefact: Option<String>,
    /// What.
    pub what: String,
}

/// Tells all that the journal in a folder holds, in order.
pub fn tell(folder: &Path, mut take: impl FnMut(Line)) -> Result<(), JournalError> {
    for (_, path) in segments(folder)? {
        let mut teller = Teller::default();
        match read(&path, |record| teller.record(record, &mut take)) {
            Ok(_) => {}
            // A core has removed it meanwhile, as the oldest.
            Err(JournalError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[derive(Default)]
struct Teller {
    machine: Machine,
    states: BTreeMap<String, State>,
}

impl Teller {
    fn record(&mut self, record: Recorded, take: &mut impl FnMut(Line)) {
        match record {
            Recorded::Whole { machine, .. } => {
                let state = |(id, entry): (&String, &crate::core::machine::Entry)| {
                    (id.clone(), entry.environment().state())
                };
                self.states = machine.environments().iter().map(state).collect();
                self.machine = *machine;
            }
            Recorded::Told { at, input } => {
                let mut asked = None;
                if let Some(line) = line(at, &input) {
                    asked.clone_from(&line.environment);
                    take(line);
                }
                for output in self.machine.apply(at, input) {
                    self.output(at, asked.as_deref(), output, take);
                }
            }
        }
    }

    fn output(&mut self, at: u64, asked: Option<&str>, output: Output, take: &mut impl FnMut(Line)) {
        let (environment, what) = match output {
            Output::Observed(observed) => match observed.observation {
                Observation::Environment { state, run, .. } => {
                    let id = observed.environment;
                    if self.states.insert(id.clone(), state) == Some(state) {
                        return;
                    }
                    let run = run.map(|run| format!(", run {run}")).unwrap_or_default();
                    (id, format!("is {state}{run}"))
                }
                Observation::Cause(cause) => (observed.environment, cause.to_string()),
                Observation::Gone => {
                    self.states.remove(&observed.environment);
                    (observed.environment, "is gone".to_owned())
                }
                _ => return,
            },
            Output::Reply(_, Reply::Refused { state, reason }) => (
                asked.unwrap_or_default().to_owned(),
                format!("refused in {state}: {reason}"),
            ),
            _ => return,
        };
        take(Line {
            time: at,
            environment: Some(environment),
            user: None,
            artefact: None,
            what,
        });
    }
}

/// What an input is to people.
fn line(time: u64, input: &Input) -> Option<Line> {
    let (mut environment, mut user, mut artefact) = (None, None, None);
    let what = match input {
        Input::Create(create) => {
            environment = Some(create.plan.id.clone());
            user = Some(create.user.name.clone());
            artefact = create.origin.as_ref().map(|origin| origin.artefact.clone());
            let name = create.origin.as_ref().map_or("", |origin| origin.root.as_str());
            format!("create {name}{}", if create.auto { " (automatic)" } else { "" })
        }
        Input::Request {
            environment: id,
            work,
            user: by,
            ..
        } => {
            environment = Some(id.clone());
            user = Some(by.name.clone());
            wish(*work)
        }
        Input::Cleanup { user: by } => {
            user = Some(by.name.clone());
            "end the tasks that were left".to_owned()
        }
        Input::HostLost { host, cause } => format!("host {host} is lost: {cause}"),
        Input::Restarted => "the core is back".to_owned(),
        _ => return None,
    };
    Some(Line {
        time,
        environment,
        user,
        artefact,
        what,
    })
}

fn wish(work: Request) -> String {
    match work {
        Request::Create { .. } => "create".to_owned(),
        Request::Transition(transition) => transition.to_string(),
        Request::Destroy(DestroyOptions {
            allow_in_running,
            force,
            keep_tasks,
        }) => {
            let flags = [
                (allow_in_running, " also in RUNNING"),
                (force, " by force"),
                (keep_tasks, " keeping the tasks"),
            ];
            let flags = flags.into_iter().filter(|(is_set, _)| *is_set);
            let words: String = flags.map(|(_, words)| words).collect();
            format!("DESTROY{words}")
        }
        #[allow(unreachable_patterns, reason = "requests that are added later")]
        other => format!("{other:?}"),
    }
}
