//! What changed of each identity since an earlier report: new, broken, fixed, otherwise changed, gone.
//!
//! An identity is the target (host and port), the client's address, and the EHLO name where it was given; a name
//! that a host replied with is a fact about it, and may change.
//! Rule: what cannot be judged this time is neither broken nor gone, and a side that was not seen is no difference:
//! it stays as it was last known, until it is seen again. A target whose addresses could not be looked up stands for
//! all of its addresses.
//! Memory: a few hundred octets an identity of the baseline (see [`Comparison`]).

mod comparison;
mod state;

pub use comparison::Comparison;
pub use state::{EarlierCheck, Identity, LastKnown, State};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What became of an identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// The baseline does not hold it.
    New,
    /// It was in order, and is not; or it was not judged, and is not in order.
    Broken,
    /// It was not in order, and is.
    Fixed,
    /// Something else changed: a name, a finding, an edge.
    Changed,
    /// It was judged, and could not be this time.
    Unknown,
    /// The baseline holds it, and this run did not look at it.
    Gone,
}

impl ChangeKind {
    /// The word in JSON and in every report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Broken => "broken",
            Self::Fixed => "fixed",
            Self::Changed => "changed",
            Self::Unknown => "unknown",
            Self::Gone => "gone",
        }
    }
}

/// A check's change since the baseline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What became of the identity.
    pub kind: ChangeKind,
    /// What is different, a few words each; empty for a new identity.
    pub differences: Vec<String>,
    /// How it was: the verdict of the last run, names and findings as they were last known; `null` for a new identity.
    pub was: Option<State>,
}

/// An identity that the baseline holds and this run did not look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gone {
    /// Who it is.
    pub identity: Identity,
    /// How it was.
    pub was: State,
}

/// How many identities changed, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeCounts {
    /// [`ChangeKind::New`].
    pub new: usize,
    /// [`ChangeKind::Broken`].
    pub broken: usize,
    /// [`ChangeKind::Fixed`].
    pub fixed: usize,
    /// [`ChangeKind::Changed`].
    pub changed: usize,
    /// [`ChangeKind::Unknown`].
    pub unknown: usize,
    /// [`ChangeKind::Gone`].
    pub gone: usize,
    /// As it was.
    pub unchanged: usize,
}

impl ChangeCounts {
    /// Counts one more; `None` is unchanged.
    pub fn add(&mut self, kind: Option<ChangeKind>) {
        *match kind {
            None => &mut self.unchanged,
            Some(ChangeKind::New) => &mut self.new,
            Some(ChangeKind::Broken) => &mut self.broken,
            Some(ChangeKind::Fixed) => &mut self.fixed,
            Some(ChangeKind::Changed) => &mut self.changed,
            Some(ChangeKind::Unknown) => &mut self.unknown,
            Some(ChangeKind::Gone) => &mut self.gone,
        } += 1;
    }

    /// Whether anything changed.
    pub fn any(&self) -> bool {
        Self { unchanged: 0, ..*self } != Self::default()
    }
}
