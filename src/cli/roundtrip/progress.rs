//! What is going on, on standard error: a line a step, and while it waits a line that counts, on a terminal.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cli::output::say;

/// Where there is no terminal, waiting is told of this often.
const SELDOM: Duration = Duration::from_secs(15);

pub(super) struct Progress {
    quiet: bool,
    terminal: bool,
    began: Instant,
    /// A line that counts stands at the cursor.
    counting: bool,
}

impl Progress {
    pub(super) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), began: Instant::now(), counting: false }
    }

    /// One step.
    pub(super) fn say(&mut self, words: &str) {
        if !self.quiet {
            self.end();
            say(words);
        }
    }

    /// Waits a moment, and tells how long it has been and will be.
    pub(super) async fn tick(&mut self, until: Instant) {
        let every = if self.terminal { Duration::from_secs(1) } else { SELDOM };
        sleep(every).await;
        if self.quiet {
            return;
        }
        let left = until.saturating_duration_since(Instant::now()).as_secs();
        let gone = self.began.elapsed().as_secs();
        if self.terminal {
            let _ = write!(std::io::stderr().lock(), "\rwaiting: {gone} s gone, {left} s left \u{1b}[K");
            self.counting = true;
        } else {
            say(&format!("waiting: {gone} s gone, {left} s left"));
        }
    }

    /// Wipes the line that counts.
    pub(super) fn end(&mut self) {
        if self.counting {
            let _ = write!(std::io::stderr().lock(), "\r\u{1b}[K");
            self.counting = false;
        }
    }
}
