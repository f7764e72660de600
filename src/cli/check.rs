//! `check`: plan, observe, judge, print; whatever was learnt before a trouble is printed too.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::future::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt};

use super::args::CheckArgs;
use super::baseline::Baseline;
use super::batch::{self, List, Requests};
use super::exit::Exit;
use super::judged::Judging;
use super::output::say;
use super::plan::{Plan, PlanFault, Source, own_name_remark};
use super::printer::Printer;
use super::save::Saving;
use super::signals::interrupt;
use super::watch::Rounds;
use crate::evidence::{Evidence, EvidenceFile, LoadFault};
use crate::observe::{Dns, Observer, Options, Request};

/// The longest that one try of a DNS question may take.
const DNS_TRY: Duration = Duration::from_secs(3);
/// More checks than this of one command are rows, where no format is asked for.
const MAX_TABLES: usize = 4;
/// A pool of more addresses is printed as rows, since a matrix needs all of them.
const MAX_POOL: usize = 1024;
/// The most checks of a repeated run.
const MAX_WATCHED: usize = 10_000;
/// An evidence file larger than this is not read.
const MAX_EVIDENCE: u64 = 512 << 20;

/// How long one try of a DNS question may take: it may depend on another, and each may need a second try.
pub(super) fn dns_try(timeout: Duration) -> Duration {
    DNS_TRY.min(timeout / 4)
}

/// Runs `check`.
pub(super) async fn run(args: CheckArgs) -> Exit {
    let args = &super::watch::without_target(args);
    plan_and_check(args).boxed().await
}

async fn plan_and_check(args: &CheckArgs) -> Exit {
    let plan = match Plan::of(args) {
        Ok(plan) => plan,
        Err(fault) => {
            say(&fault.to_string());
            return Exit::Usage;
        }
    };
    if let Some(remark) = args.helo_as.as_deref().filter(|_| !args.quiet).and_then(own_name_remark) {
        say(&remark);
    }
    let saving = match args.save.as_deref().map(|file| Saving::begin(file).map_err(|e| (file, e))).transpose() {
        Ok(saving) => saving,
        Err((file, e)) => {
            say(&format!("--save {}: {e}; give a file that can be written", file.display()));
            return Exit::Usage;
        }
    };
    let (rounds, baseline) = match (Rounds::of(args), Baseline::of(&args.baseline, args.fail_on)) {
        (Ok(rounds), Ok(baseline)) => (rounds, baseline),
        (Err(PlanFault(fault)), _) | (_, Err(fault)) => {
            say(&fault);
            return Exit::Usage;
        }
    };
    if let Source::Replay(file) = &plan.source {
        return replay(args, file, baseline).await;
    }
    if let Some(rounds) = rounds {
        return repeatedly(args, &plan, rounds).await;
    }
    let (requests, left) = match requests(args, &plan).await {
        Ok(found) => found,
        Err(exit) => return exit,
    };
    let options = Options { timeout: left.unwrap_or(plan.options.timeout), ..plan.options.clone() };
    let printer = Printer::new(args, saving).comparing(baseline);
    live(args, &plan.resolvers, &options, requests, printer).await
}

/// Where the checks come from, and how much of `--timeout` is left, where finding out has taken some of it.
async fn requests(args: &CheckArgs, plan: &Plan) -> Result<(Requests, Option<Duration>), Exit> {
    match &plan.source {
        Source::Replay(_) => Ok((Requests::Given(Vec::new()), None)),
        Source::Requests(requests) => Ok((Requests::Given(requests.clone()), None)),
        Source::Domains(domains) => Ok((Requests::OfDomains(domains.clone()), None)),
        Source::Own(services) => {
            let (requests, left) = super::own::requests(args, &plan.options, services).await?;
            Ok((Requests::Given(requests), Some(left)))
        }
        Source::Input(file) => match open(file).await {
            Ok((reader, octets)) => Ok((Requests::Listed(List::new(reader, octets), plan.line.clone()), None)),
            Err(e) => {
                say(&format!("--input {}: {e}; give a readable file, or - for standard input", file.display()));
                Err(Exit::Usage)
            }
        },
    }
}

type Octets = Box<dyn AsyncRead + Unpin + Send>;

/// A file, and its size where it has one; standard input for `-`.
async fn open(file: &Path) -> io::Result<(Octets, Option<u64>)> {
    if file.as_os_str() == "-" {
        return Ok((Box::new(tokio::io::stdin()), None));
    }
    let file = tokio::fs::File::open(file).await?;
    let size = file.metadata().await.ok().filter(std::fs::Metadata::is_file).map(|m| m.len());
    Ok((Box::new(file), size))
}

