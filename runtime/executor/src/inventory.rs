//! What outlives the executor: its tasks, the commands under way, and what the core has not acknowledged yet, as
//! records appended to a file (`proto/executor/executor.proto`, `Record`). A successor reads it and goes on from there.
//!
//! Nothing is synced: the file has to outlive a process. When the machine goes down, so do all tasks.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use partita_proto::executor::{Answered, Begun, FromExecutor, Kept, Phase, Record, record::What};
use prost::Message;

/// Name of the folder in that of the executor.
const FOLDER: &str = ".executor";
/// Commands and ended tasks that are remembered, so that what is sent again is not done again.
const MEMORY: usize = 256;
/// Bytes appended before the file is written anew, if that makes it much shorter.
const APPENDED: u64 = 1 << 20;

/// What is known of a command.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Command {
    pub(crate) begun: Begun,
    /// Tasks for which there is no answer yet.
    pub(crate) waiting: BTreeSet<String>,
}

/// All that is kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) tasks: BTreeMap<String, Kept>,
    pub(crate) commands: BTreeMap<String, Command>,
    /// Commands, oldest first.
    order: VecDeque<String>,
    /// Tasks that have ended, oldest first.
    ended: VecDeque<String>,
    pub(crate) said: BTreeMap<u64, FromExecutor>,
}

impl State {
    fn apply(&mut self, what: What) {
        match what {
            What::Task(kept) => self.keep(kept),
            What::Begun(begun) => self.begin(begun),
            What::Answered(answered) => {
                if let Some(command) = self.commands.get_mut(&answered.command_id) {
                    command.waiting.remove(&answered.task_id);
                }
            }
            What::Said(said) => drop(self.said.insert(said.sequence, said)),
            What::Delivered(sequence) => self.said = self.said.split_off(&sequence.saturating_add(1)),
        }
    }

    fn keep(&mut self, mut kept: Kept) {
        let before = self.tasks.remove(&kept.task_id);
        let had_ended = before.as_ref().is_some_and(has_ended);
        if has_ended(&kept) {
            kept.spec = None;
            if !had_ended {
                self.ended.push_back(kept.task_id.clone());
            }
        } else {
            kept.spec = kept.spec.or_else(|| before.and_then(|before| before.spec));
            if had_ended {
                self.ended.retain(|task| *task != kept.task_id);
            }
        }
        self.tasks.insert(kept.task_id.clone(), kept);
        if self.ended.len() > MEMORY
            && let Some(oldest) = self.ended.pop_front()
        {
            self.tasks.remove(&oldest);
        }
    }

    fn begin(&mut self, begun: Begun) {
        let id = begun.command_id.clone();
        let transition = begun.transition.iter().flat_map(|transition| &transition.targets);
        let waiting = transition
            .map(|target| target.task_id.clone())
            .chain(begun.trigger.iter().flat_map(|trigger| trigger.task_ids.clone()))
            .collect();
        if self
            .commands
            .insert(id.clone(), Command { begun, waiting })
            .is_none()
        {
            self.order.push_back(id);
        }
        // One that is not finished stays, and with it those that are younger.
        while self.order.len() > MEMORY
            && let Some(oldest) = self.order.front()
            && self
                .commands
                .get(oldest)
                .is_none_or(|command| command.waiting.is_empty())
            && let Some(oldest) = self.order.pop_front()
        {
            self.commands.remove(&oldest);
        }
    }

