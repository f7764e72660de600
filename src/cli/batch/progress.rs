//! How far a run is: a bar on a terminal's standard error, else a plain line now and then; neither with `-q`.
//!
//! Units: checks, checks a second, seconds. How much is left is known where the list is a file: by the share of
//! its octets that has been read.

use std::fmt::Write;
use std::time::Duration;

use crate::judge::Summary;

/// Between two drawings of the bar.
const BAR_EVERY: Duration = Duration::from_millis(200);
/// Between two plain lines; the first of them comes after one such time, so a short run has none.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// Columns of the bar itself.
const BAR: usize = 20;

/// Where the progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A terminal with this many columns.
    Terminal(usize),
    /// A file or a pipe.
    Lines,
    /// Nowhere.
    Nowhere,
}

/// What there is to tell.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Verdicts so far.
    pub(super) verdicts: Verdicts,
    /// Checks in flight.
    pub(super) in_flight: usize,
    /// The share of the list that has been read, where it is known.
    pub(super) share: Option<f64>,
    /// Since the run began.
    pub(super) elapsed: Duration,
}

/// Checks by verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Verdicts {
    pub(super) agree: usize,
    pub(super) differ: usize,
    pub(super) unknown: usize,
}

impl Verdicts {
    pub(super) fn of(summary: &Summary) -> Self {
        Self { agree: summary.agree, differ: summary.differ, unknown: summary.unknown }
    }

    fn all(self) -> usize {
        self.agree + self.differ + self.unknown
    }
}

/// When to tell, and in which words.
#[derive(Debug)]
pub(super) struct Progress {
    place: Place,
    next: Duration,
}

impl Progress {
    pub(super) fn new(place: Place) -> Self {
        let next = if place == Place::Lines { LINE_EVERY } else { BAR_EVERY };
        Self { place, next }
    }

    /// A text for standard error, when it is time for one.
    pub(super) fn due(&mut self, seen: &Seen) -> Option<String> {
        if self.place == Place::Nowhere || seen.elapsed < self.next {
            return None;
        }
        if let Place::Terminal(columns) = self.place {
            self.next = seen.elapsed + BAR_EVERY;
            let line: String = bar(seen).chars().take(columns.saturating_sub(1)).collect();
            return Some(format!("\r{line}\x1b[K"));
        }
        self.next = seen.elapsed + LINE_EVERY;
        Some(format!("smtp-preflight: {}\n", line(seen)))
    }

    /// What takes the bar away, so that something else can be said; empty where there is none.
    pub(super) fn clear(&self) -> &'static str {
        if matches!(self.place, Place::Terminal(_)) { "\r\x1b[K" } else { "" }
    }
}

/// `12,000 checks, 1,234 a second, 9,000 agree, 2,000 differ, 1,000 unknown, 64 in flight, about 5 s left`.
fn line(seen: &Seen) -> String {
    let Verdicts { agree, differ, unknown } = seen.verdicts;
    let done = seen.verdicts.all();
    let rate = done as f64 / seen.elapsed.as_secs_f64().max(0.001);
    let mut text = format!(
        "{done} checks, {rate:.0} a second, {agree} agree, {differ} differ, {unknown} unknown, {} in flight",
        seen.in_flight
    );
    if let Some(left) = left(seen) {
        let _ = write!(text, ", about {} left", time(left));
    }
    text
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
fn bar(seen: &Seen) -> String {
    let Some(share) = seen.share else { return line(seen) };
    let full = ((share * BAR as f64) as usize).min(BAR);
    format!("[{}{}] {:3.0} % {}", "#".repeat(full), "-".repeat(BAR - full), share * 100.0, line(seen))
}

/// By the pace so far; `None` before there is one.
fn left(seen: &Seen) -> Option<Duration> {
    let share = seen.share.filter(|share| *share >= 0.01)?;
    Duration::try_from_secs_f64(seen.elapsed.as_secs_f64() * (1.0 - share) / share).ok()
}

fn time(left: Duration) -> String {
    match left.as_secs() {
        s @ 0..100 => format!("{s} s"),
        s @ 100..6_000 => format!("{} min", s.div_ceil(60)),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(seconds: u64, share: Option<f64>) -> Seen {
        let verdicts = Verdicts { agree: 900, differ: 60, unknown: 40 };
        Seen { verdicts, in_flight: 64, share, elapsed: Duration::from_secs(seconds) }
    }

    #[test]
    fn a_bar_on_a_terminal() {
        let mut progress = Progress::new(Place::Terminal(80));
        let text = progress.due(&seen(10, Some(0.25))).unwrap();
        assert!(text.starts_with("\r[#####---------------]  25 % 1000 checks, 100 a second, 900 agree"), "{text}");
        assert!(text.ends_with("\x1b[K") && text.chars().count() <= 80 + 3);
        assert_eq!(progress.due(&seen(10, Some(0.25))), None);
        let mut wide = Progress::new(Place::Terminal(200));
        assert!(wide.due(&seen(10, Some(0.25))).unwrap().contains("64 in flight, about 30 s left"));
        assert!(!wide.due(&seen(20, None)).unwrap().contains("left"));
    }

    #[test]
    fn plain_lines_of_long_runs_only() {
        let mut progress = Progress::new(Place::Lines);
        assert_eq!(progress.due(&seen(29, Some(0.5))), None);
        let text = progress.due(&seen(31, Some(0.5))).unwrap();
        assert!(
            text.starts_with("smtp-preflight: 1000 checks, 32 a second") && text.ends_with("about 31 s left\n"),
            "{text}"
        );
        assert!(!text.contains('\x1b'));
        assert_eq!(progress.due(&seen(45, Some(0.7))), None);
        assert!(progress.due(&seen(62, Some(0.9))).is_some());
        assert_eq!(Progress::new(Place::Nowhere).due(&seen(1000, None)), None);
    }

    #[test]
    fn times_for_people() {
        for (seconds, words) in [(0, "0 s"), (99, "99 s"), (100, "2 min"), (3600, "60 min"), (7200, "2 h 0 min")] {
            assert_eq!(time(Duration::from_secs(seconds)), words);
        }
    }
}
