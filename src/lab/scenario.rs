//! One file, one small world: zone data, SMTP peers, the check to run, and what must come of it.
//!
//! Input: TOML, every unknown key refused. In zone data, faults, peers and the check, `{ip}` stands for the
//! first peer's address, `{reverse}` for its reverse name, `{reverse_zone}` for that name without its first
//! label (both without a final dot), `{ip2}` and `{reverse2}` for the second peer's, and `{port}` for the port
//! that the lab picks for all peers.
//! Units: milliseconds.
//! Failure: a sentence with the scenario's name, and the line where the file is not TOML.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use super::LabFault;
use crate::dns::RecordType;
use crate::judge::{Code, EdgeState, Iprev, Verdict};
use crate::observe::Family;
use crate::smtp::TlsMode;

/// A scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The file's name without its ending: what `demo NAME` takes.
    #[serde(skip)]
    pub name: String,
    /// A few words.
    pub title: String,
    /// What a person learns from it, in one or two sentences.
    pub about: String,
    /// The trap that it holds: what a careless checker gets wrong.
    pub trap: Option<String>,
    /// Delays every DNS answer and every SMTP reply by so much.
    pub delay_ms: Option<u64>,
    /// The exit code of the check with its default `--fail-on`.
    pub exit: u8,
    /// The check to run.
    #[serde(default)]
    pub check: CheckPlan,
    /// The resolvers to ask, in order; one at least.
    pub dns: Vec<DnsPlan>,
    /// The SMTP servers; none for a check of the DNS alone.
    #[serde(default)]
    pub peer: Vec<PeerPlan>,
    /// What must come of it, one entry a client identity, in order.
    pub expect: Vec<Expected>,
}

/// The servers of a scenario, alone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct World {
    dns: Vec<DnsPlan>,
    #[serde(default)]
    peer: Vec<PeerPlan>,
}

/// The check, in the words of the command line.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CheckPlan {
    /// TARGET; the first peer's address and port where it is left out, and nothing where there is no peer.
    pub target: Option<String>,
    /// `--ip`.
    pub ip: Vec<String>,
    /// `--ehlo`.
    pub ehlo: Option<String>,
    /// `--source`.
    pub source: Option<IpAddr>,
    /// `-4` (`v4`) or `-6` (`v6`).
    pub family: Family,
    /// `--no-connect`; always so where there is no peer.
    pub no_connect: bool,
    /// `--tls`. Off unless the scenario is about TLS, so that its findings stand alone.
    pub tls: TlsMode,
    /// The whole check (`--timeout`).
    pub timeout_ms: u64,
    /// One TCP connection.
    pub connect_ms: u64,
    /// One try of one DNS question.
    pub try_ms: u64,
    /// Hosts to try where the target's port does not answer.
    pub controls: Vec<String>,
}

impl Default for CheckPlan {
    fn default() -> Self {
        Self {
            target: None,
            ip: Vec::new(),
            ehlo: None,
            source: None,
            family: Family::Both,
            no_connect: false,
            tls: TlsMode::Off,
            timeout_ms: 10_000,
            connect_ms: 5000,
            try_ms: 3000,
            controls: Vec::new(),
        }
    }
}

/// One resolver.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DnsPlan {
    /// Zone text (RFC 1035 §5.1): `$ORIGIN` opens a zone, which gets an SOA and NS where it has none.
    pub zone: String,
    /// Answer as a zone's own server does: aliases into other zones are not followed, and other zones'
    /// names are refused. Otherwise as a resolver does.
    pub authoritative: bool,
    /// Where it listens; 127.0.0.1 where it is left out.
    pub address: Option<IpAddr>,
    /// Nobody listens at this resolver's address.
    pub closed: bool,
    /// Trouble, by name and type.
    pub fault: Vec<FaultPlan>,
}

/// Trouble with one question.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// The name, absolute; `*` for every name.
    pub name: String,
    /// The type; every type where it is left out.
    #[serde(rename = "type")]
    pub kind: Option<RecordType>,
    /// What happens.
    pub fault: DnsFault,
    /// Only to the first so many questions.
    pub first: Option<u32>,
    /// Before anything else, wait.
    pub delay_ms: Option<u64>,
    /// An extended error (RFC 8914) that goes with the answer.
    pub ede: Option<u16>,
}

