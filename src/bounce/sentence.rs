//! Free wording about the sender's identity: a topic, and what is wrong with it, in one sentence.
//!
//! Input: `src/knowledge/bounce/sentences.toml`, embedded, and a folded reply. Output: the leg meant.
//! Design: operators write refusals in their own words and languages, so no list of sentences ends.
//! A topic (`PTR`, `reverse DNS`, `HELO`) with a word near it that finds fault is enough, unless the
//! sentence speaks of another thing in the same words (SPF, a list's entry, a step of the dialogue).

use super::Identity;
use super::address::{addresses, host_name};
use super::bound::{Standing, is_bound, is_of_another, standing};
use super::lookup::{broken_chain, elliptic, elsewhere, nameless};
use super::url::is_url;
use super::words::{Place, WORDS, Word, Words, all, first};

/// Octets between a topic and what is said of it.
const NEAR: usize = 90;
/// Octets between a phrase and a word that makes it another thing, and one that denies it.
const NEAR_SPOIL: usize = 40;
const NEAR_DENIAL: usize = 16;

/// What a reply says of the identity in words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub leg: Identity,
    pub possible: Vec<Identity>,
    /// The topic and the fault, as the sentence has them.
    pub what: String,
    /// Told among the particulars of who was refused: `(ip=…, rdns=none)`.
    pub aside: bool,
    pub source: &'static str,
    pub date: &'static str,
}

/// The fault that a folded reply finds with the sender's identity.
pub(super) fn fault(folded: &str) -> Option<Fault> {
    let words = WORDS.as_ref()?;
    // What a URL spells out is nobody's sentence.
    let plain: String = folded.split_inclusive(' ').map(|w| if is_url(w) { stop(w) } else { w }).collect();
    let listed = is_listing(&plain);
    let found = sentences(&plain).into_iter().find_map(|sentence| in_sentence(words, sentence, listed));
    found.or_else(|| {
        let whole = Reading { words, sentence: &plain, listed };
        let (topic, wrong) = elliptic(words, &plain).filter(|_| first(&words.spoiled.always, &plain).is_none())?;
        let found = Found::new(Identity::PtrMissing, &[Identity::PtrUnconfirmed], topic, wrong);
        (!whole.is_taken_back(&found)).then(|| whole.told(&found))
    })
}

/// The stop that ends a word, and the space behind it: a clause ends there though the word goes.
fn stop(word: &str) -> &str {
    let end = word.trim_end().len();
    if word[..end].ends_with([',', ';', '.']) { &word[end - 1..] } else { "" }
}

/// Whether a folded text speaks of the reverse name or of the name said in EHLO.
pub(super) fn is_about_name(folded: &str) -> bool {
    WORDS.as_ref().is_some_and(|w| !w.topic.reverse_in(folded).is_empty() || first(&w.topic.ehlo, folded).is_some())
}

/// Whether a folded reply to EHLO speaks of the name that EHLO said, and not of the reverse name.
pub(super) fn is_about_said_name(folded: &str) -> bool {
    WORDS.as_ref().is_some_and(|w| {
        w.topic.reverse_in(folded).is_empty()
            && first(&w.topic.ehlo, folded).or_else(|| first(&w.lookup.name, folded)).is_some()
    })
}

/// Whether a folded text speaks of a name in DNS, by whatever word.
pub(super) fn is_about_name_of(folded: &str) -> bool {
    is_about_name(folded) || WORDS.as_ref().is_some_and(|w| first(&w.lookup.name, folded).is_some())
}

/// Whether a sentence of a folded text speaks of the client's names and of nobody else's.
pub(super) fn is_about_client(folded: &str) -> bool {
    WORDS
        .as_ref()
        .is_some_and(|w| sentences(folded).into_iter().any(|s| is_about_name(s) && first(&w.topic.client, s).is_some()))
}

/// Whether a folded text speaks of the domain of the sender and of DNS or a connection to it.
pub(super) fn is_about_sender(folded: &str) -> bool {
    const WHOSE: [&str; 8] = [
        "sender domain",
        "senders domain",
        "sending domain",
        "domain of sender",
        "domain of the sender",
        "your domain",
        "sender callout",
        "your mx",
    ];
    const HOW: [&str; 9] =
        [" mx", "dns", "name server", "nameserver", "resolve", "connect", "lookup", "blocklist", "blacklist"];
    sentences(folded).into_iter().any(|s| WHOSE.iter().any(|w| s.contains(w)) && HOW.iter().any(|w| s.contains(w)))
}

