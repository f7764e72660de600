//! Whatever stands in a check or in evidence, no format lets a control character through, breaks its
//! frame or grows beyond its width.

use proptest::prelude::*;
use serde_json::Value;
use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::{Check, Report, judge};
use smtp_preflight::report::{
    Format, TableOptions, check_ndjson, clean, markdown, report_json, row, rows_header, table, transcript, whole,
};
use tabled::grid::util::string::get_string_width;

use crate::samples;

/// Text that attacks: controls, bidi, wide, joining, markup, long without a break.
fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[\u{0}-\u{1f}\u{7f}-\u{9f}\u{200b}-\u{202e}\u{2060}-\u{206f}\u{feff}a-z|`*<\\[ ]{0,40}",
        "[例え漢字가각ｆｕ.]{0,120}",
        "[a-z]{0,400}",
        "([a-z]{1,20}[.-]){1,20}example",
        "xn--[a-z0-9-]{1,20}\\.example",
        "[\u{300}-\u{36f}\u{600}-\u{6ff}👍🏽🇩🇪e]{0,40}",
        Just("\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{9b}31m".to_owned()),
    ]
}

/// Replaces, one after the other, those strings of a JSON value that still make it a valid `T`.
fn infect<T>(value: &mut Value, nasty: &[String], fits: &dyn Fn(&Value) -> Option<T>) -> T {
    fn paths(value: &Value, here: &str, into: &mut Vec<String>) {
        match value {
            Value::String(_) => into.push(here.to_owned()),
            Value::Array(items) => items.iter().enumerate().for_each(|(i, v)| paths(v, &format!("{here}/{i}"), into)),
            Value::Object(map) => map.iter().for_each(|(k, v)| paths(v, &format!("{here}/{k}"), into)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    paths(value, "", &mut all);
    for (place, path) in all.iter().enumerate() {
        let old = value.pointer(path).unwrap().clone();
        *value.pointer_mut(path).unwrap() = nasty[place % nasty.len()].clone().into();
        if fits(value).is_none() {
            *value.pointer_mut(path).unwrap() = old;
        }
    }
    fits(value).expect("each step was tried")
}

fn infected_check(which: usize, nasty: &[String]) -> Check {
    let mut samples = samples::all();
    samples.push(("self", judge(&samples::own_evidence())));
    let count = samples.len();
    let mut value = serde_json::to_value(samples.swap_remove(which % count).1).unwrap();
    value["label"] = "label".into();
    infect(&mut value, nasty, &|v| serde_json::from_value(v.clone()).ok())
}

fn infected_evidence(which: usize, nasty: &[String]) -> Evidence {
    let all = [
        samples::agreeing_evidence(),
        samples::no_ptr_evidence(),
        samples::unreachable_evidence(),
        samples::own_evidence(),
    ];
    let mut value = serde_json::to_value(&all[which % all.len()]).unwrap();
    infect(&mut value, nasty, &|v| serde_json::from_value(v.clone()).ok())
}

/// Takes out the colours that a report writes itself: `ESC [ digits ; m`.
fn without_colour(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("\u{1b}[") {
        out.push_str(before);
        let end = behind.find(|c: char| !c.is_ascii_digit() && c != ';').unwrap_or(0);
        assert_eq!(behind[end..].chars().next(), Some('m'), "an escape that is no colour: {behind:?}");
        assert!(end <= 5, "an escape that we do not write: {behind:?}");
        rest = &behind[end + 1..];
    }
    out + rest
}

fn assert_visible(format: &str, text: &str) {
    assert!(text.ends_with('\n'), "{format}");
    for line in text.lines() {
        assert_eq!(clean(line), line, "{format}");
    }
    assert!(!text.contains('\r'), "{format}");
}

/// As [`assert_visible`], for a format that must keep every visible character, heaped marks too.
fn assert_safe(format: &str, text: &str) {
    assert!(text.ends_with('\n'), "{format}");
    for c in text.chars().filter(|c| *c != '\n') {
        let alone = c.to_string();
        assert_eq!(clean(&alone), alone, "{format}");
    }
}

/// No line wider than asked for, but one that is there to be copied: a record, a command, a page's address.
fn assert_narrow(check: &Check, text: &str, width: usize) {
    for line in text.lines().filter(|l| get_string_width(l) > width) {
        let whole = line.trim_start().trim_end_matches('…');
        let steps = check.remedy.iter().flat_map(|r| &r.steps);
        let proposed = steps.flat_map(|s| s.publish.iter().chain(&s.withdraw).chain(&s.verbatim));
        let mut copied = check.findings.iter().flat_map(|f| &f.fix.records).chain(proposed);
        // Texts of our own: what stands in backticks, and an address, are not folded.
        let mut told: Vec<String> = Vec::new();
        if let Some(remedy) = &check.remedy {
            told.extend(remedy.steps.iter().flat_map(|s| s.how.clone()));
            told.extend(remedy.provider.iter().flat_map(|p| [p.limits.join("; "), p.documentation.clone()]));
            told.extend(remedy.mta.iter().flat_map(|m| [m.notes.clone(), vec![m.documentation.clone()]].concat()));
        }
        let words = whole.trim_start_matches("· ").trim_start_matches("see ").trim_start_matches("note: ");
        let own = || {
            let mut told = told.iter().map(|t| clean(t).split_whitespace().collect::<Vec<_>>().join(" "));
            (words.contains('`') || words.contains("://")) && told.any(|t| t.contains(words.trim_end_matches(',')))
        };
        assert!(copied.any(|r| clean(r).trim_start().starts_with(whole)) || own(), "{width}: {line:?}");
    }
}

