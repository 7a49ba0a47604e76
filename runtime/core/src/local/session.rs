//! The folder of a session is held by a lock, which the kernel lets go of when the core ends, however it ends: so the
//! next core can tell what a killed one has left behind from what another one uses.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

/// What the folders of sessions are called, before their identity.
const PREFIX: &str = "session-";
const LOCK: &str = ".lock";

/// Holds the folder as long as the file is open.
pub(super) fn hold(folder: &Path) -> io::Result<File> {
    // Under its name it is never seen unlocked.
    let early = folder.join(".lock.new");
    let file = File::create_new(&early)?;
    file.lock()?;
    fs::rename(early, folder.join(LOCK))?;
    Ok(file)
}

/// Holds a folder that one core uses after the other; `None` while another one does.
pub(super) fn hold_again(folder: &Path) -> io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Removes the folders of sessions that nobody holds any more.
pub(super) fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.starts_with(PREFIX)) {
            continue;
        }
        let path = entry.path();
        let abandoned = File::open(path.join(LOCK)).is_ok_and(|lock| lock.try_lock().is_ok());
        if abandoned && let Err(error) = fs::remove_dir_all(&path) {
            tracing::warn!(%error, path = %path.display(), "what a session left behind cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_holds_is_swept() {
        let state = tempfile::tempdir().unwrap();
        let [used, left, other] =
            ["session-used", "session-left", "other"].map(|name| state.path().join(name));
        for folder in [&used, &left, &other] {
            fs::create_dir(folder).unwrap();
        }
        let held = hold(&used).unwrap();
        drop((hold(&left).unwrap(), hold(&other).unwrap()));
        sweep(state.path());
        assert_eq!(
            [used.exists(), left.exists(), other.exists()],
            [true, false, true]
        );
        drop(held);
        sweep(state.path());
        assert!(!used.exists());
    }
}
