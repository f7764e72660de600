//! A scenario from start to verdict: servers up, the check over real sockets, what came of it against
//! what the file expects.

use std::net::SocketAddr;

use super::shown::holds;
use super::{Expected, Lab, LabFault, RunningLab, Scenario, expand};
use crate::evidence::Evidence;
use crate::judge::receivers::{MAX_ASKED, Prediction, Selection, questions};
use crate::judge::{Check, Code, judge};
use crate::observe::{Dns, Further, Observer, Options, Request};
use crate::smtp::ServerRecord;
use crate::target::Target;

/// What came of a scenario.
#[derive(Debug)]
pub struct Outcome {
    /// One a client identity.
    pub evidence: Vec<Evidence>,
    /// What the peers heard, a connection each.
    pub heard: Vec<ServerRecord>,
    /// What was dialled, as it would be typed.
    pub target: Option<String>,
    /// Where the peers listened, in the scenario's order.
    pub peers: Vec<SocketAddr>,
}

impl Lab {
    /// Starts a scenario, runs its check, stops it.
    pub async fn run(scenario: &Scenario) -> Result<Outcome, LabFault> {
        let running = Self::start(scenario).await?;
        let evidence = running.observe(scenario).await?;
        Ok(Outcome { evidence, heard: running.heard(), target: running.target.clone(), peers: running.peers() })
    }
}

impl RunningLab {
    /// The scenario's check, over the lab's sockets.
    pub async fn observe(&self, scenario: &Scenario) -> Result<Vec<Evidence>, LabFault> {
        let broken = |what: String| LabFault::Scenario { name: scenario.name.clone(), what };
        let target = |text: &String| Target::parse(text, None).map_err(|e| broken(e.to_string()));
        let options = Options {
            timeout: self.timeout,
            connect_timeout: self.connect_timeout,
            helo_as: Some("probe.example.net".into()),
            tls: self.tls,
            source: self.source,
            family: self.family,
            further: Some(Further::new(|evidence| questions(evidence, &Selection::All, MAX_ASKED))),
            controls: self.controls.iter().map(target).collect::<Result<_, _>>()?,
            ..Options::default()
        };
        let request = Request {
            target: self.target.as_ref().map(target).transpose()?,
            ips: self.ips.clone(),
            ehlo: self.ehlo.clone(),
            ..Request::default()
        };
        let dns = Dns::each_of(&self.resolvers, self.per_try);
        let observer = Observer::new(dns, options).map_err(|e| broken(e.to_string()))?;
        Ok(observer.observe(&request).await)
    }
}

/// What a scenario writes for a prediction: `450 4.7.25`, a filter's total, `accept` or `not predicted`.
fn answered(check: &Check, name: &str) -> String {
    let is = |receiver: &str, rule: &str| name.split_once('/') == Some((receiver, rule));
    if check.not_predicted.iter().any(|n| is(&n.receiver, &n.rule)) {
        return "not predicted".into();
    }
    let Some(prediction) = check.receivers.iter().find(|p| is(&p.receiver, &p.rule)) else {
        return "no rule of this name".into();
    };
    match prediction {
        Prediction { score: Some(score), .. } => score.to_string(),
        Prediction { reply: Some(reply), .. } => reply.to_string(),
        Prediction { outcome, .. } => outcome.to_string(),
    }
}

impl Outcome {
    /// The verdicts on the evidence.
    pub fn checks(&self) -> Vec<Check> {
        self.evidence.iter().map(judge).collect()
    }

    /// Where the verdicts are not what the scenario's file expects, in words.
    pub fn differences(&self, scenario: &Scenario) -> Vec<String> {
        let checks = self.checks();
        let mut differences = Vec::new();
        if checks.len() != scenario.expect.len() {
            differences.push(format!("{} checks, not {}", checks.len(), scenario.expect.len()));
        }
        for ((evidence, check), expected) in self.evidence.iter().zip(&checks).zip(&scenario.expect) {
            let mut compare = |what: &str, is: String, want: String| {
                if is != want {
                    differences.push(format!("{what} is {is}, not {want}"));
                }
            };
            let Check { agreement, iprev, findings, .. } = check;
            compare("verdict", format!("{:?}", agreement.verdict), format!("{:?}", expected.verdict));
            for (what, edge, want) in [
                ("ehlo_ptr", &agreement.ehlo_ptr, expected.ehlo_ptr),
                ("ptr_forward", &agreement.ptr_forward, expected.ptr_forward),
                ("ehlo_forward", &agreement.ehlo_forward, expected.ehlo_forward),
            ] {
                compare(what, format!("{:?} ({})", edge.state, edge.because), format!("{want:?} ({})", edge.because));
            }
            compare("iprev", format!("{iprev:?}"), format!("{:?}", expected.iprev));
            let codes = |mut codes: Vec<Code>| {
                codes.sort();
                codes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            };
            compare("findings", codes(findings.iter().map(|f| f.code).collect()), codes(expected.findings.clone()));
            for (rule, want) in &expected.receivers {
                compare(rule, answered(check, rule), want.clone());
            }
            differences.extend(self.not_shown(evidence, check, expected));
        }
        differences
    }

    fn not_shown(&self, evidence: &Evidence, check: &Check, expected: &Expected) -> Vec<String> {
        let mut whole = serde_json::to_value(check).unwrap_or_default();
        whole["evidence"] = serde_json::to_value(evidence).unwrap_or_default();
        let held = expected.shows.iter().map(|(path, text)| holds(&whole, path, &expand(text, &self.peers)));
        held.filter_map(Result::err).map(|why| format!("{why}: it is not shown")).collect()
    }
}
