//! The file taken apart: the bounce's own header, what it says in words, its report fields, and the
//! header of the message that it returns.
//!
//! Standard: RFC 5322 (header), RFC 2046 (MIME), RFC 6522 (`multipart/report`), RFC 3464 and RFC 5965
//! (report fields).
//! Input: one message as octets, or pasted text. Output: a [`Letter`]. Failure: none; what cannot be
//! taken apart is read as text.
//! Design: mail-parser does the MIME. Before it sees a message, the length and the number of nested
//! messages and of boundaries are bounded, so that its cost stays linear whatever the file holds.

use std::sync::LazyLock;

use mail_parser::{HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::dsn::{self, Fields};
use super::prose;
use super::reply::clip;

/// Octets of a message that are taken apart. Report and returned header stand before any attachment.
const READ: usize = 2 << 20;
/// Messages within messages, and boundaries, beyond which a file is read no further.
const MAX_NESTED: usize = 64;
const MAX_BOUNDARIES: usize = 256;
/// How deep a bounce is looked for inside forwarded messages.
const MAX_DEPTH: usize = 4;
/// Octets of words looked at.
const MAX_PROSE: usize = 96 << 10;
/// Octets of one header looked at.
const MAX_HEADER: usize = 256 << 10;

static PARSER: LazyLock<MessageParser> =
    LazyLock::new(|| MessageParser::new().with_mime_headers().header_text(HeaderName::Subject));

/// A header: lower-case names and unfolded bodies in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Header(Vec<(String, String)>);

impl Header {
    /// Reads lines up to the first empty one. Octets that are not UTF-8 are replaced.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HEADER)]);
        Self::of_lines(text.lines())
    }

    pub(super) fn of_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.trim().is_empty() {
                if fields.is_empty() {
                    continue;
                }
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, body)) = fields.last_mut() {
                    body.push(' ');
                    body.push_str(line.trim());
                }
            } else if let Some((name, body)) = field(line) {
                fields.push((name.to_ascii_lowercase(), body.trim().to_owned()));
            }
        }
        Self(fields)
    }

    /// The first field of this lower-case name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, b)| b.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, b)| b.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A line as a header field: a name of printable characters, a colon.
pub(super) fn field(line: &str) -> Option<(&str, &str)> {
    let (name, body) = line.split_once(':')?;
    let name = name.trim_end();
    let good =
        !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    good.then_some((name, body))
}

/// A file taken apart.
#[derive(Debug, Default)]
pub(super) struct Letter {
    /// The bounce's own header; empty for pasted text.
    pub header: Header,
    /// Its subject, decoded.
    pub subject: String,
    /// Its words, up to the message that it returns.
    pub prose: String,
    /// The report's groups of fields: the message's first, then one a recipient.
    pub groups: Vec<Fields>,
    /// A feedback report (RFC 5965).
    pub feedback: bool,
    /// The header of the message returned.
    pub returned: Option<Header>,
    /// The bounce stood inside another message.
    pub forwarded: bool,
    /// The file was not read to its end.
    pub truncated: bool,
}

