//! What this control system adds to what the tasks themselves cost: the core, a local cluster of one host and real
//! processes, beside `floor`, which starts and drives the same processes with no control system at all.
//!
//! `cargo bench -p partita --bench control -- [COUNT…]`. Tables on standard output, times in milliseconds: the medians
//! of some rounds after one to warm up. Nothing is asserted, since times belong to the machine; whether a budget (those
//! of the design, for the local cluster) holds is printed. `floor` and the light task are peers that are built elsewhere.

#![allow(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and is an edge"
)]

mod processes;
mod tables;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use partita_artefact::codec;
use partita_artefact::evaluate::Snapshot as World;
use partita_artefact::instantiate::instantiate;
use partita_artefact::ir::{Artefact, Layers};
use partita_compiler::compile::{Request, compile};
use partita_compiler::render;
use partita_compiler::source::Repositories;
use partita_core::core::{Config, Core, User, Wanted};
use partita_core::environment::{DestroyOptions, Transition};
use partita_services::Registry;

use processes::{executor_of, floor, load, peer, resident_kib};
use tables::{Round, medians, table};

type Failed = Box<dyn Error>;

/// Rounds that count, after the one that does not; as many as `floor` makes.
const ROUNDS: usize = 5;
/// How many tasks, where the command line does not say.
const COUNTS: [usize; 4] = [1, 10, 50, 200];
/// With how many tasks the executor is weighed.
const WEIGHED: usize = 40;

/// What every task of an environment runs.
struct Program {
    name: &'static str,
    path: PathBuf,
    arguments: &'static [&'static str],
}

impl Program {
    /// One program and its arguments as one word, for `floor`, which starts programs without arguments.
    fn alone(&self, folder: &Path) -> Result<PathBuf, Failed> {
        use std::os::unix::fs::PermissionsExt as _;
        if self.arguments.is_empty() {
            return Ok(self.path.clone());
        }
        let script = folder.join(self.name.replace(' ', "-"));
        let text = format!(
            "#!/bin/sh\nexec {} {}\n",
            self.path.display(),
            self.arguments.join(" ")
        );
        std::fs::write(&script, text)?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
        Ok(script)
    }
}

fn main() -> Result<(), Failed> {
    let counts: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|word| word.parse().ok())
        .collect();
    let counts = if counts.is_empty() {
        COUNTS.to_vec()
    } else {
        counts
    };
    let partita = PathBuf::from(env!("CARGO_BIN_EXE_partita"));
    let own = Program {
        name: "partita stand-in idle",
        path: partita.clone(),
        arguments: &["stand-in", "idle"],
    };
    let light = peer("occ-light").map(|path| Program {
        name: "occ-light",
        path,
        arguments: &[],
    });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    for program in light.iter().chain([&own]) {
        println!("\n{}, load before {}", program.name, load());
        for count in &counts {
            runtime.block_on(compared(program, *count, &partita))?;
        }
    }
    let artefact = workflow(light.as_ref().unwrap_or(&own), WEIGHED)?;
    runtime.block_on(weighed(&artefact, &partita))?;
    println!(
        "artefact: {} bytes; partita: {} KiB",
        codec::encode(&artefact)?.len(),
        std::fs::metadata(&partita)?.len() / 1024
    );
    Ok(())
}

/// Ours and the floor in turns, so that both see the same machine.
async fn compared(program: &Program, count: usize, partita: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let artefact = workflow(program, count)?;
    let mut floors = Vec::new();
    if let Some(floor_program) = peer("floor") {
        floors = floor(&floor_program, &program.alone(folder.path())?, count)?;
    }
    let core = Core::start(config(folder.path(), partita))?;
    let mut ours = Vec::new();
    for round in 0..=ROUNDS {
        let times = one_life(&core, &artefact).await?;
        if round > 0 {
            ours.push(times);
        }
    }
    core.shutdown().await;
    print!("{}", table(count, medians(&ours), medians(&floors)));
    Ok(())
}

