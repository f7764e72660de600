//! The identity of a bounce, looked at now: each once a run, whoever asks.
//!
//! Limits: of the identities checked lately the last [`KEPT`] are remembered, so that memory does not
//! grow with the input.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture, Shared};

use super::args::BounceArgs;
use crate::bounce::{Bounce, IpSource as Stated};
use crate::cli::output::say_text;
use crate::cli::receivers::further;
use crate::desk::Entry;
use crate::dns::{Lookup, Question, RecordType};
use crate::evidence::{EhloSource, IpSource};
use crate::judge::receivers::Selection;
use crate::judge::{Check, judge_for};
use crate::observe::{Dns, Observer, Options, Request};
use crate::report;

/// The longest that one try of a DNS question may take.
const DNS_TRY: Duration = Duration::from_secs(3);
/// Identities remembered.
const KEPT: usize = 2048;
/// Addresses guessed from one name.
const MAX_GUESSES: usize = 4;

type Identity = (IpAddr, Option<Stated>, Option<String>);

/// Looks identities up, by DNS alone.
pub(super) struct Rechecker<'a> {
    observer: &'a Observer,
    dns: Dns,
    timeout: Duration,
    args: &'a BounceArgs,
    checks: Once<'a, Identity, Option<Rc<Check>>>,
    names: Once<'a, String, Vec<IpAddr>>,
}

/// The resolvers to ask.
pub(super) fn resolvers(given: &[SocketAddr], timeout: Duration) -> Result<Dns, String> {
    let per_try = DNS_TRY.min(timeout / 4);
    match given {
        [] => Dns::of_system(per_try)
            .map_err(|e| format!("no resolver: {}; name one with --resolver IP[:PORT], or give --no-check", e.0)),
        servers => Ok(Dns::each_of(servers, per_try).given()),
    }
}

/// An observer that dials nobody.
pub(super) fn observer(dns: Dns, timeout: Duration, receivers: &Selection) -> Result<Observer, String> {
    let options = Options { timeout, further: further(receivers, false), ..Options::default() };
    Observer::new(dns, options).map_err(|e| format!("TLS cannot be set up: {e}"))
}

impl<'a> Rechecker<'a> {
    pub(super) fn new(observer: &'a Observer, dns: Dns, timeout: Duration, args: &'a BounceArgs) -> Self {
        Self { observer, dns, timeout, args, checks: Once::default(), names: Once::default() }
    }

    /// The bounce beside what is seen now of the identity that it states.
    pub(super) async fn entry(&self, bounce: Bounce) -> Entry {
        let check = self.check(&bounce).await;
        let mut entry = Entry::checked(bounce, check);
        if let Some(name) = entry.bounce.name.clone().filter(|_| entry.check.is_none() && entry.since.is_some()) {
            entry.guessed_ips = self.addresses(name).await;
        }
        entry
    }

    async fn check(&self, bounce: &Bounce) -> Option<Check> {
        let identity = (bounce.sending_ip.ip?, bounce.sending_ip.source, bounce.ehlo.clone());
        let pending = self.checks.get(identity, |(ip, stated, ehlo)| {
            let request = Request {
                ips: vec![ip],
                ip_source: Some(match stated {
                    Some(Stated::Received) => IpSource::Received,
                    Some(Stated::Diagnostic | Stated::ReportingMta) | None => IpSource::Reported,
                }),
                ehlo_source: ehlo.as_ref().map(|_| EhloSource::Received),
                ehlo,
                ..Request::default()
            };
            let (observer, args) = (self.observer, self.args);
            async move {
                let evidence = observer.observe(&request).await.into_iter().next()?;
                if args.verbose {
                    say_text(&report::transcript(&evidence));
                }
                Some(Rc::new(judge_for(&evidence, &args.receivers)))
            }
            .boxed_local()
        });
        pending.await.map(|check| (*check).clone())
    }

    /// A sending server's addresses today, where only its name is stated.
    async fn addresses(&self, name: String) -> Vec<IpAddr> {
        let pending = self.names.get(name, |name| {
            let (dns, deadline) = (self.dns.clone(), tokio::time::Instant::now() + self.timeout);
            async move {
                let questions = [RecordType::A, RecordType::Aaaa].map(|kind| Question::new(&name, kind));
                let (v4, v6) = tokio::join!(dns.ask(&questions[0], deadline), dns.ask(&questions[1], deadline));
                let mut found: Vec<IpAddr> = Vec::new();
                for ip in v4.iter().chain(&v6).flat_map(Lookup::data).filter_map(|d| d.parse().ok()) {
                    if found.len() < MAX_GUESSES && !found.contains(&ip) {
                        found.push(ip);
                    }
                }
                found
            }
            .boxed_local()
        });
        pending.await
    }
}

type Pending<'a, V> = Shared<LocalBoxFuture<'a, V>>;

/// Work done once for each key, as long as the key is remembered.
struct Once<'a, K, V: Clone> {
    known: RefCell<Known<'a, K, V>>,
}

type Known<'a, K, V> = (HashMap<K, Pending<'a, V>>, VecDeque<K>);

impl<K, V: Clone> Default for Once<'_, K, V> {
    fn default() -> Self {
        Self { known: RefCell::new((HashMap::new(), VecDeque::new())) }
    }
}

impl<'a, K: Clone + Eq + Hash, V: Clone> Once<'a, K, V> {
    fn get(&self, key: K, work: impl FnOnce(K) -> LocalBoxFuture<'a, V>) -> Pending<'a, V> {
        let (pending, order) = &mut *self.known.borrow_mut();
        if let Some(pending) = pending.get(&key) {
            return pending.clone();
        }
        if order.len() >= KEPT
            && let Some(oldest) = order.pop_front()
        {
            pending.remove(&oldest);
        }
        let begun = work(key.clone()).shared();
        order.push_back(key.clone());
        pending.insert(key, begun.clone());
        begun
    }
}
