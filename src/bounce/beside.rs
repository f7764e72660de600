//! What stands beside an address in a reply, and whose it makes it.
//!
//! Input: a reply's text, an address in it, and the host that said it. Output: a score for the client, or that
//! the address is another's.

use std::net::IpAddr;

use super::address::{Quoted, host_name, same_organisation};
use super::marks::{ACTIVE, AFTER, BEFORE, CLIENTS, COMING, ELSEWHERE, IN_MESSAGE, INSIDE, OF, OTHERS};
use super::reply::clip;
use super::url::{Place, url_place};

/// Octets looked at before an address.
const TAIL: usize = 80;
/// And behind it.
const BEHIND: usize = 40;
/// Signs between a word and the address that it marks.
const SIGNS: &[char] = &['[', '(', '<', '\'', '"', '=', ':', ' ', '{', '\u{201c}', '\u{ff08}', '\u{ff1a}'];

/// Signs between words.
const BREAKS: &[char] = &[
    ' ', '?', '&', '/', '(', '[', ';', ',', '"', '=', '\u{ff1a}', '\u{ff08}', '\u{ff0c}', '\u{3001}', '\u{3002}',
    '\u{300c}',
];

/// How much speaks for the client; `None` where the address is known to be another's.
pub(super) fn score(text: &str, q: Quoted, remote: Option<&str>) -> Option<u8> {
    let beside = Beside::of(text, q, remote);
    if beside.place == Place::Elsewhere || beside.is_number() {
        return None;
    }
    // The reverse zone has names of clients only.
    if text[q.start..q.end].ends_with("arpa") {
        return Some(3);
    }
    if beside.is_elsewhere() || beside.is_the_receivers() { None } else { Some(beside.points()) }
}

/// The words before and behind an address.
struct Beside<'a> {
    ip: IpAddr,
    before: &'a str,
    after: &'a str,
    remote: Option<&'a str>,
    place: Place,
    /// What stands before, in lower case.
    tail: String,
    /// Where the signs behind the last word begin in it, and where that word begins.
    opened: usize,
    word: usize,
    /// What stands behind, in lower case, without closing signs; and without a port.
    behind: String,
    next: String,
    /// The words behind are said of a client.
    said: bool,
    /// A host name stands before it.
    named: bool,
    /// A greeting names who called.
    greeted: bool,
}

impl<'a> Beside<'a> {
    fn of(text: &'a str, q: Quoted, remote: Option<&'a str>) -> Self {
        let (before, after) = (&text[..q.start], &text[q.end..]);
        let from = before.char_indices().rev().nth(TAIL - 1).map_or(0, |(at, _)| at);
        let tail = before[from..].to_lowercase();
        let bracket = tail.ends_with(['[', '(']);
        let opened = tail.trim_end_matches(SIGNS);
        let word = opened.rsplit(BREAKS).next().unwrap_or_default();
        // A port may stand behind the bracket: "[192.0.2.1]:22222".
        let behind = after.trim_start_matches([']', ')', '>', '\'', '"', ' ', '}']).to_lowercase();
        let next =
            behind.strip_prefix(':').map_or(behind.as_str(), |p| p.trim_start_matches(|c: char| c.is_ascii_digit()));
        // AT&T runs its words together: "521< 192.0.2.1 >_is_blocked".
        let next = next.trim_start_matches([' ', '_']).replace('_', " ");
        Self {
            ip: q.ip,
            before,
            after,
            remote,
            place: url_place(before),
            opened: opened.len(),
            word: opened.len() - word.len(),
            said: AFTER.iter().any(|w| next.starts_with(w)),
            named: host_name(word).is_some(),
            greeted: is_greeted(before, after, remote, bracket),
            tail,
            behind,
            next,
        }
    }

    fn opened(&self) -> &str {
        &self.tail[..self.opened]
    }

    /// A bracket opens right before it.
    fn in_bracket(&self) -> bool {
        self.tail.ends_with(['[', '('])
    }

    /// The last word before it.
    fn word(&self) -> &str {
        &self.tail[self.word..self.opened]
    }

