//! From a bounce to its cause, the address that sent the message, and the name it said.
//!
//! Standard: RFC 3464 (delivery reports), RFC 5965 (feedback reports), RFC 5321 §4.4 (trace lines).
//! Input: one message or a pasted piece of text, as octets; [`Splitter`] cuts an mbox into them.
//! Output: a [`Bounce`], and over many of them a [`BounceSummary`]. Pure: no I/O, no clock.
//! Failure: none; what cannot be read says so in [`Bounce::unreadable`].
//! Design: an address is claimed only when the bounce states it: the receiver quotes it, the receiver
//! stamped it and wrote the bounce, or the reporting server gives its own. Where nothing was stated,
//! nothing is claimed, and `cause` may be `unknown`.

mod address;
mod affirmed;
mod assemble;
mod beside;
mod bound;
mod bounds;
mod callout;
mod cause;
mod codes;
mod dsn;
mod ehlo;
mod event;
mod header;
mod leaving;
mod letter;
mod lookup;
mod marks;
mod mbox;
mod nature;
mod page;
mod phrases;
mod prose;
mod quoted;
mod quotes;
mod received;
mod refusal;
mod remote;
mod reply;
mod sender;
mod sentence;
mod stage;
mod summary;
mod url;
mod words;
mod writer;

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use address::can_be_outbound;
pub use mbox::{Splitter, looks_like_mbox};
pub use nature::{Data, data};
pub use received::{Hop, RdnsState};
pub use reply::Reply;
pub use stage::Stage;
pub use summary::{BounceSummary, Count};

/// A message larger than this many octets is not read.
pub const MAX_MESSAGE: usize = 32 << 20;

/// What kind of input it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A bounce with report fields (RFC 3464, RFC 5965).
    Dsn,
    /// Any other mail: a bounce in free text, or an ordinary message.
    Message,
    /// Text without a mail header: a pasted reply or log line.
    Text,
}

/// The family of a bounce's cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// PTR, its confirmation, its shape, or the EHLO name.
    SenderIdentity,
    /// The address or domain is listed or has a bad record.
    Reputation,
    /// SPF, DKIM, DMARC.
    Authentication,
    /// What the message holds: spam, viruses, size, form.
    Content,
    /// Too much in too short a time.
    Rate,
    /// The recipient: unknown, full, disabled, moved.
    Recipient,
    /// A rule of the receiver: relaying, senders, groups.
    Policy,
    /// The way there: DNS, connection, time run out, a server's own trouble.
    Transport,
    /// The bounce does not say, or says it in words not known.
    Unknown,
}

/// The leg of the sender's identity that a receiver refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Identity {
    /// The address has no PTR record.
    PtrMissing,
    /// The PTR name does not resolve back to the address.
    PtrUnconfirmed,
    /// The PTR name looks like one of a dynamic or unnamed address.
    PtrGeneric,
    /// The EHLO name is malformed, does not resolve or does not fit.
    EhloBad,
    /// The receiver refuses the identity and does not say which leg.
    #[serde(rename = "identity-unspecified")]
    Unspecified,
}

/// Where the sending address is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IpSource {
    /// The receiver quotes it.
    Diagnostic,
    /// The Received line that the receiver stamped.
    Received,
    /// The reporting server gives its own address.
    ReportingMta,
}

/// The address that sent the refused message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SendingIp {
    /// `null` when the bounce does not state it.
    pub ip: Option<IpAddr>,
    /// Where it stands; `null` with it.
    pub source: Option<IpSource>,
    /// The words or the line that state it, at most 300 octets.
    pub evidence: Option<String>,
    /// An address that may well be it, where none is stated: the client in a line stamped by a host
    /// that looks like the receiver's. To be said as a guess only.
    pub likely: Option<IpAddr>,
}

/// Whose server wrote the bounce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The one that tried to hand the message on and was refused or failed.
    Sender,
    /// The one that had taken the message and then refused it.
    Receiver,
    /// It cannot be told.
    #[default]
    Unknown,
}

/// Who wrote the bounce.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Writer {
    /// On which side of the failed step it stands.
    pub side: Side,
    /// Its host name, where given.
    pub host: Option<String>,
}

/// What a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Basis {
    /// Words known from a receiver.
    Phrase,
    /// An enhanced status code.
    Code,
    /// A bare reply code and the stage at which it came.
    Guess,
}

/// The phrase or code that decided, with where we know its meaning from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Matched {
    /// Phrase, code or guess.
    pub basis: Basis,
    /// The phrase or code.
    pub what: String,
    /// Who documents it.
    pub source: String,
    /// The time that the wording dates from where known, else when the entry was recorded.
    pub date: String,
    /// They are said whatever the reason (Exim's `Administrative prohibition`): the sender's identity is among what
    /// they may stand for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untold: bool,
}

