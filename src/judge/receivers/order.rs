//! Rules that look at the first PTR only: what they answer in the order seen, and in others.
//!
//! Resolvers rotate the records of an answer, so such a rule tosses a coin at every connection. The
//! prediction is the one for the order seen; every other answer is named beside it.

use super::prediction::{Answer, Text};
use super::world::{Found, Lacking};

/// How an assumption on the order of the records begins.
pub const ORDER_SEEN: &str = "the PTR records come in the order seen";

/// At most this many records are tried as the first.
const MAX_FIRST: usize = 100;

/// An answer, and what it would be with another record first.
pub(super) struct Ordered {
    pub seen: Answer,
    others: Vec<(String, Answer)>,
}

impl From<Answer> for Ordered {
    fn from(seen: Answer) -> Self {
        Self { seen, others: Vec::new() }
    }
}

/// Judges with each record of the answer first. A record whose lookups are lacking is left out,
/// unless it is the one seen first.
pub(super) fn each_first(
    ptr: &Found<'_>,
    judge: impl Fn(usize) -> Result<Answer, Lacking>,
) -> Result<Ordered, Lacking> {
    let seen = judge(0)?;
    let mut others: Vec<(String, Answer)> = Vec::new();
    for (first, name) in ptr.data.iter().enumerate().take(MAX_FIRST).skip(1) {
        let Ok(answer) = judge(first) else { continue };
        if answer.reply != seen.reply && !others.iter().any(|(_, other)| other.reply == answer.reply) {
            others.push(((*name).to_owned(), answer));
        }
    }
    Ok(Ordered { seen, others })
}

impl Ordered {
    /// What the order of the records decides, in words.
    pub(super) fn other_orders(&self) -> impl Iterator<Item = Text> {
        self.others.iter().map(|(name, answer)| {
            format!("{ORDER_SEEN}; with {name} first the answer is {} {}", answer.outcome(), answer.reply).into()
        })
    }
}

/// What a filter's total would be with another record first, where it differs: the one that is
/// farthest from the total seen.
pub(super) fn other_totals(ptr: &Found<'_>, seen: f64, total: impl Fn(usize) -> Result<f64, Lacking>) -> Option<Text> {
    let firsts = 1..ptr.data.len().min(MAX_FIRST);
    let others = firsts.filter_map(|first| Some((first, total(first).ok()?)));
    let (first, other) = others.max_by(|a, b| (a.1 - seen).abs().total_cmp(&(b.1 - seen).abs()))?;
    let name = ptr.data.get(first)?;
    ((other - seen).abs() > 0.0005).then(|| format!("{ORDER_SEEN}; with {name} first it adds {other}").into())
}
