//! What a refusal says of the sender's identity: the leg, the findings that it matches, and what to run next.
//!
//! Input: a refusal as [`crate::bounce`] has read it; the words are judged there and nowhere else.

use std::net::IpAddr;

use super::clean::clean_bounded;
use super::ink::Ink;
use super::refusal_codes::{Doubt, codes_of, doubt};
use super::table::{TableOptions, pad};
use super::wrap::hang_own;
use crate::bounce::{Basis, Bounce, Cause, Identity};
use crate::judge::Code;
use crate::name::EhloName;

/// Columns of the labels.
const LABEL: usize = 12;
/// How many of the findings are explained at once.
const MEANINGS: usize = 2;
/// How much of the reply is shown.
const MAX_TEXT: usize = 600;

/// The refusal explained.
pub fn explain_refusal(bounce: &Bounce, options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let codes = codes_of(bounce);
    let width = options.width;
    let mut lines = hang_own("", &headline(bounce), 0, width);
    for line in &mut lines {
        *line = ink.strong(line);
    }
    lines.push(String::new());
    let mut labelled = |label: &str, text: &str| {
        let text = clean_bounded(text, MAX_TEXT);
        lines.extend(hang_own(&format!("{label:LABEL$}"), &text, LABEL, width));
    };
    if let Some(reply) = bounce.reply.as_ref().filter(|r| !r.text.is_empty()) {
        labelled("It says", &reply.text);
    }
    if let Some(receiver) = &bounce.receiver {
        labelled("Receiver", receiver);
    }
    if let Some(software) = bounce.software.as_ref().filter(|s| bounce.receiver.as_ref() != Some(s)) {
        labelled("Words of", software);
    }
    let doubt = doubt(bounce);
    labelled("About", doubt.map_or_else(|| about(bounce), about_in_doubt));
    for (place, code) in codes.iter().enumerate() {
        let entry = code.entry();
        let label = if doubt.is_some() { "Perhaps" } else { "Findings" };
        labelled(if place == 0 { label } else { "" }, &format!("{}: {}", entry.slug, entry.title));
    }
    if let Some(ip) = bounce.sending_ip.ip {
        labelled("Address", &format!("{ip}, quoted as the sender's"));
    }
    if let Some(ehlo) = &bounce.ehlo {
        labelled("EHLO", ehlo);
    }
    if let Some(matched) = &bounce.matched {
        let basis = match matched.basis {
            Basis::Phrase => "the words",
            Basis::Code => "the code",
            Basis::Guess => "only a guess from",
        };
        labelled("Known by", &format!("{basis} `{}` ({}, {})", matched.what, matched.source, matched.date));
    }
    for code in codes.iter().take(MEANINGS) {
        let entry = code.entry();
        let lead = if codes.len() > 1 { format!("{}: ", entry.slug) } else { String::new() };
        lines.push(String::new());
        lines.extend(hang_own("", &format!("{lead}{}", entry.meaning), 0, width));
    }
    if let Some(lasting) = lasting(bounce, &codes) {
        lines.push(String::new());
        lines.extend(hang_own("", lasting, 0, width));
    }
    lines.extend([String::new(), ink.strong("Next")]);
    for (command, why) in next(bounce, &codes) {
        lines.extend(hang_own(&pad(2), why, 2, width));
        // A command is copied whole, so it is never folded.
        lines.extend(command.map(|c| format!("{}{}", pad(4), ink.record(&c))));
    }
    lines.join("\n") + "\n"
}

/// A reply that refuses nothing: 2xx and 3xx (RFC 5321 §4.2.1).
pub fn explain_success(reply: &str, options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let code = reply.get(..3).unwrap_or_default();
    let (what, means) = if code.starts_with('3') {
        ("go on, not a refusal", "The receiver waits for the rest of what it asked for: the message, or a login.")
    } else {
        (
            "success, not a refusal",
            "The receiver did what it was told. Behind a message that means that it took the message over; a refusal \
             after that comes as a bounce of its own, and a filter may still put the message into the spam folder. Say \
             `smtp-preflight explain` of the bounce, or of a line in the log with 4xx or 5xx.",
        )
    };
    let mut lines = vec![ink.strong(&format!("{code}: {what}")), String::new()];
    let said = clean_bounded(reply, MAX_TEXT);
    lines.extend(hang_own(&format!("{:LABEL$}", "It says"), &said, LABEL, options.width));
    lines.push(String::new());
    lines.extend(hang_own("", means, 0, options.width));
    lines.join("\n") + "\n"
}

