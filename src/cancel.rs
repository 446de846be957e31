//! Signals: the first one ends a run cleanly, the second one at once.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::error::Error;

static ASKED: AtomicBool = AtomicBool::new(false);
static COMMITTING: AtomicBool = AtomicBool::new(false);

/// Has SIGINT and SIGTERM end the run at its next step, and a second one at once.
pub fn listen() {
    let on_signal = || {
        if ASKED.swap(true, Ordering::Relaxed) && !COMMITTING.load(Ordering::Relaxed) {
            std::process::exit(1);
        }
    };
    // Where no handler can be installed, a signal ends the process as it always does.
    let _ = ctrlc::set_handler(on_signal);
}

/// From here on signals are too late: files are being put in place, which takes a moment.
pub fn commit_begins() {
    COMMITTING.store(true, Ordering::Relaxed);
}

/// Fails once a signal has come.
///
/// # Errors
/// [`Error::Interrupted`].
pub fn check() -> Result<(), Error> {
    if ASKED.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    Ok(())
}

/// The standard input. To wait for it ends with an error once a signal has come; the system alone would go on waiting.
///
/// # Errors
/// The system has no thread for it.
pub fn stdin() -> Result<Stdin, Error> {
    /// Bytes that are read at a time, and how many times so many wait to be taken.
    const CHUNK: usize = 1 << 18;
    const WAITING: usize = 4;
    let (sender, chunks) = sync_channel(WAITING);
    let read = move || {
        let mut input = io::stdin().lock();
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = match input.read(&mut chunk) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read,
            };
            let is_last = !matches!(read, Ok(1..));
            let read = read.map(|length| {
                chunk.truncate(length);
                chunk
            });
            // Nobody takes what comes when the run has ended.
            if sender.send(read).is_err() || is_last {
                break;
            }
        }
    };
    std::thread::Builder::new().name("stdin".to_string()).spawn(read).map_err(|_| Error::Refused)?;
    Ok(Stdin { chunks, chunk: Vec::new(), taken: 0 })
}

/// What failed, or that a signal came, where that is why.
pub fn or_interrupted(error: impl Into<Error>) -> Error {
    check().err().unwrap_or_else(|| error.into())
}

/// What [`stdin`] reads.
#[derive(Debug)]
pub struct Stdin {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    taken: usize,
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const OFTEN: Duration = Duration::from_millis(50);
        while self.taken == self.chunk.len() {
            match self.chunks.recv_timeout(OFTEN) {
                // The last chunk is empty, and after it nobody sends.
                Ok(chunk) => (self.chunk, self.taken) = (chunk?, 0),
                Err(RecvTimeoutError::Timeout) => check().map_err(|error| io::Error::other(error.to_string()))?,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let length = buffer.len().min(self.chunk.len() - self.taken);
        buffer[..length].copy_from_slice(&self.chunk[self.taken..self.taken + length]);
        self.taken += length;
        Ok(length)
    }
}
