//! `explain`: all names that there are, some of them, or a refusal in a receiver's own words.
//!
//! Exit: 0 where it is explained, 2 for a word that is no name, 3 for a refusal in words not known.

use super::args::ExplainArgs;
use super::exit::Exit;
use super::explained::{self, Reading};
use super::output::{Results, color, say, width};
use crate::bounce::{self, Cause};
use crate::report::{TableOptions, explain_list, explain_refusal, explain_success};

/// Runs `explain`.
pub(super) fn run(args: &ExplainArgs) -> Exit {
    let options = TableOptions { width: width(), color: color(args.color), ..TableOptions::default() };
    let what = args.what.join(" ");
    let what = what.trim();
    if what.is_empty() && args.what.is_empty() {
        return print(&explain_list(&options), Exit::Agrees);
    }
    match explained::read(what, args.what.len() > 1, &options) {
        Reading::Explained(text) => return print(&text, Exit::Agrees),
        Reading::Unknown(names) => {
            say(&unknown(&names));
            return Exit::Usage;
        }
        Reading::Text => {}
    }
    if is_status(what) {
        say(&format!("`{what}` is only the enhanced status code; give the whole reply, as '550 5.7.25 …'"));
        return Exit::Usage;
    }
    if !is_refusal(what) {
        say(&unknown(&[what.to_owned()]));
        return Exit::Usage;
    }
    let read = bounce::read(what.as_bytes());
    if let Some(why) = &read.unreadable {
        say(&format!("the reply cannot be read: {why}"));
        return Exit::Usage;
    }
    if is_success(what, read.reply.as_ref().and_then(|r| r.code)) {
        return print(&explain_success(what, &options), Exit::Agrees);
    }
    let exit = if read.cause == Cause::Unknown { Exit::Unknown } else { Exit::Agrees };
    print(&explain_refusal(&read, &options), exit)
}

/// An enhanced status code alone (RFC 3463 §2), which says too little.
fn is_status(what: &str) -> bool {
    let parts: Vec<&str> = what.split('.').collect();
    parts.len() == 3 && parts.iter().all(|p| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit()))
}

/// A reply that begins with 2xx or 3xx, with no refusal found in it.
fn is_success(what: &str, refused: Option<u16>) -> bool {
    let begins = what.as_bytes();
    let code = begins.len() >= 3 && matches!(begins[0], b'2' | b'3') && begins[1..3].iter().all(u8::is_ascii_digit);
    code && begins.get(3).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'.')
        && refused.is_none_or(|code| code < 400)
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

/// What is said of names that there are not; the first of many.
fn unknown(names: &[String]) -> String {
    const SHOWN: usize = 3;
    if names.iter().all(|name| name.trim().is_empty()) {
        return "nothing is given to explain; `smtp-preflight explain` alone lists all that can be".to_owned();
    }
    let told = names.iter().take(SHOWN).map(|name| {
        let near = explained::nearest(name);
        let shown: String = name.chars().take(60).collect();
        match (near.is_empty(), names.len()) {
            (true, _) => format!("`{shown}`"),
            (false, 1) => format!("`{shown}`; did you mean {}?", either(&near)),
            (false, _) => format!("`{shown}` (did you mean {}?)", either(&near)),
        }
    });
    let more = names.len().saturating_sub(SHOWN);
    let more = (more > 0).then(|| format!("{more} more"));
    let told = told.chain(more).collect::<Vec<_>>().join(" and ");
    let gap = if told.ends_with('?') { "" } else { ";" };
    let word = if names.len() == 1 { "name" } else { "names" };
    match names {
        [rule] if rule.contains('/') => format!(
            "there is no rule {told}{gap} `smtp-preflight explain` lists all, and `smtp-preflight explain RECEIVER` those \
             of one receiver"
        ),
        _ => format!(
            "nothing goes by the {word} {told}{gap} `smtp-preflight explain` lists all, and a refusal is given in quotes, as \
             '550 5.7.25 …'"
        ),
    }
}

/// `a, b or c`.
fn either(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_name_has_its_own_offer() {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let told = unknown(&names(&["hetzer", "xyzzy", "potsfix", "q1", "q2"]));
        let begins =
            "nothing goes by the names `hetzer` (did you mean hetzner?) and `xyzzy` and `potsfix` (did you mean ";
        assert!(
            told.starts_with(begins) && told.contains("?) and 2 more; `smtp-preflight explain` lists all"),
            "{told}"
        );
        let told = unknown(&names(&["hetzer"]));
        assert!(told.starts_with("nothing goes by the name `hetzer`; did you mean hetzner? `smtp-preflight"), "{told}");
        assert_eq!(either(&names(&["a", "b", "c"])), "a, b or c");
    }

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
}
