//! Hosting providers, clouds and access ISPs: whose address it is, and how its PTR is set there.
//!
//! Input: the PTR names found, and the reverse zone that answered. Output: the provider's entry and
//! what it was recognised by.
//! Design: a PTR name in the provider's own form says more than the zone's servers, so it is looked
//! at first. The zone counts only while it is a reverse zone: behind an RFC 2317 CNAME into a forward
//! zone stand the servers of whoever holds that zone, not those of the address's owner.

use std::net::IpAddr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::pattern::NamePattern;
use super::placeholder::fill;
use crate::name::HostName;

/// One provider, as the data file has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The stable identity: lower-case words and hyphens.
    pub slug: String,
    /// The name that people know.
    pub name: String,
    /// What it sells.
    pub kind: Kind,
    /// Names that an address has until its user sets another: generic names.
    #[serde(default)]
    pub default_names: Vec<NamePattern>,
    /// Names in the provider's form that are no sign of a forgotten PTR: static business lines and the like.
    #[serde(default)]
    pub own_names: Vec<NamePattern>,
    /// Names of its own mail services' senders: their PTR and EHLO name are the provider's.
    #[serde(default)]
    pub mail_names: Vec<NamePattern>,
    /// Forms of names whose addresses' PTR nobody can change, where that of others can be.
    #[serde(default)]
    pub fixed_names: Vec<NamePattern>,
    /// An example of such a name, with the address it belongs to where that tells the octets' order.
    #[serde(default)]
    pub ptr_example: Option<String>,
    /// The primary (SOA MNAME) or a server (NS) of the provider's reverse zones.
    #[serde(default)]
    pub zone_servers: Vec<NamePattern>,
    /// Who can set a PTR.
    pub settable: Settable,
    /// Who may ask, where not every customer may.
    #[serde(default)]
    pub who: Option<String>,
    /// The way through the web panel, `>` between the steps.
    #[serde(default)]
    pub panel: Option<String>,
    /// A command line, with `IP` and `NAME` to fill in and other capitals explained by themselves.
    #[serde(default)]
    pub command: Option<String>,
    /// Which of its products the command is for, where not for all.
    #[serde(default)]
    pub command_note: Option<String>,
    /// The API call, or the infrastructure-as-code resource.
    #[serde(default)]
    pub api: Option<String>,
    /// Whether the forward record must be there first.
    pub forward_first: ForwardFirst,
    /// What is known of PTRs of IPv6 addresses.
    #[serde(default)]
    pub ipv6: Option<String>,
    /// Who can set the PTR of an IPv6 address, where that is another than for IPv4.
    #[serde(default)]
    pub ipv6_settable: Option<Settable>,
    /// What is known of outgoing port 25.
    #[serde(default)]
    pub port25: Option<String>,
    /// Other limits, a sentence each.
    #[serde(default)]
    pub limits: Vec<String>,
    /// Hours until a PTR set there is published, at most.
    #[serde(default)]
    pub published_after_hours: Option<u32>,
    /// The provider's documentation.
    pub documentation: String,
    /// Where this entry's facts come from.
    pub source: String,
    /// The day on which they were looked up.
    pub checked: String,
    /// Whether the way of setting a PTR was read in the provider's documentation or its own tools.
    pub verified: bool,
    /// The fields that are general knowledge, not read anywhere for this entry.
    #[serde(default)]
    pub unverified: Vec<String>,
}

impl Provider {
    /// The ways of setting the PTR, the panel first, with what is known filled in.
    ///
    /// A name outside RFC 1123's host names stays `NAME`: a command is meant to be pasted into a shell.
    pub fn ways(&self, ip: Option<IpAddr>, name: Option<&HostName>) -> Vec<String> {
        let panel = |p: &String| self.marked("panel", &format!("{}: {}", self.name, filled(p, None, name)));
        let mut ways: Vec<String> = self.panel.iter().map(panel).collect();
        ways.extend(self.command_for(ip, name));
        ways.extend(self.api.iter().map(|a| self.marked("api", &format!("API: {}", filled(a, ip, name)))));
        ways
    }

