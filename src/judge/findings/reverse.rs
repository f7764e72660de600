//! Rules on the PTR, what its names lead to, and the address itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Code, Finding, finding, planned};
use crate::dns::{Lookup, MAX_PTR_NAMES, Status};
use crate::judge::agreement::{list, of_the_first};
use crate::judge::check::{Agreement, EdgeState};
use crate::judge::dns_report::zone;
use crate::judge::remedy::{Remedy, Side, missing_subzone, reverse_holder, undelegated, without_origin};
use crate::judge::view::{Forward, View};
use crate::knowledge::names::{Weight, generic};
use crate::name::HostName;

/// Characters that OpenSMTPD keeps of a client's name: `HOST_NAME_MAX` of Linux.
const MAX_KEPT: usize = 64;

pub(super) fn reverse(view: &View<'_>, agreement: &Agreement, plan: Option<&Remedy>, found: &mut Vec<Finding>) {
    let (Some(ip), Some(ptr)) = (view.ip, &view.ptr) else { return };
    if ptr.status != Status::Found
        && let Some(kind) = special(ip)
    {
        found.push(finding(Code::AddressNotPublic, format!("{ip} is {kind}.")));
    }
    if ptr.status == Status::Found {
        names(view, plan, found);
        confirmation(view, agreement, ip, plan, found);
    } else if ptr.status.is_none() {
        found.push(missing(view, ptr, plan));
    } else {
        let detail = format!("PTR of {ip} at {}: {}.", ptr.resolver, words(ptr));
        found.push(finding(Code::PtrLookupFailed, detail));
    }
    if !ptr.chain.is_empty() && ptr.status == Status::Found {
        let zone = zone(view, ptr);
        let held = zone.as_ref().map(|z| format!(" The PTR is held in {}.", z.apex)).unwrap_or_default();
        let who = reverse_holder(view, zone.as_ref(), None);
        found.push(finding(Code::PtrDelegated, format!("{}.{held}", chain(ptr))).who(who));
    }
    disagreements(view, found);
}

fn missing(view: &View<'_>, ptr: &Lookup, plan: Option<&Remedy>) -> Finding {
    let how = if ptr.status == Status::Nxdomain { "the name does not exist" } else { "the name exists without a PTR" };
    let zone = zone(view, ptr);
    let via = if ptr.chain.is_empty() { String::new() } else { format!(" ({})", chain(ptr)) };
    let answered = zone.as_ref().map(|z| format!(", says zone {}", z.apex)).unwrap_or_default();
    let mut detail = format!("{}{via} is {}: {how}{answered}.", ptr.question.name, ptr.status);
    if undelegated(view, zone.as_ref()) {
        detail += " The address block has no reverse zone.";
    } else if let Some(subzone) = missing_subzone(ptr, zone.as_ref()) {
        detail = format!("{detail} The alias leads into {subzone}, which is no zone.");
    }
    let mut finding = finding(Code::PtrMissing, detail).records(planned(plan, Side::Reverse));
    if zone.is_some() {
        finding = finding.who(reverse_holder(view, zone.as_ref(), None));
    }
    finding
}

fn names(view: &View<'_>, plan: Option<&Remedy>, found: &mut Vec<Finding>) {
    let bad: Vec<String> =
        view.ptr_names.iter().filter(|n| !HostName::parse(n).is_ok_and(|n| n.is_hostname())).cloned().collect();
    if !bad.is_empty() {
        let records = planned(plan, Side::Reverse);
        found.push(finding(Code::PtrBadName, format!("The PTR names {}.", list(&bad))).records(records));
    }
    generic_names(view, plan, found);
    let long: Vec<String> =
        view.ptr_names.iter().filter(|n| n.trim_end_matches('.').len() > MAX_KEPT).cloned().collect();
    if !long.is_empty() {
        let lengths: Vec<String> =
            long.iter().map(|n| format!("{n} has {} characters", n.trim_end_matches('.').len())).collect();
        let detail = format!("{}; some receivers keep {MAX_KEPT}.", list(&lengths));
        found.push(finding(Code::PtrTooLong, detail));
    }
    for forward in &view.forward {
        if let Some(lookup) = forward.lookup.as_deref().filter(|l| !l.chain.is_empty()) {
            found.push(finding(Code::PtrNameAlias, format!("{}.", chain(lookup))));
        }
    }
    if view.ptr_names.len() > MAX_PTR_NAMES {
        let detail = format!("{} PTR names; the first {MAX_PTR_NAMES} were looked at.", view.ptr_names.len());
        found.push(finding(Code::PtrTooMany, detail));
    }
}

