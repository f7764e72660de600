//! A relay from both sides: for a person, as Markdown, as JSON.
//!
//! Shape: what receivers judge first, then both sides beside each other, the message's way, and the check of the
//! sending side; or, where it did not come, where to look.

mod json;
mod markdown;
mod table;
mod words;

pub use json::{roundtrip_json, roundtrip_ndjson, roundtrip_schema_json};
pub use markdown::roundtrip_markdown;
pub use table::roundtrip_table;
