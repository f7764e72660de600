//! A ticket about a check, to send unchanged: to the hosting provider, or to the customer whose mail is refused.
//!
//! Plain text, laid out by [`Letter`]; every string of the check is cleaned.

use std::net::IpAddr;

use super::clean::clean_bounded;
use super::letter::{Letter, Task, expectation};
use super::todo::span;
use crate::bounce::Identity;
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

fn texts(all: &[String]) -> Vec<String> {
    all.iter().map(|t| text(t)).collect()
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
        return Letter::note("There is no client address in this check, so there is nothing to ask of a provider.");
    };
    let Some(reverse) = step(check, Side::Reverse) else {
        let why = match check.agreement.ptr_forward.state {
            EdgeState::Unknown => "its reverse DNS could not be looked up; check again first",
            _ => "its PTR needs no change",
        };
        return Letter::note(&format!("There is nothing to ask of the provider of {ip}: {why}."));
    };
    let name = wanted(check);
    if reverse.publish.is_empty() && check.remedy.as_ref().is_some_and(|r| r.name.is_some()) {
        return tidy(check, ip, &name, reverse);
    }
    let kind = if ip.is_ipv6() { "AAAA" } else { "A" };
    let mut letter = Letter::new(Some(&format!("Reverse DNS (PTR) for {ip}: please set to {name}")));
    letter.paragraph(&format!(
        "our mail server sends from {ip}. Receiving mail servers look that address up in the DNS and refuse our mail, \
         because {}.",
        reason(check)
    ));
    letter.paragraph(&format!("Please set the reverse DNS (PTR) of {ip} to {name}:"));
    letter.records(&texts(&reverse.publish));
    if !reverse.withdraw.is_empty() {
        letter.paragraph("and remove what stands there now:");
        letter.records(&texts(&reverse.withdraw));
    }
    match step(check, Side::Forward) {
        None if leads_to(check, &name, ip) => {
            letter.paragraph(&format!("The forward record is in place: {name} has {kind} {ip}."));
        }
        None if check.remedy.as_ref().is_some_and(|r| r.name.is_some()) => {
            letter.paragraph(&format!(
                "Whether the forward record is in place could not be looked up ({kind} of {name}); we make sure of it \
                 before the PTR is set."
            ));
        }
        None => {}
        Some(forward) => {
            letter.paragraph("The forward record is not in place yet; we publish it before the PTR is set:");
            letter.records(&texts(&forward.publish));
        }
    }
    letter.paragraph(
        "If the reverse zone of this address is delegated to us, please tell us the zone, and we make the change.",
    );
    letter.facts("What we see today:", &evidence(check));
    letter.when_done();
    letter.paragraph("Thank you.");
    letter.finish()
}

/// Asks for nothing but that names which do not lead back be taken away.
fn tidy(check: &Check, ip: IpAddr, name: &str, reverse: &RemedyStep) -> String {
    let mut letter = Letter::new(Some(&format!("Reverse DNS (PTR) for {ip}: please keep {name} only")));
    letter.paragraph(&format!(
        "our mail server sends from {ip}. Its reverse DNS has several names, and not all of them lead back to the \
         address. Receiving mail servers that look at one name only may meet a wrong one."
    ));
    letter.paragraph(&format!("Please keep the PTR to {name}, and remove:"));
    letter.records(&texts(&reverse.withdraw));
    letter.facts("What we see today:", &evidence(check));
    letter.when_done();
    letter.paragraph("Thank you.");
    letter.finish()
}

/// Whether a name was seen to lead to the address.
fn leads_to(check: &Check, name: &str, ip: IpAddr) -> bool {
    let mut seen = check.dns.forward.iter().chain(&check.dns.ehlo_forward);
    seen.any(|f| f.name.trim_end_matches('.').eq_ignore_ascii_case(name) && f.addresses.contains(&ip))
}

/// Why mail is refused, as the middle of a sentence: what is wrong before what could not be looked up.
fn reason(check: &Check) -> String {
    let agreement = &check.agreement;
    let edges = [&agreement.ptr_forward, &agreement.ehlo_forward, &agreement.ehlo_ptr];
    let wrong = edges.iter().find(|e| matches!(e.state, EdgeState::Differ | EdgeState::Absent));
    let edge = wrong.or_else(|| edges.iter().find(|e| e.state == EdgeState::Unknown)).unwrap_or(&edges[0]);
    text(edge.because.trim_end_matches('.'))
}

