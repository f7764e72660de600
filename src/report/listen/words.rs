//! What a session says, line by line, for every format that is read by people.

use std::net::SocketAddr;

use crate::evidence::{Ended, Helo, Session};
use crate::judge::Listened;
use crate::report::clean::clean_bounded;

/// Characters shown of a name, an address or a line.
const MAX: usize = 255;
/// Names and addresses shown of a list.
const LISTED: usize = 4;

/// Key and text, each cleaned.
pub(in crate::report) fn session_facts(listened: &Listened, received: bool) -> Vec<(&'static str, String)> {
    let session = &listened.session;
    let mut facts = vec![("Heard", heard(session))];
    if let Some(proxy) = session.proxy {
        facts.push(("Proxy", format!("{proxy} named the client")));
    }
    if !session.helos.is_empty() {
        facts.push(("Said", listed(session.helos.iter().map(|h| helo(h, session)))));
    }
    if !session.mail_from.is_empty() {
        facts.push(("From", listed(session.mail_from.iter().map(|s| address(s)))));
    }
    if !session.rcpt_to.is_empty() {
        facts.push(("To", listed(session.rcpt_to.iter().map(|s| address(s)))));
    }
    if session.messages > 0 {
        let many = if session.messages == 1 { "1 message".into() } else { format!("{} messages", session.messages) };
        facts.push(("Taken", format!("{many}, and dropped")));
    }
    // Where the message is told of at length, its lines stand there.
    if received {
        facts.extend(session.received.iter().take(LISTED).map(|line| ("Hop", short(line))));
    }
    if session.not_written > 0 {
        facts.push(("Cut", format!("{} more of the client's words, for which there was no room", session.not_written)));
    }
    facts.push(("TLS", tls(session)));
    if !session.unknown.is_empty() {
        facts.push(("Also", listed(session.unknown.iter().map(|s| short(s)))));
    }
    facts.extend(listened.remarks.iter().map(|r| ("Note", format!("{}: {}", r.code, short(&r.detail)))));
    facts
}

/// `203.0.113.10:40112 → 192.0.2.1:25`.
pub(super) fn ends(client: SocketAddr, local: SocketAddr) -> String {
    format!("{client} → {local}")
}

fn heard(session: &Session) -> String {
    let began: String = short(&session.began_at).chars().take(19).collect();
    format!("{began}Z · {:.0} ms · {} · {}", session.took_ms, commands(session.commands), ended(session.ended))
}

fn commands(count: usize) -> String {
    if count == 1 { "1 command".into() } else { format!("{count} commands") }
}

fn helo(helo: &Helo, session: &Session) -> String {
    let place = match (helo.secure, session.tls.is_some()) {
        (true, _) if session.implicit_tls => "",
        (true, _) => " inside TLS",
        (false, true) => " before TLS",
        (false, false) => "",
    };
    format!("{} {}{place}", short(&helo.verb), short(&helo.name))
}

fn address(said: &str) -> String {
    if said.is_empty() { "<>".into() } else { short(said) }
}

fn tls(session: &Session) -> String {
    match &session.tls {
        Some(tls) => {
            let asked = tls.server_name.as_ref().map(|n| format!(" · asked for {}", short(n))).unwrap_or_default();
            let early = if session.implicit_tls { " · before the greeting" } else { "" };
            format!("{} · {}{early}{asked}", short(&tls.version), short(&tls.cipher))
        }
        None if session.tls_fault.is_some() => "the handshake failed".into(),
        None => "not used".into(),
    }
}

/// How it ended, in words.
fn ended(ended: Ended) -> &'static str {
    match ended {
        Ended::Quit => "ended with QUIT",
        Ended::Closed => "the client closed it",
        Ended::Idle => "cut off: too slow",
        Ended::Overtime => "cut off: too long",
        Ended::CutOff => "cut off: too much",
        Ended::TlsFailed => "ended in the TLS handshake",
        Ended::ProxyRefused => "refused: PROXY header",
        Ended::Stopped => "ended as we were told to stop",
    }
}

fn short(text: &str) -> String {
    clean_bounded(text, MAX).into_owned()
}

fn listed(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(LISTED);
    let text = items.take(LISTED).collect::<Vec<_>>().join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}
