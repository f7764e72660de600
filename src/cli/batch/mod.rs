//! Many checks: a stream from a list to the output, within bounds, that can be interrupted and taken up again.
//!
//! [`reading`] gives requests, less those of other shards ([`shard`]) and those done before ([`resume`]);
//! [`engine`] does them; here they are printed, counted and added up to the exit.
//! Failure: a line that cannot be read is a sentence; a check that a defect ends is that check's result.

mod adapt;
mod busy;
mod engine;
mod gain;
mod identity;
mod left_out;
mod loops;
mod order;
mod pace;
mod progress;
mod reading;
mod resume;
mod shard;

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::args::CheckArgs;
use super::domain::Domains;
use super::exit::Exit;
use super::judged::{Judged, Judging, defect};
use super::output::{error_columns, say, say_text};
use super::plan::LineDefaults;
use super::printer::Printer;
use super::signals::Signals;
use crate::domain::Remark;
use crate::observe::{Dns, LoadSeen, Observer, Request};
use crate::report::Format;
use adapt::Adapt;
use engine::{Bounds, Finished, Given, Sink, Work};
use left_out::LeftOut;
pub use pace::Rate;
use progress::{Place, Progress, Seen, Verdicts};
pub(super) use reading::List;
use reading::{Part, Reached, Reading};
use resume::{Again, Done};
pub use shard::Shard;

/// Checks at once that an adaptive run may grow to.
const MOST: usize = 4096;
/// Event loops for checks, at most. They share the answers that are remembered; with more than two nothing was measured.
const LOOPS: usize = 16;
/// Descriptors that are not for checks: files, standard streams.
const OTHER_DESCRIPTORS: usize = 64;
/// Descriptors of a loop beside its sockets to the resolvers.
const LOOP_DESCRIPTORS: usize = 4;
/// How long the first result of a list waits to learn whether it is the only one.
const SETTLE: Duration = Duration::from_millis(200);

/// Where the requests come from.
pub(super) enum Requests {
    /// The command line.
    Given(Vec<Request>),
    /// A list, and what holds for its lines.
    Listed(List, LineDefaults),
    /// What domains say of their mail hosts.
    OfDomains(Domains),
}

/// The requests themselves, for a run that makes them more than once; one sentence where that cannot be.
pub(super) async fn all(requests: Requests, dns: Dns, most: usize) -> Result<Vec<Request>, String> {
    let part = Part::default();
    let mut reading = match requests {
        Requests::Given(requests) => return Ok(requests),
        Requests::Listed(list, defaults) => Reading::of_list(list, defaults, part),
        Requests::OfDomains(domains) => Reading::of_domains(domains, dns, part),
    };
    let mut all = Vec::new();
    while let Some(given) = reading.list.recv().await {
        match given {
            Given::Request(request) => all.push(*request),
            Given::Bad(why) => return Err(why),
            Given::Remark(remark) => say(&remark.text),
        }
        if all.len() > most {
            return Err(format!("more than {most} checks are too many to repeat; use --baseline with a timer"));
        }
    }
    Ok(all)
}

