//! A run against its baseline, one check after the other.

use std::collections::BTreeMap;

use super::{Change, ChangeCounts, ChangeKind, Gone, Identity, LastKnown, State};
use crate::judge::check::{Check, EdgeState, Severity, Verdict};
use crate::judge::standing::Standing;

/// Between the parts of a key; no name that is printed holds it.
const SEPARATOR: char = '\0';

/// What is known of an identity, its states in short (JSON), and whether this run has looked at it.
#[derive(Clone, Debug)]
struct Entry {
    seen: bool,
    /// As the last run saw it.
    state: Box<str>,
    /// As it is known, where the last run did not see all that is.
    known: Option<Box<str>>,
}

/// An identity's states, as the last run saw it and as it is known.
#[derive(Clone, Debug)]
struct Was {
    before: State,
    known: State,
}

impl Entry {
    fn new(was: &Was) -> Self {
        let known = (was.before != was.known).then(|| pack(&was.known));
        Self { seen: false, state: pack(&was.before), known }
    }

    fn was(&self) -> Option<Was> {
        let before = unpack(&self.state)?;
        let known = self.known.as_deref().and_then(unpack).unwrap_or_else(|| before.clone());
        Some(Was { before, known })
    }
}

impl Was {
    /// The next run's: what this one saw, and what is known now.
    fn then(&self, now: &State) -> Self {
        Self { before: now.clone(), known: self.known.recalled(now) }
    }

    /// As it is told: names and findings as they are known, and what the last run came to.
    fn told(self) -> State {
        State { verdict: self.before.verdict, open: self.before.open, ..self.known }
    }
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

    /// Takes up an identity of the baseline; the last one of several counts. What is known from before stands for
    /// what that run did not see.
    pub fn insert(&mut self, identity: &Identity, state: &State, last_known: &[LastKnown]) {
        let mut take = |identity: &Identity, known: &State| {
            let was = Was { before: state.clone(), known: known.recalled(state) };
            self.entries.insert(key(identity), Entry::new(&was));
        };
        if last_known.is_empty() {
            take(identity, state);
        }
        for last in last_known {
            take(&last.identity, &last.state);
        }
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
        let keys = self.found(&who);
        let mut was = None;
        for key in &keys {
            let Some(entry) = self.entries.get_mut(key) else { continue };
            let Some(then) = entry.was() else { continue };
            if self.moving {
                *entry = Entry::new(&then.then(&now));
            }
            entry.seen = true;
            was.get_or_insert(then);
        }
        let own = key(&who);
        if self.moving && !keys.contains(&own) && (who.ip.is_some() || keys.is_empty()) {
            let known = was.as_ref().map_or_else(|| now.clone(), |was: &Was| was.known.recalled(&now));
            let own_entry = Entry::new(&Was { before: now.clone(), known });
            self.entries.insert(own, Entry { seen: true, ..own_entry });
        }
        let change = match was {
            None => Some(Change { kind: ChangeKind::New, differences: Vec::new(), was: None }),
            Some(was) => self.compare(was, check, &now),
        };
        self.counts.add(change.as_ref().map(|c| c.kind));
        change
    }

    /// What is known from before of a check's identity, or of those that it stands for, and was not seen this time:
    /// the next baseline must hold it beside the check. To be asked before [`Self::see`].
    pub fn last_known(&self, check: &Check) -> Vec<LastKnown> {
        let (who, now) = (Identity::of(check), State::of(check));
        let known = |key: &str| {
            let was = self.entries.get(key)?.was()?;
            let identity = if who.ip.is_some() { who.clone() } else { identity(key) };
            let kept = was.known.outlasts(&now) || identity.ip != who.ip;
            kept.then(|| LastKnown { identity, state: was.known.recalled(&now) })
        };
        self.found(&who).iter().filter_map(|key| known(key)).collect()
    }

    /// Whose earlier states a check is compared with; it stands for several where its address is not known now.
    fn found(&self, who: &Identity) -> Vec<Box<str>> {
        let own = key(who);
        if who.ip.is_some() {
            // Or the address was not known then.
            let nameless = key(&Identity { ip: None, ..who.clone() });
            return [own, nameless].into_iter().filter(|key| self.entries.contains_key(key)).take(1).collect();
        }
        let Some(target) = &who.target else {
            return [own].into_iter().filter(|key| self.entries.contains_key(key)).collect();
        };
        let from: Box<str> = format!("{target}{SEPARATOR}").into();
        let all = self.entries.range(from.clone()..).map(|(key, _)| key).take_while(|key| key.starts_with(&*from));
        all.cloned().collect()
    }

