//! A relay from both sides: how it greets, how a message was handed to it, how that message arrived, and by which
//! hops; and where to look when it did not.
//!
//! Standard: RFC 5321 §4.4 (trace lines).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounce::Hop;
use crate::evidence::{SendStage, Sending, Session, Stage};
use crate::judge::{BothSides, Check, Listened, SCHEMA};

/// How to be known to the relay.
const LOG_IN: &str = "give --credentials FILE, or --auth-user NAME to be asked for the password";
/// Other connections kept.
const OTHERS: usize = 20;

/// What `roundtrip --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoundtripReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// The one round trip.
    pub roundtrip: Roundtrip,
}

impl RoundtripReport {
    /// A report of it.
    pub fn new(roundtrip: Roundtrip) -> Self {
        Self { schema: SCHEMA.into(), roundtrip }
    }
}

/// Both sides of one relay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Roundtrip {
    /// What came of it.
    pub outcome: Outcome,
    /// The recipient's token.
    pub token: String,
    /// Milliseconds from the relay's last reply to the session in which the message came.
    pub took_ms: Option<f64>,
    /// The relay as it greets; `null` where it could not be looked up.
    pub greeting: Option<Check>,
    /// How the message was handed over; `null` where there was no address to dial, or nobody who greets.
    pub sending: Option<Sending>,
    /// The session in which it came, and the check of what the relay showed there.
    pub arrival: Option<Listened>,
    /// The Received lines, read, the newest first.
    pub hops: Vec<Hop>,
    /// Both sides together; `null` where one of them is missing.
    pub comparison: Option<BothSides>,
    /// Connections to us that brought no message for the token: recipient or sender verified, bounces, failed
    /// handshakes, strangers.
    pub others: Vec<Listened>,
    /// What stood in the way and where to look; empty where the message arrived.
    pub where_to_look: Vec<String>,
}

/// What came of a round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The relay sent it to us.
    Arrived,
    /// The relay took it over, or did not say whether it did, and it did not come in time.
    NotArrived,
    /// The relay did not take it over.
    NotSent,
}

impl Roundtrip {
    /// Puts together what was seen.
    pub fn of(
        token: String,
        greeting: Option<Check>,
        sending: Option<Sending>,
        arrival: Option<(Listened, f64)>,
        mut others: Vec<Listened>,
    ) -> Self {
        others.truncate(OTHERS);
        let (arrival, took_ms) = arrival.unzip();
        let outcome = match (&arrival, &sending) {
            (Some(_), _) => Outcome::Arrived,
            (None, Some(sending)) if sending.accepted || sending.unanswered() => Outcome::NotArrived,
            _ => Outcome::NotSent,
        };
        let hops = arrival.iter().flat_map(|a| &a.session.received).map(|line| Hop::read(line)).collect();
        let comparison = greeting.as_ref().zip(arrival.as_ref()).map(|(g, a)| BothSides::of(g, a));
        let where_to_look = match outcome {
            Outcome::Arrived => Vec::new(),
            Outcome::NotArrived => lost(sending.as_ref(), &others),
            Outcome::NotSent => not_sent(greeting.as_ref(), sending.as_ref(), &others),
        };
        Self { outcome, token, took_ms, greeting, sending, arrival, hops, comparison, others, where_to_look }
    }
}

fn not_sent(greeting: Option<&Check>, sending: Option<&Sending>, others: &[Listened]) -> Vec<String> {
    let mut look = Vec::new();
    if let Some(sending) = sending {
        if let Some(fault) = &sending.fault {
            look.push(format!("The message was not handed over: {}.", fault.detail));
        }
        if let Some(stage) = sending.refusal() {
            let enhanced = stage.enhanced.as_ref().map(|e| format!(" {e}")).unwrap_or_default();
            look.push(format!("The relay's words: {}{enhanced} {}", stage.code, stage.text));
            look.extend(advice(sending, stage));
        }
    } else if let Some(fault) = greeting.and_then(|g| g.smtp.as_ref()).and_then(|s| s.fault.as_ref()) {
        let what = if fault.connected() { "does not greet" } else { "was not reached" };
        look.push(format!("The relay {what}: {}.", fault.detail));
    } else {
        look.push("The relay's name has no address to dial.".into());
    }
    look.extend(connections(sending, others));
    look
}

