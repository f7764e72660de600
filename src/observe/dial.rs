//! One connection to one address: TCP, the dialogue of [`crate::smtp::Session`], TLS where it says so.
//!
//! Units: every limit ends at one deadline; times are recorded in milliseconds.
//! Failure: a [`Fault`] in the dialogue; what came before it stays.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;

use rustix::io::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Duration, Instant, sleep, timeout, timeout_at};
use tokio_rustls::client::TlsStream;

use super::hosts::Permit;
use super::load::{Load, SHORTAGE_WAIT, is_shortage};
use super::said::Teller;
use super::{Observer, Options, control, millis, tls::Tls};
use crate::evidence::{Control, Dialogue, Exchange, Fault, FaultKind};
use crate::name::AddressLiteral;
use crate::smtp::{Event, Limits, Phase, Reply, ReplyFault, ReplyReader, Session, SessionPlan, Step, hello_name};
use crate::target::Target;

/// Octets read at once: most replies are shorter, and each dialogue holds so many.
const READ: usize = 512;
/// How long the last words may take once the check no longer needs them.
const FAREWELL: Duration = Duration::from_secs(2);

/// The connection, before and inside TLS.
enum Wire {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
    /// A failed handshake has eaten the connection.
    Gone,
}

impl Wire {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer).await,
            Self::Secure(stream) => stream.read(buffer).await,
            Self::Gone => Ok(0),
        }
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        let octets = format!("{line}\r\n");
        match self {
            Self::Plain(stream) => stream.write_all(octets.as_bytes()).await,
            Self::Secure(stream) => {
                stream.write_all(octets.as_bytes()).await?;
                stream.flush().await
            }
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Dials, talks, and says QUIT. EHLO names go out on `said` as soon as they are known; `controls` run where the
/// address stays silent. The permit is held until the connection is closed.
pub(super) async fn dial(
    target: &Target,
    address: IpAddr,
    observer: &Observer,
    deadline: Instant,
    said: Option<&Teller<'_>>,
    controls: impl Future<Output = Vec<Control>>,
    permit: Option<Permit>,
) -> (Dialogue, Vec<Control>) {
    let Observer { options, tls, .. } = observer;
    let begun = Instant::now();
    // Half of the time at most: the controls need some of it to show what a silence means.
    let left = deadline.saturating_duration_since(begun);
    let limit = options.connect_timeout.min(options.timeout / 2).min(left);
    let to = SocketAddr::new(address, target.port);
    let (reached, controls) = {
        let attempt = pin!(connect(to, options.source, observer.dns.load_counters(), begun + limit));
        control::beside(attempt, limit, pin!(controls)).await
    };
    let mut conversation = match reached {
        Ok(stream) => Conversation::on(stream, begun, unheard(target, options), address, deadline, permit),
        Err(fault) => return (Dialogue { fault: Some(fault), ..unheard(target, options) }, controls),
    };
    if conversation.hold(target, tls, said).await {
        conversation.farewell().await;
    }
    (conversation.dialogue, Vec::new())
}

/// A dialogue in which nothing has been said yet.
pub(super) fn unheard(target: &Target, options: &Options) -> Dialogue {
    Dialogue {
        tls_mode: options.tls,
        implicit_tls: target.implicit_tls,
        helo_as: options.helo_as.clone().unwrap_or_default(),
        ..Dialogue::default()
    }
}

/// A shortage of descriptors says nothing of the server: it is waited out.
pub(super) async fn connect(
    to: SocketAddr,
    source: Option<IpAddr>,
    load: &Load,
    deadline: Instant,
) -> Result<TcpStream, Fault> {
    let fault = |kind, detail: String| Fault { phase: Phase::Connect, kind, detail };
    loop {
        // Nothing is held back to fill a segment (RFC 896): a command goes out when the reply before it is in, and
        // with that all that was sent is acknowledged. Who speaks twice in a row sets the option.
        let failed = match timeout_at(deadline, attempt(to, source)).await {
            Err(_) => return Err(fault(FaultKind::TimedOut, format!("no answer from {to}"))),
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(failed)) => failed,
        };
        match failed {
            Failed::Bind(source, e) => return Err(fault(FaultKind::SourceUnavailable, format!("{source}: {e}"))),
            Failed::Connect(e) if is_shortage(&e) => {
                load.shortage();
                if Instant::now() + SHORTAGE_WAIT >= deadline {
                    let advice = "this machine had no socket left for it; lower --concurrency or raise `ulimit -n`";
                    return Err(fault(FaultKind::Shortage, format!("{e}: {advice}")));
                }
                sleep(SHORTAGE_WAIT).await;
            }
            Failed::Connect(e) => return Err(fault(kind_of(&e), format!("{to}: {e}"))),
        }
    }
}

