//! The client's address in a receiver's own words.
//!
//! Input: a reply's text and the host that said it. Output: the address, if the words are about it.
//! Design: a number is taken only where the words around it speak of a client. The receiver's own
//! name and address, version numbers and addresses that cannot be seen from outside are left out.

use std::net::IpAddr;

use super::address::{Quoted, addresses, can_be_outbound, host_name, parse, same_organisation};
use super::phrases::fold;
use super::sentence::is_about_name;
use super::url::{Place, url_place};

/// The client's address that a reply states. `about_client` where the reply is known to be about the
/// client and nobody else: an address beside a word that means the client, or in a sentence about its
/// reverse name, is then the client's.
pub(super) fn client_address(text: &str, remote: Option<&str>, not: &[IpAddr], about_client: bool) -> Option<Quoted> {
    let mut best: Option<(u8, Quoted)> = None;
    let mut open: Vec<Quoted> = Vec::new();
    let mut other = false;
    for q in addresses(text).into_iter().chain(reversed(text)) {
        if !can_be_outbound(q.ip) || not.contains(&q.ip) {
            continue;
        }
        match score(text, q, remote) {
            None => other |= true,
            Some(0) => open.push(q),
            Some(score) if best.is_none_or(|(s, _)| score > s) => best = Some((score, q)),
            Some(_) => {}
        }
    }
    let only = open.first().copied().filter(|q| {
        about_client && open.iter().all(|o| o.ip == q.ip) && (!other || open.len() == 1) && is_told_of(text, *q)
    });
    best.map(|(_, q)| q).or(only)
}

/// Addresses written as names of the reverse zone: `9.2.0.192.in-addr.arpa`.
fn reversed(text: &str) -> Vec<Quoted> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for (zone, v4) in [(".in-addr.arpa", true), (".ip6.arpa", false)] {
        for (at, _) in lower.match_indices(zone).take(8) {
            let start = lower[..at]
                .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/')))
                .map_or(0, |n| n + 1);
            let mut labels: Vec<&str> = lower[start..at].split('.').collect();
            labels.reverse();
            let ip = if v4 {
                // A delegated zone has its own label between the third and the fourth octet (RFC 2317).
                if labels.len() == 5 {
                    labels.remove(3);
                }
                (labels.len() == 4).then(|| labels.join(".")).and_then(|w| parse(&w))
            } else {
                let nibbles = labels.len() == 32 && labels.iter().all(|l| l.len() == 1);
                let groups: Vec<String> = labels.chunks(4).map(<[&str]>::concat).collect();
                nibbles.then(|| groups.join(":")).and_then(|w| parse(&w))
            };
            if let Some(ip) = ip {
                found.push(Quoted { ip, start, end: at + zone.len() });
            }
        }
    }
    found
}

/// Octets between an address without a mark of its own and the name that is told of it.
const TOLD: usize = 36;

/// Whether an address without a mark of its own is what a reverse name is told of: it begins the reply, or
/// the topic stands beside it with no stop between.
fn is_told_of(text: &str, q: Quoted) -> bool {
    // Spectrum and others begin a refusal with whom they refuse.
    if text[..q.start].trim().is_empty() {
        return true;
    }
    let stop = [',', ';', ':', '.', '!', '?', '\u{3002}', '\u{ff0c}'];
    let mut from = q.start.saturating_sub(TOLD);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let before = text[from..q.start].rsplit(stop).next().unwrap_or_default();
    let behind = super::reply::clip(&text[q.end..], TOLD).split(stop).next().unwrap_or_default();
    is_about_name(&fold(before)) || is_about_name(&fold(behind))
}

