//! How a test message was handed to a relay: what the relay answered, stage by stage.
//!
//! No credentials are in it. Every text of the relay is bounded and as it was said.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TlsFacts;

/// One message, handed over or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sending {
    /// When it began, RFC 3339.
    pub began_at: String,
    /// The relay, `host:port`.
    pub relay: String,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The envelope sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// What the relay answered, in order.
    pub stages: Vec<Stage>,
    /// TLS facts; `null` when no handshake was completed.
    pub tls: Option<TlsFacts>,
    /// We logged in.
    pub authenticated: bool,
    /// The relay took the message over.
    pub accepted: bool,
    /// Its name in the relay's queue, as the relay's last reply tells it.
    pub queue_id: Option<String>,
    /// What stood in the way.
    pub fault: Option<SendFault>,
}

impl Sending {
    /// The relay's answer to the very thing that failed; nothing where it gave none.
    pub fn refusal(&self) -> Option<&Stage> {
        let fault = self.fault.as_ref()?;
        self.stages.last().filter(|s| s.stage == fault.stage && !(200..400).contains(&s.code))
    }

    /// The whole message was sent, and the relay did not say what it made of it: it may have taken it over
    /// (RFC 5321 §4.5.3.2.6).
    pub fn unanswered(&self) -> bool {
        self.fault.as_ref().is_some_and(|f| f.stage == SendStage::Message) && self.refusal().is_none()
    }
}

/// Where in the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SendStage {
    /// The TCP connection.
    Connect,
    /// The greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS and the handshake.
    Tls,
    /// AUTH.
    Auth,
    /// MAIL FROM.
    Mail,
    /// RCPT TO.
    Rcpt,
    /// DATA.
    Data,
    /// The message, up to the reply to its end.
    Message,
}

/// One answer of the relay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stage {
    /// To what.
    pub stage: SendStage,
    /// The reply code.
    pub code: u16,
    /// The enhanced status code (RFC 3463), where there is one.
    pub enhanced: Option<String>,
    /// The text; the lines of a reply joined by a space.
    pub text: String,
}

/// Why a message was not handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SendFault {
    /// Where.
    pub stage: SendStage,
    /// In a sentence; the relay's own words are in `stages`.
    pub detail: String,
}
