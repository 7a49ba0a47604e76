//! Names of workflows and task templates: `[<repository>/<folder>/]<name>[@<revision>]`
//! (reference `template-language.md` 1.4 and 1.5).

/// The folders that hold templates, and how a name in them becomes a path.
pub const ROOTS: [&str; 2] = ["workflows", "tasks"];

/// Where a workflow or task template is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Identifier of the repository; `None`: the default one.
    pub repository: Option<String>,
    /// `workflows`, `tasks` or `jit`.
    pub folder: &'static str,
    /// Name below that folder, without `.yaml`.
    pub name: String,
    /// Revision; `None`: the default one.
    pub revision: Option<String>,
}

/// Why a name is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// Nothing left after repository and revision.
    #[error("`{0}` names no file")]
    Empty(String),
    /// More than one `@`.
    #[error("`{0}` has more than one revision")]
    Revisions(String),
    /// More than one `/workflows/`.
    #[error("`{text}` has more than one `/{folder}/`")]
    Folders {
        /// The name.
        text: String,
        /// Which folder.
        folder: &'static str,
    },
}

impl Location {
    /// Parses a name of something in `folder`.
    pub fn parse(text: &str, folder: &'static str) -> Result<Self, LocationError> {
        let (rest, revision) = match text.split_once('@') {
            Some((_, revision)) if revision.contains('@') => {
                return Err(LocationError::Revisions(text.to_owned()));
            }
            Some((rest, revision)) => (rest, (!revision.is_empty()).then(|| revision.to_owned())),
            None => (text, None),
        };
        let separator = format!("/{folder}/");
        let bare = format!("{folder}/");
        let (repository, name) = match rest.split_once(&separator) {
            Some((_, name)) if name.contains(&separator) => {
                return Err(LocationError::Folders {
                    text: text.to_owned(),
                    folder,
                });
            }
            Some((repository, name)) => (Some(repository.to_owned()), name),
            None => (None, rest.strip_prefix(&bare).unwrap_or(rest)),
        };
        if name.is_empty() {
            return Err(LocationError::Empty(text.to_owned()));
        }
        Ok(Self {
            repository,
            folder,
            name: name.to_owned(),
            revision,
        })
    }

    /// Path of the file in its repository.
    pub fn path(&self) -> String {
        // The name of a workflow may be given with its extension, that of a task template may not (1.4, 1.6).
        let name = match self.folder {
            "workflows" => self.name.strip_suffix(".yaml").unwrap_or(&self.name),
            _ => &self.name,
        };
        match self.folder {
            "jit" => format!("jit/{name}"),
            folder => format!("{folder}/{name}.yaml"),
        }
    }
}
