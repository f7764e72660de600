//! What the reports of a bounce say in common: the cause in a sentence, the legs, the sources, the facts.
//!
//! Every text here is cleaned and bounded.

use crate::bounce::{Basis, Bounce, Cause, Identity, IpSource, Kind, RdnsState, Side, Stage};
use crate::desk::{Entry, Standing};
use crate::judge::{Check, Edge};
use crate::report::cells::{MAX_NAME, MAX_TEXT};
use crate::report::clean::clean_bounded;
use crate::report::facts::facts as check_facts;
use crate::report::todo::span;

/// The longest quotation of a reply.
const MAX_QUOTE: usize = 600;
/// The longest quotation of a Received line.
const MAX_LINE: usize = 300;

pub(super) fn short(text: &str) -> String {
    clean_bounded(text, MAX_NAME).into_owned()
}

pub(super) fn long(text: &str) -> String {
    clean_bounded(text, MAX_TEXT).into_owned()
}

/// The file, or where else it came from.
pub(super) fn title(entry: &Entry) -> String {
    match entry.bounce.file.as_deref() {
        None | Some("-") => "standard input".into(),
        Some("--text") => "pasted text".into(),
        Some(file) => short(file),
    }
}

/// The verdict in capitals.
pub(super) fn verdict(entry: &Entry) -> &'static str {
    let bounce = &entry.bounce;
    if bounce.unreadable.is_some() {
        return "UNREADABLE";
    }
    if bounce.skipped.is_some() {
        return "SKIPPED";
    }
    match entry.since.as_ref().map(|s| s.standing) {
        Some(Standing::StillBroken) => "STILL BROKEN",
        Some(Standing::FixedSince) => "FIXED SINCE",
        Some(Standing::CouldNotTell) => "COULD NOT TELL",
        Some(Standing::NotVisible) => "NOT VISIBLE FROM HERE",
        Some(Standing::NotChecked) => "SENDER'S IDENTITY",
        None if bounce.complaint => "COMPLAINT",
        None if !bounce.bounce && bounce.kind != Kind::Text => "NO BOUNCE",
        None if bounce.cause == Cause::Unknown => "CAUSE UNKNOWN",
        None if bounce.untold() => "REASON NOT TOLD",
        None => "NOT THE SENDER'S IDENTITY",
    }
}

/// The standing in one word, for a row.
pub(super) fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::StillBroken => "broken",
        Standing::FixedSince => "fixed",
        Standing::CouldNotTell => "unknown",
        Standing::NotVisible => "unseen",
        Standing::NotChecked => "unchecked",
    }
}

/// The standing in words, for a sentence.
pub(super) fn standing_words(standing: Standing) -> &'static str {
    match standing {
        Standing::StillBroken => "still broken",
        Standing::FixedSince => "fixed since",
        Standing::CouldNotTell => "could not tell",
        Standing::NotVisible => "not visible from here",
        Standing::NotChecked => "not checked",
    }
}

/// The cause in a word or two, for a row and the summary.
pub(super) fn cause_word(cause: Cause, identity: Option<Identity>) -> &'static str {
    match (cause, identity) {
        (_, Some(Identity::PtrMissing)) => "no PTR",
        (_, Some(Identity::PtrUnconfirmed)) => "unconfirmed PTR",
        (_, Some(Identity::PtrGeneric)) => "generic PTR",
        (_, Some(Identity::EhloBad)) => "EHLO name",
        (Cause::SenderIdentity, _) => "identity",
        (Cause::Reputation, _) => "reputation",
        (Cause::Authentication, _) => "authentication",
        (Cause::Content, _) => "content",
        (Cause::Rate, _) => "rate",
        (Cause::Recipient, _) => "recipient",
        (Cause::Policy, _) => "policy",
        (Cause::Transport, _) => "transport",
        (Cause::Unknown, _) => "unknown",
    }
}

