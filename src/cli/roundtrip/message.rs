//! The test message, the addresses in it, and the records that its domain needs.
//!
//! Standard: RFC 5322 (message), RFC 3834 (automatic messages), RFC 5321 §4.1.2 (addresses).

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::IpAddr;

use crate::cli::listen::check_token;
use crate::cli::plan::PlanFault;
use crate::name::{HostName, unmap};
use crate::observe::listen::Door;
use crate::observe::send::fresh_token;
use crate::smtp::names_token;

/// Octets of a local part (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Octets of an address: a path of 256 (§4.5.3.1.3) without its brackets.
const MAX_ADDRESS: usize = 254;

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
        // Names that the DNS may hold, and that no mail can be sent to (RFC 5321 §2.3.5).
        if domain.contains(['*', '_']) {
            return Err(PlanFault(format!(
                "--to {}: no mail is sent to a domain with * or _ in it; give one name, as in probe.example.org",
                crate::report::clean_bounded(text, 80)
            )));
        }
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
    let fault = |words| Err(PlanFault(format!("--from {}: {words}", crate::report::clean_bounded(text, 80))));
    let parts = text.rsplit_once('@').filter(|(local, _)| is_dot_string(local));
    let Some((local, domain)) = parts.and_then(|(local, domain)| Some((local, HostName::parse(domain).ok()?))) else {
        return fault("give an address such as postmaster@example.net, without quotes");
    };
    if domain.to_string() == recipient.domain && names_token(local, &recipient.token) {
        return fault("that is the recipient too, and a bounce would be taken for the message; give another");
    }
    match format!("{local}@{domain}") {
        address if address.len() <= MAX_ADDRESS => Ok(address),
        _ => fault("give an address of 254 characters at most"),
    }
}

/// Whether a local part can stand as it is: atoms with a dot between them (RFC 5321 §4.1.2, RFC 5322 §3.2.3). The
/// quoted form, which mailboxes should do without (the same section), is none.
fn is_dot_string(local: &str) -> bool {
    let atext = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    local.len() <= MAX_LOCAL && local.split('.').all(|atom| !atom.is_empty() && atom.chars().all(atext))
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
        all.extend(bound.filter(|ip| !is_nobodys(*ip)));
    }
    let mut seen = HashSet::new();
    all.retain(|ip| seen.insert(*ip));
    if let Some(ip) = all.iter().find(|ip| is_nobodys(**ip)) {
        return Err(PlanFault(format!(
            "--address {ip}: no other machine reaches that; give the public address of this one"
        )));
    }
    if all.is_empty() {
        return Err(PlanFault(
            "--setup: which address do the records name? give --address IP, the public one of this machine \
             (smtp-preflight check --self shows it)"
                .into(),
        ));
    }
    // The host lies within the domain, unless we have a name of our own.
    // A name of one label, as a machine may have it, is no name in the DNS.
    let host = if name.contains('.') { name.to_owned() } else { format!("mx.{}", recipient.domain) };
    let mut text = format!("{}. 300 IN MX 10 {host}.\n", recipient.domain);
    for ip in all {
        let kind = if ip.is_ipv4() { "A" } else { "AAAA" };
        let _ = writeln!(text, "{host}. 300 IN {kind} {ip}");
    }
    Ok(text)
}

/// An address that no record should name: this machine's own to itself, of one wire only, or of no single machine.
fn is_nobodys(ip: IpAddr) -> bool {
    let scoped = match ip {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    scoped || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast()
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
        for bad in [
            "",
            "@probe.example",
            "t1@",
            "a b@probe.example",
            "t1@a..b",
            "<t1@probe.example>",
            "a..b@probe.example",
            ".x@probe.example",
            "x.@probe.example",
            "a@b@probe.example",
            "\"t1\"@probe.example",
            "*.probe.example",
            "t1@*.probe.example",
            "_x.probe.example",
        ] {
            assert!(Recipient::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn senders_that_cannot_break_out() {
        let to = Recipient::parse("t1@probe.example").unwrap();
        assert_eq!(sender(Some("a.b+c@example.net"), &to).unwrap(), "a.b+c@example.net");
        assert_eq!(sender(Some("o'brien/x=y@B\u{fc}cher.example"), &to).unwrap(), "o'brien/x=y@xn--bcher-kva.example");
        let (long, longer) = (format!("{}@b.example", "a".repeat(64)), format!("{}@b.example", "a".repeat(65)));
        assert_eq!(sender(Some(&long), &to).unwrap(), long);
        for bad in [
            "",
            "a",
            "a@",
            "@b.example",
            "a>@b.example",
            "a\r\nRCPT TO:<x>@b.example",
            "a b@c.example",
            "a@b..c",
            "a..b@c.example",
            ".a@c.example",
            "a.@c.example",
            "a@b@c.example",
            "\"a b\"@c.example",
            "b\u{fc}cher@c.example",
            "t1@probe.example",
            "box+T1@probe.example",
            &longer,
        ] {
            assert!(sender(Some(bad), &to).is_err(), "{bad}");
        }
        assert!(sender(Some("t1@other.example"), &to).is_ok());
    }

    #[test]
    fn records_that_can_be_published() {
        let to = Recipient::parse("t1@probe.example").unwrap();
        let ips = |texts: &[&str]| texts.iter().map(|t| t.parse().unwrap()).collect::<Vec<IpAddr>>();
        let twice = ips(&["203.0.113.5", "2001:db8::5", "203.0.113.5", "::ffff:203.0.113.5"]);
        for one_label in ["localhost", "box"] {
            assert_eq!(
                records(&to, one_label, &twice, &[]).unwrap(),
                "probe.example. 300 IN MX 10 mx.probe.example.\nmx.probe.example. 300 IN A 203.0.113.5\n\
                 mx.probe.example. 300 IN AAAA 2001:db8::5\n"
            );
        }
        for bad in
            ["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1", "169.254.0.1", "::ffff:127.0.0.2"]
        {
            assert!(records(&to, "mx.probe.example", &ips(&["203.0.113.5", bad]), &[]).is_err(), "{bad}");
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
