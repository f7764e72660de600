//! What a round trip came to, line by line, for every format that is read by people. Every text is cleaned.

use crate::bounce::{Hop, RdnsState};
use crate::desk::{Outcome, Roundtrip};
use crate::evidence::Sending;
use crate::judge::{BothSides, Sides, Verdict};
use crate::report::cells::verdict_words;
use crate::report::clean::clean_bounded;

/// Characters shown of a name or a reply.
const MAX: usize = 300;
/// Hops shown.
const HOPS: usize = 10;

pub(super) fn short(text: &str) -> String {
    clean_bounded(text, MAX).into_owned()
}

/// The relay and what came of it.
pub(super) fn title(roundtrip: &Roundtrip) -> String {
    let relay = roundtrip.sending.as_ref().map(|s| s.relay.clone());
    let relay = relay.or_else(|| roundtrip.greeting.as_ref().map(|g| g.target.input.clone())).unwrap_or_default();
    match &roundtrip.arrival {
        Some(arrival) => format!("{} sends from {}", short(&relay), arrival.session.client.ip()),
        None => short(&relay),
    }
}

/// The verdict in capitals: of the sending side, which receivers judge.
pub(super) fn verdict(roundtrip: &Roundtrip) -> (&'static str, Verdict) {
    match (roundtrip.outcome, roundtrip.arrival.as_ref().and_then(|a| a.check.as_ref())) {
        (Outcome::Arrived, Some(check)) => (verdict_words(check.agreement.verdict), check.agreement.verdict),
        (Outcome::Arrived, None) => ("NOT JUDGED", Verdict::Unknown),
        (Outcome::NotArrived, _) => ("DID NOT ARRIVE", Verdict::Unknown),
        (Outcome::NotSent, _) => ("NOT SENT", Verdict::Unknown),
    }
}

/// The rows of the comparison: what, greeting, sending, sign.
pub(super) fn rows(comparison: &BothSides) -> Vec<[String; 4]> {
    let row = |what: &str, sides: &Sides| {
        let text = |side: &Option<String>| side.as_deref().map_or_else(|| "not known".into(), short);
        let sign = match sides.same {
            Some(true) => "✓ same",
            Some(false) => "✗ differs",
            None => "? unknown",
        };
        [what.to_owned(), text(&sides.greeting), text(&sides.sending), sign.to_owned()]
    };
    vec![
        row("EHLO name", &comparison.name),
        row("address", &comparison.address),
        row("TLS", &comparison.tls),
        row("verdict", &comparison.verdict),
    ]
}

/// The message's way: how it was handed over, when it came, by which hops.
pub(super) fn way(roundtrip: &Roundtrip) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if let Some(sending) = &roundtrip.sending {
        lines.push((if sending.accepted { "Handed over" } else { "Dialled" }, handed_over(sending)));
    }
    if let Some(took) = roundtrip.took_ms {
        lines.push(("Arrived", format!("{:.1} s later", took / 1000.0)));
    }
    for (place, hop) in roundtrip.hops.iter().take(HOPS).enumerate() {
        lines.push((if place == 0 { "Received" } else { "" }, hop_words(hop)));
    }
    if !roundtrip.others.is_empty() {
        lines.push(("Others", format!("{} connections that did not bring it", roundtrip.others.len())));
    }
    lines
}

fn handed_over(sending: &Sending) -> String {
    let to = if sending.accepted { "to " } else { "" };
    let mut parts = vec![format!("{to}{}", short(&sending.relay))];
    if let Some(tls) = &sending.tls {
        parts.push(short(&tls.version));
    }
    if sending.authenticated {
        parts.push("logged in".into());
    }
    // A reply to something before the fault says nothing of it.
    let last = if sending.accepted { sending.stages.last() } else { sending.refusal() };
    if let Some(last) = last {
        let enhanced = last.enhanced.as_ref().map(|e| format!(" {}", short(e))).unwrap_or_default();
        parts.push(format!("{}{enhanced} {}", last.code, short(&last.text)));
    }
    // Most relays name it in the reply just told.
    let told = |id: &str| last.is_some_and(|l| l.text.contains(id));
    if let Some(id) = sending.queue_id.as_ref().filter(|id| !told(id)) {
        parts.push(format!("queued as {}", short(id)));
    }
    parts.join(" · ")
}

fn hop_words(hop: &Hop) -> String {
    let by = hop.by.as_deref().map_or_else(|| "an unnamed host".into(), short);
    let mut parts = Vec::new();
    match (&hop.ip, &hop.ehlo) {
        (None, None) => parts.push(format!("{by} made it")),
        (ip, ehlo) => {
            let ip = ip.map(|ip| format!(" [{ip}]")).unwrap_or_default();
            let ehlo = ehlo.as_deref().map_or_else(|| "(no name)".into(), short);
            parts.push(format!("{by} had it of {ehlo}{ip}"));
        }
    }
    match (&hop.rdns, hop.rdns_state) {
        (Some(name), _) => parts.push(format!("known to it as {}", short(name))),
        (None, RdnsState::Unknown) => parts.push("unknown to it".into()),
        _ => {}
    }
    if let Some(tls) = &hop.tls {
        parts.push(if tls == "yes" { "TLS".into() } else { short(tls) });
    }
    parts.join(" · ")
}