fn config(folder: &Path, partita: &Path) -> Config {
    let executor = vec![partita.into(), "executor".into()];
    Config::new(folder.join("state"), executor, Registry::default())
}

/// A small repository with one workflow of `count` tasks, compiled.
fn workflow(program: &Program, count: usize) -> Result<Arc<Artefact>, Failed> {
    let folder = tempfile::tempdir()?;
    for kind in ["tasks", "workflows"] {
        std::fs::create_dir(folder.path().join(kind))?;
    }
    let task = format!(
        "name: task\ncontrol:\n  mode: direct\nwants:\n  cpu: 0.01\n  memory: 1\ncommand:\n  shell: false\n  \
         value: {}\n  arguments: {:?}\n",
        program.path.display(),
        program.arguments
    );
    let workflow = format!(
        "name: bench\nroles:\n  - name: \"task-{{{{ it }}}}\"\n    for:\n      begin: \"1\"\n      end: \"{count}\"\n      \
         var: it\n    task:\n      load: task\n"
    );
    std::fs::write(folder.path().join("tasks/task.yaml"), task)?;
    std::fs::write(folder.path().join("workflows/bench.yaml"), workflow)?;
    let path = folder
        .path()
        .to_str()
        .ok_or("the temporary folder has no name in UTF-8")?;
    let (repositories, workflow) = Repositories::open_for("bench", &[path])?;
    let request = Request {
        workflow,
        given: Layers::default(),
        configuration: BTreeMap::new(),
        services: Vec::new(),
        closed: true,
        ..Request::default()
    };
    let outcome = compile(&request, &repositories);
    let artefact = outcome
        .artefact
        .ok_or_else(|| render::full(&outcome.diagnostics, &outcome.sources, false))?;
    Ok(Arc::new(artefact))
}

/// An environment up to CONFIGURED; how long that takes is without the making of its role tree.
async fn created(core: &Core, artefact: &Arc<Artefact>) -> Result<(String, Duration), Failed> {
    let id = core.new_id()?;
    let instance = {
        let uid = || core.new_id().unwrap_or_default();
        let world = World::new(artefact, uid);
        instantiate(artefact, &Layers::default(), &world).map_err(|errors| format!("{errors:?}"))?
    };
    let begin = Instant::now();
    let creation = core
        .create(Wanted {
            id: id.clone(),
            artefact: Arc::clone(artefact),
            instance,
            origin: None,
            user: User::default(),
            auto: false,
        })
        .await?;
    creation.outcome.wait().await?;
    Ok((id, begin.elapsed()))
}

/// Once through all that a task can do.
async fn one_life(core: &Core, artefact: &Arc<Artefact>) -> Result<Round, Failed> {
    let (id, create) = created(core, artefact).await?;
    let mut times = vec![create];
    for transition in [
        Transition::Start,
        Transition::Stop,
        Transition::Reset,
        Transition::Configure,
    ] {
        let begin = Instant::now();
        core.transition(&id, transition).await?;
        times.push(begin.elapsed());
    }
    let begin = Instant::now();
    core.destroy(&id, DestroyOptions::default()).await?;
    times.push(begin.elapsed());
    Ok(Round::of(&times))
}

/// How much memory the executor and the core need.
async fn weighed(artefact: &Arc<Artefact>, partita: &Path) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let core = Core::start(config(folder.path(), partita))?;
    let (id, _) = created(&core, artefact).await?;
    let executor = executor_of(std::process::id()).ok_or("there is no executor")?;
    println!(
        "\nresident with {WEIGHED} tasks: executor {} KiB, core (with compiler and all in this process) {} KiB",
        resident_kib(executor),
        resident_kib(std::process::id())
    );
    core.destroy(&id, DestroyOptions::default()).await?;
    println!("resident afterwards: executor {} KiB", resident_kib(executor));
    core.shutdown().await;
    Ok(())
}
