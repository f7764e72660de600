//! A run against its baseline, one check after the other.

use std::collections::BTreeMap;

use super::{Change, ChangeCounts, ChangeKind, Gone, Identity, State};
use crate::judge::check::{Check, Severity, Verdict};
use crate::judge::standing::Standing;

/// Between the parts of a key; no name that is printed holds it.
const SEPARATOR: char = '\0';

/// What is known of an identity: its state in short (JSON), and whether this run has looked at it.
#[derive(Clone, Debug)]
struct Entry {
    seen: bool,
    state: Box<str>,
}

/// The baseline, and what was found to be different from it.
#[derive(Clone, Debug)]
pub struct Comparison {
    entries: BTreeMap<Box<str>, Entry>,
    least: Severity,
    counts: ChangeCounts,
    moving: bool,
}

/// A state in few octets.
type Packed<'a> = (
    Verdict,
    [crate::judge::check::EdgeState; 3],
    std::borrow::Cow<'a, Option<String>>,
    std::borrow::Cow<'a, [String]>,
    std::borrow::Cow<'a, [String]>,
    std::borrow::Cow<'a, [String]>,
    bool,
);

fn pack(state: &State) -> Box<str> {
    let State { verdict, edges, ehlo, ptr, errors, warnings, open } = state;
    // Texts, numbers and lists of them always have a JSON form.
    serde_json::to_string(&(verdict, edges, ehlo, ptr, errors, warnings, open)).unwrap_or_default().into()
}

fn unpack(text: &str) -> Option<State> {
    let (verdict, edges, ehlo, ptr, errors, warnings, open): Packed<'_> = serde_json::from_str(text).ok()?;
    let (ehlo, ptr, errors, warnings) =
        (ehlo.into_owned(), ptr.into_owned(), errors.into_owned(), warnings.into_owned());
    Some(State { verdict, edges, ehlo, ptr, errors, warnings, open })
}

fn key(identity: &Identity) -> Box<str> {
    let Identity { target, ip, ehlo } = identity;
    let ip = ip.map(|ip| ip.to_string()).unwrap_or_default();
    let text = |t: &Option<String>| t.as_deref().unwrap_or_default().replace(SEPARATOR, " ");
    format!("{}{SEPARATOR}{ip}{SEPARATOR}{}", text(target), text(ehlo)).into()
}

fn identity(key: &str) -> Identity {
    let mut parts = key.split(SEPARATOR);
    let mut part = || parts.next().filter(|p| !p.is_empty());
    let target = part().map(str::to_owned);
    Identity { target, ip: part().and_then(|ip| ip.parse().ok()), ehlo: part().map(str::to_owned) }
}

impl Comparison {
    /// An empty baseline; findings of `least` and heavier make an identity one that is not in order.
    pub fn new(least: Option<Severity>) -> Self {
        let least = least.unwrap_or(Severity::Warning);
        Self { entries: BTreeMap::new(), least, counts: ChangeCounts::default(), moving: false }
    }

    /// The same, where each check is compared with the one before of its identity: the baseline moves along.
    #[must_use]
    pub fn moving(self) -> Self {
        Self { moving: true, ..self }
    }

    /// Takes up an identity of the baseline; the last one of several counts.
    pub fn insert(&mut self, identity: &Identity, state: &State) {
        self.entries.insert(key(identity), Entry { seen: false, state: pack(state) });
    }

    /// How many identities the baseline holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What changed so far.
    pub fn counts(&self) -> ChangeCounts {
        self.counts
    }

    /// Looks at a check: its change, or `None` where all is as it was.
    pub fn see(&mut self, check: &Check) -> Option<Change> {
        let (who, now) = (Identity::of(check), State::of(check));
        let own = key(&who);
        let was = self.found(&own, &who);
        if self.moving {
            self.entries.insert(own, Entry { seen: true, state: pack(&now) });
        }
        let change = match was {
            None => Some(Change { kind: ChangeKind::New, differences: Vec::new(), was: None }),
            Some(was) => self.compare(was, &now, Standing::of(check, Some(self.least))),
        };
        self.counts.add(change.as_ref().map(|c| c.kind));
        change
    }

    /// The identity's earlier state; those that a check stands for are seen with it.
    fn found(&mut self, own: &str, who: &Identity) -> Option<State> {
        if let Some(entry) = self.entries.get_mut(own) {
            entry.seen = true;
            return unpack(&entry.state);
        }
        let target = who.target.as_ref()?;
        let from: Box<str> = format!("{target}{SEPARATOR}").into();
        // The address was not known then, or is not known now.
        let nameless = key(&Identity { ip: None, ..who.clone() });
        if who.ip.is_some() {
            let entry = self.entries.get_mut(&nameless)?;
            entry.seen = true;
            return unpack(&entry.state);
        }
        let mut first = None;
        for (_, entry) in self.entries.range_mut(from.clone()..).take_while(|(k, _)| k.starts_with(&*from)) {
            entry.seen = true;
            first = first.or_else(|| unpack(&entry.state));
        }
        first
    }

    fn compare(&self, was: State, now: &State, standing: Standing) -> Option<Change> {
        let before = self.standing(&was);
        let differences = was.differences(now);
        let kind = match (before, standing) {
            (Standing::Findings, Standing::Agrees) => ChangeKind::Fixed,
            (Standing::Agrees | Standing::Unknown, Standing::Findings) => ChangeKind::Broken,
            (Standing::Agrees | Standing::Findings, Standing::Unknown) => ChangeKind::Unknown,
            _ if differences.is_empty() => return None,
            _ => ChangeKind::Changed,
        };
        Some(Change { kind, differences, was: Some(was) })
    }

