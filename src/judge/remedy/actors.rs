//! Who can act: the provider of the address, the holder of each zone, the mail server that speaks.

use super::zones::{delegated, undelegated};
use super::{MtaHint, OtherMta, ProviderHint};
use crate::dns::{is_below, is_reverse_name};
use crate::judge::check::Zone;
use crate::judge::view::{View, hello_reply};
use crate::knowledge::mtas::{self, Greeting, Mta};
use crate::knowledge::providers::{self, By, Fixed, ForwardFirst, Provider, Recognised, Settable, ZoneClue};
use crate::name::HostName;

/// The provider, and what to say of it.
pub(super) fn provider(
    view: &View<'_>,
    zone: Option<&Zone>,
    name: Option<&HostName>,
) -> Option<(Recognised, ProviderHint)> {
    let found = providers::recognise(&view.ptr_names, zone.map(clue))?;
    let provider = found.provider;
    let recognised_by = match &found.by {
        By::PtrName { name, .. } => format!("the PTR name {name}"),
        By::ZoneServer { name, .. } => format!("the reverse zone's server {name}"),
    };
    let fixed = found.fixed(view.ip);
    let mut limits = match fixed {
        // What is to be known before one is set is of no use where none can be.
        Some(Fixed::Ipv6) => provider.ipv6.iter().map(|t| provider.marked("ipv6", &format!("IPv6: {t}"))).collect(),
        Some(_) if provider.settable != Settable::No => Vec::new(),
        _ => limits(view, provider, name),
    };
    for other in &found.others {
        limits.extend(self::limits(view, other, name).into_iter().map(|text| format!("{}: {text}", other.name)));
    }
    let hint = ProviderHint {
        slug: provider.slug.clone(),
        name: provider.name.clone(),
        also: found.others.iter().map(|other| other.name.clone()).collect(),
        recognised_by,
        settable: fixed.is_none(),
        limits,
        published_after: provider.published_after_hours.map(|hours| hours.saturating_mul(3600)),
        documentation: provider.documentation.clone(),
        checked: provider.checked.clone(),
        verified: provider.verified,
    };
    Some((found, hint))
}

fn clue(zone: &Zone) -> ZoneClue<'_> {
    ZoneClue { apex: &zone.apex, primary: &zone.primary, servers: &zone.servers }
}

/// What to know before a PTR is set there.
fn limits(view: &View<'_>, provider: &Provider, name: Option<&HostName>) -> Vec<String> {
    let mut limits: Vec<String> = Vec::new();
    let in_place = name.and_then(|n| view.forward_of(n)).is_some_and(|f| f.holds_ip);
    match provider.forward_first {
        ForwardFirst::Required if in_place => {}
        ForwardFirst::Required => {
            limits.push(provider.marked("forward_first", "the forward record must be there first"));
        }
        ForwardFirst::OtherProof => {
            limits.push(provider.marked("forward_first", "ownership of the domain must be proven first"));
        }
        ForwardFirst::No | ForwardFirst::Unknown => {}
    }
    if view.ip.is_some_and(|ip| ip.is_ipv6()) {
        limits.extend(provider.ipv6.iter().map(|t| provider.marked("ipv6", &format!("IPv6: {t}"))));
    }
    limits.extend(provider.port25.iter().map(|t| provider.marked("port25", &format!("port 25: {t}"))));
    limits.extend(provider.limits.iter().map(|t| provider.marked("limits", t)));
    limits
}

/// Who sets the PTR.
pub(in crate::judge) fn reverse_holder(view: &View<'_>, zone: Option<&Zone>, provider: Option<&Recognised>) -> String {
    if let Some(zone) = zone.filter(|_| undelegated(view, zone)) {
        return format!(
            "holder of the address block, usually the hosting provider: the block has no reverse zone, says {}",
            zone.apex
        );
    }
    match (delegated(view, zone), zone, provider) {
        (true, Some(zone), _) => {
            let hand = if is_reverse_name(&zone.apex) {
                "delegated by alias (RFC 2317)"
            } else {
                "reached by alias (RFC 2317)"
            };
            format!("holder of the zone {}, {hand}: perhaps you; its contact is {}", zone.apex, zone.contact)
        }
        (true, None, _) => "holder of the zone at the end of the alias (RFC 2317): perhaps you".into(),
        (_, _, Some(found)) => {
            let who = [Settable::SelfService, Settable::OnRequest, Settable::No];
            let told: Vec<String> = who.into_iter().filter_map(|settable| holder(found, settable)).collect();
            told.join("; or ")
        }
        (_, Some(zone), None) if !zone.registry => {
            let perhaps = match providers::one_server(clue(zone)) {
                Some((one, server)) => {
                    format!("perhaps a customer of {}, whose {server} serves the zone too", one.name)
                }
                None => "usually the hosting provider".to_owned(),
            };
            format!("holder of the zone {}, {perhaps}; its contact is {}", zone.apex, zone.contact)
        }
        (_, _, None) => "holder of the reverse zone, usually the hosting provider".into(),
    }
}

/// Who sets it at those of whom one may be the provider and who handle it in this way; `None` where none does.
fn holder(found: &Recognised, settable: Settable) -> Option<String> {
    let such = || found.all().filter(|p| p.settable == settable);
    let names: Vec<&str> = such().map(|p| p.name.as_str()).collect();
    let name = names.join(" or ");
    if names.is_empty() {
        return None;
    }
    Some(match settable {
        Settable::SelfService => {
            let scripted = such().any(|p| p.command.is_some() || p.api.is_some());
            let way = match (such().any(|p| p.panel.is_some()), scripted) {
                (true, true) => "in its panel or by its API",
                (true, false) => "in its panel",
                (false, _) => "by its API",
            };
            format!("the customer of {name}, {way}")
        }
        Settable::OnRequest => format!("{name}'s support, at the customer's request"),
        Settable::No => format!("{name}; the PTR is its own, and customers cannot change it"),
    })
}

