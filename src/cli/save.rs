//! `--save`: the evidence file, whole or not at all: a reader never finds half of one.
//!
//! Failure: what cannot be written is found out before the first check, not after the last.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::evidence::{Evidence, EvidenceFile};

/// An evidence file to be: it takes its name when it is complete, and is removed when it never is.
#[derive(Debug)]
pub(super) struct Saving {
    file: PathBuf,
    part: PathBuf,
    open: Option<File>,
    evidence: Vec<Evidence>,
}

impl Saving {
    /// Makes `FILE.part` beside the file.
    pub(super) fn begin(file: &Path) -> io::Result<Self> {
        // Renaming would put a file in the place of a device or a pipe.
        if fs::metadata(file).is_ok_and(|m| !m.is_file()) {
            return Err(io::Error::other("not a file"));
        }
        let mut part = file.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        match fs::remove_file(&part) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let open = File::create_new(&part)?;
        Ok(Self { file: file.to_owned(), part, open: Some(open), evidence: Vec::new() })
    }

    /// Keeps the evidence of one more check.
    pub(super) fn keep(&mut self, evidence: &Evidence) {
        self.evidence.push(evidence.clone());
    }

    /// Writes all that was kept.
    pub(super) fn finish(mut self) -> io::Result<()> {
        let text = EvidenceFile::new(std::mem::take(&mut self.evidence)).to_json().map_err(io::Error::other)?;
        if let Some(mut open) = self.open.take() {
            open.write_all(text.as_bytes())?;
        }
        fs::rename(&self.part, &self.file)
    }
}

impl Drop for Saving {
    fn drop(&mut self) {
        // Gone already where it was renamed.
        let _ = fs::remove_file(&self.part);
    }
}
