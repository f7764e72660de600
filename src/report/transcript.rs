//! What was said and asked, for `-v`: the SMTP dialogue line by line, and each DNS question in one line.
//!
//! Input: evidence. Output: cleaned text; `S:` the server, `C:` us, `--` a remark of ours.

use super::clean::clean_bounded;
use super::facts::{fault_line, ms};
use crate::dns::{Lookup, Status, Transport};
use crate::evidence::{Control, Dialogue, Evidence};
use crate::smtp::Reply;

/// The longest line shown of a reply: more than the dialogue itself lets through.
const MAX_LINE: usize = 2048;
/// Records shown of one answer.
const MAX_ANSWERS: usize = 20;

/// The whole observation, readable.
pub fn transcript(evidence: &Evidence) -> String {
    let mut lines = Vec::new();
    if let Some(dialogue) = &evidence.smtp {
        smtp(&mut lines, evidence, dialogue);
    }
    lines.extend(evidence.controls.iter().map(control));
    lines.extend(evidence.own.iter().flat_map(|own| own.asked.iter().map(lookup)));
    lines.extend(evidence.lookups.iter().map(lookup));
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn short(text: &str) -> String {
    clean_bounded(text, MAX_LINE).into_owned()
}

fn smtp(lines: &mut Vec<String>, evidence: &Evidence, dialogue: &Dialogue) {
    let target = &evidence.target;
    let to = short(target.host.as_deref().unwrap_or(&target.input));
    let address = target.address.map(|a| format!(" [{a}]")).unwrap_or_default();
    let port = target.port.map(|p| format!(" port {p}")).unwrap_or_default();
    let from = dialogue.source.map(|s| format!(" from [{s}]")).unwrap_or_default();
    lines.push(format!("-- {to}{address}{port}{from}, {}", short(&evidence.observed_at)));
    let tls = dialogue.tls.as_ref().map(|t| format!("-- TLS begins: {}, {}", short(&t.version), short(&t.cipher)));
    if dialogue.implicit_tls {
        lines.extend(tls.clone());
    }
    if let Some(greeting) = &dialogue.greeting {
        reply(lines, greeting);
    }
    let mut begun = dialogue.implicit_tls;
    for exchange in &dialogue.exchanges {
        if exchange.secure && !begun {
            begun = true;
            lines.extend(tls.clone());
        }
        lines.push(format!("C: {}", short(&exchange.command)));
        match &exchange.reply {
            Some(r) => reply(lines, r),
            None => lines.push("-- no reply".into()),
        }
        if exchange.surplus > 0 {
            lines.push(format!("-- {} octets more, unasked for", exchange.surplus));
        }
    }
    if !begun {
        lines.extend(tls);
    }
    lines.extend(dialogue.tls_fault.iter().map(|f| format!("-- TLS: {}", fault_line(f))));
    lines.extend(dialogue.fault.iter().map(|f| format!("-- ended: {}", fault_line(f))));
    let t = &dialogue.timing_ms;
    let phases = [
        ("connect", t.connect),
        ("first octet", t.first_octet),
        ("banner", t.banner),
        ("EHLO", t.ehlo),
        ("TLS", t.tls),
    ];
    let times: Vec<String> = phases.iter().filter_map(|(n, t)| t.map(|t| format!("{n} {}", ms(t)))).collect();
    if !times.is_empty() {
        lines.push(format!("-- time: {}", times.join(", ")));
    }
}

fn reply(lines: &mut Vec<String>, reply: &Reply) {
    let code = reply.code.map(|c| format!("{c:03}")).unwrap_or_default();
    for (place, text) in reply.lines.iter().enumerate() {
        let last = reply.complete && place + 1 == reply.lines.len();
        let separator = match (code.is_empty(), last) {
            (true, _) => "",
            (false, true) => " ",
            (false, false) => "-",
        };
        lines.push(format!("S: {code}{separator}{}", short(text)));
    }
    if !reply.complete {
        lines.push("-- the reply is not complete".into());
    }
}

fn control(control: &Control) -> String {
    let address = control.address.map(|a| format!(" [{a}]")).unwrap_or_default();
    let outcome = match control.connected {
        Some(true) => "connected",
        Some(false) => "not connected",
        None => "not tried",
    };
    let detail = control.detail.as_ref().map(|d| format!(" ({})", short(d))).unwrap_or_default();
    format!("-- control {}{address}: {outcome}{detail}", short(&control.host))
}

fn lookup(lookup: &Lookup) -> String {
    let question = &lookup.question;
    let mut parts = vec![format!("{} {}", question.kind, short(&question.name))];
    if !lookup.resolver.is_empty() {
        parts.push(format!("@{}", short(&lookup.resolver)));
    }
    for alias in &lookup.chain {
        parts.push(format!("CNAME {} (TTL {})", short(&alias.to), alias.ttl));
    }
    let answers: Vec<String> =
        lookup.answers.iter().take(MAX_ANSWERS).map(|a| format!("{} (TTL {})", short(&a.data), a.ttl)).collect();
    match lookup.status {
        Status::Found => parts.push(format!("found {}", answers.join(", "))),
        status => parts.push(status.to_string()),
    }
    if lookup.answers.len() > MAX_ANSWERS {
        parts.push(format!("and {} more", lookup.answers.len() - MAX_ANSWERS));
    }
    if let Some(rcode) = lookup.rcode.filter(|r| *r != 0) {
        parts.push(format!("rcode {rcode}"));
    }
    parts.extend(lookup.detail.iter().map(|d| format!("({})", short(d))));
    if let Some(soa) = lookup.soa.as_ref() {
        parts.push(format!("zone {} (negative TTL {})", short(&soa.apex), soa.negative_ttl));
    }
    for error in &lookup.extended_errors {
        parts.push(format!("EDE {} {}", error.code, short(&error.text)).trim_end().to_owned());
    }
    if lookup.status != Status::NotAsked {
        parts.push(ms(lookup.took_ms));
        let flags = &lookup.flags;
        let set: Vec<&str> = [("aa", flags.aa), ("ad", flags.ad), ("ra", flags.ra)]
            .iter()
            .filter_map(|(n, on)| on.then_some(*n))
            .collect();
        let transport = match lookup.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        parts.push(format!("{transport} {}", set.join(" ")).trim_end().to_owned());
    }
    for tried in &lookup.failed_tries {
        let detail = tried.detail.as_ref().map(|d| format!(", {}", short(d))).unwrap_or_default();
        parts.push(format!("before: @{} {}{detail}, {}", short(&tried.resolver), tried.status, ms(tried.took_ms)));
    }
    parts.join(" · ")
}
