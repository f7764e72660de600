//! How many checks at once: as many as help, fewer when the resolver or this machine cannot bear them.
//!
//! Grows while every place is taken, the machine has time ([`super::busy`]), the event loop keeps it and more at once
//! get more done: checks that only wait for the network gain by company, those that wait for this machine do not, and
//! would fill its memory ([`super::gain`]). Falls back when sockets run short, when many
//! answers need a second try (datagrams are lost), and, on trial, when many questions end in temporary trouble:
//! where fewer at once does not lessen the trouble, it is the zones' own, and the trial is called off.
//! Unit of time: the tick of [`TICK`]; pure but for that.

use std::time::Duration;

use super::gain::Gain;
use crate::observe::LoadSeen;

/// Between two looks.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// An event loop that comes this late has enough to do.
const LATE: Duration = Duration::from_millis(5);
/// Of this machine's time, the share above which it is what checks wait for.
const BUSY: f64 = 0.6;
/// Where an adaptive run begins.
const BEGIN: usize = 32;
/// What it never falls below.
const LEAST: usize = 8;
/// Questions on which a judgement may be based.
const SAMPLE: u64 = 50;
/// Of answers, those with a second try, above which datagrams are being lost.
const LOSS: f64 = 0.05;
/// Of questions, those with temporary trouble, above which it may be our doing.
const TROUBLE: f64 = 0.2;
/// Ticks after a fall in which the next is not decided: what is in flight is of before.
const SETTLING: u32 = 20;
/// Ticks after which what was asked before a change has been answered: longer than two tries.
const SETTLED: u32 = 160;

/// The number of checks at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Adapt {
    now: usize,
    most: usize,
    /// What was seen at the beginning of the sample.
    since: LoadSeen,
    shortages: u64,
    /// Trouble that does not come of our speed.
    tolerated: f64,
    trial: Option<Trial>,
    /// The number at which it was too much; near it, growth is slow.
    too_many: usize,
    /// Ticks until what was begun before a fall no longer counts.
    settling: u32,
    gain: Gain,
}

/// Fewer at once, to see whether that lessens the trouble.
#[derive(Clone, Copy, Debug)]
struct Trial {
    before: usize,
    trouble: f64,
    ticks: u32,
}

impl Adapt {
    /// Up to `most`; begins there where the number was asked for.
    pub(super) fn new(most: usize, asked_for: bool) -> Self {
        let now = if asked_for { most } else { BEGIN.min(most) };
        Self {
            now,
            most,
            since: LoadSeen::default(),
            shortages: 0,
            tolerated: TROUBLE,
            trial: None,
            too_many: usize::MAX,
            settling: 0,
            gain: Gain::default(),
        }
    }

    /// Checks that may run at once.
    pub(super) fn at_once(&self) -> usize {
        self.now
    }

    /// One look; `done` checks have ended since the last, `full` says that every place was taken, `late` by how
    /// much this one is late, `busy` which share of the machine's time was ours.
    pub(super) fn tick(&mut self, seen: LoadSeen, done: usize, full: bool, late: Duration, busy: f64) {
        self.settling = self.settling.saturating_sub(1);
        if seen.shortages > self.shortages {
            self.shortages = seen.shortages;
            if self.settling == 0 {
                self.fall(3, 4);
                // Not so soon to where it was too much.
                self.most = self.most.min(self.now + self.now / 8 + 1);
            }
            return;
        }
        let answered = seen.answered - self.since.answered;
        let unanswered = seen.unanswered - self.since.unanswered;
        let trouble = unanswered as f64 / (answered + unanswered).max(1) as f64;
        if let Some(trial) = &mut self.trial {
            trial.ticks += 1;
            if trial.ticks == SETTLED {
                self.since = seen;
            } else if trial.ticks > SETTLED && (answered + unanswered >= SAMPLE || trial.ticks > 2 * SETTLED) {
                let Trial { before, trouble: then, .. } = *trial;
                self.trial = None;
                self.gain.forget();
                self.since = seen;
                if trouble > then * 0.7 {
                    self.tolerated = then.max(trouble) * 1.2;
                    self.now = before.min(self.most);
                } else {
                    self.too_many = before;
                }
            }
            return;
        }
        if answered + unanswered >= SAMPLE {
            let loss = (seen.retried - self.since.retried) as f64 / answered.max(1) as f64;
            self.since = seen;
            if answered >= SAMPLE / 2 && loss > LOSS && self.settling == 0 {
                self.fall(2, 3);
                return;
            }
            if trouble > self.tolerated && self.now > LEAST {
                self.trial = Some(Trial { before: self.now, trouble, ticks: 0 });
                let known = self.too_many;
                self.fall(1, 2);
                // Only a trial that helps tells that it was too much.
                self.too_many = known;
                return;
            }
        }
        if !full || late >= LATE || busy >= BUSY {
            self.now = self.gain.forget().unwrap_or(self.now).min(self.most);
            return;
        }
        // Before growth is looked at: at the most there may be, growth that was in vain is taken back all the same.
        let growth = self.gain.tick(self.now, done, BEGIN.min(self.most), self.most);
        let near = self.too_many / 10 * 9;
        self.now = match growth {
            Some(next) if next > self.now && self.now >= near => (self.now + self.now / 128).max(self.now + 1),
            Some(next) if next > self.now => next.min(near.max(self.now + 1)),
            Some(back) => back,
            None => self.now,
        };
        self.now = self.now.min(self.most);
    }

