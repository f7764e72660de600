//! rspamd: the symbols that depend on the client's identity, and their scores.
//!
//! Measured: rspamd 4.1.5, and 3.4-1 of Debian 12 as the receiver `rspamd-3.4`, through the milter
//! front end behind Postfix, with a message that has no earlier `Received:` line.
//! - The milter names the client only where Postfix confirmed its name. Otherwise rspamd asks for
//!   the PTR itself and never checks that it leads back; 4.1.5 then takes it for the client's name.
//! - EHLO is matched against patterns as a text, and never compared with the PTR. Only a name that
//!   matches none is looked up, and only 4.1.5 compares its addresses with the client's.
//! - The generic shape of the EHLO name and of the client's name are counted once, the heavier one.
//! - A name with a character beyond letters, digits, `-`, `_` and `.` is never asked for, and so never dead.
//! - Words in a name weigh by themselves: whether it holds the client's address is never asked.

use std::net::IpAddr;

use super::order;
use super::postfix;
use super::prediction::{Basis, Outcome, Prediction, Symbol, Text};
use super::world::{Found, Lacking, World};
use crate::dns::{RecordType, Status};
use crate::knowledge::receivers::{Keyword, Position, rspamd};

const SOURCE: &str = "rspamd modules hfilter and once_received; measured with rspamd 4.1.5";
const SOURCE_34: &str = "rspamd modules hfilter and once_received; measured with rspamd 3.4";
const ASSUMES: &str =
    "rspamd as a milter behind Postfix, stock scores, a message with no earlier Received line and no login";

/// A version whose rules are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V415,
    V34,
}

pub(super) fn predict(world: &World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)> {
    vec![("symbols", prediction(world, "rspamd", Version::V415))]
}

pub(super) fn predict_34(world: &World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)> {
    vec![("symbols", prediction(world, "rspamd-3.4", Version::V34))]
}

fn prediction(world: &World<'_>, receiver: &'static str, version: Version) -> Result<Prediction, Lacking> {
    let mut assumes: Vec<Text> = vec![ASSUMES.into()];
    if world.ehlo().is_err() {
        assumes.push("an EHLO name that adds nothing".into());
    }
    let ptr = world.ptr()?;
    let names = symbols(world, ptr, 0, version)?;
    let total = sum(&names, version);
    assumes.extend(order::other_totals(ptr, total, |first| Ok(sum(&symbols(world, ptr, first, version)?, version))));
    let limits = rspamd().thresholds;
    let acts = match total {
        t if t >= limits.reject => "it is rejected",
        t if t >= limits.add_header => "it is marked as spam",
        t if t >= limits.greylist => "it is greylisted",
        _ => "nothing happens by that alone",
    };
    let (greylist, mark, reject) = (limits.greylist, limits.add_header, limits.reject);
    Ok(Prediction {
        receiver: receiver.into(),
        rule: "symbols".into(),
        outcome: Outcome::Score,
        reply: None,
        score: Some(total),
        threshold: Some(mark),
        greylist_threshold: Some(greylist),
        reject_threshold: Some(reject),
        symbols: listed(&names, version),
        basis: Basis::Measured,
        assumes,
        because: format!("adds {total} ({greylist} greylists, {mark} marks as spam, {reject} rejects): {acts}").into(),
        source: if version == Version::V415 { SOURCE } else { SOURCE_34 }.into(),
    })
}

fn score(symbol: &str, version: Version) -> f64 {
    let tables = rspamd();
    let own = if version == Version::V34 { tables.scores_34.get(symbol) } else { None };
    own.or_else(|| tables.scores.get(symbol)).copied().unwrap_or_default()
}

