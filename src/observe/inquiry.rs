//! The DNS questions of one check: each asked once, whoever wants the answer, and all kept.
//!
//! A [`Memo`] shares answers between checks; an [`Inquiry`] remembers which of them belong to this check, and
//! when this check must end. With [`Extent::Needed`] it asks for the other address family and for the zone only
//! where the answers before leave the agreement open.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Extent;
use super::memo::Memo;
use super::said::Said;
use crate::dns::{Lookup, MAX_PTR_NAMES, Question, RecordType, reverse_name};
use crate::name::EhloName;

/// The questions of one check.
pub(super) struct Inquiry {
    memo: Arc<Memo>,
    deadline: Instant,
    extent: Extent,
    answered: Mutex<BTreeMap<Question, Arc<Vec<Lookup>>>>,
    /// Answers that nobody has taken from [`Inquiry::fresh`] yet.
    fresh: Mutex<Vec<Arc<Vec<Lookup>>>>,
    news: Notify,
}

impl Inquiry {
    pub(super) fn new(memo: Arc<Memo>, deadline: Instant, extent: Extent) -> Self {
        Self { memo, deadline, extent, answered: Mutex::default(), fresh: Mutex::default(), news: Notify::new() }
    }

    pub(super) async fn ask(&self, name: &str, kind: RecordType) -> Arc<Vec<Lookup>> {
        self.put(&Question::new(name, kind)).await
    }

    pub(super) async fn put(&self, question: &Question) -> Arc<Vec<Lookup>> {
        if let Some(known) = self.known(question) {
            return known;
        }
        let answers = self.memo.ask(question, self.deadline).await;
        self.keep(question.clone(), answers.clone());
        answers
    }

    /// What this check has asked and been answered.
    pub(super) fn known(&self, question: &Question) -> Option<Arc<Vec<Lookup>>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner).get(question).cloned()
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

    /// Counts a question that was asked before, for the target, to this check.
    pub(super) fn note(&self, question: &Question, before: &Self) {
        if let Some(answers) = before.known(question) {
            self.keep(question.clone(), answers);
        }
    }

    /// Both families: which one counts depends on the client, and the other explains. Side by side, or the other
    /// only where the first does not hold the client's address.
    pub(super) async fn forward(&self, name: &str, client: Option<IpAddr>) {
        let (own, other) = match client {
            Some(IpAddr::V6(_)) => (RecordType::Aaaa, RecordType::A),
            _ => (RecordType::A, RecordType::Aaaa),
        };
        match (self.extent, client) {
            (Extent::Needed, Some(client)) => {
                let answers = self.ask(name, own).await;
                if !holds(&answers, client) {
                    self.ask(name, other).await;
                }
            }
            _ => {
                tokio::join!(self.ask(name, own), self.ask(name, other));
            }
        }
    }

    /// The PTR and what its names lead to, beside the zone that holds it and its servers.
    pub(super) async fn reverse(&self, ip: IpAddr) {
        let name = reverse_name(ip);
        match self.extent {
            Extent::All => {
                tokio::join!(self.ptr_and_forward(&name, ip), self.zone(&name));
            }
            Extent::Needed => self.ptr_and_forward(&name, ip).await,
        }
    }

    /// The zone, where it was left out and somebody will have to change something in it.
    pub(super) async fn reverse_zone_if_needed(&self, ip: IpAddr, ehlo: &[String]) {
        if self.extent == Extent::All || self.agrees(ip, ehlo) {
            return;
        }
        self.zone(&reverse_name(ip)).await;
    }

    /// A PTR name leads back to the address, and the EHLO names are all among the PTR names.
    fn agrees(&self, ip: IpAddr, ehlo: &[String]) -> bool {
        let kind = if ip.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
        let ptr = self.known(&Question::new(&reverse_name(ip), RecordType::Ptr)).unwrap_or_default();
        let names: Vec<&str> = ptr.iter().flat_map(Lookup::data).collect();
        let confirmed = |name: &&str| self.known(&Question::new(name, kind)).is_some_and(|a| holds(&a, ip));
        names.iter().any(confirmed) && ehlo.iter().all(|said| names.iter().any(|n| n.eq_ignore_ascii_case(said)))
    }

    async fn ptr_and_forward(&self, name: &str, ip: IpAddr) {
        let answers = self.ask(name, RecordType::Ptr).await;
        let mut names: Vec<String> = Vec::new();
        for target in answers.iter().flat_map(Lookup::data) {
            if names.len() < MAX_PTR_NAMES && !names.iter().any(|n| n.eq_ignore_ascii_case(target)) {
                names.push(target.to_owned());
            }
        }
        match names.as_slice() {
            [one] => self.forward(one, Some(ip)).await,
            several => {
                join_all(several.iter().map(|n| self.forward(n, Some(ip)))).await;
            }
        }
    }

    async fn zone(&self, name: &str) {
        let answers = self.ask(name, RecordType::Soa).await;
        let apex = answers.iter().find_map(|l| l.soa.as_ref().map(|s| s.apex.clone()));
        if let Some(apex) = apex {
            self.ask(&apex, RecordType::Ns).await;
        }
    }

    /// Looks up each EHLO name as soon as it is said, until the dialogue ends.
    pub(super) async fn forward_as_said(&self, said: &Said, client: Option<IpAddr>) {
        let mut taken = 0;
        let mut running = futures_util::stream::FuturesUnordered::new();
        loop {
            tokio::select! {
                names = said.after(taken) => {
                    let Some(names) = names else { break };
                    taken += names.len();
                    for name in names {
                        // A literal, or what is no name at all, has no records.
                        if let EhloName::Host(name) = EhloName::read(&name) {
                            // In a place of its own: the list keeps room for one more than it holds.
                            running.push(Box::pin(async move { self.forward(name.as_str(), client).await }));
                        }
                    }
                }
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

fn holds(answers: &[Lookup], ip: IpAddr) -> bool {
    answers.iter().flat_map(Lookup::data).any(|data| data.parse() == Ok(ip))
}
