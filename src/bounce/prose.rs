//! Where the words of a bounce end and the message that it returns begins.
//!
//! Input: a text part, quoted or not, or pasted text. Output: the words and the returned header's lines.
//! Design: no form is recognised by its sender's name. A returned message is known by a line that
//! announces it or by a run of header fields that only a message that travelled has.

use super::header::field;
use super::quotes::{quotes, reasons};
use super::reply::clip;

/// Lines looked at, and octets kept of one line.
const MAX_LINES: usize = 3000;
/// How often the words so far are searched for a refusal.
const MAX_ASKED: usize = 16;
pub(super) const MAX_LINE: usize = 4096;

/// A bounce's words and what they return.
#[derive(Debug, Default)]
pub(super) struct Split {
    pub words: String,
    /// The lines of the returned message's header, unindented.
    pub returned: Vec<String>,
    /// A mail system's header stood among the words: the bounce was forwarded inline.
    pub forwarded: bool,
}

/// Splits words from the returned message. `mail` is false for pasted text, of which nothing is cut.
pub(super) fn split(text: &str, mail: bool) -> Split {
    let lines: Vec<&str> = text.lines().take(MAX_LINES).map(unquote).collect();
    let mut out = Split::default();
    let mut at = 0;
    let mut announced = false;
    let (mut refused, mut asked) = (false, 0);
    while at < lines.len() {
        let line = lines[at];
        if header_begins(&lines[at..]) {
            let end = header_end(&lines, at);
            let block = &lines[at..end];
            let from_daemon = block.iter().filter_map(|l| field(l.trim_start())).any(|(n, b)| {
                ["from", "sender", "von", "de", "da", "van"].iter().any(|f| n.eq_ignore_ascii_case(f))
                    && is_daemon(&b.to_ascii_lowercase())
            });
            if !announced && !traced(block) {
                // "To: … Subject: … Sent: …": the bounce naming the message, not returning it.
                for line in block {
                    out.words.push_str(clip(line, MAX_LINE));
                    out.words.push('\n');
                }
                out.forwarded |= from_daemon;
                at = end;
                continue;
            }
            if from_daemon && !announced {
                out.forwarded = true;
                at = end;
                continue;
            }
            out.returned = unindented(block);
            if mail || announced {
                break;
            }
            at = end;
            continue;
        }
        if announces(line) || strong(line) && forwards(line) {
            // "Original message" over a forwarded bounce announces the bounce; below a refusal, what it returns.
            if !refused && asked < MAX_ASKED {
                asked += 1;
                refused = !quotes(&out.words).is_empty() || !reasons(&out.words).is_empty();
            }
            let returns = !forwards(line) || refused;
            announced |= returns;
            let rule = strong(line) && returns;
            if mail && (rule || titled(line) && refused) && !header_soon(&lines, at) {
                break;
            }
        }
        out.words.push_str(clip(line, MAX_LINE));
        out.words.push('\n');
        at += 1;
    }
    out
}

/// A line without the marks that mail programs put before quoted text.
fn unquote(line: &str) -> &str {
    let mut line = line.trim_end();
    // Pasted from a transcript or quoted three times over; a command is what a client said.
    if let Some(rest) = line.trim_start().strip_prefix(">>").map(|r| r.trim_start_matches('>'))
        && rest.starts_with(' ')
        && !is_command(rest.trim_start())
    {
        line = rest.trim_start();
    }
    for _ in 0..8 {
        match line.strip_prefix("> ").or_else(|| line.strip_prefix("| ")) {
            Some(rest) => line = rest,
            None => break,
        }
    }
    if line == ">" { "" } else { line }
}

/// A line that a client says in a session.
fn is_command(line: &str) -> bool {
    let word = line.split_whitespace().next().unwrap_or_default();
    ["EHLO", "HELO", "LHLO", "MAIL", "RCPT", "DATA", "BDAT", "QUIT", "RSET", "NOOP", "STARTTLS", "AUTH", "VRFY", "."]
        .iter()
        .any(|c| word.eq_ignore_ascii_case(c))
}

/// Whether a sender's address or name is a mail system's.
pub(super) fn is_daemon(from: &str) -> bool {
    [
        "mailer-daemon",
        "postmaster",
        "mail delivery",
        "mail deliver",
        "mdaemon",
        "mailer daemon",
        "mailerdaemon",
        "delivery subsystem",
        "mail system",
        "mail administrator",
        "mail-daemon",
        "noreply-dmarc",
    ]
    .iter()
    .any(|w| from.contains(w))
}

const FIELDS: [&str; 38] = [
    "von",
    "an",
    "betreff",
    "gesendet",
    "datum",
    "de",
    "objet",
    "asunto",
    "para",
    "enviado",
    "da",
    "oggetto",
    "van",
    "aan",
    "received",
    "return-path",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "delivered-to",
    "dkim-signature",
    "x-mailer",
    "sender",
    "reply-to",
    "cc",
    "envelope-to",
    "delivery-date",
    "received-spf",
    "sent",
    "x-originating-ip",
    "authentication-results",
    "x-google-dkim-signature",
    "content-transfer-encoding",
    "domainkey-signature",
];

fn known_field(line: &str) -> bool {
    field(line.trim_start()).is_some_and(|(n, _)| {
        let n = n.to_ascii_lowercase();
        FIELDS.contains(&n.as_str()) || n.starts_with("x-") || n.starts_with("arc-")
    })
}

