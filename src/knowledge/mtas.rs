//! Mail servers: which one greets, and the setting that changes the name it says in EHLO when it sends.
//!
//! Input: the greeting's lines and the EHLO reply of a server that was dialled. Output: an entry, what
//! it was recognised by, and what else greets like that.
//! Limits: a greeting is what its administrator made of it. Products built on Postfix or Exim often
//! greet as plain Postfix or Exim; the entry's `also` says so, and `certain` is false for guesses.

mod product;

use std::sync::LazyLock;

use serde::Deserialize;

use super::pattern::NamePattern;
use super::placeholder::fill;
use crate::name::HostName;

/// One mail server, as the data file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mta {
    /// The stable identity: lower-case words and hyphens.
    pub slug: String,
    /// The name that people know.
    pub name: String,
    /// Texts in its greeting, in their own case.
    #[serde(default)]
    pub banner: Vec<String>,
    /// Forms of the greeting's name; where given, the banner text alone is not enough.
    #[serde(default)]
    pub host: Vec<NamePattern>,
    /// The signs below that others give too: what is known by one of them is not certain.
    #[serde(default)]
    pub shared: Vec<By>,
    /// Forms of the EHLO reply's first line.
    #[serde(default)]
    pub ehlo: Vec<NamePattern>,
    /// EHLO keywords of its own, each enough by itself.
    #[serde(default)]
    pub any_extension: Vec<String>,
    /// EHLO keywords that together make a guess.
    #[serde(default)]
    pub all_extensions: Vec<String>,
    /// For that guess: the keywords beside which there is no other.
    #[serde(default)]
    pub only_extensions: Vec<String>,
    /// Slugs, or plain words, of what can greet in the same way; where `shared` names signs, by those alone.
    #[serde(default)]
    pub also: Vec<String>,
    /// Whether its user can change the outgoing EHLO name at all.
    #[serde(default = "yes")]
    pub changeable: bool,
    /// The file or the menu.
    #[serde(rename = "where")]
    pub place: String,
    /// The directive and its default.
    #[serde(default)]
    pub directive: Option<String>,
    /// Where it says the PTR of the address that it sends from, as shipped: what makes it look anew. All else then
    /// counts only where that is switched off.
    #[serde(default)]
    pub by_ptr: Option<String>,
    /// The lines to write or the command to run, with `NAME` for the wanted name; each as it stands, indents and all.
    #[serde(default)]
    pub example: Vec<String>,
    /// The lines that Debian's package takes instead, where they differ.
    #[serde(default)]
    pub example_debian: Vec<String>,
    /// What puts the change into effect.
    #[serde(default)]
    pub apply: Option<String>,
    /// What changes the name in the greeting, which is not the name it sends with.
    #[serde(default)]
    pub banner_setting: Option<String>,
    /// Versions, traps and exceptions, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Its documentation.
    pub documentation: String,
    /// Where this entry's facts come from.
    pub source: String,
    /// The day on which they were looked up.
    pub checked: String,
    /// Whether the outgoing setting was read in its documentation or source.
    pub verified: bool,
}

fn yes() -> bool {
    true
}

impl Mta {
    /// The example with the wanted name in it.
    ///
    /// A name outside RFC 1123's host names stays `NAME`: the line is meant to be pasted into a
    /// configuration or a shell, where other characters can have a meaning.
    pub fn example_for(&self, name: &HostName) -> Vec<String> {
        self.example.iter().map(|example| named(example, name)).collect()
    }

    /// The lines for Debian's package with the wanted name in them, by the same rule.
    pub fn debian_for(&self, name: &HostName) -> Vec<String> {
        self.example_debian.iter().map(|example| named(example, name)).collect()
    }
}

fn named(example: &str, name: &HostName) -> String {
    if name.is_hostname() { fill(example, "NAME", name.as_str()) } else { example.to_owned() }
}

/// How a server greeted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Greeting<'a> {
    /// The greeting's lines, without the code.
    pub banner: &'a [String],
    /// The EHLO reply's first line, without the code.
    pub ehlo: Option<&'a str>,
    /// The EHLO reply's other lines, verbatim.
    pub extensions: &'a [String],
}

/// A mail server, and what it was known by.
#[derive(Clone, Copy, Debug)]
pub struct Recognised {
    /// The entry.
    pub mta: &'static Mta,
    /// What in the greeting said so.
    pub by: By,
    /// Whether those words are its own. A product built on it may still stand behind them: see [`Self::also`].
    pub certain: bool,
}

impl Recognised {
    /// Slugs, or plain words, of what gives the same sign.
    pub fn also(&self) -> &'static [String] {
        let same = self.mta.shared.is_empty() || self.mta.shared.contains(&self.by);
        if same { &self.mta.also } else { &[] }
    }
}

/// What a mail server was recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// A text in the greeting.
    Banner,
    /// The wording of the EHLO reply.
    EhloWording,
    /// An EHLO keyword of its own.
    Extension,
    /// The EHLO keywords taken together.
    Extensions,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    others: Vec<String>,
    mta: Vec<Mta>,
}

const DATA: &str = include_str!("mtas.toml");

// Data that does not parse would leave the list empty; `the_data_is_sound` keeps it from being shipped.
static FILE: LazyLock<Option<File>> = LazyLock::new(|| toml::from_str(DATA).ok());

