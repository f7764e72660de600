//! The JSON Schema of a report, made from the types, so that the two cannot drift apart.
//!
//! Standard: JSON Schema 2020-12. `docs/schema/report.json` holds this text; a test compares them.

use serde_json::ser::PrettyFormatter;

use crate::judge::Report;

/// The schema of [`Report`], indented, with a final line end.
pub fn schema_json() -> String {
    super::json::write(&schemars::schema_for!(Report), PrettyFormatter::new())
}
