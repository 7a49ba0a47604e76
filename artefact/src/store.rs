//! A folder of artefacts, each under its hash, and names that lead to hashes.
//!
//! ```text
//! <folder>/objects/<64 hexadecimal digits>
//! <folder>/names/<name, escaped>            one line: sha256:<64 hexadecimal digits>
//! ```
//!
//! Several processes may share it: a file appears whole or not at all, and an object never changes.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::codec::{self, DecodeError, EncodeError, MAX_FILE};
use crate::digest::Digest;
use crate::ir::Artefact;

/// Fewest digits that may stand for a whole hash.
pub const SHORTEST_PREFIX: usize = 4;

/// A folder of artefacts.
#[derive(Debug, Clone)]
pub struct Store {
    objects: PathBuf,
    names: PathBuf,
}

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or a file cannot be used.
    #[error("cannot {action} {}: {error}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
    /// Nothing with such a hash or name.
    #[error("no artefact `{0}` in the store")]
    Unknown(String),
    /// Too few digits, or no digits.
    #[error("`{0}` is neither a known name nor a hash: give at least {SHORTEST_PREFIX} hexadecimal digits")]
    NoHash(String),
    /// Several hashes begin like that.
    #[error("`{prefix}` is ambiguous: {}", list(candidates))]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// What it may mean.
        candidates: Vec<Digest>,
    },
    /// The content is not what its name says.
    #[error(
        "{} is damaged: its content has the hash {found}, not {wanted}; delete it and compile or copy it again",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its name.
        wanted: Digest,
        /// What it holds.
        found: Digest,
    },
    /// The content is no artefact for this build.
    #[error("{}: {error}", path.display())]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
        error: DecodeError,
    },
    /// The artefact cannot be written.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Store {
    /// The store in a folder, which is made if it is not there.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let store = Self {
            objects: folder.join("objects"),
            names: folder.join("names"),
        };
        for folder in [&store.objects, &store.names] {
            fs::create_dir_all(folder).map_err(io_error("create", folder))?;
        }
        Ok(store)
    }

    /// Puts an artefact in. To put it in again changes nothing.
    pub fn put(&self, artefact: &Artefact) -> Result<Digest, StoreError> {
        self.put_bytes(&codec::encode(artefact)?)
    }

    /// Puts the file of an artefact in.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let digest = Digest::of(bytes);
        let path = self.object(&digest);
        // A damaged file of that name is replaced by the good one.
        if read(&path).is_ok_and(|there| there == bytes) {
            return Ok(digest);
        }
        write(&self.objects, &path, bytes)?;
        Ok(digest)
    }

    /// The artefact of a hash, a unique prefix of one, or a name, after its hash is verified.
    pub fn get(&self, wanted: &str) -> Result<(Digest, Artefact), StoreError> {
        let digest = self.find(wanted)?;
        Ok((digest, self.load(&digest)?))
    }

    /// The artefact of a hash, verified.
    pub fn load(&self, digest: &Digest) -> Result<Artefact, StoreError> {
        let path = self.object(digest);
        let bytes = match read(&path) {
            Err(StoreError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Unknown(digest.to_string()));
            }
            bytes => bytes?,
        };
        let found = Digest::of(&bytes);
        if found != *digest {
            // What it is says more than that it is wrong: a foreign or shortened file is told as such.
            return match codec::decode(&bytes) {
                Err(error @ (DecodeError::Foreign | DecodeError::Short | DecodeError::TooNew { .. })) => {
                    Err(StoreError::Decode { path, error })
                }
                _ => Err(StoreError::Damaged {
                    path,
                    wanted: *digest,
                    found,
                }),
            };
        }
        codec::decode(&bytes).map_err(|error| StoreError::Decode { path, error })
    }

    /// The hash that a hash, a unique prefix of one, or a name means.
    pub fn find(&self, wanted: &str) -> Result<Digest, StoreError> {
        if let Some(digest) = self.named(wanted)? {
            return Ok(digest);
        }
        let prefix = wanted.strip_prefix("sha256:").unwrap_or(wanted).to_lowercase();
        if let Ok(digest) = prefix.parse() {
            return Ok(digest);
        }
        if prefix.len() < SHORTEST_PREFIX || !prefix.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(StoreError::NoHash(wanted.to_owned()));
        }
        let mut candidates = self.list()?;
        candidates.retain(|digest| digest.hex().starts_with(&prefix));
        match candidates.as_slice() {
            [] => Err(StoreError::Unknown(wanted.to_owned())),
            [digest] => Ok(*digest),
            _ => Err(StoreError::Ambiguous { prefix, candidates }),
        }
    }

    /// All hashes, sorted.
    pub fn list(&self) -> Result<Vec<Digest>, StoreError> {
        let names = files(&self.objects)?;
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Lets a name, such as `host/repo/workflows/readout@main`, lead to a hash from now on.
    pub fn set_name(&self, name: &str, digest: &Digest) -> Result<(), StoreError> {
        write(
            &self.names,
            &self.names.join(escape(name)),
            format!("{digest}\n").as_bytes(),
        )
    }

    /// The hash to which a name leads.
    pub fn named(&self, name: &str) -> Result<Option<Digest>, StoreError> {
        let path = self.names.join(escape(name));
        match fs::read_to_string(&path) {
            Ok(text) => match text.trim().parse() {
                Ok(digest) => Ok(Some(digest)),
                Err(error) => Err(io_error("understand", &path)(io::Error::other(error))),
            },
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidFilename
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(io_error("read", &path)(error)),
        }
    }

    /// All names and the hashes to which they lead, sorted by name.
    pub fn names(&self) -> Result<Vec<(String, Digest)>, StoreError> {
        let mut names = Vec::new();
        for file in files(&self.names)? {
            let Some(name) = unescape(&file) else { continue };
            if let Some(digest) = self.named(&name)? {
                names.push((name, digest));
            }
        }
        names.sort();
        Ok(names)
    }

    /// Where the file of a hash is, or would be.
    pub fn object(&self, digest: &Digest) -> PathBuf {
        self.objects.join(digest.hex())
    }
}

