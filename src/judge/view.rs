//! Evidence as the rules want to see it: one answer a question, whatever the number of resolvers
//! (see [`super::answers`]). That they differ is a finding of its own.

use std::borrow::Cow;
use std::collections::HashSet;
use std::net::IpAddr;

use super::answers::Answers;
use crate::dns::{Lookup, MAX_PTR_NAMES, RecordType, Status, reverse_name};
use crate::evidence::{Dialogue, EhloSource, Evidence};
use crate::name::{EhloName, HostName, unmap};
use crate::smtp::{Reply, hello_name};

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
pub(super) struct Forward<'a> {
    /// As the DNS or the EHLO line has it.
    pub raw: String,
    /// The question in the client's family, where it was asked.
    pub lookup: Option<Cow<'a, Lookup>>,
    pub addresses: Vec<IpAddr>,
    pub other_family: Vec<IpAddr>,
    pub holds_ip: bool,
}

impl Forward<'_> {
    pub(super) fn status(&self) -> Status {
        self.lookup.as_deref().map_or(Status::NotAsked, |l| l.status)
    }
}

/// Everything the rules read.
pub(super) struct View<'a> {
    pub evidence: &'a Evidence,
    pub answers: Answers<'a>,
    pub ip: Option<IpAddr>,
    pub ehlo: Option<Spoken>,
    /// The PTR question's answer; `None` when there is no address or it was not asked.
    pub ptr: Option<Cow<'a, Lookup>>,
    /// PTR names in the order of the answer, each once.
    pub ptr_names: Vec<String>,
    /// The first [`MAX_PTR_NAMES`] of them, looked up.
    pub forward: Vec<Forward<'a>>,
    pub ehlo_forward: Option<Forward<'a>>,
}

impl<'a> View<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let answers = Answers::of(evidence);
        let ip = evidence.client.ip.map(unmap);
        let ehlo = spoken(evidence);
        let ptr = ip.and_then(|ip| answers.about(&reverse_name(ip), RecordType::Ptr));
        let ptr_names = distinct(ptr.iter().flat_map(|l| l.data()));
        let forward = ip
            .map(|ip| ptr_names.iter().take(MAX_PTR_NAMES).map(|n| forward(&answers, n, ip)).collect())
            .unwrap_or_default();
        let ehlo_forward = match (&ehlo, ip) {
            (Some(Spoken { raw, name: EhloName::Host(name), .. }), Some(ip)) => {
                let mut found = forward_of(&answers, name.as_str(), ip);
                found.raw.clone_from(raw);
                Some(found)
            }
            _ => None,
        };
        Self { evidence, answers, ip, ehlo, ptr, ptr_names, forward, ehlo_forward }
    }

    pub(super) fn dialogue(&self) -> Option<&'a Dialogue> {
        self.evidence.smtp.as_ref()
    }

    /// What is known of a name's addresses: as the EHLO name, else as a PTR name.
    pub(super) fn forward_of(&self, name: &HostName) -> Option<&Forward<'a>> {
        let same = |f: &&Forward<'_>| HostName::parse(&f.raw).is_ok_and(|n| n == *name);
        self.ehlo_forward.iter().chain(&self.forward).find(same)
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
        .find(|r| r.accepts_hello())
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
    let mut names = names.peekable();
    let Some(first) = names.next() else { return Vec::new() };
    if names.peek().is_none() {
        return vec![first.to_owned()];
    }
    let mut seen = HashSet::new();
    let all = std::iter::once(first).chain(names);
    all.filter(|n| seen.insert(n.to_ascii_lowercase())).map(str::to_owned).collect()
}

fn forward<'a>(answers: &Answers<'a>, raw: &str, ip: IpAddr) -> Forward<'a> {
    // A name that the host name rules forbid may still be asked for; the DNS holds any octets.
    let asked = HostName::parse(raw).map_or_else(|_| raw.to_owned(), |n| n.as_str().to_owned());
    let mut found = forward_of(answers, &asked, ip);
    raw.clone_into(&mut found.raw);
    found
}

fn forward_of<'a>(answers: &Answers<'a>, name: &str, ip: IpAddr) -> Forward<'a> {
    let (own, other) = match ip {
        IpAddr::V4(_) => (RecordType::A, RecordType::Aaaa),
        IpAddr::V6(_) => (RecordType::Aaaa, RecordType::A),
    };
    let lookup = answers.about(name, own);
    let addresses = |lookup: Option<&Lookup>| -> Vec<IpAddr> {
        lookup.into_iter().flat_map(|l| l.data().filter_map(|d| d.parse().ok())).collect()
    };
    let found = addresses(lookup.as_deref());
    Forward {
        raw: name.to_owned(),
        holds_ip: found.iter().any(|a| unmap(*a) == ip),
        addresses: found,
        other_family: addresses(answers.about(name, other).as_deref()),
        lookup,
    }
}
