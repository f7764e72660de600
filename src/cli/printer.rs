//! What becomes of each check's evidence: judged, compared, printed in the format asked for, kept for `--save`,
//! added up to the exit.

use super::args::CheckArgs;
use super::baseline::Baseline;
use super::exit::{Exit, Tally};
use super::judged::Judged;
use super::output::{Results, color, row_width, say, say_text, width};
use super::save::Saving;
use crate::evidence::Evidence;
use crate::judge::{ChangeKind, Check, Gone, Severity, Standing, Summary};
use crate::report::{self, Format, Sheet, TableOptions};

/// Judges, prints in the format asked for, keeps what `--save` wants, and adds up the exit.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Printer<'a> {
    args: &'a CheckArgs,
    /// A row a check, without remarks.
    many: bool,
    table: TableOptions,
    rows: TableOptions,
    results: Results,
    tally: Tally,
    summary: Summary,
    /// The report, where its format is no table.
    sheet: Option<Sheet>,
    /// The tickets, where they stand in the place of a report.
    tickets: Option<report::Tickets>,
    /// Something stands on standard output.
    printed: bool,
    /// Checks and pools shown.
    reports: usize,
    baseline: Option<Baseline>,
    /// Why not all was checked.
    open: Option<String>,
    saving: Option<Saving>,
    failed: bool,
    /// Behind the output of an earlier run: no header again.
    goes_on: bool,
}

impl<'a> Printer<'a> {
    /// A printer of tables, where nothing else is asked for.
    pub(super) fn new(args: &'a CheckArgs, saving: Option<Saving>) -> Self {
        let sheet = args.format.filter(|_| args.ticket.is_none());
        Self {
            args,
            many: false,
            table: TableOptions { width: width(), color: color(args.color), explain: args.explain },
            rows: TableOptions { width: row_width(), color: color(args.color), explain: false },
            results: Results::default(),
            tally: Tally::default(),
            summary: Summary::default(),
            sheet: sheet.and_then(|format| Sheet::new(format, args.fail_on.least())),
            tickets: args.ticket.map(report::Tickets::new),
            printed: false,
            reports: 0,
            baseline: None,
            open: None,
            saving,
            failed: false,
            goes_on: false,
        }
    }

    /// The same, which shows what changed since a baseline.
    pub(super) fn comparing(self, baseline: Option<Baseline>) -> Self {
        Self { baseline, ..self }
    }

    /// Prints rows from here on.
    pub(super) fn by_rows(&mut self) {
        self.many = true;
    }

    /// Whether a check was taken.
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

    /// Writes rows of an earlier output as they stood there.
    pub(super) fn put_back(&mut self, rows: &str) {
        self.write(rows);
        self.flush();
    }

    /// Something that was to be checked was not: a few words on why.
    pub(super) fn leave_out(&mut self, why: &str) {
        self.tally.leave_out();
        self.open.get_or_insert_with(|| why.to_owned());
    }

    /// Counts what an earlier run of the same list came to; its checks are not printed again.
    pub(super) fn count_earlier(&mut self, tally: Tally) {
        self.tally.merge(tally);
    }

    /// Counts anew: the next checks are another round of the same.
    pub(super) fn next_round(&mut self) {
        self.tally = Tally::default();
        self.summary = Summary::default();
        self.open = None;
    }

    /// Whether several checks of one request are shown side by side.
    pub(super) fn shows_pools(&self) -> bool {
        let read = matches!(self.args.format, None | Some(Format::Table | Format::Markdown));
        let whole = self.args.ticket.is_some() || self.args.explain || self.args.quiet || self.many;
        read && !whole && self.baseline.is_none()
    }

    /// All checks of one request: side by side, where there are several and the format is for reading.
    pub(super) fn take_all(&mut self, found: Vec<Judged>) {
        if found.len() < 2 || !self.shows_pools() {
            for judged in found {
                self.take(judged);
            }
            return;
        }
        let first = !self.printed;
        let checks = found.len();
        let mut pool = report::Pool::default();
        let mut remarks: Vec<String> = Vec::new();
        for judged in found {
            let Judged::Whole { check, evidence } = judged else {
                self.take(judged);
                continue;
            };
            self.count(evidence.as_deref(), &check);
            if let Some(remark) = self.remark(&check).filter(|r| self.sheet.is_none() && !remarks.contains(r)) {
                say(&remark);
                remarks.push(remark);
            }
            pool.add(&check);
        }
        self.reports += 1;
        let text = match &mut self.sheet {
            Some(sheet) => sheet.pool(&pool, checks).unwrap_or_default(),
            None => format!("{}{}", if first { "" } else { "\n" }, report::pool_table(&pool, &self.table)),
        };
        self.write(&text);
    }

    /// One more check. What is printed of it may wait for [`Self::flush`].
    pub(super) fn take(&mut self, judged: Judged) {
        let (mut check, evidence) = match judged {
            Judged::Whole { check, evidence } => (check, evidence),
            Judged::Line { line, counted, tally, .. } => {
                self.tally.merge(tally);
                self.summary.merge(counted);
                self.write(&line);
                return;
            }
        };
        if let Some(baseline) = &mut self.baseline {
            if let Some(next) = &mut baseline.next {
                next.keep(&check, &baseline.comparison.last_known(&check));
            }
            check.change = baseline.comparison.see(&check);
        }
        self.count(evidence.as_deref(), &check);
        let whole = matches!(self.args.format, Some(Format::Junit | Format::Nagios | Format::Prometheus));
        if self.baseline.is_none() || check.change.is_some() || whole {
            self.show(&check);
        }
    }

