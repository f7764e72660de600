//! Evidence that may come from a file: a failure's records are not believed, and a large one takes no long time.

#![expect(clippy::disallowed_methods, reason = "the test reads fixtures and the clock")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::time::{Duration, Instant};

use smtp_preflight::dns::{Lookup, Question, RecordType, Status};
use smtp_preflight::evidence::{Evidence, EvidenceFile};
use smtp_preflight::judge::{EdgeState, Iprev, judge};

fn agreeing() -> Evidence {
    let text = include_str!("../fixtures/evidence/agree.json");
    EvidenceFile::from_json(text).unwrap().evidence.remove(0)
}

#[test]
fn records_in_a_failed_answer_are_not_believed() {
    for status in [Status::Nxdomain, Status::Nodata, Status::Servfail, Status::Timeout, Status::NotAsked] {
        let mut evidence = agreeing();
        for lookup in evidence.lookups.iter_mut().filter(|l| l.question.kind == RecordType::Ptr) {
            assert!(!lookup.answers.is_empty());
            lookup.status = status;
        }
        let check = judge(&evidence);
        let want = if status.is_none() { EdgeState::Absent } else { EdgeState::Unknown };
        assert_eq!(check.agreement.ptr_forward.state, want, "{status}");
        assert!(check.dns.ptr.unwrap().names.is_empty() && check.dns.forward.is_empty(), "{status}");

        let mut evidence = agreeing();
        for lookup in evidence.lookups.iter_mut().filter(|l| l.question.kind == RecordType::A) {
            lookup.status = status;
        }
        let check = judge(&evidence);
        assert_ne!(check.iprev, Iprev::Pass, "{status}");
        assert!(check.dns.forward.iter().all(|f| f.addresses.is_empty() && !f.holds_ip), "{status}");
    }
}

#[test]
fn a_second_resolvers_failure_adds_no_records() {
    let mut evidence = agreeing();
    let mut failed = evidence.lookups.iter().find(|l| l.question.kind == RecordType::Ptr).unwrap().clone();
    failed.status = Status::Servfail;
    failed.answers[0].data = "other.example.net".into();
    evidence.lookups.push(failed);
    let names = judge(&evidence).dns.ptr.unwrap().names;
    assert!(!names.contains(&"other.example.net".to_owned()), "{names:?}");
}

#[test]
fn the_time_grows_with_the_lookups_and_no_faster() {
    let mut evidence = agreeing();
    for n in 0..40_000 {
        let question = Question::new(&format!("host-{n}.example.net"), RecordType::A);
        evidence.lookups.push(Lookup::empty(question, "192.0.2.53:53".into(), Status::Nodata, None));
    }
    let begun = Instant::now();
    assert_eq!(judge(&evidence).iprev, Iprev::Pass);
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
