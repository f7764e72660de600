//! The SMTP side of a check, from the dialogue.

use super::check::{GreetingReport, SmtpReport};
use super::view::{View, hello_reply};
use crate::evidence::{Dialogue, TlsFacts};
use crate::name::{EhloName, HostName};
use crate::smtp::{Reply, extensions, greeting_name, hello_name};

pub(super) fn smtp_report(view: &View<'_>) -> Option<SmtpReport> {
    let dialogue = view.dialogue()?;
    let secure = dialogue.tls.is_some() && !dialogue.implicit_tls;
    let last = |verb: &str| dialogue.reply_to(verb, dialogue.tls.is_some()).or_else(|| dialogue.reply_to(verb, false));
    let ehlo = last("EHLO").map(|reply| ehlo(dialogue, reply));
    let before =
        if secure && dialogue.reply_to("EHLO", true).is_some() { dialogue.reply_to("EHLO", false) } else { None };
    Some(SmtpReport {
        helo_as: dialogue.helo_as.clone(),
        source: dialogue.source,
        banner: dialogue.greeting.as_ref().map(|g| greeting(g, banner_name(g))),
        ehlo,
        ehlo_before_tls: before.map(|reply| ehlo_reply(reply, name(reply))),
        helo: last("HELO").map(|reply| greeting(reply, name(reply))),
        banner_is_ehlo: banner_is_ehlo(dialogue),
        tls: dialogue.tls.clone(),
        tls_covers: dialogue.tls.as_ref().map(|facts| covers(view, facts)),
        tls_fault: dialogue.tls_fault.clone(),
        timing_ms: dialogue.timing_ms,
        fault: dialogue.fault.clone(),
        controls: view.evidence.controls.clone(),
    })
}

/// The EHLO reply, with the HELO reply's name where EHLO was refused.
fn ehlo(dialogue: &Dialogue, reply: &Reply) -> GreetingReport {
    let named = if reply.is_positive() { Some(reply) } else { hello_reply(dialogue) };
    ehlo_reply(reply, named.and_then(name))
}

fn ehlo_reply(reply: &Reply, name: Option<String>) -> GreetingReport {
    let extensions = if reply.is_positive() { extensions(&reply.lines) } else { Vec::new() };
    GreetingReport { extensions: Some(extensions), ..greeting(reply, name) }
}

fn greeting(reply: &Reply, name: Option<String>) -> GreetingReport {
    GreetingReport { code: reply.code, lines: reply.lines.clone(), name, extensions: None }
}

/// The name in a greeting; half a line gives none, since the rest of the name may be missing.
pub(super) fn banner_name(greeting: &Reply) -> Option<String> {
    let whole = greeting.complete || greeting.lines.len() > 1;
    greeting_name(greeting.lines.first().filter(|_| whole && greeting.code.is_some())?).map(str::to_owned)
}

/// The name in an EHLO or HELO reply.
pub(super) fn name(reply: &Reply) -> Option<String> {
    hello_name(reply.lines.first().filter(|_| reply.accepts_hello())?).map(str::to_owned)
}

/// Names as names, literals as addresses.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || EhloName::read(one) == EhloName::read(other)
}

/// Whether the banner and the EHLO reply give the same name, where both give one.
pub(super) fn banner_is_ehlo(dialogue: &Dialogue) -> Option<bool> {
    let banner = dialogue.greeting.as_ref().and_then(banner_name)?;
    Some(same(&banner, &hello_reply(dialogue).and_then(name)?))
}

/// Whether a certificate is for any name or address by which this server may be known.
pub(super) fn covers(view: &View<'_>, facts: &TlsFacts) -> bool {
    let mut wanted: Vec<HostName> = view.ehlo.iter().filter_map(|e| e.name.host().cloned()).collect();
    wanted.extend(view.ptr_names.iter().filter_map(|n| HostName::parse(n).ok()));
    wanted.extend(view.evidence.target.host.iter().filter_map(|n| HostName::parse(n).ok()));
    let address = view.evidence.target.address;
    facts.names.iter().any(|pattern| {
        wanted.iter().any(|n| n.covered_by(pattern)) || address.is_some_and(|ip| pattern.parse() == Ok(ip))
    })
}
