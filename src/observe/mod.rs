//! Gathering evidence: dial, ask, write down. No opinion is formed here.
//!
//! Order: the target's addresses; then, for each, the dialogue and the PTR side by side; the
//! addresses of a PTR name as soon as the PTR is in, those of an EHLO name as soon as it is said.
//! So a check takes as long as its longest chain of dependent answers (docs/architecture.md).
//! Limits: everything about one identity ends at one deadline, [`Options::timeout`] after its start; of a
//! pool, [`Options::identities_at_once`] are looked up at a time.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this room does the I/O: sockets, deadlines and the clock"
)]

mod addresses;
mod control;
mod dial;
mod dns;
mod further;
mod hosts;
mod inquiry;
pub mod listen;
mod load;
mod memo;
mod options;
mod own_address;
mod propagation;
mod said;
pub mod send;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use futures_util::future::{FutureExt, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::Instant;

pub use control::DEFAULT_CONTROLS;
pub use dns::{Dns, NoResolver, ServerSet};
pub use further::Further;
pub use load::LoadSeen;
pub use options::{Extent, Family, Options};
pub use own_address::{DEFAULT_WHOAMI, Whoami, own_addresses};
pub use propagation::propagation;

use crate::dns::Lookup;
use crate::evidence::{Client, Control, Dialogue, EhloSource, Evidence, Fault, IpSource, OwnSeen, TargetSeen};
use crate::name::EhloName;
use crate::target::Target;
use dns::Keep;
use further::Identity;
use hosts::{Dialled, Hosts, Turn};
use inquiry::Inquiry;
use memo::Memo;
use said::{Said, Teller};

/// What to check. With neither a target nor an address there is nothing to do.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The caller's own mark, passed through.
    pub label: serde_json::Value,
    /// The server to dial; `None` for DNS only.
    pub target: Option<Target>,
    /// DNS only, though there is a target: it names the check.
    pub no_connect: bool,
    /// The outbound addresses to judge, instead of the addresses dialled.
    pub ips: Vec<IpAddr>,
    /// Where they come from; `None` is [`IpSource::Given`].
    pub ip_source: Option<IpSource>,
    /// The client EHLO name to judge, instead of the one replied.
    pub ehlo: Option<String>,
    /// Where it comes from; `None` is [`EhloSource::Given`].
    pub ehlo_source: Option<EhloSource>,
    /// How `ips` and `ehlo` were learnt, where they are this machine's own.
    pub own: Option<Box<OwnIdentity>>,
}

/// How this machine's own identity was learnt.
#[derive(Clone, Debug)]
pub struct OwnIdentity {
    /// The address side.
    pub seen: OwnSeen,
    /// The dialogue with the local mail server, where its greeting was asked for.
    pub greeted: Option<(Target, IpAddr, Dialogue)>,
}

/// Dials and asks, with settings that hold for many checks.
#[derive(Clone, Debug)]
pub struct Observer {
    dns: Dns,
    options: Arc<Options>,
    tls: tls::Tls,
    shared: Option<Shared>,
    /// Records kept of one answer, where they are fewer than an answer may have.
    records: Option<usize>,
}

/// What the checks of a run have in common.
#[derive(Clone)]
struct Shared {
    memo: Arc<Memo>,
    hosts: Arc<Hosts>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shared")
    }
}

impl Observer {
    /// An observer; fails only where the TLS library finds no usable provider.
    pub fn new(dns: Dns, options: Options) -> Result<Self, rustls::Error> {
        Ok(Self { dns, options: Arc::new(options), tls: tls::Tls::new()?, shared: None, records: None })
    }

    /// For the checks of one run: DNS answers are shared by their TTL and dialogues by their address, and no
    /// server sees more than `per_host` of our connections at once.
    #[must_use]
    pub fn for_many(self, per_host: usize) -> Self {
        let dns = self.dns.clone().for_many();
        let shared = Shared { memo: Memo::new(dns.clone()), hosts: Arc::new(Hosts::new(per_host)) };
        Self { dns, shared: Some(shared), ..self }
    }

    /// Keeps so many records of one answer; the client's address and EHLO name are always among them.
    #[must_use]
    fn keeping(self, records: usize) -> Self {
        Self { records: Some(records), ..self }
    }

