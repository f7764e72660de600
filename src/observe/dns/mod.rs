//! The DNS door: a question in, one [`Lookup`] a resolver out; trouble included, never an error.
//!
//! Standard: RFC 1035 (messages), RFC 6891 (EDNS), RFC 7766 (TCP on truncation), RFC 8914 (extended
//! errors). Names are absolute: no search list, no hosts file, no cache, and no invented answers
//! for loopback addresses.
//! Design: hickory decodes the messages; the exchange is ours, since the ready-made
//! clients lose what a report needs: header bits and extended errors of failures, answers without
//! a question section (FORMERR), and the difference between silence and a closed port.

mod exchange;
mod ports;
mod query;
mod read;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::load::{Load, LoadSeen};
use super::millis;
use crate::dns::{FailedTry, Lookup, Question, Status};
use exchange::{Trouble, Way};
use ports::Ports;
use query::Query;

/// Questions on the wire at once: a burst must not drown the resolver. Silent zones hold their places for long.
const IN_FLIGHT: usize = 256;
/// The same in a run of many checks, which slows down by itself where answers are lost.
const IN_FLIGHT_OF_MANY: usize = 4096;

/// One resolver, with those to turn to when it fails.
pub type ServerSet = Vec<SocketAddr>;

/// The resolvers to ask. Every set is asked; within a set, the next server only when one fails.
#[derive(Clone, Debug)]
pub struct Dns {
    sets: Arc<Vec<Vec<Server>>>,
    per_try: Duration,
    source: Option<IpAddr>,
    given: bool,
    keep: Keep,
    in_flight: Arc<Semaphore>,
    ports: Arc<Ports>,
    load: Arc<Load>,
}

/// How much of an answer is kept.
#[derive(Clone, Debug)]
pub(super) struct Keep {
    /// Records at most.
    pub(super) records: usize,
    /// Data kept whatever their number: without them the verdict would be another.
    pub(super) always: Arc<[String]>,
}

/// A server, and how it is written: each lookup says whom it asked.
#[derive(Debug)]
struct Server {
    at: SocketAddr,
    name: String,
}

impl Server {
    fn new(at: SocketAddr) -> Self {
        Self { at, name: at.to_string() }
    }
}

impl Default for Keep {
    fn default() -> Self {
        Self { records: read::MAX_ANSWERS, always: Arc::default() }
    }
}

/// Why there is nobody to ask.
#[derive(Debug)]
pub struct NoResolver(pub String);

impl Dns {
    /// Asks these servers, each for its own opinion.
    pub fn each_of(servers: &[SocketAddr], per_try: Duration) -> Self {
        Self::with_sets(servers.iter().map(|s| vec![*s]).collect(), per_try)
    }

    /// Asks the system's resolvers, in their order: one opinion.
    pub fn of_system(per_try: Duration) -> Result<Self, NoResolver> {
        let (config, _) = hickory_resolver::system_conf::read_system_conf().map_err(|e| NoResolver(e.to_string()))?;
        let mut servers: Vec<SocketAddr> = Vec::new();
        for server in config.name_servers() {
            let port = server.connections.first().map_or(53, |c| c.port);
            let server = SocketAddr::new(server.ip, port);
            if !servers.contains(&server) {
                servers.push(server);
            }
        }
        if servers.is_empty() {
            return Err(NoResolver("no name server is configured".into()));
        }
        servers.truncate(3);
        Ok(Self::with_sets(vec![servers], per_try))
    }

    fn with_sets(sets: Vec<ServerSet>, per_try: Duration) -> Self {
        let in_flight = Arc::new(Semaphore::new(IN_FLIGHT));
        Self {
            sets: Arc::new(sets.into_iter().map(|set| set.into_iter().map(Server::new).collect()).collect()),
            per_try,
            source: None,
            given: false,
            keep: Keep::default(),
            in_flight,
            ports: Arc::default(),
            load: Arc::default(),
        }
    }

    /// For a run of many checks: more at once.
    #[must_use]
    pub(super) fn for_many(self) -> Self {
        Self { in_flight: Arc::new(Semaphore::new(IN_FLIGHT_OF_MANY)), ..self }
    }

    /// Keeps so much of an answer.
    #[must_use]
    pub(super) fn keeping(self, keep: Keep) -> Self {
        Self { keep, ..self }
    }