/// The leg that the receiver named, as a state.
pub(super) fn leg_words(identity: Identity) -> &'static str {
    match identity {
        Identity::PtrMissing => "no PTR record",
        Identity::PtrUnconfirmed => "PTR name does not lead back to the address",
        Identity::PtrGeneric => "PTR name looks generic",
        Identity::EhloBad => "EHLO name not accepted",
        Identity::Unspecified => "the sender's identity, which leg not said",
    }
}

/// Who refused, as the subject of a sentence.
pub(super) fn receiver(bounce: &Bounce) -> String {
    bounce.receiver.as_deref().map_or_else(|| "The receiver".into(), short)
}

fn sender(bounce: &Bounce) -> String {
    bounce.sending_ip.ip.map_or_else(|| "the sending address".into(), |ip| ip.to_string())
}

/// Whether the last reply was a temporary one.
pub(super) fn temporary(bounce: &Bounce) -> bool {
    let Some(reply) = &bounce.reply else { return false };
    let code = reply.code.map_or_else(|| reply.enhanced.as_deref().unwrap_or_default().to_owned(), |c| c.to_string());
    code.starts_with('4')
}

/// The cause in plain words; for what is no bounce, what it is.
pub(super) fn cause_sentence(bounce: &Bounce) -> String {
    if let Some(why) = &bounce.unreadable {
        return format!("This could not be read: {}.", long(why));
    }
    if let Some(why) = &bounce.skipped {
        return format!("This was passed over: {}.", long(why));
    }
    if !bounce.bounce && !bounce.complaint && bounce.cause == Cause::Unknown {
        return ordinary(bounce);
    }
    let who = receiver(bounce);
    if bounce.complaint {
        return format!(
            "{who} reports a complaint: a recipient marked the message as unwanted. It was delivered, and nobody \
             refused it."
        );
    }
    let did = if temporary(bounce) { "put the message off" } else { "refused the message" };
    if let Some(identity) = bounce.identity {
        return format!("{who} {did} {}.{}", because(bounce, identity), left_open(bounce));
    }
    if bounce.untold() {
        let how =
            if bounce.cause == Cause::Policy { "by a rule of its own" } else { "for a trouble or a rule of its own" };
        return format!("{who} {did} {how} that it does not tell; PTR and EHLO name are among what it may stand for.");
    }
    match bounce.cause {
        Cause::SenderIdentity => format!("{who} {did} because of the sending server's identity."),
        Cause::Reputation => {
            format!("{who} {did} for the reputation of the sending address or domain, not for PTR or EHLO.")
        }
        Cause::Authentication => format!("{who} {did} because SPF, DKIM or DMARC did not pass, not for PTR or EHLO."),
        Cause::Content => format!("{who} {did} for what it holds: spam, a virus, its size or its form."),
        Cause::Rate => format!("{who} {did} because too much came in too short a time."),
        Cause::Recipient => format!("{who} {did} because of the recipient: unknown, full, disabled or moved."),
        Cause::Policy => {
            format!("{who} {did} by a rule of its own, about relaying, senders or recipients, not about PTR or EHLO.")
        }
        Cause::Transport => {
            "The message did not get through: DNS, connection, time run out, or a server's own trouble.".into()
        }
        Cause::Unknown => "The bounce does not say, in words that are known, why the message was refused.".into(),
    }
}

fn because(bounce: &Bounce, identity: Identity) -> String {
    let ip = sender(bounce);
    match identity {
        Identity::PtrMissing => format!("because {ip} has no PTR record: no name in the reverse DNS"),
        Identity::PtrUnconfirmed => format!("because the PTR name of {ip} does not lead back to it"),
        Identity::PtrGeneric => format!("because the PTR name of {ip} looks like that of a home or unnamed address"),
        Identity::EhloBad => match &bounce.ehlo {
            Some(name) => format!("for the name that the sending server says in EHLO: {}", short(name)),
            None => "for the name that the sending server says in EHLO".into(),
        },
        Identity::Unspecified => {
            format!("for the identity of {ip} (PTR or EHLO name); it does not say which of them")
        }
    }
}

