//! The client's EHLO name in a receiver's own words.
//!
//! Input: a reply's text and the host that said it. Output: the name, if the words quote one as said.

use super::address::{host_name, parse};

/// The EHLO name that a reply quotes: `<name>: Helo command rejected`, `HELO=[name]`, `helo=<name>`. Not one
/// given as advice (`use HELO mail.domain.com`), nor the receiver's own.
pub(super) fn quoted_ehlo(text: &str, remote: Option<&str>) -> Option<String> {
    let good = |word: &str| !word.is_empty() && word.len() <= 253;
    let lower = text.to_ascii_lowercase();
    // Exim's own log: "rejected EHLO or HELO name: why".
    if let Some(at) = lower.find("rejected ehlo or helo ") {
        let word = text[at + 22..].split([' ', ':']).next().unwrap_or_default();
        return Some(word.to_owned()).filter(|w| good(w));
    }
    for mark in [": helo command rejected", ": ehlo command rejected"] {
        if let Some(at) = lower.find(mark) {
            let word = text[..at].rsplit([' ', '<']).find(|w| !w.is_empty())?;
            return Some(word.trim_end_matches('>').to_owned()).filter(|w| good(w));
        }
    }
    let own = |name: &str| remote.is_some_and(|r| r.eq_ignore_ascii_case(name)) || is_placeholder(name);
    for mark in [
        " given in ehlo",
        " given in helo",
        " in your helo",
        " in your ehlo",
        " in helo",
        " in ehlo",
        " as helo",
        " as ehlo",
    ] {
        let Some(at) = lower.find(mark) else { continue };
        let name = text[..at].split_whitespace().next_back().and_then(host_name);
        if let Some(name) = name.filter(|n| !own(n) && !is_advice(&lower[..at])) {
            return Some(name.to_owned());
        }
    }
    if let Some(name) = bracketed(text, &lower).filter(|n| !own(n)) {
        return Some(name);
    }
    // "HELO IP literal [10.0.0.5] is not …".
    for mark in ["helo literal ", "ehlo literal ", "helo ip literal ", "ehlo ip literal ", "helo address literal "] {
        if let Some(at) = lower.find(mark) {
            let word = text[at + mark.len()..].split_whitespace().next().unwrap_or_default();
            if word.starts_with('[') && word.ends_with(']') && good(word) {
                return Some(word.to_owned());
            }
        }
    }
    for mark in [
        "helo=",
        "ehlo=",
        "helo name ",
        "ehlo name ",
        "helo hostname ",
        "ehlo hostname ",
        "helo argument ",
        "ehlo argument ",
        "helo domain ",
        "ehlo domain ",
        "ehlo ",
        "helo ",
        "bad helo: ",
    ] {
        for (at, _) in lower.match_indices(mark).take(8) {
            if at > 0 && lower.as_bytes()[at - 1].is_ascii_alphanumeric() || is_advice(&lower[..at]) {
                continue;
            }
            let rest = text[at + mark.len()..].trim_start_matches(['[', '<', '(', '"', '\'', ' ']);
            let word = rest.split([' ', ']', '>', ')', '"', '\'', ',', ';']).next().unwrap_or_default();
            if let Some(name) = host_name(word).filter(|n| !own(n)) {
                return Some(name.to_owned());
            }
            // Gmail: "HELO/EHLO argument MAILSRV invalid", where the fault is that it is no full name.
            let behind =
                rest.strip_prefix(word).unwrap_or_default().trim_start_matches([']', '>', ')', '"', '\'', ' ']);
            let judged = ["invalid", "is invalid", "is malformed"].iter().any(|w| behind.starts_with(w));
            if mark.ends_with("argument ") && judged && good(word) && word != "syntax" && !own(word) {
                return Some(word.to_owned());
            }
        }
    }
    None
}

/// Words between a command and the bracket with its argument.
const MAX_WORDS: usize = 4;

/// A name in a bracket of its own behind the command: "the HELO we were given (mail.x.example)", "saying HELO (not
/// PC7)", "HELO: [192.0.2.1]"; and Exim's client, `H=(name) [192.0.2.1]` or `(name) [192.0.2.1]:4711`, whose name in
/// parentheses is the one said.
fn bracketed(text: &str, lower: &str) -> Option<String> {
    for mark in ["helo", "ehlo"] {
        for (at, _) in lower.match_indices(mark).take(8) {
            let end = at + mark.len();
            let whole = !lower[..at].ends_with(|c: char| c.is_alphanumeric())
                && !lower[end..].starts_with(|c: char| c.is_alphanumeric());
            let Some(open) = text[end..].find(['(', '[']).filter(|_| whole && !is_advice(&lower[..at])) else {
                continue;
            };
            let between = &lower[end..end + open];
            // A stop, another name or the client's own address between them: the bracket is of something else.
            let near = between.split_whitespace().count() <= MAX_WORDS
                && !between.contains(['.', ',', ';', '=', '<', '[', ')'])
                && !["from", "ip", "host", "client", "see", "code"].iter().any(|w| between.split(' ').any(|b| b == *w));
            let inner = text[end + open + 1..].split([')', ']']).next().unwrap_or_default();
            if let Some(name) = near.then(|| argument(inner, text.as_bytes()[end + open] == b'[')).flatten() {
                return Some(name);
            }
        }
    }
    let exim = lower.find(" h=").map(|at| &text[at + 3..]).or_else(|| lower.strip_prefix("h=").map(|_| &text[2..]));
    let bare = text.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | ' ' | '.'));
    let exim = exim.or_else(|| Some(bare).filter(|t| t.starts_with('(')))?;
    let open = exim.find('(')?;
    let (name, rest) = exim[open + 1..].split_once(')')?;
    let host = exim[..open].trim();
    let client = rest.trim_start().strip_prefix('[').and_then(|r| r.split(']').next()).and_then(parse);
    let said = (host.is_empty() || host_name(host).is_some()) && client.is_some();
    said.then(|| argument(name, false)).flatten()
}

