//! The PEG grammars of Partita's little languages, one file a language.
