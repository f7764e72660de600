//! The address and its PTR.

use super::{Code, Entry, Rule, Severity, rule};

/// Who refuses, defers or scores where no PTR name is confirmed, missing or not.
const SENDMAIL: &str = "sendmail FEATURE(require_rdns)";
const POSTFIX: &str = "postfix reject_unknown_client_hostname";
const EXIM: &str = "exim verify = reverse_host_lookup";
const FCRDNS: &str = "opensmtpd match !fcrdns";
const GMAIL: Rule = rule("gmail 550-5.7.25", "refuses; 421-4.7.23 slows the sender down for the same reason");
const YAHOO: Rule = rule("yahoo 550 5.7.25", "refuses; 450 4.7.25 defers for the same reason");
const SPECTRUM: Rule = rule("spectrum AUP#I-1100 to 1150", "550 5.1.0; asks for full-circle DNS");
const TONLINE: Rule = rule("t-online 554", "refuses; its section 4.1 asks for a name that leads back, and for more");
const GODADDY: Rule = rule("godaddy 421", "defers, code IB108");
const STALWART: Rule = rule("stalwart iprev strict", "550 5.7.25");

pub(in crate::judge) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code::PtrMissing,
        slug: "ptr-missing",
        severity: Severity::Error,
        unknown: false,
        title: "No PTR record",
        meaning: "Every mail server's IP address should have a name in the DNS, kept in a record called PTR (\"reverse \
                  DNS\"). This address has none. Large receivers refuse or slow down mail from an address without a \
                  name, whatever else is right. Whoever rents out the address, usually the hosting provider, sets it.",
        precise: "The reverse name (in-addr.arpa or ip6.arpa) answers NXDOMAIN, or NOERROR without a PTR: iprev is \
                  permerror. A failed lookup (SERVFAIL, REFUSED, silence) is never counted as this. Receivers ask for \
                  the PTR when the client connects, and see it before any name that EHLO gives; SPF, DKIM and \
                  a correct EHLO name do not make up for it. RFC 7372 §3.3 registers the status X.7.25 for the refusal.",
        why: "The four mail servers measured have a rule that refuses or defers for it, large receivers document it as \
              a reason to refuse, and both filters score it.",
        receivers: &[
            rule("postfix reject_unknown_reverse_client_hostname", "450 4.7.1; permanent only where so configured"),
            rule(POSTFIX, "450 4.7.25; permanent only where so configured"),
            rule(EXIM, "550"),
            rule("opensmtpd match !rdns", "what the filter says, by custom 550 instead of the greeting"),
            rule(FCRDNS, "what the filter says, by custom 550 instead of the greeting"),
            rule(SENDMAIL, "550 5.7.1 Fix reverse DNS"),
            rule("haraka fcrdns", "550 no rDNS"),
            STALWART,
            GMAIL,
            YAHOO,
            rule("microsoft 450 4.7.25", "defers senders on IPv6; its error list names the same as 550 5.7.25"),
            rule("comcast 554", "refuses; a PTR record is required"),
            rule("gmx 554", "refuses in place of the greeting, for a bad DNS PTR resource record"),
            TONLINE,
            rule("cox 554", "refuses: no rDNS"),
            SPECTRUM,
            rule("facebook 554 5.1.8", "refuses, code DNS-P3"),
            GODADDY,
            rule("rackspace 450 4.7.1", "defers, code G1F"),
            rule("libero 421", "defers, code LIB_120; Virgilio too"),
            rule("ovh 450 4.7.1", "defers, by Postfix's rule"),
            rule("rspamd RDNS_NONE", "2.0 (1.0 before 3.9), with HFILTER_HOSTNAME_UNKNOWN 2.5"),
            rule("spamassassin RDNS_NONE", "1.274"),
        ],
        who: "holder of the reverse zone (usually the hosting provider)",
        remedy: "Have a PTR set for the address that names the mail server.",
        reference: "RFC 8601 §2.7.3",
    },
    Entry {
        code: Code::PtrUnconfirmed,
        slug: "ptr-unconfirmed",
        severity: Severity::Error,
        unknown: false,
        title: "PTR not confirmed",
        meaning: "The address has a name (its PTR record), but that name does not lead back to the address. Anybody \
                  can give an address any name; it counts only when the name's own record points back. Receivers \
                  treat a name that does not as forged, and many refuse the mail.",
        precise: "No PTR name's A (for IPv4) or AAAA (for IPv6) set holds the client's address: FCrDNS fails and iprev \
                  is fail. Only the client's family counts, addresses are compared whole (never by /24 or /64), and \
                  CNAMEs are followed. Postfix reject_unknown_reverse_client_hostname lets it pass: that rule asks for \
                  a PTR, not for its confirmation. Sendmail writes `may be forged` into its Received line.",
        why: "The four mail servers measured have a rule that refuses or defers for it, and large receivers refuse it \
              with the same reply as a missing PTR.",
        receivers: &[
            rule(POSTFIX, "450 4.7.25; permanent only where so configured"),
            rule(EXIM, "550"),
            rule(FCRDNS, "what the filter says, by custom 550 instead of the greeting"),
            rule(SENDMAIL, "451 4.1.8 Possibly forged hostname: defers, never permanent"),
            rule("haraka fcrdns", "550 no FCrDNS match"),
            STALWART,
            GMAIL,
            YAHOO,
            TONLINE,
            SPECTRUM,
            GODADDY,
            rule("rspamd HFILTER_HOSTNAME_UNKNOWN", "2.5 before 3.10; since then it takes the name unconfirmed"),
            rule("spamassassin RDNS_NONE", "1.274 behind Postfix, which passes on the name `unknown`"),
        ],
        who: "holder of the forward zone, or of the reverse zone",
        remedy: "Publish an address record of the PTR name that holds this address, or have the PTR changed to a name \
                 that has one.",
        reference: "RFC 8601 §2.7.3",
    },
    Entry {
        code: Code::PtrLookupFailed,
        slug: "ptr-lookup-failed",
        severity: Severity::Info,
        unknown: true,
        title: "PTR could not be looked up",
        meaning: "The DNS servers did not answer when we asked for the name of the address (its PTR record), so \
                  nothing can be said about it: it may be right. A receiver that meets the same trouble usually asks \
                  the sender to come back later.",
        precise: "The PTR lookup ended in SERVFAIL, REFUSED, NOTIMP, FORMERR, a malformed answer or no answer: iprev \
                  is temperror, not permerror. Postfix and Exim keep the two apart and answer 4xx; OpenSMTPD does not: it \
                  treats a failed lookup as no PTR at all. Sendmail answers 451 4.1.8.",
        why: "No fault was observed. The verdict `unknown` says that the check is open.",
        receivers: &[
            rule("postfix reject_unknown_reverse_client_hostname", "450 4.7.1, whatever is configured"),
            rule(POSTFIX, "450 4.7.25, whatever is configured"),
            rule(EXIM, "451 Temporary local problem"),
            rule("opensmtpd match !rdns", "as without PTR: what the filter says, by custom 550"),
            rule(FCRDNS, "as without PTR: what the filter says, by custom 550"),
            rule(SENDMAIL, "451 4.1.8 Client IP address does not resolve"),
            rule("comcast 421", "defers: Reverse DNS failure"),
            rule("cox 421", "defers: DNS check failure"),
            rule("facebook 451", "defers, code DNS-T2"),
            rule("rspamd RDNS_NONE", "2.0 (1.0 before 3.9), with HFILTER_HOSTNAME_UNKNOWN 2.5: as without PTR"),
        ],
        who: "operator of the resolver or of the reverse zone",
        remedy: "Ask again with another resolver (--resolver); if it fails there too, the reverse zone's servers are \
                 at fault.",
        reference: "RFC 8601 §2.7.3",
    },
    Entry {
        code: Code::PtrForwardLookupFailed,
        slug: "ptr-forward-lookup-failed",
        severity: Severity::Info,
        unknown: true,
        title: "PTR name's address could not be looked up",
        meaning: "The address has a name, but the DNS servers did not answer when we asked where that name points. It \
                  may well point back as it should. A receiver that meets the same trouble usually asks the sender to \
                  come back later.",
        precise: "The A or AAAA lookup of at least one PTR name ended in a temporary failure. Where no other name is \
                  confirmed, iprev is temperror; a name that is confirmed wins over another's failure, and iprev is \
                  pass. Receivers differ: Postfix and Exim defer, Sendmail defers as forged, OpenSMTPD counts it as \
                  not confirmed; Exim defers beside a confirmed name too, the others where the failing name comes \
                  first.",
        why: "No fault was observed. Where it leaves the check open, the verdict is `unknown`.",
        receivers: &[
            rule(POSTFIX, "450 4.7.25, whatever is configured"),
            rule(EXIM, "451 Temporary local problem"),
            rule(FCRDNS, "as not confirmed: what the filter says, by custom 550"),
            rule(SENDMAIL, "451 4.1.8 Possibly forged hostname"),
        ],
        who: "operator of the resolver or of the forward zone",
        remedy: "Ask again with another resolver (--resolver); if it fails there too, the forward zone's servers are \
                 at fault.",
        reference: "RFC 8601 §3",
    },
    Entry {
        code: Code::PtrPartlyUnconfirmed,
        slug: "ptr-partly-unconfirmed",
        severity: Severity::Warning,
        unknown: false,
        title: "One of several PTR names not confirmed",
        meaning: "The address has several names (PTR records). Some lead back to the address and some do not. Many \
                  receivers look at one name only, whichever the DNS gives first, so the same mail passes once and is \
                  refused the next time.",
        precise: "At least one PTR name is confirmed, so iprev is pass, and at least one was seen not to be. Exim tries all names. \
                  Postfix and Sendmail take the first of the answer, OpenSMTPD the first of good syntax; resolvers \
                  rotate the order, so each connection is a new throw. A name that could not be looked up is told \
                  apart from one that leads elsewhere.",
        why: "Refused by chance, not always: three of the four mail servers measured look at one name.",
        receivers: &[
            rule(POSTFIX, "450 4.7.25 when the unconfirmed name comes first"),
            rule(FCRDNS, "what the filter says, when the unconfirmed name comes first"),
            rule(SENDMAIL, "451 4.1.8 Possibly forged hostname when the unconfirmed name comes first"),
        ],
        who: "holder of the reverse zone",
        remedy: "Keep the one PTR that leads back and have the others removed.",
        reference: "RFC 8601 §3",
    },
    Entry {
        code: Code::PtrMultiple,
        slug: "ptr-multiple",
        severity: Severity::Info,
        unknown: false,
        title: "Several PTR names",
        meaning: "The address has more than one name (PTR record), and all of them lead back to it. That is allowed \
                  and works. One name, the one that the server introduces itself with, is easier for every receiver.",
        precise: "All PTR names are confirmed. RFC 2181 §10.2 says plainly that more than one PTR is permitted. \
                  Receivers that look at one name see any of them, so that logs, access maps and filters that compare \
                  EHLO with the PTR see a changing name.",
        why: "No receiver measured refuses or scores it.",
        receivers: &[],
        who: "holder of the reverse zone",
        remedy: "Keep one PTR: the name that the server says in EHLO.",
        reference: "RFC 2181 §10.2",
    },
    Entry {
        code: Code::PtrTooMany,
        slug: "ptr-too-many",
        severity: Severity::Warning,
        unknown: false,
        title: "More PTR names than receivers look at",
        meaning: "The address has more than ten names (PTR records). Receivers look at ten at most, some at the first \
                  only, so the right name may never be seen. Such an answer is also large enough to get lost on the \
                  way.",
        precise: "Only the first ten names were looked at, the limit that RFC 7208 §4.6.4 sets for the PTR names of \
                  one address; the others count as not there. Postfix, OpenSMTPD and Sendmail look at one name, mail-auth \
                  (Stalwart) at two, Exim at every one with two questions each, before its greeting. The answer \
                  may not fit into UDP, and then needs DNS over TCP.",
        why: "Whether the mail passes depends on which names come first.",
        receivers: &[rule(EXIM, "looks up every name before the greeting, which delays it")],
        who: "holder of the reverse zone",
        remedy: "Keep one PTR: the name that the server says in EHLO.",
        reference: "RFC 7208 §4.6.4",
    },
    Entry {
        code: Code::PtrGeneric,
        slug: "ptr-generic",
        severity: Severity::Warning,
        unknown: false,
        title: "Generic PTR name",
        meaning: "The address has the name (PTR record) that its provider gives every address: made of the address's \
                  numbers, or with words such as pool or dyn. Receivers take such an address for a home connection or a \
                  forgotten machine, so that filters count it and some receivers refuse the mail. A name of the \
                  server's own ends that.",
        precise: "The PTR name is confirmed or not as any other; only its shape is judged here, and no RFC forbids it. \
                  Receivers judge by patterns: rspamd by keywords beside digits (an encoded address alone scores \
                  nothing), SpamAssassin by digit groups and words, and it spares names with static, smtp or \
                  dedicated in them. The same name in EHLO costs much more than in the PTR.",
        why: "A shape is a hint and no proof, so it is never an error by itself; filters score it, and a few receivers \
              refuse it.",
        receivers: &[
            rule("haraka fcrdns", "550 generic rDNS"),
            rule("mail.ru 550", "refuses dynamic addresses and generic PTR records"),
            rule("t-online 554", "refuses names that look like dial-up"),
            rule("comcast 554", "refuses, code ES000010: not named as a static address"),
            rule("rspamd HFILTER_HOSTNAME_1 to 5", "0.5 to 3.0 by keyword, unless the EHLO name weighs as much"),
            rule("rspamd ONCE_RECEIVED_STRICT", "4.0 for static or dynamic in the name, in 4.1.5"),
            rule("spamassassin RDNS_DYNAMIC", "0.363; as EHLO name 0.5 to 3.9 by HELO_DYNAMIC rules"),
        ],
        who: "holder of the reverse zone (usually the hosting provider)",
        remedy: "Have the PTR changed to the server's own name.",
        reference: "RFC 5321 §7.9",
    },
    Entry {
        code: Code::PtrBadName,
        slug: "ptr-bad-name",
        severity: Severity::Warning,
        unknown: false,
        title: "PTR is not a host name",
        meaning: "The name recorded for the address (its PTR) has characters that a computer's name cannot have: only \
                  letters, digits and hyphens inside are allowed. Some receivers treat it as no name at all and refuse \
                  the mail.",
        precise: "The PTR's target breaks RFC 1123 §2.1 (letters, digits, inner hyphens), is the root, or is an \
                  address in text. Postfix and Sendmail judge by the C library: a bad first name spoils the whole \
                  answer, even when the second is good. Exim 4.96 accepts `/` and `_` inside a label, 4.97 neither, and no label that \
                  begins or ends with a hyphen. OpenSMTPD skips bad names. An underscore passes Postfix, Exim before 4.97 \
                  and Sendmail.",
        why: "It depends on the receiver and on the character: some see no PTR at all.",
        receivers: &[
            rule(POSTFIX, "450 4.7.25 where the name is no host name to the C library"),
            rule(SENDMAIL, "550 5.7.1 for an address in text or a name of digits"),
            rule("haraka fcrdns", "550 invalid TLD in rDNS"),
        ],
        who: "holder of the reverse zone",
        remedy: "Have the PTR changed to a proper host name.",
        reference: "RFC 1123 §2.1",
    },
    Entry {
        code: Code::PtrTooLong,
        slug: "ptr-too-long",
        severity: Severity::Warning,
        unknown: false,
        title: "PTR name too long for some receivers",
        meaning: "The name recorded for the address (its PTR) is longer than 64 characters. The DNS permits that, but \
                  some mail servers keep only the first 64. What is left is another name, which does not lead back to \
                  the address, so such a server may refuse the mail. A shorter name ends that.",
        precise: "OpenSMTPD keeps a client's name in HOST_NAME_MAX characters (64 on Linux) and looks up what is left, \
                  so that `match !fcrdns` holds for every longer name. Names up to 253 characters are valid \
                  (RFC 1035 §2.3.4); the other mail servers measured look the whole name up.",
        why: "One of the four mail servers measured refuses it, where its filter on FCrDNS is switched on.",
        receivers: &[rule(FCRDNS, "as not confirmed: what the filter says, by custom 550")],
        who: "holder of the reverse zone, and of the zone of the name",
        remedy: "Choose a name of 64 characters or fewer: publish its address record, have the PTR changed to it, and \
                 make the server say it in EHLO.",
        reference: "RFC 1035 §2.3.4",
    },
    Entry {
        code: Code::PtrNameAlias,
        slug: "ptr-name-alias",
        severity: Severity::Info,
        unknown: false,
        title: "PTR names an alias",
        meaning: "The name recorded for the address (its PTR) is only another name for a third one. Receivers follow \
                  the chain and mail passes. The record should give the main name directly.",
        precise: "The PTR's target has a CNAME. RFC 2181 §10.2 asks that a PTR's target be a canonical name. Resolvers \
                  follow the alias when they look up A or AAAA, and the four mail servers measured confirm such a name.",
        why: "All receivers measured accept it.",
        receivers: &[],
        who: "holder of the reverse zone",
        remedy: "Have the PTR changed to the name that the alias stands for.",
        reference: "RFC 2181 §10.2",
    },
    Entry {
        code: Code::PtrDelegated,
        slug: "ptr-delegated",
        severity: Severity::Info,
        unknown: false,
        title: "Reverse zone delegated by alias",
        meaning: "The provider has handed the naming of this address to somebody else, often to the customer. That is \
                  in order. It only matters for who must change the name: not the provider, but the holder of the \
                  zone at the end of the chain.",
        precise: "The reverse name is a CNAME into another zone, as RFC 2317 §4 delegates parts of a zone smaller than \
                  a /24. The PTR stands at the end of the chain, and a change must be made there. The four mail \
                  servers measured follow such chains, also with `/` in a label.",
        why: "It is the standard's own way, and all receivers measured follow it.",
        receivers: &[],
        who: "holder of the delegated reverse zone",
        remedy: "Change the PTR in the zone at the end of the chain, not in the parent.",
        reference: "RFC 2317 §4",
    },
    Entry {
        code: Code::ResolverFailed,
        slug: "resolver-failed",
        severity: Severity::Info,
        unknown: false,
        title: "A resolver failed beside another",
        meaning: "We asked several DNS servers the same question. One of them did not answer, and another did. We went \
                  by the answer that came, so the check is complete.",
        precise: "One resolver gave SERVFAIL, REFUSED, a malformed answer or none to a question that another answered \
                  definitely (records, NXDOMAIN or NODATA). The definite answer is judged. A receiver behind the \
                  failing resolver would see a temporary error.",
        why: "It concerns the resolver, and nothing was left open by it.",
        receivers: &[],
        who: "operator of the resolver",
        remedy: "Ask again; if it goes on failing, look into that resolver.",
        reference: "RFC 1035 §7.2",
    },
    Entry {
        code: Code::ResolversDisagree,
        slug: "resolvers-disagree",
        severity: Severity::Warning,
        unknown: false,
        title: "Resolvers disagree",
        meaning: "We asked several DNS servers the same question and got different answers. Some receivers see one \
                  answer and some the other, so mail may pass at one and be refused at the next. After a change this \
                  is normal until the old answer has expired.",
        precise: "Two resolvers gave different records, or one has records and the other says that there are none. \
                  Causes: a change within the old TTL (or the negative TTL), secondaries that did not transfer the \
                  zone, or views that answer by client. Compare the serial of the SOA at each of the zone's servers.",
        why: "Receivers act on what their own resolver says, so some of them may refuse.",
        receivers: &[],
        who: "holder of the zone",
        remedy: "If a record was changed lately, wait for the old TTL to pass; otherwise compare the zone's servers.",
        reference: "RFC 1034 §4.3.5",
    },
    Entry {
        code: Code::AddressNotPublic,
        slug: "address-not-public",
        severity: Severity::Info,
        unknown: false,
        title: "Address not seen from outside",
        meaning: "This address is for use inside a network, or is kept for examples. No receiver on the Internet ever \
                  sees it: the mail leaves from another, public address. Check that one instead.",
        precise: "The client's address is private (RFC 1918, RFC 4193), shared (RFC 6598), loopback, link-local, \
                  multicast, or reserved for documentation or benchmarks. What is judged is what the resolver given \
                  serves for it. Behind NAT, receivers see the translated address.",
        why: "It says where to look, not what is wrong.",
        receivers: &[],
        who: "you",
        remedy: "Give the public address that the server sends from with --ip.",
        reference: "RFC 6890",
    },
    Entry {
        code: Code::SelfBehindNat,
        slug: "self-behind-nat",
        severity: Severity::Info,
        unknown: false,
        title: "This machine is behind NAT",
        meaning: "This machine has one address in its own network, and the Internet sees another: a router in between \
                  exchanges them (NAT). That is common and in order. Names must be set for the address that the \
                  Internet sees.",
        precise: "A service asked over DNS told another address than the one that this machine's interface would send \
                  from (RFC 3022). Receivers look up the PTR of the outer address, and the EHLO name's A must hold it. \
                  The question went out over UDP port 53: a router may send port 25 out by another address.",
        why: "It says which address counts, not what is wrong.",
        receivers: &[],
        who: "you",
        remedy: "Set PTR and address records for the address that the outside sees, and see that mail leaves by the \
                 same way as the question did.",
        reference: "RFC 3022 §2",
    },
    Entry {
        code: Code::SelfAddressDisagrees,
        slug: "self-address-disagrees",
        severity: Severity::Warning,
        unknown: false,
        title: "Services see different addresses of this machine",
        meaning: "We asked several services on the Internet which address they see us at, and got different answers. \
                  So mail may leave by one address now and by another later. Each of them needs its own name that \
                  leads back to it.",
        precise: "Services that tell an asker its address told different ones in one family: a NAT with a pool of \
                  addresses that does not pair them (RFC 4787 §4.1), several uplinks, or a proxy for DNS on the way. \
                  The address of the first service that told one is judged.",
        why: "Mail from an address that was not set up is judged by that address's own PTR, and may be refused.",
        receivers: &[],
        who: "network operator of this machine",
        remedy: "Make mail leave by one address, or judge each that was told with --ip.",
        reference: "RFC 4787 §4.1",
    },
];
