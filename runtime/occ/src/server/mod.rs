//! The library with which a task is written. On its way.