    /// The words before it and before a host name that goes with it.
    fn ahead(&self) -> &str {
        if self.named { self.tail[..self.word].trim_end_matches(SIGNS) } else { self.opened() }
    }

    fn spaced(&self) -> &str {
        self.tail.trim_end_matches(['[', '(', '<', '\'', '"', '{'])
    }

    /// Whether one of these words stands right before.
    fn ends(&self, list: &[&str]) -> bool {
        list.iter().any(|w| {
            self.ahead().strip_suffix(w).is_some_and(|head| {
                !head.ends_with(|c: char| c.is_alphanumeric()) || !w.starts_with(|c: char| c.is_alphanumeric())
            })
        })
    }

    /// A version, a status or the section of a standard.
    fn is_number(&self) -> bool {
        const VERSIONS: [&str; 9] = ["version", "ver", "release", "build", "id", "esmtp", "exim", "postfix", "v"];
        let spaced = self.spaced();
        spaced.trim_end().ends_with('-') && !spaced.trim_end().ends_with(" -")
            || spaced.ends_with("- ") && self.after.starts_with([';', ','])
            || VERSIONS.contains(&self.word()) && self.place != Place::Parameter
            || is_standard(self.ahead())
            // "550 4.16.55.1 …": where the enhanced code stands.
            || self.before.trim().is_empty()
                && !self.in_bracket()
                && matches!(self.ip, IpAddr::V4(ip) if matches!(ip.octets()[0], 4 | 5))
    }

    /// Asked for or spoken of as the client.
    fn is_asked(&self) -> bool {
        ["for", "of", "für", "pour", "von"].contains(&self.word())
    }

