//! From evidence to verdict: pure and total. No clock, no environment, no network, no failure.
//!
//! Shape: [`judge`] makes one [`Check`] of one [`Evidence`]; a `Check` is the contract's JSON object
//! (schema `smtp-preflight/1`) and all that a report needs.
//! Standard: RFC 8601 §2.7.3 (iprev), RFC 5321 §4.1.4 (what a server may refuse for), RFC 7208 §4.6.4
//! (at most ten PTR names).
//! Tie rules: a name that confirms wins over another's failure; a server that answers wins over one
//! that is silent or failing; trouble counts only where nothing confirmed.

mod agreement;
mod answers;
mod catalogue;
mod changes;
mod check;
mod comparison;
mod dns_report;
mod findings;
mod listened;
mod own;
mod propagation;
pub mod receivers;
mod remedy;
mod smtp_report;
mod standing;
mod summary;
mod view;

pub use catalogue::{Code, Entry, Rule, Subject};
pub use changes::{Change, ChangeCounts, ChangeKind, Comparison, EarlierCheck, Gone, Identity, LastKnown, State};
pub use check::{
    Agreement, Check, ClientReport, Disagreement, DnsReport, Edge, EdgeState, Finding, Fix, ForwardReport,
    GreetingReport, Iprev, PtrReport, Report, ResolverSaid, SCHEMA, Severity, SmtpReport, Verdict, Zone,
};
pub use comparison::{BothSides, Sides};
pub use listened::{ListenReport, ListenSummary, Listened, Remark, RemarkCode};
pub use own::{OwnAddress, ServiceSaid};
pub use propagation::{Holding, Propagation, questions};
pub use standing::{Standing, tells_left_out};
pub use summary::{FindingCount, Summary, WORST, Worst, open_side};

pub use remedy::{MtaHint, OtherMta, ProviderHint, Remedy, RemedyStep, Side};

use crate::evidence::Evidence;
use receivers::Selection;

/// Judges one identity, the answers of all known receivers included.
pub fn judge(evidence: &Evidence) -> Check {
    judge_for(evidence, &Selection::All)
}

/// Judges one identity, with the answers of these receivers.
pub fn judge_for(evidence: &Evidence, selection: &Selection) -> Check {
    let view = view::View::of(evidence);
    let agreement = agreement::agreement(&view);
    let remedy = remedy::remedy(&view, &agreement);
    let findings = findings::findings(&view, &agreement, remedy.as_ref());
    let mut check = check::assemble(evidence, &view, agreement, findings, remedy);
    (check.receivers, check.not_predicted) = receivers::predict_all(evidence, selection);
    check
}