/// Whether a folded reply says that a list names the client: a list's reasons are not the receiver's.
pub(super) fn is_listing(folded: &str) -> bool {
    WORDS.as_ref().is_some_and(|w| first(&w.spoiled.generic, folded).is_some())
}

/// Whether the words around a phrase about the identity, which stands at a place of a folded text, turn it
/// into something else: a word of SPF, DKIM or TLS beside it, or one that denies it.
pub(super) fn is_spoiled(folded: &str, place: (usize, usize)) -> bool {
    let Some(words) = WORDS.as_ref() else { return false };
    let (mut from, mut to) = (0, folded.len());
    let mut end = 0;
    for sentence in sentences(folded) {
        let begin = end;
        end += sentence.len();
        if begin <= place.0 {
            from = begin;
        }
        if end >= place.1 {
            to = end;
            break;
        }
    }
    let sentence = &folded[from..to];
    let at = (place.0 - from, place.1 - from);
    let beside = |list: &[Word], before: usize, behind: usize| {
        all(list, sentence).any(|f| f.1 <= at.0 && at.0 - f.1 <= before || f.0 >= at.1 && f.0 - at.1 <= behind)
    };
    beside(&words.spoiled.near, NEAR_SPOIL, NEAR_SPOIL)
        || beside(&words.spoiled.denied, NEAR_DENIAL, 0)
        || beside(&words.spoiled.granted, 0, NEAR_DENIAL)
        || is_of_another(words, sentence, at, NEAR_SPOIL)
}

/// Whether a folded reply names the list that holds the client: all that stands beside it is the list's.
pub(super) fn names_list(folded: &str) -> bool {
    const HOLDS: [&str; 12] = [
        "listed at ",
        "listed in ",
        "listed on ",
        "listed by ",
        "blocked using ",
        "rejected using ",
        "blocked by ",
        "found in ",
        "found on ",
        "blacklisted at ",
        "blacklisted by ",
        "denied by ",
    ];
    HOLDS.iter().any(|mark| {
        folded.match_indices(mark).any(|(at, _)| {
            let word = folded[at + mark.len()..].split(' ').next().unwrap_or_default();
            host_name(word).is_some()
        })
    })
}

/// Sentences end with a mark and a space; colons and dots of names and numbers do not.
fn sentences(folded: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, mark) in folded.match_indices(['.', ';', '!', '?']) {
        let end = at + mark.len();
        let short = ["e.g", "i.e", "z.b", "ex", "etc", "bzw", "resp"]
            .iter()
            .any(|a| folded[from..at].strip_suffix(a).is_some_and(|head| !head.ends_with(char::is_alphanumeric)));
        if folded[end..].starts_with(' ') && !short {
            found.push(&folded[from..end]);
            from = end;
        }
    }
    found.push(&folded[from..]);
    found
}

fn in_sentence(words: &'static Words, sentence: &str, listed: bool) -> Option<Fault> {
    if first(&words.spoiled.always, sentence).is_some() {
        return None;
    }
    Reading { words, sentence, listed }.fault()
}

/// One sentence and the words to read it by.
struct Reading<'a> {
    words: &'static Words,
    sentence: &'a str,
    listed: bool,
}

