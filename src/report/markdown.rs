//! For tickets: GitHub-flavoured Markdown in which nothing from the network can become markup.
//!
//! Standard: `CommonMark` 0.31 §2.4 (backslash escapes), §6.1 (code spans), §4.5 (fenced code); GFM §4.10
//! (tables). Network text stands in code spans, where links, mentions and HTML have no power; in
//! prose, every ASCII punctuation mark is escaped and what a renderer could link is put in code.

use std::net::IpAddr;

use super::cells::{
    EdgeRow, Line, MAX_TEXT, edges, open_edges, ordered_findings, state_sign, state_words, title, told_severity,
    verdict_words,
};
use super::changes::{changes_line, identity_words};
use super::clean::clean_bounded;
use super::csv::verdict;
use super::facts::facts;
use super::receivers::{IN_ORDER, despite, told};
use super::summary::{by_weight, summary_line};
use crate::judge::{Check, Finding, Gone, Summary};

/// Checks as Markdown, each under its own heading.
pub fn markdown(checks: &[Check]) -> String {
    super::whole(super::Format::Markdown, checks, None).unwrap_or_default()
}

/// One check under its heading.
pub(super) fn markdown_section(check: &Check, first: bool) -> String {
    let gap = if first { "" } else { "\n" };
    let change = check.change.as_ref().map(|c| {
        let differences =
            if c.differences.is_empty() { String::new() } else { format!(": {}", c.differences.join("; ")) };
        format!("\n**{}**{}\n", c.kind.as_str(), prose(&bounded(&differences)))
    });
    format!("{gap}{}{}", section(check), change.unwrap_or_default())
}

/// The summary, where it says more than the one check.
pub(super) fn markdown_end(summary: &Summary, gone: &[Gone], several: bool) -> String {
    let mut lines = Vec::new();
    for gone in gone {
        lines.push(format!("- gone: {} (was {})", code(&identity_words(&gone.identity)), verdict(gone.was.verdict)));
    }
    if several || summary.changes.is_some() {
        lines.extend([String::new(), "## Summary".into(), String::new(), summary_line(summary)]);
        lines.extend(summary.changes.iter().map(changes_line));
        for finding in by_weight(summary) {
            let (code, severity) = (finding.code, told_severity(finding.severity, finding.code));
            lines.push(format!("- {} × `{code}` ({severity}): {}", finding.checks, prose(code.entry().title)));
        }
    }
    if lines.is_empty() { String::new() } else { lines.join("\n").trim_end().to_owned() + "\n" }
}

fn section(check: &Check) -> String {
    let mut lines = vec![format!("## {}: {}", code(&title(check)), verdict_words(check.agreement.verdict))];
    lines.extend(["", "| compared | with | result |", "| --- | --- | --- |"].map(str::to_owned));
    lines.extend(edges(check).iter().flat_map(table_rows));
    lines.push(String::new());
    lines.extend(facts(check).iter().map(|(key, fact)| format!("- {key}: {}", prose(fact))));
    if let Some(told) = told(check) {
        lines.extend([String::new(), format!("**Receivers:** {}", prose(&told.summary))]);
        for (place, row) in told.rows.iter().enumerate() {
            if place == 0 {
                lines.push(String::new());
            }
            let why = if row.why.is_empty() { String::new() } else { format!(": {}", prose(&row.why)) };
            lines.push(format!("- {} {}{why}", row.answer, prose(&row.who)));
        }
    }
    let findings = ordered_findings(check);
    for finding in &findings {
        lines.push(String::new());
        lines.extend(one_finding(finding));
    }
    if findings.is_empty() {
        lines.push(String::new());
        let open = open_edges(check);
        let despite = if open.is_empty() { despite(check) } else { Vec::new() };
        if !despite.is_empty() {
            lines.extend([IN_ORDER.to_owned(), String::new()]);
            lines.extend(despite.iter().map(|sentence| format!("- {}", prose(sentence))));
        } else if open.is_empty() {
            lines.push("Nothing to change.".into());
        }
        lines.extend(open.iter().map(|(state, because)| format!("- {} {}", state_sign(*state), prose(because))));
    }
    lines.join("\n") + "\n"
}

/// An edge's rows, one a PTR name.
fn table_rows(row: &EdgeRow) -> Vec<String> {
    let cell = |label: &str, lines: &[Line]| {
        // A pipe can end a cell even inside a code span (GFM §4.10), and renderers differ on how one is
        // escaped there; no host name holds one.
        let shown = lines.iter().map(|l| match l.text.replace('|', "\\x7c") {
            text if l.marked => code(&text) + " ✓",
            text if l.seen => code(&text),
            text => prose(&text),
        });
        let shown = shown.collect::<Vec<_>>().join("<br>");
        if shown.is_empty() { shown } else { format!("{label} {shown}") }
    };
    let rows = row.pairs.iter().enumerate().map(|(place, (left, right))| {
        let state = if place == 0 { state_words(row.state) } else { "" };
        format!("| {} | {} | {state} |", cell(row.left_label, left), cell(row.right_label, right))
    });
    rows.collect()
}

