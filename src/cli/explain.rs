//! `explain`: all codes and rules, one of either, or a refusal in a receiver's own words.
//!
//! Exit: 0 where it is explained, 2 for a word that is neither, 3 for a refusal in words not known.

use super::args::ExplainArgs;
use super::exit::Exit;
use super::output::{Results, color, say, width};
use crate::bounce::{self, Cause};
use crate::judge::Code;
use crate::judge::receivers::{receiver_names, rule_entries};
use crate::report::{TableOptions, explain_code, explain_list, explain_receiver, explain_refusal, explain_rule};

/// How many codes are offered in place of an unknown one.
const OFFERED: usize = 3;

/// Runs `explain`.
pub(super) fn run(args: &ExplainArgs) -> Exit {
    let options = TableOptions { width: width(), color: color(args.color), ..TableOptions::default() };
    let what = args.what.join(" ");
    let what = what.trim();
    if what.is_empty() && args.what.is_empty() {
        return print(&explain_list(&options), Exit::Agrees);
    }
    // `explain ptr missing` and `PTR_MISSING` are understood as well.
    if let Ok(code) = what.to_ascii_lowercase().replace([' ', '_'], "-").parse::<Code>() {
        return print(&explain_code(code.entry(), &options), Exit::Agrees);
    }
    if let Some(rule) = rule_entries().iter().find(|e| e.handle().eq_ignore_ascii_case(what)) {
        return print(&explain_rule(rule, &options), Exit::Agrees);
    }
    if let Some(receiver) = receiver_names().into_iter().find(|name| name.eq_ignore_ascii_case(what)) {
        return print(&explain_receiver(Some(receiver), &options), Exit::Agrees);
    }
    if is_status(what) {
        say(&format!("`{what}` is only the enhanced status code; give the whole reply, as '550 5.7.25 …'"));
        return Exit::Usage;
    }
    if !is_refusal(what) {
        say(&unknown(what));
        return Exit::Usage;
    }
    let read = bounce::read(what.as_bytes());
    if let Some(why) = &read.unreadable {
        say(&format!("the reply cannot be read: {why}"));
        return Exit::Usage;
    }
    let exit = if read.cause == Cause::Unknown { Exit::Unknown } else { Exit::Agrees };
    print(&explain_refusal(&read, &options), exit)
}

/// An enhanced status code alone (RFC 3463 §2), which says too little.
fn is_status(what: &str) -> bool {
    let parts: Vec<&str> = what.split('.').collect();
    parts.len() == 3 && parts.iter().all(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
}

/// Several words, or one that begins with a reply code.
fn is_refusal(what: &str) -> bool {
    let digits = what.bytes().take_while(u8::is_ascii_digit).count();
    let behind = what.as_bytes().get(digits);
    what.contains(char::is_whitespace) || digits == 3 && matches!(behind, None | Some(b'-' | b':'))
}

fn print(text: &str, exit: Exit) -> Exit {
    match Results::default().write(text) {
        Ok(()) => exit,
        Err(e) => {
            say(&format!("standard output cannot be written: {e}"));
            Exit::Usage
        }
    }
}

fn unknown(what: &str) -> String {
    let shown: String = what.chars().take(60).collect();
    if what.contains('/') {
        return format!(
            "there is no rule `{shown}`; `smtp-preflight explain` lists all, and `smtp-preflight explain RECEIVER` those \
             of one receiver"
        );
    }
    format!(
        "there is no code `{shown}`; did you mean {}? `smtp-preflight explain` lists all, and a refusal is given in \
         quotes, as '550 5.7.25 …'",
        nearest(what).join(", ")
    )
}

/// The codes that lie nearest: those that hold the word first, then by letters to change.
fn nearest(what: &str) -> Vec<&'static str> {
    let what: String = what.chars().take(60).collect::<String>().to_ascii_lowercase().replace('_', "-");
    let mut codes: Vec<&str> = Code::all().map(|e| e.slug).collect();
    codes.sort_by_key(|slug| (what.is_empty() || !slug.contains(&what), distance(&what, slug)));
    codes.truncate(OFFERED);
    codes
}

/// Letters to insert, delete or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_for_a_refusal() {
        for (text, yes) in [
            ("550 5.7.25 no PTR", true),
            ("550", true),
            ("550-5.7.25", true),
            ("5.7.25", false),
            ("host mx.example.net said: 550 no", true),
            ("ptr-mising", false),
            ("postfix/reject_unknown_client_hostname", false),
            ("5501", false),
            ("", false),
        ] {
            assert_eq!(is_refusal(text), yes, "{text}");
        }
    }

    #[test]
    fn the_nearest_codes() {
        assert_eq!(nearest("ptr-mising")[0], "ptr-missing");
        assert_eq!(nearest("ehlo_alias")[0], "ehlo-alias");
        assert_eq!(nearest("generic")[0], "ptr-generic");
        assert_eq!(nearest("").len(), OFFERED);
        assert_eq!((distance("abc", "abc"), distance("", "abc"), distance("kitten", "sitting")), (0, 3, 3));
    }
}
