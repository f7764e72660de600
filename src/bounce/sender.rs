//! The bounce put together: what was said, who wrote it, and which address sent the message.
//!
//! Standard: RFC 3464 §2.2.2 (Reporting-MTA), RFC 5321 §4.4, RFC 5965 §3.2 (Source-IP).
//! Design: the address is taken from the receiver's words; else from the Received line that the
//! receiver stamped, when the receiver wrote the bounce; else from Reporting-MTA. The Received lines
//! of a message that its own sender's server returns were stamped inside and never hold it.

use std::net::IpAddr;

use super::address::{addresses, can_be_outbound, host_name, is_documentation, organisation, same_organisation};
use super::cause::{self, Said};
use super::dsn::Fields;
use super::letter::{Header, Letter};
use super::prose::{Quote, quotes, reasons, reply_start, trim_tail};
use super::quoted::{client_address, quoted_ehlo};
use super::received::Hop;
use super::remote::{self, Remote};
use super::reply::{Reply, clean, clip};
use super::{Bounce, Cause, IpSource, Kind, SendingIp, Side, Writer, unreadable};

/// Octets of the evidence shown.
const MAX_EVIDENCE: usize = 300;

/// One refusal with all that was told around it.
struct Refusal {
    said: Said,
    remote: Remote,
    recipient: Option<String>,
    /// As quoted, before codes were taken out.
    raw: String,
}

/// Puts a letter's parts together.
pub(super) fn assemble(letter: &Letter) -> Bounce {
    let quoted = quotes(&letter.prose);
    let refusals = refusals(letter, &quoted);
    let delivered = !letter.groups.is_empty()
        && letter.groups.iter().any(Fields::delivered)
        && !letter.groups.iter().any(|g| g.get("action").is_some() && !g.delivered());
    let bounce = letter.is_bounce() || !refusals.is_empty() && letter.is_text();
    let mut out = unreadable("");
    out.unreadable = None;
    out.kind = match () {
        () if letter.is_text() => Kind::Text,
        () if !letter.groups.is_empty() => Kind::Dsn,
        () => Kind::Message,
    };
    out.bounce = bounce || !refusals.is_empty() && !letter.is_auto_reply();
    out.forwarded = letter.forwarded;
    out.truncated = letter.truncated;

    let said: Vec<&Said> = refusals.iter().map(|r| &r.said).collect();
    let report = letter.feedback || letter.is_auto_reply() || delivered;
    let judged = out.bounce || letter.is_text() || letter.is_robot();
    if judged && !report {
        let words = format!("{}\n{}", letter.subject, letter.prose);
        let decision = cause::decide(&said, &words);
        out.cause = decision.cause;
        out.identity = decision.identity;
        out.possible = decision.possible;
        out.matched = decision.matched;
        out.receiver = decision.receiver;
        out.software = decision.software;
        out.bounce |= out.cause != Cause::Unknown;
        let chosen = decision.reply.or(if refusals.is_empty() { None } else { Some(0) });
        if let Some(refusal) = chosen.and_then(|at| refusals.get(at)) {
            // A local failure has no code of its own (X-Unix; 73): the reply made of it is shown.
            let coded =
                refusals.iter().find(|r| r.said.reply.code.is_some()).filter(|_| refusal.said.reply.text.len() < 4);
            out.reply = Some(shown(coded.unwrap_or(refusal)));
            out.stage = refusal.said.stage;
            out.receiver_host = refusal.remote.host.as_deref().map(clean);
            out.recipient = refusal.recipient.as_deref().map(clean);
        }
    } else if let Some(refusal) = refusals.first() {
        out.reply = Some(shown(refusal));
    }
    if out.recipient.is_none() {
        out.recipient = letter
            .groups
            .iter()
            .find_map(Fields::recipient)
            .or_else(|| letter.header.get("x-failed-recipients"))
            .map(clean);
    }
    out.writer = writer(letter, &refusals);
    if out.receiver_host.is_none() && out.writer.side == Side::Receiver {
        out.receiver_host.clone_from(&out.writer.host);
    }
    let known = out.receiver_host.as_deref().and_then(remote::receiver).map(str::to_owned);
    let identity = out.cause == Cause::SenderIdentity;
    out.receiver = known
        .or_else(|| out.receiver_host.clone())
        .or_else(|| out.receiver.take().filter(|_| identity))
        .or_else(|| out.software.clone());
    address(letter, &refusals, &mut out);
    out
}

