//! Why the host dialled could not be seen. Nothing here is a fault of the identity.

use super::{Code, Entry, Severity};

const OPEN: &str = "No fault of the identity was observed. The verdict `unknown` says that the check is open.";

/// What all entries of this subject have in common.
const fn unseen(
    code: Code,
    slug: &'static str,
    title: &'static str,
    meaning: &'static str,
    precise: &'static str,
    (who, remedy): (&'static str, &'static str),
    reference: &'static str,
) -> Entry {
    Entry {
        code,
        slug,
        severity: Severity::Info,
        unknown: true,
        title,
        meaning,
        precise,
        why: OPEN,
        receivers: &[],
        who,
        remedy,
        reference,
    }
}

pub(super) const ENTRIES: &[Entry] = &[
    unseen(
        Code::TargetUnresolvable,
        "target-unresolvable",
        "Target has no address",
        "The name that you gave has no address in the DNS, so there was nothing to connect to. Usually it is misspelt, \
         or it is a mail domain and not the name of a server.",
        "The target's name has neither A nor AAAA. MX records are not followed: a target is a host.",
        ("you", "Check the spelling; give the server's host name or its address."),
        "RFC 5321 §5.1",
    ),
    unseen(
        Code::TargetOtherFamily,
        "target-other-family",
        "Target has no address of the family asked for",
        "Only IPv4 or only IPv6 was to be tried, and the server that you named has no address of that kind. So there \
         was nothing to connect to.",
        "-4, -6 or the family of --source leaves one record type to dial, and the target's name has none of it (or the \
         address given is of the other family).",
        ("you", "Leave out -4, -6 or --source, or give an address of that family."),
        "RFC 5321 §5.1",
    ),
    unseen(
        Code::TargetLookupFailed,
        "target-lookup-failed",
        "Target could not be looked up",
        "The DNS servers did not answer when we asked for addresses of the name that you gave, so those could not be \
         tried. The name may be right, and there may be more addresses than were checked.",
        "An A or AAAA lookup of the target ended in SERVFAIL, REFUSED, a malformed answer or no answer; addresses of \
         the other family were dialled where there were any. Senders that meet it queue the mail and try again (RFC 5321 §5.1).",
        ("operator of the resolver", "Ask another resolver (--resolver), or give the address."),
        "RFC 5321 §5.1",
    ),
    unseen(
        Code::TargetManyAddresses,
        "target-many-addresses",
        "Target has more addresses than are dialled",
        "The name that you gave stands for very many addresses. Only the first of them were tried; nothing is known of \
         the others.",
        "At most 16 addresses of a name are dialled, in the order of the answer.",
        ("you", "Check the other addresses by themselves: give them as targets."),
        "RFC 5321 §5.1",
    ),
    unseen(
        Code::ConnectRefused,
        "connect-refused",
        "Connection refused",
        "The machine is there, and nobody answers at this door (port). The mail server is not running, listens at \
         another port, or a firewall turns us away.",
        "The connection was answered with a reset, or with an ICMP message that says so. A relay that only sends need \
         not listen at all: give its identity with --ip and --ehlo.",
        ("administrator of the mail server", "Check the port, and that the mail server runs and listens on it."),
        "RFC 9293 §3.5.2",
    ),
    unseen(
        Code::ConnectTimeout,
        "connect-timeout",
        "No answer to the connection",
        "Nobody answered at this address and port. The machine is off, or a firewall on the way swallows our \
         connection.",
        "No SYN was answered in time. Control connections to other mail servers tell whether this machine is blocked; \
         the finding says what they gave. A relay that only sends need not listen at all.",
        ("administrator of the mail server or of the network", "Check the address; try from another network."),
        "RFC 5321 §4.5.3.2",
    ),
    unseen(
        Code::PortBlockedHere,
        "port-blocked-here",
        "Port seems blocked from this machine",
        "We could reach neither this server nor others on the same port. So the trouble is on our side: many \
         providers block the port that mail servers use with each other (25). It says nothing about the server.",
        "The target and the control hosts were silent on the port, these for a second at least. Access networks and most cloud providers block \
         outgoing port 25 by default (RFC 5068 speaks of the practice); the DNS side of the check is not affected.",
        (
            "network operator of this machine",
            "Run the check from a machine that may use the port, or ask the provider to open it.",
        ),
        "RFC 5068 §4",
    ),
    unseen(
        Code::NoRoute,
        "no-route",
        "No route to the address",
        "This machine has no way to that address, for example because its network has no IPv6. It says nothing about \
         the server.",
        "The system answered the connection with network or host unreachable, or its own filter forbade it.",
        (
            "network operator of this machine",
            "Check this machine's network for the address family, or choose one with -4 or -6.",
        ),
        "RFC 1122 §3.3.1",
    ),
    unseen(
        Code::SourceUnavailable,
        "source-unavailable",
        "Source address not usable",
        "The address that you asked us to connect from is not one of this machine's addresses, or it is of the other \
         kind (IPv4 or IPv6) than the server's. So no connection could be made.",
        "Binding to the address of --source failed, or its family is not the target's.",
        ("you", "Give an address of this machine, of the target's family."),
        "RFC 1122 §3.3.4",
    ),
    unseen(
        Code::NoGreeting,
        "no-greeting",
        "No greeting",
        "The connection was made, and the server did not say its first word in time. It may be very slow on purpose, \
         or expect encryption from the first moment, or be no mail server at all: many others wait in silence too.",
        "No complete 220 came within the time allowed. A port that speaks TLS first waits for the client; a tarpit or \
         a postscreen teaser (220- without an end) holds the rest back. RFC 5321 §4.5.3.2.1 allows five minutes.",
        (
            "administrator of the mail server",
            "Check that it is a mail server's port. If it speaks TLS first, use smtps://; if it is slow, give it longer with --timeout.",
        ),
        "RFC 5321 §4.5.3.2.1",
    ),
    unseen(
        Code::ConnectionDropped,
        "connection-dropped",
        "Connection dropped",
        "The server hung up before it had finished its answer. It may not want to talk to our address, or something \
         in between cut the connection.",
        "The connection was closed or reset inside a reply or instead of one. A server that is shutting down should \
         say 421 first (RFC 5321 §3.8).",
        ("administrator of the mail server", "Look in the server's log; it may refuse this client's address."),
        "RFC 5321 §3.8",
    ),
    unseen(
        Code::NotSmtp,
        "not-smtp",
        "Not an SMTP server",
        "What answers at this door (port) is not a mail server but something else, for example a web server. Usually \
         the port is wrong.",
        "The first octets are no SMTP reply (three digits, then a space or hyphen; RFC 5321 §4.2). The finding says \
         what they look like.",
        ("you", "Check the port: mail servers listen on 25, submission on 587 and 465."),
        "RFC 5321 §4.2",
    ),
    unseen(
        Code::TlsNotSpoken,
        "tls-not-spoken",
        "No TLS on this port",
        "We began with encryption, as you asked, and the server does not understand that on this port. It probably \
         begins in plain text.",
        "The port was dialled with TLS first (smtps:// or 465), and the handshake failed: the peer speaks plain SMTP, \
         or a version or suite that is too old. Only port 465 speaks TLS first by standard (RFC 8314 §3.3).",
        ("you", "For a port that begins in plain text, leave out smtps://; mail servers speak TLS first on 465 only."),
        "RFC 8314 §3.3",
    ),
    unseen(
        Code::ReplyBroken,
        "reply-broken",
        "Reply broke a bound",
        "The server's answer was endless or not in order, so we stopped reading. What answers there is not a \
         well-behaved mail server.",
        "A reply had a line without end, too many lines or octets, or a code that changed within it. RFC 5321 §4.2.1 \
         wants one code on all lines, §4.5.3.1.5 at most 512 octets a line; we read generously beyond that.",
        (
            "administrator of the mail server",
            "Look at what answers on this port; it is not a well-behaved SMTP server.",
        ),
        "RFC 5321 §4.5.3.1.5",
    ),
    unseen(
        Code::ReplyTimeout,
        "reply-timeout",
        "Server fell silent",
        "The server said its first words and then did not answer any more. It may be overloaded, or be slow on \
         purpose with callers that it does not know.",
        "The greeting came, and the reply to a command did not come in time. RFC 5321 §4.5.3.2 allows minutes; the \
         check as a whole ends after --timeout.",
        ("administrator of the mail server", "Try again; give it longer with --timeout."),
        "RFC 5321 §4.5.3.2",
    ),
    unseen(
        Code::LocalShortage,
        "local-shortage",
        "This machine had no socket left",
        "The machine that runs the check had too many connections open at once and could not open one more. It says \
         nothing of the server.",
        "Opening a socket failed with EMFILE, ENFILE, ENOBUFS or ENOMEM until the time for the connection was over. A \
         large run does fewer checks at once when that happens, so it is rare.",
        ("you", "Give a smaller --concurrency, or raise the limit of open files (`ulimit -n`), and check again."),
        "POSIX.1 socket()",
    ),
    unseen(
        Code::Defect,
        "defect",
        "A defect of this program",
        "The check ended in an error of smtp-preflight itself. It says nothing of the server; the other checks of the \
         run are not affected.",
        "The check panicked; the detail holds its words. The run ends with exit code 70.",
        ("you", "Report it with the target, the command and the detail; check again with a newer version."),
        "none",
    ),
];
