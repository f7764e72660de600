//! The names in a server's words: what a greeting and an EHLO reply claim, and the extensions.
//!
//! Standard: RFC 5321 §4.2 (`220 <domain> …`), §4.1.1.1 (`250-<domain> greet`).
//! The greeting's name is a claim of the host that we dialled; a masked or wordy banner gives no
//! name, which is not the same as a wrong one.

use crate::name::{EhloName, HostName};

/// Words that stand where a name belongs and are none.
const FILLER: &[&str] = &[
    "esmtp",
    "smtp",
    "lmtp",
    "ok",
    "hello",
    "hi",
    "welcome",
    "pleased",
    "requested",
    "ready",
    "service",
    "mail",
    "server",
    "the",
    "this",
    "at",
    "your",
    "please",
    "greetings",
    "no",
    "closing",
    "temporary",
    "error",
    "too",
    "you",
    "we",
    "access",
    "connection",
    "host",
    "client",
    "rejected",
    "blocked",
];

/// The name that the first line of a greeting claims, as it was written; `None` when it gives none
/// (`220 ****`, `220 ESMTP ready`). A single word that is a usual part of a greeting's text is none.
///
/// An enhanced status code in front (`554 5.7.1 …`) is no name.
pub fn greeting_name(first_line: &str) -> Option<&str> {
    claimed_name(first_line).filter(|name| !FILLER.iter().any(|word| name.eq_ignore_ascii_case(word)))
}

/// The name that the first line of an EHLO or HELO reply claims: by the grammar its first word is the
/// domain (RFC 5321 §4.1.1.1), whatever word that is, but for the bare `OK` and `Hello` of servers that
/// give none.
pub fn hello_name(first_line: &str) -> Option<&str> {
    claimed_name(first_line).filter(|name| !["ok", "hello"].iter().any(|word| name.eq_ignore_ascii_case(word)))
}

fn claimed_name(first_line: &str) -> Option<&str> {
    let token = first_line.split_whitespace().next()?;
    let token = token.trim_end_matches([',', ';', ':']);
    let (mut letters, mut plain) = (false, true);
    for b in token.bytes() {
        letters |= b.is_ascii_alphabetic();
        plain &= is_plain(b);
    }
    if letters && plain {
        return HostName::reads(token).then_some(token);
    }
    match EhloName::read(token) {
        EhloName::Literal(_) | EhloName::BareAddress(_) => Some(token),
        EhloName::Invalid(_) => None,
        EhloName::Host(name) => {
            let text = name.as_str();
            let letters = text.bytes().any(|b| b.is_ascii_alphabetic());
            (letters && text.bytes().all(is_plain)).then_some(token)
        }
    }
}

/// Whether a name that is no mask (`****`) holds this octet.
fn is_plain(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'/')
}

/// The extension lines of an EHLO reply, verbatim, unknown ones too.
pub fn extensions(lines: &[String]) -> Vec<String> {
    lines.iter().skip(1).map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_where_there_is_one() {
        for (line, name) in [
            ("mail.example.net ESMTP Postfix", Some("mail.example.net")),
            ("Mail.Example.NET", Some("Mail.Example.NET")),
            ("mail.example.net, pleased to meet you", Some("mail.example.net")),
            ("mailhost ESMTP", Some("mailhost")),
            ("[192.0.2.1] ESMTP", Some("[192.0.2.1]")),
            ("bücher.example ESMTP", Some("bücher.example")),
            ("************************", None),
            ("ESMTP ready", None),
            ("5.7.1 Service unavailable", None),
            ("4.3.2 not now", None),
            ("Welcome to mail.example.net", None),
            ("<script>alert(1)</script>", None),
            ("", None),
            ("mail_out.example.net", Some("mail_out.example.net")),
        ] {
            assert_eq!(greeting_name(line), name, "{line:?}");
        }
    }

    #[test]
    fn an_ehlo_reply_begins_with_the_name_whatever_it_is() {
        for (line, name) in [
            ("mail", Some("mail")),
            ("server Hello [192.0.2.1]", Some("server")),
            ("smtp, pleased to meet you", Some("smtp")),
            ("OK", None),
            ("Hello [192.0.2.1]", None),
            ("2.0.0 fine", None),
        ] {
            assert_eq!(hello_name(line), name, "{line:?}");
        }
    }

    #[test]
    fn extensions_verbatim() {
        let lines = ["mail.example.net".into(), "PIPELINING".into(), "X-EXPS GSSAPI".into(), "size 1000 ".into()];
        assert_eq!(extensions(&lines), ["PIPELINING", "X-EXPS GSSAPI", "size 1000"]);
    }
}
