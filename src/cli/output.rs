//! The two streams: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use super::args::ColorArg;
use crate::report::{clean, monitor_not_run};

/// What is held of results before it is written.
const GROUP: usize = 64 << 10;

/// Something was written to standard output.
static WRITTEN: AtomicBool = AtomicBool::new(false);
/// The last sentence on standard error: where a run ends without a result, its reason.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Writes results, whole texts in one write where the system takes them: whoever kills the program finds whole
/// lines, but perhaps for the last. A reader who has gone away ends the writing, not the run.
#[derive(Debug, Default)]
pub(super) struct Results {
    gone: bool,
    held: Vec<u8>,
}

impl Results {
    /// Writes one text.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        self.hold(text)?;
        self.flush()
    }

    /// Holds one text until there is a group of them, or until [`Self::flush`].
    pub(super) fn hold(&mut self, text: &str) -> io::Result<()> {
        if !self.gone {
            self.held.extend_from_slice(text.as_bytes());
        }
        if self.held.len() >= GROUP { self.flush() } else { Ok(()) }
    }

    /// Writes what is held.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        WRITTEN.store(true, Ordering::Relaxed);
        let written = out.write_all(&self.held).and_then(|()| out.flush());
        self.held.clear();
        match written {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(())
            }
            other => other,
        }
    }

    /// Nobody reads any more.
    pub(super) fn gone(&self) -> bool {
        self.gone
    }
}

/// One sentence on standard error, cleaned of control characters.
pub(super) fn say(sentence: &str) {
    let _ = writeln!(io::stderr().lock(), "smtp-preflight: {}", clean(sentence));
    sentence.clone_into(&mut SAID.lock().unwrap_or_else(PoisonError::into_inner));
}

/// A status line with the reason for a monitor, which shows standard output and nothing else, where nothing stands
/// there. The reason is what was said last, unless one is given.
pub(super) fn tell_monitor(reason: Option<&str>) {
    if !WRITTEN.load(Ordering::Relaxed) {
        let said = SAID.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let _ = Results::default().write(&monitor_not_run(reason.unwrap_or(&said)));
    }
}

/// A text on standard error that its report has cleaned already.
pub(super) fn say_text(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// The columns of the terminal that standard error is; `None` where it is none.
pub(super) fn error_columns() -> Option<usize> {
    let width = || terminal_size::terminal_size_of(io::stderr()).map_or(80, |(width, _)| usize::from(width.0));
    io::stderr().is_terminal().then(width)
}

/// Whether to colour standard output (<https://no-color.org>).
pub(super) fn color(arg: ColorArg) -> bool {
    match arg {
        ColorArg::Always => true,
        ColorArg::Never => false,
        ColorArg::Auto => {
            let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|t| t == "dumb");
            io::stdout().is_terminal() && !set("NO_COLOR") && !dumb
        }
    }
}

/// The width for rows: the terminal's, or else what COLUMNS says, from 40 to 240 columns; where there is neither, as
/// much as a row needs, since what `grep` looks for must not be cut off.
pub(super) fn row_width() -> usize {
    given_width().map_or(240, |columns| columns.clamp(40, 240))
}

/// The terminal's width, or else what COLUMNS says, from 40 to 160 columns; 80 where there is neither.
pub(super) fn width() -> usize {
    given_width().map_or(80, |columns| columns.clamp(40, 160))
}

fn given_width() -> Option<usize> {
    let terminal = io::stdout().is_terminal();
    let told = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|columns| *columns > 0);
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(columns), _)) if terminal => Some(usize::from(columns)),
        // A serial line or a recorded session tells no size, and a person reads there all the same.
        _ => told().or(terminal.then_some(80)),
    }
}
