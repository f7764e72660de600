//! What becomes of each check's evidence: judged, printed in the format asked for, kept for `--save`,
//! added up to the exit.

use super::args::CheckArgs;
use super::exit::{Exit, Tally};
use super::output::{Results, color, row_width, say, say_text, width};
use super::save::Saving;
use crate::evidence::Evidence;
use crate::judge::{Check, Report, Summary, judge_for};
use crate::report::{self, Format, TableOptions};

/// Judges, prints in the format asked for, keeps what `--save` wants, and adds up the exit.
pub(super) struct Printer<'a> {
    args: &'a CheckArgs,
    /// A row a check, without remarks.
    many: bool,
    table: TableOptions,
    rows: TableOptions,
    results: Results,
    tally: Tally,
    summary: Summary,
    held: Vec<Check>,
    /// How many of the held belong to one request, in turn.
    requests: Vec<usize>,
    /// Reports written, a pool's as one.
    reports: usize,
    saving: Option<Saving>,
    failed: bool,
}

impl<'a> Printer<'a> {
    /// A printer of tables, where nothing else is asked for.
    pub(super) fn new(args: &'a CheckArgs, saving: Option<Saving>) -> Self {
        Self {
            args,
            many: false,
            table: TableOptions { width: width(), color: color(args.color), explain: args.explain },
            rows: TableOptions { width: row_width(), color: color(args.color), explain: false },
            results: Results::default(),
            tally: Tally::default(),
            summary: Summary::default(),
            held: Vec::new(),
            requests: Vec::new(),
            reports: 0,
            saving,
            failed: false,
        }
    }

    /// Prints rows from here on.
    pub(super) fn by_rows(&mut self) {
        self.many = true;
    }

    /// Whether a check was printed, or is held.
    pub(super) fn begun(&self) -> bool {
        self.summary.checks > 0
    }

    /// Nobody reads any more.
    pub(super) fn gone(&self) -> bool {
        self.results.gone()
    }

    /// All checks of one request: side by side, where there are several and a table is wanted.
    pub(super) fn take_all(&mut self, found: &[Evidence]) {
        let table = matches!(self.args.format, None | Some(Format::Table));
        let whole = self.args.ticket.is_some() || self.args.explain || self.args.quiet || self.many;
        self.requests.push(found.len());
        if found.len() < 2 || !table || whole {
            for evidence in found {
                self.take(evidence);
            }
            return;
        }
        let mut pool = report::Pool::default();
        let mut remarks: Vec<String> = Vec::new();
        for evidence in found {
            let check = self.judged(evidence);
            if let Some(remark) = self.remark(&check).filter(|r| !remarks.contains(r)) {
                say(&remark);
                remarks.push(remark);
            }
            pool.add(&check);
        }
        let gap = if self.reports > 0 { "\n" } else { "" };
        self.reports += 1;
        self.write(&format!("{gap}{}", report::pool_table(&pool, &self.table)));
    }

    fn judged(&mut self, evidence: &Evidence) -> Check {
        let check = judge_for(evidence, &self.args.receivers);
        self.tally.add(&check, self.args.fail_on);
        self.summary.add(&check);
        if self.args.verbose {
            say_text(&report::transcript(evidence));
        }
        if let Some(saving) = &mut self.saving {
            saving.keep(evidence);
        }
        check
    }

    /// One more check.
    fn take(&mut self, evidence: &Evidence) {
        let check = self.judged(evidence);
        if let Some(remark) = self.remark(&check) {
            say(&remark);
        }
        self.reports += 1;
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
                    self.write(&report::rows_header(&self.rows));
                }
                self.write(&report::row(&check, &self.rows));
            }
            None | Some(Format::Table) => {
                let gap = if self.reports > 1 { "\n" } else { "" };
                self.write(&format!("{gap}{}", report::table(&check, &self.table)));
            }
        }
    }

    /// What stood in the way of a single check, in one sentence beside the report.
    fn remark(&self, check: &Check) -> Option<String> {
        if self.many || self.args.quiet {
            return None;
        }
        let fault = check.smtp.as_ref().and_then(|s| s.fault.as_ref())?;
        let at = check.target.address.map(|a| format!(" ({a})")).unwrap_or_default();
        let about = check.findings.iter().find(|f| f.code.ends_dialogue());
        let advice = about.and_then(|f| f.fix.steps.first()).map(|step| format!(" {step}")).unwrap_or_default();
        Some(format!("{}{at}: {}.{advice}", check.target.input, fault.detail))
    }

    fn write(&mut self, text: &str) {
        if let Err(e) = self.results.write(text)
            && !self.failed
        {
            say(&format!("standard output cannot be written: {e}"));
            self.failed = true;
        }
    }

    /// Prints what is held, and writes the evidence.
    pub(super) fn finish(mut self) -> Exit {
        match self.args.format {
            Some(Format::Json) => {
                let report = Report::new(std::mem::take(&mut self.held));
                self.write(&report::report_json(&report));
            }
            Some(Format::Markdown) => {
                let text = report::markdown_of(&self.held, &self.requests);
                self.write(&text);
            }
            None | Some(Format::Table) if self.reports > 1 && !self.args.quiet && self.args.ticket.is_none() => {
                let line = format!("\n{}\n", report::summary_line(&self.summary));
                self.write(&line);
            }
            _ => {}
        }
        if let (Some(saving), Some(file)) = (self.saving.take(), &self.args.save)
            && let Err(e) = saving.finish()
        {
            say(&format!("--save {}: {e}; the evidence was not written", file.display()));
            return Exit::Usage;
        }
        if self.failed { Exit::Usage } else { self.tally.exit() }
    }
}
