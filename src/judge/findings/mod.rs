//! The rules: evidence and edges to findings, each with what was seen here and what removes it.
//!
//! Order: the heaviest first, then as in the catalogue. "Could not tell" is `info`: it is no fault
//! that was observed, and the verdict `unknown` already says that the check is open. A finding prints the records
//! of the plan and no others, so that a report never asks for two different things.

mod ehlo;
mod own;
mod reach;
mod reverse;
mod server;

pub(super) use reverse::special;

use super::catalogue::Code;
use super::check::{Agreement, Finding, Fix};
use super::remedy::{Remedy, Side};
use super::view::View;

pub(super) fn findings(view: &View<'_>, agreement: &Agreement, plan: Option<&Remedy>) -> Vec<Finding> {
    let mut found = Vec::new();
    reverse::reverse(view, agreement, plan, &mut found);
    ehlo::ehlo(view, agreement, plan, &mut found);
    server::server(view, &mut found);
    reach::reach(view, &mut found);
    own::own(view, &mut found);
    found.sort_by_key(|f| (std::cmp::Reverse(f.severity), f.code));
    found
}

/// A finding in the catalogue's words, with what was seen here.
fn finding(code: Code, detail: impl Into<String>) -> Finding {
    let entry = code.entry();
    Finding {
        code,
        severity: entry.severity,
        title: entry.title.into(),
        detail: detail.into(),
        fix: Fix { who: entry.who.into(), steps: vec![entry.remedy.into()], records: Vec::new() },
        reference: entry.reference.into(),
    }
}

/// The zone lines that the plan publishes on one side.
fn planned(plan: Option<&Remedy>, side: Side) -> Vec<String> {
    plan.into_iter().flat_map(|p| p.published(side)).cloned().collect()
}

impl Finding {
    fn records(mut self, records: impl IntoIterator<Item = String>) -> Self {
        self.fix.records.extend(records);
        self
    }

    fn steps(mut self, steps: impl IntoIterator<Item = String>) -> Self {
        self.fix.steps.extend(steps);
        self
    }

    fn who(mut self, who: impl Into<String>) -> Self {
        self.fix.who = who.into();
        self
    }
}