fn sum(names: &[&'static str], version: Version) -> f64 {
    thousandths(names.iter().map(|name| score(name, version)).fold(0.0, |sum, score| sum + score))
}

fn thousandths(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}

/// A symbol found several times (a dead MX host each) is one, with its score as often.
fn listed(names: &[&'static str], version: Version) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> = Vec::new();
    for name in names {
        let score = score(name, version);
        match symbols.iter_mut().find(|symbol| symbol.name == *name) {
            Some(symbol) => symbol.score = thousandths(symbol.score + score),
            None => symbols.push(Symbol { name: (*name).into(), score }),
        }
    }
    symbols
}

/// The client as rspamd has it.
struct Client<'a> {
    /// What rules on the host name see.
    name: Option<&'a str>,
    /// What rspamd's own PTR question brought, where it asked.
    own: Option<&'a str>,
    symbols: Vec<&'static str>,
}

fn client<'a>(world: &World<'a>, ptr: &Found<'a>, first: usize, version: Version) -> Result<Client<'a>, Lacking> {
    let mut symbols = Vec::new();
    // The milter front end drops the word that Postfix says for a client without a name.
    if let Some(name) = postfix::confirmed_name(world, ptr, first)?.filter(|name| *name != "unknown") {
        return Ok(Client { name: Some(name), own: None, symbols });
    }
    let own = ptr.data.get(first).copied().filter(|name| ptr.status == Status::Found && *name != ".");
    if own.is_none() {
        if !ptr.status.is_definite() {
            symbols.push("RDNS_DNSFAIL");
        }
        symbols.push("RDNS_NONE");
    }
    Ok(Client { name: if version == Version::V415 { own } else { None }, own, symbols })
}

/// Addresses that rspamd counts as local and leaves alone.
fn is_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local() || ip.is_loopback(),
        IpAddr::V6(ip) => ip.segments()[0] & 0xff00 == 0xfd00 || ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

fn symbols(world: &World<'_>, ptr: &Found<'_>, first: usize, version: Version) -> Result<Vec<&'static str>, Lacking> {
    let helo = world.ehlo().ok().map(str::trim).filter(|helo| !helo.is_empty());
    let mut found = Vec::new();
    if helo.is_some_and(|helo| helo.eq_ignore_ascii_case("user")) {
        found.push("RCVD_HELO_USER");
    }
    if is_local(world.ip()?) {
        if version == Version::V415 {
            found.push("LOCAL_OUTBOUND");
        }
        return Ok(found);
    }
    let client = client(world, ptr, first, version)?;
    found.extend(&client.symbols);
    once_received(&client, version, &mut found);
    let mut helo_weight = 0;
    if let Some(helo) = helo.filter(|helo| *helo != "rspamc.local") {
        helo_weight = check_helo(world, &helo.replace(['[', ']'], ""), version, &mut found)?;
    }
    let name_weight = client.name.map_or(0, |name| weight(name, version));
    if client.name.is_none() {
        found.push("HFILTER_HOSTNAME_UNKNOWN");
    }
    found.extend(match (helo_weight, name_weight) {
        (0, 0) => None,
        (helo, name) if helo >= name => HELO.get(usize::from(helo)),
        (_, name) => HOSTNAME.get(usize::from(name)),
    });
    Ok(found)
}

const HELO: [&str; 6] = ["", "HFILTER_HELO_1", "HFILTER_HELO_2", "HFILTER_HELO_3", "HFILTER_HELO_4", "HFILTER_HELO_5"];
const HOSTNAME: [&str; 6] =
    ["", "HFILTER_HOSTNAME_1", "HFILTER_HOSTNAME_2", "HFILTER_HOSTNAME_3", "HFILTER_HOSTNAME_4", "HFILTER_HOSTNAME_5"];

fn once_received(client: &Client<'_>, version: Version, found: &mut Vec<&'static str>) {
    // 3.4 counts a header of its own making, and so stops where the MTA named the client.
    if version == Version::V34 && client.name.is_some() {
        return;
    }
    let name = client.name.or(client.own);
    match name {
        Some(name) if name.contains("mail") => {}
        Some(name) if name.contains("static") || name.contains("dynamic") => {
            found.extend(["ONCE_RECEIVED", "ONCE_RECEIVED_STRICT"]);
        }
        _ => found.push("ONCE_RECEIVED"),
    }
}

