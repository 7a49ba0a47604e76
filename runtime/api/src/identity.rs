//! What is an identity of an environment: at most 11 characters in base 58, which stand for 64 bits (`wire.md` 2.2).

use tonic::Status;

const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Refuses what cannot be one, in the words that clients of the reference know.
///
/// # Errors
///
/// `INVALID_ARGUMENT`.
pub(crate) fn identity(text: &str) -> Result<&str, Status> {
    if text.is_empty() {
        return Err(Status::invalid_argument(
            "received nil request: give the id of an environment",
        ));
    }
    let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte);
    let value = text.bytes().try_fold(0_u64, |value, byte| {
        let digit = u64::try_from(digit(byte)?).ok()?;
        value.checked_mul(58)?.checked_add(digit)
    });
    match value {
        Some(_) if text.len() <= 11 => Ok(text),
        _ => Err(Status::invalid_argument(format!(
            "received bad environment id: `{}`",
            text.chars().take(40).collect::<String>()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_decodes_is_one() {
        for good in ["2gXqYtVb6Ma", "jpXCZedGfVQ", "1"] {
            assert!(identity(good).is_ok(), "{good}");
        }
        for bad in ["", "no id!", "0", "zzzzzzzzzzz", "111111111111", "ä"] {
            assert!(identity(bad).is_err(), "{bad}");
        }
    }
}
