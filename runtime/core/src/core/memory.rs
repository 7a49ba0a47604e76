//! What a core remembers of the one before it: the machine, from the journal, and the trees of its environments.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use partita_artefact::digest::Digest;
use partita_artefact::store::Store;

use super::history::{self, History};
use super::machine::{Entry, Machine};
use super::scene::Scene;
use super::{Config, CoreError, EnvironmentId, origin};
use crate::journal::{Journal, JournalError};
use crate::prepare::trails;

/// A core's memory; empty if it is not durable.
pub(super) struct Memory {
    pub(super) machine: Machine,
    pub(super) scenes: BTreeMap<EnvironmentId, Scene>,
    pub(super) history: History,
    pub(super) journal: Option<Journal>,
    /// There was a core before.
    pub(super) is_old: bool,
    /// The state directory is this core's as long as this is open.
    pub(super) held: Option<File>,
}

impl Memory {
    pub(super) fn open(config: &Config) -> Result<Self, CoreError> {
        let Some(store) = &config.durable else {
            return Ok(Self {
                machine: Machine::default(),
                scenes: BTreeMap::new(),
                history: History::new(0, Vec::new()),
                journal: None,
                is_old: false,
                held: None,
            });
        };
        let folder = config.state_directory.join("journal");
        std::fs::create_dir_all(&folder).map_err(|source| {
            let (what, path) = ("make the folder", folder.clone());
            Arc::new(JournalError::File { what, path, source })
        })?;
        let held = hold(&config.state_directory)?;
        let (journal, recovered) = Journal::open(&folder, history::WINDOW).map_err(Arc::new)?;
        let mut scenes = BTreeMap::new();
        for (id, entry) in recovered.machine.environments() {
            let scene = scene(id, entry, store).map_err(|why| CoreError::Lost {
                environment: id.clone(),
                why,
            })?;
            scenes.insert(id.clone(), scene);
        }
        let recent = recovered.recent.into_iter().map(Arc::new).collect();
        Ok(Self {
            history: History::new(recovered.machine.sequence(), recent),
            machine: recovered.machine,
            scenes,
            journal: Some(journal),
            is_old: recovered.is_old,
            held: Some(held),
        })
    }

    pub(super) fn is_durable(&self) -> bool {
        self.journal.is_some()
    }
}

/// Makes the tree of an environment again, with what was set since.
fn scene(id: &str, entry: &Entry, store: &Store) -> Result<Scene, String> {
    let origin = entry.origin().ok_or("nobody knows what it was made from")?;
    let digest: Digest = origin.artefact.parse().map_err(|_| "its artefact has no hash")?;
    let artefact = store.load(&digest).map_err(|error| error.to_string())?;
    let mut instance = origin::make_again(&artefact, origin).map_err(|error| error.to_string())?;
    origin::own(&mut instance, id);
    let trails = trails(&instance);
    if trails.len() != entry.environment().plan().roles.len() {
        return Err("its role tree has come out differently".to_owned());
    }
    let mut scene = Scene::new(Arc::new(artefact), instance, trails);
    scene.restore(entry.variables());
    Ok(scene)
}

/// Two cores in one state directory would each believe the tasks to be theirs.
fn hold(folder: &Path) -> Result<File, CoreError> {
    let path = folder.join("journal").join("lock");
    let failed = |source| {
        Arc::new(JournalError::File {
            what: "hold",
            path: path.clone(),
            source,
        })
    };
    let mut options = File::options();
    let open = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path);
    let mut file = open.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut by = String::new();
            // Whoever holds it may just be writing it.
            let _ = file.read_to_string(&mut by);
            return Err(CoreError::InUse {
                folder: folder.to_owned(),
                by: by.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error).into()),
    }
    let written = file
        .set_len(0)
        .and_then(|()| writeln!(file, "process {}", std::process::id()));
    written.map_err(failed)?;
    Ok(file)
}
