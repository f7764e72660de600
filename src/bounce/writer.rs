//! Who wrote the bounce: the side that was refused, or the one that refused.
//!
//! Standard: RFC 3464 §2.2.2 (Reporting-MTA), RFC 5321 §4.4 (trace lines).
//! Input: a letter and its refusals. Output: a [`Writer`], and what tells it: the hosts that may be the writer's, the
//! sender's domains, the newest Received line of the message returned.

use super::address::{can_be_outbound, host_name, is_documentation, same_organisation};
use super::header::Header;
use super::leaving::is_filter;
use super::letter::Letter;
use super::received::Hop;
use super::refusal::Refusal;
use super::reply::clean;
use super::{Side, Writer};

/// The domain behind the `@` of the first address in a header field.
pub(super) fn domain(field: Option<&str>) -> Option<String> {
    let field = field?;
    let at = field.rfind('@')?;
    let word = field[at + 1..].split(['>', ' ', ',', ';', ')', '"']).next()?;
    host_name(word).map(str::to_owned)
}

/// The hosts that may be the writer's, the surest first.
pub(super) fn writer_hosts(letter: &Letter) -> Vec<String> {
    // Reporting-MTA names the writer; where it stands, nothing else is asked.
    let mut hosts: Vec<String> =
        letter.groups.iter().find_map(|g| g.host("reporting-mta")).map(str::to_owned).into_iter().collect();
    if !hosts.is_empty() {
        return hosts;
    }
    if let Some(at) = letter.prose.find("Generating server: ") {
        hosts.extend(letter.prose[at + 19..].split_whitespace().next().and_then(host_name).map(str::to_owned));
    }
    let from = domain(letter.header.get("from"));
    hosts.extend(from.clone());
    hosts.extend(domain(letter.header.get("message-id")));
    // The oldest line of the bounce's own way: where it was made. The client in it may be a relay on
    // the way, and counts only when it belongs to the domain that the bounce comes from.
    let lines: Vec<&str> = letter.header.all("received").collect();
    if let Some(hop) = lines.last().map(|l| Hop::read(l)) {
        hosts.extend(hop.by.as_deref().and_then(host_name).map(str::to_owned));
        let client = hop.ehlo.as_deref().and_then(host_name);
        hosts.extend(client.filter(|c| from.as_deref().is_some_and(|f| same_organisation(f, c))).map(str::to_owned));
    }
    hosts
}

/// The sender's domains: of the returned message, else of the bounce's addressee.
pub(super) fn sender_domains(letter: &Letter) -> Vec<String> {
    let mut domains: Vec<String> = Vec::new();
    if let Some(returned) = &letter.returned {
        domains.extend(["return-path", "from", "sender"].iter().filter_map(|n| domain(returned.get(n))));
    }
    domains.extend(letter.groups.iter().filter_map(|g| domain(g.get("original-mail-from"))));
    if domains.is_empty() {
        domains.extend(domain(letter.header.get("to")));
    }
    domains
}

/// Who wrote the bounce: the side that was refused, or the one that refused.
pub(super) fn writer(letter: &Letter, refusals: &[Refusal]) -> Writer {
    if letter.is_text() {
        return Writer::default();
    }
    let hosts = writer_hosts(letter);
    let host = hosts.first().cloned();
    let senders = sender_domains(letter);
    let relayed = refusals.iter().filter(|r| !is_own_store(r, host.as_deref(), &senders)).any(|r| {
        let far = r.remote.host.as_deref().filter(|h| !hosts.iter().any(|w| w.eq_ignore_ascii_case(h)));
        far.is_some() || r.remote.dialled
    });
    let side = if letter.feedback {
        Side::Receiver
    } else if relayed {
        Side::Sender
    } else if let Some(host) = &host {
        if senders.iter().any(|d| same_organisation(d, host)) {
            Side::Sender
        } else if letter
            .returned
            .as_ref()
            .and_then(top_hop)
            .is_some_and(|hop| stamped_by_writer(&hop, &hosts) && from_elsewhere(&hop))
        {
            Side::Receiver
        } else {
            Side::Unknown
        }
    } else {
        Side::Unknown
    };
    Writer { side, host: host.as_deref().map(clean) }
}

