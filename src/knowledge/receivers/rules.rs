//! The rules of the measured receivers in words: for `explain`, and for docs/receivers.md.

use std::sync::LazyLock;

use serde::Deserialize;

/// A rule in words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleWords {
    /// The receiver's name in reports.
    pub receiver: String,
    /// The rule's name in reports.
    pub rule: String,
    /// What it looks at, one clause.
    pub looks_at: String,
    /// The stock reply of a refusal.
    pub reply: String,
    /// What surprises, a sentence each.
    pub quirks: Vec<String>,
    /// Where it is written down.
    pub source: String,
    /// The version that was measured.
    pub version: String,
}

/// A setting that changes what rules answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The receiver's name in reports.
    pub receiver: String,
    /// The rules that it changes.
    pub rules: Vec<String>,
    /// The setting's own name.
    pub name: String,
    /// What it is when nobody sets it.
    pub stock: String,
    /// What happens when it is set.
    pub otherwise: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Vec<RuleWords>,
    setting: Vec<Setting>,
}

static FILE: LazyLock<File> = LazyLock::new(|| super::embedded("rules.toml", include_str!("rules.toml")));

/// The rules, in the order of the report.
pub fn rule_words() -> &'static [RuleWords] {
    &FILE.rule
}

/// The settings, by receiver.
pub fn settings() -> &'static [Setting] {
    &FILE.setting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_whole() {
        for rule in rule_words() {
            let texts = [&rule.looks_at, &rule.reply, &rule.source, &rule.version];
            assert!(texts.iter().all(|t| !t.is_empty() && !t.ends_with('.')), "{rule:?}");
            assert!(!rule.quirks.is_empty() && rule.quirks.iter().all(|q| q.ends_with('.')), "{rule:?}");
        }
        for setting in settings() {
            let known = |rule: &String| rule_words().iter().any(|w| w.receiver == setting.receiver && w.rule == *rule);
            assert!(!setting.rules.is_empty() && setting.rules.iter().all(known), "{setting:?}");
        }
    }
}