/// By which way the PTR is set.
pub(super) fn reverse_ways(
    view: &View<'_>,
    zone: Option<&Zone>,
    provider: Option<&Recognised>,
    name: Option<&HostName>,
) -> Vec<String> {
    if delegated(view, zone) || undelegated(view, zone) {
        // The provider's panel sets what stands in its own zone; there is only the alias.
        let servers = zone.map(|z| z.servers.join(", ")).filter(|s| !s.is_empty());
        return servers.map(|s| format!("the zone's servers: {s}")).into_iter().collect();
    }
    let Some(found) = provider else { return Vec::new() };
    let of = |provider: &Provider| {
        let mut ways = provider.ways(view.ip, name);
        let may = if found.others.is_empty() { "who may".to_owned() } else { format!("who may, at {}", provider.name) };
        ways.extend(provider.who.iter().map(|who| provider.marked("who", &format!("{may}: {who}"))));
        ways
    };
    found.all().flat_map(of).collect()
}

/// Where nobody but the provider can change the PTR: what is left to do.
pub(super) fn another_way(provider: &Provider, why: Fixed) -> (String, String) {
    let name = &provider.name;
    let action = match why {
        Fixed::MailService => format!(
            "PTR and EHLO name of this address are {name}'s: report the refusal there, or send by another service."
        ),
        Fixed::Address => format!(
            "Send through a relay, or from a line with a static address whose PTR can be set: {name} sets no PTR of \
             one's own for this address."
        ),
        Fixed::Ipv6 => format!(
            "Have the server send by IPv4, or through a relay: {name} sets no PTR of one's own for IPv6 addresses."
        ),
    };
    ("the sender's administrator".into(), action)
}

/// Who holds the record of a forward name, which stands at `owner`.
pub(super) fn forward(view: &View<'_>, name: &HostName, owner: &str) -> String {
    let told = view
        .evidence
        .lookups
        .iter()
        .filter(|l| l.question.name == name.as_str())
        .filter_map(|l| l.soa.as_ref())
        .find(|soa| soa.apex != "." && is_below(owner, &soa.apex));
    match told {
        Some(soa) => format!("holder of the zone {}; its contact is {}", soa.apex, soa.contact),
        None => format!("holder of the zone of {owner}"),
    }
}

/// The mail server that greets.
pub(super) fn mta(view: &View<'_>, name: Option<&HostName>) -> Option<(&'static Mta, MtaHint)> {
    let dialogue = view.dialogue()?;
    let hello = hello_reply(dialogue);
    let found = mtas::recognise(&Greeting {
        banner: dialogue.greeting.as_ref().map_or(&[], |g| g.lines.as_slice()),
        ehlo: hello.and_then(|r| r.lines.first()).map(String::as_str),
        extensions: hello.map_or(&[], |r| r.lines.get(1..).unwrap_or_default()),
    })?;
    let hint = MtaHint {
        slug: found.mta.slug.clone(),
        name: found.mta.name.clone(),
        certain: found.certain,
        also: found.also().to_vec(),
        alternatives: found
            .also()
            .iter()
            .filter_map(|slug| mtas::by_slug(slug))
            .filter_map(|m| other(m, name))
            .collect(),
        notes: found.mta.notes.clone(),
        documentation: found.mta.documentation.clone(),
        verified: found.mta.verified,
    };
    Some((found.mta, hint))
}

/// The setting of what greets alike, in a line.
fn other(mta: &Mta, name: Option<&HostName>) -> Option<OtherMta> {
    let directive = mta.directive.as_ref()?;
    let by_ptr = by_ptr(mta, name).map(|b| format!("{b}; else ")).unwrap_or_default();
    let head = format!("{by_ptr}{}; {directive}", mta.place);
    let lines = example(mta, name);
    let parts: Vec<&str> = std::iter::once(head.as_str()).chain(lines.iter().map(|line| line.trim())).collect();
    let setting = parts.join("; ");
    Some(OtherMta { slug: mta.slug.clone(), name: mta.name.clone(), setting })
}

/// The setting, line by line.
pub(super) fn setting(mta: &Mta, name: Option<&HostName>) -> Vec<String> {
    let mut how = match by_ptr(mta, name) {
        Some(by_ptr) => {
            vec![format!("{}: {by_ptr}", mta.name), format!("only where that is switched off: {}", mta.place)]
        }
        None => vec![format!("{}: {}", mta.name, mta.place)],
    };
    how.extend(mta.directive.iter().map(|d| format!("setting: {d}")));
    how.extend(example(mta, name));
    let debian = debian(mta, name);
    if !debian.is_empty() {
        how.push("on Debian:".to_owned());
        how.extend(debian);
    }
    how.extend(mta.apply.iter().map(|a| format!("then: {a}")));
    how
}

/// What is left to do where the server takes its name from the PTR.
fn by_ptr(mta: &Mta, name: Option<&HostName>) -> Option<String> {
    let name = name.map_or("NAME", HostName::as_str);
    let look = mta.by_ptr.as_ref()?;
    Some(format!("as shipped it says the PTR of the address that it sends from: once that is {name}, {look}"))
}

/// The lines to write or the command to run.
pub(super) fn example(mta: &Mta, name: Option<&HostName>) -> Vec<String> {
    name.map_or_else(|| mta.example.clone(), |n| mta.example_for(n))
}

/// The lines to write where Debian's configuration is in use.
pub(super) fn debian(mta: &Mta, name: Option<&HostName>) -> Vec<String> {
    name.map_or_else(|| mta.example_debian.clone(), |n| mta.debian_for(n))
}
