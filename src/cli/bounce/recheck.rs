//! The identity of a bounce, looked at now: each once a run, whoever asks.
//!
//! Limits: of the identities checked lately the last [`KEPT`] are remembered, so that memory does not
//! grow with the input.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::future::{FutureExt, LocalBoxFuture, Shared};

use crate::bounce::{Bounce, IpSource as Stated};
use crate::cli::output::say_text;
use crate::evidence::{EhloSource, IpSource};
use crate::judge::{Check, judge};
use crate::observe::{Dns, Observer, Options, Request};
use crate::report;

/// The longest that one try of a DNS question may take.
const DNS_TRY: Duration = Duration::from_secs(3);
/// Identities remembered.
const KEPT: usize = 2048;

type Key = (IpAddr, Option<Stated>, Option<String>);
type Pending<'a> = Shared<LocalBoxFuture<'a, Option<std::rc::Rc<Check>>>>;

/// Checks identities by DNS alone.
pub(super) struct Rechecker<'a> {
    observer: &'a Observer,
    verbose: bool,
    known: RefCell<Known<'a>>,
}

#[derive(Default)]
struct Known<'a> {
    checks: HashMap<Key, Pending<'a>>,
    order: VecDeque<Key>,
}

/// An observer that dials nobody.
pub(super) fn observer(resolvers: &[SocketAddr], timeout: Duration) -> Result<Observer, String> {
    let per_try = DNS_TRY.min(timeout / 4);
    let dns = match resolvers {
        [] => Dns::of_system(per_try)
            .map_err(|e| format!("no resolver: {}; name one with --resolver IP[:PORT], or give --no-check", e.0))?,
        servers => Dns::each_of(servers, per_try),
    };
    Observer::new(dns, Options { timeout, ..Options::default() }).map_err(|e| format!("TLS cannot be set up: {e}"))
}

impl<'a> Rechecker<'a> {
    pub(super) fn new(observer: &'a Observer, verbose: bool) -> Self {
        Self { observer, verbose, known: RefCell::default() }
    }

    /// The identity that the bounce states; `None` where it states no address.
    pub(super) async fn check(&self, bounce: &Bounce) -> Option<Check> {
        let key = (bounce.sending_ip.ip?, bounce.sending_ip.source, bounce.ehlo.clone());
        let pending = self.pending(key);
        pending.await.map(|check| (*check).clone())
    }

    fn pending(&self, key: Key) -> Pending<'a> {
        let mut known = self.known.borrow_mut();
        if let Some(pending) = known.checks.get(&key) {
            return pending.clone();
        }
        if known.order.len() >= KEPT
            && let Some(oldest) = known.order.pop_front()
        {
            known.checks.remove(&oldest);
        }
        let (ip, stated, ehlo) = key.clone();
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
        let (observer, verbose) = (self.observer, self.verbose);
        let look = async move {
            let evidence = observer.observe(&request).await.into_iter().next()?;
            if verbose {
                say_text(&report::transcript(&evidence));
            }
            Some(std::rc::Rc::new(judge(&evidence)))
        };
        let pending = look.boxed_local().shared();
        known.order.push_back(key.clone());
        known.checks.insert(key, pending.clone());
        pending
    }
}
