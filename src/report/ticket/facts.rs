//! The answers that a ticket rests on.

use super::text;
use crate::judge::Check;
use crate::report::clean::clean_bounded;

/// A key and its text each.
pub(super) fn seen(check: &Check) -> Vec<(String, String)> {
    let mut facts: Vec<(String, String)> = Vec::new();
    if let Some(ptr) = &check.dns.ptr {
        let names = if ptr.names.is_empty() { ptr.status.to_string() } else { ptr.names.join(", ") };
        if let [first, .., last] = ptr.chain.as_slice() {
            facts.push((format!("CNAME {}", text(first)), text(last)));
        }
        facts.push((format!("PTR {}", text(ptr.owner())), text(&names)));
        if let Some(zone) = &ptr.zone {
            let contact = if zone.registry { String::new() } else { format!(" (contact {})", text(&zone.contact)) };
            facts.push(("answered by".into(), format!("zone {}{contact}", text(&zone.apex))));
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
pub(in crate::report) fn moment(observed_at: &str) -> String {
    let second = observed_at.split('.').next().unwrap_or_default().trim_end_matches('Z');
    format!("{} UTC", clean_bounded(second, 400).replacen('T', " ", 1))
}
