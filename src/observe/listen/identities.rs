//! The DNS side of the identities that clients show, each asked for once in a short while.
//!
//! Limits: [`KNOWN`] identities are remembered for [`FRESH`]; more are asked for each time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::time::Instant;

use crate::evidence::{EhloSource, Evidence, IpSource};
use crate::observe::{Observer, Request};

/// How long an identity's evidence stands for the next session that shows it.
const FRESH: Duration = Duration::from_mins(1);
/// Identities remembered.
const KNOWN: usize = 4096;

type Shown = (IpAddr, String);
type Answer = Shared<BoxFuture<'static, Option<Arc<Evidence>>>>;

/// What is known, or being asked.
pub(super) struct Identities {
    observer: Observer,
    known: Mutex<HashMap<Shown, (Answer, Instant)>>,
}

impl Identities {
    pub(super) fn new(observer: Observer) -> Self {
        Self { observer, known: Mutex::default() }
    }

    /// The evidence of one identity; waits for it.
    pub(super) async fn of(&self, ip: IpAddr, ehlo: &str) -> Option<Arc<Evidence>> {
        let answer = self.answer((ip, ehlo.to_owned()));
        answer.await
    }

    fn answer(&self, shown: Shown) -> Answer {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if let Some((answer, since)) = known.get(&shown)
            && now.duration_since(*since) < FRESH
        {
            return answer.clone();
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
        if known.len() >= KNOWN {
            known.retain(|_, (_, since)| now.duration_since(*since) < FRESH);
        }
        if known.len() < KNOWN {
            known.insert(shown, (answer.clone(), now));
        }
        answer
    }
}