/// What stands alone in a bracket, as the argument of EHLO: a name, even a bare one, or an address literal.
fn argument(inner: &str, square: bool) -> Option<String> {
    let word = inner.strip_prefix("not ").unwrap_or(inner).trim().trim_matches(['"', '\'', '`', '<', '>']);
    if square && parse(word).is_some() {
        return Some(format!("[{word}]"));
    }
    // A bare word must look like a machine's name, not like a remark.
    let bare = word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        && word.chars().any(|c| c.is_ascii_digit() || c.is_ascii_uppercase())
        && word.len() > 3
        && word.contains(['-', '_'])
        || word.eq_ignore_ascii_case("localhost");
    (host_name(word).is_some() || bare).then(|| word.to_owned())
}

/// The argument that a sending server tells: Exim's "after EHLO name: host …". It is what was said, a name or not.
pub(super) fn told_ehlo(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    ["after ehlo ", "after helo "].iter().find_map(|mark| {
        let at = lower.find(mark)? + mark.len();
        let word = text[at..].split_whitespace().next()?.strip_suffix(':')?;
        (!word.is_empty() && word.len() <= 253).then(|| word.to_owned())
    })
}

/// Whether the words before a name give it as an example.
fn is_advice(before: &str) -> bool {
    let near = before
        .get(before.len().saturating_sub(24)..)
        .unwrap_or_default()
        .trim_end_matches([' ', ':', '"', '\'', '(', ',', '<']);
    [
        "as in",
        "e.g.",
        "eg",
        "example",
        "for instance",
        "such as",
        "like",
        "should be",
        "should say",
        "must be",
        "must say",
        "please use",
        "z.b.",
        "par exemple",
    ]
    .iter()
    .any(|w| near.strip_suffix(w).is_some_and(|head| head.is_empty() || head.ends_with([' ', ',', '(', ':'])))
}

/// A name that stands for the reader's own.
fn is_placeholder(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["domain.com", "yourdomain.com", "yourdomain.tld", "domain.tld", "mydomain.com", "your.domain", "company.com"]
        .iter()
        .any(|p| name == *p || name.strip_suffix(p).is_some_and(|h| h.ends_with('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ehlo_name() {
        for (text, name) in [
            ("<mailhost>: Helo command rejected: need fully-qualified hostname", Some("mailhost")),
            ("H=x.example [192.0.2.1] HELO=[m.example] F=[a]", Some("m.example")),
            ("proto=ESMTP helo=<m.example>", Some("m.example")),
            ("HELO argument [m.example] is malformed", Some("m.example")),
            ("H=(mailhost) [192.0.2.1] rejected EHLO or HELO mailhost: not qualified", Some("mailhost")),
            ("Hostname m.example given in EHLO does not match", Some("m.example")),
            ("send a full name, as in: HELO mail.domain.com", None),
            ("HELO should be like HELO mx7.other.example", None),
            ("greeted mx.example.org in EHLO mx.example.org", None),
            ("HELO/EHLO argument MAILSRV invalid, closing connection.", Some("MAILSRV")),
            ("HELO argument \"my server\" is invalid", None),
            ("HELO argument invalid", None),
            ("Empty HELO/EHLO argument not allowed", None),
            ("the HELO that was sent (m.example) is not in DNS", Some("m.example")),
            ("say HELO with your name (not LAB-PC7)", Some("LAB-PC7")),
            ("forged HELO, HELO: [192.0.2.7], FROM: <a@x.example>", Some("[192.0.2.7]")),
            ("H=(SRV-2019) [192.0.2.1] F=<a@x.example> rejected RCPT <b@y.example>", Some("SRV-2019")),
            ("(PC-1.x.example) [192.0.2.1]:4711 is not permitted to relay", Some("PC-1.x.example")),
            ("HELO required (see RFC 5321)", None),
            ("bad HELO (policy)", None),
            ("HELO rejected from host (mx3.x.example)", None),
            ("(see x.example) [tag] denied", None),
            ("no name", None),
        ] {
            assert_eq!(quoted_ehlo(text, Some("mx.example.org")).as_deref(), name, "{text}");
        }
    }
}
