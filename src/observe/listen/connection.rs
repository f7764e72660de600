//! One client at our door: a thin driver under [`ServerSession`], and the clock that it does not have.
//!
//! Limits: a time to each command, counted from our last reply to its end, so that a client that drips octets gains
//! nothing; a time to the whole session; word to stop gives [`GRACE`] and then 421.
//! Failure: none; how a connection ended is part of its [`Session`].

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_rustls::server::TlsStream;

use super::door::Place;
use super::proxy::{self, Named};
use super::{Listening, Stop, tls, told};
use crate::evidence::{ClientTls, Ended, Helo, Session};
use crate::observe::millis;
use crate::smtp::{Action, Heard, ServerRecord, ServerSession};

/// How long a client may go on when we are told to stop.
pub(super) const GRACE: Duration = Duration::from_secs(2);
/// How long last words may take, and how long we read on, so that they are not lost to a reset.
const FAREWELL: Duration = Duration::from_millis(500);
/// Said to one too many.
pub(super) const TOO_MANY: &str = "4.7.0 Too many connections from your address";
/// Words that are no command of ours that are written down.
const UNKNOWN: usize = 8;

/// The connection, before and inside TLS.
enum Wire {
    Plain(TcpStream),
    Secure(Box<TlsStream<TcpStream>>),
    /// A handshake has eaten it.
    Gone,
}

impl Wire {
    async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(buffer);
        std::future::poll_fn(|context| match self {
            Self::Plain(stream) => std::pin::Pin::new(stream).poll_read(context, &mut buffer),
            Self::Secure(stream) => std::pin::Pin::new(stream.as_mut()).poll_read(context, &mut buffer),
            Self::Gone => std::task::Poll::Ready(Ok(())),
        })
        .await?;
        Ok(buffer.filled().len())
    }

    async fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        async fn all(stream: &mut (impl AsyncWrite + Unpin), octets: &[u8]) -> io::Result<()> {
            stream.write_all(octets).await?;
            stream.flush().await
        }
        match self {
            Self::Plain(stream) => all(stream, octets).await,
            Self::Secure(stream) => all(stream, octets).await,
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Closes our side and reads on for a moment: octets left unread would turn the last reply into a reset.
    async fn close(&mut self) {
        let closing = async {
            match self {
                Self::Plain(stream) => stream.shutdown().await,
                Self::Secure(stream) => stream.shutdown().await,
                Self::Gone => Ok(()),
            }?;
            let mut buffer = [0; 1024];
            while self.read(&mut buffer).await? > 0 {}
            Ok::<(), io::Error>(())
        };
        let _ = timeout(FAREWELL, closing).await;
    }
}

/// Who is connected to whom.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) implicit_tls: bool,
}

pub(super) struct Connection<'a> {
    with: &'a Listening,
    wire: Wire,
    session: ServerSession,
    tls: Option<ClientTls>,
    tls_fault: Option<String>,
    /// The client's first octets, as long as a PROXY header may begin with them.
    head: Option<Vec<u8>>,
    /// One did.
    header: bool,
}

/// Holds the whole dialogue; `None` where it is no client's: the balancer's own, or one turned away.
pub(super) async fn hold(
    with: &Listening,
    place: &mut Place,
    stream: TcpStream,
    ends: Ends,
    mut stop: watch::Receiver<Stop>,
) -> Option<Session> {
    let (began, began_at) = (Instant::now(), jiff::Timestamp::now().to_string());
    let mut connection = Connection {
        with,
        wire: Wire::Plain(stream),
        session: ServerSession::new(with.plan(ends.implicit_tls)),
        tls: None,
        tls_fault: None,
        head: Some(Vec::new()),
        header: false,
    };
    let overtime = began + with.options.session_time;
    let cut = async {
        tokio::select! {
            () = sleep_until(overtime) => Ended::Overtime,
            () = told_to_stop(&mut stop) => Ended::Stopped,
        }
    };
    let (mut client, mut local, mut proxy) = (ends.peer, ends.local, None);
    let (mut number, mut of_a_client) = (None, true);
    let talk = async {
        if with.is_proxy(ends.peer.ip()) {
            match connection.proxied().await {
                Some(Named::Client { source, destination }) => {
                    (client, local, proxy) = (source, destination, Some(ends.peer));
                    if !with.seat(place, source.ip()) {
                        of_a_client = false;
                        return connection.crowded().await;
                    }
                }
                Some(Named::Itself) => of_a_client = false,
                None => return Ended::ProxyRefused,
            }
        }
        if of_a_client {
            number = Some(with.next_number());
        }
        connection.talk(ends.implicit_tls).await
    };
    let ended = tokio::select! {
        ended = talk => ended,
        why = cut => why,
    };
    connection.farewell(ended).await;
    if !of_a_client {
        return None;
    }
    let Connection { session, tls, tls_fault, .. } = connection;
    let record = session.into_record();
    let hello = record.hello.as_ref();
    let before = record.hello_before_tls.as_ref().filter(|_| hello.is_some_and(|h| h.secure));
    let before = before.map(|c| c.argument.clone());
    Some(Session {
        number: number.unwrap_or_else(|| with.next_number()),
        began_at,
        took_ms: millis(began),
        client: canonical(client),
        local: canonical(local),
        proxy,
        implicit_tls: ends.implicit_tls,
        ehlo: hello.map(|h| h.argument.clone()),
        ehlo_same: before.as_ref().zip(hello).map(|(b, h)| b.eq_ignore_ascii_case(&h.argument)),
        ehlo_before_tls: before,
        helos: helos(&record),
        tls,
        tls_fault,
        early: record.early,
        pipelined: record.pipelined,
        injected: record.injected,
        commands: record.count,
        unknown: unknown(&record),
        messages: record.messages,
        arrived: record.arrived,
        matched: record.matched,
        not_written: record.not_written,
        mail_from: record.senders,
        rcpt_to: record.recipients,
        received: record.received,
        ended,
    })
}

