//! How far a run is: a bar on a terminal's standard error, else a plain line now and then; neither with `-q`.
//!
//! Units: checks, checks a second, seconds. How much is left is told by the requests that have ended, of all that the
//! run does: known once the list has been read to its end, until then reckoned where its size is known. When all have
//! begun, the pace says nothing of those in flight: then it is told how many they are, and for how long at most.

use std::time::Duration;

use crate::judge::Summary;

/// Between two drawings of the bar.
const BAR_EVERY: Duration = Duration::from_millis(200);
/// Between two plain lines; the first of them comes after one such time, so a short run has none.
const LINE_EVERY: Duration = Duration::from_secs(30);
/// Columns of the bar itself, where there is room for it.
const BAR: usize = 20;
/// Columns of the short one.
const SHORT_BAR: usize = 10;

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
    /// Requests that have ended.
    pub(super) ended: usize,
    /// Requests that the run does, where that is known or can be reckoned.
    pub(super) total: Option<usize>,
    /// How long those in flight may take, where none waits to be begun.
    pub(super) at_most: Option<Duration>,
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
            let line = bar(seen, columns.saturating_sub(1));
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

impl Seen {
    /// From 0 to 1, and 1 only where all has ended.
    fn share(&self) -> Option<f64> {
        let total = self.total.filter(|total| *total > 0)?;
        Some(self.ended.min(total) as f64 / total as f64)
    }

    /// What is left to do, in words; `None` before there is a pace.
    fn left(&self) -> Option<String> {
        if let Some(at_most) = self.at_most {
            return (self.in_flight > 0 && !at_most.is_zero()).then(|| format!("{} at most", time(at_most)));
        }
        let share = self.share().filter(|share| *share >= 0.01 && *share < 1.0)?;
        let left = Duration::try_from_secs_f64(self.elapsed.as_secs_f64() * (1.0 - share) / share).ok()?;
        Some(format!("about {} left", time(left)))
    }

    /// `64 in flight, about 5 s left`; of the last ones `waiting for 6, 15 s at most`.
    fn rest(&self) -> String {
        let now = match self.at_most {
            Some(_) => format!("waiting for {}", self.in_flight),
            None => format!("{} in flight", self.in_flight),
        };
        self.left().map_or_else(|| now.clone(), |left| format!("{now}, {left}"))
    }

    fn rate(&self) -> f64 {
        self.verdicts.all() as f64 / self.elapsed.as_secs_f64().max(0.001)
    }
}

/// `12000 checks, 1234 a second, 9000 agree, 2000 differ, 1000 unknown, 64 in flight, about 5 s left`.
fn line(seen: &Seen) -> String {
    let Verdicts { agree, differ, unknown } = seen.verdicts;
    format!(
        "{} checks, {:.0} a second, {agree} agree, {differ} differ, {unknown} unknown, {}",
        seen.verdicts.all(),
        seen.rate(),
        seen.rest()
    )
}

/// The same with the signs of the rows in the place of words: `12000 checks, 1234/s, ✓ 9000 ✗ 2000 ? 1000, …`.
fn short_line(seen: &Seen) -> String {
    let Verdicts { agree, differ, unknown } = seen.verdicts;
    format!("{} checks, {:.0}/s, ✓ {agree} ✗ {differ} ? {unknown}, {}", seen.verdicts.all(), seen.rate(), seen.rest())
}

/// The widest form that fits; of the narrowest the beginning.
fn bar(seen: &Seen, columns: usize) -> String {
    let (long, short) = (line(seen), short_line(seen));
    let forms = [
        (BAR, long.clone()),
        (SHORT_BAR, long.clone()),
        (BAR, short.clone()),
        (SHORT_BAR, short.clone()),
        (SHORT_BAR, short.replace(" checks", "").replace("about ", "")),
        (0, short.replace(" checks", "").replace("about ", "")),
    ];
    let mut forms = forms.into_iter().map(|(columns, line)| match seen.share() {
        Some(share) => drawn(share, columns) + &line,
        None => line,
    });
    let narrowest = forms.next_back().unwrap_or_default();
    let fits = |line: &String| line.chars().count() <= columns;
    forms.find(fits).unwrap_or_else(|| narrowest.chars().take(columns).collect())
}

/// `[#####---------------]  25 % `, in so many columns of bar.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
fn drawn(share: f64, columns: usize) -> String {
    let percent = format!("{:3} % ", (share * 100.0) as usize);
    if columns == 0 {
        return percent.trim_start().to_owned();
    }
    let full = ((share * columns as f64) as usize).min(columns);
    format!("[{}{}] {percent}", "#".repeat(full), "-".repeat(columns - full))
}

