//! The shape of the EHLO name, whatever the DNS says of it.

use super::{Code, Entry, Rule, Severity, rule};

const INVALID_HELO: &str = "postfix reject_invalid_helo_hostname";
const NON_FQDN: Rule = rule("postfix reject_non_fqdn_helo_hostname", "504 5.5.2 need fully-qualified hostname");
const UNKNOWN_HELO: Rule =
    rule("postfix reject_unknown_helo_hostname", "450 4.7.1; permanent only where so configured");
const EXIM_501: Rule = rule("exim base", "501 Syntactically invalid EHLO argument(s)");
const EXIM_VERIFY: &str = "exim verify = helo";
const OPENSMTPD_501: Rule = rule("opensmtpd base", "501 5.5.4 Invalid domain name");
const SENDMAIL_501: Rule = rule("sendmail base", "501 5.0.0 Invalid domain name");
const BAD_HELO: &str = "sendmail FEATURE(block_bad_helo)";
const HARAKA_FQDN: Rule = rule("haraka helo.checks", "550 HELO host must be a FQDN or address literal");
const GMAIL: Rule = rule("gmail 501 5.5.4", "HELO/EHLO argument is invalid");
const RSPAMD_5: &str = "rspamd HFILTER_HELO_5";
const RSPAMD_NOT_FQDN: Rule = rule("rspamd HFILTER_HELO_NOT_FQDN", "2.0");
const BAREIP: &str = "rspamd HFILTER_HELO_BAREIP";
const BADIP: Rule = rule("rspamd HFILTER_HELO_BADIP", "4.5 instead, where the address is private or for documentation");

