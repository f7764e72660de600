//! `--save`: the evidence file, whole or not at all, written as the checks end.
//!
//! A device or a pipe, which may wait for its reader, is opened at the end; until then its text is held.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::part::Part;
use crate::evidence::{EVIDENCE_SCHEMA, Evidence};

/// An evidence file to be.
#[derive(Debug)]
pub(super) struct Saving {
    file: PathBuf,
    into: Into,
    any: bool,
    /// The first trouble; what comes after it is not written.
    failed: Option<io::Error>,
}

#[derive(Debug)]
enum Into {
    File(Part),
    /// A file renamed over a device or a pipe would take its place.
    Held(String),
}

impl Saving {
    /// Makes `FILE.part` beside the file.
    pub(super) fn begin(file: &Path) -> io::Result<Self> {
        let into = match fs::metadata(file) {
            Ok(there) if there.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(there) if !there.is_file() => Into::Held(String::new()),
            _ => Into::File(Part::beside(file)?),
        };
        let mut saving = Self { file: file.to_owned(), into, any: false, failed: None };
        saving.add(&format!("{{\n  \"schema\": \"{EVIDENCE_SCHEMA}\",\n  \"evidence\": ["));
        Ok(saving)
    }

    fn add(&mut self, text: &str) {
        let added = match &mut self.into {
            Into::Held(held) => {
                held.push_str(text);
                Ok(())
            }
            Into::File(part) if self.failed.is_none() => part.write(text),
            Into::File(_) => Ok(()),
        };
        if let Err(e) = added {
            self.failed = Some(e);
        }
    }

    /// Writes the evidence of one more check.
    pub(super) fn keep(&mut self, evidence: &Evidence) {
        let comma = if self.any { "," } else { "" };
        self.any = true;
        match serde_json::to_string_pretty(evidence) {
            Ok(text) => self.add(&format!("{comma}\n    {}", text.replace('\n', "\n    "))),
            Err(e) => self.failed = Some(io::Error::other(e)),
        }
    }

    /// Ends the file.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.add(if self.any { "\n  ]\n}\n" } else { "]\n}\n" });
        match (self.failed, self.into) {
            (Some(e), _) => Err(e),
            (None, Into::File(part)) => part.complete(&self.file),
            (None, Into::Held(text)) => fs::write(&self.file, text),
        }
    }
}
