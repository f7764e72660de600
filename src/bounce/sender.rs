//! Which address sent the message, and the name it said.
//!
//! Standard: RFC 3464 §2.2.2 (Reporting-MTA), RFC 5321 §4.4, RFC 5965 §3.2 (Source-IP).
//! Design: the address is taken from the receiver's words; else from the Received line that the
//! receiver stamped, when the receiver wrote the bounce; else from Reporting-MTA. The Received lines
//! of a message that its own sender's server returns were stamped inside and never hold it.

use std::net::IpAddr;

use super::address::{addresses, can_be_outbound, host_name, parse, same_organisation};
use super::callout::own;
use super::dsn::Fields;
use super::ehlo::{quoted_ehlo, told_ehlo};
use super::leaving::leaving_hop;
use super::letter::Letter;
use super::quoted::client_address;
use super::received::Hop;
use super::refusal::Refusal;
use super::reply::{clean, clip};
use super::writer::{from_elsewhere, sender_domains, stamped_by_writer, top_hop, writer_hosts};
use super::{Bounce, Cause, IpSource, SendingIp, Side, remote};

/// Octets of the evidence shown.
const MAX_EVIDENCE: usize = 300;

/// Fills in the sending address, its EHLO name or, without one, the sending server's name.
pub(super) fn address(letter: &Letter, refusals: &[Refusal], out: &mut Bounce) {
    if letter.feedback {
        feedback_address(letter, out);
        return;
    }
    if out.bounce || letter.is_text() {
        quoted_address(letter, refusals, out);
        if out.sending_ip.ip.is_none() && out.bounce {
            stated_address(letter, refusals, out);
        }
        if out.sending_ip.ip.is_none() {
            out.name = sender_name(letter, out).map(|n| clean(&n));
        }
    } else if !letter.is_auto_reply()
        && !letter.is_robot()
        && let Some(hop) = leaving_hop(&letter.header)
    {
        claim(out, &hop);
    }
}

/// In the receiver's words.
fn quoted_address(letter: &Letter, refusals: &[Refusal], out: &mut Bounce) {
    // The refusal that decided comes first.
    let chosen = out.reply.as_ref().map(|r| r.text.clone());
    let mut order: Vec<&Refusal> = refusals.iter().collect();
    order.sort_by_key(|r| Some(&r.said.reply.text) != chosen.as_ref());
    for refusal in order {
        let reply = &refusal.said.reply;
        // What fails on the way fails between the writer and the far end: the address is the far end's.
        if reply.code.is_none() && out.cause != Cause::SenderIdentity || out.cause == Cause::Transport {
            continue;
        }
        if let Some(q) = client_address(
            own(&reply.text),
            refusal.remote.host.as_deref(),
            &refusal.remote.ips,
            out.cause == Cause::SenderIdentity && Some(&reply.text) == chosen.as_ref(),
        ) {
            out.sending_ip = SendingIp {
                ip: Some(q.ip),
                source: Some(IpSource::Diagnostic),
                evidence: Some(around(&reply.text, q.start, q.end)),
                likely: None,
            };
            break;
        }
    }
    // A notice that tells the reason in its own words quotes no reply.
    if out.sending_ip.ip.is_none() && out.reply.is_none() && out.cause == Cause::SenderIdentity && !letter.is_text() {
        let words = clean(clip(&letter.prose, 4096));
        let far = remote::remote(&words);
        if let Some(q) = client_address(&words, far.host.as_deref(), &far.ips, true) {
            out.sending_ip = SendingIp {
                ip: Some(q.ip),
                source: Some(IpSource::Diagnostic),
                evidence: Some(around(&words, q.start, q.end)),
                likely: None,
            };
        }
    }
    let ehlo = refusals
        .iter()
        .find_map(|r| quoted_ehlo(own(&r.raw), r.remote.host.as_deref()))
        .or_else(|| if letter.is_text() { quoted_ehlo(own(&letter.prose), None) } else { None });
    out.ehlo = ehlo.or_else(|| refusals.iter().find_map(|r| greeted(&letter.prose, r))).map(|n| clean(&n));
    // A log's verdict names its client first; an address in the words behind it may be any.
    if letter.is_text() && (out.sending_ip.ip.is_none() || letter.prose.contains(": REJECT: ")) {
        log_address(&letter.prose, refusals, out);
    }
}