/// Runs them all.
pub(super) async fn run(
    args: &CheckArgs,
    observer: Observer,
    dns: Dns,
    requests: Requests,
    mut printer: Printer<'_>,
) -> Exit {
    let listed = !matches!(requests, Requests::Given(_));
    let mut part = Part { shard: args.shard, done: None };
    match args.resume.as_ref().map(|file| earlier(args, file)) {
        Some(None) => return Exit::Usage,
        Some(Some(done)) => part.done = Some(done),
        None => {}
    }
    let again = part.done.as_mut().and_then(Done::take_again);
    let half_done = again.is_some();
    if part.done.as_ref().is_some_and(|done| done.format.is_some()) {
        printer.goes_on();
    }
    let descriptors = raise_descriptors();
    let resolver_sockets = dns.sockets();
    let reading = match requests {
        Requests::Given(requests) => Reading::of_requests(requests, part),
        Requests::Listed(list, defaults) => Reading::of_list(list, defaults, part),
        Requests::OfDomains(domains) => Reading::of_domains(domains, dns, part),
    };
    let a_loop = LOOP_DESCRIPTORS + resolver_sockets;
    let loops = if args.many() { loops(descriptors, a_loop) } else { 0 };
    let others = OTHER_DESCRIPTORS + a_loop * loops.max(1);
    let most = MOST.min(descriptors.saturating_sub(others) / 2).max(1);
    let bounds = Bounds {
        loops,
        adapt: args.concurrency.map_or_else(|| Adapt::new(most, false), |n| Adapt::new(n.into(), true)),
        rate: args.rate,
        ordered: args.ordered || !listed,
    };
    let judging = Judging::of(args);
    let checks = Arc::new(Checks { observer: observer.for_many(args.per_host.into()), judging: judging.clone() });
    let mut reached = reading.reached.clone();
    let mut rows = Rows {
        args,
        printer,
        judging,
        listed,
        reached: reading.reached.clone(),
        share: None,
        again,
        left_out: LeftOut::default(),
        progress: Progress::new(progress_place(args)),
        shown: false,
        last_began: None,
        stopped: false,
        on_terminal: std::io::stdout().is_terminal(),
        begun: Instant::now(),
    };
    let Reading { list, share, asking: _asking, .. } = reading;
    rows.share = share;
    let end = engine::run(list, checks, bounds, &mut rows, interrupts()).await;
    rows.unbar();
    let Rows { mut printer, left_out, again: not_met, .. } = rows;
    if let Some(not_met) = &not_met {
        printer.put_back(&not_met.rows);
    }
    let read = *reached.borrow_and_update();
    if end.lost {
        say("a defect of ours ended an event loop and its checks with it; please report it with the command and -v");
        printer.leave_out("a defect of ours ended some checks");
        printer.finish();
        return Exit::Defect;
    }
    printer.count_earlier(read.before);
    if end.interrupted {
        say(&resumable(args, read));
        printer.leave_out("interrupted");
        return printer.finish().interrupted();
    }
    if listed && read.requests + read.elsewhere + read.done == 0 && !left_out.any() {
        say("--input: nothing to check: it holds no target; give one a line");
        return Exit::Usage;
    }
    if let Some(file) = args.resume.as_ref().filter(|_| !args.quiet) {
        say(&format!("--resume {}: {}", file.display(), resumed(read, half_done && not_met.is_none())));
    }
    if read.requests == 0 {
        left_out.unsaid().iter().for_each(|note| say(note));
    }
    if let Some(why) = left_out.reason(read.requests) {
        printer.leave_out(&why);
    }
    match printer.finish() {
        exit if left_out.has_bad_lines() && !matches!(exit, Exit::Defect | Exit::Warning | Exit::Critical) => {
            // Somebody's lines were not checked, which no verdict on the others makes good.
            let rest = if read.requests == 0 { "nothing was checked" } else { "the others were checked" };
            say(&format!("some lines of the input could not be read; {rest}"));
            Exit::Usage
        }
        exit => exit,
    }
}

/// What an earlier run has done; `None` where its output cannot be taken up, which is said.
fn earlier(args: &CheckArgs, file: &std::path::Path) -> Option<Done> {
    let done = match Done::read(file, args.format, args.fail_on) {
        Ok(done) => done,
        Err(why) => {
            say(&format!("--resume {}: {why}", file.display()));
            return None;
        }
    };
    if done.cut > 0 && !args.quiet {
        let cut = "its last line was not whole and is cut off; its check is done again";
        say(&format!("--resume {}: {cut}", file.display()));
    }
    Some(done)
}

/// How much of the list an earlier run had done; `again` where its last request was done again.
fn resumed(read: Reached, again: bool) -> String {
    let identities = |n: usize| if n == 1 { "1 identity".into() } else { format!("{n} identities") };
    let (held, left) = (read.done + usize::from(again), read.requests - usize::from(again));
    let again = if again { " (the last is done again: a name may have more addresses)" } else { "" };
    match (held, left) {
        (0, left) => format!("it held nothing of the list; {} left", identities(left)),
        (held, 0) => {
            format!(
                "it held {} of the list{again}; nothing is left to check, the exit code is theirs",
                identities(held)
            )
        }
        (held, left) => {
            format!("it held {} of the list{again}, {left} left; the exit code is that of all", identities(held))
        }
    }
}

