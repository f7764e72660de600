//! What the zones that answered say of who can act: whether a block or a domain is delegated at all, where a PTR
//! behind an alias lies, and in whose zone an alias ends.
//!
//! Standard: RFC 2317 (PTRs behind aliases), RFC 6303 and RFC 7534 (empty zones of addresses that no receiver sees),
//! RFC 1034 §3.6.2 (beside a CNAME no other record may stand), RFC 5321 §2.3.5 (a server says a primary name),
//! RFC 2181 §10.3.

use std::net::IpAddr;

use crate::dns::{Alias, Lookup, Status, is_below, is_reverse_name};
use crate::judge::check::Zone;
use crate::judge::findings::special;
use crate::judge::view::View;
use crate::name::HostName;

/// The domains of those who run the top of the reverse tree.
const REGISTRIES: [&str; 8] =
    ["iana.org", "icann.org", "root-servers.org", "apnic.net", "arin.net", "ripe.net", "lacnic.net", "afrinic.net"];

/// The primaries of empty zones: RFC 6303 §3, AS112 (RFC 7534, RFC 7535), and what resolvers have by themselves.
const EMPTY: [&str; 4] = ["localhost", "prisoner.iana.org", "blackhole.as112.arpa", ""];

/// Whether a reverse zone is a registry's own: what it denies was never delegated to anybody.
///
/// A short apex alone does not say so, since some organisations hold a whole /8.
pub(in crate::judge) fn is_registrys(apex: &str, primary: &str, contact: &str) -> bool {
    let apex = apex.trim_end_matches('.').to_ascii_lowercase();
    if matches!(apex.as_str(), "arpa" | "in-addr.arpa" | "ip6.arpa") {
        return true;
    }
    let high = |tree: &str, most: usize| apex.strip_suffix(tree).is_some_and(|a| a.split('.').count() <= most);
    let domain = contact.rsplit('@').next().unwrap_or_default();
    let run = REGISTRIES.iter().any(|r| is_below(domain, r) || is_below(primary, r));
    run && (high(".in-addr.arpa", 2) || high(".ip6.arpa", 6))
}

/// Whether the address's block has no reverse zone: a registry's zone denies the name.
pub(in crate::judge) fn undelegated(view: &View<'_>, zone: Option<&Zone>) -> bool {
    view.ptr.as_deref().is_some_and(|p| p.status.is_none() && p.chain.is_empty()) && zone.is_some_and(|z| z.registry)
}

/// Whether the PTR lies behind an alias in another zone than the reverse name's own (RFC 2317). An alias whose
/// target the same zone denies leads to nobody: its sub-zone is missing.
pub(super) fn delegated(view: &View<'_>, zone: Option<&Zone>) -> bool {
    view.ptr.as_deref().is_some_and(|p| !p.chain.is_empty() && leads_away(&p.question.name, zone))
}

/// Whether a zone is another than that of the reverse name itself.
pub(in crate::judge) fn leads_away(question: &str, zone: Option<&Zone>) -> bool {
    !zone.is_some_and(|z| is_below(question, &z.apex))
}

/// The zone that an alias of the reverse name points into and that does not exist.
pub(in crate::judge) fn missing_subzone<'a>(ptr: &'a Lookup, zone: Option<&Zone>) -> Option<&'a str> {
    let inside = zone.is_some_and(|z| is_below(&ptr.question.name, &z.apex));
    let (_, subzone) = ptr.chain.last().filter(|_| inside && ptr.status.is_none())?.to.split_once('.')?;
    is_reverse_name(subzone).then_some(subzone)
}

