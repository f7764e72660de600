//! Every finding that there is: its code, its weight, what it means and what removes it.
//!
//! The one source of `docs/findings.md`, of `explain` and of every report's words. A code is stable for
//! ever; its words may improve. One file a subject, in the order of [`Code`].
//! Sources: the RFC of each entry; what receivers do is measured on Postfix 3.7, Exim 4.96, OpenSMTPD
//! 6.8, Sendmail 8.17, rspamd 3.4 and 4.1.5 and SpamAssassin 4.0.1 (scores: network tests, no Bayes), or
//! read from refusals that large receivers document or were seen to send.

pub(super) mod ehlo;
mod reach;
pub(super) mod reverse;
pub(super) mod server;
pub(super) mod shape;
pub(super) mod tls;

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Severity;
use crate::name::EhloFlaw;

/// What is known of a code, whatever the case at hand.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// The slug that stands for it everywhere.
    pub slug: &'static str,
    /// How heavily receivers take it.
    pub severity: Severity,
    /// It says that something could not be seen, not what was seen.
    pub unknown: bool,
    /// A few words.
    pub title: &'static str,
    /// What it means, for a support desk: plain words, none unexplained.
    pub meaning: &'static str,
    /// What it means, for an administrator: what is compared, by which rule, and what receivers check.
    pub precise: &'static str,
    /// Why this severity: what receivers do about it.
    pub why: &'static str,
    /// The rules that are known to act on it; none where receivers never see it.
    pub receivers: &'static [Rule],
    /// Who can remove it.
    pub who: &'static str,
    /// What removes it.
    pub remedy: &'static str,
    /// RFC and section.
    pub reference: &'static str,
}

/// A receiver's rule, and what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Receiver first: `postfix reject_unknown_client_hostname`, `gmail 550-5.7.25`.
    pub name: &'static str,
    /// The reply or the score.
    pub does: &'static str,
}

const fn rule(name: &'static str, does: &'static str) -> Rule {
    Rule { name, does }
}

/// Entries on one subject.
#[derive(Clone, Copy, Debug)]
pub struct Subject {
    /// A few words.
    pub title: &'static str,
    /// The entries, in the order of [`Code`].
    pub entries: &'static [Entry],
}

const SUBJECTS: [Subject; 6] = [
    Subject { title: "The address and its PTR", entries: reverse::ENTRIES },
    Subject { title: "The EHLO name in the DNS", entries: ehlo::ENTRIES },
    Subject { title: "The shape of the EHLO name", entries: shape::ENTRIES },
    Subject { title: "How the server greets", entries: server::ENTRIES },
    Subject { title: "TLS", entries: tls::ENTRIES },
    Subject { title: "What could not be reached", entries: reach::ENTRIES },
];

