//! The exit codes of the contract, and how a run's checks add up to one.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::judge::{Check, Code, Severity, Standing};

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
    /// A monitor's WARNING: findings of severity `warning`, or a verdict `differ` (`--format nagios`).
    Warning,
    /// A monitor's CRITICAL: findings of severity `error` (`--format nagios`).
    Critical,
}

impl Exit {
    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Self::Agrees => 0,
            Self::Findings | Self::Warning => 1,
            Self::Usage | Self::Critical => 2,
            Self::Unknown => 3,
            Self::Defect => 70,
        }
    }

    /// The exit of a run that was interrupted: what it left out could not be judged, whatever the rest said. For a
    /// monitor WARNING and CRITICAL outweigh that.
    #[must_use]
    pub fn interrupted(self) -> Self {
        match self {
            Self::Defect | Self::Warning | Self::Critical => self,
            _ => Self::Unknown,
        }
    }
}

impl Exit {
    /// The same for a monitor, whose 2 is CRITICAL and who knows no 70: what did not run well is UNKNOWN.
    #[must_use]
    pub fn monitored(self) -> Self {
        match self {
            Self::Findings => Self::Warning,
            Self::Usage | Self::Defect => Self::Unknown,
            other => other,
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

impl FailOn {
    /// The lightest finding that counts; `None` where nothing does.
    pub fn least(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Never => None,
        }
    }
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
        self.merge(Self::of(check, fail_on));
    }

    /// Of one check.
    pub(super) fn of(check: &Check, fail_on: FailOn) -> Self {
        let defect = check.findings.iter().any(|f| f.code == Code::Defect);
        Self::told(Standing::of(check, fail_on.least()), defect)
    }

    /// Of what a row of an earlier run tells.
    pub(super) fn told(standing: Standing, defect: bool) -> Self {
        Self { findings: standing == Standing::Findings, unknown: standing == Standing::Unknown, defect }
    }

    /// Counts the checks of another.
    pub(super) fn merge(&mut self, other: Self) {
        self.findings |= other.findings;
        self.unknown |= other.unknown;
        self.defect |= other.defect;
    }

    /// Counts something that was to be checked and was not.
    pub fn leave_out(&mut self) {
        self.unknown = true;
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
