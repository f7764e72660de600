//! The DNS questions of one check: each asked once, whoever wants the answer, and all kept.
//!
//! A [`Memo`] shares answers between checks of one request (a pool of addresses behind one name); an
//! [`Inquiry`] remembers which of them belong to this check.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::{BoxFuture, FutureExt, Shared, join_all};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Dns;
use crate::dns::{Lookup, Question, RecordType, reverse_name};

/// PTR names whose addresses are looked up (RFC 7208 §4.6.4).
const MAX_PTR_NAMES: usize = 10;

type Answers = Shared<BoxFuture<'static, Arc<Vec<Lookup>>>>;

/// Answers shared by the checks of one request.
pub(super) struct Memo {
    dns: Dns,
    deadline: Instant,
    asked: Mutex<HashMap<Question, Answers>>,
}

impl Memo {
    pub(super) fn new(dns: Dns, deadline: Instant) -> Arc<Self> {
        Arc::new(Self { dns, deadline, asked: Mutex::default() })
    }

    fn ask(&self, question: &Question) -> Answers {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answers) = asked.get(question) {
            return answers.clone();
        }
        let (dns, deadline, wanted) = (self.dns.clone(), self.deadline, question.clone());
        let answers = async move { Arc::new(dns.ask(&wanted, deadline).await) }.boxed().shared();
        asked.insert(question.clone(), answers.clone());
        answers
    }
}

/// The questions of one check.
pub(super) struct Inquiry {
    memo: Arc<Memo>,
    asked: Mutex<BTreeSet<Question>>,
}

impl Inquiry {
    pub(super) fn new(memo: Arc<Memo>) -> Self {
        Self { memo, asked: Mutex::default() }
    }

    pub(super) async fn ask(&self, name: &str, kind: RecordType) -> Arc<Vec<Lookup>> {
        let question = Question::new(name, kind);
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(question.clone());
        self.memo.ask(&question).await
    }

    /// Counts the target's own address questions, where they were asked before, to this check.
    pub(super) fn note(&self, name: &str) {
        let questions = [RecordType::A, RecordType::Aaaa].map(|kind| Question::new(name, kind));
        let memo = self.memo.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = questions.into_iter().filter(|q| memo.contains_key(q));
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).extend(known);
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
                running.push(async move { self.forward(&name).await });
            }
            tokio::select! {
                changed = said.changed() => if changed.is_err() { break },
                Some(()) = futures_util::StreamExt::next(&mut running) => {}
            }
        }
        futures_util::StreamExt::collect::<Vec<()>>(running).await;
    }

    /// Everything asked, in a stable order: by name, type and resolver.
    pub(super) async fn finish(self) -> Vec<Lookup> {
        let asked = self.asked.into_inner().unwrap_or_else(PoisonError::into_inner);
        let answers = join_all(asked.iter().map(|question| self.memo.ask(question))).await;
        answers.iter().flat_map(|a| a.iter().cloned()).collect()
    }
}