/// Whether who refused is the writer's own mailbox store, so that the writer stands on the receiver's side: reached
/// over a socket of its own machine; or at an address inside the one organisation that writer and recipient belong to
/// and the sender does not.
fn is_own_store(refusal: &Refusal, writer: Option<&str>, senders: &[String]) -> bool {
    let Some(writer) = writer else { return false };
    let of_writer = |name: &str| same_organisation(name, writer);
    let far = refusal.remote.host.as_deref();
    let recipient = domain(refusal.recipient.as_deref());
    let inside = refusal.remote.ips.iter().any(|ip| !can_be_outbound(*ip));
    let one_house = inside && far.is_some_and(of_writer) && recipient.is_some_and(|d| of_writer(&d));
    (refusal.remote.local || one_house) && !senders.is_empty() && !senders.iter().any(|d| same_organisation(d, writer))
}

/// The newest Received line of a returned message; where the stamping service's own front is its client, the one
/// behind, if that names a host of the sender's.
pub(super) fn top_hop(header: &Header) -> Option<Hop> {
    let mut hops = header.all("received").take(10).map(Hop::read);
    let first = hops.next()?;
    if !is_front(&first) {
        return Some(first);
    }
    let senders: Vec<String> = ["return-path", "from", "sender"].iter().filter_map(|n| domain(header.get(n))).collect();
    let of_sender =
        |h: &Hop| h.ehlo.as_deref().is_some_and(|name| senders.iter().any(|domain| same_organisation(name, domain)));
    Some(hops.find(|h| !is_front(h)).filter(of_sender).unwrap_or(first))
}

/// A step between the hosts of Exchange Online.
fn is_front(hop: &Hop) -> bool {
    is_of_exchange_online(hop.by.as_deref()) && is_of_exchange_online(hop.ehlo.as_deref())
}

/// Exchange Online's stores and fronts have names of several domains, and public addresses between them.
fn is_of_exchange_online(host: Option<&str>) -> bool {
    const DOMAINS: [&str; 3] = [".outlook.com", ".exchangelabs.com", ".office365.com"];
    host.is_some_and(|h| {
        let host = h.to_ascii_lowercase();
        DOMAINS.iter().any(|d| host.ends_with(d)) && (host.contains(".prod.") || host.contains(".protection."))
    })
}

/// The stamping host is the one that wrote the bounce, or one below the domain that it writes from.
pub(super) fn stamped_by_writer(hop: &Hop, hosts: &[String]) -> bool {
    let Some(by) = hop.by.as_deref().and_then(host_name) else { return false };
    hosts.iter().any(|w| {
        let (by, w) = (by.to_ascii_lowercase(), w.to_ascii_lowercase());
        is_of_exchange_online(Some(&by)) && is_of_exchange_online(Some(&w))
            || by == w
            || by.strip_suffix(w.as_str()).is_some_and(|head| head.ends_with('.'))
    })
}

/// The client is a named server of someone else: not the stamping host's own network, not a person's
/// mail program.
pub(super) fn from_elsewhere(hop: &Hop) -> bool {
    let Some(ip) = hop.ip else { return false };
    let named = hop.ehlo.as_deref().and_then(host_name);
    let (Some(named), Some(by)) = (named, hop.by.as_deref()) else { return false };
    let inside = same_organisation(named, by) && !is_documentation(named) || named.eq_ignore_ascii_case(by);
    can_be_outbound(ip) && !hop.authenticated && !is_front(hop) && !inside && !is_filter(named)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_receivers_own_store_does_not_make_it_a_sender() {
        let bounce = |far: &str, recipient: &str| {
            let text = format!(
                "Return-Path: <>\nFrom: MAILER-DAEMON@mx.recv.test\nTo: a@sender.example\nSubject: failure\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\n<{recipient}>: host {far}\n    said: 552 5.2.2 Quota exceeded (in reply to end of DATA command)\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.recv.test\n\nFinal-Recipient: rfc822; {recipient}\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 Quota exceeded\n\n--b\nContent-Type: text/rfc822-headers\n\nReceived: from mail.sender.example (mail.sender.example [192.0.2.1]) by mx.recv.test (Postfix) with ESMTPS id 1; x\nFrom: a@sender.example\n\n--b--\n"
            );
            super::super::read(text.as_bytes()).sending_ip.ip.is_some()
        };
        assert!(bounce("store.lan[private/dovecot-lmtp]", "b@recv.test"));
        assert!(bounce("store.recv.test[10.0.0.7]", "b@recv.test"));
        // A public address, another's host, another's recipient: the writer handed the message on.
        assert!(!bounce("store.recv.test[192.0.2.7]", "b@recv.test"));
        assert!(!bounce("store.other.test[10.0.0.7]", "b@recv.test"));
        assert!(!bounce("store.recv.test[10.0.0.7]", "b@customer.test"));
    }
}
