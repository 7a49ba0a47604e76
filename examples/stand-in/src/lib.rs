//! Stand-ins for the programs that workflows start, for examples and tests.
