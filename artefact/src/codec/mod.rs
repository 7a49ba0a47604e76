//! The artefact file: canonical bytes of an [`Artefact`] and back.
//!
//! The file begins with [`MAGIC`] and the format version, so that a file of another kind or of a newer format is told
//! apart before anything else is read. The rest is the message `proto/artefact/artefact.proto`. One artefact has one
//! encoding: its hash is its name. Bytes from outside are not trusted: sizes, depths and indices are checked.

mod decode;
mod encode;
mod node;

#[cfg(test)]
mod tests;

pub use crate::limits::file::{MAX_EXPRESSION_DEPTH, MAX_FILE, MAX_ROLE_DEPTH, MAX_TEXT};
pub use decode::decode;
pub use encode::encode;

use crate::ir::FORMAT;

/// First bytes of every artefact file. The first one is no text, so that nothing takes the file for text.
pub const MAGIC: [u8; 8] = *b"\x7fPARTITA";

/// Why an artefact cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// An expression nests too deep.
    #[error("the expression `{text}` nests more than {MAX_EXPRESSION_DEPTH} deep")]
    ExpressionDepth {
        /// The expression.
        text: String,
    },
    /// Role templates nest too deep.
    #[error("the roles of `{identity}` nest more than {MAX_ROLE_DEPTH} deep")]
    RoleDepth {
        /// Identity of the workflow template.
        identity: String,
    },
    /// Too large to be read again.
    #[error("the artefact is too large: {size} bytes, and {MAX_FILE} are allowed")]
    Size {
        /// Bytes.
        size: usize,
    },
}

/// Why bytes are no artefact that this build can use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Something else.
    #[error("this is not an artefact: it does not begin as one")]
    Foreign,
    /// Written by a newer build.
    #[error(
        "the artefact has format {found}, and this build reads formats up to {FORMAT}: use a newer build"
    )]
    TooNew {
        /// Format of the file.
        found: u32,
    },
    /// Too large.
    #[error("the file is too large: {size} bytes, and {MAX_FILE} are allowed")]
    Size {
        /// Bytes.
        size: usize,
    },
    /// Ends too early.
    #[error("the artefact is cut short: it ends within its first {} bytes", MAGIC.len() + 4)]
    Short,
    /// The message cannot be read.
    #[error("the artefact is damaged: {0}")]
    Damaged(#[from] prost::DecodeError),
    /// The message can be read but makes no sense.
    #[error("the artefact is damaged: {0}")]
    Invalid(&'static str),
}
