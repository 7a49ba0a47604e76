//! Payloads of the configuration store as templates (`template-language.md` 9.4).
//!
//! The reference renders them with pongo2, a Django dialect. Nothing in Rust reads it: Jinja engines differ in filter
//! arguments (`default:"x"`), loops (`forloop.Counter`, `{% empty %}`), truth, comparison, escaping and the text of
//! floats. So this is the part of pongo2 that payloads use: `if`, `ifequal`, `for`, `set`, `with`, `include`, `firstof`,
//! `autoescape`, `comment`, `verbatim`, and the common filters. Other tags and filters are refused by name.
//!
//! It belongs to the evaluator and not to the compiler, because a payload is data of the store: a workflow learns only
//! while it is instantiated which one it needs.

mod filters;
mod lexer;
mod parser;
mod render;
#[cfg(test)]
mod tests;
mod tree;
mod value;

use std::fmt;

use crate::edition::Edition;
use crate::evaluate::{Variables, World};
use crate::limits::payload::{MAX_DEPTH, MAX_INCLUDE_DEPTH, MAX_INCLUDES, MAX_STEPS, MAX_TEXT};
use lexer::Place;

/// What a payload sees.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a dyn World,
    pub(crate) variables: &'a dyn Variables,
    pub(crate) edition: Edition,
}

/// The payload at `path` (`component/RUNTYPE/role/entry`), with its template done.
pub(crate) fn render(path: &str, scene: Scene<'_>) -> Result<String, Error> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let template = parser::Loader::new(scene.world, folder).load(path)?;
    if !scene.edition.payloads_are_plain_text() {
        check_names(scene.variables)?;
    }
    render::render(&template, scene, folder)
}

/// One variable with a name that no template can read spoils every payload.
fn check_names(variables: &dyn Variables) -> Result<(), Error> {
    let identifier = |name: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !name.is_empty() && name.bytes().all(plain)
    };
    let mut names = variables.names();
    names.sort_unstable();
    match names.iter().find(|name| !identifier(name.trim())) {
        None => Ok(()),
        Some(name) => {
            let value = variables.get(name).unwrap_or_default();
            let message = format!("context-key '{name}' (value: '{value}') is not a valid identifier");
            Err(Error::new("checkForValidIdentifiers", message))
        }
    }
}

/// Why a payload gives no text. It flows on as a value, so its form is that of pongo2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Error {
    sender: &'static str,
    file: String,
    place: Option<Place>,
    near: Option<String>,
    message: String,
}

impl Error {
    fn new(sender: &'static str, message: impl Into<String>) -> Self {
        Self {
            sender,
            file: String::new(),
            place: None,
            near: None,
            message: message.into(),
        }
    }

    fn of(mut self, file: &str) -> Self {
        if self.file.is_empty() {
            file.clone_into(&mut self.file);
        }
        self
    }

    fn at(mut self, place: Place) -> Self {
        self.place = self.place.or(Some(place));
        self
    }

    fn near(mut self, token: &str) -> Self {
        self.near = self.near.or_else(|| Some(token.to_owned()));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[Error (where: {})", self.sender)?;
        if !self.file.is_empty() {
            write!(f, " in {}", self.file)?;
        }
        if let Some(Place { line, column }) = self.place {
            write!(f, " | Line {line} Col {column}")?;
            if let Some(near) = &self.near {
                write!(f, " near '{near}'")?;
            }
        }
        write!(f, "] {}", self.message)
    }
}