/// The EHLO checks; the weight of the name's shape comes back.
fn check_helo(world: &World<'_>, helo: &str, version: Version, found: &mut Vec<&'static str>) -> Result<u8, Lacking> {
    if is_bad_ip(helo, version) {
        found.push("HFILTER_HELO_BADIP");
        return Ok(0);
    }
    if is_bare_ip(helo, version) {
        found.push("HFILTER_HELO_BAREIP");
        return Ok(0);
    }
    let weight = whole_name_weight(helo, version).max(weight(helo, version));
    if weight > 0 {
        return Ok(weight);
    }
    let host = helo.to_ascii_lowercase();
    if !is_fqdn(&host) {
        found.push("HFILTER_HELO_NOT_FQDN");
        return Ok(0);
    }
    resolve_helo(world, &host, version, found)?;
    Ok(0)
}

fn resolve_helo(world: &World<'_>, host: &str, version: Version, found: &mut Vec<&'static str>) -> Result<(), Lacking> {
    let ip = world.ip()?;
    let answers = [world.ask(host, RecordType::A)?, world.ask(host, RecordType::Aaaa)?];
    if version == Version::V415 && answers.iter().any(|a| !a.status.is_definite()) {
        return Ok(());
    }
    let has_none = answers.iter().all(|a| a.status != Status::Found);
    let elsewhere = !answers.iter().any(|a| a.addresses().any(|address| address == ip));
    if has_none || (version == Version::V415 && elsewhere) {
        found.push("HFILTER_HELO_IP_A");
    }
    if !has_none {
        return Ok(());
    }
    let mx = world.ask(host, RecordType::Mx)?;
    if mx.status != Status::Found {
        found.push("HFILTER_HELO_NORES_A_OR_MX");
        return Ok(());
    }
    for target in mx.data.iter().map(|data| postfix::mx_host(data)).filter(|target| is_asked(target)) {
        let dead = |kind| Ok(world.ask(target, kind)?.status != Status::Found);
        if dead(RecordType::A)? && dead(RecordType::Aaaa)? {
            found.push("HFILTER_HELO_NORESOLVE_MX");
        }
    }
    Ok(())
}

