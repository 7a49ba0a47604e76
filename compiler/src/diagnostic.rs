//! What the compiler tells people: one type for every finding, and the texts that findings point into.

use partita_artefact::ir::{Source, Span};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// No artefact can be made.
    Error,
    /// An artefact can be made, but probably not the one that was meant.
    Warning,
}

/// What kind of finding it is; each kind has one page of documentation, named like its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// The text is not YAML.
    YamlSyntax,
    /// A document is too large, too deep, or expands to too much.
    YamlLimit,
    /// A key stands twice in one mapping.
    DuplicateKey,
    /// A key that nothing reads.
    UnknownKey,
    /// A value has the wrong shape: a list where text is expected, and the like.
    WrongType,
    /// A value has the right shape but is not one of those allowed.
    InvalidValue,
    /// An element of `roles` is no role, or more than one.
    InvalidRole,
    /// A variable that is written but not defined, because its value has a shape that is dropped.
    DroppedVariable,
    /// A setting that is written where it has no effect.
    NoEffect,
    /// A trigger that never fires.
    NeverFires,
    /// `enabled` of an iterator that removes all its roles.
    IteratorEnabled,
    /// `{{ … }}` that cannot be parsed.
    ExpressionSyntax,
    /// An expression that was reached and failed.
    Expression,
    /// A variable that nothing defines and that was not given.
    UndefinedVariable,
    /// A workflow, task template or repository that does not exist.
    NotFound,
    /// A file whose `name` differs from the name of the file.
    NameMismatch,
    /// A workflow that includes itself.
    RecursiveInclude,
    /// Two roles with one path.
    DuplicatePath,
    /// Channels that do not fit together.
    Channel,
    /// The role tree cannot be made.
    Instantiate,
    /// A file or a repository that cannot be read.
    Source,
}

impl Code {
    /// The stable text of the code, as documented and as accepted by tools.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::YamlSyntax => "yaml-syntax",
            Self::YamlLimit => "yaml-limit",
            Self::DuplicateKey => "duplicate-key",
            Self::UnknownKey => "unknown-key",
            Self::WrongType => "wrong-type",
            Self::InvalidValue => "invalid-value",
            Self::InvalidRole => "invalid-role",
            Self::DroppedVariable => "dropped-variable",
            Self::NoEffect => "no-effect",
            Self::NeverFires => "never-fires",
            Self::IteratorEnabled => "iterator-enabled",
            Self::ExpressionSyntax => "expression-syntax",
            Self::Expression => "expression",
            Self::UndefinedVariable => "undefined-variable",
            Self::NotFound => "not-found",
            Self::NameMismatch => "name-mismatch",
            Self::RecursiveInclude => "recursive-include",
            Self::DuplicatePath => "duplicate-path",
            Self::Channel => "channel",
            Self::Instantiate => "instantiate",
            Self::Source => "source",
        }
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
    /// A finding that prevents an artefact.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(Level::Error, code, message.into())
    }

    /// A finding that does not.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, message.into())
    }

    fn new(level: Level, code: Code, message: String) -> Self {
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
