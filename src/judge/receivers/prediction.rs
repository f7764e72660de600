//! What a receiver would answer: the contract's shape of one prediction.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A text that is mostly known when the program is built.
pub(super) type Text = Cow<'static, str>;

/// What one rule of one receiver would do with the identity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    /// `postfix`, `exim`, `rspamd`, `gmail`, …
    pub receiver: Text,
    /// The rule by the receiver's own name for it.
    pub rule: Text,
    /// What it does.
    pub outcome: Outcome,
    /// The reply that ends the session, or accepts the recipient; `null` for a score, and where the
    /// receiver publishes none.
    pub reply: Option<ReplyCode>,
    /// The sum of the symbols' scores; `null` for a rule that does not score.
    pub score: Option<f64>,
    /// The score at which the filter as shipped marks a message as spam; `null` for a rule that does not score.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// The score at which it puts the message off for a while; `null` where it does not.
    #[serde(default)]
    pub greylist_threshold: Option<f64>,
    /// The score at which it refuses the message; `null` where it does not.
    #[serde(default)]
    pub reject_threshold: Option<f64>,
    /// The symbols that make up the score.
    pub symbols: Vec<Symbol>,
    /// How we know.
    pub basis: Basis,
    /// What has to be so for this to hold.
    pub assumes: Vec<Text>,
    /// Why, in one clause.
    pub because: Text,
    /// Where the rule is written down, or the versions that it was measured with.
    pub source: Text,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Nothing stands in the way.
    Accept,
    /// It adds to a score, and others decide.
    Score,
    /// A 4xx reply: the sender tries again.
    Defer,
    /// A 5xx reply: the message bounces.
    Reject,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accept => "accept",
            Self::Score => "score",
            Self::Defer => "defer",
            Self::Reject => "reject",
        })
    }
}

/// How we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// The real server was asked.
    Measured,
    /// The receiver publishes the rule.
    Documented,
    /// Its rejections were seen by others.
    Reported,
}

/// The codes of a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReplyCode {
    /// The SMTP reply code.
    pub code: u16,
    /// The enhanced status code (RFC 3463), where the reply has one.
    pub enhanced: Option<Text>,
}

impl fmt::Display for ReplyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.enhanced {
            Some(enhanced) => write!(f, "{} {enhanced}", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

/// One symbol of a filter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Symbol {
    /// The filter's own name for it.
    pub name: Text,
    /// What it adds to the score.
    pub score: f64,
}

/// A clause that quotes what the network said keeps to a line or two.
fn bounded(text: Text) -> Text {
    const MAX: usize = 300;
    if text.len() <= MAX {
        return text;
    }
    let cut = text.char_indices().map(|(at, _)| at).take_while(|at| *at <= MAX).last().unwrap_or(0);
    format!("{}…", &text[..cut]).into()
}

/// A mail server's answer, before it is dressed as a [`Prediction`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub reply: ReplyCode,
    pub because: Text,
}

impl Answer {
    /// The recipient is accepted.
    pub(super) fn accept(because: impl Into<Text>) -> Self {
        Self::of(250, None, because)
    }

    pub(super) fn of(code: u16, enhanced: Option<&'static str>, because: impl Into<Text>) -> Self {
        Self { reply: ReplyCode { code, enhanced: enhanced.map(Cow::Borrowed) }, because: bounded(because.into()) }
    }

    pub(super) fn outcome(&self) -> Outcome {
        match self.reply.code / 100 {
            2 => Outcome::Accept,
            4 => Outcome::Defer,
            _ => Outcome::Reject,
        }
    }

    /// A measured prediction.
    pub(super) fn predict(
        self,
        receiver: &'static str,
        rule: &'static str,
        source: &'static str,
        assumes: Vec<Text>,
    ) -> Prediction {
        Prediction {
            receiver: receiver.into(),
            rule: rule.into(),
            outcome: self.outcome(),
            reply: Some(self.reply),
            score: None,
            threshold: None,
            greylist_threshold: None,
            reject_threshold: None,
            symbols: Vec::new(),
            basis: Basis::Measured,
            assumes,
            because: self.because,
            source: source.into(),
        }
    }
}
