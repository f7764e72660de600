//! SMTP servers on loopback that behave as a scenario says and write down what their clients do.
//!
//! Design: a thin driver under [`ServerSession`]; what is said is decided there or in the script.
//! Failure: a socket that cannot be bound, a script that cannot be read.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::certificate;
use super::scenario::{Listen, Moment, PeerPlan, StepPlan};
use crate::smtp::{Action, Cue, ServerPlan, ServerRecord, ServerSession};

/// "Until the client goes", as a time.
const HANG: Duration = Duration::from_hours(1);
/// How long a connection to a full queue is tried before the queue counts as full.
const FULL: Duration = Duration::from_millis(120);

/// What each connection to a peer said, in the order of the connections.
pub(super) type Journal = Arc<Mutex<Vec<ServerRecord>>>;

/// A peer that runs until it is dropped.
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) journal: Journal,
    _tasks: JoinSet<()>,
    /// Sockets that are held and never served: a closed port and a full queue.
    _held: Vec<Held>,
}

enum Held {
    Socket { _socket: TcpSocket },
    Listener { _listener: TcpListener },
    Stream { _stream: TcpStream },
}

/// A peer's address, bound and not yet listened at; the port is known from here on.
pub(super) struct Bound {
    socket: TcpSocket,
    pub(super) address: SocketAddr,
}

/// Binds an address; 127.0.0.1 stands in for another of 127/8 that this machine does not have.
pub(super) fn bind(address: IpAddr, port: u16) -> io::Result<Bound> {
    let at = |address: IpAddr| -> io::Result<Bound> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(SocketAddr::new(address, port))?;
        let address = socket.local_addr()?;
        Ok(Bound { socket, address })
    };
    match at(address) {
        Err(e) if e.kind() == io::ErrorKind::AddrNotAvailable && address.is_ipv4() => at([127, 0, 0, 1].into()),
        result => result,
    }
}

/// Starts a peer at a bound address; `expand` fills the placeholders.
pub(super) async fn start(
    plan: &PeerPlan,
    bound: Bound,
    delay: Option<Duration>,
    expand: impl Fn(&str) -> String,
) -> Result<Peer, String> {
    let Bound { socket, address } = bound;
    let journal = Journal::default();
    let (mut tasks, mut held) = (JoinSet::new(), Vec::new());
    let io = |e: io::Error| format!("no SMTP server at {address}: {e}");
    match plan.listen {
        Listen::Closed => held.push(Held::Socket { _socket: socket }),
        Listen::Blackhole => held = fill(socket, address).await.map_err(io)?,
        Listen::Normal => {
            let world = Arc::new(World {
                plan: server_plan(plan, &expand)?,
                acceptor: certificate::acceptor(&expanded(&plan.tls.names, &expand), plan.tls.expired)?,
                implicit: plan.tls.implicit,
                delay,
                journal: Arc::clone(&journal),
            });
            let listener = socket.listen(64).map_err(io)?;
            tasks.spawn(accept(listener, world));
        }
    }
    Ok(Peer { address, journal, _tasks: tasks, _held: held })
}

/// Fills a queue that nobody empties, so that the next connection is never answered.
async fn fill(socket: TcpSocket, address: SocketAddr) -> io::Result<Vec<Held>> {
    let mut held = vec![Held::Listener { _listener: socket.listen(0)? }];
    let mut unanswered = 0;
    for _ in 0..16 {
        match timeout(FULL, TcpStream::connect(address)).await {
            Ok(stream) => held.push(Held::Stream { _stream: stream? }),
            // One slow answer may be a busy machine; two are a full queue.
            Err(_) if unanswered == 1 => break,
            Err(_) => unanswered += 1,
        }
    }
    Ok(held)
}

fn expanded(texts: &[String], expand: &impl Fn(&str) -> String) -> Vec<String> {
    texts.iter().map(|t| expand(t)).collect()
}

fn server_plan(plan: &PeerPlan, expand: &impl Fn(&str) -> String) -> Result<ServerPlan, String> {
    let mut server = ServerPlan {
        greeting: expand(&plan.banner.clone().unwrap_or_else(|| format!("{} ESMTP", plan.name))),
        name: expand(plan.ehlo.as_ref().unwrap_or(&plan.name)),
        secure_name: plan.tls.ehlo.as_deref().map(expand),
        extensions: expanded(&plan.extensions, expand),
        starttls: plan.tls.offered && !plan.tls.implicit,
        strict: plan.strict,
        ..ServerPlan::default()
    };
    for script in &plan.script {
        let mut actions = Vec::new();
        for step in &script.steps {
            actions.extend(step_actions(step, expand)?);
        }
        server.scripts.insert(cue(script.on), actions);
    }
    Ok(server)
}

fn step_actions(step: &StepPlan, expand: &impl Fn(&str) -> String) -> Result<Vec<Action>, String> {
    Ok(match step {
        StepPlan::Send(text) => vec![Action::Send(expand(text).into_bytes())],
        StepPlan::SendHex(text) => vec![Action::Send(octets(text).ok_or_else(|| format!("not hexadecimal: {text}"))?)],
        StepPlan::Repeat(text) => vec![Action::Repeat(expand(text).into_bytes())],
        StepPlan::Fill { text, count } => vec![Action::Send(text.repeat(*count).into_bytes())],
        StepPlan::Drip { text, every_ms } => {
            let wait = Action::Wait(Duration::from_millis(*every_ms));
            expand(text).bytes().flat_map(|octet| [wait.clone(), Action::Send(vec![octet])]).skip(1).collect()
        }
        StepPlan::WaitMs(ms) => vec![Action::Wait(Duration::from_millis(*ms))],
        StepPlan::Hang => vec![Action::Wait(HANG)],
        StepPlan::StartTls => vec![Action::StartTls],
        StepPlan::Close => vec![Action::Close],
    })
}