impl Reading<'_> {
    fn fault(&self) -> Option<Fault> {
        let words = self.words;
        let reverse = self.topic(&words.topic.reverse_in(self.sentence));
        let ehlo =
            self.topic(&all(&words.topic.ehlo, self.sentence).collect::<Vec<_>>()).filter(|_| !self.is_of_dialogue());
        // "HELO does not match your rDNS" is about the name said, "no PTR for HELO name" about the PTR.
        let name = ehlo.filter(|e| reverse.is_none_or(|r| e.0 < r.0)).and_then(|e| self.of_ehlo(e, reverse.is_some()));
        name.or_else(|| self.of_both(reverse?, ehlo?))
            .or_else(|| reverse.and_then(|topic| self.of_reverse(topic)))
            .or_else(|| self.of_address())
            .or_else(|| self.of_host())
            .filter(|found| !self.is_taken_back(found))
            .map(|found| self.told(&found))
    }

    /// "rDNS and EHLO name must agree": the two are said of each other.
    fn of_both(&self, reverse: Place, ehlo: Place) -> Option<Found> {
        let gap = self.sentence.get(reverse.1..ehlo.0)?;
        let mut between = gap.split([' ', '/', '(', '&', '+']).filter(|w| !w.is_empty());
        let joined = between.all(|w| {
            ["and", "or", "your", "the", "und", "et", "y", "e", "record", "name", "hostname", "must", "should", "match"]
                .contains(&w)
        });
        let wrong = self.near(ehlo, &self.words.wrong.unconfirmed).filter(|_| joined)?;
        Some(Found::new(Identity::EhloBad, &[Identity::PtrUnconfirmed], ehlo, wrong))
    }

    /// HELO as a step of the dialogue that came too early, too late or not at all.
    fn is_of_dialogue(&self) -> bool {
        let spoiled = &self.words.spoiled;
        let told = |list: &[Word]| first(list, self.sentence).is_some();
        told(&spoiled.ehlo) || told(&spoiled.waiting) && !told(&spoiled.looking)
    }

    /// The topic spoken of; else one that stands among the particulars of who was refused.
    fn topic(&self, found: &[Place]) -> Option<Place> {
        let subject = found.iter().filter(|t| standing(self.sentence, **t) == Standing::Subject).min();
        subject.or_else(|| found.iter().min()).copied()
    }

    /// The word of a list nearest to a topic.
    fn near(&self, topic: Place, list: &[Word]) -> Option<Place> {
        self.near_of(topic, list, |_| true)
    }

    /// The nearest that is said of the topic.
    fn bound(&self, topic: Place, list: &[Word]) -> Option<Place> {
        self.near_of(topic, list, |wrong| is_bound(self.words, self.sentence, topic, wrong))
    }

    fn near_of(&self, place: Place, list: &[Word], wanted: impl Fn(Place) -> bool) -> Option<Place> {
        let distance = |at: Place| place.0.saturating_sub(at.1).max(at.0.saturating_sub(place.1));
        all(list, self.sentence)
            .filter(|at| distance(*at) <= NEAR && (at.0 >= place.1 || at.1 <= place.0) && wanted(*at))
            .min_by_key(|at| distance(*at))
    }

    fn of_ehlo(&self, topic: Place, reverse: bool) -> Option<Found> {
        let words = self.words;
        let subject = standing(self.sentence, topic) == Standing::Subject;
        let wrong = Some(())
            .filter(|()| subject)
            .and_then(|()| self.near(topic, &words.wrong.unconfirmed))
            .or_else(|| {
                self.near_of(topic, &words.wrong.name, |wrong| {
                    let act = words.bound.act.iter().any(|w| w.text == self.sentence[wrong.0..wrong.1]);
                    !act && subject || act && is_bound(words, self.sentence, topic, wrong)
                })
            })
            .or_else(|| self.bound(topic, &words.wrong.missing))?;
        Some(Found::new(Identity::EhloBad, if reverse { &[Identity::PtrMissing] } else { &[] }, topic, wrong))
    }

    fn of_reverse(&self, topic: Place) -> Option<Found> {
        let words = self.words;
        if standing(self.sentence, topic) == Standing::Subject {
            let shape = self
                .near(topic, &words.wrong.dynamic)
                .or_else(|| self.near(topic, &words.wrong.generic))
                .or_else(|| self.holding(topic))
                .filter(|_| !self.listed);
            if let Some(wrong) = shape {
                return Some(Found::new(Identity::PtrGeneric, &[], topic, wrong));
            }
            if let Some(wrong) = self.near(topic, &words.wrong.unconfirmed) {
                return Some(Found::new(Identity::PtrUnconfirmed, &[Identity::PtrMissing], topic, wrong));
            }
        }
        if let Some((_, to)) = elsewhere(words, self.sentence, true) {
            return Some(Found::new(Identity::PtrUnconfirmed, &[], topic, to));
        }
        if let Some(wrong) = self.bound(topic, &words.wrong.missing) {
            return Some(Found::new(Identity::PtrMissing, &[Identity::PtrUnconfirmed], topic, wrong));
        }
        let (_, to) = elsewhere(words, self.sentence, false)?;
        Some(Found::new(Identity::PtrUnconfirmed, &[], topic, to))
    }

    /// A name made of its address: "contains your IP", "is built from the address".
    fn holding(&self, topic: Place) -> Option<Place> {
        self.near_of(topic, &self.words.wrong.holding, |at| {
            let mut next = self.sentence[at.1..].split_whitespace().take(4);
            next.any(|w| {
                let w = w.trim_matches(|c: char| !c.is_alphanumeric());
                ["ip", "ips", "address", "ipv4", "ipv6", "octets", "numbers", "adresse", "ip adresse"].contains(&w)
            })
        })
    }

    /// An address without a name, or a name that does not lead to it.
    fn of_address(&self) -> Option<Found> {
        let (words, sentence) = (self.words, self.sentence);
        let missing = |topic, wrong| Some(Found::new(Identity::PtrMissing, &[Identity::PtrUnconfirmed], topic, wrong));
        if let Some(topic) = first(&words.topic.client, sentence)
            && let Some(wrong) = self.near(topic, &words.wrong.nameless)
        {
            return missing(topic, wrong);
        }
        // "192.0.2.1 has no hostname".
        if let Some(wrong) = first(&words.wrong.nameless, sentence)
            && let Some(at) = addresses(sentence).iter().find(|q| q.end <= wrong.0 && wrong.0 - q.end < 4)
        {
            return missing((at.start, at.end), wrong);
        }
        // "m.example does not resolve to 192.0.2.1": a name, and the client's address behind it.
        if let Some(wrong) = first(&words.wrong.elsewhere, sentence)
            && let Some(at) = addresses(&sentence[wrong.1..]).first().filter(|q| q.start < 4)
        {
            let possible = &[Identity::EhloBad];
            return Some(Found::new(Identity::PtrUnconfirmed, possible, wrong, (wrong.1, wrong.1 + at.end)));
        }
        if let Some((topic, wrong)) = nameless(words, sentence) {
            return missing(topic, wrong);
        }
        let (from, to) = broken_chain(words, sentence)?;
        Some(Found::new(Identity::PtrUnconfirmed, &[], from, to))
    }

    fn of_host(&self) -> Option<Found> {
        let (words, sentence) = (self.words, self.sentence);
        let topic = first(&words.topic.host, sentence)?;
        let named = sentence.contains("name");
        let held = |wrong| {
            [&words.wrong.missing, &words.wrong.name, &words.wrong.seeming]
                .into_iter()
                .any(|list| self.near(wrong, list).is_some())
        };
        let holding = || self.holding(topic).filter(|_| named);
        let shape = self
            .near(topic, &words.wrong.dynamic)
            .filter(|at| !sentence[at.1..].starts_with(" dns"))
            .or_else(|| self.near(topic, &words.wrong.generic).filter(|_| named))
            .filter(|w| held(*w))
            .or_else(holding);
        if let Some(wrong) = shape.filter(|_| !self.listed) {
            return Some(Found::new(Identity::PtrGeneric, &[], topic, wrong));
        }
        // "DNS name and IP address do not match": a name and an address in one sentence.
        let numbered = sentence.contains(" ip") || sentence.contains("address");
        let wrong = self.near(topic, &words.wrong.unconfirmed).filter(|_| named && numbered)?;
        Some(Found::new(Identity::PtrUnconfirmed, &[], topic, wrong))
    }

    /// Whether the sentence denies what was found, grants it, or says it of something else.
    fn is_taken_back(&self, found: &Found) -> bool {
        let (words, sentence) = (self.words, self.sentence);
        let (from, to) = found.span();
        // "not about …": whole words of denial only, since "is not" is itself how a fault is found.
        let denials = words.spoiled.denied.iter().filter(|w| w.text.len() > 8);
        let denied = denials.flat_map(|w| w.all(sentence)).any(|d| d.1 <= from && from - d.1 <= NEAR_DENIAL);
        let granted =
            words.spoiled.granted.iter().filter_map(|w| w.find(sentence, to)).any(|g| g.0 - to <= NEAR_DENIAL);
        denied || granted || is_of_another(words, sentence, (from, to), NEAR_SPOIL)
    }

    fn told(&self, found: &Found) -> Fault {
        let Found { leg, possible, topic, wrong } = *found;
        let (a, b) = if topic.0 <= wrong.0 { (topic, wrong) } else { (wrong, topic) };
        let sentence = self.sentence;
        let what = if b.0 <= a.1 {
            sentence[a.0..b.1.max(a.1)].to_owned()
        } else {
            format!("{} … {}", &sentence[a.0..a.1], &sentence[b.0..b.1])
        };
        let aside = standing(sentence, topic) != Standing::Subject;
        Fault { leg, possible: possible.to_vec(), what, aside, source: &self.words.source, date: &self.words.date }
    }
}