/// The name in `after EHLO name:`.
fn greeted(words: &str, refusal: &Refusal) -> Option<String> {
    if refusal.said.stage != Some(super::Stage::Ehlo) {
        return None;
    }
    told_ehlo(words).or_else(|| quoted_ehlo(words, refusal.remote.host.as_deref()))
}

/// A pasted line: a receiver's log names the client as `from name[ip]` or `H=(helo) [ip]`, a pasted
/// reply without a code only in its words.
fn log_address(words: &str, refusals: &[Refusal], out: &mut Bounce) {
    let text = clean(clip(own(words), 4096));
    let lower = text.to_ascii_lowercase();
    // A line of a sending server's log ("** … T=remote_smtp H=", "status=bounced (host …") names the far side.
    let sending = lower.contains(" t=") || lower.contains("status=") || lower.contains("stat=");
    // OpenSMTPD's own log: the address that it dialled from.
    let dialled = lower.contains(" mta ").then(|| lower.find("source=\"")).flatten();
    // milter-regex: whom it judged, and the verdict.
    let judged = lower.find(": reject: ").filter(|_| !sending);
    let told = dialled
        .map(|at| (at, text[at + 8..].split('"').next().unwrap_or_default()))
        .or_else(|| judged.map(|at| (at, text[..at].rsplit(' ').next().unwrap_or_default().trim_matches(['[', ']']))));
    if let Some((at, ip)) = told.and_then(|(at, word)| parse(word).filter(|ip| can_be_outbound(*ip)).map(|ip| (at, ip)))
    {
        out.sending_ip = SendingIp {
            ip: Some(ip),
            source: Some(IpSource::Diagnostic),
            evidence: Some(around(&text, at, at)),
            likely: None,
        };
        out.bounce = true;
        return;
    }
    let rejected = lower.contains("reject") && !sending;
    for (mark, needs) in [(" from ", "["), ("h=", "["), ("relay=", "reject=")] {
        let Some(at) = lower.find(mark).filter(|_| rejected) else { continue };
        if mark == "relay=" && !lower.contains(needs) {
            continue;
        }
        let rest = &text[at + mark.len()..];
        let rest = &rest[..rest.find(']').map_or(0, |e| e + 1)];
        if rest.len() > 200 {
            continue;
        }
        if let Some(q) = addresses(rest).first().filter(|q| can_be_outbound(q.ip)) {
            out.sending_ip = SendingIp {
                ip: Some(q.ip),
                source: Some(IpSource::Diagnostic),
                evidence: Some(clip(rest, MAX_EVIDENCE).to_owned()),
                likely: None,
            };
            out.bounce = true;
            if out.ehlo.is_none() {
                out.ehlo = quoted_ehlo(&text, None).or_else(|| {
                    let open = rest.find('(')?;
                    rest[open + 1..].split(')').next().and_then(host_name).map(str::to_owned)
                });
            }
            return;
        }
    }
    // A reply has had its say; only words without one are left.
    if refusals.iter().any(|r| r.said.reply.code.is_some()) {
        return;
    }
    let far = remote::remote(&text);
    if let Some(q) = client_address(&text, far.host.as_deref(), &far.ips, false)
        && out.cause != Cause::Unknown
    {
        out.sending_ip = SendingIp {
            ip: Some(q.ip),
            source: Some(IpSource::Diagnostic),
            evidence: Some(around(&text, q.start, q.end)),
            likely: None,
        };
    }
}