    /// Records that lead to this.
    fn records(&self) -> impl Iterator<Item = What> + '_ {
        let living = self.tasks.values().filter(|kept| !has_ended(kept));
        let ended = self.ended.iter().filter_map(|task| self.tasks.get(task));
        let tasks = living.chain(ended).cloned().map(What::Task);
        let commands = self.order.iter().filter_map(|id| self.commands.get(id));
        let begun = commands.flat_map(|command| {
            let begun = command.begun.clone();
            let id = begun.command_id.clone();
            let transition = begun.transition.iter().flat_map(|transition| &transition.targets);
            let targets: Vec<String> = transition
                .map(|target| target.task_id.clone())
                .chain(begun.trigger.iter().flat_map(|trigger| trigger.task_ids.clone()))
                .collect();
            let answered = targets
                .into_iter()
                .filter(|task| !command.waiting.contains(task))
                .map(move |task_id| {
                    let command_id = id.clone();
                    What::Answered(Answered { command_id, task_id })
                });
            std::iter::once(What::Begun(begun)).chain(answered)
        });
        tasks
            .chain(begun)
            .chain(self.said.values().cloned().map(What::Said))
    }
}

fn has_ended(kept: &Kept) -> bool {
    kept.told
        .as_ref()
        .is_some_and(|told| told.phase() == Phase::Ended)
}

fn encode(what: What) -> Vec<u8> {
    Record { what: Some(what) }.encode_length_delimited_to_vec()
}

/// The inventory of an executor that outlives its core, or nothing for one that does not.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    state: State,
    disk: Option<Disk>,
}

#[derive(Debug)]
struct Disk {
    folder: PathBuf,
    file: File,
    /// Length after it was last written anew.
    compact: u64,
    length: u64,
}

impl Inventory {
    /// What a predecessor has left in the folder of the executor, and where to go on.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let folder = directory.join(FOLDER);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder.join("output"))?;
        let bytes = match fs::read(folder.join("inventory")) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let state = read(&bytes);
        let (file, length) = write(&folder, &state)?;
        let disk = Disk {
            folder,
            file,
            compact: length,
            length,
        };
        Ok(Self {
            state,
            disk: Some(disk),
        })
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Where the output of the process number `number` goes; `None`: nobody will look for it there.
    pub(crate) fn output(&self, number: u64) -> Option<PathBuf> {
        let disk = self.disk.as_ref()?;
        Some(disk.folder.join("output").join(number.to_string()))
    }

    /// Writes it down, unless it is known.
    pub(crate) fn keep(&mut self, mut kept: Kept) {
        if self.disk.is_none() {
            return;
        }
        if let Some(before) = self.state.tasks.get(&kept.task_id) {
            if before.spec == kept.spec || has_ended(before) {
                kept.spec = None;
            }
            let same = Kept {
                spec: before.spec.clone(),
                ..kept.clone()
            };
            if kept.spec.is_none() && same == *before {
                return;
            }
        }
        self.write(What::Task(kept));
    }

    pub(crate) fn write(&mut self, what: What) {
        let Some(disk) = &mut self.disk else { return };
        let bytes = encode(what.clone());
        self.state.apply(what);
        disk.length += u64::try_from(bytes.len()).unwrap_or_default();
        if let Err(error) = disk.file.write_all(&bytes) {
            tracing::error!(%error, "the inventory cannot be written: a successor would not know of this");
        }
        if disk.length > APPENDED && disk.length > disk.compact.saturating_mul(4) {
            match write(&disk.folder, &self.state) {
                Ok((file, length)) => (disk.file, disk.length, disk.compact) = (file, length, length),
                Err(error) => {
                    tracing::error!(%error, "the inventory cannot be written anew");
                    disk.compact = disk.length;
                }
            }
        }
    }

    /// All has ended, and there is nothing for a successor.
    pub(crate) fn remove(&mut self) {
        if let Some(disk) = self.disk.take()
            && let Err(error) = fs::remove_dir_all(&disk.folder)
        {
            tracing::warn!(%error, "the inventory cannot be removed");
        }
    }
}

/// What records say; the last may be torn.
fn read(mut bytes: &[u8]) -> State {
    let mut state = State::default();
    while !bytes.is_empty() {
        match Record::decode_length_delimited(&mut bytes) {
            Ok(record) => {
                if let Some(what) = record.what {
                    state.apply(what);
                }
            }
            Err(error) => {
                tracing::warn!(%error, "the last record of the inventory is torn");
                break;
            }
        }
    }
    state
}

