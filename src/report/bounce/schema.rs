//! The JSON Schema of `bounce --format json`, made from the types.
//!
//! Standard: JSON Schema 2020-12. `docs/schema/bounces.json` holds this text; a test compares them.

use serde_json::ser::PrettyFormatter;

use crate::desk::BounceReport;

/// The schema of [`BounceReport`], indented, with a final line end.
pub fn bounces_schema_json() -> String {
    crate::report::json::write(&schemars::schema_for!(BounceReport), PrettyFormatter::new())
}
