//! The zone's own servers, asked beside the resolvers: who holds which answer while a change spreads.
//!
//! The zone is found by SOA, its servers by NS, their addresses by A and AAAA, all at the resolvers; each server is
//! then asked itself. Limits: [`MAX_SERVERS`] servers of a zone and an address a family of each.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::Dns;
use crate::dns::{Lookup, Question, RecordType};
use crate::evidence::{AuthoritySaid, Evidence, Watched};

/// Servers of a zone that are asked.
const MAX_SERVERS: usize = 8;

/// Asks the zones' own servers each of these questions; `authority` are servers to ask instead of those that NS names.
/// The resolvers' answers are the evidence's where it holds them.
pub async fn propagation(
    dns: &Dns,
    authority: &[SocketAddr],
    evidence: &Evidence,
    questions: &[Question],
    (timeout, per_try): (Duration, Duration),
) -> Vec<Watched> {
    let deadline = Instant::now() + timeout;
    join_all(questions.iter().map(|q| watched(dns, authority, evidence, q, deadline, per_try))).await
}

async fn watched(
    dns: &Dns,
    authority: &[SocketAddr],
    evidence: &Evidence,
    question: &Question,
    deadline: Instant,
    per_try: Duration,
) -> Watched {
    let mut resolvers: Vec<Lookup> = evidence.lookups.iter().filter(|l| l.question == *question).cloned().collect();
    if resolvers.is_empty() {
        resolvers = dns.ask(question, deadline).await;
    }
    // An alias's target lies in another zone, whose servers hold the answer.
    let end = resolvers.iter().find_map(|l| l.chain.last()).map_or(question.name.as_str(), |alias| alias.to.as_str());
    let asked = Question::new(end, question.kind);
    let apex = apex(dns, evidence, end, deadline).await;
    let servers = if authority.is_empty() {
        match &apex {
            Some(apex) => servers(dns, apex, deadline).await,
            None => Vec::new(),
        }
    } else {
        authority.iter().map(|at| Server { name: String::new(), at: Ok(*at) }).collect()
    };
    let said = servers.into_iter().map(|server| {
        let asked = asked.clone();
        async move {
            let lookup = match server.at {
                Ok(at) => Dns::each_of(&[at], per_try).ask(&asked, deadline).await.pop(),
                Err(lookup) => Some(*lookup),
            };
            lookup.map(|lookup| AuthoritySaid { name: server.name, lookup })
        }
    });
    let authority = join_all(said).await.into_iter().flatten().collect();
    Watched { question: asked, apex, authority, resolvers }
}

/// One of a zone's servers: where it is, or why that is not known.
struct Server {
    name: String,
    at: Result<SocketAddr, Box<Lookup>>,
}

async fn apex(dns: &Dns, evidence: &Evidence, name: &str, deadline: Instant) -> Option<String> {
    let question = Question::new(name, RecordType::Soa);
    let of = |lookups: &[Lookup]| {
        let soa = lookups.iter().filter(|l| l.question == question).find_map(|l| l.soa.as_ref());
        soa.map(|soa| soa.apex.clone())
    };
    match of(&evidence.lookups) {
        Some(apex) => Some(apex),
        None => of(&dns.ask(&question, deadline).await),
    }
}

async fn servers(dns: &Dns, apex: &str, deadline: Instant) -> Vec<Server> {
    let listed = dns.ask(&Question::new(apex, RecordType::Ns), deadline).await;
    let mut names: Vec<String> = listed.iter().flat_map(Lookup::data).map(str::to_ascii_lowercase).collect();
    names.sort();
    names.dedup();
    names.truncate(MAX_SERVERS);
    let found = names.into_iter().map(|name| async move {
        let kinds = [RecordType::A, RecordType::Aaaa].map(|kind| Question::new(&name, kind));
        let lookups = join_all(kinds.iter().map(|q| dns.ask(q, deadline))).await;
        let address =
            |lookups: &Vec<Lookup>| lookups.iter().flat_map(Lookup::data).find_map(|d| d.parse::<IpAddr>().ok());
        let mut servers: Vec<Server> = lookups
            .iter()
            .filter_map(address)
            .map(|ip| Server { name: name.clone(), at: Ok(SocketAddr::new(ip, 53)) })
            .collect();
        if servers.is_empty()
            && let Some(failed) = lookups.into_iter().flatten().next()
        {
            let detail = format!("{} of {name} is {}", failed.question.kind, failed.status);
            let none = Lookup::empty(failed.question, String::new(), crate::dns::Status::NotAsked, Some(detail));
            servers.push(Server { name: name.clone(), at: Err(Box::new(none)) });
        }
        servers
    });
    join_all(found).await.into_iter().flatten().collect()
}
