//! A session that we heard, beside the check of the identity that it showed: what receivers judge.
//!
//! Standard: RFC 5321 §4.1.4 (EHLO), RFC 3207 §4.2 (what was said before TLS is forgotten), RFC 2920 §3.1
//! (pipelining), RFC 5321 §3.1 (the greeting comes first).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::{Check, SCHEMA};
use super::summary::Summary;
use crate::evidence::{Ended, Session};

/// What `listen --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ListenReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// One entry a connection, in the order in which they were done.
    pub sessions: Vec<Listened>,
    /// Counts.
    pub summary: ListenSummary,
}

/// One connection: what was heard, what is to be said of it, and the check of the identity shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Listened {
    /// What was heard.
    pub session: Session,
    /// What a receiver would hold against the way the client talks.
    pub remarks: Vec<Remark>,
    /// The identity, judged: `client.ip_source` and `client.ehlo_source` are `listened`. `null` where no name was
    /// said, or where we were told to stop before the DNS had answered.
    pub check: Option<Check>,
}

/// One thing about the way a client talks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remark {
    /// Stable.
    pub code: RemarkCode,
    /// What was heard here, in a sentence.
    pub detail: String,
}

/// The kinds of remarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RemarkCode {
    /// Another name inside TLS than before it.
    EhloChanged,
    /// Neither EHLO nor HELO.
    NoEhlo,
    /// Octets before the greeting was complete.
    SpokeEarly,
    /// A command before the reply to the last one, where it may not.
    PipelinedEarly,
    /// Octets between STARTTLS and the handshake.
    InjectedBeforeTls,
    /// The handshake failed.
    TlsFailed,
    /// A message was begun without TLS, which was offered.
    NoTls,
    /// A bound was passed, or the client was too slow.
    CutOff,
    /// A PROXY header from where none is allowed, or none from where one must come.
    ProxyRefused,
}

impl fmt::Display for RemarkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EhloChanged => "ehlo-changed",
            Self::NoEhlo => "no-ehlo",
            Self::SpokeEarly => "spoke-early",
            Self::PipelinedEarly => "pipelined-early",
            Self::InjectedBeforeTls => "injected-before-tls",
            Self::TlsFailed => "tls-failed",
            Self::NoTls => "no-tls",
            Self::CutOff => "cut-off",
            Self::ProxyRefused => "proxy-refused",
        })
    }
}

/// Counts over a run of `listen`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListenSummary {
    /// Connections reported.
    pub sessions: usize,
    /// Connections that said a name and were judged, and their verdicts.
    #[serde(flatten)]
    pub judged: Summary,
}

impl ListenSummary {
    /// Counts one more.
    pub fn add(&mut self, listened: &Listened) {
        self.sessions += 1;
        if let Some(check) = &listened.check {
            self.judged.add(check);
        }
    }
}

impl ListenReport {
    /// A report of these.
    pub fn new(sessions: Vec<Listened>) -> Self {
        let mut summary = ListenSummary::default();
        for listened in &sessions {
            summary.add(listened);
        }
        Self { schema: SCHEMA.into(), sessions, summary }
    }
}

impl Listened {
    /// A session and the check of its identity.
    pub fn new(session: Session, check: Option<Check>) -> Self {
        let remarks = remarks(&session);
        Self { session, remarks, check }
    }
}

fn remarks(session: &Session) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut say = |code, detail: String| remarks.push(Remark { code, detail });
    if let (Some(before), Some(inside), Some(false)) = (&session.ehlo_before_tls, &session.ehlo, session.ehlo_same) {
        say(
            RemarkCode::EhloChanged,
            format!("It says {before} before STARTTLS and {inside} inside TLS; receivers judge the second."),
        );
    }
    if session.ehlo.is_none() && session.ended != Ended::ProxyRefused {
        say(RemarkCode::NoEhlo, "It said neither EHLO nor HELO, so that there is no name to judge.".into());
    }
    if session.early {
        say(
            RemarkCode::SpokeEarly,
            "It spoke before the greeting was complete, as spam software does; many servers drop it for that.".into(),
        );
    }
    if session.pipelined {
        say(
            RemarkCode::PipelinedEarly,
            "It sent a command before the reply to the one before it, where RFC 2920 does not allow that.".into(),
        );
    }
    if session.injected > 0 {
        say(
            RemarkCode::InjectedBeforeTls,
            format!("{} octets came between STARTTLS and the handshake, and were dropped.", session.injected),
        );
    }
    if let Some(fault) = &session.tls_fault {
        say(RemarkCode::TlsFailed, format!("The TLS handshake failed: {fault}."));
    }
    if session.tls.is_none() && session.tls_fault.is_none() && !session.mail_from.is_empty() {
        say(RemarkCode::NoTls, "It began a message without TLS, which was offered.".into());
    }
    match session.ended {
        Ended::CutOff => say(RemarkCode::CutOff, "It sent more than any client needs to, and was cut off.".into()),
        Ended::Idle => say(RemarkCode::CutOff, "It was silent or slow for too long, and was cut off.".into()),
        Ended::Overtime => say(RemarkCode::CutOff, "Its session took too long, and was cut off.".into()),
        Ended::ProxyRefused => say(
            RemarkCode::ProxyRefused,
            "It brought a PROXY header from an address that may not, or none from one that must (--proxy-from).".into(),
        ),
        Ended::Quit | Ended::Closed | Ended::TlsFailed | Ended::Stopped => {}
    }
    remarks
}
