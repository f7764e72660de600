//! The verdict's shape: the JSON contract `smtp-preflight/1`, and how it is put together.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::catalogue::Code;
use super::changes::{Change, Gone};
use super::own::OwnAddress;
use super::propagation::Propagation;
use super::receivers::{NotPredicted, Prediction};
use super::remedy::{Remedy, leads_away};
use super::summary::Summary;
use super::view::View;
use crate::dns::{FailedTry, Flags, Status};
use crate::evidence::{Control, EhloSource, Evidence, Fault, IpSource, TargetSeen, TimingMs, TlsFacts};

/// The schema name of every report.
pub const SCHEMA: &str = "smtp-preflight/1";

/// What `--format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: String,
    /// One entry a client identity; with a baseline, those that changed.
    pub checks: Vec<Check>,
    /// What the baseline holds and this run did not look at; left out where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gone: Vec<Gone>,
    /// Counts over all checks.
    pub summary: Summary,
}

impl Report {
    /// A report of these checks.
    pub fn new(checks: Vec<Check>) -> Self {
        let mut summary = Summary::default();
        for check in &checks {
            summary.add(check);
        }
        Self { schema: SCHEMA.into(), checks, gone: Vec::new(), summary }
    }
}

/// One client identity, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// The caller's own mark, passed through.
    pub label: serde_json::Value,
    /// When the observation began, RFC 3339.
    pub observed_at: String,
    /// What was dialled.
    pub target: TargetSeen,
    /// The identity judged.
    pub client: ClientReport,
    /// How this machine learnt its own identity; left out where the check is of another.
    #[serde(rename = "self", default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnAddress>,
    /// The SMTP side; `null` when nothing was dialled.
    pub smtp: Option<SmtpReport>,
    /// The DNS side.
    pub dns: DnsReport,
    /// The three edges.
    pub agreement: Agreement,
    /// RFC 8601 §2.7.3.
    pub iprev: Iprev,
    /// What is wrong, or worth knowing; the heaviest first.
    pub findings: Vec<Finding>,
    /// What to change, in which order, and who can; `null` where there is nothing to change.
    pub remedy: Option<Remedy>,
    /// What known receivers would answer.
    pub receivers: Vec<Prediction>,
    /// What changed since the baseline; left out where there is none, or nothing changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// What the zones' own servers and the resolvers say to each question, where changes are watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub propagation: Vec<Propagation>,
    /// The rules of receivers that could not be predicted, and what was lacking.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_predicted: Vec<NotPredicted>,
}

/// The identity judged, and where each half of it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientReport {
    /// The outbound address.
    pub ip: Option<IpAddr>,
    /// Where it came from.
    pub ip_source: Option<IpSource>,
    /// The EHLO name, as it was said.
    pub ehlo: Option<String>,
    /// Where it came from.
    pub ehlo_source: Option<EhloSource>,
    /// True where "greets as it sends" is assumed: the address or the name was had by dialling.
    pub assumes_greets_as_it_sends: bool,
}

/// The SMTP side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SmtpReport {
    /// The name that we gave in EHLO.
    pub helo_as: String,
    /// The address that we dialled from.
    pub source: Option<IpAddr>,
    /// The greeting.
    pub banner: Option<GreetingReport>,
    /// The EHLO reply that counts: inside TLS where there is one. Its name is the HELO reply's where
    /// EHLO was refused.
    pub ehlo: Option<GreetingReport>,
    /// The EHLO reply before STARTTLS, where `ehlo` is the one inside TLS.
    pub ehlo_before_tls: Option<GreetingReport>,
    /// The HELO reply, where EHLO was refused.
    pub helo: Option<GreetingReport>,
    /// Whether the banner and the EHLO reply give the same name; `null` where one of them gives none.
    #[serde(default)]
    pub banner_is_ehlo: Option<bool>,
    /// TLS facts; `null` when no handshake was completed.
    pub tls: Option<TlsFacts>,
    /// Whether the certificate is for the EHLO name, a PTR name, or the host or address dialled; `null`
    /// where there was none.
    #[serde(default)]
    pub tls_covers: Option<bool>,
    /// What went wrong with TLS.
    pub tls_fault: Option<Fault>,
    /// Time per phase.
    pub timing_ms: TimingMs,
    /// What ended the dialogue early.
    pub fault: Option<Fault>,
    /// Connections to other hosts, made to tell a blocked port from a dead server.
    pub controls: Vec<Control>,
}

/// A greeting or an EHLO reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GreetingReport {
    /// The reply code; `null` when what came was not SMTP.
    pub code: Option<u16>,
    /// The text behind the code, line by line.
    pub lines: Vec<String>,
    /// The name that the first line claims.
    pub name: Option<String>,
    /// The extensions, verbatim (EHLO only).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extensions: Option<Vec<String>>,
}

/// The DNS side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DnsReport {
    /// The PTR of the client address; `null` when there is no address.
    pub ptr: Option<PtrReport>,
    /// The forward records of each PTR name.
    pub forward: Vec<ForwardReport>,
    /// The forward records of the EHLO name; `null` when it is not a name.
    pub ehlo_forward: Option<ForwardReport>,
    /// Every answer of every resolver, where several were asked and did not say the same.
    pub disagreements: Vec<Disagreement>,
}

/// A question to which resolvers gave different answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disagreement {
    /// `PTR 10.113.0.203.in-addr.arpa`.
    pub question: String,
    /// Each resolver and what it said, in words.
    pub answers: Vec<ResolverSaid>,
}

/// One resolver's answer, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ResolverSaid {
    /// `address:port`.
    pub resolver: String,
    /// The records, or the status.
    pub said: String,
}

