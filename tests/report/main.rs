//! The reports as a reader gets them: compared with expected files, fed hostile text, checked
//! against the schema.

mod golden;
mod hostile;
mod samples;
mod schema;
