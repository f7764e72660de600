//! The reports as a reader gets them: compared with expected files, fed hostile text, checked
//! against the schema.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod copied;
mod golden;
mod hostile;
mod one_answer;
mod samples;
mod schema;
