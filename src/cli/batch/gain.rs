//! Whether more checks at once get more checks done.
//!
//! Twice as many at once do nearly twice as much while each waits for the network, and no more where this machine
//! is what they wait for. So a growth is kept that brings [`WORTH`] of what it could; one that brings less is taken
//! back, and not tried again for [`HOLD`]. Half as many are tried in turn with twice as many: where they get nearly
//! as much done, they are enough, and a growth that chance has made look useful does not last. Where few of the
//! places come free, checks do nothing but wait, and there is nothing to measure.
//! Unit of time: the tick of [`super::adapt::TICK`]; pure but for that.

/// Of what a growth could bring, the part that it must bring.
const WORTH: f64 = 0.5;
/// Ticks over which is measured, at least: in fewer, chance differs by as much as a growth may bring.
const MEASURED: u32 = 6;
/// Ticks after which what was begun before a change has ended, or never will.
const SETTLED: u32 = 20;
/// Ticks between a trial that was in vain and the next.
const HOLD: u32 = 60;
/// Ticks over which checks are seen to wait: a pause of this machine is shorter.
const WAITED: u32 = 4;
/// Of all places, one in so many ends in a tick where checks are more than waiting.
const WAITING: usize = 8;

/// Checks done in so many ticks.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    done: usize,
    ticks: u32,
}

impl Count {
    fn add(&mut self, done: usize) {
        self.done += done;
        self.ticks += 1;
    }

    fn rate(self) -> f64 {
        self.done as f64 / f64::from(self.ticks.max(1))
    }
}

/// The number before a trial, and what was done a tick then.
#[derive(Clone, Copy, Debug)]
struct Before {
    places: usize,
    rate: f64,
}

impl Before {
    /// Whether `places`, with which `rate` is done a tick, are better than those before.
    fn bettered(self, places: usize, rate: f64) -> bool {
        let factor = places as f64 / self.places.max(1) as f64;
        // What a small step brings is less than what one tick differs from the next.
        if (factor - 1.0).abs() <= 0.1 {
            return factor > 1.0;
        }
        rate >= self.rate * (1.0 + WORTH * (factor - 1.0))
    }
}

/// The measure of one number of checks at once, and of the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gain {
    waiting: Count,
    /// Since the number was changed: what ends here was begun before.
    settling: Count,
    settled: bool,
    measured: Count,
    before: Option<Before>,
    hold: u32,
    /// Whether the next trial is of fewer.
    fewer: bool,
}

impl Gain {
    /// What was measured no longer counts, since something else has changed; gives the number before a trial, which
    /// has not been judged and must not stay by that.
    pub(super) fn forget(&mut self) -> Option<usize> {
        let before = self.before.map(|b| b.places);
        *self = Self::anew(self.hold.saturating_sub(1), self.fewer);
        before
    }

    fn anew(hold: u32, fewer: bool) -> Self {
        Self { hold, fewer, ..Self::default() }
    }