    fn dns_for(&self, request: &Request) -> Dns {
        let dns = self.dns.clone();
        let Some(records) = self.records else { return dns };
        let ehlo = request.ehlo.as_deref().map(EhloName::read);
        let ehlo = ehlo.as_ref().and_then(EhloName::host).map(ToString::to_string);
        let always = request.ips.iter().map(ToString::to_string).chain(ehlo).collect();
        dns.keeping(Keep { records, always })
    }

    /// What the resolvers and this machine have borne so far.
    pub fn load(&self) -> LoadSeen {
        self.dns.load()
    }

    /// The dialogue with one address and nothing else: no DNS, no control connection.
    pub async fn greet(&self, target: &Target, address: IpAddr) -> Dialogue {
        let deadline = Instant::now() + self.options.timeout;
        let none = std::future::ready(Vec::new());
        dial::dial(target, address, self, deadline, None, none, None).await.0
    }

    /// Gathers the evidence of every identity of a request: one an address.
    pub async fn observe(&self, request: &Request) -> Vec<Evidence> {
        let run = Run {
            observer: self,
            request,
            observed_at: jiff::Timestamp::now().to_string(),
            deadline: Instant::now() + self.options.timeout,
            memo: self.shared.as_ref().map_or_else(|| Memo::new(self.dns_for(request)), |s| s.memo.clone()),
        };
        match &request.target {
            Some(target) if !request.no_connect => run.with_target(target).await,
            // What few checks need is in a place of its own, here and below: its state would be part of every check's.
            _ => Box::pin(run.each_given(|ip| run.identity_alone(ip))).await,
        }
    }
}

fn millis(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 100_000.0).round() / 100.0
}

struct Run<'a> {
    observer: &'a Observer,
    request: &'a Request,
    observed_at: String,
    deadline: Instant,
    memo: Arc<Memo>,
}

