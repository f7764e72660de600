//! Servers, over many checks: none sees more of our connections at once than it may, and what one dialogue with
//! an address has shown is the result of every check of that address.
//!
//! Sharing: a dialogue is of an address, a port and whether TLS comes first. Where TLS was used, also of the
//! host, whose name the server was told (SNI) and its certificate is held against. A control connection tells
//! of its host for [`CONTROL`].
//! Limits: two generations of [`ADDRESSES`], and those in use, which are never forgotten.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::HashMap;
use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::evidence::{Control, Dialogue, FaultKind};
use crate::smtp::Phase;
use crate::target::Target;

/// Addresses of one generation.
const ADDRESSES: usize = 512;
/// How long a control connection's result is shared.
const CONTROL: Duration = Duration::from_mins(1);

/// A dialogue, and the controls that were tried beside it.
pub(super) type Dialled = (Dialogue, Vec<Control>);

/// When a control connection was begun, and what comes of it.
type Tried = (Instant, Shared<BoxFuture<'static, Control>>);

/// The servers of a run.
pub(super) struct Hosts {
    per_host: usize,
    known: Mutex<Known>,
    controls: Mutex<HashMap<(String, bool), Tried>>,
}

#[derive(Default)]
struct Known {
    young: HashMap<IpAddr, Arc<Host>>,
    old: HashMap<IpAddr, Arc<Host>>,
    /// Addresses of the young generation with which the next begins.
    full: usize,
}

/// One address.
struct Host {
    turns: Arc<Semaphore>,
    shown: Mutex<Vec<Shown>>,
    /// Told to all who wait when a dialogue has shown something.
    news: Notify,
}

/// What a dialogue has shown.
struct Shown {
    port: u16,
    implicit_tls: bool,
    /// The target's host, where the result depends on it.
    host: Option<String>,
    dialled: Arc<Dialled>,
}

/// Counts as one of our connections to an address while anybody holds it.
pub(super) type Permit = Arc<OwnedSemaphorePermit>;

/// Leave to dial an address, or what is known of it already.
pub(super) enum Turn {
    /// One of our connections to it; given back when this is dropped.
    Dial(Dialling),
    /// What an earlier dialogue has shown.
    Known(Arc<Dialled>),
}

/// A connection that may be made.
pub(super) struct Dialling {
    host: Arc<Host>,
    /// To be held until the connection is closed. Held here as well, until others can see what the dialogue has shown:
    /// one who is let in before that would dial again.
    pub(super) permit: Permit,
}

impl Hosts {
    /// At most this many connections to an address at once.
    pub(super) fn new(per_host: usize) -> Self {
        Self { per_host: per_host.max(1), known: Mutex::default(), controls: Mutex::default() }
    }

    /// Waits until the address may be dialled, or until another has done it.
    pub(super) async fn turn(&self, address: IpAddr, target: &Target) -> Turn {
        let host = self.host(address);
        loop {
            // Listens before it looks: what is shown between the two is told.
            let mut news = std::pin::pin!(host.news.notified());
            news.as_mut().enable();
            if let Some(known) = host.shown(target) {
                return Turn::Known(known);
            }
            tokio::select! {
                biased;
                () = news => {}
                Ok(permit) = host.turns.clone().acquire_owned() => {
                    if let Some(known) = host.shown(target) {
                        return Turn::Known(known);
                    }
                    return Turn::Dial(Dialling { host: host.clone(), permit: Arc::new(permit) });
                }
            }
        }
    }

    fn host(&self, address: IpAddr) -> Arc<Host> {
        let mut known = locked(&self.known);
        // Before the address is looked for: it may be among those that are carried over.
        if known.young.len() >= known.full {
            let aged = std::mem::take(&mut known.young);
            let forgotten = std::mem::replace(&mut known.old, aged);
            // Whoever dials an address now must be seen by the next who wants to.
            let in_use = forgotten.into_iter().filter(|(_, host)| Arc::strong_count(host) > 1 || host.busy());
            known.young.extend(in_use);
            // More may be in use than a generation holds: they are not to be looked through for every address.
            known.full = known.young.len() + ADDRESSES;
        }
        if let Some(host) = known.young.get(&address) {
            return host.clone();
        }
        let there = known.old.remove(&address);
        let host = there.unwrap_or_else(|| {
            let turns = Arc::new(Semaphore::new(self.per_host));
            Arc::new(Host { turns, shown: Mutex::default(), news: Notify::new() })
        });
        known.young.insert(address, host.clone());
        drop(known);
        host
    }

    /// What a control connection shows: tried now, or not long ago.
    pub(super) async fn control(&self, name: String, v4: bool, attempt: BoxFuture<'static, Control>) -> Control {
        let tried = {
            let mut controls = locked(&self.controls);
            let now = Instant::now();
            let known = controls.get(&(name.clone(), v4)).filter(|(since, _)| now - *since < CONTROL);
            if let Some((_, tried)) = known {
                tried.clone()
            } else {
                let tried = attempt.shared();
                controls.insert((name, v4), (now, tried.clone()));
                tried
            }
        };
        tried.await
    }
}

impl Host {
    fn busy(&self) -> bool {
        Arc::strong_count(&self.turns) > 1
    }

    fn shown(&self, target: &Target) -> Option<Arc<Dialled>> {
        let same = |shown: &&Shown| {
            shown.port == target.port
                && shown.implicit_tls == target.implicit_tls
                && shown.host.as_ref().is_none_or(|h| *h == target.host.to_string())
        };
        locked(&self.shown).iter().find(same).map(|shown| shown.dialled.clone())
    }
}

impl Dialling {
    /// Leaves what the dialogue has shown for others.
    pub(super) fn done(self, target: &Target, dialled: Dialled) -> Arc<Dialled> {
        let dialled = Arc::new(dialled);
        if let Some(host) = depends_on(target, &dialled.0) {
            let shown = Shown { port: target.port, implicit_tls: target.implicit_tls, host, dialled: dialled.clone() };
            locked(&self.host.shown).push(shown);
            self.host.news.notify_waiters();
        }
        dialled
    }
}

/// The host on which the result depends, `Some(None)` for any; `None` where it is not to be shared, since it is
/// this machine's own trouble.
#[expect(clippy::option_option, reason = "not shared, shared for any host, shared for this host")]
fn depends_on(target: &Target, dialogue: &Dialogue) -> Option<Option<String>> {
    match &dialogue.fault {
        Some(fault) if fault.phase == Phase::Connect => {
            let ours = matches!(fault.kind, FaultKind::Shortage | FaultKind::SourceUnavailable);
            (!ours).then_some(None)
        }
        _ => {
            let tls = target.implicit_tls || dialogue.tls.is_some() || dialogue.tls_fault.is_some();
            Some(tls.then(|| target.host.to_string()))
        }
    }
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: usize) -> IpAddr {
        std::net::Ipv4Addr::from_bits(0x7f00_0000 + u32::try_from(n).unwrap()).into()
    }

    #[test]
    fn those_in_use_are_not_forgotten_nor_looked_through_for_every_address() {
        let hosts = Hosts::new(1);
        let in_use: Vec<_> = (0..8 * ADDRESSES).map(|n| hosts.host(address(n))).collect();
        hosts.host(address(100_000));
        let turned = (100_001..100_000 + ADDRESSES).filter(|n| {
            hosts.host(address(*n));
            !locked(&hosts.known).young.contains_key(&address(n - 1))
        });
        let turned = turned.count();
        assert!(turned <= 2, "a generation for each of {turned} addresses");
        for (n, host) in in_use.iter().enumerate() {
            assert!(Arc::ptr_eq(host, &hosts.host(address(n))), "{n} was forgotten");
        }
        drop(in_use);
        for n in 0..8 * ADDRESSES {
            hosts.host(address(200_000 + n));
        }
        let known = locked(&hosts.known);
        assert!(known.young.len() + known.old.len() <= 4 * ADDRESSES, "{} are kept", known.young.len());
    }

    #[test]
    fn nobody_is_let_in_between_the_end_of_a_dialogue_and_what_it_has_shown() {
        let hosts = Hosts::new(1);
        let target = Target::parse("192.0.2.1:25", None).unwrap();
        let turn = || hosts.turn(address(1), &target).boxed();
        let Some(Turn::Dial(dialling)) = turn().now_or_never() else { panic!("the first may dial") };
        let of_connection = dialling.permit.clone();
        let mut next = turn();
        drop(of_connection);
        assert!(next.as_mut().now_or_never().is_none(), "let in before the result is left");
        // Nor has anybody to wait for the last words of a connection whose result is there.
        let _leaving = dialling.permit.clone();
        dialling.done(&target, Dialled::default());
        assert!(matches!(next.now_or_never(), Some(Turn::Known(_))));
    }
}