/// Writes it anew, at once or not at all.
fn write(folder: &Path, state: &State) -> io::Result<(File, u64)> {
    let early = folder.join("inventory.new");
    let mut bytes = Vec::new();
    for what in state.records() {
        bytes.extend(encode(what));
    }
    fs::write(&early, &bytes)?;
    let file = File::options().append(true).open(&early)?;
    fs::rename(early, folder.join("inventory"))?;
    Ok((file, u64::try_from(bytes.len()).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use partita_proto::executor::{TaskSpec, TaskUpdate, Trigger};
    use proptest::prelude::*;

    fn kept(task: u8, version: u64, ended: bool) -> What {
        let phase = if ended { Phase::Ended } else { Phase::Active };
        What::Task(Kept {
            task_id: task.to_string(),
            spec: (version == 0).then(TaskSpec::default),
            told: Some(TaskUpdate {
                version,
                phase: phase.into(),
                ..TaskUpdate::default()
            }),
            ..Kept::default()
        })
    }

    fn begun(command: u8, task_ids: Vec<String>) -> What {
        What::Begun(Begun {
            command_id: command.to_string(),
            trigger: Some(Trigger {
                task_ids,
                ..Trigger::default()
            }),
            ..Begun::default()
        })
    }

    fn what() -> impl Strategy<Value = What> {
        let small = 0..4_u8;
        prop_oneof![
            (small.clone(), 0..3_u64, any::<bool>())
                .prop_map(|(task, version, ended)| kept(task, version, ended)),
            (small.clone(), small.clone()).prop_map(|(command, task)| begun(command, vec![task.to_string()])),
            (small.clone(), small.clone()).prop_map(|(command, task)| What::Answered(Answered {
                command_id: command.to_string(),
                task_id: task.to_string(),
            })),
            (0..9_u64).prop_map(|sequence| What::Said(FromExecutor {
                sequence,
                ..FromExecutor::default()
            })),
            (0..9_u64).prop_map(What::Delivered),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_wherever_it_is_torn(all in prop::collection::vec(what(), 0..40), cut in 0..8_usize) {
            let folder = tempfile::tempdir().unwrap();
            let mut inventory = Inventory::open(folder.path()).unwrap();
            let mut states = vec![inventory.state.clone()];
            let path = folder.path().join(".executor/inventory");
            for what in all {
                inventory.write(what);
                states.push(inventory.state.clone());
            }
            let again = Inventory::open(folder.path()).unwrap();
            prop_assert_eq!(states.last(), Some(&again.state));
            // The compact form is the same.
            let again = Inventory::open(folder.path()).unwrap();
            prop_assert_eq!(states.last(), Some(&again.state));
            let bytes = fs::read(&path).unwrap();
            let torn = bytes.len().saturating_sub(cut);
            read(&bytes[..torn]);
        }
    }

    #[test]
    fn a_torn_record_loses_nothing_before_it() {
        let mut bytes = encode(kept(1, 0, false));
        bytes.extend(encode(begun(1, vec!["1".to_owned()])));
        let whole = read(&bytes);
        let more = encode(kept(2, 0, false));
        bytes.extend(&more[..more.len() - 1]);
        assert_eq!(read(&bytes), whole);
    }

    #[test]
    fn of_ended_tasks_and_commands_some_are_remembered() {
        let mut state = State::default();
        for task in 0..=u8::MAX {
            state.apply(kept(task, 0, false));
            state.apply(kept(task, 1, true));
            state.apply(begun(task, Vec::new()));
        }
        state.apply(What::Task(Kept {
            task_id: "more".to_owned(),
            told: Some(TaskUpdate {
                phase: Phase::Ended.into(),
                ..TaskUpdate::default()
            }),
            ..Kept::default()
        }));
        state.apply(begun(0, Vec::new()));
        assert_eq!((state.tasks.len(), state.commands.len()), (MEMORY, MEMORY));
        assert!(!state.tasks.contains_key("0"));
    }
}
