//! The records that a remedy prints are the records that repair: for every scenario whose remedy needs
//! records alone, they are published (and the old ones withdrawn) in the scenario's zone, and the same
//! check agrees.

#![allow(clippy::unwrap_used, reason = "a test may")]

use futures_util::{StreamExt, stream};
use smtp_preflight::judge::{Check, EdgeState, Remedy, Verdict};
use smtp_preflight::lab::{Lab, Scenario};

/// Scenarios at once: most of their time is waiting.
const AT_ONCE: usize = 12;

/// A zone line as the lab's text has it: its own origin, so that it lies in whatever zone holds it.
fn published(zone: &str, remedy: &Remedy, origins: &[String]) -> String {
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

/// A scenario with its placeholders filled, so that its text can be edited as a zone file is.
fn filled(scenario: &Scenario, check: &Check) -> Scenario {
    let mut scenario = scenario.clone();
    let Some(address) = check.target.address else { return scenario };
    let reverse = smtp_preflight::dns::reverse_name(address);
    let zone = reverse.split_once('.').unwrap().1.to_owned();
    for dns in &mut scenario.dns {
        dns.zone = dns
            .zone
            .replace("{ip}", &address.to_string())
            .replace("{reverse}", &reverse)
            .replace("{reverse_zone}", &zone);
    }
    scenario
}

fn origins(zone: &str) -> Vec<String> {
    zone.lines().filter_map(|l| l.trim().strip_prefix("$ORIGIN ")).map(|o| o.trim().to_owned()).collect()
}

/// Runs a scenario, publishes what its remedy prints, runs it again; the name where that was a repair.
async fn repaired(scenario: Scenario) -> Option<String> {
    // Several resolvers and faults are not for a zone's holder to repair.
    let repairable = scenario.dns.len() == 1 && scenario.dns[0].fault.is_empty() && scenario.expect.len() == 1;
    if !repairable || scenario.expect[0].verdict != Verdict::Differ {
        return None;
    }
    let before = Lab::run(&scenario).await.unwrap().checks().remove(0);
    let remedy = before.remedy.clone().filter(|r| r.by_records_alone)?;
    let mut after = filled(&scenario, &before);
    let zones = origins(&after.dns[0].zone);
    after.dns[0].zone = published(&after.dns[0].zone, &remedy, &zones);
    let check = Lab::run(&after).await.unwrap().checks().remove(0);
    let (steps, agreement, zone) = (&remedy.steps, &check.agreement, &after.dns[0].zone);
    assert_eq!(agreement.verdict, Verdict::Agree, "{}: {steps:#?}\n{agreement:#?}\n{zone}", scenario.name);
    assert_eq!(agreement.ptr_forward.state, EdgeState::Agree);
    Some(scenario.name)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_printed_records_make_every_repairable_scenario_agree() {
    let scenarios = stream::iter(Lab::scenarios().map(Result::unwrap));
    let repaired: Vec<Option<String>> = scenarios.map(repaired).buffer_unordered(AT_ONCE).collect().await;
    let repaired: Vec<String> = repaired.into_iter().flatten().collect();
    let wanted =
        ["ptr-missing", "ptr-unconfirmed", "ehlo-differs-from-ptr", "ehlo-unresolvable", "ptr-missing-behind-alias"];
    for name in wanted {
        assert!(repaired.iter().any(|r| r == name), "{name} was not repaired; only {repaired:?}");
    }
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
