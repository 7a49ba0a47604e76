//! The shell around the state machines of the tasks: hears what happens, hands it to the machine that it concerns,
//! and does what the machine says. Here, and in what it calls, are the clock, the sockets and the processes.

mod adoption;
mod effects;
mod requests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use partita_occ::client::Client;
use partita_proto::executor::{FromExecutor, Phase, TaskSpec, from_executor::Body, record::What as Kept};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use crate::commands::Commands;
use crate::config::{Config, ExecutorError};
use crate::control::{Peer, Said, What};
use crate::inventory::Inventory;
use crate::link::{Ends, Heard, Link, Out};
use crate::output::Capture;
use crate::ports::{Port, Ports, ephemeral};
use crate::process::{Process, Processes, Users};
use crate::task::{Input, Task};

/// Commands and ended tasks that are remembered, so that what is asked for again is answered.
const MEMORY: usize = 256;

/// One task and what is held for it.
struct Entry {
    task: Task,
    spec: TaskSpec,
    control_port: Option<Port>,
    bind_ports: Vec<Port>,
    client: Option<Client>,
    watch: Option<AbortHandle>,
    call: Option<AbortHandle>,
    /// Of the call or question under way; answers with another number are dropped.
    call_number: u64,
    /// Of the timer that runs; others are dropped.
    timer_number: u64,
    capture: Option<Capture>,
    /// The direct child, when it was started, and the number of its output.
    child: Option<(Process, u64)>,
    /// The direct child was started by a predecessor, so it is not reaped here.
    foreign: bool,
    output: u64,
}

struct Host {
    config: Config,
    out: mpsc::UnboundedSender<Out>,
    /// Number of what was said last.
    told: u64,
    inventory: Inventory,
    /// Number of the output that was opened last.
    outputs: u64,
    processes: Processes,
    users: Users,
    control_ports: Ports,
    channel_ports: Ports,
    tasks: BTreeMap<String, Entry>,
    /// Tasks that have been accepted but not started.
    queue: VecDeque<TaskSpec>,
    /// Tasks whose direct child has ended and of which more is left.
    lingering: BTreeSet<String>,
    /// Tasks that have ended, oldest first.
    ended: VecDeque<String>,
    timers: BTreeSet<(Instant, String, u64)>,
    commands: Commands,
    /// When results that wait for others are sent without them.
    flush_at: Option<Instant>,
    said: mpsc::UnboundedSender<Said>,
    /// Every task is being ended, and no new one is taken.
    closing: bool,
}

