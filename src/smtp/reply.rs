//! Bytes from a server to one [`Reply`], in whatever chunks they come.
//!
//! Standard: RFC 5321 §4.2.1 (multi-line replies end at `NNN<SP>`), §4.5.3.1.5 (512 octets a line; we
//! accept more and stop at [`Limits`]).
//! Failure: a [`ReplyFault`], with what was read so far still to be had by [`ReplyReader::partial`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Bounds on one reply. A server that passes one is cut off there.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets in one line, its end included.
    pub line: usize,
    /// Lines in one reply.
    pub lines: usize,
    /// Octets in one reply.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { line: 2048, lines: 128, bytes: 32 << 10 }
    }
}

/// One reply, or as much of it as came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// The three digits; `null` when what came was not an SMTP reply.
    pub code: Option<u16>,
    /// The text of each line behind the code and its separator; octets that are not UTF-8 as `\xNN`.
    pub lines: Vec<String>,
    /// The last line (`NNN<SP>`) was seen.
    pub complete: bool,
}

impl Reply {
    /// 2yz.
    pub fn is_positive(&self) -> bool {
        self.complete && self.code.is_some_and(|c| (200..300).contains(&c))
    }

    /// 250, the one reply that accepts EHLO or HELO (RFC 5321 §4.3.2). A 220 there is a greeting that came late.
    pub fn accepts_hello(&self) -> bool {
        self.complete && self.code == Some(250)
    }

    /// 5yz.
    pub fn is_permanent(&self) -> bool {
        self.complete && self.code.is_some_and(|c| (500..600).contains(&c))
    }
}

/// Why a reply could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyFault {
    /// A line does not begin with a reply code (RFC 5321 §4.2).
    NotSmtp,
    /// The lines of one reply carry different codes.
    CodeChanged,
    /// A line without end.
    LineTooLong,
    /// A reply without end, by lines.
    TooManyLines,
    /// A reply without end, by octets.
    TooLarge,
}

/// Collects octets until a reply is complete. Reused from reply to reply; what comes after a
/// complete reply stays as [`ReplyReader::surplus`].
#[derive(Debug, Default)]
pub struct ReplyReader {
    limits: Limits,
    buffer: Vec<u8>,
    reply: Reply,
    bytes: usize,
    taken: usize,
}

impl ReplyReader {
    /// A reader with bounds of its own.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes the next octets. `Ok(Some)` is a complete reply, `Ok(None)` asks for more.
    pub fn push(&mut self, octets: &[u8]) -> Result<Option<Reply>, ReplyFault> {
        self.buffer.extend_from_slice(octets);
        while let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            self.bytes += line.len();
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if let Some(reply) = self.line(text, line.len())? {
                return Ok(Some(reply));
            }
        }
        if self.buffer.len() > self.limits.line {
            return Err(self.cut(ReplyFault::LineTooLong));
        }
        Ok(None)
    }

    fn line(&mut self, line: &[u8], length: usize) -> Result<Option<Reply>, ReplyFault> {
        if length > self.limits.line {
            self.keep(line);
            return Err(ReplyFault::LineTooLong);
        }
        let Some((code, last, text)) = split(line) else {
            self.keep(line);
            return Err(ReplyFault::NotSmtp);
        };
        if self.reply.code.is_some_and(|before| before != code) {
            self.keep(line);
            return Err(ReplyFault::CodeChanged);
        }
        self.reply.code = Some(code);
        self.keep(text);
        if last {
            self.reply.complete = true;
            self.taken = std::mem::take(&mut self.bytes);
            return Ok(Some(std::mem::take(&mut self.reply)));
        }
        if self.reply.lines.len() >= self.limits.lines {
            return Err(ReplyFault::TooManyLines);
        }
        if self.bytes > self.limits.bytes {
            return Err(ReplyFault::TooLarge);
        }
        Ok(None)
    }

    fn cut(&mut self, fault: ReplyFault) -> ReplyFault {
        let rest = std::mem::take(&mut self.buffer);
        self.keep(&rest);
        fault
    }

    /// Keeps the head of a line: enough to recognise what came, bounded whatever came.
    fn keep(&mut self, octets: &[u8]) {
        const KEPT: usize = 512;
        let cut = &octets[..octets.len().min(KEPT)];
        let mut text = visible(cut);
        if octets.len() > KEPT {
            text.push('…');
        }
        self.reply.lines.push(text);
    }

    /// What came of a reply that was never completed, the unfinished line included; `None` when
    /// nothing came.
    pub fn partial(mut self) -> Option<Reply> {
        if !self.buffer.is_empty() {
            let mut rest = std::mem::take(&mut self.buffer);
            rest.truncate(rest.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(rest.len()));
            match split(&rest) {
                Some((code, _, text)) if self.reply.code.is_none_or(|before| before == code) => {
                    self.reply.code = Some(code);
                    self.keep(text);
                }
                _ => self.keep(&rest),
            }
        }
        (!self.reply.lines.is_empty()).then_some(self.reply)
    }

    /// Octets of the last complete reply, line ends included.
    pub fn octets(&self) -> usize {
        self.taken
    }

    /// Octets that came after the last complete reply, unasked for.
    pub fn surplus(&self) -> usize {
        self.buffer.len()
    }

    /// Forgets the surplus, so that it cannot pass for the next command's reply.
    pub fn drop_surplus(&mut self) {
        self.buffer.clear();
    }
}