impl Run<'_> {
    fn ip_source(&self) -> IpSource {
        self.request.ip_source.unwrap_or(IpSource::Given)
    }

    fn ehlo_source(&self) -> EhloSource {
        self.request.ehlo_source.unwrap_or(EhloSource::Given)
    }

    /// DNS only.
    async fn identity_alone(&self, ip: IpAddr) -> Evidence {
        let inquiry = self.inquiry_of_its_own();
        self.ask_about(&inquiry, ip).await;
        let greeted = self.request.own.as_ref().and_then(|own| own.greeted.as_ref());
        let target = greeted.map(|(target, address, _)| (target, Some(*address)));
        let smtp = greeted.map(|(.., dialogue)| (dialogue.clone(), Vec::new()));
        self.evidence(target, smtp, Some((ip, self.ip_source())), None, inquiry.finish())
    }

    /// Runs this for every given address, in their order, a bounded number at once.
    async fn each_given<T, F: Future<Output = T>>(&self, of: impl Fn(IpAddr) -> F) -> Vec<T> {
        let at_once = self.observer.options.identities_at_once.max(1);
        let mut waiting = self.request.ips.iter().enumerate();
        let mut running = FuturesUnordered::new();
        let mut done: Vec<(usize, T)> = Vec::new();
        loop {
            for (place, ip) in waiting.by_ref().take(at_once - running.len()) {
                running.push(of(*ip).map(move |done| (place, done)));
            }
            match running.next().await {
                Some(one) => done.push(one),
                None => break,
            }
        }
        done.sort_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, done)| done).collect()
    }

    /// An inquiry within the time of the run.
    fn inquiry(&self) -> Inquiry {
        self.inquiry_until(self.deadline)
    }

    /// An inquiry whose time begins now: an address far down a pool has as long as the first.
    fn inquiry_of_its_own(&self) -> Inquiry {
        self.inquiry_until(Instant::now() + self.observer.options.timeout)
    }

    fn inquiry_until(&self, deadline: Instant) -> Inquiry {
        Inquiry::new(self.memo.clone(), deadline, self.observer.options.extent)
    }

    /// Leave to dial, and the time by which the check then ends: to wait for one's turn is no part of it.
    async fn turn(&self, target: &Target, address: IpAddr) -> (Option<Turn>, Instant) {
        let Some(shared) = &self.observer.shared else { return (None, self.deadline) };
        let turn = shared.hosts.turn(address, target);
        let mut turn = std::pin::pin!(turn);
        match turn.as_mut().now_or_never() {
            Some(at_once) => (Some(at_once), self.deadline),
            None => (Some(turn.await), Instant::now() + self.observer.options.timeout),
        }
    }

    async fn with_target(&self, target: &Target) -> Vec<Evidence> {
        let resolving = self.inquiry();
        match addresses::addresses(target, self.observer.options.family, &resolving).await {
            Err(fault) => Box::pin(self.undialled(target, fault, resolving)).await,
            Ok(addresses) if self.request.ips.is_empty() => {
                join_all(addresses.iter().map(|a| self.address(target, *a, &resolving))).await
            }
            Ok(addresses) => Box::pin(self.pool(target, &addresses)).await,
        }
    }

    /// One address, dialled and judged itself.
    async fn address(&self, target: &Target, address: IpAddr, resolving: &Inquiry) -> Evidence {
        let (turn, deadline) = self.turn(target, address).await;
        let inquiry = self.inquiry_until(deadline);
        let said = Said::default();
        let names = said.teller();
        let agreement = Box::pin(async {
            let (dialogue, (), (), ()) = tokio::join!(
                async {
                    let names = names;
                    self.dial(target, address, turn, deadline, Some(&names)).await
                },
                // Most often long done when the dialogue still goes on: its place is free then.
                Box::pin(inquiry.reverse(address)),
                self.given_forward(&inquiry, address),
                self.said_forward(&inquiry, &said, address),
            );
            inquiry.reverse_zone_if_needed(address, &self.said_or_given(&said)).await;
            dialogue
        });
        let dialogue = self.beside(&inquiry, address, Some(&said), agreement).await;
        let target_questions = addresses::questions(target, self.observer.options.family);
        for question in &target_questions {
            inquiry.note(question, resolving);
        }
        let identity = Some((address, IpSource::Dialled));
        let evidence = self.evidence(Some((target, Some(address))), Some(dialogue), identity, None, inquiry.finish());
        Evidence { target_questions, ..evidence }
    }

    /// The client's EHLO names.
    fn said_or_given(&self, said: &Said) -> Vec<String> {
        self.request.ehlo.as_ref().map_or_else(|| said.names(), |given| vec![given.clone()])
    }

    /// Several given addresses behind one server: dialled once, at the first address that greets.
    async fn pool(&self, target: &Target, addresses: &[IpAddr]) -> Vec<Evidence> {
        let said = Said::default();
        let names = said.teller();
        // The identities' time begins when the first address may be dialled.
        let mut first = match addresses.first() {
            Some(address) => Some(self.turn(target, *address).await),
            None => None,
        };
        let dialled = async {
            let names = names;
            let mut last = None;
            for address in addresses {
                let (turn, deadline) = match first.take() {
                    Some(first) => first,
                    None => self.turn(target, *address).await,
                };
                let dialogue = self.dial(target, *address, turn, deadline, Some(&names)).await;
                let greeted = dialogue.0.fault.is_none();
                last = Some((*address, dialogue));
                if greeted {
                    break;
                }
            }
            last
        };
        let asked = self.each_given(|ip| {
            let said = &said;
            async move {
                let inquiry = self.inquiry_of_its_own();
                let asked = async {
                    tokio::join!(
                        inquiry.reverse(ip),
                        self.given_forward(&inquiry, ip),
                        self.said_forward(&inquiry, said, ip)
                    );
                    inquiry.reverse_zone_if_needed(ip, &self.said_or_given(said)).await;
                };
                self.beside(&inquiry, ip, Some(said), asked).await;
                (ip, inquiry.finish())
            }
        });
        let (dialled, asked) = tokio::join!(dialled, asked);
        let (address, dialogue) = dialled.unzip();
        let checks = asked.into_iter().map(|(ip, lookups)| {
            self.evidence(Some((target, address)), dialogue.clone(), Some((ip, self.ip_source())), None, lookups)
        });
        checks.collect()
    }

    /// The target has no address: the given identities are judged all the same.
    async fn undialled(&self, target: &Target, fault: Fault, resolving: Inquiry) -> Vec<Evidence> {
        let resolved = resolving.finish();
        let dialogue = Dialogue { fault: Some(fault), ..dial::unheard(target, &self.observer.options) };
        let check = |identity, lookups| {
            let dialogue = Some((dialogue.clone(), Vec::new()));
            self.evidence(Some((target, None)), dialogue, identity, Some(resolved.clone()), lookups)
        };
        if self.request.ips.is_empty() {
            return vec![check(None, Vec::new())];
        }
        let asked = self.each_given(|ip| async move {
            let inquiry = self.inquiry_of_its_own();
            self.ask_about(&inquiry, ip).await;
            (ip, inquiry.finish())
        });
        asked.await.into_iter().map(|(ip, lookups)| check(Some((ip, self.ip_source())), lookups)).collect()
    }

    /// The dialogue, and the control connections where the target's port did not answer; or what is known of it.
    async fn dial(
        &self,
        target: &Target,
        address: IpAddr,
        turn: Option<Turn>,
        deadline: Instant,
        said: Option<&Teller<'_>>,
    ) -> Dialled {
        let options = &self.observer.options;
        // A future does nothing until it is waited for.
        let dialled = SocketAddr::new(address, target.port);
        let hosts = self.observer.shared.as_ref().map(|s| s.hosts.as_ref());
        let controls = control::connect_all(dialled, options, hosts, || self.inquiry(), deadline);
        match turn {
            Some(Turn::Known(known)) => {
                if let Some(said) = said {
                    dial::announce_all(&known.0, said);
                }
                Dialled::clone(&known)
            }
            Some(Turn::Dial(dialling)) => {
                let held = Some(dialling.permit.clone());
                // In a place of its own: the dialogue's state is large, and is moved with everything around it.
                let done = Box::pin(dial::dial(target, address, self.observer, deadline, said, controls, held)).await;
                Dialled::clone(&dialling.done(target, done))
            }
            None => Box::pin(dial::dial(target, address, self.observer, deadline, said, controls, None)).await,
        }
    }

    /// The DNS side of an address, where nobody says a name.
    async fn ask_about(&self, inquiry: &Inquiry, ip: IpAddr) {
        let agreement = async {
            tokio::join!(inquiry.reverse(ip), self.given_forward(inquiry, ip));
            inquiry.reverse_zone_if_needed(ip, self.request.ehlo.as_slice()).await;
        };
        self.beside(inquiry, ip, None, agreement).await;
    }

    /// The agreement's own questions, and beside them what else is wanted of this address and its EHLO name.
    async fn beside<T>(
        &self,
        inquiry: &Inquiry,
        ip: IpAddr,
        said: Option<&Said>,
        agreement: impl Future<Output = T>,
    ) -> T {
        let Some(further) = &self.observer.options.further else { return agreement.await };
        let ehlo = self.request.ehlo.as_deref();
        let said = said.filter(|_| ehlo.is_none());
        Box::pin(further.beside(inquiry, Identity { ip, ehlo, said }, agreement)).await
    }

    async fn given_forward(&self, inquiry: &Inquiry, client: IpAddr) {
        if let Some(EhloName::Host(name)) = self.request.ehlo.as_deref().map(EhloName::read) {
            Box::pin(inquiry.forward(name.as_str(), Some(client))).await;
        }
    }

    async fn said_forward(&self, inquiry: &Inquiry, said: &Said, client: IpAddr) {
        if self.request.ehlo.is_none() {
            inquiry.forward_as_said(said, Some(client)).await;
        }
    }

    fn evidence(
        &self,
        target: Option<(&Target, Option<IpAddr>)>,
        smtp: Option<(Dialogue, Vec<Control>)>,
        identity: Option<(IpAddr, IpSource)>,
        resolved: Option<Vec<Lookup>>,
        asked: Vec<Lookup>,
    ) -> Evidence {
        let mut lookups = resolved.unwrap_or_default();
        lookups.extend(asked);
        let (smtp, controls) = smtp.unzip();
        let named = target.map(|t| t.0).or(self.request.target.as_ref());
        let own = self.request.own.as_ref();
        Evidence {
            label: self.request.label.clone(),
            observed_at: self.observed_at.clone(),
            target: TargetSeen {
                input: named
                    .map_or_else(|| identity.map_or_else(String::new, |i| i.0.to_string()), |t| t.input.clone()),
                host: named.map(|t| t.host.to_string()),
                address: target.and_then(|t| t.1),
                port: target.map(|t| t.0.port),
            },
            client: Client {
                ip: identity.map(|i| i.0),
                ip_source: identity.map(|i| i.1),
                ehlo: self.request.ehlo.clone(),
                ehlo_source: self.request.ehlo.as_ref().map(|_| self.ehlo_source()),
            },
            smtp,
            lookups,
            resolvers: self.observer.dns.names(),
            resolvers_given: self.observer.dns.is_given(),
            controls: controls.unwrap_or_default(),
            own: own.map(|o| o.seen.clone()),
            target_questions: Vec::new(),
        }
    }
}
