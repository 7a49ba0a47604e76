//! YAML documents with places: tokens made into a tree, with the scalar rules of the reference's
//! YAML library (reference `template-language.md` 2.1).
//!
//! What a scalar means depends on who reads it, so nodes keep the source text, and [`scalar`] answers questions.

mod error;
mod loader;
pub mod scalar;
mod scanner;

use std::sync::Arc;

pub use crate::limits::yaml as limit;
pub use error::LoadError;
pub use loader::load;

/// Where a node is: its text for a scalar (inside the quotes, or at the first line of a block), else its first sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Characters on that line; 0 if it goes on after it.
    pub length: u32,
}

/// One value of a document. Clones are cheap.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it is.
    pub place: Place,
    /// Its tag, if one is written: `!!str`, `!public`.
    pub tag: Option<Arc<str>>,
    /// It is written as an alias (`*x`) of another node; `content` is that node's.
    pub alias: bool,
    /// What it is.
    pub content: Content,
}

/// What a [`Node`] is.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Text that is not quoted; it may stand for a number, null and the like.
    Plain(Arc<str>),
    /// Text in quotes, or a block.
    Quoted(Arc<str>),
    /// A list.
    Sequence(Arc<[Node]>),
    /// A mapping, as written: repeated keys and merge keys included.
    Mapping(Arc<[(Node, Node)]>),
}

impl Node {
    /// The text of a scalar as written.
    pub fn source_text(&self) -> Option<&str> {
        match &self.content {
            Content::Plain(text) | Content::Quoted(text) => Some(text),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match self.content {
            Content::Plain(_) | Content::Quoted(_) => "text",
            Content::Sequence(_) => "a list",
            Content::Mapping(_) => "a mapping",
        }
    }

    /// It looks like `{{ x }}` without quotes, which YAML reads as a mapping in a mapping.
    pub fn is_bare_expression(&self) -> bool {
        match &self.content {
            Content::Mapping(entries) => match entries.as_ref() {
                [(key, value)] => matches!(key.content, Content::Mapping(_)) && scalar::is_null(value),
                _ => false,
            },
            _ => false,
        }
    }
}
