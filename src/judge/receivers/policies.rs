//! Documented and reported policies of receivers whose servers cannot be asked.
//!
//! Source: `knowledge/receivers/policies.toml`, each entry with its page and date. Nothing here was
//! measured, and no score is made up: a policy is met, or its published reply is named.
//! - "Leads back" is RFC 8601 §2.7.3: any PTR name that confirms is enough. That a receiver looks at
//!   the first only is not published by any, so several names are named as an assumption.
//! - Which names a receiver takes for generic is not published by any: see [`looks_generic`].
//! - Temporary trouble makes a prediction only where the receiver says what it does then.

use super::prediction::{Basis, Outcome, Prediction, ReplyCode, Text};
use super::selection::Selection;
use super::spamassassin;
use super::world::{Lacking, World};
use crate::dns::Status;
use crate::knowledge::names::generic;
use crate::knowledge::receivers::{Condition, Family, Policy, PolicyBasis, policies};
use crate::name::{EhloName, HostName};

/// How the clause of a receiver begins that publishes nothing for the client's family.
pub const NOTHING_PUBLISHED: &str = "no rule is published";

const STAND_IN: &str =
    "its shapes are not published; the finding ptr-generic and SpamAssassin's RDNS_DYNAMIC, which agree, stand in";

type Judged = (&'static str, &'static str, Result<Prediction, Lacking>);

pub(super) fn predict(world: &World<'_>, selection: &Selection) -> Vec<Judged> {
    let identity = Identity::of(world);
    policies()
        .iter()
        .filter(|policy| selection.holds(&policy.receiver) && applies(policy, world))
        .map(|policy| (policy.receiver.as_str(), policy.rule.as_str(), judge(policy, world, &identity)))
        .collect()
}

fn applies(policy: &Policy, world: &World<'_>) -> bool {
    world.ip().map_or(true, |ip| match policy.family {
        Family::Ipv4 => ip.is_ipv4(),
        Family::Ipv6 => ip.is_ipv6(),
        Family::Both => true,
    })
}

/// What iprev makes of the client's address.
enum Client<'a> {
    Confirmed(&'a str),
    Unconfirmed(Vec<&'a str>),
    NoPtr,
    /// The PTR could not be looked up.
    NoAnswer,
    /// There are PTR names; none confirmed, and one could not be looked up.
    Unclear,
}

/// What the policies look at.
struct Identity<'a> {
    client: Result<Client<'a>, Lacking>,
    /// How many PTR names there are.
    names: usize,
    /// Whether the confirmed name looks made, not chosen; `None` where those who publish their shapes disagree.
    generic: Option<bool>,
}

impl<'a> Identity<'a> {
    fn of(world: &World<'a>) -> Self {
        let names = world.ptr().map_or(0, |ptr| ptr.data.len());
        let client = client(world);
        let generic = match &client {
            Ok(Client::Confirmed(name)) => looks_generic(name, world),
            _ => Some(false),
        };
        Self { client, names, generic }
    }
}

/// No receiver with such a rule publishes its shapes. Where the finding `ptr-generic` and SpamAssassin's
/// `RDNS_DYNAMIC` say the same of a name, that stands in for them; where the two disagree, nothing does.
fn looks_generic(name: &str, world: &World<'_>) -> Option<bool> {
    let ip = world.ip().ok()?;
    let ours = HostName::parse(name).is_ok_and(|name| generic(&name, ip).is_some());
    let theirs = spamassassin::is_dynamic_name(name, &name.to_ascii_lowercase());
    (ours == theirs).then_some(ours)
}

fn client<'a>(world: &World<'a>) -> Result<Client<'a>, Lacking> {
    let (ip, family, ptr) = (world.ip()?, world.family()?, world.ptr()?);
    if ptr.status != Status::Found {
        return Ok(if ptr.status.is_none() { Client::NoPtr } else { Client::NoAnswer });
    }
    let mut lacking = None;
    let mut unclear = false;
    for name in &ptr.data {
        match world.ask(name, family) {
            Ok(found) if found.addresses().any(|a| a == ip) => return Ok(Client::Confirmed(name)),
            Ok(found) => unclear |= !found.status.is_definite(),
            Err(missing) => lacking = lacking.or(Some(missing)),
        }
    }
    match lacking {
        Some(missing) => Err(missing),
        None if unclear => Ok(Client::Unclear),
        None => Ok(Client::Unconfirmed(ptr.data.clone())),
    }
}

