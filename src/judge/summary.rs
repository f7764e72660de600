//! Counts over a run's checks, in memory that does not grow with their number.

use std::cmp::{Ordering, Reverse};
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::Code;
use super::changes::ChangeCounts;
use super::check::{Check, EdgeState, Finding, Severity, Verdict};

/// How many of the worst identities are kept.
pub const WORST: usize = 10;

/// Counts over a report's checks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// All checks.
    pub checks: usize,
    /// Verdict `agree`.
    pub agree: usize,
    /// Verdict `differ`.
    pub differ: usize,
    /// Verdict `unknown`.
    pub unknown: usize,
    /// Of the verdict `unknown`, those where PTR and A/AAAA agree, and the EHLO name was not given.
    #[serde(default)]
    pub ehlo_not_given: usize,
    /// Findings of severity `error`, over all checks.
    pub errors: usize,
    /// Findings of severity `warning`, over all checks.
    pub warnings: usize,
    /// Every finding that some check has, in the catalogue's order.
    #[serde(default)]
    pub findings: Vec<FindingCount>,
    /// The worst identities, at most ten: by errors, then warnings, then verdict; last those of which nothing was seen
    /// but what agrees.
    #[serde(default)]
    pub worst: Vec<Worst>,
    /// What changed since the baseline; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changes: Option<ChangeCounts>,
}

/// How many checks have a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingCount {
    /// The finding.
    pub code: Code,
    /// Its severity; the heaviest, where checks have it in several.
    pub severity: Severity,
    /// How many checks have it.
    pub checks: usize,
}

/// One of the worst identities.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Worst {
    /// The caller's own mark.
    pub label: serde_json::Value,
    /// The target as it was typed; the address, where only an identity was given.
    pub target: String,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The client's EHLO name.
    pub ehlo: Option<String>,
    /// The sum of the edges.
    pub verdict: Verdict,
    /// Findings of severity `error`.
    pub errors: usize,
    /// Findings of severity `warning`.
    pub warnings: usize,
    /// Codes of both, each once, the heaviest first.
    pub codes: Vec<Code>,
    /// Of a verdict `unknown`: which side is open, and what agrees all the same.
    #[serde(default)]
    pub open: Option<String>,
    /// Nothing failed: the only side that is open is an EHLO name that nobody gave.
    #[serde(default)]
    pub not_given: bool,
}

impl Summary {
    /// Of one check.
    pub fn of(check: &Check) -> Self {
        let verdict = check.agreement.verdict;
        let is = |of| usize::from(verdict == of);
        let heavy = |severity| check.findings.iter().filter(|f| f.severity == severity).count();
        let (errors, warnings) = (heavy(Severity::Error), heavy(Severity::Warning));
        let mut findings: Vec<FindingCount> = Vec::new();
        for &Finding { code, severity, .. } in &check.findings {
            match findings.binary_search_by_key(&code, |f| f.code) {
                Ok(at) => findings[at].severity = findings[at].severity.max(severity),
                Err(at) => findings.insert(at, FindingCount { code, severity, checks: 1 }),
            }
        }
        let bad = errors > 0 || warnings > 0 || verdict != Verdict::Agree;
        Self {
            checks: 1,
            agree: is(Verdict::Agree),
            differ: is(Verdict::Differ),
            unknown: is(Verdict::Unknown),
            ehlo_not_given: usize::from(only_ehlo_open(check)),
            errors,
            warnings,
            findings,
            worst: bad.then(|| Worst::of(check, errors, warnings)).into_iter().collect(),
            changes: None,
        }
    }

    /// Counts one more check.
    pub fn add(&mut self, check: &Check) {
        self.merge(Self::of(check));
    }

    /// Counts the checks of another summary too; what changed since a baseline is not counted.
    pub fn merge(&mut self, other: Self) {
        self.checks += other.checks;
        self.agree += other.agree;
        self.differ += other.differ;
        self.unknown += other.unknown;
        self.ehlo_not_given += other.ehlo_not_given;
        self.errors += other.errors;
        self.warnings += other.warnings;
        for theirs in other.findings {
            match self.findings.binary_search_by_key(&theirs.code, |f| f.code) {
                Ok(at) => {
                    let count = &mut self.findings[at];
                    count.severity = count.severity.max(theirs.severity);
                    count.checks += theirs.checks;
                }
                Err(at) => self.findings.insert(at, theirs),
            }
        }
        for one in other.worst {
            let at = self.worst.partition_point(|w| w.rank(&one).is_le());
            if at < WORST {
                self.worst.truncate(WORST - 1);
                self.worst.insert(at, one);
            }
        }
    }
}