/// A run of header fields: this line is one, and of the next ones at least two more or one that only
/// a header holds.
fn header_begins(lines: &[&str]) -> bool {
    let Some(first) = lines.first() else { return false };
    if !known_field(first) {
        return false;
    }
    let lower = first.trim_start().to_ascii_lowercase();
    if lower.starts_with("received: from ")
        || lower.starts_with("received: by ")
        || lower.starts_with("return-path: <")
        || lower.starts_with("received: (")
    {
        return true;
    }
    let run = lines.iter().take(12).take_while(|l| !l.trim().is_empty());
    run.filter(|l| known_field(l)).count() >= 3
}

/// Fields that only a message that travelled has.
fn traced(block: &[&str]) -> bool {
    const TRACE: [&str; 9] = [
        "received",
        "return-path",
        "message-id",
        "dkim-signature",
        "mime-version",
        "x-received",
        "received-spf",
        "domainkey-signature",
        "delivered-to",
    ];
    block.iter().filter_map(|l| field(l.trim_start())).any(|(n, _)| TRACE.contains(&n.to_ascii_lowercase().as_str()))
}

fn header_end(lines: &[&str], start: usize) -> usize {
    lines[start..].iter().position(|l| l.trim().is_empty()).map_or(lines.len(), |n| start + n)
}

/// The block without the indent that all its lines share.
fn unindented(block: &[&str]) -> Vec<String> {
    let indent = block.first().map_or(0, |l| l.len() - l.trim_start().len());
    block
        .iter()
        .map(|l| if l.len() - l.trim_start().len() >= indent { l.get(indent..).unwrap_or(l) } else { l }.to_owned())
        .collect()
}

/// Whether a line says that the returned message follows.
fn announces(line: &str) -> bool {
    const WORDS: [&str; 26] = [
        "copy of the message",
        "copy of your message",
        "original message",
        "original mail",
        "returned message",
        "undelivered message",
        "unsent message",
        "message headers follow",
        "message header follow",
        "headers follow",
        "header of the message",
        "message text follows",
        "message follows",
        "copy of the original",
        "below this line",
        "enclosed is",
        "included is",
        "text of your message",
        "your message reads",
        "your original",
        "message contents",
        "unzustellbare nachricht",
        "weitergeleitete nachricht",
        "header information",
        "copie du message",
        "returned mail",
    ];
    if line.len() > 160 {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    WORDS.iter().any(|w| lower.contains(w))
}

/// An announcement that stands as a rule of its own, not in a sentence.
fn strong(line: &str) -> bool {
    let line = line.trim();
    line.starts_with("--") || line.starts_with("==") || line.starts_with("|--") || line.starts_with("__")
}

/// Words that mail programs put over a message that they forward or answer.
fn forwards(line: &str) -> bool {
    let lower = line.to_lowercase();
    [
        "original message",
        "original mail",
        "forwarded",
        "weitergeleitete nachricht",
        "ursprüngliche nachricht",
        "originalnachricht",
        "message transféré",
        "message d'origine",
        "message original",
        "mensaje original",
        "mensaje reenviado",
        "messaggio originale",
        "messaggio inoltrato",
        "mensagem original",
        "mensagem encaminhada",
        "oorspronkelijk bericht",
        "doorgestuurd bericht",
    ]
    .iter()
    .any(|w| lower.contains(w))
}

/// An announcement that is a title over what follows: "Your original message:".
fn titled(line: &str) -> bool {
    line.trim_end().ends_with(':') && line.trim().len() < 80
}

fn header_soon(lines: &[&str], at: usize) -> bool {
    lines.iter().enumerate().skip(at + 1).take(12).any(|(n, _)| header_begins(&lines[n..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_the_returned_message_begins() {
        let text = "Sorry.\n\n<a@b.example>: 550 no\n\n--- Below this line is a copy of the message.\n\nReceived: from x by y; z\nSubject: 550 words\n\nbody spam\n";
        let split = split(text, true);
        assert!(split.words.contains("550 no") && !split.words.contains("body"));
        assert_eq!(split.returned[0], "Received: from x by y; z");
        let gone =
            super::split("no\n------ This is a copy of the message, without header ------\n\nspam virus\n", true);
        assert!(!gone.words.contains("virus"));
    }

    #[test]
    fn a_rule_over_a_forwarded_bounce_does_not_hide_it() {
        for rule in ["-------- Weitergeleitete Nachricht --------", "-----Original Message-----"] {
            let text = format!(
                "hello\n\n{rule}\nBetreff: x\nVon: MAILER-DAEMON@a.example\nAn: b@a.example\n\n<b@c.example>: host mx said: 550 no\n\n{rule}\n\nuser words\n"
            );
            let split = split(&text, true);
            assert!(split.words.contains("550 no") && !split.words.contains("user words"), "{}", split.words);
            assert!(split.forwarded);
        }
        let text = "<b@c.example>: host mx said: 550 no\n\nYour original message:\n\nno PTR here\n";
        assert!(!split(text, true).words.contains("PTR"));
    }

    #[test]
    fn a_transcript_keeps_its_commands_and_a_quotation_loses_its_marks() {
        assert_eq!(unquote(">>> DATA"), ">>> DATA");
        assert_eq!(unquote(">>> 550 no"), "550 no");
    }

    #[test]
    fn an_inline_forward_is_looked_through() {
        let text = "please help\n\n---------- Forwarded message ---------\nFrom: Mail Delivery Subsystem <mailer-daemon@example.com>\nDate: x\nSubject: Delivery failed\nTo: me@example.com\n\n> host mx said:\n> 550 5.7.25 no PTR\n";
        let split = split(text, true);
        assert!(split.forwarded);
        assert!(split.words.contains("5.7.25"), "{}", split.words);
    }
}
