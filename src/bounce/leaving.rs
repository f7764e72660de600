//! Where an ordinary message left the sender's network.
//!
//! Standard: RFC 5321 §4.4. Input: a message's header. Output: the [`Hop`] whose client is the sender's.
//! Design: what belongs to the receiver is told by the domains that the message went to, and by the host
//! of the newest line; a program that collects mail stamps the mailbox's server and is passed over.

use super::address::{can_be_outbound, host_name, organisation, same_organisation};
use super::header::Header;
use super::received::Hop;
use super::writer::domain;

/// Filtering services: one in front of the receiver is as likely as one behind the sender.
const FILTERS: [&str; 5] = ["messagelabs.com", "pphosted.com", "mimecast.com", "iphmx.com", "mxlogic.net"];

/// Whether a host is a filtering service's.
pub(super) fn is_filter(host: &str) -> bool {
    organisation(host).is_some_and(|o| FILTERS.contains(&o.as_str()))
}

/// The hop at which an ordinary message left the sender's network: the newest one whose client is
/// of another organisation than the host that stamped it, and is not the receiver's own front, its
/// filtering service, or a mailbox that a program fetched from.
pub(super) fn leaving_hop(header: &Header) -> Option<Hop> {
    let hops: Vec<Hop> = header.all("received").take(50).map(Hop::read).collect();
    let senders: Vec<String> = ["return-path", "from", "sender"].iter().filter_map(|n| domain(header.get(n))).collect();
    let receivers: Vec<String> = ["delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "to"]
        .iter()
        .filter_map(|n| domain(header.get(n)))
        .filter(|d| !senders.iter().any(|s| same_organisation(s, d)))
        .collect();
    // The newest line's host is the reader's.
    let home = hops.iter().find_map(|h| h.by.as_deref().and_then(host_name)).unwrap_or_default();
    let mut left = None;
    for (at, hop) in hops.iter().enumerate() {
        let outside = hop.ip.is_some_and(can_be_outbound);
        let client = hop.rdns.as_deref().or(hop.ehlo.as_deref()).unwrap_or_default();
        let names = [hop.rdns.as_deref(), hop.ehlo.as_deref()];
        let inside = hop.by.as_deref().is_some_and(|by| same_organisation(by, client));
        if !outside || hop.authenticated || inside || is_fetched(hop) {
            continue;
        }
        left = left.or(Some(at));
        let of = |name: &str| names.iter().flatten().any(|n| same_organisation(n, name));
        let senders_own = senders.iter().any(|d| of(d));
        let front = receivers.iter().any(|d| of(d)) || of(home);
        let filter = names.iter().flatten().any(|n| is_filter(n)) && !filters_for_sender(header, &hops[at + 1..]);
        // Only a step that an older line carries on from can be the receiver's own.
        let goes_on = hops[at + 1..].iter().any(|h| h.ip.is_some_and(can_be_outbound) && !h.authenticated);
        if goes_on && !senders_own && (front || filter) {
            left = None;
            continue;
        }
        break;
    }
    left.map(|at| hops[at].clone())
}

/// A program that collects mail from a mailbox stamps the mailbox's server as its client.
fn is_fetched(hop: &Hop) -> bool {
    let protocol = hop.protocol.as_deref().unwrap_or_default().to_ascii_uppercase();
    let raw = hop.raw.to_ascii_lowercase();
    protocol.starts_with("IMAP") || protocol.starts_with("POP") || raw.contains("fetchmail") || raw.contains("getmail")
}

/// Whether a filtering service stands behind the sender: it then took the message from a client that logged in
/// or from a private address, and no receiver's check of it is stated.
fn filters_for_sender(header: &Header, older: &[Hop]) -> bool {
    let judged = header.all("authentication-results").any(|v| {
        let id = v.split(';').next().and_then(|i| i.split_whitespace().next()).and_then(host_name);
        id.is_some_and(is_filter)
    });
    let first =
        older.iter().find(|h| h.by.as_deref().is_some_and(is_filter) && !h.ehlo.as_deref().is_some_and(is_filter));
    !judged && first.is_none_or(|h| h.authenticated || !h.ip.is_some_and(can_be_outbound))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(lines: &[&str]) -> String {
        let hop = leaving_hop(&Header::of_lines(lines.iter().copied()));
        hop.and_then(|h| h.ip).map(|i| i.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_hop_that_left_the_senders_network() {
        let sent = "Received: from out.sender.example (out.sender.example [192.0.2.1]) by";
        for (why, lines) in [
            (
                "plain",
                vec![
                    "From: a@sender.example",
                    "To: b@recv.test",
                    &format!("{sent} mx.recv.test (Postfix) with ESMTPS id 1; Tue, 24 Nov 2026 09:10:11 +0100") as &str,
                ],
            ),
            (
                "Mimecast before the receiver",
                vec![
                    "From: a@sender.example",
                    "To: b@recv.test",
                    "Received: from eu-smtp-1.mimecast.com (eu-smtp-1.mimecast.com [198.51.100.9]) by mx.recv.test with ESMTPS; x",
                    "Authentication-Results: relay.mimecast.com; spf=pass",
                    &format!("{sent} relay.mimecast.com with ESMTP with STARTTLS; x"),
                ],
            ),
            (
                "a front with another name than the store",
                vec![
                    "Delivered-To: b@recv.test",
                    "From: a@sender.example",
                    "Received: from mx.recv.test (mx.recv.test [198.51.100.7]) by store01.lan with LMTP; x",
                    &format!("{sent} mx.recv.test (Postfix) with ESMTPS; x"),
                ],
            ),
            (
                "fetchmail",
                vec![
                    "From: a@sender.example",
                    "To: b@recv.test",
                    "Received: from imap.provider.test [198.51.100.8] by home.lan with IMAP (fetchmail-6.4.37) for <b@localhost> (single-drop); x",
                    &format!("{sent} mx.provider.test (Postfix) with ESMTPS; x"),
                ],
            ),
        ] {
            assert_eq!(left(&lines), "192.0.2.1", "{why}");
        }
        let behind_sender = [
            "From: a@sender.example",
            "To: b@recv.test",
            "Received: from eu-smtp-1.mimecast.com (eu-smtp-1.mimecast.com [198.51.100.9]) by mx.recv.test with ESMTPS; x",
            "Received: from EX1.sender.example (10.1.2.3) by relay.mimecast.com with ESMTPA; x",
        ];
        assert_eq!(left(&behind_sender), "198.51.100.9");
    }
}
