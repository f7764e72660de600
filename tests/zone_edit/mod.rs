//! A scenario's zone text edited as a zone's holder does: what a remedy prints is published and withdrawn.

#![allow(clippy::unwrap_used, reason = "part of a test")]

use smtp_preflight::judge::{Check, Remedy};
use smtp_preflight::lab::Scenario;

/// A zone line as the lab's text has it: its own origin, so that it lies in whatever zone holds it.
pub(crate) fn published(zone: &str, remedy: &Remedy, origins: &[String]) -> String {
    let mut text = zone.to_owned();
    for step in &remedy.steps {
        for gone in &step.withdraw {
            let gone: Vec<&str> = gone.split(' ').collect();
            text = text.lines().filter(|line| !is(line, &gone, origins)).collect::<Vec<_>>().join("\n");
        }
        for line in &step.publish {
            let owner = line.split(' ').next().unwrap();
            let zone = origins.iter().filter(|o| owner.ends_with(o.as_str())).max_by_key(|o| o.len());
            // A name in nobody's zone gets a zone of its own, as its holder would make one.
            let zone = zone.map_or(owner, String::as_str);
            text += &[
                "
$ORIGIN ",
                zone,
                "
",
                line,
                "
",
            ]
            .concat();
        }
    }
    text
}

/// Whether a line of zone text is that record; owners may be relative to the zone or placeholders.
fn is(line: &str, record: &[&str], origins: &[String]) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (Some(owner), Some(data)) = (words.first(), words.last()) else { return false };
    let relative = |o: &&String| format!("{owner}.{o}").eq_ignore_ascii_case(record[0]);
    let same_owner = owner.eq_ignore_ascii_case(record[0]) || origins.iter().any(|o| relative(&o));
    same_owner && words.contains(&record[3]) && data.eq_ignore_ascii_case(record[4])
}

/// A scenario with its placeholders filled, so that its text can be edited as a zone file is. The checks
/// stand in the order of the servers that they dialled.
pub(crate) fn filled(scenario: &Scenario, checks: &[Check]) -> Scenario {
    let mut scenario = scenario.clone();
    for (place, address) in checks.iter().filter_map(|c| c.target.address).enumerate() {
        let number = if place == 0 { String::new() } else { (place + 1).to_string() };
        let reverse = smtp_preflight::dns::reverse_name(address);
        let zone = reverse.split_once('.').unwrap().1.to_owned();
        for dns in &mut scenario.dns {
            dns.zone = dns
                .zone
                .replace(&format!("{{ip{number}}}"), &address.to_string())
                .replace(&format!("{{reverse{number}}}"), &reverse)
                .replace(&format!("{{reverse_zone{number}}}"), &zone);
        }
    }
    scenario
}

pub(crate) fn origins(zone: &str) -> Vec<String> {
    zone.lines().filter_map(|l| l.trim().strip_prefix("$ORIGIN ")).map(|o| o.trim().to_owned()).collect()
}