fn left_open(bounce: &Bounce) -> String {
    if bounce.possible.is_empty() {
        return String::new();
    }
    let legs: Vec<&str> = bounce.possible.iter().map(|l| leg_words(*l)).collect();
    format!(" Its words may also mean: {}.", legs.join(", or "))
}

fn ordinary(bounce: &Bounce) -> String {
    if bounce.kind == Kind::Text {
        return "No refusal that is known stands in this text.".into();
    }
    match (&bounce.hop, bounce.sending_ip.ip) {
        (Some(hop), Some(ip)) => {
            let by = hop.by.as_deref().map(|b| format!(", as {} stamped it", short(b))).unwrap_or_default();
            format!("This is a message, not a bounce. It left the sender's network from {ip}{by}.")
        }
        _ => "This is a message, not a bounce, and no line of it tells where it left the sender's network.".into(),
    }
}

/// The reply as it was, codes in front; not a code that only the report around it has.
pub(super) fn quote(bounce: &Bounce) -> Option<String> {
    let reply = bounce.reply.as_ref()?;
    let code = reply.code.map(|c| c.to_string());
    let enhanced = reply.enhanced.as_deref().filter(|_| !reply.enhanced_of_report);
    let parts = [code.as_deref(), enhanced, Some(reply.text.as_str())];
    let text = parts.into_iter().flatten().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| clean_bounded(&text, MAX_QUOTE).into_owned())
}

/// Receiver and host, and the command to which it replied.
pub(super) fn refused_by(bounce: &Bounce) -> Option<String> {
    let name = bounce.receiver.as_deref().map(short);
    let host = bounce.receiver_host.as_deref().map(short).filter(|h| name.as_ref() != Some(h));
    let who = match (name, host) {
        (Some(name), Some(host)) => format!("{name} ({host})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return bounce.stage.map(|s| stage_words(s).to_owned()),
    };
    Some(bounce.stage.map_or_else(|| who.clone(), |s| format!("{who} · {}", stage_words(s))))
}

fn stage_words(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "instead of a greeting",
        Stage::Ehlo => "in reply to EHLO",
        Stage::Mail => "in reply to MAIL FROM",
        Stage::Rcpt => "in reply to RCPT TO",
        Stage::Data => "in reply to the message",
    }
}

/// The address and how we know it; what may be it where none is stated.
pub(super) fn sent_from(entry: &Entry) -> String {
    let bounce = &entry.bounce;
    let sending = &bounce.sending_ip;
    if let Some(ip) = sending.ip {
        return match sending.source {
            Some(IpSource::Diagnostic) => format!("{ip} · the receiver quotes it"),
            Some(IpSource::Received) => format!("{ip} · the receiver stamped it into a Received line"),
            Some(IpSource::ReportingMta) => format!("{ip} · the reporting server gives it as its own"),
            None => ip.to_string(),
        };
    }
    let mut parts = vec!["not stated".to_owned()];
    parts.extend(sending.likely.map(|ip| format!("perhaps {ip}, which is a guess")));
    if let Some(name) = &bounce.name {
        let ips: Vec<String> = entry.guessed_ips.iter().map(ToString::to_string).collect();
        let now = if ips.is_empty() { String::new() } else { format!(", now {}, a guess", ips.join(" and ")) };
        parts.push(format!("the sending server calls itself {}{now}", short(name)));
    }
    parts.join(" · ")
}

/// What the stamping server saw in the reverse DNS.
fn seen_name(bounce: &Bounce) -> Option<String> {
    let hop = bounce.hop.as_ref()?;
    let by = hop.by.as_deref().map_or_else(|| "the receiver".into(), short);
    let name = hop.rdns.as_deref().map(short).unwrap_or_default();
    match hop.rdns_state {
        RdnsState::NotStated => None,
        RdnsState::Confirmed => Some(format!("{name} · leads back, says {by}")),
        RdnsState::Named => Some(format!("{name} · in the line of {by}")),
        RdnsState::Unconfirmed => Some(format!("{name} · does not lead back, says {by}")),
        RdnsState::Unknown => Some(format!("none, or one that does not lead back, says {by}")),
    }
}