    /// Asks from this address of this machine, where a server is of its family.
    #[must_use]
    pub fn asking_from(self, source: Option<IpAddr>) -> Self {
        Self { source, ..self }
    }

    /// These servers were named by the asker: it is told to ask them again.
    #[must_use]
    pub fn given(self) -> Self {
        Self { given: true, ..self }
    }

    /// Whether the asker named the servers.
    pub fn is_given(&self) -> bool {
        self.given
    }

    /// The first server of each set, `address:port`.
    pub fn names(&self) -> Vec<String> {
        self.sets.iter().filter_map(|s| s.first().map(|server| server.name.clone())).collect()
    }

    /// Sockets to the servers that an event loop has open, where it asks much.
    pub fn sockets(&self) -> usize {
        self.sets.iter().map(Vec::len).sum::<usize>() * ports::FEWEST
    }

    pub(super) fn load(&self) -> LoadSeen {
        self.load.seen()
    }

    pub(super) fn load_counters(&self) -> &Load {
        &self.load
    }

    /// Asks every set at once; one lookup a set, in the sets' order.
    pub async fn ask(&self, question: &Question, deadline: Instant) -> Vec<Lookup> {
        if let [set] = self.sets.as_slice() {
            return vec![self.ask_set(set, question, deadline).await];
        }
        join_all(self.sets.iter().map(|set| self.ask_set(set, question, deadline))).await
    }

    /// Two tries: the second at the next server of the set, or at the same where there is no other.
    async fn ask_set(&self, set: &[Server], question: &Question, deadline: Instant) -> Lookup {
        let tries = set.len().clamp(2, 3);
        let mut begun = None;
        let mut failed_tries = Vec::new();
        let mut failed: Option<(Lookup, f64)> = None;
        for server in set.iter().cycle().take(tries) {
            // Waiting for a turn is no server's silence: a try's time begins with its turn.
            let Ok(Ok(_turn)) = timeout_at(deadline, self.in_flight.acquire()).await else { break };
            let started = Instant::now();
            if started >= deadline {
                break;
            }
            if let Some((lookup, took_ms)) = failed.take() {
                let Lookup { resolver, status, detail, .. } = lookup;
                failed_tries.push(FailedTry { resolver, status, detail, took_ms });
            }
            let mut lookup = self.follow(server, question, deadline.min(started + self.per_try)).await;
            lookup.took_ms = millis(*begun.get_or_insert(started));
            if lookup.status.is_definite() || lookup.status == Status::NotAsked {
                self.load.question(true, failed_tries.len() + 1);
                lookup.failed_tries = failed_tries;
                return lookup;
            }
            failed = Some((lookup, millis(started)));
        }
        let Some((mut lookup, _)) = failed else {
            let why = if set.is_empty() { "there is no resolver to ask" } else { "the time for this check ran out" };
            return Lookup::empty(question.clone(), String::new(), Status::NotAsked, Some(why.into()));
        };
        self.load.question(false, failed_tries.len() + 1);
        lookup.failed_tries = failed_tries;
        lookup
    }

    fn way(&self, server: SocketAddr) -> Way<'_> {
        Way { ports: &self.ports, load: &self.load, server, source: self.source }
    }

    /// One question at one server, aliases followed where the server stopped half-way.
    async fn follow(&self, server: &Server, question: &Question, deadline: Instant) -> Lookup {
        let mut lookup = Lookup::empty(question.clone(), server.name.clone(), Status::NotAsked, None);
        let Some(mut query) = Query::new(question) else {
            lookup.detail = Some("the DNS cannot hold this name".into());
            return lookup;
        };
        loop {
            match exchange::ask(&self.way(server.at), query, deadline).await {
                Ok(answer) => {
                    // Each turn adds an alias, and their number is bounded there.
                    match read::into_lookup(&mut lookup, &answer, &self.keep) {
                        Some(target) => query = Query::of_wire(&read::wire(&target), question.kind),
                        None => return lookup,
                    }
                }
                Err(Trouble { status, detail }) => {
                    lookup.status = status;
                    lookup.detail = detail;
                    return lookup;
                }
            }
        }
    }
}

/// The address of this machine from which a question to this server leaves; nothing is sent for it.
pub(super) async fn local_address(server: SocketAddr, source: Option<IpAddr>) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind(exchange::from(server, source)).await?;
    socket.connect(server).await?;
    Ok(socket.local_addr()?.ip())
}
