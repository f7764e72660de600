//! A ticket to send unchanged: to the hosting provider, or to the customer whose mail is refused.
//!
//! Plain text, ready to paste; every string of the check is cleaned.

use std::fmt::Write;

use super::clean::clean_bounded;
use super::todo::span;
use crate::judge::{Check, EdgeState, RemedyStep, Side, Verdict};

/// To whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Ticket {
    /// The hosting provider, who holds the reverse zone.
    Provider,
    /// The customer whose mail is refused.
    Customer,
}

/// The text of a ticket about one check.
pub fn ticket(check: &Check, to: Ticket) -> String {
    match to {
        Ticket::Provider => provider(check),
        Ticket::Customer => customer(check),
    }
}

fn text(t: &str) -> String {
    clean_bounded(t, 400).into_owned()
}

fn step(check: &Check, side: Side) -> Option<&RemedyStep> {
    check.remedy.as_ref()?.steps.iter().find(|s| s.side == side)
}

/// The name that the PTR should hold, or words that stand for it.
fn wanted(check: &Check) -> String {
    check
        .remedy
        .as_ref()
        .and_then(|r| r.name.clone())
        .map_or_else(|| "(the full name of our mail server)".into(), |n| text(&n))
}

/// Asks for the PTR: which address, which name, whether the forward record stands, and what was seen.
fn provider(check: &Check) -> String {
    let Some(ip) = check.client.ip else {
        return "There is no client address in this check, so there is nothing to ask of a provider.\n".into();
    };
    let Some(reverse) = step(check, Side::Reverse) else {
        let why = match check.agreement.ptr_forward.state {
            EdgeState::Unknown => "its reverse DNS could not be looked up; check again first",
            _ => "its PTR needs no change",
        };
        return format!("There is nothing to ask of the provider of {ip}: {why}.\n");
    };
    let name = wanted(check);
    let kind = if ip.is_ipv6() { "AAAA" } else { "A" };
    let mut out = format!("Subject: Reverse DNS (PTR) for {ip}: please set to {name}\n\nHello,\n\n");
    let _ = write!(
        out,
        "our mail server sends from {ip}. Receiving mail servers look that address up in the DNS and refuse our\n\
         mail, because {}.\n\n",
        reason(check)
    );
    let _ = write!(out, "Please set the reverse DNS (PTR) of {ip} to {name}:\n\n");
    for record in &reverse.publish {
        let _ = writeln!(out, "    {}", text(record));
    }
    if !reverse.withdraw.is_empty() {
        out += "\nand remove what stands there now:\n\n";
        for record in &reverse.withdraw {
            let _ = writeln!(out, "    {}", text(record));
        }
    }
    match step(check, Side::Forward) {
        None if check.remedy.as_ref().is_some_and(|r| r.name.is_some()) => {
            let _ = write!(out, "\nThe forward record is in place: {name} has {kind} {ip}.\n");
        }
        None => {}
        Some(forward) => {
            out += "\nThe forward record is not in place yet; we publish it before the PTR is set:\n\n";
            for record in &forward.publish {
                let _ = writeln!(out, "    {}", text(record));
            }
        }
    }
    out +=
        "\nIf the reverse zone of this address is delegated to us, please tell us the zone, and we make the change.\n";
    out += "\nWhat we see today:\n\n";
    out += &evidence(check);
    out += "\nThank you.\n";
    out
}

/// Why mail is refused, as the middle of a sentence.
fn reason(check: &Check) -> String {
    let agreement = &check.agreement;
    let edge = match agreement.ptr_forward.state {
        EdgeState::Agree => &agreement.ehlo_ptr,
        _ => &agreement.ptr_forward,
    };
    text(&edge.because)
}

/// The answers that the ticket rests on.
fn evidence(check: &Check) -> String {
    let mut out = String::new();
    if let Some(ptr) = &check.dns.ptr {
        let names = if ptr.names.is_empty() { ptr.status.to_string() } else { ptr.names.join(", ") };
        let _ = writeln!(out, "    PTR {}: {}", text(&ptr.question), text(&names));
        if let Some(zone) = &ptr.zone {
            let _ = writeln!(out, "    answered by zone {} (contact {})", text(&zone.apex), text(&zone.contact));
        }
    }
    for forward in check.dns.forward.iter().chain(&check.dns.ehlo_forward) {
        let all: Vec<String> = forward.addresses.iter().map(ToString::to_string).collect();
        let all = if all.is_empty() { forward.status.to_string() } else { all.join(", ") };
        let line = format!(
            "    {} {}: {}\n",
            if check.client.ip.is_some_and(|i| i.is_ipv6()) { "AAAA" } else { "A" },
            text(&forward.name),
            text(&all)
        );
        if !out.contains(&line) {
            out += &line;
        }
    }
    if let Some(ehlo) = &check.client.ehlo {
        let _ = writeln!(out, "    EHLO: {}", text(ehlo));
    }
    let resolver = check.dns.ptr.as_ref().map(|p| p.resolver.clone()).filter(|r| !r.is_empty());
    let asked = resolver.map(|r| format!(", resolver {}", text(&r))).unwrap_or_default();
    let _ = writeln!(out, "    looked up {}{asked}", text(&check.observed_at));
    out
}

/// Tells a customer in plain words what is wrong and what is needed of them.
fn customer(check: &Check) -> String {
    let Some(ip) = check.client.ip else {
        return "The address that your mail comes from is not known, so nothing can be said about it yet.\n".into();
    };
    let mut out = format!("Hello,\n\nwe looked at the server that sends your mail ({ip}).\n\n");
    let steps: Vec<&RemedyStep> =
        check.remedy.iter().flat_map(|r| &r.steps).filter(|s| s.side != Side::Recheck).collect();
    match check.agreement.verdict {
        Verdict::Agree => {
            out += "Its name, its address and its reverse DNS agree today, so they are not the reason for a refusal now.\n\
                    If your mail is still refused, please send us the newest bounce message.\n";
            return out;
        }
        Verdict::Unknown if steps.is_empty() => {
            let _ = write!(
                out,
                "We could not tell yet whether its name and address agree: {}.\nThis is often temporary. We will look \
                 again; you need to do nothing for now.\n",
                reason(check)
            );
            return out;
        }
        Verdict::Unknown => {
            let _ = write!(
                out,
                "Some of it could not be looked up yet: {}. One thing is wrong already.\n\n",
                reason(check)
            );
        }
        Verdict::Differ => {
            let _ = write!(out, "What is wrong: {}.\n\n", reason(check));
        }
    }
    out += "Other mail servers compare the name that a server gives itself with the name and the address that the DNS\n\
            knows. Where they do not agree, they take the mail for forged and refuse it or put it into the spam folder.\n\
            The text of your mail is not the reason.\n\nWhat we need you to do:\n\n";
    for (place, step) in steps.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", place + 1, text(&step.action));
        let _ = writeln!(out, "   Who can do it: {}.", text(&step.who));
        for record in &step.publish {
            let _ = writeln!(out, "       {}", text(record));
        }
        for record in &step.withdraw {
            let _ = writeln!(out, "       (in place of: {})", text(record));
        }
        for how in &step.how {
            let _ = writeln!(out, "   - {}", text(how));
        }
    }
    if let Some(seconds) = steps.iter().filter_map(|s| s.cached_for).max().filter(|s| *s > 0) {
        let _ = write!(out, "\nAfter the change it can take up to {} until every server sees it.\n", span(seconds));
    }
    out += "\nPlease tell us when it is done; we then look again.\n";
    out
}
