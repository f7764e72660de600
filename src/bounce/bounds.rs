//! What of a file may be taken apart, told before any of it is.
//!
//! Design: the length and the numbers of nested messages and of boundaries are bounded here, so that
//! the MIME parser's cost and depth stay bounded whatever a file holds.

/// Octets of a message that are taken apart. Report and returned header stand before any attachment.
const READ: usize = 2 << 20;
/// Messages within messages, and boundaries, beyond which a file is read no further.
const MAX_NESTED: usize = 64;
const MAX_BOUNDARIES: usize = 256;

/// Without a byte order mark, leading blank lines and an mbox `From ` line.
pub(super) fn strip_envelope(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace()).unwrap_or(bytes.len());
    // Pasted folded lines keep their indent: only whole blank lines go.
    let start = bytes[..start].iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    let bytes = &bytes[start..];
    if bytes.starts_with(b"From ") || bytes.starts_with(b">From ") {
        let end = bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |at| at + 1);
        return &bytes[end..];
    }
    bytes
}

/// The octets that may be taken apart, and whether any were left off.
pub(super) fn bound(bytes: &[u8]) -> (&[u8], bool) {
    let mut end = bytes.len().min(READ);
    let (mut nested, mut boundaries) = (0, 0);
    let mut at = 0;
    while let Some(step) = bytes[at..end].iter().position(|b| matches!(b, b'/' | b'=')) {
        let here = at + step;
        at = here + 1;
        let behind = |n: usize| bytes.get(here + 1..(here + 1 + n).min(end)).unwrap_or_default();
        let before = |word: &[u8]| {
            here.checked_sub(word.len()).and_then(|s| bytes.get(s..here)).is_some_and(|w| w.eq_ignore_ascii_case(word))
        };
        if bytes[here] == b'/' {
            let message = before(b"message")
                && (behind(6).eq_ignore_ascii_case(b"rfc822") || behind(6).eq_ignore_ascii_case(b"global"));
            let digest = before(b"multipart") && behind(6).eq_ignore_ascii_case(b"digest");
            nested += usize::from(message || digest);
        } else if before(b"boundary") {
            boundaries += 1;
        }
        if nested > MAX_NESTED || boundaries > MAX_BOUNDARIES {
            end = here.saturating_sub(9);
            break;
        }
    }
    (&bytes[..end], end < bytes.len())
}

/// Whether the octets begin with a mail header: two known fields, or a Received line alone.
pub(super) fn has_header(bytes: &[u8]) -> bool {
    const KNOWN: [&str; 18] = [
        "received",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "return-path",
        "delivered-to",
        "mime-version",
        "content-type",
        "reply-to",
        "sender",
        "dkim-signature",
        "x-original-to",
        "envelope-to",
        "authentication-results",
        "auto-submitted",
        "content-transfer-encoding",
    ];
    let head = &bytes[..bytes.len().min(16 << 10)];
    let mut known = 0;
    for line in head.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if line[0].is_ascii_whitespace() {
            continue;
        }
        let Some(colon) = line.iter().position(|b| *b == b':') else {
            if known == 0 {
                return false;
            }
            continue;
        };
        let name = line[..colon].to_ascii_lowercase();
        let Ok(name) = std::str::from_utf8(&name) else { continue };
        if name == "received" && !line[colon + 1..].is_empty() {
            return true;
        }
        known += usize::from(KNOWN.contains(&name.trim_end()));
        if known >= 2 {
            return true;
        }
    }
    false
}