/// A topic and what is wrong with it, where they stand.
#[derive(Clone, Copy)]
struct Found {
    leg: Identity,
    possible: &'static [Identity],
    topic: Place,
    wrong: Place,
}

impl Found {
    const fn new(leg: Identity, possible: &'static [Identity], topic: Place, wrong: Place) -> Self {
        Self { leg, possible, topic, wrong }
    }

    /// From the first of the two to the end of the last.
    fn span(&self) -> Place {
        (self.topic.0.min(self.wrong.0), self.topic.1.max(self.wrong.1))
    }
}

#[cfg(test)]
mod tests {
    use super::super::phrases::fold;
    use super::*;

    fn leg(text: &str) -> Option<Identity> {
        fault(&fold(text)).map(|f| f.leg)
    }

    #[test]
    fn free_words_about_the_identity() {
        use Identity::{EhloBad, PtrGeneric, PtrMissing, PtrUnconfirmed};
        for (text, want) in [
            ("Your mail server at 203.0.113.1 lacks a reverse DNS record.", PtrMissing),
            ("Kein gültiger Reverse-DNS-Eintrag für 203.0.113.1 gefunden", PtrMissing),
            ("L'adresse IP 203.0.113.1 n'a pas d'enregistrement DNS inverse (PTR).", PtrMissing),
            ("La IP 203.0.113.1 no tiene registro PTR", PtrMissing),
            ("送信元IPアドレスの逆引きができません", PtrMissing),
            ("PTR record of 203.0.113.1 does not match its A record", PtrUnconfirmed),
            ("Mail refused: PTR record points to a dynamic pool", PtrGeneric),
            ("Dialup/transient IP/hostname not allowed.", PtrGeneric),
            ("HELO mail.example.net does not resolve to your IP 203.0.113.1", EhloBad),
            ("the A record of your HELO host is not your IP", EhloBad),
            ("HELO name must be a FQDN", EhloBad),
            ("送信元サーバのPTRレコードが存在しないため拒否", PtrMissing),
            ("Verbindung von dynamischer IP 203.0.113.1 nicht erlaubt", PtrGeneric),
            ("the IP 203.0.113.1 resolves to a name that is assigned to dynamic customers", PtrGeneric),
            ("Sender IP 203.0.113.1 not resolvable", PtrMissing),
            ("Your server is misconfigured: DNS name and IP address do not match", PtrUnconfirmed),
        ] {
            assert_eq!(leg(text), Some(want), "{text}");
        }
    }

