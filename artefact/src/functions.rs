//! The functions of the library: what `partita_stdlib` declares, done.
