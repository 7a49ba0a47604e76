//! What bounds the cost of input from outside, in one place: `docs/limits.md` lists it for people, the limits of the
//! compiler are in its own `limits`. Each is far above anything in use, and keeps what is hostile or mistaken from costing
//! much: whatever is above ends in an error that names the limit.

/// One evaluation of an expression, and of the text around it.
pub mod evaluation {
    /// Deepest expression that is walked; the parser refuses deeper ones, an artefact from elsewhere might hold one.
    pub const MAX_DEPTH: usize = 600;

    /// Most nodes that one evaluation visits, predicates in loops included.
    pub const MAX_STEPS: usize = 2_000_000;

    /// Longest list that an expression makes (the reference's memory budget).
    pub const MAX_LIST: i64 = 1_000_000;

    /// Longest text that an expression or the field around it makes, in bytes.
    pub const MAX_TEXT: usize = 16 << 20;

    /// Deepest JSON that is read, and deepest value that is written: both walk it on the stack of a thread.
    pub const MAX_JSON_DEPTH: usize = 200;

    /// Deepest list of lists that an expression makes: `reduce` could put a list into a list a million times.
    pub const MAX_VALUE_DEPTH: usize = 200;

    /// Most comparisons of one `uniq`: it compares each element with all that it keeps.
    pub const MAX_COMPARISONS: usize = 20_000_000;

    /// Largest compiled regular expression, bytes: counted repetitions within each other multiply.
    pub const MAX_PATTERN: usize = 1 << 20;

    /// Texts that come into being while another such text is evaluated: a payload that gets a payload, a DPL command that
    /// generates from one. Each costs a whole evaluation on the stack; in production one is within one other.
    pub const MAX_WITHIN: usize = 8;

    /// Longest message of an error, in characters: it may quote values, and those may have any length.
    pub const MAX_MESSAGE: usize = 1_000;
}

/// One payload of the configuration store.
pub mod payload {
    /// Includes in one payload, all told: they are read while it is parsed, even in branches that are not taken.
    pub const MAX_INCLUDES: usize = 1_000;

    /// Includes within includes.
    pub const MAX_INCLUDE_DEPTH: usize = 16;

    /// Tags within tags, and brackets within brackets.
    pub const MAX_DEPTH: usize = 40;

    /// Nodes and operators that one rendering visits, those in loops each time.
    pub const MAX_STEPS: usize = 2_000_000;

    /// Longest text, in bytes.
    pub const MAX_TEXT: usize = 16 << 20;
}

/// The file of an artefact.
pub mod file {
    /// Largest file that is read or written, bytes. The production repository's largest workflow needs about 1 % of it.
    pub const MAX_FILE: usize = 64 << 20;

    /// Most text that an artefact may hold once its table of texts is spread over it, bytes.
    pub const MAX_TEXT: usize = 256 << 20;

    /// Deepest expression, nodes from the root to a leaf. Evaluation and `Drop` walk it on the stack of a thread.
    pub const MAX_EXPRESSION_DEPTH: usize = 256;

    /// Deepest tree of role templates in one file.
    pub const MAX_ROLE_DEPTH: usize = 128;
}

/// One role tree. The largest known has 8 levels and 8,000 roles; 100,000 tasks on 1,000 hosts are promised.
pub mod tree {
    /// Levels of roles, the root being the first; well within the stack of a thread.
    pub const MAX_DEPTH: usize = 100;

    /// Includes within includes.
    pub const MAX_INCLUDES: usize = 32;

    /// Roles in all, counting those that turn out disabled. Each costs about two kilobytes.
    pub const MAX_ROLES: usize = 250_000;

    /// Bytes of names, paths and values in all, those that a role inherits counted with it. The tree of 100,000 tasks has
    /// a fifth of it.
    pub const MAX_TEXT: usize = 512 << 20;

    /// Different errors that are told one by one; of the rest, the number is.
    pub const MAX_ERRORS: usize = 1_000;
}
