//! Who still holds an old answer, and for how long: the zone's own servers beside the resolvers.
//!
//! Rule: what all of the zone's servers that answer say is what is published. Where they differ, the zone's
//! transfer is not complete, and nobody can be called old. A server that fails holds no answer.
//! Units: seconds. A resolver's TTL is what is left of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Check;
use super::dns_report::{sorted, ttl};
use crate::dns::{Lookup, MAX_PTR_NAMES, Question, RecordType, Status, reverse_name};
use crate::evidence::Watched;

/// What a zone's own servers and the resolvers say to one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Propagation {
    /// `PTR 10.113.0.203.in-addr.arpa`.
    pub question: String,
    /// The zone that holds the answer; `null` where nobody could tell.
    pub zone: Option<String>,
    /// What the zone's servers agree on; `null` where they differ or none answers.
    pub published: Option<String>,
    /// The zone's servers.
    pub authority: Vec<Holding>,
    /// The resolvers.
    pub resolvers: Vec<Holding>,
}

/// One server's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Holding {
    /// `address:port`, behind the name where there is one.
    pub server: String,
    /// What came of the question.
    pub status: Status,
    /// The records, or the status.
    pub said: String,
    /// Whether it is what is published; `null` where that cannot be told.
    pub current: Option<bool>,
    /// Seconds that the answer may be kept: at a resolver, how long the old one stays at most.
    pub ttl: Option<u32>,
}

/// The questions whose answers an identity stands on: its PTR, and the addresses of the PTR names and of the EHLO name
/// in the client's family.
pub fn questions(check: &Check) -> Vec<Question> {
    let Some(ip) = check.client.ip else { return Vec::new() };
    let family = if ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
    let mut asked = vec![Question::new(&reverse_name(ip), RecordType::Ptr)];
    let ptr = check.dns.ptr.iter().flat_map(|p| &p.names).take(MAX_PTR_NAMES);
    let ehlo = check.dns.ehlo_forward.iter().map(|f| &f.name);
    for name in ptr.chain(ehlo) {
        let question = Question::new(name, family);
        if !asked.contains(&question) {
            asked.push(question);
        }
    }
    asked
}

impl Propagation {
    /// Judges what was gathered on one question.
    pub fn of(watched: &Watched) -> Self {
        let definite = |l: &&Lookup| l.status.is_definite();
        let mut told: Vec<String> = watched.authority.iter().map(|a| &a.lookup).filter(definite).map(sorted).collect();
        told.dedup();
        let published = match told.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        let holding = |name: &str, lookup: &Lookup| {
            let said = sorted(lookup);
            let server = match (name, lookup.resolver.as_str()) {
                (name, "") => name.to_owned(),
                ("", at) => at.to_owned(),
                (name, at) => format!("{name} {at}"),
            };
            let current = published.as_ref().filter(|_| lookup.status.is_definite()).map(|p| *p == said);
            Holding { server, status: lookup.status, said, current, ttl: ttl(lookup) }
        };
        Self {
            question: format!("{} {}", watched.question.kind, watched.question.name),
            zone: watched.apex.clone(),
            authority: watched.authority.iter().map(|a| holding(&a.name, &a.lookup)).collect(),
            resolvers: watched.resolvers.iter().map(|l| holding("", l)).collect(),
            published,
        }
    }

    /// Whether every server that answers gives what is published. Where no server of the zone answers, nothing
    /// speaks against it.
    pub fn settled(&self) -> bool {
        let transfer = self.published.is_some() || !self.authority.iter().any(|h| h.status.is_definite());
        transfer && self.resolvers.iter().all(|h| h.current != Some(false))
    }

    /// The resolvers that hold another answer than the published one.
    pub fn old(&self) -> impl Iterator<Item = &Holding> {
        self.resolvers.iter().filter(|h| h.current == Some(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Answer;
    use crate::evidence::AuthoritySaid;

    fn lookup(server: &str, names: &[&str], ttl: u32) -> Lookup {
        let question = Question::new("10.113.0.203.in-addr.arpa", RecordType::Ptr);
        let status = if names.is_empty() { Status::Servfail } else { Status::Found };
        let mut lookup = Lookup::empty(question, server.into(), status, None);
        lookup.answers = names.iter().map(|n| Answer { data: (*n).into(), ttl }).collect();
        lookup
    }

    fn watched(authority: &[&[&str]], resolvers: &[&[&str]]) -> Propagation {
        let said =
            |names: &&[&str]| AuthoritySaid { name: "ns1.example".into(), lookup: lookup("192.0.2.1:53", names, 3600) };
        Propagation::of(&Watched {
            question: Question::new("10.113.0.203.in-addr.arpa", RecordType::Ptr),
            apex: Some("113.0.203.in-addr.arpa".into()),
            authority: authority.iter().map(said).collect(),
            resolvers: resolvers.iter().map(|names| lookup("192.0.2.53:53", names, 40)).collect(),
        })
    }

    #[test]
    fn who_is_old_and_for_how_long() {
        let seen = watched(&[&["New.example"], &["new.example"]], &[&["old.example"], &["new.EXAMPLE"], &[]]);
        assert_eq!(seen.published.as_deref(), Some("new.example"));
        let current: Vec<_> = seen.resolvers.iter().map(|h| h.current).collect();
        assert_eq!(current, [Some(false), Some(true), None], "a failure is no old answer");
        assert_eq!(seen.old().map(|h| h.ttl).collect::<Vec<_>>(), [Some(40)]);
        assert_eq!(seen.authority[0].server, "ns1.example 192.0.2.1:53");
        assert!(!seen.settled());
        assert!(watched(&[&["a.example", "b.example"]], &[&["b.example", "a.example"]]).settled());
    }

    #[test]
    fn a_transfer_under_way_calls_nobody_old() {
        let seen = watched(&[&["new.example"], &["old.example"]], &[&["old.example"]]);
        assert_eq!((seen.published.clone(), seen.old().count(), seen.settled()), (None, 0, false));
        let silent = watched(&[&[]], &[&["old.example"]]);
        assert!(silent.settled() && silent.published.is_none());
    }
}