/// In the line that the receiver stamped, or in Reporting-MTA.
fn stated_address(letter: &Letter, refusals: &[Refusal], out: &mut Bounce) {
    let hosts = writer_hosts(letter);
    let top = letter.returned.as_ref().and_then(top_hop);
    if let Some(hop) = &top
        && out.writer.side != Side::Sender
    {
        let senders = sender_domains(letter);
        let own = hop.by.as_deref().is_some_and(|by| senders.iter().any(|d| same_organisation(d, by)));
        if !own && stamped_by_writer(hop, &hosts) && from_elsewhere(hop) && !handed_on(letter, refusals, out.cause) {
            claim(out, hop);
            return;
        }
        let near = hop
            .by
            .as_deref()
            .is_some_and(|by| hosts.iter().any(|w| same_organisation(by, w)) || remote::receiver(by).is_some());
        if !own && near && !hop.authenticated {
            out.sending_ip.likely = hop.ip.filter(|ip| can_be_outbound(*ip));
        }
    }
    if let Some(ip) = letter.groups.iter().find_map(|g| g.address("reporting-mta")).filter(|ip| can_be_outbound(*ip)) {
        let evidence = letter.groups.iter().find_map(|g| g.get("reporting-mta")).map(|v| clean(clip(v, MAX_EVIDENCE)));
        out.sending_ip = SendingIp { ip: Some(ip), source: Some(IpSource::ReportingMta), evidence, likely: None };
    }
}

/// Whether the writer tried to hand the message on, as a smart host does: it quotes another server's reply,
/// or it relayed, delayed or gave up. Its Received line then names its own customer.
fn handed_on(letter: &Letter, refusals: &[Refusal], cause: Cause) -> bool {
    // A delay in the writer's own house (RFC 3463 §3.3 and §3.4) is the receiver's.
    let local = |g: &Fields| {
        g.status().is_some_and(|s| matches!(s.get(1..4), Some(".2." | ".3.")))
            || g.get("diagnostic-code").is_some_and(|d| d.trim_start().to_ascii_lowercase().starts_with("x-unix"))
    };
    let action = letter.groups.iter().any(|g| {
        let action = g.get("action").unwrap_or_default().trim().to_ascii_lowercase();
        ["relayed", "expanded"].iter().any(|w| action.starts_with(w)) || action.starts_with("delayed") && !local(g)
    });
    let of_the_way = |code: Option<&str>| code.is_some_and(|c| c.get(1..4) == Some(".4."));
    let quoted = letter.groups.iter().any(|g| {
        let smtp = g.get("diagnostic-code").is_some_and(|d| d.trim_start().to_ascii_lowercase().starts_with("smtp"));
        smtp && g.diagnostic().is_some_and(|d| super::quotes::reply_start(d).is_some())
    });
    let expired = || {
        let words = letter.prose.to_ascii_lowercase();
        [
            "expired",
            "in the queue too long",
            "too long in queue",
            "giving up",
            "will be retried",
            "not yet been delivered",
        ]
        .iter()
        .any(|w| words.contains(w))
    };
    // Nobody accepts a message and then finds fault with its client: such a reply is another server's.
    let client = matches!(
        cause,
        Cause::SenderIdentity | Cause::Reputation | Cause::Rate | Cause::Authentication | Cause::Transport
    );
    action
        || quoted && client
        || refusals.iter().any(|r| of_the_way(r.said.reply.enhanced.as_deref()) || of_the_way(r.said.status.as_deref()))
        || expired()
}

fn claim(out: &mut Bounce, hop: &Hop) {
    out.sending_ip = SendingIp {
        ip: hop.ip,
        source: Some(IpSource::Received),
        evidence: Some(clip(&hop.raw, MAX_EVIDENCE).to_owned()),
        likely: None,
    };
    out.ehlo.clone_from(&hop.ehlo);
    out.hop = Some(hop.clone());
}

