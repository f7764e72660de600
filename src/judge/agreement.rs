//! The three edges, their sum, and iprev.
//!
//! Standard: RFC 8601 §2.7.3 and §3 (iprev), RFC 5321 §4.1.3 (an address literal names the address
//! it holds). Temporary trouble makes an edge unknown, and only where nothing agreed.

use super::check::{Agreement, Edge, EdgeState, Iprev, Verdict};
use super::view::{Forward, Spoken, View};
use crate::dns::Status;
use crate::name::{EhloName, HostName};

pub(super) fn agreement(view: &View<'_>) -> Agreement {
    let ehlo_ptr = ehlo_ptr(view);
    let ptr_forward = ptr_forward(view);
    let ehlo_forward = ehlo_forward(view);
    let states = [ehlo_ptr.state, ptr_forward.state, ehlo_forward.state];
    let verdict = if states.iter().any(|s| matches!(s, EdgeState::Differ | EdgeState::Absent)) {
        Verdict::Differ
    } else if states.contains(&EdgeState::Unknown) {
        Verdict::Unknown
    } else {
        Verdict::Agree
    };
    Agreement { verdict, ehlo_ptr, ptr_forward, ehlo_forward }
}

fn edge(state: EdgeState, because: impl Into<String>) -> Edge {
    Edge { state, because: because.into() }
}

/// What stands in the way when the PTR side cannot be compared.
fn without_ptr(view: &View<'_>) -> Option<Edge> {
    let Some(ip) = view.ip else {
        return Some(edge(EdgeState::Unknown, "there is no client address to look up"));
    };
    let Some(ptr) = &view.ptr else {
        return Some(edge(EdgeState::Unknown, format!("the PTR of {ip} was not asked for")));
    };
    match ptr.status {
        Status::Found => None,
        Status::Nxdomain | Status::Nodata => Some(edge(
            EdgeState::Absent,
            if ptr.chain.is_empty() {
                format!("{ip} has no PTR ({})", ptr.status)
            } else {
                format!("{ip} has no PTR: its alias leads to {}, which has none ({})", last_alias(ptr), ptr.status)
            },
        )),
        status => Some(edge(EdgeState::Unknown, format!("the PTR of {ip} could not be looked up ({status})"))),
    }
}

fn last_alias(lookup: &crate::dns::Lookup) -> &str {
    lookup.chain.last().map_or("", |a| a.to.as_str())
}

/// The reason why there is no EHLO name.
fn without_ehlo(view: &View<'_>) -> Edge {
    let Some(dialogue) = view.dialogue() else {
        return edge(EdgeState::Unknown, "no EHLO name was given, and nothing was dialled: give it with --ehlo NAME");
    };
    match super::view::hello_reply(dialogue) {
        Some(_) => edge(EdgeState::Absent, "the EHLO reply gives no name"),
        None => edge(EdgeState::Unknown, "no EHLO reply was seen"),
    }
}

fn ehlo_ptr(view: &View<'_>) -> Edge {
    let Some(Spoken { raw, name, .. }) = &view.ehlo else { return without_ehlo(view) };
    if let Some(edge) = without_ptr(view) {
        return edge;
    }
    let EhloName::Host(ehlo) = name else {
        let what = if matches!(name, EhloName::Literal(_)) { "an address literal" } else { "not a host name" };
        return edge(EdgeState::Differ, format!("EHLO says {raw}, {what}; the PTR is {}", list(&view.ptr_names)));
    };
    if view.ptr_names.iter().any(|n| HostName::parse(n).is_ok_and(|n| n == *ehlo)) {
        return edge(EdgeState::Agree, format!("EHLO says {raw}, and so does the PTR"));
    }
    edge(EdgeState::Differ, format!("EHLO says {raw}, the PTR says {}", list(&view.ptr_names)))
}