impl Worst {
    fn of(check: &Check, errors: usize, warnings: usize) -> Self {
        let mut heavy: Vec<(Reverse<Severity>, Code)> = check
            .findings
            .iter()
            .filter(|f| f.severity > Severity::Info)
            .map(|f| (Reverse(f.severity), f.code))
            .collect();
        heavy.sort_unstable();
        heavy.dedup();
        Self {
            label: check.label.clone(),
            target: check.target.input.clone(),
            ip: check.client.ip,
            ehlo: check.client.ehlo.clone(),
            verdict: check.agreement.verdict,
            errors,
            warnings,
            codes: heavy.into_iter().map(|(_, code)| code).collect(),
            open: open_side(check),
            not_given: only_ehlo_open(check),
        }
    }

    /// The worse is less.
    fn rank(&self, other: &Self) -> Ordering {
        let key = |w: &Self| (Reverse(w.errors), Reverse(w.warnings), weight(w.verdict), w.not_given);
        key(self).cmp(&key(other)).then_with(|| self.target.cmp(&other.target)).then_with(|| self.ip.cmp(&other.ip))
    }
}

/// Whether there is no EHLO name because nobody gave one and nothing was dialled for it.
fn ehlo_not_given(check: &Check) -> bool {
    check.client.ehlo.is_none() && check.smtp.is_none()
}

fn only_ehlo_open(check: &Check) -> bool {
    ehlo_not_given(check) && check.agreement.ptr_forward.state == EdgeState::Agree
}

/// What leaves a verdict open, and what agrees beside it.
pub fn open_side(check: &Check) -> Option<String> {
    let agreement = &check.agreement;
    if agreement.verdict != Verdict::Unknown {
        return None;
    }
    if !ehlo_not_given(check) {
        // What befell the connection is why the rest is open.
        if let Some(fault) = check.smtp.as_ref().and_then(|s| s.fault.as_ref()) {
            return Some(fault.detail.clone());
        }
        let edges = [&agreement.ptr_forward, &agreement.ehlo_ptr, &agreement.ehlo_forward];
        return edges.iter().find(|e| e.state == EdgeState::Unknown).map(|e| e.because.clone());
    }
    Some(match agreement.ptr_forward.state {
        EdgeState::Agree => "EHLO not given; PTR and A/AAAA agree".into(),
        _ => format!("EHLO not given; {}", agreement.ptr_forward.because),
    })
}

fn weight(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Differ => 0,
        Verdict::Unknown => 1,
        Verdict::Agree => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nobody_gave_is_no_trouble() {
        let text = include_str!("../../fixtures/evidence/agree.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        (evidence.smtp, evidence.client.ehlo, evidence.client.ehlo_source) = (None, None, None);
        let open = crate::judge::judge(&evidence);
        for lookup in &mut evidence.lookups {
            lookup.status = crate::dns::Status::Timeout;
            lookup.answers.clear();
        }
        let mut failed = crate::judge::judge(&evidence);
        failed.target.input = "zzz".into();
        let mut summary = Summary::of(&open);
        summary.add(&failed);
        assert_eq!(summary.unknown, 2, "the verdict stays what it is");
        let said: Vec<_> = summary.worst.iter().map(|w| w.open.clone().unwrap()).collect();
        assert!(said[0].starts_with("EHLO not given; the PTR of 203.0.113.10 could not be looked up"), "{said:?}");
        assert_eq!(said[1], "EHLO not given; PTR and A/AAAA agree", "trouble stands before it");
    }

    #[test]
    fn the_worst_are_ten_and_do_not_depend_on_the_order() {
        let text = include_str!("../../fixtures/evidence/no-ptr.json");
        let evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        let good = include_str!("../../fixtures/evidence/agree.json");
        let good = crate::evidence::EvidenceFile::from_json(good).unwrap().evidence.remove(0);
        let checks: Vec<Check> = (0..40)
            .map(|n| {
                let mut check = crate::judge::judge(if n % 4 == 0 { &good } else { &evidence });
                check.target.input = format!("relay-{n:02}.example");
                if let Some(extra) = check.findings.first().cloned() {
                    check.findings.extend((0..n % 7).map(|_| extra.clone()));
                }
                check
            })
            .collect();
        let sum = |order: &mut dyn Iterator<Item = &Check>| {
            let mut summary = Summary::default();
            order.for_each(|c| summary.add(c));
            summary
        };
        let forth = sum(&mut checks.iter());
        assert_eq!(forth, sum(&mut checks.iter().rev()));
        let (mut halves, back) = (sum(&mut checks[..17].iter()), sum(&mut checks[17..].iter()));
        halves.merge(back);
        assert_eq!(forth, halves);
        assert_eq!(forth.worst.len(), WORST);
        assert!(forth.worst.is_sorted_by_key(|w| (Reverse(w.errors), Reverse(w.warnings), weight(w.verdict))));
        let most = checks.iter().map(|c| c.findings.iter().filter(|f| f.severity == Severity::Error).count()).max();
        assert_eq!(Some(forth.worst[0].errors), most);
        let missing = forth.findings.iter().find(|f| f.code == Code::PtrMissing).unwrap();
        assert_eq!((missing.checks, missing.severity), (30, Severity::Error), "once a check");
    }
}
