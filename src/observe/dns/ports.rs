//! The UDP side: a few connected sockets to each server, each for many questions; answers are sorted by their id.
//!
//! Standard: RFC 5452 §9.2 (an answer is believed by its address, port, id and question). Against forged answers
//! stand a random id, a socket chosen at random of [`FEWEST`] and more with ports chosen by the system, and a new
//! port after [`QUESTIONS`] questions: what a guesser learns of one is soon worth nothing. What does not match
//! is passed over.
//! Limits: [`WAITING`] questions wait at one socket, so that all their answers fit into its buffer (one socket
//! for everything loses answers when they come faster than they are read).

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

use foldhash::HashMap;
use tokio::net::UdpSocket;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::exchange::from;
use super::query::{HEADER, Query};

/// Sockets among which a question's is chosen, once there are questions enough.
pub(super) const FEWEST: usize = 8;
/// Questions that wait for their answers at one socket: answers of 1232 octets take up 2304 of a buffer that
/// holds 212,992 at least by Linux's default.
const WAITING: usize = 64;
/// Questions in the life of a socket.
const QUESTIONS: usize = 512;
/// The receive buffer asked for; the system gives what it allows.
const RECEIVE_BUFFER: usize = 1 << 20;
/// The largest datagram that we take: more than we announce (RFC 6891 §6.2.5).
const DATAGRAM: usize = 4096;

/// A server, the address to ask it from, and the thread that reads the answers: the sockets of another event loop would
/// wake it for every answer.
type Way = (SocketAddr, Option<IpAddr>, ThreadId);

fn way(server: SocketAddr, source: Option<IpAddr>) -> Way {
    (server, source, std::thread::current().id())
}

/// The sockets to every server asked.
#[derive(Debug, Default)]
pub(super) struct Ports {
    open: Mutex<HashMap<Way, Vec<Arc<Port>>>>,
    random: Random,
}

impl Ports {
    /// Sends a query, puts it under an id of ours for that, and gives the place where its answer will come.
    pub(super) async fn send(
        &self,
        server: SocketAddr,
        source: Option<IpAddr>,
        query: &mut Query,
    ) -> io::Result<Waiting> {
        let waiting = if let Some(waiting) = self.place(server, source, query) {
            waiting
        } else {
            let port = Port::open(server, source)?;
            locked(&self.open).entry(way(server, source)).or_default().push(port.clone());
            port.wait(query, &self.random).ok_or(io::ErrorKind::WouldBlock)?
        };
        query.set_id(waiting.id);
        if let Err(e) = waiting.port.socket.send(query.octets()).await {
            // The system reports a refusal once, to whoever sends or reads next: it is everybody's.
            locked(&waiting.port.state).fail(&e);
            return Err(e);
        }
        Ok(waiting)
    }

    fn place(&self, server: SocketAddr, source: Option<IpAddr>, query: &Query) -> Option<Waiting> {
        let mut open = locked(&self.open);
        let ports = open.get_mut(&way(server, source))?;
        ports.retain(|port| locked(&port.state).usable());
        // Among fewer than FEWEST, the choice may fall on one that is yet to be opened.
        let chosen = usize::try_from(self.random.next()).unwrap_or_default() % ports.len().max(FEWEST);
        if chosen >= ports.len() {
            return None;
        }
        (chosen..ports.len()).chain(0..chosen).find_map(|at| ports[at].wait(query, &self.random))
    }
}

/// A socket with a task that reads it until nobody needs it.
#[derive(Debug)]
struct Port {
    socket: Arc<UdpSocket>,
    state: Arc<Mutex<State>>,
    reader: AbortHandle,
}

#[derive(Debug, Default)]
struct State {
    waiting: HashMap<u16, Asked>,
    asked: usize,
    failed: bool,
}

/// A question on its way: the question section as sent, and who waits.
#[derive(Debug)]
struct Asked {
    question: Box<[u8]>,
    answer: oneshot::Sender<io::Result<Vec<u8>>>,
}

impl State {
    fn usable(&self) -> bool {
        !self.failed && self.asked < QUESTIONS
    }