/// What happens to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DnsFault {
    /// RCODE 2.
    Servfail,
    /// RCODE 5.
    Refused,
    /// RCODE 1.
    Formerr,
    /// RCODE 4.
    Notimp,
    /// RCODE 0 without records.
    Nodata,
    /// RCODE 3.
    Nxdomain,
    /// No answer.
    Silence,
    /// The right answer, after `delay_ms`.
    Delay,
    /// An empty answer with TC over UDP, the right one over TCP.
    TruncateUdp,
    /// An empty answer with TC over both.
    TruncateAlways,
    /// An empty answer with TC over UDP, no answer over TCP.
    TcpDrop,
    /// Records whose data is too short for their type.
    Malformed,
    /// The right records under a question that was not asked.
    WrongQuestion,
    /// RCODE 0 with an alias, and behind it the alias that leads back.
    AliasLoop,
    /// The right records under RCODE 2.
    RecordsWithServfail,
}

/// One SMTP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeerPlan {
    /// Where it listens; 127.0.0.1 stands in where this machine has no other loopback address.
    pub address: IpAddr,
    /// Its name, in greeting and EHLO reply.
    pub name: String,
    /// The text behind `220`; `NAME ESMTP` where it is left out.
    pub banner: Option<String>,
    /// The first line of its EHLO and HELO replies; its name where it is left out.
    pub ehlo: Option<String>,
    /// The extensions of its EHLO reply, `STARTTLS` left out.
    pub extensions: Vec<String>,
    /// TLS.
    pub tls: TlsPlan,
    /// Whether anybody answers.
    pub listen: Listen,
    /// Refuse a client that speaks too early, with 554.
    pub strict: bool,
    /// Answers that replace the standard ones.
    pub script: Vec<ScriptPlan>,
}

impl Default for PeerPlan {
    fn default() -> Self {
        Self {
            address: IpAddr::from([127, 0, 0, 1]),
            name: "mail.example.net".into(),
            banner: None,
            ehlo: None,
            extensions: ["PIPELINING", "SIZE 10240000", "8BITMIME"].map(String::from).into(),
            tls: TlsPlan::default(),
            listen: Listen::Normal,
            strict: false,
            script: Vec::new(),
        }
    }
}

/// Whether anybody answers at the peer's port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listen {
    /// A server.
    #[default]
    Normal,
    /// Nobody: the connection is refused.
    Closed,
    /// Packets vanish: the connection is never answered.
    Blackhole,
}

/// A peer's TLS.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsPlan {
    /// There is any.
    pub offered: bool,
    /// The names in its self-signed certificate.
    pub names: Vec<String>,
    /// The certificate's time is over.
    pub expired: bool,
    /// TLS before the greeting (RFC 8314 §3.3) instead of STARTTLS.
    pub implicit: bool,
    /// The EHLO name inside TLS, where it is another.
    pub ehlo: Option<String>,
}

impl Default for TlsPlan {
    fn default() -> Self {
        Self { offered: true, names: vec!["mail.example.net".into()], expired: false, implicit: false, ehlo: None }
    }
}

/// An answer that replaces the standard one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptPlan {
    /// When.
    pub on: Moment,
    /// What, in order.
    #[serde(rename = "do")]
    pub steps: Vec<StepPlan>,
}

/// A moment of the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// The connection stands.
    Greeting,
    /// EHLO outside TLS.
    Ehlo,
    /// EHLO inside TLS.
    EhloSecure,
    /// HELO.
    Helo,
    /// STARTTLS.
    Starttls,
    /// The place of the TLS handshake.
    Handshake,
    /// QUIT.
    Quit,
}

/// One step of a script.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum StepPlan {
    /// Send this text, its line ends written out.
    Send(String),
    /// Send these octets, in hexadecimal.
    SendHex(String),
    /// Send this text again and again until the client goes.
    Repeat(String),
    /// Send one text so many times.
    Fill {
        /// The text.
        text: String,
        /// How often.
        count: usize,
    },
    /// Send one octet at a time.
    Drip {
        /// The text.
        text: String,
        /// Between two octets.
        every_ms: u64,
    },
    /// Wait.
    WaitMs(u64),
    /// Wait until the client goes.
    Hang,
    /// Do the TLS handshake.
    StartTls,
    /// Close the connection.
    Close,
}