    /// The command that sets the PTR, with what is known filled in: one line for a shell.
    pub fn command_for(&self, ip: Option<IpAddr>, name: Option<&HostName>) -> Option<String> {
        // Behind a command only a comment may stand, since it is there to be pasted.
        let unsure = self.is_unverified("command").then_some("not verified");
        let remarks: Vec<&str> = self.command_note.as_deref().into_iter().chain(unsure).collect();
        let comment = if remarks.is_empty() { String::new() } else { format!("  # {}", remarks.join("; ")) };
        self.command.as_ref().map(|c| filled(c, ip, name) + &comment)
    }

    /// A text of this field, marked where it is general knowledge that was read nowhere.
    pub fn marked(&self, field: &str, text: &str) -> String {
        format!("{text}{}", if self.is_unverified(field) { " (not verified)" } else { "" })
    }

    /// The form that a name has, and what kind of name that is.
    fn form_of(&self, name: &str) -> Option<(NameKind, &str)> {
        let lists = [
            (NameKind::Default, &self.default_names),
            (NameKind::Mail, &self.mail_names),
            (NameKind::Own, &self.own_names),
        ];
        lists.into_iter().find_map(|(kind, list)| Some((kind, list.iter().find(|p| p.covers(name))?.as_str())))
    }

    fn is_unverified(&self, field: &str) -> bool {
        self.unverified.iter().any(|f| f == field)
    }
}

/// `text` with its `IP` and `NAME`, as far as they are known. In a panel's path "IP" is a word of the panel: it is
/// given none.
fn filled(text: &str, ip: Option<IpAddr>, name: Option<&HostName>) -> String {
    let name = name.filter(|n| n.is_hostname());
    let text = name.map_or_else(|| text.to_owned(), |n| fill(text, "NAME", n.as_str()));
    ip.map_or_else(|| text.clone(), |ip| fill(&text, "IP", &ip.to_string()))
}

/// What a provider sells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Virtual machines by API.
    Cloud,
    /// Servers and virtual servers.
    Hosting,
    /// Access lines.
    Isp,
    /// Mail sent on customers' behalf.
    MailService,
}

/// Who can set the PTR of an address there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settable {
    /// The customer, in the panel or by API.
    SelfService,
    /// Support, when asked.
    OnRequest,
    /// Nobody: the name belongs to the provider.
    No,
}

/// Whether a provider wants the forward record before it sets the PTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardFirst {
    /// The request fails without it.
    Required,
    /// Ownership of the domain is proven in another way.
    OtherProof,
    /// Not asked for.
    No,
    /// Not known.
    Unknown,
}

/// The reverse zone that answered for an address.
#[derive(Clone, Copy, Debug)]
pub struct ZoneClue<'a> {
    /// The zone's apex, without the final dot.
    pub apex: &'a str,
    /// The SOA's primary (MNAME).
    pub primary: &'a str,
    /// The zone's NS names.
    pub servers: &'a [String],
}

/// A provider, and what it was known by.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// The entry.
    pub provider: &'static Provider,
    /// What in the input said so.
    pub by: By,
    /// Other entries that give names of the same form: it may be any of them.
    pub others: Vec<&'static Provider>,
}

impl Recognised {
    /// Why nobody but the provider sets the PTR of this address; `None` where somebody can, at any that it may be.
    pub fn fixed(&self, ip: Option<IpAddr>) -> Option<Fixed> {
        let own = self.fixed_at(self.provider, ip)?;
        self.others.iter().all(|other| self.fixed_at(other, ip).is_some()).then_some(own)
    }

    fn fixed_at(&self, provider: &Provider, ip: Option<IpAddr>) -> Option<Fixed> {
        let name = match &self.by {
            By::PtrName { name, .. } => Some(name.as_str()),
            By::ZoneServer { .. } => None,
        };
        let kind = name.and_then(|name| provider.form_of(name)).map(|(kind, _)| kind);
        let such = name.is_some_and(|name| provider.fixed_names.iter().any(|p| p.covers(name)));
        if provider.kind == Kind::MailService || kind == Some(NameKind::Mail) {
            (provider.settable == Settable::No || kind == Some(NameKind::Mail)).then_some(Fixed::MailService)
        } else if provider.settable == Settable::No || such {
            Some(Fixed::Address)
        } else {
            let six = ip.is_some_and(|ip| ip.is_ipv6()) && provider.ipv6_settable == Some(Settable::No);
            six.then_some(Fixed::Ipv6)
        }
    }

    /// Every entry that it may be, the most likely first.
    pub fn all(&self) -> impl Iterator<Item = &'static Provider> {
        std::iter::once(self.provider).chain(self.others.iter().copied())
    }
}

