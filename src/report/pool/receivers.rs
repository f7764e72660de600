//! What receivers answer to a pool: each different answer once, with the addresses that have it.
//!
//! Limits: [`MAX_ANSWERS`] different answers are kept, each with the first few addresses; the rest is counted.

use super::super::receivers::{despite, told};
use super::MAX_NAMED;
use crate::judge::Check;
use crate::judge::receivers::Outcome;

/// Different answers kept.
const MAX_ANSWERS: usize = 12;

/// The answers to a pool.
#[derive(Debug, Default)]
pub(super) struct Answers {
    groups: Vec<Answer>,
    /// Addresses whose answer was not kept.
    left_out: usize,
}

/// One answer, and who has it.
#[derive(Debug)]
struct Answer {
    summary: String,
    /// Who does not take the mail of the first of them, and why.
    despite: Vec<String>,
    worst: Option<Outcome>,
    addresses: Vec<String>,
    count: usize,
}

impl Answers {
    pub(super) fn add(&mut self, check: &Check, address: &str) {
        let Some(told) = told(check) else { return };
        if let Some(known) = self.groups.iter_mut().find(|g| g.summary == told.summary) {
            known.count += 1;
            if known.addresses.len() < MAX_NAMED {
                known.addresses.push(address.to_owned());
            }
        } else if self.groups.len() < MAX_ANSWERS {
            let worst = check.receivers.iter().map(|p| p.outcome).max();
            let addresses = vec![address.to_owned()];
            let despite = despite(check);
            self.groups.push(Answer { summary: told.summary, despite, worst, addresses, count: 1 });
        } else {
            self.left_out += 1;
        }
    }

    /// One line an answer, the worst first: `3 of 8 (203.0.113.3, …): refused by gmail`. Empty where no receiver
    /// was asked for; just the answer where `all` addresses have the same.
    pub(super) fn lines(&self, all: usize) -> Vec<String> {
        let mut groups: Vec<&Answer> = self.groups.iter().collect();
        groups.sort_by_key(|g| std::cmp::Reverse((g.worst, g.count)));
        let mut lines: Vec<String> = groups
            .iter()
            .map(|group| {
                if group.count == all {
                    return group.summary.clone();
                }
                let more = group.count - group.addresses.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                format!("{} of {all} ({}{more}): {}", group.count, group.addresses.join(", "), group.summary)
            })
            .collect();
        if self.left_out > 0 {
            lines.push(format!("{} of {all} have other answers; --format ndjson has them all", self.left_out));
        }
        lines
    }

    /// Who does not take the mail of an address although its agreement is in order, and why.
    pub(super) fn despite(&self) -> Vec<String> {
        let mut sentences: Vec<String> = Vec::new();
        for group in &self.groups {
            let one = group.despite.iter().map(|sentence| format!("{}: {sentence}", group.addresses.join(", ")));
            sentences.extend(one);
        }
        sentences
    }
}