impl Letter {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let bytes = strip_envelope(bytes);
        let (bounded, truncated) = bound(bytes);
        let mut letter =
            if has_header(bounded) { PARSER.parse(bounded).map(|m| Self::of_message(&m, 0)) } else { None }
                .unwrap_or_else(|| Self::of_text(bounded));
        letter.truncated = truncated;
        letter
    }

    /// Pasted words: a reply, a log line, a part of a bounce.
    fn of_text(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_PROSE)]);
        let mut letter = Self::default();
        letter.add_prose(&text, false);
        letter.find_fields();
        letter
    }

    fn of_message(message: &Message<'_>, depth: usize) -> Self {
        let subject = clip(message.subject().unwrap_or_default(), 1024).to_owned();
        let mut letter = Self { header: own_header(message), subject, ..Self::default() };
        letter.feedback = letter.subject.to_ascii_lowercase().contains("complaint about message from");
        let mut inner: Vec<&Message<'_>> = Vec::new();
        let mut html = String::new();
        for part in &message.parts {
            let kind = part.content_type().map(|c| {
                let subtype = c.subtype().unwrap_or_default();
                format!("{}/{subtype}", c.ctype()).to_ascii_lowercase()
            });
            let kind = kind.as_deref().unwrap_or_default();
            match &part.body {
                PartType::Multipart(_) => {}
                PartType::Message(nested) => {
                    let header = own_header(nested);
                    if letter.returned.is_none() && !header.is_empty() {
                        letter.returned = Some(header);
                    }
                    inner.push(nested);
                }
                PartType::Html(text) => {
                    if html.len() < MAX_PROSE {
                        html.push_str(clip(text, MAX_PROSE));
                    }
                }
                PartType::Text(text) if half_decoded(part) => letter.add_part(kind, &unfold_quoted_printable(text)),
                PartType::Text(text) => letter.add_part(kind, text),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    if !kind.starts_with("image/") && !kind.starts_with("application/") {
                        letter.add_part(kind, &String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HEADER)]));
                    }
                }
            }
        }
        if letter.prose.trim().is_empty() && !html.is_empty() {
            let text = mail_parser::decoders::html::html_to_text(&html);
            letter.add_prose(&text, true);
        }
        letter.find_fields();
        if letter.groups.is_empty() && depth < MAX_DEPTH {
            // A forwarded bounce; or one that a gateway wrapped into a notice of its own, which then
            // holds the report.
            let bounce = letter.is_bounce();
            for nested in inner.into_iter().take(MAX_DEPTH) {
                let mut deeper = Self::of_message(nested, depth + 1);
                if if bounce { !deeper.groups.is_empty() } else { deeper.is_bounce() } {
                    deeper.forwarded = true;
                    return deeper;
                }
            }
        }
        letter
    }

    fn add_part(&mut self, kind: &str, text: &str) {
        let text = clip(text, MAX_HEADER);
        if kind.contains("feedback-report") {
            self.feedback = true;
            self.groups.extend(dsn::groups(text));
        } else if kind.contains("delivery-status") || kind.contains("disposition-notification") {
            self.groups.extend(dsn::groups(text));
        } else if kind.contains("rfc822") {
            let header = Header::of_lines(text.lines());
            if self.returned.is_none() && !header.is_empty() {
                self.returned = Some(header);
            }
        } else if self.returned.is_none() {
            self.add_prose(text, true);
        }
    }

    fn add_prose(&mut self, text: &str, mail: bool) {
        let room = MAX_PROSE.saturating_sub(self.prose.len());
        let split = prose::split(clip(text, room), mail);
        self.prose.push_str(&split.words);
        self.prose.push('\n');
        self.forwarded |= split.forwarded;
        if self.returned.is_none() && !split.returned.is_empty() {
            let header = Header::of_lines(split.returned.iter().map(String::as_str));
            if !header.is_empty() {
                self.returned = Some(header);
            }
        }
    }

    /// Report fields that stand in the words: a report that lost its MIME type, or a pasted one.
    fn find_fields(&mut self) {
        if self.groups.is_empty() {
            self.groups = dsn::groups_in_words(&self.prose);
        }
    }

    /// Whether this is a report about another message, not a message between people.
    pub(super) fn is_bounce(&self) -> bool {
        const SUBJECTS: [&str; 22] = [
            "undeliver",
            "delivery status",
            "delivery failure",
            "delivery report",
            "delivery notification",
            "returned mail",
            "failure notice",
            "mail delivery",
            "message delivery",
            "delivery has failed",
            "non remis",
            "unzustellbar",
            "could not be delivered",
            "not be delivered",
            "delayed mail",
            "nondeliverable",
            "non-delivery",
            "mail failure",
            "failed delivery",
            "warning: message",
            "mail failed",
            "mail system error",
        ];
        if !self.groups.is_empty()
            || self.feedback
            || self.forwarded
            || self.header.get("x-failed-recipients").is_some()
        {
            return true;
        }
        if self.header.all("return-path").any(|p| p.trim() == "<>") && !self.is_auto_reply() {
            return true;
        }
        let from = self.header.get("from").unwrap_or_default().to_ascii_lowercase();
        let subject = self.subject.to_ascii_lowercase();
        prose::is_daemon(&from) || SUBJECTS.iter().any(|s| subject.contains(s))
    }

    /// A vacation notice or the like (RFC 3834). Mail systems mark their bounces the same way, so
    /// that anything with a report or a failed recipient is none.
    pub(super) fn is_auto_reply(&self) -> bool {
        const SUBJECTS: [&str; 9] = [
            "auto reply",
            "auto-reply",
            "autoreply",
            "automatic reply",
            "out of office",
            "vacation",
            "auto:",
            "abwesenheit",
            "automatische antwort",
        ];
        let subject = self.subject.trim().to_ascii_lowercase();
        let marked =
            self.header.get("auto-submitted").is_some_and(|v| v.to_ascii_lowercase().starts_with("auto-replied"))
                || ["x-autoreply", "x-autorespond", "x-apple-action"].iter().any(|n| self.header.get(n).is_some())
                || self.header.get("precedence").is_some_and(|v| v.eq_ignore_ascii_case("auto_reply"))
                || SUBJECTS.iter().any(|s| subject.starts_with(s));
        let from = self.header.get("from").unwrap_or_default().to_ascii_lowercase();
        marked && self.groups.is_empty() && self.header.get("x-failed-recipients").is_none() && !prose::is_daemon(&from)
    }

    /// Written by a program: a list manager, a notification service.
    pub(super) fn is_robot(&self) -> bool {
        const LOCAL: [&str; 12] = [
            "noreply",
            "no-reply",
            "no_reply",
            "donotreply",
            "do-not-reply",
            "majordomo",
            "listserv",
            "mailman",
            "-admin@",
            "-owner@",
            "owner-",
            "-request@",
        ];
        let from = self.header.get("from").unwrap_or_default().to_ascii_lowercase();
        LOCAL.iter().any(|l| from.contains(l)) || self.prose.trim_start().starts_with('{')
    }

    pub(super) fn is_text(&self) -> bool {
        self.header.is_empty()
    }
}

