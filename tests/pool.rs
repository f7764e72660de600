//! Many questions and many addresses: waiting for a turn costs no question its time and no address its answer.

#![expect(clippy::disallowed_methods, reason = "the test measures time")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::net::IpAddr;
use std::time::Duration;

use smtp_preflight::dns::{Question, RecordType, Status};
use smtp_preflight::judge::{Iprev, Verdict, judge};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};
use smtp_preflight::observe::{Dns, Observer, Options, Request};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A resolver that answers everything, late, with a PTR and an address for each of 203.0.113.0/28.
async fn slow_world(delay_ms: u64, faults: &str) -> RunningLab {
    let lines = |line: fn(u8) -> String| (0..16).map(line).collect::<String>();
    let addresses = lines(|n| format!("mail A 203.0.113.{n}\n"));
    let names = lines(|n| format!("{n} PTR mail.example.net.\n"));
    let zone = format!("$ORIGIN example.net.\n{addresses}$ORIGIN 113.0.203.in-addr.arpa.\n{names}");
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 0\ndelay_ms = {delay_ms}\n[check]\nip = ['203.0.113.1']\n[[dns]]\n\
         zone = '''\n{zone}'''\n{faults}\n[[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\n\
         ehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    Lab::start(&Scenario::parse("slow", &text).unwrap()).await.unwrap()
}

fn pool() -> Request {
    let ips = (0..16).map(|n| IpAddr::from([203, 0, 113, n])).collect();
    Request { ips, ehlo: Some("mail.example.net".into()), ..Request::default() }
}

/// Five rounds of what may be on the wire at once, and a try may last for a good three of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_in_the_queue_is_not_timed_out() {
    let lab = slow_world(250, "").await;
    let dns = Dns::each_of(&lab.resolvers, Duration::from_millis(900));
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut asked = JoinSet::new();
    for n in 0..1280 {
        let dns = dns.clone();
        asked.spawn(async move {
            dns.ask(&Question::new(&format!("host-{n}.example.net"), RecordType::A), deadline).await.remove(0)
        });
    }
    let answers = asked.join_all().await;
    let failed: Vec<_> =
        answers.iter().filter(|l| l.status != Status::Nxdomain || !l.failed_tries.is_empty()).collect();
    assert_eq!(answers.len(), 1280);
    assert!(failed.is_empty(), "{} of 1280, the first {:?}", failed.len(), failed[0]);
}

/// Sixteen addresses, two at once: the whole takes longer than one may.
#[tokio::test]
async fn each_address_of_a_pool_has_the_time_of_its_own() {
    let lab = slow_world(100, "").await;
    let timeout = Duration::from_millis(900);
    let options = Options { timeout, identities_at_once: 2, ..Options::default() };
    let observer = Observer::new(Dns::each_of(&lab.resolvers, timeout), options).unwrap();
    let begun = Instant::now();
    let evidence = observer.observe(&pool()).await;
    assert!(begun.elapsed() > timeout, "two at once: {:?}", begun.elapsed());
    let ips: Vec<IpAddr> = evidence.iter().filter_map(|e| e.client.ip).collect();
    assert_eq!(ips, pool().ips, "in the order given");
    for check in evidence.iter().map(judge) {
        assert_eq!(check.agreement.verdict, Verdict::Agree, "{:?}", check.agreement);
    }
}

/// The first address's time is over when the shared name is asked for; the others ask for themselves.
#[tokio::test]
async fn one_address_out_of_time_does_not_cut_the_others_answers() {
    let slow = "[[dns.fault]]\nname = '0.113.0.203.in-addr.arpa.'\ntype = 'PTR'\nfault = 'delay'\ndelay_ms = 350\n\
                [[dns.fault]]\nname = 'mail.example.net.'\nfault = 'silence'\nfirst = 4";
    let lab = slow_world(10, slow).await;
    let timeout = Duration::from_millis(500);
    let options = Options { timeout, identities_at_once: 1, ..Options::default() };
    let observer = Observer::new(Dns::each_of(&lab.resolvers, timeout), options).unwrap();
    let mut request = pool();
    request.ehlo = None;
    let iprev: Vec<_> = observer.observe(&request).await.iter().map(|e| judge(e).iprev).collect();
    assert_eq!(iprev[0], Iprev::Temperror);
    assert!(iprev[2..].iter().all(|i| *i == Iprev::Pass), "{iprev:?}");
}
