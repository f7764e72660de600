//! `check`: plan, observe, judge, print; whatever was learnt before a trouble is printed too.

use std::path::Path;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, BufReader};
use tokio::sync::mpsc;

use super::args::CheckArgs;
use super::exit::{Exit, Tally};
use super::input::{self, Read};
use super::output::{Results, color, say, say_text, width};
use super::plan::{LineDefaults, Plan, Source, own_name_remark};
use crate::evidence::{Evidence, EvidenceFile, LoadFault};
use crate::judge::{Check, Report, Summary, judge};
use crate::observe::{Dns, Observer, Request};
use crate::report::{self, Format, TableOptions};

/// The longest that one try of a DNS question may take.
const DNS_TRY: Duration = Duration::from_secs(3);
/// An evidence file larger than this is not read.
const MAX_EVIDENCE: u64 = 512 << 20;

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
    match &plan.source {
        Source::Replay(file) => replay(args, file).await,
        Source::Requests(requests) => live(args, &plan, Requests::Given(requests.clone())).await,
        Source::Input(file) => match open(file).await {
            Ok(reader) => live(args, &plan, Requests::Read(reader, plan.line.clone())).await,
            Err(e) => {
                say(&format!("--input {}: {e}; give a readable file, or - for standard input", file.display()));
                Exit::Usage
            }
        },
    }
}

type Reader = BufReader<Box<dyn AsyncRead + Unpin + Send>>;

async fn open(file: &Path) -> std::io::Result<Reader> {
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
    let mut printer = Printer::new(args, false);
    for evidence in &evidence {
        printer.take(evidence);
    }
    printer.finish()
}

enum Requests {
    Given(Vec<Request>),
    Read(Reader, LineDefaults),
}

async fn live(args: &CheckArgs, plan: &Plan, requests: Requests) -> Exit {
    // A question may depend on another, and each may need a second try.
    let per_try = DNS_TRY.min(plan.options.timeout / 4);
    let dns = match plan.resolvers.as_slice() {
        [] => match Dns::of_system(per_try) {
            Ok(dns) => dns,
            Err(e) => {
                say(&format!("no resolver: {}; name one with --resolver IP[:PORT]", e.0));
                return Exit::Usage;
            }
        },
        servers => Dns::each_of(servers, per_try),
    };
    let observer = match Observer::new(dns, plan.options.clone()) {
        Ok(observer) => observer,
        Err(e) => {
            say(&format!("TLS cannot be set up: {e}"));
            return Exit::Defect;
        }
    };
    match requests {
        Requests::Given(requests) => {
            let mut printer = Printer::new(args, false);
            let mut checks =
                stream::iter(&requests).map(|r| observer.observe(r)).buffered(usize::from(args.concurrency));
            while let Some(evidence) = checks.next().await {
                for evidence in &evidence {
                    printer.take(evidence);
                }
            }
            printer.finish()
        }
        Requests::Read(reader, defaults) => batch(args, &observer, reader, defaults).await,
    }
}

/// Many: as done, at most `--concurrency` at once; SIGINT lets those in flight end.
async fn batch(args: &CheckArgs, observer: &Observer, reader: Reader, defaults: LineDefaults) -> Exit {
    let mut printer = Printer::new(args, true);
    let mut running = stream::FuturesUnordered::new();
    let mut lines = read_ahead(reader, defaults);
    let (mut open, mut bad_lines) = (true, false);
    let mut interrupt = std::pin::pin!(tokio::signal::ctrl_c());
    while open || !running.is_empty() {
        let room = open && running.len() < usize::from(args.concurrency);
        tokio::select! {
                   biased;
                   _ = &mut interrupt, if open => {
                       say(&format!("interrupted: letting {} checks end", running.len()));
                       open = false;
                   }
                   Some(evidence) = running.next(), if !running.is_empty() => {
                       let evidence: Vec<Evidence> = evidence;
                       for evidence in &evidence {
        printer.take(evidence);
        }
                       open &= !printer.results.gone();
                   }
                   read = lines.recv(), if room => match read {
                       Some(Ok(Read::Request(request))) => running.push(async move { observer.observe(&request).await }),
                       Some(Ok(Read::Bad(why))) => {
                           say(&why);
                           bad_lines = true;
                       }
                       Some(Err(e)) => {
                           say(&format!("--input: reading stopped: {e}"));
                           bad_lines = true;
                       }
                       None => open = false,
                   },
               }
    }
    match printer.finish() {
        Exit::Defect => Exit::Defect,
        _ if bad_lines => {
            say("some lines of the input could not be read; the others were checked");
            Exit::Usage
        }
        exit => exit,
    }
}

