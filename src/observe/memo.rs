//! Answers shared between checks: a question on its way is asked once, and its answer is good for its TTL.
//!
//! Standard: RFC 2181 §8 (TTLs), RFC 2308 §5 (negative answers: the SOA's minimum), RFC 9520 §3.2 (failures
//! may be kept, and briefly): a failure is shared for [`FAILURE`], so that one check does not meet it twice.
//! Limits: two generations of [`ENTRIES`] questions and [`OCTETS`] each; an answer that is still used moves to
//! the younger one, the older one is forgotten when the younger is full.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::HashMap;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::time::Instant;

use super::Dns;
use crate::dns::{Lookup, Question};

/// Questions of one generation. What checks share is asked again soon: a zone by the addresses beside each other
/// in a list, a name by its own check. More would be memory for answers that nobody wants again.
const ENTRIES: usize = 256;
/// Octets of one generation's answers, as far as they are counted: what this many answers of two records take.
const OCTETS: usize = 256 << 10;
/// How long a failure is shared.
const FAILURE: Duration = Duration::from_secs(1);
/// A TTL counts as at most this (RFC 8767 §4 names a week).
const LONGEST: Duration = Duration::from_hours(7 * 24);

type Answers = Arc<Vec<Lookup>>;

/// The answers of many checks.
pub(super) struct Memo {
    dns: Dns,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    young: HashMap<Question, Asked>,
    old: HashMap<Question, Asked>,
    octets: usize,
}

/// A question on its way or answered, and the end of the check that asked it.
#[derive(Clone)]
pub(super) struct Asked {
    coming: Shared<BoxFuture<'static, Answers>>,
    deadline: Instant,
    /// When the answer is no longer to be shared; `None` while it is on its way.
    until: Option<Instant>,
}

impl Memo {
    pub(super) fn new(dns: Dns) -> Arc<Self> {
        Arc::new(Self { dns, kept: Mutex::default() })
    }

    /// Asks, or joins those who have asked.
    pub(super) async fn ask(&self, question: &Question, deadline: Instant) -> Answers {
        loop {
            let asked = self.asked(question, deadline);
            let answers = asked.coming.clone().await;
            if asked.until.is_none() {
                self.settle(question, &asked, &answers);
            }
            // What another check's end has cut short is no answer for a check that still has time.
            if asked.deadline >= deadline || Instant::now() >= deadline || !asked.cut_short(&answers) {
                return answers;
            }
        }
    }

    fn asked(&self, question: &Question, deadline: Instant) -> Asked {
        let mut kept = self.locked();
        let now = Instant::now();
        let fresh = |asked: &Asked| {
            let cut = asked.deadline < deadline && asked.coming.peek().is_some_and(|a| asked.cut_short(a));
            !cut && asked.until.is_none_or(|until| now < until)
        };
        if let Some(asked) = kept.young.get(question).filter(|a| fresh(a)) {
            return asked.clone();
        }
        if let Some(asked) = kept.old.remove(question).filter(fresh) {
            let octets = asked.coming.peek().map_or(0, |answers| octets(answers));
            kept.insert(question.clone(), asked.clone(), octets);
            return asked;
        }
        let (dns, wanted) = (self.dns.clone(), question.clone());
        let coming = async move { Arc::new(dns.ask(&wanted, deadline).await) }.boxed().shared();
        let asked = Asked { coming, deadline, until: None };
        kept.insert(question.clone(), asked.clone(), 0);
        asked
    }

