//! The PEG grammars of Partita's little languages, one file a language.
//!
//! Only recognition lives here; the compiler turns pairs into meaning. This crate must never know what an
//! artefact is, nor be seen by the runtime.

#[allow(
    missing_docs,
    reason = "the rules are generated, and documented in the grammar"
)]
/// Expressions between `{{` and `}}` (`expression.pest`).
pub mod expression {
    /// Recognises expressions; the start rule is [`Rule::expression`].
    #[derive(pest_derive::Parser)]
    #[grammar = "../expression.pest"]
    pub struct ExpressionParser;
}
