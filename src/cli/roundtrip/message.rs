//! The test message, the addresses in it, and the records that its domain needs.
//!
//! Standard: RFC 5322 (message), RFC 3834 (automatic messages), RFC 5321 §4.1.2 (addresses).

use std::fmt::Write as _;
use std::net::IpAddr;

use crate::cli::listen::check_token;
use crate::cli::plan::PlanFault;
use crate::name::{HostName, unmap};
use crate::observe::listen::Door;
use crate::observe::send::fresh_token;

/// Where the message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipient {
    pub(super) token: String,
    pub(super) domain: String,
}

impl Recipient {
    /// `DOMAIN` or `TOKEN@DOMAIN`.
    pub(super) fn parse(text: &str) -> Result<Self, PlanFault> {
        let (token, domain) = match text.rsplit_once('@') {
            Some((token, domain)) => (Some(token), domain),
            None => (None, text),
        };
        let host = HostName::parse(domain).map_err(|e| {
            PlanFault(format!("--to {text}: {e}; give a domain whose mail arrives here, or TOKEN@DOMAIN"))
        })?;
        let token = match token {
            Some(token) => {
                check_token("--to", token)?;
                token.to_owned()
            }
            None => format!(
                "preflight-{}",
                fresh_token().map_err(|e| PlanFault(format!("no token can be made: {e}; give --to TOKEN@DOMAIN")))?
            ),
        };
        Ok(Self { token, domain: host.to_string() })
    }

    pub(super) fn address(&self) -> String {
        format!("{}@{}", self.token, self.domain)
    }
}

/// An address that can stand in MAIL FROM as it is.
pub(super) fn sender(given: Option<&str>, recipient: &Recipient) -> Result<String, PlanFault> {
    let Some(text) = given else {
        // The token is not its end: mail to it is a bounce, and not the message.
        return Ok(format!("{}-sender@{}", recipient.token, recipient.domain));
    };
    let fits = |c: char| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '"' | '\\' | ',' | ';' | ':' | '(' | ')');
    let parts = text.rsplit_once('@').filter(|(local, domain)| !local.is_empty() && HostName::parse(domain).is_ok());
    match parts {
        Some(_) if text.len() <= 254 && text.chars().all(fits) => Ok(text.to_owned()),
        _ => Err(PlanFault(format!(
            "--from {}: give an address such as postmaster@example.net",
            crate::report::clean_bounded(text, 80)
        ))),
    }
}

/// A small message that says what it is.
pub(super) fn message(recipient: &Recipient, from: &str, name: &str) -> Vec<u8> {
    let date =
        jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_string(&jiff::Timestamp::now()).unwrap_or_default();
    format!(
        "Date: {date}\r\nFrom: smtp-preflight test <{from}>\r\nTo: <{to}>\r\nMessage-ID: <{token}.{stamp}@{name}>\r\n\
         Subject: smtp-preflight test message {token}\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         This is a test message of smtp-preflight, sent to see by which name and from\r\n\
         which address this relay sends. Its recipient drops it.\r\nNothing has to be done.",
        to = recipient.address(),
        token = recipient.token,
        stamp = jiff::Timestamp::now().as_millisecond(),
    )
    .into_bytes()
}

/// Zone lines by which the domain's mail arrives here.
pub(super) fn records(
    recipient: &Recipient,
    name: &str,
    addresses: &[IpAddr],
    doors: &[Door],
) -> Result<String, PlanFault> {
    let mut all: Vec<IpAddr> = addresses.iter().copied().map(unmap).collect();
    if all.is_empty() {
        let bound = doors.iter().filter_map(|d| d.address().ok()).map(|a| unmap(a.ip()));
        all.extend(bound.filter(|ip| !ip.is_unspecified() && !ip.is_loopback()));
    }
    all.dedup();
    if all.is_empty() {
        return Err(PlanFault(
            "--setup: which address do the records name? give --address IP, the public one of this machine \
             (smtp-preflight check --self shows it)"
                .into(),
        ));
    }
    // The host lies within the domain, unless we have a name of our own.
    let host = if name == "localhost" { format!("mx.{}", recipient.domain) } else { name.to_owned() };
    let mut text = format!("{}. 300 IN MX 10 {host}.\n", recipient.domain);
    for ip in all {
        let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
        let _ = writeln!(text, "{host}. 300 IN {kind} {ip}");
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients() {
        let one = Recipient::parse("t1@Probe.example").unwrap();
        assert_eq!(one.address(), "t1@probe.example");
        let (a, b) = (Recipient::parse("probe.example").unwrap(), Recipient::parse("probe.example").unwrap());
        assert_ne!(a.token, b.token);
        assert!(crate::smtp::names_token(&a.address(), &a.token));
        assert!(!crate::smtp::names_token(&sender(None, &a).unwrap(), &a.token));
        for bad in ["", "@probe.example", "t1@", "a b@probe.example", "t1@a..b", "<t1@probe.example>"] {
            assert!(Recipient::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn senders_that_cannot_break_out() {
        let to = Recipient::parse("t1@probe.example").unwrap();
        assert_eq!(sender(Some("a.b+c@example.net"), &to).unwrap(), "a.b+c@example.net");
        for bad in
            ["", "a", "a@", "@b.example", "a>@b.example", "a\r\nRCPT TO:<x>@b.example", "a b@c.example", "a@b..c"]
        {
            assert!(sender(Some(bad), &to).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_message_is_plain_and_says_what_it_is() {
        let to = Recipient::parse("t1@probe.example").unwrap();
        let text = String::from_utf8(message(&to, "a@example.net", "probe.example.net")).unwrap();
        let mail = mail_parser::MessageParser::default().parse(text.as_bytes()).unwrap();
        assert_eq!(mail.subject(), Some("smtp-preflight test message t1"));
        assert!(mail.date().is_some());
        assert!(text.is_ascii() && !text.ends_with('\n') && text.replace("\r\n", "").find(['\r', '\n']).is_none());
        assert!(text.lines().all(|l| l.len() <= 78 || l.starts_with("Message-ID")), "{text}");
    }
}
