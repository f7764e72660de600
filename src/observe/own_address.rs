//! Which address does this machine send from? Asked of DNS services that answer with the asker's address.
//!
//! Input: services, each asked over its own address family. Output: an [`OwnSeen`] a family, the interface
//! address beside what each service said.
//! Limits: once a service has told an address, the others have [`GRACE`] left: a disagreement is worth a
//! second, a dead service is not worth three.
//! Failure: data, as everywhere: a service that is silent is a lookup that says so.

use std::net::{IpAddr, SocketAddr};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Duration, Instant, timeout_at};

use super::Family;
use super::dns::{Dns, local_address};
use crate::dns::{Lookup, Question, RecordType, Status};
use crate::evidence::OwnSeen;

/// How long the others may take once one has answered.
const GRACE: Duration = Duration::from_secs(1);

/// The services asked unless others are named, as `--whoami` writes them: two operators, both families.
pub const DEFAULT_WHOAMI: [&str; 4] = [
    "myip.opendns.com/A@208.67.222.222",
    "o-o.myaddr.l.google.com/TXT@216.239.32.10",
    "myip.opendns.com/AAAA@[2620:119:35::35]",
    "o-o.myaddr.l.google.com/TXT@[2001:4860:4802:32::a]",
];

/// A DNS server that answers a certain question with the asker's own address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whoami {
    /// What to ask.
    pub question: Question,
    /// Whom to ask; its family is the family in which it sees us.
    pub server: SocketAddr,
}

/// Asks every service, both families at once; one entry a family that has services, IPv4 first.
pub async fn own_addresses(
    services: &[Whoami],
    family: Family,
    source: Option<IpAddr>,
    per_try: Duration,
    deadline: Instant,
) -> Vec<OwnSeen> {
    let of = |v4: bool| {
        let wanted = |s: &&Whoami| {
            let ip = s.server.ip();
            ip.is_ipv4() == v4 && family.takes(ip) && source.is_none_or(|own| own.is_ipv4() == v4)
        };
        let chosen: Vec<&Whoami> = services.iter().filter(wanted).collect();
        async move {
            let any = !chosen.is_empty();
            let seen = in_family(&chosen, source, per_try, deadline).await;
            any.then_some(seen)
        }
    };
    let (v4, v6) = tokio::join!(of(true), of(false));
    [v4, v6].into_iter().flatten().collect()
}

async fn in_family(services: &[&Whoami], source: Option<IpAddr>, per_try: Duration, deadline: Instant) -> OwnSeen {
    let unasked = |status, detail: &str| {
        let lookup =
            |s: &&Whoami| Lookup::empty(s.question.clone(), s.server.to_string(), status, Some(detail.to_owned()));
        services.iter().map(lookup).collect()
    };
    let mut local = None;
    let mut refusal = String::new();
    for service in services {
        match local_address(service.server, source).await {
            Ok(ip) => {
                local = Some(ip);
                break;
            }
            Err(e) => refusal = e.to_string(),
        }
    }
    if local.is_none() {
        return OwnSeen { local, asked: unasked(Status::NotAsked, &refusal), ehlo_from: None };
    }
    let mut asked: Vec<Lookup> = unasked(Status::Timeout, "no answer in time");
    let mut running: FuturesUnordered<_> = services
        .iter()
        .enumerate()
        .map(|(place, service)| async move {
            let dns = Dns::each_of(&[service.server], per_try).asking_from(source);
            (place, dns.ask(&service.question, deadline).await.pop())
        })
        .collect();
    let mut end = deadline;
    while let Ok(Some((place, lookup))) = timeout_at(end, running.next()).await {
        let Some(lookup) = lookup else { continue };
        if lookup.data().any(|d| d.parse::<IpAddr>().is_ok()) {
            end = end.min(Instant::now() + GRACE);
        }
        asked[place] = lookup;
    }
    OwnSeen { local, asked, ehlo_from: None }
}

impl Whoami {
    /// A service; without a type, an address record of the server's family is asked for.
    pub fn new(name: &str, kind: Option<RecordType>, server: SocketAddr) -> Self {
        let own = if server.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
        Self { question: Question::new(name, kind.unwrap_or(own)), server }
    }
}
