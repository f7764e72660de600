//! The receiver's eye: what a client says when it connects to us, and the DNS side of what it shows.
//!
//! Order: a socket accepts, and serves where there is room for a session; the session is held; its identity is looked up beside
//! the sessions that go on; the two come out as one [`Heard`].
//! Limits: sessions in all and per address ([`ListenOptions`]); as many more may wait for their lookups or for the
//! reader of the results. Past that no connection is accepted: the reader's slowness reaches the door, and nothing
//! that was heard is lost.
//! Failure: a socket that cannot be bound. A connection's trouble is part of its session.

mod connection;
mod door;
mod identities;
mod proxy;
mod tls;
mod turns;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipnet::IpNet;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

pub use door::{Door, bind};
pub use tls::ListenTls;

use super::Observer;
use crate::evidence::{Evidence, Session};
use crate::smtp::{ServerLimits, ServerPlan, Taking};
use connection::Ends;
use door::Callers;
use identities::Identities;
use turns::Turns;

/// Results that may wait for their reader.
const QUEUE: usize = 16;

/// How to listen.
#[derive(Clone, Debug)]
pub struct ListenOptions {
    /// The name with which we greet.
    pub name: String,
    /// What becomes of mail.
    pub taking: Taking,
    /// The recipient that is waited for.
    pub token: Option<String>,
    /// The recipient's domain, where it must be this one ([`ServerPlan::domain`]).
    pub domain: Option<String>,
    /// The envelope sender of the message that is waited for ([`ServerPlan::sender`]).
    pub sender: Option<String>,
    /// Only a session that names the token is looked up.
    pub only_token: bool,
    /// How long we wait before the greeting, for clients that cannot.
    pub greet_delay: Duration,
    /// A command is whole within this after our last reply; so are a handshake and a PROXY header.
    pub command_time: Duration,
    /// A session ends within this.
    pub session_time: Duration,
    /// Sessions at once.
    pub sessions: usize,
    /// Sessions at once of one IPv4 address, or of one IPv6 network of /64.
    pub per_address: usize,
    /// Who may name the client in a PROXY header, and must; a client so named counts by its own address.
    pub proxy_from: Vec<IpNet>,
    /// Our certificate.
    pub tls: ListenTls,
    /// Bounds on what one client may say.
    pub limits: ServerLimits,
}

impl ListenOptions {
    /// The defaults under this name.
    pub fn new(name: &str, tls: ListenTls) -> Self {
        Self {
            name: name.to_owned(),
            taking: Taking::Nobody,
            token: None,
            domain: None,
            sender: None,
            only_token: false,
            greet_delay: Duration::from_millis(250),
            command_time: Duration::from_mins(1),
            session_time: Duration::from_mins(5),
            sessions: 2500,
            per_address: 50,
            proxy_from: Vec::new(),
            tls,
            limits: ServerLimits { commands: 250, ..ServerLimits::default() },
        }
    }
}

/// One session, and what the DNS says of its identity.
#[derive(Clone, Debug)]
pub struct Heard {
    /// The session.
    pub session: Session,
    /// The evidence; shared by the sessions that show the same identity within a minute. `None` where no name was
    /// said, where the session was not the one waited for, or where we were told to stop at once.
    pub evidence: Option<Arc<Evidence>>,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Go on.
    No,
    /// Accept nobody more; sessions have two seconds to end, lookups their own time.
    Soon,
    /// End sessions and lookups now; what was heard comes out all the same.
    Now,
}

/// Connections that came to no session.
#[derive(Debug, Default)]
pub struct Turned {
    /// Refused with 421: too many at once from one address.
    pub per_address: AtomicU64,
    /// Could not be accepted, as where descriptors run out.
    pub failed: AtomicU64,
    /// Why the last of these could not, in the system's words.
    pub why: Mutex<String>,
}

/// A listener that runs until it is told to stop.
#[derive(Debug)]
pub struct Listener {
    heard: mpsc::Receiver<Heard>,
    stop: watch::Sender<Stop>,
    turned: Arc<Turned>,
}

