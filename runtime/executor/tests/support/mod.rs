//! A core that is only its end of the control stream, and an executor as a real process beside it.

#![allow(dead_code, unreachable_pub, reason = "each test file takes what it needs")]
#![allow(clippy::disallowed_methods, reason = "a test stands at the edge")]

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use partita_executor::{Delivery, SECRET_VARIABLE};
use partita_proto::executor::control_server::{Control, ControlServer};
use partita_proto::executor::{
    Argument, ControlMode, FromExecutor, Hello, KillPolicy, Launch, Phase, Target, TaskSpec, TaskUpdate,
    ToExecutor, Transition, TransitionReport, TransitionResult, Welcome, from_executor, to_executor,
};
use tokio::net::UnixListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

pub use from_executor::Body as From;
pub use to_executor::Body as To;

/// Nothing here takes as long; a test that waits longer has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);
const SECRET: &str = "it is me";
const SESSION: &str = "core-1";

struct Shared {
    delivery: Mutex<Delivery<To>>,
    wake: Notify,
    cut: watch::Sender<()>,
    hellos: mpsc::UnboundedSender<Hello>,
    heard: mpsc::UnboundedSender<From>,
}

#[derive(Clone)]
struct Service(Arc<Shared>);

#[tonic::async_trait]
impl Control for Service {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<ToExecutor, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<FromExecutor>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        let mut from = request.into_inner();
        let mut cut = self.0.cut.subscribe();
        let Some(From::Hello(hello)) = from.message().await?.and_then(|message| message.body) else {
            return Err(Status::invalid_argument("hello first"));
        };
        if hello.secret != SECRET {
            return Err(Status::permission_denied("wrong secret"));
        }
        let (to, stream) = mpsc::channel(16);
        let shared = Arc::clone(&self.0);
        let received = {
            let mut delivery = shared.delivery.lock().expect("lock");
            if hello.session == SESSION {
                delivery.reconnected(hello.received).expect("was sent");
            } else {
                delivery.renew();
            }
            delivery.kept()
        };
        let welcome = ToExecutor {
            body: Some(To::Welcome(Welcome {
                received,
                session: SESSION.to_owned(),
            })),
            ..ToExecutor::default()
        };
        to.send(Ok(welcome)).await.expect("room");
        shared.hellos.send(hello).expect("test");
        tokio::spawn(async move {
            loop {
                loop {
                    let message = {
                        let mut delivery = shared.delivery.lock().expect("lock");
                        let acknowledged = delivery.kept();
                        let next = delivery
                            .next_to_send()
                            .map(|(sequence, body)| (sequence, body.clone()));
                        next.map(|(sequence, body)| ToExecutor {
                            sequence,
                            acknowledged,
                            body: Some(body),
                        })
                    };
                    let Some(message) = message else { break };
                    if to.send(Ok(message)).await.is_err() {
                        return;
                    }
                }
                let acknowledged = shared.delivery.lock().expect("lock").kept();
                let message = ToExecutor {
                    acknowledged,
                    ..ToExecutor::default()
                };
                if to.send(Ok(message)).await.is_err() {
                    return;
                }
                tokio::select! {
                    _ = cut.changed() => return,
                    () = shared.wake.notified() => {}
                    message = from.message() => {
                        let Ok(Some(message)) = message else { return };
                        let mut delivery = shared.delivery.lock().expect("lock");
                        delivery.acknowledge(message.acknowledged).expect("was sent");
                        if let Some(body) = message.body
                            && let Some(receipt) = delivery.take(message.sequence).expect("in order")
                        {
                            delivery.keep(receipt).expect("came");
                            shared.heard.send(body).expect("test");
                        }
                    }
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(stream))))
    }
}

/// The core's end, and the executor process.
pub struct Bench {
    pub directory: tempfile::TempDir,
    pub executor: Child,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
    hellos: mpsc::UnboundedReceiver<Hello>,
    heard: mpsc::UnboundedReceiver<From>,
    /// All that was heard and not asked for.
    pub aside: Vec<From>,
}

