//! The records that a remedy prints, loaded into a real NSD, make the same check agree.
//!
//! Every scenario that records repair (`tests/repair.rs` says which are not, and why) runs again with NSD
//! in the place of the lab's server: with the zones as the scenario has them, then with what that very run
//! printed published and withdrawn.

#![allow(clippy::disallowed_macros, reason = "the test prints its count")]

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt, stream};
use smtp_preflight::judge::{Check, Report, Side, Verdict};
use smtp_preflight::lab::{Lab, Scenario};

use crate::nsd;
use crate::probe::run;
use crate::world::World;
use crate::zone_edit::{filled, origins, published};

/// Scenarios at once: most of their time is waiting.
const AT_ONCE: usize = 12;
/// Servers that the world has addresses for, two a scenario.
const SERVERS: u8 = 60;

/// A scenario to repair: its zones, and what its checks look at.
struct Repairable {
    name: String,
    zone: String,
    ips: Vec<String>,
    /// One request has one EHLO name; servers that each say their own are checked one by one.
    ehlo: Vec<String>,
}

async fn repairable(scenario: Scenario) -> Option<Repairable> {
    let checks = Lab::run(&scenario).await.unwrap().checks();
    let differing: Vec<&Check> = checks.iter().filter(|c| c.agreement.verdict == Verdict::Differ).collect();
    let by_records = |c: &&Check| c.remedy.as_ref().is_some_and(|r| r.by_records_alone);
    let served = scenario.dns.len() == 1 && scenario.dns[0].fault.is_empty();
    if differing.is_empty() || !differing.iter().all(by_records) || !served {
        return None;
    }
    Some(Repairable {
        name: scenario.name.clone(),
        zone: filled(&scenario, &checks).dns[0].zone.clone(),
        ips: checks.iter().filter_map(|c| c.client.ip).map(|ip| ip.to_string()).collect(),
        ehlo: checks.iter().filter_map(|c| c.client.ehlo.clone()).collect(),
    })
}

/// Zone text as NSD's zones: one an origin, each with its SOA, and a root, so that a name in nobody's zone
/// does not exist, as on the Internet.
fn zones(text: &str) -> BTreeMap<String, String> {
    let mut zones: BTreeMap<String, String> = BTreeMap::new();
    let mut apex = String::from(".");
    for line in text.lines() {
        if let Some(origin) = line.trim().strip_prefix("$ORIGIN ") {
            origin.trim().clone_into(&mut apex);
            zones.entry(apex.clone()).or_default();
        } else if !line.trim().is_empty() {
            let zone = zones.entry(apex.clone()).or_default();
            zone.push_str(line);
            zone.push('\n');
        }
    }
    zones.entry(".".into()).or_default();
    zones
}

/// Starts NSD with these zones.
fn serve(world: &mut World, ip: &str, text: &str) {
    let zones: Vec<(String, Option<String>)> = zones(text)
        .into_iter()
        .map(|(apex, records)| {
            let whole = if records.contains(" SOA ") { records } else { nsd::zone(&records) };
            let name = if apex == "." { apex } else { apex.trim_end_matches('.').to_owned() };
            (name, Some(whole))
        })
        .collect();
    let zones: Vec<(&str, Option<String>)> = zones.iter().map(|(a, t)| (a.as_str(), t.clone())).collect();
    nsd::start(world, ip, &zones);
}

/// The same check before and after: by DNS alone, at this server.
fn checks(world: &World, scenario: &Repairable, server: &str) -> Vec<Check> {
    let same = scenario.ehlo.windows(2).all(|w| w[0] == w[1]);
    let mut found = Vec::new();
    let groups: Vec<(Vec<&String>, Option<&String>)> = if same {
        vec![(scenario.ips.iter().collect(), scenario.ehlo.first())]
    } else {
        scenario.ips.iter().zip(&scenario.ehlo).map(|(ip, ehlo)| (vec![ip], Some(ehlo))).collect()
    };
    for (ips, ehlo) in groups {
        let mut arguments = vec!["--no-connect", "--resolver", server, "--format", "json"];
        for ip in ips {
            arguments.extend(["--ip", ip]);
        }
        if let Some(name) = ehlo {
            arguments.extend(["--ehlo", name]);
        }
        let ran = run(world, &arguments);
        let report: Report = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err));
        found.extend(report.checks);
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the servers of .ci/unpack-peers, and root"]
async fn printed_records_in_a_real_zone_make_every_repairable_scenario_agree() {
    let scenarios = stream::iter(Lab::scenarios().map(Result::unwrap));
    let mut repairable: Vec<Repairable> =
        scenarios.map(repairable).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
    repairable.sort_by(|a, b| a.name.cmp(&b.name));
    let addresses: Vec<String> = (1..=SERVERS).map(|n| format!("198.18.53.{n}")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let mut world = World::new(&addresses);
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for (scenario, server) in repairable.iter().zip(addresses.chunks(2)) {
        serve(&mut world, server[0], &scenario.zone);
        let before = checks(&world, scenario, server[0]);
        assert!(before.iter().any(|c| c.agreement.verdict == Verdict::Differ), "{}: {before:#?}", scenario.name);

        let mut zone = scenario.zone.clone();
        for check in before.iter().filter(|c| c.agreement.verdict == Verdict::Differ) {
            let remedy = check.remedy.as_ref().unwrap();
            assert!(remedy.by_records_alone, "{}: {remedy:#?}", scenario.name);
            kinds.insert(if check.client.ip.unwrap().is_ipv6() { "IPv6" } else { "IPv4" });
            let reverse = remedy.steps.iter().find(|s| s.side == Side::Reverse);
            let chain = check.dns.ptr.as_ref().is_some_and(|p| !p.chain.is_empty());
            kinds.extend(reverse.filter(|_| chain).map(|_| "RFC 2317"));
            let known = origins(&zone);
            zone = published(&zone, remedy, &known);
        }
        serve(&mut world, server[1], &zone);
        for check in checks(&world, scenario, server[1]) {
            assert_eq!(check.agreement.verdict, Verdict::Agree, "{}: {check:#?}\n{zone}", scenario.name);
        }
        println!("{}: differ, then agree", scenario.name);
    }
    println!("{} scenarios repaired in NSD, among them {kinds:?}", repairable.len());
    assert_eq!(repairable.len(), 13, "tests/repair.rs counts as many");
    assert_eq!(kinds, BTreeSet::from(["IPv4", "IPv6", "RFC 2317"]));
}
