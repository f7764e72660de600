//! What receivers look for and what it weighs: the tables behind `judge::receivers`.
//!
//! Embedded TOML, parsed once; each file names its source, version and date.

mod rules;
mod shape;

pub use rules::{RuleWords, Setting, rule_words, settings};
pub use shape::Shape;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

/// The tables of rspamd.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rspamd {
    /// Stock thresholds.
    pub thresholds: Thresholds,
    /// A symbol's score in 4.1.5.
    pub scores: BTreeMap<String, f64>,
    /// Where 3.4 scores otherwise.
    pub scores_34: BTreeMap<String, f64>,
    /// First numbers of an EHLO name that is a very bad address.
    pub bad_ip: BadIp,
    /// Ends of EHLO names, and whole names, of weight 5.
    pub bad_ends: BadEnds,
    /// Words and where they count.
    keyword: Vec<Keyword>,
    /// The words by their first octet.
    #[serde(skip)]
    by_first: BTreeMap<u8, Vec<(String, usize)>>,
}

/// Scores at which rspamd acts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// The message is asked to come again.
    pub greylist: f64,
    /// The message is marked as spam.
    pub add_header: f64,
    /// The message is refused.
    pub reject: f64,
}

/// See [`Rspamd::bad_ip`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BadIp {
    /// Numbers with dots between; the last may be a range.
    pub first: Vec<String>,
}

/// See [`Rspamd::bad_ends`].
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BadEnds {
    /// With the dot before; `?` stands for any character.
    pub suffixes: Vec<String>,
    /// Whole names.
    pub names: Vec<String>,
}

/// Words of one weight.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keyword {
    /// In lower case.
    pub words: Vec<String>,
    /// 1 to 5.
    pub weight: u8,
    /// Where they count.
    pub at: Vec<Position>,
    /// The one version that has them.
    pub only: Option<String>,
}

/// Where a word counts; the file describes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Position {
    /// Separator or digit, a digit, perhaps a separator, the word.
    AfterNumber,
    /// The same, the separator obligatory.
    AfterNumberSep,
    /// A digit, perhaps a separator, the word.
    AfterDigit,
    /// Separator or digit, three digits, perhaps a separator, the word.
    AfterDigits,
    /// The word between two separators.
    Label,
    /// The same, with a separator or digit before the first.
    LabelAfterNumber,
    /// The word, a separator, a digit.
    BeforeSepNumber,
    /// The same, and a separator or digit behind it.
    BeforeSepNumberOn,
    /// The word, a separator, two digits.
    BeforeSepDigits,
    /// The word, perhaps a separator, a digit.
    BeforeNumber,
}

impl Rspamd {
    /// The words that stand at this place of a name in lower case: their length and entry.
    pub fn words_at<'a>(&'a self, rest: &'a [u8]) -> impl Iterator<Item = (usize, &'a Keyword)> {
        let candidates = rest.first().and_then(|first| self.by_first.get(first)).into_iter().flatten();
        candidates
            .filter(move |(word, _)| rest.starts_with(word.as_bytes()))
            .map(|(word, entry)| (word.len(), &self.keyword[*entry]))
    }
}

static RSPAMD: LazyLock<Rspamd> = LazyLock::new(|| {
    let mut tables: Rspamd = embedded("rspamd.toml", include_str!("receivers/rspamd.toml"));
    for (entry, keyword) in tables.keyword.iter().enumerate() {
        for word in &keyword.words {
            if let Some(first) = word.bytes().next() {
                tables.by_first.entry(first).or_default().push((word.clone(), entry));
            }
        }
    }
    tables
});

/// The tables of rspamd.
pub fn rspamd() -> &'static Rspamd {
    &RSPAMD
}

/// The tables of SpamAssassin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpamAssassin {
    /// `required_score` as shipped.
    pub threshold: f64,
    /// A rule's score in the four score sets.
    pub scores: BTreeMap<String, [f64; 4]>,
    /// Words that rules look for.
    pub words: Words,
    /// Shapes of single providers' names.
    shape: Vec<RuleShape>,
    /// The shapes by their rule.
    #[serde(skip)]
    by_rule: BTreeMap<String, Vec<usize>>,
}

/// Words that SpamAssassin's rules look for; the file says where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Never dynamic.
    pub static_name: Vec<String>,
    /// Access networks, before two numbers.
    pub access: Vec<String>,
    /// Access networks as a label, behind two numbers.
    pub access_label: Vec<String>,
    /// Between two separators.
    pub dynamic_label: Vec<String>,
    /// In an EHLO name with two numbers.
    pub generic_helo: Vec<String>,
    /// Labels that clear an EHLO name which begins with an address.
    pub not_an_address: Vec<String>,
    /// Before a dot in an EHLO name.
    pub high_profile: Vec<String>,
    /// Domains of an EHLO name.
    pub big_domain: Vec<String>,
    /// Whole EHLO names.
    pub faked: Vec<String>,
    /// Ends of client names that may say another EHLO.
    pub trusted_name: Vec<String>,
}

