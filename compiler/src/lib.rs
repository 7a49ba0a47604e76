//! From workflow repositories to artefacts.
