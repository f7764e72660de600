//! An identity and its state, as an earlier report of any version and format holds them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::evidence::EhloSource;
use crate::judge::catalogue::{Entry, ehlo, reverse, server, shape, tls};
use crate::judge::check::{Check, EdgeState, Severity, Verdict};
use crate::judge::standing::{left_open, tells_left_out};

/// Who is compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Identity {
    /// `host:port`, or the host where nothing was to be dialled; `null` where only an address was given.
    pub target: Option<String>,
    /// The client's address.
    pub ip: Option<IpAddr>,
    /// The EHLO name, where it was given.
    pub ehlo: Option<String>,
}

/// How an identity was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// The sum of the edges.
    pub verdict: Verdict,
    /// `ehlo_ptr`, `ptr_forward`, `ehlo_forward`.
    pub edges: [EdgeState; 3],
    /// The EHLO name.
    pub ehlo: Option<String>,
    /// The PTR names, sorted.
    pub ptr: Vec<String>,
    /// Codes of severity `error`, sorted.
    pub errors: Vec<String>,
    /// Codes of severity `warning`, sorted.
    pub warnings: Vec<String>,
    /// It could not be reached, or not all of it was.
    pub open: bool,
}

/// What a baseline must hold of a check; everything else in it is passed over, so that reports of other versions
/// can be read.
#[derive(Clone, Debug, Deserialize)]
pub struct EarlierCheck {
    target: EarlierTarget,
    client: EarlierClient,
    agreement: EarlierAgreement,
    findings: Vec<EarlierFinding>,
    #[serde(default)]
    smtp: Option<EarlierSmtp>,
    dns: EarlierDns,
    /// Only in what `--update-baseline` wrote.
    #[serde(default)]
    last_known: Vec<LastKnown>,
}