/// A name that says "an address of this provider" rather than "this mail server"; never an error by itself.
fn generic_names(view: &View<'_>, plan: Option<&Remedy>, found: &mut Vec<Finding>) {
    let Some(ip) = view.ip else { return };
    let shape = view.ptr_names.iter().find_map(|raw| {
        let name = HostName::parse(raw).ok()?;
        generic(&name, ip).map(|shape| (raw, shape))
    });
    let Some((raw, shape)) = shape else { return };
    let why = match shape.weight {
        Weight::ProviderDefault => "a provider's default name",
        Weight::IpEncoded => "the address stands in the name",
        Weight::DynamicWord => "a word of access lines",
        Weight::Numbered => "a line's or a machine's number in place of a name",
        Weight::Placeholder => "a placeholder",
    };
    let detail = format!("{raw}: {why} (`{}`, pattern `{}`).", shape.matched, shape.pattern);
    found.push(finding(Code::PtrGeneric, detail).records(planned(plan, Side::Reverse)));
}

fn confirmation(view: &View<'_>, agreement: &Agreement, ip: IpAddr, plan: Option<&Remedy>, found: &mut Vec<Finding>) {
    let unconfirmed: Vec<&Forward> = view.forward.iter().filter(|f| !f.holds_ip).collect();
    match agreement.ptr_forward.state {
        EdgeState::Agree if unconfirmed.is_empty() => {
            if (2..=MAX_PTR_NAMES).contains(&view.ptr_names.len()) {
                found.push(finding(Code::PtrMultiple, format!("The PTR names {}.", list(&view.ptr_names))));
            }
        }
        EdgeState::Agree => {
            let said: Vec<String> =
                unconfirmed.iter().filter(|f| f.status().is_definite()).map(|f| describe(f)).collect();
            if !said.is_empty() {
                found.push(finding(Code::PtrPartlyUnconfirmed, format!("{}.", list(&said))));
            }
            lookup_failed(&unconfirmed, found);
        }
        EdgeState::Unknown => lookup_failed(&unconfirmed, found),
        EdgeState::Differ | EdgeState::Absent => {
            let said: Vec<String> = unconfirmed.iter().map(|f| describe(f)).collect();
            let mut detail = format!("{}{}; not {ip}.", of_the_first(view), list(&said));
            let ehlo = view.ehlo.as_ref().and_then(|e| e.name.host());
            let meant = |raw: &String| without_origin(view.ptr.as_deref()?, raw, ehlo);
            if let Some(meant) = view.ptr_names.iter().find_map(meant) {
                detail = format!("{detail} The final dot is missing in the zone: {meant} was meant.");
            }
            let records: Vec<String> =
                [Side::Forward, Side::Reverse].into_iter().flat_map(|side| planned(plan, side)).collect();
            found.push(finding(Code::PtrUnconfirmed, detail).records(records));
        }
    }
}

/// Names whose addresses could not be looked up: neither confirmed nor seen to lead elsewhere.
fn lookup_failed(unconfirmed: &[&Forward], found: &mut Vec<Finding>) {
    let failed: Vec<String> = unconfirmed.iter().filter(|f| !f.status().is_definite()).map(|f| describe(f)).collect();
    if !failed.is_empty() {
        found.push(finding(Code::PtrForwardLookupFailed, format!("{}.", list(&failed))));
    }
}

fn disagreements(view: &View<'_>, found: &mut Vec<Finding>) {
    let all: Vec<String> = crate::judge::dns_report::disagreements(view)
        .iter()
        .map(|disagreement| {
            let said: Vec<String> =
                disagreement.answers.iter().map(|a| format!("{} says {}", a.resolver, a.said)).collect();
            format!("{}: {}.", disagreement.question, said.join("; "))
        })
        .collect();
    if !all.is_empty() {
        found.push(finding(Code::ResolversDisagree, all.join(" ")));
    }
    failed_beside_another(view, found);
}

