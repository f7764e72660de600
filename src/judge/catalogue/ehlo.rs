//! The EHLO name against the PTR and the address.

use super::{Code, Entry, Severity, rule};

const UNKNOWN_HELO: &str = "postfix reject_unknown_helo_hostname";
const VERIFY_HELO: &str = "exim verify = helo";
const IP_A: &str = "rspamd HFILTER_HELO_IP_A";
const MATCHING: &str = "haraka helo.checks";

pub(in crate::judge) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code::EhloDiffersFromPtr,
        slug: "ehlo-differs-from-ptr",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO name is not the PTR name",
        meaning: "The server introduces itself with one name (in a greeting called EHLO), and its address carries \
                  another (its PTR record). The rules forbid a receiver to refuse mail for that alone, but spam \
                  filters count it against the mail. Best is one name in both places.",
        precise: "The EHLO name equals none of the PTR names, compared without case and final dot, as A-labels. \
                  RFC 5321 §4.1.4 lets a server verify the name and says that it MUST NOT refuse the message when that \
                  fails. Exim's verify = helo passes when the name's A or AAAA holds the client's address; Postfix \
                  and rspamd never compare EHLO with the PTR; SpamAssassin does.",
        why: "Nobody measured refuses for it alone where the EHLO name leads to the address, and filters score it.",
        receivers: &[
            rule(
                "spamassassin KHOP_HELO_FCRDNS",
                "1.0 (0.4 at most with updated rules), none with an SPF or DKIM pass",
            ),
            rule(MATCHING, "550 HELO host does not match rDNS, where that check is set to refuse"),
        ],
        who: "administrator of the mail server, or holder of the reverse zone",
        remedy: "Make the server say the PTR name in EHLO, or have the PTR changed to the EHLO name.",
        reference: "RFC 5321 §4.1.4",
    },
    Entry {
        code: Code::EhloUnresolvable,
        slug: "ehlo-unresolvable",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO name has no address",
        meaning: "The server introduces itself with a name (in a greeting called EHLO) that the DNS does not know, or \
                  knows without an address. It is like a return address that is on no map. Receivers that check the \
                  name refuse the mail or put it off.",
        precise: "The EHLO name has no A (for an IPv4 client) or AAAA (for an IPv6 client) record: NXDOMAIN or NODATA. \
                  RFC 5321 §2.3.5 asks for a name that resolves to an address. Postfix's rule is content with an A, an \
                  AAAA or an MX of any value; Exim's wants the client's address, or a confirmed PTR of the same name.",
        why: "Two of the four mail servers measured have a rule that refuses or defers for it, and rspamd scores it.",
        receivers: &[
            rule(UNKNOWN_HELO, "450 4.7.1 where A, AAAA and MX are all missing; permanent only where so configured"),
            rule(VERIFY_HELO, "550, unless a confirmed PTR has the same name"),
            rule(MATCHING, "550 HELO host cannot achieve forward match, where that check is set to refuse"),
            rule(IP_A, "1.0"),
            rule("rspamd HFILTER_HELO_NORES_A_OR_MX", "0.3 where there is no MX either"),
        ],
        who: "holder of the zone of the EHLO name",
        remedy: "Publish an address record of the EHLO name that holds the outbound address, or make the server say a \
                 name that has one.",
        reference: "RFC 5321 §2.3.5",
    },
    Entry {
        code: Code::EhloAddressDiffers,
        slug: "ehlo-address-differs",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO name points elsewhere",
        meaning: "The server introduces itself with a name (in a greeting called EHLO) that belongs to another \
                  address than the one that the mail comes from. It looks as if it used somebody else's name. Some \
                  receivers refuse the mail, and spam filters count it.",
        precise: "The EHLO name has A or AAAA records of the client's family, and none is the client's address. \
                  Postfix never compares. Exim's verify = helo fails unless a confirmed PTR has the same name. Common \
                  causes: several outbound addresses behind one name, or NAT to an address that was not added.",
        why: "RFC 5321 §4.1.4 forbids refusing for it; one of the four mail servers measured has a rule that does, and \
              rspamd scores it since 4.1.5.",
        receivers: &[
            rule(VERIFY_HELO, "550, unless a confirmed PTR has the same name"),
            rule("exim helo_verify_hosts", "550 EHLO argument does not match calling host"),
            rule(MATCHING, "550 HELO host has no forward match, where that check is set to refuse"),
            rule(IP_A, "1.0 since 4.1.5"),
        ],
        who: "holder of the zone of the EHLO name",
        remedy: "Add the outbound address to the EHLO name's records, or make the server say the PTR name.",
        reference: "RFC 5321 §4.1.4",
    },
    Entry {
        code: Code::EhloLookupFailed,
        slug: "ehlo-lookup-failed",
        severity: Severity::Info,
        unknown: true,
        title: "EHLO name's address could not be looked up",
        meaning: "The DNS servers did not answer when we asked where the name points that the server introduces itself \
                  with. The name may be right. A receiver that meets the same trouble may put the mail off.",
        precise: "The A or AAAA lookup of the EHLO name ended in SERVFAIL, REFUSED, a malformed answer or no answer. \
                  Postfix defers, and only where no later rule refuses. Exim's verify = helo knows no temporary result \
                  and refuses, unless a confirmed PTR has the same name.",
        why: "No fault was observed. The verdict `unknown` says that the check is open.",
        receivers: &[
            rule(UNKNOWN_HELO, "450 4.7.1, never permanent"),
            rule(VERIFY_HELO, "550, unless a confirmed PTR has the same name"),
            rule(MATCHING, "450 DNS timeout resolving the HELO name"),
            rule(IP_A, "1.0 in 3.4, nothing since 4.1.5"),
        ],
        who: "operator of the resolver or of the zone",
        remedy: "Ask again with another resolver (--resolver); if it fails there too, the zone's servers are at fault.",
        reference: "RFC 5321 §4.1.4",
    },
    Entry {
        code: Code::EhloAlias,
        slug: "ehlo-alias",
        severity: Severity::Info,
        unknown: false,
        title: "EHLO name is an alias",
        meaning: "The server introduces itself with a name that is only another name for a third one. Receivers follow \
                  the chain and mail usually passes. The standard asks for the main name.",
        precise: "The EHLO name has a CNAME. RFC 5321 §2.3.5 asks for a primary host name, one that resolves to an \
                  address record. Postfix and Exim follow the alias when they look the name up.",
        why: "All receivers measured accept it.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Make the server say the name that the alias stands for.",
        reference: "RFC 5321 §2.3.5",
    },
    Entry {
        code: Code::EhloNoName,
        slug: "ehlo-no-name",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO reply gives no name",
        meaning: "Asked to introduce itself, the server answers without saying its name. So there is no name to \
                  compare with its address. It may still say a proper name when it sends mail itself.",
        precise: "The first line of the 250 reply does not begin with a domain or an address literal, as RFC 5321 \
                  §4.1.1.1 (ehlo-ok-rsp) asks. The name that receivers judge is the one in the EHLO command that the \
                  server sends as a client, which a dialled check can only infer; the reply of a server that is badly \
                  configured here is often a sign of it.",
        why: "The reply breaks the standard's form, and the name sent as a client is likely to come from the same \
              setting.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Configure the server's host name; or give the client's name with --ehlo.",
        reference: "RFC 5321 §4.1.1.1",
    },
];
