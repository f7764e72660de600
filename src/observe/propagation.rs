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

/// Where a name server listens (RFC 1035 §4.2).
const PORT: u16 = 53;

/// Asks the zones' own servers each of these questions; `authority` are servers to ask instead of those that NS names.
/// The resolvers' answers are the evidence's where it holds them.
pub async fn propagation(
    dns: &Dns,
    authority: &[SocketAddr],
    evidence: &Evidence,
    questions: &[Question],
    (timeout, per_try): (Duration, Duration),
) -> Vec<Watched> {
    let asking = Asking { dns, authority, evidence, deadline: Instant::now() + timeout, per_try, port: PORT };
    join_all(questions.iter().map(|question| asking.watched(question))).await
}

/// Whom to ask, and until when.
#[derive(Clone, Copy)]
struct Asking<'a> {
    dns: &'a Dns,
    authority: &'a [SocketAddr],
    evidence: &'a Evidence,
    deadline: Instant,
    per_try: Duration,
    /// The port of the zones' servers.
    port: u16,
}

/// One of a zone's servers: where it is, or why that is not known.
struct Server {
    name: String,
    at: Result<SocketAddr, Box<Lookup>>,
}

impl Asking<'_> {
    async fn watched(&self, question: &Question) -> Watched {
        let lookups = &self.evidence.lookups;
        let mut resolvers: Vec<Lookup> = lookups.iter().filter(|l| l.question == *question).cloned().collect();
        if resolvers.is_empty() {
            resolvers = self.dns.ask(question, self.deadline).await;
        }
        // An alias's target lies in another zone, whose servers hold the answer.
        let alias = resolvers.iter().find_map(|l| l.chain.last());
        let end = alias.map_or(question.name.as_str(), |alias| alias.to.as_str());
        let asked = Question::new(end, question.kind);
        let apex = self.apex(end).await;
        let servers = if self.authority.is_empty() {
            match &apex {
                Some(apex) => self.servers(apex).await,
                None => Vec::new(),
            }
        } else {
            self.authority.iter().map(|at| Server { name: String::new(), at: Ok(*at) }).collect()
        };
        let said = servers.into_iter().map(|server| {
            let asked = asked.clone();
            async move {
                let lookup = match server.at {
                    Ok(at) => Dns::each_of(&[at], self.per_try).ask(&asked, self.deadline).await.pop(),
                    Err(lookup) => Some(*lookup),
                };
                lookup.map(|lookup| AuthoritySaid { name: server.name, lookup })
            }
        });
        let authority = join_all(said).await.into_iter().flatten().collect();
        Watched { question: asked, apex, authority, resolvers }
    }

    async fn apex(&self, name: &str) -> Option<String> {
        let question = Question::new(name, RecordType::Soa);
        let of = |lookups: &[Lookup]| {
            let soa = lookups.iter().filter(|l| l.question == question).find_map(|l| l.soa.as_ref());
            soa.map(|soa| soa.apex.clone())
        };
        match of(&self.evidence.lookups) {
            Some(apex) => Some(apex),
            None => of(&self.dns.ask(&question, self.deadline).await),
        }
    }

    async fn servers(&self, apex: &str) -> Vec<Server> {
        let Self { dns, deadline, port, .. } = *self;
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
                .map(|ip| Server { name: name.clone(), at: Ok(SocketAddr::new(ip, port)) })
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Status;
    use crate::evidence::EvidenceFile;
    use hickory_resolver::proto::op::Message;
    use hickory_resolver::proto::rr::rdata::{A, CNAME, NS, PTR, SOA};
    use hickory_resolver::proto::rr::{Name, RData, Record, RecordType as WireType};

    fn name(text: &str) -> Name {
        Name::from_labels(crate::dns::to_labels(text).unwrap().iter().map(Vec::as_slice)).unwrap()
    }

    /// A server with these records; where it has none of a name, the SOA of the reverse zone tells so.
    async fn serve(at: SocketAddr, records: Vec<(&'static str, RData)>) -> SocketAddr {
        let socket = tokio::net::UdpSocket::bind(at).await.unwrap();
        let at = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                let asked = Message::from_vec(&buffer[..length]).unwrap();
                let query = asked.queries[0].clone();
                let mut answer = Message::response(asked.metadata.id, asked.metadata.op_code);
                answer.metadata.recursion_available = true;
                answer.add_query(query.clone());
                for (owner, data) in &records {
                    let wanted = [query.query_type, WireType::CNAME].contains(&data.record_type());
                    if name(owner) == query.name && wanted {
                        answer.add_answer(Record::from_rdata(name(owner), 300, data.clone()));
                    }
                }
                if answer.answers.is_empty() {
                    let soa = SOA::new(name("ns1.example."), name("hostmaster.example."), 1, 7200, 900, 1_209_600, 60);
                    answer.add_authority(Record::from_rdata(name("0/25.2.0.192.in-addr.arpa."), 60, RData::SOA(soa)));
                }
                socket.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
            }
        });
        at
    }

    /// A delegated PTR (RFC 2317): the zone is the alias's, by its SOA; its servers by NS; each is asked itself, and one
    /// whose address is not to be had is told with the reason.
    #[tokio::test]
    async fn the_zone_is_found_by_its_soa_and_its_servers_by_ns() {
        const REVERSE: &str = "1.2.0.192.in-addr.arpa.";
        const END: &str = "1.0/25.2.0.192.in-addr.arpa.";
        const ZONE: &str = "0/25.2.0.192.in-addr.arpa.";
        let ptr = |target: &str| (END, RData::PTR(PTR(name(target))));
        let ns = |server: &str| (ZONE, RData::NS(NS(name(server))));
        let a = |owner, d| (owner, RData::A(A::new(127, 78, 0, d)));
        let resolver = vec![
            (REVERSE, RData::CNAME(CNAME(name(END)))),
            ptr("old.example."),
            ns("ns1.example."),
            ns("NS2.example."),
            ns("ns3.example."),
            a("ns1.example.", 1),
            a("ns2.example.", 2),
        ];
        let resolver = serve("127.78.0.9:0".parse().unwrap(), resolver).await;
        // A resolver leaves the alias to be followed; what a zone's server holds is at its end.
        for (at, target) in [("127.78.0.1", "new.example."), ("127.78.0.2", "old.example.")] {
            serve(SocketAddr::new(at.parse().unwrap(), resolver.port()), vec![ptr(target)]).await;
        }
        let text = include_str!("../../fixtures/evidence/agree.json");
        let mut evidence = EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        evidence.lookups.clear();
        let per_try = Duration::from_secs(5);
        let dns = Dns::each_of(&[resolver], per_try);
        let asking = Asking {
            dns: &dns,
            authority: &[],
            evidence: &evidence,
            deadline: Instant::now() + Duration::from_secs(20),
            per_try,
            port: resolver.port(),
        };
        let watched = asking.watched(&Question::new("1.2.0.192.in-addr.arpa", RecordType::Ptr)).await;
        assert_eq!(watched.question.name, "1.0/25.2.0.192.in-addr.arpa");
        assert_eq!(watched.apex.as_deref(), Some("0/25.2.0.192.in-addr.arpa"));
        let said: Vec<(&str, &str, Status, Vec<&str>)> = watched
            .authority
            .iter()
            .map(|a| (a.name.as_str(), a.lookup.resolver.as_str(), a.lookup.status, a.lookup.data().collect()))
            .collect();
        let at = |host: &str| format!("{host}:{}", resolver.port());
        assert_eq!(
            said,
            [
                ("ns1.example", at("127.78.0.1").as_str(), Status::Found, vec!["new.example"]),
                ("ns2.example", at("127.78.0.2").as_str(), Status::Found, vec!["old.example"]),
                ("ns3.example", "", Status::NotAsked, vec![]),
            ]
        );
        let why = watched.authority[2].lookup.detail.as_deref();
        assert_eq!(why, Some("A of ns3.example is nodata"));
        assert_eq!(watched.resolvers[0].data().collect::<Vec<_>>(), ["old.example"]);
    }
}