/// A resolver that failed where another answered: its own trouble, not the zone's.
fn failed_beside_another(view: &View<'_>, found: &mut Vec<Finding>) {
    let lookups = &view.evidence.lookups;
    let mut failed: Vec<String> = Vec::new();
    for lookup in lookups.iter().filter(|l| !l.status.is_definite() && l.status != Status::NotAsked) {
        let answered = view.answers.to(&lookup.question).iter().any(|l| l.status.is_definite());
        if answered && !failed.iter().any(|f| f.starts_with(&lookup.resolver)) {
            failed.push(format!("{} ({})", lookup.resolver, words(lookup)));
        }
    }
    if !failed.is_empty() {
        found.push(finding(Code::ResolverFailed, format!("{} failed where another resolver answered.", list(&failed))));
    }
}

/// A name and where it leads.
fn describe(forward: &Forward) -> String {
    let status = forward.status();
    if status == Status::Found {
        let all: Vec<String> = forward.addresses.iter().map(ToString::to_string).collect();
        return format!("{} is {}", forward.raw, list(&all));
    }
    let words = forward.lookup.as_deref().map_or_else(|| status.to_string(), words);
    let other = if forward.other_family.is_empty() { "" } else { ", only addresses of the other family" };
    let trouble = if status.is_definite() { "has no address" } else { "could not be looked up" };
    format!("{} {trouble} ({words}{other})", forward.raw)
}

pub(super) fn words(lookup: &Lookup) -> String {
    let mut words = match lookup.status {
        Status::Timeout => "no answer".to_owned(),
        Status::NotAsked => "not asked".to_owned(),
        status => status.to_string(),
    };
    for extra in lookup.detail.iter().chain(lookup.extended_errors.iter().map(|e| &e.text).filter(|t| !t.is_empty())) {
        words = format!("{words}, {extra}");
    }
    words
}

pub(super) fn chain(lookup: &Lookup) -> String {
    let mut text = lookup.question.name.clone();
    for alias in &lookup.chain {
        text = format!("{text} → {}", alias.to);
    }
    text
}

/// What kind of address no receiver ever sees (RFC 6890 and its registries).
pub(in crate::judge) fn special(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => special_v4(ip),
        IpAddr::V6(ip) => special_v6(ip),
    }
}

fn special_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let [a, b, ..] = ip.octets();
    match (a, b) {
        _ if ip.is_private() => Some("a private address (RFC 1918)"),
        (100, 64..=127) => Some("a shared address behind a carrier's NAT (RFC 6598)"),
        _ if ip.is_loopback() => Some("a loopback address"),
        _ if ip.is_link_local() => Some("a link-local address"),
        _ if ip.is_documentation() => Some("an address reserved for documentation (RFC 5737)"),
        (198, 18..=19) => Some("an address reserved for benchmarks (RFC 2544)"),
        (0, _) => Some("no host's address"),
        (224..=255, _) => Some("a multicast or reserved address"),
        _ => None,
    }
}

fn special_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let [first, second, ..] = ip.segments();
    match first {
        _ if ip.is_loopback() => Some("the loopback address"),
        _ if ip.is_unspecified() => Some("no host's address"),
        0xfc00..=0xfdff => Some("a private address (RFC 4193)"),
        0xfe80..=0xfebf => Some("a link-local address"),
        0x2001 if second == 0xdb8 => Some("an address reserved for documentation (RFC 3849)"),
        0x3fff if second < 0x1000 => Some("an address reserved for documentation (RFC 9637)"),
        0xff00..=0xffff => Some("a multicast address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::special;

    #[test]
    fn addresses_that_no_receiver_sees() {
        for (ip, seen) in [
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("127.0.0.1", false),
            ("203.0.113.10", false),
            ("198.19.0.1", false),
            ("198.20.0.1", true),
            ("8.8.8.8", true),
            ("2001:db8::1", false),
            ("2001:db9::1", true),
            ("fd00::1", false),
            ("fe80::1", false),
            ("3fff:fff::1", false),
            ("2a00:1450::1", true),
        ] {
            assert_eq!(special(ip.parse().unwrap()).is_none(), seen, "{ip}");
        }
    }
}
