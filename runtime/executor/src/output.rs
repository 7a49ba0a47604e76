//! What a process writes: read as it comes, so that no process ever waits for us, and forgotten but for its end.

use std::collections::VecDeque;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::unix::pipe::Receiver;
use tokio::task::AbortHandle;

use crate::task::Output;

/// Bytes read at once.
const BUFFER: usize = 8 << 10;

/// How much of the output of a process is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Last lines kept for messages.
    pub(crate) lines: usize,
    /// Bytes of all of them together.
    pub(crate) bytes: usize,
    /// Bytes of one line; the rest of it is dropped.
    pub(crate) line: usize,
    /// Bytes kept of each stream of a hook, which are reported whole.
    pub(crate) tail: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            lines: 20,
            bytes: 8 << 10,
            line: 1 << 10,
            tail: 64 << 10,
        }
    }
}

/// The two streams of one process.
#[derive(Debug)]
pub(crate) struct Capture {
    last: Arc<Mutex<LastLines>>,
    streams: [Arc<Pipe>; 2],
    readers: [AbortHandle; 2],
}

/// How one stream is treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Treatment {
    /// Whether its lines go to the log of the executor.
    pub(crate) log: bool,
    /// Whether its end is kept as it is.
    pub(crate) tail: bool,
}

impl Capture {
    /// Reads both streams of the process of the task `name` until they end or this is dropped.
    pub(crate) fn new(name: &str, streams: [(OwnedFd, Treatment); 2], limits: Limits) -> io::Result<Self> {
        let last = Arc::new(Mutex::new(LastLines {
            lines: VecDeque::new(),
            bytes: 0,
            limits,
        }));
        let [(out, out_treatment), (err, err_treatment)] = streams;
        let pipe = |fd, stream, treatment| {
            Pipe::open(fd, Sink::new(name, stream, treatment, limits, Arc::clone(&last)))
        };
        let streams = [
            pipe(out, "stdout", out_treatment)?,
            pipe(err, "stderr", err_treatment)?,
        ];
        let readers = streams
            .each_ref()
            .map(|pipe| tokio::spawn(Arc::clone(pipe).read()).abort_handle());
        Ok(Self {
            last,
            streams,
            readers,
        })
    }

    /// The last lines that the process, which goes on, has written up to now.
    pub(crate) fn last_lines(&self) -> Vec<String> {
        self.streams.iter().for_each(|pipe| pipe.drain());
        lock(&self.last).lines.iter().cloned().collect()
    }

