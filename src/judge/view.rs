//! Evidence as the rules want to see it: one answer a question, whatever the number of resolvers.
//!
//! Where several resolvers were asked: records win over "none" and "none" over trouble, and the
//! records are the union in order of first sight. That they differ is a finding of its own.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::dns::{Lookup, Question, RecordType, Status, reverse_name};
use crate::evidence::{Dialogue, EhloSource, Evidence};
use crate::name::{EhloName, HostName, unmap};
use crate::smtp::{Reply, hello_name};

/// At most this many PTR names are looked at (RFC 7208 §4.6.4).
pub(super) const MAX_PTR_NAMES: usize = 10;

/// The name that the client says, and where we have it from.
#[derive(Clone, Debug)]
pub(super) struct Spoken {
    /// As it was said.
    pub raw: String,
    pub name: EhloName,
    pub source: EhloSource,
}

/// A name's forward records in the client's family.
#[derive(Clone, Debug)]
pub(super) struct Forward {
    /// As the DNS or the EHLO line has it.
    pub raw: String,
    /// The question in the client's family, where it was asked.
    pub lookup: Option<Lookup>,
    pub addresses: Vec<IpAddr>,
    pub other_family: Vec<IpAddr>,
    pub holds_ip: bool,
}

impl Forward {
    pub(super) fn status(&self) -> Status {
        self.lookup.as_ref().map_or(Status::NotAsked, |l| l.status)
    }
}

/// Everything the rules read.
pub(super) struct View<'a> {
    pub evidence: &'a Evidence,
    pub ip: Option<IpAddr>,
    pub ehlo: Option<Spoken>,
    /// The PTR question's answer; `None` when there is no address or it was not asked.
    pub ptr: Option<Lookup>,
    /// PTR names in the order of the answer, each once.
    pub ptr_names: Vec<String>,
    /// The first [`MAX_PTR_NAMES`] of them, looked up.
    pub forward: Vec<Forward>,
    pub ehlo_forward: Option<Forward>,
}

impl<'a> View<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let ip = evidence.client.ip.map(unmap);
        let ehlo = spoken(evidence);
        let ptr = ip.and_then(|ip| merged(evidence, &reverse_name(ip), RecordType::Ptr));
        let ptr_names = distinct(ptr.iter().flat_map(Lookup::data));
        let forward = ip
            .map(|ip| ptr_names.iter().take(MAX_PTR_NAMES).map(|n| forward(evidence, n, ip)).collect())
            .unwrap_or_default();
        let ehlo_forward = match (&ehlo, ip) {
            (Some(Spoken { raw, name: EhloName::Host(name), .. }), Some(ip)) => {
                let mut found = forward_of(evidence, name.as_str(), ip);
                found.raw.clone_from(raw);
                Some(found)
            }
            _ => None,
        };
        Self { evidence, ip, ehlo, ptr, ptr_names, forward, ehlo_forward }
    }

    pub(super) fn dialogue(&self) -> Option<&'a Dialogue> {
        self.evidence.smtp.as_ref()
    }

    /// The record type of the client's family.
    pub(super) fn family(&self) -> RecordType {
        match self.ip {
            Some(IpAddr::V6(_)) => RecordType::Aaaa,
            _ => RecordType::A,
        }
    }
}

/// The EHLO reply that counts: inside TLS where there was one, the HELO reply where EHLO was refused.
pub(super) fn hello_reply(dialogue: &Dialogue) -> Option<&Reply> {
    [("EHLO", true), ("HELO", true), ("EHLO", false), ("HELO", false)]
        .into_iter()
        .filter_map(|(verb, secure)| dialogue.reply_to(verb, secure))
        .find(|r| r.is_positive())
}

fn spoken(evidence: &Evidence) -> Option<Spoken> {
    let client = &evidence.client;
    if let Some(raw) = &client.ehlo {
        let source = client.ehlo_source.unwrap_or(EhloSource::Given);
        return Some(Spoken { raw: raw.clone(), name: EhloName::read(raw), source });
    }
    let raw = hello_name(hello_reply(evidence.smtp.as_ref()?)?.lines.first()?)?;
    Some(Spoken { raw: raw.to_owned(), name: EhloName::read(raw), source: EhloSource::Replied })
}

/// Each name once, whatever its case; as it was first written.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.filter(|n| seen.insert(n.to_ascii_lowercase())).map(str::to_owned).collect()
}

fn forward(evidence: &Evidence, raw: &str, ip: IpAddr) -> Forward {
    // A name that the host name rules forbid may still be asked for; the DNS holds any octets.
    let asked = HostName::parse(raw).map_or_else(|_| raw.to_owned(), |n| n.as_str().to_owned());
    let mut found = forward_of(evidence, &asked, ip);
    raw.clone_into(&mut found.raw);
    found
}

fn forward_of(evidence: &Evidence, name: &str, ip: IpAddr) -> Forward {
    let (own, other) = match ip {
        IpAddr::V4(_) => (RecordType::A, RecordType::Aaaa),
        IpAddr::V6(_) => (RecordType::Aaaa, RecordType::A),
    };
    let addresses = |kind| -> Vec<IpAddr> {
        merged(evidence, name, kind).iter().flat_map(|l| l.data().filter_map(|d| d.parse().ok())).collect()
    };
    let found = addresses(own);
    Forward {
        raw: name.to_owned(),
        lookup: merged(evidence, name, own),
        holds_ip: found.iter().any(|a| unmap(*a) == ip),
        addresses: found,
        other_family: addresses(other),
    }
}

/// All resolvers' answers to one question.
pub(super) fn asked<'a>(evidence: &'a Evidence, question: &Question) -> Vec<&'a Lookup> {
    evidence.lookups.iter().filter(|l| l.question == *question).collect()
}

/// One answer from all resolvers'.
pub(super) fn merged(evidence: &Evidence, name: &str, kind: RecordType) -> Option<Lookup> {
    let answers = asked(evidence, &Question::new(name, kind));
    let rank = |l: &Lookup| match l.status {
        Status::Found => 0,
        Status::Nxdomain | Status::Nodata => 1,
        Status::NotAsked => 3,
        _ => 2,
    };
    let best = answers.iter().min_by_key(|l| rank(l))?;
    let mut merged = (*best).clone();
    if merged.status == Status::Found {
        for answer in answers.iter().flat_map(|l| &l.answers) {
            if !merged.answers.iter().any(|a| a.data.eq_ignore_ascii_case(&answer.data)) {
                merged.answers.push(answer.clone());
            }
        }
    }
    Some(merged)
}
