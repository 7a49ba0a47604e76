//! Every kind of finding, in one table. To add one: write its line here and its page in `docs/codes/`, whose example
//! is its test.

use super::Level;

/// Makes [`Code`] and what is known about each of its values, from one line each.
macro_rules! codes {
    ($($name:ident $text:literal $level:ident $summary:literal;)*) => {
        /// What kind of finding it is; each kind has one page of documentation, named like its code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $summary] $name,)*
        }

        impl Code {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable text of the code, as documented and as accepted by tools.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// How bad a finding of this kind is where nobody says otherwise.
            pub fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }

            /// What it is, in one line.
            pub fn summary(self) -> &'static str {
                match self { $(Self::$name => $summary,)* }
            }

            /// Its page of documentation, in Markdown.
            pub fn page(self) -> &'static str {
                match self { $(Self::$name => include_str!(concat!("../../../docs/codes/", $text, ".md")),)* }
            }
        }
    };
}

codes! {
    // Name            text                  level    summary

    // Files.
    Source             "source"              Error    "a file or a repository that cannot be read";
    NotFound           "not-found"           Error    "a workflow, task template or repository that does not exist";
    NameMismatch       "name-mismatch"       Error    "a file whose `name` differs from the name of the file";
    RecursiveInclude   "recursive-include"   Error    "a workflow that includes itself";
    Settings           "settings"            Error    "`partita.toml` says what it cannot mean";

    // Shape of a file.
    YamlSyntax         "yaml-syntax"         Error    "the text is not YAML";
    YamlLimit          "yaml-limit"          Error    "a document that is too large, too deep, or expands to too much";
    DuplicateKey       "duplicate-key"       Error    "a key that stands twice in one mapping";
    UnknownKey         "unknown-key"         Warning  "a key that nothing reads";
    WrongType          "wrong-type"          Error    "a value of the wrong shape: a list where text is expected, and the like";
    InvalidValue       "invalid-value"       Error    "a value of the right shape that is not one of those allowed";
    InvalidRole        "invalid-role"        Error    "an element of `roles` that is no role, or more than one";
    NoEffect           "no-effect"           Warning  "a setting that is written where it has no effect";

    // Variables and expressions.
    DroppedVariable    "dropped-variable"    Warning  "a variable that is not defined, because its value has a shape that is dropped";
    ExpressionSyntax   "expression-syntax"   Error    "`{{ … }}` that cannot be parsed";
    UnusedVariable     "unused-variable"     Warning  "a variable that nothing reads";
    ShadowedVariable   "shadowed-variable"   Warning  "a variable that another one always beats";
    HiddenFunction     "hidden-function"     Warning  "a variable that hides a function that is called";
    ReadTooEarly       "read-too-early"      Warning  "a variable that is read where its definition is not seen yet";
    InvalidExpression  "invalid-expression"  Error    "an expression that fails whatever the variables are";
    MisleadingExpression "misleading-expression" Warning "an expression that hardly gives what is meant";
    DeprecatedFunction "deprecated-function" Warning  "a function that is called by its old name";
    Expression         "expression"          Error    "an expression that was reached and failed";
    SurprisingText     "surprising-text"     Warning  "a text that an expression makes and hardly anybody means: `<nil>`, `1e+06`, that of an error";
    HiddenName         "hidden-name"         Warning  "a variable that no expression can read, because the library has its name";
    ClassVariable      "class-variable"      Warning  "a variable of a task template that does not mean what it seems to";
    Unpinned           "unpinned"            Error    "a DPL command that was reached and whose result is not pinned";
    UndefinedVariable  "undefined-variable"  Error    "a variable that nothing defines and that was not given";

    // Roles.
    IteratorEnabled    "iterator-enabled"    Warning  "`enabled` of an iterator that removes all its roles";
    IteratorVariable   "iterator-variable"   Warning  "a user variable that has the name of an iterator's variable";
    NeverFires         "never-fires"         Warning  "a trigger that never fires";
    EmptyTrigger       "empty-trigger"       Warning  "a trigger that may turn out empty, and leaves its time-out behind";
    EmptyIterator      "empty-iterator"      Warning  "an iterator without roles, which keeps the role around it";
    DuplicatePath      "duplicate-path"      Warning  "two roles with one path";
    Instantiate        "instantiate"         Error    "the role tree cannot be made";
    IgnoredConstraint  "ignored-constraint"  Warning  "a constraint that `AliECS` does not look at, because another comes after it";
    ConstraintConflict "constraint-conflict" Error    "two constraints of one role on one attribute";

    // Channels.
    DanglingChannel    "dangling-channel"    Error    "a channel that connects to what nothing binds";
    ChannelClash       "channel-clash"       Error    "two channels bound under one name";
    ChannelDirection   "channel-direction"   Error    "a channel of a type that does not go with the one it connects to";
    IpcAcrossHosts     "ipc-across-hosts"    Error    "an ipc channel between two hosts";
    DuplicateChannel   "duplicate-channel"   Warning  "two channels of one role with one name";

    LostSetting        "lost-setting"        Warning  "a setting of a channel that is lost, because a nearer channel of its name counts as a whole";

    // Commands.
    EmptyStartTime     "empty-start-time"    Warning  "a start time that is pushed to tasks although it is empty";
    ShellQuoting       "shell-quoting"       Off      "a shell command that breaks, or does something else, where a variable holds a quote";
}

impl Code {
    /// The code with that text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text)
    }
}
