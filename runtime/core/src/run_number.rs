//! Run numbers: never used twice, whatever is killed when.
//!
//! A number counts as used from the moment at which its commit is on the disk, and only then is it given out. The
//! file is open only while a number is taken, so several cores may share it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use redb::{Database, DatabaseError, ReadableTable, TableDefinition};

const TABLE: TableDefinition<'_, &str, u32> = TableDefinition::new("run_number");
const KEY: &str = "last";
/// Between two attempts to open a file that another core has open.
const RETRY: Duration = Duration::from_millis(5);

/// Why there is no run number.
#[derive(Debug, thiserror::Error)]
pub enum RunNumberError {
    /// The file cannot be used.
    #[error("the run number file {path} cannot be used: {reason}")]
    Store {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Somebody else has it open.
    #[error("the run number file {path} is in use by another process")]
    Busy {
        /// Which.
        path: PathBuf,
    },
    /// All are used.
    #[error("the run numbers of {path} are used up")]
    Exhausted {
        /// Which.
        path: PathBuf,
    },
}

/// A counter of runs that survives everything but the loss of its file.
#[derive(Debug, Clone)]
pub struct RunNumbers {
    path: PathBuf,
}

impl RunNumbers {
    /// The counter in this file, which is made when the first number is taken.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Takes the next number, waiting for other processes that do the same. Dropping the future gives up.
    pub async fn next(&self) -> Result<u32, RunNumberError> {
        loop {
            let path = self.path.clone();
            let taken = tokio::task::spawn_blocking(move || take(&path)).await;
            match taken {
                Ok(Err(RunNumberError::Busy { .. })) => tokio::time::sleep(RETRY).await,
                Ok(taken) => return taken,
                Err(error) => {
                    let (path, reason) = (self.path.clone(), error.to_string());
                    return Err(RunNumberError::Store { path, reason });
                }
            }
        }
    }
}

fn take(path: &Path) -> Result<u32, RunNumberError> {
    let store = |error: &dyn std::fmt::Display| RunNumberError::Store {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let database = Database::create(path).map_err(|error| match error {
        DatabaseError::DatabaseAlreadyOpen => RunNumberError::Busy {
            path: path.to_owned(),
        },
        error => store(&error),
    })?;
    let transaction = database.begin_write().map_err(|error| store(&error))?;
    let next = {
        let mut table = transaction.open_table(TABLE).map_err(|error| store(&error))?;
        let last = table
            .get(KEY)
            .map_err(|error| store(&error))?
            .map_or(0, |last| last.value());
        let next = last.checked_add(1).ok_or_else(|| RunNumberError::Exhausted {
            path: path.to_owned(),
        })?;
        table.insert(KEY, next).map_err(|error| store(&error))?;
        next
    };
    // redb's commit is durable when it returns.
    transaction.commit().map_err(|error| store(&error))?;
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_number_is_given_twice() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("run");
        let takers: Vec<_> = (0..4)
            .map(|_| {
                let numbers = RunNumbers::new(path.clone());
                tokio::spawn(async move {
                    let mut taken = Vec::new();
                    for _ in 0..3 {
                        taken.push(numbers.next().await.expect("a number"));
                    }
                    taken
                })
            })
            .collect();
        let mut all = Vec::new();
        for taker in takers {
            all.extend(taker.await.expect("no panic"));
        }
        all.sort_unstable();
        assert_eq!(all, (1..=12).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn says_what_is_wrong_with_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = RunNumbers::new(folder.path().join("no/such/run"))
            .next()
            .await
            .expect_err("no folder");
        assert!(error.to_string().contains("no/such/run"), "{error}");
    }
}
