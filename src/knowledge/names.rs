//! Generic names: PTR names that a provider made from the address or for a line, rather than a host's own.
//!
//! Input: a name and the address it belongs to. Output: the shape that it has, with the part of the
//! name that shows it; `None` for a name that may well be a host's own.
//! Weight: a shape is never an error by itself. Receivers score it, few refuse it.
//! Design: better to miss a generic name than to accuse a good one. So a word counts only as a whole
//! word with a number beside it, digits count only where they are this address's, and a name that
//! speaks of mail (`mail-out-3`, `smtp-10-2`) or of a fixed line (`static`, `business`) is spared,
//! unless it is known to be a provider's default; or, where it speaks of mail or of a fixed network, holds the whole
//! address beside a word of access lines (`catv-203-0-113-10.catv.fixed`).

mod encoded;
mod serial;

use std::net::IpAddr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::pattern::{NamePattern, PatternIndex};
use super::providers::{self, Provider};
use crate::name::{HostName, unmap};

/// The shape of a generic name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenericShape {
    /// What makes it generic.
    pub weight: Weight,
    /// Which pattern: a stable word, or a provider's form as it is written in the data.
    pub pattern: &'static str,
    /// The part of the name that shows it.
    pub matched: String,
    /// A dynamic word beside it, which filters weigh more than the address alone.
    pub word: Option<&'static str>,
    /// The slug of the provider whose default it is.
    pub provider: Option<&'static str>,
}

/// What makes a name generic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// A form that a known provider gives until the user sets another name.
    ProviderDefault,
    /// The address stands in the name.
    IpEncoded,
    /// A word of access lines and address pools, with a number.
    DynamicWord,
    /// A customer's line or a machine, known by its number alone.
    Numbered,
    /// A name that says that none was set.
    Placeholder,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    // Read by the test of the data only.
    #[cfg_attr(not(test), expect(dead_code, reason = "provenance, kept beside the data"))]
    checked: String,
    dynamic: Vec<String>,
    access: Vec<String>,
    line: Vec<String>,
    under: Vec<String>,
    mail: Vec<String>,
    fixed: Vec<String>,
    landline: Vec<String>,
    hoster: Vec<NamePattern>,
    placeholder: Vec<String>,
    second_level: Vec<String>,
    form: Vec<Form>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    pattern: NamePattern,
    #[cfg_attr(not(test), expect(dead_code, reason = "provenance, kept beside the data"))]
    of: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "provenance, kept beside the data"))]
    source: String,
}

const DATA: &str = include_str!("names.toml");

// `None` would accuse nobody; `the_data_is_sound` keeps data that does not parse from being shipped.
static WORDS: LazyLock<Option<Data>> = LazyLock::new(|| toml::from_str(DATA).ok());

/// What is a provider's default or a known form, with the provider's slug.
static DEFAULTS: LazyLock<PatternIndex<Option<&'static str>>> = LazyLock::new(|| {
    let of_provider = |provider: &'static Provider| {
        provider.default_names.iter().map(|pattern| (pattern, Some(provider.slug.as_str())))
    };
    let forms = WORDS.iter().flat_map(|data| data.form.iter().map(|form| (&form.pattern, None)));
    providers::all().iter().flat_map(of_provider).chain(forms).collect()
});

/// A provider's forms that are no default: its mail senders, its business lines.
static OWN: LazyLock<PatternIndex<()>> = LazyLock::new(|| {
    let own = providers::all().iter().flat_map(|p| p.own_names.iter().chain(&p.mail_names));
    own.map(|pattern| (pattern, ())).collect()
});

/// Parses the data now (see [`super::load`]).
pub(super) fn load() {
    LazyLock::force(&DEFAULTS);
    LazyLock::force(&OWN);
}

