//! What the compiler tells people: one type for every finding, and the texts that findings point into.

mod code;
mod place;

use partita_artefact::ir::{Source, Span};

use crate::limits::findings::MESSAGE;

pub use code::Code;
pub(crate) use place::Lines;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No artefact can be made.
    Error,
    /// An artefact can be made, but probably not the one that was meant.
    Warning,
    /// It is not told.
    Off,
}

impl Level {
    /// Its name, as written and read by people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Off => "off",
        }
    }

    /// The level of that name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Error, Self::Warning, Self::Off]
            .into_iter()
            .find(|level| level.as_str() == text)
    }
}

/// A place in a source, and what to say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where it begins.
    pub span: Span,
    /// How many characters it covers on its line; 0: the word that begins there.
    pub length: u32,
    /// What to write beside it; may be empty.
    pub message: String,
}

impl Label {
    /// Points at the word that begins at `span`.
    pub fn at(span: Span) -> Self {
        Self {
            span,
            length: 0,
            message: String::new(),
        }
    }

    /// Says `message` beside it.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its kind.
    pub code: Code,
    /// How bad it is.
    pub level: Level,
    /// One terse sentence, without a full stop.
    pub message: String,
    /// Where it is.
    pub primary: Option<Label>,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// A finding as bad as its kind is by default.
    pub fn of(code: Code, message: impl Into<String>) -> Self {
        Self::new(code.level(), code, message.into())
    }

    /// A finding that prevents an artefact.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, message.into())
    }

    /// A finding that does not.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, message.into())
    }

    fn new(level: Level, code: Code, mut message: String) -> Self {
        if let Some((end, _)) = message.char_indices().nth(MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        Self {
            code,
            level,
            message,
            primary: None,
            secondary: Vec::new(),
            hint: None,
        }
    }

    /// With the place it is about.
    #[must_use]
    pub fn at(mut self, label: Label) -> Self {
        self.primary = Some(label);
        self
    }

    /// With another place that explains it.
    #[must_use]
    pub fn and(mut self, label: Label) -> Self {
        self.secondary.push(label);
        self
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, as one that prevents an artefact.
    #[must_use]
    pub fn as_error(mut self) -> Self {
        self.level = Level::Error;
        self
    }

    /// The same, as one that does not.
    #[must_use]
    pub fn as_warning(mut self) -> Self {
        self.level = Level::Warning;
        self
    }

    /// Whether it prevents an artefact.
    pub fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// Every place it points at.
    pub fn labels_mut(&mut self) -> impl Iterator<Item = &mut Label> {
        self.primary.iter_mut().chain(&mut self.secondary)
    }
}

/// One file with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceText {
    /// Where it came from.
    pub source: Source,
    /// What it says.
    pub text: String,
}

/// The texts of all files read; the index of a file is [`Span::source`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceMap {
    files: Vec<SourceText>,
}

impl SourceMap {
    /// Adds a file and gives its index.
    pub fn add(&mut self, source: Source, text: String) -> u32 {
        self.files.push(SourceText { source, text });
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// The file of that index.
    pub fn get(&self, index: u32) -> Option<&SourceText> {
        self.files.get(usize::try_from(index).ok()?)
    }

    /// All files, in order of their index.
    pub fn iter(&self) -> impl Iterator<Item = &SourceText> {
        self.files.iter()
    }

    /// Puts the files in the order of repository, path and revision. The result maps each old index to the new one.
    pub fn sort(&mut self) -> Vec<u32> {
        let key = |file: &SourceText| {
            (
                file.source.repository.clone(),
                file.source.path.clone(),
                file.source.revision.clone(),
            )
        };
        let mut order: Vec<(usize, SourceText)> =
            std::mem::take(&mut self.files).into_iter().enumerate().collect();
        order.sort_by_key(|(_, file)| key(file));
        let mut new = vec![0; order.len()];
        for (position, (old, _)) in order.iter().enumerate() {
            if let Some(slot) = new.get_mut(*old) {
                *slot = u32::try_from(position).unwrap_or(u32::MAX);
            }
        }
        self.files = order.into_iter().map(|(_, file)| file).collect();
        new
    }
}