/// What kind of address it is, where no receiver ever sees it and the resolver serves no zone for it.
pub(super) fn unseen(view: &View<'_>, zone: Option<&Zone>) -> Option<&'static str> {
    let ip = view.ip.filter(|ip| is_internal(*ip))?;
    let ptr = view.ptr.as_deref().filter(|p| p.status.is_none())?;
    let empty = |z: &Zone| {
        let primary = z.primary.trim_end_matches('.');
        z.registry || EMPTY.iter().any(|e| e.eq_ignore_ascii_case(primary)) || primary.eq_ignore_ascii_case(&z.apex)
    };
    if ptr.chain.is_empty() && zone.is_none_or(empty) { special(ip) } else { None }
}

fn is_internal(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || a == 0 || a == 100 && (64..=127).contains(&b)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// The top-level domain that denies a name: its domain is registered by nobody, or not delegated.
pub(in crate::judge) fn domain_missing<'a>(view: &'a View<'_>, name: &HostName) -> Option<&'a str> {
    let lookups = view.evidence.lookups.iter().filter(|l| l.question.name == name.as_str() && l.chain.is_empty());
    let denied = lookups.filter(|l| l.status == Status::Nxdomain).find_map(|l| l.soa.as_ref());
    let apex = denied.map(|soa| soa.apex.trim_end_matches('.'))?;
    (!apex.is_empty() && !apex.contains('.')).then_some(apex)
}

/// Where an address record of a name has to stand.
pub(super) struct Place<'a> {
    pub owner: String,
    /// The alias that it takes the place of: one that ends in another's zone.
    pub instead_of: Option<&'a Alias>,
}

/// At the end of the name's aliases while that is in its own zone, else at the name itself.
pub(super) fn address_place<'a>(view: &'a View<'_>, name: &HostName) -> Place<'a> {
    let lookup = view.forward_of(name).and_then(|f| f.lookup.as_deref());
    let Some((first, last)) = lookup.and_then(|l| Some((l.chain.first()?, l.chain.last()?))) else {
        return Place { owner: name.to_string(), instead_of: None };
    };
    if stays_home(view, name, &last.to) {
        return Place { owner: last.to.clone(), instead_of: None };
    }
    Place { owner: name.to_string(), instead_of: Some(first) }
}

/// Whether an alias's target lies in the zone of the alias, as far as was seen; in doubt it does not.
fn stays_home(view: &View<'_>, name: &HostName, target: &str) -> bool {
    let about = |l: &&Lookup| l.question.name == name.as_str() || l.question.name.eq_ignore_ascii_case(target);
    let told = view.evidence.lookups.iter().filter(about).filter_map(|l| l.soa.as_ref());
    if let Some(soa) = told.filter(|s| s.apex != "." && is_below(target, &s.apex)).max_by_key(|s| s.apex.len()) {
        return is_below(name.as_str(), &soa.apex);
    }
    name.as_str().split_once('.').is_some_and(|(_, parent)| parent.contains('.') && is_below(target, parent))
}

/// What a PTR's target was meant to be, where it ends in the reverse zone's own name: the final dot is missing, and
/// the name server completed the name.
pub(in crate::judge) fn without_origin(ptr: &Lookup, target: &str, said: Option<&HostName>) -> Option<HostName> {
    let owner = ptr.chain.last().map_or(ptr.question.name.as_str(), |a| a.to.as_str());
    let mut origin = owner;
    loop {
        let cut = target.len().checked_sub(origin.len() + 1).filter(|_| !origin.is_empty());
        if let Some(before) = cut.filter(|_| is_below(target, origin)).and_then(|at| target.get(..at)) {
            let meant = HostName::parse(before).ok()?;
            let sure = is_reverse_name(origin) || Some(&meant) == said;
            return (sure && meant.is_fqdn() && meant.is_hostname()).then_some(meant);
        }
        origin = origin.split_once('.')?.1;
    }
}

#[cfg(test)]
mod tests {
    use super::is_registrys;

    #[test]
    fn a_whole_block_of_eight_bits_may_have_a_holder() {
        for (apex, primary, contact, registrys) in [
            ("in-addr.arpa", "b.in-addr-servers.arpa", "nstld@iana.org", true),
            ("203.in-addr.arpa", "ns.apnic.net", "read-txt-record-of-zone-first-dns-admin@apnic.net", true),
            ("17.in-addr.arpa", "usmsc2-extxfr-001.dns.apple.com", "hostmaster@apple.com", false),
            ("2.a.2.ip6.arpa", "pri.authdns.ripe.net", "dns@ripe.net", true),
            ("6.0.1.0.0.2.ip6.arpa", "pri.authdns.ripe.net", "dns@ripe.net", true),
            ("3.0.0.2.ip6.arpa", "dns.telekom.example", "dns@telekom.example", false),
            ("6.0.193.in-addr.arpa", "manus.authdns.ripe.net", "dns@ripe.net", false),
        ] {
            assert_eq!(is_registrys(apex, primary, contact), registrys, "{apex}");
        }
    }
}
