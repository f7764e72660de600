//! Counts over a run's checks, in memory that does not grow with their number.

use std::cmp::Reverse;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::Code;
use super::changes::ChangeCounts;
use super::check::{Check, Severity, Verdict};

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
    /// Findings of severity `error`, over all checks.
    pub errors: usize,
    /// Findings of severity `warning`, over all checks.
    pub warnings: usize,
    /// Every finding that some check has, in the catalogue's order.
    #[serde(default)]
    pub findings: Vec<FindingCount>,
    /// The worst identities, at most ten: by errors, then warnings, then verdict.
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
}

impl Summary {
    /// Counts one more check.
    pub fn add(&mut self, check: &Check) {
        self.checks += 1;
        match check.agreement.verdict {
            Verdict::Agree => self.agree += 1,
            Verdict::Differ => self.differ += 1,
            Verdict::Unknown => self.unknown += 1,
        }
        let of = |severity| check.findings.iter().filter(|f| f.severity == severity).count();
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        self.errors += errors;
        self.warnings += warnings;
        self.count_findings(check);
        self.rank(check, errors, warnings);
    }

    fn count_findings(&mut self, check: &Check) {
        for (place, finding) in check.findings.iter().enumerate() {
            let counted = check.findings[..place].iter().any(|f| f.code == finding.code);
            let (code, severity) = (finding.code, finding.severity);
            match self.findings.binary_search_by_key(&code, |f| f.code) {
                Ok(at) => {
                    let count = &mut self.findings[at];
                    count.severity = count.severity.max(severity);
                    count.checks += usize::from(!counted);
                }
                Err(at) => self.findings.insert(at, FindingCount { code, severity, checks: 1 }),
            }
        }
    }

    fn rank(&mut self, check: &Check, errors: usize, warnings: usize) {
        let verdict = check.agreement.verdict;
        if errors == 0 && warnings == 0 && verdict == Verdict::Agree {
            return;
        }
        let key = (Reverse(errors), Reverse(warnings), weight(verdict));
        let behind = |w: &Worst| {
            let theirs = (Reverse(w.errors), Reverse(w.warnings), weight(w.verdict));
            theirs
                .cmp(&key)
                .then_with(|| w.target.as_str().cmp(&check.target.input))
                .then_with(|| w.ip.cmp(&check.client.ip))
        };
        let at = self.worst.partition_point(|w| behind(w).is_le());
        if at >= WORST {
            return;
        }
        let mut heavy: Vec<(Reverse<Severity>, Code)> = check
            .findings
            .iter()
            .filter(|f| f.severity > Severity::Info)
            .map(|f| (Reverse(f.severity), f.code))
            .collect();
        heavy.sort_unstable();
        heavy.dedup();
        let one = Worst {
            label: check.label.clone(),
            target: check.target.input.clone(),
            ip: check.client.ip,
            ehlo: check.client.ehlo.clone(),
            verdict,
            errors,
            warnings,
            codes: heavy.into_iter().map(|(_, code)| code).collect(),
        };
        self.worst.insert(at, one);
        self.worst.truncate(WORST);
    }
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
        assert_eq!(forth.worst.len(), WORST);
        assert!(forth.worst.is_sorted_by_key(|w| (Reverse(w.errors), Reverse(w.warnings), weight(w.verdict))));
        let most = checks.iter().map(|c| c.findings.iter().filter(|f| f.severity == Severity::Error).count()).max();
        assert_eq!(Some(forth.worst[0].errors), most);
        let missing = forth.findings.iter().find(|f| f.code == Code::PtrMissing).unwrap();
        assert_eq!((missing.checks, missing.severity), (30, Severity::Error), "once a check");
    }
}