pub(in crate::judge) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code::EhloNotFqdn,
        slug: "ehlo-not-fqdn",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO name not fully qualified",
        meaning: "The server introduces itself with a short name, as it is called inside its own network, not with \
                  its full name on the Internet (like mail.example.net). Nobody outside can look a short name up. \
                  Receivers commonly refuse such mail.",
        precise: "The EHLO name is a single label, or its last label is all digits. RFC 5321 §2.3.5 permits only \
                  resolvable, fully qualified names. Postfix and Stalwart ask for a dot; Postfix accepts a numeric \
                  last label there, and finds no address for it in the next rule.",
        why: "Refused at once by a rule that many Postfix servers switch on, by Stalwart and by Haraka, and scored by \
              both filters.",
        receivers: &[
            NON_FQDN,
            UNKNOWN_HELO,
            rule(BAD_HELO, "550 for a name without a dot"),
            HARAKA_FQDN,
            rule("stalwart", "550 5.5.0 Invalid EHLO domain, for a name without a dot"),
            rule(RSPAMD_5, "3.0 for a name without a dot"),
            rule("spamassassin HELO_NO_DOMAIN", "1.0, lower with updated rules, with FSL_HELO_NON_FQDN_1 0.001"),
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say a fully qualified name that has an address record.",
        reference: "RFC 5321 §2.3.5",
    },
    Entry {
        code: Code::EhloLocalhost,
        slug: "ehlo-localhost",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO says localhost",
        meaning: "The server introduces itself as `localhost`, which means \"this computer\" on every computer. So it \
                  has not been told its own name. Receivers commonly refuse such mail or count it as spam.",
        precise: "The EHLO name is localhost, a name below it, or localhost.localdomain. It resolves on most machines \
                  to their own loopback address, so Postfix reject_unknown_helo_hostname may let it pass; its rule for full \
                  names does not.",
        why: "Refused by common rules, and one of the heaviest EHLO scores of both filters.",
        receivers: &[
            NON_FQDN,
            rule(EXIM_VERIFY, "550"),
            rule(BAD_HELO, "550 for a name without a dot"),
            HARAKA_FQDN,
            rule(RSPAMD_5, "3.0"),
            rule("spamassassin HELO_LOCALHOST", "3.603"),
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its fully qualified name.",
        reference: "RFC 5321 §2.3.5",
    },
    Entry {
        code: Code::EhloSpecialUse,
        slug: "ehlo-special-use",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO name under a private domain",
        meaning: "The server introduces itself with a name that is valid only inside a private network (it ends in \
                  .local, .lan, .internal or the like). No receiver can look such a name up. Some refuse the mail, and \
                  spam filters count it.",
        precise: "The EHLO name ends in a special-use or private top-level domain (RFC 6761, 6762, 7686, 8375, 9476, \
                  ICANN's .internal, and those that routers hand out). Its form is right, so rules on the form pass; \
                  rules that look it up do not. rspamd lists .local, .lan, .home, .localdomain and .intra, SpamAssassin \
                  .lan and .home.",
        why: "Refused where the name is looked up, passed by rules on the form, scored by both filters.",
        receivers: &[
            UNKNOWN_HELO,
            rule(EXIM_VERIFY, "550, unless a confirmed PTR has the same name"),
            rule(RSPAMD_5, "3.0 since 3.8 for the domains that it lists; before, 1.3 for a name without address"),
            rule("spamassassin HELO_LH_HOME", "2.023 for .lan and .home"),
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its public name.",
        reference: "RFC 6761 §6",
    },
    Entry {
        code: Code::EhloBareAddress,
        slug: "ehlo-bare-address",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO says a bare IP address",
        meaning: "The server introduces itself with a plain number (its IP address) where its name belongs. Receivers \
                  commonly refuse that or count it as spam. It must say its full name.",
        precise: "The EHLO argument is an IPv4 or IPv6 address without brackets, which RFC 5321 §4.1.3 does not allow. \
                  Postfix reject_invalid_helo_hostname forgives it and the other two rules do not; Exim and OpenSMTPD take a \
                  bare IPv4 address, and Exim answers 501 to a bare IPv6 one.",
        why: "Refused by a rule that many Postfix servers switch on, and heavily scored by both filters.",
        receivers: &[
            NON_FQDN,
            UNKNOWN_HELO,
            rule("exim base", "501 for IPv6"),
            rule(BAREIP, "3.0"),
            BADIP,
            rule("spamassassin FSL_HELO_BARE_IP_1", "1.426; with RCVD_HELO_IP_MISMATCH 1.186 for another network"),
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its fully qualified name.",
        reference: "RFC 5321 §4.1.3",
    },
    Entry {
        code: Code::EhloLiteral,
        slug: "ehlo-literal",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO says an address literal",
        meaning: "The server introduces itself with its IP address in brackets instead of a name. That is allowed for \
                  a machine that has no name, so a mail server should not need it. Spam filters count it.",
        precise: "The EHLO argument is an address literal (RFC 5321 §4.1.3) that is the client's address, or there is \
                  no address to compare it with. Postfix takes any well-formed literal and never compares it. Exim's verify = helo takes \
                  the IPv4 form and refuses the only correct IPv6 form. A literal cannot equal a PTR name.",
        why: "Legal, so few refuse it; filters score it although it is true.",
        receivers: &[
            rule(EXIM_VERIFY, "550 for [IPv6:…]"),
            rule(BAD_HELO, "550 for [IPv6:…]"),
            rule(BAREIP, "3.0 for IPv4"),
            rule(RSPAMD_5, "3.0 for [IPv6:…]"),
            rule("spamassassin KHOP_HELO_FCRDNS", "1.0 (0.4 at most with updated rules)"),
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its fully qualified name.",
        reference: "RFC 5321 §4.1.3",
    },
    Entry {
        code: Code::EhloLiteralDiffers,
        slug: "ehlo-literal-differs",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO literal is another address",
        meaning: "The server introduces itself with an IP address in brackets, and it is not the address that the mail \
                  comes from. Often it is an address inside its own network. The receiver sees at once that it is \
                  wrong.",
        precise: "The EHLO argument is an address literal other than the client's address, compared parsed. Common \
                  behind NAT. Postfix never compares; Exim's verify = helo and Haraka do; rspamd matches private and \
                  documentation addresses by their first digits.",
        why: "It is untrue of the one thing that every receiver sees for itself: rules that compare refuse it, and \
              rspamd gives it its heaviest EHLO score where the address is private.",
        receivers: &[
            rule(EXIM_VERIFY, "550"),
            rule("exim helo_verify_hosts", "550 EHLO argument does not match calling host"),
            rule("haraka helo.checks", "550 HELO IP literal does not match your IP address"),
            rule(BAREIP, "3.0 for IPv4"),
            BADIP,
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its fully qualified name.",
        reference: "RFC 5321 §4.1.3",
    },
    Entry {
        code: Code::EhloLiteralSyntax,
        slug: "ehlo-literal-syntax",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO literal badly written",
        meaning: "The server introduces itself with an IP address in brackets, and the form is wrong. Some receivers \
                  refuse it as an error of form. It must say its full name.",
        precise: "RFC 5321 §4.1.3 writes an IPv4 literal [192.0.2.1] and an IPv6 one [IPv6:2001:db8::1]. This one has \
                  the tag where it does not belong, or lacks it. Postfix refuses both forms under any of its three \
                  HELO rules; OpenSMTPD takes an untagged IPv6 literal and refuses [IPv4:…]; Exim takes both.",
        why: "Refused by some rules and taken by the servers that read generously.",
        receivers: &[
            rule(INVALID_HELO, "501 5.5.2 invalid ip address"),
            rule("opensmtpd base", "501 5.5.4 for [IPv4:…]"),
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its fully qualified name.",
        reference: "RFC 5321 §4.1.3",
    },
    Entry {
        code: Code::EhloNotHostname,
        slug: "ehlo-not-hostname",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO name is not a host name",
        meaning: "The server introduces itself with a name that has a character which names of computers cannot have, \
                  often an underscore (_). Some receivers, every Exim server in its stock setting among them, refuse it \
                  before the mail is even looked at.",
        precise: "A label has a character outside letters, digits and hyphen, or begins or ends with a hyphen \
                  (RFC 1123 §2.1; RFC 5321 §4.1.2, sub-domain). Exim takes letters, digits, dot and hyphen unless \
                  helo_allow_chars adds more, and then refuses MAIL too. Postfix and OpenSMTPD take an underscore.",
        why: "Exim refuses an underscore as it is shipped.",
        receivers: &[
            EXIM_501,
            rule(INVALID_HELO, "501 5.5.2 Invalid name, for a label that begins or ends with a hyphen"),
            RSPAMD_NOT_FQDN,
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say a name of letters, digits and inner hyphens.",
        reference: "RFC 1123 §2.1",
    },
    Entry {
        code: Code::EhloFinalDot,
        slug: "ehlo-final-dot",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO name ends in a dot",
        meaning: "The server introduces itself with its name and a dot behind it. Zone files end a full name so; in \
                  mail the dot does not belong there. Some receivers refuse the mail for it, and others find no such \
                  name. The server must say the name without the dot.",
        precise: "A domain in EHLO is labels with dots between (RFC 5321 §4.1.2), and none at the end. The name is \
                  compared here without it. OpenSMTPD refuses it as it is shipped; Postfix reject_unknown_helo_hostname \
                  counts it as not found without asking the DNS; Exim, Sendmail and both filters take it.",
        why: "Refused by every OpenSMTPD, and deferred by a rule that many Postfix servers switch on.",
        receivers: &[OPENSMTPD_501, UNKNOWN_HELO],
        who: "administrator of the mail server",
        remedy: "Make the server say its name without the final dot.",
        reference: "RFC 5321 §4.1.2",
    },
    Entry {
        code: Code::EhloNotAscii,
        slug: "ehlo-not-ascii",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO name is raw UTF-8",
        meaning: "The server introduces itself with a name in letters like ü or é. When two mail servers begin to \
                  talk, only plain letters are allowed. The name has a plain form, which begins with xn--, and the \
                  server must say that.",
        precise: "The EHLO argument has octets outside ASCII. RFC 6531 §3.7.1: a client cannot know of SMTPUTF8 before \
                  the reply to EHLO, so it MUST send LDH labels or A-labels only.",
        why: "All four mail servers measured refuse it, Postfix by a rule that many switch on.",
        receivers: &[
            rule(INVALID_HELO, "501 5.5.2 Invalid name"),
            EXIM_501,
            OPENSMTPD_501,
            SENDMAIL_501,
            GMAIL,
            RSPAMD_NOT_FQDN,
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say the A-label form (xn--…).",
        reference: "RFC 6531 §3.7.1",
    },
    Entry {
        code: Code::EhloTooLong,
        slug: "ehlo-too-long",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO name too long",
        meaning: "The server introduces itself with a name that is longer than any name in the DNS can be, so nobody \
                  can look it up. It must say its real full name.",
        precise: "The EHLO argument is longer than 253 characters, the most that fits into the 255 octets of a domain \
                  name (RFC 1035 §2.3.4, RFC 5321 §4.5.3.1.2). Exim takes even 1200 characters; the others refuse.",
        why: "Three of the four mail servers measured refuse a name of more than 255 characters, and it can never \
              resolve.",
        receivers: &[
            rule(INVALID_HELO, "501 5.5.2 Invalid name"),
            OPENSMTPD_501,
            SENDMAIL_501,
            rule(EXIM_VERIFY, "550"),
            RSPAMD_NOT_FQDN,
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its fully qualified name.",
        reference: "RFC 1035 §2.3.4",
    },
    Entry {
        code: Code::EhloInvalid,
        slug: "ehlo-invalid",
        severity: Severity::Error,
        unknown: false,
        title: "EHLO name is not a name",
        meaning: "What the server introduces itself with is no name at all: it has spaces, empty parts or brackets \
                  that do not close. Often a setting was left unfilled. Receivers commonly refuse it as an error of form.",
        precise: "The EHLO argument is neither a domain nor an address literal (RFC 5321 §4.1.1.1). Which faults are \
                  seen differs: Exim has no rule on labels (`a..b` passes) and refuses brackets, spaces and `(none)`; \
                  Postfix refuses all of them, but only where one of its HELO rules is switched on.",
        why: "Refused by the syntax of most servers.",
        receivers: &[
            rule(INVALID_HELO, "501 5.5.2 Invalid name, or invalid ip address behind `[`"),
            EXIM_501,
            OPENSMTPD_501,
            SENDMAIL_501,
            rule("haraka helo.checks", "550 HELO host name invalid"),
            GMAIL,
            RSPAMD_NOT_FQDN,
        ],
        who: "administrator of the mail server",
        remedy: "Make the server say its fully qualified name.",
        reference: "RFC 5321 §4.1.1.1",
    },
];