fn shown(refusal: &Refusal) -> Reply {
    let mut reply = refusal.said.reply.clone();
    if reply.enhanced.is_none() {
        reply.enhanced.clone_from(&refusal.said.status);
    }
    reply
}

/// The refusals: one for each recipient's report, and those quoted in words only.
fn refusals(letter: &Letter, quoted: &[Quote]) -> Vec<Refusal> {
    let mut out: Vec<Refusal> = Vec::new();
    for group in letter.groups.iter().take(24) {
        if group.delivered() {
            continue;
        }
        let Some(diagnostic) = group
            .diagnostic()
            .filter(|d| !d.is_empty())
            .map(str::to_owned)
            .or_else(|| group.status().map(|_| String::new()))
        else {
            continue;
        };
        let (raw, context) = inner_reply(&diagnostic);
        let mut reply = Reply::read(trim_tail(raw));
        let mut remote = remote::remote(context);
        let mut told = format!("{context} {}", &raw[trim_tail(raw).len()..]);
        // The words often hold the whole of what the report cuts off.
        for quote in quoted {
            let full = Reply::read(&quote.raw);
            if full.code != reply.code || full.code.is_none() || !begins_alike(&full.text, &reply.text) {
                continue;
            }
            if full.text.len() > reply.text.len() {
                reply = Reply { enhanced: reply.enhanced.or(full.enhanced), ..full };
            }
            let around = remote::remote(&quote.context);
            remote.host = remote.host.or(around.host);
            remote.ips.extend(around.ips);
            remote.dialled |= around.dialled;
            told.push_str(&quote.context);
        }
        if let Some(host) = group.host("remote-mta") {
            remote.host = Some(host.to_owned());
        }
        remote.ips.extend(group.address("remote-mta"));
        let status = group.status().filter(|_| reply.enhanced.is_none() || is_vague(reply.enhanced.as_deref()));
        out.push(Refusal {
            said: Said { stage: cause::stage(&told), status, reply },
            remote,
            recipient: group.recipient().map(str::to_owned),
            raw: diagnostic,
        });
    }
    for quote in quoted {
        let reply = Reply::read(&quote.raw);
        let known =
            out.iter().any(|r| r.said.reply.code == reply.code && begins_alike(&r.said.reply.text, &reply.text));
        if known {
            continue;
        }
        let remote = remote::remote(&quote.context);
        out.push(Refusal {
            said: Said { stage: cause::stage(&quote.context), status: None, reply },
            remote,
            recipient: recipient_in(&quote.context),
            raw: quote.raw.clone(),
        });
    }
    if letter.is_bounce() && out.iter().all(|r| r.said.reply.code.is_none() && r.said.reply.text.is_empty()) {
        let status = out.first().and_then(|r| r.said.status.clone());
        for quote in reasons(&letter.prose) {
            out.push(Refusal {
                said: Said { stage: None, status: status.clone(), reply: Reply::read(&quote.raw) },
                remote: remote::remote(&quote.raw),
                recipient: recipient_in(&quote.context),
                raw: quote.raw,
            });
        }
        // A report with a status only says less than the words about its recipient.
        out.sort_by_key(|r| r.said.reply.text.is_empty());
    }
    out
}

fn is_vague(code: Option<&str>) -> bool {
    code.is_some_and(|c| c.ends_with(".0.0"))
}