/// A feedback report's Source-IP counts when the message that it encloses bears it out; where the
/// two contradict each other, the stamp on the message is nearer to the fact than the copy of it.
fn feedback_address(letter: &Letter, out: &mut Bounce) {
    // Microsoft's reports have no fields; their subject names the address.
    let named = letter
        .subject
        .split_once("complaint about message from")
        .and_then(|(_, rest)| addresses(rest).first().map(|q| q.ip));
    let source: Option<IpAddr> =
        letter.groups.iter().find_map(|g| g.address("source-ip")).filter(|ip| can_be_outbound(*ip));
    let hops: Vec<Hop> = letter.returned.iter().flat_map(|r| r.all("received")).map(Hop::read).collect();
    if let Some(ip) = source
        && (hops.is_empty() || hops.iter().any(|h| h.ip == Some(ip)))
    {
        let hop = hops.iter().find(|h| h.ip == Some(ip)).cloned();
        out.ehlo = hop.as_ref().and_then(|h| h.ehlo.clone());
        out.hop = hop;
        out.sending_ip = SendingIp {
            ip: Some(ip),
            source: Some(IpSource::Diagnostic),
            evidence: Some(format!("Source-IP: {ip}")),
            likely: None,
        };
        return;
    }
    let senders = sender_domains(letter);
    if let Some(hop) = hops.first()
        && hop.by.as_deref().and_then(host_name).is_some_and(|by| !senders.iter().any(|d| same_organisation(d, by)))
        && hop.ip.is_some_and(can_be_outbound)
    {
        claim(out, hop);
        return;
    }
    // Words and fields that both contradict a named server's stamp are believed no more than it.
    let named_stamp = hops.first().is_some_and(|h| h.by.as_deref().and_then(host_name).is_some());
    let words = clean(&letter.prose);
    if !named_stamp
        && let Some(at) = words.to_ascii_lowercase().find("received from ip ")
        && let Some(q) = addresses(&words[at..]).first().filter(|q| can_be_outbound(q.ip))
    {
        out.sending_ip = SendingIp {
            ip: Some(q.ip),
            source: Some(IpSource::Diagnostic),
            evidence: Some(around(&words, at, at + q.end)),
            likely: None,
        };
        return;
    }
    out.sending_ip.likely = source.or(named).filter(|ip| can_be_outbound(*ip));
}

/// The sending server's name as the bounce gives it, to be looked up.
fn sender_name(letter: &Letter, out: &Bounce) -> Option<String> {
    if out.writer.side == Side::Receiver {
        let hop = letter.returned.as_ref().and_then(top_hop)?;
        return hop.ehlo.as_deref().and_then(host_name).map(str::to_owned);
    }
    letter
        .groups
        .iter()
        .find_map(|g| g.host("reporting-mta"))
        .map(str::to_owned)
        .or_else(|| out.ehlo.as_deref().and_then(host_name).map(str::to_owned))
        .or_else(|| writer_hosts(letter).into_iter().next())
}

/// The words around a place in a text; what is cut off is marked.
fn around(text: &str, start: usize, end: usize) -> String {
    const MARK: &str = "… ";
    let room = MAX_EVIDENCE - 2 * MARK.len();
    let mut from = start.saturating_sub(room / 2);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let rest = text.get(from..).unwrap_or_default();
    let kept = clip(rest, (end - from).min(room / 2) + room / 2);
    let (before, after) = (if from > 0 { MARK } else { "" }, if kept.len() < rest.len() { " …" } else { "" });
    format!("{before}{}{after}", clean(kept))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_smart_hosts_customer_is_not_the_sending_address() {
        let bounce = |diagnostic: &str, action: &str, status: &str| {
            let text = format!(
                "Return-Path: <>\nFrom: MAILER-DAEMON@smart.host.test\nTo: a@sender.example\nSubject: failure\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; smart.host.test\n\nFinal-Recipient: rfc822; b@recv.test\nAction: {action}\nStatus: {status}\nDiagnostic-Code: {diagnostic}\n\n--b\nContent-Type: text/rfc822-headers\n\nReceived: from mail.sender.example (mail.sender.example [192.0.2.1]) by smart.host.test (Postfix) with ESMTPS id 1; x\nFrom: a@sender.example\n\n--b--\n"
            );
            super::super::read(text.as_bytes()).sending_ip.ip
        };
        assert_eq!(bounce("smtp; 550 5.7.25 no PTR", "failed", "5.7.25"), None);
        assert_eq!(bounce("x-local; gone", "delayed", "4.0.0"), None);
        assert_eq!(bounce("x-local; gone", "failed", "5.4.7"), None);
        // The receiver itself knows its users.
        assert!(bounce("x-local; no such user", "failed", "5.1.1").is_some());
    }
}
