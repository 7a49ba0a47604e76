//! Names of artefacts, and digests of what is in them.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::behaviour;
use crate::ir::{Module, TaskClass};

/// A SHA-256. That of its file is the name of an artefact: `sha256sum` proves it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

/// Not the text of a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no SHA-256: 64 hexadecimal digits, with or without `sha256:` before them")]
pub struct DigestError(pub String);

impl Digest {
    /// The digest of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of these bytes, which are one.
    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// 64 hexadecimal digits.
    pub fn hex(&self) -> String {
        const DIGITS: [char; 16] = [
            '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
        ];
        let halves = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        halves.filter_map(|half| DIGITS.get(usize::from(half))).collect()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let error = || DigestError(text.to_owned());
        let hex = text.strip_prefix("sha256:").unwrap_or(text);
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        let mut digest = [0; 32];
        for (byte, place) in digest.iter_mut().zip((0..hex.len()).step_by(2)) {
            let digits = hex.get(place..place + 2).ok_or_else(error)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| error())?;
        }
        Ok(Self(digest))
    }
}

/// Digest of a workflow template alone: where and how it is written and in which revision does not count.
pub fn module(module: &Module) -> Digest {
    behaviour::module(module, "").digests.tree
}

/// Digest of a task template: where and how it is written and in which revision does not count.
pub fn class(class: &TaskClass) -> Digest {
    behaviour::class(class).digests.tree
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_sha256sum_does() {
        let empty = Digest::of(b"");
        assert_eq!(
            empty.to_string(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(empty.to_string().parse(), Ok(empty));
        assert_eq!(empty.hex().to_uppercase().parse(), Ok(empty));
        for bad in [
            "",
            "sha256:",
            "e3b0",
            &format!("{}0", empty.hex()),
            &"é".repeat(32),
        ] {
            assert_eq!(bad.parse::<Digest>(), Err(DigestError(bad.to_owned())));
        }
    }
}