    fn compare(&self, was: Was, check: &Check, now: &State) -> Option<Change> {
        let (before, known) = (self.standing(&was.before), self.standing(&was.known));
        let differences = was.known.differences(&was.before, now, &left_open_by(check));
        let kind = match (known, before, Standing::of(check, Some(self.least))) {
            (Standing::Findings, _, Standing::Agrees) => ChangeKind::Fixed,
            (Standing::Agrees | Standing::Unknown, _, Standing::Findings) => ChangeKind::Broken,
            (_, Standing::Agrees | Standing::Findings, Standing::Unknown) => ChangeKind::Unknown,
            _ if differences.is_empty() => return None,
            _ => ChangeKind::Changed,
        };
        Some(Change { kind, differences, was: Some(was.told()) })
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
            .filter_map(|(key, entry)| Some(Gone { identity: identity(key), was: entry.was()?.told() }))
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

/// Why a check's verdict is open: of its edges, the first that is.
fn left_open_by(check: &Check) -> String {
    let agreement = &check.agreement;
    let edges = [&agreement.ehlo_ptr, &agreement.ptr_forward, &agreement.ehlo_forward];
    edges.iter().find(|e| e.state == EdgeState::Unknown).map(|e| e.because.clone()).unwrap_or_default()
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
            comparison.insert(&Identity::of(check), &State::of(check), &[]);
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

    /// The same relay while no lookup is answered and nobody can be dialled.
    fn silent() -> Check {
        let mut evidence = evidence(include_str!("../../../fixtures/evidence/agree.json"));
        for lookup in &mut evidence.lookups {
            lookup.status = crate::dns::Status::Timeout;
            lookup.answers.clear();
        }
        let fault = crate::evidence::Fault {
            phase: crate::smtp::Phase::Connect,
            kind: crate::evidence::FaultKind::TimedOut,
            detail: "no answer".into(),
        };
        evidence.smtp = Some(crate::evidence::Dialogue { fault: Some(fault), ..Default::default() });
        evidence.client.ehlo = None;
        evidence.client.ehlo_source = None;
        judge(&evidence)
    }

    /// The baseline that a night leaves behind: its checks, and what is known from before.
    fn after(baseline: &Comparison, tonight: &[Check]) -> Comparison {
        let mut next = Comparison::new(Some(Severity::Warning));
        for check in tonight {
            next.insert(&Identity::of(check), &State::of(check), &baseline.last_known(check));
        }
        next
    }

    #[test]
    fn what_was_not_seen_is_no_difference_and_is_not_forgotten() {
        let quiet = silent();
        let change = against(&[good()]).see(&quiet).unwrap();
        let said = change.differences.join(" · ");
        assert!(said.starts_with("verdict agree → unknown (no EHLO reply was seen)"), "{said}");
        assert!(!said.contains("none") && !said.contains("PTR ") && !said.contains("EHLO mail"), "{said}");
        // A second silent night changes nothing more; a good one finds what is still known.
        let mut second = after(&against(&[good()]), std::slice::from_ref(&quiet));
        assert_eq!(second.clone().see(&quiet).map(|c| c.differences), None);
        let third = after(&second, std::slice::from_ref(&quiet));
        let change = third.clone().see(&good()).unwrap();
        assert_eq!(change.kind, ChangeKind::Changed);
        assert!(change.differences.contains(&"verdict unknown → agree".to_owned()), "{:?}", change.differences);
        assert!(!change.differences.iter().any(|d| d.starts_with("PTR") || d.starts_with("EHLO")));
        let was = change.was.unwrap();
        assert_eq!((was.verdict, was.ptr.len()), (Verdict::Unknown, 1), "the run before, and what is known");
        // What changed meanwhile is told, against what was known.
        let change = third.clone().see(&bad()).unwrap();
        assert_eq!(change.kind, ChangeKind::Broken);
        assert!(change.differences.contains(&"PTR mail.example.net → none".to_owned()), "{:?}", change.differences);
        // In a watch the rounds are the nights.
        let mut moving = against(&[good()]).moving();
        assert_eq!(moving.see(&quiet), second.see(&quiet).map_or_else(|| against(&[good()]).see(&quiet), Some));
        assert_eq!(moving.see(&quiet), None);
        assert_eq!(moving.see(&bad()).map(|c| c.kind), Some(ChangeKind::Broken));
    }

    /// DNS alone is seen, night after night, since nobody reaches port 25.
    #[test]
    fn what_is_seen_beside_a_closed_port_breaks_and_is_mended_as_ever() {
        let unreached = |ptr: bool| {
            let mut evidence = evidence(include_str!("../../../fixtures/evidence/agree.json"));
            for lookup in evidence.lookups.iter_mut().filter(|l| l.question.kind == crate::dns::RecordType::Ptr && !ptr)
            {
                lookup.status = crate::dns::Status::Nxdomain;
                lookup.answers.clear();
            }
            let ehlo = Some("mail.example.net".to_owned());
            (evidence.client.ehlo, evidence.client.ehlo_source) = (ehlo, Some(crate::evidence::EhloSource::Given));
            let fault = crate::evidence::Fault {
                phase: crate::smtp::Phase::Connect,
                kind: crate::evidence::FaultKind::TimedOut,
                detail: "no answer".into(),
            };
            evidence.smtp = Some(crate::evidence::Dialogue { fault: Some(fault), ..Default::default() });
            judge(&evidence)
        };
        let (bad, good) = (unreached(false), unreached(true));
        let mut known = against(std::slice::from_ref(&good));
        for night in 0..2 {
            let broken = known.clone().see(&bad).unwrap();
            assert_eq!(broken.kind, ChangeKind::Broken, "night {night}: {:?}", broken.differences);
            assert!(broken.differences.iter().any(|d| d.contains("ptr-missing")), "{:?}", broken.differences);
            known = after(&known, std::slice::from_ref(&bad));
            let mended = known.clone().see(&good).unwrap();
            assert!(
                mended.differences.iter().any(|d| d.starts_with("no more: ptr-missing")),
                "{:?}",
                mended.differences
            );
            known = after(&known, std::slice::from_ref(&good));
        }
    }

    #[test]
    fn findings_that_were_not_seen_are_not_called_gone() {
        let quiet = silent();
        let change = against(&[bad()]).see(&quiet).unwrap();
        assert!(!change.differences.iter().any(|d| d.starts_with("no more")), "{:?}", change.differences);
        let next = after(&against(&[bad()]), std::slice::from_ref(&quiet));
        let change = next.clone().see(&good()).unwrap();
        assert_eq!(change.kind, ChangeKind::Fixed, "it was not in order when it was last seen");
        assert!(change.differences.iter().any(|d| d.starts_with("no more: ptr-missing")), "{:?}", change.differences);
        let change = next.clone().see(&bad()).unwrap();
        assert!(!change.differences.iter().any(|d| d.starts_with("new:")), "{:?}", change.differences);
    }

    #[test]
    fn a_target_that_was_not_found_keeps_what_is_known_of_its_addresses() {
        let mut elsewhere = good();
        elsewhere.client.ip = "203.0.113.99".parse().ok();
        elsewhere.dns.ptr.as_mut().unwrap().names = vec!["other.example.net".into()];
        let (addresses, lost) = ([good(), elsewhere], [unseen()]);
        let next = after(&after(&against(&addresses), &lost), &lost);
        assert_eq!(next.len(), 2);
        assert_eq!(next.clone().see(&lost[0]), None, "it is as lost as it was");
        for check in &addresses {
            let change = next.clone().see(check).unwrap();
            assert_eq!(change.differences, ["verdict unknown → agree"]);
        }
        let mut moving = against(&addresses).moving();
        let kinds: Vec<_> = lost.iter().chain(&addresses).map(|c| moving.see(c).map(|c| c.kind)).collect();
        assert_eq!(kinds, [Some(ChangeKind::Unknown), Some(ChangeKind::Changed), Some(ChangeKind::Changed)]);
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
            assert_eq!(earlier.split(), (Identity::of(&check), State::of(&check), Vec::new()));
            let state = State::of(&check);
            assert_eq!(unpack(&pack(&state)), Some(state));
            assert_eq!(identity(&key(&Identity::of(&check))), Identity::of(&check));
        }
    }
}