/// A diagnostic that quotes a reply within words: `host x[ip] said: 550 …`.
fn inner_reply(diagnostic: &str) -> (&str, &str) {
    if super::reply::leading_code(diagnostic.split_whitespace().next().unwrap_or_default()).is_some() {
        return (diagnostic, "");
    }
    // IronPort: "5.1.0 - Unknown address error 550-'5.7.1 …'".
    for (at, _) in diagnostic.match_indices("-'").chain(diagnostic.match_indices("-\"")) {
        let start = at.saturating_sub(3);
        if diagnostic.get(start..at).is_some_and(|d| super::reply::leading_code(d).is_some()) {
            return (&diagnostic[start..], &diagnostic[..start]);
        }
    }
    match reply_start(diagnostic) {
        Some(start) => (&diagnostic[start..], &diagnostic[..start]),
        None => (diagnostic, ""),
    }
}

fn begins_alike(a: &str, b: &str) -> bool {
    let letters = |t: &str| t.bytes().filter(u8::is_ascii_alphanumeric).take(24).collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let n = a.len().min(b.len());
    (n > 0 || a.len() == b.len()) && a[..n] == b[..n]
}

fn recipient_in(context: &str) -> Option<String> {
    context
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';'))
        .map(|w| w.trim_matches([':', '"', '\'', '.']))
        .find(|w| w.len() > 3 && w.contains('@') && !w.starts_with('@') && !w.ends_with('@') && !w.contains(['[', '=']))
        .map(str::to_owned)
}

/// The domain behind the `@` of the first address in a header field.
fn domain(field: Option<&str>) -> Option<String> {
    let field = field?;
    let at = field.rfind('@')?;
    let word = field[at + 1..].split(['>', ' ', ',', ';', ')', '"']).next()?;
    host_name(word).map(str::to_owned)
}

