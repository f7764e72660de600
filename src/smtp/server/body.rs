//! A message on its way: where it ends, how long it is, and its Received lines. Nothing else of it is kept.
//!
//! Standard: RFC 5321 §4.1.1.4: the end is CRLF `.` CRLF and nothing else, so that a lone LF cannot hide a second
//! message from one server and show it to the next; §4.4 (trace lines); RFC 5322 §2.2.3 (folding).

/// How a Received line begins.
const NAME: &[u8] = b"received:";
/// Received lines kept of a message.
const LINES: usize = 30;
/// Octets kept of one, its folds included.
const LINE: usize = 2048;
/// Octets of them all.
const TOTAL: usize = 16 << 10;

/// Where in a line the reading stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Dot,
    DotCr,
    Within,
    Cr,
}

/// What is known of the message so far.
#[derive(Debug, Default)]
pub(super) struct Body {
    place: Place,
    octets: usize,
    /// The header is over.
    past_header: bool,
    /// The header line on its way.
    line: Vec<u8>,
    received: Vec<Vec<u8>>,
    /// The last header line was a Received line, and folds may follow.
    folding: bool,
    kept: usize,
}

impl Body {
    /// Reads on; gives how many of these octets belong to the message where it ends within them.
    pub(super) fn read(&mut self, octets: &[u8]) -> Option<usize> {
        for (at, octet) in octets.iter().enumerate() {
            self.octets += 1;
            self.place = match (self.place, octet) {
                (Place::DotCr, b'\n') => return Some(at + 1),
                (Place::Cr, b'\n') => Place::Start,
                (Place::Start, b'.') => Place::Dot,
                (Place::Dot, b'\r') => Place::DotCr,
                (_, b'\r') => Place::Cr,
                _ => Place::Within,
            };
            if !self.past_header {
                self.header(*octet);
            }
        }
        None
    }

    /// Octets read, the end's among them.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// The Received lines, the newest first, their folds undone.
    pub(super) fn into_received(self) -> Vec<String> {
        self.received.iter().map(|line| String::from_utf8_lossy(line).into_owned()).collect()
    }

    fn header(&mut self, octet: u8) {
        if octet != b'\n' {
            if self.line.len() < LINE {
                self.line.push(octet);
            }
            return;
        }
        let line = std::mem::take(&mut self.line);
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        if line.is_empty() {
            self.past_header = true;
            return;
        }
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            if self.folding
                && let Some(last) = self.received.last_mut()
            {
                let room = LINE.saturating_sub(last.len()).min(TOTAL - self.kept).min(line.len());
                last.extend_from_slice(&line[..room]);
                self.kept += room;
            }
            return;
        }
        self.folding = line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME);
        self.folding &= self.received.len() < LINES && self.kept + line.len() <= TOTAL;
        if self.folding {
            let body = line[NAME.len()..].trim_ascii_start();
            self.kept += body.len();
            self.received.push(body.to_vec());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"Received: from a (b\r\n\t[192.0.2.1]) by c; now\r\nreceived: from d by e\r\nSubject: x\r\n \
        Received: not this\r\n\r\nReceived: nor this\r\n..\r\n.x\r\n.\n.\r\r\n\r\n.\r\nQUIT\r\n";

    #[test]
    fn one_end_in_any_chunking() {
        let end = MAIL.len() - b"QUIT\r\n".len();
        for size in 1..=MAIL.len() {
            let mut body = Body::default();
            let mut from = 0;
            let ended = loop {
                let chunk = &MAIL[from..MAIL.len().min(from + size)];
                if let Some(n) = body.read(chunk) {
                    break from + n;
                }
                from += chunk.len();
                assert!(from < MAIL.len(), "no end in chunks of {size}");
            };
            assert_eq!((ended, body.octets()), (end, end), "chunks of {size}");
            assert_eq!(body.into_received(), ["from a (b\t[192.0.2.1]) by c; now", "from d by e"]);
        }
    }

    #[test]
    fn only_crlf_dot_crlf_ends() {
        for (mail, ends) in [
            (&b".\r\n"[..], true),
            (b"x\r\n.\r\n", true),
            (b"x\n.\n", false),
            (b"x\n.\r\n", false),
            (b"x\r\n.\n", false),
            (b"x\r.\r", false),
            (b"x\r\n.\r\r\n", false),
            (b"x\r\n..\r\n", false),
            (b"x\r\n. \r\n", false),
        ] {
            assert_eq!(Body::default().read(mail).is_some(), ends, "{:?}", String::from_utf8_lossy(mail));
        }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut body = Body::default();
        for _ in 0..1000 {
            body.read(b"Received: ");
            body.read(&[b'a'; 5000]);
            body.read(b"\r\n\t");
            body.read(&[b'b'; 5000]);
            body.read(b"\r\n");
        }
        let kept: usize = body.into_received().iter().map(String::len).sum();
        assert!(kept <= TOTAL, "{kept}");
    }
}