/// Why a connection does not stand.
enum Failed {
    /// The address to dial from.
    Bind(IpAddr, io::Error),
    Connect(io::Error),
}

async fn attempt(to: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, Failed> {
    let Some(source) = source else { return TcpStream::connect(to).await.map_err(Failed::Connect) };
    let socket = if to.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(Failed::Connect)?;
    socket.bind(SocketAddr::new(source, 0)).map_err(|e| Failed::Bind(source, e))?;
    socket.connect(to).await.map_err(Failed::Connect)
}

/// What kind of trouble a system error is.
pub(super) fn kind_of(error: &io::Error) -> FaultKind {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => FaultKind::ConnectionRefused,
        io::ErrorKind::TimedOut => FaultKind::TimedOut,
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable | io::ErrorKind::AddrNotAvailable => {
            FaultKind::Unreachable
        }
        io::ErrorKind::PermissionDenied => FaultKind::NotPermitted,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            FaultKind::Reset
        }
        io::ErrorKind::UnexpectedEof => FaultKind::Closed,
        // A machine without IPv6 knows no way there.
        _ if Errno::from_io_error(error) == Some(Errno::AFNOSUPPORT) => FaultKind::Unreachable,
        _ => FaultKind::Io,
    }
}

struct Conversation {
    session: Session,
    wire: Wire,
    reader: ReplyReader,
    connected: Instant,
    asked: Instant,
    deadline: Instant,
    dialogue: Dialogue,
    /// Behind the connection, since it is given back after that is closed.
    permit: Option<Permit>,
}

impl Conversation {
    /// On a connection that stands, and was `begun` then.
    fn on(
        stream: TcpStream,
        begun: Instant,
        mut dialogue: Dialogue,
        address: IpAddr,
        deadline: Instant,
        permit: Option<Permit>,
    ) -> Self {
        dialogue.timing_ms.connect = Some(millis(begun));
        dialogue.source = stream.local_addr().ok().map(|a| a.ip().to_canonical());
        if dialogue.helo_as.is_empty() {
            dialogue.helo_as = AddressLiteral::of(dialogue.source.unwrap_or(address)).to_string();
        }
        let (tls, implicit_tls) = (dialogue.tls_mode, dialogue.implicit_tls);
        let plan = SessionPlan { helo_as: dialogue.helo_as.clone(), tls, implicit_tls };
        Self {
            session: Session::new(plan),
            wire: Wire::Plain(stream),
            reader: ReplyReader::new(Limits::default()),
            connected: Instant::now(),
            asked: Instant::now(),
            deadline,
            dialogue,
            permit,
        }
    }

    /// Talks until there is nothing more to hear; whether QUIT is to be said. Not by value: what an async function is
    /// given lies in its state twice.
    async fn hold(&mut self, target: &Target, tls: &Tls, said: Option<&Teller<'_>>) -> bool {
        let mut step = self.session.on(Event::Connected);
        loop {
            step = match step {
                Step::Read => match self.greeting().await {
                    Some(reply) => self.session.on(Event::Reply(&reply, self.reader.surplus())),
                    None => return false,
                },
                Step::Ask(line) => match self.ask(line).await {
                    Some(reply) => {
                        self.announce(&reply, said);
                        self.session.on(Event::Reply(&reply, self.reader.surplus()))
                    }
                    None => return false,
                },
                Step::ReadOn => match self.read_on().await {
                    Some(reply) => {
                        self.announce(&reply, said);
                        self.session.on(Event::Reply(&reply, self.reader.surplus()))
                    }
                    None => return false,
                },
                Step::Handshake => {
                    // In a place of its own: the largest part, to which many dialogues never come.
                    if !Box::pin(self.secure(target, tls)).await {
                        return false;
                    }
                    self.session.on(Event::Secured)
                }
                Step::RefuseInjection => {
                    let detail = format!("{} octets came behind the STARTTLS reply", self.reader.surplus());
                    self.dialogue.tls_fault =
                        Some(Fault { phase: Phase::StartTls, kind: FaultKind::PlaintextBeforeTls, detail });
                    return false;
                }
                Step::Quit => return true,
                Step::Close => return false,
            };
        }
    }