/// How to take up a run that was interrupted.
fn resumable(args: &CheckArgs, read: Reached) -> String {
    let done = "interrupted: what was begun is printed";
    match (&args.resume, args.format, &args.input) {
        _ if read.requests == 0 => "interrupted: nothing was checked".into(),
        (Some(file), ..) => format!("{done}; to go on, give the same command again, with >> {}", file.display()),
        (None, Some(Format::Ndjson | Format::Csv), Some(_)) => {
            format!(
                "{done}; to go on, give the same command again with --resume FILE >> FILE, the file that holds this output"
            )
        }
        _ => format!("{done}; a run with --input and --format ndjson or csv can be taken up again with --resume"),
    }
}

/// Interrupts from the terminal, as they come.
fn interrupts() -> mpsc::Receiver<()> {
    let (interrupt, interrupts) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut signals = Signals::of_terminal();
        loop {
            signals.next().await;
            if interrupt.send(()).await.is_err() {
                break;
            }
        }
        // A channel that closes would be heard as a signal.
        std::future::pending::<()>().await;
    });
    interrupts
}

/// Raises the soft limit of descriptors to the hard one, and gives what it then is.
fn raise_descriptors() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current < limit.maximum || limit.maximum.is_none() {
        let raised = rustix::process::Rlimit { current: limit.maximum, ..limit };
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    limit.current.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX))
}

/// One a core, and no more than leave most descriptors to the checks.
fn loops(descriptors: usize, a_loop: usize) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.min(LOOPS).min(descriptors / 4 / a_loop).max(1)
}

fn progress_place(args: &CheckArgs) -> Place {
    if args.quiet || args.verbose {
        return Place::Nowhere;
    }
    error_columns().map_or(Place::Lines, Place::Terminal)
}

/// The checks themselves.
struct Checks {
    observer: Observer,
    judging: Judging,
}

impl Work for Checks {
    type Result = Vec<Judged>;

    fn check(self: Arc<Self>, request: Arc<Request>) -> BoxFuture<'static, Vec<Judged>> {
        async move {
            let seen = self.observer.observe(&request).await;
            seen.into_iter().map(|evidence| self.judging.judge(evidence)).collect()
        }
        .boxed()
    }

    fn load(&self) -> LoadSeen {
        self.observer.load()
    }
}

/// The rows, and what is told beside them.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Rows<'a> {
    args: &'a CheckArgs,
    printer: Printer<'a>,
    judging: Judging,
    listed: bool,
    reached: watch::Receiver<Reached>,
    share: Option<reading::Share>,
    again: Option<Again>,
    left_out: LeftOut,
    progress: Progress,
    /// A bar is on the terminal.
    shown: bool,
    /// Since when nothing waits to be begun.
    last_began: Option<Instant>,
    /// It was interrupted: no more are begun.
    stopped: bool,
    /// The rows go to a terminal, perhaps to the one with the bar.
    on_terminal: bool,
    begun: Instant,
}

impl Rows<'_> {
    /// Takes the bar away, where there is one, before something else is said.
    fn unbar(&mut self) {
        if std::mem::take(&mut self.shown) {
            say_text(self.progress.clear());
        }
    }

    /// Whether the list holds more than one request. One that stays open is taken to.
    async fn several(&mut self) -> bool {
        let _ = timeout(SETTLE, self.reached.wait_for(|r| r.requests > 1 || r.ended)).await;
        let now = *self.reached.borrow();
        now.requests > 1 || !now.ended
    }
}

