//! What bounds the cost of sources, in one place: `docs/limits.md` lists it for people. What an artefact and its evaluation
//! may cost is in `partita_artefact::limits`.

/// One YAML document.
pub mod yaml {
    /// Nesting of lists and mappings.
    pub const DEPTH: usize = 200;

    /// Nodes after expansion of aliases.
    pub const NODES: u64 = 2_000_000;

    /// Bytes of text; also the limit of a source file.
    pub const BYTES: usize = 16 << 20;
}

/// One expression.
pub mod expression {
    /// Longest expression that is parsed, in bytes; the longest in production has under 3 kB.
    pub const MAX_LENGTH: usize = 64 * 1024;

    /// Deepest tree: of nested brackets, and of operators in a row, which nest to the left. The longest chain in
    /// production has 72 operands.
    pub const MAX_DEPTH: usize = 250;

    /// Most nodes in an expression (the reference's own limit).
    pub const MAX_NODES: usize = 10_000;

    /// Depth of brackets that the parser takes; each costs it several frames of the stack.
    pub const MAX_BRACKETS: usize = 64;
}

/// One repository.
pub mod source {
    /// Symbolic links followed for one path; a circle of links ends here.
    pub const LINKS: usize = 8;

    /// Folders below one another that are looked into; templates have at most two.
    pub const FOLDERS: usize = 16;
}

/// One workflow with all that it includes, without variables. What is beyond is not checked, as if a variable named it: a
/// tree of that size has an error of its own.
pub mod check {
    /// Roles, an iterator counting as one.
    pub const ROLES: usize = 100_000;

    /// Levels of roles; an included root is a level of its own here, so twice those of a tree.
    pub const DEPTH: usize = 2 * partita_artefact::limits::tree::MAX_DEPTH;
}

/// What is told.
pub mod findings {
    /// Findings that are told one by one; of the rest, the number is.
    pub const TOLD: usize = 1_000;

    /// Longest message, in characters: it may quote what was read.
    pub const MESSAGE: usize = 2_000;
}
