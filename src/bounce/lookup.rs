//! The reverse lookup told in other words than "PTR": an address without a name, and a name that leads elsewhere.
//!
//! Input: a sentence of a folded reply. Output: the two places in it that say so.

use super::address::{Quoted, addresses, host_name};
use super::words::{Place, Word, Words, all, first};

/// Octets between a name and whose it is, and between these and the fault.
const NEAR: usize = 48;

/// What comes between words that belong together, and ends that.
const STOPS: [&str; 8] = [", ", ": ", " - ", " but ", "; ", " because ", " (see", " and "];

/// An address to which no name was found: "could not find a host name for 192.0.2.1", "lookup of the name of
/// 192.0.2.1 failed", "192.0.2.1 does not map to any host name".
pub(super) fn nameless(words: &Words, sentence: &str) -> Option<(Place, Place)> {
    let mut objects: Vec<Place> = addresses(sentence).iter().map(|q| (q.start, q.end)).collect();
    objects.extend(all(&words.lookup.object, sentence));
    let faults: Vec<Place> = all(&words.wrong.missing, sentence).collect();
    for name in all(&words.lookup.name, sentence) {
        for object in &objects {
            let (topic, of) = if let Some(gap) = sentence.get(name.1..object.0) {
                ((name.0, object.1), is_of(gap))
            } else if let Some(gap) = sentence.get(object.1..name.0) {
                let verb = leads(words, gap) || leads_on(words, &sentence[..object.0], gap);
                ((object.0, name.1), verb)
            } else {
                continue;
            };
            if !of {
                continue;
            }
            let said = |f: &&Place| {
                let gap = match () {
                    () if f.1 <= topic.0 => &sentence[f.1..topic.0],
                    () if f.0 >= topic.1 => &sentence[topic.1..f.0],
                    () => "",
                };
                gap.len() <= NEAR && !STOPS.iter().any(|s| gap.contains(s)) && first(&words.bound.noun, gap).is_none()
            };
            if let Some(fault) = faults.iter().find(said) {
                return Some((topic, *fault));
            }
        }
    }
    None
}

/// "… for", "… of the IP", "… could be determined for your": words between a name and whose it is.
fn is_of(gap: &str) -> bool {
    gap.len() <= NEAR
        && !STOPS.iter().any(|s| gap.contains(s))
        && gap.split(' ').any(|w| ["for", "of", "to", "from", "fur", "zu", "pour", "de", "para", "of:"].contains(&w))
}

/// "does not map to any": a verb that leads from an address to a name.
fn leads(words: &Words, gap: &str) -> bool {
    gap.len() <= NEAR && !STOPS.iter().any(|s| gap.contains(s)) && first(&words.lookup.by, gap).is_some()
}

/// "resolve 192.0.2.1 to a": the verb stands before the address.
fn leads_on(words: &Words, before: &str, gap: &str) -> bool {
    let verb = before.trim_end().rsplit(' ').next().unwrap_or_default();
    [" to ", " to a ", " into ", " into a ", " to any "].contains(&gap)
        && first(&words.lookup.by, verb).is_some_and(|v| v == (0, verb.len()))
}

/// Where a name leads, when that is not the client: "PTR m.example resolves to 192.0.2.2 instead of 192.0.2.1",
/// "leads to another address". `surely` only by words that mean nothing else, else by "is" and "=" too.
pub(super) fn elsewhere(words: &Words, sentence: &str, surely: bool) -> Option<(Place, Place)> {
    let found = addresses(sentence);
    for lead in all(&words.lookup.leads, sentence) {
        let rest = &sentence[lead.1..];
        if first(&words.lookup.other, rest).is_some_and(|o| o.0 <= 12) {
            return Some((lead, (lead.1, lead.1 + first(&words.lookup.other, rest)?.1)));
        }
        // "… instead of yours", "…, not your address": nothing else is compared.
        if let Some(q) = found.iter().find(|q| q.start >= lead.1 && is_sign(&sentence[lead.1..q.start]))
            && (other_than(&found, q) || is_denied(&sentence[q.end..]))
        {
            return Some((lead, (q.start, q.end)));
        }
    }
    if surely {
        return None;
    }
    let is = |list: &[Word]| all(list, sentence).collect::<Vec<_>>();
    for lead in is(&words.lookup.is).into_iter().chain(sentence.match_indices('=').map(|(at, s)| (at, at + s.len()))) {
        let head = sentence[..lead.0].trim_end_matches([' ', ')', ']']);
        let named = head.rsplit([' ', '(', '[']).next().and_then(host_name).is_some();
        if let Some(q) = found.iter().find(|q| q.start >= lead.1 && is_sign(&sentence[lead.1..q.start]))
            && named
            && other_than(&found, q)
        {
            return Some((lead, (q.start, q.end)));
        }
    }
    None
}

