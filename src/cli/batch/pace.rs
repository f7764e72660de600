//! `--rate N`: checks begun a second, evenly.
//!
//! Unit: checks a second, fractions too (0.1 is one in ten seconds). What a coarse clock makes late is made up
//! for, but no more than [`CATCH_UP`] of it: a stop is not followed by a burst.

use std::str::FromStr;
use std::time::Duration;

use tokio::time::Instant;

/// Lateness that is made up for.
const CATCH_UP: Duration = Duration::from_millis(20);

/// Checks a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(Duration);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(rate) if (0.01..=100_000.0).contains(&rate) => Ok(Self(Duration::from_secs_f64(1.0 / rate))),
            _ => Err("give checks a second, from 0.01 to 100000".into()),
        }
    }
}

/// When the next check may begin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    rate: Option<Rate>,
    next: Instant,
}

impl Pace {
    pub(super) fn new(rate: Option<Rate>, now: Instant) -> Self {
        Self { rate, next: now }
    }

    /// When the next check may begin; `None` for at once.
    pub(super) fn wait(&self, now: Instant) -> Option<Instant> {
        self.rate.and(Some(self.next).filter(|next| *next > now))
    }

    /// One has begun.
    pub(super) fn begun(&mut self, now: Instant) {
        if let Some(Rate(each)) = self.rate {
            self.next = self.next.max(now - CATCH_UP.min(now - self.next.min(now))) + each;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenly_and_without_bursts() {
        let start = Instant::now();
        let mut pace = Pace::new(Some("100".parse().unwrap()), start);
        let mut begun = 0;
        // A clock that only looks up every 25 ms.
        for look in 0..40 {
            let now = start + Duration::from_millis(25 * look);
            while pace.wait(now).is_none() {
                pace.begun(now);
                begun += 1;
            }
        }
        assert!((95..=100).contains(&begun), "{begun}");
        // Ten seconds in which nothing could begin.
        let now = start + Duration::from_secs(11);
        let mut burst = 0;
        while pace.wait(now).is_none() {
            pace.begun(now);
            burst += 1;
        }
        assert!(burst <= 3, "{burst}");
        assert_eq!(Pace::new(None, start).wait(start), None);
        for bad in ["0", "-1", "x", "1e9", "NaN", ""] {
            assert!(bad.parse::<Rate>().is_err(), "{bad}");
        }
    }
}