/// Words before an address that make it a client's.
#[rustfmt::skip]
const BEFORE: &[&str] = &[
    "client", "ip", "ips", "address", "host", "for", "server", "sender", "not", "i", "addr", "of",
    "source", "rejecting", "adresse", "ip-adresse", "serveur", "servidor", "server-ip", "direccion", "dirección",
    "von", "für", "fuer", "relay", "connection", "blocked", "query", "lookup", "rdns", "ptr", "hostname", "client-ip",
    "ip-address", "ip-adres", "ip-adresu", "adresu", "adres", "van", "voor", "iprev", "policy.iprev",  "pour", "hosta", "hôte", "serwera", "serveru", "serverul", "dla", "para", "per", "indirizzo", "mittente",
    "listed", "range", "remote", "rejected", "h", "peer", "access", "для", "ip-адреса", "ip-адрес", "адреса", "адрес",
    "ipアドレス", "アドレス", "送信元ip", "发件服务器", "发件ip", "服务器", "地址", "ip地址", "ip位址", "ip-cím", "ip-osoite", "adressen", "ip-adressen",
];

/// Beginnings of what is said about a client behind its address.
#[rustfmt::skip]
const AFTER: &[&str] = &[
    "is not", "is blocked", "is listed", "is on", "is in", "is currently", "has no", "has been", "has a bad", "has an invalid", "has a generic", "has sent", "has exceeded",
    "has not", "has too", "has poor", "has a poor", "has ", "was ", "were ", "listed",
    "blocked", "rejected", "does not", "doesn't", "not allowed", "not permitted", "is permitted", "no reverse",
    "without", "found in", "found on", "temporarily", "is black", "have been", "weren't", "is denied",
    "forbidden", "denied", "lacks", "looks", "identifies", "identified", "claims", "presents", "greets", "announces", "fails", "failed", "->", "=>", "\u{2192}",
];

/// What goes before the far end of a connection, or before where a name leads.
#[rustfmt::skip]
const ELSEWHERE: &[&str] = &[
    "connect to", "connected to", "connecting to", "connection to", "connection with", "talking to", "resolves to",
    "resolve to", "resolved to", "resolving to", "points to", "point to", "pointing to", "maps to", "mapped to", "leads to", "lead to",
    "resolves back to", "points back to", "->", "=>", "\u{2192}", "a record", "a records", "a record is", "a record of", "aaaa record", "aaaa record is", "has address",
    "has ip", "has a", "has aaaa", "a is", "a:", "a =", "address record", "which is", "it is", "is at", "lookup returned", "lookup gives", "lookup gave", "returned", "expected", "forward lookup", "forward dns", "forward entry",
    "forward record", "forward address", "instead of", "but got", "we got", "record points to", "zeigt auf",
    "löst auf", "verweist auf", "wijst naar", "pointe vers", "apunta a", "aponta para", "punta a", "указывает на",
    "a-record", "a-record is", "a-eintrag", "enregistrement a", "registro a", "record a",
];

/// What denies that a name leads to the client's address, and what says outright that it is his.
const CLIENTS: &[&str] = &[
    "not resolve to",
    "doesn't resolve to",
    "not resolving to",
    "not point to",
    "doesn't point to",
    "not map to",
    "not pointing to",
    "doesn\u{2019}t resolve to",
    "not match",
    "doesn't match",
    "doesn\u{2019}t match",
    "not correspond to",
    "client is",
    "your ip is",
    "your address is",
    "client address is",
    "client ip is",
    "sender ip is",
    "you are",
];

/// Who answered, not who asked: the receiver's own tools.
const OTHERS: &[&str] = &[
    "dns server",
    "name server",
    "nameserver",
    "name servers",
    "dns servers",
    "resolver",
    "our server",
    "our host",
    "our ip",
    "our gateway",
    "to this server",
    "by this server",
    "at this server",
    "on this server",
    "local host",
    "gateway",
    "node",
    "proxy",
    "firewall",
    "cluster",
    "backend",
    "against",
    "via",
    "through",
    "see",
    "section",
    "\u{a7}",
];

