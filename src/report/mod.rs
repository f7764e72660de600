//! From a verdict to text: one file a format, each a pure function of [`crate::judge::Check`].
//!
//! Input: checks (and, for the transcript, evidence), whose every string may be hostile. Output: text
//! that ends in a line end; the caller writes it.
//! Failure: none. A format that is read by people passes each string through [`clean`]; JSON escapes
//! and loses nothing. No format but the coloured table lets a control character through, and that one
//! only its own colours.

mod bounce;
mod catalogue;
mod cells;
mod changes;
mod clean;
mod csv;
mod explain;
mod explain_actors;
mod facts;
mod html;
mod ink;
mod json;
mod junit;
mod letter;
mod listen;
mod markdown;
mod markup;
mod nagios;
mod pool;
mod prometheus;
mod propagation;
mod receivers;
mod receivers_explain;
mod refusal;
mod refusal_codes;
mod roundtrip;
mod row;
mod schema;
mod sheet;
mod summary;
mod table;
mod ticket;
mod todo;
mod transcript;
mod wrap;

pub use bounce::{
    bounce_markdown, bounce_markdown_header, bounce_markdown_row, bounce_markdown_summary, bounce_ndjson, bounce_row,
    bounce_rows_header, bounce_summary, bounce_table, bounce_ticket, bounces_json_begin, bounces_json_end,
    bounces_json_entry, bounces_schema_json,
};
pub use catalogue::catalogue_markdown;
pub use changes::{change_text, changes_line, gone_text};
pub use clean::{clean, clean_bounded};
pub use explain::{explain_code, explain_list};
pub use explain_actors::{explain_mta, explain_provider};
pub use json::{baseline_ndjson, check_ndjson, report_json};
pub use listen::{
    listen_json_begin, listen_json_end, listen_json_entry, listen_markdown, listen_ndjson, listen_schema_json,
    listen_summary, listen_table,
};
pub use markdown::markdown;
pub use nagios::monitor_not_run;
pub use pool::{Pool, pool_table};
pub use propagation::propagation_text;
pub use receivers_explain::{explain_receiver, explain_rule, policies_markdown, rules_markdown, settings_markdown};
pub use refusal::{explain_refusal, explain_success};
pub use refusal_codes::codes_of;
pub use roundtrip::{roundtrip_json, roundtrip_markdown, roundtrip_ndjson, roundtrip_schema_json, roundtrip_table};
pub use row::{row, rows_header};
pub use schema::schema_json;
pub use sheet::{Sheet, whole};
pub use summary::{summary_line, summary_text};
pub use table::{MIN_WIDTH, TableOptions, table};
pub use ticket::{Ticket, Tickets, ticket};
pub use transcript::transcript;

/// The formats of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Table,
    /// One JSON object: every check, and counts
    Json,
    /// One JSON object a check, a line each
    Ndjson,
    /// A header and a row a check, for a spreadsheet
    Csv,
    /// For a ticket
    Markdown,
    /// A page that needs nothing else
    Html,
    /// JUnit XML: a testcase a check
    Junit,
    /// A line for Nagios and its kin, with their exit codes
    Nagios,
    /// Metrics for node_exporter's textfile collector
    Prometheus,
}
