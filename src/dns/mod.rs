//! DNS as data: what was asked, of whom, and exactly what came of it.
//!
//! Standard: RFC 1035 §3.5 and RFC 3596 §2.5 (reverse names), RFC 2317 (CNAME'd reverse zones),
//! RFC 2308 (NXDOMAIN and NODATA, negative TTL), RFC 8914 (extended errors).
//! Units: TTLs in seconds, `took_ms` in milliseconds from the first octet sent to the answer.
//! Failure: never an error. A [`Lookup`] says `found`, `nxdomain`, `nodata`, or which kind of
//! trouble stood in the way; trouble is never "there is none".

mod presentation;
mod reverse;

pub use presentation::{from_labels, to_labels, to_wire};
pub use reverse::{is_below, is_reverse_name, reverse_name};

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// PTR names of an address whose own addresses are looked up (RFC 7208 §4.6.4).
pub const MAX_PTR_NAMES: usize = 10;

/// The record types that we ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordType {
    /// Address to name.
    Ptr,
    /// Name to IPv4 address.
    A,
    /// Name to IPv6 address.
    Aaaa,
    /// Start of a zone.
    Soa,
    /// A zone's servers.
    Ns,
    /// A domain's mail hosts.
    Mx,
    /// Text; services that tell an asker its address answer in it.
    Txt,
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ptr => "PTR",
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Soa => "SOA",
            Self::Ns => "NS",
            Self::Mx => "MX",
            Self::Txt => "TXT",
        })
    }
}

/// One question. The name is absolute, in presentation form, without its final dot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Question {
    /// The owner name asked for.
    pub name: String,
    /// The type asked for.
    #[serde(rename = "type")]
    pub kind: RecordType,
}

impl Question {
    /// A question, the name taken as absolute whether or not it ends in a dot.
    pub fn new(name: &str, kind: RecordType) -> Self {
        let name = match name.strip_suffix('.') {
            Some("") | None => name,
            Some(stripped) => stripped,
        };
        Self { name: name.to_ascii_lowercase(), kind }
    }
}

/// What came of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Records of the type asked for.
    Found,
    /// The name does not exist (RCODE 3).
    Nxdomain,
    /// The name exists, without records of this type (RCODE 0, no answer).
    Nodata,
    /// RCODE 2, or a response code that has no word of its own here (see `rcode`).
    Servfail,
    /// RCODE 5.
    Refused,
    /// RCODE 1.
    Formerr,
    /// RCODE 4.
    Notimp,
    /// No answer: silence, or nobody at that address and port (see `detail`).
    Timeout,
    /// An answer that cannot be parsed or believed.
    Malformed,
    /// Never asked (see `detail`).
    NotAsked,
}

impl Status {
    /// Whether the server told us how things are: found, or that there is nothing.
    pub fn is_definite(self) -> bool {
        matches!(self, Self::Found | Self::Nxdomain | Self::Nodata)
    }

    /// Whether the server said that there is nothing.
    pub fn is_none(self) -> bool {
        matches!(self, Self::Nxdomain | Self::Nodata)
    }

    /// The word in JSON and in every report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Nxdomain => "nxdomain",
            Self::Nodata => "nodata",
            Self::Servfail => "servfail",
            Self::Refused => "refused",
            Self::Formerr => "formerr",
            Self::Notimp => "notimp",
            Self::Timeout => "timeout",
            Self::Malformed => "malformed",
            Self::NotAsked => "not_asked",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One record's data in presentation form: an address, or a name without its final dot; a TXT record's
/// strings put together, as they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The data.
    pub data: String,
    /// Seconds that it may be cached, as this server gave it.
    pub ttl: u32,
}

/// One CNAME followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alias {
    /// The alias.
    pub from: String,
    /// What it stands for.
    pub to: String,
    /// Seconds.
    pub ttl: u32,
}

/// The SOA of the zone that answered, from the answer or the authority section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Soa {
    /// The zone's apex.
    pub apex: String,
    /// MNAME.
    pub primary: String,
    /// RNAME, as a mailbox (RFC 1035 §8).
    pub contact: String,
    /// Seconds that a negative answer may be cached: the lesser of the SOA's TTL and MINIMUM (RFC 2308 §5).
    pub negative_ttl: u32,
}

/// Header bits of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Flags {
    /// Authoritative answer.
    pub aa: bool,
    /// The resolver says that it validated the answer.
    pub ad: bool,
    /// Recursion available.
    pub ra: bool,
}

/// An extended DNS error (RFC 8914).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExtendedError {
    /// INFO-CODE.
    pub code: u16,
    /// EXTRA-TEXT.
    pub text: String,
}

/// How the answer came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// In one datagram.
    #[default]
    Udp,
    /// Over TCP, since the datagram was truncated (RFC 7766).
    Tcp,
}

/// A try that failed before the one reported.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FailedTry {
    /// The server asked, `address:port`.
    pub resolver: String,
    /// What came of it.
    pub status: Status,
    /// More of it, where there is more.
    pub detail: Option<String>,
    /// Milliseconds.
    pub took_ms: f64,
}

/// A question and what came of it at one resolver.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lookup {
    /// What was asked.
    #[serde(flatten)]
    pub question: Question,
    /// The server whose answer this is, `address:port`; empty when none was asked.
    pub resolver: String,
    /// What came of it.
    pub status: Status,
    /// The response code as a number, where an answer came.
    pub rcode: Option<u16>,
    /// What the status alone does not say.
    pub detail: Option<String>,
    /// Records of the type asked for, in the order of the answer.
    pub answers: Vec<Answer>,
    /// CNAMEs followed, in order.
    pub chain: Vec<Alias>,
    /// The zone that answered, where it was told.
    pub soa: Option<Soa>,
    /// Header bits.
    pub flags: Flags,
    /// Extended errors.
    pub extended_errors: Vec<ExtendedError>,
    /// UDP or TCP.
    pub transport: Transport,
    /// Milliseconds, all tries together.
    pub took_ms: f64,
    /// Tries that failed before, at this server or at another of the same set.
    pub failed_tries: Vec<FailedTry>,
}

impl Lookup {
    /// A lookup with nothing in it but its question and how it ended.
    pub fn empty(question: Question, resolver: String, status: Status, detail: Option<String>) -> Self {
        Self {
            question,
            resolver,
            status,
            rcode: None,
            detail,
            answers: Vec::new(),
            chain: Vec::new(),
            soa: None,
            flags: Flags::default(),
            extended_errors: Vec::new(),
            transport: Transport::Udp,
            took_ms: 0.0,
            failed_tries: Vec::new(),
        }
    }

    /// The data of the records, in order.
    pub fn data(&self) -> impl Iterator<Item = &str> {
        self.answers.iter().map(|a| a.data.as_str())
    }
}
