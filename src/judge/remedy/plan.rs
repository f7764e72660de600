//! The plan: which name, which steps, which records.

use std::net::SocketAddr;

use super::name::{a_name_to_choose, is_unknown, shared_name};
use super::zones::{address_place, delegated, missing_subzone, undelegated, unseen, without_origin};
use super::{Remedy, RemedyStep, Side, actors};
use crate::dns::{Lookup, MAX_PTR_NAMES, Status};
use crate::judge::check::{Agreement, EdgeState, Verdict, Zone};
use crate::judge::dns_report::zone;
use crate::judge::view::{Forward, View};
use crate::knowledge::providers::{Fixed, Provider, Recognised};
use crate::name::HostName;

/// The TTL of the records that we propose: long enough to cache, short enough to correct.
const TTL: u32 = 3600;

/// The remedy of a verdict `differ`; `None` where there is nothing to change or too little was seen.
pub(in crate::judge) fn remedy(view: &View<'_>, agreement: &Agreement) -> Option<Remedy> {
    let repairs_edges = agreement.verdict == Verdict::Differ;
    let partly = agreement.ptr_forward.state == EdgeState::Agree
        && view.forward.iter().any(|f| !f.holds_ip && f.status().is_definite());
    let ehlo_flawed = view.ehlo.as_ref().is_some_and(|e| !e.name.flaws(&e.raw).is_empty());
    let too_many = view.ptr_names.len() > MAX_PTR_NAMES;
    if view.ip.is_none() || !(repairs_edges || partly || ehlo_flawed || too_many) {
        return None;
    }
    let zone = view.ptr.as_deref().and_then(|p| zone(view, p));
    if let Some(kind) = unseen(view, zone.as_ref()) {
        return Some(public_address(view, kind));
    }
    let name = shared_name(view);
    let provider = actors::provider(view, zone.as_ref(), name.as_ref());
    let mta = actors::mta(view, name.as_ref());
    let mut steps = Vec::new();
    steps.extend(name.as_ref().and_then(|n| forward_step(view, n)));
    steps.extend(reverse_step(view, agreement, name.as_ref(), zone.as_ref(), provider.as_ref().map(|p| &p.0)));
    let asked = steps.iter().any(|s| s.side == Side::Reverse) && !delegated(view, zone.as_ref());
    let known = provider.as_ref().map(|p| &p.0).filter(|_| asked);
    if let Some((own, why)) = known.and_then(|p| Some((p.provider, p.fixed(view.ip)?))) {
        return Some(Remedy {
            name: None,
            steps: other_way(view, own, why),
            by_records_alone: false,
            provider: provider.map(|p| p.1),
            mta: mta.map(|m| m.1),
            unseen: None,
        });
    }
    let setting = ehlo_step(view, name.as_ref(), mta.as_ref().map(|m| m.0));
    let known = name.as_ref().is_some_and(|n| view.forward_of(n).is_some() && !is_unknown(view, n));
    let by_records_alone =
        setting.is_none() && known && steps.iter().all(|s| !s.publish.is_empty() || !s.withdraw.is_empty());
    steps.extend(setting);
    if steps.is_empty() {
        return None;
    }
    steps.push(recheck(view, name.as_ref(), &steps));
    Some(Remedy {
        name: name.map(|n| n.to_string()),
        steps,
        by_records_alone,
        provider: provider.map(|p| p.1),
        mta: mta.map(|m| m.1),
        unseen: None,
    })
}

/// Where no receiver sees the address, there is nothing to change but the address that is checked.
fn public_address(view: &View<'_>, kind: &str) -> Remedy {
    let ip = view.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let command = look_again(view, "--ip PUBLIC_ADDRESS --ehlo NAME --no-connect");
    let step = RemedyStep {
        side: Side::Recheck,
        who: "you".into(),
        action: format!("Check the public address that the mail leaves by: {ip} is {kind}, which no receiver sees."),
        publish: Vec::new(),
        withdraw: Vec::new(),
        how: vec![command.clone()],
        verbatim: vec![command],
        cached_for: None,
    };
    let unseen = Some(kind.to_owned());
    Remedy { name: None, steps: vec![step], by_records_alone: false, provider: None, mta: None, unseen }
}

