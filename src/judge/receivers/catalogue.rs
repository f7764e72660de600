//! Every rule that can be predicted, in words: what it looks at, what it replies, and where that is written.
//!
//! The words are data (`knowledge/receivers/rules.toml`, `policies.toml`); `explain` and docs/receivers.md are
//! made of the same.

use super::prediction::Basis;
use crate::knowledge::receivers::{Condition, Family, Policy, PolicyBasis, policies, rule_words, settings};

/// One rule of one receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleEntry {
    /// The receiver.
    pub receiver: &'static str,
    /// Its rule.
    pub rule: &'static str,
    /// What it looks at, one clause.
    pub looks_at: String,
    /// What it replies to whom it refuses.
    pub reply: String,
    /// What surprises, and what has to be so.
    pub notes: Vec<&'static str>,
    /// What changes the answer.
    pub settings: Vec<RuleSetting>,
    /// How it is known.
    pub basis: Basis,
    /// Where it is written down.
    pub source: &'static str,
    /// The version measured, or the month in which the page was read or the reply seen (`2026-11`).
    pub version: &'static str,
}

/// A setting of the receiving server that changes a rule's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSetting {
    /// Its own name.
    pub name: &'static str,
    /// What it is when nobody sets it.
    pub stock: &'static str,
    /// What happens when it is set.
    pub otherwise: &'static str,
}

impl RuleEntry {
    /// `postfix/reject_unknown_client_hostname`: what `explain` takes.
    pub fn handle(&self) -> String {
        format!("{}/{}", self.receiver, self.rule)
    }
}

/// Every rule, in the order of the report.
pub fn rule_entries() -> Vec<RuleEntry> {
    let measured = rule_words().iter().map(|words| RuleEntry {
        receiver: &words.receiver,
        rule: &words.rule,
        looks_at: words.looks_at.clone(),
        reply: words.reply.clone(),
        notes: words.quirks.iter().map(String::as_str).collect(),
        settings: settings()
            .iter()
            .filter(|s| s.receiver == words.receiver && s.rules.contains(&words.rule))
            .map(|s| RuleSetting { name: &s.name, stock: &s.stock, otherwise: &s.otherwise })
            .collect(),
        basis: Basis::Measured,
        source: &words.source,
        version: &words.version,
    });
    measured.chain(policies().iter().map(published)).collect()
}

fn published(policy: &'static Policy) -> RuleEntry {
    let family = match policy.family {
        Family::Ipv4 => ", for IPv4",
        Family::Ipv6 => ", for IPv6",
        Family::Both => "",
    };
    let looks_at = match policy.when {
        Condition::NoPtr => "the address has a PTR",
        Condition::Unconfirmed => "some PTR name leads back to the address (RFC 8601 iprev)",
        Condition::PtrTrouble => "the PTR can be looked up",
        Condition::Generic => "the confirmed name does not look generic: dial-up, cloud, a provider's default",
        Condition::EhloMalformed => "EHLO is a host name or an address literal",
        Condition::Never => "nothing: no rule is published",
    };
    RuleEntry {
        receiver: &policy.receiver,
        rule: &policy.rule,
        looks_at: format!("{looks_at}{family}"),
        reply: match (policy.code, &policy.enhanced) {
            (Some(code), Some(enhanced)) => format!("{code} {enhanced}"),
            (Some(code), None) => code.to_string(),
            (None, _) => "none".into(),
        },
        notes: policy.note.iter().map(String::as_str).collect(),
        settings: Vec::new(),
        basis: match policy.basis {
            PolicyBasis::Documented => Basis::Documented,
            PolicyBasis::Reported => Basis::Reported,
        },
        source: &policy.source,
        version: &policy.date,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Selection, judged, receiver_names};
    use super::*;
    use crate::evidence::{Client, Evidence, TargetSeen};

    /// A rule that can be predicted for an address of either family, or that lacks something, is explained, and
    /// the other way round.
    #[test]
    fn every_rule_is_explained() {
        let everything: Selection = receiver_names().join(",").parse().unwrap();
        let mut rules = BTreeSet::new();
        for ip in ["192.0.2.1", "2001:db8::1"] {
            let evidence = Evidence {
                label: serde_json::Value::Null,
                observed_at: String::new(),
                target: TargetSeen { input: ip.into(), host: None, address: None, port: None },
                client: Client { ip: ip.parse().ok(), ip_source: None, ehlo: None, ehlo_source: None },
                smtp: None,
                lookups: Vec::new(),
                resolvers: Vec::new(),
                resolvers_given: false,
                controls: Vec::new(),
                target_questions: Vec::new(),
                own: None,
            };
            rules.extend(judged(&evidence, &everything).map(|(receiver, rule, _)| format!("{receiver}/{rule}")));
        }
        let explained: Vec<String> = rule_entries().iter().map(RuleEntry::handle).collect();
        assert_eq!(explained.iter().cloned().collect::<BTreeSet<_>>(), rules);
        assert_eq!(explained.len(), rules.len(), "a rule is explained twice");
    }
}
