//! From text to meaning: templates, and the expressions in them.

pub mod expression;
pub mod template;
