//! A run in a few lines: verdicts, findings by code, the ten worst identities.

use std::cmp::Reverse;

use super::cells::{MAX_NAME, severity_words};
use super::changes::changes_line;
use super::clean::clean_bounded;
use super::csv::verdict;
use super::ink::Ink;
use super::table::TableOptions;
use super::wrap::{fit, width};
use crate::judge::{FindingCount, Severity, Summary, Worst};

/// `12 checks: 9 agree, 2 differ, 1 unknown · 3 errors, 1 warning`.
pub fn summary_line(summary: &Summary) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!(
        "{}: {} agree, {} differ, {} unknown · {}, {}\n",
        count(summary.checks, "check"),
        summary.agree,
        summary.differ,
        summary.unknown,
        count(summary.errors, "error"),
        count(summary.warnings, "warning"),
    )
}

/// The findings, the heaviest and then the most frequent first.
pub(super) fn by_weight(summary: &Summary) -> Vec<FindingCount> {
    let mut findings = summary.findings.clone();
    findings.sort_by_key(|f| (Reverse(f.severity), Reverse(f.checks), f.code));
    findings
}

/// The lines under the rows of a run.
pub fn summary_text(summary: &Summary, options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let mut lines = vec![summary_line(summary).trim_end().to_owned()];
    lines.extend(summary.changes.iter().map(changes_line));
    let findings = by_weight(summary);
    if !findings.is_empty() {
        lines.extend([String::new(), ink.strong("Findings")]);
        let digits = findings.iter().map(|f| f.checks.to_string().len()).max().unwrap_or_default();
        for finding in &findings {
            let entry = finding.code.entry();
            let severity = if entry.unknown && finding.severity == Severity::Info {
                "could not tell"
            } else {
                severity_words(finding.severity)
            };
            let text = format!("{:>digits$}  {} ({severity}): {}", finding.checks, entry.slug, entry.title);
            lines.push(ink.severity(finding.severity, fitted(&text, options).trim_end()));
        }
    }
    if !summary.worst.is_empty() {
        lines.extend([String::new(), ink.strong("Worst")]);
        let names: Vec<String> = summary.worst.iter().map(who).collect();
        let column = names.iter().map(|n| width(n)).max().unwrap_or_default().min(60);
        for (worst, name) in summary.worst.iter().zip(&names) {
            let codes: Vec<&str> = worst.codes.iter().map(|c| c.entry().slug).collect();
            let codes = if codes.is_empty() { "could not be judged".into() } else { codes.join(" ") };
            let text = format!("{}  {:7}  {}", fit(name, column), verdict(worst.verdict), codes);
            lines.push(fitted(&text, options).trim_end().to_owned());
        }
    }
    lines.join("\n") + "\n"
}

/// No wider than the rows above.
fn fitted(text: &str, options: &TableOptions) -> String {
    if width(text) > options.width { fit(text, options.width) } else { text.to_owned() }
}

/// The label, the target and the address.
fn who(worst: &Worst) -> String {
    let label = match &worst.label {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => format!("{text}: "),
        other => format!("{other}: "),
    };
    let ip = worst.ip.map(|ip| ip.to_string()).filter(|ip| *ip != worst.target);
    let ip = ip.map(|ip| format!(" → {ip}")).unwrap_or_default();
    clean_bounded(&format!("{label}{}{ip}", worst.target), MAX_NAME).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_in_one_line() {
        let summary =
            Summary { checks: 3, agree: 1, differ: 1, unknown: 1, errors: 1, warnings: 2, ..Summary::default() };
        assert_eq!(summary_line(&summary), "3 checks: 1 agree, 1 differ, 1 unknown · 1 error, 2 warnings\n");
    }
}
