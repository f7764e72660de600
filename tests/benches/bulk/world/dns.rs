//! The authoritative side: PTR, A, AAAA, SOA, NS and MX of every identity, worked out from the name asked for.
//!
//! Standard: RFC 1035 §4.1 (messages, compression), RFC 2308 §2 (SOA in negative answers). No EDNS, no TCP:
//! every answer fits.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use super::{DOMAIN, Fate, Plan, fate, identity, name, named};

const TTL: u32 = 3600;
const A: u16 = 1;
const NS: u16 = 2;
const SOA: u16 = 6;
const PTR: u16 = 12;
const MX: u16 = 15;
const NXDOMAIN: u8 = 3;

/// What a name is.
enum Owner {
    /// The reverse name of an identity.
    Reverse(u32),
    /// The apex of a reverse zone.
    ReverseZone,
    /// The name of an identity.
    Host(u32),
    /// `example.net`.
    Domain,
    /// Inside one of our zones, and not there.
    Nothing,
    /// In no zone of ours.
    Foreign,
}

/// Answers until the process ends.
pub(super) fn serve(socket: &UdpSocket, plan: Plan) {
    let mut buffer = [0; 1500];
    let mut later: std::collections::VecDeque<(Instant, Vec<u8>, SocketAddr)> = std::collections::VecDeque::new();
    loop {
        let wait = later.front().map(|(due, ..)| due.saturating_duration_since(Instant::now()));
        if wait == Some(Duration::ZERO) {
            if let Some((_, answer, to)) = later.pop_front() {
                let _ = socket.send_to(&answer, to);
            }
            continue;
        }
        if !plan.dns_delay.is_zero() {
            let _ = socket.set_read_timeout(wait);
        }
        let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
        let Some(answer) = answer(&buffer[..length], plan.trouble) else { continue };
        if plan.dns_delay.is_zero() {
            let _ = socket.send_to(&answer, from);
        } else {
            later.push_back((Instant::now() + plan.dns_delay, answer, from));
        }
    }
}

fn answer(query: &[u8], trouble: bool) -> Option<Vec<u8>> {
    let (labels, end) = question(query)?;
    let kind = u16::from_be_bytes([*query.get(end)?, *query.get(end + 1)?]);
    let (owner, apex_at) = owner(query, &labels);
    if let (Owner::Reverse(i), true) = (&owner, trouble)
        && fate(*i) == Fate::ZoneSilent
    {
        return None;
    }
    let mut out = Vec::with_capacity(200);
    out.extend(&query[..2]);
    // QR, AA, RD; RA as well, since the world stands in for a resolver.
    out.extend([0x85, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
    out.extend(query.get(12..end + 4)?);
    let mut answers = 0u8;
    let mut record = |out: &mut Vec<u8>, kind: u16, data: &[u8]| {
        // The name asked for, as a pointer to the question.
        out.extend([0xc0, 12]);
        head(out, kind, data.len());
        out.extend(data);
        answers += 1;
    };
    match (&owner, kind) {
        (Owner::Reverse(i), PTR) => record(&mut out, PTR, &encoded(&name(*i))),
        (Owner::Host(i), A) => record(&mut out, A, &super::address(*i).octets()),
        (Owner::Domain, MX) => record(&mut out, MX, &[&[0, 10], encoded(&name(0)).as_slice()].concat()),
        (Owner::ReverseZone | Owner::Domain, NS) => {
            record(&mut out, NS, &encoded("ns1.example.net"));
            record(&mut out, NS, &encoded("ns2.example.net"));
        }
        (Owner::ReverseZone | Owner::Domain, SOA) => record(&mut out, SOA, &soa()),
        _ => {}
    }
    out[7] = answers;
    if matches!(owner, Owner::Nothing | Owner::Foreign) {
        out[3] |= NXDOMAIN;
    }
    if answers == 0
        && let Some(apex) = apex_at
    {
        out[9] = 1;
        out.extend([0xc0, u8::try_from(apex).ok()?]);
        let soa = soa();
        head(&mut out, SOA, soa.len());
        out.extend(soa);
    }
    Some(out)
}

fn head(out: &mut Vec<u8>, kind: u16, length: usize) {
    out.extend(kind.to_be_bytes());
    out.extend(1u16.to_be_bytes());
    out.extend(TTL.to_be_bytes());
    out.extend(u16::try_from(length).unwrap_or_default().to_be_bytes());
}

/// Where each label of the question begins, and where its type does.
fn question(query: &[u8]) -> Option<(Vec<usize>, usize)> {
    let (mut at, mut labels) = (12, Vec::with_capacity(8));
    loop {
        let length = usize::from(*query.get(at)?);
        if length == 0 {
            return Some((labels, at + 1));
        }
        if length > 63 || labels.len() > 32 {
            return None;
        }
        labels.push(at);
        at += 1 + length;
    }
}

/// What the name is, and where in the message the apex of its zone begins.
fn owner(query: &[u8], labels: &[usize]) -> (Owner, Option<usize>) {
    let label = |at: &usize| {
        let length = usize::from(query[*at]);
        query.get(at + 1..at + 1 + length).and_then(|l| std::str::from_utf8(l).ok()).unwrap_or_default()
    };
    let is = |at: Option<&usize>, want: &str| at.is_some_and(|at| label(at).eq_ignore_ascii_case(want));
    let from_end = |n: usize| labels.len().checked_sub(n).and_then(|at| labels.get(at));
    if is(from_end(1), "arpa") && is(from_end(2), "in-addr") && is(from_end(3), "127") {
        let octet = |n| from_end(n).and_then(|at| label(at).parse::<u8>().ok());
        return match (labels.len(), octet(4), octet(5), octet(6)) {
            (6, Some(b), Some(c), Some(d)) => match identity([127, b, c, d].into()) {
                Some(i) => (Owner::Reverse(i), Some(labels[1])),
                None => (Owner::Nothing, Some(labels[1])),
            },
            (5, Some(_), Some(_), _) => (Owner::ReverseZone, Some(labels[0])),
            _ => (Owner::Foreign, None),
        };
    }
    if is(from_end(1), "net") && is(from_end(2), "example") {
        let apex = labels[labels.len() - 2];
        if labels.len() == 2 {
            return (Owner::Domain, Some(apex));
        }
        let host = named(label(&labels[0])).filter(|_| labels.len() == 3);
        return (host.map_or(Owner::Nothing, Owner::Host), Some(apex));
    }
    (Owner::Foreign, None)
}

fn soa() -> Vec<u8> {
    let mut data = [encoded("ns1.example.net"), encoded(&format!("hostmaster.{DOMAIN}"))].concat();
    for number in [1u32, 7200, 900, 1_209_600, 300] {
        data.extend(number.to_be_bytes());
    }
    data
}

fn encoded(name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 2);
    for label in name.split('.') {
        out.push(u8::try_from(label.len()).unwrap_or_default());
        out.extend(label.as_bytes());
    }
    out.push(0);
    out
}