    fn standing(&self, state: &State) -> Standing {
        let heavy = !state.errors.is_empty() || self.least <= Severity::Warning && !state.warnings.is_empty();
        if state.verdict == Verdict::Differ || heavy {
            Standing::Findings
        } else if state.verdict == Verdict::Unknown || state.open {
            Standing::Unknown
        } else {
            Standing::Agrees
        }
    }

    /// Ends a run: what the baseline holds and nobody looked at, sorted by identity. A moving baseline forgets it.
    pub fn gone(&mut self) -> Vec<Gone> {
        let gone: Vec<Gone> = self
            .entries
            .iter()
            .filter(|(_, entry)| !entry.seen)
            .filter_map(|(key, entry)| Some(Gone { identity: identity(key), was: unpack(&entry.state)? }))
            .collect();
        for _ in &gone {
            self.counts.add(Some(ChangeKind::Gone));
        }
        if self.moving {
            self.entries.retain(|_, entry| entry.seen);
            self.entries.values_mut().for_each(|entry| entry.seen = false);
        }
        gone
    }

    /// Begins to count anew.
    pub fn next_round(&mut self) {
        self.counts = ChangeCounts::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{Evidence, EvidenceFile};
    use crate::judge::judge;

    fn evidence(text: &str) -> Evidence {
        EvidenceFile::from_json(text).unwrap().evidence.remove(0)
    }

    fn good() -> Check {
        judge(&evidence(include_str!("../../../fixtures/evidence/agree.json")))
    }

    /// The same relay without its PTR.
    fn bad() -> Check {
        let mut evidence = evidence(include_str!("../../../fixtures/evidence/agree.json"));
        for lookup in evidence.lookups.iter_mut().filter(|l| l.question.kind == crate::dns::RecordType::Ptr) {
            lookup.status = crate::dns::Status::Nxdomain;
            lookup.answers.clear();
        }
        judge(&evidence)
    }

    fn unseen() -> Check {
        let mut evidence = evidence(include_str!("../../../fixtures/evidence/agree.json"));
        evidence.client.ip = None;
        evidence.client.ip_source = None;
        evidence.target.address = None;
        evidence.lookups.clear();
        judge(&evidence)
    }

    fn against(baseline: &[Check]) -> Comparison {
        let mut comparison = Comparison::new(Some(Severity::Warning));
        for check in baseline {
            comparison.insert(&Identity::of(check), &State::of(check));
        }
        comparison
    }

    #[test]
    fn every_kind_of_change() {
        let kind = |was: &[Check], is: &Check| against(was).see(is).map(|c| c.kind);
        assert_eq!(kind(&[good()], &good()), None);
        assert_eq!(kind(&[good()], &bad()), Some(ChangeKind::Broken));
        assert_eq!(kind(&[bad()], &good()), Some(ChangeKind::Fixed));
        assert_eq!(kind(&[], &good()), Some(ChangeKind::New));
        assert_eq!(kind(&[good()], &unseen()), Some(ChangeKind::Unknown));
        let mut other = bad();
        other.client.ehlo = Some("other.example.net".into());
        let change = against(&[bad()]).see(&other).unwrap();
        assert_eq!(change.kind, ChangeKind::Changed);
        assert_eq!(change.differences, ["EHLO mail.example.net → other.example.net"]);
    }

    #[test]
    fn what_nobody_looked_at_is_gone_and_what_could_not_be_looked_up_is_not() {
        let mut elsewhere = good();
        elsewhere.client.ip = "203.0.113.99".parse().ok();
        let mut comparison = against(&[good(), elsewhere.clone()]);
        comparison.see(&good());
        let gone = comparison.gone();
        assert_eq!(gone.len(), 1);
        assert_eq!(gone[0].identity, Identity::of(&elsewhere));
        assert_eq!(gone[0].was, State::of(&elsewhere));
        let mut comparison = against(&[good(), elsewhere]);
        comparison.see(&unseen());
        assert_eq!(comparison.gone(), [], "the target stands for all of its addresses");
        assert_eq!(comparison.counts(), ChangeCounts { unknown: 1, ..ChangeCounts::default() });
    }

    #[test]
    fn a_moving_baseline_compares_with_the_round_before() {
        let mut comparison = against(&[]).moving();
        let kinds: Vec<_> = [good(), bad(), bad(), good()]
            .iter()
            .map(|check| {
                let kind = comparison.see(check).map(|c| c.kind);
                assert_eq!(comparison.gone(), []);
                kind
            })
            .collect();
        assert_eq!(kinds, [Some(ChangeKind::New), Some(ChangeKind::Broken), None, Some(ChangeKind::Fixed)]);
        assert_eq!(comparison.gone().len(), 1);
        assert!(comparison.is_empty());
    }

    #[test]
    fn a_printed_check_reads_back_as_itself() {
        for check in [good(), bad(), unseen()] {
            let earlier: crate::judge::EarlierCheck =
                serde_json::from_value(serde_json::to_value(&check).unwrap()).unwrap();
            assert_eq!(earlier.split(), (Identity::of(&check), State::of(&check)));
            let state = State::of(&check);
            assert_eq!(unpack(&pack(&state)), Some(state));
            assert_eq!(identity(&key(&Identity::of(&check))), Identity::of(&check));
        }
    }
}
