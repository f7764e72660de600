//! `--watch` and `--until-agree`: the same checks again and again, and each time what changed, with its time; beside
//! them what the zones' own servers say, and which resolvers still hold an old answer.
//!
//! Rule: no answer outlives its round. An interrupt, and the end of `--for`, end with the last state and its exit.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use clap::Args;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::time::{Instant, sleep, sleep_until};

use super::args::CheckArgs;
use super::exit::Exit;
use super::output::say;
use super::plan::{self, Plan, PlanFault};
use super::printer::{Printer, is_first_sight};
use super::signals::interrupt;
use super::waiting::{Awaited, Waiting};
use crate::evidence::Evidence;
use crate::judge::{Check, Comparison, Identity, Propagation, Standing, judge_for, questions};
use crate::observe::{Dns, Observer, Request, propagation};
use crate::report::Format;

/// Between the beginnings of two rounds, where no interval is given.
const INTERVAL: Duration = Duration::from_mins(1);
/// Between two drawings of what is waited for.
const SECOND: Duration = Duration::from_secs(1);
/// Identities whose zones' servers are asked; of more, only the checks are repeated.
const MAX_PROPAGATION: usize = 32;

/// Options of the repetition.
#[expect(clippy::option_option, reason = "an option whose value may be left out is so to the argument parser")]
#[derive(Clone, Debug, Default, Args)]
pub struct WatchArgs {
    /// Check again every INTERVAL (30s, 5m), and show only what changed, with its time [default interval: 1m]
    #[arg(long, value_name = "INTERVAL", num_args = 0..=1, conflicts_with_all = ["replay", "save", "ticket", "baseline"], help_heading = "Over time")]
    pub watch: Option<Option<String>>,
    /// Check again until all agrees, at the zones' own servers and at every resolver asked
    #[arg(long, conflicts_with_all = ["replay", "save", "ticket", "baseline"], help_heading = "Over time")]
    pub until_agree: bool,
    /// With --watch or --until-agree: end after this time (30m, 2h), at the earliest behind the first round
    #[arg(long = "for", value_name = "TIME", help_heading = "Over time")]
    pub limit: Option<String>,
    /// With --watch or --until-agree: ask this server as the zones' own, instead of those that NS names
    #[arg(long, value_name = "IP[:PORT]", help_heading = "Over time")]
    pub authority: Vec<String>,
}

impl WatchArgs {
    /// Whether the checks are repeated.
    pub(super) fn on(&self) -> bool {
        self.watch.is_some() || self.until_agree
    }
}

/// A word behind `--watch` that is no time is a TARGET: `check --watch relay.example.net`.
pub(super) fn without_target(mut args: CheckArgs) -> CheckArgs {
    if let Some(Some(word)) = &args.watch.watch
        && plan::time(word).is_none()
        && !word.starts_with(|c: char| c.is_ascii_digit() && !word.contains(['.', ':']))
    {
        args.targets.insert(0, word.clone());
        args.watch.watch = Some(None);
    }
    args
}

/// How to repeat.
#[derive(Clone, Debug)]
pub(super) struct Rounds {
    interval: Duration,
    limit: Option<Duration>,
    authority: Vec<SocketAddr>,
    until_agree: bool,
}

impl Rounds {
    /// What the arguments want; `None` where the checks are made once.
    pub(super) fn of(args: &CheckArgs) -> Result<Option<Self>, PlanFault> {
        let WatchArgs { watch, until_agree, limit, authority } = &args.watch;
        if !args.watch.on() {
            return match (limit, authority.as_slice()) {
                (None, []) => Ok(None),
                (Some(_), _) => Err(PlanFault("--for is for --watch and --until-agree".into())),
                _ => Err(PlanFault("--authority is for --watch and --until-agree".into())),
            };
        }
        if !matches!(args.format, None | Some(Format::Table | Format::Json | Format::Ndjson | Format::Csv)) {
            return Err(PlanFault("--watch and --until-agree print as table, json, ndjson or csv".into()));
        }
        let time = |option: &str, text: &str, most: Duration, example: &str| {
            let found = plan::time(text).filter(|t| (Duration::from_millis(100)..=most).contains(t));
            found.ok_or_else(|| PlanFault(format!("{option} {text}: give a time, as in {example}")))
        };
        let interval = match watch {
            Some(Some(text)) => time("--watch", text, Duration::from_hours(24), "30s or 5m (100ms to 24h)")?,
            _ => INTERVAL,
        };
        let limit =
            limit.as_ref().map(|t| time("--for", t, Duration::from_hours(24 * 366), "30m or 2h")).transpose()?;
        let server = |text: &String| {
            plan::server(text).ok_or_else(|| {
                PlanFault(format!("--authority {text}: give the server's IP address, with a port where it is not 53"))
            })
        };
        let authority = authority.iter().map(server).collect::<Result<_, _>>()?;
        Ok(Some(Self { interval, limit, authority, until_agree: *until_agree }))
    }
}

/// One round's checks.
struct Round {
    checks: Vec<(Evidence, Check)>,
    agrees: bool,
}

/// What holds for all rounds.
struct Watch<'a> {
    args: &'a CheckArgs,
    plan: &'a Plan,
    rounds: Rounds,
    requests: Vec<Request>,
}

