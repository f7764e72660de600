//! Who said a reply: the host that a bounce names before it, and the receiver it belongs to.
//!
//! Input: the words before a quoted reply. Output: host name and addresses of the far side.

use std::net::IpAddr;

use super::address::{addresses, host_name};

/// The far side of a failed step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remote {
    pub host: Option<String>,
    pub ips: Vec<IpAddr>,
    /// The words tell of a connection to somewhere (qmail gives no name).
    pub dialled: bool,
    /// Over a socket of the writer's own machine: `host store[private/lmtp] said`.
    pub local: bool,
}

/// Reads the words before a reply.
pub(super) fn remote(context: &str) -> Remote {
    // Marks before a host, and marks behind one.
    const BEFORE: [&str; 15] = [
        "host ",
        "while talking to ",
        "remote server at ",
        "connected to ",
        "relay=",
        "h=",
        "connect to ",
        "lost connection with ",
        "by mx ",
        "remote system: dns;",
        "remote-mta: dns; ",
        "remote-mta: dns;",
        "server ",
        "conversation with ",
        "by ",
    ];
    const BEHIND: [&str; 7] = [
        " did not like",
        " rejected your message",
        " gave this error",
        " does not like",
        " failed after",
        " said:",
        " returned",
    ];
    // The last two tell of a writer that tried to route the message on.
    const DIALLED: [&str; 8] = [
        "connected to ",
        "does not like",
        "giving up on",
        "failed after i sent",
        "remote host said",
        "while talking to",
        "name service error",
        "host or domain name not found",
    ];
    let lower = context.to_ascii_lowercase();
    let mut found = Remote {
        host: None,
        ips: far_addresses(context, &lower),
        dialled: DIALLED.iter().any(|m| lower.contains(m)),
        local: is_local(&lower),
    };
    for mark in BEFORE {
        for (at, _) in lower.match_indices(mark) {
            if at > 0 && lower.as_bytes()[at - 1].is_ascii_alphanumeric() {
                continue;
            }
            let word =
                context[at + mark.len()..].split([' ', '[', '(', ',', ':']).find(|w| !w.is_empty()).unwrap_or_default();
            if let Some(host) = host_name(word).filter(|_| !word.contains('@')) {
                found.host = Some(host.to_owned());
            }
        }
        if found.host.is_some() {
            return found;
        }
    }
    for mark in BEHIND {
        if let Some(at) = lower.find(mark) {
            let word = context[..at].split_whitespace().rev().find(|w| !w.starts_with(['[', '('])).unwrap_or_default();
            if let Some(host) = host_name(word).filter(|_| !word.contains('@')) {
                found.host = Some(host.to_owned());
                return found;
            }
        }
    }
    found
}

/// Whether the far side is named with a socket's path in place of an address (Postfix).
fn is_local(lower: &str) -> bool {
    lower.match_indices("host ").any(|(at, mark)| {
        let word = lower[at + mark.len()..].split_whitespace().next().unwrap_or_default();
        word.split_once('[').is_some_and(|(_, place)| ["private/", "public/", "/"].iter().any(|p| place.starts_with(p)))
    })
}

/// The addresses that stand where the far side is named: soon behind a mark, or just before one.
fn far_addresses(context: &str, lower: &str) -> Vec<IpAddr> {
    const AHEAD: [&str; 8] = [
        "host ",
        "talking to ",
        "remote server at ",
        "connected to ",
        "relay=",
        "h=",
        "connect to ",
        "connection with ",
    ];
    const BEHIND: [&str; 6] =
        ["did not like", "does not like", "failed after", "refused to talk", "said:", "returned '"];
    let mut ips = Vec::new();
    let mut take = |slice: Option<&str>, first: bool| {
        let found = addresses(slice.unwrap_or_default());
        ips.extend(if first { found.first() } else { found.last() }.map(|q| q.ip));
    };
    for mark in AHEAD {
        for (at, _) in lower.match_indices(mark).take(8) {
            let start = at + mark.len();
            // "name[ip]", "name [ip]" or the address alone: two words at most.
            let rest = context.get(start..).unwrap_or_default();
            let end = rest.char_indices().filter(|(_, c)| c.is_whitespace()).nth(1).map_or(rest.len(), |(n, _)| n);
            take(rest.get(..end), true);
        }
    }
    for mark in BEHIND {
        for (at, _) in lower.match_indices(mark).take(8) {
            let mut start = at.saturating_sub(80);
            while !context.is_char_boundary(start) {
                start += 1;
            }
            take(context.get(start..at), false);
        }
    }
    ips
}

