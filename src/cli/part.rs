//! A file that takes its name when it is complete, and is removed when it never is: a reader never finds half of one.
//!
//! Failure: what cannot be written is found out before the first check, not after the last.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// `FILE.part`, until it is `FILE`.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    open: Option<BufWriter<File>>,
}

impl Part {
    /// Makes `FILE.part` beside the file.
    pub(super) fn beside(file: &Path) -> io::Result<Self> {
        let mut path = file.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let open = File::create_new(&path)?;
        Ok(Self { path, open: Some(BufWriter::new(open)) })
    }

    /// Adds to it.
    pub(super) fn write(&mut self, text: &str) -> io::Result<()> {
        match &mut self.open {
            Some(open) => open.write_all(text.as_bytes()),
            None => Ok(()),
        }
    }

    /// Gives it its name.
    pub(super) fn complete(mut self, file: &Path) -> io::Result<()> {
        if let Some(mut open) = self.open.take() {
            open.flush()?;
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
