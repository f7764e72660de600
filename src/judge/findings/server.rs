//! Rules on how the host dialled greets, answers and does TLS.

use super::{Code, Finding, finding};
use crate::evidence::{Dialogue, FaultKind, TlsFacts};
use crate::judge::smtp_report::{banner_name, covers, name, same};
use crate::judge::view::{View, hello_reply};
use crate::smtp::{Reply, TlsMode, offers};

/// A greeting that takes longer than this was held back on purpose.
const SLOW_MS: f64 = 2000.0;

pub(super) fn server(view: &View<'_>, found: &mut Vec<Finding>) {
    let Some(dialogue) = view.dialogue() else { return };
    greeting(dialogue, found);
    hello(dialogue, found);
    tls(view, dialogue, found);
}

fn greeting(dialogue: &Dialogue, found: &mut Vec<Finding>) {
    let Some(greeting) = dialogue.greeting.as_ref().filter(|g| g.complete) else { return };
    let first = greeting.lines.first().map_or("", String::as_str);
    let code = greeting.code.unwrap_or_default();
    match code {
        200..=299 => {}
        500..=599 => {
            found.push(finding(Code::GreetingRefused, format!("The server greets with {code} {first}")));
            return;
        }
        _ => {
            found.push(finding(Code::GreetingDeferred, format!("The server greets with {code} {first}")));
            return;
        }
    }
    if let Some(took) = dialogue.timing_ms.banner.filter(|t| *t > SLOW_MS) {
        found.push(finding(Code::GreetingSlow, format!("The greeting was complete after {:.1} s.", took / 1000.0)));
    }
    let banner = banner_name(greeting);
    let replied = hello_reply(dialogue).and_then(name);
    match (&banner, &replied) {
        (None, _) => found.push(finding(Code::BannerNoName, format!("The greeting is `{first}`."))),
        (Some(banner), Some(replied)) if !same(banner, replied) => {
            found.push(finding(
                Code::BannerDiffersFromEhlo,
                format!("The greeting says {banner}, the EHLO reply {replied}."),
            ));
        }
        _ => {}
    }
}

fn hello(dialogue: &Dialogue, found: &mut Vec<Finding>) {
    // After STARTTLS all that was said before is forgotten (RFC 3207 §4.2): only what was said inside counts.
    let secure = dialogue.tls.is_some();
    let ehlo = dialogue.reply_to("EHLO", secure);
    let helo = dialogue.reply_to("HELO", secure);
    let first = |reply: &Reply| {
        format!("{} {}", reply.code.unwrap_or_default(), reply.lines.first().map_or("", String::as_str))
    };
    let inside = if secure { " inside TLS" } else { "" };
    match (ehlo, helo) {
        (Some(ehlo), Some(helo)) if !ehlo.accepts_hello() && helo.accepts_hello() => {
            let detail = format!("The server answers EHLO{inside} with {}, HELO with {}.", first(ehlo), first(helo));
            found.push(finding(Code::EhloFellBackToHelo, detail));
        }
        (Some(ehlo), helo) if !ehlo.accepts_hello() => {
            let later = ehlo.code.is_some_and(|c| (400..500).contains(&c));
            let code = if later { Code::EhloDeferred } else { Code::EhloRefused };
            let helo = helo.map(|h| format!(", HELO with {}", first(h))).unwrap_or_default();
            found.push(finding(code, format!("The server answers EHLO{inside} with {}{helo}.", first(ehlo))));
        }
        _ => {}
    }
    if let (Some(plain), Some(secure)) = (dialogue.reply_to("EHLO", false), dialogue.reply_to("EHLO", true))
        && let (Some(plain), Some(secure)) = (name(plain), name(secure))
        && !same(&plain, &secure)
    {
        let detail = format!("Before TLS the EHLO reply says {plain}, inside it {secure}.");
        found.push(finding(Code::EhloDiffersAfterTls, detail));
    }
    if dialogue.greeting_surplus > 0 {
        let detail = format!("{} octets came behind the greeting.", dialogue.greeting_surplus);
        found.push(finding(Code::UnaskedOctets, detail));
    } else if let Some(exchange) = dialogue.exchanges.iter().find(|e| e.surplus > 0 && e.command != "STARTTLS") {
        let verb = exchange.command.split(' ').next().unwrap_or_default();
        let detail = format!("{} octets came behind the reply to {verb}.", exchange.surplus);
        found.push(finding(Code::UnaskedOctets, detail));
    }
}

fn tls(view: &View<'_>, dialogue: &Dialogue, found: &mut Vec<Finding>) {
    if let Some(fault) = &dialogue.tls_fault {
        let code = if fault.kind == FaultKind::PlaintextBeforeTls { Code::TlsInjection } else { Code::TlsFailed };
        found.push(finding(code, format!("{}.", fault.detail)));
    }
    if let Some(facts) = &dialogue.tls {
        certificate(view, facts, found);
        return;
    }
    let required = dialogue.tls_mode == TlsMode::Require;
    let helloed = hello_reply(dialogue).is_some();
    if !helloed || dialogue.implicit_tls || dialogue.tls_mode == TlsMode::Off {
        return;
    }
    let ehlo = dialogue.reply_to("EHLO", false).filter(|r| r.accepts_hello());
    let offered = ehlo.is_some_and(|r| offers(&r.lines, "STARTTLS"));
    if let Some(reply) = dialogue.reply_to("STARTTLS", false).filter(|r| !r.is_positive()) {
        let first = reply.lines.first().map_or("", String::as_str);
        let detail = format!("The server answers STARTTLS with {} {first}", reply.code.unwrap_or_default());
        found.push(finding(Code::StarttlsRefused, detail));
    }
    match (required, offered) {
        (true, false) => {
            found.push(finding(Code::TlsRequiredNotOffered, "The server's reply does not list STARTTLS."));
        }
        (true, true) => {
            found.push(finding(Code::TlsRequiredNotOffered, "STARTTLS is offered, and TLS did not come about."));
        }
        (false, false) => found.push(finding(Code::TlsNotOffered, "The server's reply does not list STARTTLS.")),
        (false, true) => {}
    }
}

fn certificate(view: &View<'_>, facts: &TlsFacts, found: &mut Vec<Finding>) {
    let window = (facts.not_before.as_deref(), facts.not_after.as_deref());
    let observed = view.evidence.observed_at.as_str();
    let (before, after) = (instant(observed) < window.0.and_then(instant), over(observed, window.1));
    if before || after {
        let (from, to) = (window.0.unwrap_or("?"), window.1.unwrap_or("?"));
        found.push(finding(Code::TlsExpired, format!("It is valid from {from} to {to}.")));
    } else if !facts.trusted {
        let why = facts.why_not.as_deref().unwrap_or("its chain leads to no public root");
        let issuer =
            facts.issuer.as_deref().filter(|i| !i.is_empty()).map(|i| format!(" (issuer {i})")).unwrap_or_default();
        found.push(finding(Code::TlsUntrusted, format!("The certificate is not publicly trusted: {why}{issuer}.")));
    }
    if !covers(view, facts) {
        let names =
            if facts.names.is_empty() { "no host".to_owned() } else { crate::judge::agreement::list(&facts.names) };
        found.push(finding(Code::TlsNameMismatch, format!("The certificate is for {names}.")));
    }
}

fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

fn over(now: &str, end: Option<&str>) -> bool {
    matches!((instant(now), end.and_then(instant)), (Some(now), Some(end)) if now > end)
}