    /// Writes down for how long an answer that has come is good.
    fn settle(&self, question: &Question, asked: &Asked, answers: &[Lookup]) {
        let until = Instant::now() + good_for(answers);
        let mut kept = self.locked();
        let Kept { young, old, octets: all } = &mut *kept;
        for generation in [young, old] {
            if let Some(there) = generation.get_mut(question)
                && there.until.is_none()
                && there.coming.ptr_eq(&asked.coming)
            {
                there.until = Some(until);
                *all += octets(answers);
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn insert(&mut self, question: Question, asked: Asked, octets: usize) {
        if self.young.len() >= ENTRIES || self.octets >= OCTETS {
            // The room of the one forgotten is the next one's.
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
            self.octets = 0;
        }
        self.octets += octets;
        self.young.insert(question, asked);
    }
}

impl Asked {
    fn cut_short(&self, answers: &[Lookup]) -> bool {
        answers.iter().any(|l| !l.status.is_definite()) && Instant::now() >= self.deadline
    }
}

/// How long answers may be shared: the least of their TTLs, aliases included.
fn good_for(answers: &[Lookup]) -> Duration {
    let one = |lookup: &Lookup| {
        if !lookup.status.is_definite() {
            return FAILURE;
        }
        let negative = lookup.soa.as_ref().filter(|_| lookup.answers.is_empty()).map_or(0, |s| s.negative_ttl);
        let records = lookup.answers.iter().map(|a| a.ttl).chain(lookup.chain.iter().map(|c| c.ttl));
        let least = if lookup.answers.is_empty() { records.chain([negative]).min() } else { records.min() };
        // RFC 2181 §8: a TTL with its highest bit set is none.
        let seconds = least.filter(|ttl| *ttl <= i32::MAX.cast_unsigned()).unwrap_or(0);
        Duration::from_secs(seconds.into()).min(LONGEST)
    };
    answers.iter().map(one).min().unwrap_or_default()
}

/// About how much memory answers take.
fn octets(answers: &[Lookup]) -> usize {
    let one = |l: &Lookup| {
        let records: usize = l.answers.iter().map(|a| a.data.len() + size_of_val(a)).sum();
        let aliases: usize = l.chain.iter().map(|c| c.from.len() + c.to.len() + size_of_val(c)).sum();
        size_of_val(l) + 2 * l.question.name.len() + records + aliases
    };
    answers.iter().map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Alias, Answer, RecordType, Soa, Status};

    fn lookup(status: Status, ttls: &[u32], aliases: &[u32], negative: Option<u32>) -> Lookup {
        let question = Question::new("a.example", RecordType::A);
        let mut lookup = Lookup::empty(question, String::new(), status, None);
        lookup.answers = ttls.iter().map(|ttl| Answer { data: "192.0.2.1".into(), ttl: *ttl }).collect();
        lookup.chain = aliases.iter().map(|ttl| Alias { from: "a".into(), to: "b".into(), ttl: *ttl }).collect();
        lookup.soa = negative.map(|negative_ttl| Soa {
            apex: "example".into(),
            primary: String::new(),
            contact: String::new(),
            negative_ttl,
        });
        lookup
    }

    #[test]
    fn an_answer_is_good_for_the_least_of_its_ttls() {
        use Status::{Found, Nodata, Nxdomain, Servfail, Timeout};
        for (status, ttls, aliases, negative, seconds) in [
            (Found, &[300, 60][..], &[][..], None, 60),
            (Found, &[300], &[30], Some(5), 30),
            (Found, &[0], &[], None, 0),
            (Found, &[u32::MAX], &[], None, 0),
            (Found, &[i32::MAX.cast_unsigned()], &[], None, 604_800),
            (Nxdomain, &[], &[], Some(900), 900),
            (Nodata, &[], &[10], Some(900), 10),
            (Nodata, &[], &[], None, 0),
            (Timeout, &[], &[], None, 1),
            (Servfail, &[], &[], Some(900), 1),
        ] {
            let answers = [lookup(status, ttls, aliases, negative)];
            assert_eq!(good_for(&answers), Duration::from_secs(seconds), "{answers:?}");
        }
        let both = [lookup(Found, &[300], &[], None), lookup(Timeout, &[], &[], None)];
        assert_eq!(good_for(&both), FAILURE);
    }

    /// A server that counts what it is asked, and answers A with this TTL.
    async fn counted(ttl: u32) -> (Arc<Memo>, Arc<std::sync::atomic::AtomicUsize>) {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = asked.clone();
        tokio::spawn(async move {
            let mut buffer = [0; 512];
            loop {
                let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let end = 12 + buffer[12..length].iter().position(|b| *b == 0).unwrap() + 5;
                let mut answer = buffer[..end].to_vec();
                answer[2..12].copy_from_slice(&[0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
                answer.extend([0xc0, 12, 0, 1, 0, 1]);
                answer.extend(ttl.to_be_bytes());
                answer.extend([0, 4, 192, 0, 2, 1]);
                socket.send_to(&answer, from).await.unwrap();
            }
        });
        (Memo::new(Dns::each_of(&[at], Duration::from_secs(2))), asked)
    }

    #[tokio::test]
    async fn one_question_for_many_and_again_when_its_time_is_over() {
        for (ttl, later) in [(300, 1), (0, 2)] {
            let (memo, asked) = counted(ttl).await;
            let question = Question::new("a.example", RecordType::A);
            let deadline = Instant::now() + Duration::from_secs(5);
            let all = futures_util::future::join_all((0..10).map(|_| memo.ask(&question, deadline))).await;
            assert!(all.iter().all(|a| a[0].status == Status::Found));
            assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1, "TTL {ttl}");
            memo.ask(&question, deadline).await;
            assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), later, "TTL {ttl}");
        }
    }

    #[tokio::test]
    async fn what_is_used_stays_and_the_rest_is_bounded() {
        let (memo, asked) = counted(300).await;
        let deadline = Instant::now() + Duration::from_secs(20);
        let hot = Question::new("hot.example", RecordType::A);
        memo.ask(&hot, deadline).await;
        for n in 0..4 * ENTRIES {
            memo.ask(&Question::new(&format!("n{n}.example"), RecordType::A), deadline).await;
            if n % (ENTRIES - 10) == 0 {
                memo.ask(&hot, deadline).await;
            }
        }
        assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1 + 4 * ENTRIES);
        let kept = memo.locked();
        assert!(kept.young.len() <= ENTRIES && kept.old.len() <= ENTRIES);
    }
}
