//! A bounce for the support desk: in full, as a row, as Markdown, as an answer to paste, as JSON.
//!
//! Shape: the cause in plain words first, then the refusal quoted, where the mail came from, then and
//! now, what to do. Input may be hostile; every text from it is cleaned and bounded.

mod advice;
mod json;
mod markdown;
mod row;
mod schema;
mod summary;
mod table;
mod ticket;
mod words;

pub use json::{bounce_ndjson, bounces_json_begin, bounces_json_end, bounces_json_entry};
pub use markdown::{bounce_markdown, bounce_markdown_header, bounce_markdown_row, bounce_markdown_summary};
pub use row::{bounce_row, bounce_rows_header};
pub use schema::bounces_schema_json;
pub use summary::bounce_summary;
pub use table::bounce_table;
pub use ticket::bounce_ticket;
