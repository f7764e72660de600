//! The DNS side of the identities that clients show, each asked for once in a short while.
//!
//! Limits: what is known is remembered for [`FRESH`], [`OCTETS`] of it, the oldest given up first; more is asked for
//! each time. Of one answer [`RECORDS`] are kept. How many are asked for at once is the caller's ([`super::turns`]).

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::time::Instant;

use crate::dns::Lookup;
use crate::evidence::{EhloSource, Evidence, IpSource};
use crate::observe::{Observer, Request};

/// How long an identity's evidence stands for the next session that shows it.
const FRESH: Duration = Duration::from_mins(1);
/// Octets of evidence that are remembered, as far as they are counted.
const OCTETS: usize = 4 << 20;
/// Records kept of one answer: a client can have its names answered as it likes.
const RECORDS: usize = 64;

type Shown = (IpAddr, String);
type Answer = Shared<BoxFuture<'static, Option<Arc<Evidence>>>>;

/// What is known, or being asked.
pub(super) struct Identities {
    observer: Observer,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    answers: HashMap<Shown, One>,
    /// In the order in which they were asked, so in that in which they grow old.
    order: VecDeque<(Shown, Instant)>,
    octets: usize,
}

struct One {
    answer: Answer,
    since: Instant,
    /// 0 while it is being asked.
    octets: usize,
}

impl Identities {
    pub(super) fn new(observer: Observer) -> Self {
        Self { observer: observer.keeping(RECORDS), known: Mutex::default() }
    }

    /// How long one identity's questions may take.
    pub(super) fn time(&self) -> Duration {
        self.observer.options.timeout
    }

    /// The evidence of one identity; waits for it.
    pub(super) async fn of(&self, ip: IpAddr, ehlo: &str) -> Option<Arc<Evidence>> {
        let shown = (ip, ehlo.to_owned());
        let answer = self.answer(&shown);
        let evidence = answer.clone().await;
        if let Some(evidence) = &evidence {
            self.locked().settle(&shown, &answer, octets(evidence));
        }
        evidence
    }

    fn answer(&self, shown: &Shown) -> Answer {
        let mut known = self.locked();
        let now = Instant::now();
        known.forget(|since| now.duration_since(since) >= FRESH);
        if let Some(one) = known.answers.get(shown) {
            return one.answer.clone();
        }
        let request = Request {
            no_connect: true,
            ips: vec![shown.0],
            ip_source: Some(IpSource::Listened),
            ehlo: Some(shown.1.clone()),
            ehlo_source: Some(EhloSource::Listened),
            ..Request::default()
        };
        let observer = self.observer.clone();
        let asked = async move { observer.observe(&request).await.into_iter().next().map(Arc::new) };
        let answer = asked.boxed().shared();
        known.answers.insert(shown.clone(), One { answer: answer.clone(), since: now, octets: 0 });
        known.order.push_back((shown.clone(), now));
        answer
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Counts what has come; the oldest go where that is too much.
    fn settle(&mut self, shown: &Shown, answer: &Answer, octets: usize) {
        match self.answers.get_mut(shown) {
            Some(one) if one.octets == 0 && one.answer.ptr_eq(answer) => one.octets = octets,
            _ => return,
        }
        self.octets += octets;
        while self.octets > OCTETS && self.forget_oldest() {}
    }

    fn forget(&mut self, old: impl Fn(Instant) -> bool) {
        while self.order.front().is_some_and(|(_, since)| old(*since)) && self.forget_oldest() {}
    }

    fn forget_oldest(&mut self) -> bool {
        let Some((shown, since)) = self.order.pop_front() else { return false };
        if self.answers.get(&shown).is_some_and(|one| one.since == since)
            && let Some(one) = self.answers.remove(&shown)
        {
            self.octets -= one.octets;
        }
        true
    }
}

/// About how much memory evidence takes.
fn octets(evidence: &Evidence) -> usize {
    let one = |l: &Lookup| {
        let records: usize = l.answers.iter().map(|a| a.data.capacity() + size_of_val(a)).sum();
        let aliases: usize = l.chain.iter().map(|c| c.from.capacity() + c.to.capacity() + size_of_val(c)).sum();
        let zone = l.soa.as_ref().map_or(0, |s| s.apex.capacity() + s.primary.capacity() + s.contact.capacity());
        let errors: usize = l.extended_errors.iter().map(|e| e.text.capacity() + size_of_val(e)).sum();
        let tries: usize = l.failed_tries.iter().map(|t| t.resolver.capacity() + size_of_val(t)).sum();
        // The name stands in the key of the lookup and in its question.
        size_of_val(l) + l.resolver.capacity() + 2 * l.question.name.len() + records + aliases + zone + errors + tries
    };
    size_of_val(evidence) + evidence.lookups.iter().map(one).sum::<usize>()
}
