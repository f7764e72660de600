//! JSON and NDJSON of one round trip, and their schema.

use serde_json::ser::{CompactFormatter, PrettyFormatter};

use crate::desk::{Roundtrip, RoundtripReport};
use crate::report::json::write;

/// The report, indented, with a final line end.
pub fn roundtrip_json(roundtrip: &Roundtrip) -> String {
    write(&RoundtripReport::new(roundtrip.clone()), PrettyFormatter::new())
}

/// The round trip in one line, with its line end.
pub fn roundtrip_ndjson(roundtrip: &Roundtrip) -> String {
    write(roundtrip, CompactFormatter)
}

/// The schema of [`RoundtripReport`], indented, with a final line end.
pub fn roundtrip_schema_json() -> String {
    write(&schemars::schema_for!(RoundtripReport), PrettyFormatter::new())
}