/// The receiver that a host belongs to, by its name's end.
pub(super) fn receiver(host: &str) -> Option<&'static str> {
    // The MX names that these receivers publish.
    const HOSTS: [(&str, &str); 40] = [
        ("google.com", "Gmail"),
        ("googlemail.com", "Gmail"),
        ("protection.outlook.com", "Microsoft"),
        ("outlook.com", "Microsoft"),
        ("hotmail.com", "Microsoft"),
        ("live.com", "Microsoft"),
        ("yahoodns.net", "Yahoo"),
        ("yahoo.com", "Yahoo"),
        ("aol.com", "Yahoo"),
        ("icloud.com", "Apple iCloud"),
        ("me.com", "Apple iCloud"),
        ("akadns.net", "Apple iCloud"),
        ("comcast.net", "Comcast"),
        ("cox.net", "Cox"),
        ("cloudfilter.net", "Cloudmark"),
        ("charter.net", "Spectrum"),
        ("rr.com", "Spectrum"),
        ("prodigy.net", "AT&T"),
        ("att.net", "AT&T"),
        ("gmx.net", "GMX / WEB.DE"),
        ("web.de", "GMX / WEB.DE"),
        ("kundenserver.de", "IONOS"),
        ("ionos.com", "IONOS"),
        ("t-online.de", "T-Online"),
        ("orange.fr", "Orange"),
        ("wanadoo.fr", "Orange"),
        ("laposte.net", "La Poste"),
        ("free.fr", "Free"),
        ("mail.ru", "Mail.ru"),
        ("yandex.net", "Yandex"),
        ("yandex.ru", "Yandex"),
        ("qq.com", "Tencent QQ"),
        ("163.com", "NetEase"),
        ("zoho.com", "Zoho"),
        ("secureserver.net", "GoDaddy"),
        ("mimecast.com", "Mimecast"),
        ("pphosted.com", "Proofpoint"),
        ("messagelabs.com", "Symantec.cloud"),
        ("barracudanetworks.com", "Barracuda"),
        ("docomo.ne.jp", "NTT DOCOMO"),
    ];
    let host = host.to_ascii_lowercase();
    HOSTS
        .iter()
        .find(|(end, _)| host == *end || host.strip_suffix(end).is_some_and(|h| h.ends_with('.')))
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_far_side() {
        for (context, host) in [
            ("<a@b.example>: host mx.b.example[192.0.2.2] said:", Some("mx.b.example")),
            (
                "a@b.example SMTP error from remote mail server after RCPT TO:<a@b.example>: host mx.b.example [192.0.2.2]:",
                Some("mx.b.example"),
            ),
            ("... while talking to mx.b.example.: >>> DATA", Some("mx.b.example")),
            ("mx.b.example [192.0.2.2] did not like our RCPT TO:", Some("mx.b.example")),
            ("1/1/2024 - Remote Server at mx.b.example (192.0.2.2) returned", Some("mx.b.example")),
            ("Connected to 192.0.2.2 but sender was rejected. Remote host said:", None),
        ] {
            assert_eq!(remote(context).host.as_deref(), host, "{context}");
        }
        assert_eq!(remote("host x.example[192.0.2.2] said").ips.len(), 1);
        assert!(remote("host store.b.example[private/dovecot-lmtp] said:").local);
        assert!(
            remote("host store.b.example[/run/dovecot/lmtp] said:").local && !remote("host x.example[::1] said:").local
        );
        assert_eq!(receiver("gmail-smtp-in.l.google.com"), Some("Gmail"));
        assert_eq!(receiver("notgoogle.com"), None);
    }
}