impl Sink<Vec<Judged>> for Rows<'_> {
    async fn take(&mut self, finished: Finished<Vec<Judged>>) {
        let Finished { request, came } = finished;
        if self.args.verbose || self.on_terminal {
            self.unbar();
        }
        if self.listed && !self.printer.begun() && self.several().await {
            self.printer.by_rows();
        }
        let checks = came.unwrap_or_else(|words| vec![self.judging.judge(defect(&request, &words))]);
        self.again.take_if(|again| again.is(&request));
        self.printer.take_all(checks);
    }

    fn bad(&mut self, why: &str) {
        self.unbar();
        say(why);
        self.left_out.bad_line(why);
    }

    fn remark(&mut self, remark: &Remark) {
        if self.left_out.remark(remark, self.args.quiet) {
            self.unbar();
            say(&remark.text);
        }
    }

    fn flush(&mut self) {
        self.printer.flush();
    }

    fn gone(&self) -> bool {
        self.printer.gone()
    }

    fn tick(&mut self, begun: u64, in_flight: usize) {
        let reached = *self.reached.borrow();
        let begun = usize::try_from(begun).unwrap_or(usize::MAX);
        let all_begun = self.stopped || reached.ended && begun >= reached.requests;
        if !all_begun {
            self.last_began = None;
        } else if self.last_began.is_none() {
            self.last_began = Some(Instant::now());
        }
        let check = super::plan::time(&self.args.timeout).unwrap_or_default();
        let total = match &self.share {
            Some(share) => Some(share.requests(reached)),
            None => reached.ended.then_some(reached.requests),
        };
        let seen = Seen {
            verdicts: Verdicts::of(self.printer.summary()),
            in_flight,
            ended: begun.saturating_sub(in_flight),
            total,
            at_most: self.last_began.map(|since| check.saturating_sub(since.elapsed())),
            elapsed: self.begun.elapsed(),
        };
        if let Some(text) = self.progress.due(&seen) {
            say_text(&text);
            self.shown = true;
        }
    }

    fn interrupted(&mut self, dropped: bool) {
        self.unbar();
        self.stopped = true;
        say(if dropped {
            "interrupted: what was being checked is dropped"
        } else {
            "interrupted: letting the checks in flight end; interrupt again to drop them"
        });
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::cli::save::Saving;
    use crate::evidence::{EvidenceFile, FaultKind};
    use crate::observe::{Further, Options};

    #[test]
    fn few_descriptors_leave_few_loops() {
        assert_eq!((loops(64, 100), loops(512, 128)), (1, 1), "one there must be");
        assert!(loops(usize::MAX, 12) <= LOOPS);
    }

    /// The whole run, from requests to the exit: what the caller asks beside a check panics for one address of five.
    #[tokio::test]
    async fn a_panic_in_one_check_is_its_result_the_others_go_on_and_the_exit_is_70() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("evidence.json");
        let args = ["smtp-preflight", "check", "--no-connect", "-q", "--format", "ndjson", "--ip", "192.0.2.1"];
        let args = args.into_iter().chain(["--receivers", "none", "--save", file.to_str().unwrap()]);
        let Command::Check(args) = Cli::parse_from(args).command else { panic!("check is check") };
        let further = Further::new(|evidence| {
            assert!(evidence.client.ip != Some("192.0.2.3".parse().unwrap()), "the third is a defect");
            Vec::new()
        });
        let dns = Dns::each_of(&[], Duration::from_secs(1));
        let observer = Observer::new(dns.clone(), Options { further: Some(further), ..Options::default() }).unwrap();
        let one =
            |n: u8| Request { ips: vec![[192, 0, 2, n].into()], ehlo: Some("a.example".into()), ..Request::default() };
        let requests = Requests::Given((1..=5).map(one).collect());
        let saving = Saving::begin(&file).unwrap();
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let exit = run(&args, observer, dns, requests, Printer::new(&args, Some(saving))).await;
        std::panic::set_hook(hook);
        assert_eq!((exit, exit.code()), (Exit::Defect, 70));
        #[expect(clippy::disallowed_methods, reason = "the test reads what it had written")]
        let kept = EvidenceFile::from_json(&std::fs::read_to_string(&file).unwrap()).unwrap().evidence;
        let of: Vec<(String, bool)> = kept
            .iter()
            .map(|e| {
                let fault = e.smtp.as_ref().and_then(|s| s.fault.as_ref());
                let defect = fault.is_some_and(|f| f.kind == FaultKind::Defect && f.detail.contains("the third is"));
                (e.client.ip.unwrap().to_string(), defect)
            })
            .collect();
        let want: Vec<(String, bool)> = (1..=5).map(|n| (format!("192.0.2.{n}"), n == 3)).collect();
        assert_eq!(of, want);
    }
}
