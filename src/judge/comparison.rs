//! How a relay greets beside how it sends: the name, the address, TLS, the verdict; and which of them receivers judge.
//!
//! Input: the check of the relay as it was dialled, and a session in which it sent, with the check of that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Check, Verdict};
use super::listened::Listened;
use crate::evidence::Session;
use crate::name::EhloName;

/// Both sides, and what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BothSides {
    /// The EHLO reply's name beside the EHLO name that it says when it sends.
    pub name: Sides,
    /// The address dialled beside the address that it sends from.
    pub address: Sides,
    /// TLS as a server beside TLS as a client; `plain text` where there was none.
    pub tls: Sides,
    /// The verdict on each.
    pub verdict: Sides,
    /// What receivers judge: always the sending side, in one sentence.
    pub judged: String,
    /// What differs, a sentence each; none where it sends as it greets.
    pub differences: Vec<String>,
}

/// One thing on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sides {
    /// When it is dialled.
    pub greeting: Option<String>,
    /// When it sends.
    pub sending: Option<String>,
    /// Whether they are the same; `null` where one of them is not known.
    pub same: Option<bool>,
}

impl Sides {
    fn of(greeting: Option<String>, sending: Option<String>, same: impl Fn(&str, &str) -> bool) -> Self {
        let same = greeting.as_deref().zip(sending.as_deref()).map(|(g, s)| same(g, s));
        Self { greeting, sending, same }
    }
}

impl BothSides {
    /// Puts both sides together.
    pub fn of(greeting: &Check, sending: &Listened) -> Self {
        let session = &sending.session;
        let plain = |a: &str, b: &str| a == b;
        let name = Sides::of(greeted_name(greeting), session.ehlo.clone(), same_name);
        let dialled = greeting.target.address.or(greeting.client.ip);
        let address = Sides::of(dialled.map(|ip| ip.to_string()), Some(session.client.ip().to_string()), plain);
        let tls = Sides::of(greeted_tls(greeting), Some(sent_tls(session)), plain);
        let of = |check: &Check| verdict(check.agreement.verdict).to_owned();
        let verdict = Sides::of(Some(of(greeting)), sending.check.as_ref().map(of), plain);
        let differences = [
            differs(&name, "It greets as", "and sends as"),
            differs(&address, "It is dialled at", "and sends from"),
            differs(&tls, "When it is dialled, TLS is", "when it sends,"),
            differs(&verdict, "As it greets, the verdict is", "as it sends,"),
        ];
        let judged = format!(
            "Receivers judge the sending side: EHLO {} from {}{}.",
            session.ehlo.as_deref().unwrap_or("(none said)"),
            session.client.ip(),
            verdict.sending.as_ref().map(|v| format!(", verdict {v}")).unwrap_or_default()
        );
        Self { name, address, tls, verdict, judged, differences: differences.into_iter().flatten().collect() }
    }
}

fn differs(sides: &Sides, dialled: &str, sending: &str) -> Option<String> {
    match sides {
        Sides { greeting: Some(g), sending: Some(s), same: Some(false) } => {
            Some(format!("{dialled} {g}, {sending} {s}."))
        }
        _ => None,
    }
}

/// The EHLO reply's name; the banner's never stands in for it.
fn greeted_name(check: &Check) -> Option<String> {
    check.smtp.as_ref()?.ehlo.as_ref()?.name.clone()
}

fn same_name(one: &str, other: &str) -> bool {
    match (EhloName::read(one), EhloName::read(other)) {
        (EhloName::Host(one), EhloName::Host(other)) => one == other,
        _ => one.eq_ignore_ascii_case(other),
    }
}

fn greeted_tls(check: &Check) -> Option<String> {
    let smtp = check.smtp.as_ref()?;
    smtp.ehlo.as_ref()?;
    Some(match &smtp.tls {
        Some(tls) => tls.version.clone(),
        None if smtp.tls_fault.is_some() => "failed".into(),
        None => "plain text".into(),
    })
}

fn sent_tls(session: &Session) -> String {
    match &session.tls {
        Some(tls) => tls.version.clone(),
        None if session.tls_fault.is_some() => "failed".into(),
        None => "plain text".into(),
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agree => "agree",
        Verdict::Differ => "differ",
        Verdict::Unknown => "unknown",
    }
}
