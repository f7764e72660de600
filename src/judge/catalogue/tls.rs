//! TLS with the host dialled.

use super::{Code, Entry, Severity};

pub(in crate::judge) const ENTRIES: &[Entry] = &[
    Entry {
        code: Code::TlsNotOffered,
        slug: "tls-not-offered",
        severity: Severity::Info,
        unknown: false,
        title: "STARTTLS not offered",
        meaning: "The server does not offer to encrypt the connection, so mail to it travels in the open. That has \
                  nothing to do with its name. Some senders refuse to deliver without encryption.",
        precise: "The reply to EHLO does not list STARTTLS (RFC 3207 §2). A firewall that inspects SMTP may have removed \
                  it. Senders that follow DANE or an MTA-STS policy in mode enforce do not deliver in plain text.",
        why: "It says nothing of the agreement of names.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Enable STARTTLS.",
        reference: "RFC 3207 §2",
    },
    Entry {
        code: Code::TlsRequiredNotOffered,
        slug: "tls-required-not-offered",
        severity: Severity::Error,
        unknown: false,
        title: "TLS required and not had",
        meaning: "You asked for an encrypted connection, and it did not come about. The server does not offer one, or \
                  the attempt failed. The names could be checked all the same.",
        precise: "--tls require was given, and the reply to EHLO does not list STARTTLS (RFC 3207 §2), or the command or \
                  the handshake failed; a finding beside this one says which.",
        why: "You said that its absence is an error.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Enable STARTTLS, or check another port.",
        reference: "RFC 3207 §2",
    },
    Entry {
        code: Code::StarttlsRefused,
        slug: "starttls-refused",
        severity: Severity::Warning,
        unknown: false,
        title: "STARTTLS offered and refused",
        meaning: "The server offers to encrypt the connection, and then says that it cannot. Usually its certificate, \
                  its proof of identity, cannot be read. Mail to it may be delayed, and the names could be checked \
                  all the same.",
        precise: "The reply to EHLO lists STARTTLS, and the command was answered with 4xx or 5xx, most often 454 (TLS not \
                  available for the moment, RFC 3207 §4). The EHLO reply from before it is judged.",
        why: "Senders that insist on TLS do not deliver; others fall back to plain text.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Look in the server's log: most often its certificate or key cannot be read.",
        reference: "RFC 3207 §4",
    },
    Entry {
        code: Code::TlsFailed,
        slug: "tls-failed",
        severity: Severity::Warning,
        unknown: false,
        title: "TLS handshake failed",
        meaning: "The server offers to encrypt the connection, and the attempt failed. Mail to it may be delayed, \
                  because other servers meet the same. The names could be checked all the same.",
        precise: "The handshake failed: no common version (TLS 1.2 or later is asked for, RFC 8996), no common suite, or \
                  a broken key or certificate. The EHLO reply from before \
                  TLS is judged. RFC 3207 §4.1 leaves it to the client whether to go on in plain text.",
        why: "Senders that insist on TLS do not deliver; others fall back to plain text.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Enable TLS 1.2 or later with a current key and suites.",
        reference: "RFC 3207 §4.1",
    },
    Entry {
        code: Code::TlsInjection,
        slug: "tls-injection",
        severity: Severity::Warning,
        unknown: false,
        title: "Plain text behind STARTTLS",
        meaning: "Just before encryption began, something slipped in words that a careless program would take as \
                  encrypted and genuine. It may be an attack or a faulty server. We stopped there and believed none of \
                  them.",
        precise: "Octets stood behind the 220 reply to STARTTLS, before the handshake. A client that keeps its buffer \
                  reads them as if sent inside TLS: the response form of the injection known from CVE-2011-0411. \
                  RFC 3207 §4.2 has both sides forget what came before TLS.",
        why: "It is a hole that can be used, in the server or in what stands before it; receivers of its mail do not \
              see it.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Update the server or the proxy in front of it.",
        reference: "RFC 3207 §4.2",
    },
    Entry {
        code: Code::TlsExpired,
        slug: "tls-expired",
        severity: Severity::Warning,
        unknown: false,
        title: "Certificate not valid now",
        meaning: "The server's certificate, its proof of identity for encrypted connections, has run out or is not yet \
                  valid. Senders that check it hold back their mail. The names could be checked all the same.",
        precise: "The moment of the check lies outside notBefore and notAfter (RFC 5280 §4.1.2.5). Opportunistic TLS \
                  goes on regardless; senders under MTA-STS, and DANE with usage 2, do not.",
        why: "Only senders that verify refuse; it is always an oversight, and easily mended.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Renew the certificate and reload the server.",
        reference: "RFC 5280 §4.1.2.5",
    },
    Entry {
        code: Code::TlsUntrusted,
        slug: "tls-untrusted",
        severity: Severity::Info,
        unknown: false,
        title: "Certificate not publicly trusted",
        meaning: "The server's certificate, its proof of identity for encrypted connections, was made by the server \
                  itself or by an authority that is not generally known. Between mail servers that is common, and most \
                  senders encrypt anyway. Some insist on a known authority.",
        precise: "The chain does not lead to a root of Mozilla's list, or an intermediate is missing. Opportunistic TLS \
                  does not verify. MTA-STS asks for a publicly trusted chain (RFC 8461 §4.2); DANE (RFC 7672) asks for a match \
                  with the TLSA record instead, and takes a self-signed certificate.",
        why: "Opportunistic TLS goes on regardless; only MTA-STS senders refuse.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Install a certificate of a public authority, with its chain.",
        reference: "RFC 8461 §4.2",
    },
    Entry {
        code: Code::TlsNameMismatch,
        slug: "tls-name-mismatch",
        severity: Severity::Info,
        unknown: false,
        title: "Certificate names another host",
        meaning: "The server's certificate, its proof of identity for encrypted connections, is made out for another \
                  host. Most senders encrypt anyway. Some insist that the names fit.",
        precise: "No subject alternative name covers the EHLO name, a PTR name or the host dialled (RFC 9525 §6, a \
                  wildcard for one label). Senders that verify compare with the MX host name (RFC 8461 §4.2, RFC 7672 \
                  §3.2), never with the EHLO name.",
        why: "Opportunistic TLS goes on regardless.",
        receivers: &[],
        who: "administrator of the mail server",
        remedy: "Install a certificate for the server's name.",
        reference: "RFC 9525 §6",
    },
];
