//! What a check comes to for whoever waits for a yes or a no: the exit code's, and every monitor's, answer.

use super::catalogue::Code;
use super::check::{Check, Severity, Verdict};

/// What a check comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Everything agrees.
    Agrees,
    /// A verdict `differ`, or findings as heavy as asked for.
    Findings,
    /// Something could not be judged or reached.
    Unknown,
}

impl Standing {
    /// Of a check, where findings of `least` and heavier count; `None` lets nothing count, not even a verdict
    /// `differ`. Findings outweigh what could not be told.
    pub fn of(check: &Check, least: Option<Severity>) -> Self {
        let heaviest = check.findings.iter().map(|f| f.severity).max();
        Self::told(check.agreement.verdict, heaviest, left_open(check), least)
    }

    /// The same of what a row tells of a check: its verdict, its heaviest finding, and whether something of the
    /// target was not seen.
    pub fn told(verdict: Verdict, heaviest: Option<Severity>, open: bool, least: Option<Severity>) -> Self {
        let heavy = |least| heaviest.is_some_and(|severity| severity >= least);
        if least.is_some_and(|least| verdict == Verdict::Differ || heavy(least)) {
            Self::Findings
        } else if verdict == Verdict::Unknown || open {
            Self::Unknown
        } else {
            Self::Agrees
        }
    }
}

/// Whether something of the target was not seen, whatever the edges say: it was not reached, or not all of its
/// addresses were.
pub(super) fn left_open(check: &Check) -> bool {
    check.smtp.as_ref().is_some_and(|s| s.fault.is_some()) || check.findings.iter().any(|f| LEFT_OUT.contains(&f.code))
}

/// Findings that tell of addresses of the target that were not seen.
const LEFT_OUT: [Code; 2] = [Code::TargetLookupFailed, Code::TargetManyAddresses];

/// The same of a code as an earlier report tells it.
pub fn tells_left_out(code: &str) -> bool {
    LEFT_OUT.iter().any(|left_out| left_out.entry().slug == code)
}
