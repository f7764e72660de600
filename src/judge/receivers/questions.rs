//! What to ask the DNS so that every rule can be judged.
//!
//! Pure: given the evidence so far, the questions that are known to be needed and have no answer
//! yet. The observing side asks them in parallel and comes back until there are none: after the PTR
//! for its names, after the EHLO name's MX for the hosts behind it, where the name has no address.
//! Only that last chain can be longer than the agreement's own, by one answer.
//! A question is no longer wanted once another's answer has decided every rule: the MX of an EHLO
//! name that has an address which Postfix counts.

use std::collections::HashSet;

use super::selection::Selection;
use super::world::World;
use super::{opensmtpd, postfix};
use crate::dns::{Question, RecordType, Status, reverse_name, to_labels};
use crate::evidence::Evidence;

/// At most this many PTR names are worth asking for: Exim looks at every one, and an answer over TCP
/// holds some thousand. The other servers need the first.
pub const MAX_NAMES: usize = 1500;

/// A live check asks for this many PTR names: the agreement's ten and a few more. With more of them, a rule
/// that looks at every name is not predicted where none of the first confirms.
pub const MAX_ASKED: usize = 16;

/// At most this many MX hosts are asked for; with more, what rspamd makes of them is not predicted.
const MAX_MX: usize = 32;

/// The questions that the selected receivers' rules need and that the evidence does not answer; of
/// the PTR names the first `max_names`.
pub fn questions(evidence: &Evidence, selection: &Selection, max_names: usize) -> Vec<Question> {
    if *selection == Selection::None {
        return Vec::new();
    }
    let world = World::of(evidence);
    let mut wanted = Vec::new();
    client_names(&world, max_names, &mut wanted);
    ehlo_name(&world, &mut wanted);
    let mut seen = HashSet::new();
    wanted.retain(|question| {
        !world.holds(question) && to_labels(&question.name).is_some() && seen.insert(question.clone())
    });
    wanted
}

fn both_families(name: &str, wanted: &mut Vec<Question>) {
    wanted.extend([RecordType::A, RecordType::Aaaa].map(|kind| Question::new(name, kind)));
}

fn client_names(world: &World<'_>, max_names: usize, wanted: &mut Vec<Question>) {
    let Ok(ip) = world.ip() else { return };
    wanted.push(Question::new(&reverse_name(ip), RecordType::Ptr));
    let Ok(ptr) = world.ptr() else { return };
    if ptr.status != Status::Found {
        return;
    }
    for name in ptr.data.iter().take(max_names) {
        both_families(name, wanted);
    }
    // OpenSMTPD may write a name down in another way than the DNS has it.
    let family = if ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
    wanted.extend(opensmtpd::asked(ptr).take(max_names).map(|name| Question::new(&name, family)));
}

fn ehlo_name(world: &World<'_>, wanted: &mut Vec<Question>) {
    let Ok(said) = world.ehlo() else { return };
    // rspamd looks a name up without the brackets of a literal.
    let name = said.trim().replace(['[', ']'], "");
    if name.is_empty() || name.contains(char::is_whitespace) || name.parse::<std::net::IpAddr>().is_ok() {
        return;
    }
    both_families(&name, wanted);
    let addresses = [RecordType::A, RecordType::Aaaa].map(|kind| world.ask(&name, kind));
    if addresses.iter().flatten().any(postfix::address_counts) {
        return;
    }
    wanted.push(Question::new(&name, RecordType::Mx));
    let has_none = addresses.iter().all(|a| a.as_ref().is_ok_and(|found| found.status != Status::Found));
    if let (true, Ok(mx)) = (has_none, world.ask(&name, RecordType::Mx)) {
        for host in mx.data.iter().map(|data| postfix::mx_host(data)).filter(|h| !h.is_empty()).take(MAX_MX) {
            both_families(host, wanted);
        }
    }
}