/// Word to stop, and the grace behind it.
async fn told_to_stop(stop: &mut watch::Receiver<Stop>) {
    told(stop, |s| s != Stop::No).await;
    let soon = *stop.borrow() == Stop::Soon;
    if soon {
        let _ = timeout(GRACE, told(stop, |s| s == Stop::Now)).await;
    }
}

/// IPv4 as IPv4, on whichever socket it came.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn is_hello(heard: &Heard) -> bool {
    matches!(heard.verb.as_str(), "EHLO" | "HELO") && !heard.argument.is_empty()
}

fn helos(record: &ServerRecord) -> Vec<Helo> {
    let said = record.commands.iter().filter(|c| is_hello(c));
    said.map(|c| Helo { verb: c.verb.clone(), name: c.argument.clone(), secure: c.secure }).collect()
}

/// The verbs that we do not serve.
fn unknown(record: &ServerRecord) -> Vec<String> {
    const SERVED: [&str; 9] = ["EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT"];
    let others = record.commands.iter().filter(|c| !SERVED.contains(&c.verb.as_str()));
    others.take(UNKNOWN).map(|c| c.verb.clone()).collect()
}

/// What the dialogue does next.
enum Next {
    On,
    Over(Ended),
}

impl Connection<'_> {
    /// The PROXY header; `None` where there is none that can be read in time.
    async fn proxied(&mut self) -> Option<Named> {
        let Wire::Plain(stream) = &mut self.wire else { return None };
        timeout(self.with.options.command_time, proxy::read(stream)).await.ok()?.ok()
    }

    /// Turns away a client of whose address there are too many.
    async fn crowded(&mut self) -> Ended {
        let refusal = self.session.dismiss(421, TOO_MANY);
        // Whether it is heard changes nothing.
        let _ = self.play(refusal).await;
        Ended::CutOff
    }

    async fn talk(&mut self, implicit_tls: bool) -> Ended {
        match self.dialogue(implicit_tls).await {
            Ok(ended) => ended,
            // Where the client broke off after QUIT, it has said all it had to.
            Err(_) if self.session.record().quit => Ended::Quit,
            Err(e) if e.kind() == io::ErrorKind::TimedOut => Ended::Idle,
            Err(_) => Ended::Closed,
        }
    }

    async fn dialogue(&mut self, implicit_tls: bool) -> io::Result<Ended> {
        if implicit_tls && !self.handshake().await {
            return Ok(Ended::TlsFailed);
        }
        if let Next::Over(ended) = self.listen_first().await? {
            return Ok(ended);
        }
        let greeting = self.session.open();
        if let Next::Over(ended) = self.play(greeting).await? {
            return Ok(ended);
        }
        self.session.greeted();
        let mut buffer = vec![0; 2048];
        loop {
            while let Some(actions) = self.session.answer() {
                if let Next::Over(ended) = self.play(actions).await? {
                    return Ok(ended);
                }
            }
            let due = Instant::now() + self.with.options.command_time;
            // Until a command is whole, or, within a message, until the next octets.
            loop {
                let read = timeout_at(due, self.wire.read(&mut buffer)).await;
                let n = read.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                if n == 0 {
                    return Ok(if self.session.record().quit { Ended::Quit } else { Ended::Closed });
                }
                if let Next::Over(ended) = self.heard(&buffer[..n]).await? {
                    return Ok(ended);
                }
                if self.session.in_message() || self.session.ready() {
                    break;
                }
            }
        }
    }

    /// The pause before the greeting, in which a client has nothing to say.
    async fn listen_first(&mut self) -> io::Result<Next> {
        let until = Instant::now() + self.with.options.greet_delay;
        let mut buffer = [0; 512];
        while let Ok(read) = timeout_at(until, self.wire.read(&mut buffer)).await {
            match read? {
                0 => return Ok(Next::Over(Ended::Closed)),
                n => {
                    if let over @ Next::Over(_) = self.heard(&buffer[..n]).await? {
                        return Ok(over);
                    }
                }
            }
        }
        Ok(Next::On)
    }

    /// Gives the client's octets to the session; a refusal is played at once.
    async fn heard(&mut self, octets: &[u8]) -> io::Result<Next> {
        match self.take_in(octets) {
            Some(refusal) => self.play(refusal).await,
            None => Ok(Next::On),
        }
    }

    /// The client's octets for the session, unless they are a PROXY header, in however many pieces it comes.
    fn take_in(&mut self, octets: &[u8]) -> Option<Vec<Action>> {
        if let Some(mut head) = self.head.take() {
            head.extend_from_slice(octets);
            match proxy::begins(&head) {
                Some(true) => {
                    self.header = true;
                    return Some(self.session.dismiss(554, "5.7.1 No PROXY header is taken from your address"));
                }
                Some(false) => {}
                None => self.head = Some(head),
            }
        }
        self.session.push(octets)
    }

    /// Plays actions in order.
    async fn play(&mut self, actions: Vec<Action>) -> io::Result<Next> {
        let mut actions = VecDeque::from(actions);
        while let Some(action) = actions.pop_front() {
            match action {
                Action::Send(octets) => {
                    // The client is refused: what was to be said has no weight any more.
                    if let Some(refusal) = self.overheard() {
                        actions = refusal.into();
                        continue;
                    }
                    let sent = timeout(self.with.options.command_time, self.wire.send(&octets)).await;
                    sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
                }
                Action::StartTls => {
                    if !self.handshake().await {
                        return Ok(Next::Over(Ended::TlsFailed));
                    }
                }
                Action::Close => {
                    return Ok(Next::Over(match self.session.record().quit {
                        _ if self.header => Ended::ProxyRefused,
                        true => Ended::Quit,
                        false => Ended::CutOff,
                    }));
                }
                Action::Wait(time) => sleep(time).await,
                Action::Repeat(_) => {}
            }
        }
        Ok(Next::On)
    }

    /// Octets that have come already, while we had something to say: the session notes whose turn it was.
    fn overheard(&mut self) -> Option<Vec<Action>> {
        let mut buffer = [0; 512];
        match self.wire.read(&mut buffer).now_or_never() {
            Some(Ok(n)) if n > 0 => self.take_in(&buffer[..n]),
            _ => None,
        }
    }

    async fn handshake(&mut self) -> bool {
        let Wire::Plain(stream) = std::mem::replace(&mut self.wire, Wire::Gone) else { return false };
        let accepted = timeout(self.with.options.command_time, self.with.options.tls.0.accept(stream)).await;
        match accepted {
            Ok(Ok(stream)) => {
                self.tls = Some(tls::facts(stream.get_ref().1));
                self.wire = Wire::Secure(Box::new(stream));
                self.session.secured();
                true
            }
            Ok(Err(e)) => {
                self.tls_fault = Some(e.to_string());
                false
            }
            Err(_) => {
                self.tls_fault = Some("the handshake did not end in time".into());
                false
            }
        }
    }

    /// Last words to a client that still listens.
    async fn farewell(&mut self, ended: Ended) {
        let words = match ended {
            Ended::Idle => Some((421, "4.4.2 You were silent for too long")),
            Ended::Overtime => Some((421, "4.7.0 The session took too long")),
            Ended::Stopped => Some((421, "4.3.2 This server stops now")),
            Ended::ProxyRefused | Ended::Quit | Ended::CutOff => None,
            Ended::Closed | Ended::TlsFailed => return,
        };
        if let Some((code, text)) = words {
            for action in self.session.dismiss(code, text) {
                if let Action::Send(octets) = action {
                    let _ = timeout(FAREWELL, self.wire.send(&octets)).await;
                }
            }
        }
        self.wire.close().await;
    }
}