/// The hosts that may be the writer's, the surest first.
fn writer_hosts(letter: &Letter) -> Vec<String> {
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
fn sender_domains(letter: &Letter) -> Vec<String> {
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

fn writer(letter: &Letter, refusals: &[Refusal]) -> Writer {
    if letter.is_text() {
        return Writer::default();
    }
    let hosts = writer_hosts(letter);
    let host = hosts.first().cloned();
    let relayed = refusals.iter().any(|r| {
        let far = r.remote.host.as_deref().filter(|h| !hosts.iter().any(|w| w.eq_ignore_ascii_case(h)));
        far.is_some() || r.remote.dialled
    });
    let side = if letter.feedback {
        Side::Receiver
    } else if relayed {
        Side::Sender
    } else if let Some(host) = &host {
        if sender_domains(letter).iter().any(|d| same_organisation(d, host)) {
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

/// The newest Received line of a returned message.
fn top_hop(header: &Header) -> Option<Hop> {
    header.get("received").map(Hop::read)
}

/// The stamping host is the one that wrote the bounce, or one below the domain that it writes from.
fn stamped_by_writer(hop: &Hop, hosts: &[String]) -> bool {
    let Some(by) = hop.by.as_deref().and_then(host_name) else { return false };
    hosts.iter().any(|w| {
        let (by, w) = (by.to_ascii_lowercase(), w.to_ascii_lowercase());
        by == w || by.strip_suffix(w.as_str()).is_some_and(|head| head.ends_with('.'))
    })
}

/// Filtering services: one in front of the receiver is as likely as one behind the sender.
const FILTERS: [&str; 5] = ["messagelabs.com", "pphosted.com", "mimecast.com", "iphmx.com", "mxlogic.net"];

/// The client is a named server of someone else: not the stamping host's own network, not a person's
/// mail program.
fn from_elsewhere(hop: &Hop) -> bool {
    let Some(ip) = hop.ip else { return false };
    let named = hop.ehlo.as_deref().and_then(host_name);
    let (Some(named), Some(by)) = (named, hop.by.as_deref()) else { return false };
    let filter = organisation(named).is_some_and(|o| FILTERS.contains(&o.as_str()));
    let inside = same_organisation(named, by) && !is_documentation(named) || named.eq_ignore_ascii_case(by);
    can_be_outbound(ip) && !hop.authenticated && !inside && !filter
}

fn address(letter: &Letter, refusals: &[Refusal], out: &mut Bounce) {
    if letter.feedback {
        feedback_address(letter, out);
        return;
    }
    if out.bounce || letter.is_text() {
        quoted_address(letter, refusals, out);
        if out.sending_ip.ip.is_none() && out.bounce {
            stated_address(letter, out);
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
        if reply.code.is_none() && out.cause != Cause::SenderIdentity {
            continue;
        }
        if let Some(q) = client_address(&reply.text, refusal.remote.host.as_deref(), &refusal.remote.ips) {
            out.sending_ip = SendingIp {
                ip: Some(q.ip),
                source: Some(IpSource::Diagnostic),
                evidence: Some(around(&reply.text, q.start, q.end)),
                likely: None,
            };
            break;
        }
    }
    let ehlo = refusals
        .iter()
        .find_map(|r| quoted_ehlo(&r.raw))
        .or_else(|| if letter.is_text() { quoted_ehlo(&letter.prose) } else { None });
    out.ehlo = ehlo.or_else(|| refusals.iter().find_map(|r| greeted(&letter.prose, r))).map(|n| clean(&n));
    if letter.is_text() && out.sending_ip.ip.is_none() {
        log_address(&letter.prose, out);
    }
}

/// The name in `after EHLO name:`.
fn greeted(words: &str, refusal: &Refusal) -> Option<String> {
    if refusal.said.stage != Some(super::Stage::Ehlo) {
        return None;
    }
    quoted_ehlo(words)
}

/// A pasted line: a receiver's log names the client as `from name[ip]` or `H=(helo) [ip]`, a pasted
/// reply without a code only in its words.
fn log_address(words: &str, out: &mut Bounce) {
    let text = clean(clip(words, 4096));
    let lower = text.to_ascii_lowercase();
    let rejected = lower.contains("reject");
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
                out.ehlo = quoted_ehlo(&text).or_else(|| {
                    let open = rest.find('(')?;
                    rest[open + 1..].split(')').next().and_then(host_name).map(str::to_owned)
                });
            }
            return;
        }
    }
    if let Some(q) = client_address(&text, None, &[])
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
fn stated_address(letter: &Letter, out: &mut Bounce) {
    let hosts = writer_hosts(letter);
    let top = letter.returned.as_ref().and_then(top_hop);
    if let Some(hop) = &top
        && out.writer.side != Side::Sender
    {
        let senders = sender_domains(letter);
        let own = hop.by.as_deref().is_some_and(|by| senders.iter().any(|d| same_organisation(d, by)));
        if !own && stamped_by_writer(hop, &hosts) && from_elsewhere(hop) {
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

/// The hop at which an ordinary message left the sender's network: the newest one whose client is
/// of another organisation than the host that stamped it.
fn leaving_hop(header: &Header) -> Option<Hop> {
    header.all("received").take(50).map(Hop::read).find(|hop| {
        let outside = hop.ip.is_some_and(can_be_outbound);
        let client = hop.rdns.as_deref().or(hop.ehlo.as_deref()).unwrap_or_default();
        outside && !hop.authenticated && !hop.by.as_deref().is_some_and(|by| same_organisation(by, client))
    })
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

/// The words around a place in a text.
fn around(text: &str, start: usize, end: usize) -> String {
    let mut from = start.saturating_sub(MAX_EVIDENCE / 2);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let rest = text.get(from..).unwrap_or_default();
    clean(clip(rest, (end - from).min(MAX_EVIDENCE / 2) + MAX_EVIDENCE / 2))
}
