//! Web addresses in a reply: they are nobody's sentence, and only some parts of one hold the client's address.

#[derive(PartialEq)]
pub(super) enum Place {
    /// Not in a URL.
    Words,
    /// The value of a parameter that holds an address, or the step of a path behind the name of one.
    Parameter,
    /// The host or another part of a URL.
    Elsewhere,
}

/// Where in a URL a text stops.
pub(super) fn url_place(before: &str) -> Place {
    const HOLD: [&str; 24] = [
        "ip",
        "i",
        "v",
        "addr",
        "address",
        "client",
        "client_ip",
        "clientip",
        "host",
        "a",
        "query",
        "q",
        "lookup",
        "bl",
        "s",
        "search",
        "value",
        "ipaddress",
        "source",
        "sip",
        "ipr",
        "ip4",
        "ipaddr",
        "remote_addr",
    ];
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    let Some(at) = word.find("://") else { return Place::Words };
    let rest = &word[at + 3..];
    if let Some(name) = rest.strip_suffix('=') {
        let name = name.rsplit(['?', '&', ';', '/', '#']).next().unwrap_or_default().to_ascii_lowercase();
        return if HOLD.contains(&name.as_str()) { Place::Parameter } else { Place::Elsewhere };
    }
    if let Some(path) = rest.strip_suffix(['/', '?']) {
        let step = path.rsplit_once('/').map_or("", |(_, s)| s).to_ascii_lowercase();
        let holds = ["ip", "query", "lookup", "check", "ipcheck", "bl", "removal", "delist"].contains(&step.as_str());
        return if holds { Place::Parameter } else { Place::Elsewhere };
    }
    Place::Elsewhere
}

/// Whether an octet of a folded text stands in a URL.
pub(super) fn is_in_url(text: &str, at: usize) -> bool {
    let begin = text.as_bytes()[..at].iter().rposition(|b| *b == b' ').map_or(0, |n| n + 1);
    let end = text.as_bytes()[at..].iter().position(|b| *b == b' ').map_or(text.len(), |n| at + n);
    is_url(&text[begin..end])
}

/// Whether a word is a web address.
pub(super) fn is_url(word: &str) -> bool {
    word.contains("://") || word.starts_with("www.") || word.starts_with("(www.")
}
