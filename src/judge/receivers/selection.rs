//! Which receivers are asked for: `--receivers all|none|NAME,…`.

use std::fmt;
use std::str::FromStr;

use crate::knowledge::receivers::policies;

/// The measured receivers' names, in the order of the report.
const MEASURED: &[&str] = &["postfix", "exim", "opensmtpd", "sendmail", "rspamd", "rspamd-3.4", "spamassassin"];

/// Every receiver's name, in the order of the report.
pub fn names() -> Vec<&'static str> {
    let mut names = MEASURED.to_vec();
    for policy in policies() {
        if !names.contains(&policy.receiver.as_str()) {
            names.push(&policy.receiver);
        }
    }
    names
}

/// Receivers that are predicted only when they are named.
const ON_REQUEST: &[&str] = &["rspamd-3.4"];

/// A choice of receivers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selection {
    /// All, but for superseded versions.
    #[default]
    All,
    /// None.
    None,
    /// These.
    Named(Vec<String>),
}

/// A choice that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnknownReceiver {
    /// No receiver has this name.
    Unknown(String),
    /// `all` or `none` in a list with others.
    NotAlone(&'static str),
    /// No name at all, or none between two commas.
    Empty,
    /// `RECEIVER/RULE`, as `explain` takes it.
    Rule(String),
}

impl fmt::Display for UnknownReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAlone(word) => {
                write!(f, "`{word}` stands alone: give `{word}`, or a list of receivers without it")
            }
            Self::Empty => {
                write!(
                    f,
                    "a name is missing: give all, none, or receivers with a comma between ({})",
                    names().join(", ")
                )
            }
            Self::Rule(handle) => {
                let (receiver, _) = handle.split_once('/').unwrap_or((handle, ""));
                let (handle, receiver) = (handle.escape_default(), receiver.escape_default());
                write!(
                    f,
                    "`{handle}` is one rule; a receiver is chosen whole: give `{receiver}`, the part before the slash"
                )
            }
            Self::Unknown(name) => {
                write!(f, "`{}` is not a receiver; known are: all, none, {}", name.escape_default(), names().join(", "))
            }
        }
    }
}

impl std::error::Error for UnknownReceiver {}

impl FromStr for Selection {
    type Err = UnknownReceiver;

    fn from_str(text: &str) -> Result<Self, UnknownReceiver> {
        match text {
            "all" => return Ok(Self::All),
            "none" => return Ok(Self::None),
            _ => {}
        }
        let named: Vec<String> = text.split(',').map(|n| n.trim().to_ascii_lowercase()).collect();
        if let Some(word) = ["all", "none"].into_iter().find(|word| named.iter().any(|n| n == word)) {
            return Err(UnknownReceiver::NotAlone(word));
        }
        if named.iter().any(String::is_empty) {
            return Err(UnknownReceiver::Empty);
        }
        let of_known = |n: &&String| n.split_once('/').is_some_and(|(receiver, _)| names().contains(&receiver));
        if let Some(handle) = named.iter().find(of_known) {
            return Err(UnknownReceiver::Rule(handle.clone()));
        }
        match named.iter().find(|n| !names().contains(&n.as_str())) {
            Some(unknown) => Err(UnknownReceiver::Unknown(unknown.clone())),
            None => Ok(Self::Named(named)),
        }
    }
}

impl Selection {
    /// Whether this receiver is asked for.
    pub fn holds(&self, name: &str) -> bool {
        match self {
            Self::All => !ON_REQUEST.contains(&name),
            Self::None => false,
            Self::Named(names) => names.iter().any(|n| n == name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_choice() {
        assert_eq!("all".parse(), Ok(Selection::All));
        let some: Selection = "postfix, Exim".parse().unwrap();
        assert!(some.holds("exim") && !some.holds("sendmail"));
        let unknown = "postfix,qmail".parse::<Selection>().unwrap_err();
        assert!(unknown.to_string().starts_with("`qmail` is not a receiver"));
        let both = "all,gmail".parse::<Selection>().unwrap_err().to_string();
        assert_eq!(both, "`all` stands alone: give `all`, or a list of receivers without it");
        assert!(!Selection::None.holds("postfix"));
        for empty in ["", ",", "gmail,", " "] {
            let said = empty.parse::<Selection>().unwrap_err().to_string();
            assert!(said.starts_with("a name is missing: give all, none, or receivers"), "{said}");
        }
        let rule = "gmail,postfix/base".parse::<Selection>().unwrap_err().to_string();
        assert!(rule.starts_with("`postfix/base` is one rule") && rule.contains("give `postfix`"), "{rule}");
        let unknown = "qmail/base".parse::<Selection>().unwrap_err().to_string();
        assert!(unknown.starts_with("`qmail/base` is not a receiver"), "{unknown}");
    }
}