/// A shape that a rule looks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleShape {
    rule: String,
    pattern: Shape,
    #[serde(default)]
    exact: bool,
}

impl SpamAssassin {
    /// Whether the name, given as it is and in lower case, has one of the shapes that a rule looks for.
    pub fn has_shape(&self, rule: &str, name: &str, low: &str) -> bool {
        let shapes = self.by_rule.get(rule).into_iter().flatten().map(|entry| &self.shape[*entry]);
        shapes.into_iter().any(|shape| shape.pattern.fits(if shape.exact { name } else { low }))
    }
}

static SPAMASSASSIN: LazyLock<SpamAssassin> = LazyLock::new(|| {
    let mut tables: SpamAssassin = embedded("spamassassin.toml", include_str!("receivers/spamassassin.toml"));
    for (entry, shape) in tables.shape.iter().enumerate() {
        tables.by_rule.entry(shape.rule.clone()).or_default().push(entry);
    }
    tables
});

/// The tables of SpamAssassin.
pub fn spamassassin() -> &'static SpamAssassin {
    &SPAMASSASSIN
}

/// One published or reported rule of a receiver.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Its name in reports.
    pub receiver: String,
    /// Its own code or title of the rule.
    pub rule: String,
    /// The client's family.
    pub family: Family,
    /// What sets it off.
    pub when: Condition,
    /// The reply code, where it is known.
    pub code: Option<u16>,
    /// The enhanced status code, where the reply has one.
    pub enhanced: Option<String>,
    /// Whether the receiver itself says so.
    pub basis: PolicyBasis,
    /// What has to be so, or what else may come.
    pub note: Option<String>,
    /// Where it stands.
    pub source: String,
    /// When it was last read or seen.
    pub date: String,
    #[serde(skip)]
    reference: String,
}

impl Policy {
    /// Where it stands, and when it was last read or seen.
    pub fn reference(&self) -> &str {
        &self.reference
    }
}

/// The addresses that a policy speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4 only.
    Ipv4,
    /// IPv6 only.
    Ipv6,
    /// All.
    Both,
}

/// What sets a policy off; the file describes each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// No PTR is published.
    NoPtr,
    /// No PTR name leads back, or there is none.
    Unconfirmed,
    /// The PTR could not be looked up.
    PtrTrouble,
    /// The confirmed name looks made, not chosen.
    Generic,
    /// The EHLO argument is neither a host name nor a literal.
    EhloMalformed,
    /// Nothing is published.
    Never,
}

/// How a policy is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyBasis {
    /// The receiver's own page says it.
    Documented,
    /// Its replies were seen by others.
    Reported,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policies {
    policy: Vec<Policy>,
}

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let mut all = embedded::<Policies>("policies.toml", include_str!("receivers/policies.toml")).policy;
    for policy in &mut all {
        policy.reference = format!("{} ({})", policy.source, policy.date);
    }
    all
});

/// The policies, in the order of the report.
pub fn policies() -> &'static [Policy] {
    &POLICIES
}

/// Parses a file that is part of the program.
fn embedded<T: for<'de> Deserialize<'de>>(file: &str, text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|e| panic!("the embedded file {file} is broken: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        let rspamd = rspamd();
        assert!(rspamd.keyword.iter().all(|k| (1..=5).contains(&k.weight) && !k.at.is_empty()));
        assert!(rspamd.keyword.iter().flat_map(|k| &k.words).all(|w| *w == w.to_lowercase()));
        assert!(rspamd.scores_34.keys().all(|name| rspamd.scores.contains_key(name)));
        assert!(rspamd.thresholds.greylist < rspamd.thresholds.add_header);
        assert_eq!(rspamd.words_at(b"dynamic.example").count(), 2);
        let spamassassin = spamassassin();
        assert!(spamassassin.shape.iter().all(|shape| spamassassin.scores.contains_key(&shape.rule)));
        assert!(spamassassin.has_shape("RDNS_DYNAMIC", "CPE00a.x.rogers.com", "cpe00a.x.rogers.com"));
        for policy in policies() {
            let answers = policy.code.is_some_and(|code| (400..600).contains(&code));
            assert!(answers != (policy.when == Condition::Never), "{policy:?}");
            assert!(
                policy
                    .enhanced
                    .as_ref()
                    .is_none_or(|e| e.as_bytes()[0] == policy.code.unwrap().to_string().as_bytes()[0])
            );
            assert!(
                policy.date.len() == 7
                    && !policy.source.is_empty()
                    && policy.receiver == policy.receiver.to_lowercase()
            );
        }
    }
}
