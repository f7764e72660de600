//! `check`: plan, observe, judge, print; whatever was learnt before a trouble is printed too.

use std::cell::Cell;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::args::CheckArgs;
use super::baseline::Baseline;
use super::domain::Domains;
use super::exit::Exit;
use super::input::{Input, Read};
use super::output::say;
use super::plan::{LineDefaults, Plan, PlanFault, Source, own_name_remark};
use super::printer::Printer;
use super::save::Saving;
use super::watch::Rounds;
use crate::evidence::{Evidence, EvidenceFile, LoadFault};
use crate::observe::{Dns, Observer, Options, Request};
use crate::report::Format;

/// The longest that one try of a DNS question may take.
const DNS_TRY: Duration = Duration::from_secs(3);
/// How long the first result of an input waits to learn whether it is the only one.
const SETTLE: Duration = Duration::from_millis(200);
/// More checks than this of one command are rows, where no format is asked for.
const MAX_TABLES: usize = 4;
/// The most checks of a repeated run.
const MAX_WATCHED: usize = 10_000;
/// An evidence file larger than this is not read.
const MAX_EVIDENCE: u64 = 512 << 20;

/// How long one try of a DNS question may take: it may depend on another, and each may need a second try.
pub(super) fn dns_try(timeout: Duration) -> Duration {
    DNS_TRY.min(timeout / 4)
}

/// Runs `check`.
pub(super) async fn run(args: &CheckArgs) -> Exit {
    let args = &super::watch::without_target(args.clone());
    let exit = plan_and_check(args).await;
    if args.format == Some(Format::Nagios) { exit.monitored() } else { exit }
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
    if let Some(rounds) = rounds {
        return repeatedly(args, &plan, rounds).await;
    }
    match &plan.source {
        Source::Replay(file) => replay(args, file, baseline).await,
        Source::Requests(requests) => {
            live(args, &plan.resolvers, &plan.options, Requests::Given(requests.clone()), saving, baseline).await
        }
        Source::Domains(domains) => {
            let requests = Requests::Domains(domains.clone());
            live(args, &plan.resolvers, &plan.options, requests, saving, baseline).await
        }
        Source::Own(services) => match super::own::requests(args, &plan.options, services).await {
            Ok((requests, left)) => {
                let options = Options { timeout: left, ..plan.options.clone() };
                live(args, &plan.resolvers, &options, Requests::Given(requests), saving, baseline).await
            }
            Err(exit) => exit,
        },
        Source::Input(file) => match open(file).await {
            Ok(reader) => {
                let requests = Requests::Read(reader, plan.line.clone());
                live(args, &plan.resolvers, &plan.options, requests, saving, baseline).await
            }
            Err(e) => {
                say(&format!("--input {}: {e}; give a readable file, or - for standard input", file.display()));
                Exit::Usage
            }
        },
    }
}

type Reader = BufReader<Box<dyn AsyncRead + Unpin + Send>>;

async fn open(file: &Path) -> io::Result<Reader> {
    Ok(BufReader::new(if file.as_os_str() == "-" {
        Box::new(tokio::io::stdin())
    } else {
        Box::new(tokio::fs::File::open(file).await?)
    }))
}

