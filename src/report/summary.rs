//! A run in a few lines: verdicts, findings by code, the ten worst identities.

use std::cmp::Reverse;

use super::cells::{MAX_NAME, label_words, told_severity};
use super::changes::changes_line;
use super::clean::clean_bounded;
use super::csv::verdict;
use super::ink::Ink;
use super::table::TableOptions;
use super::wrap::{fit, hang, width};
use crate::judge::{FindingCount, Summary, Worst};

/// `12 checks: 9 agree, 2 differ, 1 unknown · 3 errors, 1 warning`.
pub fn summary_line(summary: &Summary) -> String {
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    format!(
        "{}: {} agree, {} differ, {} unknown{} · {}, {}\n",
        count(summary.checks, "check"),
        summary.agree,
        summary.differ,
        summary.unknown,
        not_given(summary),
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
            let severity = told_severity(finding.severity, finding.code);
            let text = format!("{:>digits$}  {} ({severity}): {}", finding.checks, entry.slug, entry.title);
            lines.push(ink.severity(finding.severity, fitted(&text, options).trim_end()));
        }
    }
    if !summary.worst.is_empty() {
        let heading = if summary.worst.iter().all(|w| w.not_given) { "Left open" } else { "Worst" };
        lines.extend([String::new(), ink.strong(heading)]);
        let names: Vec<String> = summary.worst.iter().map(who).collect();
        let column = names.iter().map(|n| width(n)).max().unwrap_or_default().min(60);
        for (worst, name) in summary.worst.iter().zip(&names) {
            let (lead, words) = (format!("{:7}  ", verdict(worst.verdict)), worst_words(worst));
            if column + 2 + width(&lead) + width(&words) <= options.width {
                lines.push(format!("{}  {lead}{words}", fit(name, column)).trim_end().to_owned());
            } else {
                lines.push(fitted(name, options).trim_end().to_owned());
                lines.extend(hang(&format!("  {lead}"), &words, 2 + width(&lead), options.width));
            }
        }
    }
    lines.join("\n") + "\n"
}

/// Of those that are unknown, those where nothing failed.
pub(super) fn not_given(summary: &Summary) -> String {
    match summary.ehlo_not_given {
        0 => String::new(),
        n => format!(" ({n} EHLO not given, PTR and A/AAAA agree)"),
    }
}

/// What is wrong with one of the worst, or what leaves it open.
pub(super) fn worst_words(worst: &Worst) -> String {
    let codes: Vec<&str> = worst.codes.iter().map(|c| c.entry().slug).collect();
    match (&worst.open, codes.is_empty()) {
        (Some(open), true) => clean_bounded(open, MAX_NAME).into_owned(),
        _ => codes.join(" "),
    }
}

/// No wider than the rows above.
fn fitted(text: &str, options: &TableOptions) -> String {
    if width(text) > options.width { fit(text, options.width) } else { text.to_owned() }
}

/// The label, the target and the address.
fn who(worst: &Worst) -> String {
    let label = label_words(&worst.label).map(|l| format!("{l}: ")).unwrap_or_default();
    let ip = worst.ip.map(|ip| ip.to_string()).filter(|ip| *ip != worst.target);
    let ip = ip.map(|ip| format!(" → {ip}")).unwrap_or_default();
    clean_bounded(&format!("{label}{}{ip}", worst.target), MAX_NAME).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_never_cut_and_an_open_side_is_told() {
        let text = include_str!("../../fixtures/evidence/agree.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        (evidence.smtp, evidence.client.ehlo, evidence.client.ehlo_source) = (None, None, None);
        let mut summary = Summary::of(&crate::judge::judge(&evidence));
        let at = |width| TableOptions { width, color: false, explain: false };
        let open = summary_text(&summary, &at(80));
        assert!(open.contains("1 unknown (1 EHLO not given, PTR and A/AAAA agree)"), "{open}");
        assert!(open.contains("Left open") && open.contains("unknown  EHLO not given; PTR and A/AAAA agree"), "{open}");
        let text = include_str!("../../fixtures/evidence/no-ptr.json");
        let evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        summary.add(&crate::judge::judge(&evidence));
        let narrow = summary_text(&summary, &at(40));
        assert!(narrow.contains("Worst") && narrow.contains("\n  differ   ptr-missing"), "{narrow}");
    }

    #[test]
    fn a_batch_in_one_line() {
        let summary =
            Summary { checks: 3, agree: 1, differ: 1, unknown: 1, errors: 1, warnings: 2, ..Summary::default() };
        assert_eq!(summary_line(&summary), "3 checks: 1 agree, 1 differ, 1 unknown · 1 error, 2 warnings\n");
    }
}