/// What a refusal asks for.
fn advice(sending: &Sending, refusal: &Stage) -> Option<String> {
    let enveloped = matches!(refusal.stage, SendStage::Mail | SendStage::Rcpt | SendStage::Data | SendStage::Message);
    match refusal.code {
        // RFC 3207 §4 and RFC 4954 §6 share the code.
        530 if sending.tls.is_none() && refusal.text.to_ascii_uppercase().contains("STARTTLS") => {
            Some("The relay wants TLS first: leave out --tls off.".into())
        }
        // Which name is refused is told by the reply alone: many servers wait with it until RCPT.
        400..=599 if names_hello(&refusal.text) || (refusal.stage == SendStage::Ehlo && refusal.code >= 500) => Some(
            "The relay does not like the name that we say in EHLO: give --name a full host name of this machine that \
             has an address (or --helo-as)."
                .into(),
        ),
        530 if !sending.authenticated => Some(format!("The relay wants a login: {LOG_IN}.")),
        // 501 and 504 speak of the command's own words (RFC 5321 §4.2.3), which no login changes.
        501 | 504 => None,
        500..=599 if refusal.stage == SendStage::Rcpt && !sending.authenticated => Some(format!(
            "A relay takes mail for other domains from those only that it knows: {LOG_IN}, or let it know this address."
        )),
        // Greylisting knows a message by client, sender and recipient (RFC 6647 §2.1): a fresh token is a new one.
        400..=499 if enveloped => Some(format!(
            "That is for now: try again later. A relay that greylists takes the same message after some minutes: give \
             --to {} --from {} then, since a fresh token begins anew.",
            sending.to, sending.from
        )),
        400..=499 => Some("That is for now: try again later.".into()),
        _ => None,
    }
}

/// Whether a reply speaks of HELO or EHLO.
fn names_hello(text: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|w| w.eq_ignore_ascii_case("helo") || w.eq_ignore_ascii_case("ehlo"))
}

fn lost(sending: Option<&Sending>, others: &[Listened]) -> Vec<String> {
    let mut look = Vec::new();
    if let Some(sending) = sending {
        let domain = sending.to.rsplit_once('@').map_or(sending.to.as_str(), |(_, domain)| domain);
        match &sending.queue_id {
            None if sending.unanswered() => {
                let detail = sending.fault.as_ref().map(|f| f.detail.as_str()).unwrap_or_default();
                look.push(format!(
                    "It is not known whether the relay took it over: {detail}. Look for the recipient {} in its log.",
                    sending.to
                ));
            }
            Some(id) => look.push(format!(
                "The relay queued it as {id}. Look for that in its log and queue: {}.",
                where_in_the_queue(sending, id)
            )),
            None => look.push("The relay took it over without naming it. Look for the recipient in its log.".into()),
        }
        look.push(format!(
            "The MX of {domain} must lead to this listener, and the relay must reach its port: smtp-preflight roundtrip \
             --to {domain} --setup prints the records."
        ));
    }
    look.extend(connections(sending, others));
    look
}

/// What the first connections wanted that brought no message for the token.
fn connections(sending: Option<&Sending>, others: &[Listened]) -> Vec<String> {
    let from = sending.map(|s| s.from.as_str()).unwrap_or_default();
    let say = |other: &Listened| {
        let session = &other.session;
        format!("Connection {} came from {}: {}.", session.number, session.client.ip(), wanted(session, from))
    };
    others.iter().take(3).map(say).collect()
}

fn wanted(session: &Session, from: &str) -> String {
    let to_sender = session.rcpt_to.iter().any(|to| to.eq_ignore_ascii_case(from));
    match (&session.tls_fault, session.mail_from.first().map(String::as_str)) {
        (Some(fault), _) => format!("its TLS handshake failed: {fault}"),
        (None, _) if to_sender && session.messages == 0 => {
            format!("it asked whether the envelope sender {from} exists (a callout), was told that it does, and went")
        }
        (None, _) if session.matched && session.messages == 0 => {
            "it asked whether the recipient exists (a callout), was told that it does, and went".into()
        }
        (None, Some("")) => "it brought a bounce or a delivery report; the relay's log says of what".into(),
        (None, Some(from)) => format!("it brought mail of {from} for somebody else"),
        (None, None) => "it named no recipient".into(),
    }
}

/// The commands of the relay's software, as its greeting names it; all three where it does not.
fn where_in_the_queue(sending: &Sending, id: &str) -> String {
    const BY: [(&str, &str); 3] = [
        ("Postfix", "postqueue -p, grep ID /var/log/mail.log"),
        ("Exim", "exim -bp, exigrep ID /var/log/exim4/mainlog"),
        ("OpenSMTPD", "smtpctl show queue, grep ID /var/log/mail.log"),
    ];
    let said = |name: &str| sending.stages.iter().any(|s| s.text.contains(name));
    let known: Vec<_> = BY.iter().filter(|(name, _)| said(name)).collect();
    let shown = if known.is_empty() { BY.iter().collect() } else { known };
    shown.iter().map(|(name, how)| format!("{name}: {}", how.replace("ID", id))).collect::<Vec<_>>().join("; ")
}
