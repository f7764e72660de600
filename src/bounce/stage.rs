//! At which command of the session a refusal came.
//!
//! Standard: RFC 5321 §3 (the order of the commands). Input: the words before a quoted reply, or behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where in the session the reply came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Instead of the greeting.
    Connect,
    /// In reply to EHLO or HELO.
    Ehlo,
    /// In reply to MAIL FROM.
    Mail,
    /// In reply to RCPT TO.
    Rcpt,
    /// In reply to DATA or to the message's end.
    Data,
}

/// The stage that a bounce's words before a reply tell, or behind it (`in reply to RCPT TO`).
pub(super) fn stage(context: &str) -> Option<Stage> {
    let lower = context.to_ascii_lowercase();
    let marks: [(&str, Stage); 16] = [
        ("initial connection", Stage::Connect),
        ("refused to talk to me", Stage::Connect),
        ("in greeting", Stage::Connect),
        ("after ehlo", Stage::Ehlo),
        ("after helo", Stage::Ehlo),
        (">>> ehlo", Stage::Ehlo),
        (">>> helo", Stage::Ehlo),
        ("reply to ehlo", Stage::Ehlo),
        ("reply to helo", Stage::Ehlo),
        ("mail from", Stage::Mail),
        ("rcpt to", Stage::Rcpt),
        ("recipient was rejected", Stage::Rcpt),
        ("does not like recipient", Stage::Rcpt),
        ("end of data", Stage::Data),
        (">>> data", Stage::Data),
        ("after i sent the message", Stage::Data),
    ];
    // The last one told is the one that failed.
    marks.iter().filter_map(|(m, s)| lower.rfind(m).map(|at| (at, *s))).max_by_key(|(at, _)| *at).map(|(_, s)| s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stage_is_the_last_told() {
        assert_eq!(stage("SMTP error from remote mail server after RCPT TO:<a@b>: host x:"), Some(Stage::Rcpt));
        assert_eq!(stage("(in reply to end of DATA command)"), Some(Stage::Data));
        assert_eq!(stage("nothing"), None);
    }
}
