//! The short lines under the table: iprev and whom we asked, what is assumed, how the SMTP side
//! went, who holds the reverse zone, TLS, time.

use super::cells::{MAX_NAME, fault_words, label};
use super::clean::clean_bounded;
use crate::evidence::{EhloSource, Fault, IpSource, TlsFacts};
use crate::judge::{Check, EdgeState, GreetingReport, Iprev, OwnAddress, PtrReport, SmtpReport};
use crate::smtp::Phase;

/// Names shown of a certificate, a chain or a zone's servers.
const MAX_LISTED: usize = 3;

/// Key and text, in order of weight for the reader; every text cleaned.
pub(super) fn facts(check: &Check) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(label) = label(check) {
        facts.push(("Label", label));
    }
    facts.push(("iprev", iprev(check)));
    facts.extend(check.own.as_ref().map(|own| ("Self", own_line(own))));
    facts.extend(check.own.as_ref().and_then(|o| o.ehlo_from.as_ref()).map(|from| ("EHLO", short(from))));
    if let Some(words) = assumed(check) {
        facts.push(("Assumed", words.into()));
    }
    if let Some(smtp) = &check.smtp {
        facts.extend(trouble(smtp).map(|t| ("SMTP", t)));
    }
    if let Some(ptr) = check.dns.ptr.as_ref().filter(|_| ptr_trouble(check)) {
        facts.extend(reverse(ptr).map(|t| ("Reverse", t)));
    }
    if let Some(smtp) = &check.smtp {
        facts.extend(banner(smtp).map(|t| ("Banner", t)));
        facts.extend(tls(smtp).map(|t| ("TLS", t)));
        facts.extend(time(smtp).map(|t| ("Time", t)));
    }
    facts
}

fn short(text: &str) -> String {
    clean_bounded(text, MAX_NAME).into_owned()
}

/// The first few, cleaned, and how many more.
fn listed(items: &[String]) -> String {
    let text = items.iter().take(MAX_LISTED).map(|i| short(i)).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(MAX_LISTED) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

/// RFC 8601's word.
pub(super) fn iprev_word(iprev: Iprev) -> &'static str {
    match iprev {
        Iprev::Pass => "pass",
        Iprev::Fail => "fail",
        Iprev::Temperror => "temperror",
        Iprev::Permerror => "permerror",
    }
}

fn iprev(check: &Check) -> String {
    let mut parts = vec![iprev_word(check.iprev).to_owned()];
    let mut asked: Vec<String> = Vec::new();
    let ptr = check.dns.ptr.iter();
    let resolvers = ptr.flat_map(|p| std::iter::once(&p.resolver).chain(p.failed_tries.iter().map(|t| &t.resolver)));
    let said = check.dns.disagreements.iter().flat_map(|d| d.answers.iter().map(|a| &a.resolver));
    for resolver in resolvers.chain(said).filter(|r| !r.is_empty()) {
        let shown = short(resolver.strip_suffix(":53").unwrap_or(resolver));
        if !asked.contains(&shown) {
            asked.push(shown);
        }
    }
    if !asked.is_empty() {
        parts.push(format!("asked {}", listed(&asked)));
    }
    if let Some(ptr) = &check.dns.ptr {
        parts.push(ms(ptr.took_ms));
        parts.extend(ptr.ttl.map(|ttl| format!("TTL {ttl} s")));
    }
    parts.join(" · ")
}

/// What a check by dialling takes for granted.
fn assumed(check: &Check) -> Option<&'static str> {
    let client = &check.client;
    if !client.assumes_greets_as_it_sends {
        return check.own.as_ref().map(|_| "that mail leaves by the same way as the question");
    }
    let replied = client.ehlo_source == Some(EhloSource::Replied);
    if check.own.is_some() {
        return Some("that mail leaves by the same way as the question, by the name with which this machine greets");
    }
    Some(match client.ip_source {
        Some(IpSource::Dialled) if replied => "that it sends as it greets: from this address, by this name",
        Some(IpSource::Dialled) => "that it sends from the address on which it listens",
        _ => "that it sends by the name with which it greets",
    })
}

/// The interface's address beside the one that the outside sees.
fn own_line(own: &OwnAddress) -> String {
    let told = own.services.iter().find(|s| s.address.is_some()).map_or("", |s| s.service.as_str());
    let local = own.local.map_or_else(|| "no address of its own".into(), |ip| ip.to_string());
    match (own.outside, own.nat) {
        (Some(ip), Some(false)) => {
            format!("{ip} is this machine's own, and the outside sees it: no NAT · told by {}", short(told))
        }
        (Some(ip), _) => format!("this machine has {local}, the outside sees {ip}: NAT · told by {}", short(told)),
        (None, _) => format!("no service told an address; the interface has {local}"),
    }
}

fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Resolve => "while looking up the target",
        Phase::Connect => "while connecting",
        Phase::Greeting => "while waiting for the greeting",
        Phase::Ehlo => "after EHLO",
        Phase::Helo => "after HELO",
        Phase::StartTls => "after STARTTLS",
        Phase::Tls => "in the TLS handshake",
    }
}

