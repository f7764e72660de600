//! Whether more checks at once get more checks done.
//!
//! Twice as many at once do nearly twice as much while each waits for the network, and no more where this machine
//! is what they wait for. So a growth is kept that brings [`WORTH`] of what it could; one that brings less is taken
//! back, and not tried again for [`HOLD`]. Where few of the places came free since the last look, checks do nothing
//! but wait, and there is nothing to measure.
//! Unit of time: the tick of [`super::adapt::TICK`]; pure but for that.

/// Of what a growth could bring, the part that it must bring.
const WORTH: f64 = 0.4;
/// Ticks over which is measured, at least: in fewer, chance differs by as much as a growth may bring.
const MEASURED: u32 = 4;
/// Ticks after which what was begun before a change has ended, or never will.
const SETTLED: u32 = 20;
/// Ticks between a growth that was in vain and the next.
const HOLD: u32 = 100;
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

/// The measure of one number of checks at once, and of the one before it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gain {
    /// Since the number was changed: what ends here was begun before.
    settling: Count,
    settled: bool,
    measured: Count,
    /// The number before the last growth, and what was done a tick then.
    before: Option<(usize, f64)>,
    hold: u32,
}

impl Gain {
    /// What was measured no longer counts: something else has changed.
    pub(super) fn forget(&mut self) {
        *self = Self { hold: self.hold.saturating_sub(1), ..Self::default() };
    }

    /// One tick with every one of `now` places taken; gives the number to go to, `most` at most.
    pub(super) fn tick(&mut self, now: usize, done: usize, most: usize) -> Option<usize> {
        self.hold = self.hold.saturating_sub(1);
        if self.before.is_none() && done < now / WAITING {
            return (now < most).then_some(now + now / 2 + 1);
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
        if let Some((before, then)) = self.before {
            let could = now as f64 / before.max(1) as f64 - 1.0;
            // What a smaller growth brings is less than what one tick differs from the next.
            if could > 0.1 && rate < then * (1.0 + WORTH * could) {
                *self = Self { hold: HOLD, ..Self::default() };
                return Some(before);
            }
        }
        if self.hold > 0 || now >= most {
            *self = Self { hold: self.hold, ..Self::default() };
            return None;
        }
        *self = Self { before: Some((now, rate)), ..Self::default() };
        Some(now.saturating_mul(2).min(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(gain: &mut Gain, now: usize, done: usize, most: usize) -> (usize, u32) {
        for tick in 1..1000 {
            if let Some(next) = gain.tick(now, done, most) {
                return (next, tick);
            }
        }
        (now, 1000)
    }

    #[test]
    fn a_growth_is_kept_where_it_helps_and_taken_back_where_it_does_not() {
        let mut gain = Gain::default();
        assert_eq!(ticks(&mut gain, 64, 64, 4096).0, 128);
        assert_eq!(ticks(&mut gain, 128, 96, 4096).0, 256, "half of what could be");
        let (back, _) = ticks(&mut gain, 256, 100, 4096);
        assert_eq!(back, 128);
        let (again, after) = ticks(&mut gain, 128, 96, 4096);
        assert!(again == 256 && after >= HOLD, "{again} {after}");
    }

    #[test]
    fn at_the_most_it_stays_and_what_was_in_vain_is_taken_back_there_too() {
        let mut gain = Gain::default();
        assert_eq!(ticks(&mut gain, 64, 64, 100).0, 100);
        assert_eq!(ticks(&mut gain, 100, 64, 100).0, 64);
        assert_eq!(ticks(&mut Gain::default(), 100, 100, 100), (100, 1000));
    }
}
