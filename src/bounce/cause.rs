//! From replies, status codes and words to the family of the cause and the identity leg.
//!
//! Standard: RFC 3463 and the IANA registry of enhanced status codes, RFC 7372 (authentication and
//! reverse lookup codes), RFC 7505 (null MX).
//! Design: a specific phrase before a code, a code before a guess, and `unknown` where none holds.

use super::callout::{callout, own};
use super::phrases::{Phrase, Strength, fold, phrases};
use super::reply::{Reply, Stage};
use super::sentence::{self, Fault};
use super::{Basis, Cause, Identity, Matched};

/// What was decided, and from what.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub cause: Cause,
    pub identity: Option<Identity>,
    pub possible: Vec<Identity>,
    pub receiver: Option<String>,
    pub software: Option<String>,
    pub matched: Option<Matched>,
    /// Which of the replies decided.
    pub reply: Option<usize>,
    rank: u8,
}

impl Decision {
    fn of_phrase(phrase: &Phrase, rank: u8) -> Self {
        Self {
            cause: phrase.cause,
            identity: phrase.identity,
            possible: phrase.possible.clone(),
            receiver: phrase.receiver.clone(),
            software: phrase.software.clone(),
            matched: Some(Matched {
                basis: Basis::Phrase,
                what: phrase.text.clone(),
                source: phrase.source.clone(),
                date: phrase.date.clone(),
            }),
            reply: None,
            rank,
        }
    }

    fn of_fault(fault: Fault) -> Self {
        Self {
            cause: Cause::SenderIdentity,
            identity: Some(fault.leg),
            possible: fault.possible,
            matched: Some(Matched {
                basis: Basis::Phrase,
                what: fault.what,
                source: fault.source.into(),
                date: fault.date.into(),
            }),
            rank: if fault.aside { PARTICULAR } else { SENTENCE },
            ..Self::unknown()
        }
    }

    fn unknown() -> Self {
        Self {
            cause: Cause::Unknown,
            identity: None,
            possible: vec![],
            receiver: None,
            software: None,
            matched: None,
            reply: None,
            rank: 0,
        }
    }
}

/// Ranks of evidence: the greater decides.
const GUESS: u8 = 5;
const WORD: u8 = 10;
const VAGUE_CODE: u8 = 15;
const PROSE: u8 = 18;
const GENERAL: u8 = 20;
const PARTICULAR: u8 = 21;
const AT_THE_DOOR: u8 = 22;
const CODE: u8 = 25;
const SPECIFIC: u8 = 30;
const SENTENCE: u8 = 31;

const fn rank(strength: Strength) -> u8 {
    match strength {
        Strength::Weak => WORD,
        Strength::General => GENERAL,
        Strength::Specific => SPECIFIC,
        Strength::Named => 40,
        Strength::Lookalike => 50,
    }
}

/// One quoted reply and the stage at which it came.
pub(super) struct Said {
    pub reply: Reply,
    pub stage: Option<Stage>,
    /// The report's `Status` field, where the reply has no enhanced code of its own.
    pub status: Option<String>,
}

/// Decides over all that was said. `words` is the whole text of the bounce; `pasted`, that it is no
/// mail but a line or two that somebody pasted.
pub(super) fn decide(said: &[&Said], words: &str, pasted: bool) -> Decision {
    let mut best = Decision::unknown();
    for (at, one) in said.iter().enumerate() {
        for mut next in of_reply(one) {
            next.reply = Some(at);
            // Before any recipient is named, "does not exist" is said of the sender.
            if next.cause == Cause::Recipient
                && matches!(one.stage, Some(Stage::Connect | Stage::Ehlo | Stage::Mail))
                && !is_destination(&one.reply)
            {
                next.cause = Cause::Policy;
            }
            // A later recipient's refusal overrules only when it names the sender's identity.
            let identity =
                next.cause == Cause::SenderIdentity && best.cause != Cause::SenderIdentity && next.rank >= CODE;
            if next.rank > best.rank && (best.reply.is_none_or(|r| r == at) || best.rank < GENERAL)
                || identity && best.rank < 50
            {
                best = next;
            }
        }
    }
    // Where something was quoted, the words around it are a mail program's own.
    let quoted = said.iter().any(|s| !s.reply.text.is_empty());
    if best.rank < GENERAL
        && let Some(next) = of_words(words)
        && next.rank > best.rank
        && (!quoted || next.rank >= PROSE)
    {
        best = Decision { reply: best.reply, ..next };
    }
    if pasted
        && !quoted
        && best.cause != Cause::SenderIdentity
        && best.rank < SENTENCE
        && let Some(fault) = sentence::fault(&fold(words))
    {
        best = Decision { reply: best.reply, ..Decision::of_fault(fault) };
    }
    best
}

