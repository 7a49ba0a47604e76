//! The services a workflow calls while it runs, behind one trait.
