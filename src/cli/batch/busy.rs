//! How much of this machine's time the run takes: checks that wait for the machine gain nothing by company.
//!
//! Unit: a share of the time of all cores that the run may use, 0 to 1.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// The processor time of this process, between one look and the next.
#[derive(Debug)]
pub(super) struct Busy {
    cores: f64,
    since: Instant,
    spent: Duration,
}

impl Busy {
    /// Of a run that can use so many cores.
    pub(super) fn new(cores: usize) -> Self {
        Self { cores: cores as f64, since: Instant::now(), spent: spent() }
    }

    /// The share since the last look.
    pub(super) fn share(&mut self) -> f64 {
        let (now, spent) = (Instant::now(), spent());
        let wall = now.saturating_duration_since(self.since).as_secs_f64();
        let share = spent.saturating_sub(self.spent).as_secs_f64() / (wall * self.cores).max(f64::MIN_POSITIVE);
        (self.since, self.spent) = (now, spent);
        share.min(1.0)
    }
}

/// Processor time of all threads (POSIX `CLOCK_PROCESS_CPUTIME_ID`).
fn spent() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_what_was_spent_since_the_last_look() {
        let mut busy = Busy::new(1);
        let begun = spent();
        while spent() < begun + Duration::from_millis(50) {
            std::hint::black_box(begun);
        }
        let (wall, cores) = (busy.since.elapsed().as_secs_f64(), busy.cores);
        let share = busy.share();
        assert!(share > 0.0 && share <= 1.0, "{share}");
        // 50 ms and more of the time that went by, whatever else ran on the machine meanwhile.
        assert!(share >= (0.05 / (wall * cores) * 0.5).min(1.0), "{share} of {wall} s on {cores}");
        assert!(busy.spent >= begun + Duration::from_millis(50));
    }
}
