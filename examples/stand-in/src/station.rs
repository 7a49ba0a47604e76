//! A task through which data flows: makes it, passes it on, or takes it.

use std::collections::BTreeMap;
use std::future::pending;
use std::process::ExitCode;

use partita_occ::server::{Failure, Iteration, Mode, Properties, Run, Task};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, Interval, MissedTickBehavior, interval};

use crate::arguments::Arguments;
use crate::channel::{self, Arrival, LONGEST, Link, Sent};
use crate::serve;

/// Options of the real programs, and of the executor, that the stand-ins know and need not heed.
const KNOWN: [&str; 32] = [
    "P",
    "S",
    "color",
    "control-address",
    "control-port",
    "data-sink-dir",
    "data-sink-enable",
    "data-sink-max-file-size",
    "data-sink-max-stfs-per-file",
    "dd-region-id",
    "dd-region-size",
    "detector",
    "detector-rdh",
    "detector-subspec",
    "discovery-endpoint",
    "discovery-id",
    "discovery-net-if",
    "discovery-partition",
    "id",
    "monitoring-backend",
    "monitoring-process-interval",
    "o2-role",
    "run-type",
    "session",
    "severity",
    "severity-infologger",
    "shm-monitor",
    "shm-segment-id",
    "shm-segment-size",
    "stand-alone",
    "transport",
    "config",
];
/// Options that name a channel which has to be among the pushed ones.
const CHANNELS: [&str; 3] = ["input-channel-name", "output-channel-name", "dpl-channel-name"];
/// Options of the stand-ins themselves: frames a second, bytes of a frame, milliseconds until a channel must be connected.
const OWN: [&str; 3] = ["stand-in-rate", "stand-in-frame-size", "stand-in-connect-ms"];

/// Shortest run after which a receiver without data is worth a warning.
const WORTH_A_WARNING: Duration = Duration::from_secs(1);
/// Frames that may wait for the task itself.
const WAITING: usize = 256;

/// Runs `program` until EXIT.
pub(crate) fn run(program: &'static str, mode: Mode, parsed: &Arguments, arguments: &[String]) -> ExitCode {
    for word in parsed.words() {
        tracing::info!("{program}: configuration {word} is noted and not used");
    }
    for name in parsed
        .names()
        .filter(|name| !KNOWN.contains(name) && !CHANNELS.contains(name) && !OWN.contains(name))
    {
        tracing::info!("{program}: option {name} is not known to the stand-in, and not used");
    }
    serve(Station::new(program, parsed), mode, arguments)
}

struct Station {
    program: &'static str,
    /// Time between two frames of a task that makes data.
    period: Option<Duration>,
    size: usize,
    patience: Duration,
    /// Options that name a channel, with its name.
    named: Vec<(&'static str, String)>,
    links: Vec<Link>,
    inbox: mpsc::Receiver<Arrival>,
    into_inbox: mpsc::Sender<Arrival>,
    current: Option<Current>,
}

/// A run, while it lasts.
struct Current {
    number: u32,
    since: Instant,
    ticks: Option<Interval>,
    received: BTreeMap<String, Received>,
}

#[derive(Default)]
struct Received {
    frames: u64,
    bytes: u64,
    /// Never arrived.
    lost: u64,
    /// Of another run.
    late: u64,
}

impl Station {
    fn new(program: &'static str, parsed: &Arguments) -> Self {
        let (into_inbox, inbox) = mpsc::channel(WAITING);
        let rate = u32::try_from(parsed.number("stand-in-rate", 100))
            .unwrap_or(u32::MAX)
            .max(1);
        let size = usize::try_from(parsed.number("stand-in-frame-size", 1024))
            .unwrap_or(LONGEST)
            .min(LONGEST);
        let named = CHANNELS
            .into_iter()
            .filter_map(|option| Some((option, parsed.option(option)?.to_owned())));
        Self {
            program,
            period: (program == "readout").then(|| Duration::from_secs(1) / rate),
            size,
            patience: Duration::from_millis(parsed.number("stand-in-connect-ms", 10_000)),
            named: named.filter(|(_, name)| !name.is_empty()).collect(),
            links: Vec::new(),
            inbox,
            into_inbox,
            current: None,
        }
    }

    /// The pushed property `rate`, frames a second, beats the option; only what makes frames cares.
    fn take_rate(&mut self, properties: &Properties) -> Result<(), Failure> {
        let Some((_, rate)) = properties.iter().find(|(key, _)| *key == "rate") else {
            return Ok(());
        };
        let text = rate.to_string();
        let rate: u32 = text
            .parse()
            .map_err(|_| Failure::new(format!("rate = {text}: not a number of frames a second")))?;
        if self.period.is_some() {
            self.period = Some(Duration::from_secs(1) / rate.max(1));
        }
        Ok(())
    }

