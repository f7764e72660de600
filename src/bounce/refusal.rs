//! The refusals of a bounce: report fields and quoted replies brought together.
//!
//! Standard: RFC 3464 §2.3 (Status, Remote-MTA, Diagnostic-Code).
//! Input: a [`Letter`]. Output: one [`Refusal`] for each recipient's report and for each reply quoted
//! in words only, the fuller wording of the two kept.

use super::cause::Said;
use super::letter::Letter;
use super::quotes::{quotes, reasons, reply_start, trim_tail};
use super::remote::{self, Remote};
use super::reply::Reply;
use super::stage;

/// One refusal with all that was told around it.
pub(super) struct Refusal {
    pub said: Said,
    pub remote: Remote,
    pub recipient: Option<String>,
    /// As quoted, before codes were taken out.
    pub raw: String,
}

/// The refusals: one for each recipient's report, and those quoted in words only.
pub(super) fn refusals(letter: &Letter) -> Vec<Refusal> {
    let quoted = &quotes(&letter.prose);
    let mut out: Vec<Refusal> = Vec::new();
    for group in letter.groups.iter().take(24) {
        if group.delivered() {
            continue;
        }
        let Some(diagnostic) = group
            .diagnostic()
            .filter(|d| !d.is_empty())
            .map(str::to_owned)
            .or_else(|| group.status().map(|_| String::new()))
        else {
            continue;
        };
        let (raw, context) = inner_reply(&diagnostic);
        let mut reply = Reply::read(trim_tail(raw));
        // A failure without a reply tells itself where it was going: "connect to x[ip]: timed out".
        let mut remote = remote::remote(if reply.code.is_some() { context } else { &diagnostic });
        let mut told = format!("{context} {}", &raw[trim_tail(raw).len()..]);
        // The words often hold the whole of what the report cuts off.
        for quote in quoted {
            let full = Reply::read(&quote.raw);
            if full.code != reply.code || full.code.is_none() || !begins_alike(&full.text, &reply.text) {
                continue;
            }
            if full.text.len() > reply.text.len() {
                reply = Reply { enhanced: reply.enhanced.or(full.enhanced), ..full };
            }
            let around = remote::remote(&quote.context);
            remote.host = remote.host.or(around.host);
            remote.ips.extend(around.ips);
            remote.dialled |= around.dialled;
            remote.local |= around.local;
            told.push_str(&quote.context);
        }
        if let Some(host) = group.host("remote-mta") {
            remote.host = Some(host.to_owned());
        }
        remote.ips.extend(group.address("remote-mta"));
        let status = group.status().filter(|_| reply.enhanced.is_none() || is_vague(reply.enhanced.as_deref()));
        out.push(Refusal {
            said: Said { stage: stage::stage(&told), status, reply },
            remote,
            recipient: group.recipient().map(str::to_owned),
            raw: diagnostic,
        });
    }
    for quote in quoted {
        let reply = Reply::read(&quote.raw);
        let known =
            out.iter().any(|r| r.said.reply.code == reply.code && begins_alike(&r.said.reply.text, &reply.text));
        if known {
            continue;
        }
        let remote = remote::remote(&quote.context);
        out.push(Refusal {
            said: Said { stage: stage::stage(&quote.context), status: None, reply },
            remote,
            recipient: recipient_in(&quote.context),
            raw: quote.raw.clone(),
        });
    }
    if letter.is_bounce() && out.iter().all(|r| r.said.reply.code.is_none() && r.said.reply.text.is_empty()) {
        let status = out.first().and_then(|r| r.said.status.clone());
        for quote in reasons(&letter.prose) {
            out.push(Refusal {
                said: Said { stage: None, status: status.clone(), reply: Reply::read(&quote.raw) },
                remote: remote::remote(&quote.raw),
                recipient: recipient_in(&quote.context),
                raw: quote.raw,
            });
        }
        // A report with a status only says less than the words about its recipient.
        out.sort_by_key(|r| r.said.reply.text.is_empty());
    }
    out
}

fn is_vague(code: Option<&str>) -> bool {
    code.is_some_and(|c| c.ends_with(".0.0"))
}

/// A diagnostic that quotes a reply within words: `host x[ip] said: 550 …`.
fn inner_reply(diagnostic: &str) -> (&str, &str) {
    if super::reply::leading_code(diagnostic.split_whitespace().next().unwrap_or_default()).is_some() {
        return (diagnostic, "");
    }
    // IronPort: "5.1.0 - Unknown address error 550-'5.7.1 …'".
    for (at, _) in diagnostic.match_indices("-'").chain(diagnostic.match_indices("-\"")) {
        let start = at.saturating_sub(3);
        if diagnostic.get(start..at).is_some_and(|d| super::reply::leading_code(d).is_some()) {
            return (&diagnostic[start..], &diagnostic[..start]);
        }
    }
    match reply_start(diagnostic) {
        Some(start) => (&diagnostic[start..], &diagnostic[..start]),
        None => (diagnostic, ""),
    }
}

fn begins_alike(a: &str, b: &str) -> bool {
    let letters = |t: &str| t.bytes().filter(u8::is_ascii_alphanumeric).take(24).collect::<Vec<_>>();
    let (a, b) = (letters(a), letters(b));
    let n = a.len().min(b.len());
    (n > 0 || a.len() == b.len()) && a[..n] == b[..n]
}

fn recipient_in(context: &str) -> Option<String> {
    context
        .split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';'))
        .map(|w| w.trim_matches([':', '"', '\'', '.']))
        .find(|w| w.len() > 3 && w.contains('@') && !w.starts_with('@') && !w.ends_with('@') && !w.contains(['[', '=']))
        .map(str::to_owned)
}
