//! Who can act: the provider of the address, the holder of each zone, the mail server that speaks.

use super::{MtaHint, ProviderHint};
use crate::dns::is_reverse_name;
use crate::judge::check::Zone;
use crate::judge::view::{View, hello_reply};
use crate::knowledge::mtas::{self, Greeting, Mta};
use crate::knowledge::providers::{self, By, ForwardFirst, Provider, Settable, ZoneClue};
use crate::name::HostName;

/// The provider, and what to say of it.
pub(super) fn provider(view: &View<'_>, zone: Option<&Zone>) -> Option<(&'static Provider, ProviderHint)> {
    let clue = zone.map(|z| ZoneClue { apex: &z.apex, primary: &z.primary, servers: &z.servers });
    let found = providers::recognise(&view.ptr_names, clue)?;
    let provider = found.provider;
    let recognised_by = match found.by {
        By::PtrName { name, .. } => format!("the PTR name {name}"),
        By::ZoneServer { name, .. } => format!("the reverse zone's server {name}"),
    };
    let mut limits: Vec<String> = Vec::new();
    match provider.forward_first {
        ForwardFirst::Required => limits.push("the forward record must be there first".into()),
        ForwardFirst::OtherProof => limits.push("ownership of the domain must be proven first".into()),
        ForwardFirst::No | ForwardFirst::Unknown => {}
    }
    if view.ip.is_some_and(|ip| ip.is_ipv6()) {
        limits.extend(provider.ipv6.iter().map(|t| format!("IPv6: {t}")));
    }
    limits.extend(provider.port25.iter().map(|t| format!("port 25: {t}")));
    limits.extend(provider.limits.iter().cloned());
    let hint = ProviderHint {
        slug: provider.slug.clone(),
        name: provider.name.clone(),
        recognised_by,
        limits,
        documentation: provider.documentation.clone(),
        checked: provider.checked.clone(),
        verified: provider.verified,
    };
    Some((provider, hint))
}

/// Who sets the PTR, and by which way.
pub(super) fn reverse(
    view: &View<'_>,
    zone: Option<&Zone>,
    provider: Option<&'static Provider>,
) -> (String, Vec<String>) {
    let mut how = Vec::new();
    if let Some(provider) = provider {
        how.extend(provider.panel.iter().map(|p| format!("{}: {p}", provider.name)));
        how.extend(provider.command.iter().cloned());
        how.extend(provider.api.iter().map(|a| format!("API: {a}")));
        if let Some(who) = &provider.who {
            how.push(who.clone());
        }
    }
    let delegated = view.ptr.as_ref().is_some_and(|p| !p.chain.is_empty());
    let who = match (delegated, zone, provider) {
        (true, Some(zone), _) => {
            let hand = if is_reverse_name(&zone.apex) {
                "delegated by alias (RFC 2317)"
            } else {
                "reached by alias (RFC 2317)"
            };
            format!("whoever holds the zone {}, {hand}: perhaps you; its contact is {}", zone.apex, zone.contact)
        }
        (_, _, Some(provider)) => match provider.settable {
            Settable::SelfService => format!("the customer of {}, in its panel or by its API", provider.name),
            Settable::OnRequest => format!("{}'s support, at the customer's request", provider.name),
            Settable::No => format!("{}; the PTR is its own, and customers cannot change it", provider.name),
        },
        (_, Some(zone), None) => {
            format!("owner of the zone {}, usually the hosting provider; its contact is {}", zone.apex, zone.contact)
        }
        (_, None, None) => "owner of the reverse zone, usually the hosting provider".into(),
    };
    (who, how)
}

/// Who holds a forward name.
pub(super) fn forward(view: &View<'_>, name: &HostName) -> String {
    let told = view
        .evidence
        .lookups
        .iter()
        .filter(|l| l.question.name == name.as_str())
        .find_map(|l| l.soa.as_ref())
        .filter(|soa| soa.apex != ".");
    match told {
        Some(soa) => format!("administrator of the zone {}; its contact is {}", soa.apex, soa.contact),
        None => format!("administrator of the zone that holds {name}"),
    }
}

/// The mail server that greets.
pub(super) fn mta(view: &View<'_>) -> Option<(&'static Mta, MtaHint)> {
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
        also: found.mta.also.clone(),
        notes: found.mta.notes.clone(),
        documentation: found.mta.documentation.clone(),
        verified: found.mta.verified,
    };
    Some((found.mta, hint))
}

/// The setting, line by line.
pub(super) fn setting(mta: &Mta, name: Option<&HostName>) -> Vec<String> {
    let mut how = vec![format!("{}: {}", mta.name, mta.place)];
    how.extend(mta.directive.iter().map(|d| format!("setting: {d}")));
    how.extend(example(mta, name));
    how.extend(mta.apply.iter().map(|a| format!("then: {a}")));
    how
}

/// The line to write or the command to run.
pub(super) fn example(mta: &Mta, name: Option<&HostName>) -> Option<String> {
    name.and_then(|n| mta.example_for(n)).or_else(|| mta.example.clone())
}
