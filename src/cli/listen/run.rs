//! The loop between the listener and the writer, the signals and the clock.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::args::ListenArgs;
use super::printer::Printer;
use super::writer::{End, Writer};
use crate::cli::exit::Exit;
use crate::cli::output::say;
use crate::cli::signals::Signals;
use crate::observe::listen::{Heard, Listener, Stop};
use crate::report;

/// Said where a third signal outweighs the results.
const LOST: &str = "gave up on the reader of the results: what it had not taken is lost";
/// Remarks on what is turned away come no more often than this.
const REMARK: Duration = Duration::from_mins(1);

/// A run of `listen`.
pub(super) struct Run<'a> {
    pub(super) args: &'a ListenArgs,
    pub(super) listener: Listener,
    pub(super) printer: Printer,
    pub(super) writer: Writer,
    /// Sessions that are still waited for.
    pub(super) wanted: Option<u64>,
    /// Sessions that ended behind the last one that was waited for.
    pub(super) past: u64,
    pub(super) until: Option<Instant>,
    pub(super) told: Stop,
    /// When it was last said what was turned away, and how many.
    pub(super) remarked: Option<(Instant, u64)>,
    /// A third signal came while the reader took nothing.
    pub(super) gave_up: bool,
}

impl Run<'_> {
    /// Hears, prints, and stops as it is told.
    pub(super) async fn run(mut self) -> Exit {
        let begin = self.printer.begin();
        let mut open = begin.is_empty() || self.writer.write(begin).await;
        let mut signals = Signals::new();
        loop {
            let time = self.until;
            tokio::select! {
                biased;
                () = signals.next() => self.signalled(),
                () = sleep_until(time.unwrap_or_else(Instant::now)), if time.is_some() => {
                    self.until = None;
                    self.stop(Stop::Soon);
                }
                heard = self.listener.next() => {
                    let Some(heard) = heard else { break };
                    open &= self.take(heard, open, &mut signals).await;
                    if !open {
                        self.stop(Stop::Soon);
                    }
                }
            }
        }
        self.finish(open, signals).await
    }

    fn signalled(&mut self) {
        if self.told == Stop::No {
            self.remark("told to stop: sessions have two seconds, what was heard is looked up and written");
            self.stop(Stop::Soon);
        } else {
            self.remark("told again: sessions and lookups end now, what was heard is written");
            self.stop(Stop::Now);
        }
    }

    fn stop(&mut self, how: Stop) {
        self.listener.stop(how);
        if self.told != Stop::Now {
            self.told = how;
        }
    }

    fn remark(&self, words: &str) {
        if !self.args.quiet {
            say(words);
        }
    }

    /// One session; `false` when nobody takes results any more.
    async fn take(&mut self, heard: Heard, open: bool, signals: &mut Signals) -> bool {
        self.turned_away();
        if self.args.only.is_some() && !heard.session.matched {
            return true;
        }
        if self.wanted == Some(0) {
            self.past += 1;
            return true;
        }
        let counts = heard.session.ehlo.is_some();
        let text = self.printer.take(heard);
        if counts && let Some(wanted) = &mut self.wanted {
            *wanted = wanted.saturating_sub(1);
            if *wanted == 0 {
                self.stop(Stop::Soon);
            }
        }
        if !open {
            return false;
        }
        // A reader may be slow for as long as it likes; a signal is heard meanwhile.
        let mut writing = std::pin::pin!(self.writer.write(text));
        loop {
            tokio::select! {
                written = &mut writing => return written,
                () = signals.next() => {
                    if self.told == Stop::Now {
                        self.gave_up = true;
                        return false;
                    }
                    let how = if self.told == Stop::No { Stop::Soon } else { Stop::Now };
                    self.listener.stop(how);
                    self.told = how;
                    if !self.args.quiet {
                        say("told to stop: waiting for the reader of the results; a third signal gives up on it");
                    }
                }
            }
        }
    }

    fn turned_away(&mut self) {
        let turned = self.listener.turned();
        let (many, failed) = (turned.per_address.load(Ordering::Relaxed), turned.failed.load(Ordering::Relaxed));
        let now = Instant::now();
        let due =
            self.remarked.is_none_or(|(then, count)| count != many + failed && now.duration_since(then) >= REMARK);
        if many + failed > 0 && due {
            self.remarked = Some((now, many + failed));
            let why = turned.why.lock().unwrap_or_else(PoisonError::into_inner).clone();
            self.remark(&turned_words(many, failed, &why));
        }
    }

    async fn finish(mut self, open: bool, mut signals: Signals) -> Exit {
        self.remarked = self.remarked.filter(|(_, count)| {
            let turned = self.listener.turned();
            *count == turned.per_address.load(Ordering::Relaxed) + turned.failed.load(Ordering::Relaxed)
        });
        if self.remarked.is_none() {
            self.turned_away();
        }
        if self.gave_up {
            say(LOST);
            return Exit::Usage;
        }
        let end = self.printer.end();
        if open && !end.is_empty() {
            self.writer.write(end).await;
        }
        let written = tokio::select! {
            written = self.writer.finish() => written,
            () = third(&mut signals, self.told) => {
                say(LOST);
                return Exit::Usage;
            }
        };
        let gone = written.as_ref().is_ok_and(|end| *end == End::Gone);
        if let Err(e) = written {
            let place = self.args.output.as_deref().map_or("standard output".into(), |f| f.display().to_string());
            say(&format!("{place} cannot be written: {e}; sessions heard after that are lost"));
            return Exit::Usage;
        }
        if self.past > 0 && !self.args.quiet {
            say(&format!("{} more sessions ended behind the last one asked for, and are not told", self.past));
        }
        if gone && !self.args.quiet {
            say("the reader of the results has gone: what it had not taken is lost");
        }
        if !self.args.quiet {
            say(&format!("heard {}", report::listen_summary(self.printer.summary())));
        }
        match self.wanted {
            Some(missing) if missing > 0 => {
                let exit = self.printer.exit();
                if exit == Exit::Agrees { Exit::Unknown } else { exit }
            }
            _ => self.printer.exit(),
        }
    }
}

fn turned_words(many: u64, failed: u64, why: &str) -> String {
    let mut words = Vec::new();
    if many > 0 {
        words.push(format!("{many} connections refused: too many at once from one address (--max-per-address)"));
    }
    if failed > 0 {
        words.push(format!("{failed} connections could not be accepted: {why}"));
    }
    words.join("; ")
}

/// The signal that outweighs waiting for a reader.
async fn third(signals: &mut Signals, told: Stop) {
    let missing = match told {
        Stop::No => 3,
        Stop::Soon => 2,
        Stop::Now => 1,
    };
    for _ in 0..missing {
        signals.next().await;
    }
}
