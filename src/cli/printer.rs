//! What becomes of each check's evidence: judged, printed in the format asked for, kept for `--save`,
//! added up to the exit.

use super::args::CheckArgs;
use super::exit::{Exit, Tally};
use super::judged::Judged;
use super::output::{Results, color, row_width, say, say_text, width};
use super::save::Saving;
use crate::judge::{Check, Report, Summary};
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
    saving: Option<Saving>,
    failed: bool,
    /// Behind the output of an earlier run: no header again.
    goes_on: bool,
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
            saving,
            failed: false,
            goes_on: false,
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

    /// Counts so far.
    pub(super) fn summary(&self) -> &Summary {
        &self.summary
    }

    /// What is printed goes on in a file that an earlier run has begun.
    pub(super) fn goes_on(&mut self) {
        self.many = true;
        self.goes_on = true;
    }

    /// One more check. What is printed of it may wait for [`Self::flush`].
    pub(super) fn take(&mut self, judged: Judged) {
        let Judged { check, evidence, line } = judged;
        self.tally.add(&check, self.args.fail_on);
        self.summary.add(&check);
        if let Some(evidence) = &evidence {
            if self.args.verbose {
                self.flush();
                say_text(&report::transcript(evidence));
            }
            if let Some(saving) = &mut self.saving {
                saving.keep(evidence);
            }
        }
        self.remark(&check);
        if let Some(to) = self.args.ticket {
            let rule = if self.summary.checks > 1 { "\n----\n\n" } else { "" };
            self.write(&format!("{rule}{}", report::ticket(&check, to)));
            return;
        }
        let rows = self.many || self.args.quiet;
        match self.args.format {
            Some(Format::Ndjson) => {
                let line = line.unwrap_or_else(|| report::check_ndjson(&check));
                self.write(&line);
            }
            Some(Format::Json | Format::Markdown) => self.held.push(check),
            None if rows => {
                if self.summary.checks == 1 && !self.args.quiet && !self.goes_on {
                    self.write(&report::rows_header(&self.rows));
                }
                self.write(&report::row(&check, &self.rows));
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

    /// Writes what has been taken.
    pub(super) fn flush(&mut self) {
        let written = self.results.flush();
        self.written(written);
    }

    fn write(&mut self, text: &str) {
        let written = self.results.hold(text);
        self.written(written);
    }

    fn written(&mut self, written: std::io::Result<()>) {
        if let Err(e) = written
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
                let text = report::markdown(&self.held);
                self.write(&text);
            }
            None | Some(Format::Table) if self.summary.checks > 1 && !self.args.quiet && self.args.ticket.is_none() => {
                let line = format!("\n{}\n", report::summary_line(&self.summary));
                self.write(&line);
            }
            _ => {}
        }
        self.flush();
        if let (Some(saving), Some(file)) = (self.saving.take(), &self.args.save)
            && let Err(e) = saving.finish()
        {
            say(&format!("--save {}: {e}; the evidence was not written", file.display()));
            return Exit::Usage;
        }
        if self.failed { Exit::Usage } else { self.tally.exit() }
    }
}
