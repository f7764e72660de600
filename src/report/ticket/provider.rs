//! The letter to whoever holds the reverse zone: which addresses, which names, whether the forward records stand,
//! and what was seen.

use super::request::{ForwardRecord, Request, Why};
use crate::report::letter::Letter;

/// Stands for a name that nobody has said.
const GAP: &str = "NAME";

/// One letter for the requests that go to one holder.
pub(super) fn letter(requests: &[Request]) -> String {
    let (many, subject) = match requests {
        [one] => (false, subject(one)),
        _ => (true, format!("Reverse DNS (PTR) for {} addresses", requests.len())),
    };
    let mut letter = Letter::new(Some(&subject));
    opening(&mut letter, requests, many);
    asked(&mut letter, requests);
    forward(&mut letter, requests);
    if let Some(zone) = requests.iter().find_map(|r| r.alias_zone.as_ref()) {
        letter.paragraph(&format!(
            "The reverse names are aliases (CNAME) into the zone {zone}, so that the change is made there, not in the \
             zone above it (RFC 2317). If that zone is delegated to us, please tell us, and we make the change."
        ));
    } else if let Some(zone) = requests.iter().find_map(|r| r.undelegated.as_ref()) {
        letter.paragraph(&format!(
            "The address block has no reverse zone: the zone {zone} above it knows of none. Please have it delegated \
             first, by the registry that gave out the block."
        ));
    } else if requests.iter().any(|r| !r.zone_seen) {
        letter.paragraph("If the reverse zone is delegated to us, please tell us the zone, and we make the change.");
    }
    let mut facts: Vec<(String, String)> = Vec::new();
    for fact in requests.iter().flat_map(|r| &r.facts) {
        if !facts.contains(fact) {
            facts.push(fact.clone());
        }
    }
    letter.facts("What we see today:", &facts);
    letter.when_done();
    letter.paragraph("Thank you.");
    letter.finish()
}

fn subject(request: &Request) -> String {
    let Request { ip, name, .. } = request;
    match name {
        Some(name) if request.is_tidy() => format!("Reverse DNS (PTR) for {ip}: please keep {name} only"),
        Some(name) => format!("Reverse DNS (PTR) for {ip}: please set to {name}"),
        None => format!("Reverse DNS (PTR) for {ip}"),
    }
}

fn opening(letter: &mut Letter, requests: &[Request], many: bool) {
    let (from, they) = match requests {
        [one] => (format!("our mail server sends from {}.", one.ip), "that address"),
        _ => (format!("our mail servers send from the {} addresses below.", requests.len()), "them"),
    };
    let told = match requests.first().map(|r| &r.why) {
        Some(Why::TooMany(names)) if !many => format!(
            "It has {names} reverse names. Receiving mail servers look at one of them or at the first few, and may not \
             meet the right one."
        ),
        Some(Why::TooMany(_)) => "Each has many reverse names. Receiving mail servers look at one of them or at the \
                                  first few, and may not meet the right one."
            .to_owned(),
        Some(Why::Strays) => format!(
            "Some of {} reverse names do not lead back to {}. Receiving mail servers that look at one name only may \
             meet a wrong one.",
            if many { "their" } else { "its" },
            if many { "their address" } else { "it" }
        ),
        _ if many && requests.iter().any(|r| matches!(r.why, Why::Refused(_))) => {
            format!(
                "Receiving mail servers look {they} up in the DNS and refuse mail where an address has no name \
                     that leads back to it. That is so for: {}.",
                refused(requests)
            )
        }
        Some(Why::Refused(because)) => {
            format!("Receiving mail servers look {they} up in the DNS, and many refuse our mail, because {because}.")
        }
        Some(Why::NotOurs(because)) if !many => {
            format!("Its reverse DNS does not name our server: {because}. Mail filters compare the two.")
        }
        _ => "Their reverse DNS does not name our servers. Mail filters compare the two.".to_owned(),
    };
    letter.paragraph(&format!("{from} {told}"));
}

fn refused(requests: &[Request]) -> String {
    let all = requests.iter().filter(|r| matches!(r.why, Why::Refused(_))).map(|r| r.ip.to_string());
    all.collect::<Vec<_>>().join(", ")
}

fn asked(letter: &mut Letter, requests: &[Request]) {
    let withdraw: Vec<String> = requests.iter().flat_map(|r| r.withdraw.iter().cloned()).collect();
    if requests.iter().all(Request::is_tidy) {
        let kept = match requests {
            [one] => format!("Please keep the PTR to {}, and remove:", one.name.as_deref().unwrap_or(GAP)),
            _ => "Please remove these PTR records, and keep the others of the addresses:".to_owned(),
        };
        letter.paragraph(&kept);
        letter.records(&withdraw);
        return;
    }
    if let [one] = requests {
        letter.paragraph(&format!(
            "Please set the reverse DNS (PTR) of {} to {}:",
            one.ip,
            one.name.as_deref().map_or_else(|| format!("the full name of our mail server, {GAP}"), str::to_owned)
        ));
    } else {
        letter.paragraph("Please set the reverse DNS (PTR) of each address to the name beside it:");
        let beside = |r: &Request| format!("{}  {}", r.ip, r.name.as_deref().unwrap_or(GAP));
        letter.records(&requests.iter().map(beside).collect::<Vec<_>>());
        letter.paragraph("that is, as zone lines:");
    }
    let lines: Vec<String> = requests.iter().flat_map(lines).collect();
    letter.records(&lines);
    if !withdraw.is_empty() {
        letter.paragraph("and remove what stands there now:");
        letter.records(&withdraw);
    }
}

/// The PTR's zone lines; where no name is known, with the gap in it.
fn lines(request: &Request) -> Vec<String> {
    if request.publish.is_empty() && request.name.is_none() {
        let owner = request.owner.clone();
        return vec![format!("{owner}. IN PTR {GAP}.")];
    }
    request.publish.clone()
}

fn forward(letter: &mut Letter, requests: &[Request]) {
    let named = requests.iter().filter(|r| !r.is_tidy()).filter_map(|r| Some((r, r.name.as_ref()?)));
    let of = |test: &dyn Fn(&ForwardRecord) -> bool| -> Vec<String> {
        named.clone().filter(|(r, _)| test(&r.forward)).map(|(r, n)| format!("{n} has {} {}", kind(r), r.ip)).collect()
    };
    let stand = of(&|f| matches!(f, ForwardRecord::InPlace));
    if !stand.is_empty() {
        let (is, list) = (if stand.len() == 1 { "record is" } else { "records are" }, stand.join(", "));
        letter.paragraph(&format!("The forward {is} in place: {list}."));
    }
    let coming: Vec<String> = requests
        .iter()
        .filter_map(|r| if let ForwardRecord::Coming(lines) = &r.forward { Some(lines.clone()) } else { None })
        .flatten()
        .collect();
    if !coming.is_empty() {
        letter.paragraph("The forward record is not in place yet; we publish it before the PTR is set:");
        letter.records(&coming);
    }
    for (request, name) in named.clone().filter(|(r, _)| matches!(r.forward, ForwardRecord::Unseen)) {
        letter.paragraph(&format!(
            "Whether the forward record is in place could not be looked up ({} of {name}); we make sure of it before \
             the PTR is set.",
            kind(request)
        ));
    }
}

fn kind(request: &Request) -> &'static str {
    if request.ip.is_ipv6() { "AAAA" } else { "A" }
}
