//! What to change, in which order, and who can: from a verdict to the records and settings that make
//! all three edges agree.
//!
//! Standard: RFC 8601 §2.7.3 (forward-confirmed reverse DNS), RFC 2317 (where a delegated PTR lives),
//! RFC 2308 §5 (how long an absence is cached).
//! Design: one name for all three edges, the one that asks least of others (`name.rs`). The order is
//! forward, PTR, EHLO: a PTR before its forward record would be unconfirmed for a while, and some
//! providers refuse it.

mod actors;
mod name;
mod plan;
mod zones;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use actors::reverse_holder;
pub(super) use plan::remedy;
pub(super) use zones::{domain_missing, is_registrys, leads_away, missing_subzone, undelegated, without_origin};

/// What makes the three edges agree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    /// The one name that EHLO, PTR and forward records should share; `null` where one must be chosen.
    pub name: Option<String>,
    /// What to do, in this order; the last step is to check again.
    pub steps: Vec<RemedyStep>,
    /// True where the records alone make the edges agree, without a change of settings.
    pub by_records_alone: bool,
    /// Whose address it is, where that was recognised.
    pub provider: Option<ProviderHint>,
    /// Which mail server greets, where that was recognised.
    pub mta: Option<MtaHint>,
    /// What kind of address it is, where no receiver sees it and nothing is to be asked of anybody; left out else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen: Option<String>,
}

/// Which side a step changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The A or AAAA record of a name.
    Forward,
    /// The PTR of the address.
    Reverse,
    /// The name that the server says.
    Ehlo,
    /// Nothing: check again.
    Recheck,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemedyStep {
    /// Which side it changes.
    pub side: Side,
    /// Who can do it.
    pub who: String,
    /// What to do, in one sentence.
    pub action: String,
    /// Zone lines to publish.
    pub publish: Vec<String>,
    /// Zone lines to withdraw.
    pub withdraw: Vec<String>,
    /// Where and how: panel paths, commands, settings.
    pub how: Vec<String>,
    /// Those lines of `how` that are commands or settings, to be copied as they stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verbatim: Vec<String>,
    /// Seconds that the resolver asked may go on giving the old answer.
    pub cached_for: Option<u32>,
}

impl Remedy {
    /// The zone lines to publish on one side.
    pub fn published(&self, side: Side) -> impl Iterator<Item = &String> {
        self.steps.iter().filter(move |s| s.side == side).flat_map(|s| &s.publish)
    }
}

fn yes() -> bool {
    true
}

impl RemedyStep {
    /// What the lines to withdraw are, beside those to publish.
    pub fn withdrawal(&self) -> &'static str {
        if self.publish.is_empty() { "remove" } else { "instead of" }
    }
}

/// A hosting provider's own way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderHint {
    /// The stable identity.
    pub slug: String,
    /// The name that people know.
    pub name: String,
    /// Others that give names of the same form: it may be any of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// What it was recognised by.
    pub recognised_by: String,
    /// Whether a customer can have a PTR of one's own, by oneself or by support.
    #[serde(default = "yes")]
    pub settable: bool,
    /// Limits to know of, a sentence each.
    pub limits: Vec<String>,
    /// Seconds that a PTR set there may take until it is published, at most; left out where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_after: Option<u32>,
    /// The provider's documentation.
    pub documentation: String,
    /// The day on which the entry was looked up.
    pub checked: String,
    /// Whether the way was read in the provider's own documentation.
    pub verified: bool,
}

/// What greets in the same words and is set up elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherMta {
    /// The stable identity.
    pub slug: String,
    /// The name that people know.
    pub name: String,
    /// Where, which setting, and an example, in a line.
    pub setting: String,
}

/// A mail server's own setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MtaHint {
    /// The stable identity.
    pub slug: String,
    /// The name that people know.
    pub name: String,
    /// Whether its own words said so; what greets alike is in `also`.
    pub certain: bool,
    /// What can greet in the same way.
    pub also: Vec<String>,
    /// The settings of those that are known.
    #[serde(default)]
    pub alternatives: Vec<OtherMta>,
    /// Versions, traps and exceptions, a sentence each.
    pub notes: Vec<String>,
    /// Its documentation.
    pub documentation: String,
    /// Whether the setting was read there.
    pub verified: bool,
}
