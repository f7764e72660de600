//! What a domain's DNS says of its mail hosts: its MX hosts, and the addresses that its SPF record authorises.
//!
//! Shape: a pure function of the lookups known so far ([`Known`]), which gives either the questions that it needs
//! next or the result ([`Step`]). The caller asks them, adds the answers and calls again; a walk is a few calls.
//! Standard: RFC 7208 (SPF), RFC 5321 §5.1 (MX and implicit MX), RFC 7505 (null MX).
//! Failure: no error; what had to be left out is a sentence in the result.

mod mx;
mod sample;
mod spf;

pub use mx::{MxHost, MxHosts, mx_hosts};
pub use sample::{MAX_UNSAMPLED, Portion, portion};
pub use spf::{Authorised, SpfRanges, spf_ranges};

use std::collections::HashMap;

use crate::dns::{Lookup, Question, RecordType, Status};

/// The lookups known so far, one a question.
pub type Known = HashMap<Question, Lookup>;

/// How far a walk has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Step<T> {
    /// Ask these, and call again.
    Ask(Vec<Question>),
    /// There is nothing more to ask.
    Done(T),
}

/// Something to say of a domain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// One sentence.
    pub text: String,
    /// Addresses were left out that should have been looked at.
    pub left_out: bool,
}

impl Remark {
    fn note(text: String) -> Self {
        Self { text, left_out: false }
    }

    fn left_out(text: String) -> Self {
        Self { text, left_out: true }
    }
}

/// The lookups of a name's addresses, or the questions that are missing.
fn addresses<'a>(known: &'a Known, name: &str) -> Result<[&'a Lookup; 2], Vec<Question>> {
    let questions = [RecordType::A, RecordType::Aaaa].map(|kind| Question::new(name, kind));
    match (known.get(&questions[0]), known.get(&questions[1])) {
        (Some(a), Some(aaaa)) => Ok([a, aaaa]),
        _ => Err(questions.into_iter().filter(|q| !known.contains_key(q)).collect()),
    }
}

/// Why a lookup told nothing: `servfail`, and what more is known of it.
fn trouble(lookup: &Lookup) -> String {
    let detail = lookup.detail.as_ref().map(|d| format!(", {d}")).unwrap_or_default();
    let at = if lookup.resolver.is_empty() { String::new() } else { format!(" at {}", lookup.resolver) };
    format!("{}{detail}{at}", lookup.status)
}

/// Of several resolvers' answers to one question the one that tells most.
pub fn telling(lookups: Vec<Lookup>) -> Option<Lookup> {
    lookups.into_iter().min_by_key(|l| match l.status {
        Status::Found => 0,
        s if s.is_none() => 1,
        _ => 2,
    })
}