    async fn greeting(&mut self) -> Option<Reply> {
        let result = self.reply().await;
        self.dialogue.timing_ms.banner = Some(millis(self.connected));
        match result {
            Ok(reply) => {
                self.dialogue.greeting = Some(reply.clone());
                self.dialogue.greeting_surplus = self.reader.surplus();
                Some(reply)
            }
            Err(mut fault) => {
                self.dialogue.greeting = std::mem::take(&mut self.reader).partial();
                if fault.kind == FaultKind::TimedOut && self.dialogue.greeting.is_none() {
                    fault.detail += "; a service that waits for its client to speak first (a web server, or TLS from \
                                     the start) is as silent as this";
                }
                self.dialogue.fault = Some(fault);
                None
            }
        }
    }

    async fn ask(&mut self, line: String) -> Option<Reply> {
        self.asked = Instant::now();
        self.reader.drop_surplus();
        let sent = timeout_at(self.deadline, self.wire.say(&line)).await;
        let exchange = Exchange { command: line, secure: self.session.secured(), reply: None, surplus: 0 };
        let fault = match sent {
            Ok(Ok(())) => return self.answer(exchange).await,
            Err(_) => self.fault(FaultKind::TimedOut, "the command could not be sent in time".into()),
            Ok(Err(e)) => self.fault(kind_of(&e), e.to_string()),
        };
        self.unanswered(exchange, fault);
        None
    }

    /// What was read in place of the last command's reply belongs to the greeting.
    async fn read_on(&mut self) -> Option<Reply> {
        let exchange = self.dialogue.exchanges.pop()?;
        self.dialogue.greeting_surplus += self.reader.octets();
        self.answer(Exchange { reply: None, surplus: 0, ..exchange }).await
    }

    async fn answer(&mut self, mut exchange: Exchange) -> Option<Reply> {
        match self.reply().await {
            Ok(reply) => {
                let hello = matches!(self.session.phase(), Phase::Ehlo | Phase::Helo);
                if hello && !self.session.secured() {
                    self.dialogue.timing_ms.ehlo = Some(millis(self.asked));
                }
                exchange.surplus = self.reader.surplus();
                exchange.reply = Some(reply.clone());
                self.dialogue.exchanges.push(exchange);
                Some(reply)
            }
            Err(fault) => {
                self.unanswered(exchange, fault);
                None
            }
        }
    }

    fn unanswered(&mut self, mut exchange: Exchange, fault: Fault) {
        exchange.surplus = self.reader.surplus();
        exchange.reply = std::mem::take(&mut self.reader).partial();
        self.dialogue.exchanges.push(exchange);
        self.dialogue.fault = Some(fault);
    }

    /// Reads one reply, within the reader's bounds and the deadline.
    async fn reply(&mut self) -> Result<Reply, Fault> {
        let mut buffer = [0; READ];
        let mut octets = 0;
        loop {
            octets = match self.reader.push(&buffer[..octets]) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => match timeout_at(self.deadline, self.wire.read(&mut buffer)).await {
                    Err(_) => return Err(self.fault(FaultKind::TimedOut, "no complete reply in time".into())),
                    Ok(Err(e)) => return Err(self.fault(kind_of(&e), e.to_string())),
                    Ok(Ok(0)) => return Err(self.fault(FaultKind::Closed, "the connection was closed".into())),
                    Ok(Ok(n)) => n,
                },
                Err(broken) => {
                    let (kind, detail) = broken_words(broken);
                    return Err(self.fault(kind, detail.into()));
                }
            };
            self.dialogue.timing_ms.first_octet.get_or_insert(millis(self.connected));
        }
    }

    async fn secure(&mut self, target: &Target, tls: &Tls) -> bool {
        let Wire::Plain(stream) = std::mem::replace(&mut self.wire, Wire::Gone) else { return false };
        // The end of the handshake and the next EHLO follow each other without an answer between them.
        let _ = stream.set_nodelay(true);
        let begun = Instant::now();
        match timeout_at(self.deadline, tls.handshake(stream, &target.host)).await {
            Ok(Ok((stream, facts))) => {
                self.dialogue.timing_ms.tls = Some(millis(begun));
                self.dialogue.tls = Some(facts);
                self.wire = Wire::Secure(Box::new(stream));
                self.reader = ReplyReader::new(Limits::default());
                true
            }
            Ok(Err(e)) => {
                let kind = match kind_of(&e) {
                    kind @ (FaultKind::Closed | FaultKind::Reset) => kind,
                    _ => FaultKind::HandshakeFailed,
                };
                self.tls_failed(kind, e.to_string());
                false
            }
            Err(_) => {
                self.tls_failed(FaultKind::TimedOut, "the handshake did not end in time".into());
                false
            }
        }
    }

    /// After STARTTLS the plain dialogue stands; without a greeting before it there is nothing else.
    fn tls_failed(&mut self, kind: FaultKind, detail: String) {
        let fault = Fault { phase: Phase::Tls, kind, detail };
        if self.dialogue.implicit_tls {
            self.dialogue.fault = Some(fault);
        } else {
            self.dialogue.tls_fault = Some(fault);
        }
    }

    fn announce(&self, reply: &Reply, said: Option<&Teller<'_>>) {
        if !reply.accepts_hello() || !matches!(self.session.phase(), Phase::Ehlo | Phase::Helo) {
            return;
        }
        if let (Some(name), Some(said)) = (reply.lines.first().and_then(|l| hello_name(l)), said) {
            said.tell(name);
        }
    }

    fn fault(&self, kind: FaultKind, detail: String) -> Fault {
        Fault { phase: self.session.phase(), kind, detail }
    }

    /// Says QUIT and leaves the reply to it to a task of its own: the verdict does not wait for 221.
    async fn farewell(&mut self) {
        let sent = timeout(FAREWELL, self.wire.say("QUIT")).await;
        if matches!(sent, Ok(Ok(()))) {
            let secure = self.session.secured();
            self.dialogue.exchanges.push(Exchange { command: "QUIT".into(), secure, reply: None, surplus: 0 });
            let wire = std::mem::replace(&mut self.wire, Wire::Gone);
            tokio::spawn(Leaving { wire, _permit: self.permit.take() }.hear_out());
        }
    }
}

