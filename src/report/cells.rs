//! What a check says in the words that the table, the rows and the ticket share: its title, its three
//! edges side by side, its signs.
//!
//! Every text here is cleaned and bounded. What was not seen says why instead of staying empty.

use std::net::IpAddr;

use super::clean::clean_bounded;
use crate::dns::Status;
use crate::evidence::FaultKind;
use crate::judge::{Check, Code, Edge, EdgeState, Finding, ForwardReport, Severity, Verdict};
use crate::name::{EhloName, HostName};

/// The longest text of one name, target or sentence that is shown.
pub(super) const MAX_NAME: usize = 255;
/// The longest free text that is shown.
pub(super) const MAX_TEXT: usize = 1200;
/// PTR names shown of one address.
const MAX_NAMES: usize = 5;
/// Addresses shown of one name.
const MAX_ADDRESSES: usize = 4;

/// One line of a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub text: String,
    /// The text comes from the network or the caller; otherwise these are our own words.
    pub seen: bool,
    /// The client's address among others.
    pub marked: bool,
}

impl Line {
    fn seen(text: &str) -> Self {
        if text.trim().is_empty() {
            return Self::said("(empty)");
        }
        Self { text: clean_bounded(text, MAX_NAME).into_owned(), seen: true, marked: false }
    }

    fn said(text: impl Into<String>) -> Self {
        Self { text: text.into(), seen: false, marked: false }
    }
}

/// One edge as a row: what is compared, with what, and what came of it.
pub(super) struct EdgeRow {
    pub left_label: &'static str,
    pub right_label: &'static str,
    /// Lines that belong beside each other; several where there are several PTR names.
    pub pairs: Vec<(Vec<Line>, Vec<Line>)>,
    pub state: EdgeState,
}

/// The three edges in the order of the contract.
pub(super) fn edges(check: &Check) -> [EdgeRow; 3] {
    let agreement = &check.agreement;
    let family = family(check);
    [
        EdgeRow {
            left_label: "EHLO",
            right_label: "PTR",
            pairs: vec![(ehlo(check), ptr_names(check))],
            state: agreement.ehlo_ptr.state,
        },
        EdgeRow {
            left_label: "PTR",
            right_label: family,
            pairs: ptr_forward(check),
            state: agreement.ptr_forward.state,
        },
        ehlo_forward(check, family),
    ]
}

fn family(check: &Check) -> &'static str {
    match check.client.ip {
        Some(IpAddr::V4(_)) => "A",
        Some(IpAddr::V6(_)) => "AAAA",
        None => "IP",
    }
}

/// A name as it is, and behind it what its A-labels stand for.
fn name(text: &str) -> Vec<Line> {
    let mut lines = vec![Line::seen(text)];
    if let Some(unicode) = HostName::parse(text).ok().and_then(|n| n.unicode()) {
        lines.push(Line::seen(&format!("({unicode})")));
    }
    lines
}

fn ehlo(check: &Check) -> Vec<Line> {
    if let Some(ehlo) = &check.client.ehlo {
        return name(ehlo);
    }
    let why = match &check.smtp {
        None => "not given".to_owned(),
        Some(smtp) => match (&smtp.ehlo, &smtp.fault) {
            (Some(_), None) => "no name given".to_owned(),
            (_, Some(fault)) => format!("not seen ({})", fault_words(fault.kind)),
            (None, None) => "not seen".to_owned(),
        },
    };
    vec![Line::said(why)]
}

/// The PTR names, the one that EHLO says first, so that a long list cannot hide it.
fn ordered_ptr_names(check: &Check) -> Vec<&str> {
    let mut names: Vec<&str> = check.dns.ptr.iter().flat_map(|p| &p.names).map(String::as_str).collect();
    let said = check.client.ehlo.as_deref().and_then(|e| HostName::parse(e).ok());
    if let Some(said) = said {
        names.sort_by_key(|n| HostName::parse(n).ok().as_ref() != Some(&said));
    }
    names
}

fn ptr_names(check: &Check) -> Vec<Line> {
    let names = ordered_ptr_names(check);
    if names.is_empty() {
        return vec![no_ptr(check)];
    }
    let mut lines: Vec<Line> = names.iter().take(shown(names.len(), MAX_NAMES)).flat_map(|n| name(n)).collect();
    push_more(&mut lines, names.len(), shown(names.len(), MAX_NAMES));
    lines
}

fn no_ptr(check: &Check) -> Line {
    match (&check.dns.ptr, check.client.ip) {
        (Some(ptr), _) => Line::said(silent_words(ptr.status, ptr.detail.as_deref())),
        (None, None) => Line::said("no address to look up"),
        (None, Some(_)) => Line::said("not asked"),
    }
}