/// What is still known of an identity that could not be judged wholly in the last run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastKnown {
    /// Who it is: the check's own identity, or one of those that the check stands for.
    pub identity: Identity,
    /// How it was when it was last seen, side by side.
    pub state: State,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierTarget {
    host: Option<String>,
    port: Option<u16>,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierClient {
    ip: Option<IpAddr>,
    ehlo: Option<String>,
    ehlo_source: Option<EhloSource>,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierAgreement {
    verdict: Verdict,
    ehlo_ptr: EarlierEdge,
    ptr_forward: EarlierEdge,
    ehlo_forward: EarlierEdge,
}

#[derive(Clone, Copy, Debug, Deserialize)]
struct EarlierEdge {
    state: EdgeState,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierFinding {
    code: String,
    severity: Severity,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierSmtp {
    fault: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierDns {
    ptr: Option<EarlierPtr>,
}

#[derive(Clone, Debug, Deserialize)]
struct EarlierPtr {
    names: Vec<String>,
}

impl Identity {
    /// From the columns of a report.
    pub fn new(
        host: Option<&str>,
        port: Option<u16>,
        ip: Option<IpAddr>,
        ehlo: Option<&str>,
        source: Option<EhloSource>,
    ) -> Self {
        let target = host.map(|host| match port {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        });
        let given = source.is_some_and(|s| s != EhloSource::Replied);
        Self { target, ip, ehlo: ehlo.filter(|_| given).map(str::to_owned) }
    }

    /// Of a check.
    pub fn of(check: &Check) -> Self {
        let (target, client) = (&check.target, &check.client);
        Self::new(target.host.as_deref(), target.port, client.ip, client.ehlo.as_deref(), client.ehlo_source)
    }
}

impl State {
    /// Of a check.
    pub fn of(check: &Check) -> Self {
        let agreement = &check.agreement;
        let codes =
            |severity| sorted(check.findings.iter().filter(|f| f.severity == severity).map(|f| f.code.to_string()));
        Self {
            verdict: agreement.verdict,
            edges: [agreement.ehlo_ptr.state, agreement.ptr_forward.state, agreement.ehlo_forward.state],
            ehlo: check.client.ehlo.clone(),
            ptr: sorted(check.dns.ptr.iter().flat_map(|p| &p.names).map(|n| n.to_ascii_lowercase())),
            errors: codes(Severity::Error),
            warnings: codes(Severity::Warning),
            open: left_open(check),
        }
    }
}

impl EarlierCheck {
    /// Who it was of, how that one was, and what was known from before.
    pub fn split(self) -> (Identity, State, Vec<LastKnown>) {
        let (target, client, agreement) = (&self.target, &self.client, &self.agreement);
        let identity =
            Identity::new(target.host.as_deref(), target.port, client.ip, client.ehlo.as_deref(), client.ehlo_source);
        let codes = |severity| sorted(self.findings.iter().filter(|f| f.severity == severity).map(|f| f.code.clone()));
        let state = State {
            verdict: agreement.verdict,
            edges: [agreement.ehlo_ptr.state, agreement.ptr_forward.state, agreement.ehlo_forward.state],
            ptr: sorted(self.dns.ptr.iter().flat_map(|p| &p.names).map(|n| n.to_ascii_lowercase())),
            errors: codes(Severity::Error),
            warnings: codes(Severity::Warning),
            open: self.smtp.as_ref().is_some_and(|s| s.fault.is_some())
                || self.findings.iter().any(|f| tells_left_out(&f.code)),
            ehlo: self.client.ehlo,
        };
        (identity, state, self.last_known)
    }
}

pub(super) fn sorted(texts: impl Iterator<Item = String>) -> Vec<String> {
    texts.collect::<BTreeSet<_>>().into_iter().collect()
}

/// How many of the words of a state are told: the rest is in the check.
const TOLD: usize = 5;

impl State {
    /// Whether it is known which EHLO name there is, or that there is none.
    fn knows_ehlo(&self) -> bool {
        self.ehlo.is_some() || self.edges[2] != EdgeState::Unknown
    }

    /// Whether it is known which PTR names there are, or that there are none.
    fn knows_ptr(&self) -> bool {
        !self.ptr.is_empty() || self.edges[1] != EdgeState::Unknown
    }

    /// Whether this run has seen the side that such a finding is about: where it has, and has not found it, it is gone.
    fn would_show(&self, code: &str) -> bool {
        let about = |subjects: &[&[Entry]]| subjects.iter().any(|entries| entries.iter().any(|e| e.slug == code));
        if about(&[reverse::ENTRIES]) {
            self.knows_ptr() && self.edges[1] != EdgeState::Unknown
        } else if about(&[ehlo::ENTRIES, shape::ENTRIES]) {
            self.knows_ehlo() && self.edges[2] != EdgeState::Unknown
        } else if about(&[server::ENTRIES, tls::ENTRIES]) {
            !self.open
        } else {
            // What could not be reached is of its own run.
            true
        }
    }

    /// Whether something that is known here was not seen in `now`.
    pub(super) fn outlasts(&self, now: &Self) -> bool {
        let edges = self.edges.iter().zip(&now.edges);
        self.knows_ehlo() && !now.knows_ehlo()
            || self.knows_ptr() && !now.knows_ptr()
            || edges.clone().any(|(was, is)| *was != EdgeState::Unknown && *is == EdgeState::Unknown)
            || !self.open && now.open
    }

    /// What is known after `now`: all of it, and where `now` has not seen a side, that side as it was. A finding
    /// that is no longer there is not disproved by what was not seen.
    #[must_use]
    pub(super) fn recalled(&self, now: &Self) -> Self {
        if !self.outlasts(now) {
            return now.clone();
        }
        let mut edges = now.edges;
        for (is, was) in edges.iter_mut().zip(self.edges) {
            if *is == EdgeState::Unknown {
                *is = was;
            }
        }
        let both =
            |was: &[String], is: &[String]| sorted(was.iter().filter(|code| !now.would_show(code)).chain(is).cloned());
        Self {
            verdict: if now.verdict == Verdict::Unknown { self.verdict } else { now.verdict },
            edges,
            ehlo: if now.knows_ehlo() { &now.ehlo } else { &self.ehlo }.clone(),
            ptr: if now.knows_ptr() { &now.ptr } else { &self.ptr }.clone(),
            errors: both(&self.errors, &now.errors),
            warnings: both(&self.warnings, &now.warnings),
            open: self.open && now.open,
        }
    }

    /// What is different now, a few words each: sides against what is known of them, the verdict against the run
    /// `before`. A side that either has not seen is no difference. `why` says what left the verdict open.
    pub(super) fn differences(&self, before: &Self, now: &Self, why: &str) -> Vec<String> {
        let mut said = Vec::new();
        let word = |verdict| match verdict {
            Verdict::Agree => "agree",
            Verdict::Differ => "differ",
            Verdict::Unknown => "unknown",
        };
        if before.verdict != now.verdict {
            let why = if now.verdict == Verdict::Unknown { format!(" ({why})") } else { String::new() };
            said.push(format!("verdict {} → {}{why}", word(before.verdict), word(now.verdict)));
        }
        let same_name = match (&self.ehlo, &now.ehlo) {
            (Some(was), Some(is)) => was.eq_ignore_ascii_case(is),
            (was, is) => was == is,
        };
        if !same_name && self.knows_ehlo() && now.knows_ehlo() {
            let or_none = |name: &Option<String>| name.clone().unwrap_or_else(|| "none".into());
            said.push(format!("EHLO {} → {}", or_none(&self.ehlo), or_none(&now.ehlo)));
        }
        if self.ptr != now.ptr && self.knows_ptr() && now.knows_ptr() {
            said.push(format!("PTR {} → {}", listed(&self.ptr), listed(&now.ptr)));
        }
        let codes = |state: &Self| state.errors.iter().chain(&state.warnings).cloned().collect::<BTreeSet<String>>();
        let (was, is) = (codes(self), codes(now));
        let more: Vec<String> = is.difference(&was).cloned().collect();
        let less: Vec<String> = was.difference(&is).cloned().collect();
        if !more.is_empty() {
            said.push(format!("new: {}", listed(&more)));
        }
        let less: Vec<String> = less.into_iter().filter(|code| now.would_show(code)).collect();
        if !less.is_empty() {
            said.push(format!("no more: {}", listed(&less)));
        }
        if said.is_empty() {
            let edges = ["ehlo_ptr", "ptr_forward", "ehlo_forward"].iter().zip(before.edges.iter().zip(&now.edges));
            let moved = edges.filter(|(_, (was, is))| was != is);
            said.extend(moved.map(|(edge, (was, is))| format!("{edge} {} → {}", was.as_str(), is.as_str())));
        }
        if before.open != now.open {
            said.push(if now.open { "not reached" } else { "reached again" }.into());
        }
        said
    }
}

fn listed(names: &[String]) -> String {
    match names.len() {
        0 => "none".into(),
        n if n > TOLD => format!("{} and {} more", names[..TOLD].join(", "), n - TOLD),
        _ => names.join(", "),
    }
}