/// Names of the files of a folder, sorted.
fn files(folder: &Path) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(io_error("read", folder))? {
        let entry = entry.map_err(io_error("read", folder))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// Reads an artefact from a file of any name, and tells its hash.
pub fn read_file(path: &Path) -> Result<(Digest, Artefact), StoreError> {
    let bytes = read(path)?;
    let artefact = codec::decode(&bytes).map_err(|error| StoreError::Decode {
        path: path.to_owned(),
        error,
    })?;
    Ok((Digest::of(&bytes), artefact))
}

/// Reads a file, but not without end.
fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    let file = File::open(path).map_err(io_error("open", path))?;
    let mut bytes = Vec::new();
    let allowed = MAX_FILE as u64 + 1;
    file.take(allowed)
        .read_to_end(&mut bytes)
        .map_err(io_error("read", path))?;
    Ok(bytes)
}

/// Writes a file so that it is there whole or not at all, also after a crash.
fn write(folder: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)
        .map_err(io_error("write in", folder))?;
    file.write_all(bytes).map_err(io_error("write", path))?;
    file.as_file().sync_all().map_err(io_error("write", path))?;
    file.persist(path)
        .map_err(|error| io_error("write", path)(error.error))?;
    // The rename itself must survive too.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error("write in", folder))
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    move |error| StoreError::Io {
        action,
        path: path.to_owned(),
        error,
    }
}

/// A name as a file name: everything but letters, digits and `-._@` in hexadecimal after `%`, also a leading dot.
fn escape(name: &str) -> String {
    let mut escaped = String::new();
    for (place, byte) in name.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || b"-_@".contains(&byte) || (byte == b'.' && place > 0);
        if plain {
            escaped.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "%{byte:02x}");
        }
    }
    escaped
}

fn unescape(file: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = file.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else if byte == b'.' && bytes.is_empty() {
            return None;
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

fn list(candidates: &[Digest]) -> String {
    candidates.iter().map(Digest::hex).collect::<Vec<_>>().join(", ")
}