    /// Adds a check up and keeps its evidence, without printing it.
    pub(super) fn count(&mut self, evidence: Option<&Evidence>, check: &Check) {
        self.tally.add(check, self.args.fail_on);
        self.summary.add(check);
        let Some(evidence) = evidence else { return };
        if self.args.verbose {
            self.flush();
            say_text(&report::transcript(evidence));
        }
        if let Some(saving) = &mut self.saving {
            saving.keep(evidence);
        }
    }

    /// Prints a check: what changed of it, where something did, else all of it.
    pub(super) fn show(&mut self, check: &Check) {
        let first = !self.printed;
        self.reports += 1;
        if let Some(remark) = self.remark(check) {
            say(&remark);
        }
        if let Some(sheet) = &mut self.sheet {
            let begin = if first && !self.goes_on { sheet.begin() } else { String::new() };
            let text = begin + &sheet.check(check);
            self.write(&text);
            return;
        }
        // A ticket may be about several checks: it is written when all are in.
        if let Some(tickets) = &mut self.tickets {
            tickets.add(check);
            return;
        }
        let text = if check.change.is_some() {
            report::change_text(check, &self.rows, self.args.watch.on())
        } else if self.args.format.is_none() && (self.many || self.args.quiet) {
            let header = if first && !self.args.quiet && !self.goes_on {
                report::rows_header(&self.rows)
            } else {
                String::new()
            };
            header + &report::row(check, &self.rows)
        } else {
            let gap = if first { "" } else { "\n" };
            format!("{gap}{}", report::table(check, &self.table))
        };
        self.write(&text);
    }

    /// Prints who holds which answer, where the report is a table.
    pub(super) fn show_propagation(&mut self, check: &Check) {
        if self.sheet.is_none() {
            let text = report::propagation_text(&check.propagation, &self.rows);
            self.write(&text);
        }
    }

    /// Prints the state that a repeated run ends with, where the report is a table.
    pub(super) fn show_last(&mut self, checks: &[Check]) {
        if self.sheet.is_none() {
            let rows: String = checks.iter().map(|c| report::row(c, &self.rows)).collect();
            let text = format!("\n{}{rows}", report::rows_header(&self.rows));
            self.write(&text);
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

    /// Writes what has been taken.
    pub(super) fn flush(&mut self) {
        let written = self.results.flush();
        self.written(written);
    }

    fn write(&mut self, text: &str) {
        self.printed |= !text.is_empty();
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

    /// Ends the report, and writes the files of the run.
    pub(super) fn finish(mut self) -> Exit {
        let gone = self.gone_since();
        // A baseline of half a run would call the other half gone.
        let whole = self.open.is_none() && self.summary.checks > 0;
        let mut unwritten = false;
        // Before the report ends: a monitor reads there that it failed.
        if let (Some(saving), Some(file)) = (self.saving.take(), &self.args.save)
            && let Err(e) = saving.finish()
        {
            let why = format!("--save {}: {e}; the evidence was not written", file.display());
            say(&why);
            self.open.get_or_insert(why);
            unwritten = true;
        }
        self.end(&gone);
        self.flush();
        if let Some(next) = self.baseline.take().and_then(|b| b.next).filter(|_| whole)
            && let Err(e) = next.complete()
        {
            say(&format!("--update-baseline: {e}; the baseline is as it was"));
            unwritten = true;
        }
        if self.failed || unwritten {
            return Exit::Usage;
        }
        match self.sheet.as_ref().and_then(Sheet::monitored) {
            None => self.tally.exit(),
            _ if self.tally.exit() == Exit::Defect => Exit::Defect,
            Some((Standing::Findings, Some(Severity::Error))) => Exit::Critical,
            Some((Standing::Findings, _)) => Exit::Warning,
            Some((Standing::Unknown, _)) => Exit::Unknown,
            Some((Standing::Agrees, _)) => Exit::Agrees,
        }
    }

    /// What the baseline holds and a whole run did not look at.
    fn gone_since(&mut self) -> Vec<Gone> {
        let Some(baseline) = &mut self.baseline else { return Vec::new() };
        let gone = if self.open.is_none() { baseline.comparison.gone() } else { Vec::new() };
        self.summary.changes = Some(baseline.comparison.counts());
        gone
    }

    fn end(&mut self, gone: &[Gone]) {
        if let Some(sheet) = &mut self.sheet {
            let begin = if self.printed || self.goes_on { String::new() } else { sheet.begin() };
            let text = begin + &sheet.end(&self.summary, gone, self.open.as_deref());
            self.write(&text);
            return;
        }
        if let Some(tickets) = self.tickets.take() {
            let (letters, remarks) = tickets.finish();
            self.write(&letters);
            for remark in remarks {
                say(&format!("{remark}."));
            }
            return;
        }
        let mut text: String = gone.iter().map(|g| report::gone_text(g, &self.rows)).collect();
        if !self.args.quiet && (self.reports > 1 || self.summary.changes.is_some()) {
            let gap = if self.printed || !text.is_empty() { "\n" } else { "" };
            let all = self.many || self.summary.changes.is_some();
            let told = if all {
                report::summary_text(&self.summary, &self.rows)
            } else {
                format!("{}\n", report::summary_line(&self.summary))
            };
            text.push_str(gap);
            text.push_str(&told);
        }
        self.write(&text);
    }
}

/// Whether a change is one that a first round of a repeated run makes of everything.
pub(super) fn is_first_sight(check: &Check) -> bool {
    check.change.as_ref().is_some_and(|c| c.kind == ChangeKind::New)
}
