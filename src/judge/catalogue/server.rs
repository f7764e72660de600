//! How the host dialled greets and answers. Receivers of its mail never see these replies.

use super::{Code, Entry, Severity};

pub(in crate::judge) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code::EhloRefused,
        slug: "ehlo-refused",
        severity: Severity::Info,
        unknown: true,
        title: "EHLO and HELO refused",
        meaning: "The server did not want to introduce itself to us, so we could not learn its name. It may talk to \
                  others: its reply usually says why it refused.",
        precise: "EHLO was answered with neither 250 nor 4xx, and HELO was not accepted either (RFC 5321 §4.1.4). Usual causes: our address or our \
                  own EHLO name (--helo-as) displeases it, or it takes submission clients only. Nothing follows for \
                  the name that it sends with.",
        why: "No fault of the identity was observed. The verdict `unknown` says that the check is open.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Read the reply; try from an address that the server accepts, or give the client's name with --ehlo.",
        reference: "RFC 5321 §4.1.4",
    },
    Entry {
        code: Code::EhloDeferred,
        slug: "ehlo-deferred",
        severity: Severity::Info,
        unknown: true,
        title: "EHLO put off",
        meaning: "Asked to introduce itself, the server asked us to call again later: it is busy, or we called too \
                  often. So we could not learn its name. It is not down.",
        precise: "EHLO was answered with 4xx, a transient failure (RFC 5321 §4.2.1), and HELO was not accepted either: \
                  load, a limit on connections from one address, or our own DNS entries that could not be looked up \
                  there.",
        why: "No fault of the identity was observed. The verdict `unknown` says that the check is open.",
        receivers: &[],
        who: "nobody",
        remedy: "Try again later.",
        reference: "RFC 5321 §4.2.1",
    },
    Entry {
        code: Code::EhloFellBackToHelo,
        slug: "ehlo-fell-back-to-helo",
        severity: Severity::Info,
        unknown: false,
        title: "EHLO refused, HELO accepted",
        meaning: "The server understands only the oldest form of introduction (HELO), or something in between, such \
                  as a firewall, removes the newer one (EHLO). The name is known all the same. Encryption is not \
                  possible that way.",
        precise: "EHLO was refused and HELO accepted; the name is that of the HELO reply. RFC 5321 §3.2 asks clients to \
                  fall back so. Without EHLO there are no extensions: no STARTTLS, SIZE or 8BITMIME.",
        why: "It says nothing of the agreement of names.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Enable ESMTP.",
        reference: "RFC 5321 §3.2",
    },
    Entry {
        code: Code::EhloDiffersAfterTls,
        slug: "ehlo-differs-after-tls",
        severity: Severity::Warning,
        unknown: false,
        title: "EHLO reply changes after STARTTLS",
        meaning: "The server gives one name before the connection is encrypted and another afterwards. So two programs \
                  or two settings answer. The name given under encryption is the one that we judge.",
        precise: "The EHLO replies before STARTTLS and inside TLS claim different names. RFC 3207 §4.2 has the client \
                  forget the first and ask again; the extensions may differ, the host should not. A proxy or a TLS \
                  terminator in front is the usual cause.",
        why: "Two names for one host: if it sends as either, one of the two does not agree with the PTR.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Give both the same host name; a proxy in front may answer the first.",
        reference: "RFC 3207 §4.2",
    },
    Entry {
        code: Code::BannerDiffersFromEhlo,
        slug: "banner-differs-from-ehlo",
        severity: Severity::Info,
        unknown: false,
        title: "Banner and EHLO reply differ",
        meaning: "The line with which the server picks up the phone (its banner) names one host, and the introduction \
                  that follows names another. Servers that receive its mail see neither. People who look at it are \
                  confused.",
        precise: "The first word behind 220 and the first word of the 250 reply to EHLO are different names. RFC 5321 \
                  §4.3.1 asks for the host's official name in all greetings. In most servers the two come from one \
                  setting unless the banner is overridden (smtpd_banner in Postfix).",
        why: "Receivers never see the banner.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Give both the same host name.",
        reference: "RFC 5321 §4.3.1",
    },
    Entry {
        code: Code::BannerNoName,
        slug: "banner-no-name",
        severity: Severity::Info,
        unknown: false,
        title: "Banner gives no name",
        meaning: "The line with which the server picks up the phone (its banner) does not say which host it is, or a \
                  firewall blots it out with asterisks. That is no mismatch of names. Servers that receive its mail \
                  never see it.",
        precise: "The text behind 220 does not begin with a domain or a literal, as the greeting's grammar asks \
                  (RFC 5321 §4.2). `220 ****…` is the mark of a firewall's SMTP inspection, which also tends to remove \
                  extensions.",
        why: "Receivers never see the banner.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Let the greeting begin with the server's name.",
        reference: "RFC 5321 §4.2",
    },
    Entry {
        code: Code::GreetingRefused,
        slug: "greeting-refused",
        severity: Severity::Info,
        unknown: true,
        title: "Server refuses us",
        meaning: "The server picked up the phone and said that it will not talk to us. So we could not learn its name. \
                  It is not down: it answers, and it may answer others differently.",
        precise: "The greeting is 5xx (RFC 5321 §3.1 names 554). Usual causes: the address that we dial from is listed \
                  or has no PTR, or the host takes no mail. The reply is kept in the report.",
        why: "No fault of the identity was observed. The verdict `unknown` says that the check is open.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Read the reply; check from an address that the server accepts, or give the client's name with --ehlo.",
        reference: "RFC 5321 §3.1",
    },
    Entry {
        code: Code::GreetingDeferred,
        slug: "greeting-deferred",
        severity: Severity::Info,
        unknown: true,
        title: "Server asks us to come back",
        meaning: "The server picked up the phone and asked us to call again later: it is busy, or we called too often. \
                  So we could not learn its name. It is not down.",
        precise: "The greeting is 4xx, usually 421 (RFC 5321 §3.8): load, a limit on connections from one address, or \
                  greylisting at the door.",
        why: "No fault of the identity was observed. The verdict `unknown` says that the check is open.",
        receivers: &[],
        who: "nobody",
        remedy: "Try again later.",
        reference: "RFC 5321 §3.8",
    },
    Entry {
        code: Code::GreetingSlow,
        slug: "greeting-slow",
        severity: Severity::Info,
        unknown: false,
        title: "Greeting held back",
        meaning: "The server waited a while before it said its first word. Many do so on purpose, because senders of \
                  spam are impatient. Proper mail servers wait, so nothing needs to change.",
        precise: "The greeting was complete only after more than two seconds. A pause before 220 (postscreen's \
                  pregreet test, Exim's delay) catches clients that speak first; DNS lookups at connect that run into \
                  timeouts look the same. Clients are to wait five minutes (RFC 5321 §4.5.3.2.1).",
        why: "It is a common defence, and clients that keep to the standard wait.",
        receivers: &[],
        who: "nobody",
        remedy: "Nothing to change for the agreement; a long wait makes impatient tools call the server down.",
        reference: "RFC 5321 §4.5.3.2.1",
    },
    Entry {
        code: Code::UnaskedOctets,
        slug: "unasked-octets",
        severity: Severity::Info,
        unknown: false,
        title: "Server spoke out of turn",
        meaning: "The server sent something that we had not asked for. We did not take it as an answer. Usually \
                  something between us and the server adds words of its own.",
        precise: "Octets stood behind a complete reply before the next command was sent. RFC 5321 §4.2: every command \
                  generates exactly one reply. Read as a reply they would shift all that follow by one; they were set \
                  aside.",
        why: "It says nothing of the agreement of names, and nothing was read from it.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Look for a proxy or a filter that answers beside the server.",
        reference: "RFC 5321 §4.2",
    },
];