/// A finding's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// No PTR record.
    PtrMissing,
    /// PTR not confirmed.
    PtrUnconfirmed,
    /// PTR could not be looked up.
    PtrLookupFailed,
    /// PTR name's address could not be looked up.
    PtrForwardLookupFailed,
    /// One of several PTR names not confirmed.
    PtrPartlyUnconfirmed,
    /// Several PTR names.
    PtrMultiple,
    /// More PTR names than receivers look at.
    PtrTooMany,
    /// Generic PTR name.
    PtrGeneric,
    /// PTR is not a host name.
    PtrBadName,
    /// PTR name too long for some receivers.
    PtrTooLong,
    /// PTR names an alias.
    PtrNameAlias,
    /// Reverse zone delegated by alias.
    PtrDelegated,
    /// A resolver failed beside another.
    ResolverFailed,
    /// Resolvers disagree.
    ResolversDisagree,
    /// Address not seen from outside.
    AddressNotPublic,
    /// This machine is behind NAT.
    SelfBehindNat,
    /// Services see different addresses of this machine.
    SelfAddressDisagrees,
    /// EHLO name is not the PTR name.
    EhloDiffersFromPtr,
    /// EHLO name has no address.
    EhloUnresolvable,
    /// EHLO name points elsewhere.
    EhloAddressDiffers,
    /// EHLO name's address could not be looked up.
    EhloLookupFailed,
    /// EHLO name is an alias.
    EhloAlias,
    /// EHLO reply gives no name.
    EhloNoName,
    /// EHLO name not fully qualified.
    EhloNotFqdn,
    /// EHLO says localhost.
    EhloLocalhost,
    /// EHLO name under a private domain.
    EhloSpecialUse,
    /// EHLO says a bare IP address.
    EhloBareAddress,
    /// EHLO says an address literal.
    EhloLiteral,
    /// EHLO literal is another address.
    EhloLiteralDiffers,
    /// EHLO literal badly written.
    EhloLiteralSyntax,
    /// EHLO name is not a host name.
    EhloNotHostname,
    /// EHLO name ends in a dot.
    EhloFinalDot,
    /// EHLO name is raw UTF-8.
    EhloNotAscii,
    /// EHLO name too long.
    EhloTooLong,
    /// EHLO name is not a name.
    EhloInvalid,
    /// EHLO and HELO refused.
    EhloRefused,
    /// EHLO put off.
    EhloDeferred,
    /// EHLO refused, HELO accepted.
    EhloFellBackToHelo,
    /// EHLO reply changes after STARTTLS.
    EhloDiffersAfterTls,
    /// Banner and EHLO reply differ.
    BannerDiffersFromEhlo,
    /// Banner gives no name.
    BannerNoName,
    /// Server refuses us.
    GreetingRefused,
    /// Server asks us to come back.
    GreetingDeferred,
    /// Greeting held back.
    GreetingSlow,
    /// Server spoke out of turn.
    UnaskedOctets,
    /// STARTTLS not offered.
    TlsNotOffered,
    /// TLS required and not had.
    TlsRequiredNotOffered,
    /// STARTTLS offered and refused.
    StarttlsRefused,
    /// TLS handshake failed.
    TlsFailed,
    /// Plain text behind STARTTLS.
    TlsInjection,
    /// Certificate not valid now.
    TlsExpired,
    /// Certificate not publicly trusted.
    TlsUntrusted,
    /// Certificate names another host.
    TlsNameMismatch,
    /// Target has no address.
    TargetUnresolvable,
    /// Target has no address of the family asked for.
    TargetOtherFamily,
    /// Target could not be looked up.
    TargetLookupFailed,
    /// Target has more addresses than are dialled.
    TargetManyAddresses,
    /// Connection refused.
    ConnectRefused,
    /// No answer to the connection.
    ConnectTimeout,
    /// Port seems blocked from this machine.
    PortBlockedHere,
    /// No route to the address.
    NoRoute,
    /// Source address not usable.
    SourceUnavailable,
    /// No greeting.
    NoGreeting,
    /// Connection dropped.
    ConnectionDropped,
    /// Not an SMTP server.
    NotSmtp,
    /// No TLS on this port.
    TlsNotSpoken,
    /// Reply broke a bound.
    ReplyBroken,
    /// Server fell silent.
    ReplyTimeout,
    /// This machine had no socket left.
    LocalShortage,
    /// An error in this program ended the check.
    Defect,
}

impl Code {
    /// All entries by subject, in the catalogue's order.
    pub fn subjects() -> &'static [Subject] {
        &SUBJECTS
    }

    /// All entries, in the catalogue's order.
    pub fn all() -> impl Iterator<Item = &'static Entry> {
        SUBJECTS.iter().flat_map(|s| s.entries)
    }

    /// The code's entry.
    pub fn entry(self) -> &'static Entry {
        const { assert!(ordered(), "an entry's place in the catalogue is its code's place in the list of codes") };
        let mut place = self as usize;
        for subject in &SUBJECTS {
            match subject.entries.get(place) {
                Some(entry) => return entry,
                None => place -= subject.entries.len(),
            }
        }
        unreachable!("every code has its entry")
    }

    /// Whether it says why the dialogue ended early; a check with a [fault](crate::evidence::Fault) has one.
    pub fn ends_dialogue(self) -> bool {
        reach::ENTRIES.iter().any(|e| e.code == self)
    }
}

/// Whether each entry stands at its code's place and none is missing at the end.
const fn ordered() -> bool {
    let (mut subject, mut place) = (0, 0);
    while subject < SUBJECTS.len() {
        let mut within = 0;
        while within < SUBJECTS[subject].entries.len() {
            if SUBJECTS[subject].entries[within].code as usize != place {
                return false;
            }
            within += 1;
            place += 1;
        }
        subject += 1;
    }
    place == Code::Defect as usize + 1
}

impl From<EhloFlaw> for Code {
    fn from(flaw: EhloFlaw) -> Self {
        match flaw {
            EhloFlaw::Invalid => Self::EhloInvalid,
            EhloFlaw::BareAddress => Self::EhloBareAddress,
            EhloFlaw::LiteralSyntax => Self::EhloLiteralSyntax,
            EhloFlaw::Localhost => Self::EhloLocalhost,
            EhloFlaw::SpecialUse => Self::EhloSpecialUse,
            EhloFlaw::NotFqdn => Self::EhloNotFqdn,
            EhloFlaw::NotHostname => Self::EhloNotHostname,
            EhloFlaw::FinalDot => Self::EhloFinalDot,
            EhloFlaw::NotAscii => Self::EhloNotAscii,
            EhloFlaw::TooLong => Self::EhloTooLong,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().slug)
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::all().find(|e| e.slug == text).map(|e| e.code).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_slug() {
        for entry in Code::all() {
            assert_eq!(entry.code.entry().slug, entry.slug);
            assert_eq!(entry.slug.parse(), Ok(entry.code));
            assert_eq!(serde_json::to_value(entry.code).unwrap(), entry.slug);
            assert!(entry.slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", entry.slug);
        }
    }
}
