//! The two streams: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};

use super::args::ColorArg;
use crate::report::clean;

/// Writes results. A reader who has gone away ends the writing, not the run.
#[derive(Debug, Default)]
pub(super) struct Results {
    gone: bool,
}

impl Results {
    /// Writes one text at once, so that a line is never torn.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        if self.gone {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
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
}

/// A text on standard error that its report has cleaned already.
pub(super) fn say_text(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
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

/// The width for rows: the terminal's, from 40 to 240 columns; where there is none, as much as a row needs,
/// since what `grep` looks for must not be cut off.
pub(super) fn row_width() -> usize {
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(columns), _)) if io::stdout().is_terminal() => usize::from(columns).clamp(40, 240),
        _ => 240,
    }
}

/// The terminal's width, from 40 to 160 columns; 80 where there is none.
pub(super) fn width() -> usize {
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(columns), _)) if io::stdout().is_terminal() => usize::from(columns).clamp(40, 160),
        _ => 80,
    }
}
