//! One Received line, read as the server that wrote it meant it.
//!
//! Standard: RFC 5321 §4.4 (trace information; the `from` clause holds the EHLO name and, in a
//! comment, what TCP showed), RFC 8601 §7.1 (only lines stamped by trusted hosts are evidence).
//! Input: the field's body, folded or not. Output: a [`Hop`]. Failure: none; what a line does not
//! say stays empty.
//! Design: servers differ in what the first name is. With `HELO x`, `EHLO x` or `helo=x` beside it,
//! it is the name found by reverse lookup (qmail, Exim, Yahoo, IronPort, Zimbra); without, it is
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
        hop.by = clauses.by.and_then(|w| name_or_literal(w));
        hop.protocol = clauses.protocol();
        hop.tls = tls(line, hop.protocol.as_deref());
        hop.authenticated = authenticated(line, hop.protocol.as_deref());
        if !clauses.from.is_empty() {
            hop.from_clause(&clauses, line);
        }
        hop
    }

    fn from_clause(&mut self, clauses: &Clauses<'_>, line: &str) {
        let words: Vec<&str> =
            clauses.from.iter().filter_map(|t| if let Token::Word(w) = t { Some(*w) } else { None }).collect();
        let first = words.first().copied().unwrap_or_default();
        let mut said: Option<String> = None;
        let mut inside: Option<&str> = None;
        let mut forged = false;
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
            self.ehlo =
                own.map(|_| first.to_owned()).filter(|_| inside.is_some() || clauses.comments() > 0).or(first_name);
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

    fn comments(&self) -> usize {
        self.from.iter().filter(|t| matches!(t, Token::Comment(_))).count()
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
    let found = addresses(comment);
    found.first().map(|q| q.ip)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// line → ip, ehlo, rdns, by, tls
    type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

    #[test]
    fn the_servers_lines() {
        let rows: [Row; 30] = [
            (
                "from mx.example.net (mail.example.net [203.0.113.5]) by in.example.org (Postfix) with ESMTPS id 4X; Mon, 1 Jan 2024 00:00:00 +0000",
                "203.0.113.5",
                "mx.example.net",
                "mail.example.net",
                "in.example.org",
                "yes",
            ),
            (
                "from mx.example.net (unknown [IPv6:2001:db8::5]) (using TLSv1.3 with cipher X (256/256 bits)) by in.example.org (Postfix) with ESMTPS id 4X",
                "2001:db8::5",
                "mx.example.net",
                "",
                "in.example.org",
                "TLSv1.3",
            ),
            (
                "from mx.example.net ([203.0.113.5] helo=relay.example.net) by in.example.org with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384 (Exim 4.96) (envelope-from <a@example.net>) id 1p",
                "203.0.113.5",
                "relay.example.net",
                "mx.example.net",
                "in.example.org",
                "TLS1.3",
            ),
            (
                "from [203.0.113.5] (helo=relay.example.net) by in.example.org with esmtp (Exim 4.96) id 1p",
                "203.0.113.5",
                "relay.example.net",
                "",
                "in.example.org",
                "",
            ),
            (
                "from mx.example.net ([203.0.113.5]) by in.example.org with esmtp (Exim 4.96) id 1p",
                "203.0.113.5",
                "mx.example.net",
                "mx.example.net",
                "in.example.org",
                "",
            ),
            (
                "from [203.0.113.5] by in.example.org with esmtp (Exim 4.72) id 1p",
                "203.0.113.5",
                "",
                "",
                "in.example.org",
                "",
            ),
            (
                "from mx.example.net (nat.example.com [203.0.113.5] (may be forged)) by in.example.org (8.17.1/8.17.1) with ESMTPS id 3Q (version=TLSv1.2 cipher=X)",
                "203.0.113.5",
                "mx.example.net",
                "nat.example.com",
                "in.example.org",
                "TLSv1.2",
            ),
            (
                "from mx.example.net (203.0.113.5) by ex.example.org (198.51.100.9) with Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.1.2507.31",
                "203.0.113.5",
                "mx.example.net",
                "",
                "ex.example.org",
                "TLS1_2",
            ),
            (
                "from [192.168.1.9] (203.0.113.5) by ex.example.org (198.51.100.9) with Microsoft SMTP Server id 15.2.1",
                "203.0.113.5",
                "[192.168.1.9]",
                "",
                "ex.example.org",
                "",
            ),
            (
                "from a.b.prod.outlook.com (2001:db8::60) by c.d.outlook.com (2001:db8::33) with Microsoft SMTP Server (version=TLS1_2, cipher=X) id 15.20",
                "2001:db8::60",
                "a.b.prod.outlook.com",
                "",
                "c.d.outlook.com",
                "TLS1_2",
            ),
            (
                "from mx.example.net (mx.example.net. [203.0.113.5]) by mx.google.com with ESMTPS id x (version=TLS1_3 cipher=X)",
                "203.0.113.5",
                "mx.example.net",
                "mx.example.net",
                "mx.google.com",
                "TLS1_3",
            ),
            (
                "from 127.0.0.1  (EHLO mx.example.net) (203.0.113.5) by mta1.yahoo.example with SMTPs",
                "203.0.113.5",
                "mx.example.net",
                "",
                "mta1.yahoo.example",
                "yes",
            ),
            (
                "from unknown (HELO mx.example.net) (203.0.113.5) by in.example.org with SMTP",
                "203.0.113.5",
                "mx.example.net",
                "",
                "in.example.org",
                "",
            ),
            (
                "from mx.example.net (203.0.113.5) by in.example.org with SMTP",
                "203.0.113.5",
                "mx.example.net",
                "mx.example.net",
                "in.example.org",
                "",
            ),
            (
                "from mx1.example.net (HELO mx.example.net) ([203.0.113.5]) by in.example.org with ESMTP/TLS/ECDHE-RSA-AES256",
                "203.0.113.5",
                "mx.example.net",
                "mx1.example.net",
                "in.example.org",
                "yes",
            ),
            (
                "from a.smtp-out.amazonses.com (a.smtp-out.amazonses.com [203.0.113.5]) by inbound-smtp.us-west-2.amazonaws.com with SMTP id q",
                "203.0.113.5",
                "a.smtp-out.amazonses.com",
                "a.smtp-out.amazonses.com",
                "inbound-smtp.us-west-2.amazonaws.com",
                "",
            ),
            (
                "from mx.example.net (mx1.example.net [203.0.113.5]) by relay.mimecast.com with ESMTP with STARTTLS (version=TLSv1.2, cipher=X) id us",
                "203.0.113.5",
                "mx.example.net",
                "mx1.example.net",
                "relay.mimecast.com",
                "TLSv1.2",
            ),
            (
                "from pmg.example.net (localhost.localdomain [127.0.0.1]) by pmg.example.net (Proxmox) with ESMTP id 1",
                "127.0.0.1",
                "pmg.example.net",
                "localhost.localdomain",
                "pmg.example.net",
                "",
            ),
            (
                "from mx.example.net (LHLO mx.example.net) (203.0.113.5) by z.example.org with LMTP",
                "203.0.113.5",
                "mx.example.net",
                "mx.example.net",
                "z.example.org",
                "",
            ),
            (
                "from mx.example.net (ptr.example.com [203.0.113.5]) by o.example.org (OpenSMTPD) with ESMTPS id 1b (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)",
                "203.0.113.5",
                "mx.example.net",
                "ptr.example.com",
                "o.example.org",
                "TLSv1.3",
            ),
            (
                "from mx.example.net ([203.0.113.5]) by md.example.org (198.51.100.2) (MDaemon PRO v26.0.2b) with ESMTPS id md5",
                "203.0.113.5",
                "mx.example.net",
                "",
                "md.example.org",
                "yes",
            ),
            (
                "from mx.example.net by md.example.org (MDaemon PRO v10.1.1) with ESMTP id md50000649115.msg",
                "",
                "mx.example.net",
                "",
                "md.example.org",
                "",
            ),
            (
                "from mx.example.net ([203.0.113.5]) by d.example.org (Lotus Domino Release 8.5.3FP6) with ESMTP id 2019",
                "203.0.113.5",
                "mx.example.net",
                "",
                "d.example.org",
                "",
            ),
            (
                "from mx.example.net (mx.example.net [203.0.113.5]) by b.example.org (Spam Firewall) with ESMTP id B3",
                "203.0.113.5",
                "mx.example.net",
                "mx.example.net",
                "b.example.org",
                "",
            ),
            (
                "from mx.example.net ([203.0.113.5]:34114 \"EHLO relay.example.net\" rhost-flags-OK-OK-OK-OK) by v.example.org with ESMTP id S1",
                "203.0.113.5",
                "relay.example.net",
                "mx.example.net",
                "v.example.org",
                "",
            ),
            ("FROM mx.example.net BY mxl.example.org WITH local", "", "mx.example.net", "", "mxl.example.org", ""),
            (
                "from unknown [203.0.113.5] (EHLO mx.example.net) by mxl.example.org(mxl_mta-6.5.0-5) with ESMTP id 0",
                "203.0.113.5",
                "mx.example.net",
                "",
                "mxl.example.org",
                "",
            ),
            ("by 10.1.2.3 with SMTP id h9csp277588wjd", "", "", "", "10.1.2.3", ""),
            ("(qmail 7114 invoked from network); 17 Oct 2011 19:03:04 -0000", "", "", "", "", ""),
            (
                "from mx.example.net (unknown [203.0.113.5]) by m1 (Coremail) with SMTP id x",
                "203.0.113.5",
                "mx.example.net",
                "",
                "m1",
                "",
            ),
        ];
        for (line, ip, ehlo, rdns, by, tls) in rows {
            let hop = Hop::read(line);
            let text = |v: &Option<String>| v.clone().unwrap_or_default();
            assert_eq!(
                (
                    hop.ip.map(|i| i.to_string()).unwrap_or_default(),
                    text(&hop.ehlo),
                    text(&hop.rdns),
                    text(&hop.by),
                    text(&hop.tls)
                ),
                (ip.into(), ehlo.into(), rdns.into(), by.into(), tls.into()),
                "{line}"
            );
        }
    }

    #[test]
    fn what_the_server_meant() {
        for (line, state) in [
            ("from a.example (unknown [192.0.2.1]) by b.example (Postfix) with ESMTP", RdnsState::Unknown),
            ("from a.example (a.example [192.0.2.1]) by b.example (Postfix) with ESMTP", RdnsState::Confirmed),
            (
                "from a.example (c.example [192.0.2.1] (may be forged)) by b.example (8.15.2/8.15.2) with ESMTP",
                RdnsState::Unconfirmed,
            ),
            ("from a.example (c.example. [192.0.2.1]) by mx.google.com with ESMTP", RdnsState::Named),
            ("from a.example ([192.0.2.1]) by b.example with Microsoft SMTPSVC(6.0)", RdnsState::NotStated),
        ] {
            assert_eq!(Hop::read(line).rdns_state, state, "{line}");
        }
        assert!(Hop::read("from a ([192.0.2.1]) by b.example with ESMTPSA id 1").authenticated);
    }
}