/// The generic shape of a name, if it has one.
///
/// `ip` is the address whose PTR it is; digits in the name count as an encoding only where they are its.
pub fn generic(name: &HostName, ip: IpAddr) -> Option<GenericShape> {
    let data = WORDS.as_ref()?;
    if let Some((pattern, provider)) = DEFAULTS.first(name) {
        let shape = shape(Weight::ProviderDefault, pattern.as_str(), name.as_str().to_owned());
        return Some(GenericShape { provider, ..shape });
    }
    if OWN.first(name).is_some() {
        return None;
    }
    let host = host_part(name.as_str(), data)?;
    let first = host.split('.').next().unwrap_or(host);
    let words: Vec<Word<'_>> = words(host).collect();
    let of_mail = words.iter().any(|word| is_mail(word.text, data));
    let sends = words.iter().any(|word| sends_mail(word.text));
    if let Some(placeholder) = data.placeholder.iter().find(|word| *word == first && !sends) {
        return Some(shape(Weight::Placeholder, "placeholder", placeholder.clone()));
    }
    if words.iter().any(|word| data.fixed.iter().any(|fixed| fixed == word.text)) {
        return None;
    }
    let dynamic = words.iter().find_map(|word| Some((word, data.dynamic.iter().find(|known| *known == word.text)?)));
    let spoken = dynamic.is_some() || words.iter().any(|word| is_one(&data.access, word.text));
    let ip = unmap(ip);
    let found = match ip {
        IpAddr::V4(ip) => {
            encoded::ipv4(host, ip, spoken).or_else(|| encoded::numbered(host, ip, |word| is_one(&data.line, word)))
        }
        IpAddr::V6(ip) => encoded::ipv6(host, ip),
    };
    // Senders and services have pools too, but no `dynamic` or `adsl`.
    let of_line = dynamic.is_some_and(|(word, _)| !word.text.starts_with("pool"));
    let landline = words.iter().any(|word| is_one(&data.landline, word.text));
    if of_mail || landline {
        let whole = found.as_ref().is_some_and(|(pattern, _)| encoded::is_whole(pattern));
        if !(of_line && whole) {
            return None;
        }
    }
    if let Some((pattern, matched)) = found {
        let word = dynamic.map(|(_, known)| known.as_str());
        return Some(GenericShape { word, ..shape(Weight::IpEncoded, pattern, matched) });
    }
    if let Some((word, known)) = dynamic {
        let only_words = words.len() >= 2
            && !host.bytes().any(|b| b.is_ascii_digit())
            && words.iter().all(|word| is_one(&data.dynamic, word.text) || is_one(&data.access, word.text));
        let last = of_line && matches!(ip, IpAddr::V4(ip) if encoded::holds_last(host, ip));
        if numbered(host, word) || last || only_words {
            let matched = if only_words { host } else { word.label };
            return Some(GenericShape {
                word: Some(known),
                ..shape(Weight::DynamicWord, "dynamic-word", matched.to_owned())
            });
        }
    }
    let organisation = name.as_str().get(host.len() + 1..).and_then(|rest| rest.split('.').next()).unwrap_or_default();
    let meaning = serial::Meaning {
        is_line: |word: &str| is_one(&data.line, word),
        is_under: |word: &str| is_one(&data.line, word) || is_one(&data.under, word),
        is_machine: |word: &str| is_one(&data.access, word),
        lets: organisation.split('-').any(|part| data.hoster.iter().any(|form| form.covers(part))),
    };
    let (pattern, matched) = serial::number(host, &meaning)?;
    Some(shape(Weight::Numbered, pattern, matched))
}

fn is_one(list: &[String], word: &str) -> bool {
    list.iter().any(|known| known == word)
}

fn shape(weight: Weight, pattern: &'static str, matched: String) -> GenericShape {
    GenericShape { weight, pattern, matched, word: None, provider: None }
}

/// The labels before the organisation's own domain; `None` for that domain itself, which is never generic.
fn host_part<'a>(name: &'a str, data: &Data) -> Option<&'a str> {
    let mut labels = name.rsplit('.');
    let (top, second) = (labels.next()?, labels.next()?);
    let mut organisation = top.len() + 1 + second.len();
    if top.len() == 2 && data.second_level.iter().any(|known| known == second) {
        organisation += 1 + labels.next()?.len();
    }
    name.get(..name.len().checked_sub(organisation + 1)?)
}

/// A run of letters, and where it stands.
struct Word<'a> {
    text: &'a str,
    label: &'a str,
    /// The label's number, from the left.
    at: usize,
}

fn words(host: &str) -> impl Iterator<Item = Word<'_>> {
    host.split('.').enumerate().flat_map(|(at, label)| {
        label.split(|c: char| !c.is_ascii_alphabetic()).filter(|text| !text.is_empty()).map(move |text| Word {
            text,
            label,
            at,
        })
    })
}