    /// Where a name leads, or what mail goes to. "a.example -> 192.0.2.2" ends a chain; its first link is the client.
    fn is_elsewhere(&self) -> bool {
        const PORTS: [&str; 6] = ["port 25", "port 587", "port 465", ":25", ":587", ":465"];
        let clients = self.ends(CLIENTS);
        // "error: 192.0.2.1 …" speaks of it anew.
        let stopped = self.tail.trim_end_matches(['[', '(', '<', '\'', '"', ' ']).ends_with([':', ';', ',']);
        let other = self.ends(OTHERS) && !stopped && (!self.said || self.word() != "at");
        let leads = self.ends(ELSEWHERE) && self.place != Place::Parameter;
        let port = PORTS
            .iter()
            .any(|p| self.behind.strip_prefix(p).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())));
        !clients && (other || leads) || port || self.is_of_message()
    }

    /// An earlier hop's, which the receiver read in the message: "192.0.2.1 in a Received line".
    fn is_of_message(&self) -> bool {
        // "links to a.example, whose address 192.0.2.1": said of what stands before the stop.
        let relative = ["whose ", "which ", "dessen ", "deren "];
        let mut clauses = self.tail.rsplit([';', ',', '!']);
        let last = clauses.next().unwrap_or_default();
        let back = if relative.iter().any(|w| last.trim_start().starts_with(w)) {
            clauses.next().unwrap_or_default().len() + 1 + last.len()
        } else {
            last.len()
        };
        let clause = self.tail.get(self.tail.len().saturating_sub(back)..).unwrap_or(last);
        let clause = clause.rsplit(". ").next().unwrap_or_default();
        let rest = clip(&self.next, BEHIND).split([';', ',', '!']).next().unwrap_or_default();
        let rest = rest.split(". ").next().unwrap_or_default();
        IN_MESSAGE.iter().any(|w| clause.contains(w) || rest.contains(w)) || INSIDE.iter().any(|w| rest.starts_with(w))
    }

    /// Who speaks, rejects, answers: "mx.example [192.0.2.1] rejects", "refused by server mx.example [192.0.2.1]".
    fn is_the_receivers(&self) -> bool {
        const ANSWERS: [&str; 4] = ["returned", "answered", "replied", "responded"];
        // "192.0.2.1 ESMTP server not available" greets who called by his address; "lookup for 192.0.2.1 returned".
        let active = !self.ends(CLIENTS)
            && ACTIVE.iter().any(|w| {
                self.next.starts_with(w) && (self.named || *w != "esmtp") && !(self.is_asked() && ANSWERS.contains(w))
            });
        let by = |w: &str| ["by", "durch", "par"].contains(&w);
        // "Blocked by zen.dnsbl.example: IP 192.0.2.1 is listed": the doer's clause is over.
        let clause = self.opened().rsplit([':', ';']).next().unwrap_or_default();
        let mut near = clause.split_whitespace().rev();
        let direct = near.next().unwrap_or_default();
        let asked = self.is_asked() || ["from", "client", "host", "ip", "address"].contains(&direct);
        let doer = by(direct) || !asked && near.take(2).any(by);
        let own = self.named
            && self.remote.is_some_and(|r| same_organisation(self.word(), r))
            && (self.in_bracket() || !self.said)
            && !self.greeted;
        // A name and its address at the head of a reply are who speaks, unless they are what is spoken of.
        let head = self.named && self.before.trim_start().len() <= self.word().len() + 3;
        active || doer || own || head && !self.said && !self.is_postfix_client() && !self.greeted
    }

    /// Postfix puts the client in angle brackets: "<name[192.0.2.1]>: Client host rejected".
    fn is_postfix_client(&self) -> bool {
        self.before.trim_start().starts_with('<') && self.after.starts_with("]>")
    }

    /// Whether the word before marks a client.
    fn is_marked(&self) -> bool {
        match self.word() {
            "from" => COMING.iter().any(|w| self.tail.contains(w)) || self.ahead().trim() == "from",
            // "Received line of …" is not about who connected.
            "of" => self.ahead().strip_suffix("of").map(str::trim_end).is_some_and(|whose| {
                OF.iter().any(|w| whose.ends_with(w)) || whose.rsplit(' ').next().and_then(host_name).is_some()
            }),
            // Scripts without spaces run a word into the one before it.
            word => BEFORE.iter().any(|w| word == *w || !w.is_ascii() && word.ends_with(w)),
        }
    }

    fn points(&self) -> u8 {
        let mut score = 0;
        if self.place == Place::Parameter || self.is_marked() {
            score += 3;
        }
        if self.said || self.is_postfix_client() || self.ends(CLIENTS) {
            score += 3;
        }
        if ["->", "=>", "\u{2192}"].iter().any(|arrow| self.next.starts_with(arrow)) {
            score += 2;
        }
        if self.greeted {
            score += 2;
        }
        // Alone in its bracket: "[192.0.2.1]", Gmail's "[192.0.2.1      13]".
        let closed = self.after.trim_start_matches([' ', '\t']).trim_start_matches(|c: char| c.is_ascii_digit());
        if self.in_bracket() && closed.starts_with([']', ')', ',']) {
            score += 2;
        }
        // At the end, behind a colon: "Reverse DNS required: 192.0.2.1".
        if self.spaced().ends_with(": ") && self.after.trim_matches(['.', ' ', ']', ')']).is_empty()
            || self.before.trim().is_empty() && self.in_bracket()
        {
            score += 2;
        }
        score
    }
}

/// Whether a text ends with the number of a standard: "RFC2821 4.1.1.1" is a section of it.
fn is_standard(before: &str) -> bool {
    let digits = before.trim_end_matches(|c: char| c.is_ascii_digit());
    digits.len() < before.len() && digits.trim_end_matches([' ', '-']).ends_with("rfc")
}

/// "mx.example mx.example 192.0.2.1 …": a greeting (RFC 5321 §4.2: the server's name comes first) and then who
/// called; without a host known to have said it, only one that names itself twice.
fn is_greeted(before: &str, after: &str, remote: Option<&str>, bracket: bool) -> bool {
    let words: Vec<&str> = before.split_whitespace().collect();
    let Some(first) = words.first() else { return false };
    let names = host_name(first).is_some();
    // Comcast says its host and then the host's organisation: "mx.recv.example recv 192.0.2.1".
    let again = |w: &str| first.eq_ignore_ascii_case(w) || first.split('.').skip(1).any(|l| l.eq_ignore_ascii_case(w));
    let twice = words.len() == 2 && again(words[1]);
    let known = words.len() == 1 && remote.is_some();
    names && (twice || known) && !bracket && after.starts_with(' ')
}
