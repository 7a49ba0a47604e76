//! `partita store`, and how every command finds the artefact it is asked for.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use etcetera::BaseStrategy;
use partita_artefact::digest::Digest;
use partita_artefact::ir::Artefact;
pub(crate) use partita_artefact::store::SHORTEST_PREFIX;
use partita_artefact::store::{self, StoreError};

use crate::failure::Failure;

/// Look after the artefacts that are kept here.
#[derive(Debug, Subcommand)]
#[command(after_help = "Example: partita store verify")]
pub(crate) enum Store {
    /// List every artefact with the names that lead to it
    Ls,
    /// Check that every artefact is what its hash says
    Verify,
}

impl Store {
    pub(crate) fn run(self, folder: Option<&Path>) -> Result<(), Failure> {
        let store = open(folder)?;
        match self {
            Self::Ls => list(&store),
            Self::Verify => verify(&store),
        }
    }
}

fn list(store: &store::Store) -> Result<(), Failure> {
    let names = store.names()?;
    for digest in store.list()? {
        let of_this: Vec<&str> = names
            .iter()
            .filter(|(_, named)| *named == digest)
            .map(|(name, _)| name.as_str())
            .collect();
        println!("{}", format!("{digest}  {}", of_this.join(", ")).trim_end());
    }
    Ok(())
}

fn verify(store: &store::Store) -> Result<(), Failure> {
    let digests = store.list()?;
    let damaged: Vec<String> = digests
        .iter()
        .filter_map(|digest| store.load(digest).err())
        .map(|error| error.to_string())
        .collect();
    if damaged.is_empty() {
        println!("{} artefacts, all sound", digests.len());
        return Ok(());
    }
    Err(Failure::No(damaged.join("\n")))
}

/// The store that is asked for, or the one of this user.
pub(crate) fn open(folder: Option<&Path>) -> Result<store::Store, Failure> {
    let folder = match folder {
        Some(folder) => folder.to_owned(),
        None => data_folder()?.join("store"),
    };
    Ok(store::Store::open(&folder)?)
}

/// Where this user's data is kept (<https://specifications.freedesktop.org/basedir-spec>).
pub(crate) fn data_folder() -> Result<PathBuf, Failure> {
    let strategy = etcetera::choose_base_strategy().map_err(|error| {
        Failure::Surroundings(format!("no home folder: {error}; give --store and --state"))
    })?;
    Ok(strategy.data_dir().join("partita"))
}

/// An artefact by what a person calls it: a file, a hash, the beginning of one, or a name in the store.
pub(crate) fn find(folder: Option<&Path>, wanted: &str) -> Result<(Digest, Artefact), Failure> {
    let file = Path::new(wanted);
    if file.is_file() {
        return Ok(store::read_file(file)?);
    }
    Ok(open(folder)?.get(wanted)?)
}

/// The bytes of an artefact file, which have been found sound.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    store::read_file(path)?;
    std::fs::read(path)
        .map_err(|error| Failure::Surroundings(format!("cannot read {}: {error}", path.display())))
}

/// Whether the text can be nothing but a hash, or the beginning of one.
pub(crate) fn is_hash(text: &str) -> bool {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    digits.len() >= SHORTEST_PREFIX && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether the text names an artefact: a file, a hash, or a name that the store knows.
pub(crate) fn names_an_artefact(folder: Option<&Path>, text: &str) -> bool {
    Path::new(text).is_file() || is_hash(text) || open(folder).is_ok_and(|store| store.find(text).is_ok())
}

impl From<StoreError> for Failure {
    /// A file that cannot be used is the surroundings' fault; what is not there, or damaged, is an answer.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Io { .. } => Self::Surroundings(error.to_string()),
            _ => Self::No(error.to_string()),
        }
    }
}
