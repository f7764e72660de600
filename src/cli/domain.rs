//! `--mx` and `--spf`: TARGET is a domain, and what its DNS says of its mail hosts is what is checked.
//!
//! The questions go to the resolvers of the run. Checks are handed on as they are known, never held as a list.

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use clap::Args;
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::args::CheckArgs;
use super::input::Read;
use super::plan::PlanFault;
use crate::domain::{Known, MAX_UNSAMPLED, Portion, Remark, Step, mx_hosts, portion, spf_ranges, telling};
use crate::name::HostName;
use crate::observe::{Dns, Request};
use crate::target::{Host, Target};

/// The most addresses that a domain's SPF record is looked at for.
const MAX_ADDRESSES: usize = 65_536;

/// Options that make TARGET a domain.
#[derive(Clone, Debug, Default, Args)]
pub struct DomainArgs {
    /// TARGET is a domain: check each of its MX hosts
    #[arg(long, conflicts_with_all = ["ip", "input", "replay", "own", "no_connect", "spf"], help_heading = "Many")]
    pub mx: bool,
    /// TARGET is a domain: judge each address that its SPF record authorises, by DNS alone
    #[arg(long, conflicts_with_all = ["ip", "input", "replay", "own"], help_heading = "Many")]
    pub spf: bool,
    /// With --spf: of each range of more than 256 addresses, judge N, spread evenly and always the same
    #[arg(long, value_name = "N", requires = "spf", value_parser = clap::value_parser!(u32).range(1..=65_536), help_heading = "Many")]
    pub sample: Option<u32>,
    /// With --spf: dial each address too, and judge the name that it greets by
    #[arg(long, requires = "spf", conflicts_with = "no_connect", help_heading = "Many")]
    pub dial: bool,
}

/// The domains of a run.
#[derive(Clone, Debug)]
pub(super) struct Domains {
    names: Vec<HostName>,
    of: Of,
    port: u16,
    ehlo: Option<String>,
    timeout: Duration,
}

#[derive(Clone, Copy, Debug)]
enum Of {
    Mx,
    Spf { sample: Option<u32>, dial: bool },
}

impl Domains {
    /// The domains that the arguments name; `None` where TARGET is no domain.
    pub(super) fn of(args: &CheckArgs, timeout: Duration) -> Result<Option<Self>, PlanFault> {
        let DomainArgs { mx, spf, sample, dial } = args.domain;
        let (option, of) = match (mx, spf) {
            (true, _) => ("--mx", Of::Mx),
            (_, true) => ("--spf", Of::Spf { sample, dial }),
            _ => return Ok(None),
        };
        if args.targets.is_empty() {
            return Err(PlanFault(format!("{option} needs a domain, as in check {option} example.net")));
        }
        let name = |text: &String| match HostName::parse(text) {
            Ok(name) if text.parse::<IpAddr>().is_err() => Ok(name),
            _ => Err(PlanFault(format!(
                "{option} {}: give a domain, as in {option} example.net; a port is given with --port",
                crate::report::clean_bounded(text, 60)
            ))),
        };
        let names = args.targets.iter().map(name).collect::<Result<_, _>>()?;
        Ok(Some(Self { names, of, port: args.port.unwrap_or(25), ehlo: args.ehlo.clone(), timeout }))
    }

    /// Hands on every check of the domains, in order, until nobody takes them any more.
    pub(super) async fn feed(self, dns: Dns, checks: mpsc::Sender<Read>) {
        for name in &self.names {
            let fed = match self.of {
                Of::Mx => self.mx(name, &dns, &checks).await,
                Of::Spf { sample, dial } => self.spf(name, sample, dial, &dns, &checks).await,
            };
            if fed.is_none() {
                return;
            }
        }
    }

    async fn mx(&self, domain: &HostName, dns: &Dns, checks: &mpsc::Sender<Read>) -> Option<()> {
        let found = self.walk(dns, |known| mx_hosts(domain, known)).await;
        remark(found.remarks, checks).await?;
        for mx in found.hosts {
            let label = match mx.preference {
                Some(preference) => format!("{domain} MX {preference}"),
                None => format!("{domain} implicit MX"),
            };
            let read = match HostName::parse(&mx.host) {
                Ok(host) => {
                    let target = self.target(&mx.host, Host::Name(host));
                    Read::Request(Request { target: Some(target), ..self.request(label) })
                }
                Err(why) => Read::Remark(Remark {
                    text: format!("{label} {}: {why}; it was left out", mx.host),
                    left_out: true,
                }),
            };
            checks.send(read).await.ok()?;
        }
        Some(())
    }

    async fn spf(
        &self,
        domain: &HostName,
        sample: Option<u32>,
        dial: bool,
        dns: &Dns,
        checks: &mpsc::Sender<Read>,
    ) -> Option<()> {
        let found = self.walk(dns, |known| spf_ranges(domain, known)).await;
        remark(found.remarks, checks).await?;
        let mut seen: HashSet<IpAddr> = HashSet::new();
        for authorised in found.ranges {
            let via = &authorised.via;
            let portion = portion(authorised.range, sample);
            if let Portion::TooMany(count) = portion {
                let text = format!(
                    "{via}: {} addresses, more than {MAX_UNSAMPLED}, are left out; --sample N judges N of them",
                    Portion::words(count)
                );
                checks.send(Read::Remark(Remark { text, left_out: true })).await.ok()?;
                continue;
            }
            for ip in portion.addresses() {
                if authorised.excluded.iter().any(|e| e.contains(&ip)) || seen.contains(&ip) {
                    continue;
                }
                if seen.len() >= MAX_ADDRESSES {
                    let text = format!(
                        "{domain}: more than {MAX_ADDRESSES} addresses; what comes after {via} is left out, a smaller --sample reaches it"
                    );
                    checks.send(Read::Remark(Remark { text, left_out: true })).await.ok()?;
                    return Some(());
                }
                seen.insert(ip);
                let request = self.request(via.clone());
                let request = if dial {
                    Request { target: Some(self.target(&ip.to_string(), Host::Address(ip))), ..request }
                } else {
                    Request { ips: vec![ip], ..request }
                };
                checks.send(Read::Request(request)).await.ok()?;
            }
        }
        Some(())
    }

    fn request(&self, label: String) -> Request {
        Request { label: label.into(), ehlo: self.ehlo.clone(), ..Request::default() }
    }

    fn target(&self, input: &str, host: Host) -> Target {
        Target { input: input.to_owned(), host, port: self.port, implicit_tls: self.port == 465 }
    }

    /// Asks what a walk wants to know until it wants no more.
    async fn walk<T>(&self, dns: &Dns, step: impl Fn(&Known) -> Step<T>) -> T {
        let mut known = Known::new();
        loop {
            let questions = match step(&known) {
                Step::Done(found) => return found,
                Step::Ask(questions) => questions,
            };
            let deadline = Instant::now() + self.timeout;
            let answers = join_all(questions.iter().map(|q| dns.ask(q, deadline))).await;
            for (question, lookups) in questions.into_iter().zip(answers) {
                let none = || {
                    let why = "there is no resolver to ask".to_owned();
                    crate::dns::Lookup::empty(question.clone(), String::new(), crate::dns::Status::NotAsked, Some(why))
                };
                let lookup = telling(lookups).unwrap_or_else(none);
                known.insert(question, lookup);
            }
        }
    }
}

async fn remark(remarks: Vec<Remark>, checks: &mpsc::Sender<Read>) -> Option<()> {
    for remark in remarks {
        checks.send(Read::Remark(remark)).await.ok()?;
    }
    Some(())
}
