//! `--save`: the evidence file, whole or not at all: a reader never finds half of one.
//!
//! Failure: what cannot be written is found out before the first check, not after the last; only a
//! device or a pipe, which may wait for its reader, is opened at the end.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::evidence::{Evidence, EvidenceFile};

/// An evidence file to be.
#[derive(Debug)]
pub(super) struct Saving {
    file: PathBuf,
    /// `None` where the evidence goes into a device or a pipe: a file renamed over it would take its place.
    part: Option<Part>,
    evidence: Vec<Evidence>,
}

impl Saving {
    /// Makes `FILE.part` beside the file.
    pub(super) fn begin(file: &Path) -> io::Result<Self> {
        let part = match fs::metadata(file) {
            Ok(there) if there.is_dir() => return Err(io::Error::from(io::ErrorKind::IsADirectory)),
            Ok(there) if !there.is_file() => None,
            _ => Some(Part::beside(file)?),
        };
        Ok(Self { file: file.to_owned(), part, evidence: Vec::new() })
    }

    /// Keeps the evidence of one more check.
    pub(super) fn keep(&mut self, evidence: &Evidence) {
        self.evidence.push(evidence.clone());
    }

    /// Writes all that was kept.
    pub(super) fn finish(self) -> io::Result<()> {
        let text = EvidenceFile::new(self.evidence).to_json().map_err(io::Error::other)?;
        match self.part {
            Some(part) => part.complete(&text, &self.file),
            None => fs::write(&self.file, text),
        }
    }
}

/// A file that takes its name when it is complete, and is removed when it never is.
#[derive(Debug)]
struct Part {
    path: PathBuf,
    open: Option<File>,
}

impl Part {
    fn beside(file: &Path) -> io::Result<Self> {
        let mut path = file.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let open = File::create_new(&path)?;
        Ok(Self { path, open: Some(open) })
    }

    fn complete(mut self, text: &str, file: &Path) -> io::Result<()> {
        if let Some(mut open) = self.open.take() {
            open.write_all(text.as_bytes())?;
        }
        fs::rename(&self.path, file)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Gone already where it was renamed.
        let _ = fs::remove_file(&self.path);
    }
}
