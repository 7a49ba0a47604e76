//! Operator control of one process: the OCC protocol, its client and the task-side library.