/// "Only hosts that have a name may send; 192.0.2.1 has none": what is missing was named before.
pub(super) fn elliptic(words: &Words, text: &str) -> Option<(Place, Place)> {
    const NONE: [&str; 9] = [
        " has none",
        " have none",
        " has no such",
        " does not",
        " doesnt",
        " hat keinen",
        " hat keine",
        " nen a pas",
        " no tiene",
    ];
    let found = addresses(text);
    NONE.iter().find_map(|none| {
        let (at, _) = text.match_indices(none).find(|(at, w)| {
            let rest = text[at + w.len()..].trim_start_matches('.').trim_start();
            // It ends its sentence: "has none", not "does not accept".
            rest.is_empty() || text[at + w.len()..].starts_with(['.', ',', ';', '!'])
        })?;
        let head = text[..at].trim_end_matches([']', ')']);
        let whose = found.iter().find(|q| q.end == head.len()).map(|q| q.start).or_else(|| {
            let last = ["yours", "your ip", "your server", "your host", "your address", "you", "ihrer", "ihre"];
            last.iter().find(|w| head.strip_suffix(**w).is_some_and(|h| h.ends_with(' '))).map(|w| head.len() - w.len())
        })?;
        let before = text.get(whose.saturating_sub(2 * NEAR)..whose)?;
        let from = whose - before.len();
        let with = ["have", "has", "with", "haben", "mit", "avec", "con"];
        let name = all(&words.lookup.name, before)
            .chain(words.topic.reverse_in(before))
            .find(|n| before[..n.0].split(' ').rev().take(4).any(|w| with.contains(&w)))?;
        Some(((from + name.0, from + name.1), (at + 1, at + none.len())))
    })
}

/// "192.0.2.1 -> m.example -> 192.0.2.2", "for 192.0.2.1 we found m.example, but that leads to 192.0.2.2": a chain
/// that does not come back.
pub(super) fn broken_chain(words: &Words, sentence: &str) -> Option<(Place, Place)> {
    let found = addresses(sentence);
    found.windows(2).find_map(|pair| {
        let [a, b] = pair else { return None };
        let gap = &sentence[a.end..b.start];
        let told = gap.trim_end_matches([' ', '[', '(']);
        let leads = all(&words.lookup.leads, gap).any(|l| l.1 == told.len());
        let named = gap.split([' ', '(', '[', ')', ']', ',', ';']).any(|w| host_name(w).is_some());
        let mut steps = ["->", "=>", "\u{2192}"].iter().filter_map(|arrow| {
            let parts: Vec<&str> = gap.split(arrow).collect();
            (parts.len() == 3 && host_name(parts[1].trim_matches([' ', '[', ']', '(', ')'])).is_some()).then_some(())
        });
        (a.ip != b.ip && (leads && named || steps.next().is_some())).then_some(((a.start, a.end), (b.start, b.end)))
    })
}

fn is_sign(gap: &str) -> bool {
    gap.trim_matches([' ', '[', '(', '<', ':', '=']).is_empty()
}

fn other_than(all: &[Quoted], q: &Quoted) -> bool {
    all.iter().any(|o| o.ip != q.ip)
}

fn is_denied(rest: &str) -> bool {
    let rest = rest.trim_start_matches([']', ')', '>', ' ', ',']);
    ["instead", "rather than", "not ", "and not", "which is not", "statt", "nicht", "au lieu", "en lugar"]
        .iter()
        .any(|w| rest.starts_with(w))
}