async fn replay(args: &CheckArgs, file: &Path, baseline: Option<Baseline>) -> Exit {
    let refuse = |why: String| {
        say(&format!("--replay {}: {why}", file.display()));
        Exit::Usage
    };
    let mut text = String::new();
    let read = match open(file).await {
        Ok(reader) => reader.take(MAX_EVIDENCE).read_to_string(&mut text).await,
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
    if evidence.len() > MAX_TABLES {
        printer.by_rows();
    }
    for evidence in &evidence {
        printer.take(evidence);
    }
    printer.finish()
}

enum Requests {
    Given(Vec<Request>),
    Read(Reader, LineDefaults),
    Domains(Domains),
}

async fn live(
    args: &CheckArgs,
    resolvers: &[SocketAddr],
    options: &Options,
    requests: Requests,
    saving: Option<Saving>,
    baseline: Option<Baseline>,
) -> Exit {
    // Judging comes after the last answer; its data is read while the first is waited for.
    tokio::task::spawn_blocking(crate::knowledge::load);
    let (dns, observer) = match look(resolvers, options) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let printer = Printer::new(args, saving).comparing(baseline);
    let at_once = usize::from(args.concurrency);
    match requests {
        Requests::Given(requests) => given(&observer, &requests, at_once, printer).await,
        Requests::Read(reader, defaults) => {
            batch(&observer, read_ahead(reader, defaults), at_once, printer, args.quiet).await
        }
        Requests::Domains(domains) => batch(&observer, feed(domains, dns), at_once, printer, args.quiet).await,
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
        servers => Dns::each_of(servers, per_try),
    };
    let observer = Observer::new(dns.clone(), options.clone()).map_err(|e| {
        say(&format!("TLS cannot be set up: {e}"));
        Exit::Defect
    })?;
    Ok((dns, observer))
}

/// `--watch` and `--until-agree`.
async fn repeatedly(args: &CheckArgs, plan: &Plan, rounds: Rounds) -> Exit {
    let usage = |why: String| {
        say(&why);
        Exit::Usage
    };
    let (dns, _) = match look(&plan.resolvers, &plan.options) {
        Ok(both) => both,
        Err(exit) => return exit,
    };
    let mut lines = match &plan.source {
        Source::Requests(requests) => {
            let look = || look(&plan.resolvers, &plan.options);
            return super::watch::run(args, plan, rounds, requests.clone(), look).await;
        }
        Source::Own(services) => match super::own::requests(args, &plan.options, services).await {
            Ok((requests, _)) => {
                let look = || look(&plan.resolvers, &plan.options);
                return super::watch::run(args, plan, rounds, requests, look).await;
            }
            Err(exit) => return exit,
        },
        Source::Replay(_) => {
            return usage("--watch looks anew, and --replay never looks; leave one of them out".into());
        }
        Source::Domains(domains) => feed(domains.clone(), dns).0,
        Source::Input(file) => match open(file).await {
            Ok(reader) => read_ahead(reader, plan.line.clone()).0,
            Err(e) => return usage(format!("--input {}: {e}; give a readable file", file.display())),
        },
    };
    let mut requests = Vec::new();
    while let Some(read) = lines.recv().await {
        match read {
            Ok(Read::Request(request)) => requests.push(request),
            Ok(Read::Bad(why)) => return usage(why),
            Ok(Read::Remark(remark)) => say(&remark.text),
            Err(e) => return usage(format!("--input: reading stopped: {e}")),
        }
        if requests.len() > MAX_WATCHED {
            return usage(format!(
                "more than {MAX_WATCHED} checks are too many to repeat; use --baseline with a timer"
            ));
        }
    }
    if requests.is_empty() {
        say("nothing to check");
        return Exit::Unknown;
    }
    super::watch::run(args, plan, rounds, requests, || look(&plan.resolvers, &plan.options)).await
}

/// The command line's own: printed in its order.
async fn given(observer: &Observer, requests: &[Request], at_once: usize, mut printer: Printer<'_>) -> Exit {
    let (stop, stopped) = oneshot::channel();
    let checks = stream::iter(requests).take_until(stopped).map(|r| observer.observe(r)).buffered(at_once);
    let patience = if requests.len() == 1 { Patience::None } else { Patience::One };
    if requests.iter().map(|r| r.ips.len()).sum::<usize>() > MAX_TABLES {
        printer.by_rows();
    }
    let end = drive(checks, stop, patience, &mut printer, None).await;
    if end.interrupted {
        printer.leave_out("interrupted");
    }
    end.exit(printer.finish())
}

/// Many: printed as done.
async fn batch(
    observer: &Observer,
    (lines, progress): Ahead,
    at_once: usize,
    mut printer: Printer<'_>,
    quiet: bool,
) -> Exit {
    let (stop, stopped) = oneshot::channel();
    let (bad_lines, left_out, said) = (Cell::new(false), Cell::new(false), Cell::new(false));
    let requests = stream::unfold(lines, |mut lines| async move { lines.recv().await.map(|read| (read, lines)) })
        .filter_map(|read| {
            let why = match read {
                Ok(Read::Request(request)) => return ready(Some(request)),
                Ok(Read::Remark(remark)) => {
                    if remark.left_out || !quiet {
                        say(&remark.text);
                    }
                    left_out.set(left_out.get() || remark.left_out);
                    said.set(true);
                    return ready(None);
                }
                Ok(Read::Bad(why)) => why,
                Err(e) => format!("--input: reading stopped: {e}"),
            };
            say(&why);
            bad_lines.set(true);
            ready(None)
        });
    let checks = requests
        .take_until(stopped)
        .map(|request| async move { observer.observe(&request).await })
        .buffer_unordered(at_once);
    let end = drive(checks, stop, Patience::One, &mut printer, Some(progress.clone())).await;
    let none = progress.borrow().requests == 0;
    if !end.interrupted && none && !bad_lines.get() && !said.get() {
        say("--input: nothing to check: it holds no target; give one a line");
        return Exit::Usage;
    }
    if end.interrupted {
        printer.leave_out("interrupted");
    } else if bad_lines.get() {
        printer.leave_out("some lines of the input could not be read");
    } else if left_out.get() || none {
        printer.leave_out("some addresses were left out");
    }
    match end.exit(printer.finish()) {
        exit if bad_lines.get() && exit != Exit::Defect => {
            // Somebody's lines were not checked, which no verdict on the others makes good.
            let rest = if none { "nothing was checked" } else { "the others were checked" };
            say(&format!("some lines of the input could not be read; {rest}"));
            Exit::Usage
        }
        exit => exit,
    }
}

/// How many interrupts let the checks in flight end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Patience {
    /// The first one drops them.
    None,
    /// The first one lets them end, the second drops them.
    One,
}

