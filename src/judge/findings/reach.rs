//! Rules on why the host dialled could not be seen: each trouble by its own name.

use std::collections::HashSet;
use std::net::IpAddr;

use super::{Code, Finding, finding};
use crate::dns::RecordType;
use crate::evidence::{Dialogue, Fault, FaultKind, MAX_DIALLED};
use crate::judge::view::View;
use crate::smtp::Phase;

pub(super) fn reach(view: &View<'_>, found: &mut Vec<Finding>) {
    unseen(view, found);
    let Some(dialogue) = view.dialogue() else { return };
    let Some(fault) = &dialogue.fault else { return };
    let detail = &fault.detail;
    let code = match (fault.phase, fault.kind) {
        (_, FaultKind::Defect) => Code::Defect,
        (_, FaultKind::NoAddress) => Code::TargetUnresolvable,
        (_, FaultKind::OtherFamily) => Code::TargetOtherFamily,
        (_, FaultKind::LookupFailed) => Code::TargetLookupFailed,
        (Phase::Connect, FaultKind::TimedOut) => return found.push(silent(view, fault)),
        (Phase::Connect, FaultKind::ConnectionRefused) => Code::ConnectRefused,
        (_, FaultKind::SourceUnavailable) => Code::SourceUnavailable,
        (_, FaultKind::Shortage) => Code::LocalShortage,
        (Phase::Connect, _) => Code::NoRoute,
        (Phase::Greeting, FaultKind::TimedOut) => return found.push(no_greeting(dialogue, detail)),
        (Phase::Tls, _) => Code::TlsNotSpoken,
        (_, FaultKind::TimedOut) => Code::ReplyTimeout,
        (_, FaultKind::NotSmtp) => return found.push(finding(Code::NotSmtp, not_smtp(dialogue))),
        (_, FaultKind::LineTooLong | FaultKind::TooManyLines | FaultKind::TooLarge | FaultKind::CodeChanged) => {
            Code::ReplyBroken
        }
        _ => Code::ConnectionDropped,
    };
    let at = match fault.phase {
        Phase::Resolve | Phase::Connect => String::new(),
        Phase::Greeting => " before the greeting was complete".into(),
        Phase::Ehlo => " at EHLO".into(),
        Phase::Helo => " at HELO".into(),
        Phase::StartTls => " at STARTTLS".into(),
        Phase::Tls => " in the TLS handshake".into(),
    };
    found.push(finding(code, format!("{detail}{at}.")));
}

/// The target's addresses that this check and its siblings leave out: those of a family that could not be
/// looked up, and those behind the last that is dialled.
fn unseen(view: &View<'_>, found: &mut Vec<Finding>) {
    let mut addresses: HashSet<IpAddr> = HashSet::new();
    for question in &view.evidence.target_questions {
        let Some(lookup) = view.answers.merged(question) else { continue };
        addresses.extend(lookup.data().filter_map(|d| d.parse::<IpAddr>().ok()));
        if !lookup.status.is_definite() {
            let family = if question.kind == RecordType::Aaaa { "IPv6" } else { "IPv4" };
            let detail = format!(
                "{} of {} could not be looked up ({}): no {family} address of it was checked.",
                question.kind, question.name, lookup.status
            );
            found.push(finding(Code::TargetLookupFailed, detail));
        }
    }
    if addresses.len() > MAX_DIALLED {
        let detail = format!("It has {} addresses; the first {MAX_DIALLED} were dialled.", addresses.len());
        found.push(finding(Code::TargetManyAddresses, detail));
    }
}

