//! A whole sending estate on loopback, made of nothing but arithmetic: identity number `i` has the address
//! 127.(1 + i/65536).(i/256).(i), a name such as `relay-aabcz.example.net` and a mail server, every one of them
//! answered by one DNS server and one listening socket (Linux accepts all of 127/8).
//!
//! Zones: a reverse zone for every 256 addresses, and `example.net`. With [`Plan::trouble`] a fifth of the
//! servers hang, refuse or send garbage and a fifth of the reverse zones are silent ([`Fate`]).
//! Failure: a port that is taken.

mod dns;
mod smtp;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::Duration;

/// The forward zone.
pub const DOMAIN: &str = "example.net";
/// Identities that the addresses have room for.
pub const MAX_IDENTITIES: u32 = 100 << 16;

/// What the world is like.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plan {
    /// Before each DNS answer.
    pub dns_delay: Duration,
    /// Before each SMTP reply, the greeting included.
    pub smtp_delay: Duration,
    /// A fifth of the servers and a fifth of the zones fail.
    pub trouble: bool,
}

/// How an identity fares in a world with trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// All is well.
    Well,
    /// The server accepts and says nothing.
    Hangs,
    /// The server resets the connection.
    Resets,
    /// The server sends what is no SMTP, without end.
    Garbage,
    /// The reverse zone's servers do not answer.
    ZoneSilent,
}

/// The fate of an identity: of ten in a row two have a bad server, and two a silent zone.
pub fn fate(identity: u32) -> Fate {
    match (identity % 5, (identity / 5) % 3) {
        (1, 0) => Fate::Hangs,
        (1, 1) => Fate::Resets,
        (1, _) => Fate::Garbage,
        (3, _) => Fate::ZoneSilent,
        _ => Fate::Well,
    }
}

/// The address of an identity.
pub fn address(identity: u32) -> Ipv4Addr {
    let [b, c, d] = octets(identity);
    Ipv4Addr::new(127, b, c, d)
}

/// The name of an identity, both in EHLO and in the PTR.
pub fn name(identity: u32) -> String {
    // Letters, since a name that holds its address's numbers is a generic one.
    let letter = |place: u32| char::from(b'a' + u8::try_from(identity / 26u32.pow(place) % 26).unwrap_or_default());
    let letters: String = (0..5).rev().map(letter).collect();
    format!("relay-{letters}.{DOMAIN}")
}

/// The identity of a name's first label.
fn named(label: &str) -> Option<u32> {
    let letters = label.strip_prefix("relay-").filter(|l| l.len() == 5)?;
    let number = |sum: u32, c: u8| c.is_ascii_lowercase().then(|| sum * 26 + u32::from(c - b'a'));
    letters.bytes().try_fold(0, number).filter(|i| *i < MAX_IDENTITIES)
}

fn octets(identity: u32) -> [u8; 3] {
    let [_, b, c, d] = (identity + (1 << 16)).to_be_bytes();
    [b, c, d]
}

/// The identity at an address of the world.
pub fn identity(address: IpAddr) -> Option<u32> {
    let IpAddr::V4(v4) = address else { return None };
    let [127, b, c, d] = v4.octets() else { return None };
    u32::from_be_bytes([0, b, c, d]).checked_sub(1 << 16).filter(|i| *i < MAX_IDENTITIES)
}

/// A world that runs, on two threads, until the process ends.
#[derive(Clone, Copy, Debug)]
pub struct Running {
    /// Where to ask.
    pub dns: SocketAddr,
    /// The port of every mail server.
    pub smtp_port: u16,
}

/// The most servers of this process's worlds that have hung at once.
#[allow(dead_code, reason = "tests ask, the benchmark does not")]
pub fn most_hanging() -> usize {
    smtp::most_hanging()
}

/// Connections that may wait to be accepted: as many as Linux allows by default (`net.core.somaxconn`).
const WAITING: i32 = 4096;

/// Starts a world on these ports; 0 takes one that is free.
pub fn start(plan: Plan, dns_port: u16, smtp_port: u16) -> io::Result<Running> {
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, dns_port))?;
    // What does not fit is lost, and asked for again: the world must not be what is measured.
    let _ = socket2::SockRef::from(&udp).set_recv_buffer_size(4 << 20);
    let tcp = TcpListener::bind((Ipv4Addr::UNSPECIFIED, smtp_port))?;
    // Every server of the world is this one socket: the standard library's 128 that wait for it drop connections.
    socket2::SockRef::from(&tcp).listen(WAITING)?;
    let running = Running { dns: udp.local_addr()?, smtp_port: tcp.local_addr()?.port() };
    let thread = |name: &str| std::thread::Builder::new().name(name.into());
    thread("world-dns").spawn(move || dns::serve(&udp, plan))?;
    thread("world-smtp").spawn(move || smtp::serve(tcp, plan))?;
    Ok(running)
}