/// Why nobody but the provider sets a PTR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fixed {
    /// The address is a mail service's sender.
    MailService,
    /// The provider sets none for such addresses.
    Address,
    /// The provider sets none for IPv6 addresses.
    Ipv6,
}

/// What kind of a provider's name it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameKind {
    /// What an address has until its user sets another.
    Default,
    /// In the provider's form, and no default.
    Own,
    /// A sender's of the provider's mail services.
    Mail,
}

/// What a provider was recognised by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A PTR name in the provider's form.
    PtrName {
        /// The name.
        name: String,
        /// The form.
        pattern: &'static str,
        /// What kind of name has that form.
        kind: NameKind,
    },
    /// The reverse zone's primary, or all of its servers.
    ZoneServer {
        /// The server.
        name: String,
        /// The form.
        pattern: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    provider: Vec<Provider>,
}

const DATA: &str = include_str!("providers.toml");

fn parse() -> Result<Vec<Provider>, toml::de::Error> {
    toml::from_str::<File>(DATA).map(|file| file.provider)
}

/// All providers, in the file's order.
pub fn all() -> &'static [Provider] {
    // Data that does not parse would leave the list empty; `the_data_is_sound` keeps it from being shipped.
    static ALL: LazyLock<Vec<Provider>> = LazyLock::new(|| parse().unwrap_or_default());
    &ALL
}

/// The provider of that slug.
pub fn by_slug(slug: &str) -> Option<&'static Provider> {
    all().iter().find(|provider| provider.slug == slug)
}

/// The provider of an address, by its PTR names or else by the reverse zone's servers.
///
/// Names are compared in any case, a final dot is ignored.
pub fn recognise(ptr_names: &[String], zone: Option<ZoneClue<'_>>) -> Option<Recognised> {
    ptr_names.iter().find_map(|name| by_name(name)).or_else(|| by_zone(zone?))
}

/// A provider that runs a server of the zone beside others, and that server: its customer's zone as likely as its own.
pub fn one_server(zone: ZoneClue<'_>) -> Option<(&'static Provider, String)> {
    zone.servers.iter().filter(|_| is_reverse(zone.apex)).find_map(|server| {
        let (provider, _) = of_server(server)?;
        Some((provider, bare(server).to_owned()))
    })
}

/// Whether a name is one that a provider gives to its addresses or its own senders: no customer's.
pub fn is_a_providers(name: &HostName) -> bool {
    by_name(name.as_str()).is_some()
}