    /// One tick with every one of `now` places taken; gives the number to go to, from `least` to `most`.
    pub(super) fn tick(&mut self, now: usize, done: usize, least: usize, most: usize) -> Option<usize> {
        self.hold = self.hold.saturating_sub(1);
        self.waiting.add(done);
        if self.waiting.ticks == WAITED {
            let waits = self.waiting.rate() < (now / WAITING) as f64;
            self.waiting = Count::default();
            if waits && self.before.is_none() && now < most {
                *self = Self::anew(self.hold, false);
                return Some(now.saturating_mul(2).min(most));
            }
        }
        if !self.settled {
            self.settling.add(done);
            self.settled = self.settling.done >= now || self.settling.ticks >= SETTLED;
            return None;
        }
        self.measured.add(done);
        if self.measured.ticks < MEASURED || self.measured.done < now && self.measured.ticks < SETTLED {
            return None;
        }
        let rate = self.measured.rate();
        if let Some(before) = self.before {
            if !before.bettered(now, rate) {
                *self = Self::anew(HOLD, !self.fewer);
                return Some(before.places);
            }
            // More are tried at once where more have helped; whether still fewer are enough has time.
            let hold = if self.fewer { HOLD } else { 0 };
            *self = Self::anew(hold, self.fewer);
        }
        let next = if self.fewer { (now / 2).max(least) } else { now.saturating_mul(2).min(most) };
        if self.hold > 0 || next == now {
            let fewer = if self.hold > 0 { self.fewer } else { !self.fewer };
            *self = Self::anew(self.hold, fewer);
            return None;
        }
        *self = Self { before: Some(Before { places: now, rate }), ..Self::anew(0, self.fewer) };
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Until the number changes, in a world that does `rate` a tick: the new number and the ticks.
    fn ticks(gain: &mut Gain, now: usize, rate: usize, most: usize) -> (usize, u32) {
        for tick in 1..1000 {
            if let Some(next) = gain.tick(now, rate, 32, most) {
                return (next, tick);
            }
        }
        (now, 1000)
    }

    #[test]
    fn a_growth_is_kept_where_it_helps_and_taken_back_where_it_does_not() {
        let mut gain = Gain::default();
        assert_eq!(ticks(&mut gain, 64, 64, 4096).0, 128);
        assert_eq!(ticks(&mut gain, 128, 100, 4096).0, 256, "more than half of what could be");
        let (back, _) = ticks(&mut gain, 256, 110, 4096);
        assert_eq!(back, 128);
    }

    #[test]
    fn fewer_are_kept_where_they_do_as_much_and_given_up_where_they_do_less() {
        let mut gain = Gain::default();
        assert_eq!(ticks(&mut gain, 64, 64, 4096).0, 128);
        assert_eq!(ticks(&mut gain, 128, 70, 4096).0, 64, "in vain");
        let (fewer, after) = ticks(&mut gain, 64, 64, 4096);
        assert!(fewer == 32 && after >= HOLD, "{fewer} {after}");
        assert_eq!(ticks(&mut gain, 32, 40, 4096).0, 64, "a loss");
        let (more, after) = ticks(&mut gain, 64, 64, 4096);
        assert!(more == 128 && after >= HOLD, "{more} {after}");
        // By chance it looked useful once.
        assert_eq!(ticks(&mut gain, 128, 128, 4096).0, 256);
        assert_eq!(ticks(&mut gain, 256, 128, 4096).0, 128);
        assert_eq!(ticks(&mut gain, 128, 128, 4096).0, 64, "as many are done");
        assert_eq!(ticks(&mut gain, 64, 128, 4096).0, 32, "and still");
        let (_, after) = ticks(&mut gain, 32, 128, 4096);
        assert!(after >= HOLD, "the least there may be: {after}");
    }

    #[test]
    fn a_trial_that_was_not_judged_does_not_stay() {
        let mut gain = Gain::default();
        assert_eq!(ticks(&mut gain, 64, 64, 4096).0, 128);
        assert_eq!(gain.forget(), Some(64));
        assert_eq!(gain.forget(), None);
    }

    #[test]
    fn at_the_most_fewer_are_tried_though_checks_wait() {
        // 4096 places of which fewer than an eighth come free in a tick: a machine that does 200 at best.
        let (fewer, _) = ticks(&mut Gain { fewer: true, ..Gain::default() }, 4096, 200, 4096);
        assert_eq!(fewer, 2048);
    }

    #[test]
    fn a_pause_is_no_waiting() {
        let mut gain = Gain { hold: 1000, ..Gain::default() };
        for tick in 0..WAITED * 10 {
            let done = if tick % WAITED == 2 { 0 } else { 64 };
            assert_eq!(gain.tick(64, done, 32, 4096), None);
        }
        assert_eq!(ticks(&mut Gain::default(), 64, 1, 4096), (128, WAITED));
    }

    #[test]
    fn at_the_most_it_stays_and_what_was_in_vain_is_taken_back_there_too() {
        let mut gain = Gain::default();
        assert_eq!(ticks(&mut gain, 64, 64, 100).0, 100);
        assert_eq!(ticks(&mut gain, 100, 64, 100).0, 64);
        assert_eq!(ticks(&mut Gain::default(), 32, 32, 32), (32, 1000));
    }
}