/// The phrase that decides most among those that mean what they say.
fn strongest(folded: &str) -> Option<&'static Phrase> {
    let best = phrases().best_of(folded, |p, place| is_meant(p, folded, place));
    // A list's reasons ("dynamic range", "HELO name listed") are the list's, not this receiver's.
    let listing = best.is_some_and(|p| {
        let reason =
            matches!(p.identity, Some(Identity::PtrGeneric | Identity::EhloBad)) && sentence::is_listing(folded);
        p.strength <= Strength::Specific && p.identity.is_some() && (reason || sentence::names_list(folded))
    });
    if listing { phrases().best_of(folded, |p, _| p.cause == Cause::Reputation).or(best) } else { best }
}

/// Octets below which a phrase is no sentence.
const SHORT: usize = 30;

/// A few words; a receiver's own code is none.
fn is_short(phrase: &Phrase) -> bool {
    phrase.weight < SHORT && phrase.text.contains(' ') && phrase.strength < Strength::Lookalike
}

/// Whether a phrase found at a place means what it says there: words with one meaning are still another
/// thing beside SPF or TLS, and when they are denied. A receiver's whole sentence is not doubted.
fn is_meant(phrase: &Phrase, folded: &str, place: (usize, usize)) -> bool {
    phrase.cause != Cause::SenderIdentity
        || phrase.strength > Strength::Specific && !is_short(phrase)
        || !sentence::is_spoiled(folded, place)
}

fn of_reply(said: &Said) -> Vec<Decision> {
    let mut out = Vec::new();
    let reply = &said.reply;
    let folded = fold(own(&reply.text));
    if let Some(told) = callout(&reply.text) {
        out.push(Decision {
            cause: told.cause,
            matched: Some(Matched {
                basis: Basis::Phrase,
                what: told.mark.trim_end_matches([' ', '<', ':']).to_owned(),
                source: "Exim and Postfix address verification; wording in common use".into(),
                date: "2026-11".into(),
            }),
            rank: SPECIFIC,
            ..Decision::unknown()
        });
    }
    // "User unknown" and "mailbox full" have codes that mean nothing else; two words beside one are chance,
    // unless they speak of the client by name ("your IP has no reverse DNS").
    let recipient =
        reply.enhanced.as_deref().is_some_and(|c| c.ends_with(".1.1") || c.ends_with(".2.2") || c == "5.2.1")
            && !sentence::is_about_client(&folded);
    let chance = |p: &Phrase| recipient && p.cause == Cause::SenderIdentity && is_short(p);
    let best = strongest(&folded).filter(|p| !chance(p));
    if let Some(p) = best {
        let mut decision = Decision::of_phrase(p, rank(p.strength));
        // What DNS or a connection to its domain failed in is the sender's there, and no trouble on the way.
        if matches!(p.cause, Cause::Transport | Cause::Recipient)
            && p.strength <= Strength::Specific
            && sentence::is_about_sender(&folded)
            && !recipient
        {
            decision.cause = if sentence::is_listing(&folded) { Cause::Reputation } else { Cause::Policy };
        }
        // The address of a page tells the family; the words beside it know the leg better.
        if p.of_url
            && p.identity.is_some()
            && let Some(fault) = sentence::fault(&folded)
        {
            decision.identity = Some(fault.leg);
            decision.possible = fault.possible;
        }
        out.push(decision);
    }
    let other = best.is_none_or(|p| {
        !matches!(p.cause, Cause::SenderIdentity | Cause::Reputation | Cause::Authentication)
            || p.strength < Strength::Specific
    });
    if other
        && !recipient
        && let Some(fault) = sentence::fault(&folded)
    {
        out.push(Decision::of_fault(fault));
    }
    for (code, drop) in [(reply.enhanced.as_deref(), 0), (said.status.as_deref(), 1)] {
        if let Some(code) = code
            && let Some((cause, identity, rank)) = by_enhanced(code)
        {
            out.push(Decision {
                cause,
                identity,
                possible: if code.ends_with(".7.25") { vec![Identity::PtrUnconfirmed] } else { vec![] },
                receiver: None,
                software: None,
                matched: Some(Matched {
                    basis: Basis::Code,
                    what: code.to_owned(),
                    source: "IANA SMTP Enhanced Status Codes (RFC 3463, RFC 7372)".into(),
                    date: "2026-11".into(),
                }),
                reply: None,
                rank: rank - drop,
            });
        }
    }
    if let Some((cause, identity)) = guess(reply, said.stage) {
        // Who refuses EHLO and names no list refuses the client itself.
        let listed = out.first().is_some_and(|d| matches!(d.cause, Cause::Reputation | Cause::Rate | Cause::Transport));
        let turned_away = said.stage == Some(Stage::Connect) && cause == Cause::Reputation;
        let rank = if identity.is_some() && !listed || turned_away { AT_THE_DOOR } else { GUESS };
        out.push(Decision {
            cause,
            identity,
            possible: vec![],
            receiver: None,
            software: None,
            matched: Some(Matched {
                basis: Basis::Guess,
                what: format!("{} at this stage", reply.code.unwrap_or_default()),
                source: "RFC 5321 §4.3.2".into(),
                date: "2008-10".into(),
            }),
            reply: None,
            rank,
        });
    }
    out
}

