//! The evidence as a receiver would have it: an identity, and answers to whatever it asks the DNS.
//!
//! Input: [`Evidence`]. Output: per question the status, the records in the order seen and the
//! CNAMEs passed through. Failure: [`Lacking`], where the evidence does not hold what a rule needs;
//! nothing is guessed.
//! Where several resolvers were asked: records win over "none" and "none" over trouble, and the
//! records are the union in order of first sight.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use crate::dns::{Alias, Lookup, Question, RecordType, Status, reverse_name, to_labels};
use crate::evidence::Evidence;
use crate::judge::view::hello_reply;
use crate::name::unmap;
use crate::smtp::hello_name;

/// What the evidence does not hold, so that a rule cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lacking {
    /// The client's address and its EHLO name.
    Identity,
    /// The client's address.
    Ip,
    /// The client's EHLO name.
    Ehlo,
    /// An answer of the DNS.
    Lookup(Question),
    /// Which PTR names the receiver takes for generic is not published, and those who publish theirs disagree.
    Shapes,
    /// What the receiver does where the DNS is in trouble is not published.
    Unpublished,
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity => f.write_str("neither address nor EHLO name is known"),
            Self::Ip => f.write_str("the client address is not known"),
            Self::Ehlo => f.write_str("the client EHLO name is not known"),
            Self::Lookup(q) => write!(f, "{} of {} was not asked", q.kind, q.name),
            Self::Shapes => f.write_str(
                "it does not publish its shapes of generic names, and ptr-generic and SpamAssassin's RDNS_DYNAMIC \
                 disagree on this PTR",
            ),
            Self::Unpublished => {
                f.write_str("the DNS is in trouble, and what this receiver then does is not published")
            }
        }
    }
}

/// One answer of the DNS.
#[derive(Clone, Debug)]
pub(super) struct Found<'a> {
    pub status: Status,
    /// The response code, where an answer came.
    pub rcode: Option<u16>,
    /// The records of the type asked for, in the order seen.
    pub data: Vec<&'a str>,
    /// The CNAMEs passed through.
    pub chain: &'a [Alias],
}

impl Found<'_> {
    /// The records as addresses.
    pub(super) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.data.iter().filter_map(|d| d.parse().ok())
    }

    /// No answer that could be used, and not FORMERR.
    pub(super) fn is_temporary(&self) -> bool {
        match self.status {
            Status::Servfail => self.rcode.is_none_or(|rcode| rcode == 2),
            Status::Refused | Status::Notimp | Status::Timeout | Status::Malformed => true,
            _ => false,
        }
    }
}

/// The identity, and what the DNS says.
pub(super) struct World<'a> {
    ip: Option<IpAddr>,
    ehlo: Option<&'a str>,
    answers: HashMap<(&'a str, RecordType), Vec<&'a Lookup>>,
    /// The answer to the question that nearly every rule begins with.
    ptr: Result<Found<'a>, Lacking>,
}

impl<'a> World<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let mut answers: HashMap<_, Vec<&Lookup>> = HashMap::with_capacity(evidence.lookups.len());
        for lookup in evidence.lookups.iter().filter(|l| l.status != Status::NotAsked) {
            answers.entry((lookup.question.name.as_str(), lookup.question.kind)).or_default().push(lookup);
        }
        let ip = evidence.client.ip.map(unmap);
        let mut world = Self { ip, ehlo: spoken(evidence), answers, ptr: Err(Lacking::Ip) };
        if let Some(ip) = ip {
            world.ptr = world.ask(&reverse_name(ip), RecordType::Ptr);
        }
        world
    }

    pub(super) fn ip(&self) -> Result<IpAddr, Lacking> {
        self.ip.ok_or(Lacking::Ip)
    }

    /// The EHLO argument as it was said.
    pub(super) fn ehlo(&self) -> Result<&'a str, Lacking> {
        self.ehlo.ok_or(Lacking::Ehlo)
    }

    /// The record type of the client's family.
    pub(super) fn family(&self) -> Result<RecordType, Lacking> {
        Ok(if self.ip()?.is_ipv4() { RecordType::A } else { RecordType::Aaaa })
    }

    /// The PTR of the client's address.
    pub(super) fn ptr(&self) -> Result<&Found<'a>, Lacking> {
        self.ptr.as_ref().map_err(Clone::clone)
    }

    pub(super) fn ask(&self, name: &str, kind: RecordType) -> Result<Found<'a>, Lacking> {
        let direct = !name.ends_with('.') && !name.bytes().any(|b| b.is_ascii_uppercase());
        let folded;
        let key = if direct {
            name
        } else {
            folded = Question::new(name, kind).name;
            &folded
        };
        let Some(all) = self.answers.get(&(key, kind)) else {
            // What cannot be put into a question never reaches a server: the resolver itself says no.
            if to_labels(name).is_none() {
                return Ok(Found { status: Status::Formerr, rcode: None, data: Vec::new(), chain: &[] });
            }
            return Err(Lacking::Lookup(Question::new(name, kind)));
        };
        let rank = |l: &Lookup| match l.status {
            Status::Found => 0,
            Status::Nxdomain | Status::Nodata => 1,
            _ => 2,
        };
        let Some(best) = all.iter().min_by_key(|l| rank(l)) else {
            return Err(Lacking::Lookup(Question::new(name, kind)));
        };
        let mut data: Vec<&str> = best.data().collect();
        if best.status == Status::Found && all.len() > 1 {
            for record in all.iter().filter(|l| l.status == Status::Found).flat_map(|l| l.data()) {
                if !data.iter().any(|d| d.eq_ignore_ascii_case(record)) {
                    data.push(record);
                }
            }
        }
        Ok(Found { status: best.status, rcode: best.rcode, data, chain: &best.chain })
    }

    /// Whether an answer to this question is there.
    pub(super) fn holds(&self, question: &Question) -> bool {
        self.answers.contains_key(&(question.name.as_str(), question.kind))
    }
}

/// The name given from outside, else the one of the reply to our own EHLO.
fn spoken(evidence: &Evidence) -> Option<&str> {
    if let Some(given) = &evidence.client.ehlo {
        return Some(given);
    }
    hello_name(hello_reply(evidence.smtp.as_ref()?)?.lines.first()?)
}
