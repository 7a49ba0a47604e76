//! Identities that nobody else has: short texts in base 58, as the reference has them (`runtime.md` 4.4).

use std::fs::File;
use std::io::{self, Read};

const DIGITS: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Length of an identity: what 64 random bits need.
const LENGTH: usize = 11;

/// A source of identities.
#[derive(Debug)]
pub(crate) struct Identities {
    source: File,
}

impl Identities {
    /// Identities from the randomness of the system.
    pub(crate) fn open() -> io::Result<Self> {
        let source = File::open("/dev/urandom")?;
        Ok(Self { source })
    }

    /// A new one, of 11 characters.
    pub(crate) fn new_id(&self) -> io::Result<String> {
        let mut bytes = [0; 8];
        (&self.source).read_exact(&mut bytes)?;
        Ok(base58(u64::from_le_bytes(bytes)))
    }

    /// A secret, of 33 characters.
    pub(crate) fn secret(&self) -> io::Result<String> {
        Ok([self.new_id()?, self.new_id()?, self.new_id()?].concat())
    }
}

fn base58(mut number: u64) -> String {
    let mut text = [0; LENGTH];
    for digit in text.iter_mut().rev() {
        let rest = usize::try_from(number % 58).unwrap_or_default();
        *digit = DIGITS.get(rest).copied().unwrap_or_default();
        number /= 58;
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_base_58() {
        assert_eq!(base58(0), "11111111111");
        assert_eq!(base58(58), "11111111121");
        assert_eq!(base58(u64::MAX), "jpXCZedGfVQ");
        let identities = Identities::open().expect("randomness");
        assert_ne!(
            identities.new_id().expect("one"),
            identities.new_id().expect("another")
        );
    }
}
