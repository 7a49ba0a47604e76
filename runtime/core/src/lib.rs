//! Environments, roles and tasks as state machines, and the shell that drives them.