/// A connection after QUIT. The order counts: it is closed before its permit is given back.
struct Leaving {
    wire: Wire,
    _permit: Option<Permit>,
}

impl Leaving {
    async fn hear_out(mut self) {
        let mut buffer = [0; READ];
        let heard =
            async { while matches!(self.wire.read(&mut buffer).await, Ok(n) if n > 0 && !ends_reply(&buffer[..n])) {} };
        let _ = timeout(FAREWELL, heard).await;
    }
}

/// Whether a reply ends here, as far as its last octets tell: after it the connection is the client's to close (RFC
/// 5321 §4.1.1.10).
fn ends_reply(octets: &[u8]) -> bool {
    let last = octets.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|o| *o == b'\n').next());
    last.is_some_and(|line| line.get(3) != Some(&b'-'))
}

/// Tells the EHLO names of a dialogue that was held before.
pub(super) fn announce_all(dialogue: &Dialogue, said: &Teller<'_>) {
    let hellos = dialogue.exchanges.iter().filter(|e| matches!(e.command.split(' ').next(), Some("EHLO" | "HELO")));
    let replies = hellos.filter_map(|e| e.reply.as_ref()).filter(|r| r.accepts_hello());
    for name in replies.filter_map(|r| r.lines.first()).filter_map(|l| hello_name(l)) {
        said.tell(name);
    }
}

fn broken_words(broken: ReplyFault) -> (FaultKind, &'static str) {
    match broken {
        ReplyFault::NotSmtp => (FaultKind::NotSmtp, "the line does not begin with a reply code"),
        ReplyFault::CodeChanged => (FaultKind::CodeChanged, "the lines of one reply carry different codes"),
        ReplyFault::LineTooLong => (FaultKind::LineTooLong, "a line is longer than any reply's may be"),
        ReplyFault::TooManyLines => (FaultKind::TooManyLines, "the reply has too many lines"),
        ReplyFault::TooLarge => (FaultKind::TooLarge, "the reply is too large"),
    }
}

#[cfg(test)]
mod tests {
    use super::ends_reply;

    #[test]
    fn a_reply_ends_with_the_line_that_nothing_follows() {
        for ends in ["221 2.0.0 Bye\r\n", "221-2.0.0 See you\r\n221 2.0.0 Bye\r\n", "221\r\n", "\n"] {
            assert!(ends_reply(ends.as_bytes()), "{ends:?}");
        }
        for goes_on in ["", "221", "221 2.0.0 By", "221-2.0.0 Bye\r\n", "221-a\r\n221-b\r\n", "221-a\r\n221 b"] {
            assert!(!ends_reply(goes_on.as_bytes()), "{goes_on:?}");
        }
    }
}