    /// Gives a datagram to the question that it answers.
    fn deliver(&mut self, datagram: &[u8]) {
        let Some(id) = datagram.first_chunk::<2>().map(|id| u16::from_be_bytes(*id)) else { return };
        let answers = |asked: &Asked| {
            let response = datagram.get(2).is_none_or(|flags| flags & 0x80 != 0);
            let questions = datagram.get(4..6).map_or(0, |n| u16::from_be_bytes([n[0], n[1]]));
            // One without a question section may be a failure's; what is cut off is told by its reader.
            let same = match datagram.get(HEADER..HEADER + asked.question.len()) {
                Some(question) if questions == 1 => question.eq_ignore_ascii_case(&asked.question),
                Some(_) => questions == 0,
                None => true,
            };
            response && same
        };
        if self.waiting.get(&id).is_some_and(answers)
            && let Some(asked) = self.waiting.remove(&id)
        {
            let _ = asked.answer.send(Ok(datagram.to_vec()));
        }
    }

    /// Tells everybody that no answer will come.
    fn fail(&mut self, error: &io::Error) {
        self.failed = true;
        for (_, asked) in self.waiting.drain() {
            let again = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
            let _ = asked.answer.send(Err(again));
        }
    }
}

impl Port {
    fn open(server: SocketAddr, source: Option<IpAddr>) -> io::Result<Arc<Self>> {
        let socket = std::net::UdpSocket::bind(from(server, source))?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        // A smaller buffer than asked for is no reason not to ask.
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER);
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        let state = Arc::new(Mutex::new(State::default()));
        let reader = tokio::spawn(read(socket.clone(), state.clone())).abort_handle();
        Ok(Arc::new(Self { socket, state, reader }))
    }

    /// A place here for a query; `None` where all are taken.
    fn wait(self: &Arc<Self>, query: &Query, random: &Random) -> Option<Waiting> {
        let mut state = locked(&self.state);
        if !state.usable() || state.waiting.len() >= WAITING {
            return None;
        }
        let id = loop {
            let id = (random.next() & 0xffff) as u16;
            if !state.waiting.contains_key(&id) {
                break id;
            }
        };
        let (answer, coming) = oneshot::channel();
        state.asked += 1;
        state.waiting.insert(id, Asked { question: query.question().into(), answer });
        drop(state);
        Some(Waiting { port: self.clone(), id, coming })
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(socket: Arc<UdpSocket>, state: Arc<Mutex<State>>) {
    let mut buffer = vec![0; DATAGRAM];
    loop {
        match socket.recv(&mut buffer).await {
            Ok(length) => locked(&state).deliver(&buffer[..length]),
            Err(e) => return locked(&state).fail(&e),
        }
    }
}

/// A question that waits for its answer; its place is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Waiting {
    port: Arc<Port>,
    id: u16,
    coming: oneshot::Receiver<io::Result<Vec<u8>>>,
}

impl Waiting {
    #[cfg(test)]
    /// The id that the query was sent under.
    pub(super) fn id(&self) -> u16 {
        self.id
    }

    /// The datagram that answers, or the system's word that none will come.
    pub(super) async fn answer(&mut self) -> io::Result<Vec<u8>> {
        (&mut self.coming).await.unwrap_or_else(|_| Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        locked(&self.port.state).waiting.remove(&self.id);
    }
}

/// Numbers that nobody outside can foretell: a counter under a keyed hash (`SipHash`, its key from the system).
#[derive(Debug, Default)]
struct Random {
    key: RandomState,
    count: AtomicU64,
}

impl Random {
    fn next(&self) -> u64 {
        self.key.hash_one(self.count.fetch_add(1, Ordering::Relaxed))
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(name: &str) -> Query {
        Query::new(&crate::dns::Question::new(name, crate::dns::RecordType::A)).unwrap()
    }

    fn answer(id: u16, name: &str) -> Vec<u8> {
        let mut query = Query::of_wire(&crate::dns::to_wire(name).unwrap(), crate::dns::RecordType::A).plain();
        query.set_id(id);
        let mut answer = query.octets().to_vec();
        answer[2] |= 0x80;
        answer
    }

    #[tokio::test]
    async fn answers_find_their_questions_and_what_does_not_match_is_passed_over() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let ports = Ports::default();
        let mut first = ports.send(server.local_addr().unwrap(), None, &mut query("one.example")).await.unwrap();
        let mut second = ports.send(server.local_addr().unwrap(), None, &mut query("two.example")).await.unwrap();
        let mut buffer = [0; 512];
        let mut from = Vec::new();
        for _ in 0..2 {
            from.push(server.recv_from(&mut buffer).unwrap().1);
        }
        let mut echo = query("one.example");
        echo.set_id(first.id());
        let unasked = echo.octets().to_vec();
        for to in from {
            // Another id, another question, no response at all; then the answers, the second's first.
            for octets in [
                answer(first.id() ^ 1, "one.example"),
                answer(first.id(), "six.example"),
                unasked.clone(),
                answer(second.id(), "TWO.example"),
                answer(first.id(), "one.example"),
                answer(first.id(), "one.example"),
            ] {
                server.send_to(&octets, to).unwrap();
            }
        }
        assert_eq!(first.answer().await.unwrap(), answer(first.id(), "one.example"));
        assert_eq!(second.answer().await.unwrap(), answer(second.id(), "TWO.example"));
    }

