//! Prints entries in the format asked for as they come, counts them, and adds up the exit.

use super::args::{BounceArgs, BounceFormat, FailOn};
use crate::cli::exit::Exit;
use crate::cli::output::{Results, color, say, width};
use crate::desk::{DeskSummary, Entry, Standing};
use crate::report::{self, TableOptions};

pub(super) struct Printer<'a> {
    args: &'a BounceArgs,
    options: TableOptions,
    results: Results,
    /// Held back until it is known whether it is the only one.
    first: Option<Entry>,
    taken: usize,
    unreadable: usize,
    skipped: usize,
    why: Option<String>,
    broken: bool,
    open: bool,
    summary: DeskSummary,
    failed: bool,
}

impl<'a> Printer<'a> {
    pub(super) fn new(args: &'a BounceArgs) -> Self {
        Self {
            args,
            options: TableOptions { width: width(), color: color(args.color), explain: false },
            results: Results::default(),
            first: None,
            taken: 0,
            unreadable: 0,
            skipped: 0,
            why: None,
            broken: false,
            open: false,
            summary: DeskSummary::default(),
            failed: false,
        }
    }

    /// Takes one more; `false` when nobody reads any more.
    pub(super) fn take(&mut self, entry: Entry) -> bool {
        self.count(&entry);
        self.taken += 1;
        if self.taken == 1 {
            self.first = Some(entry);
        } else {
            if let Some(first) = self.first.take() {
                self.begin_many();
                self.print(&first, 1);
            }
            self.print(&entry, self.taken);
        }
        !self.results.gone() && !self.failed
    }

    fn count(&mut self, entry: &Entry) {
        self.summary.add(entry);
        if let Some(why) = &entry.bounce.unreadable {
            self.unreadable += 1;
            let at = entry.bounce.file.as_deref().unwrap_or("-");
            self.why.get_or_insert_with(|| format!("{}: {why}", report::clean_bounded(at, 255)));
        }
        self.skipped += usize::from(entry.bounce.skipped.is_some());
        let fail_on = self.args.fail_on;
        match entry.since.as_ref().map(|s| s.standing) {
            None | Some(Standing::FixedSince) => {}
            Some(Standing::StillBroken) => self.broken |= fail_on != FailOn::Never,
            Some(Standing::NotChecked) => match fail_on {
                FailOn::Warning => self.broken = true,
                FailOn::Error => self.open = true,
                FailOn::Never => {}
            },
            Some(Standing::CouldNotTell | Standing::NotVisible) => self.open = true,
        }
    }

    fn rows(&self) -> bool {
        self.args.format.is_none() && self.args.ticket.is_none() || self.args.quiet
    }

    fn begin_many(&mut self) {
        match self.args.format {
            Some(BounceFormat::Json) => self.write(&report::bounces_json_begin()),
            Some(BounceFormat::Markdown) => self.write(&report::bounce_markdown_header()),
            None if self.rows() && !self.args.quiet => {
                let header = report::bounce_rows_header(&self.options);
                self.write(&header);
            }
            _ => {}
        }
    }

    /// One of many.
    fn print(&mut self, entry: &Entry, place: usize) {
        let gap = if place > 1 { "\n" } else { "" };
        let text = match self.args.format {
            Some(BounceFormat::Json) => report::bounces_json_entry(entry, place == 1),
            Some(BounceFormat::Ndjson) => report::bounce_ndjson(entry),
            Some(BounceFormat::Markdown) => report::bounce_markdown_row(entry),
            _ if self.rows() => report::bounce_row(entry, &self.options),
            _ if self.args.ticket.is_some() && place > 1 => {
                format!("\n{}\n\n{}", "-".repeat(70), report::bounce_ticket(entry))
            }
            _ if self.args.ticket.is_some() => report::bounce_ticket(entry),
            _ => format!("{gap}{}", report::bounce_table(entry, &self.options)),
        };
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        if let Err(e) = self.results.write(text)
            && !self.failed
        {
            say(&format!("standard output cannot be written: {e}"));
            self.failed = true;
        }
    }

    fn only(&mut self, entry: &Entry) {
        let text = match self.args.format {
            Some(BounceFormat::Json) => report::bounces_json_begin() + &report::bounces_json_entry(entry, true),
            Some(BounceFormat::Ndjson) => report::bounce_ndjson(entry),
            Some(BounceFormat::Markdown) => report::bounce_markdown(entry),
            _ if self.args.ticket.is_some() => report::bounce_ticket(entry),
            _ if self.args.quiet => report::bounce_row(entry, &self.options),
            _ => report::bounce_table(entry, &self.options),
        };
        self.write(&text);
    }

    pub(super) fn finish(mut self) -> Exit {
        let summary = std::mem::take(&mut self.summary).finish();
        if let Some(only) = self.first.take() {
            self.only(&only);
        }
        let many = self.taken > 1;
        match self.args.format {
            Some(BounceFormat::Json) => {
                if self.taken == 0 {
                    self.write(&report::bounces_json_begin());
                }
                self.write(&report::bounces_json_end(&summary));
            }
            Some(BounceFormat::Markdown) if many => self.write(&report::bounce_markdown_summary(&summary)),
            None | Some(BounceFormat::Table) if many && !self.args.quiet && self.args.ticket.is_none() => {
                let text = format!("\n{}", report::bounce_summary(&summary, &self.options));
                self.write(&text);
            }
            _ => {}
        }
        self.remark();
        match () {
            () if self.failed || self.unreadable > 0 || self.taken == self.skipped => Exit::Usage,
            () if self.broken => Exit::Findings,
            () if self.open => Exit::Unknown,
            () => Exit::Agrees,
        }
    }

    /// What could not be read, in one sentence on standard error.
    fn remark(&self) {
        match (self.taken, &self.why) {
            (all, _) if all == self.skipped && all > 0 => {
                say(
                    "nothing to read: no file in there is mail; give a file by its own name to have it read whatever it is",
                );
            }
            (0, _) => say("nothing to read: no file is in there; give a file, a directory with mail, or an mbox"),
            (_, None) => {}
            (1, Some(why)) => say(why),
            (all, Some(why)) if self.unreadable == all => {
                say(&format!("nothing of it could be read; the first: {why}"));
            }
            (all, Some(why)) => {
                say(&format!("{} of {all} could not be read, the others were; the first: {why}", self.unreadable));
            }
        }
    }
}
