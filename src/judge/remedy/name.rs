//! The one name that EHLO, PTR and forward records should share.
//!
//! Design: the choice that asks least of others. A PTR name that leads back and is the server's own is kept,
//! and the server says it: that is one setting of the administrator's. The EHLO name is chosen where it leads
//! to the address already, where it is one of the PTR names, or where no PTR name is worth keeping. A name that is a
//! provider's is nobody's to publish: it is chosen only where it leads to the address by itself. A name that is too long
//! to be a host's is not proposed; where it is in place in both directions, it is kept.

use super::zones::{domain_missing, without_origin};
use crate::dns::is_reverse_name;
use crate::judge::view::{Forward, View};
use crate::knowledge::names::generic;
use crate::knowledge::providers::is_a_providers;
use crate::name::{EhloName, HostName};

/// The longest name that is proposed: a Linux host has none longer (`HOST_NAME_MAX`, gethostname(2)), nor has a
/// certificate's common name (RFC 5280, appendix A: ub-common-name).
const MAX_PROPOSED: usize = 64;

/// The name that all three should share; `None` where somebody must choose one.
pub(super) fn shared_name(view: &View<'_>) -> Option<HostName> {
    let confirmed: Vec<HostName> = view.forward.iter().filter(|f| f.holds_ip).filter_map(usable).collect();
    let own = || confirmed.iter().find(|name| view.ip.is_none_or(|ip| generic(name, ip).is_none()));
    let Some(said) = said(view) else {
        return own().or(confirmed.first()).cloned().or_else(|| named_by_ptr(view));
    };
    if view.ptr_names.iter().any(|n| HostName::parse(n).is_ok_and(|n| n == said)) {
        return Some(said);
    }
    // The EHLO name should be the primary one (RFC 5321 §2.3.5), and a PTR names no alias (RFC 2181 §10.2).
    if let Some(primary) = confirmed.iter().find(|name| is_alias_of(view, &said, name)) {
        return Some(primary.clone());
    }
    if view.forward_of(&said).is_some_and(|f| f.holds_ip) {
        return Some(said);
    }
    // A PTR that leads back is not given up for a name that nobody has seen to resolve.
    let kept = if is_unknown(view, &said) { own().or(confirmed.first()) } else { own() };
    Some(kept.cloned().unwrap_or(said))
}

/// The EHLO name, where the world can look it up and the server's administrator can publish its address.
fn said(view: &View<'_>) -> Option<HostName> {
    let spoken = view.ehlo.as_ref()?;
    match &spoken.name {
        EhloName::Host(name) if spoken.name.flaws(&spoken.raw).is_empty() => {
            Some(name.clone()).filter(|n| (is_short(n) || is_in_place(view, n)) && can_be_published(view, n))
        }
        _ => None,
    }
}

/// Without another word for it, a PTR name that lacks its address, or what one was meant to be. A name that leads
/// elsewhere is an earlier server's as likely as not.
fn named_by_ptr(view: &View<'_>) -> Option<HostName> {
    let publishable = |n: &HostName| is_short(n) && can_be_published(view, n);
    let ptr = view.ptr.as_deref()?;
    let meant = || view.ptr_names.iter().find_map(|n| without_origin(ptr, n, None)).filter(publishable);
    let bare = |f: &&Forward<'_>| f.addresses.is_empty();
    view.forward.iter().filter(bare).filter_map(usable).find(publishable).or_else(meant)
}

/// A PTR name that a server could say: `localhost`, `mail.lan` and the like are nobody's.
fn usable(forward: &Forward) -> Option<HostName> {
    let name = HostName::parse(&forward.raw).ok().filter(|n| !is_reverse_name(n.as_str()))?;
    (is_short(&name) && EhloName::Host(name.clone()).flaws(name.as_str()).is_empty()).then_some(name)
}

fn is_short(name: &HostName) -> bool {
    name.as_str().len() <= MAX_PROPOSED
}

/// What to choose where no name can be proposed, as the beginning of a sentence.
pub(super) fn a_name_to_choose(view: &View<'_>) -> String {
    let long = view.ehlo.as_ref().and_then(|e| e.name.host()).map(|name| name.as_str().len());
    match long.filter(|octets| *octets > MAX_PROPOSED) {
        Some(octets) => format!(
            "Choose a full name for the server of at most {MAX_PROPOSED} characters, which is what a host's name can have \
             (the one that it says has {octets})"
        ),
        None => "Choose the server's full name".to_owned(),
    }
}

/// Whether it is a PTR name that leads back.
fn is_in_place(view: &View<'_>, name: &HostName) -> bool {
    view.forward.iter().any(|f| f.holds_ip && HostName::parse(&f.raw).is_ok_and(|n| n == *name))
}

/// Whether a name leads to the address, or its zone can be the administrator's: its domain exists, and it is none of
/// those that a provider gives.
fn can_be_published(view: &View<'_>, name: &HostName) -> bool {
    view.forward_of(name).is_some_and(|f| f.holds_ip) || (!is_a_providers(name) && domain_missing(view, name).is_none())
}

fn is_alias_of(view: &View<'_>, alias: &HostName, name: &HostName) -> bool {
    let lookup = view.forward_of(alias).and_then(|f| f.lookup.as_ref());
    lookup.is_some_and(|l| l.chain.iter().any(|a| HostName::parse(&a.to).is_ok_and(|n| n == *name)))
}

/// Whether a name's addresses were asked for and could not be looked up.
pub(super) fn is_unknown(view: &View<'_>, name: &HostName) -> bool {
    view.forward_of(name).is_some_and(|f| !f.holds_ip && !f.status().is_definite())
}
