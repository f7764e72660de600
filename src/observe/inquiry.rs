//! The DNS questions of one check: each asked once, whoever wants the answer, and all kept.
//!
//! A [`Memo`] shares answers between checks of one request (a pool of addresses behind one name); an
//! [`Inquiry`] remembers which of them belong to this check, and when this check must end.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, Shared, join_all};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::Dns;
use crate::dns::{Lookup, MAX_PTR_NAMES, Question, RecordType, reverse_name};
use crate::name::EhloName;

type Answers = Shared<BoxFuture<'static, Arc<Vec<Lookup>>>>;

/// Answers shared by the checks of one request.
pub(super) struct Memo {
    dns: Dns,
    asked: Mutex<HashMap<Question, Asked>>,
}

/// A question on its way or answered, and the end of the check that asked it.
#[derive(Clone)]
struct Asked {
    answers: Answers,
    deadline: Instant,
}

impl Memo {
    pub(super) fn new(dns: Dns) -> Arc<Self> {
        Arc::new(Self { dns, asked: Mutex::default() })
    }

    fn ask(&self, question: &Question, deadline: Instant) -> Asked {
        let mut memo = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        // What another check's end has cut short is no answer for a check that still has time.
        let cut = |asked: &Asked| asked.deadline < deadline && asked.answers.peek().is_some_and(|a| asked.cut_short(a));
        if let Some(asked) = memo.get(question).filter(|asked| !cut(asked)) {
            return asked.clone();
        }
        let (dns, wanted) = (self.dns.clone(), question.clone());
        let answers = async move { Arc::new(dns.ask(&wanted, deadline).await) }.boxed().shared();
        let asked = Asked { answers, deadline };
        memo.insert(question.clone(), asked.clone());
        asked
    }

    fn known(&self, question: &Question) -> Option<Arc<Vec<Lookup>>> {
        let memo = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        memo.get(question)?.answers.peek().cloned()
    }
}

impl Asked {
    fn cut_short(&self, answers: &[Lookup]) -> bool {
        answers.iter().any(|l| !l.status.is_definite()) && Instant::now() >= self.deadline
    }
}

/// The questions of one check.
pub(super) struct Inquiry {
    memo: Arc<Memo>,
    deadline: Instant,
    answered: Mutex<BTreeMap<Question, Arc<Vec<Lookup>>>>,
    /// Answers that nobody has taken from [`Inquiry::fresh`] yet.
    fresh: Mutex<Vec<Arc<Vec<Lookup>>>>,
    news: Notify,
}

impl Inquiry {
    pub(super) fn new(memo: Arc<Memo>, deadline: Instant) -> Self {
        Self { memo, deadline, answered: Mutex::default(), fresh: Mutex::default(), news: Notify::new() }
    }

    pub(super) async fn ask(&self, name: &str, kind: RecordType) -> Arc<Vec<Lookup>> {
        self.put(&Question::new(name, kind)).await
    }

    pub(super) async fn put(&self, question: &Question) -> Arc<Vec<Lookup>> {
        loop {
            let asked = self.memo.ask(question, self.deadline);
            let answers = asked.answers.clone().await;
            if asked.deadline >= self.deadline || Instant::now() >= self.deadline || !asked.cut_short(&answers) {
                self.keep(question.clone(), answers.clone());
                return answers;
            }
        }
    }

    fn keep(&self, question: Question, answers: Arc<Vec<Lookup>>) {
        let about_names = !matches!(question.kind, RecordType::Soa | RecordType::Ns);
        let known = self.answered.lock().unwrap_or_else(PoisonError::into_inner).insert(question, answers.clone());
        if known.is_none() && about_names {
            self.fresh.lock().unwrap_or_else(PoisonError::into_inner).push(answers);
            self.news.notify_one();
        }
    }

    /// Returns when an answer has come in since the last time.
    pub(super) async fn answer(&self) {
        self.news.notified().await;
    }

    /// The answers that have come in since the last time.
    pub(super) fn fresh(&self) -> Vec<Arc<Vec<Lookup>>> {
        std::mem::take(&mut *self.fresh.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts a question that was answered before, for the target, to this check.
    pub(super) fn note(&self, question: &Question) {
        if let Some(answers) = self.memo.known(question) {
            self.keep(question.clone(), answers);
        }
    }

    /// Both families side by side: which one counts depends on the client, and the other explains.
    pub(super) async fn forward(&self, name: &str) {
        tokio::join!(self.ask(name, RecordType::A), self.ask(name, RecordType::Aaaa));
    }

    /// The PTR and what its names lead to, beside the zone that holds it and its servers.
    pub(super) async fn reverse(&self, ip: IpAddr) {
        let name = reverse_name(ip);
        tokio::join!(self.ptr_and_forward(&name), self.zone(&name));
    }

    async fn ptr_and_forward(&self, name: &str) {
        let answers = self.ask(name, RecordType::Ptr).await;
        let mut names: Vec<String> = Vec::new();
        for target in answers.iter().flat_map(Lookup::data) {
            if names.len() < MAX_PTR_NAMES && !names.iter().any(|n| n.eq_ignore_ascii_case(target)) {
                names.push(target.to_owned());
            }
        }
        join_all(names.iter().map(|n| self.forward(n))).await;
    }

    async fn zone(&self, name: &str) {
        let answers = self.ask(name, RecordType::Soa).await;
        let apex = answers.iter().find_map(|l| l.soa.as_ref().map(|s| s.apex.clone()));
        if let Some(apex) = apex {
            self.ask(&apex, RecordType::Ns).await;
        }
    }

    /// Looks up each EHLO name as soon as it is said, until the dialogue ends.
    pub(super) async fn forward_as_said(&self, mut said: watch::Receiver<Vec<String>>) {
        let mut taken = 0;
        let mut running = futures_util::stream::FuturesUnordered::new();
        loop {
            let names: Vec<String> = said.borrow_and_update()[taken..].to_vec();
            taken += names.len();
            for name in names {
                // A literal, or what is no name at all, has no records.
                if let EhloName::Host(name) = EhloName::read(&name) {
                    running.push(async move { self.forward(name.as_str()).await });
                }
            }
            tokio::select! {
                changed = said.changed() => if changed.is_err() { break },
                Some(()) = futures_util::StreamExt::next(&mut running) => {}
            }
        }
        futures_util::StreamExt::collect::<Vec<()>>(running).await;
    }

    /// Everything asked, in a stable order: by name, type and resolver.
    pub(super) fn finish(self) -> Vec<Lookup> {
        let answered = self.answered.into_inner().unwrap_or_else(PoisonError::into_inner);
        answered.values().flat_map(|a| a.iter().cloned()).collect()
    }
}