    /// All that the process has written up to now.
    pub(crate) fn finish(&self) -> Output {
        let [stdout, stderr] = self.streams.each_ref().map(|pipe| {
            pipe.drain();
            let mut sink = lock(&pipe.sink);
            sink.end_line();
            let tail = sink.tail.take().unwrap_or_default();
            String::from_utf8_lossy(&Vec::from(tail)).into_owned()
        });
        Output {
            last_lines: lock(&self.last).lines.iter().cloned().collect(),
            stdout,
            stderr,
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

/// A poisoned lock only says that a thread has panicked, and there is one thread; what is behind it is text.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Pipe {
    fd: Receiver,
    sink: Mutex<Sink>,
}

impl Pipe {
    fn open(fd: OwnedFd, sink: Sink) -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            fd: Receiver::from_owned_fd(fd)?,
            sink: Mutex::new(sink),
        }))
    }

    async fn read(self: Arc<Self>) {
        while self.fd.readable().await.is_ok() {
            let mut buffer = [0; BUFFER];
            match self.fd.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(count) => self.take(&buffer, count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
            // There is one thread, and a pipe that never runs dry: the others have their turn after each piece.
            tokio::task::yield_now().await;
        }
    }

    /// What the pipe can hold at most (1 MiB, unless root has raised it), and not what others go on writing. Reads
    /// past tokio, which learns only in its own time that there is something to be read.
    fn drain(&self) {
        for _ in 0..(1 << 20) / BUFFER {
            let mut buffer = [0; BUFFER];
            match rustix::io::read(&self.fd, &mut buffer) {
                Ok(0) => return,
                Ok(count) => self.take(&buffer, count),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn take(&self, buffer: &[u8], count: usize) {
        lock(&self.sink).take(buffer.get(..count).unwrap_or_default());
    }
}

#[derive(Debug)]
struct Sink {
    name: String,
    stream: &'static str,
    log: bool,
    limits: Limits,
    line: Vec<u8>,
    /// Bytes of the present line that did not fit.
    cut: usize,
    tail: Option<VecDeque<u8>>,
    last: Arc<Mutex<LastLines>>,
}

impl Sink {
    fn new(
        name: &str,
        stream: &'static str,
        treatment: Treatment,
        limits: Limits,
        last: Arc<Mutex<LastLines>>,
    ) -> Self {
        let tail = treatment.tail.then(VecDeque::new);
        Self {
            name: name.to_owned(),
            stream,
            log: treatment.log,
            limits,
            line: Vec::new(),
            cut: 0,
            tail,
            last,
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        if let Some(tail) = &mut self.tail {
            tail.extend(bytes);
            let over = tail.len().saturating_sub(self.limits.tail);
            tail.drain(..over);
        }
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = self.limits.line.saturating_sub(self.line.len()).min(text.len());
            let (fits, rest) = text.split_at(room);
            self.line.extend_from_slice(fits);
            self.cut += rest.len();
            if ends {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let mut text = String::from_utf8_lossy(&self.line).trim_end().to_owned();
        if self.cut > 0 {
            text = format!("{text}… ({} bytes more)", self.cut);
        }
        self.line.clear();
        self.cut = 0;
        if text.is_empty() {
            return;
        }
        if self.log {
            tracing::info!(target: "partita::task", task = self.name, stream = self.stream, "{text}");
        }
        lock(&self.last).push(text);
    }
}

#[derive(Debug)]
struct LastLines {
    lines: VecDeque<String>,
    bytes: usize,
    limits: Limits,
}

impl LastLines {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > self.limits.lines || self.bytes > self.limits.bytes {
            let Some(first) = self.lines.pop_front() else {
                return;
            };
            self.bytes -= first.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        lines: 3,
        bytes: 40,
        line: 10,
        tail: 12,
    };
    const TAIL: Treatment = Treatment {
        log: false,
        tail: true,
    };

    fn sink() -> (Sink, Arc<Mutex<LastLines>>) {
        let last = Arc::new(Mutex::new(LastLines {
            lines: VecDeque::new(),
            bytes: 0,
            limits: LIMITS,
        }));
        (Sink::new("task", "stdout", TAIL, LIMITS, Arc::clone(&last)), last)
    }

    #[test]
    fn lines_are_joined_and_cut_and_counted() {
        let (mut sink, last) = sink();
        for piece in ["one\ntw", "o\n\nthr", "ee\n0123456789abc\n", "half"] {
            sink.take(piece.as_bytes());
        }
        assert_eq!(lock(&last).lines, ["two", "three", "0123456789… (3 bytes more)"]);
        sink.end_line();
        // The bytes count too, and there are at most 40 of them.
        assert_eq!(lock(&last).lines, ["three", "0123456789… (3 bytes more)", "half"]);
        assert_eq!(
            sink.tail.expect("kept"),
            b"789abc\nhalf"
                .iter()
                .fold(VecDeque::from([b'6']), |mut all, byte| {
                    all.push_back(*byte);
                    all
                })
        );
    }

    #[test]
    fn many_long_lines_stay_within_the_bytes() {
        let (mut sink, last) = sink();
        for _ in 0..100 {
            sink.take(b"0123456789 and more than fits\n");
        }
        assert!(lock(&last).bytes <= 40 && lock(&last).lines.len() == 1);
    }

    #[tokio::test]
    async fn what_is_in_the_pipe_is_read_even_before_anybody_was_told() {
        let pipe = || io::pipe().expect("pipe");
        let ((out, mut out_writer), (err, err_writer)) = (pipe(), pipe());
        let streams = [(OwnedFd::from(out), TAIL), (OwnedFd::from(err), TAIL)];
        let capture = Capture::new("task", streams, LIMITS).expect("pipes");
        io::Write::write_all(&mut out_writer, b"last words").expect("room");
        let output = capture.finish();
        assert_eq!(
            (output.stdout.as_str(), output.last_lines),
            ("last words", vec!["last words".to_owned()])
        );
        drop(err_writer);
    }
}