impl Listener {
    /// Opens these doors. Must be called within a runtime.
    pub fn start(doors: Vec<Door>, options: ListenOptions, observer: Observer) -> std::io::Result<Self> {
        let (results, heard) = mpsc::channel(QUEUE);
        let (stop, told) = watch::channel(Stop::No);
        let turned = Arc::new(Turned::default());
        let listening = Arc::new(Listening {
            places: Arc::new(Semaphore::new(options.sessions)),
            waiting: Arc::new(Semaphore::new(options.sessions)),
            callers: Callers::new(options.per_address),
            identities: Identities::new(observer),
            turns: Turns::new(),
            count: AtomicU64::new(0),
            turned: turned.clone(),
            results,
            stop: told,
            options,
        });
        let opened = doors.into_iter().map(Door::open).collect::<std::io::Result<Vec<_>>>()?;
        let mut doors = JoinSet::new();
        for (socket, implicit_tls) in opened {
            doors.spawn(door::keep(socket, implicit_tls, listening.clone()));
        }
        tokio::spawn(async move { while doors.join_next().await.is_some() {} });
        Ok(Self { heard, stop, turned })
    }

    /// The next result; `None` when the listener has stopped and all is told.
    pub async fn next(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    /// Tells it to stop; `Now` outweighs `Soon`.
    pub fn stop(&self, how: Stop) {
        self.stop.send_if_modified(|now| {
            let new = *now == Stop::No || how == Stop::Now;
            if new {
                *now = how;
            }
            new
        });
    }

    /// What was turned away.
    pub fn turned(&self) -> &Turned {
        &self.turned
    }
}

/// Waits for word of this kind; where nobody can give word any more, that is word enough.
async fn told(stop: &mut watch::Receiver<Stop>, kind: impl Fn(Stop) -> bool) {
    let _ = stop.wait_for(|s| kind(*s)).await;
}

/// What every connection shares.
struct Listening {
    options: ListenOptions,
    places: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    callers: Arc<Callers>,
    identities: Identities,
    turns: Turns,
    count: AtomicU64,
    turned: Arc<Turned>,
    results: mpsc::Sender<Heard>,
    stop: watch::Receiver<Stop>,
}

impl Listening {
    fn plan(&self, implicit_tls: bool) -> ServerPlan {
        let options = &self.options;
        ServerPlan {
            greeting: format!("{} ESMTP smtp-preflight", options.name),
            name: options.name.clone(),
            extensions: vec![
                "PIPELINING".into(),
                format!("SIZE {}", options.limits.message),
                "ENHANCEDSTATUSCODES".into(),
            ],
            starttls: !implicit_tls,
            taking: options.taking,
            token: options.token.clone(),
            domain: options.domain.clone(),
            sender: options.sender.clone(),
            limits: options.limits,
            ..ServerPlan::default()
        }
    }

    fn next_number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn is_proxy(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.options.proxy_from.iter().any(|net| net.contains(&peer))
    }

    /// One client, from its first octet to its result.
    async fn serve(&self, stream: tokio::net::TcpStream, ends: Ends, mut place: door::Place) {
        let held = connection::hold(self, &mut place, stream, ends, self.stop.clone()).await;
        let Some(session) = held else { return };
        // A place is given up only for a place among those who wait, so that both numbers hold.
        let _waiting = self.waiting.acquire().await;
        drop(place);
        let wanted = !self.options.only_token || session.matched;
        let (evidence, turn) = match &session.ehlo {
            Some(ehlo) if wanted => {
                let ip = session.client.ip();
                let asked = async {
                    let turn = self.turns.next(door::key(ip)).await;
                    (self.identities.of(ip, ehlo).await, turn)
                };
                tokio::select! {
                    asked = asked => asked,
                    () = self.no_time_left() => (None, None),
                }
            }
            _ => (None, None),
        };
        // Nobody takes results any more only where the whole program ends.
        let _ = self.results.send(Heard { session, evidence }).await;
        // Until here its evidence is memory that the next one must wait for.
        drop(turn);
    }

    /// Word to end lookups now; or to stop, and the time over that the last session and one lookup have.
    async fn no_time_left(&self) {
        let mut stop = self.stop.clone();
        told(&mut stop, |s| s != Stop::No).await;
        let _ = timeout(connection::GRACE + self.identities.time(), told(&mut stop, |s| s == Stop::Now)).await;
    }
}