/// What must come of one client identity.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The sum.
    pub verdict: Verdict,
    /// The EHLO name is one of the PTR names.
    pub ehlo_ptr: EdgeState,
    /// A PTR name's addresses hold the client's.
    pub ptr_forward: EdgeState,
    /// The EHLO name's addresses hold the client's.
    pub ehlo_forward: EdgeState,
    /// RFC 8601 §2.7.3.
    pub iprev: Iprev,
    /// Exactly these findings, in any order.
    pub findings: Vec<Code>,
    /// What receivers answer, by `receiver/rule`: the reply's codes (`450 4.7.25`), a filter's total, `accept` where
    /// a policy names no code, or `not predicted`.
    #[serde(default)]
    pub receivers: BTreeMap<String, String>,
    /// Fields of the check's JSON, or of the evidence's behind `evidence.`, and a text that each must hold: what
    /// has to be kept and shown. `"dns.ptr.status"`, `"findings.ptr-too-many.detail"`.
    #[serde(default)]
    pub shows: BTreeMap<String, String>,
}

impl Scenario {
    /// Reads a scenario's text.
    pub fn parse(name: &str, text: &str) -> Result<Self, LabFault> {
        let fault = |what: String| LabFault::Scenario { name: name.to_owned(), what };
        let mut scenario: Self = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        name.clone_into(&mut scenario.name);
        if scenario.dns.is_empty() || scenario.expect.is_empty() {
            return Err(fault("it needs a [[dns]] and an [[expect]]".into()));
        }
        let check = &scenario.check;
        if scenario.peer.is_empty() && check.ip.is_empty() && check.target.is_none() {
            return Err(fault("it needs a [[peer]] or a check.target to dial, or an address in check.ip".into()));
        }
        scenario.on_loopback()
    }

    /// A world for programs that bring checks of their own: its text has `[[dns]]` and `[[peer]]` only.
    pub fn world(name: &str, text: &str) -> Result<Self, LabFault> {
        let fault = |what: String| LabFault::Scenario { name: name.to_owned(), what };
        let world: World = toml::from_str(text).map_err(|e| fault(e.to_string()))?;
        let scenario = Self {
            name: name.to_owned(),
            title: name.to_owned(),
            about: String::new(),
            trap: None,
            delay_ms: None,
            exit: 0,
            check: CheckPlan::default(),
            dns: world.dns,
            peer: world.peer,
            expect: Vec::new(),
        };
        if scenario.dns.is_empty() {
            return Err(fault("it needs a [[dns]]".into()));
        }
        scenario.on_loopback()
    }

    fn on_loopback(self) -> Result<Self, LabFault> {
        let fault = |what: &str| LabFault::Scenario { name: self.name.clone(), what: what.to_owned() };
        if !self.peer.iter().all(|p| p.address.is_loopback()) {
            return Err(fault("a peer's address must be a loopback address"));
        }
        if !self.dns.iter().filter_map(|d| d.address).all(|ip| ip.is_loopback()) {
            return Err(fault("a resolver's address must be a loopback address"));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
title = "t"
about = "a"
exit = 0
[check]
ip = ["203.0.113.10"]
[[dns]]
zone = ""
[[expect]]
verdict = "agree"
ehlo_ptr = "agree"
ptr_forward = "agree"
ehlo_forward = "agree"
iprev = "pass"
findings = ["ptr-delegated"]
"#;

    #[test]
    fn a_world_is_servers_alone() {
        let world = Scenario::world("x", "[[dns]]\nzone = ''\n[[peer]]\nname = 'a.example'\n").unwrap();
        assert_eq!((world.dns.len(), world.peer.len(), world.expect.len()), (1, 1, 0));
        for bad in ["", "[[peer]]", "[[dns]]\nzones = ''", "[[dns]]\naddress = '192.0.2.1'", TEXT] {
            assert!(Scenario::world("x", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reads_and_refuses() {
        assert_eq!(Scenario::parse("x", TEXT).unwrap().expect[0].findings, [Code::PtrDelegated]);
        for (from, to) in [
            ("exit = 0", "exit = 0\nextra = 1"),
            ("zone = \"\"", "zones = \"\""),
            ("ptr-delegated", "ptr-undelegated"),
            ("ip = [\"203.0.113.10\"]", ""),
            ("[[expect]]", "[[peer]]\naddress = \"203.0.113.1\"\n[[expect]]"),
        ] {
            let text = TEXT.replace(from, to);
            assert_ne!(text, TEXT);
            assert!(Scenario::parse("x", &text).is_err(), "{to}");
        }
    }
}