/// All mail servers, in the file's order.
pub fn all() -> &'static [Mta] {
    FILE.as_ref().map_or(&[], |file| &file.mta)
}

/// The mail server of that slug.
pub fn by_slug(slug: &str) -> Option<&'static Mta> {
    all().iter().find(|mta| mta.slug == slug)
}

/// Which mail server greets like that; `None` where nothing in the greeting tells.
///
/// A greeting that names a product without an entry is believed: how it answers EHLO then says nothing, since products
/// answer in each other's words.
pub fn recognise(greeting: &Greeting<'_>) -> Option<Recognised> {
    let keywords: Vec<String> = greeting
        .extensions
        .iter()
        .filter_map(|line| line.split([' ', '=']).next())
        .map(str::to_ascii_uppercase)
        .filter(|keyword| !keyword.is_empty())
        .collect();
    let find = |by: By, test: &dyn Fn(&Mta) -> bool| {
        let known = |mta: &'static Mta| {
            let certain = by != By::Extensions && !mta.shared.contains(&by);
            Recognised { mta, by, certain }
        };
        all().iter().find(|mta| test(mta)).map(known)
    };
    let worded = |mta: &Mta| greeting.ehlo.is_some_and(|line| mta.ehlo.iter().any(|p| p.covers(line)));
    find(By::Banner, &|mta| banner_fits(mta, greeting.banner)).or_else(|| {
        if product::is_named(greeting.banner, FILE.as_ref().map_or(&[], |file| &file.others)) {
            return None;
        }
        find(By::EhloWording, &worded)
            .or_else(|| find(By::Extension, &|mta| mta.any_extension.iter().any(|known| keywords.contains(known))))
            .or_else(|| find(By::Extensions, &|mta| keywords_fit(mta, &keywords)))
    })
}

fn banner_fits(mta: &Mta, banner: &[String]) -> bool {
    let text = mta.banner.iter().any(|text| banner.iter().any(|line| line.contains(text.as_str())));
    let name = banner.first().and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    text && (mta.host.is_empty() || mta.host.iter().any(|pattern| pattern.covers(name)))
}

fn keywords_fit(mta: &Mta, keywords: &[String]) -> bool {
    !mta.all_extensions.is_empty()
        && mta.all_extensions.iter().all(|known| keywords.contains(known))
        && (mta.only_extensions.is_empty() || keywords.iter().all(|keyword| mta.only_extensions.contains(keyword)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_data_is_sound() {
        let File { mta: mtas, others } = toml::from_str(DATA).unwrap_or_else(|fault| panic!("mtas.toml: {fault}"));
        for name in &others {
            assert!(mtas.iter().all(|mta| !mta.banner.contains(name)), "{name} has an entry");
        }
        let slugs: BTreeSet<_> = mtas.iter().map(|mta| mta.slug.as_str()).collect();
        assert_eq!(slugs.len(), mtas.len(), "a slug stands twice");
        for slug in [
            "postfix",
            "exim",
            "sendmail",
            "opensmtpd",
            "exchange",
            "exchange-online",
            "haraka",
            "stalwart",
            "maddy",
            "mox",
            "kumomta",
            "powermta",
            "postal",
            "zimbra",
            "hmailserver",
            "mailcow",
            "mail-in-a-box",
            "docker-mailserver",
            "iredmail",
            "cpanel",
            "plesk",
            "proxmox-mail-gateway",
        ] {
            assert!(slugs.contains(slug), "{slug} is missing");
        }
        for mta in &mtas {
            let slug = &mta.slug;
            assert!(mta.documentation.starts_with("https://"), "{slug}: documentation");
            assert!(mta.checked.parse::<jiff::civil::Date>().is_ok(), "{slug}: checked");
            assert!(!mta.source.is_empty(), "{slug}: source");
            if mta.changeable {
                assert!(
                    mta.directive.is_some() && !mta.example.is_empty() && mta.apply.is_some(),
                    "{slug}: no setting"
                );
            }
            for other in mta.also.iter().filter(|other| !other.contains(' ')) {
                assert!(slugs.contains(other.as_str()), "{slug}: also {other}, which is no entry");
            }
        }
    }

    #[test]
    fn an_example_takes_a_host_name_and_nothing_else() {
        let exchange = by_slug("exchange").unwrap();
        let good = HostName::parse("mail.example.net").unwrap();
        assert_eq!(exchange.example_for(&good), ["Set-SendConnector -Identity \"CONNECTOR\" -Fqdn mail.example.net"]);
        let bad = HostName::parse("mail.example.net|sh").unwrap();
        assert!(exchange.example_for(&bad)[0].ends_with("-Fqdn NAME"));
        let cow = by_slug("sendmail").unwrap().example_for(&good);
        assert_eq!(cow, ["define(`confHELO_NAME', `mail.example.net')dnl"]);
    }

    #[test]
    fn every_example_has_a_place_for_the_name() {
        let name = HostName::parse("mail.example.net").unwrap();
        for mta in all().iter().filter(|mta| mta.changeable) {
            let example = mta.example_for(&name).join("\n");
            assert!(example.contains("mail.example.net"), "{}: {example}", mta.slug);
        }
    }
}
