//! The DNS side of a check, from the lookups.

use std::collections::BTreeSet;

use super::check::{Disagreement, DnsReport, ForwardReport, PtrReport, ResolverSaid, Zone};
use super::remedy::is_registrys;
use super::view::{Forward, View};
use crate::dns::{Lookup, RecordType, Soa, Status};

pub(super) fn dns_report(view: &View<'_>) -> DnsReport {
    DnsReport {
        ptr: view.ptr.as_deref().map(|lookup| ptr(view, lookup)),
        forward: view.forward.iter().map(forward).collect(),
        ehlo_forward: view.ehlo_forward.as_ref().map(forward),
        disagreements: disagreements(view),
    }
}

fn ptr(view: &View<'_>, lookup: &Lookup) -> PtrReport {
    PtrReport {
        question: lookup.question.name.clone(),
        status: lookup.status,
        detail: lookup.detail.clone(),
        names: lookup.data().map(str::to_owned).collect(),
        chain: chain(lookup),
        ttl: ttl(lookup),
        resolver: lookup.resolver.clone(),
        took_ms: lookup.took_ms,
        flags: lookup.flags,
        failed_tries: lookup.failed_tries.clone(),
        zone: zone(view, lookup),
    }
}

fn forward(forward: &Forward) -> ForwardReport {
    let lookup = forward.lookup.as_deref();
    ForwardReport {
        name: forward.raw.clone(),
        status: forward.status(),
        detail: lookup.and_then(|l| l.detail.clone()),
        addresses: forward.addresses.clone(),
        other_family: forward.other_family.clone(),
        holds_ip: forward.holds_ip,
        chain: lookup.map(chain).unwrap_or_default(),
        ttl: lookup.and_then(ttl),
    }
}

fn chain(lookup: &Lookup) -> Vec<String> {
    let mut names: Vec<String> = lookup.chain.iter().take(1).map(|a| a.from.clone()).collect();
    names.extend(lookup.chain.iter().map(|a| a.to.clone()));
    names
}

pub(super) fn ttl(lookup: &Lookup) -> Option<u32> {
    match lookup.status {
        Status::Found => lookup.answers.iter().map(|a| a.ttl).min(),
        Status::Nxdomain | Status::Nodata => lookup.soa.as_ref().map(|s| s.negative_ttl),
        _ => None,
    }
}

/// The zone that holds the PTR: told by a negative answer itself, or by the SOA question beside it.
pub(super) fn zone(view: &View<'_>, ptr: &Lookup) -> Option<Zone> {
    let soa_asked = view.answers.about(&ptr.question.name, RecordType::Soa);
    let asked = || soa_asked.as_ref().and_then(|l| l.soa.as_ref());
    let Soa { apex, primary, contact, .. } = ptr.soa.as_ref().or_else(asked)?.clone();
    let servers = view.answers.about(&apex, RecordType::Ns);
    let servers = servers.map(|l| l.data().map(str::to_owned).collect()).unwrap_or_default();
    let registry = is_registrys(&apex, &primary, &contact);
    Some(Zone { apex, primary, contact, servers, registry })
}

/// Questions to which two resolvers gave different definite answers.
pub(super) fn disagreements(view: &View<'_>) -> Vec<Disagreement> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for lookup in &view.evidence.lookups {
        let question = &lookup.question;
        let answers = view.answers.to(question);
        if matches!(question.kind, RecordType::Soa | RecordType::Ns) || answers.len() < 2 || !seen.insert(question) {
            continue;
        }
        let asked: Vec<&&Lookup> = answers.iter().filter(|l| l.status != Status::NotAsked).collect();
        // A resolver that fails holds no other opinion; that it failed is told apart.
        let said: BTreeSet<String> = asked.iter().filter(|l| l.status.is_definite()).map(|l| sorted(l)).collect();
        if said.len() > 1 {
            found.push(Disagreement {
                question: format!("{} {}", question.kind, question.name),
                answers: answers
                    .iter()
                    .map(|l| ResolverSaid { resolver: l.resolver.clone(), said: sorted(l) })
                    .collect(),
            });
        }
    }
    found
}

/// An answer in words that do not depend on the order of its records.
pub(super) fn sorted(lookup: &Lookup) -> String {
    if lookup.status != Status::Found {
        return lookup.status.to_string();
    }
    let mut data: Vec<String> = lookup.data().map(str::to_ascii_lowercase).collect();
    data.sort();
    data.join(", ")
}
