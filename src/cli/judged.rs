//! From evidence to what is printed of it, as far as that needs no other check: done beside the checks in flight.

use super::args::CheckArgs;
use super::exit::{FailOn, Tally};
use crate::evidence::{Client, Dialogue, EhloSource, Evidence, Fault, FaultKind, IpSource, TargetSeen};
use crate::judge::receivers::Selection;
use crate::judge::{Check, Summary, judge_for};
use crate::observe::Request;
use crate::report::{self, Format};
use crate::smtp::Phase;
use crate::target::Host;

/// How to judge, and what to keep.
#[derive(Clone, Debug)]
pub(super) struct Judging {
    receivers: Selection,
    fail_on: FailOn,
    /// A transcript or an evidence file wants it.
    evidence: bool,
    /// Each check is printed as it is, and nobody asks for it again.
    lines: bool,
}

/// A check, judged.
#[derive(Debug)]
pub(super) enum Judged {
    Whole {
        check: Box<Check>,
        /// Where somebody wants it.
        evidence: Option<Box<Evidence>>,
    },
    /// All that is still wanted of it: a check with its receivers takes far more room than its line.
    Line { line: String, counted: Summary, tally: Tally },
}

impl Judging {
    /// As the arguments want it.
    pub(super) fn of(args: &CheckArgs) -> Self {
        let evidence = args.verbose || args.save.is_some();
        let ndjson = args.format == Some(Format::Ndjson) && args.ticket.is_none() && args.baseline.baseline.is_none();
        Self {
            receivers: args.receivers.clone(),
            fail_on: args.fail_on,
            evidence,
            lines: ndjson && !evidence && !args.watch.on(),
        }
    }

    /// Judges.
    pub(super) fn judge(&self, evidence: Evidence) -> Judged {
        let check = judge_for(&evidence, &self.receivers);
        if self.lines {
            return Judged::Line {
                line: report::check_ndjson(&check),
                counted: Summary::of(&check),
                tally: Tally::of(&check, self.fail_on),
            };
        }
        Judged::Whole { check: Box::new(check), evidence: self.evidence.then(|| Box::new(evidence)) }
    }
}

/// What stands in the place of a check that a defect of ours ended.
pub(super) fn defect(request: &Request, words: &str) -> Evidence {
    let target = request.target.as_ref();
    let dialled = target.and_then(|t| match t.host {
        Host::Address(ip) => Some(ip),
        Host::Name(_) => None,
    });
    let given = request.ips.first().copied();
    let fault = Fault { phase: Phase::Resolve, kind: FaultKind::Defect, detail: words.to_owned() };
    Evidence {
        label: request.label.clone(),
        observed_at: jiff::Timestamp::now().to_string(),
        target: TargetSeen {
            input: target.map(|t| t.input.clone()).or_else(|| given.map(|ip| ip.to_string())).unwrap_or_default(),
            host: target.map(|t| t.host.to_string()),
            address: dialled,
            port: target.map(|t| t.port),
        },
        client: Client {
            ip: given.or(dialled),
            ip_source: given.map(|_| IpSource::Given).or_else(|| dialled.map(|_| IpSource::Dialled)),
            ehlo: request.ehlo.clone(),
            ehlo_source: request.ehlo.as_ref().map(|_| EhloSource::Given),
        },
        smtp: Some(Dialogue { fault: Some(fault), ..Dialogue::default() }),
        lookups: Vec::new(),
        resolvers: Vec::new(),
        resolvers_given: false,
        controls: Vec::new(),
        target_questions: Vec::new(),
        own: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_defect_is_the_result_of_its_check() {
        let request = Request { ips: vec!["192.0.2.1".parse().unwrap()], ..Request::default() };
        let check = judge_for(&defect(&request, "the words of a panic"), &Selection::None);
        let found = check.findings.iter().find(|f| f.code.to_string() == "defect").unwrap();
        assert!(found.detail.contains("the words of a panic"), "{}", found.detail);
        assert_eq!(check.client.ip, Some("192.0.2.1".parse().unwrap()));
    }
}