/// Checks again and again. `look` makes what observes, anew for each round, since an answer must not outlive it.
pub(super) async fn run(
    args: &CheckArgs,
    plan: &Plan,
    rounds: Rounds,
    requests: Vec<Request>,
    look: impl Fn() -> Result<(Dns, Observer), Exit>,
) -> Exit {
    let watch = Watch { args, plan, rounds, requests };
    let mut printer = Printer::new(args, None);
    if watch.requests.len() > 1 || watch.requests.iter().any(|r| r.ips.len() > 1) {
        printer.by_rows();
    }
    let mut comparison = Comparison::new(args.fail_on.least()).moving();
    let mut spread: HashMap<String, Vec<Propagation>> = HashMap::new();
    let mut last: Vec<Check> = Vec::new();
    let begun = Instant::now();
    let end = watch.rounds.limit.map(|limit| begun + limit);
    let mut agreed = false;
    let mut waiting = Waiting::new(args.quiet);
    'rounds: for number in 0_u32.. {
        let next = Instant::now() + watch.rounds.interval;
        let (dns, observer) = match look() {
            Ok(both) => both,
            Err(exit) => return exit,
        };
        waiting.looking(number.saturating_add(1));
        let round = tokio::select! {
            biased;
            () = interrupt() => break,
            () = until(end), if number > 0 => break,
            round = watch.round(&dns, &observer) => round,
        };
        waiting.clear();
        printer.next_round();
        comparison.next_round();
        last.clear();
        for (evidence, mut check) in round.checks {
            check.change = comparison.see(&check);
            let first = number == 0 && is_first_sight(&check);
            if first {
                check.change = None;
            }
            printer.count(Some(&evidence), &check);
            let who = serde_json::to_string(&Identity::of(&check)).unwrap_or_default();
            let moved = spread.get(&who).is_none_or(|before| !same(before, &check.propagation));
            spread.insert(who, check.propagation.clone());
            if first || check.change.is_some() || (moved && args.format.is_some_and(|f| f != Format::Table)) {
                printer.show(&check);
            }
            if moved {
                printer.show_propagation(&check);
            }
            last.push(check);
        }
        comparison.gone();
        printer.flush();
        agreed = round.agrees;
        if agreed && watch.rounds.until_agree || printer.gone() {
            break;
        }
        if number == 0 && !args.quiet {
            let every = watch.rounds.interval.as_secs_f64();
            say(&format!("checking again every {every} s and showing what changes; interrupt to end"));
        }
        let (at, awaited) = (now(), Awaited::of(&last, args.fail_on.least()));
        let mut interrupted = pin!(interrupt());
        while let Some(left) = next.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            waiting.until(number.saturating_add(1), &at, left, awaited);
            tokio::select! {
                () = &mut interrupted => break 'rounds,
                () = until(end) => break 'rounds,
                () = sleep(left.min(SECOND)) => {}
            }
        }
    }
    waiting.clear();
    if last.is_empty() {
        say("ended before the first round was done");
        printer.leave_out("ended before the first round was done");
        return printer.finish();
    }
    if last.iter().any(|c| c.change.is_some()) || !agreed || last.len() > 1 {
        printer.show_last(&last);
    }
    match (printer.finish(), watch.rounds.until_agree) {
        // The checks may agree while some server still holds an old answer.
        (Exit::Agrees, true) if !agreed => {
            say("the checks agree, and not every server has the new answer yet");
            Exit::Unknown
        }
        (exit, _) => exit,
    }
}

impl Watch<'_> {
    /// The evidence of every request, in their order, so many at once.
    fn observed<'a>(&'a self, observer: &'a Observer, at_once: usize) -> BoxStream<'a, Vec<Evidence>> {
        stream::iter(&self.requests).map(|request| observer.observe(request)).buffered(at_once).boxed()
    }

    /// Who holds which answer to what a check hangs on, in the checks' order.
    fn watched<'a>(
        &'a self,
        dns: &'a Dns,
        checks: &'a [(Evidence, Check)],
        at_once: usize,
    ) -> BoxStream<'a, Vec<Propagation>> {
        let timeout = self.plan.options.timeout;
        let times = (timeout, super::check::dns_try(timeout));
        let watched = stream::iter(checks).map(move |(evidence, check)| async move {
            let asked = questions(check);
            let watched = propagation(dns, &self.rounds.authority, evidence, &asked, times).await;
            watched.iter().map(Propagation::of).collect()
        });
        watched.buffered(at_once).boxed()
    }

    async fn round(&self, dns: &Dns, observer: &Observer) -> Round {
        let at_once = self.args.concurrency.map_or(32, usize::from);
        let found: Vec<Vec<Evidence>> = self.observed(observer, at_once).collect().await;
        let mut checks: Vec<(Evidence, Check)> = found
            .into_iter()
            .flatten()
            .map(|evidence| {
                let check = judge_for(&evidence, &self.args.receivers);
                (evidence, check)
            })
            .collect();
        if checks.len() <= MAX_PROPAGATION {
            let watched: Vec<Vec<Propagation>> = self.watched(dns, &checks, at_once).collect().await;
            for ((_, check), watched) in checks.iter_mut().zip(watched) {
                check.propagation = watched;
            }
        }
        let least = self.args.fail_on.least();
        let settled = |c: &Check| c.propagation.iter().all(Propagation::settled);
        let agrees = checks.iter().all(|(_, c)| Standing::of(c, least) == Standing::Agrees && settled(c));
        Round { agrees: agrees && !checks.is_empty(), checks }
    }
}

/// Whether two rounds saw the same answers at the same servers; what is left of a TTL always differs.
fn same(before: &[Propagation], now: &[Propagation]) -> bool {
    let timeless = |all: &[Propagation]| -> Vec<Propagation> {
        let mut all = all.to_vec();
        for holding in all.iter_mut().flat_map(|p| p.authority.iter_mut().chain(&mut p.resolvers)) {
            holding.ttl = None;
        }
        all
    };
    timeless(before) == timeless(now)
}

/// `22:01:05Z`.
fn now() -> String {
    jiff::Timestamp::now().strftime("%H:%M:%SZ").to_string()
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}
