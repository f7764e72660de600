//! Words beside an address in a reply that tell whose it is.
//!
//! Compared in lower case, as whole words. Each list says where its words stand and for whom they speak.

/// Words before an address that make it a client's.
#[rustfmt::skip]
pub(super) const BEFORE: &[&str] = &[
    "client", "ip", "ips", "address", "host", "for", "server", "sender", "not", "i", "addr", "of", "source",
    "rejecting", "adresse", "ip-adresse", "serveur", "servidor", "server-ip", "direccion", "dirección", "von",
    "für", "fuer", "relay", "connection", "blocked", "query", "lookup", "rdns", "ptr", "hostname", "client-ip",
    "ip-address", "ip-adres", "ip-adresu", "adresu", "adres", "van", "voor", "iprev", "policy.iprev", "pour",
    "hosta", "hôte", "serwera", "serveru", "serverul", "dla", "para", "per", "indirizzo", "mittente", "listed",
    "range", "remote", "rejected", "h", "peer", "access", "для", "ip-адреса", "ip-адрес", "адреса", "адрес",
    "ipアドレス", "アドレス", "送信元ip", "发件服务器", "发件ip", "服务器", "地址", "ip地址", "ip位址", "ip-cím", "ip-osoite", "adressen",
    "ip-adressen",
];

/// Beginnings of what is said about a client behind its address.
#[rustfmt::skip]
pub(super) const AFTER: &[&str] = &[
    "is not", "is blocked", "is listed", "is on", "is in", "is currently", "has no", "has been", "has a bad",
    "has an invalid", "has a generic", "has sent", "has exceeded", "has not", "has too", "has poor",
    "has a poor", "has ", "was ", "were ", "listed", "blocked", "rejected", "does not", "doesn't",
    "not allowed", "not permitted", "is permitted", "no reverse", "without", "found in", "found on",
    "temporarily", "is black", "have been", "weren't", "is denied", "forbidden", "denied", "lacks", "looks",
    "delivered", "sent ", "hit ", "identifies", "identified", "claims", "presents", "greets", "announces", "fails", "failed", "->", "=>",
    "\u{2192}",
];

/// What goes before the far end of a connection, or before where a name leads.
#[rustfmt::skip]
pub(super) const ELSEWHERE: &[&str] = &[
    "connect to", "connected to", "connecting to", "connection to", "connection with", "talking to",
    "resolves to", "resolve to", "resolved to", "resolving to", "points to", "point to", "pointing to",
    "maps to", "mapped to", "leads to", "lead to", "resolves back to", "points back to", "->", "=>", "\u{2192}",
    "a record", "a records", "a record is", "a record of", "aaaa record", "aaaa record is", "has address",
    "has ip", "has a", "has aaaa", "a is", "a:", "a =", "address record", "which is", "it is", "is at",
    "lookup returned", "lookup gives", "lookup gave", "returned", "expected", "forward lookup", "forward dns",
    "forward entry", "forward record", "forward address", "instead of", "but got", "we got", "record points to",
    "zeigt auf", "löst auf", "verweist auf", "wijst naar", "pointe vers", "apunta a", "aponta para", "punta a",
    "указывает на", "a-record", "a-record is", "a-eintrag", "enregistrement a", "registro a", "record a",
];

/// What denies that a name leads to the client's address, and what says outright that it is his.
#[rustfmt::skip]
pub(super) const CLIENTS: &[&str] = &[
    "not resolve to", "doesn't resolve to", "not resolving to", "not point to", "doesn't point to",
    "not map to", "not pointing to", "doesn\u{2019}t resolve to", "not match", "doesn't match",
    "doesn\u{2019}t match", "not correspond to", "client is", "your ip is", "your address is",
    "client address is", "client ip is", "sender ip is", "you are", "not permit", "not allow", "not authorize",
    "not authorise", "assigned to", "belongs to", "belonging to", "due to", "because of", "associated with",
    "problem with", "wrong with", "rather than", "your server at", "your mail server at", "your host at", "client at", "looked up", "look up", "looking up", "resolved the address",
    "sender at",
];

/// Who answered, not who asked: the receiver's own tools.
#[rustfmt::skip]
pub(super) const OTHERS: &[&str] = &[
    "dns server", "name server", "nameserver", "name servers", "dns servers", "resolver", "our server",
    "our host", "our ip", "our gateway", "to this server", "by this server", "at this server", "on this server",
    "local host", "gateway", "node", "proxy", "firewall", "cluster", "backend", "against", "via", "through",
    "to", "at", "on", "with", "filter", "scanner", "engine", "policy", "rule", "reference", "ref", "ticket",
    "case", "code", "error", "queue", "url host", "link host", "url", "uri", "helo", "ehlo", "see", "section",
    "\u{a7}",
];

/// What only the receiver does, behind its own address.
#[rustfmt::skip]
pub(super) const ACTIVE: &[&str] = &[
    "rejects", "refuses", "denies", "accepts", "says", "said", "returned", "answered", "replied", "responded",
    "requires", "reports", "blocks", "does not accept", "doesn't accept", "don't accept", "cannot accept",
    "will not accept", "esmtp",
];

/// What is of a client.
#[rustfmt::skip]
pub(super) const OF: &[&str] = &[
    "helo", "ehlo", "ptr", "rdns", "dns", "lookup", "address", "ip", "reverse", "name", "record", "entry",
    "reputation", "resolution", "mapping", "connection",
];

/// What makes `from` speak of mail that comes in.
#[rustfmt::skip]
pub(super) const COMING: &[&str] = &[
    "mail", "message", "connection", "connect", "accept", "received", "traffic", "access", "client", "host",
    "spam", "requests", "sent from", "coming", "relay", "helo", "ehlo", "lookup", "sender", "rcpt", "delivery",
    "sessions", "recipients", "volume",
];

/// What tells, near an address, that the receiver read it in the message.
#[rustfmt::skip]
pub(super) const IN_MESSAGE: &[&str] = &[
    "received header", "received: header", "received line", "received: line", "received chain", "received-line",
    "received-header", "received field", "in received", "originating-ip", "originating_ip", "first hop", "earlier hop",
    "previous hop", "last hop", "links to", "body links", "linked from", "in a header", "in the header", "in headers", "header of", "message header",
    "mail header", "kopfzeile", "in den headern", "im header", "en-tête", "cabecera",
];

/// What tells so right behind it.
#[rustfmt::skip]
pub(super) const INSIDE: &[&str] = &[
    "in the message", "in this message", "in your message", "in the body", "in the text", "found in the message",
    "found in this message", "in der nachricht",
];
