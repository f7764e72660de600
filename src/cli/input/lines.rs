//! Lines of bounded length from a reader, with their numbers; some may be given back to be read again.

use std::collections::VecDeque;
use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

/// The longest line that we take, in octets without its line end.
pub(super) const MAX_LINE: usize = 64 << 10;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    /// Without its line end; or why it cannot be used.
    pub(super) text: Result<String, String>,
}

/// The lines of a reader.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    again: VecDeque<Line>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0, again: VecDeque::new() }
    }

    /// Gives lines back: they come next, in this order.
    pub(super) fn again(&mut self, lines: impl DoubleEndedIterator<Item = Line>) {
        for line in lines.rev() {
            self.again.push_front(line);
        }
    }

    /// The next line; `None` at the end.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        if let Some(line) = self.again.pop_front() {
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        // A line of the greatest length and its CRLF.
        let limit = MAX_LINE as u64 + 2;
        if (&mut self.reader).take(limit).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        self.number += 1;
        let (ended, content) = match line.strip_suffix(b"\n") {
            Some(content) => (true, content.strip_suffix(b"\r").unwrap_or(content)),
            None => (false, line.as_slice()),
        };
        let text = if content.len() > MAX_LINE {
            if !ended {
                self.skip_line().await?;
            }
            Err(format!("longer than {MAX_LINE} octets; one target a line"))
        } else {
            match std::str::from_utf8(content) {
                // A byte order mark is how some editors begin a file, not part of a name.
                Ok(text) => Ok(text.trim_start_matches('\u{feff}').to_owned()),
                Err(_) => Err("not UTF-8; save the list as UTF-8".into()),
            }
        };
        Ok(Some(Line { number: self.number, text }))
    }

    async fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf().await?;
            if buffer.is_empty() {
                return Ok(());
            }
            let (length, done) = match buffer.iter().position(|b| *b == b'\n') {
                Some(end) => (end + 1, true),
                None => (buffer.len(), false),
            };
            self.reader.consume(length);
            if done {
                return Ok(());
            }
        }
    }
}
