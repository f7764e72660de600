//! A bounce beside a check of its identity today: what the receiver said then, what is seen now.
//!
//! Input: a [`Bounce`] and, where its sending address could be checked, a [`Check`]. Output: an
//! [`Entry`], whose [`Since`] says whether the complaint still holds. Pure.
//! Design: a complaint is only called removed when the very thing that the receiver named is seen to
//! be in order now. What the DNS cannot show (which name a server says in EHLO today) stays open.

mod roundtrip;

pub use roundtrip::{Outcome, Roundtrip, RoundtripReport};

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounce::{Bounce, BounceSummary, Cause, Count, Identity};
use crate::judge::{Check, Code, Edge, EdgeState, SCHEMA};
use crate::name::{EhloName, HostName};

/// What has become of a receiver's complaint about the sender's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// What the receiver named is wrong today too.
    StillBroken,
    /// What the receiver named is in order today.
    FixedSince,
    /// The address is not stated, or the lookups failed.
    CouldNotTell,
    /// No lookup can show it: it is said by the server when it sends, or known to the receiver only.
    NotVisible,
    /// No check was wanted.
    NotChecked,
}

/// Then and now, compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Since {
    /// The result.
    pub standing: Standing,
    /// Why, in one sentence without a final stop.
    pub because: String,
}

/// One bounce and what is seen of its identity now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The bounce, read.
    #[serde(flatten)]
    pub bounce: Bounce,
    /// The identity's state now; `null` where no sending address is stated, or no check was wanted.
    pub check: Option<Check>,
    /// Where the bounce states no address: those that `name` has now. A guess at what sent the message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guessed_ips: Vec<IpAddr>,
    /// Then and now; `null` where the cause is not the sender's identity.
    pub since: Option<Since>,
}

/// Counts over many entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskSummary {
    /// Causes, legs, receivers, addresses.
    #[serde(flatten)]
    pub bounces: BounceSummary,
    /// What has become of the complaints about the sender's identity.
    pub since: Vec<Count<Standing>>,
}

/// What `bounce --format json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BounceReport {
    /// [`SCHEMA`].
    pub schema: String,
    /// One entry a message.
    pub bounces: Vec<Entry>,
    /// Counts over them.
    pub summary: DeskSummary,
}

impl BounceReport {
    /// A report of these entries.
    pub fn new(bounces: Vec<Entry>) -> Self {
        let mut summary = DeskSummary::default();
        for entry in &bounces {
            summary.add(entry);
        }
        Self { schema: SCHEMA.into(), bounces, summary: summary.finish() }
    }
}

impl DeskSummary {
    /// Counts one more; call [`Self::finish`] after the last.
    pub fn add(&mut self, entry: &Entry) {
        self.bounces.add(&entry.bounce);
        let Some(since) = &entry.since else { return };
        match self.since.iter_mut().find(|c| c.what == since.standing) {
            Some(count) => count.count += 1,
            None => self.since.push(Count { what: since.standing, count: 1 }),
        }
    }

    /// Sorts the counts: the most frequent first.
    #[must_use]
    pub fn finish(mut self) -> Self {
        self.bounces = self.bounces.finish();
        self.since.sort_by_key(|c| (std::cmp::Reverse(c.count), c.what));
        self
    }
}

impl Entry {
    /// A bounce whose identity was checked, or could not be since it states no address.
    pub fn checked(bounce: Bounce, check: Option<Check>) -> Self {
        let since = (bounce.cause == Cause::SenderIdentity).then(|| compare(&bounce, check.as_ref()));
        Self { bounce, check, guessed_ips: Vec::new(), since }
    }

    /// A bounce that nobody wanted to be checked.
    pub fn unchecked(bounce: Bounce) -> Self {
        let since = (bounce.cause == Cause::SenderIdentity)
            .then(|| since(Standing::NotChecked, "--no-check asks the DNS nothing"));
        Self { bounce, check: None, guessed_ips: Vec::new(), since }
    }
}

fn since(standing: Standing, because: impl Into<String>) -> Since {
    Since { standing, because: because.into() }
}

/// The legs that the words name or leave open, each held against what is seen: one that is broken
/// decides, then one that could not be seen, then the one that the words name first.
fn compare(bounce: &Bounce, check: Option<&Check>) -> Since {
    let Some(check) = check else {
        return since(Standing::CouldNotTell, "the bounce does not state which address sent the message");
    };
    let mut legs: Vec<Identity> = bounce.identity.into_iter().chain(bounce.possible.iter().copied()).collect();
    if legs.len() > 1 {
        legs.retain(|leg| *leg != Identity::Unspecified);
    }
    let results: Vec<Since> = legs
        .into_iter()
        .map(|leg| match leg {
            Identity::PtrMissing | Identity::PtrUnconfirmed => reverse(check),
            Identity::PtrGeneric => generic(bounce, check),
            Identity::EhloBad => ehlo(bounce, check),
            Identity::Unspecified => unspecified(bounce, check),
        })
        .collect();
    let with = |standing| results.iter().find(|s: &&Since| s.standing == standing);
    let decides = with(Standing::StillBroken).or_else(|| with(Standing::CouldNotTell)).or(results.first());
    match decides {
        // A receiver that names no leg has not said that a leg in order was its complaint.
        Some(seen) if seen.standing == Standing::FixedSince && bounce.identity == Some(Identity::Unspecified) => {
            unspecified(bounce, check)
        }
        Some(seen) => seen.clone(),
        None => unspecified(bounce, check),
    }
}

