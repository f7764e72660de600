//! From replies, status codes and words to the family of the cause and the identity leg.
//!
//! Design: a specific phrase before a code, a code before a guess, and `unknown` where none holds. Where words or
//! code name no reason (`Administrative prohibition`), that is said with the cause: the identity is among what they
//! may stand for.

use super::affirmed::affirmed;
use super::callout::{callout, own};
use super::codes::{by_enhanced, guess, is_destination};
use super::page::{Pointed, pointed, spelled};
use super::phrases::{Phrase, Strength, fold, phrases};
use super::reply::Reply;
use super::sentence::{self, Fault};
use super::{Basis, Cause, Identity, Matched, Stage};

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
                untold: phrase.untold,
            }),
            reply: None,
            rank,
        }
    }

    /// What the page says that a text points to. Words with one meaning beside it go first, and know the leg better.
    fn of_page(text: &str, folded: &str) -> Option<Self> {
        let Pointed { page, value, receiver, what } = pointed(text)?;
        let mut decision = Self {
            cause: value.cause,
            identity: value.identity,
            possible: value.possible.clone(),
            receiver: Some(receiver.to_owned()),
            matched: Some(Matched {
                basis: Basis::Phrase,
                what,
                source: page.source.clone(),
                date: page.date.clone(),
                untold: value.untold && names_nothing(folded),
            }),
            rank: if value.untold { WORD } else { SPECIFIC },
            ..Self::unknown()
        };
        if value.identity.is_some() {
            decision.refine(folded);
        }
        Some(decision)
    }

    /// Takes the leg that the words name.
    fn refine(&mut self, folded: &str) {
        if let Some(fault) = sentence::fault(folded) {
            self.identity = Some(fault.leg);
            self.possible = fault.possible;
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
                untold: false,
            }),
            rank: if fault.aside { PARTICULAR } else { SENTENCE },
            ..Self::unknown()
        }
    }

    /// The words do name their reason.
    fn tell(&mut self) {
        if let Some(matched) = &mut self.matched {
            matched.untold = false;
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

    /// What a refusal calls itself.
    fn of_label(identity: Identity, what: String) -> Self {
        let ptr = identity == Identity::PtrMissing;
        Self {
            cause: Cause::SenderIdentity,
            identity: Some(identity),
            possible: if ptr { vec![Identity::PtrUnconfirmed, Identity::PtrGeneric] } else { vec![] },
            matched: Some(Matched {
                basis: Basis::Phrase,
                what,
                source: "what a refusal is labelled with, or its page is called".into(),
                date: "2026-11".into(),
                untold: false,
            }),
            rank: SPECIFIC,
            ..Self::unknown()
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

/// The phrase that decides most among those that mean what they say. `said` is the reply whose words they are.
fn strongest(folded: &str, said: Option<&Said>) -> Option<&'static Phrase> {
    let best = phrases().best_of(folded, |p, place| fits(p, folded, said) && is_meant(p, folded, place));
    // A list's reasons ("dynamic range", "HELO name listed") are the list's, not this receiver's.
    let listing = best.is_some_and(|p| {
        let reason =
            matches!(p.identity, Some(Identity::PtrGeneric | Identity::EhloBad)) && sentence::is_listing(folded);
        let named = sentence::names_list(folded);
        p.strength <= Strength::Specific && p.identity.is_some() && (reason || named)
            || p.strength == Strength::Named && p.identity.is_some() && !p.of_url && named
    });
    if listing { phrases().best_of(folded, |p, _| p.cause == Cause::Reputation).or(best) } else { best }
}

/// Whether a text has no other words than those that are said whatever the reason.
fn names_nothing(folded: &str) -> bool {
    phrases().best_of(folded, |p, _| !p.untold && fits(p, folded, None)).is_none()
}

/// Whether the reply is one that a phrase is asked of: with its code, at its stage, with no other words. What
/// refuses a destination by its code is about that.
fn fits(phrase: &Phrase, folded: &str, said: Option<&Said>) -> bool {
    if phrase.codes.is_empty() && phrase.stage.is_none() && !phrase.whole {
        return true;
    }
    let Some(said) = said else { return false };
    let coded = phrase.codes.is_empty() || said.reply.code.is_some_and(|c| phrase.codes.contains(&c));
    let staged = phrase.stage.is_none_or(|s| said.stage.is_none_or(|at| at == s));
    let whole = !phrase.whole || folded.trim_end_matches(|c: char| !c.is_alphanumeric()).len() == phrase.weight;
    coded && staged && whole && !is_destination(&said.reply)
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
    let folded = affirmed(&folded);
    out.extend(callout(&reply.text).map(|told| Decision {
        cause: told.cause,
        matched: Some(Matched {
            basis: Basis::Phrase,
            what: told.mark.trim_end_matches([' ', '<', ':']).to_owned(),
            source: "Exim and Postfix address verification; wording in common use".into(),
            date: "2026-11".into(),
            untold: false,
        }),
        rank: SPECIFIC,
        ..Decision::unknown()
    }));
    // "User unknown" and "mailbox full" have codes that mean nothing else; two words beside one are chance,
    // unless they speak of the client by name ("your IP has no reverse DNS").
    let recipient =
        reply.enhanced.as_deref().is_some_and(|c| c.ends_with(".1.1") || c.ends_with(".2.2") || c == "5.2.1")
            && !sentence::is_about_client(&folded);
    let chance = |p: &Phrase| recipient && p.cause == Cause::SenderIdentity && is_short(p);
    let best = strongest(&folded, Some(said)).filter(|p| !chance(p));
    if let Some(p) = best {
        let mut decision = Decision::of_phrase(p, rank(p.strength));
        if p.untold && !names_nothing(&folded) {
            decision.tell();
        }
        // What DNS or a connection to its domain failed in is the sender's there, and no trouble on the way.
        if matches!(p.cause, Cause::Transport | Cause::Recipient)
            && p.strength <= Strength::Specific
            && sentence::is_about_sender(&folded)
            && !recipient
        {
            decision.cause = if sentence::is_listing(&folded) { Cause::Reputation } else { Cause::Policy };
            decision.tell();
        }
        // A piece of a page's address tells the family; the words beside it know the leg better.
        if p.of_url && p.identity.is_some() {
            decision.refine(&folded);
        }
        out.push(decision);
    }
    out.extend(Decision::of_page(own(&reply.text), &folded));
    // "Client host rejected: see …/brokenptr": of a refused message, a page's name tells nothing.
    let client = ["client", "host", "connection", "server", "ip"].iter().any(|w| folded.split(' ').any(|f| f == *w));
    if best.is_none_or(|p| p.untold || p.strength == Strength::Weak)
        && !recipient
        && let Some((identity, what)) = spelled(own(&reply.text), client && best.is_some())
    {
        out.push(Decision::of_label(identity, what));
    }
    let other = best.is_none_or(|p| {
        !matches!(p.cause, Cause::SenderIdentity | Cause::Reputation | Cause::Authentication)
            || p.strength < Strength::Specific
            // "hostname mismatch" beside HELO is about the name said there: what names its topic knows the leg.
            || p.identity.is_some() && is_short(p) && !sentence::is_about_name(&fold(&p.text))
    });
    if other
        && !recipient
        && let Some(fault) = sentence::fault(&folded)
    {
        out.push(Decision::of_fault(fault));
    }
    out.extend(of_enhanced(said));
    if let Some(code) = reply.code
        && let Some(meaning) = guess(code, said.stage)
    {
        // Who refuses EHLO and names no list refuses the client itself.
        let listed = out.first().is_some_and(|d| matches!(d.cause, Cause::Reputation | Cause::Rate | Cause::Transport));
        let turned_away = said.stage == Some(Stage::Connect) && meaning.cause == Cause::Reputation;
        // Words about a name, in reply to the command that says one.
        let name = said.stage == Some(Stage::Ehlo)
            && meaning.identity == Some(Identity::Unspecified)
            && sentence::is_about_said_name(&folded);
        let at_the_door = meaning.identity.is_some() && !listed || turned_away;
        out.push(Decision {
            cause: meaning.cause,
            identity: if name { Some(Identity::EhloBad) } else { meaning.identity },
            matched: Some(Matched {
                basis: Basis::Guess,
                what: format!("{code} at this stage"),
                source: "RFC 5321 §4.3.2".into(),
                date: "2008-10".into(),
                untold: meaning.untold,
            }),
            rank: if at_the_door { AT_THE_DOOR } else { GUESS },
            ..Decision::unknown()
        });
    }
    out
}

/// What the enhanced codes tell: the reply's own, then the report's.
fn of_enhanced(said: &Said) -> impl Iterator<Item = Decision> {
    let codes = [(said.reply.enhanced.as_deref(), 0), (said.status.as_deref(), 1)];
    codes.into_iter().filter_map(|(code, drop)| {
        let (code, meaning) = (code?, by_enhanced(code?)?);
        Some(Decision {
            cause: meaning.cause,
            identity: meaning.identity,
            possible: if code.ends_with(".7.25") { vec![Identity::PtrUnconfirmed] } else { vec![] },
            matched: Some(Matched {
                basis: Basis::Code,
                what: code.to_owned(),
                source: "IANA SMTP Enhanced Status Codes (RFC 3463, RFC 7372)".into(),
                date: "2026-11".into(),
                untold: meaning.untold,
            }),
            rank: if meaning.close { CODE } else { VAGUE_CODE } - drop,
            ..Decision::unknown()
        })
    })
}

/// The words around the replies: where a bounce quotes none, they are all there is.
fn of_words(words: &str) -> Option<Decision> {
    let folded = fold(words);
    if let Some(page) = Decision::of_page(words, &folded).filter(|d| d.rank == SPECIFIC) {
        return Some(Decision { rank: PROSE, ..page });
    }
    let p = strongest(&folded, None)?;
    let rank = match p.strength {
        Strength::Weak => WORD - 1,
        Strength::General => PROSE - 1,
        _ => PROSE,
    };
    let mut decision = Decision::of_phrase(p, rank);
    if p.untold && !names_nothing(&folded) {
        decision.tell();
    }
    Some(decision)
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

    /// Every phrase of the identity, said in a reply, is read as its leg, or as that of a fuller one that holds it.
    #[test]
    fn every_phrase_of_the_identity_says_its_leg() {
        let mut faults = Vec::new();
        for phrase in phrases().all().iter().filter(|p| p.cause == Cause::SenderIdentity) {
            let code = phrase.codes.first().copied().unwrap_or(550);
            let words = phrase.text.replace('*', " 203.0.113.9 ");
            for raw in [format!("{code} {words}"), format!("{code} 5.7.1 {words}")] {
                let got = decide(&[&say(&raw)], "", false);
                let named = |leg| got.identity == Some(leg) || got.possible.contains(&leg);
                if got.cause != Cause::SenderIdentity || !phrase.identity.is_some_and(named) {
                    faults.push(format!(
                        "{raw}: {:?} {:?} by {:?}",
                        got.cause,
                        got.identity,
                        got.matched.map(|m| m.what)
                    ));
                }
            }
        }
        assert!(faults.is_empty(), "{faults:#?}");
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
}
