//! In whose zone an alias ends, and so where the address of a name has to stand.
//!
//! Standard: RFC 1034 §3.6.2 (beside a CNAME no other record may stand), RFC 5321 §2.3.5 (a server says a primary
//! name), RFC 2181 §10.3.

use crate::dns::{Alias, Lookup, is_below};
use crate::judge::view::View;
use crate::name::HostName;

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