/// The PTR side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PtrReport {
    /// The reverse name asked for.
    pub question: String,
    /// What came of it.
    pub status: Status,
    /// More of it, where there is more.
    pub detail: Option<String>,
    /// The PTR names, without final dots.
    pub names: Vec<String>,
    /// The CNAMEs followed (RFC 2317), as the names passed through, from the first alias to the last target.
    pub chain: Vec<String>,
    /// Seconds: the PTR's TTL, or the negative TTL where there is none.
    pub ttl: Option<u32>,
    /// The resolver whose answer this is.
    pub resolver: String,
    /// Milliseconds.
    pub took_ms: f64,
    /// Header bits of the answer.
    pub flags: Flags,
    /// Tries that failed before.
    pub failed_tries: Vec<FailedTry>,
    /// The zone that holds the PTR: who can change it.
    pub zone: Option<Zone>,
}

impl PtrReport {
    /// The name whose PTR it is: at the end of the aliases.
    pub fn owner(&self) -> &str {
        self.chain.last().unwrap_or(&self.question)
    }

    /// Whether the PTR lies behind an alias in another zone than the reverse name's own (RFC 2317).
    pub fn is_delegated(&self) -> bool {
        !self.chain.is_empty() && leads_away(&self.question, self.zone.as_ref())
    }
}

/// The zone that answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Zone {
    /// Its apex.
    pub apex: String,
    /// MNAME.
    pub primary: String,
    /// RNAME, as a mailbox.
    pub contact: String,
    /// Its NS names.
    pub servers: Vec<String>,
    /// True where it is an address registry's own: what it denies has no reverse zone, and its contact is nobody's
    /// to ask.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub registry: bool,
}

/// A name's forward records, in the client's family and the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ForwardReport {
    /// The name.
    pub name: String,
    /// What came of the question in the client's family (A for IPv4, AAAA for IPv6).
    pub status: Status,
    /// More of it, where there is more.
    pub detail: Option<String>,
    /// The addresses of the client's family.
    pub addresses: Vec<IpAddr>,
    /// The addresses of the other family.
    pub other_family: Vec<IpAddr>,
    /// Whether the client's address is among them.
    pub holds_ip: bool,
    /// The names passed through, where the name is an alias.
    pub chain: Vec<String>,
    /// Seconds: the records' TTL, or the negative TTL where there are none.
    pub ttl: Option<u32>,
}

/// The three edges and their sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Agreement {
    /// The sum.
    pub verdict: Verdict,
    /// The EHLO name is one of the PTR names.
    pub ehlo_ptr: Edge,
    /// A PTR name's addresses hold the client's: FCrDNS.
    pub ptr_forward: Edge,
    /// The EHLO name's addresses hold the client's.
    pub ehlo_forward: Edge,
}

/// The sum of the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// All three agree.
    Agree,
    /// One at least differs or is absent.
    Differ,
    /// None differs, and one at least could not be seen.
    Unknown,
}

/// One edge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edge {
    /// What it is.
    pub state: EdgeState,
    /// Why, in one sentence.
    pub because: String,
}

/// What an edge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EdgeState {
    /// The two sides are the same.
    Agree,
    /// They are not.
    Differ,
    /// One side has nothing to compare.
    Absent,
    /// Temporary trouble stopped us.
    Unknown,
}

impl EdgeState {
    /// The word in JSON and in every report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agree => "agree",
            Self::Differ => "differ",
            Self::Absent => "absent",
            Self::Unknown => "unknown",
        }
    }
}

/// RFC 8601 §2.7.3, in its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Iprev {
    /// Reverse and forward agree.
    Pass,
    /// They do not, or no PTR name has an address.
    Fail,
    /// Temporary trouble, or no address to look up.
    Temperror,
    /// No PTR is published.
    Permerror,
}

/// How heavily receivers take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; and every "could not tell".
    Info,
    /// Scored, or refused by some.
    Warning,
    /// Refused in practice.
    Error,
}

/// One thing wrong or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable.
    pub code: Code,
    /// How heavily receivers take it.
    pub severity: Severity,
    /// A few words.
    pub title: String,
    /// What was seen here.
    pub detail: String,
    /// What to do.
    pub fix: Fix,
    /// RFC and section.
    pub reference: String,
}

/// What removes a finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fix {
    /// Who can do it.
    pub who: String,
    /// What to do, in order.
    pub steps: Vec<String>,
    /// Zone lines to publish.
    pub records: Vec<String>,
}

/// Puts a check together from what the rules said.
pub(super) fn assemble(
    evidence: &Evidence,
    view: &View<'_>,
    agreement: Agreement,
    findings: Vec<Finding>,
    remedy: Option<Remedy>,
) -> Check {
    let assumed = evidence.client.ip_source == Some(IpSource::Dialled)
        || view.ehlo.as_ref().is_some_and(|e| e.source == EhloSource::Replied);
    Check {
        label: evidence.label.clone(),
        observed_at: evidence.observed_at.clone(),
        target: evidence.target.clone(),
        client: ClientReport {
            ip: view.ip,
            ip_source: evidence.client.ip_source,
            ehlo: view.ehlo.as_ref().map(|e| e.raw.clone()),
            ehlo_source: view.ehlo.as_ref().map(|e| e.source),
            assumes_greets_as_it_sends: assumed,
        },
        own: evidence.own.as_ref().map(OwnAddress::of),
        smtp: super::smtp_report::smtp_report(view),
        dns: super::dns_report::dns_report(view),
        iprev: super::agreement::iprev(view, &agreement.ptr_forward),
        agreement,
        findings,
        remedy,
        receivers: Vec::new(),
        change: None,
        propagation: Vec::new(),
        not_predicted: Vec::new(),
    }
}
