//! Metrics in Prometheus' text format, for node_exporter's textfile collector.
//!
//! Standard: Prometheus exposition formats, text format 0.0.4. Each family stands once, with its HELP and TYPE.
//! Cardinality: counts by verdict and by finding; series of single identities up to [`MAX_SERIES`] of them, and none in
//! a larger run, since series that come and go are worth less than none. Timestamps are seconds.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::cells::{dialled, label, severity_words};
use super::clean::clean;
use crate::judge::{Check, EdgeState, Severity, Summary, Verdict};

/// Identities that have series of their own.
const MAX_SERIES: usize = 1000;

/// One identity's values.
#[derive(Clone, Debug)]
struct Values {
    verdict: Verdict,
    edges: [EdgeState; 3],
    errors: usize,
    warnings: usize,
    not_after: Option<i64>,
    phases: Vec<(&'static str, f64)>,
}

/// What is held of a run.
#[derive(Debug, Default)]
pub(super) struct Prometheus {
    /// By labels, so that an identity which is checked twice has one series; `None` where they are too many.
    identities: Option<BTreeMap<String, Values>>,
    checks: usize,
    newest: Option<i64>,
}

impl Prometheus {
    pub(super) fn check(&mut self, check: &Check) -> String {
        self.checks += 1;
        if self.checks == 1 {
            self.identities = Some(BTreeMap::new());
        }
        let at = seconds(&check.observed_at);
        self.newest = self.newest.max(at);
        if let Some(identities) = &mut self.identities {
            identities.insert(labels(check), values(check));
            if identities.len() > MAX_SERIES {
                self.identities = None;
            }
        }
        String::new()
    }

    pub(super) fn end(&mut self, summary: &Summary) -> String {
        let mut out = Families::default();
        out.family("checks", "Identities checked in the last run, by verdict.");
        for (verdict, count) in [("agree", summary.agree), ("differ", summary.differ), ("unknown", summary.unknown)] {
            out.sample("checks", &format!("verdict=\"{verdict}\""), count as f64);
        }
        out.family("findings", "Identities with a finding, by its code and severity.");
        for finding in &summary.findings {
            let labels = format!("code=\"{}\",severity=\"{}\"", finding.code, severity_words(finding.severity));
            out.sample("findings", &labels, finding.checks as f64);
        }
        if let Some(at) = self.newest {
            out.family("last_check_timestamp_seconds", "When the last check of the last run began.");
            out.sample("last_check_timestamp_seconds", "", at as f64);
        }
        out.family("identity_series", "1 where each identity has series of its own, 0 where they are too many.");
        let shown = self.identities.is_some() || self.checks == 0;
        out.sample("identity_series", "", f64::from(u8::from(shown)));
        if let Some(identities) = self.identities.take().filter(|i| !i.is_empty()) {
            identity_families(&mut out, &identities);
        }
        out.text
    }
}

fn identity_families(out: &mut Families, identities: &BTreeMap<String, Values>) {
    out.family("agree", "1 where EHLO, PTR and A/AAAA agree, 0 where they do not; absent where it could not be told.");
    for (labels, values) in identities {
        match values.verdict {
            Verdict::Agree => out.sample("agree", labels, 1.0),
            Verdict::Differ => out.sample("agree", labels, 0.0),
            Verdict::Unknown => {}
        }
    }
    out.family("judged", "1 where the identity could be judged, else 0.");
    for (labels, values) in identities {
        out.sample("judged", labels, f64::from(u8::from(values.verdict != Verdict::Unknown)));
    }
    out.family("edge_agree", "1 where the edge agrees, 0 where not; absent where it could not be told.");
    for (labels, values) in identities {
        for (edge, state) in ["ehlo_ptr", "ptr_forward", "ehlo_forward"].iter().zip(values.edges) {
            if state != EdgeState::Unknown {
                let agrees = f64::from(u8::from(state == EdgeState::Agree));
                out.sample("edge_agree", &format!("{labels},edge=\"{edge}\""), agrees);
            }
        }
    }
    out.family("identity_findings", "Findings of the identity, by severity.");
    for (labels, values) in identities {
        out.sample("identity_findings", &format!("{labels},severity=\"error\""), values.errors as f64);
        out.sample("identity_findings", &format!("{labels},severity=\"warning\""), values.warnings as f64);
    }
    out.family("phase_seconds", "How long each phase of the dialogue took.");
    for (labels, values) in identities {
        for (phase, ms) in &values.phases {
            out.sample("phase_seconds", &format!("{labels},phase=\"{phase}\""), seconds_of(*ms));
        }
    }
    out.family("certificate_not_after_timestamp_seconds", "When the server's certificate expires.");
    for (labels, values) in identities {
        if let Some(at) = values.not_after {
            out.sample("certificate_not_after_timestamp_seconds", labels, at as f64);
        }
    }
}

/// Text in families; one without samples leaves no trace.
#[derive(Default)]
struct Families {
    text: String,
    head: String,
}

impl Families {
    fn family(&mut self, name: &str, help: &str) {
        self.head = format!("# HELP smtp_preflight_{name} {help}\n# TYPE smtp_preflight_{name} gauge\n");
    }

    fn sample(&mut self, name: &str, labels: &str, value: f64) {
        self.text.push_str(&std::mem::take(&mut self.head));
        let labels = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "smtp_preflight_{name}{labels} {value}");
    }
}

fn labels(check: &Check) -> String {
    let mut labels = format!("target=\"{}\"", escaped(&dialled(check)));
    if let Some(ip) = check.client.ip {
        let _ = write!(labels, ",ip=\"{ip}\"");
    }
    if let Some(label) = label(check) {
        let _ = write!(labels, ",label=\"{}\"", escaped(&label));
    }
    labels
}

/// A label's value: `\`, `"` and line ends escaped.
fn escaped(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn values(check: &Check) -> Values {
    let agreement = &check.agreement;
    let of = |severity| check.findings.iter().filter(|f| f.severity == severity).count();
    let smtp = check.smtp.as_ref();
    let timing = smtp.map(|s| s.timing_ms).unwrap_or_default();
    let phases = [("connect", timing.connect), ("banner", timing.banner), ("ehlo", timing.ehlo), ("tls", timing.tls)];
    Values {
        verdict: agreement.verdict,
        edges: [agreement.ehlo_ptr.state, agreement.ptr_forward.state, agreement.ehlo_forward.state],
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        not_after: smtp.and_then(|s| s.tls.as_ref()).and_then(|t| t.not_after.as_deref()).and_then(seconds),
        phases: phases.into_iter().filter_map(|(name, ms)| Some((name, ms?))).collect(),
    }
}

/// To the microsecond; the nearest number that is written that way.
fn seconds_of(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1_000_000.0
}

fn seconds(instant: &str) -> Option<i64> {
    instant.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    #[test]
    fn seconds_are_short() {
        for (ms, text) in [(0.13, "0.00013"), (1.1, "0.0011"), (1234.5678, "1.234568"), (0.0, "0")] {
            assert_eq!(super::seconds_of(ms).to_string(), text);
        }
    }
}