/// An edge that must agree.
fn edge(edge: &Edge) -> Since {
    let standing = match edge.state {
        EdgeState::Agree => Standing::FixedSince,
        EdgeState::Differ | EdgeState::Absent => Standing::StillBroken,
        EdgeState::Unknown => Standing::CouldNotTell,
    };
    since(standing, edge.because.clone())
}

fn finding(check: &Check, code: Code) -> Option<Since> {
    let found = check.findings.iter().find(|f| f.code == code)?;
    Some(since(Standing::StillBroken, found.detail.trim_end_matches('.')))
}

/// A PTR that leads back removes both complaints: a receiver that says "no PTR" often means either.
fn reverse(check: &Check) -> Since {
    let seen = edge(&check.agreement.ptr_forward);
    if seen.standing != Standing::FixedSince {
        return seen;
    }
    if let Some(partly) = finding(check, Code::PtrPartlyUnconfirmed) {
        return partly;
    }
    match check.dns.disagreements.first() {
        Some(d) => since(Standing::CouldNotTell, format!("the resolvers do not agree on {}", d.question)),
        None => seen,
    }
}

fn generic(bounce: &Bounce, check: &Check) -> Since {
    let confirmed = reverse(check);
    if confirmed.standing != Standing::FixedSince {
        return confirmed;
    }
    if let Some(generic) = finding(check, Code::PtrGeneric) {
        return generic;
    }
    let names: Vec<HostName> =
        check.dns.ptr.iter().flat_map(|p| &p.names).filter_map(|n| HostName::parse(n).ok()).collect();
    let now = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let refused = refused_names(bounce);
    if let Some(same) = names.iter().find(|n| refused.contains(n)) {
        return since(Standing::StillBroken, format!("the PTR is still {same}, the name that the receiver refused"));
    }
    match refused.first() {
        Some(then) => since(Standing::FixedSince, format!("the PTR was {then} and is {now} now")),
        None => since(
            Standing::NotVisible,
            format!("the PTR is {now}, which looks like a server's own name; what the receiver saw in it is not known"),
        ),
    }
}

/// Names of the address in the receiver's words: what its server had looked up, and host names that
/// hold the address's own numbers.
fn refused_names(bounce: &Bounce) -> Vec<HostName> {
    let stamped = bounce.hop.iter().filter_map(|h| h.rdns.as_deref());
    let text = bounce.reply.as_ref().map(|r| r.text.as_str()).unwrap_or_default();
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
    let ip = bounce.sending_ip.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let octets: Vec<&str> = ip.split(['.', ':']).filter(|o| !o.is_empty()).collect();
    let holds = |word: &&str| {
        let numbers: Vec<&str> = word.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let known = octets.iter().filter(|o| numbers.contains(o)).count();
        known >= 2 && word.contains(char::is_alphabetic)
    };
    stamped.chain(words.filter(holds)).filter_map(|n| HostName::parse(n.trim_matches('.')).ok()).collect()
}

fn ehlo(bounce: &Bounce, check: &Check) -> Since {
    let Some(name) = &check.client.ehlo else {
        return since(Standing::NotVisible, "the bounce does not state the name that the server said in EHLO");
    };
    let read = EhloName::read(name);
    if read.host().is_none() || !read.flaws(name).is_empty() {
        return since(
            Standing::NotVisible,
            format!(
                "{name} is wrong whatever the DNS holds, and what the server says in EHLO now only a receiver sees"
            ),
        );
    }
    let addresses = edge(&check.agreement.ehlo_forward);
    if addresses.standing != Standing::FixedSince || check.agreement.ehlo_ptr.state == EdgeState::Agree {
        return addresses;
    }
    // The name has its address now. Whether that was the complaint, the words tell.
    let said = bounce.reply.as_ref().map(|r| r.text.to_ascii_lowercase()).unwrap_or_default();
    let about_existence = ["not found", "resolv", "lookup", "not exist", "no dns", "domain not"];
    if about_existence.iter().any(|w| said.contains(w)) { addresses } else { edge(&check.agreement.ehlo_ptr) }
}

fn unspecified(bounce: &Bounce, check: &Check) -> Since {
    let confirmed = reverse(check);
    if confirmed.standing != Standing::FixedSince {
        return confirmed;
    }
    if let Some(generic) = finding(check, Code::PtrGeneric) {
        return generic;
    }
    if check.client.ehlo.is_some() {
        return match ehlo(bounce, check) {
            Since { standing: Standing::FixedSince, .. } => since(Standing::FixedSince, "all three agree now"),
            other => other,
        };
    }
    since(
        Standing::NotVisible,
        format!(
            "{}; what else the receiver refused it does not say, nor does the bounce state the EHLO name",
            confirmed.because
        ),
    )
}
