//! All that was observed of one client identity: serialisable, versioned, without an opinion.
//!
//! Shape: one [`Evidence`] a check; a file (`--save`) is an [`EvidenceFile`] of them.
//! Units: milliseconds for durations, RFC 3339 for instants.
//! Failure: an observation that failed is data too: a [`Fault`], or a lookup's status.

mod sending;
mod session;

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dns::{Lookup, Question};
use crate::smtp::{Phase, Reply, TlsMode};
pub use sending::{SendFault, SendStage, Sending, Stage};
pub use session::{ClientTls, Ended, Helo, Session};

/// The schema name of evidence files that this version writes and reads.
pub const EVIDENCE_SCHEMA: &str = "smtp-preflight-evidence/1";

/// A target's name with more addresses than this is dialled at the first of them.
pub const MAX_DIALLED: usize = 16;

/// A saved set of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceFile {
    /// [`EVIDENCE_SCHEMA`].
    pub schema: String,
    /// One entry a check, in the order of the report.
    pub evidence: Vec<Evidence>,
}

/// Why an evidence file cannot be used.
#[derive(Debug)]
pub enum LoadFault {
    /// Not JSON, or not of the shape; with the line, the column and what was expected.
    NotEvidence(String),
    /// Written by a version that this one does not know.
    OtherSchema(String),
}

impl EvidenceFile {
    /// A file of these checks.
    pub fn new(evidence: Vec<Evidence>) -> Self {
        Self { schema: EVIDENCE_SCHEMA.into(), evidence }
    }

    /// The text to write.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Reads the text of a file.
    pub fn from_json(text: &str) -> Result<Self, LoadFault> {
        #[derive(Deserialize)]
        struct Schema {
            schema: String,
        }
        let schema: Schema = serde_json::from_str(text).map_err(|e| LoadFault::NotEvidence(e.to_string()))?;
        if schema.schema != EVIDENCE_SCHEMA {
            return Err(LoadFault::OtherSchema(schema.schema));
        }
        serde_json::from_str(text).map_err(|e| LoadFault::NotEvidence(e.to_string()))
    }
}

/// One client identity and all that was seen of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The caller's own mark, passed through.
    pub label: serde_json::Value,
    /// When the observation began, RFC 3339.
    pub observed_at: String,
    /// What was dialled, or would have been.
    pub target: TargetSeen,
    /// The identity under judgement.
    pub client: Client,
    /// The SMTP side; `None` when it was not asked for.
    pub smtp: Option<Dialogue>,
    /// Every DNS question asked, in a stable order.
    pub lookups: Vec<Lookup>,
    /// The resolvers asked, `address:port`; several are several opinions.
    pub resolvers: Vec<String>,
    /// Whether the asker named them, rather than the system: to look again is to ask them again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub resolvers_given: bool,
    /// Connections to other hosts, made to tell a blocked port from a dead server.
    pub controls: Vec<Control>,
    /// The questions for the target's addresses, where every address found is a check of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_questions: Vec<Question>,
    /// How this machine learnt its own address, where the check is of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnSeen>,
}

/// What a zone's own servers and the resolvers said to one question, where a change is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Watched {
    /// What was asked.
    pub question: Question,
    /// The zone that holds the answer; `null` where nobody could tell.
    pub apex: Option<String>,
    /// The zone's servers, an entry an address; of a server whose address could not be had, what came of that.
    pub authority: Vec<AuthoritySaid>,
    /// The resolvers' answers.
    pub resolvers: Vec<Lookup>,
}

/// What one of a zone's servers said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuthoritySaid {
    /// The server's name in NS; empty where only its address was given.
    pub name: String,
    /// Its answer.
    pub lookup: Lookup,
}

/// What this machine could learn of the address that it sends from, in one address family.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OwnSeen {
    /// The interface address from which it asked; `null` when it has no route there.
    pub local: Option<IpAddr>,
    /// What each service answered to "from which address do I ask?", the preferred first.
    pub asked: Vec<Lookup>,
    /// Where the EHLO name was found, in words.
    pub ehlo_from: Option<String>,
}

/// The target of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TargetSeen {
    /// As it was typed.
    pub input: String,
    /// The host part; `null` when only an identity was given.
    pub host: Option<String>,
    /// The address dialled; `null` when none was.
    pub address: Option<IpAddr>,
    /// The port; `null` when nothing was to be dialled.
    pub port: Option<u16>,
}

/// Where the client address came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IpSource {
    /// The address that we dialled, on the assumption that the host sends from there.
    Dialled,
    /// `--ip`.
    Given,
    /// A `Received:` line.
    Received,
    /// A bounce's own words, or a service that tells an asker its address.
    Reported,
    /// A connection that reached our listener.
    Listened,
}

/// Where the client EHLO name came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EhloSource {
    /// The EHLO reply of the host dialled, on the assumption that it greets as it sends.
    Replied,
    /// `--ehlo`.
    Given,
    /// A `Received:` line, or a receiver that quotes the name that it was given.
    Received,
    /// A connection that reached our listener.
    Listened,
}