/// Whether rspamd puts this name into a question at all; a host that it does not ask for is not a dead one.
fn is_asked(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// 4 to 253 characters, two labels at least, of letters, digits and inner hyphens; the last of two
/// characters at least, hyphens anywhere; a final dot is forgiven.
fn is_fqdn(host: &str) -> bool {
    if !(4..=253).contains(&host.len()) {
        return false;
    }
    let Some((head, last)) = host.strip_suffix('.').unwrap_or(host).rsplit_once('.') else { return false };
    let plain = |label: &str| label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let inner = |label: &str| {
        (1..=63).contains(&label.len()) && plain(label) && !label.starts_with('-') && !label.ends_with('-')
    };
    (2..=63).contains(&last.len()) && plain(last) && head.split('.').all(inner)
}

/// The weight of a name as a whole: no dot in it, or a private end.
fn whole_name_weight(helo: &str, version: Version) -> u8 {
    const HEAVY: u8 = 5;
    let ends = &rspamd().bad_ends;
    let helo = helo.to_ascii_lowercase();
    let ends_with = |suffix: &String| {
        let tail = helo.len().checked_sub(suffix.len()).map(|at| &helo.as_bytes()[at..]);
        tail.is_some_and(|tail| tail.iter().zip(suffix.bytes()).all(|(t, s)| *t == s || s == b'?'))
    };
    let bad = (!helo.is_empty() && !helo.contains('.'))
        || ends.names.contains(&helo)
        || (version == Version::V415 && ends.suffixes.iter().any(ends_with));
    if bad { HEAVY } else { 0 }
}

/// The weight of the heaviest word that counts where it stands.
fn weight(name: &str, version: Version) -> u8 {
    let name = name.to_ascii_lowercase();
    let octets = name.as_bytes();
    let label = match version {
        Version::V415 => "4.1.5",
        Version::V34 => "3.4",
    };
    let counts = |start: usize, end: usize, keyword: &Keyword| {
        keyword.only.as_deref().is_none_or(|only| only == label)
            && keyword.at.iter().any(|position| stands(octets, start, end, *position))
    };
    (0..octets.len())
        .flat_map(|start| {
            rspamd().words_at(&octets[start..]).map(move |(length, keyword)| (start, start + length, keyword))
        })
        .filter(|(start, end, keyword)| counts(*start, *end, keyword))
        .map(|(_, _, keyword)| keyword.weight)
        .max()
        .unwrap_or(0)
}

/// Whether the word from `start` to `end` stands in this position.
fn stands(name: &[u8], start: usize, end: usize, position: Position) -> bool {
    let before = |back: usize| start.checked_sub(back).map(|at| name[at]);
    let behind = |on: usize| name.get(end + on).copied();
    let digit = |octet: Option<u8>| octet.is_some_and(|b| b.is_ascii_digit());
    let sep = |octet: Option<u8>| matches!(octet, Some(b'.' | b'-'));
    let either = |octet: Option<u8>| digit(octet) || sep(octet);
    // A number before the word, `gap` octets away from it.
    let number = |gap: usize, digits: usize| {
        (1..=digits).all(|back| digit(before(gap + back))) && either(before(gap + digits + 1))
    };
    match position {
        Position::AfterNumber => number(0, 1) || (sep(before(1)) && number(1, 1)),
        Position::AfterNumberSep => sep(before(1)) && number(1, 1),
        Position::AfterDigit => digit(before(1)) || (sep(before(1)) && digit(before(2))),
        Position::AfterDigits => number(0, 3) || (sep(before(1)) && number(1, 3)),
        Position::Label => sep(before(1)) && sep(behind(0)),
        Position::LabelAfterNumber => sep(before(1)) && either(before(2)) && sep(behind(0)),
        Position::BeforeSepNumber => sep(behind(0)) && digit(behind(1)),
        Position::BeforeSepNumberOn => sep(behind(0)) && digit(behind(1)) && either(behind(2)),
        Position::BeforeSepDigits => sep(behind(0)) && digit(behind(1)) && digit(behind(2)),
        Position::BeforeNumber => digit(behind(0)) || (sep(behind(0)) && digit(behind(1))),
    }
}

/// A text that begins like a private, loopback, documentation or broadcast address.
fn is_bad_ip(helo: &str, version: Version) -> bool {
    let helo = helo.to_ascii_lowercase();
    is_bad_ipv6(&helo) || is_bad_ipv4(&helo, version)
}

fn is_bad_ipv6(helo: &str) -> bool {
    let octets = helo.as_bytes();
    let fe = |third: &[u8], end: &str| {
        helo.starts_with("fe")
            && octets.get(2).is_some_and(|b| third.contains(b))
            && octets.get(3).is_some_and(u8::is_ascii_hexdigit)
            && helo.get(4..).is_some_and(|rest| rest.starts_with(end))
    };
    helo == "::1"
        || ["2001:db8::", "ffxx::", "fc00::"].iter().any(|prefix| helo.starts_with(prefix))
        || fe(b"cdf", ":")
        || fe(b"89ab", "::")
}

fn is_bad_ipv4(helo: &str, version: Version) -> bool {
    let parts: Vec<&str> = helo.splitn(5, '.').collect();
    // The numbers at the head; behind a fourth anything may follow.
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let whole = parts.iter().take_while(|part| digits(part)).count();
    let fourth = parts.get(3).is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    if is_shared(helo, version) {
        return true;
    }
    match version {
        Version::V415 => whole >= 3 && fourth && (ends_in_255(&parts) || is_listed(&parts)),
        Version::V34 => {
            let follows = |n: usize| whole >= n && parts.len() > n && is_listed_exactly(&parts[..n]);
            (1..=3).any(follows) || (whole >= 3 && ends_in_255(&parts) && parts[..3].iter().all(|p| p.len() == 1))
        }
    }
}

/// Four numbers and nothing else, the last 255.
fn ends_in_255(parts: &[&str]) -> bool {
    parts.len() == 4 && parts[3] == "255"
}

fn is_listed(parts: &[&str]) -> bool {
    (1..=3).any(|n| is_listed_exactly(&parts[..n]))
}

/// Whether these numbers are an entry of the table.
fn is_listed_exactly(parts: &[&str]) -> bool {
    rspamd().bad_ip.first.iter().any(|entry| {
        let mut wanted = entry.split('.');
        parts.iter().all(|part| wanted.next().is_some_and(|w| is_number(part, w))) && wanted.next().is_none()
    })
}

fn is_number(part: &str, wanted: &str) -> bool {
    match wanted.split_once('-') {
        Some((low, high)) => {
            let [Ok(n), Ok(low), Ok(high)] = [part, low, high].map(str::parse::<u16>) else { return false };
            !part.starts_with('0') && (low..=high).contains(&n)
        }
        None => part == wanted,
    }
}

/// 100.64.0.0/10, with any character where the first dot belongs. 3.4 wants one digit more behind
/// 100.120 to 100.127.
fn is_shared(helo: &str, version: Version) -> bool {
    let mut rest = helo.strip_prefix("100").unwrap_or_default().chars();
    if rest.next().is_none() {
        return false;
    }
    let parts: Vec<&str> = rest.as_str().splitn(4, '.').collect();
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    match version {
        Version::V415 => {
            let third = parts.get(2).is_some_and(|part| part.starts_with(|c: char| c.is_ascii_digit()));
            parts.len() >= 3 && is_number(parts[0], "64-127") && digits(&parts[1]) && third
        }
        Version::V34 => {
            let second = parts[0];
            let long = second.len() == 4 && digits(&second) && is_number(&second[..3], "120-127");
            parts.len() >= 2 && (is_number(second, "64-119") || long)
        }
    }
}

/// Four numbers joined by `.`, `-` or `x`, or hexadecimal digits and a colon.
fn is_bare_ip(helo: &str, version: Version) -> bool {
    let joined = |b: u8| b == b'.' || b == b'-' || b == b'x' || (b == b'X' && version == Version::V415);
    let groups: Vec<&[u8]> = helo.as_bytes().split(|b| joined(*b)).collect();
    if groups.len() == 4 && groups.iter().all(|g| !g.is_empty() && g.iter().all(u8::is_ascii_digit)) {
        return true;
    }
    let hex = |b: u8| b.is_ascii_hexdigit() && (version == Version::V415 || !b.is_ascii_uppercase());
    helo.split_once(':').is_some_and(|(head, _)| !head.is_empty() && head.bytes().all(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dead_hosts_are_one_symbol_with_a_score_for_each() {
        let symbols =
            listed(&["HFILTER_HELO_IP_A", "HFILTER_HELO_NORESOLVE_MX", "HFILTER_HELO_NORESOLVE_MX"], Version::V34);
        let said: Vec<(&str, f64)> = symbols.iter().map(|s| (&*s.name, s.score)).collect();
        assert_eq!(said, [("HFILTER_HELO_IP_A", 1.0), ("HFILTER_HELO_NORESOLVE_MX", 0.4)]);
    }

    #[test]
    fn bad_addresses_by_version() {
        for (helo, new, old) in [
            ("10.1.2.3", true, true),
            ("10.20.30.40.example", true, true),
            ("10.example", false, true),
            ("172.31.0.1", true, true),
            ("172.32.0.1", false, false),
            ("1.2.3.255", true, true),
            ("11.2.3.255", true, false),
            ("1.2.3.255.example", false, false),
            ("100.64.1.1", true, true),
            ("100164.1.1", true, true),
            ("100.121.1.1", true, false),
            ("100.1211.1.1", false, true),
            ("192.168.1", false, true),
            ("010.1.2.3", false, false),
            ("::1", true, true),
            ("FE80::1", true, true),
            ("2001:db9::1", false, false),
            ("10", false, false),
            ("100", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_bad_ip(helo, Version::V415), is_bad_ip(helo, Version::V34)), (new, old), "{helo}");
        }
    }

    #[test]
    fn words_count_where_they_stand() {
        for (name, expected) in [
            ("mail.example.net", 0),
            ("host-1.example", 2),
            ("mx1.natwest.example", 0),
            ("mx01.natwest.example", 5),
            ("a.vps.example", 1),
            ("static.clients.example", 1),
            ("clients-12.example", 5),
            ("x1-ADSL.example", 4),
            ("dyn-5.example", 5),
            ("dyn-5x.example", 0),
        ] {
            assert_eq!(weight(name, Version::V415), expected, "{name}");
        }
        assert_eq!((weight("a.comcast.example", Version::V415), weight("a.comcast.example", Version::V34)), (0, 5));
    }
}
