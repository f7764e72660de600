//! The remedies of a pool's addresses as one list: each step once a holder, with the records of all of them.
//!
//! Limits: [`MAX_STEPS`] different steps and [`MAX_RECORDS`] lines of each are kept; the rest is counted.

use crate::judge::{Check, RemedyStep, Side};

/// Different steps kept.
const MAX_STEPS: usize = 16;
/// Zone lines kept of a step.
const MAX_RECORDS: usize = 12;

/// What to do about a pool.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) steps: Vec<Step>,
    /// Steps that were not kept.
    pub(super) left_out: usize,
}

/// One step, for as many addresses as need it.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) todo: RemedyStep,
    /// The first address that needs it.
    first: String,
    /// Addresses that need it.
    pub(super) count: usize,
    /// Zone lines that were not kept.
    pub(super) more: usize,
}

impl Steps {
    pub(super) fn add(&mut self, check: &Check, address: &str) {
        for step in check.remedy.iter().flat_map(|r| &r.steps).filter(|s| s.side != Side::Recheck) {
            // Who can do it tells the zones apart: a record goes to the holder of its own.
            let same =
                |s: &&mut Step| (s.todo.side, &s.todo.action, &s.todo.who) == (step.side, &step.action, &step.who);
            let known = self.steps.iter_mut().find(same);
            if let Some(kept) = known {
                kept.join(step);
            } else if self.steps.len() < MAX_STEPS {
                self.steps.push(Step { todo: step.clone(), first: address.to_owned(), count: 1, more: 0 });
            } else {
                self.left_out += 1;
            }
        }
    }

    /// In the order in which they are done: forward, PTR, EHLO.
    pub(super) fn ordered(&self) -> Vec<&Step> {
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by_key(|s| match s.todo.side {
            Side::Forward => 0,
            Side::Reverse => 1,
            Side::Ehlo => 2,
            Side::Recheck => 3,
        });
        steps
    }
}

impl Step {
    /// Whose it is, in brackets.
    pub(super) fn whose(&self) -> String {
        if self.count > 1 { format!("[{} addresses]", self.count) } else { format!("[{}]", self.first) }
    }

    fn join(&mut self, other: &RemedyStep) {
        self.count += 1;
        for (kept, new) in [(&mut self.todo.publish, &other.publish), (&mut self.todo.withdraw, &other.withdraw)] {
            for record in new.iter().filter(|r| !kept.contains(r)).cloned().collect::<Vec<_>>() {
                if kept.len() < MAX_RECORDS {
                    kept.push(record);
                } else {
                    self.more += 1;
                }
            }
        }
        self.todo.cached_for = self.todo.cached_for.max(other.cached_for);
    }
}
