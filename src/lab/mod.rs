//! A world on loopback: DNS servers and SMTP servers that behave as a scenario file says.
//!
//! It serves `demo`, the tests and the benchmarks; nothing in it leaves this machine.
//! Input: a [`Scenario`], from a file or of those in the binary ([`Lab::scenarios`]). Output: a
//! [`RunningLab`]: where to ask and what to dial, and afterwards what the peers heard. It stops when dropped.
//! Failure: a [`LabFault`], in one sentence.
#![expect(clippy::disallowed_types, reason = "the lab is made of real sockets on loopback")]

mod certificate;
mod dns;
mod embedded;
mod peer;
mod run;
mod scenario;
mod shown;
mod zone;

pub use scenario::{
    CheckPlan, DnsFault, DnsPlan, Expected, FaultPlan, Listen, Moment, PeerPlan, Scenario, ScriptPlan, StepPlan,
    TlsPlan,
};

pub use run::Outcome;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::PoisonError;
use std::time::Duration;

use crate::dns::reverse_name;
use crate::observe::Family;
use crate::smtp::{ServerRecord, TlsMode};

/// Why a lab does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabFault {
    /// The scenario's text is wrong.
    Scenario {
        /// The scenario.
        name: String,
        /// What is wrong with it.
        what: String,
    },
    /// There is no scenario of this name.
    Unknown(String),
    /// This machine does not let it run.
    Machine {
        /// The scenario.
        name: String,
        /// What is in the way.
        what: String,
    },
}

impl fmt::Display for LabFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scenario { name, what } => write!(f, "scenario {name} cannot be read: {what}"),
            Self::Unknown(name) => write!(f, "there is no scenario {name}; `demo` without a name lists all"),
            Self::Machine { name, what } => write!(f, "scenario {name} cannot run on this machine: {what}"),
        }
    }
}

impl std::error::Error for LabFault {}

/// The door to the lab.
#[derive(Clone, Copy, Debug)]
pub struct Lab;

impl Lab {
    /// Every scenario in the binary, by name.
    pub fn scenarios() -> impl Iterator<Item = Result<Scenario, LabFault>> {
        embedded::SCENARIOS.iter().map(|(name, text)| Scenario::parse(name, text))
    }

    /// The scenario of this name.
    pub fn scenario(name: &str) -> Result<Scenario, LabFault> {
        let found = embedded::SCENARIOS.iter().find(|(known, _)| *known == name);
        found.map_or_else(|| Err(LabFault::Unknown(name.to_owned())), |(name, text)| Scenario::parse(name, text))
    }

    /// Starts a scenario's servers.
    pub async fn start(scenario: &Scenario) -> Result<RunningLab, LabFault> {
        let broken = |what| LabFault::Scenario { name: scenario.name.clone(), what };
        let machine = |what| LabFault::Machine { name: scenario.name.clone(), what };
        let delay = scenario.delay_ms.map(Duration::from_millis);

        let mut bound: Vec<peer::Bound> = Vec::new();
        for plan in &scenario.peer {
            let port = bound.first().map_or(0, |first| first.address.port());
            let at = plan.address;
            bound.push(peer::bind(at, port).map_err(|e| machine(format!("no server at {at}: {e}")))?);
        }
        let addresses: Vec<SocketAddr> = bound.iter().map(|b| b.address).collect();
        let expand = |text: &str| expand(text, &addresses);

        let mut servers = Vec::new();
        let mut resolvers = Vec::new();
        for plan in &scenario.dns {
            if plan.closed {
                // An address of its own, so that no other lab's server can take the port that this one left.
                let free = peer::bind([127, 127, 0, 1].into(), 0).map_err(|e| machine(e.to_string()))?;
                resolvers.push(free.address);
            } else {
                let server = dns::start(plan, delay, expand).await.map_err(broken)?;
                resolvers.push(server.address);
                servers.push(server);
            }
        }
        let mut peers = Vec::new();
        for (plan, bound) in scenario.peer.iter().zip(bound) {
            peers.push(peer::start(plan, bound, delay, expand).await.map_err(broken)?);
        }

        let check = &scenario.check;
        let implicit = scenario.peer.iter().any(|p| p.tls.implicit);
        let scheme = if implicit { "smtps://" } else { "" };
        let ips: Result<Vec<IpAddr>, _> = check.ip.iter().map(|ip| expand(ip).parse()).collect();
        let target = check.target.as_deref().map(expand);
        let target = target.or_else(|| addresses.first().map(|a| format!("{scheme}{a}")));
        Ok(RunningLab {
            resolvers,
            target: target.filter(|_| !check.no_connect),
            ips: ips.map_err(|e| broken(format!("check.ip: {e}")))?,
            ehlo: check.ehlo.as_deref().map(expand),
            source: check.source,
            family: check.family,
            tls: check.tls,
            timeout: Duration::from_millis(check.timeout_ms),
            connect_timeout: Duration::from_millis(check.connect_ms),
            per_try: Duration::from_millis(check.try_ms),
            controls: check.controls.iter().map(|c| expand(c)).collect(),
            peers,
            servers,
        })
    }
}

/// Fills the placeholders of a scenario's text.
fn expand(text: &str, peers: &[SocketAddr]) -> String {
    let mut text = text.to_owned();
    for (place, peer) in peers.iter().enumerate() {
        let number = if place == 0 { String::new() } else { (place + 1).to_string() };
        let reverse = reverse_name(peer.ip());
        let zone = reverse.split_once('.').map_or(reverse.as_str(), |(_, zone)| zone);
        text = text
            .replace(&format!("{{ip{number}}}"), &peer.ip().to_string())
            .replace(&format!("{{reverse{number}}}"), &reverse)
            .replace(&format!("{{reverse_zone{number}}}"), zone)
            .replace("{port}", &peer.port().to_string());
    }
    text
}

/// A lab that runs until it is dropped, and the check to run against it.
pub struct RunningLab {
    /// The resolvers to ask (`--resolver`), in order.
    pub resolvers: Vec<SocketAddr>,
    /// What to dial (TARGET); `None` where only the DNS is judged.
    pub target: Option<String>,
    /// `--ip`.
    pub ips: Vec<IpAddr>,
    /// `--ehlo`.
    pub ehlo: Option<String>,
    /// `--source`.
    pub source: Option<IpAddr>,
    /// `-4` or `-6`.
    pub family: Family,
    /// `--tls`.
    pub tls: TlsMode,
    /// `--timeout`.
    pub timeout: Duration,
    /// How long one TCP connection may take.
    pub connect_timeout: Duration,
    /// How long one try of one DNS question may take.
    pub per_try: Duration,
    /// Hosts to try where the target's port does not answer.
    pub controls: Vec<String>,
    peers: Vec<peer::Peer>,
    servers: Vec<dns::DnsServer>,
}

impl RunningLab {
    /// Where the SMTP peers listen, in the scenario's order.
    pub fn peers(&self) -> Vec<SocketAddr> {
        self.peers.iter().map(|p| p.address).collect()
    }

    /// Puts another zone text in the place of a resolver's, as a zone that changes; `place` counts the resolvers that
    /// answer, from 0.
    pub fn publish(&self, place: usize, zone: &str) -> Result<(), String> {
        let server = self.servers.get(place).ok_or_else(|| format!("there is no resolver {place}"))?;
        server.publish(&expand(zone, &self.peers()))
    }

    /// What every connection so far has said to the peers, in the order of peers and connections.
    pub fn heard(&self) -> Vec<ServerRecord> {
        let journal = |p: &peer::Peer| p.journal.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.peers.iter().flat_map(journal).collect()
    }
}