/// How a run ended.
#[derive(Clone, Copy, Debug)]
struct End {
    interrupted: bool,
}

impl End {
    fn exit(self, exit: Exit) -> Exit {
        if self.interrupted { exit.interrupted() } else { exit }
    }
}

/// Prints checks until there are none, or an interrupt ends them; dropping `stop` ends the taking of new ones.
async fn drive(
    checks: impl Stream<Item = Vec<Evidence>>,
    stop: oneshot::Sender<()>,
    patience: Patience,
    printer: &mut Printer<'_>,
    mut progress: Option<watch::Receiver<Progress>>,
) -> End {
    let mut stop = Some(stop);
    let mut interrupted = false;
    let mut checks = std::pin::pin!(checks);
    let mut interrupt = std::pin::pin!(interrupt());
    loop {
        tokio::select! {
            biased;
            () = &mut interrupt => {
                interrupt.set(self::interrupt());
                if interrupted || patience == Patience::None {
                    say("interrupted: what was being checked is dropped");
                    return End { interrupted: true };
                }
                say("interrupted: letting the checks in flight end; interrupt again to drop them");
                interrupted = true;
                drop(stop.take());
            }
            found = checks.next() => {
                let Some(found) = found else { return End { interrupted } };
                if let Some(progress) = progress.as_mut().filter(|_| !printer.begun())
                    && several(progress).await
                {
                    printer.by_rows();
                }
                for evidence in &found {
                    printer.take(evidence);
                }
                if printer.gone() {
                    drop(stop.take());
                }
            }
        }
    }
}

/// One interrupt from the terminal; never, where the system lets us have none.
async fn interrupt() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// What has been read of the input.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    requests: usize,
    ended: bool,
}

/// Whether the input holds more than one request. One that stays open is taken to.
async fn several(progress: &mut watch::Receiver<Progress>) -> bool {
    let _ = timeout(SETTLE, progress.wait_for(|p| p.requests > 1 || p.ended)).await;
    let now = *progress.borrow();
    now.requests > 1 || !now.ended
}

/// Checks to be, read ahead of their turn, and how far the reading has come.
type Ahead = (mpsc::Receiver<io::Result<Read>>, watch::Receiver<Progress>);

/// What domains say of their mail hosts, asked in a task of its own.
fn feed(domains: Domains, dns: Dns) -> Ahead {
    let (found, mut taken) = mpsc::channel(64);
    tokio::spawn(domains.feed(dns, found));
    let (checks, lines) = mpsc::channel(64);
    let (progress, seen) = watch::channel(Progress::default());
    tokio::spawn(async move {
        while let Some(read) = taken.recv().await {
            if let Ok(Read::Request(_)) = read {
                progress.send_modify(|p| p.requests += 1);
            }
            if checks.send(read).await.is_err() {
                break;
            }
        }
        progress.send_modify(|p| p.ended = true);
    });
    (lines, seen)
}

/// Reads in a task of its own, since half a line must not be lost when something else is ready first.
fn read_ahead(reader: Reader, defaults: LineDefaults) -> Ahead {
    let (lines, taken) = mpsc::channel(64);
    let (progress, seen) = watch::channel(Progress::default());
    tokio::spawn(async move {
        let mut input = Input::new(reader, defaults);
        while let Some(read) = input.next().await.transpose() {
            let failed = read.is_err();
            if let Ok(Read::Request(_)) = read {
                progress.send_modify(|p| p.requests += 1);
            }
            if lines.send(read).await.is_err() || failed {
                break;
            }
        }
        progress.send_modify(|p| p.ended = true);
    });
    (taken, seen)
}
