//! Questions beyond the agreement: what somebody who judges later wants to know as well.
//!
//! A [`Further`] is handed in by the caller, since this room forms no opinion: evidence so far in, questions out.
//! It is asked anew whenever an answer or an EHLO name comes in, so a question starts as soon as it can be put.
//! Limits: [`MAX_FURTHER`] questions an identity, within the identity's own deadline. When the agreement's own
//! answers are in, a further one is waited for only while it is still wanted.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};

use super::inquiry::Inquiry;
use super::said::Said;
use crate::dns::Question;
use crate::evidence::{Client, Evidence, TargetSeen};

/// The most questions that are taken from a [`Further`] for one identity.
const MAX_FURTHER: usize = 128;

type Wants = dyn Fn(&Evidence) -> Vec<Question> + Send + Sync;

/// Given the evidence so far (an address, an EHLO name, lookups), the questions that are not answered in it.
#[derive(Clone)]
pub struct Further(Arc<Wants>);

impl Further {
    /// Asks what this function wants.
    pub fn new(wants: impl Fn(&Evidence) -> Vec<Question> + Send + Sync + 'static) -> Self {
        Self(Arc::new(wants))
    }

    /// Runs the agreement's own questions and, beside them, those that are wanted of this identity.
    pub(super) async fn beside<T>(
        &self,
        inquiry: &Inquiry,
        identity: Identity<'_>,
        agreement: impl Future<Output = T>,
    ) -> T {
        let mut said = identity.said;
        let mut heard = 0;
        let mut so_far = evidence_of(identity.ip, identity.ehlo);
        let mut agreement = pin!(agreement);
        let mut done = None;
        let mut begun: HashSet<Question> = HashSet::new();
        let mut pending: HashSet<Question> = HashSet::new();
        let mut running = FuturesUnordered::new();
        let mut wanted = (self.0)(&so_far);
        loop {
            for question in &wanted {
                if begun.len() < MAX_FURTHER && begun.insert(question.clone()) {
                    pending.insert(question.clone());
                    let question = question.clone();
                    running.push(async move {
                        inquiry.put(&question).await;
                        question
                    });
                }
            }
            if let Some(done) = done.take_if(|_| !wanted.iter().any(|q| pending.contains(q))) {
                return done;
            }
            let mut new_name = false;
            tokio::select! {
                out = &mut agreement, if done.is_none() => done = Some(out),
                Some(answered) = running.next() => { pending.remove(&answered); }
                () = inquiry.answer(), if done.is_none() => {}
                names = after(said, heard), if said.is_some() => match names {
                    Some(mut names) => {
                        heard += names.len();
                        let last = names.pop();
                        new_name = so_far.client.ehlo != last;
                        so_far.client.ehlo = last;
                    }
                    None => said = None,
                },
            }
            let fresh = inquiry.fresh();
            if new_name || !fresh.is_empty() {
                so_far.lookups.extend(fresh.iter().flat_map(|answers| answers.iter().cloned()));
                wanted = (self.0)(&so_far);
            }
        }
    }
}

impl fmt::Debug for Further {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Further")
    }
}

/// Of whom: the address, and the EHLO name as it was given or as it is said.
pub(super) struct Identity<'a> {
    pub(super) ip: IpAddr,
    pub(super) ehlo: Option<&'a str>,
    pub(super) said: Option<&'a Said>,
}

async fn after(said: Option<&Said>, heard: usize) -> Option<Vec<String>> {
    said?.after(heard).await
}

fn evidence_of(ip: IpAddr, ehlo: Option<&str>) -> Evidence {
    Evidence {
        label: serde_json::Value::Null,
        observed_at: String::new(),
        target: TargetSeen { input: String::new(), host: None, address: None, port: None },
        client: Client { ip: Some(ip), ip_source: None, ehlo: ehlo.map(str::to_owned), ehlo_source: None },
        smtp: None,
        lookups: Vec::new(),
        resolvers: Vec::new(),
        resolvers_given: false,
        controls: Vec::new(),
        target_questions: Vec::new(),
        own: None,
    }
}