fn judge(policy: &'static Policy, world: &World<'_>, identity: &Identity<'_>) -> Result<Prediction, Lacking> {
    let (hit, because) = condition(policy.when, world, identity)?;
    let mut assumes: Vec<Text> = policy.note.iter().map(|note| note.as_str().into()).collect();
    if identity.names > 1 && matches!(policy.when, Condition::Unconfirmed | Condition::Generic) {
        assumes.push(format!("one of the {} PTR names that leads back is enough", identity.names).into());
    }
    if policy.when == Condition::Generic && matches!(identity.client, Ok(Client::Confirmed(_))) {
        assumes.push(STAND_IN.into());
    }
    let code = policy.code.filter(|_| hit);
    Ok(Prediction {
        receiver: policy.receiver.as_str().into(),
        rule: policy.rule.as_str().into(),
        outcome: match code {
            Some(400..500) => Outcome::Defer,
            Some(_) => Outcome::Reject,
            None => Outcome::Accept,
        },
        reply: code.map(|code| ReplyCode { code, enhanced: policy.enhanced.as_deref().map(Into::into) }),
        score: None,
        threshold: None,
        greylist_threshold: None,
        reject_threshold: None,
        symbols: Vec::new(),
        basis: match policy.basis {
            PolicyBasis::Documented => Basis::Documented,
            PolicyBasis::Reported => Basis::Reported,
        },
        assumes,
        because,
        source: policy.reference().into(),
    })
}

/// Whether the policy is set off, and why.
fn condition(when: Condition, world: &World<'_>, identity: &Identity<'_>) -> Result<(bool, Text), Lacking> {
    if when == Condition::Never {
        let family = if world.ip()?.is_ipv4() { "IPv4" } else { "IPv6" };
        return Ok((false, format!("{NOTHING_PUBLISHED} for {family}").into()));
    }
    if when == Condition::EhloMalformed {
        let said = world.ehlo()?.trim();
        let malformed = !said.is_ascii() || matches!(EhloName::read(said), EhloName::Invalid(_));
        let because =
            if malformed { "EHLO says neither a host name nor an address literal" } else { "EHLO is well formed" };
        return Ok((malformed, because.into()));
    }
    let client = identity.client.as_ref().map_err(Clone::clone)?;
    Ok(match (when, client) {
        (Condition::PtrTrouble, Client::NoAnswer) => (true, "the PTR could not be looked up".into()),
        (Condition::PtrTrouble, _) => (false, "the PTR can be looked up".into()),
        (_, Client::NoAnswer) | (Condition::Unconfirmed | Condition::Generic, Client::Unclear) => {
            return Err(Lacking::Unpublished);
        }
        (Condition::NoPtr | Condition::Unconfirmed, Client::NoPtr) => (true, "the address has no PTR".into()),
        (Condition::NoPtr, _) => (false, "the address has a PTR".into()),
        (Condition::Unconfirmed, Client::Unconfirmed(names)) => {
            let first = names.first().copied().unwrap_or_default();
            (true, format!("the PTR {first} does not lead back to {}", world.ip()?).into())
        }
        (Condition::Generic, Client::Confirmed(name)) => {
            let generic = identity.generic.ok_or(Lacking::Shapes)?;
            let kind = if generic { "looks generic" } else { "does not look generic" };
            (generic, format!("the PTR {name} {kind} to ptr-generic and to SpamAssassin's RDNS_DYNAMIC").into())
        }
        (Condition::Generic, _) => (false, "there is no confirmed name".into()),
        (_, Client::Confirmed(name)) => (false, format!("the PTR {name} leads back to the address").into()),
        _ => (false, "nothing sets it off".into()),
    })
}