/// Every line of the frame is as wide as every other.
fn assert_framed(text: &str) {
    let top = text.lines().position(|l| l.starts_with('╭')).expect("a frame");
    let bottom = text.lines().position(|l| l.starts_with('╰')).expect("a frame's end");
    let widths: Vec<usize> = text.lines().skip(top).take(bottom - top + 1).map(get_string_width).collect();
    assert!(widths.windows(2).all(|w| w[0] == w[1]), "{widths:?}\n{text}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_report_lets_anything_through(which in 0usize..16, width in 0usize..200, nasty in prop::collection::vec(nasty(), 1..12)) {
        let check = infected_check(which, &nasty);
        let kept = width.max(40);
        let plain = TableOptions { width, color: false, explain: false };
        let coloured = TableOptions { width, color: true, explain: false };
        let text = table(&check, &plain);
        assert_visible("table", &text);
        assert_narrow(&check, &text, kept);
        assert_framed(&text);
        // A colour's end may hide a blank at a line's end.
        let bare = |t: &str| t.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
        prop_assert_eq!(bare(&without_colour(&table(&check, &coloured))), bare(&text));
        for line in [rows_header(&plain), row(&check, &plain)] {
            assert_visible("row", &line);
            prop_assert!(line.ends_with('\n') && (width < 140 || line.matches('\n').count() == 1));
            prop_assert!(line.lines().all(|line| get_string_width(line.trim_end()) <= kept));
        }
        prop_assert_eq!(bare(&without_colour(&row(&check, &coloured))), bare(&row(&check, &plain)));
        assert_visible("markdown", &markdown(&[check.clone(), check.clone()]));
        let ndjson = check_ndjson(&check);
        assert_safe("ndjson", &ndjson);
        prop_assert_eq!(&serde_json::from_str::<Check>(&ndjson).unwrap(), &check);
        for format in [Format::Csv, Format::Html, Format::Junit, Format::Nagios, Format::Prometheus] {
            let text = whole(format, &[check.clone(), check.clone()], None).unwrap();
            assert_safe("a whole report", &text);
            if format == Format::Junit {
                prop_assert!(roxmltree::Document::parse(&text).is_ok(), "{}", text);
            }
            if format == Format::Csv {
                prop_assert_eq!(text.lines().count(), 3, "a line a check");
            }
        }
        let report = Report::new(vec![check]);
        let json = report_json(&report);
        assert_safe("json", &json);
        prop_assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
    }

    #[test]
    fn hostile_evidence_is_judged_and_shown(which in 0usize..4, nasty in prop::collection::vec(nasty(), 1..12)) {
        let evidence = infected_evidence(which, &nasty);
        assert_visible("transcript", &transcript(&evidence));
        let check = judge(&evidence);
        let text = table(&check, &TableOptions::default());
        assert_visible("table", &text);
        assert_narrow(&check, &text, 80);
        assert_framed(&text);
        assert_visible("markdown", &markdown(&[check]));
    }
}