async fn replay(args: &CheckArgs, file: &Path, baseline: Option<Baseline>) -> Exit {
    let refuse = |why: String| {
        say(&format!("--replay {}: {why}", file.display()));
        Exit::Usage
    };
    let mut text = String::new();
    let read = match open(file).await {
        Ok((reader, _)) => reader.take(MAX_EVIDENCE).read_to_string(&mut text).await,
        Err(e) => Err(e),
    };
    if let Err(e) = read {
        return refuse(format!("{e}; give a file that --save wrote"));
    }
    let evidence = match EvidenceFile::from_json(&text) {
        Ok(file) => file.evidence,
        Err(LoadFault::NotEvidence(why)) => {
            return refuse(format!("not saved evidence ({why}); give a file that --save wrote"));
        }
        Err(LoadFault::OtherSchema(schema)) => {
            return refuse(format!(
                "its schema is `{schema}`, and this version reads `{}`",
                crate::evidence::EVIDENCE_SCHEMA
            ));
        }
    };
    if evidence.is_empty() {
        return refuse("nothing to check: it holds the evidence of no check".into());
    }
    let mut printer = Printer::new(args, None).comparing(baseline);
    // The checks of one request began together, at one target.
    let together = |a: &Evidence, b: &Evidence| {
        a.observed_at == b.observed_at
            && a.label == b.label
            && (&a.target.host, a.target.port) == (&b.target.host, b.target.port)
    };
    let requests: Vec<usize> = evidence.chunk_by(together).map(<[_]>::len).collect();
    if requests.len() > MAX_TABLES || requests.iter().any(|checks| *checks > MAX_POOL) {
        printer.by_rows();
    }
    let judging = Judging::of(args);
    let mut evidence = evidence.into_iter();
    for checks in requests {
        printer.take_all(evidence.by_ref().take(checks).map(|e| judging.judge(e)).collect());
    }
    printer.finish()
}

async fn live(
    args: &CheckArgs,
    resolvers: &[SocketAddr],
    options: &Options,
    requests: Requests,
    mut printer: Printer<'_>,
) -> Exit {
    // Judging comes after the last answer; its data is read while the first is waited for.
    tokio::task::spawn_blocking(crate::knowledge::load);
    let (dns, observer) = match look(resolvers, options) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    // A matrix wants all addresses of its pool; anything else is printed as it comes.
    let most = if printer.shows_pools() { MAX_POOL } else { 1 };
    let parted = args.shard.is_some() || args.resume.is_some();
    match requests {
        Requests::Given(requests) if requests.len() == 1 && requests[0].ips.len() <= most && !parted => {
            one(args, &observer, &requests[0], printer).boxed().await
        }
        requests => {
            if let Requests::Given(requests) = &requests
                && requests.iter().map(|r| r.ips.len()).sum::<usize>() > MAX_TABLES
            {
                printer.by_rows();
            }
            batch::run(args, observer, dns, requests, printer).boxed().await
        }
    }
}

/// What asks and what observes.
fn look(resolvers: &[SocketAddr], options: &Options) -> Result<(Dns, Observer), Exit> {
    let per_try = dns_try(options.timeout);
    let dns = match resolvers {
        [] => Dns::of_system(per_try).map_err(|e| {
            say(&format!("no resolver: {}; name one with --resolver IP[:PORT]", e.0));
            Exit::Usage
        })?,
        servers => Dns::each_of(servers, per_try).given(),
    };
    let observer = Observer::new(dns.clone(), options.clone()).map_err(|e| {
        say(&format!("TLS cannot be set up: {e}"));
        Exit::Defect
    })?;
    Ok((dns, observer))
}

/// `--watch` and `--until-agree`: the checks are found once, and made again and again.
async fn repeatedly(args: &CheckArgs, plan: &Plan, rounds: Rounds) -> Exit {
    let look = || look(&plan.resolvers, &plan.options);
    let given = match requests(args, plan).await {
        Ok((given, _)) => given,
        Err(exit) => return exit,
    };
    let requests = match look() {
        Ok((dns, _)) => batch::all(given, dns, MAX_WATCHED).await,
        Err(exit) => return exit,
    };
    match requests {
        Ok(requests) if requests.is_empty() => {
            say("nothing to check");
            Exit::Unknown
        }
        Ok(requests) => super::watch::run(args, plan, rounds, requests, look).boxed().await,
        Err(why) => {
            say(&why);
            Exit::Usage
        }
    }
}

/// A single request: an interrupt drops it.
async fn one(args: &CheckArgs, observer: &Observer, request: &Request, mut printer: Printer<'_>) -> Exit {
    let found = tokio::select! {
        biased;
        () = interrupt() => {
            say("interrupted: what was being checked is dropped");
            printer.leave_out("interrupted");
            return printer.finish().interrupted();
        }
        found = observer.observe(request) => found,
    };
    let judging = Judging::of(args);
    printer.take_all(found.into_iter().map(|evidence| judging.judge(evidence)).collect());
    printer.finish()
}