/// No answer on the port: that server, or this machine? The control connections tell.
fn silent(view: &View<'_>, fault: &Fault) -> Finding {
    let controls = &view.evidence.controls;
    let that = |connected| -> Vec<String> {
        controls.iter().filter(|c| c.connected == Some(connected)).map(|c| c.host.clone()).collect()
    };
    let (answered, silent) = (that(true), that(false));
    let port = view.evidence.target.port.map_or_else(|| "the port".into(), |p| format!("port {p}"));
    let words = &fault.detail;
    if !answered.is_empty() {
        let detail = format!("{words}; {} answers on {port}, so this machine can use it.", answered.join(" and "));
        return finding(Code::ConnectTimeout, detail);
    }
    if !silent.is_empty() {
        let detail = format!("{words}, nor from {}: {port} seems blocked for this machine.", silent.join(" or "));
        return finding(Code::PortBlockedHere, detail);
    }
    let why: Vec<String> =
        controls.iter().filter_map(|c| Some(format!("{}: {}", c.host, c.detail.as_ref()?))).collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join("; ")) };
    let detail = format!("{words}; no control connection tells{why}, so a block on this machine is not ruled out.");
    finding(Code::ConnectTimeout, detail)
}

fn no_greeting(dialogue: &Dialogue, detail: &str) -> Finding {
    let partial = match &dialogue.greeting {
        Some(partial) => format!(" (only `{}` came)", partial.lines.join(" / ")),
        None => " (not one octet came)".to_owned(),
    };
    finding(Code::NoGreeting, format!("{detail}{partial}."))
}

/// What it is instead, where its first words tell.
fn not_smtp(dialogue: &Dialogue) -> String {
    let last = dialogue.exchanges.last().and_then(|e| e.reply.as_ref()).or(dialogue.greeting.as_ref());
    let lines = last.map(|r| r.lines.as_slice()).unwrap_or_default();
    // What came behind the line that is no reply may be anything, and is often empty.
    let line = lines.iter().find(|l| !l.trim().is_empty()).map_or("", String::as_str);
    let what = if line.starts_with("SSH-") {
        "an SSH server"
    } else if line.starts_with("HTTP/") || line.starts_with('<') {
        "a web server"
    } else if line.starts_with("+OK") {
        "a POP3 server"
    } else if line.starts_with("* OK") {
        "an IMAP server"
    } else if line.starts_with("\u{15}\u{3}") || line.starts_with("\u{16}\u{3}") {
        "a server that speaks TLS first (use smtps://)"
    } else {
        "no server that we know"
    };
    let shown: String = line.chars().take(60).collect();
    format!("It is {what}: the answer is `{shown}`.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the sentence beside a report relies on.
    #[test]
    fn every_fault_has_one_finding_that_says_why_the_dialogue_ended() {
        let text = include_str!("../../../fixtures/evidence/agree.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        let phases = ["resolve", "connect", "greeting", "ehlo", "helo", "starttls", "tls"];
        let kinds = [
            FaultKind::NoAddress,
            FaultKind::LookupFailed,
            FaultKind::ConnectionRefused,
            FaultKind::TimedOut,
            FaultKind::Unreachable,
            FaultKind::NotPermitted,
            FaultKind::SourceUnavailable,
            FaultKind::Reset,
            FaultKind::Closed,
            FaultKind::NotSmtp,
            FaultKind::LineTooLong,
            FaultKind::TooManyLines,
            FaultKind::TooLarge,
            FaultKind::CodeChanged,
            FaultKind::PlaintextBeforeTls,
            FaultKind::HandshakeFailed,
            FaultKind::Io,
            FaultKind::Shortage,
            FaultKind::Defect,
        ];
        for phase in phases.map(|p| serde_json::from_value::<Phase>(p.into()).unwrap()) {
            for kind in kinds {
                let fault = Fault { phase, kind, detail: "trouble".into() };
                evidence.smtp = Some(Dialogue { fault: Some(fault), ..Dialogue::default() });
                let check = crate::judge::judge(&evidence);
                let about: Vec<Code> = check.findings.iter().map(|f| f.code).filter(|c| c.ends_dialogue()).collect();
                assert_eq!(about.len(), 1, "{phase:?} {kind:?}: {about:?}");
            }
        }
    }
}