impl Bench {
    /// A core and an executor that is attached to it.
    pub async fn new(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("folder");
        let (hellos_in, hellos) = mpsc::unbounded_channel();
        let (heard_in, heard) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            delivery: Mutex::new(Delivery::new(1024)),
            wake: Notify::new(),
            cut: watch::Sender::new(()),
            hellos: hellos_in,
            heard: heard_in,
        });
        let server = serve(&directory.path().join("core"), Arc::clone(&shared));
        let executor = executor(directory.path(), SECRET, arguments);
        let mut bench = Self {
            directory,
            executor,
            shared,
            server,
            hellos,
            heard,
            aside: Vec::new(),
        };
        bench.hello().await;
        bench
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub async fn hello(&mut self) -> Hello {
        timeout(PATIENCE, self.hellos.recv())
            .await
            .expect("no hello")
            .expect("open")
    }

    pub fn send(&self, body: To) {
        self.shared.delivery.lock().expect("lock").push(body, |_| false);
        self.shared.wake.notify_one();
    }

    /// Breaks the connection.
    pub fn cut(&self) {
        self.shared.cut.send_replace(());
    }

    /// The core is away until [`Bench::come_back`].
    pub fn go_away(&mut self) {
        self.server.abort();
        self.cut();
        std::fs::remove_file(self.path("core")).expect("socket");
    }

    pub fn come_back(&mut self) {
        self.server = serve(&self.path("core"), Arc::clone(&self.shared));
    }

    /// The first message of which `choose` makes something; others are put aside.
    pub async fn wait<T>(&mut self, what: &str, choose: impl Fn(&From) -> Option<T>) -> T {
        loop {
            if let Some(place) = self.aside.iter().position(|body| choose(body).is_some()) {
                return choose(&self.aside.remove(place)).expect("chosen");
            }
            let next = timeout(PATIENCE, self.heard.recv()).await;
            match next
                .unwrap_or_else(|_| panic!("no {what}; heard {:#?}", self.aside))
                .expect("open")
            {
                // Each result by itself, so that each can be waited for.
                From::TransitionReport(report) => {
                    let one = |result| {
                        let command_id = report.command_id.clone();
                        From::TransitionReport(TransitionReport {
                            command_id,
                            results: vec![result],
                        })
                    };
                    self.aside.extend(report.results.into_iter().map(one));
                }
                body => self.aside.push(body),
            }
        }
    }

    pub async fn update(&mut self, task: &str, phase: Phase) -> TaskUpdate {
        self.wait(&format!("update of {task} to {phase:?}"), |body| match body {
            From::Update(update) if update.task_id == task && update.phase() == phase => Some(update.clone()),
            _ => None,
        })
        .await
    }

    pub async fn result(&mut self, command: &str, task: &str) -> TransitionResult {
        self.wait(&format!("result of {command} for {task}"), |body| match body {
            From::TransitionReport(report) if report.command_id == command => report
                .results
                .iter()
                .find(|result| result.task_id == task)
                .cloned(),
            _ => None,
        })
        .await
    }

    pub fn launch(&self, tasks: Vec<TaskSpec>) {
        self.send(To::Launch(Launch { tasks }));
    }

    pub fn transition(&self, id: &str, tasks: &[&str], event: &str, way: [&str; 2], within: Duration) {
        let [source, destination] = way.map(str::to_owned);
        self.send(To::Transition(Transition {
            command_id: id.to_owned(),
            event: event.to_owned(),
            source,
            destination,
            common: vec![Argument {
                key: "environment_id".to_owned(),
                value: "e".to_owned(),
            }],
            targets: tasks
                .iter()
                .map(|task| Target {
                    task_id: (*task).to_owned(),
                    arguments: Vec::new(),
                })
                .collect(),
            timeout_ms: u32::try_from(within.as_millis()).expect("fits"),
        }));
    }

    /// Kills the executor, as nobody would in earnest. Tasks are left to themselves.
    pub fn kill_executor(&mut self) {
        self.executor.kill().expect("there");
        self.executor.wait().expect("ends");
    }

    /// Starts a successor of the executor that was killed.
    pub async fn succeed(&mut self) -> Hello {
        self.executor = executor(self.directory.path(), SECRET, &[]);
        self.hello().await
    }

    /// Waits for the end of the executor process.
    pub async fn ended(&mut self) -> std::process::ExitStatus {
        end(&mut self.executor).await
    }
}

/// Waits for the end of a process.
pub async fn end(child: &mut Child) -> std::process::ExitStatus {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("child") {
            return status;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the executor does not end"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // In order, so that nothing is left even of a test that has failed.
        let pid = rustix::process::Pid::from_child(&self.executor);
        if matches!(self.executor.try_wait(), Ok(None)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            let _ = self.executor.wait();
        }
    }
}

/// An executor process for the core in `directory`.
pub fn executor(directory: &Path, secret: &str, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_partita-executor"))
        .arg("--core")
        .arg(format!("unix:{}", directory.join("core").display()))
        .args(["--host", "here", "--directory"])
        .arg(directory)
        .args(arguments)
        .env(SECRET_VARIABLE, secret)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("executor")
}

fn serve(socket: &Path, shared: Arc<Shared>) -> JoinHandle<()> {
    let listener = UnixListener::bind(socket).expect("socket");
    let incoming = UnixListenerStream::new(listener).map(|stream| stream);
    let server = tonic::transport::Server::builder().add_service(ControlServer::new(Service(shared)));
    tokio::spawn(async move { server.serve_with_incoming(incoming).await.expect("serves") })
}

/// A task that runs `text` in a shell.
pub fn shell(task_id: &str, mode: ControlMode, text: &str) -> TaskSpec {
    TaskSpec {
        task_id: task_id.to_owned(),
        name: format!("role/{task_id}"),
        mode: mode.into(),
        value: text.to_owned(),
        shell: true,
        start_timeout_ms: 10_000,
        kill: Some(KillPolicy {
            transition_ms: 2000,
            exit_ms: 2000,
            term_ms: 200,
            interrupt_ms: 200,
        }),
        environment_id: "e".to_owned(),
        ..TaskSpec::default()
    }
}

/// A program of `../shared/peers`, if it has been built here.
pub fn peer(name: &str) -> Option<PathBuf> {
    let home = std::env::var_os("PEERS_CACHE")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/peers")))?;
    let path = home.join("bin").join(name);
    if !path.exists() {
        eprintln!(
            "SKIPPED: {} is not there; `peers build {name}` makes it",
            path.display()
        );
        return None;
    }
    Some(path)
}

/// A program of the peers as a direct task.
pub fn direct(task_id: &str, program: &Path) -> TaskSpec {
    let mut spec = shell(task_id, ControlMode::Direct, &program.display().to_string());
    spec.shell = false;
    spec
}

/// Whether the process is there (a zombie is not).
pub fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit_once(')')
            .is_some_and(|(_, rest)| rest.starts_with(" Z"))
    })
}

/// Waits for a file that a task writes, and reads the pid in it.
pub async fn pid_in(path: &Path) -> u32 {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(pid) = std::fs::read_to_string(path)
            .ok()
            .and_then(|text| text.trim().parse().ok())
        {
            return pid;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "nothing in {}",
            path.display()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