fn ptr_forward(view: &View<'_>) -> Edge {
    if let Some(edge) = without_ptr(view) {
        return edge;
    }
    let (Some(ip), kind) = (view.ip, view.family()) else {
        return edge(EdgeState::Unknown, "there is no client address to look up");
    };
    if let Some(found) = view.forward.iter().find(|f| f.holds_ip) {
        return edge(EdgeState::Agree, format!("{} has {kind} {ip}", found.raw));
    }
    if let Some(failed) = view.forward.iter().find(|f| !f.status().is_definite()) {
        return edge(
            EdgeState::Unknown,
            format!("{kind} of {} could not be looked up ({})", failed.raw, failed.status()),
        );
    }
    if view.forward.iter().all(|f| f.status().is_none()) {
        let looked_at: Vec<String> = view.forward.iter().map(|f| f.raw.clone()).collect();
        return edge(EdgeState::Absent, format!("{}{} has no {kind}", of_the_first(view), list(&looked_at)));
    }
    let elsewhere: Vec<&Forward> = view.forward.iter().filter(|f| !f.addresses.is_empty()).collect();
    let said: Vec<String> = elsewhere.iter().map(|f| format!("{} is {}", f.raw, addresses(f))).collect();
    edge(EdgeState::Differ, format!("{}{}, not {ip}", of_the_first(view), list(&said)))
}

/// Where not every PTR name was looked at, that what follows speaks of those that were.
pub(super) fn of_the_first(view: &View<'_>) -> String {
    match view.ptr_names.len() {
        all if all > view.forward.len() => format!("of {all} PTR names, the first {}: ", view.forward.len()),
        _ => String::new(),
    }
}

fn ehlo_forward(view: &View<'_>) -> Edge {
    let Some(Spoken { raw, name, .. }) = &view.ehlo else { return without_ehlo(view) };
    let Some(ip) = view.ip else {
        return edge(EdgeState::Unknown, "there is no client address to compare with");
    };
    let kind = view.family();
    match name {
        EhloName::Literal(literal) if literal.ip == ip => {
            edge(EdgeState::Agree, format!("the literal {raw} is the address"))
        }
        EhloName::Literal(_) => edge(EdgeState::Differ, format!("the literal {raw} is not {ip}")),
        EhloName::BareAddress(_) | EhloName::Invalid(_) => {
            edge(EdgeState::Absent, format!("{raw} is not a host name, so it has no {kind}"))
        }
        EhloName::Host(_) => {
            let Some(found) = &view.ehlo_forward else {
                return edge(EdgeState::Unknown, format!("{kind} of {raw} was not asked for"));
            };
            let status = found.status();
            if found.holds_ip {
                edge(EdgeState::Agree, format!("{raw} has {kind} {ip}"))
            } else if !status.is_definite() {
                edge(EdgeState::Unknown, format!("{kind} of {raw} could not be looked up ({status})"))
            } else if status.is_none() {
                let other = if found.other_family.is_empty() { "" } else { ", only addresses of the other family" };
                edge(EdgeState::Absent, format!("{raw} has no {kind} ({status}){other}"))
            } else {
                edge(EdgeState::Differ, format!("{raw} is {}, not {ip}", addresses(found)))
            }
        }
    }
}

/// RFC 8601 §2.7.3: `permerror` when no PTR is published, `fail` when the names do not lead back.
pub(super) fn iprev(view: &View<'_>, ptr_forward: &Edge) -> Iprev {
    match ptr_forward.state {
        EdgeState::Agree => Iprev::Pass,
        EdgeState::Unknown => Iprev::Temperror,
        _ if view.ptr_names.is_empty() => Iprev::Permerror,
        _ => Iprev::Fail,
    }
}

fn addresses(forward: &Forward) -> String {
    let all: Vec<String> = forward.addresses.iter().map(ToString::to_string).collect();
    list(&all)
}

/// The first three, and how many more.
pub(super) fn list(items: &[String]) -> String {
    const SHOWN: usize = 3;
    let head = items.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(SHOWN) {
        0 => head,
        more => format!("{head} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    /// What is missing is said with the option that gives it.
    #[test]
    fn a_name_that_nobody_gave_can_be_given() {
        let text = include_str!("../../fixtures/evidence/agree.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        evidence.smtp = None;
        evidence.client.ehlo = None;
        let check = crate::judge::judge(&evidence);
        assert!(check.agreement.ehlo_ptr.because.ends_with("give it with --ehlo NAME"), "{:?}", check.agreement);
    }
}
