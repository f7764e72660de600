//! Whose identity is looked up now: a bound on what is being looked up or waits for the reader of the results, in all
//! and for each client, so that one client's slow zones do not keep the others waiting, and their large answers do not
//! fill the memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Turns at once.
const IN_ALL: usize = 128;
/// The same of one client.
const OF_ONE: usize = 8;
/// Clients that may be written down without anybody of theirs here.
const STALE: usize = 256;

pub(super) struct Turns {
    all: Arc<Semaphore>,
    of_one: Mutex<HashMap<IpAddr, Weak<Semaphore>>>,
}

/// A turn; over when it is dropped.
pub(super) struct Turn {
    _all: OwnedSemaphorePermit,
    _of_one: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new() -> Self {
        Self { all: Arc::new(Semaphore::new(IN_ALL)), of_one: Mutex::default() }
    }

    /// Waits for a turn, first among the client's own sessions; `None` never comes, since nothing closes.
    pub(super) async fn next(&self, client: IpAddr) -> Option<Turn> {
        let own = self.own(client);
        let of_one = own.acquire_owned().await.ok()?;
        let all = self.all.clone().acquire_owned().await.ok()?;
        Some(Turn { _all: all, _of_one: of_one })
    }

    fn own(&self, client: IpAddr) -> Arc<Semaphore> {
        let mut of_one = self.of_one.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = of_one.get(&client).and_then(Weak::upgrade) {
            return there;
        }
        if of_one.len() >= IN_ALL + STALE {
            of_one.retain(|_, own| own.strong_count() > 0);
        }
        let own = Arc::new(Semaphore::new(OF_ONE));
        of_one.insert(client, Arc::downgrade(&own));
        own
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use futures_util::FutureExt;

    use super::*;

    fn client(n: u32) -> IpAddr {
        Ipv4Addr::from_bits(n).into()
    }

    #[test]
    fn a_client_waits_for_its_own_and_all_for_all() {
        let turns = Turns::new();
        let mut held: Vec<Turn> = (0..OF_ONE).filter_map(|_| turns.next(client(1)).now_or_never()?).collect();
        assert_eq!(held.len(), OF_ONE);
        assert!(turns.next(client(1)).now_or_never().is_none(), "its own are out");
        held.push(turns.next(client(2)).now_or_never().unwrap().unwrap());
        held.extend((3..).map_while(|n| turns.next(client(n)).now_or_never()?).take(1000));
        assert_eq!(held.len(), IN_ALL);
        held.remove(0);
        assert!(turns.next(client(1)).now_or_never().is_some());
        drop(held);
        for n in 0..5000 {
            turns.next(client(n)).now_or_never().unwrap();
        }
        assert!(turns.of_one.lock().unwrap().len() <= IN_ALL + STALE, "who has gone is forgotten");
    }
}
