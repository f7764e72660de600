//! A pool for a ticket: a section with a row an address, and what holds once.

use super::super::cells::{MAX_TEXT, state_sign, told_severity};
use super::super::clean::clean_bounded;
use super::super::markdown::{code, fenced, prose};
use super::Pool;

/// The section of a pool.
pub(in crate::report) fn section(pool: &Pool) -> String {
    // A pipe ends a cell even inside a code span; no host name holds one.
    let cell = |text: &str| code(&text.replace('|', "\\x7c"));
    let mut lines = vec![
        format!("## {}: {}", code(&pool.title()), pool.verdict().1),
        String::new(),
        "| address | PTR | EHLO = PTR | PTR → A | EHLO → A | what differs |".into(),
        "| --- | --- | --- | --- | --- | --- |".into(),
    ];
    for row in &pool.rows {
        let [a, b, c] = row.states.map(state_sign);
        let words = prose(&pool.words(row));
        lines.push(format!("| {} | {} | {a} | {b} | {c} | {words} |", cell(&row.address), cell(&row.ptr)));
    }
    lines.push(String::new());
    lines.extend(pool.ehlo().map(|name| format!("- EHLO: {}", code(name))));
    lines.extend(pool.facts.iter().map(|(key, fact)| format!("- {key}: {}", prose(fact))));
    let answers: Vec<String> = pool.answers.lines(pool.rows.len()).iter().map(|a| prose(a)).collect();
    match answers.as_slice() {
        [] => {}
        [one] => lines.extend([String::new(), format!("**Receivers:** {one}")]),
        several => {
            lines.extend([String::new(), "**Receivers:**".into(), String::new()]);
            lines.extend(several.iter().map(|answer| format!("- {answer}")));
        }
    }
    for group in pool.findings() {
        let words = |text: &str| prose(&clean_bounded(text, MAX_TEXT));
        let whose = pool.whose(group).map(|w| format!(" ({})", prose(&w))).unwrap_or_default();
        let heading = format!(
            "### {} (`{}`, {})",
            words(&group.first.title),
            group.first.code,
            told_severity(group.first.severity, group.first.code)
        );
        let reference = words(&group.first.reference);
        lines.extend([
            String::new(),
            heading,
            String::new(),
            format!("{}{whose} ({reference})", prose(&Pool::detail(group))),
        ]);
    }
    let steps = pool.steps.ordered();
    if !steps.is_empty() {
        lines.extend([String::new(), "### To do, in this order".into(), String::new()]);
    }
    for (place, one) in steps.iter().enumerate() {
        let words = |text: &str| prose(&clean_bounded(text, MAX_TEXT));
        let (action, who, whose) = (words(&one.todo.action), words(&one.todo.who), prose(&one.whose()));
        lines.push(format!("{}. {action} ({who}) {whose}", place + 1));
        let mut records: Vec<String> =
            one.todo.publish.iter().map(|r| clean_bounded(r, MAX_TEXT).into_owned()).collect();
        records.extend(
            one.todo.withdraw.iter().map(|r| format!("; {} {}", one.todo.withdrawal(), clean_bounded(r, MAX_TEXT))),
        );
        if one.more > 0 {
            records.push(format!("; and {} lines more: --format ndjson has them all", one.more));
        }
        if !records.is_empty() {
            lines.extend(fenced(&records).into_iter().map(|l| format!("   {l}")));
        }
    }
    lines.join("\n") + "\n"
}