/// Whether a text ends with the number of a standard: "RFC2821 4.1.1.1" is a section of it.
fn is_standard(before: &str) -> bool {
    let digits = before.trim_end_matches(|c: char| c.is_ascii_digit());
    digits.len() < before.len() && digits.trim_end_matches([' ', '-']).ends_with("rfc")
}

/// What only the receiver does, behind its own address.
const ACTIVE: [&str; 19] = [
    "rejects",
    "refuses",
    "denies",
    "accepts",
    "says",
    "said",
    "returned",
    "answered",
    "replied",
    "responded",
    "requires",
    "reports",
    "blocks",
    "does not accept",
    "doesn't accept",
    "don't accept",
    "cannot accept",
    "will not accept",
    "esmtp",
];

/// How much speaks for the client; `None` where it is known not to be.
fn score(text: &str, q: Quoted, remote: Option<&str>) -> Option<u8> {
    let before = &text[..q.start];
    let after = &text[q.end..];
    let tail: String =
        before.chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect::<String>().to_lowercase();
    let bracket = tail.ends_with(['[', '(']);
    let marks: &[char] = &['[', '(', '<', '\'', '"', '=', ':', ' ', '{', '\u{201c}'];
    let opened = tail.trim_end_matches(marks);
    let spaced = tail.trim_end_matches(['[', '(', '<', '\'', '"', '{']);
    let mut word = opened.rsplit([' ', '?', '&', '/', '(', '[', ';', ',', '"', '=']).next().unwrap_or_default();
    // A port may stand behind the bracket: "[192.0.2.1]:22222".
    let behind = after.trim_start_matches([']', ')', '>', '\'', '"', ' ', '}']);
    let port = behind.strip_prefix(':').map_or(behind, |p| p.trim_start_matches(|c: char| c.is_ascii_digit()));
    let next = port.trim_start().to_lowercase();
    let place = url_place(before);
    if place == Place::Elsewhere {
        return None;
    }
    let parameter = place == Place::Parameter;
    if spaced.trim_end().ends_with('-') && !spaced.trim_end().ends_with(" -")
        || spaced.ends_with("- ") && after.starts_with([';', ','])
        || ["version", "ver", "release", "build", "id", "esmtp", "exim", "postfix", "v"].contains(&word) && !parameter
    {
        return None;
    }
    // "550 4.16.55.1 …": a version or a status where the enhanced code stands.
    if before.trim().is_empty() && !bracket && matches!(q.ip, IpAddr::V4(ip) if matches!(ip.octets()[0], 4 | 5)) {
        return None;
    }
    let said = AFTER.iter().any(|w| next.starts_with(w));
    let named = host_name(word).is_some();
    // "192.0.2.1 ESMTP server not available" greets who called by his address.
    let answers = ["returned", "answered", "replied", "responded"];
    let asked = ["for", "of", "für", "pour", "von"].contains(&word);
    if ACTIVE.iter().any(|w| next.starts_with(w) && (named || *w != "esmtp") && !(asked && answers.contains(w))) {
        return None;
    }
    let mut ahead = opened;
    if named {
        ahead = opened.strip_suffix(word).unwrap_or(opened).trim_end_matches(marks);
    }
    let ends = |list: &[&str]| {
        list.iter().any(|w| {
            ahead.strip_suffix(w).is_some_and(|head| {
                !head.ends_with(|c: char| c.is_alphanumeric()) || !w.starts_with(|c: char| c.is_alphanumeric())
            })
        })
    };
    // "a.example -> 192.0.2.2" ends a chain; the first link of one is the client.
    let denied = ends(CLIENTS);
    if ends(ELSEWHERE) && !denied && !(parameter || ends(&["query returned"])) || ends(OTHERS) || is_standard(ahead) {
        return None;
    }
    // "rejected by 192.0.2.1", "refused by server mx.example [192.0.2.1]".
    let doer = ["server", "host", "gateway", "ip", "relay", "filter", "address", "mx"]
        .iter()
        .find_map(|w| ahead.strip_suffix(w))
        .map_or(ahead, str::trim_end);
    if doer.ends_with(" by") || doer.ends_with(" durch") || doer.ends_with(" par") && !said {
        return None;
    }
    let greeted = is_greeted(before, after, remote, bracket);
    // The receiver naming itself: "mx1.example.net [198.51.100.7]".
    if let (true, Some(remote)) = (named, remote)
        && same_organisation(word, remote)
        && (bracket || !said)
        && !greeted
    {
        return None;
    }
    // A name and its address at the head of a reply are who speaks, unless they are what is spoken of.
    let head = named && before.trim_start().len() <= word.len() + 3;
    // Postfix puts the client in angle brackets: "<name[192.0.2.1]>: Client host rejected".
    let client = before.trim_start().starts_with('<') && after.starts_with("]>");
    if head && !said && !client && !greeted {
        return None;
    }
    if word == "from" {
        let come = COMING.iter().any(|w| tail.contains(w)) || ahead.trim() == "from";
        word = if come { "client" } else { "" };
    }
    let mut score = 0;
    // Scripts without spaces run a word into the one before it.
    if parameter || BEFORE.iter().any(|w| word == *w || !w.is_ascii() && word.ends_with(w)) {
        score += 3;
    }
    if said || client || denied {
        score += 3;
    }
    if next.starts_with("->") || next.starts_with("=>") || next.starts_with('\u{2192}') {
        score += 2;
    }
    if text[q.start..q.end].ends_with("arpa") {
        score += 3;
    }
    if greeted {
        score += 2;
    }
    if bracket {
        // Alone in its bracket: "[192.0.2.1]", Gmail's "[192.0.2.1      13]".
        let closed = after.trim_start_matches([' ', '\t']).trim_start_matches(|c: char| c.is_ascii_digit());
        if closed.starts_with([']', ')', ',']) {
            score += 2;
        }
    }
    // At the end, behind a colon: "Reverse DNS required: 192.0.2.1".
    if spaced.ends_with(": ") && after.trim_matches(['.', ' ', ']', ')']).is_empty()
        || before.trim().is_empty() && bracket
    {
        score += 2;
    }
    Some(score)
}

