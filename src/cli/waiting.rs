//! Between two rounds of a repeated run: one line on a terminal's standard error that says what goes on. It is taken
//! away before anything else is said; without a terminal, and with `-q`, there is none.

use std::time::Duration;

use super::output::{error_columns, say_text};
use crate::judge::{Check, Propagation, Severity, Standing};

/// The line, and whether it stands.
#[derive(Debug)]
pub(super) struct Waiting {
    columns: Option<usize>,
    shown: bool,
}

/// What a round has left open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Awaited {
    checks: usize,
    /// Checks that do not come to "agrees".
    open: usize,
    /// Resolvers with another answer than the published one, over all questions.
    old: usize,
    /// Questions to which the zone's own servers give different answers.
    unsettled: usize,
}

impl Awaited {
    /// Of a round's checks, where findings of `least` and heavier count.
    pub(super) fn of(checks: &[Check], least: Option<Severity>) -> Self {
        let questions = || checks.iter().flat_map(|c| &c.propagation);
        Self {
            checks: checks.len(),
            open: checks.iter().filter(|c| Standing::of(c, least) != Standing::Agrees).count(),
            old: questions().map(|p| p.old().count()).sum(),
            unsettled: questions().filter(|p: &&Propagation| p.old().count() == 0 && !p.settled()).count(),
        }
    }

    fn words(self) -> String {
        let count = |n: usize, one: &str, many: &str| match n {
            0 => None,
            1 => Some(format!("1 {one}")),
            n => Some(format!("{n} {many}")),
        };
        let open = (self.open > 0).then(|| format!("{} of {} to agree", self.open, self.checks));
        let old = count(self.old, "old answer to expire", "old answers to expire");
        let unsettled = count(self.unsettled, "zone transfer", "zone transfers");
        let told: Vec<String> = [open, old, unsettled].into_iter().flatten().collect();
        if told.is_empty() { "all agree".into() } else { format!("waiting for {}", told.join(", ")) }
    }
}

impl Waiting {
    pub(super) fn new(quiet: bool) -> Self {
        Self { columns: error_columns().filter(|_| !quiet), shown: false }
    }

    /// A round is under way.
    pub(super) fn looking(&mut self, round: u32) {
        self.show(&format!("round {round}: looking"));
    }

    /// The next round is not yet due. `at` is when the last one ended.
    pub(super) fn until(&mut self, round: u32, at: &str, left: Duration, awaited: Awaited) {
        self.show(&line(round, at, left, awaited));
    }

    fn show(&mut self, text: &str) {
        if let Some(columns) = self.columns {
            let text: String = text.chars().take(columns.saturating_sub(1)).collect();
            say_text(&format!("\r{text}\x1b[K"));
            self.shown = true;
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            say_text("\r\x1b[K");
        }
    }
}

/// `round 3 at 22:01:05Z, next in 42 s, waiting for 1 of 3 to agree, 2 old answers to expire`.
fn line(round: u32, at: &str, left: Duration, awaited: Awaited) -> String {
    let seconds = left.as_millis().div_ceil(1000);
    format!("round {round} at {at}, next in {seconds} s, {}", awaited.words())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_on_in_one_line() {
        let awaited = Awaited { checks: 3, open: 1, old: 2, unsettled: 0 };
        let text = line(3, "22:01:05Z", Duration::from_millis(41_200), awaited);
        assert_eq!(text, "round 3 at 22:01:05Z, next in 42 s, waiting for 1 of 3 to agree, 2 old answers to expire");
        assert_eq!(Awaited { checks: 3, ..Awaited::default() }.words(), "all agree");
        let transfer = Awaited { checks: 1, unsettled: 1, ..Awaited::default() };
        assert_eq!(transfer.words(), "waiting for 1 zone transfer");
    }
}