/// A code that is about the destination by its definition (RFC 3463 §3.2 and §3.3).
fn is_destination(reply: &Reply) -> bool {
    reply.enhanced.as_deref().is_some_and(|code| {
        let place = code.split_once('.').map_or("", |(_, rest)| rest);
        matches!(place, "1.1" | "1.2" | "1.3" | "1.4" | "1.6" | "1.10") || place.starts_with("2.")
    })
}

/// The words around the replies: where a bounce quotes none, they are all there is.
fn of_words(words: &str) -> Option<Decision> {
    let folded = fold(words);
    let p = strongest(&folded)?;
    let rank = match p.strength {
        Strength::Weak => WORD - 1,
        Strength::General => PROSE - 1,
        _ => PROSE,
    };
    Some(Decision::of_phrase(p, rank))
}

/// The cause that an enhanced status code names, and whether it names it closely or from afar.
fn by_enhanced(code: &str) -> Option<(Cause, Option<Identity>, u8)> {
    let mut parts = code.split('.').map(|p| p.parse::<u16>().ok());
    let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
    if class == 2 {
        return None;
    }
    let close = |cause| Some((cause, None, CODE));
    let far = |cause| Some((cause, None, VAGUE_CODE));
    match (subject, detail) {
        (1, 7 | 8) | (7, 8 | 9 | 30 | 50..=199) => close(Cause::Policy),
        (1 | 2, 0) => far(Cause::Recipient),
        (1 | 2, _) if (subject, detail) != (2, 3) => close(Cause::Recipient),
        (2, 3) | (3, 4) => close(Cause::Content),
        // 5.3.2 is a host that takes no mail at all, 4.3.2 one that takes none now.
        (3, 2) if class == 5 => close(Cause::Recipient),
        (3, 0) | (5, _) => far(Cause::Transport),
        // Exchange Online's directory-based refusal borrows 5.4.1 (no answer from host).
        (4, 0 | 1) if class == 5 => far(Cause::Transport),
        // Postfix and Exchange say 4.7.5 when the receiver's certificate cannot be trusted.
        (3 | 4, _) | (7, 5) => close(Cause::Transport),
        (6, 0) => far(Cause::Content),
        (6, _) => close(Cause::Content),
        (7, 25) => Some((Cause::SenderIdentity, Some(Identity::PtrMissing), CODE)),
        (7, 506) => Some((Cause::SenderIdentity, Some(Identity::EhloBad), CODE)),
        (7, 20..=24 | 26 | 29 | 509 | 512 | 515) => close(Cause::Authentication),
        (7, 13 | 14 | 17 | 18 | 27) => close(Cause::Recipient),
        (7, 28 | 508) => close(Cause::Rate),
        (7, 500..=505 | 511 | 606..=649 | 650..=699 | 700..=709) => close(Cause::Reputation),
        (7, _) => far(Cause::Policy),
        _ => None,
    }
}

/// What a bare code means at its stage. A refusal of EHLO can only be about who the client is.
fn guess(reply: &Reply, stage: Option<Stage>) -> Option<(Cause, Option<Identity>)> {
    let code = reply.code?;
    match (stage, code) {
        (Some(Stage::Ehlo), 500..=599) if !matches!(code, 500 | 502) => {
            Some((Cause::SenderIdentity, Some(Identity::Unspecified)))
        }
        // A greeting that refuses turns this client away, whatever it means to send.
        (Some(Stage::Connect), 421 | 550..=554) => Some((Cause::Reputation, None)),
        (Some(Stage::Rcpt), 550 | 551 | 553) | (_, 552) => Some((Cause::Recipient, None)),
        (Some(Stage::Mail | Stage::Data), 550..=554) => Some((Cause::Policy, None)),
        (_, 421 | 451 | 500..=504) => Some((Cause::Transport, None)),
        _ => None,
    }
}

