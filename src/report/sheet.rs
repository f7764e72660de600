//! A report in one format, written as its checks come: a beginning, a piece a check, an end.
//!
//! Shape: the pieces put together are the report. Memory does not grow with the number of checks; where a format
//! must hold something back, its file says how much.

use super::Format;
use super::csv::{csv_gone, csv_header, csv_row};
use super::html::{html_begin, html_check, html_end};
use super::json::{checks_json_begin, checks_json_end, checks_json_entry, ndjson};
use super::junit::Junit;
use super::markdown::{markdown_end, markdown_section};
use super::nagios::Nagios;
use super::pool::{self, Pool};
use super::prometheus::Prometheus;
use crate::judge::{Check, Gone, Severity, Standing, Summary};

/// A report to be.
#[derive(Debug)]
pub struct Sheet {
    body: Body,
    checks: usize,
    /// Headings: checks, and pools as one.
    sections: usize,
}

#[derive(Debug)]
enum Body {
    Json,
    Ndjson,
    Csv,
    Markdown,
    Html,
    Junit(Junit),
    Nagios(Nagios),
    Prometheus(Prometheus),
}

impl Sheet {
    /// A report in this format; `None` for the table, which is drawn check by check (see [`super::table`]).
    /// Findings of `least` and heavier make a check fail.
    pub fn new(format: Format, least: Option<Severity>) -> Option<Self> {
        let body = match format {
            Format::Table => return None,
            Format::Json => Body::Json,
            Format::Ndjson => Body::Ndjson,
            Format::Csv => Body::Csv,
            Format::Markdown => Body::Markdown,
            Format::Html => Body::Html,
            Format::Junit => Body::Junit(Junit::new(least)),
            Format::Nagios => Body::Nagios(Nagios::new(least)),
            Format::Prometheus => Body::Prometheus(Prometheus::default()),
        };
        Some(Self { body, checks: 0, sections: 0 })
    }

    /// What stands before the first check.
    pub fn begin(&self) -> String {
        match &self.body {
            Body::Json => checks_json_begin(),
            Body::Csv => csv_header(),
            Body::Html => html_begin(),
            Body::Junit(_) => Junit::begin(),
            Body::Ndjson | Body::Markdown | Body::Nagios(_) | Body::Prometheus(_) => String::new(),
        }
    }

    /// One more check.
    pub fn check(&mut self, check: &Check) -> String {
        self.checks += 1;
        self.sections += 1;
        let first = self.checks == 1;
        match &mut self.body {
            Body::Json => checks_json_entry(check, first),
            Body::Ndjson => ndjson(check),
            Body::Csv => csv_row(check),
            Body::Markdown => markdown_section(check, first),
            Body::Html => html_check(check),
            Body::Junit(junit) => junit.check(check),
            Body::Nagios(nagios) => nagios.check(check),
            Body::Prometheus(prometheus) => prometheus.check(check),
        }
    }

    /// Several checks of one request under one heading, where the format has that; the pool holds so many.
    pub fn pool(&mut self, pool: &Pool, checks: usize) -> Option<String> {
        let Body::Markdown = self.body else { return None };
        let gap = if self.checks == 0 { "" } else { "\n" };
        self.checks += checks;
        self.sections += 1;
        Some(format!("{gap}{}", pool::section(pool)))
    }

    /// What stands behind the last check. `gone` is what a baseline holds and the run did not look at; `open` says
    /// that something which was to be checked was not.
    pub fn end(&mut self, summary: &Summary, gone: &[Gone], open: Option<&str>) -> String {
        match &mut self.body {
            Body::Json => checks_json_end(self.checks, summary, gone),
            Body::Ndjson => gone.iter().map(|g| ndjson(&serde_json::json!({ "gone": g }))).collect(),
            Body::Csv => gone.iter().map(csv_gone).collect(),
            Body::Markdown => markdown_end(summary, gone, self.sections != 1),
            Body::Html => html_end(summary, gone),
            Body::Junit(junit) => junit.end(),
            Body::Nagios(nagios) => nagios.end(summary, open),
            Body::Prometheus(prometheus) => prometheus.end(summary),
        }
    }

    /// The state that the report itself tells a monitor, where it does.
    pub fn monitored(&self) -> Option<(Standing, Option<Severity>)> {
        match &self.body {
            Body::Nagios(nagios) => Some(nagios.standing()),
            _ => None,
        }
    }
}

/// A whole report of checks that are all there.
pub fn whole(format: Format, checks: &[Check], least: Option<Severity>) -> Option<String> {
    let mut sheet = Sheet::new(format, least)?;
    let mut summary = Summary::default();
    let mut text = sheet.begin();
    for check in checks {
        summary.add(check);
        text += &sheet.check(check);
    }
    text += &sheet.end(&summary, &[], None);
    Some(text)
}