fn ptr_forward(check: &Check) -> Vec<(Vec<Line>, Vec<Line>)> {
    if check.dns.ptr.as_ref().is_none_or(|p| p.names.is_empty()) {
        return vec![(vec![no_ptr(check)], vec![Line::said("no name to look up")])];
    }
    let mut forward: Vec<&ForwardReport> = check.dns.forward.iter().collect();
    forward.sort_by_key(|f| !f.holds_ip);
    let several = forward.len() > 1;
    let mut pairs: Vec<_> = forward
        .iter()
        .take(shown(forward.len(), MAX_NAMES))
        .map(|f| (name(&f.name), addresses(check, f, several)))
        .collect();
    let shown = pairs.len();
    if let Some((left, _)) = pairs.last_mut() {
        push_more(left, ordered_ptr_names(check).len(), shown);
    }
    pairs
}

fn ehlo_forward(check: &Check, family: &'static str) -> EdgeRow {
    let state = check.agreement.ehlo_forward.state;
    let literal = check.client.ehlo.as_deref().map(EhloName::read);
    let (right_label, right) = match (&check.dns.ehlo_forward, literal, check.client.ip) {
        (Some(forward), _, _) => (family, addresses(check, forward, false)),
        (None, _, None) => ("IP", vec![Line::said("no address known")]),
        (None, Some(EhloName::Literal(_) | EhloName::BareAddress(_)), Some(ip)) => {
            ("IP", vec![Line::seen(&ip.to_string())])
        }
        (None, Some(EhloName::Invalid(_)), Some(_)) => (family, vec![Line::said("none (not a host name)")]),
        (None, None, Some(_)) => (family, vec![Line::said("no name to look up")]),
        (None, Some(EhloName::Host(_)), Some(_)) => (family, vec![Line::said("not asked")]),
    };
    EdgeRow { left_label: "EHLO", right_label, pairs: vec![(ehlo(check), right)], state }
}

/// A name's addresses, the client's first; marked where it stands among others.
fn addresses(check: &Check, forward: &ForwardReport, among_names: bool) -> Vec<Line> {
    if forward.addresses.is_empty() {
        let mut why = match forward.status {
            Status::Found => "none usable".to_owned(),
            status => silent_words(status, forward.detail.as_deref()),
        };
        if forward.status.is_none() && !forward.other_family.is_empty() {
            why += if family(check) == "A" { ", only AAAA" } else { ", only A" };
        }
        return vec![Line::said(why)];
    }
    let is_client = |a: &IpAddr| Some(a.to_canonical()) == check.client.ip;
    let mut all: Vec<IpAddr> = forward.addresses.clone();
    all.sort_by_key(|a| !is_client(a));
    let marked = among_names || all.len() > 1;
    let mut lines: Vec<Line> = all
        .iter()
        .take(shown(all.len(), MAX_ADDRESSES))
        .map(|a| Line { marked: marked && is_client(a), ..Line::seen(&a.to_string()) })
        .collect();
    push_more(&mut lines, all.len(), shown(all.len(), MAX_ADDRESSES));
    lines
}

/// How many of `all` are shown: "and 1 more" takes as much room as the one.
fn shown(all: usize, limit: usize) -> usize {
    if all == limit + 1 { all } else { limit }
}

fn push_more(lines: &mut Vec<Line>, all: usize, shown: usize) {
    if all > shown {
        lines.push(Line::said(format!("and {} more", all - shown)));
    }
}

/// [`status_words`], and where nothing answered because nothing listens there, that.
fn silent_words(status: Status, detail: Option<&str>) -> String {
    match detail {
        Some(detail) if status == Status::Timeout && detail.contains("nothing listens") => {
            "no answer (port closed)".into()
        }
        _ => status_words(status),
    }
}

/// Why there are no records, in the words of a cell.
pub(super) fn status_words(status: Status) -> String {
    match status {
        Status::Nxdomain | Status::Nodata => format!("none ({status})"),
        Status::Timeout => "no answer (timeout)".into(),
        Status::Malformed => "malformed answer".into(),
        Status::NotAsked => "not asked".into(),
        other => other.to_string(),
    }
}

