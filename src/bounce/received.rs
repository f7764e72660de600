//! One Received line, read as the server that wrote it meant it.
//!
//! Standard: RFC 5321 §4.4 (trace information; the `from` clause holds the EHLO name and, in a
//! comment, what TCP showed), RFC 8601 §7.1 (only lines stamped by trusted hosts are evidence).
//! Input: the field's body, folded or not. Output: a [`Hop`]. Failure: none; what a line does not
//! say stays empty.
//! Design: servers differ in what the first name is. With `HELO x`, `EHLO x` or `helo=x` beside it,
//! it is the name found by reverse lookup (qmail, Exim, Yahoo, `IronPort`, Zimbra); without, it is
//! the EHLO name and the comment holds the looked-up one (Postfix, Sendmail, Gmail, most others).

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::address::{addresses, host_name, parse};
use super::reply::{clean, clip};
use crate::name::AddressLiteral;

/// A line longer than this is read to here only.
const MAX_LINE: usize = 8192;

/// What the server made of the connecting address's name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RdnsState {
    /// The line does not say.
    #[default]
    NotStated,
    /// A name is given, by a server that writes only names that resolve back (Postfix, Sendmail,
    /// Exim, `OpenSMTPD`).
    Confirmed,
    /// A name is given; whether it was confirmed this kind of line does not tell.
    Named,
    /// A name is given and said not to resolve back (Sendmail `may be forged`).
    Unconfirmed,
    /// `unknown`: no name, or one that does not resolve back (Postfix, Coremail), or a lookup that
    /// failed.
    Unknown,
}

/// One relay step as its receiving side stamped it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// The connecting address.
    pub ip: Option<IpAddr>,
    /// The client's EHLO or HELO name, as said.
    pub ehlo: Option<String>,
    /// The name of the connecting address as that server saw it.
    pub rdns: Option<String>,
    /// What it meant by it.
    pub rdns_state: RdnsState,
    /// The stamping host.
    pub by: Option<String>,
    /// After `with`.
    pub protocol: Option<String>,
    /// The TLS version as written; `yes` where only its use is told.
    pub tls: Option<String>,
    /// The client logged in: a submission, not a transfer between servers.
    pub authenticated: bool,
    /// The line, cleaned.
    pub raw: String,
}

/// A word at the line's top level, or a comment with its parentheses taken off.
enum Token<'a> {
    Word(&'a str),
    Comment(&'a str),
}

impl Hop {
    /// Reads the body of one Received field.
    pub fn read(line: &str) -> Self {
        let line = clip(line, MAX_LINE);
        let line = line.trim();
        let line = strip_name(line);
        let mut hop = Self { raw: clean(line), ..Self::default() };
        let tokens = tokens(line);
        let clauses = Clauses::of(&tokens);
        hop.by = clauses.by.and_then(name_or_literal);
        hop.protocol = clauses.protocol();
        hop.tls = tls(line, hop.protocol.as_deref());
        hop.authenticated = authenticated(line, hop.protocol.as_deref());
        if !clauses.from.is_empty() {
            hop.read_client(&clauses, line);
        }
        hop
    }

    fn read_client(&mut self, clauses: &Clauses<'_>, line: &str) {
        let words: Vec<&str> =
            clauses.from.iter().filter_map(|t| if let Token::Word(w) = t { Some(*w) } else { None }).collect();
        let first = words.first().copied().unwrap_or_default();
        let mut said: Option<String> = None;
        let mut inside: Option<&str> = None;
        let mut forged = false;
        // TCP's address stands beside the name.
        let mut shown = false;
        // A bracketed word behind the name, "name [ip]", and the comments in their order.
        for word in words.iter().skip(1) {
            self.ip = self.ip.or_else(|| literal(word));
        }
        for comment in clauses.from.iter().filter_map(|t| if let Token::Comment(c) = t { Some(*c) } else { None }) {
            forged |= comment.to_ascii_lowercase().contains("may be forged");
            if let Some(name) = said_name(comment) {
                said = said.or(Some(name));
                if addresses(comment).is_empty() {
                    continue;
                }
            }
            if self.ip.is_some() || not_address(comment) {
                continue;
            }
            self.ip = connecting(comment);
            if self.ip.is_some() {
                shown = true;
                inside = looked_up(comment);
            }
        }
        let own = literal(first);
        self.ip = self.ip.or(own).or_else(|| parse(first));
        let first_name = if own.is_some() || parse(first).is_some() { None } else { name_or_literal(first) };
        let unknown = |name: &str| {
            let name = name.trim_matches(['<', '>']);
            ["unknown", "softdnserr", "undefined"].iter().any(|u| name.eq_ignore_ascii_case(u))
        };
        if let Some(name) = said {
            // The first name is the looked-up one.
            self.ehlo = Some(name);
            match first_name {
                Some(name) if !unknown(&name) => self.set_rdns(&name, line),
                Some(_) => self.rdns_state = RdnsState::Unknown,
                None => {}
            }
        } else if is_qmail(clauses) {
            // qmail leaves HELO out where it equals the looked-up name.
            match first_name {
                Some(name) if !unknown(&name) => {
                    self.set_rdns(&name, line);
                    self.ehlo = Some(name);
                }
                Some(_) => self.rdns_state = RdnsState::Unknown,
                None => {}
            }
        } else {
            self.ehlo = own.map(|_| first.to_owned()).filter(|_| shown).or(first_name);
            if self.ehlo.as_deref().is_some_and(unknown) {
                self.ehlo = None;
                self.rdns_state = RdnsState::Unknown;
            }
            match inside {
                Some(name) if unknown(name) => self.rdns_state = RdnsState::Unknown,
                Some(name) => self.set_rdns(name, line),
                // Exim leaves helo= out where it equals the verified name.
                None if line.contains("(Exim") && self.ip.is_some() && own.is_none() => {
                    if let Some(name) = self.ehlo.clone() {
                        self.set_rdns(&name, line);
                    }
                }
                None => {}
            }
        }
        if forged {
            self.rdns_state = RdnsState::Unconfirmed;
        }
    }

    fn set_rdns(&mut self, name: &str, line: &str) {
        if let Some(name) = host_name(name).or_else(|| name.starts_with("localhost").then_some("localhost")) {
            self.rdns = Some(name.to_owned());
            self.rdns_state = if confirms(line) { RdnsState::Confirmed } else { RdnsState::Named };
        }
    }
}

/// The field name, where the caller left it on.
fn strip_name(line: &str) -> &str {
    let line = line.trim_start_matches(['>', ' ']);
    match line.get(..9) {
        Some(head) if head.eq_ignore_ascii_case("received:") => line[9..].trim_start(),
        _ => line,
    }
}

struct Clauses<'a> {
    from: Vec<Token<'a>>,
    by: Option<&'a str>,
    by_comment: Option<&'a str>,
    with: Vec<&'a str>,
}

