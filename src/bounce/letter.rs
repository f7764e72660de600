//! The file taken apart: the bounce's own header, what it says in words, its report fields, and the
//! header of the message that it returns.
//!
//! Standard: RFC 5322 (header), RFC 2046 (MIME), RFC 6522 (`multipart/report`), RFC 3464 and RFC 5965
//! (report fields).
//! Input: one message as octets, or pasted text. Output: a [`Letter`]. Failure: none; what cannot be
//! taken apart is read as text.
//! Design: mail-parser does the MIME, on what [`bounds`](super::bounds) lets through.

use std::borrow::Cow;
use std::sync::LazyLock;

use mail_parser::{HeaderName, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::bounds::{bound, has_header, short_fields, strip_envelope};
use super::dsn::{self, Fields};
use super::header::{Header, MAX_HEADER, field};
use super::prose;
use super::quotes::quotes;
use super::reply::clip;

/// How deep a bounce is looked for inside forwarded messages.
const MAX_DEPTH: usize = 4;
/// Octets of words looked at.
const MAX_PROSE: usize = 96 << 10;

static PARSER: LazyLock<MessageParser> =
    LazyLock::new(|| MessageParser::new().with_mime_headers().header_text(HeaderName::Subject));

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
        let bounded = &*short_fields(bounded);
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
        letter.add_prose(&qmail_log(&text), false);
        letter.find_fields();
        letter
    }

    fn of_message(message: &Message<'_>, depth: usize) -> Self {
        let subject = clip(message.subject().unwrap_or_default(), 1024).to_owned();
        let mut letter = Self { header: own_header(message), subject, ..Self::default() };
        letter.feedback = letter.subject.to_ascii_lowercase().contains("complaint about message from");
        let mut inner: Vec<&Message<'_>> = Vec::new();
        let mut html = String::new();
        let mut attached: Vec<&str> = Vec::new();
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
                // A text that the user attached says nothing of the bounce, unless it is all there is.
                PartType::Text(text) if is_attached(part) && kind.starts_with("text/plain") => attached.push(text),
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
        if letter.groups.is_empty() && quotes(&letter.prose).is_empty() {
            for text in attached.into_iter().take(MAX_DEPTH) {
                letter.add_part("text/plain", text);
            }
            letter.find_fields();
        }
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

/// qmail-send logs a reply in one word: `_` for a space, `/` for a line's end.
fn qmail_log(text: &str) -> Cow<'_, str> {
    let marks = [": failure: ", ": deferral: "];
    if !marks.iter().any(|m| text.contains(m)) || !text.contains("delivery ") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let at = marks.iter().find_map(|m| line.find(m).map(|at| at + m.len())).filter(|at| !line[*at..].contains(' '));
        match at {
            Some(at) => {
                out.push_str(&line[..at]);
                out.push_str(&line[at..].replace('_', " ").replace('/', "\n"));
            }
            None => out.push_str(line),
        }
        out.push('\n');
    }
    Cow::Owned(out)
}

/// A file that its sender attached (RFC 2183).
fn is_attached(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|d| d.ctype().eq_ignore_ascii_case("attachment"))
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
