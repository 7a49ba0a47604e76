//! The `partita` command: everything a person or a script asks of Partita.
//!
//! This crate turns arguments into calls of the compiler and the runtime, and their answers into text. It must never
//! decide what a workflow means or what a state machine does. It is also the edge where the process environment, the
//! clock and the terminal are read; nothing below reads them.

mod check;
mod client;
mod compile;
mod completions;
mod connection;
mod core;
mod diff;
mod executor;
mod explain;
mod failure;
mod graph;
mod inputs;
mod journal;
mod log;
mod occ;
mod parameters;
mod run;
mod show;
mod stand_in;
mod store;
mod subject;
mod terminal;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Compiler and runtime for experiment control.
#[derive(Debug, Parser)]
#[command(
    name = "partita",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
#[command(after_help = "Example: partita run examples/flp/workflows/readout\n\n\
    Exit codes: 0 done, 1 the answer is no, 2 asked wrongly, 3 the surroundings failed.")]
struct Arguments {
    /// Folder in which artefacts are kept by hash
    #[arg(long, global = true, env = "PARTITA_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Compile(compile::Compile),
    Show(show::Show),
    Diff(diff::Diff),
    Log(log::Log),
    Explain(explain::Explain),
    Graph(graph::Graph),
    Run(run::Run),
    Core(core::Core),
    Env(client::env::Env),
    Task(client::task::Task),
    Role(client::role::Role),
    Repo(client::repo::Repo),
    Template(client::template::Template),
    Info(client::info::Info),
    Completions(completions::Completions),
    Journal(journal::Journal),
    #[command(subcommand)]
    Store(store::Store),
    Executor(executor::Executor),
    Occ(occ::Occ),
    #[command(hide = true)]
    StandIn(stand_in::StandIn),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let result = match arguments.command {
        Command::Check(command) => command.run(),
        Command::Compile(command) => command.run(arguments.store.as_deref()),
        Command::Show(command) => command.run(arguments.store.as_deref()),
        Command::Diff(command) => command.run(arguments.store.as_deref()),
        Command::Log(command) => command.run(),
        Command::Explain(command) => command.run(arguments.store.as_deref()),
        Command::Graph(command) => command.run(arguments.store.as_deref()),
        Command::Run(command) => command.run(arguments.store.as_deref()),
        Command::Core(command) => command.run(arguments.store.as_deref()),
        Command::Env(command) => command.run(),
        Command::Task(command) => command.run(),
        Command::Role(command) => command.run(),
        Command::Repo(command) => command.run(),
        Command::Template(command) => command.run(),
        Command::Info(command) => command.run(),
        Command::Completions(command) => command.run(),
        Command::Journal(command) => command.run(),
        Command::Store(command) => command.run(arguments.store.as_deref()),
        Command::Executor(command) => command.run(),
        Command::Occ(command) => command.run(),
        Command::StandIn(command) => return command.run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let text = failure.to_string();
            if !text.is_empty() {
                eprintln!("{} {text}", terminal::error_label());
            }
            failure.exit_code()
        }
    }
}
