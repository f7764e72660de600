//! The addresses of a target: of the families wanted, each once, at most [`MAX_DIALLED`].
//!
//! Failure: a [`Fault`] that says whether there is none, or whether nobody could tell.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use futures_util::future::join_all;

use super::Family;
use super::inquiry::Inquiry;
use crate::dns::{Lookup, Question, RecordType, Status};
use crate::evidence::{Fault, FaultKind, MAX_DIALLED};
use crate::name::HostName;
use crate::smtp::Phase;
use crate::target::{Host, Target};

/// The questions asked for a target's addresses: none for an address, and for a family not wanted.
pub(super) fn questions(target: &Target, family: Family) -> Vec<Question> {
    match &target.host {
        // RFC 6761 §6.3: localhost is this machine, whatever the DNS says.
        Host::Name(name) if name.as_str() != "localhost" => {
            family.types().iter().map(|kind| Question::new(name.as_str(), *kind)).collect()
        }
        _ => Vec::new(),
    }
}

/// The addresses to dial.
pub(super) async fn addresses(target: &Target, family: Family, inquiry: &Inquiry) -> Result<Vec<IpAddr>, Fault> {
    let fault = |kind, detail| Fault { phase: Phase::Resolve, kind, detail };
    let name = match &target.host {
        Host::Address(ip) if family.takes(*ip) => return Ok(vec![*ip]),
        Host::Address(ip) => {
            let (is, only) = if ip.is_ipv4() { ("IPv4", "IPv6") } else { ("IPv6", "IPv4") };
            let detail = format!("{ip} is an {is} address, and only {only} is to be dialled");
            return Err(fault(FaultKind::OtherFamily, detail));
        }
        Host::Name(name) if name.as_str() == "localhost" => {
            let both: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
            return Ok(both.into_iter().filter(|ip| family.takes(*ip)).collect());
        }
        Host::Name(name) => name,
    };
    let answers = join_all(family.types().iter().map(|kind| inquiry.ask(name.as_str(), *kind))).await;
    let found = unique(answers.iter().flat_map(|a| a.iter()));
    if !found.is_empty() {
        return Ok(found);
    }
    // Of one family, a resolver that answers wins over one that fails.
    if let Some(failed) = answers.iter().filter(|a| !a.iter().any(|l| l.status.is_definite())).find_map(|a| a.first()) {
        return Err(fault(FaultKind::LookupFailed, trouble_words(name, failed)));
    }
    let status = answers.iter().flat_map(|a| a.iter()).find(|l| l.status.is_definite()).map(|l| l.status);
    let status = status.unwrap_or(Status::NotAsked);
    Err(match family {
        Family::Both => fault(FaultKind::NoAddress, format!("{name} has neither A nor AAAA ({status})")),
        _ if status == Status::Nxdomain => fault(FaultKind::NoAddress, format!("{name} does not exist ({status})")),
        Family::V4 => fault(FaultKind::OtherFamily, format!("{name} has no A, and only IPv4 is to be dialled")),
        Family::V6 => fault(FaultKind::OtherFamily, format!("{name} has no AAAA, and only IPv6 is to be dialled")),
    })
}

impl Family {
    pub(super) fn takes(self, ip: IpAddr) -> bool {
        match self {
            Self::Both => true,
            Self::V4 => ip.is_ipv4(),
            Self::V6 => ip.is_ipv6(),
        }
    }

    fn types(self) -> &'static [RecordType] {
        match self {
            Self::Both => &[RecordType::A, RecordType::Aaaa],
            Self::V4 => &[RecordType::A],
            Self::V6 => &[RecordType::Aaaa],
        }
    }
}

fn unique<'a>(lookups: impl Iterator<Item = &'a Lookup>) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = Vec::new();
    for ip in lookups.flat_map(Lookup::data).filter_map(|d| d.parse().ok()) {
        if found.len() < MAX_DIALLED && !found.contains(&ip) {
            found.push(ip);
        }
    }
    found
}

fn trouble_words(name: &HostName, lookup: &Lookup) -> String {
    let detail = lookup.detail.as_ref().map(|d| format!(", {d}")).unwrap_or_default();
    let at = if lookup.resolver.is_empty() { String::new() } else { format!(" at {}", lookup.resolver) };
    format!("{} of {name} could not be looked up{at} ({}{detail})", lookup.question.kind, lookup.status)
}
