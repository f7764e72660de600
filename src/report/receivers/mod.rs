//! What known receivers would answer, in a few lines: a summary first, then who answers what and why, the worst
//! first. Rules that answer alike for the same reason stand in one line; where all accept there is only the summary.
//!
//! Receivers and rules go by their names in JSON, as `--receivers` and `explain` take them.

mod headline;

use super::clean::clean_bounded;
use super::ink::Ink;
use super::wrap::hang;
use crate::judge::receivers::{Basis, NotPredicted, ORDER_SEEN, Outcome, Prediction};
use crate::judge::{Check, Severity};
use headline::{Mark, accepting, all_open_for, distinct, summary};

pub(super) use headline::word;

/// What stands before the summary.
pub(super) const HEAD: &str = "Receivers: ";
/// What is said in place of "nothing to change" where a receiver does not take the mail all the same.
pub(super) const IN_ORDER: &str = "The agreement is in order: nothing of it has to change.";
/// Lines of one answer.
const MAX_LINES: usize = 4;
/// Symbols shown of a filter.
const MAX_SYMBOLS: usize = 5;
/// The longest clause.
const MAX_WHY: usize = 160;
/// A filter that adds less says nothing of this identity.
const LITTLE: f64 = 1.0;
/// Columns of the answers: `reject`, `accept`.
const ANSWER: usize = 9;

/// One answer, who gives it and why; cleaned.
pub(super) struct Row {
    pub answer: &'static str,
    pub who: String,
    pub why: String,
}

/// The receivers' part of a report; cleaned.
pub(super) struct Told {
    pub summary: String,
    pub rows: Vec<Row>,
}

/// What the receivers answer; `None` where none was asked for.
pub(super) fn told(check: &Check) -> Option<Told> {
    if check.receivers.is_empty() && check.not_predicted.is_empty() {
        return None;
    }
    let mut rows = Vec::new();
    for (outcome, answer) in [(Outcome::Reject, "reject"), (Outcome::Defer, "defer")] {
        rows.extend(refusals(&check.receivers, outcome, answer));
    }
    rows.extend(check.receivers.iter().filter(|p| p.score.is_some_and(|s| s >= LITTLE)).map(filter_row));
    let accepting = accepting(check);
    // Without a refusal the summary has said so already.
    if check.receivers.iter().any(|p| p.outcome > Outcome::Score) && accepting > 0 {
        let who = format!("{accepting} other rule{}", if accepting == 1 { "" } else { "s" });
        rows.push(Row { answer: "accept", who, why: String::new() });
    }
    rows.extend(order_row(&check.receivers));
    // Where nothing could be predicted, the summary has said why.
    if all_open_for(check).is_none() {
        rows.extend(open_row(&check.not_predicted));
    }
    Some(Told { summary: summary(check), rows })
}

/// Who does not take the mail although nothing of the agreement has to change: a sentence a reason, cleaned. Empty
/// where all accept.
pub(super) fn despite(check: &Check) -> Vec<String> {
    let mut sentences = Vec::new();
    for (outcome, answer) in [(Outcome::Reject, "refused"), (Outcome::Defer, "deferred")] {
        let rows = refusals(&check.receivers, outcome, answer);
        sentences.extend(rows.iter().map(|row| format!("Still {answer} by {}: {}.", row.who, row.why)));
    }
    for (prediction, mark) in check.receivers.iter().filter_map(|p| Some((p, Mark::of(p)?))) {
        sentences.push(format!("Still {}: {}.", mark.words(prediction), filter_row(prediction).why));
    }
    sentences
}

fn clause(text: &str) -> String {
    clean_bounded(text, MAX_WHY).into_owned()
}

/// The clause without what only one receiver says of it: `the address has no PTR (nxdomain)`.
fn shared(because: &str) -> &str {
    match because.strip_suffix(')').and_then(|b| b.rsplit_once(" (")) {
        Some((clause, word)) if word.bytes().all(|b| b.is_ascii_lowercase()) => clause,
        _ => because,
    }
}

/// The rules of one receiver that answer alike.
struct Member<'a> {
    receiver: &'a str,
    published: bool,
    rules: Vec<&'a str>,
}

