//! Results on their way out, in a thread of their own: a slow reader stops no session that is being held, and makes
//! the queue before the door grow only so far ([`crate::observe::listen`]).
//!
//! Failure: a reader who has gone away ends the writing; what cannot be written is said once.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::cli::output::Results;

/// Texts that wait to be written.
const QUEUE: usize = 64;

/// Where results go.
#[derive(Debug)]
pub(super) enum Sink {
    Standard(Results),
    File(File),
}

impl Sink {
    /// Standard output, or the end of a file, made where it is not there.
    pub(super) fn open(file: Option<&Path>) -> io::Result<Self> {
        Ok(match file {
            Some(file) => Self::File(OpenOptions::new().append(true).create(true).open(file)?),
            None => Self::Standard(Results::default()),
        })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Standard(results) => results.write(text),
            Self::File(file) => file.write_all(text.as_bytes()),
        }
    }

    fn gone(&self) -> bool {
        matches!(self, Self::Standard(results) if results.gone())
    }
}

/// The thread's near end.
pub(super) struct Writer {
    texts: mpsc::Sender<String>,
    done: oneshot::Receiver<io::Result<()>>,
}

impl Writer {
    pub(super) fn start(mut sink: Sink) -> Self {
        let (texts, mut taken) = mpsc::channel::<String>(QUEUE);
        let (tell, done) = oneshot::channel();
        thread::spawn(move || {
            let mut outcome = Ok(());
            while let Some(text) = taken.blocking_recv() {
                outcome = sink.write(&text);
                if outcome.is_err() || sink.gone() {
                    break;
                }
            }
            // Where nobody waits for word any more, the program has been ended by force.
            let _ = tell.send(outcome);
        });
        Self { texts, done }
    }

    /// Hands a text over, when there is room; `false` when nobody takes any more.
    pub(super) async fn write(&self, text: String) -> bool {
        self.texts.send(text).await.is_ok()
    }

    /// Waits until all is written.
    pub(super) async fn finish(self) -> io::Result<()> {
        drop(self.texts);
        self.done.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}