fn is_mail(word: &str, data: &Data) -> bool {
    sends_mail(word) || is_one(&data.mail, word)
}

/// Whether a word can stand for mail alone; `pop` and `edge` are places of a network too.
fn sends_mail(word: &str) -> bool {
    let shaped = |part: &str| word.starts_with(part) || word.ends_with(part);
    shaped("mail") || shaped("smtp") || matches!(word, "mx" | "mta" | "relay")
}

/// Whether a number of two digits or more stands in the word's label, or in a label before it.
fn numbered(host: &str, word: &Word<'_>) -> bool {
    let long = |label: &str| label.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 2);
    let numbers = |label: &str| label.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).count();
    host.split('.').take(word.at + 1).any(|label| long(label) || numbers(label) >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_is_sound() {
        let data: Data = toml::from_str(DATA).unwrap_or_else(|fault| panic!("names.toml: {fault}"));
        assert!(data.checked.parse::<jiff::civil::Date>().is_ok());
        let lists =
            [&data.dynamic, &data.access, &data.line, &data.mail, &data.fixed, &data.landline, &data.second_level];
        for list in lists {
            assert!(!list.is_empty());
            for word in list {
                assert!(word.bytes().all(|b| b.is_ascii_lowercase()), "{word}: not one word of small letters");
            }
        }
        assert!(data.landline.iter().all(|word| !data.fixed.contains(word)));
        assert!(!data.under.is_empty() && !data.hoster.is_empty());
        for word in &data.dynamic {
            assert!(
                !data.mail.contains(word) && !data.fixed.contains(word) && !is_mail(word, &data),
                "{word} in two lists"
            );
        }
        assert!(data.form.iter().all(|form| !form.of.is_empty() && !form.source.is_empty()));
    }

    fn weigh(name: &str, ip: &str) -> Option<(Weight, &'static str)> {
        generic(&HostName::parse(name).unwrap(), ip.parse().unwrap()).map(|shape| (shape.weight, shape.pattern))
    }

    #[test]
    fn the_organisation_is_found_without_a_list_of_all_suffixes() {
        let data: Data = toml::from_str(DATA).unwrap();
        for (name, host) in [
            ("mail.example.net", Some("mail")),
            ("example.net", None),
            ("net", None),
            ("a.b.example.co.uk", Some("a.b")),
            ("example.com.br", None),
            ("1-2-3-4.isp.net.br", Some("1-2-3-4")),
            ("co.uk", None),
        ] {
            assert_eq!(host_part(name, &data), host, "{name}");
        }
    }

    #[test]
    fn words_count_only_whole_and_with_a_number() {
        for name in [
            "dynamics.example",
            "mail.dynamics.example",
            "hostmaster.example.net",
            "customer-service.example.net",
            "2.pool.ntp.org",
            "pool.example.net",
            "dsl.example.net",
            "dynamic.example.net",
            "cableway-12.example.net",
            "poolside12.example.net",
            "client.example.net",
            "host12.example.net",
        ] {
            assert_eq!(weigh(name, "203.0.113.10"), None, "{name}");
        }
        assert_eq!(weigh("dyn-4711.example.net", "203.0.113.10"), Some((Weight::DynamicWord, "dynamic-word")));
        assert_eq!(weigh("b12.pool.example.net", "203.0.113.10"), Some((Weight::DynamicWord, "dynamic-word")));
        assert_eq!(weigh("unassigned.example.net", "203.0.113.10"), Some((Weight::Placeholder, "placeholder")));
    }

    #[test]
    fn mail_and_fixed_lines_are_spared_and_known_defaults_are_not() {
        for name in [
            "mail-out-3.example.net",
            "smtp-10-2.example.net",
            "mx1.example.net",
            "mta-24.example.net",
            "o1.ptr1234.example.net",
            "mta-203-0-113-10.example.net",
            "static-203-0-113-10.example.net",
            "203-0-113-10.business.example.net",
            "smtp-113-10.pool.example.net",
        ] {
            assert_eq!(weigh(name, "203.0.113.10"), None, "{name}");
        }
        let name = HostName::parse("static.10.113.0.203.clients.your-server.de").unwrap();
        let shape = generic(&name, "203.0.113.10".parse().unwrap()).unwrap();
        assert_eq!((shape.weight, shape.provider), (Weight::ProviderDefault, Some("hetzner")));
    }
}
