//! Counts over many bounces: causes, legs, receivers, addresses.
//!
//! Memory is bounded: of receivers and of addresses the first ten thousand different ones are counted
//! by name, the rest together.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bounce, Cause, Identity};

const MAX_KEYS: usize = 10_000;

/// A thing and how often it was met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count<T> {
    /// What was counted.
    pub what: T,
    /// In how many bounces.
    pub count: usize,
}

/// What a desk wants to see over a day's bounces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BounceSummary {
    /// All entries.
    pub messages: usize,
    /// Those that are reports about another message.
    pub bounces: usize,
    /// Those that could not be read.
    pub unreadable: usize,
    /// Files that nobody named and that are no mail.
    #[serde(default)]
    pub skipped: usize,
    /// By cause, the most frequent first.
    pub causes: Vec<Count<Cause>>,
    /// By leg of the sender's identity.
    pub identities: Vec<Count<Identity>>,
    /// By receiver.
    pub receivers: Vec<Count<String>>,
    /// By sending address.
    pub sending_ips: Vec<Count<String>>,
    /// By sending address, refusals of the sender's identity only.
    pub identity_ips: Vec<Count<String>>,
    /// Entries whose receiver or address was one too many to be counted by name.
    pub uncounted: usize,
    #[serde(skip)]
    tally: Tally,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    causes: BTreeMap<Cause, usize>,
    identities: BTreeMap<Identity, usize>,
    receivers: BTreeMap<String, usize>,
    ips: BTreeMap<String, usize>,
    identity_ips: BTreeMap<String, usize>,
}

impl BounceSummary {
    /// Over these bounces.
    pub fn of<'a>(bounces: impl IntoIterator<Item = &'a Bounce>) -> Self {
        let mut summary = Self::default();
        for bounce in bounces {
            summary.add(bounce);
        }
        summary.finish()
    }

    /// Counts one more; call [`Self::finish`] after the last.
    pub fn add(&mut self, bounce: &Bounce) {
        self.messages += 1;
        if bounce.unreadable.is_some() {
            self.unreadable += 1;
            return;
        }
        if bounce.skipped.is_some() {
            self.skipped += 1;
            return;
        }
        self.bounces += usize::from(bounce.bounce);
        if bounce.bounce {
            *self.tally.causes.entry(bounce.cause).or_default() += 1;
        }
        if let Some(identity) = bounce.identity {
            *self.tally.identities.entry(identity).or_default() += 1;
        }
        let ip = bounce.sending_ip.ip.map(|ip| ip.to_string());
        let mut missed = false;
        if let Some(receiver) = &bounce.receiver {
            missed |= !count(&mut self.tally.receivers, receiver);
        }
        if let Some(ip) = ip {
            missed |= !count(&mut self.tally.ips, &ip);
            if bounce.cause == Cause::SenderIdentity {
                missed |= !count(&mut self.tally.identity_ips, &ip);
            }
        }
        self.uncounted += usize::from(missed);
    }

    /// Sorts the counts: the most frequent first, equals by name.
    #[must_use]
    pub fn finish(mut self) -> Self {
        let tally = std::mem::take(&mut self.tally);
        self.causes = ranked(tally.causes);
        self.identities = ranked(tally.identities);
        self.receivers = ranked(tally.receivers);
        self.sending_ips = ranked(tally.ips);
        self.identity_ips = ranked(tally.identity_ips);
        self
    }
}

fn count(map: &mut BTreeMap<String, usize>, key: &str) -> bool {
    if let Some(n) = map.get_mut(key) {
        *n += 1;
        return true;
    }
    let room = map.len() < MAX_KEYS;
    if room {
        map.insert(key.to_owned(), 1);
    }
    room
}

fn ranked<T: Ord>(map: BTreeMap<T, usize>) -> Vec<Count<T>> {
    let mut counts: Vec<Count<T>> = map.into_iter().map(|(what, count)| Count { what, count }).collect();
    counts.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.what.cmp(&b.what)));
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_behind_all_of_a_days_bounces() {
        let line = |ip: &str| {
            super::super::read(
                format!("550-5.7.25 [{ip}] The IP address sending this message does not have a PTR record setup, or the corresponding\n550 5.7.25 forward DNS entry does not point to the sending IP")
                    .as_bytes(),
            )
        };
        let bounces = [line("192.0.2.1"), line("192.0.2.2"), line("192.0.2.2"), super::super::read(b"")];
        let summary = BounceSummary::of(&bounces);
        assert_eq!((summary.messages, summary.unreadable, summary.bounces), (4, 1, 3));
        assert_eq!(summary.identity_ips[0], Count { what: "192.0.2.2".into(), count: 2 });
        assert_eq!(summary.causes, [Count { what: Cause::SenderIdentity, count: 3 }]);
        assert_eq!(summary.receivers[0].what, "Gmail");
    }
}