/// Never less than a second, since something is still to come.
fn time(left: Duration) -> String {
    match left.as_millis().div_ceil(1000).max(1) {
        s @ 0..100 => format!("{s} s"),
        s @ 100..6_000 => format!("{} min", s.div_ceil(60)),
        s => format!("{} h {} min", s / 3600, s % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(seconds: u64, total: Option<usize>) -> Seen {
        let verdicts = Verdicts { agree: 900, differ: 60, unknown: 40 };
        let elapsed = Duration::from_secs(seconds);
        Seen { verdicts, in_flight: 64, ended: 1000, total, at_most: None, elapsed }
    }

    fn shown(columns: usize, seen: &Seen) -> String {
        let text = Progress::new(Place::Terminal(columns)).due(seen).unwrap();
        let line = text.strip_prefix('\r').unwrap().strip_suffix("\x1b[K").unwrap().to_owned();
        assert!(line.chars().count() < columns, "{line}");
        line
    }

    #[test]
    fn a_bar_on_a_terminal_by_what_has_ended() {
        let mut progress = Progress::new(Place::Terminal(200));
        assert!(progress.due(&seen(10, Some(4000))).is_some());
        assert_eq!(progress.due(&seen(10, Some(4000))), None);
        let text = "1000 checks, 100 a second, 900 agree, 60 differ, 40 unknown, 64 in flight, about 30 s left";
        assert_eq!(shown(200, &seen(10, Some(4000))), format!("[#####---------------]  25 % {text}"));
        assert_eq!(shown(110, &seen(10, Some(4000))), format!("[##--------]  25 % {text}"));
        assert!(!shown(200, &seen(20, None)).contains(['[', '%']) && !shown(200, &seen(20, None)).contains("left"));
    }

    #[test]
    fn eighty_columns_hold_the_counts_the_rate_and_the_time_left() {
        let line = "[##--------]  25 % 1000 checks, 100/s, ✓ 900 ✗ 60 ? 40, 64 in flight, about 30 s left";
        assert_eq!(shown(90, &seen(10, Some(4000))), line);
        let line = "[##--------]  25 % 1000, 100/s, ✓ 900 ✗ 60 ? 40, 64 in flight, 30 s left";
        assert_eq!(shown(80, &seen(10, Some(4000))), line);
        let verdicts = Verdicts { agree: 72_000, differ: 9_000, unknown: 9_000 };
        let large = Seen {
            verdicts,
            in_flight: 4096,
            ended: 90_000,
            total: Some(1_000_000),
            at_most: None,
            elapsed: Duration::from_mins(1),
        };
        assert_eq!(shown(80, &large), "9 % 90000, 1500/s, ✓ 72000 ✗ 9000 ? 9000, 4096 in flight, 11 min left");
        assert_eq!(shown(30, &large).chars().count(), 29);
    }

    #[test]
    fn the_last_ones_are_waited_for_and_nothing_is_left_in_no_time() {
        let last = Seen { in_flight: 6, at_most: Some(Duration::from_millis(14_200)), ..seen(3, Some(1006)) };
        let line = shown(200, &last);
        assert!(line.contains(" 99 % ") && line.ends_with("waiting for 6, 15 s at most"), "{line}");
        let over = Seen { at_most: Some(Duration::ZERO), ..last };
        assert!(shown(200, &over).ends_with("40 unknown, waiting for 6"));
        let nearly = Seen { ended: 3999, ..seen(10, Some(4000)) };
        assert!(shown(200, &nearly).ends_with("about 1 s left"), "{}", shown(200, &nearly));
    }

    #[test]
    fn plain_lines_of_long_runs_only() {
        let mut progress = Progress::new(Place::Lines);
        assert_eq!(progress.due(&seen(29, Some(2000))), None);
        let text = progress.due(&seen(31, Some(2000))).unwrap();
        assert!(
            text.starts_with("smtp-preflight: 1000 checks, 32 a second") && text.ends_with("about 31 s left\n"),
            "{text}"
        );
        assert!(!text.contains('\x1b'));
        assert_eq!(progress.due(&seen(45, Some(1500))), None);
        assert!(progress.due(&seen(62, Some(1100))).is_some());
        assert_eq!(Progress::new(Place::Nowhere).due(&seen(1000, None)), None);
    }

    #[test]
    fn times_for_people() {
        for (seconds, words) in [(0, "1 s"), (99, "99 s"), (100, "2 min"), (3600, "60 min"), (7200, "2 h 0 min")] {
            assert_eq!(time(Duration::from_secs(seconds)), words);
        }
    }
}
