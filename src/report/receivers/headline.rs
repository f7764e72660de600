//! The receivers' answers in one line, and the worst of them in one word.
//!
//! A receiver goes by its bare name where it answers so whatever its administrator switches on; where only a rule
//! that is off in a stock server says so, the line says "where they check this".

use super::super::cells::MAX_TEXT;
use super::super::clean::clean_bounded;
use super::{clause, rounded};
use crate::judge::Check;
use crate::judge::receivers::{Basis, NOTHING_PUBLISHED, NotPredicted, Outcome, Prediction};

/// Receivers named of each kind.
const MAX_NAMED: usize = 3;

/// What a filter does at its total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Greylisted,
    Spam,
    Rejected,
}

impl Mark {
    /// `None` where the total does nothing by itself.
    pub(super) fn of(prediction: &Prediction) -> Option<Self> {
        let score = prediction.score?;
        let reached = |at: Option<f64>| at.is_some_and(|at| score >= at);
        if reached(prediction.reject_threshold) {
            Some(Self::Rejected)
        } else if reached(prediction.threshold) {
            Some(Self::Spam)
        } else if reached(prediction.greylist_threshold) {
            Some(Self::Greylisted)
        } else {
            None
        }
    }

    /// `marked as spam by rspamd (7.1 of 6)`.
    pub(super) fn words(self, prediction: &Prediction) -> String {
        let (who, score) = (clause(&prediction.receiver), rounded(prediction.score.unwrap_or_default()));
        let at = |at: Option<f64>| at.unwrap_or_default();
        match self {
            Self::Greylisted => {
                format!("greylisted by {who} ({score}; {} greylists)", at(prediction.greylist_threshold))
            }
            Self::Spam => format!("marked as spam by {who} ({score} of {})", at(prediction.threshold)),
            Self::Rejected => format!("rejected by {who} ({score}; {} rejects)", at(prediction.reject_threshold)),
        }
    }
}

/// Whether the receiver does so whatever its administrator switches on.
fn is_stock(prediction: &Prediction) -> bool {
    prediction.basis != Basis::Measured || prediction.rule == "base"
}

/// The rules that accept; one that asks for nothing accepts nothing.
pub(super) fn accepting(check: &Check) -> usize {
    let asks = |p: &&Prediction| !p.because.starts_with(NOTHING_PUBLISHED);
    check.receivers.iter().filter(|p| p.outcome == Outcome::Accept).filter(asks).count()
}

/// One word for a row of a batch: the worst answer; in brackets where no stock receiver gives it.
pub(in crate::report) fn word(check: &Check) -> &'static str {
    let worst = |stock: bool| {
        let counted = check.receivers.iter().filter(|p| p.score.is_none() && (!stock || is_stock(p)));
        counted.map(|p| p.outcome).max()
    };
    let mark = check.receivers.iter().filter_map(Mark::of).max();
    match (worst(true), worst(false), mark) {
        (Some(Outcome::Reject), _, _) | (_, _, Some(Mark::Rejected)) => "reject",
        (Some(Outcome::Defer), _, _) => "defer",
        (_, _, Some(Mark::Spam)) => "spam",
        (_, _, Some(Mark::Greylisted)) => "greylist",
        (_, Some(Outcome::Reject), _) => "(reject)",
        (_, Some(Outcome::Defer), _) => "(defer)",
        _ if accepting(check) > 0 => "accept",
        _ => "-",
    }
}

pub(super) fn summary(check: &Check) -> String {
    let of = |outcome: Outcome| check.receivers.iter().filter(|p| p.outcome == outcome).collect::<Vec<_>>();
    let (rejecting, deferring, scoring) = (of(Outcome::Reject), of(Outcome::Defer), of(Outcome::Score));
    let mut parts = Vec::new();
    if !rejecting.is_empty() {
        parts.push(format!("refused {}", by(&rejecting)));
    }
    if !deferring.is_empty() {
        let passing = deferring.iter().all(|p| p.because.contains("could not be looked up"));
        parts.push(format!("deferred {}{}", if passing { "" } else { "for days " }, by(&deferring)));
    }
    let refused = !parts.is_empty();
    parts.extend(scoring.iter().filter_map(|p| Some(Mark::of(p)?.words(p))));
    let accepting = accepting(check);
    if !refused && accepting > 0 {
        let others = if parts.is_empty() { "all" } else { "all others" };
        let told = if check.not_predicted.is_empty() { "" } else { " that can be told" };
        parts.push(format!("accepted by {others}{told} ({})", rules(accepting)));
    }
    let little = scoring.iter().filter(|p| Mark::of(p).is_none());
    parts.extend(little.map(|p| format!("{} adds {}", clause(&p.receiver), super::total(p))));
    if parts.is_empty() {
        parts.push(without(check));
    }
    clean_bounded(&parts.join(" · "), MAX_TEXT).into_owned()
}

/// Why there is nothing to say.
fn without(check: &Check) -> String {
    if let Some(because) = all_open_for(check) {
        return format!("not predicted: {}", clause(because));
    }
    match check.receivers.as_slice() {
        [] => "could not be told".into(),
        silent => {
            let said: Vec<String> =
                silent.iter().map(|p| format!("{}: {}", clause(&p.receiver), clause(&p.because))).collect();
            said.join(" · ")
        }
    }
}

/// The one reason for which nothing at all could be predicted.
pub(super) fn all_open_for(check: &Check) -> Option<&str> {
    let NotPredicted { because, .. } = check.not_predicted.first()?;
    let alike = check.receivers.is_empty() && check.not_predicted.iter().all(|n| n.because == *because);
    alike.then_some(because)
}

/// `34 rules`, `1 rule`.
pub(super) fn rules(count: usize) -> String {
    format!("{count} rule{}", if count == 1 { "" } else { "s" })
}

/// `by gmail, yahoo, gmx and 5 more; and by exim, opensmtpd where they check this`.
fn by(answering: &[&Prediction]) -> String {
    let mut stock: Vec<&&Prediction> = answering.iter().filter(|p| is_stock(p)).collect();
    // Everybody meets the large receivers.
    stock.sort_by_key(|p| p.basis == Basis::Measured);
    let stock = distinct(stock.into_iter().map(|p| p.receiver.as_ref()));
    let optional = distinct(answering.iter().map(|p| p.receiver.as_ref()).filter(|name| !stock.contains(name)));
    let optional = match optional.as_slice() {
        [] => None,
        [one] => Some(format!("by {} where it checks this", clause(one))),
        several => Some(format!("by {} where they check this", listed(several))),
    };
    let stock = (!stock.is_empty()).then(|| format!("by {}", listed(&stock)));
    stock.into_iter().chain(optional).collect::<Vec<_>>().join("; and ")
}

/// Each name once, in the order of first sight.
pub(super) fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut distinct: Vec<&str> = Vec::new();
    for name in names {
        if !distinct.contains(&name) {
            distinct.push(name);
        }
    }
    distinct
}

/// `gmail, yahoo, gmx and 5 more`.
pub(super) fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names.iter().take(MAX_NAMED).map(|n| clause(n)).collect();
    match names.len().saturating_sub(MAX_NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
