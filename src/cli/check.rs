//! `check`: plan, observe, judge, print; whatever was learnt before a trouble is printed too.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};

use super::args::CheckArgs;
use super::batch::{self, List, Requests};
use super::exit::Exit;
use super::judged::Judging;
use super::output::say;
use super::plan::{Plan, Source, own_name_remark};
use super::printer::Printer;
use super::save::Saving;
use crate::evidence::{EvidenceFile, LoadFault};
use crate::observe::{Dns, Observer, Options, Request};

/// The longest that one try of a DNS question may take.
const DNS_TRY: Duration = Duration::from_secs(3);
/// An evidence file larger than this is not read.
const MAX_EVIDENCE: u64 = 512 << 20;

/// How long one try of a DNS question may take: it may depend on another, and each may need a second try.
pub(super) fn dns_try(timeout: Duration) -> Duration {
    DNS_TRY.min(timeout / 4)
}

/// Runs `check`.
pub(super) async fn run(args: &CheckArgs) -> Exit {
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
    match &plan.source {
        Source::Replay(file) => replay(args, file).await,
        Source::Requests(requests) => {
            live(args, &plan.resolvers, &plan.options, Requests::Given(requests.clone()), saving).await
        }
        Source::Own(services) => match super::own::requests(args, &plan.options, services).await {
            Ok((requests, left)) => {
                let options = Options { timeout: left, ..plan.options.clone() };
                live(args, &plan.resolvers, &options, Requests::Given(requests), saving).await
            }
            Err(exit) => exit,
        },
        Source::Input(file) => match open(file).await {
            Ok((reader, octets)) => {
                let requests = Requests::Listed(List::new(reader, octets), plan.line.clone());
                live(args, &plan.resolvers, &plan.options, requests, saving).await
            }
            Err(e) => {
                say(&format!("--input {}: {e}; give a readable file, or - for standard input", file.display()));
                Exit::Usage
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

async fn replay(args: &CheckArgs, file: &Path) -> Exit {
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
    let mut printer = Printer::new(args, None);
    let judging = Judging::of(args);
    for evidence in evidence {
        printer.take(judging.judge(evidence));
    }
    printer.finish()
}

async fn live(
    args: &CheckArgs,
    resolvers: &[SocketAddr],
    options: &Options,
    requests: Requests,
    saving: Option<Saving>,
) -> Exit {
    // Judging comes after the last answer; its data is read while the first is waited for.
    tokio::task::spawn_blocking(crate::knowledge::load);
    let per_try = dns_try(options.timeout);
    let dns = match resolvers {
        [] => match Dns::of_system(per_try) {
            Ok(dns) => dns,
            Err(e) => {
                say(&format!("no resolver: {}; name one with --resolver IP[:PORT]", e.0));
                return Exit::Usage;
            }
        },
        servers => Dns::each_of(servers, per_try),
    };
    let observer = match Observer::new(dns, options.clone()) {
        Ok(observer) => observer,
        Err(e) => {
            say(&format!("TLS cannot be set up: {e}"));
            return Exit::Defect;
        }
    };
    let printer = Printer::new(args, saving);
    match requests {
        Requests::Given(requests) if requests.len() == 1 && requests[0].ips.len() <= 1 => {
            one(args, &observer, &requests[0], printer).await
        }
        requests => batch::run(args, observer, requests, printer).await,
    }
}

/// A single request: an interrupt drops it.
async fn one(args: &CheckArgs, observer: &Observer, request: &Request, mut printer: Printer<'_>) -> Exit {
    let found = tokio::select! {
        biased;
        () = interrupt() => {
            say("interrupted: what was being checked is dropped");
            return printer.finish().interrupted();
        }
        found = observer.observe(request) => found,
    };
    let judging = Judging::of(args);
    for evidence in found {
        printer.take(judging.judge(evidence));
    }
    printer.finish()
}

/// One interrupt from the terminal; never, where the system lets us have none.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
