//! The answer to a bounce, to send unchanged to whoever runs the sending server, with the evidence quoted.
//!
//! Plain text, laid out by [`Letter`]. A letter names no option and no command of this program.

use super::advice::{Step, steps};
use super::words::{cause_sentence, now, quote, receiver, refused_by, sent_from, short, since_sentence, title};
use crate::bounce::{Bounce, Cause, IpSource};
use crate::desk::{Entry, Standing};
use crate::report::clean::clean_bounded;
use crate::report::letter::{Letter, Task, expectation};
use crate::report::ticket::moment;

/// One bounce, answered.
pub fn bounce_ticket(entry: &Entry) -> String {
    let bounce = &entry.bounce;
    if bounce.unreadable.is_some() || bounce.skipped.is_some() {
        return Letter::note(&format!("{}: {}", title(entry), cause_sentence(bounce)));
    }
    let mut letter = Letter::new(None);
    letter.paragraph(&what_happened(bounce));
    if let Some(words) = quote(bounce) {
        letter.quote(&words);
    }
    let why = bounce.identity.map(|leg| format!(" {}", expectation(leg))).unwrap_or_default();
    letter.paragraph(&format!("What is wrong: {}{why}", cause_sentence(bounce)));
    if let Some(sentence) = since_sentence(entry).filter(|_| entry.check.is_some()) {
        letter.paragraph(&sentence);
    }
    requests(entry, &mut letter);
    letter.facts("What this rests on:", &evidence(entry));
    letter.finish()
}

fn what_happened(bounce: &Bounce) -> String {
    if bounce.complaint || !bounce.bounce && bounce.reply.is_none() {
        return cause_sentence(bounce);
    }
    let to = bounce.recipient.as_deref().map(|r| format!(" to {}", short(r))).unwrap_or_default();
    let by = match (bounce.receiver.as_deref(), bounce.receiver_host.as_deref()) {
        (Some(name), Some(host)) if name != host => format!(" by {} ({})", short(name), short(host)),
        (Some(one), _) | (None, Some(one)) => format!(" by {}", short(one)),
        (None, None) => String::new(),
    };
    let stop = if quote(bounce).is_some() { ':' } else { '.' };
    format!("your message{to} was not delivered. It was refused{by}{stop}")
}

fn requests(entry: &Entry, letter: &mut Letter) {
    let steps: Vec<Step> = steps(entry).into_iter().filter(|s| !s.checks_again).collect();
    if steps.is_empty() {
        return;
    }
    let standing = entry.since.as_ref().map(|s| s.standing);
    let heading = match standing {
        Some(Standing::FixedSince) => "What to do now:",
        Some(Standing::CouldNotTell) if entry.check.is_some() => "What happens now:",
        _ if entry.bounce.cause == Cause::SenderIdentity => "What we need you to do:",
        _ => "What you can do:",
    };
    let tasks: Vec<Task<'_>> = steps
        .iter()
        .map(|s| Task {
            action: s.in_letter.as_deref().unwrap_or(&s.action),
            who: &s.who,
            publish: &s.publish,
            withdraw: &s.withdraw,
            how: &s.how,
            verbatim: &s.verbatim,
        })
        .collect();
    letter.tasks(heading, &tasks);
    if matches!(standing, Some(Standing::StillBroken | Standing::NotChecked | Standing::NotVisible)) {
        letter.when_done();
    }
}

fn evidence(entry: &Entry) -> Vec<(String, String)> {
    let bounce = &entry.bounce;
    let mut facts: Vec<(String, String)> = Vec::new();
    let mut fact = |key: &str, text: String| facts.push((key.to_owned(), text));
    let said = if bounce.complaint { "reported by" } else { "refused by" };
    if let Some(by) = refused_by(bounce) {
        fact(said, by);
    } else if bounce.bounce {
        fact(said, receiver(bounce));
    }
    fact("sent from", sent_from(entry));
    // The receiver's words stand in the letter already.
    if let Some(words) = bounce
        .sending_ip
        .evidence
        .as_ref()
        .filter(|_| bounce.sending_ip.source != Some(IpSource::Diagnostic) || quote(bounce).is_none())
    {
        fact("which stands in", clean_bounded(words, 300).into_owned());
    }
    fact("EHLO name", bounce.ehlo.as_deref().map_or_else(|| "not stated".into(), short));
    if let Some(check) = &entry.check {
        fact("looked up at", moment(&check.observed_at));
        for line in now(check) {
            fact("now", line);
        }
    }
    facts
}