/// The address record of the shared name, where it is missing.
fn forward_step(view: &View<'_>, name: &HostName) -> Option<RemedyStep> {
    let ip = view.ip?;
    let forward = view.forward_of(name)?;
    if forward.holds_ip || !forward.status().is_definite() {
        return None;
    }
    let place = address_place(view, name);
    let owner = &place.owner;
    let kind = view.family();
    let set_ttl = forward.lookup.as_deref().and_then(|l| own_ttl(l, None)).filter(|_| place.instead_of.is_none());
    let action = if let Some(alias) = place.instead_of {
        format!(
            "Give {owner} an {kind} record of its own, in place of its alias to {}, which lies in another zone; what \
             else the name gives through the alias needs records of its own too.",
            alias.to
        )
    } else if forward.addresses.is_empty() {
        format!("Publish the {kind} record of {owner}.")
    } else {
        let ttl = if set_ttl.is_none() { ", with the TTL that those have" } else { "" };
        format!("Add the address to the {kind} records of {owner}{ttl}; keep those that are in use.")
    };
    Some(RemedyStep {
        side: Side::Forward,
        who: actors::forward(view, name, owner),
        action,
        publish: vec![format!("{owner}. {} IN {kind} {ip}", set_ttl.unwrap_or(TTL))],
        withdraw: place.instead_of.map(|a| format!("{owner}. {TTL} IN CNAME {}.", a.to)).into_iter().collect(),
        how: Vec::new(),
        verbatim: Vec::new(),
        cached_for: match place.instead_of {
            Some(alias) => Some(alias.ttl),
            None => forward.lookup.as_deref().and_then(cached),
        },
    })
}

/// The PTR, where it is missing, names another host, or stands beside names that do not lead back.
fn reverse_step(
    view: &View<'_>,
    agreement: &Agreement,
    name: Option<&HostName>,
    zone: Option<&Zone>,
    provider: Option<&Recognised>,
) -> Option<RemedyStep> {
    let ptr = view.ptr.as_deref().filter(|p| p.status.is_definite())?;
    let owner = ptr.chain.last().map_or(ptr.question.name.as_str(), |a| a.to.as_str());
    let is_shared = |n: &String| name.is_some_and(|name| HostName::parse(n).is_ok_and(|n| n == *name));
    let missing = !view.ptr_names.iter().any(is_shared);
    // Of more names than receivers look at, all but the one are in the way.
    let too_many = view.ptr_names.len() > MAX_PTR_NAMES;
    let leads_elsewhere = |f: Option<&Forward>| f.is_some_and(|f| !f.holds_ip && f.status().is_definite());
    let stray: Vec<&String> = view
        .ptr_names
        .iter()
        .enumerate()
        .filter(|(place, n)| !is_shared(n) && (missing || too_many || leads_elsewhere(view.forward.get(*place))))
        .map(|(_, n)| n)
        .collect();
    let unconfirmed = agreement.ptr_forward.state != EdgeState::Agree;
    if !missing && stray.is_empty() {
        return None;
    }
    // To a name that could not be looked up, a PTR might lead nowhere: that is looked at again first.
    if missing && name.is_some_and(|n| is_unknown(view, n)) {
        return None;
    }
    let who = actors::reverse_holder(view, zone, provider);
    let how = actors::reverse_ways(view, zone, provider, name);
    let action = match (name, ptr.status, missing) {
        (None, ..) => format!("{}, publish its address, and have the PTR set to it.", a_name_to_choose(view)),
        (Some(name), Status::Found, true) => format!("Have the PTR changed to {name}."),
        (Some(name), _, true) => format!("Have the PTR set to {name}."),
        (Some(name), _, false) if too_many => format!("Keep the PTR to {name} and have the others removed."),
        (Some(_), _, false) if unconfirmed => "Have the PTR names that do not lead back removed.".to_owned(),
        (Some(name), _, false) => format!("Keep the PTR to {name} and have the names that do not lead back removed."),
    };
    let meant = |raw: &String| without_origin(ptr, raw, view.ehlo.as_ref().and_then(|e| e.name.host()));
    let action = match (name, zone) {
        (Some(name), Some(zone)) if missing && undelegated(view, Some(zone)) => format!(
            "Have the holder of the address block get a reverse zone for it, since {} knows of none; then have the PTR \
             set to {name}.",
            zone.apex
        ),
        (Some(name), Some(zone)) if missing && let Some(subzone) = missing_subzone(ptr, Some(zone)) => format!(
            "Have the PTR set to {name} where the alias leads, or have {subzone} delegated: it does not exist in {}.",
            zone.apex
        ),
        (Some(name), _) if missing && view.ptr_names.iter().any(|raw| meant(raw).as_ref() == Some(name)) => format!(
            "Have the final dot added to the PTR, so that it is {name}.; without it, the name server adds its zone's \
             name."
        ),
        _ => action,
    };
    // The root's presentation is its dot alone.
    let line = |ttl: u32, n: &str| format!("{owner}. {ttl} IN PTR {}.", n.trim_end_matches('.'));
    let gone = |n: &String| line(own_ttl(ptr, Some(n)).unwrap_or(TTL), n);
    Some(RemedyStep {
        side: Side::Reverse,
        who,
        action,
        publish: name.filter(|_| missing).map(|n| line(TTL, n.as_str())).into_iter().collect(),
        withdraw: stray.into_iter().map(gone).collect(),
        verbatim: provider
            .into_iter()
            .flat_map(Recognised::all)
            .filter_map(|p| p.command_for(view.ip, name))
            .filter(|c| how.contains(c))
            .collect(),
        how,
        cached_for: cached(ptr),
    })
}