/// The stage that a bounce's words before a reply tell, or behind it (`in reply to RCPT TO`).
pub(super) fn stage(context: &str) -> Option<Stage> {
    let lower = context.to_ascii_lowercase();
    let marks: [(&str, Stage); 16] = [
        ("initial connection", Stage::Connect),
        ("refused to talk to me", Stage::Connect),
        ("in greeting", Stage::Connect),
        ("after ehlo", Stage::Ehlo),
        ("after helo", Stage::Ehlo),
        (">>> ehlo", Stage::Ehlo),
        (">>> helo", Stage::Ehlo),
        ("reply to ehlo", Stage::Ehlo),
        ("reply to helo", Stage::Ehlo),
        ("mail from", Stage::Mail),
        ("rcpt to", Stage::Rcpt),
        ("recipient was rejected", Stage::Rcpt),
        ("does not like recipient", Stage::Rcpt),
        ("end of data", Stage::Data),
        (">>> data", Stage::Data),
        ("after i sent the message", Stage::Data),
    ];
    // The last one told is the one that failed.
    marks.iter().filter_map(|(m, s)| lower.rfind(m).map(|at| (at, *s))).max_by_key(|(at, _)| *at).map(|(_, s)| s)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(raw: &str) -> Said {
        Said { reply: Reply::read(raw), stage: None, status: None }
    }

    #[test]
    fn phrase_before_code_before_guess() {
        for (raw, cause, identity) in [
            ("550 5.7.25 nothing else", Cause::SenderIdentity, Some(Identity::PtrMissing)),
            ("550 5.7.1 Relaying denied. IP name lookup failed [192.0.2.1]", Cause::Policy, None),
            ("550 5.7.23 SPF validation failed", Cause::Authentication, None),
            (
                "421 4.7.23 doesn't have a PTR record, or the PTR record's forward DNS entry doesn't match the sending IP address",
                Cause::SenderIdentity,
                Some(Identity::PtrMissing),
            ),
            (
                "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
                Cause::SenderIdentity,
                Some(Identity::PtrMissing),
            ),
            ("550 5.1.1 access denied", Cause::Recipient, None),
            ("550 5.1.1 Your IP has no Reverse DNS", Cause::SenderIdentity, Some(Identity::PtrMissing)),
            ("554 no words known here", Cause::Unknown, None),
        ] {
            let got = decide(&[&say(raw)], "", false);
            assert_eq!((got.cause, got.identity), (cause, identity), "{raw}");
        }
        assert_eq!(decide(&[], "", false).cause, Cause::Unknown);
    }

    #[test]
    fn words_of_the_identity_that_mean_something_else() {
        for text in [
            "503 5.5.1 Error: send HELO/EHLO first",
            "EHLO command not recognized",
            "550 rejected by SPF: ptr mechanism failed, no PTR",
            "550 5.7.23 SPF permerror: ptr mechanism, reverse DNS lookup failed",
            "550 spam score 12 (RDNS_NONE, no PTR)",
            "Client host blocked using dul.example; dynamic IP address not allowed",
            "Your IP has a good PTR. Mailbox not found",
            "550 5.1.1 no such user; this is not about missing reverse DNS",
            "550 5.1.1 <bob@b.example>: no PTR",
            "552 5.2.2 mailbox full, dynamic hostname",
            "550 5.2.1 mailbox of your server admin is disabled; no reverse record of it",
            "550 content refused, see https://x.example/no-ptr/missing-reverse-dns/bad-helo",
            "550 content refused, reverse DNS failed is not the reason",
            "550 203.0.113.77 is listed at rbl.recv.example (no PTR, dynamic range)",
            "Server certificate not verified: hostname mismatch",
            "454 4.7.5 TLS certificate: hostname mismatch",
            "550 access denied; your PTR is valid",
            "the IP address of host mx.example.net could not be resolved",
            "Your address was rejected by default policy",
            "550 5.1.8 обратный адрес не существует",
            "Sender domain has no MX and no PTR",
            "",
        ] {
            let coded = text.starts_with(|c: char| c.is_ascii_digit());
            let pasted = decide(&[], if coded { "" } else { text }, true);
            for got in [decide(&[&say(text)], "", false), pasted] {
                assert_ne!(got.cause, Cause::SenderIdentity, "{text}: {:?}", got.matched);
            }
        }
    }

    #[test]
    fn an_unknown_host_is_the_recipients_at_any_stage() {
        let mut said = say("550 5.1.2 <b@x.example>... Host unknown (Name server: x.example.: host not found)");
        said.stage = Some(Stage::Mail);
        assert_eq!(decide(&[&said], "", false).cause, Cause::Recipient);
    }

    #[test]
    fn the_stage_is_the_last_told() {
        assert_eq!(stage("SMTP error from remote mail server after RCPT TO:<a@b>: host x:"), Some(Stage::Rcpt));
        assert_eq!(stage("(in reply to end of DATA command)"), Some(Stage::Data));
        assert_eq!(stage("nothing"), None);
    }
}
