//! What real receivers would answer to this identity: one file a server, from the evidence alone.
//!
//! Input: [`Evidence`] and a [`Selection`]. Output: a [`Prediction`] a rule, in a stable order.
//! Failure: a rule whose lookups the evidence does not hold makes no prediction; [`unpredicted`]
//! says which, and [`questions`] says what to ask the DNS so that there are none.
//! Sources: every file's head names the version measured; `docs/receivers.md` is the index.

mod catalogue;
mod exim;
mod glibc;
mod names;
mod opensmtpd;
mod order;
mod policies;
mod postfix;
mod prediction;
mod questions;
mod received_line;
mod rspamd;
mod selection;
mod sendmail;
mod spamassassin;
mod world;

pub use catalogue::{RuleEntry, RuleSetting, rule_entries};
pub use order::ORDER_SEEN;
pub use policies::NOTHING_PUBLISHED;
pub use prediction::{Basis, Outcome, Prediction, ReplyCode, Symbol};
pub use questions::{MAX_ASKED, MAX_NAMES, questions};
pub use selection::{Selection, UnknownReceiver, names as receiver_names};
pub use world::Lacking;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::Evidence;
use world::World;

/// A rule that could not be judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unpredicted {
    /// The receiver.
    pub receiver: &'static str,
    /// Its rule.
    pub rule: &'static str,
    /// What the evidence lacks.
    pub lacking: Lacking,
}

/// The same in a report: `lacking` in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotPredicted {
    /// The receiver.
    pub receiver: Cow<'static, str>,
    /// Its rule.
    pub rule: Cow<'static, str>,
    /// What the evidence lacks.
    pub because: String,
}

type Rules = fn(&World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)>;

/// The servers that were measured, in the order of the report.
const SERVERS: [(&str, Rules); 7] = [
    ("postfix", postfix::predict),
    ("exim", exim::predict),
    ("opensmtpd", opensmtpd::predict),
    ("sendmail", sendmail::predict),
    ("rspamd", rspamd::predict),
    ("rspamd-3.4", rspamd::predict_34),
    ("spamassassin", spamassassin::predict),
];

/// Both at once: what is predicted, and what is not.
pub(super) fn predict_all(evidence: &Evidence, selection: &Selection) -> (Vec<Prediction>, Vec<NotPredicted>) {
    let (mut predicted, mut open) = (Vec::new(), Vec::new());
    if *selection == Selection::None {
        return (predicted, open);
    }
    for (receiver, rule, judged) in judged(evidence, selection) {
        match judged {
            Ok(prediction) => predicted.push(prediction),
            Err(lacking) => {
                open.push(NotPredicted { receiver: receiver.into(), rule: rule.into(), because: lacking.to_string() });
            }
        }
    }
    (predicted, open)
}

/// What the selected receivers would answer, as far as the evidence goes.
pub fn predict(evidence: &Evidence, selection: &Selection) -> Vec<Prediction> {
    judged(evidence, selection).filter_map(|(_, _, judged)| judged.ok()).collect()
}

/// The rules of the selected receivers that could not be judged, and what they lack.
pub fn unpredicted(evidence: &Evidence, selection: &Selection) -> Vec<Unpredicted> {
    judged(evidence, selection)
        .filter_map(|(receiver, rule, judged)| {
            let lacking = judged.err()?;
            Some(Unpredicted { receiver, rule, lacking })
        })
        .collect()
}

fn judged(
    evidence: &Evidence,
    selection: &Selection,
) -> impl Iterator<Item = (&'static str, &'static str, Result<Prediction, Lacking>)> {
    let world = World::of(evidence);
    // A rule on the EHLO name alone would still "accept" a client of which nothing is known.
    let nobody = world.ip().is_err() && world.ehlo().is_err();
    let published = policies::predict(&world, selection);
    SERVERS
        .into_iter()
        .filter(|(name, _)| selection.holds(name))
        .flat_map(move |(name, rules)| rules(&world).into_iter().map(move |(rule, judged)| (name, rule, judged)))
        .chain(published)
        .map(move |(name, rule, judged)| (name, rule, if nobody { Err(Lacking::Identity) } else { judged }))
}
