//! A verification that the receiver made by calling a third server, told in its refusal.
//!
//! Input: a reply's text. Output: where the third server's part begins, and whose address was verified.
//! Design: a receiver that verifies an address by dialling (Exim's callout, Postfix's address verification)
//! quotes what it was told there. Those words are said to the receiver about the receiver: its PTR, its EHLO
//! name, its address. None of them is about who sent the refused message.

use super::Cause;
use super::reply::leading_code;

/// What a reply says of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Callout {
    /// Where the words about it begin.
    pub at: usize,
    /// The words that tell of it.
    pub mark: &'static str,
    /// `Recipient`, or `Policy` where the sender's address was verified.
    pub cause: Cause,
}

/// Words that only a verification has.
const MARKS: [&str; 13] = [
    "callback setup failed",
    "callout verification failed",
    "callback verification failed",
    "sender callout",
    "recipient callout",
    "sender callback",
    "callout failed",
    "callback failed",
    "callout to ",
    "unverified address:",
    "undeliverable address:",
    "address verification failed:",
    "verification failed for <",
];

/// Words of a verification that count only where a quoted reply follows them.
const VERIFYING: [&str; 6] = ["verify", "verification", "verifying", "verified", "called:", "probe"];

/// Words right before a reply that is quoted.
const SAID: [&str; 7] = ["said:", "response:", "responded:", "returned:", "replied:", "answered:", "was:"];

/// The verification that a reply tells of.
pub(super) fn callout(text: &str) -> Option<Callout> {
    let lower = text.to_ascii_lowercase();
    let (at, mark) = MARKS
        .iter()
        .filter_map(|m| lower.find(m).map(|at| (at, *m)))
        .filter(|(at, m)| !m.ends_with('<') || is_mail_address(&lower[at + m.len()..]))
        .min()
        .or_else(|| nested(&lower))?;
    let of_sender = ["sender verif", "sender address", "sender callo", "sender callb", "mail from"];
    let of_recipient = ["recipient verif", "recipient address", "recipient callo", "unverified recipient"];
    let said = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    let cause = if said(&of_recipient) && !said(&of_sender) { Cause::Recipient } else { Cause::Policy };
    Some(Callout { at, mark, cause })
}

/// What a reply says itself, without what a third server said.
pub(super) fn own(text: &str) -> &str {
    callout(text).map_or(text, |c| &text[..c.at])
}

/// "could not verify <a@x.example>: mx.x.example said: 550 …".
fn nested(lower: &str) -> Option<(usize, &'static str)> {
    VERIFYING.iter().filter_map(|m| lower.find(m).map(|at| (at, *m))).min().filter(|(at, _)| {
        let rest = &lower[*at..];
        // An address was verified, not a name of the client.
        let addressed = *at == 0 || lower[..*at].contains('@') || rest.contains('@') || lower.contains("address");
        let quoted = SAID.iter().any(|s| {
            rest.match_indices(s).any(|(n, _)| {
                let reply = rest[n + s.len()..].trim_start_matches([' ', '\'', '"', '<']);
                reply.split_whitespace().next().and_then(leading_code).is_some_and(|(code, _)| code >= 400)
            })
        });
        addressed && quoted
    })
}

fn is_mail_address(rest: &str) -> bool {
    rest.split('>').next().is_some_and(|a| a.contains('@') && !a.contains(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_servers_words_are_cut_off() {
        for (text, kept, cause) in [
            (
                "Verification failed for <a@x.example> Called: 192.0.2.1 Response: 550 5.7.25 no PTR Sender verify failed",
                "",
                Some(Cause::Policy),
            ),
            (
                "<b@y.example>: Recipient address rejected: unverified address: host m.y.example[10.0.0.1] said: 450 no PTR",
                "<b@y.example>: Recipient address rejected: ",
                Some(Cause::Recipient),
            ),
            (
                "Could not verify <a@x.example>: mx.x.example said: '550 5.7.25 no PTR'",
                "Could not ",
                Some(Cause::Policy),
            ),
            ("HELO verification failed for 192.0.2.1", "HELO verification failed for 192.0.2.1", None),
            ("Verification of HELO failed", "Verification of HELO failed", None),
            ("PTR could not be verified", "PTR could not be verified", None),
        ] {
            assert_eq!((own(text), callout(text).map(|c| c.cause)), (kept, cause), "{text}");
        }
    }
}
