//! Results on their way out, in a thread of their own: a slow reader stops no session that is being held, and makes
//! the queue before the door grow only so far ([`crate::observe::listen`]).
//!
//! Failure: a reader who has gone away ends the writing; what cannot be written is said once. A file keeps whole
//! results only: of one that a full disk has cut short, what was written is taken back.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
#[cfg(unix)]
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::cli::output::Results;

/// Texts that wait to be written.
const QUEUE: usize = 16;

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
            Some(path) => {
                let mut file = OpenOptions::new().append(true).create(true).open(path)?;
                // A run that was killed may have left half a line, which would take ours into it.
                if ends_within_a_line(path) {
                    file.write_all(b"\n")?;
                }
                Self::File(file)
            }
            None => standard_file().map_or_else(|| Self::Standard(Results::default()), Self::File),
        })
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Self::Standard(results) => results.write(text),
            Self::File(file) => append(file, text.as_bytes()),
        }
    }

    fn gone(&self) -> bool {
        matches!(self, Self::Standard(results) if results.gone())
    }
}

/// Standard output, where the shell has made a file of it: whole results only are kept there too.
#[cfg(unix)]
fn standard_file() -> Option<File> {
    let file = File::from(io::stdout().as_fd().try_clone_to_owned().ok()?);
    file.metadata().is_ok_and(|m| m.is_file()).then_some(file)
}

#[cfg(not(unix))]
fn standard_file() -> Option<File> {
    None
}

/// Whether a file has a last line without an end. One that cannot be read, or be measured, is left as it is.
fn ends_within_a_line(path: &Path) -> bool {
    let last = || {
        let mut file = File::open(path).ok()?;
        file.seek(SeekFrom::End(-1)).ok()?;
        let mut octet = [0];
        file.read_exact(&mut octet).ok().map(|()| octet[0])
    };
    // Opening a pipe to look at it would wait for its other end.
    path.metadata().is_ok_and(|m| m.is_file()) && last().is_some_and(|octet| octet != b'\n')
}

/// Writes all of it, or leaves the file as it was; unless somebody else has written to it meanwhile.
fn append(file: &mut File, octets: &[u8]) -> io::Result<()> {
    let before = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    let mut written = 0;
    while written < octets.len() {
        let fault = match file.write(&octets[written..]) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(n) => {
                written += n;
                continue;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => e,
        };
        if let Some(before) = before
            && file.metadata().is_ok_and(|m| m.len() == before + written as u64)
        {
            // Where even that fails there is nothing better to tell than the first fault.
            let _ = file.set_len(before);
        }
        return Err(fault);
    }
    Ok(())
}

/// How the writing ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All is written.
    Written,
    /// The reader has gone, before or behind the last result.
    Gone,
}

/// The thread's near end.
pub(super) struct Writer {
    texts: mpsc::Sender<String>,
    done: oneshot::Receiver<io::Result<End>>,
}

impl Writer {
    pub(super) fn start(mut sink: Sink) -> Self {
        let (texts, mut taken) = mpsc::channel::<String>(QUEUE);
        let (tell, done) = oneshot::channel();
        thread::spawn(move || {
            let mut outcome = Ok(End::Written);
            while let Some(text) = taken.blocking_recv() {
                outcome = sink.write(&text).map(|()| if sink.gone() { End::Gone } else { End::Written });
                if !matches!(outcome, Ok(End::Written)) {
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
    pub(super) async fn finish(self) -> io::Result<End> {
        drop(self.texts);
        self.done.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}