    #[tokio::test]
    async fn many_questions_use_several_ports_and_each_for_a_while() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        server.set_read_timeout(Some(std::time::Duration::from_secs(10))).unwrap();
        let ports = Ports::default();
        let mut seen: HashMap<SocketAddr, usize> = HashMap::default();
        let mut ids = std::collections::HashSet::new();
        let mut buffer = [0; 512];
        for _ in 0..2 * FEWEST * QUESTIONS {
            let waiting = ports.send(server.local_addr().unwrap(), None, &mut query("a.example")).await.unwrap();
            ids.insert(waiting.id());
            let (_, from) = server.recv_from(&mut buffer).unwrap();
            *seen.entry(from).or_default() += 1;
        }
        // The system may give a port that was closed once more: one of them at the most is counted twice.
        assert!(seen.len() >= 2 * FEWEST - 1, "{} ports", seen.len());
        assert!(seen.values().filter(|n| **n > QUESTIONS).count() <= 1, "{seen:?}");
        assert!(ids.len() > 7000, "{} ids of {}", ids.len(), 2 * FEWEST * QUESTIONS);
    }

    #[tokio::test]
    async fn each_thread_has_sockets_of_its_own() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let (at, ports) = (server.local_addr().unwrap(), Arc::new(Ports::default()));
        let _here = ports.send(at, None, &mut query("a.example")).await.unwrap();
        let others = ports.clone();
        let there = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { others.send(at, None, &mut query("a.example")).await.map(drop).unwrap() });
            std::thread::current().id()
        });
        let there = there.join().unwrap();
        let threads: std::collections::HashSet<_> = locked(&ports.open).keys().map(|(.., thread)| *thread).collect();
        assert_eq!(threads, [std::thread::current().id(), there].into());
    }

    #[tokio::test]
    async fn nobody_waits_beside_too_many_others() {
        let server = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let ports = Ports::default();
        let mut all = Vec::new();
        for _ in 0..20 * WAITING {
            all.push(ports.send(server.local_addr().unwrap(), None, &mut query("a.example")).await.unwrap());
        }
        let open = locked(&ports.open);
        let ports = open.values().next().unwrap();
        assert!(ports.len() >= 20);
        assert!(ports.iter().all(|p| locked(&p.state).waiting.len() <= WAITING));
    }

    #[tokio::test]
    async fn a_closed_port_is_told_to_all_that_wait() {
        const QUESTIONS: usize = 3 * FEWEST;
        // Not one that was open a moment ago: another test's socket may get it, or one of ours.
        let closed = "127.0.0.1:1".parse().unwrap();
        let ports = Ports::default();
        let mut waiting = Vec::new();
        let mut all = Vec::new();
        // Sent before anybody reads: some refusals come to those that send, the others are still to be told.
        for _ in 0..QUESTIONS {
            match ports.send(closed, None, &mut query("a.example")).await {
                Ok(sent) => waiting.push(sent),
                Err(e) => all.push(e.kind()),
            }
        }
        assert!(!waiting.is_empty(), "{} refused at once", all.len());
        for mut sent in waiting {
            let told = tokio::time::timeout(std::time::Duration::from_secs(10), sent.answer()).await;
            all.push(told.expect("it is told").map(|_| ()).unwrap_err().kind());
        }
        assert_eq!(all, [io::ErrorKind::ConnectionRefused; QUESTIONS]);
    }
}