/// Key and text, in order of weight for the reader.
pub(super) fn facts(entry: &Entry) -> Vec<(&'static str, String)> {
    let bounce = &entry.bounce;
    let mut facts = Vec::new();
    if bounce.unreadable.is_some() || bounce.skipped.is_some() {
        return facts;
    }
    let said = if bounce.complaint { "Reporter" } else { "Refused by" };
    facts.extend(refused_by(bounce).map(|t| (said, t)));
    facts.extend(quote(bounce).map(|t| ("Said", t)));
    facts.extend(bounce.recipient.as_deref().map(|r| ("Recipient", short(r))));
    if bounce.bounce || bounce.kind != Kind::Text || bounce.sending_ip.ip.is_some() || bounce.identity.is_some() {
        facts.push(("Sent from", sent_from(entry)));
        facts.push(("EHLO", bounce.ehlo.as_deref().map_or_else(|| "not stated".into(), short)));
    }
    facts.extend(seen_name(bounce).map(|t| ("PTR name", t)));
    facts.extend(bounce.hop.as_ref().map(|h| ("Line", clean_bounded(&h.raw, MAX_LINE).into_owned())));
    if let Some(host) = bounce.writer.host.as_deref().filter(|_| bounce.bounce) {
        let side = match bounce.writer.side {
            Side::Sender => "the sending server, as it calls itself",
            Side::Receiver => "on the receiver's side",
            Side::Unknown => "on which side is not told",
        };
        facts.push(("Written by", format!("{} · {side}", short(host))));
    }
    if let Some(matched) = &bounce.matched {
        let what = short(&matched.what);
        let text = match matched.basis {
            Basis::Phrase => format!("the words \"{what}\" ({}, {})", short(&matched.source), short(&matched.date)),
            Basis::Code => format!("the code {what} ({})", short(&matched.source)),
            Basis::Guess => format!("{what} alone, which is a guess"),
        };
        facts.push(("Rests on", text));
    }
    if bounce.truncated {
        facts.push(("Note", "only the first part of it was read, since it is large or deeply nested".into()));
    }
    facts
}

/// What is seen now, a line each: sign, words.
pub(super) fn now(check: &Check) -> Vec<String> {
    let agreement = &check.agreement;
    let line = |edge: &Edge| {
        let sign = crate::report::cells::state_sign(edge.state);
        format!("{sign} {}", long(&edge.because))
    };
    let mut lines = vec![line(&agreement.ptr_forward)];
    if check.client.ehlo.is_some() {
        for edge in [&agreement.ehlo_ptr, &agreement.ehlo_forward] {
            let line = line(edge);
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    let iprev = check_facts(check).into_iter().find(|(key, _)| *key == "iprev").map(|(_, text)| text);
    // The TTL follows in words.
    lines.extend(iprev.map(|text| format!("iprev {}", text.split(" · TTL").next().unwrap_or_default())));
    if let Some(ttl) = check.dns.ptr.as_ref().and_then(|p| p.ttl) {
        lines.push(format!("resolvers may go on giving this answer for {}", span(ttl)));
    }
    lines
}

/// Then against now, in a sentence.
pub(super) fn since_sentence(entry: &Entry) -> Option<String> {
    let since = entry.since.as_ref()?;
    let because = long(since.because.trim_end_matches('.'));
    Some(match since.standing {
        Standing::StillBroken => format!("Still broken: {because}."),
        Standing::FixedSince => format!("Fixed since, or not seen by the receiver at the time: {because}."),
        Standing::CouldNotTell => format!("Could not tell whether it still is so: {because}."),
        Standing::NotVisible => format!("The receiver's complaint cannot be seen from here: {because}."),
        Standing::NotChecked => format!("Whether it still is so was not looked up: {because}."),
    })
}
