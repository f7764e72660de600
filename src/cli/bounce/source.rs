//! Where bounces come from: files, directories, Maildirs, mboxes, standard input, pasted words.
//!
//! Output: each message read, in a stable order, with where it stands. At most one message is held.
//! Failure: what cannot be read is an entry that says why; what comes after it is read all the same.
//! Design: of a directory only regular files are opened, since a pipe in it would hold everything up;
//! links to directories are not followed.

#![expect(clippy::disallowed_types, reason = "this module reads the files")]

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::bounce::{self, Bounce, Data, MAX_MESSAGE, Splitter, looks_like_mbox};

/// Directories inside directories, at most.
const MAX_DEPTH: usize = 16;
/// Octets read at once of an mbox.
const CHUNK: usize = 64 << 10;
/// Octets that tell an mbox.
const HEAD: u64 = 512;

/// One thing to read.
#[derive(Debug)]
pub(super) enum Input {
    /// Standard input.
    Stdin,
    /// Words from the command line.
    Text(String),
    /// A file or a directory.
    Path(PathBuf),
}

/// Reads everything; `each` takes the messages, and says whether it wants more.
pub(super) fn read(inputs: Vec<Input>, each: impl FnMut(Bounce) -> bool) {
    let mut reader = Reader { each, open: true };
    for input in inputs {
        match input {
            Input::Stdin => reader.stream(io::stdin().lock(), "-", true),
            Input::Text(text) => reader.give(bounce::read(text.as_bytes()), "--text"),
            Input::Path(path) => reader.path(&path, 0),
        }
    }
}

struct Reader<F> {
    each: F,
    open: bool,
}

impl<F: FnMut(Bounce) -> bool> Reader<F> {
    fn give(&mut self, mut bounce: Bounce, at: &str) {
        if self.open {
            bounce.file = Some(at.to_owned());
            self.open = (self.each)(bounce);
        }
    }

    fn path(&mut self, path: &Path, depth: usize) {
        if !self.open {
            return;
        }
        if path.is_dir() {
            return self.directory(path, depth);
        }
        let at = path.to_string_lossy();
        match File::open(path) {
            Ok(file) => self.stream(file, &at, depth == 0),
            Err(e) => self.give(bounce::unreadable(&format!("cannot be opened: {}", reason(&e))), &at),
        }
    }

    /// A Maildir's new and read mail; of any other directory everything but hidden entries.
    fn directory(&mut self, path: &Path, depth: usize) {
        let at = path.to_string_lossy();
        if depth >= MAX_DEPTH {
            let why = format!("lies more than {MAX_DEPTH} directories deep; give it by itself");
            return self.give(bounce::unreadable(&why), &at);
        }
        let maildir = path.join("cur").is_dir() && path.join("new").is_dir();
        let entries = fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(e) => return self.give(bounce::unreadable(&format!("cannot be listed: {}", reason(&e))), &at),
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let hidden = name.as_encoded_bytes().starts_with(b".");
            let mail = !maildir || name == "cur" || name == "new";
            let path = entry.path();
            let link_to_directory = entry.file_type().is_ok_and(|t| t.is_symlink()) && path.is_dir();
            if hidden || !mail || link_to_directory || !self.open {
                continue;
            }
            match fs::metadata(&path) {
                Ok(about) if about.is_dir() || about.is_file() => self.path(&path, depth + 1),
                Ok(_) => {}
                Err(e) => {
                    let why = format!("cannot be opened: {}", reason(&e));
                    self.give(bounce::unreadable(&why), &path.to_string_lossy());
                }
            }
        }
    }

    /// `named`: somebody gave this very file, so that it is read whatever it holds.
    fn stream(&mut self, mut source: impl Read, at: &str, named: bool) {
        let mut head = Vec::new();
        if let Err(e) = source.by_ref().take(HEAD).read_to_end(&mut head) {
            return self.give(bounce::unreadable(&format!("cannot be read: {}", reason(&e))), at);
        }
        if looks_like_mbox(&head) {
            return self.mbox(&head, source, at);
        }
        // A service's event is worth a look; nothing else that is no mail.
        let data = if named { None } else { bounce::data(&head) };
        if let Some(what) = data.filter(|what| *what != Data::Json) {
            return self.give(bounce::skipped(what), at);
        }
        let room = MAX_MESSAGE as u64 + 1 - head.len() as u64;
        match source.take(room).read_to_end(&mut head) {
            Ok(_) if head.len() > MAX_MESSAGE => {
                let why = format!("too large: more than {} MiB; a bounce is smaller", MAX_MESSAGE >> 20);
                self.give(bounce::unreadable(&why), at);
            }
            Ok(_) => self.whole(&head, at, data),
            Err(e) => self.give(bounce::unreadable(&format!("cannot be read: {}", reason(&e))), at),
        }
    }

    /// A message, or the events of a JSON file. `data`, where nobody named the file: then only what refuses is given.
    fn whole(&mut self, bytes: &[u8], at: &str, data: Option<Data>) {
        let mut entries = bounce::read_all(bytes);
        if let Some(what) = data {
            if !entries.iter().any(|(_, e)| e.bounce) {
                return self.give(bounce::skipped(what), at);
            }
            entries.retain(|(_, e)| e.bounce || e.unreadable.is_some());
        }
        for (number, entry) in entries {
            self.give(entry, &number.map_or_else(|| at.to_owned(), |n| format!("{at}#{n}")));
        }
    }

    fn mbox(&mut self, head: &[u8], mut source: impl Read, at: &str) {
        let mut number = 0_usize;
        let mut splitter = Splitter::new();
        let mut take = |reader: &mut Self, message: &[u8]| {
            number += 1;
            if reader.open {
                reader.give(bounce::read(message), &format!("{at}#{number}"));
            }
        };
        splitter.push(head, |m| take(self, m));
        let mut chunk = vec![0; CHUNK];
        let failed = loop {
            match source.read(&mut chunk) {
                Ok(0) => break None,
                Ok(n) => splitter.push(&chunk[..n], |m| take(self, m)),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => break Some(e),
            }
            if !self.open {
                return;
            }
        };
        splitter.finish(|m| take(self, m));
        if let Some(e) = failed {
            self.give(bounce::unreadable(&format!("cannot be read to its end: {}", reason(&e))), at);
        }
    }
}

/// The system's words, without its number.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
