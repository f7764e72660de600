//! One connection that reached our listener: what the client said, in order, and how it behaved.
//!
//! Units: milliseconds for durations, RFC 3339 for instants. Every string is as it was said, and bounded where it
//! was heard ([`crate::smtp::ServerLimits`]).
//! Of a message nothing is kept but its Received lines, and those only where it was taken.

#![expect(clippy::struct_excessive_bools, reason = "what was seen or not is a bool each, in JSON too")]

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One connection to our listener.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Counted from 1, in the order of the connections; behind a balancer, of its PROXY headers.
    pub number: u64,
    /// When the connection stood, RFC 3339.
    pub began_at: String,
    /// Milliseconds until it ended.
    pub took_ms: f64,
    /// The client's address and port.
    pub client: SocketAddr,
    /// Our own address and port, as the client dialled them.
    pub local: SocketAddr,
    /// The proxy that named the client (PROXY protocol version 2); `null` for a direct connection.
    pub proxy: Option<SocketAddr>,
    /// TLS before the greeting.
    pub implicit_tls: bool,
    /// Every EHLO and HELO, in order.
    pub helos: Vec<Helo>,
    /// The name that counts: the last one said, since what was said before STARTTLS is forgotten (RFC 3207 §4.2).
    pub ehlo: Option<String>,
    /// The last name said before TLS, where one was said inside TLS too.
    pub ehlo_before_tls: Option<String>,
    /// Whether the names before and inside TLS are the same; `null` where there are not two.
    pub ehlo_same: Option<bool>,
    /// The senders named in MAIL FROM; empty text for the null sender.
    pub mail_from: Vec<String>,
    /// The recipients named in RCPT TO; of these, of `mail_from`, `helos` and `unknown` 8 KiB are written down in all.
    pub rcpt_to: Vec<String>,
    /// Names, senders, recipients and other words for which there was no room there.
    pub not_written: usize,
    /// A recipient names the token that was waited for.
    pub matched: bool,
    /// TLS facts; `null` where no handshake was completed.
    pub tls: Option<ClientTls>,
    /// What went wrong in the handshake, in the library's words.
    pub tls_fault: Option<String>,
    /// The client spoke before the greeting was complete: real servers drop it for that.
    pub early: bool,
    /// A command came before the reply to the last one, where RFC 2920 does not allow it.
    pub pipelined: bool,
    /// Octets that came behind STARTTLS and before TLS; they were dropped.
    pub injected: usize,
    /// Command lines in all.
    pub commands: usize,
    /// Words that were no command of ours, or commands that we do not offer, in order: the verb and no argument.
    pub unknown: Vec<String>,
    /// Messages taken and dropped.
    pub messages: usize,
    /// One of them was for the recipient with the token.
    pub arrived: bool,
    /// The Received lines, the newest first: of the message for the token, else of the last one that was taken.
    pub received: Vec<String>,
    /// How it ended.
    pub ended: Ended,
}

/// One EHLO or HELO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Helo {
    /// `EHLO` or `HELO`.
    pub verb: String,
    /// The name behind it, as it was said.
    pub name: String,
    /// It was said inside TLS.
    pub secure: bool,
}

/// What a handshake shows of a client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClientTls {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// The suite's IANA name.
    pub cipher: String,
    /// The server name that the client asked for (SNI).
    pub server_name: Option<String>,
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// With QUIT.
    Quit,
    /// The client closed or broke the connection.
    Closed,
    /// It was silent, or too slow with a command.
    Idle,
    /// It lasted longer than a session may.
    Overtime,
    /// It passed a bound: a line, a message, the number of commands.
    CutOff,
    /// The TLS handshake failed.
    TlsFailed,
    /// It brought a PROXY header from where none is allowed, or a broken or missing one from where it must.
    ProxyRefused,
    /// We were told to stop.
    Stopped,
}
