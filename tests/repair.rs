//! What a remedy prints repairs: for every scenario that differs, the records are published (and the old ones
//! withdrawn) in the scenario's zone, the server says the name that the EHLO step gives, and the same check
//! agrees. Which scenarios records alone repair is held, and of every other one why they do not.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(clippy::disallowed_macros, reason = "the test prints its count")]

mod zone_edit;

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use smtp_preflight::judge::{Check, EdgeState, Side, Verdict};
use smtp_preflight::lab::{Lab, Scenario};
use zone_edit::{filled, origins, published};

/// Scenarios at once: most of their time is waiting.
const AT_ONCE: usize = 12;

/// Why a scenario that differs is not repaired by records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// The server must say another name: a setting.
    Setting,
    /// No name is known that all three could share; somebody must choose one.
    NoName,
    /// The name to be shared or the PTR could not be looked up, so that nothing is printed about it.
    NotSeen,
    /// Name servers fail or disagree: what is published is not what stands in the way.
    NameServers,
    /// No address is known, hence no PTR to speak of.
    NoAddress,
}

/// The first reason that holds, in this order; `None` where records alone repair it.
fn why(scenario: &Scenario, checks: &[Check]) -> Option<Why> {
    let differing = || checks.iter().filter(|c| c.agreement.verdict == Verdict::Differ);
    if differing().any(|c| c.client.ip.is_none()) {
        return Some(Why::NoAddress);
    }
    let remedies = || differing().filter_map(|c| c.remedy.as_ref());
    if remedies().any(|r| r.steps.iter().any(|s| s.side == Side::Ehlo)) {
        return Some(Why::Setting);
    }
    if remedies().any(|r| r.name.is_none()) {
        return Some(Why::NoName);
    }
    if scenario.dns.len() != 1 || !scenario.dns[0].fault.is_empty() || scenario.dns[0].closed {
        return Some(Why::NameServers);
    }
    differing().any(|c| c.remedy.as_ref().is_none_or(|r| !r.by_records_alone)).then_some(Why::NotSeen)
}

/// Runs a scenario that differs, publishes what its remedies print, and runs it again.
async fn repaired(scenario: Scenario) -> Option<(String, Option<Why>)> {
    let before = Lab::run(&scenario).await.unwrap().checks();
    if before.iter().all(|c| c.agreement.verdict != Verdict::Differ) {
        return None;
    }
    if let Some(why) = why(&scenario, &before) {
        return Some((scenario.name, Some(why)));
    }
    let mut after = filled(&scenario, &before);
    for check in before.iter().filter(|c| c.agreement.verdict == Verdict::Differ) {
        let zones = origins(&after.dns[0].zone);
        after.dns[0].zone = published(&after.dns[0].zone, check.remedy.as_ref().unwrap(), &zones);
    }
    for check in Lab::run(&after).await.unwrap().checks() {
        let (agreement, zone) = (&check.agreement, &after.dns[0].zone);
        assert_eq!(agreement.verdict, Verdict::Agree, "{}: {agreement:#?}\n{zone}", scenario.name);
        assert_eq!(agreement.ptr_forward.state, EdgeState::Agree);
    }
    Some((scenario.name, None))
}

/// Every scenario that differs and is not repaired by records, and why. What is in no list fails the test.
const NOT_BY_RECORDS: [(Why, &[&str]); 2] = [
    (
        Why::Setting,
        &[
            "absolute-names-only",
            "ehlo-bare-address",
            "ehlo-elsewhere",
            "ehlo-invalid",
            "ehlo-literal",
            "ehlo-literal-differs",
            "ehlo-literal-untagged",
            "ehlo-localhost",
            "ehlo-mx-only",
            "ehlo-no-name",
            "ehlo-private-domain",
            "ehlo-servfail",
            "ehlo-single-label",
            "ehlo-too-long",
            "ehlo-unresolvable",
        ],
    ),
    (Why::NoName, &["target-many-addresses"]),
];

/// How many are repaired; a scenario that differs is here or in the list above.
const REPAIRED: usize = 13;