/// Reads in a task of its own, since half a line must not be lost when something else is ready first.
fn read_ahead(mut reader: Reader, defaults: LineDefaults) -> mpsc::Receiver<std::io::Result<Read>> {
    let (lines, taken) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut number = 0;
        while let Some(read) = input::next(&mut reader, &mut number, &defaults).await.transpose() {
            let failed = read.is_err();
            if lines.send(read).await.is_err() || failed {
                break;
            }
        }
    });
    taken
}

/// Judges, prints in the format asked for, keeps what `--save` wants, and adds up the exit.
struct Printer<'a> {
    args: &'a CheckArgs,
    many: bool,
    table: TableOptions,
    results: Results,
    tally: Tally,
    summary: Summary,
    held: Vec<Check>,
    saved: Vec<Evidence>,
    failed: bool,
}

impl<'a> Printer<'a> {
    fn new(args: &'a CheckArgs, many: bool) -> Self {
        Self {
            args,
            many,
            table: TableOptions { width: width(), color: color(args.color), explain: args.explain },
            results: Results::default(),
            tally: Tally::default(),
            summary: Summary::default(),
            held: Vec::new(),
            saved: Vec::new(),
            failed: false,
        }
    }

    fn take(&mut self, evidence: &Evidence) {
        let check = judge(evidence);
        self.tally.add(&check, self.args.fail_on);
        self.summary.add(&check);
        if self.args.verbose {
            say_text(&report::transcript(evidence));
        }
        if self.args.save.is_some() {
            self.saved.push(evidence.clone());
        }
        self.remark(&check);
        if let Some(to) = self.args.ticket {
            let rule = if self.summary.checks > 1 { "\n----\n\n" } else { "" };
            self.write(&format!("{rule}{}", report::ticket(&check, to)));
            return;
        }
        let rows = self.many || self.args.quiet;
        match self.args.format {
            Some(Format::Ndjson) => self.write(&report::check_ndjson(&check)),
            Some(Format::Json | Format::Markdown) => self.held.push(check),
            None if rows => {
                if self.summary.checks == 1 && !self.args.quiet {
                    self.write(&report::rows_header(&self.table));
                }
                self.write(&report::row(&check, &self.table));
            }
            None | Some(Format::Table) => {
                let gap = if self.summary.checks > 1 { "\n" } else { "" };
                self.write(&format!("{gap}{}", report::table(&check, &self.table)));
            }
        }
    }

    /// What stood in the way of a single check, in one sentence beside the report.
    fn remark(&self, check: &Check) {
        if self.many || self.args.quiet {
            return;
        }
        let Some(fault) = check.smtp.as_ref().and_then(|s| s.fault.as_ref()) else { return };
        let at = check.target.address.map(|a| format!(" ({a})")).unwrap_or_default();
        let about = check.findings.iter().find(|f| f.code.ends_dialogue());
        let advice = about.and_then(|f| f.fix.steps.first()).map(|step| format!(" {step}")).unwrap_or_default();
        say(&format!("{}{at}: {}.{advice}", check.target.input, fault.detail));
    }

    fn write(&mut self, text: &str) {
        if let Err(e) = self.results.write(text)
            && !self.failed
        {
            say(&format!("standard output cannot be written: {e}"));
            self.failed = true;
        }
    }

    fn finish(mut self) -> Exit {
        match self.args.format {
            Some(Format::Json) => {
                let report = Report::new(std::mem::take(&mut self.held));
                self.write(&report::report_json(&report));
            }
            Some(Format::Markdown) => {
                let text = report::markdown(&self.held);
                self.write(&text);
            }
            None | Some(Format::Table) if self.summary.checks > 1 && !self.args.quiet && self.args.ticket.is_none() => {
                let line = format!("\n{}\n", report::summary_line(&self.summary));
                self.write(&line);
            }
            _ => {}
        }
        if let Some(file) = &self.args.save {
            let text = EvidenceFile::new(std::mem::take(&mut self.saved)).to_json();
            let written = text.map_err(std::io::Error::other).and_then(|t| super::write_file(file, &t));
            if let Err(e) = written {
                say(&format!("--save {}: {e}; the evidence was not written", file.display()));
                return Exit::Usage;
            }
        }
        if self.failed { Exit::Usage } else { self.tally.exit() }
    }
}
