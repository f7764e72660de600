//! Every finding that there is: its code, its weight, what it means and what removes it.
//!
//! The one source of `docs/findings.md` and of every report's words. A code is stable for ever;
//! its words may improve.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::Severity;

/// What is known of a code, whatever the case at hand.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The code.
    pub code: Code,
    /// The slug that stands for it everywhere.
    pub slug: &'static str,
    /// How heavily receivers take it.
    pub severity: Severity,
    /// A few words.
    pub title: &'static str,
    /// What it means, in plain words.
    pub meaning: &'static str,
    /// Who can remove it.
    pub who: &'static str,
    /// What removes it.
    pub remedy: &'static str,
    /// RFC and section.
    pub reference: &'static str,
}

macro_rules! catalogue {
    ($($variant:ident $slug:literal $severity:ident $title:literal
       $meaning:literal $who:literal $remedy:literal $reference:literal)*) => {
        /// A finding's identity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $(#[doc = $meaning] #[serde(rename = $slug)] $variant,)*
        }

        const ENTRIES: &[Entry] = &[$(Entry {
            code: Code::$variant,
            slug: $slug,
            severity: Severity::$severity,
            title: $title,
            meaning: $meaning,
            who: $who,
            remedy: $remedy,
            reference: $reference,
        },)*];
    };
}

impl Code {
    /// All codes, in the catalogue's order.
    pub fn all() -> impl Iterator<Item = &'static Entry> {
        ENTRIES.iter()
    }

    /// The code's entry.
    pub fn entry(self) -> &'static Entry {
        &ENTRIES[self as usize]
    }

    /// Whether it says why the dialogue ended early; a check with a [fault](crate::evidence::Fault) has one.
    pub fn ends_dialogue(self) -> bool {
        matches!(
            self,
            Self::TargetUnresolvable
                | Self::TargetLookupFailed
                | Self::ConnectRefused
                | Self::ConnectTimeout
                | Self::PortBlockedHere
                | Self::NoRoute
                | Self::SourceUnavailable
                | Self::NoGreeting
                | Self::ConnectionDropped
                | Self::NotSmtp
                | Self::TlsNotSpoken
                | Self::ReplyBroken
                | Self::ReplyTimeout
        )
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
        ENTRIES.iter().find(|e| e.slug == text).map(|e| e.code).ok_or(())
    }
}