/// Quoted-printable that mail-parser gave back as it was, for one bad octet in it.
fn half_decoded(part: &MessagePart<'_>) -> bool {
    part.is_encoding_problem
        && part.content_transfer_encoding().is_some_and(|e| e.eq_ignore_ascii_case("quoted-printable"))
}

/// RFC 2045 §6.7 as far as it goes: soft line ends and good `=XX`; what is bad stays.
fn unfold_quoted_printable(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'=' {
            if bytes[at + 1..].starts_with(b"\n") {
                at += 2;
                continue;
            }
            if bytes[at + 1..].starts_with(b"\r\n") {
                at += 3;
                continue;
            }
            let hex = bytes
                .get(at + 1..at + 3)
                .and_then(|h| std::str::from_utf8(h).ok())
                .and_then(|h| u8::from_str_radix(h, 16).ok());
            if let Some(octet) = hex {
                out.push(octet);
                at += 3;
                continue;
            }
        }
        out.push(bytes[at]);
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn own_header(message: &Message<'_>) -> Header {
    let Some(root) = message.parts.first() else { return Header::default() };
    let range = root.offset_header as usize..root.offset_body as usize;
    let header = message.raw_message.get(range).map(Header::read).unwrap_or_default();
    if !header.is_empty() {
        return header;
    }
    // An empty line before the header makes all of it a body.
    match &root.body {
        PartType::Text(text) if field(text.trim_start().lines().next().unwrap_or_default()).is_some() => {
            Header::of_lines(text.lines())
        }
        _ => header,
    }
}

/// Without a byte order mark, leading blank lines and an mbox `From ` line.
fn strip_envelope(bytes: &[u8]) -> &[u8] {
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
fn bound(bytes: &[u8]) -> (&[u8], bool) {
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
fn has_header(bytes: &[u8]) -> bool {
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
