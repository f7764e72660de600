//! The fields of a delivery report.
//!
//! Standard: RFC 3464 §2 (groups of fields, the message's first, then one a recipient), RFC 5965 §3
//! (feedback reports). Read generously: groups run together, folding lost, types left out.

use std::net::IpAddr;

use super::address::{addresses, host_name, parse};
use super::header::field;
use super::reply::clip;

/// Groups beyond this are not looked at.
const MAX_GROUPS: usize = 64;
const MAX_FIELD: usize = 8192;

/// One group of fields: lower-case names and bodies, folding undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, b)| b.as_str())
    }

    /// `Diagnostic-Code` without its type, where it is of the SMTP kind or says none.
    pub(super) fn diagnostic(&self) -> Option<&str> {
        let body = self.get("diagnostic-code")?;
        Some(untyped(body))
    }

    pub(super) fn status(&self) -> Option<String> {
        super::reply::find_enhanced(self.get("status")?)
    }

    pub(super) fn delivered(&self) -> bool {
        self.get("action").is_some_and(|a| {
            let a = a.trim().to_ascii_lowercase();
            ["delivered", "relayed", "expanded"].iter().any(|w| a.starts_with(w))
        })
    }

    pub(super) fn recipient(&self) -> Option<&str> {
        let body = self.get("final-recipient").or_else(|| self.get("original-recipient"))?;
        Some(untyped(body).trim_matches(['<', '>', ' '])).filter(|r| !r.is_empty())
    }

    /// A `…-MTA` field's host name.
    pub(super) fn host(&self, name: &str) -> Option<&str> {
        untyped(self.get(name)?).split([' ', '(', '[', ',']).find_map(host_name)
    }

    /// A `…-MTA` field's address, where it gives one.
    pub(super) fn address(&self, name: &str) -> Option<IpAddr> {
        let body = untyped(self.get(name)?);
        addresses(body).first().map(|q| q.ip).or_else(|| parse(body.trim()))
    }
}

/// Without the `type;` before it (RFC 3464 §2.1.2).
fn untyped(body: &str) -> &str {
    match body.split_once(';') {
        Some((kind, rest))
            if kind.len() <= 24 && kind.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) =>
        {
            rest.trim()
        }
        _ => body.trim(),
    }
}

/// The groups of a report part.
pub(super) fn groups(text: &str) -> Vec<Fields> {
    let mut groups: Vec<Fields> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            open = false;
            continue;
        }
        let folded = line.starts_with([' ', '\t']);
        let named = if folded { None } else { field(line) };
        match named {
            Some((name, body)) => {
                let name = name.to_ascii_lowercase();
                // A second recipient without an empty line before it.
                let again =
                    name == "final-recipient" && groups.last().is_some_and(|g| g.get("final-recipient").is_some());
                if !open || again {
                    if groups.len() == MAX_GROUPS {
                        break;
                    }
                    groups.push(Fields::default());
                    open = true;
                }
                if let Some(group) = groups.last_mut() {
                    group.0.push((name, clip(body.trim(), MAX_FIELD).to_owned()));
                }
            }
            // A line that is no field goes on with the last one, folded or not: gateways lose the indent.
            None => {
                if open
                    && let Some((_, body)) = groups.last_mut().and_then(|g| g.0.last_mut())
                    && body.len() < MAX_FIELD
                {
                    body.push(' ');
                    body.push_str(clip(line.trim(), MAX_FIELD));
                }
            }
        }
    }
    groups
}

/// Report fields that stand among words, from the first line that names one.
pub(super) fn groups_in_words(words: &str) -> Vec<Fields> {
    const FIRST: [&str; 5] =
        ["reporting-mta:", "final-recipient:", "original-recipient:", "diagnostic-code:", "remote-mta:"];
    const KNOWN: [&str; 16] = [
        "reporting-mta",
        "received-from-mta",
        "arrival-date",
        "original-envelope-id",
        "final-recipient",
        "original-recipient",
        "action",
        "status",
        "remote-mta",
        "diagnostic-code",
        "last-attempt-date",
        "will-retry-until",
        "final-log-id",
        "source-ip",
        "feedback-type",
        "user-agent",
    ];
    let begins = |line: &str| {
        let lower = clip(line.trim_start(), 24).to_ascii_lowercase();
        FIRST.iter().any(|f| lower.starts_with(f))
    };
    let mut block = String::new();
    let mut inside = false;
    for line in words.lines() {
        inside |= begins(line);
        if !inside {
            continue;
        }
        let folded = line.starts_with([' ', '\t'])
            && field(line.trim_start()).is_none_or(|(n, _)| !KNOWN.contains(&n.to_ascii_lowercase().as_str()));
        if folded {
            block.push_str(line);
        } else {
            block.push_str(line.trim_start());
        }
        block.push('\n');
    }
    if block.is_empty() { Vec::new() } else { groups(&block) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_read_well_formed_or_not() {
        let text = "Reporting-MTA: dns; mx.example.net [192.0.2.5]\r\n\r\nFinal-Recipient: rfc822; <a@b.example>\r\nAction: failed\r\nStatus: 5.7.25 (no PTR)\r\nDiagnostic-Code: smtp; 550-5.7.25 one\r\n 550 5.7.25 two\r\nlost indent\r\nFinal-Recipient: rfc822;c@d.example\r\nAction: relayed\r\n";
        let groups = groups(text);
        assert_eq!(groups.len(), 3);
        assert_eq!(groups[0].host("reporting-mta"), Some("mx.example.net"));
        assert_eq!(groups[0].address("reporting-mta").unwrap().to_string(), "192.0.2.5");
        assert_eq!(groups[1].recipient(), Some("a@b.example"));
        assert_eq!(groups[1].status().as_deref(), Some("5.7.25"));
        assert_eq!(groups[1].diagnostic(), Some("550-5.7.25 one 550 5.7.25 two lost indent"));
        assert!(groups[2].delivered() && !groups[1].delivered());
    }

    #[test]
    fn fields_among_words() {
        let groups = groups_in_words(
            "Hello,\n\n  Reporting-MTA: dns; a.example.net\n  Final-Recipient: rfc822; x@y.example\n  Diagnostic-Code: smtp; 550 no\n     such thing\n",
        );
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].diagnostic(), Some("550 no such thing"));
        assert!(groups_in_words("nothing: here").is_empty());
    }
}