/// One bounce, read.
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own in the JSON contract")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bounce {
    /// Filled by the caller: the file's path, `-`, or a path with the message's number in it.
    pub file: Option<String>,
    /// What kind of input it was.
    pub kind: Kind,
    /// A report about another message; `false` for an ordinary message.
    pub bounce: bool,
    /// A recipient's complaint (RFC 5965): the message was delivered, and nobody refused it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complaint: bool,
    /// The family of the cause.
    pub cause: Cause,
    /// The leg, when the cause is the sender's identity.
    pub identity: Option<Identity>,
    /// Further legs that the receiver's words leave open: a check decides between them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub possible: Vec<Identity>,
    /// The refusal that decided, or the first one quoted.
    pub reply: Option<Reply>,
    /// At which command the refusal came.
    pub stage: Option<Stage>,
    /// Who refused: a known receiver's name, else the host name, else who uses these words.
    pub receiver: Option<String>,
    /// The server software or filter that these words come with.
    pub software: Option<String>,
    /// The host that refused.
    pub receiver_host: Option<String>,
    /// The recipient reported on.
    pub recipient: Option<String>,
    /// The address that sent the message.
    pub sending_ip: SendingIp,
    /// The EHLO name, from the same place as the address.
    pub ehlo: Option<String>,
    /// The sending server's name as it calls itself in the bounce, where no address is stated. Its
    /// address is to be looked up, and to be called a guess.
    pub name: Option<String>,
    /// Who wrote the bounce.
    pub writer: Writer,
    /// What the cause rests on.
    pub matched: Option<Matched>,
    /// The hop that stated the address or, of an ordinary message, the one that left the sender's network.
    pub hop: Option<Hop>,
    /// The bounce stood inside another message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forwarded: bool,
    /// Only the first part of a large or deeply nested file was read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
    /// Why nothing could be read, in one sentence.
    pub unreadable: Option<String>,
    /// Why a file that nobody named was passed over, in one sentence: it is no mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

impl Bounce {
    /// Whether the words and codes that decided name no reason, so that the sender's identity may stand behind them.
    pub fn untold(&self) -> bool {
        self.matched.as_ref().is_some_and(|m| m.untold)
    }
}

/// Reads one message or one piece of text. At most [`MAX_MESSAGE`] octets; time grows with the
/// length up to 2 MiB and not beyond.
pub fn read(bytes: &[u8]) -> Bounce {
    if bytes.len() > MAX_MESSAGE {
        return unreadable(&format!("too large: {} octets, and at most {MAX_MESSAGE} are read", bytes.len()));
    }
    let bytes = &*bounds::plain(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return unreadable("empty: there is no text in it");
    }
    if is_binary(bytes) {
        return unreadable("binary: it is neither a mail nor text; save the message as a file (.eml) and give that");
    }
    if let Some(event) = event::events(bytes).filter(|e| e.broken.is_none() && !e.words.is_empty()) {
        let words: String = event.words.into_iter().map(|(_, words)| words).collect();
        return of_text(words.as_bytes());
    }
    of_text(bytes)
}

fn of_text(bytes: &[u8]) -> Bounce {
    assemble::assemble(&letter::Letter::read(bytes))
}

/// Reads a file that may hold several: one entry a message of an mbox, one an event of a JSON log or webhook that
/// says anything, `read`'s for everything else. With each its number in the file from 1 on, where there are several.
pub fn read_all(bytes: &[u8]) -> Vec<(Option<usize>, Bounce)> {
    if let Some(events) = events(bytes) {
        return events;
    }
    if !looks_like_mbox(bytes) {
        return vec![(None, read(bytes))];
    }
    let mut found = Vec::new();
    let mut take = |message: &[u8]| found.push((Some(found.len() + 1), read(message)));
    let mut splitter = Splitter::new();
    splitter.push(bytes, &mut take);
    splitter.finish(take);
    found
}

/// Several events, or some and a fault behind them. A single one is a text like others.
fn events(bytes: &[u8]) -> Option<Vec<(Option<usize>, Bounce)>> {
    if bytes.len() > MAX_MESSAGE {
        return None;
    }
    let events = event::events(bytes).filter(|e| e.words.len() + usize::from(e.broken.is_some()) > 1)?;
    let mut found: Vec<_> =
        events.words.iter().map(|(number, words)| (Some(*number), of_text(words.as_bytes()))).collect();
    if let Some(at) = events.broken {
        found.push((None, unreadable(&format!("from octet {at} on it is no JSON; the events before that were read"))));
    }
    Some(found)
}

/// An entry for a file that is no mail and no pasted text, and that nobody named: nothing is read from it.
pub fn skipped(what: Data) -> Bounce {
    let why = format!("{}, not mail; give the file by its own name to have it read all the same", what.words());
    Bounce { unreadable: None, skipped: Some(why), ..unreadable("") }
}

/// An entry that only says why a file could not be read.
pub fn unreadable(why: &str) -> Bounce {
    Bounce {
        file: None,
        kind: Kind::Text,
        bounce: false,
        complaint: false,
        cause: Cause::Unknown,
        identity: None,
        possible: Vec::new(),
        reply: None,
        stage: None,
        receiver: None,
        receiver_host: None,
        software: None,
        recipient: None,
        sending_ip: SendingIp::default(),
        ehlo: None,
        name: None,
        writer: Writer::default(),
        matched: None,
        hop: None,
        forwarded: false,
        truncated: false,
        unreadable: Some(reply::clean(why)),
        skipped: None,
    }
}

/// More than one in thirty of the first octets are controls that no text holds.
fn is_binary(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let odd = head.iter().filter(|b| matches!(**b, 0..=8 | 14..=26 | 28..=31)).count();
    odd * 30 > head.len()
}