/// What makes `from` speak of mail that comes in.
const COMING: [&str; 24] = [
    "mail",
    "message",
    "connection",
    "connect",
    "accept",
    "received",
    "traffic",
    "access",
    "client",
    "host",
    "spam",
    "requests",
    "sent from",
    "coming",
    "relay",
    "helo",
    "ehlo",
    "lookup",
    "sender",
    "rcpt",
    "delivery",
    "sessions",
    "recipients",
    "volume",
];

/// "mx.example mx.example 192.0.2.1 …": a greeting (RFC 5321 §4.2: the server's name comes first) and then who
/// called; without a host known to have said it, only one that names itself twice.
fn is_greeted(before: &str, after: &str, remote: Option<&str>, bracket: bool) -> bool {
    let words: Vec<&str> = before.split_whitespace().collect();
    let Some(first) = words.first() else { return false };
    let all_names = words.iter().all(|w| host_name(w).is_some());
    let twice = words.len() == 2 && first.eq_ignore_ascii_case(words[1]);
    let known = words.len() == 1 && remote.is_some();
    all_names && (twice || known) && !bracket && after.starts_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_words_speak_of() {
        for (text, ip) in [
            ("[192.0.2.1] The IP address sending this message does not have a PTR record", "192.0.2.1"),
            ("[192.0.2.1      13] Messages with multiple addresses", "192.0.2.1"),
            ("Client host rejected: cannot find your hostname, [192.0.2.1]", "192.0.2.1"),
            ("Messages from 192.0.2.1 temporarily deferred due to complaints - 4.16.55.1; see x", "192.0.2.1"),
            ("Fix reverse DNS for 192.0.2.1", "192.0.2.1"),
            ("No PTR Record found. Reverse DNS required: 192.0.2.1", "192.0.2.1"),
            ("a.example is not 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1 is not allowed to send from <example.net>", "192.0.2.1"),
            ("see https://x.example/lookup.cgi?ip=192.0.2.1", "192.0.2.1"),
            ("Bad DNS PTR resource record. See http://x.example/err?c=rdns&ip=192.0.2.1&l=1", "192.0.2.1"),
            ("Frequency limited [Q1Yz= Blocked IP 192.0.2.1]", "192.0.2.1"),
            ("mail0.example.net [192.0.2.1]:22222 is not permitted to relay", "192.0.2.1"),
            ("mx1.example.org [192.0.2.1] user unknown", ""),
            ("Service unavailable, version 4.16.55.1", ""),
            ("for 127.0.0.1 and from 10.0.0.1", ""),
            ("queued at 192.0.2.1", ""),
            ("450 4.4.316 refused [{LED=no};{FQDN=mx.example.org};{IP=192.0.2.1};{LRT=1}]", ""),
            ("4.4.7 expired; LastAttemptedServerName=mx.example.org;LastAttemptedIP=192.0.2.1:25", ""),
            ("[192.0.2.1, out.example.net] is not permitted", "192.0.2.1"),
            ("mx1.recv.example [192.0.2.1] rejects mail without PTR", ""),
            ("mx1.recv.example [192.0.2.1] PTR record missing", ""),
            ("message rejected by 192.0.2.1, no PTR", ""),
            ("message refused by server gw.recv.example [192.0.2.1]: no PTR", ""),
            ("DNS server 192.0.2.53 returned SERVFAIL for the PTR", ""),
            ("PTR name m.example has A record 192.0.2.8, not your address", ""),
            ("4.16.55.1 rejected due to reverse DNS", ""),
            ("no PTR, see https://docs.recv.example/4.2.1.0/ptr and http://192.0.2.7/why", ""),
            ("no PTR. Open a ticket from 192.0.2.9 page", ""),
            ("see https://x.example/query/ip/192.0.2.1", "192.0.2.1"),
            ("gw.recv.example gw.recv.example 192.0.2.1 Comcast requires a PTR", "192.0.2.1"),
            ("FCrDNS check failed: 192.0.2.1 -> m.example -> 192.0.2.10", "192.0.2.1"),
            ("PTR of 192.0.2.1 is m.example which resolves to 192.0.2.10", "192.0.2.1"),
            ("HELO m.example resolves to 192.0.2.10, but you connect from 192.0.2.1", "192.0.2.1"),
            ("HELO m.example does not match 192.0.2.1", "192.0.2.1"),
            ("PTR: forward DNS of m.example returned 192.0.2.8, client is 192.0.2.1", "192.0.2.1"),
            ("Invalid HELO name (See RFC2821 4.1.1.1), no PTR", ""),
            ("could not verify the PTR, RFC 1912 2.1.0.4", ""),
            ("gateway 192.0.2.4 could not verify PTR of the client", ""),
            ("no PTR; this decision was made by node 192.0.2.12", ""),
            ("contact postmaster or call from 192.0.2.13; PTR missing", ""),
            ("PTR for your host missing, checked against 192.0.2.53", ""),
            ("PTR lookup for 192.0.2.1 returned NXDOMAIN", "192.0.2.1"),
            ("m.example does not resolve to 192.0.2.1", "192.0.2.1"),
            ("no PTR at 1.2.0.192.in-addr.arpa", "192.0.2.1"),
            ("逆引き 送信元IPアドレス 192.0.2.1 の逆引きが設定されていません", "192.0.2.1"),
            ("", ""),
        ] {
            let got = client_address(text, Some("mx.example.org"), &[], text.contains("PTR"))
                .map(|q| q.ip.to_string())
                .unwrap_or_default();
            assert_eq!(got, ip, "{text}");
        }
        assert!(client_address("Client host [192.0.2.1]", None, &["192.0.2.1".parse().unwrap()], true).is_none());
    }
}
