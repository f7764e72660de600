//! What of a file may be taken apart, told before any of it is.
//!
//! Design: the length and the numbers of nested messages and of boundaries are bounded here, so that
//! the MIME parser's cost and depth stay bounded whatever a file holds. A parser's cost for RFC 2231
//! parameters grows with their number squared, so that long `Content-*` fields are cut short.

use std::borrow::Cow;

/// Octets of a message that are taken apart. Report and returned header stand before any attachment.
const READ: usize = 2 << 20;
/// Messages within messages, and boundaries, beyond which a file is read no further.
const MAX_NESTED: usize = 64;
const MAX_BOUNDARIES: usize = 256;
/// Octets and parameters of one `Content-Type` or `Content-Disposition` field (RFC 2045 §5.1, RFC 2231).
const MAX_CONTENT_FIELD: usize = 8 << 10;
const MAX_PARAMETERS: usize = 64;

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

/// The octets as ASCII-compatible text with line feeds: UTF-16 with a byte order mark becomes UTF-8, and
/// the line ends of old Macintoshes (CR alone) become LF.
pub(super) fn plain(bytes: &[u8]) -> Cow<'_, [u8]> {
    let wide = |of: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| of([pair[0], pair[1]])).collect();
        String::from_utf16_lossy(&units).into_bytes()
    };
    let text = match bytes {
        [0xff, 0xfe, ..] => Cow::Owned(wide(u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Cow::Owned(wide(u16::from_be_bytes)),
        _ => Cow::Borrowed(bytes),
    };
    let head = &text[..text.len().min(64 << 10)];
    if head.contains(&b'\r') && !head.contains(&b'\n') {
        return Cow::Owned(text.iter().map(|b| if *b == b'\r' { b'\n' } else { *b }).collect());
    }
    text
}

/// Cuts `Content-*` fields that are too long or hold too many parameters; the rest of the field is left out.
pub(super) fn short_fields(bytes: &[u8]) -> Cow<'_, [u8]> {
    let mut out: Vec<u8> = Vec::new();
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        let end = line_end(bytes, at);
        if !is_content_field(&bytes[at..end]) {
            at = end;
            continue;
        }
        let mut stop = end;
        while bytes.get(stop).is_some_and(|b| matches!(b, b' ' | b'\t')) {
            stop = line_end(bytes, stop);
        }
        let field = &bytes[at..stop];
        let many = field.iter().enumerate().filter(|(_, b)| **b == b';').nth(MAX_PARAMETERS).map(|(n, _)| n);
        let cut = many.unwrap_or(field.len()).min(MAX_CONTENT_FIELD);
        if cut < field.len() {
            out.extend_from_slice(&bytes[kept..at + cut]);
            out.push(b'\n');
            kept = stop;
        }
        at = stop;
    }
    if kept == 0 {
        return Cow::Borrowed(bytes);
    }
    out.extend_from_slice(&bytes[kept..]);
    Cow::Owned(out)
}

/// Where the next line begins.
fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| at + n + 1)
}

fn is_content_field(line: &[u8]) -> bool {
    let Some(colon) = line.iter().take(32).position(|b| *b == b':') else { return false };
    let name = line[..colon].trim_ascii_end();
    [&b"content-type"[..], b"content-disposition"].iter().any(|n| name.eq_ignore_ascii_case(n))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_encodings_and_line_ends_become_plain() {
        let text = "From: a@b.example\r\n\r\nä\r\n";
        let wide = |of: fn(u16) -> [u8; 2], mark: [u8; 2]| -> Vec<u8> {
            mark.into_iter().chain(text.encode_utf16().flat_map(of)).collect()
        };
        assert_eq!(plain(&wide(u16::to_le_bytes, [0xff, 0xfe])), text.as_bytes());
        assert_eq!(plain(&wide(u16::to_be_bytes, [0xfe, 0xff])), text.as_bytes());
        assert_eq!(plain(b"a\rb\r\r"), &b"a\nb\n\n"[..]);
        assert!(matches!(plain(b"a\r\nb\r"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_fields_are_cut_and_nothing_else() {
        let mut text = String::from("From: a\nContent-Type: text/plain");
        for n in 0..100_000 {
            text.push_str("; a");
            text.push_str(&n.to_string());
            text.push_str("*0=b");
        }
        text.push_str(";\n folded=1\nSubject: x\n\nbody\n");
        let cut = short_fields(text.as_bytes()).into_owned();
        assert!(cut.len() < 2 * MAX_CONTENT_FIELD && cut.ends_with(b"\nSubject: x\n\nbody\n"));
        let whole = b"Content-Type: multipart/report; report-type=delivery-status;\n boundary=\"x\"\n\n";
        assert!(matches!(short_fields(whole), Cow::Borrowed(_)));
    }
}