/// A fault in one line: kind, phase, and the system's words where they add some.
pub(super) fn fault_line(fault: &Fault) -> String {
    let line = format!("{} {}", fault_words(fault.kind), phase_words(fault.phase));
    if fault.detail.is_empty() { line } else { format!("{line} ({})", short(&fault.detail)) }
}

/// Why the dialogue is not what a working server gives.
fn trouble(smtp: &SmtpReport) -> Option<String> {
    if let Some(fault) = &smtp.fault {
        return Some(fault_line(fault));
    }
    let refused = |what: &str, reply: &GreetingReport| {
        let code = reply.code.filter(|c| !(200..300).contains(c))?;
        let first = reply.lines.first().map(|l| short(l)).unwrap_or_default();
        Some(format!("{what} {code} {first}"))
    };
    let greeting = smtp.banner.as_ref().and_then(|b| refused("greeted with", b));
    greeting.or_else(|| smtp.ehlo.as_ref().and_then(|e| refused("answered EHLO with", e)))
}

fn ptr_trouble(check: &Check) -> bool {
    let agreement = &check.agreement;
    [agreement.ptr_forward.state, agreement.ehlo_ptr.state].iter().any(|s| *s != EdgeState::Agree)
}

/// The way to the PTR and who holds its zone.
fn reverse(ptr: &PtrReport) -> Option<String> {
    let mut parts = Vec::new();
    // The first of the chain is the reverse name itself, which says no more than the address.
    let aliases: Vec<String> = ptr.chain.iter().skip(1).map(|n| short(n)).collect();
    if !aliases.is_empty() {
        let more = if aliases.len() > MAX_LISTED { " → …" } else { "" };
        parts.push(format!("alias of {}{more} (RFC 2317)", aliases[..aliases.len().min(MAX_LISTED)].join(" → ")));
    }
    if let Some(zone) = &ptr.zone {
        parts.push(format!("zone {}", short(&zone.apex)));
        if !zone.contact.is_empty() {
            parts.push(format!("contact {}", short(&zone.contact)));
        }
        if !zone.servers.is_empty() {
            parts.push(format!("servers {}", listed(&zone.servers)));
        }
    }
    if let Some(detail) = ptr.detail.as_ref().filter(|d| !d.is_empty()) {
        parts.push(short(detail));
    }
    (!parts.is_empty()).then(|| parts.join(" · "))
}

fn banner(smtp: &SmtpReport) -> Option<String> {
    let banner = smtp.banner.as_ref()?.name.as_deref()?;
    let ehlo = smtp.ehlo.as_ref()?.name.as_deref()?;
    (smtp.banner_is_ehlo == Some(false)).then(|| format!("says {}, the EHLO reply {}", short(banner), short(ehlo)))
}

fn tls(smtp: &SmtpReport) -> Option<String> {
    if let Some(tls) = &smtp.tls {
        return Some(tls_line(smtp, tls));
    }
    if let Some(fault) = &smtp.tls_fault {
        return Some(fault_line(fault));
    }
    let extensions = smtp.ehlo.as_ref().filter(|e| e.code == Some(250))?.extensions.as_ref()?;
    let offered = extensions.iter().any(|e| e.eq_ignore_ascii_case("STARTTLS"));
    Some(if offered { "offered, not used" } else { "not offered" }.into())
}

fn tls_line(smtp: &SmtpReport, tls: &TlsFacts) -> String {
    let mut parts = vec![short(&tls.version)];
    parts.push(match (&tls.why_not, tls.trusted) {
        (_, true) => "trusted".into(),
        (Some(why), false) => format!("not trusted ({})", short(why)),
        (None, false) => "not trusted".into(),
    });
    parts.extend(smtp.tls_covers.map(|covers| match (covers, tls.names.is_empty()) {
        (true, _) => "names match".into(),
        (false, true) => "no names".into(),
        (false, false) => format!("names {}, not this server", listed(&tls.names)),
    }));
    if let Some(until) = &tls.not_after {
        let day: String = until.chars().take_while(|c| *c != 'T').collect();
        parts.push(format!("until {}", short(&day)));
    }
    parts.join(" · ")
}

fn time(smtp: &SmtpReport) -> Option<String> {
    let timing = &smtp.timing_ms;
    let phases = [("connect", timing.connect), ("banner", timing.banner), ("EHLO", timing.ehlo), ("TLS", timing.tls)];
    let parts: Vec<String> = phases.iter().filter_map(|(n, t)| t.map(|t| format!("{n} {}", ms(t)))).collect();
    (!parts.is_empty()).then(|| parts.join(" · "))
}

/// Milliseconds, to three figures or so.
pub(super) fn ms(milliseconds: f64) -> String {
    match milliseconds {
        m if !(0.0..1e9).contains(&m) => "? ms".into(),
        m if m < 10.0 => format!("{m:.1} ms"),
        m => format!("{m:.0} ms"),
    }
}