fn octets(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    let octet = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).ok();
    digits.len().is_multiple_of(2).then(|| digits.chunks(2).map(octet).collect())?
}

fn cue(moment: Moment) -> Cue {
    match moment {
        Moment::Greeting => Cue::Greeting,
        Moment::Ehlo => Cue::Ehlo,
        Moment::EhloSecure => Cue::EhloSecure,
        Moment::Helo => Cue::Helo,
        Moment::Starttls => Cue::StartTls,
        Moment::Handshake => Cue::Handshake,
        Moment::Quit => Cue::Quit,
    }
}

/// What every connection of a peer shares.
struct World {
    plan: ServerPlan,
    acceptor: TlsAcceptor,
    implicit: bool,
    delay: Option<Duration>,
    journal: Journal,
}

async fn accept(listener: TcpListener, world: Arc<World>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let place = {
            let mut journal = world.journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.push(ServerRecord::default());
            journal.len() - 1
        };
        let world = Arc::clone(&world);
        // Mail servers answer at once; waiting to fill a segment would be a delay that no scenario asked for.
        let _ = stream.set_nodelay(true);
        connections.spawn(async move {
            let session = ServerSession::new(world.plan.clone());
            let mut connection = Connection { wire: Box::new(stream), session, world, place };
            // A client that goes is how most of these dialogues end.
            let _ = connection.serve().await;
        });
        while connections.try_join_next().is_some() {}
    }
}

/// A plain or a secured stream.
trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

struct Connection {
    wire: Box<dyn Wire>,
    session: ServerSession,
    world: Arc<World>,
    place: usize,
}

/// Whether the dialogue goes on.
#[derive(PartialEq, Eq)]
enum Next {
    On,
    Over,
}

impl Connection {
    async fn serve(&mut self) -> io::Result<()> {
        if self.world.implicit {
            self.handshake().await?;
        }
        self.settle(self.world.delay.unwrap_or_default()).await?;
        if self.play(self.session.open()).await? == Next::Over {
            return Ok(());
        }
        self.session.greeted();
        let mut buffer = [0; 2048];
        loop {
            while let Some(actions) = self.session.answer() {
                self.note();
                self.settle(self.world.delay.unwrap_or_default()).await?;
                if self.play(actions).await? == Next::Over {
                    return Ok(());
                }
            }
            match self.wire.read(&mut buffer).await? {
                0 => return Ok(()),
                n => {
                    let refusal = self.session.push(&buffer[..n]);
                    self.note();
                    if let Some(refusal) = refusal {
                        self.play_refusal(refusal).await?;
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Plays actions in order; a client that breaks the rules meanwhile is refused instead.
    async fn play(&mut self, actions: Vec<Action>) -> io::Result<Next> {
        for action in actions {
            match action {
                Action::Send(octets) => {
                    if let Some(refusal) = self.heard_meanwhile() {
                        self.play_refusal(refusal).await?;
                        return Ok(Next::Over);
                    }
                    self.wire.write_all(&octets).await?;
                    self.wire.flush().await?;
                }
                Action::Repeat(octets) => loop {
                    self.wire.write_all(&octets).await?;
                },
                Action::Wait(time) => {
                    if self.settle(time).await? == Next::Over {
                        return Ok(Next::Over);
                    }
                }
                Action::StartTls => match self.session.script(Cue::Handshake) {
                    Some(actions) => return Box::pin(self.play(actions)).await,
                    None => self.handshake().await?,
                },
                Action::Close => {
                    self.wire.shutdown().await?;
                    return Ok(Next::Over);
                }
            }
        }
        Ok(Next::On)
    }

    async fn play_refusal(&mut self, actions: Vec<Action>) -> io::Result<()> {
        for action in actions {
            if let Action::Send(octets) = action {
                self.wire.write_all(&octets).await?;
            }
        }
        self.wire.shutdown().await
    }

    /// Octets that have come already, while the server had something to say.
    fn heard_meanwhile(&mut self) -> Option<Vec<Action>> {
        let mut buffer = [0; 2048];
        let n = self.wire.read(&mut buffer).now_or_never()?.ok()?;
        let refusal = self.session.push(&buffer[..n]);
        self.note();
        refusal
    }

    /// Waits, and listens.
    async fn settle(&mut self, time: Duration) -> io::Result<Next> {
        let pause = sleep(time);
        tokio::pin!(pause);
        let mut buffer = [0; 2048];
        loop {
            tokio::select! {
                () = &mut pause => return Ok(Next::On),
                read = self.wire.read(&mut buffer) => {
                    let refusal = match read? {
                        0 => return Ok(Next::Over),
                        n => self.session.push(&buffer[..n]),
                    };
                    self.note();
                    if let Some(refusal) = refusal {
                        self.play_refusal(refusal).await?;
                        return Ok(Next::Over);
                    }
                }
            }
        }
    }

    async fn handshake(&mut self) -> io::Result<()> {
        let wire = std::mem::replace(&mut self.wire, Box::new(tokio::io::empty()));
        self.wire = Box::new(self.world.acceptor.accept(wire).await?);
        self.session.secured();
        Ok(())
    }

    fn note(&self) {
        let mut journal = self.world.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal[self.place] = self.session.record().clone();
    }
}
