//! Rules on the EHLO name: its shape, its addresses, its PTR.

use super::reverse::{chain, words};
use super::{Code, Finding, finding, planned};
use crate::judge::agreement::list;
use crate::judge::check::{Agreement, EdgeState};
use crate::judge::remedy::{Remedy, Side, domain_missing};
use crate::judge::view::{Spoken, View, hello_reply};
use crate::name::{EhloFlaw, EhloName, HostName};

pub(super) fn ehlo(view: &View<'_>, agreement: &Agreement, plan: Option<&Remedy>, found: &mut Vec<Finding>) {
    let Some(spoken) = &view.ehlo else {
        if let Some(line) = view.dialogue().and_then(hello_reply).and_then(|r| r.lines.first()) {
            found.push(finding(Code::EhloNoName, format!("The reply begins with `{line}`.")));
        }
        return;
    };
    shape(view, spoken, found);
    if let EhloName::Host(_) = spoken.name {
        differs(view, spoken, agreement, plan, found);
        forward(view, spoken, agreement, plan, found);
    }
}

fn shape(view: &View<'_>, spoken: &Spoken, found: &mut Vec<Finding>) {
    let raw = &spoken.raw;
    for flaw in spoken.name.flaws(raw) {
        let detail = match &spoken.name {
            EhloName::Invalid(fault) => format!("EHLO says `{raw}`: {fault}."),
            EhloName::Host(name) if flaw == EhloFlaw::NotAscii => {
                format!("EHLO says `{raw}`; its A-label form is {name}.")
            }
            _ => format!("EHLO says `{raw}`."),
        };
        found.push(finding(flaw.into(), detail));
    }
    if let EhloName::Literal(literal) = spoken.name {
        match view.ip {
            Some(ip) if ip != literal.ip => {
                found.push(finding(Code::EhloLiteralDiffers, format!("EHLO says {raw}, the address is {ip}.")));
            }
            _ => found.push(finding(Code::EhloLiteral, format!("EHLO says {raw}."))),
        }
    }
}

fn differs(view: &View<'_>, spoken: &Spoken, agreement: &Agreement, plan: Option<&Remedy>, found: &mut Vec<Finding>) {
    let Some(ip) = view.ip.filter(|_| view.ptr.is_some()) else { return };
    if agreement.ehlo_ptr.state != EdgeState::Differ {
        return;
    }
    let detail = format!("The server says {}, its address {ip} is named {}.", spoken.raw, list(&view.ptr_names));
    found.push(finding(Code::EhloDiffersFromPtr, detail).records(planned(plan, Side::Reverse)));
}

fn forward(view: &View<'_>, spoken: &Spoken, agreement: &Agreement, plan: Option<&Remedy>, found: &mut Vec<Finding>) {
    let Some(forward) = &view.ehlo_forward else { return };
    let raw = &spoken.raw;
    let kind = view.family();
    let shared = plan.and_then(|p| p.name.as_deref()).and_then(|n| HostName::parse(n).ok());
    let said = shared.is_some() && shared.as_ref() == spoken.name.host();
    let record = if said { planned(plan, Side::Forward) } else { Vec::new() };
    let other = shared.filter(|_| !said);
    let kept = other.filter(|n| view.forward_of(n).is_some_and(|f| f.holds_ip));
    let kept = kept.map(|n| format!("Here: make the server say {n}, its PTR name, which leads back."));
    match agreement.ehlo_forward.state {
        EdgeState::Agree => {}
        EdgeState::Absent => {
            let other = if forward.other_family.is_empty() { "" } else { ", only addresses of the other family" };
            let denied = spoken.name.host().and_then(|name| domain_missing(view, name));
            let denied = denied.map(|top| format!(" Its domain is not delegated, says {top}.")).unwrap_or_default();
            let detail = format!("{raw} has no {kind} ({}){other}.{denied}", forward.status());
            found.push(finding(Code::EhloUnresolvable, detail).records(record).steps(kept));
        }
        EdgeState::Differ => {
            let all: Vec<String> = forward.addresses.iter().map(ToString::to_string).collect();
            let ip = view.ip.map(|ip| ip.to_string()).unwrap_or_default();
            let detail = format!("{raw} is {}, not {ip}.", list(&all));
            found.push(finding(Code::EhloAddressDiffers, detail).records(record).steps(kept));
        }
        EdgeState::Unknown => {
            let words = forward.lookup.as_deref().map_or_else(|| "not asked".to_owned(), words);
            found.push(finding(Code::EhloLookupFailed, format!("{kind} of {raw}: {words}.")));
        }
    }
    if let Some(lookup) = forward.lookup.as_deref().filter(|l| !l.chain.is_empty()) {
        found.push(finding(Code::EhloAlias, format!("{}.", chain(lookup))));
    }
}
