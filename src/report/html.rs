//! A page that needs nothing else: no script, no image, no font, nothing loaded from anywhere.
//!
//! Standard: HTML Living Standard §13.2.5 (what text must be escaped); the page forbids itself to load anything
//! (Content Security Policy 3). Each check is a section that opens; the summary stands at the end, since a page is
//! written as it is made.

use std::fmt::Write;

use super::cells::{edges, finding_sign, label, ordered_findings, state_words, title, told_severity, verdict_words};
use super::changes::{changes_line, identity_words};
use super::csv::verdict;
use super::facts::facts;
use super::markup::escaped;
use super::receivers::told;
use super::summary::{by_weight, summary_line};
use crate::judge::{Check, Finding, Gone, Summary, Verdict};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;\
color:#1b1b1b;background:#fff}details{border:1px solid #bbb;border-radius:6px;margin:.6em 0;padding:.4em .8em}\
summary{cursor:pointer;overflow-wrap:anywhere}table{border-collapse:collapse;margin:.6em 0}\
td,th{border:1px solid #bbb;padding:.2em .6em;text-align:left;overflow-wrap:anywhere}\
pre{background:#f3f3f3;padding:.6em;overflow-x:auto}dt{font-weight:600}dd{margin:0 0 .3em 1em}\
.agree{color:#116329}.differ{color:#a40e26}.unknown{color:#7a4d00}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#161616}pre{background:#222}\
.agree{color:#5fd07f}.differ{color:#ff8a93}.unknown{color:#e3b341}}";

/// The head of the page.
pub(super) fn html_begin() -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>smtp-preflight</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>smtp-preflight</h1>\n"
    )
}

/// One check.
pub(super) fn html_check(check: &Check) -> String {
    let word = check.agreement.verdict;
    let open = if word == Verdict::Agree { "" } else { " open" };
    let label = label(check).map(|l| format!("{}: ", escaped(&l))).unwrap_or_default();
    let mut out = format!(
        "<details{open}>\n<summary>{} {label}{}</summary>\n",
        marked(word, verdict_words(word)),
        escaped(&title(check))
    );
    if let Some(change) = &check.change {
        let said = escaped(&change.differences.join("; "));
        let _ = writeln!(out, "<p><strong>{}</strong> {said}</p>", change.kind.as_str());
    }
    out += "<table>\n<tr><th>compared</th><th>with</th><th>result</th></tr>\n";
    for edge in edges(check) {
        for (place, (left, right)) in edge.pairs.iter().enumerate() {
            let cell = |name: &str, lines: &[super::cells::Line]| {
                let shown: Vec<String> = lines.iter().map(|l| escaped(&l.text)).collect();
                format!("<td>{name} {}</td>", shown.join("<br>"))
            };
            let result = if place == 0 { state_words(edge.state) } else { "" };
            let _ = writeln!(
                out,
                "<tr>{}{}<td>{result}</td></tr>",
                cell(edge.left_label, left),
                cell(edge.right_label, right)
            );
        }
    }
    out += "</table>\n<dl>\n";
    for (key, fact) in facts(check) {
        let _ = writeln!(out, "<dt>{key}</dt><dd>{}</dd>", escaped(&fact));
    }
    if let Some(told) = told(check) {
        let _ = writeln!(out, "<dt>Receivers</dt><dd>{}", escaped(&told.summary));
        for row in &told.rows {
            let why = if row.why.is_empty() { String::new() } else { format!(": {}", row.why) };
            let _ = writeln!(out, "<br>{} {}", row.answer, escaped(&format!("{}{why}", row.who)));
        }
        out += "</dd>\n";
    }
    out += "</dl>\n";
    out.extend(ordered_findings(check).into_iter().map(finding));
    out + "</details>\n"
}

fn finding(finding: &Finding) -> String {
    let mut out = format!(
        "<h3>{} {} ({}, {})</h3>\n<p>{} ({})</p>\n",
        finding_sign(finding),
        escaped(&finding.title),
        finding.code,
        told_severity(finding.severity, finding.code),
        escaped(&finding.detail),
        escaped(&finding.reference)
    );
    if !finding.fix.steps.is_empty() {
        let steps: Vec<String> = finding.fix.steps.iter().map(|s| format!("<li>{}</li>", escaped(s))).collect();
        let _ = writeln!(out, "<ol>{}</ol>", steps.concat());
    }
    if !finding.fix.records.is_empty() {
        let _ = writeln!(out, "<pre>{}</pre>", escaped(&finding.fix.records.join("\n")));
    }
    out
}

fn marked(verdict: Verdict, text: &str) -> String {
    format!("<strong class=\"{}\">{text}</strong>", self::verdict(verdict))
}

/// The summary and the end of the page.
pub(super) fn html_end(summary: &Summary, gone: &[Gone]) -> String {
    let mut out = format!("<h2>Summary</h2>\n<p>{}</p>\n", escaped(summary_line(summary).trim_end()));
    if let Some(changes) = &summary.changes {
        let _ = writeln!(out, "<p>{}</p>", escaped(&changes_line(changes)));
    }
    if !gone.is_empty() {
        let items: Vec<String> =
            gone.iter().map(|g| format!("<li>{}</li>", escaped(&identity_words(&g.identity)))).collect();
        let _ = writeln!(out, "<p>Gone:</p>\n<ul>{}</ul>", items.concat());
    }
    let findings = by_weight(summary);
    if !findings.is_empty() {
        out += "<table>\n<tr><th>checks</th><th>finding</th><th>severity</th></tr>\n";
        for one in findings {
            let (code, title) = (one.code, escaped(one.code.entry().title));
            let _ = writeln!(
                out,
                "<tr><td>{}</td><td>{code}: {title}</td><td>{}</td></tr>",
                one.checks,
                told_severity(one.severity, one.code)
            );
        }
        out += "</table>\n";
    }
    out + "</body>\n</html>\n"
}
