//! Limits of the system on the executor and on the tasks.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that the executor needs for one task: output, connection, ports, and some to spare.
const PER_TASK: u64 = 16;

/// The limit on open files, raised for the executor alone when it has many tasks.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// As it was when the executor started; what tasks get.
    before: Option<Rlimit>,
    raised: bool,
}

impl Limits {
    /// Lets tasks lock as much memory as they like, where that is in our power: readout processes do
    /// (`runtime.md` 5.1).
    pub(super) fn new() -> Self {
        let unlimited = Rlimit {
            current: None,
            maximum: None,
        };
        if setrlimit(Resource::Memlock, unlimited).is_err() {
            let most = getrlimit(Resource::Memlock).maximum;
            if let Err(error) = setrlimit(
                Resource::Memlock,
                Rlimit {
                    current: most,
                    maximum: most,
                },
            ) {
                tracing::warn!(%error, "the limit on locked memory could not be raised");
            }
        }
        Self {
            before: Some(getrlimit(Resource::Nofile)),
            raised: false,
        }
    }

    /// Makes sure that there is room for one task more than `tasks`. Gives the limit that the process is to be given
    /// back, if ours was raised.
    pub(super) fn make_room(&mut self, tasks: usize) -> Option<Rlimit> {
        let before = self.before.as_ref()?;
        let needed = u64::try_from(tasks)
            .unwrap_or(u64::MAX)
            .saturating_add(4)
            .saturating_mul(PER_TASK);
        if !self.raised && before.current.is_some_and(|limit| limit < needed) {
            self.raised = true;
            let raised = Rlimit {
                current: before.maximum,
                maximum: before.maximum,
            };
            if let Err(error) = setrlimit(Resource::Nofile, raised) {
                tracing::warn!(%error, "the limit on open files could not be raised");
            }
        }
        self.raised.then_some(*before)
    }
}
