//! The SMTP side of a check, from the dialogue.

use super::check::{GreetingReport, SmtpReport};
use super::view::hello_reply;
use crate::evidence::{Dialogue, Evidence};
use crate::smtp::{Reply, extensions, greeting_name, hello_name};

pub(super) fn smtp_report(evidence: &Evidence) -> Option<SmtpReport> {
    let dialogue = evidence.smtp.as_ref()?;
    let secure = dialogue.tls.is_some() && !dialogue.implicit_tls;
    let last = |verb: &str| dialogue.reply_to(verb, dialogue.tls.is_some()).or_else(|| dialogue.reply_to(verb, false));
    let ehlo = last("EHLO").map(|reply| ehlo(dialogue, reply));
    let before =
        if secure && dialogue.reply_to("EHLO", true).is_some() { dialogue.reply_to("EHLO", false) } else { None };
    Some(SmtpReport {
        helo_as: dialogue.helo_as.clone(),
        source: dialogue.source,
        banner: dialogue.greeting.as_ref().map(|g| GreetingReport { name: banner_name(g), ..greeting(g) }),
        ehlo,
        ehlo_before_tls: before.map(|reply| ehlo_reply(reply, name(reply))),
        helo: last("HELO").map(greeting),
        tls: dialogue.tls.clone(),
        tls_fault: dialogue.tls_fault.clone(),
        timing_ms: dialogue.timing_ms,
        fault: dialogue.fault.clone(),
        controls: evidence.controls.clone(),
    })
}

/// The EHLO reply, with the HELO reply's name where EHLO was refused.
fn ehlo(dialogue: &Dialogue, reply: &Reply) -> GreetingReport {
    let named = if reply.is_positive() { Some(reply) } else { hello_reply(dialogue) };
    ehlo_reply(reply, named.and_then(name))
}

fn ehlo_reply(reply: &Reply, name: Option<String>) -> GreetingReport {
    let extensions = if reply.is_positive() { extensions(&reply.lines) } else { Vec::new() };
    GreetingReport { name, extensions: Some(extensions), ..greeting(reply) }
}

fn greeting(reply: &Reply) -> GreetingReport {
    GreetingReport { code: reply.code, lines: reply.lines.clone(), name: name(reply), extensions: None }
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