fn bare(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn by_name(name: &str) -> Option<Recognised> {
    let name = bare(name);
    let mut found = all().iter().filter_map(|provider| {
        let (kind, pattern) = provider.form_of(name)?;
        Some((provider, By::PtrName { name: name.to_owned(), pattern, kind }))
    });
    let (provider, by) = found.next()?;
    Some(Recognised { provider, by, others: found.map(|(other, _)| other).collect() })
}

/// The provider of whom the primary is, or every server: one server among others is often a customer's secondary.
fn by_zone(zone: ZoneClue<'_>) -> Option<Recognised> {
    if !is_reverse(zone.apex) {
        return None;
    }
    let found = |(provider, pattern), server: &str| {
        let by = By::ZoneServer { name: bare(server).to_owned(), pattern };
        Recognised { provider, by, others: Vec::new() }
    };
    if let Some(known) = of_server(zone.primary) {
        return Some(found(known, zone.primary));
    }
    let first = zone.servers.first()?;
    let known = of_server(first)?;
    let of_same = |server: &String| known.0.zone_servers.iter().any(|p| p.covers(bare(server)));
    zone.servers.iter().all(of_same).then(|| found(known, first))
}

fn of_server(server: &str) -> Option<(&'static Provider, &'static str)> {
    all().iter().find_map(|provider| {
        let pattern = provider.zone_servers.iter().find(|pattern| pattern.covers(bare(server)))?;
        Some((provider, pattern.as_str()))
    })
}

fn is_reverse(apex: &str) -> bool {
    let apex = bare(apex).to_ascii_lowercase();
    apex.ends_with(".in-addr.arpa") || apex.ends_with(".ip6.arpa")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The fields that an entry may call unverified.
    const FIELDS: &[&str] = &[
        "default_names",
        "own_names",
        "mail_names",
        "fixed_names",
        "ptr_example",
        "zone_servers",
        "settable",
        "who",
        "panel",
        "command",
        "api",
        "forward_first",
        "ipv6",
        "port25",
        "limits",
    ];

    #[test]
    fn the_data_is_sound() {
        let providers = parse().unwrap_or_else(|fault| panic!("providers.toml: {fault}"));
        assert!(providers.len() >= 30, "only {} providers", providers.len());
        let slugs: BTreeSet<_> = providers.iter().map(|p| p.slug.as_str()).collect();
        assert_eq!(slugs.len(), providers.len(), "a slug stands twice");
        for provider in &providers {
            let slug = &provider.slug;
            assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{slug}");
            assert!(provider.documentation.starts_with("https://"), "{slug}: documentation");
            assert!(!provider.source.is_empty(), "{slug}: source");
            assert_eq!(
                provider.checked.parse::<jiff::civil::Date>().map(|d| d.to_string()).ok().as_deref(),
                Some(&*provider.checked),
                "{slug}"
            );
            assert!(provider.ipv6_settable.is_none() || provider.ipv6.is_some(), "{slug}: nothing is said of IPv6");
            assert!(provider.command_note.is_none() || provider.command.is_some(), "{slug}: a note of no command");
            for field in &provider.unverified {
                assert!(FIELDS.contains(&field.as_str()), "{slug}: no field {field}");
            }
            let way = provider.panel.is_some() || provider.command.is_some() || provider.api.is_some();
            assert!(way || provider.settable != Settable::SelfService, "{slug}: self-service, but no way is given");
            assert!(way || provider.who.is_some() || !provider.limits.is_empty(), "{slug}: nothing that helps");
        }
    }

    #[test]
    fn a_forward_zone_says_nothing_of_the_owner() {
        let servers = ["ns1.your-server.de".to_owned()];
        let clue = |apex| ZoneClue { apex, primary: "ns1.your-server.de.", servers: &servers };
        let found = recognise(&[], Some(clue("113.0.203.in-addr.arpa"))).unwrap();
        assert_eq!(found.provider.slug, "hetzner");
        assert!(matches!(found.by, By::ZoneServer { .. }));
        assert!(recognise(&[], Some(clue("rev.customer.example"))).is_none());
        assert!(recognise(&["mail.example.net".into()], None).is_none());
    }

    #[test]
    fn the_name_speaks_before_the_zone() {
        let servers = ["ns1.your-server.de".to_owned()];
        let zone = ZoneClue { apex: "113.0.203.in-addr.arpa", primary: "ns1.your-server.de", servers: &servers };
        let found = recognise(&["VMI123456.contaboserver.net.".into()], Some(zone)).unwrap();
        assert_eq!(found.provider.slug, "contabo");
        assert!(matches!(found.by, By::PtrName { kind: NameKind::Default, .. }));
    }

    #[test]
    fn a_ptr_is_fixed_where_nobody_of_all_sets_it() {
        let ip = |text: &str| Some(text.parse().unwrap());
        let entry = |settable, ipv6_settable, fixed: &[&str]| -> &'static Provider {
            let fixed_names = fixed.iter().map(|form| NamePattern::parse(form).unwrap()).collect();
            Box::leak(Box::new(Provider {
                fixed_names,
                settable,
                ipv6_settable,
                ..by_slug("hetzner").unwrap().clone()
            }))
        };
        let (no, yes) = (entry(Settable::No, None, &[]), entry(Settable::SelfService, None, &[]));
        let (four, such) =
            (entry(Settable::SelfService, Some(Settable::No), &[]), entry(Settable::OnRequest, None, &["x#.example"]));
        let by = || By::PtrName { name: "x1.example".into(), pattern: "x#.example", kind: NameKind::Default };
        let fixed = |provider, other, at| Recognised { provider, by: by(), others: vec![other] }.fixed(ip(at));
        let (v4, v6) = ("192.0.2.1", "2001:db8::1");
        assert_eq!([fixed(no, yes, v4), fixed(yes, no, v4), fixed(such, yes, v4), fixed(four, yes, v6)], [None; 4]);
        assert_eq!(fixed(no, such, v4), Some(Fixed::Address));
        assert_eq!(fixed(such, no, v4), Some(Fixed::Address));
        assert_eq!((fixed(four, no, v6), fixed(four, no, v4)), (Some(Fixed::Ipv6), None));
    }
}
