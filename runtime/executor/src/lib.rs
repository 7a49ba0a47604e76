//! One executor a host: starts, supervises, steers and ends its tasks.