/// The leg that the reason speaks of.
fn leg(check: &Check) -> Identity {
    let named = check.dns.ptr.as_ref().is_some_and(|p| !p.names.is_empty());
    match (check.agreement.ptr_forward.state, named) {
        (EdgeState::Agree, _) => Identity::EhloBad,
        (EdgeState::Unknown, _) => Identity::Unspecified,
        (_, false) => Identity::PtrMissing,
        (_, true) => Identity::PtrUnconfirmed,
    }
}

/// The answers that the ticket rests on.
fn evidence(check: &Check) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    if let Some(ptr) = &check.dns.ptr {
        let names = if ptr.names.is_empty() { ptr.status.to_string() } else { ptr.names.join(", ") };
        facts.push((format!("PTR {}", text(&ptr.question)), text(&names)));
        if let Some(zone) = &ptr.zone {
            facts.push(("answered by".into(), format!("zone {} (contact {})", text(&zone.apex), text(&zone.contact))));
        }
    }
    let kind = if check.client.ip.is_some_and(|i| i.is_ipv6()) { "AAAA" } else { "A" };
    for forward in check.dns.forward.iter().chain(&check.dns.ehlo_forward) {
        let all: Vec<String> = forward.addresses.iter().map(ToString::to_string).collect();
        let all = if all.is_empty() { forward.status.to_string() } else { all.join(", ") };
        let fact = (format!("{kind} {}", text(&forward.name)), text(&all));
        if !facts.contains(&fact) {
            facts.push(fact);
        }
    }
    facts.extend(check.client.ehlo.as_ref().map(|ehlo| ("EHLO".into(), text(ehlo))));
    let resolver = check.dns.ptr.as_ref().map(|p| p.resolver.clone()).filter(|r| !r.is_empty());
    let asked = resolver.map(|r| format!(", resolver {}", text(&r))).unwrap_or_default();
    facts.push(("looked up".into(), format!("{}{asked}", moment(&check.observed_at))));
    facts
}

/// `2026-11-27 23:45:44 UTC` of an RFC 3339 moment.
pub(super) fn moment(observed_at: &str) -> String {
    let second = observed_at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!("{} UTC", text(second).replacen('T', " ", 1))
}

/// Tells a customer in plain words what is wrong and what is needed of them.
fn customer(check: &Check) -> String {
    let Some(ip) = check.client.ip else {
        return Letter::note(
            "The address that your mail comes from is not known, so nothing can be said about it yet.",
        );
    };
    let mut letter = Letter::new(None);
    letter.paragraph(&format!("we looked at the server that sends your mail ({ip})."));
    let steps: Vec<&RemedyStep> =
        check.remedy.iter().flat_map(|r| &r.steps).filter(|s| s.side != Side::Recheck).collect();
    match check.agreement.verdict {
        Verdict::Agree => {
            letter.paragraph(
                "Its name, its address and its reverse DNS agree today, so they are not the reason for a refusal now. \
                 If your mail is still refused, please send us the newest bounce message.",
            );
            return letter.finish();
        }
        Verdict::Unknown if steps.is_empty() => {
            letter.paragraph(&format!(
                "We could not tell yet whether its name and address agree: {}. This is often temporary. We will look \
                 again; you need to do nothing for now.",
                reason(check)
            ));
            return letter.finish();
        }
        Verdict::Unknown => letter.paragraph(&format!(
            "Some of it could not be looked up yet: {}. One thing is wrong already.",
            reason(check)
        )),
        Verdict::Differ => {
            letter.paragraph(&format!("What is wrong: {}. {}", reason(check), expectation(leg(check))));
        }
    }
    letter.paragraph(
        "Where name, address and PTR do not agree, other mail servers take the mail for forged and refuse it or put it into the spam \
         folder. The text of your mail is not the reason.",
    );
    let cleaned: Vec<[Vec<String>; 4]> =
        steps.iter().map(|s| [texts(&s.publish), texts(&s.withdraw), texts(&s.how), texts(&s.verbatim)]).collect();
    let words: Vec<(String, String)> = steps.iter().map(|s| (text(&s.action), text(&s.who))).collect();
    let tasks: Vec<Task<'_>> = cleaned
        .iter()
        .zip(&words)
        .map(|([publish, withdraw, how, verbatim], (action, who))| Task {
            action,
            who,
            publish,
            withdraw,
            how,
            verbatim,
        })
        .collect();
    letter.tasks("What we need you to do:", &tasks);
    if let Some(seconds) = steps.iter().filter_map(|s| s.cached_for).max().filter(|s| *s > 0) {
        letter.paragraph(&format!("After the change it can take up to {} until every server sees it.", span(seconds)));
    }
    letter.when_done();
    letter.finish()
}