/// Who refuses, a line a reason.
fn refusals(all: &[Prediction], outcome: Outcome, answer: &'static str) -> Vec<Row> {
    let mut groups: Vec<(&str, Vec<Member<'_>>)> = Vec::new();
    for prediction in all.iter().filter(|p| p.outcome == outcome) {
        let why = shared(&prediction.because);
        let place = groups.iter().position(|(known, _)| *known == why).unwrap_or_else(|| {
            groups.push((why, Vec::new()));
            groups.len() - 1
        });
        let members = &mut groups[place].1;
        match members.iter_mut().find(|m| m.receiver == prediction.receiver) {
            Some(member) => member.rules.push(&prediction.rule),
            None => members.push(Member {
                receiver: &prediction.receiver,
                published: prediction.basis != Basis::Measured,
                rules: vec![&prediction.rule],
            }),
        }
    }
    // Those who act on it whatever anybody switches on come first.
    groups.sort_by_key(|(_, members)| !members.iter().any(|m| m.published));
    let rest = groups.split_off(groups.len().min(MAX_LINES));
    let mut rows: Vec<Row> =
        groups.into_iter().map(|(why, members)| Row { answer, who: listed(members, all), why: clause(why) }).collect();
    let others: Vec<Member<'_>> = rest.into_iter().flat_map(|(_, members)| members).collect();
    if !others.is_empty() {
        rows.push(Row { answer, who: listed(others, all), why: "for other reasons".into() });
    }
    rows
}

/// `gmail, yahoo, postfix/reject_unknown_client_hostname`; a server all of whose rules answer so goes by its name.
fn listed(mut members: Vec<Member<'_>>, all: &[Prediction]) -> String {
    members.sort_by_key(|m| !m.published);
    let shown = members.iter().map(|member| {
        let whole = all.iter().filter(|p| p.receiver == member.receiver).count() == member.rules.len();
        if member.published || whole {
            return clause(member.receiver);
        }
        let handles: Vec<String> = member.rules.iter().map(|r| clause(&format!("{}/{r}", member.receiver))).collect();
        handles.join(", ")
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// Of a filter: `rspamd 4.6 of 6`.
fn total(prediction: &Prediction) -> String {
    let score = prediction.score.unwrap_or_default();
    let of = prediction.threshold.map(|t| format!(" of {t}")).unwrap_or_default();
    format!("{}{of}", rounded(score))
}

fn rounded(score: f64) -> f64 {
    (score * 10.0).round() / 10.0 + 0.0
}

fn filter_row(prediction: &Prediction) -> Row {
    let mut symbols: Vec<_> = prediction.symbols.iter().filter(|s| s.score != 0.0).collect();
    symbols.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut shown: Vec<String> =
        symbols.iter().take(MAX_SYMBOLS).map(|s| clause(&format!("{} {}", s.name, s.score))).collect();
    if symbols.len() > MAX_SYMBOLS {
        shown.push(format!("{} more", symbols.len() - MAX_SYMBOLS));
    }
    Row {
        answer: "score",
        who: format!("{} {}", clause(&prediction.receiver), total(prediction)),
        why: shown.join(", "),
    }
}

/// Where the first record decides, and resolvers rotate records.
fn order_row(all: &[Prediction]) -> Option<Row> {
    let mut turning = all.iter().filter_map(|p| Some((p, p.assumes.iter().find(|a| a.starts_with(ORDER_SEEN))?)));
    let (first, assumed) = turning.next()?;
    let more = turning.count();
    let who = format!("{}/{}", first.receiver, first.rule);
    let and = if more == 0 { String::new() } else { format!(" and {more} more") };
    let turn = assumed.strip_prefix(ORDER_SEEN).unwrap_or_default().trim_start_matches("; ");
    Some(Row { answer: "order", who: clause(&who) + &and, why: format!("only the first PTR counts; {}", clause(turn)) })
}

/// What could not be predicted, in one line.
fn open_row(open: &[NotPredicted]) -> Option<Row> {
    let first = open.first()?;
    let alike: Vec<&NotPredicted> = open.iter().filter(|n| n.because == first.because).collect();
    let named = headline::listed(&distinct(alike.iter().map(|n| n.receiver.as_ref())));
    let others = open.len() - alike.len();
    let more = match others {
        0 => String::new(),
        1 => "; 1 more rule for another reason".into(),
        others => format!("; {others} more rules for other reasons"),
    };
    Some(Row { answer: "open", who: named, why: format!("not predicted: {}{more}", clause(&first.because)) })
}

/// The part under the table's facts; no line where no receiver was asked for.
pub(super) fn receivers_lines(check: &Check, limit: usize, ink: Ink) -> Vec<String> {
    let Some(told) = told(check) else { return Vec::new() };
    let mut lines = vec![String::new()];
    lines.extend(hang(&ink.strong(HEAD), &told.summary, HEAD.len(), limit));
    for row in &told.rows {
        let lead = format!(" {:width$}", row.answer, width = ANSWER - 1);
        let lead = match row.answer {
            "reject" => ink.severity(Severity::Error, &lead),
            "defer" | "score" => ink.severity(Severity::Warning, &lead),
            _ => ink.faint(&lead),
        };
        let why = if row.why.is_empty() { String::new() } else { format!(": {}", row.why) };
        lines.extend(hang(&lead, &format!("{}{why}", row.who), ANSWER, limit));
    }
    lines
}