catalogue! {
    PtrMissing "ptr-missing" Error "No PTR record"
        "The address has no PTR record. Large receivers refuse or throttle mail from such an address, whatever else is right."
        "owner of the reverse zone (usually the hosting provider)"
        "Have a PTR set for the address that names the mail server."
        "RFC 8601 §2.7.3"
    PtrUnconfirmed "ptr-unconfirmed" Error "PTR not confirmed"
        "The PTR names a host whose own address records do not hold this address, so receivers treat the name as forged."
        "owner of the forward zone, or of the reverse zone"
        "Publish an address record of the PTR name that holds this address, or have the PTR changed to a name that has one."
        "RFC 8601 §2.7.3"
    PtrLookupFailed "ptr-lookup-failed" Info "PTR could not be looked up"
        "The reverse zone's servers or the resolver failed, so nothing can be said about the PTR. Receivers that meet the same trouble defer the mail."
        "operator of the resolver or of the reverse zone"
        "Ask again with another resolver (--resolver); if it fails there too, the reverse zone's servers are at fault."
        "RFC 8601 §2.7.3"
    PtrForwardLookupFailed "ptr-forward-lookup-failed" Info "PTR name's address could not be looked up"
        "No PTR name is confirmed, and the address records of at least one could not be looked up, so it may yet be."
        "operator of the resolver or of the forward zone"
        "Ask again with another resolver (--resolver); if it fails there too, the forward zone's servers are at fault."
        "RFC 8601 §3"
    PtrPartlyUnconfirmed "ptr-partly-unconfirmed" Warning "One of several PTR names not confirmed"
        "Some PTR names lead back to the address and some do not. Postfix, OpenSMTPD and Sendmail look at one name only, in the order that the resolver happens to give, so mail fails at random."
        "owner of the reverse zone"
        "Keep the one PTR that leads back and have the others removed."
        "RFC 8601 §3"
    PtrMultiple "ptr-multiple" Info "Several PTR names"
        "The address has more than one PTR name, all confirmed. It works, but one name is easier on every receiver."
        "owner of the reverse zone"
        "Keep one PTR: the name that the server says in EHLO."
        "RFC 1912 §2.1"
    PtrTooMany "ptr-too-many" Warning "More PTR names than receivers look at"
        "The address has more than ten PTR names; receivers look at ten at most, some at one."
        "owner of the reverse zone"
        "Keep one PTR: the name that the server says in EHLO."
        "RFC 7208 §4.6.4"
    PtrGeneric "ptr-generic" Warning "Generic PTR name"
        "The PTR looks like the name that a provider gives every address: numbers of the address, or words such as pool or dyn. Receivers take such an address for a home or a forgotten server, score it, and some refuse it."
        "owner of the reverse zone (usually the hosting provider)"
        "Have the PTR changed to the server's own name."
        "RFC 5321 §4.1.4"
    PtrBadName "ptr-bad-name" Warning "PTR is not a host name"
        "The PTR's target breaks the host name rules (letters, digits and inner hyphens). Several receivers treat such a name as no name at all."
        "owner of the reverse zone"
        "Have the PTR changed to a proper host name."
        "RFC 1123 §2.1"
    PtrNameAlias "ptr-name-alias" Info "PTR names an alias"
        "The PTR's target is itself a CNAME. Resolvers follow it, but a PTR should name a host by its primary name."
        "owner of the reverse zone"
        "Have the PTR changed to the name that the alias stands for."
        "RFC 2181 §10.2"
    PtrDelegated "ptr-delegated" Info "Reverse zone delegated by alias"
        "The PTR is reached over CNAMEs, as RFC 2317 delegates parts of a reverse zone. The zone at the end of the chain holds the PTR."
        "holder of the delegated reverse zone"
        "Change the PTR in the zone at the end of the chain, not in the parent."
        "RFC 2317 §4"
    ResolversDisagree "resolvers-disagree" Warning "Resolvers disagree"
        "The resolvers asked gave different answers to the same question. Some receivers see one, some the other."
        "operator of the zone"
        "If a record was changed lately, wait for the old TTL to pass; otherwise compare the zone's servers."
        "RFC 1034 §4.3.5"
    AddressNotPublic "address-not-public" Info "Address not seen from outside"
        "The client address is private, shared, loopback, link-local or reserved for documentation. No receiver on the Internet ever sees it; what is judged here is what the resolver given serves."
        "you"
        "Give the public address that the server sends from with --ip."
        "RFC 6890"
    EhloDiffersFromPtr "ehlo-differs-from-ptr" Warning "EHLO name is not the PTR name"
        "The server says one name and its address is called another. A receiver must not refuse for that alone, but filters score it."
        "administrator of the mail server, or owner of the reverse zone"
        "Make the server say the PTR name in EHLO, or have the PTR changed to the EHLO name."
        "RFC 5321 §4.1.4"
    EhloUnresolvable "ehlo-unresolvable" Error "EHLO name has no address"
        "The EHLO name has no address record. Receivers that check the EHLO name refuse or defer the mail."
        "owner of the zone that holds the EHLO name"
        "Publish an address record of the EHLO name that holds the outbound address, or make the server say a name that has one."
        "RFC 5321 §2.3.5"
    EhloAddressDiffers "ehlo-address-differs" Warning "EHLO name points elsewhere"
        "The EHLO name's address records do not hold the outbound address. Some receivers refuse for it, and filters score it."
        "owner of the zone that holds the EHLO name"
        "Add the outbound address to the EHLO name's records, or make the server say the PTR name."
        "RFC 5321 §4.1.4"
    EhloLookupFailed "ehlo-lookup-failed" Info "EHLO name's address could not be looked up"
        "The EHLO name's zone or the resolver failed, so nothing can be said about its addresses. Receivers that meet the same trouble defer the mail."
        "operator of the resolver or of the zone"
        "Ask again with another resolver (--resolver); if it fails there too, the zone's servers are at fault."
        "RFC 5321 §4.1.4"
    EhloAlias "ehlo-alias" Info "EHLO name is an alias"
        "The EHLO name is a CNAME. It usually works; the standard asks for a primary host name."
        "administrator of the mail server"
        "Make the server say the name that the alias stands for."
        "RFC 5321 §2.3.5"
    EhloNoName "ehlo-no-name" Warning "EHLO reply gives no name"
        "The EHLO reply does not say which host answers, so there is no name to compare."
        "administrator of the mail server"
        "Configure the server's host name; or give the client's name with --ehlo."
        "RFC 5321 §4.1.1.1"
    EhloNotFqdn "ehlo-not-fqdn" Error "EHLO name not fully qualified"
        "The EHLO name is a single label or ends in digits. Receivers commonly refuse such a name."
        "administrator of the mail server"
        "Make the server say a fully qualified name that has an address record."
        "RFC 5321 §2.3.5"
    EhloLocalhost "ehlo-localhost" Error "EHLO says localhost"
        "The server calls itself localhost. Receivers commonly refuse it."
        "administrator of the mail server"
        "Make the server say its fully qualified name."
        "RFC 5321 §2.3.5"
    EhloSpecialUse "ehlo-special-use" Warning "EHLO name under a private domain"
        "The EHLO name ends in a domain that never resolves publicly, so no receiver can look it up."
        "administrator of the mail server"
        "Make the server say its public name."
        "RFC 6761 §6"
    EhloBareAddress "ehlo-bare-address" Error "EHLO says a bare IP address"
        "An address in EHLO must stand in brackets. Receivers refuse a bare one or score it."
        "administrator of the mail server"
        "Make the server say its fully qualified name."
        "RFC 5321 §4.1.3"
    EhloLiteral "ehlo-literal" Warning "EHLO says an address literal"
        "An address literal is legal and is scored by filters; it cannot equal a PTR name."
        "administrator of the mail server"
        "Make the server say its fully qualified name."
        "RFC 5321 §4.1.3"
    EhloLiteralDiffers "ehlo-literal-differs" Error "EHLO literal is another address"
        "The address literal in EHLO is not the address that the mail comes from."
        "administrator of the mail server"
        "Make the server say its fully qualified name."
        "RFC 5321 §4.1.3"
    EhloLiteralSyntax "ehlo-literal-syntax" Warning "EHLO literal badly written"
        "An IPv6 literal is written [IPv6:…], an IPv4 literal without a tag. Receivers refuse other forms."
        "administrator of the mail server"
        "Make the server say its fully qualified name."
        "RFC 5321 §4.1.3"
    EhloNotHostname "ehlo-not-hostname" Error "EHLO name is not a host name"
        "The EHLO name has an underscore or another character that host names cannot have. Exim and others refuse it as a syntax error."
        "administrator of the mail server"
        "Make the server say a name of letters, digits and inner hyphens."
        "RFC 1123 §2.1"
    EhloNotAscii "ehlo-not-ascii" Error "EHLO name is raw UTF-8"
        "The EHLO name is written in letters outside ASCII. At EHLO time nobody knows yet that the other side would understand them."
        "administrator of the mail server"
        "Make the server say the A-label form (xn--…)."
        "RFC 6531 §3.7.1"
    EhloTooLong "ehlo-too-long" Error "EHLO name too long"
        "The EHLO name is longer than a domain name can be."
        "administrator of the mail server"
        "Make the server say its fully qualified name."
        "RFC 1035 §2.3.4"
    EhloInvalid "ehlo-invalid" Error "EHLO name is not a name"
        "What the server says in EHLO is neither a domain name nor an address literal."
        "administrator of the mail server"
        "Make the server say its fully qualified name."
        "RFC 5321 §4.1.1.1"
    EhloRefused "ehlo-refused" Info "EHLO and HELO refused"
        "The server refused both EHLO and HELO, so its name could not be had."
        "administrator of the mail server"
        "Read the reply; try from an address that the server accepts, or give the client's name with --ehlo."
        "RFC 5321 §4.1.4"
    EhloFellBackToHelo "ehlo-fell-back-to-helo" Info "EHLO refused, HELO accepted"
        "The server knows no EHLO. The name is that of its HELO reply."
        "administrator of the mail server"
        "Enable ESMTP."
        "RFC 5321 §3.2"
    EhloDiffersAfterTls "ehlo-differs-after-tls" Warning "EHLO reply changes after STARTTLS"
        "The server gives one name before TLS and another inside it. The one inside TLS is judged."
        "administrator of the mail server"
        "Give both the same host name; a proxy in front may answer the first."
        "RFC 3207 §4.2"
    BannerDiffersFromEhlo "banner-differs-from-ehlo" Info "Banner and EHLO reply differ"
        "The greeting names one host and the EHLO reply another. Receivers never see the greeting; people do."
        "administrator of the mail server"
        "Give both the same host name."
        "RFC 5321 §4.3.1"
    BannerNoName "banner-no-name" Info "Banner gives no name"
        "The greeting holds no host name (or a firewall masks it). That is no mismatch: receivers never see the greeting."
        "administrator of the mail server"
        "Let the greeting begin with the server's name."
        "RFC 5321 §4.2"
    GreetingRefused "greeting-refused" Info "Server refuses us"
        "The server answered the connection with a permanent refusal, so its EHLO name could not be had. It is not down."
        "administrator of the mail server"
        "Read the reply; check from an address that the server accepts, or give the client's name with --ehlo."
        "RFC 5321 §3.1"
    GreetingDeferred "greeting-deferred" Info "Server asks us to come back"
        "The server answered the connection with a temporary refusal (busy, or a rate limit), so its EHLO name could not be had. It is not down."
        "nobody"
        "Try again later."
        "RFC 5321 §3.8"
    GreetingSlow "greeting-slow" Info "Greeting held back"
        "The server waited before greeting, as spam traps do. Clients that do not wait are refused."
        "nobody"
        "Nothing to change for the agreement; a long wait makes impatient tools call the server down."
        "RFC 5321 §4.5.3.2.1"
    UnaskedOctets "unasked-octets" Info "Server spoke out of turn"
        "Octets came behind a complete reply, before the next command. They were not read as a reply."
        "administrator of the mail server"
        "Look for a proxy or a filter that answers beside the server."
        "RFC 5321 §4.1.1"
    TlsNotOffered "tls-not-offered" Info "STARTTLS not offered"
        "The server does not offer STARTTLS on this port."
        "administrator of the mail server"
        "Enable STARTTLS."
        "RFC 3207 §4"
    TlsRequiredNotOffered "tls-required-not-offered" Error "STARTTLS required and not offered"
        "You asked for TLS (--tls require), and the server does not offer it."
        "administrator of the mail server"
        "Enable STARTTLS, or check another port."
        "RFC 3207 §4"
    TlsFailed "tls-failed" Warning "TLS handshake failed"
        "TLS was begun and failed. What was said before it counts all the same."
        "administrator of the mail server"
        "Enable TLS 1.2 or later with a current key and suites."
        "RFC 8996 §2"
    TlsInjection "tls-injection" Warning "Plain text behind STARTTLS"
        "The server sent octets between its STARTTLS reply and the handshake; a careless client would take them as sent inside TLS. We stopped there."
        "administrator of the mail server"
        "Update the server or the proxy in front of it."
        "RFC 3207 §6"
    TlsExpired "tls-expired" Warning "Certificate not valid now"
        "The certificate's time is over or has not begun."
        "administrator of the mail server"
        "Renew the certificate and reload the server."
        "RFC 5280 §4.1.2.5"
    TlsUntrusted "tls-untrusted" Info "Certificate not publicly trusted"
        "The certificate's chain does not lead to a public root. Between mail servers that is common; DANE and MTA-STS senders refuse it."
        "administrator of the mail server"
        "Install a certificate of a public authority, with its chain."
        "RFC 8461 §4.2"
    TlsNameMismatch "tls-name-mismatch" Info "Certificate names another host"
        "The certificate covers neither the EHLO name nor the PTR name nor the host dialled."
        "administrator of the mail server"
        "Install a certificate for the server's name."
        "RFC 6125 §6"
    TargetUnresolvable "target-unresolvable" Info "Target has no address"
        "The target's name has no address record, so there was nothing to dial."
        "you"
        "Check the spelling; give the server's host name or its address."
        "RFC 5321 §5.1"
    TargetLookupFailed "target-lookup-failed" Info "Target could not be looked up"
        "The target's name could not be looked up, so there was nothing to dial."
        "operator of the resolver"
        "Ask another resolver (--resolver), or give the address."
        "RFC 1035 §7.2"
    ConnectRefused "connect-refused" Info "Connection refused"
        "The host is there, and nothing listens on this port (or a firewall refuses)."
        "administrator of the mail server"
        "Check the port, and that the mail server runs and listens on it."
        "RFC 5321 §3.1"
    ConnectTimeout "connect-timeout" Info "No answer to the connection"
        "Nothing answered at this address and port: the host is down, or a firewall on the way drops the packets."
        "administrator of the mail server or of the network"
        "Check the address; try from another network."
        "RFC 5321 §4.5.3.2"
    PortBlockedHere "port-blocked-here" Info "Port 25 seems blocked from this machine"
        "The target did not answer, and neither did other mail servers that are always up. Many providers block outgoing port 25."
        "network operator of this machine"
        "Run the check from a machine that may use port 25, or ask the provider to open it."
        "RFC 5068 §5"
    NoRoute "no-route" Info "No route to the address"
        "This machine has no route to the address, or its own rules forbid the connection."
        "network operator of this machine"
        "Check this machine's network for the address family, or choose one with -4 or -6."
        "RFC 1122 §3.3.1"
    SourceUnavailable "source-unavailable" Info "Source address not usable"
        "The address given with --source is not one of this machine's, or is of the wrong family."
        "you"
        "Give an address of this machine, of the target's family."
        "RFC 1122 §3.3.4"
    NoGreeting "no-greeting" Info "No greeting"
        "The connection stood, and no greeting came in time. The port may speak TLS first, or a trap holds the greeting back."
        "administrator of the mail server"
        "If the port speaks TLS first, use smtps://; otherwise give it longer with --timeout."
        "RFC 5321 §4.5.3.2.1"
    ConnectionDropped "connection-dropped" Info "Connection dropped"
        "The server closed or broke the connection before its reply was complete."
        "administrator of the mail server"
        "Look in the server's log; it may refuse this client's address."
        "RFC 5321 §3.8"
    NotSmtp "not-smtp" Info "Not an SMTP server"
        "What answers on this port does not speak SMTP."
        "you"
        "Check the port: mail servers listen on 25, submission on 587 and 465."
        "RFC 5321 §4.2"
    TlsNotSpoken "tls-not-spoken" Info "No TLS on this port"
        "The port was dialled with TLS first, and the handshake failed: it may speak plain SMTP, or only a TLS that is too old."
        "you"
        "For a port that begins in plain text, leave out smtps://; mail servers speak TLS first on 465 only."
        "RFC 8314 §3.3"
    ReplyBroken "reply-broken" Info "Reply broke a bound"
        "A reply had an endless line, too many lines or octets, or changing codes; reading stopped there."
        "administrator of the mail server"
        "Look at what answers on this port; it is not a well-behaved SMTP server."
        "RFC 5321 §4.5.3.1"
    ReplyTimeout "reply-timeout" Info "Server fell silent"
        "The server greeted and then did not answer a command in time."
        "administrator of the mail server"
        "Try again; give it longer with --timeout."
        "RFC 5321 §4.5.3.2"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_found_by_its_slug_and_has_its_words() {
        for (place, entry) in Code::all().enumerate() {
            assert_eq!(entry.code as usize, place);
            assert_eq!(entry.slug.parse(), Ok(entry.code));
            assert_eq!(serde_json::to_value(entry.code).unwrap(), entry.slug);
            assert!(entry.reference.starts_with("RFC "), "{}", entry.slug);
            assert!(entry.slug.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{}", entry.slug);
            for words in [entry.title, entry.meaning, entry.who, entry.remedy] {
                assert!(!words.trim().is_empty(), "{}", entry.slug);
            }
        }
    }
}
