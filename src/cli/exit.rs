//! The exit codes of the contract, and how a run's checks add up to one.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::judge::{Check, Code, Severity, Verdict};

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything agrees.
    Agrees,
    /// Findings at or above `--fail-on`, or a verdict `differ`.
    Findings,
    /// Usage, or input that cannot be read.
    Usage,
    /// Something could not be judged or reached.
    Unknown,
    /// A defect of ours.
    Defect,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Agrees => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Unknown => 3,
            Self::Defect => 70,
        }
    }

    /// The exit of a run that was interrupted: what it left out could not be judged, whatever the rest said.
    #[must_use]
    pub fn interrupted(self) -> Self {
        match self {
            Self::Defect => Self::Defect,
            _ => Self::Unknown,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// What makes exit 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A finding of severity `error`, or a verdict `differ`.
    Error,
    /// A finding of severity `warning` or `error`, or a verdict `differ`.
    #[default]
    Warning,
    /// Nothing.
    Never,
}

/// Adds up the exits of a run's checks: a defect outweighs findings, findings outweigh "could not tell".
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    findings: bool,
    unknown: bool,
    defect: bool,
}

impl Tally {
    /// Counts one check.
    pub fn add(&mut self, check: &Check, fail_on: FailOn) {
        let least = match fail_on {
            FailOn::Error => Some(Severity::Error),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Never => None,
        };
        if let Some(least) = least {
            let differs = check.agreement.verdict == Verdict::Differ;
            self.findings |= differs || check.findings.iter().any(|f| f.severity >= least);
        }
        self.defect |= check.findings.iter().any(|f| f.code == Code::Defect);
        let unreached = check.smtp.as_ref().is_some_and(|s| s.fault.is_some());
        // Every address of a target is to be checked: one left out leaves the question open.
        let left_out = |code| matches!(code, Code::TargetLookupFailed | Code::TargetManyAddresses);
        let unseen = check.findings.iter().any(|f| left_out(f.code));
        self.unknown |= check.agreement.verdict == Verdict::Unknown || unreached || unseen;
    }

    /// The sum.
    pub fn exit(self) -> Exit {
        match self {
            Self { defect: true, .. } => Exit::Defect,
            Self { findings: true, .. } => Exit::Findings,
            Self { unknown: true, .. } => Exit::Unknown,
            Self { .. } => Exit::Agrees,
        }
    }
}
