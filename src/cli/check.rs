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
use super::exit::Exit;
use super::input::{self, Read};
use super::output::say;
use super::plan::{LineDefaults, Plan, Source, own_name_remark};
use super::printer::Printer;
use super::save::Saving;
use crate::evidence::{Evidence, EvidenceFile, LoadFault};
use crate::observe::{Dns, Observer, Options, Request};

/// The longest that one try of a DNS question may take.
const DNS_TRY: Duration = Duration::from_secs(3);
/// How long the first result of an input waits to learn whether it is the only one.
const SETTLE: Duration = Duration::from_millis(200);
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
            Ok(reader) => {
                let requests = Requests::Read(reader, plan.line.clone());
                live(args, &plan.resolvers, &plan.options, requests, saving).await
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

async fn replay(args: &CheckArgs, file: &Path) -> Exit {
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
    let mut printer = Printer::new(args, None);
    // The checks of one request began together, at one target.
    let together = |a: &Evidence, b: &Evidence| {
        a.observed_at == b.observed_at
            && a.label == b.label
            && (&a.target.host, a.target.port) == (&b.target.host, b.target.port)
    };
    evidence.chunk_by(together).for_each(|found| printer.take_all(found));
    printer.finish()
}

enum Requests {
    Given(Vec<Request>),
    Read(Reader, LineDefaults),
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
    let at_once = usize::from(args.concurrency);
    match requests {
        Requests::Given(requests) => given(&observer, &requests, at_once, printer).await,
        Requests::Read(reader, defaults) => batch(&observer, reader, defaults, at_once, printer).await,
    }
}

/// The command line's own: printed in its order.
async fn given(observer: &Observer, requests: &[Request], at_once: usize, mut printer: Printer<'_>) -> Exit {
    let (stop, stopped) = oneshot::channel();
    let checks = stream::iter(requests).take_until(stopped).map(|r| observer.observe(r)).buffered(at_once);
    let patience = if requests.len() == 1 { Patience::None } else { Patience::One };
    let end = drive(checks, stop, patience, &mut printer, None).await;
    end.exit(printer.finish())
}

/// Many: printed as done.
async fn batch(
    observer: &Observer,
    reader: Reader,
    defaults: LineDefaults,
    at_once: usize,
    mut printer: Printer<'_>,
) -> Exit {
    let (stop, stopped) = oneshot::channel();
    let (lines, progress) = read_ahead(reader, defaults);
    let bad_lines = Cell::new(false);
    let requests = stream::unfold(lines, |mut lines| async move { lines.recv().await.map(|read| (read, lines)) })
        .filter_map(|read| {
            let why = match read {
                Ok(Read::Request(request)) => return ready(Some(request)),
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
    if !end.interrupted && progress.borrow().requests == 0 && !bad_lines.get() {
        say("--input: nothing to check: it holds no target; give one a line");
        return Exit::Usage;
    }
    match end.exit(printer.finish()) {
        exit if bad_lines.get() && exit != Exit::Defect => {
            // Somebody's lines were not checked, which no verdict on the others makes good.
            let rest = if progress.borrow().requests == 0 { "nothing was checked" } else { "the others were checked" };
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
                printer.take_all(&found);
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

/// Reads in a task of its own, since half a line must not be lost when something else is ready first.
fn read_ahead(
    mut reader: Reader,
    defaults: LineDefaults,
) -> (mpsc::Receiver<io::Result<Read>>, watch::Receiver<Progress>) {
    let (lines, taken) = mpsc::channel(64);
    let (progress, seen) = watch::channel(Progress::default());
    tokio::spawn(async move {
        let mut number = 0;
        while let Some(read) = input::next(&mut reader, &mut number, &defaults).await.transpose() {
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