/// The server's own setting, where the name that it says is not the shared one or badly written.
fn ehlo_step(
    view: &View<'_>,
    name: Option<&HostName>,
    mta: Option<&'static crate::knowledge::mtas::Mta>,
) -> Option<RemedyStep> {
    let spoken = view.ehlo.as_ref();
    let right =
        spoken.is_some_and(|e| e.name.host().is_some() && e.name.host() == name && e.name.flaws(&e.raw).is_empty());
    let unseen = spoken.is_none() && view.dialogue().is_none_or(|d| crate::judge::view::hello_reply(d).is_none());
    if right || unseen {
        return None;
    }
    let action = match name {
        Some(name) => format!("Make the server say {name} in EHLO when it sends."),
        None => format!("{}, and make the server say it in EHLO when it sends.", a_name_to_choose(view)),
    };
    Some(RemedyStep {
        side: Side::Ehlo,
        who: "administrator of the mail server".into(),
        action,
        publish: Vec::new(),
        withdraw: Vec::new(),
        how: mta.map(|m| actors::setting(m, name)).unwrap_or_default(),
        verbatim: mta
            .map_or_else(Vec::new, |m| actors::example(m, name).into_iter().chain(actors::debian(m, name)).collect()),
        cached_for: None,
    })
}

fn recheck(view: &View<'_>, name: Option<&HostName>, steps: &[RemedyStep]) -> RemedyStep {
    let ip = view.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let ehlo = name.map_or_else(|| "NAME".to_owned(), ToString::to_string);
    let command = look_again(view, &format!("--ip {ip} --ehlo {ehlo} --no-connect"));
    RemedyStep {
        side: Side::Recheck,
        who: "you".into(),
        action: "Check again.".into(),
        publish: Vec::new(),
        withdraw: Vec::new(),
        how: vec![command.clone()],
        verbatim: vec![command],
        cached_for: steps.iter().filter_map(|s| s.cached_for).max(),
    }
}

/// The command that checks this, at the resolvers that the asker named. What is no address is left out: the line is for
/// a shell, and evidence may come from a file.
fn look_again(view: &View<'_>, what: &str) -> String {
    let given = view.evidence.resolvers.iter().filter(|_| view.evidence.resolvers_given);
    let resolvers = given.filter_map(|r| r.parse::<SocketAddr>().ok());
    resolvers.fold(format!("smtp-preflight check {what}"), |command, r| command + &format!(" --resolver {r}"))
}

/// Steps where the provider lets nobody change the PTR: the mail must leave by another address.
fn other_way(view: &View<'_>, provider: &Provider, why: Fixed) -> Vec<RemedyStep> {
    let (who, action) = actors::another_way(provider, why);
    let step = |side, who: String, action: String, how: Vec<String>| RemedyStep {
        side,
        who,
        action,
        publish: Vec::new(),
        withdraw: Vec::new(),
        verbatim: how.clone(),
        how,
        cached_for: None,
    };
    vec![
        step(Side::Reverse, who, action, Vec::new()),
        step(
            Side::Recheck,
            "you".into(),
            "Check the server that the mail then leaves by.".into(),
            vec![look_again(view, "RELAY")],
        ),
    ]
}

/// The TTL that the records have in their zone, where the zone's own server said it: a resolver's cache tells what is
/// left of it. All records of a name and type have one TTL (RFC 2181 §5.2).
fn own_ttl(lookup: &Lookup, data: Option<&str>) -> Option<u32> {
    let mut answers = lookup.answers.iter().filter(|_| lookup.flags.aa);
    answers.find(|a| data.is_none_or(|d| a.data.eq_ignore_ascii_case(d))).map(|a| a.ttl)
}

/// How long a resolver may go on giving this answer: its TTL, or the negative TTL of an absence.
fn cached(lookup: &Lookup) -> Option<u32> {
    if lookup.status == Status::Found {
        return lookup.answers.iter().map(|a| a.ttl).max();
    }
    lookup.soa.as_ref().map(|s| s.negative_ttl).filter(|_| lookup.status.is_none())
}