/// How many of those with [`Why::Setting`] name the name that the server shall say, in zones that answer.
const REPAIRED_BY_SETTING: usize = 14;

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_records_make_every_repairable_scenario_agree() {
    let scenarios = stream::iter(Lab::scenarios().map(Result::unwrap));
    let outcomes: Vec<_> = scenarios.map(repaired).buffer_unordered(AT_ONCE).collect().await;
    let mut left: BTreeMap<Why, Vec<String>> = BTreeMap::new();
    let mut done: Vec<String> = Vec::new();
    for (name, why) in outcomes.into_iter().flatten() {
        match why {
            Some(why) => left.entry(why).or_default().push(name),
            None => done.push(name),
        }
    }
    done.sort();
    for names in left.values_mut() {
        names.sort();
    }
    println!("{} scenarios repaired by records: {done:?}", done.len());
    println!("not by records: {left:#?}");
    let known: BTreeMap<Why, Vec<String>> =
        NOT_BY_RECORDS.iter().map(|(why, names)| (*why, names.iter().map(|n| (*n).to_owned()).collect())).collect();
    assert_eq!(left, known, "the list of what records cannot repair");
    assert_eq!(done.len(), REPAIRED, "{done:?}");
}

/// Where settings must change, the remedy says so, and the last step is to check again.
#[tokio::test(flavor = "multi_thread")]
async fn every_differing_scenario_has_a_remedy_that_ends_in_a_check() {
    let outcomes: Vec<(Scenario, Vec<Check>)> = stream::iter(Lab::scenarios().map(Result::unwrap))
        .map(|scenario| async {
            let checks = Lab::run(&scenario).await.unwrap().checks();
            (scenario, checks)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (scenario, checks) in outcomes {
        for check in checks {
            if check.agreement.verdict != Verdict::Differ || check.client.ip.is_none() {
                continue;
            }
            let remedy = check.remedy.as_ref().unwrap_or_else(|| panic!("{} has no remedy", scenario.name));
            let last = remedy.steps.last().unwrap();
            assert!(last.how[0].starts_with("smtp-preflight check --ip "), "{}", scenario.name);
            assert!(remedy.steps.len() >= 2, "{}", scenario.name);
            for step in &remedy.steps {
                assert!(!step.who.is_empty() && step.action.ends_with('.'), "{}: {step:?}", scenario.name);
            }
        }
    }
}

/// What each remedy of a scenario asks for is done: records, and the name that the server says.
async fn followed(scenario: &Scenario, before: &[Check]) -> Option<Vec<Check>> {
    let mut after = filled(scenario, before);
    let mut checks = Vec::new();
    for check in before.iter().filter(|c| c.agreement.verdict == Verdict::Differ) {
        let remedy = check.remedy.as_ref()?;
        let mut plan = after.clone();
        plan.check.target = None;
        plan.check.no_connect = true;
        plan.check.ip = vec![check.client.ip?.to_string()];
        plan.check.ehlo = Some(remedy.name.clone()?);
        plan.peer.clear();
        let zones = origins(&after.dns[0].zone);
        after.dns[0].zone = published(&after.dns[0].zone, remedy, &zones);
        plan.dns[0].zone.clone_from(&after.dns[0].zone);
        checks.extend(Lab::run(&plan).await.unwrap().checks());
    }
    Some(checks)
}

/// Scenarios whose remedy ends with the server saying another name.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_the_name_of_its_remedy_agrees() {
    let outcomes: Vec<Option<(String, Vec<Check>)>> = stream::iter(Lab::scenarios().map(Result::unwrap))
        .map(|scenario| async move {
            let before = Lab::run(&scenario).await.unwrap().checks();
            // A name server that fails goes on failing: nobody is told to mend it by a record.
            if why(&scenario, &before) != Some(Why::Setting) || !scenario.dns[0].fault.is_empty() {
                return None;
            }
            followed(&scenario, &before).await.map(|after| (scenario.name, after))
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut done = 0;
    for (name, after) in outcomes.into_iter().flatten() {
        for check in after {
            assert_eq!(check.agreement.verdict, Verdict::Agree, "{name}: {:#?}", check.agreement);
        }
        done += 1;
    }
    println!("{done} scenarios repaired by the server's setting");
    assert_eq!(done, REPAIRED_BY_SETTING);
}