fn headline(bounce: &Bounce) -> String {
    let reply = bounce.reply.as_ref();
    let code = reply.and_then(|r| r.code);
    let said: Vec<String> =
        code.map(|c| c.to_string()).into_iter().chain(reply.and_then(|r| r.enhanced.clone())).collect();
    let how = match code.map(|c| c / 100) {
        Some(5) => "refused",
        Some(4) => "put off",
        Some(2) => "accepted",
        _ => "not delivered",
    };
    let what = match bounce.cause {
        _ if doubt(bounce) == Some(Doubt::SharedCode) => "for SPF or for the PTR record: the code stands for both",
        Cause::SenderIdentity => "for who the sender says it is",
        Cause::Reputation => "for the record of the sending address or domain",
        Cause::Authentication => "for SPF, DKIM or DMARC",
        Cause::Content => "for what the message holds",
        Cause::Rate => "for too much mail in too short a time",
        Cause::Recipient => "for the recipient",
        Cause::Policy if bounce.untold() => "by a rule of the receiver that it does not tell",
        Cause::Policy => "by a rule of the receiver",
        Cause::Transport if bounce.untold() => "for a trouble or a rule that the receiver does not tell",
        Cause::Transport => "for trouble on the way",
        Cause::Unknown => "for a reason that these words do not tell us",
    };
    let sentence = if how == "accepted" { "accepted, not a refusal".into() } else { format!("{how} {what}") };
    if said.is_empty() { sentence } else { format!("{}: {sentence}", said.join(" ")) }
}

fn about(bounce: &Bounce) -> &'static str {
    let open = |leg| bounce.possible.contains(&leg);
    match (bounce.cause, bounce.identity) {
        (Cause::SenderIdentity, Some(Identity::PtrMissing)) if open(Identity::PtrUnconfirmed) => {
            "the address's PTR record: there is none, or its name does not lead back to the address"
        }
        (Cause::SenderIdentity, Some(Identity::PtrMissing)) => "the address's PTR record: there is none",
        (Cause::SenderIdentity, Some(Identity::PtrUnconfirmed)) => {
            "the address's PTR record: its name does not lead back to the address"
        }
        (Cause::SenderIdentity, Some(Identity::PtrGeneric)) => {
            "the address's PTR record: its name looks like a provider's default or a dynamic address"
        }
        (Cause::SenderIdentity, Some(Identity::EhloBad)) => "the EHLO name: its form, its address, or whose name it is",
        (Cause::SenderIdentity, _) => "PTR or EHLO name; the reply does not say which",
        _ if bounce.untold() => "not told; PTR and EHLO name are among what it may stand for",
        (Cause::Unknown, _) => "not known; PTR and EHLO name can be checked all the same",
        _ => "not the sender's PTR or EHLO name",
    }
}

/// Where the words leave two readings open.
fn about_in_doubt(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::CalledUnknown => {
            "a list of the receiver's own (an access table): it refuses this address or its name, for a reason that it \
             does not tell; `unknown` says that it found no PTR that leads back to the address, which may be the reason"
        }
        Doubt::SharedCode => {
            "one of two: SPF, which is what the standard gives this code to (RFC 7372), or the PTR record, missing or \
             not leading back, for which Gmail uses it; the reply's words would tell"
        }
    }
}

fn lasting(bounce: &Bounce, codes: &[Code]) -> Option<&'static str> {
    let code = bounce.reply.as_ref()?.code?;
    match code {
        400..=499 if codes.contains(&Code::PtrLookupFailed) => Some(
            "A 4xx reply is temporary: the sending server keeps the mail and tries again for some days. Some receivers \
             never say more than this about a missing PTR; and one whose own DNS lookup fails says the same.",
        ),
        400..=499 => {
            Some("A 4xx reply is temporary: the sending server keeps the mail and tries again, usually for some days.")
        }
        500..=599 => Some("A 5xx reply is permanent: this mail is not tried again. Send it anew after the change."),
        _ => None,
    }
}