/// The identity that receivers judge. The EHLO name is `None` until somebody said one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The outbound address.
    pub ip: Option<IpAddr>,
    /// Where it came from.
    pub ip_source: Option<IpSource>,
    /// The EHLO name given from outside; a name that the host replied with is in the dialogue.
    pub ehlo: Option<String>,
    /// Where a name given from outside came from.
    pub ehlo_source: Option<EhloSource>,
}

/// What kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The target's name has no address.
    NoAddress,
    /// The target has no address of the family that is to be dialled.
    OtherFamily,
    /// The target's name could not be looked up.
    LookupFailed,
    /// The other side refused the connection.
    ConnectionRefused,
    /// Nothing came in time.
    TimedOut,
    /// This machine has no route there.
    Unreachable,
    /// This machine's own rules forbid it.
    NotPermitted,
    /// The source address asked for is not this machine's.
    SourceUnavailable,
    /// The other side broke the connection.
    Reset,
    /// The other side closed the connection before its reply was complete.
    Closed,
    /// What came is not SMTP.
    NotSmtp,
    /// A line without end.
    LineTooLong,
    /// A reply without end, by lines.
    TooManyLines,
    /// A reply without end, by octets.
    TooLarge,
    /// The lines of one reply carry different codes.
    CodeChanged,
    /// Octets came after the STARTTLS reply, before TLS.
    PlaintextBeforeTls,
    /// The TLS handshake failed.
    HandshakeFailed,
    /// Another error of the system.
    Io,
    /// This machine had no socket left.
    Shortage,
    /// An error in this program ended the check.
    Defect,
}

/// An observation that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    /// Where in the dialogue.
    pub phase: Phase,
    /// What kind.
    pub kind: FaultKind,
    /// The system's or the library's words.
    pub detail: String,
}

impl Fault {
    /// Whether a connection stood when it came.
    pub fn connected(&self) -> bool {
        !matches!(self.phase, Phase::Resolve | Phase::Connect)
    }
}

/// One command and its reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The command as sent, without CRLF.
    pub command: String,
    /// Inside TLS.
    pub secure: bool,
    /// The reply, or as much of it as came.
    pub reply: Option<Reply>,
    /// Octets that came behind the reply, unasked for.
    pub surplus: usize,
}

/// Milliseconds of each phase; `null` when it was not reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TimingMs {
    /// TCP connection.
    pub connect: Option<f64>,
    /// From the connection to the greeting's first octet.
    pub first_octet: Option<f64>,
    /// From the connection to the greeting's end.
    pub banner: Option<f64>,
    /// The first EHLO (or the HELO after it).
    pub ehlo: Option<f64>,
    /// The TLS handshake.
    pub tls: Option<f64>,
}

/// The SMTP side of one connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Dialogue {
    /// The name that we gave in EHLO.
    pub helo_as: String,
    /// Our own address, where the connection stood.
    pub source: Option<IpAddr>,
    /// The policy we dialled with.
    pub tls_mode: TlsMode,
    /// TLS before the greeting.
    pub implicit_tls: bool,
    /// The greeting, or as much of it as came.
    pub greeting: Option<Reply>,
    /// Octets behind the greeting, unasked for: in the same breath, or as a further greeting where the reply to
    /// EHLO was due.
    #[serde(default)]
    pub greeting_surplus: usize,
    /// Every command sent, in order.
    pub exchanges: Vec<Exchange>,
    /// TLS facts.
    pub tls: Option<TlsFacts>,
    /// What went wrong with TLS; the plain dialogue before it counts all the same.
    pub tls_fault: Option<Fault>,
    /// What ended the dialogue early.
    pub fault: Option<Fault>,
    /// Time per phase.
    pub timing_ms: TimingMs,
}

impl Dialogue {
    /// The last complete reply to this verb, inside TLS or before it.
    pub fn reply_to(&self, verb: &str, secure: bool) -> Option<&Reply> {
        self.exchanges
            .iter()
            .rev()
            .find(|e| e.secure == secure && e.command.split(' ').next() == Some(verb))
            .and_then(|e| e.reply.as_ref())
            .filter(|r| r.complete)
    }
}

/// What the TLS handshake showed. Recorded, never enforced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TlsFacts {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// The suite's IANA name.
    pub cipher: String,
    /// The certificate's DNS names and addresses (subjectAltName), or its common name where it has none.
    pub names: Vec<String>,
    /// Start of validity, RFC 3339.
    pub not_before: Option<String>,
    /// End of validity, RFC 3339.
    pub not_after: Option<String>,
    /// The issuer's distinguished name.
    pub issuer: Option<String>,
    /// Whether the chain leads to a root of Mozilla's store and is valid now.
    pub trusted: bool,
    /// Why not, where it does not.
    pub why_not: Option<String>,
}

/// A connection made to tell "this machine cannot use the port" from "that server is down".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// `host:port`.
    pub host: String,
    /// The address tried; `null` when there was none to try.
    pub address: Option<IpAddr>,
    /// Whether the port answered: the connection stood or was refused (see `detail`). `false` is silence for a
    /// second and more; `null` when it could not be tried, or not for that long.
    pub connected: Option<bool>,
    /// The system's words, or ours, where the connection did not stand.
    pub detail: Option<String>,
}