    fn fall(&mut self, of: usize, parts: usize) {
        self.too_many = self.now;
        self.now = (self.now * of / parts).max(LEAST.min(self.most));
        self.settling = SETTLING;
        self.gain.forget();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten seconds per 200 ticks; every tick `per_tick` questions a place are asked.
    fn run(adapt: &mut Adapt, ticks: u32, mut world: impl FnMut(usize) -> (u64, u64, u64, u64)) -> Vec<usize> {
        let mut seen = adapt.since;
        seen.shortages = adapt.shortages;
        (0..ticks)
            .map(|_| {
                let (answered, retried, unanswered, shortages) = world(adapt.at_once());
                seen.answered += answered;
                seen.retried += retried;
                seen.unanswered += unanswered;
                seen.shortages += shortages;
                let done = usize::try_from(answered + unanswered).unwrap();
                adapt.tick(seen, done, true, Duration::ZERO, 0.0);
                adapt.at_once()
            })
            .collect()
    }

    #[test]
    fn a_healthy_world_is_used_to_the_full_within_two_seconds() {
        let mut adapt = Adapt::new(1024, false);
        assert_eq!(*run(&mut adapt, 40, |n| (n as u64, 0, 0, 0)).last().unwrap(), 1024);
    }

    /// Checks that wait a second and longer are no work for this machine.
    #[test]
    fn where_all_wait_the_run_grows_at_once() {
        let mut adapt = Adapt::new(1024, false);
        assert_eq!(*run(&mut adapt, 20, |_| (0, 0, 0, 0)).last().unwrap(), 1024);
    }

    #[test]
    fn what_the_machine_cannot_do_faster_is_not_begun() {
        let mut adapt = Adapt::new(4096, false);
        let went = run(&mut adapt, 2000, |_| (200, 0, 0, 0));
        assert!(went.iter().all(|n| *n <= 2 * BEGIN), "{:?}", went.iter().max());
        assert!(went.iter().filter(|n| **n == BEGIN).count() > 1800);
    }

    #[test]
    fn a_busy_machine_or_free_places_are_no_reason_to_grow() {
        let mut adapt = Adapt::new(1024, false);
        for _ in 0..100 {
            for (full, late, busy) in [(false, Duration::ZERO, 0.0), (true, LATE, 0.0), (true, Duration::ZERO, BUSY)] {
                adapt.tick(LoadSeen::default(), BEGIN, full, late, busy);
                assert_eq!(adapt.at_once(), BEGIN);
            }
        }
    }

    #[test]
    fn ticks_that_are_late_now_and_then_do_not_raise_the_number() {
        let mut adapt = Adapt::new(4096, false);
        let mut seen = LoadSeen::default();
        for tick in 0..20_000 {
            seen.answered += 600;
            let late = if tick % 17 == 0 { LATE } else { Duration::ZERO };
            adapt.tick(seen, 200, true, late, 0.0);
            assert!(adapt.at_once() <= 4 * BEGIN, "{} at tick {tick}", adapt.at_once());
        }
    }

    /// Dead zones are dead however gently they are asked for.
    #[test]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a small number")]
    fn zones_that_fail_by_themselves_do_not_slow_the_run() {
        for dead in [0.25, 0.6, 1.0] {
            let mut adapt = Adapt::new(1024, false);
            let went = run(&mut adapt, 3 * SETTLED, |n| {
                let unanswered = (n as f64 * dead) as u64;
                (n as u64 - unanswered, 0, unanswered, 0)
            });
            assert_eq!(*went.last().unwrap(), 1024, "{dead}");
        }
    }

    #[test]
    fn a_resolver_that_fails_above_its_limit_is_asked_for_less() {
        let mut adapt = Adapt::new(4096, false);
        let went = run(&mut adapt, 60 * SETTLED, |n| {
            let n = n as u64;
            (n.min(300), 0, n.saturating_sub(300), 0)
        });
        let late = &went[went.len() / 2..];
        let mean = late.iter().sum::<usize>() / late.len();
        assert!((100..=600).contains(&mean), "{mean}");
    }

    #[test]
    fn lost_datagrams_slow_the_run() {
        let mut adapt = Adapt::new(4096, false);
        let went = run(&mut adapt, 10 * SETTLED, |n| {
            let n = n as u64;
            (n, n.saturating_sub(400), 0, 0)
        });
        let late = &went[went.len() / 2..];
        assert!(late.iter().all(|n| *n <= 700), "{:?}", late.iter().max());
        assert!(late.iter().sum::<usize>() / late.len() > 200);
    }

    #[test]
    fn where_sockets_ran_short_the_run_stays_below() {
        let mut adapt = Adapt::new(4096, false);
        let went = run(&mut adapt, 10 * SETTLED, |n| (n as u64, 0, 0, u64::from(n > 1000)));
        assert!(went[went.len() / 2..].iter().all(|n| (300..=1000).contains(n)), "{:?}", went.last());
    }

    #[test]
    fn a_number_that_was_asked_for_is_the_most() {
        let mut adapt = Adapt::new(4, true);
        assert_eq!(adapt.at_once(), 4);
        let went = run(&mut adapt, 1000, |n| (n as u64, n as u64, 0, 1));
        assert!(went.iter().all(|n| (1..=4).contains(n)));
    }
}