impl<'a> Clauses<'a> {
    fn of(tokens: &'a [(Token<'a>, bool)]) -> Self {
        #[derive(PartialEq)]
        enum At {
            Head,
            From,
            By,
            With,
            Rest,
        }
        let mut clauses = Self { from: Vec::new(), by: None, by_comment: None, with: Vec::new() };
        let mut at = At::Head;
        for (token, _) in tokens {
            match token {
                Token::Word(word) => match (word.to_ascii_lowercase().as_str(), &at) {
                    ("from", At::Head) => at = At::From,
                    ("by", At::Head | At::From) => at = At::By,
                    ("with" | "via", At::By | At::Rest) if clauses.with.is_empty() => at = At::With,
                    ("id" | "for" | "over" | "envelope-from" | "tls" | "from", At::By | At::With) => at = At::Rest,
                    (_, At::From) => clauses.from.push(Token::Word(word)),
                    (_, At::By) if clauses.by.is_none() => clauses.by = Some(word),
                    (_, At::With) => clauses.with.push(word),
                    _ => {}
                },
                Token::Comment(comment) => match at {
                    At::From => clauses.from.push(Token::Comment(comment)),
                    At::By => clauses.by_comment = clauses.by_comment.or(Some(comment)),
                    // "(version=…)" ends the protocol's words.
                    At::With => at = At::Rest,
                    _ => {}
                },
            }
        }
        clauses
    }

    fn protocol(&self) -> Option<String> {
        let words: Vec<&str> = self.with.iter().take(4).map(|w| w.trim_end_matches([',', ';'])).collect();
        (!words.is_empty()).then(|| clean(&words.join(" ")))
    }
}

/// Splits at white space and parentheses; everything behind the last top-level `;` is the date.
fn tokens(line: &str) -> Vec<(Token<'_>, bool)> {
    let bytes = line.as_bytes();
    let mut out = Vec::new();
    let mut at = 0;
    while at < bytes.len() && out.len() < 256 {
        match bytes[at] {
            b'(' => {
                let start = at + 1;
                let mut depth = 1_usize;
                at += 1;
                while at < bytes.len() && depth > 0 {
                    match bytes[at] {
                        b'(' => depth += 1,
                        b')' => depth -= 1,
                        _ => {}
                    }
                    at += 1;
                }
                let end = if depth == 0 { at - 1 } else { at };
                out.push((Token::Comment(&line[start..end]), true));
            }
            b';' => break,
            b if b.is_ascii_whitespace() => at += 1,
            _ => {
                let start = at;
                while at < bytes.len() && !bytes[at].is_ascii_whitespace() && !matches!(bytes[at], b'(' | b';') {
                    at += 1;
                }
                out.push((Token::Word(&line[start..at]), false));
            }
        }
    }
    out
}

/// `[192.0.2.1]`, `[IPv6:…]`, with a port or a colon behind it.
fn literal(word: &str) -> Option<IpAddr> {
    let end = word.find(']')?;
    AddressLiteral::parse(word.get(..=end)?).map(|l| crate::name::unmap(l.ip))
}

