//! What one check asks of whoever holds the reverse zone.

use std::net::IpAddr;

use super::{facts, is_wrong, step, text, texts, undecided, undecided_because, unseen};
use crate::dns::{MAX_PTR_NAMES, is_below};
use crate::judge::{Check, EdgeState, PtrReport, RemedyStep, Side};

/// What is asked for one address.
#[derive(Debug)]
pub(super) struct Request {
    pub ip: IpAddr,
    /// The name that the PTR shall hold; `None` where nobody has said one.
    pub name: Option<String>,
    /// The name whose PTR it is: at the end of the aliases.
    pub owner: String,
    pub publish: Vec<String>,
    pub withdraw: Vec<String>,
    pub forward: ForwardRecord,
    /// Why it is asked for.
    pub why: Why,
    /// The zone of the PTR, where it lies behind an alias and is not the provider's by itself.
    pub alias_zone: Option<String>,
    /// Whether the zone that answered is known.
    pub zone_seen: bool,
    /// The registry's zone that knows of no reverse zone of the address's block.
    pub undelegated: Option<String>,
    pub facts: Vec<(String, String)>,
    /// One ticket for all addresses whose zones have this in common.
    holder: String,
}

/// Whether the wanted name leads to the address.
#[derive(Debug)]
pub(super) enum ForwardRecord {
    InPlace,
    /// We publish these lines first.
    Coming(Vec<String>),
    /// It could not be looked up, or there is no name yet.
    Unseen,
}

/// Why it is asked for; the sentence's middle part is what was seen.
#[derive(Debug)]
pub(super) enum Why {
    /// Receivers refuse for it.
    Refused(String),
    /// It leads back, and it is not the server's name.
    NotOurs(String),
    /// Some names lead back and some do not.
    Strays,
    /// There are this many names, more than receivers look at.
    TooMany(usize),
}

impl Request {
    /// The request, or why there is none.
    pub(super) fn of(check: &Check) -> Result<Self, String> {
        let Some(ip) = check.client.ip else {
            return Err("there is no client address in this check, so there is nothing to ask of a provider".into());
        };
        if let Some(kind) = unseen(check) {
            return Err(format!("there is nothing to ask of a provider: {ip} is {kind}; give --ip the public address"));
        }
        let reverse = step(check, Side::Reverse).filter(|s| asks(check, s));
        let Some(reverse) = reverse else {
            let why = match (step(check, Side::Reverse), check.agreement.ptr_forward.state) {
                (Some(other), _) => text(&other.action),
                (None, EdgeState::Unknown) => "its reverse DNS could not be looked up; check again first".into(),
                (None, _) if undecided(check) => format!("{}; check again first", undecided_because(check)),
                (None, _) => "its PTR needs no change".into(),
            };
            return Err(format!("there is nothing to ask of the provider of {ip}: {}", why.trim_end_matches('.')));
        };
        let name = check.remedy.as_ref().and_then(|r| r.name.as_deref()).map(text);
        let ptr = check.dns.ptr.as_ref();
        let zone = ptr.and_then(|p| p.zone.as_ref());
        let aliased = ptr.is_some_and(PtrReport::is_delegated);
        let own = zone.filter(|z| aliased && name.as_deref().is_some_and(|n| is_below(n, &z.apex)));
        if let (Some(zone), Some(ptr)) = (own, ptr) {
            return Err(format!(
                "there is nothing to ask of the provider of {ip}: its alias leads to {} in the zone {}, which holds your \
                 own names; publish the PTR there",
                text(ptr.owner()),
                text(&zone.apex)
            ));
        }
        let because = text(check.agreement.ptr_forward.because.trim_end_matches('.'));
        let names = ptr.map_or(0, |p| p.names.len());
        let why = if name.is_some() && reverse.publish.is_empty() && names > MAX_PTR_NAMES {
            Why::TooMany(names)
        } else if name.is_some() && reverse.publish.is_empty() {
            Why::Strays
        } else if is_wrong(check.agreement.ptr_forward.state) {
            Why::Refused(because)
        } else {
            Why::NotOurs(text(check.agreement.ehlo_ptr.because.trim_end_matches('.')))
        };
        let provider = check.remedy.as_ref().and_then(|r| r.provider.as_ref()).filter(|_| !aliased);
        let undelegated = zone.filter(|z| z.registry && ptr.is_some_and(|p| p.chain.is_empty()));
        // Whose block it is nobody said: addresses beside each other are taken for one holder's.
        let beside = || ptr.and_then(|p| p.question.split_once('.')).map(|(_, parent)| parent.to_owned());
        let holder = || zone.filter(|z| !z.registry).map(|z| z.contact.clone()).or_else(beside);
        Ok(Self {
            ip,
            owner: ptr.map(|p| text(p.owner())).unwrap_or_default(),
            forward: forward(check, name.as_deref(), ip),
            publish: texts(&reverse.publish),
            withdraw: texts(&reverse.withdraw),
            alias_zone: zone.filter(|_| aliased).map(|z| text(&z.apex)),
            zone_seen: zone.is_some(),
            undelegated: undelegated.map(|z| text(&z.apex)),
            facts: facts::seen(check),
            holder: provider.map(|p| p.slug.clone()).or_else(holder).unwrap_or_default(),
            name,
            why,
        })
    }

    pub(super) fn goes_with(&self, other: &Self) -> bool {
        let too_many = |r: &Self| matches!(r.why, Why::TooMany(_));
        let alike = self.is_tidy() == other.is_tidy() && too_many(self) == too_many(other);
        self.holder == other.holder && self.alias_zone == other.alias_zone && alike
    }

    /// Whether it is about taking names away only.
    pub(super) fn is_tidy(&self) -> bool {
        matches!(self.why, Why::Strays | Why::TooMany(_))
    }
}

/// Whether the step changes the PTR; where a provider lets nobody change it, the step is another.
fn asks(check: &Check, reverse: &RemedyStep) -> bool {
    let nameless = check.remedy.as_ref().is_some_and(|r| r.name.is_none());
    let fixed = check.remedy.as_ref().and_then(|r| r.provider.as_ref()).is_some_and(|p| !p.settable);
    let aliased = check.dns.ptr.as_ref().is_some_and(PtrReport::is_delegated);
    !reverse.publish.is_empty() || !reverse.withdraw.is_empty() || (nameless && (aliased || !fixed))
}

fn forward(check: &Check, name: Option<&str>, ip: IpAddr) -> ForwardRecord {
    let Some(name) = name else { return ForwardRecord::Unseen };
    if let Some(forward) = step(check, Side::Forward) {
        return ForwardRecord::Coming(texts(&forward.publish));
    }
    let mut seen = check.dns.forward.iter().chain(&check.dns.ehlo_forward);
    let leads = seen.any(|f| f.name.trim_end_matches('.').eq_ignore_ascii_case(name) && f.addresses.contains(&ip));
    if leads { ForwardRecord::InPlace } else { ForwardRecord::Unseen }
}