fn one_finding(finding: &Finding) -> Vec<String> {
    let severity = told_severity(finding.severity, finding.code);
    let words = |text: &str| prose(&bounded(text));
    let mut lines = vec![
        format!("### {} (`{}`, {severity})", words(&finding.title), finding.code),
        String::new(),
        format!("{} ({})", words(&finding.detail), words(&finding.reference)),
    ];
    let fix = &finding.fix;
    if fix.steps.is_empty() && fix.records.is_empty() {
        return lines;
    }
    match fix.steps.as_slice() {
        [] => {}
        [step] => lines.extend([String::new(), format!("**Fix:** {}", words(step))]),
        steps => {
            lines.extend([String::new(), "**Fix:**".into(), String::new()]);
            lines.extend(steps.iter().enumerate().map(|(place, step)| format!("{}. {}", place + 1, words(step))));
        }
    }
    if !fix.records.is_empty() {
        let records: Vec<String> = fix.records.iter().map(|r| bounded(r)).collect();
        lines.push(String::new());
        lines.extend(fenced(&records));
    }
    if !fix.who.is_empty() {
        lines.extend([String::new(), format!("**Who:** {}", words(&fix.who))]);
    }
    lines
}

/// Lines as a block of code, its fence longer than any run of backticks inside.
pub(super) fn fenced(lines: &[String]) -> Vec<String> {
    let fence = "`".repeat(lines.iter().map(|l| longest_run(l) + 1).max().unwrap_or(3).max(3));
    let mut block = vec![fence.clone()];
    block.extend(lines.iter().cloned());
    block.push(fence);
    block
}

fn bounded(text: &str) -> String {
    clean_bounded(text, MAX_TEXT).into_owned()
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A code span; its fence is longer than any run of backticks inside.
pub(super) fn code(text: &str) -> String {
    if text.trim().is_empty() {
        return String::from("—");
    }
    let fence = "`".repeat(longest_run(text) + 1);
    // A space inside either fence is dropped again by the renderer (`CommonMark` §6.1).
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Running text: punctuation escaped, and in code what a renderer would make a link, a mention or a
/// reference of.
pub(super) fn prose(text: &str) -> String {
    let words: Vec<String> = text.split(' ').map(word).collect();
    words.join(" ")
}

fn word(word: &str) -> String {
    if !linkable(word) {
        return escape(word);
    }
    // The sentence's own brackets and stops stay outside of the code.
    let inner = word.trim_start_matches('(').trim_end_matches([',', '.', ';', ':', ')']);
    let before = word.len() - word.trim_start_matches('(').len();
    let (open, close) = (&word[..before], &word[before + inner.len()..]);
    format!("{open}{}{close}", code(inner))
}

/// Names, addresses, links, mailboxes, mentions, issue numbers, commit ids and `:emoji:`.
fn linkable(word: &str) -> bool {
    let inner = word.trim_matches(|c: char| c.is_ascii_punctuation());
    let dotted_name = inner.split('.').skip(1).any(|l| l.starts_with(char::is_alphabetic));
    let commit = inner.len() >= 7 && inner.bytes().all(|b| b.is_ascii_hexdigit());
    dotted_name
        || commit
        || inner.parse::<IpAddr>().is_ok()
        || inner.contains("://")
        || word.contains(['@', '#'])
        || word.matches(':').count() > 1
        || word.contains("GH-")
}

fn escape(word: &str) -> String {
    // These mark nothing up within a word, only at the head of a line, where any word may stand; and
    // behind a number they make a list's item.
    const QUIET: &str = ".,;:)'?%/-+=";
    let numbered = word.len() > 1 && word.as_bytes()[..word.len() - 1].iter().all(u8::is_ascii_digit);
    let mut out = String::with_capacity(word.len() + 4);
    for (place, c) in word.chars().enumerate() {
        let quiet = c == '(' || place > 0 && !numbered && QUIET.contains(c);
        if c.is_ascii_punctuation() && !quiet {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_hold_what_they_hold() {
        assert_eq!(code("mail.example.net"), "`mail.example.net`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``"), "``` `` ```");
        assert_eq!(code(" "), "—");
    }

    #[test]
    fn prose_is_no_markup() {
        for (text, shown) in [
            ("a plain sentence, with (brackets).", "a plain sentence, with (brackets)."),
            ("*bold* _under_ [x](y) <b>", "\\*bold\\* \\_under\\_ \\[x\\](y) \\<b\\>"),
            ("see www.example.net now", "see `www.example.net` now"),
            ("http://evil.example/<script>", "`http://evil.example/<script>`"),
            ("@team #12", "`@team` `#12`"),
            ("asked 192.0.2.53", "asked `192.0.2.53`"),
            ("a|b", "a\\|b"),
            ("(hostmaster@host.example).", "(`hostmaster@host.example`)."),
            ("TLSv1.3 at 1.2 ms, §2.7.3", "TLSv1.3 at 1.2 ms, §2.7.3"),
            ("... 1. 2) :warning:", "\\... 1\\. 2\\) `:warning`:"),
        ] {
            assert_eq!(prose(text), shown, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_backtick_or_bracket_stands_alone(text in "[ -~é例]{0,60}") {
            // Undo escapes and code spans as a renderer does; what is left must hold no live mark.
            let mut rest = prose(&text).chars().collect::<std::collections::VecDeque<_>>();
            while let Some(c) = rest.pop_front() {
                if c == '\\' {
                    rest.pop_front();
                } else if c == '`' {
                    let mut fence = 1;
                    while rest.front() == Some(&'`') {
                        rest.pop_front();
                        fence += 1;
                    }
                    let mut run = 0;
                    loop {
                        match rest.pop_front() {
                            Some('`') => run += 1,
                            other if run == fence => { if let Some(o) = other { rest.push_front(o); } break; }
                            Some(_) => run = 0,
                            None => { proptest::prop_assert!(false, "a span without end"); }
                        }
                    }
                } else {
                    proptest::prop_assert!(!"*_[]<>#@|~!&$^{}\"".contains(c), "{c} in {}", prose(&text));
                }
            }
        }
    }
}