/// A host name as it stands, an address literal with its brackets, never a mail address.
fn name_or_literal(word: &str) -> Option<String> {
    let word = word.trim_matches(['<', '>', ',', ';', '"']).trim_end_matches('.');
    let name = !word.is_empty()
        && word.len() <= 253
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:[]/".contains(&b) || b >= 0x80);
    name.then(|| clean(word))
}

/// The name behind HELO, EHLO, LHLO or `helo=` in a comment.
fn said_name(comment: &str) -> Option<String> {
    let lower = comment.to_ascii_lowercase();
    for mark in ["helo ", "ehlo ", "lhlo ", "helo=", "ehlo="] {
        if let Some(at) = lower.find(mark) {
            let before = lower[..at].bytes().last();
            if before.is_some_and(|b| b.is_ascii_alphanumeric()) {
                continue;
            }
            let rest = comment[at + mark.len()..].trim_start();
            let word = rest.split([' ', '"', ')', ',']).next().unwrap_or_default();
            return name_or_literal(word);
        }
    }
    None
}

/// Comments that hold numbers of another kind.
fn not_address(comment: &str) -> bool {
    let lower = comment.to_ascii_lowercase();
    ["using ", "version=", "cipher", "authenticated", "envelope-", "account ", "mdaemon", "release", "build"]
        .iter()
        .any(|m| lower.contains(m))
        && !comment.contains('[')
}

/// The address in a comment: the bracketed one before a bare one.
fn connecting(comment: &str) -> Option<IpAddr> {
    // A literal said in HELO is no evidence.
    let comment = ["helo=", "ehlo="].iter().find_map(|m| comment.find(m)).map_or(comment, |at| &comment[..at]);
    if let Some(open) = comment.rfind('[')
        && let Some(ip) = literal(&comment[open..])
    {
        return Some(ip);
    }
    if let Some(open) = comment.find('[')
        && let Some(ip) = literal(&comment[open..])
    {
        return Some(ip);
    }
    addresses(comment).first().map(|q| q.ip)
}

/// The name before the bracket in `name [ip]`, without an ident part.
fn looked_up(comment: &str) -> Option<&str> {
    let head = comment.split('[').next().unwrap_or_default();
    let word = head.split_whitespace().last()?;
    let word = word.rsplit('@').next().unwrap_or(word).trim_end_matches('.');
    (!word.is_empty() && parse(word).is_none()).then_some(word)
}

/// `name (ip)` with SMTP and no software named: qmail. Exchange writes its own address behind `by`.
fn is_qmail(clauses: &Clauses<'_>) -> bool {
    let bare = clauses.from.iter().any(|t| matches!(t, Token::Comment(c) if parse(c.trim()).is_some()));
    let protocol = clauses.with.first().copied().unwrap_or_default();
    bare && clauses.by_comment.is_none()
        && clauses.with.len() == 1
        && matches!(protocol.to_ascii_uppercase().as_str(), "SMTP" | "ESMTP" | "ESMTPS" | "QMTP")
}

/// Servers that write a name only when it resolves back to the address.
fn confirms(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    ["(postfix", "(exim", "(opensmtpd)", " esmtp (", "(8.1", "/8.1", "(v8/"].iter().any(|m| lower.contains(m))
}

fn tls(line: &str, protocol: Option<&str>) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = lower[from..].find("tls") {
        let start = from + at;
        let word: &str = lower[start..]
            .split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/')))
            .next()
            .unwrap_or_default();
        let digits = word[3..].trim_start_matches(['v', '_']);
        if digits.starts_with('1') && !word.starts_with("tls_ecdhe") {
            let version = line[start..start + word.len()].split('/').next().unwrap_or_default();
            return Some(version.to_owned());
        }
        from = start + 3;
    }
    let protocol = protocol.map(str::to_ascii_uppercase);
    let by_protocol = protocol.is_some_and(|p| {
        matches!(p.as_str(), "ESMTPS" | "ESMTPSA" | "SMTPS" | "LMTPS" | "UTF8SMTPS" | "UTF8SMTPSA")
            || p.contains("/TLS")
    });
    let told = ["(using tls", "with starttls", "(tls)", "tls secured", "over tls"].iter().any(|m| lower.contains(m));
    (by_protocol || told).then(|| "yes".to_owned())
}

fn authenticated(line: &str, protocol: Option<&str>) -> bool {
    let lower = line.to_ascii_lowercase();
    protocol.is_some_and(|p| {
        matches!(
            p.to_ascii_uppercase().as_str(),
            "ESMTPA" | "ESMTPSA" | "UTF8SMTPA" | "UTF8SMTPSA" | "HTTP" | "HTTPS" | "MAPI"
        )
    }) || lower.contains("(authenticated")
        || lower.contains("authenticated sender")
        || lower.contains("authenticated user")
        || lower.contains("authenticated bits")
        || lower.contains("authenticated as")
}