/// The code, whether the line is a reply's last, and the text.
fn split(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let digits = line.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = digits.iter().fold(0, |n, d| n * 10 + u16::from(d - b'0'));
    let (last, text) = match line.get(3) {
        None => (true, &line[3..]),
        Some(b' ') => (true, &line[4..]),
        Some(b'-') => (false, &line[4..]),
        Some(_) => return None,
    };
    (200..600).contains(&code).then_some((code, last, text))
}

/// Octets as text: UTF-8 as it stands, any other octet as `\xNN`.
fn visible(octets: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(octets.len());
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code: Some(code), lines: lines.iter().map(ToString::to_string).collect(), complete: true }
    }

    #[test]
    fn one_reply_in_any_chunking() {
        for (octets, want) in [
            ("220 mail.example.net ESMTP\r\n", reply(220, &["mail.example.net ESMTP"])),
            ("220-teaser\r\n220-second\r\n220 third\r\n", reply(220, &["teaser", "second", "third"])),
            ("250\r\n", reply(250, &[""])),
            ("250-a\n250 b\n", reply(250, &["a", "b"])),
            ("554 5.7.1 go away\r\n", reply(554, &["5.7.1 go away"])),
        ] {
            for size in 1..=octets.len() {
                let mut reader = ReplyReader::default();
                let mut got = None;
                for chunk in octets.as_bytes().chunks(size) {
                    assert_eq!(got, None, "complete before its last octet: {octets:?}");
                    got = reader.push(chunk).unwrap();
                }
                assert_eq!(got.as_ref(), Some(&want), "chunks of {size}");
                assert_eq!(reader.surplus(), 0);
            }
        }
    }

    #[test]
    fn what_follows_a_reply_is_surplus() {
        let mut reader = ReplyReader::default();
        assert_eq!(reader.push(b"220 go\r\n250 injected\r\n").unwrap(), Some(reply(220, &["go"])));
        assert_eq!((reader.octets(), reader.surplus()), (8, 14));
        reader.drop_surplus();
        assert_eq!(reader.push(b"250 next\r\n").unwrap(), Some(reply(250, &["next"])));
    }

    #[test]
    fn a_broken_reply_keeps_what_came() {
        let limits = Limits { line: 64, lines: 4, bytes: 200 };
        for (octets, fault, lines) in [
            ("HTTP/1.1 400 Bad Request\r\n", ReplyFault::NotSmtp, 1),
            ("SSH-2.0-OpenSSH_9.2\r\n", ReplyFault::NotSmtp, 1),
            ("220x\r\n", ReplyFault::NotSmtp, 1),
            ("999 x\r\n", ReplyFault::NotSmtp, 1),
            ("220-a\r\n250 b\r\n", ReplyFault::CodeChanged, 2),
            ("220-a\r\n220-b\r\n220-c\r\n220-d\r\n220-e\r\n", ReplyFault::TooManyLines, 5),
        ] {
            let mut reader = ReplyReader::new(limits);
            assert_eq!(reader.push(octets.as_bytes()), Err(fault), "{octets:?}");
            assert_eq!(reader.partial().unwrap().lines.len(), lines, "{octets:?}");
        }
        let mut endless = ReplyReader::new(limits);
        assert_eq!(endless.push(&[b'a'; 65]), Err(ReplyFault::LineTooLong));
        assert!(endless.partial().unwrap().lines[0].starts_with("aaa"));
        let mut large = ReplyReader::new(Limits { bytes: 20, ..limits });
        assert_eq!(large.push(b"220-0123456789\r\n220-0123456789\r\n"), Err(ReplyFault::TooLarge));
    }

    #[test]
    fn an_unfinished_reply_is_evidence() {
        let mut reader = ReplyReader::default();
        assert_eq!(reader.push(b"220-mail.example.net\r\n220-wai"), Ok(None));
        let partial = reader.partial().unwrap();
        assert_eq!((partial.code, partial.complete), (Some(220), false));
        assert_eq!(partial.lines, ["mail.example.net", "wai"]);
        assert_eq!(ReplyReader::default().partial(), None);
    }

    #[test]
    fn octets_that_are_not_utf8_stay_visible() {
        let mut reader = ReplyReader::default();
        let got = reader.push(b"220 caf\xe9\r\n").unwrap().unwrap();
        assert_eq!(got.lines, ["caf\\xE9"]);
    }

    proptest::proptest! {
        #[test]
        fn never_more_than_the_bounds(octets in proptest::collection::vec(0u8..=255, 0..6000), size in 1usize..700) {
            let limits = Limits { line: 256, lines: 8, bytes: 1024 };
            let mut reader = ReplyReader::new(limits);
            for chunk in octets.chunks(size) {
                if reader.push(chunk).is_err() { break }
                reader.drop_surplus_over(limits.line);
            }
            if let Some(partial) = reader.partial() {
                proptest::prop_assert!(partial.lines.len() <= limits.lines + 1);
                proptest::prop_assert!(partial.lines.iter().all(|l| l.len() <= 4 * 512 + 3));
            }
        }
    }

    impl ReplyReader {
        /// The property above feeds octets without sending commands, so surplus would pile up.
        fn drop_surplus_over(&mut self, length: usize) {
            if self.buffer.len() > length {
                self.buffer.clear();
            }
        }
    }
}
