//! What is known of the field, as data: hosting providers, MTAs' settings, the shapes of generic names.
//!
//! Input: names and lines that were observed. Output: an entry, and what in the input it was known by.
//! Form: TOML beside the code, embedded at compile time; each entry carries its source, the day on
//! which it was checked, and whether it was read there (`verified`) or is general knowledge.
//! Failure: none at run time. An unrecognised input is `None`; the tests prove that the data parses.

pub mod mtas;
pub mod names;
pub mod pattern;
mod placeholder;
pub mod providers;
pub mod receivers;

/// Parses all of it now. Who has time while waiting for a network need not take it when the answers are in.
pub fn load() {
    providers::all();
    mtas::all();
    names::load();
    receivers::rspamd();
    receivers::spamassassin();
    receivers::policies();
}
