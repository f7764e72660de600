//! The answer to paste: to whoever runs the sending server, in plain words, with the evidence quoted.

use super::advice::{Step, steps};
use super::words::{cause_sentence, now, quote, receiver, refused_by, sent_from, short, since_sentence, title};
use crate::bounce::{Bounce, Cause, Identity};
use crate::desk::{Entry, Standing};
use crate::report::clean::clean_bounded;
use crate::report::wrap::{hang, wrap};

/// Mail is read at this width.
const WIDTH: usize = 76;

/// One bounce, answered.
pub fn bounce_ticket(entry: &Entry) -> String {
    let bounce = &entry.bounce;
    if bounce.unreadable.is_some() {
        let text = format!("{} {}", title(entry), cause_sentence(bounce));
        return wrap(&text, WIDTH).join("\n") + "\n";
    }
    let mut lines = vec!["Hello,".to_owned(), String::new()];
    lines.extend(wrap(&what_happened(bounce), WIDTH));
    lines.extend(quote(bounce).map(|q| quoted(&q)).unwrap_or_default());
    paragraph(&mut lines, &meaning(entry));
    if let Some(sentence) = since_sentence(entry).filter(|_| entry.check.is_some()) {
        paragraph(&mut lines, &sentence);
    }
    requests(entry, &mut lines);
    evidence(entry, &mut lines);
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn paragraph(lines: &mut Vec<String>, text: &str) {
    lines.push(String::new());
    lines.extend(wrap(text, WIDTH));
}

fn quoted(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(wrap(text, WIDTH - 6).into_iter().map(|l| format!("    > {l}")));
    lines
}

fn what_happened(bounce: &Bounce) -> String {
    if !bounce.bounce && bounce.reply.is_none() {
        return cause_sentence(bounce);
    }
    let to = bounce.recipient.as_deref().map(|r| format!(" to {}", short(r))).unwrap_or_default();
    let by = match (bounce.receiver.as_deref(), bounce.receiver_host.as_deref()) {
        (Some(name), Some(host)) if name != host => format!(" by {} ({})", short(name), short(host)),
        (Some(one), _) | (None, Some(one)) => format!(" by {}", short(one)),
        (None, None) => String::new(),
    };
    format!("your message{to} was not delivered. It was refused{by}:")
}

/// What the refusal means, for a reader who does not know the terms.
fn meaning(entry: &Entry) -> String {
    let bounce = &entry.bounce;
    let why = match bounce.identity {
        Some(Identity::PtrMissing) => {
            " Receiving servers look up the name of every address that connects to them (its PTR record). An \
             address without one is taken for a home connection or a forgotten server."
        }
        Some(Identity::PtrUnconfirmed) => {
            " Receiving servers look up the name of the connecting address (its PTR record) and then that name's \
             address. The two must be the same; a name alone could be anybody's."
        }
        Some(Identity::PtrGeneric) => {
            " A name made of the address's numbers is what providers give to home connections; mail servers are \
             expected to have a name of their own."
        }
        Some(Identity::EhloBad) => {
            " A sending server introduces itself by name (EHLO). Receivers expect a full host name that resolves \
             to the sending address."
        }
        Some(Identity::Unspecified) => {
            " Receivers expect that the name of the sending address (PTR), that name's address and the name that \
             the server says (EHLO) agree."
        }
        None => "",
    };
    format!("What is wrong: {}{why}", cause_sentence(bounce))
}

fn requests(entry: &Entry, lines: &mut Vec<String>) {
    let steps: Vec<Step> = steps(entry).into_iter().filter(|s| !s.checks_again).collect();
    if steps.is_empty() {
        return;
    }
    let heading = match entry.since.as_ref().map(|s| s.standing) {
        Some(Standing::FixedSince) => "What to do now:",
        _ if entry.bounce.cause == Cause::SenderIdentity => "What we need you to do:",
        _ => "What you can do:",
    };
    lines.extend([String::new(), heading.into()]);
    for (place, step) in steps.iter().enumerate() {
        let lead = format!("{}. ", place + 1);
        lines.extend(hang(&lead, &step.action, lead.len(), WIDTH));
        if !step.who.is_empty() {
            lines.extend(hang("   Who can: ", &step.who, 12, WIDTH));
        }
        lines.extend(step.lines.iter().map(|l| format!("      {l}")));
    }
    let repaired = matches!(
        entry.since.as_ref().map(|s| s.standing),
        Some(Standing::StillBroken | Standing::NotChecked | Standing::NotVisible)
    );
    if repaired {
        paragraph(lines, "When it is done, tell us and we look again; then the message can be sent anew.");
    }
}

fn evidence(entry: &Entry, lines: &mut Vec<String>) {
    let bounce = &entry.bounce;
    lines.extend([String::new(), "Evidence".into()]);
    let mut item = |key: &str, text: &str| lines.extend(hang("- ", &format!("{key}: {text}"), 2, WIDTH));
    if let Some(by) = refused_by(bounce) {
        item("refused by", &by);
    } else if bounce.bounce {
        item("refused by", &receiver(bounce));
    }
    item("sent from", &sent_from(entry));
    if let Some(words) = &bounce.sending_ip.evidence {
        item("which stands in", &clean_bounded(words, 300));
    }
    item("EHLO name", &bounce.ehlo.as_deref().map_or_else(|| "not stated".into(), short));
    if let Some(check) = &entry.check {
        let second = check.observed_at.split('.').next().unwrap_or_default().trim_end_matches('Z');
        item("looked up at", &format!("{} UTC", short(second).replacen('T', " ", 1)));
        for line in now(check) {
            item("now", &line);
        }
    }
}