/// Commands with why to run them.
fn next(bounce: &Bounce, codes: &[Code]) -> Vec<(Option<String>, &'static str)> {
    let mut next = Vec::new();
    match bounce.cause {
        _ if doubt(bounce).is_some()
            || bounce.untold()
            || matches!(bounce.cause, Cause::SenderIdentity | Cause::Unknown) =>
        {
            let why = if bounce.sending_ip.ip.is_some() {
                "See how the address stands now, and what to change (NAME: what your server says in EHLO):"
            } else {
                "The text names no address. See how yours stands (IP: the address that your server sends from; NAME: \
                 what it says in EHLO):"
            };
            next.push((Some(check_line(bounce.sending_ip.ip, bounce.ehlo.as_deref())), why));
            if bounce.sending_ip.ip.is_none() {
                next.push((Some("smtp-preflight check --self".into()), "Or, on the sending server itself:"));
            }
        }
        Cause::Reputation => {
            next.push((
                None,
                "Ask the receiver or the list named for removal. A PTR in order is often their condition.",
            ));
        }
        Cause::Authentication => next.push((None, "Look at the domain's SPF, DKIM and DMARC records.")),
        Cause::Recipient => next.push((None, "Check the recipient's address with the recipient.")),
        _ => {
            next.push((None, "Nothing in PTR or EHLO name changes it; follow the reply's own words."));
        }
    }
    if doubt(bounce) == Some(Doubt::SharedCode) {
        next.push((None, "Look at the SPF record of the sender's domain too."));
    }
    if let Some(first) = codes.first() {
        next.push((Some(format!("smtp-preflight explain {first}")), "Read what it means, and who acts on it:"));
    }
    next
}

/// A line to copy. What the text claims is put into it only where no shell can take it for more than a word.
fn check_line(ip: Option<IpAddr>, ehlo: Option<&str>) -> String {
    let ip = ip.map_or_else(|| "IP".to_owned(), |ip| ip.to_string());
    let plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    let ehlo = match ehlo.map(EhloName::read) {
        Some(EhloName::Host(host)) if plain(host.as_str()) => host.as_str().to_owned(),
        Some(EhloName::Literal(literal)) if literal.ip.is_ipv6() => format!("'[IPv6:{}]'", literal.ip),
        Some(EhloName::Literal(literal)) => format!("'[{}]'", literal.ip),
        Some(EhloName::BareAddress(bare)) => bare.to_string(),
        _ => "NAME".to_owned(),
    };
    let gap = if ehlo.starts_with('-') { '=' } else { ' ' };
    format!("smtp-preflight check --ip {ip} --ehlo{gap}{ehlo}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_line_is_more_than_a_word() {
        let ip = Some("192.0.2.7".parse().unwrap());
        for (ehlo, line) in [
            (Some("mail.example.net"), "--ip 192.0.2.7 --ehlo mail.example.net"),
            (Some("a;reboot"), "--ip 192.0.2.7 --ehlo NAME"),
            (Some("$(reboot).example.net"), "--ip 192.0.2.7 --ehlo NAME"),
            (Some("-e.example.net"), "--ip 192.0.2.7 --ehlo=-e.example.net"),
            (Some("it's"), "--ip 192.0.2.7 --ehlo NAME"),
            (Some("[192.0.2.7]"), "--ip 192.0.2.7 --ehlo '[192.0.2.7]'"),
            (Some("[IPv6:2001:db8::1]"), "--ip 192.0.2.7 --ehlo '[IPv6:2001:db8::1]'"),
            (None, "--ip 192.0.2.7 --ehlo NAME"),
        ] {
            assert_eq!(check_line(ip, ehlo), format!("smtp-preflight check {line}"), "{ehlo:?}");
        }
    }
}