/// The signals that concern an executor.
struct Signals {
    child: Signal,
    term: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// Serves one core until it says `Shutdown`, SIGTERM, SIGINT or SIGHUP comes, or the core is away for too long. When
/// this returns, every process of every task is gone.
///
/// To be run on the main thread, in a runtime of the current thread: with [`Config::die_with_executor`] the kernel
/// kills the tasks when the thread ends that started them.
pub async fn run(config: Config) -> Result<(), ExecutorError> {
    let system = |what| move |source: io::Error| ExecutorError::System { what, source };
    if !config.die_with_executor {
        // Whoever started us may be ended with its whole session. A leader of a process group is one already that no
        // terminal signals.
        let _ = rustix::process::setsid();
    }
    let farewell = config.patience.farewell;
    let signals = Signals::new().map_err(system("watch for signals"))?;
    let (link, Ends { out, heard }) = Link::new(config.clone())?;
    let (said, hearing) = mpsc::unbounded_channel();
    let ephemeral = ephemeral().map_err(system("read the range of ephemeral ports"))?;
    let inventory = if config.die_with_executor {
        Inventory::default()
    } else {
        Inventory::open(&config.working_directory)
            .map_err(system("keep an inventory in the working folder"))?
    };
    let mut host = Host {
        told: 0,
        outputs: 0,
        inventory,
        processes: Processes::new(&config.working_directory)
            .map_err(system("become the reaper of orphans"))?,
        users: Users::default(),
        control_ports: Ports::new(config.control_ports.clone(), ephemeral.clone()),
        channel_ports: Ports::new(config.channel_ports.clone(), ephemeral),
        tasks: BTreeMap::new(),
        queue: VecDeque::new(),
        lingering: BTreeSet::new(),
        ended: VecDeque::new(),
        timers: BTreeSet::new(),
        commands: Commands::new(MEMORY),
        flush_at: None,
        closing: false,
        config,
        out,
        said,
    };
    host.adopt();
    let link = tokio::spawn(link.serve());
    let outcome = host.serve(signals, heard, hearing).await;
    // The host has let go of the link, which now only sees to it that the core has the last messages.
    if tokio::time::timeout(farewell, link).await.is_err() {
        tracing::warn!("the core has not taken the last messages");
    }
    outcome
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            child: signal(SignalKind::child())?,
            term: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

impl Host {
    async fn serve(
        mut self,
        mut signals: Signals,
        mut heard: mpsc::UnboundedReceiver<Heard>,
        mut hearing: mpsc::UnboundedReceiver<Said>,
    ) -> Result<(), ExecutorError> {
        let mut outcome = Ok(());
        while !self.closing || self.tasks.values().any(|entry| !entry.task.is_ended()) {
            let timer = self.timers.first().map(|(when, ..)| *when);
            let wake = timer.into_iter().chain(self.flush_at).min();
            tokio::select! {
                biased;
                _ = signals.child.recv() => self.reap(),
                _ = signals.term.recv() => self.close(Some("its executor got SIGTERM")),
                _ = signals.interrupt.recv() => self.close(Some("its executor got SIGINT")),
                _ = signals.hangup.recv() => self.close(Some("its executor got SIGHUP")),
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => self.wake(Instant::now()),
                Some(said) = hearing.recv() => self.take(said),
                Some(heard) = heard.recv() => match heard {
                    Heard::Lost(error) => {
                        self.close(Some(&error.to_string()));
                        outcome = Err(error);
                    }
                    heard => self.hear(heard),
                },
                // One at a time, so that what is already there is served while the others are being started.
                () = tokio::task::yield_now(), if !self.queue.is_empty() => self.launch_next(),
            }
        }
        self.processes.kill_strays();
        self.flush();
        self.inventory.remove();
        outcome
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Inventory(answer) => {
                let here = self.tasks.values().map(|entry| entry.task.told());
                // If the link no longer waits for it, it will ask again.
                let _ = answer.send(here.filter(|task| task.phase() != Phase::Ended).collect());
            }
            Heard::Welcome => tracing::info!(
                core = self.config.core,
                host = self.config.host,
                "attached to the core"
            ),
            Heard::Wanted(receipt, body) => {
                self.request(body);
                // The link lives as long as the host, or has already said why not.
                let _ = self.out.send(Out::Keep(receipt));
            }
            Heard::Delivered(number) => {
                if self
                    .inventory
                    .state()
                    .said
                    .first_key_value()
                    .is_some_and(|(first, _)| *first <= number)
                {
                    self.inventory.write(Kept::Delivered(number));
                }
            }
            Heard::Lost(_) => {}
        }
    }

    fn take(&mut self, said: Said) {
        let Some(entry) = self.tasks.get_mut(&said.task_id) else {
            return;
        };
        let input = match said.what {
            What::Connected(client) => {
                entry.client = Some(client);
                return;
            }
            What::Watched(input) => input,
            What::Ended => return self.look(&said.task_id),
            What::Answered(number, input) if number == entry.call_number => input,
            What::Answered(..) => return,
        };
        self.drive(&said.task_id, input);
    }

    /// Ends everything: as the core wishes, or because of `trouble`.
    fn close(&mut self, trouble: Option<&str>) {
        if self.closing {
            return;
        }
        let reason = trouble.unwrap_or("the core says so");
        tracing::info!(reason, tasks = self.tasks.len(), "ending all tasks");
        let trouble = trouble.map(|trouble| format!("was ended, as {trouble}"));
        self.closing = true;
        while !self.queue.is_empty() {
            self.launch_next();
        }
        let all: Vec<String> = self.tasks.keys().cloned().collect();
        for task_id in all {
            if self
                .tasks
                .get(&task_id)
                .is_some_and(|entry| !entry.task.is_ended())
            {
                self.drive(&task_id, Input::Kill(trouble.clone()));
            }
        }
    }

    fn reap(&mut self) {
        for reaped in self.processes.reap() {
            let left = self.processes.is_left(&reaped.task_id);
            if left {
                self.lingering.insert(reaped.task_id.clone());
            }
            let capture = self
                .tasks
                .get(&reaped.task_id)
                .and_then(|entry| entry.capture.as_ref());
            let output = capture.map(Capture::finish).unwrap_or_default();
            tracing::debug!(task = reaped.task_id, pid = reaped.pid.number(), ?reaped.exit, left, "ended");
            if let Some(entry) = self.tasks.get_mut(&reaped.task_id) {
                entry.child = None;
            }
            self.drive(
                &reaped.task_id,
                Input::Exited {
                    exit: reaped.exit,
                    output,
                    left,
                },
            );
        }
        let processes = &self.processes;
        let gone: Vec<String> = self
            .lingering
            .iter()
            .filter(|task_id| !processes.is_left(task_id))
            .cloned()
            .collect();
        for task_id in gone {
            self.lingering.remove(&task_id);
            self.drive(&task_id, Input::Gone);
        }
    }

    fn wake(&mut self, now: Instant) {
        if self.flush_at.is_some_and(|when| when <= now) {
            self.flush();
        }
        while self.timers.first().is_some_and(|(when, ..)| *when <= now) {
            let Some((_, task_id, number)) = self.timers.pop_first() else {
                return;
            };
            if self
                .tasks
                .get(&task_id)
                .is_some_and(|entry| entry.timer_number == number)
            {
                self.drive(&task_id, Input::Timer);
            }
        }
    }

    fn flush(&mut self) {
        self.flush_at = None;
        for report in self.commands.flush() {
            for result in &report.results {
                self.answered(&report.command_id, &result.task_id);
            }
            self.send(Body::TransitionReport(report));
        }
    }

    fn send(&mut self, body: Body) {
        self.told += 1;
        // The inventory of tasks stands for the updates of those that live.
        let kept = match &body {
            Body::Update(update) => update.phase() == Phase::Ended,
            _ => true,
        };
        if kept {
            self.inventory.write(Kept::Said(FromExecutor {
                sequence: self.told,
                acknowledged: 0,
                body: Some(body.clone()),
            }));
        }
        // The link lives as long as the host, or has already said why not.
        let _ = self.out.send(Out::Say(self.told, Box::new(body)));
    }

    fn peer(&self, task_id: &str) -> Option<Peer> {
        let entry = self.tasks.get(task_id)?;
        let codec = effects::codec(entry.spec.mode())?;
        Some(Peer {
            task_id: task_id.to_owned(),
            port: entry.control_port.as_ref()?.number(),
            codec,
            patience: self.config.patience.clone(),
            said: self.said.clone(),
        })
    }
}

fn unix_ms() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "this is the edge at which time enters")]
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
