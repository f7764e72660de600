//! One question and its answer on the wire: UDP, and TCP when the datagram says that it is cut.
//!
//! What stands against forged answers is in [`super::ports`]; an answer that does not match is passed over
//! until the deadline.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_resolver::proto::op::{Message, MessageType, ResponseCode};
use hickory_resolver::proto::rr::Name;
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinDecoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::{Instant, sleep, timeout_at};

use super::super::load::{Load, SHORTAGE_WAIT, is_shortage};
use super::ports::Ports;
use super::query::{HEADER, Query};
use crate::dns::{RecordType, Status, Transport};

/// An answer and the way it came.
pub(super) struct Answered {
    /// The name asked for.
    pub asked: Name,
    pub message: Message,
    pub kind: RecordType,
    pub transport: Transport,
}

/// No answer that can be used.
pub(super) struct Trouble {
    pub status: Status,
    pub detail: Option<String>,
}

/// To whom, from where, and over what.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    pub(super) ports: &'a Ports,
    pub(super) load: &'a Load,
    pub(super) server: SocketAddr,
    pub(super) source: Option<IpAddr>,
}

pub(super) async fn ask(way: &Way<'_>, mut query: Query, deadline: Instant) -> Result<Answered, Trouble> {
    let kind = query.kind();
    let (first, asked) = over_udp(way, &mut query, deadline).await?;
    // A server from before EDNS answers FORMERR or NOTIMP without OPT: ask once more without it (RFC 6891 §7).
    let plain =
        matches!(first.metadata.response_code, ResponseCode::FormErr | ResponseCode::NotImp) && first.edns.is_none();
    let (query, (message, asked)) = if plain {
        let mut query = query.plain();
        let second = over_udp(way, &mut query, deadline).await;
        (query, second.unwrap_or((first, asked)))
    } else {
        (query, (first, asked))
    };
    if !message.metadata.truncation {
        return Ok(Answered { asked, message, kind, transport: Transport::Udp });
    }
    let (message, asked) = over_tcp(way.server, way.source, &query, deadline).await?;
    if message.metadata.truncation {
        return Err(malformed("the answer is truncated over TCP too"));
    }
    Ok(Answered { asked, message, kind, transport: Transport::Tcp })
}

/// Where to ask from: the source given where it is of the server's family, else as the system chooses.
pub(super) fn from(server: SocketAddr, source: Option<IpAddr>) -> SocketAddr {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    SocketAddr::new(source.filter(|ip| ip.is_ipv4() == server.is_ipv4()).unwrap_or(any), 0)
}

/// The query's id becomes the one that it was sent under. A shortage of sockets is waited out.
async fn over_udp(way: &Way<'_>, query: &mut Query, deadline: Instant) -> Result<(Message, Name), Trouble> {
    let silent = |_| Trouble { status: Status::Timeout, detail: None };
    let mut waiting = loop {
        match way.ports.send(way.server, way.source, query).await {
            Err(e) if is_shortage(&e) && Instant::now() + SHORTAGE_WAIT < deadline => {
                way.load.shortage();
                sleep(SHORTAGE_WAIT).await;
            }
            sent => break sent.map_err(|e| no_answer(&e))?,
        }
    };
    let answer = timeout_at(deadline, waiting.answer()).await.map_err(silent)?.map_err(|e| no_answer(&e))?;
    accept(&answer, query)?.ok_or_else(|| malformed("the answer is to another question"))
}

async fn over_tcp(
    server: SocketAddr,
    source: Option<IpAddr>,
    query: &Query,
    deadline: Instant,
) -> Result<(Message, Name), Trouble> {
    let octets = query.octets();
    let exchange = async {
        let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if source.is_some() {
            socket.bind(from(server, source))?;
        }
        let mut stream = socket.connect(server).await?;
        let length = u16::try_from(octets.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_be_bytes(), octets].concat()).await?;
        let length = stream.read_u16().await?;
        let mut answer = vec![0; usize::from(length)];
        stream.read_exact(&mut answer).await?;
        Ok::<_, io::Error>(answer)
    };
    let cut = "the answer is truncated over UDP, and there is none over TCP";
    let answer = match timeout_at(deadline, exchange).await {
        Err(_) => return Err(Trouble { status: Status::Timeout, detail: Some(cut.into()) }),
        Ok(Err(e)) => return Err(Trouble { status: Status::Timeout, detail: Some(format!("{cut}: {e}")) }),
        Ok(Ok(answer)) => answer,
    };
    accept(&answer, query)?.ok_or_else(|| malformed("the answer over TCP is to another question"))
}

/// The message and the name asked for, when it answers this query; `None` when it is to be passed over.
fn accept(octets: &[u8], query: &Query) -> Result<Option<(Message, Name)>, Trouble> {
    if octets.get(..2) != query.octets().get(..2) {
        return Ok(None);
    }
    let message = Message::from_vec(octets).map_err(|e| malformed(&format!("the answer cannot be parsed: {e}")))?;
    if message.metadata.message_type != MessageType::Response {
        return Ok(None);
    }
    let question = octets.get(HEADER..HEADER + query.question().len()).unwrap_or_default();
    match message.queries.as_slice() {
        [] if message.metadata.response_code == ResponseCode::NoError => {
            Err(malformed("the answer repeats no question"))
        }
        // A server may repeat the name in other letters (RFC 4343); what we asked for is what we wrote.
        [asked] if question == query.question() => {
            let asked = asked.name.clone();
            Ok(Some((message, asked)))
        }
        [_] if !question.eq_ignore_ascii_case(query.question()) => Ok(None),
        [] | [_] => {
            let asked = Name::read(&mut BinDecoder::new(query.name())).map_err(|e| malformed(&e.to_string()))?;
            Ok(Some((message, asked)))
        }
        _ => Ok(None),
    }
}

fn malformed(detail: &str) -> Trouble {
    Trouble { status: Status::Malformed, detail: Some(detail.to_owned()) }
}

/// The system said that no answer will come, most often that the port is closed.
fn no_answer(error: &io::Error) -> Trouble {
    let detail = if error.kind() == io::ErrorKind::ConnectionRefused {
        "nothing listens there (port unreachable)".to_owned()
    } else {
        error.to_string()
    };
    Trouble { status: Status::Timeout, detail: Some(detail) }
}
