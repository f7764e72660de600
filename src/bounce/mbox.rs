//! An mbox cut into its messages, in chunks of any size.
//!
//! Standard: RFC 4155 (the `From ` line that begins a message; `>From ` is quoting).
//! Input: octets as they are read. Output: each message to a callback. At most
//! [`MAX_MESSAGE`](super::MAX_MESSAGE) octets and a bit of one message are held.

use super::MAX_MESSAGE;

/// Cuts an mbox at its `From ` lines. Memory is bounded by the largest message, itself bounded.
#[derive(Debug, Default)]
pub struct Splitter {
    message: Vec<u8>,
    line_start: usize,
    blank_before: bool,
    begun: bool,
}

/// Whether the octets begin like an mbox with more than a single message in it.
pub fn looks_like_mbox(bytes: &[u8]) -> bool {
    is_from_line(bytes.get(..bytes.len().min(512)).unwrap_or_default())
}

impl Splitter {
    /// A splitter at the beginning of a file.
    pub fn new() -> Self {
        Self { blank_before: true, ..Self::default() }
    }

    /// Takes the next octets; calls `each` with every message that they complete.
    pub fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) {
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            // One octet over the limit is kept, so that the reader sees that it was passed.
            let room = (MAX_MESSAGE + 1).saturating_sub(self.message.len());
            self.message.extend_from_slice(&line[..line.len().min(room)]);
            if line.last() != Some(&b'\n') {
                continue;
            }
            let whole = self.message.get(self.line_start..).unwrap_or_default();
            if self.blank_before && is_from_line(whole) {
                let rest = self.message.split_off(self.line_start);
                if self.begun {
                    each(&self.message);
                }
                self.message = rest;
                self.begun = true;
                self.blank_before = false;
                self.line_start = self.message.len();
                continue;
            }
            self.begun = true;
            self.blank_before = matches!(whole, b"\n" | b"\r\n");
            self.line_start = self.message.len();
        }
    }

    /// The file's end: the last message.
    pub fn finish(self, mut each: impl FnMut(&[u8])) {
        if self.message.iter().any(|b| !b.is_ascii_whitespace()) {
            each(&self.message);
        }
    }
}

/// `From sender date`: a weekday and a clock time behind the sender.
fn is_from_line(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let Some(rest) = line.strip_prefix(b"From ") else { return false };
    let Ok(rest) = std::str::from_utf8(rest) else { return false };
    let words: Vec<&str> = rest.split_whitespace().skip(1).take(8).collect();
    let day =
        words.iter().any(|w| ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].contains(&w.trim_end_matches(',')));
    day && words.iter().any(|w| w.matches(':').count() >= 1 && w.as_bytes()[0].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_out_whole_in_any_chunking() {
        let mbox = b"From a@b.example Thu Apr 29 23:34:45 2010\nSubject: 1\n\nFrom here on\n>From x\n\nFrom MAILER-DAEMON  Fri Apr 30 01:02:03 2010\r\nSubject: 2\n\nend";
        for chunk in [1, 7, 1000] {
            let mut got = Vec::new();
            let mut splitter = Splitter::new();
            for part in mbox.chunks(chunk) {
                splitter.push(part, |m| got.push(String::from_utf8(m.to_vec()).unwrap()));
            }
            splitter.finish(|m| got.push(String::from_utf8(m.to_vec()).unwrap()));
            assert_eq!(got.len(), 2, "{chunk}");
            assert!(got[0].contains("From here on") && got[0].ends_with("\n\n"), "{}", got[0]);
            assert!(got[1].ends_with("end"));
        }
        assert!(looks_like_mbox(mbox) && !looks_like_mbox(b"From here Monday"));
    }

    #[test]
    fn an_endless_message_is_bounded() {
        let mut splitter = Splitter::new();
        let line = vec![b'x'; 1 << 20];
        for _ in 0..40 {
            splitter.push(&line, |_| panic!("no message ends here"));
        }
        let mut length = 0;
        splitter.finish(|m| length = m.len());
        assert_eq!(length, MAX_MESSAGE + 1);
    }
}