    #[test]
    fn the_same_words_about_something_else() {
        for text in [
            "503 5.5.1 Error: send HELO/EHLO first",
            "EHLO command not recognized",
            "rejected by SPF: ptr mechanism failed",
            "spam score 12 (RDNS_NONE, no PTR)",
            "Client host blocked using dul.example; dynamic IP address not allowed",
            "Your IP has a good PTR. Mailbox not found",
            "No such user here",
            "the IP address of host mx.example.net could not be resolved",
            "Your address was rejected by default policy",
            "IP address 203.0.113.1 rejected: generic error",
            "TLS handshake failed: certificate host name and IP address do not match",
            "Sender domain has no MX and no PTR",
            "",
        ] {
            assert_eq!(leg(text), None, "{text}");
        }
    }

    #[test]
    fn a_phrase_is_spoiled_by_its_own_sentence_only() {
        let spoiled = |text: &str, phrase: &str| {
            let at = text.find(phrase).unwrap();
            is_spoiled(text, (at, at + phrase.len()))
        };
        // The dot of a name between a sentence's end and the phrase is no end.
        assert!(!spoiled("no spf needed. mx.recv.example: no ptr found", "no ptr found"));
        assert!(!spoiled("no ptr found; spf is fine", "no ptr found"));
        assert!(spoiled("spf: mx.recv.example: no ptr found", "no ptr found"));
    }

    #[test]
    fn a_dot_in_a_name_ends_no_sentence() {
        let all = sentences("no ptr for 192.0.2.1. see x.example");
        assert_eq!(all, ["no ptr for 192.0.2.1.", " see x.example"]);
        assert_eq!(sentences("say a real name, e.g. helo x").len(), 1);
    }
}