    fn check_named_channels(&self) -> Result<(), Failure> {
        let pushed: Vec<&str> = self.links.iter().map(|link| link.spec().name.as_str()).collect();
        for (option, name) in &self.named {
            if !pushed.contains(&name.as_str()) {
                let pushed = if pushed.is_empty() {
                    "none".to_owned()
                } else {
                    pushed.join(", ")
                };
                return Err(Failure::new(format!(
                    "--{option}={name} names a channel of which nothing was pushed (pushed: {pushed}); declare it in \
                     bind or connect of the role or of the task template"
                )));
            }
        }
        Ok(())
    }

    fn send(&mut self, run: u32, payload: &[u8]) {
        for link in self.links.iter_mut().filter(|link| link.spec().kind.sends()) {
            link.send(run, payload);
        }
    }

    fn arrived(&mut self, arrival: &Arrival) {
        let Some(current) = &mut self.current else { return };
        let received = current.received.entry(arrival.channel.clone()).or_default();
        received.lost += arrival.lost;
        if arrival.run != current.number {
            received.late += 1;
            return;
        }
        if received.frames == 0 {
            tracing::info!(
                "{}: run {}: data arrives on {}",
                self.program,
                arrival.run,
                arrival.channel
            );
        }
        received.frames += 1;
        received.bytes += arrival.payload.len() as u64;
        self.send(arrival.run, &arrival.payload);
    }

    fn report(&self, current: &Current) {
        let (program, number) = (self.program, current.number);
        let lasted = current.since.elapsed();
        for link in &self.links {
            let spec = link.spec();
            let (name, address) = (&spec.name, &spec.address);
            if spec.kind.sends() {
                let Sent {
                    frames,
                    without_receiver,
                    too_slow,
                } = link.sent;
                tracing::info!("{program}: run {number}: sent {frames} frames on {name}");
                if without_receiver > 0 {
                    tracing::warn!(
                        "{program}: run {number}: {without_receiver} frames on {name} had no receiver"
                    );
                }
                if too_slow > 0 {
                    tracing::warn!(
                        "{program}: run {number}: {too_slow} frames on {name} were too fast for the receiver"
                    );
                }
                continue;
            }
            let nothing = Received::default();
            let Received {
                frames,
                bytes,
                lost,
                late,
            } = current.received.get(name).unwrap_or(&nothing);
            tracing::info!("{program}: run {number}: received {frames} frames, {bytes} bytes on {name}");
            if *frames == 0 && lasted > WORTH_A_WARNING {
                tracing::warn!(
                    "{program}: run {number}: received nothing on {name} in {} ms; does the task at {address} send?",
                    lasted.as_millis()
                );
            }
            if *lost > 0 {
                tracing::error!("{program}: run {number}: {lost} frames on {name} were lost");
            }
            if *late > 0 {
                // Normal where the sender was stopped after this task.
                tracing::info!("{program}: run {number}: {late} frames on {name} were of another run");
            }
        }
    }
}

impl Task for Station {
    async fn configure(&mut self, properties: &Properties) -> Result<(), Failure> {
        let program = self.program;
        tracing::info!("{program}: configured with {} properties", properties.len());
        for (key, value) in properties.iter().filter(|(key, _)| !key.starts_with("chans.")) {
            tracing::info!("{program}: {key} = {value}");
        }
        self.take_rate(properties)?;
        let who = format!("{program}[{}]", std::process::id());
        let links = channel::channels(properties)?;
        self.links = links
            .into_iter()
            .map(|spec| Link::new(spec, who.clone(), self.into_inbox.clone()))
            .collect();
        self.check_named_channels()
    }

    async fn bind(&mut self) -> Result<(), Failure> {
        for link in &mut self.links {
            link.bind().await?;
        }
        Ok(())
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        let deadline = Instant::now() + self.patience;
        for link in &mut self.links {
            link.connect(deadline).await?;
        }
        Ok(())
    }

    async fn start(&mut self, run: &Run) -> Result<(), Failure> {
        tracing::info!("{}: run {} begins", self.program, run.number);
        for link in &mut self.links {
            link.sent = Sent::default();
        }
        let ticks = self.period.map(|period| {
            let mut ticks = interval(period);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            ticks
        });
        self.current = Some(Current {
            number: run.number,
            since: Instant::now(),
            ticks,
            received: BTreeMap::new(),
        });
        Ok(())
    }

    async fn stop(&mut self, _: &Run) -> Result<(), Failure> {
        if let Some(current) = self.current.take() {
            self.report(&current);
        }
        Ok(())
    }

    async fn reset(&mut self) -> Result<(), Failure> {
        for link in self.links.drain(..) {
            link.close().await;
        }
        Ok(())
    }

    async fn recover(&mut self) -> Result<(), Failure> {
        self.current = None;
        self.reset().await
    }

    async fn iterate_running(&mut self) -> Iteration {
        let Some(current) = &mut self.current else {
            return pending().await;
        };
        let number = current.number;
        tokio::select! {
            () = tick(&mut current.ticks) => {
                let payload = vec![0x5a; self.size];
                self.send(number, &payload);
            }
            // Never closed, since the task holds a sender itself.
            Some(arrival) = self.inbox.recv() => self.arrived(&arrival),
        }
        Iteration::Continue
    }
}

async fn tick(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => {
            ticks.tick().await;
        }
        None => pending().await,
    }
}