/// What kind of trouble, in words.
pub(super) fn fault_words(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::NoAddress => "the name has no address",
        FaultKind::OtherFamily => "no address of the family asked for",
        FaultKind::LookupFailed => "the name could not be looked up",
        FaultKind::ConnectionRefused => "connection refused",
        FaultKind::TimedOut => "timed out",
        FaultKind::Unreachable => "no route",
        FaultKind::NotPermitted => "not permitted here",
        FaultKind::SourceUnavailable => "source address unavailable",
        FaultKind::Reset => "connection reset",
        FaultKind::Closed => "connection closed",
        FaultKind::NotSmtp => "not SMTP",
        FaultKind::LineTooLong => "line without end",
        FaultKind::TooManyLines => "too many lines",
        FaultKind::TooLarge => "reply too large",
        FaultKind::CodeChanged => "reply code changed",
        FaultKind::PlaintextBeforeTls => "plain text before TLS",
        FaultKind::HandshakeFailed => "handshake failed",
        FaultKind::Io => "system error",
        FaultKind::Shortage => "no socket left",
        FaultKind::Defect => "defect of this program",
    }
}

/// `relay.example.net:25`: what was dialled; the address judged where nothing was named.
pub(super) fn dialled(check: &Check) -> String {
    let target = &check.target;
    let text = match (&target.host, target.port) {
        (Some(host), Some(port)) if host.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{host}]:{port}"),
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (Some(host), None) => host.clone(),
        (None, _) => check.client.ip.map_or_else(|| target.input.clone(), |ip| ip.to_string()),
    };
    clean_bounded(&text, MAX_NAME).into_owned()
}

/// `relay.example.net:25 → 203.0.113.10`: what was dialled, and the address judged.
pub(super) fn title(check: &Check) -> String {
    let dialled = dialled(check);
    match check.client.ip.map(|ip| ip.to_string()) {
        Some(ip) if check.target.host.as_ref().is_some_and(|h| *h != ip) => format!("{dialled} → {ip}"),
        _ => dialled,
    }
}

/// The caller's mark, as one text.
pub(super) fn label(check: &Check) -> Option<String> {
    label_words(&check.label)
}

/// A mark as one text; of several columns each with its name, and of a column `label` the value alone.
pub(super) fn label_words(label: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    let value = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let text = match label {
        Value::Object(columns) => {
            let told = columns.iter().map(|(name, of)| (name, value(of))).filter(|(_, text)| !text.is_empty());
            let words = told.map(|(name, text)| if name == "label" { text } else { format!("{name}: {text}") });
            words.collect::<Vec<_>>().join(", ")
        }
        other => value(other),
    };
    Some(clean_bounded(&text, MAX_NAME).into_owned()).filter(|t| !t.is_empty())
}

/// The verdict in capitals.
pub(super) fn verdict_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agree => "AGREES",
        Verdict::Differ => "DIFFERS",
        Verdict::Unknown => "COULD NOT TELL",
    }
}

/// A state as a sign.
pub(super) fn state_sign(state: EdgeState) -> &'static str {
    match state {
        EdgeState::Agree => "✓",
        EdgeState::Differ | EdgeState::Absent => "✗",
        EdgeState::Unknown => "?",
    }
}

/// A state as a sign and a word.
pub(super) fn state_words(state: EdgeState) -> &'static str {
    match state {
        EdgeState::Agree => "✓ agree",
        EdgeState::Differ => "✗ differ",
        EdgeState::Absent => "✗ absent",
        EdgeState::Unknown => "? unknown",
    }
}

/// The edges that do not agree, each with its sentence, none of them twice.
pub(super) fn open_edges(check: &Check) -> Vec<(EdgeState, String)> {
    let agreement = &check.agreement;
    let edges: [&Edge; 3] = [&agreement.ehlo_ptr, &agreement.ptr_forward, &agreement.ehlo_forward];
    let mut open = Vec::new();
    for edge in edges.into_iter().filter(|e| e.state != EdgeState::Agree) {
        let said = (edge.state, clean_bounded(&edge.because, MAX_TEXT).into_owned());
        if !open.contains(&said) {
            open.push(said);
        }
    }
    open
}

/// A severity in the contract's word.
pub(super) fn severity_words(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

/// A severity as a person reads it: `info` of what could not be told says that. JSON, and what only programs read,
/// keeps to the contract's word.
pub(super) fn told_severity(severity: Severity, code: Code) -> &'static str {
    if severity == Severity::Info && code.entry().unknown { "could not tell" } else { severity_words(severity) }
}

/// The sign of a finding.
pub(super) fn finding_sign(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Error => "!!",
        Severity::Warning => "!",
        Severity::Info if finding.code.entry().unknown => "?",
        Severity::Info => "·",
    }
}

/// The findings, the heaviest first, and what could not be told before what is only worth knowing.
pub(super) fn ordered_findings(check: &Check) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = check.findings.iter().collect();
    findings.sort_by_key(|f| (std::cmp::Reverse(f.severity), !f.code.entry().unknown));
    findings
}
