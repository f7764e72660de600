//! What becomes of each session that was heard: judged, put into the format asked for, counted.

use std::collections::VecDeque;
use std::sync::Arc;

use super::args::ListenFormat;
use crate::cli::exit::{Exit, FailOn, Tally};
use crate::evidence::Evidence;
use crate::judge::{Check, ListenSummary, Listened, judge};
use crate::observe::listen::Heard;
use crate::report::{self, TableOptions};

/// Verdicts remembered; sessions that show one identity within a minute share its evidence.
const KNOWN: usize = 16;

/// Judges and formats; writes nothing itself.
pub(super) struct Printer {
    format: ListenFormat,
    table: TableOptions,
    fail_on: FailOn,
    known: VecDeque<(Arc<Evidence>, Check)>,
    summary: ListenSummary,
    tally: Tally,
}

impl Printer {
    pub(super) fn new(format: ListenFormat, table: TableOptions, fail_on: FailOn) -> Self {
        Self {
            format,
            table,
            fail_on,
            known: VecDeque::new(),
            summary: ListenSummary::default(),
            tally: Tally::default(),
        }
    }

    /// What stands before the first session.
    pub(super) fn begin(&self) -> String {
        match self.format {
            ListenFormat::Json => report::listen_json_begin(),
            _ => String::new(),
        }
    }

    /// One session's text.
    pub(super) fn take(&mut self, heard: Heard) -> String {
        let check = heard.evidence.map(|evidence| self.judged(evidence));
        let listened = Listened::new(heard.session, check);
        let first = self.summary.sessions == 0;
        self.summary.add(&listened);
        if let Some(check) = &listened.check {
            self.tally.add(check, self.fail_on);
        }
        let gap = if first { "" } else { "\n" };
        match self.format {
            ListenFormat::Table => format!("{gap}{}", report::listen_table(&listened, &self.table)),
            ListenFormat::Json => report::listen_json_entry(&listened, first),
            ListenFormat::Ndjson => report::listen_ndjson(&listened),
            ListenFormat::Markdown => format!("{gap}{}", report::listen_markdown(&listened)),
        }
    }

    fn judged(&mut self, evidence: Arc<Evidence>) -> Check {
        if let Some((_, check)) = self.known.iter().find(|(known, _)| Arc::ptr_eq(known, &evidence)) {
            return check.clone();
        }
        let check = judge(&evidence);
        if self.known.len() == KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((evidence, check.clone()));
        check
    }

    /// What stands behind the last session.
    pub(super) fn end(&self) -> String {
        match self.format {
            ListenFormat::Json => report::listen_json_end(&self.summary),
            ListenFormat::Table if self.summary.sessions > 1 => {
                format!("\n{}\n", report::listen_summary(&self.summary))
            }
            _ => String::new(),
        }
    }

    /// Counts so far.
    pub(super) fn summary(&self) -> &ListenSummary {
        &self.summary
    }

    /// What the identities come to; nobody judged leaves the question open.
    pub(super) fn exit(&self) -> Exit {
        if self.summary.judged.checks == 0 { Exit::Unknown } else { self.tally.exit() }
    }
}
