//! A session that we heard: for a person, as Markdown, as JSON.
//!
//! Shape: who connected and what it said, what is to be said of that, then the check of its identity as `check`
//! prints it. Every string of the session may be hostile; all are cleaned and bounded.

mod json;
mod markdown;
mod table;
mod words;

pub use json::{listen_json_begin, listen_json_end, listen_json_entry, listen_ndjson, listen_schema_json};
pub(super) use markdown::arrival_markdown;
pub use markdown::listen_markdown;
pub(super) use table::arrival_table;
pub use table::{listen_summary, listen_table};
