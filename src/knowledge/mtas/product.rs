//! Whether a greeting names the product behind it.
//!
//! Input: the greeting's lines, and the names of products that are known and have no entry. Output: yes or no.
//! Design: a list never ends, so a version tells too: what stands before `13.0.3` is a product's name. Greetings that
//! an administrator made up have no versions.

/// Whether the greeting names a product: one of these, or any with its version.
pub(super) fn is_named(banner: &[String], known: &[String]) -> bool {
    let host = banner.first().map(|line| first_word(line).0).unwrap_or_default();
    banner.iter().enumerate().any(|(at, line)| {
        let (word, rest) = first_word(line);
        // The first word is the host's name, and may stand before each line; a product that greets without one has no dot.
        let behind = if at == 0 || word == host { rest } else { line };
        let listed = if word.contains('.') { behind } else { line };
        known.iter().any(|name| listed.contains(name.as_str())) || holds_version(behind)
    })
}

fn first_word(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

/// A word, and what stands between it and the one before.
struct Word<'a> {
    between: &'a str,
    text: &'a str,
}

fn words(text: &str) -> Vec<Word<'_>> {
    let apart = |c: char| c.is_whitespace() || "()[];,/".contains(c);
    let (mut words, mut rest) = (Vec::new(), text);
    while let Some(start) = rest.find(|c| !apart(c)) {
        let end = rest[start..].find(apart).map_or(rest.len(), |at| start + at);
        words.push(Word { between: &rest[..start], text: &rest[start..end] });
        rest = &rest[end..];
    }
    words
}

/// Whether a word with a version right behind it stands in the text.
fn holds_version(text: &str) -> bool {
    let words = words(text);
    words.windows(2).enumerate().any(|(at, pair)| {
        let [word, version] = pair else { return false };
        let measured = words.get(at + 2).is_some_and(|next| is_unit(next.text));
        let apart = version.between.contains([',', ';', ')', ']']);
        !apart && !measured && is_version(version.text) && tells(word.text, version)
    })
}

/// Whether the word before is a product's name, or says that a version follows.
fn tells(word: &str, version: &Word<'_>) -> bool {
    /// What has a version of its own, or a number that is none.
    const OTHERS: &[&str] = &[
        "esmtp", "smtp", "esmtps", "lmtp", "tls", "ssl", "starttls", "dtls", "http", "ready", "max", "min", "limit",
        "size", "rate", "load", "time", "date", "uptime", "rfc", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "at",
        "since", "on", "up", "level", "policy", "score",
    ];
    const SAID: &[&str] = &["version", "release", "ver", "v", "rel"];
    let word = word.trim_end_matches([':', '.', '=']);
    let small = word.to_ascii_lowercase();
    if SAID.contains(&small.as_str()) {
        return true;
    }
    if OTHERS.contains(&small.as_str()) || !word.bytes().any(|b| b.is_ascii_alphabetic()) || is_date(version.text) {
        return false;
    }
    // A product's name has a capital, or speaks of mail; of other words only a long version tells one.
    let named = word.bytes().any(|b| b.is_ascii_uppercase()) || small.contains("mail") || small.contains("smtp");
    named || version.between == "/" || version.text.matches('.').count() >= 2
}

/// What makes a measure of the number before it.
fn is_unit(word: &str) -> bool {
    const UNITS: &[&str] = &[
        "k", "m", "g", "s", "h", "b", "kb", "mb", "gb", "tb", "kib", "mib", "gib", "ms", "min", "sec", "uhr", "am",
        "pm", "bytes", "seconds", "minutes", "hours", "utc", "gmt",
    ];
    UNITS.contains(&word.to_ascii_lowercase().trim_end_matches('.'))
}

/// A day and a month with a year of two digits: `28.11.26`.
fn is_date(text: &str) -> bool {
    let parts: Vec<u8> = text.split('.').filter_map(|part| part.parse().ok()).collect();
    matches!(parts[..], [1..=31, 1..=12, 20..=99]) && text.matches('.').count() == 2
}

/// Two to four numbers with dots between, and perhaps letters: `8.17.1`, `v4.5r8`. Neither an address nor a date.
fn is_version(token: &str) -> bool {
    let token = token.strip_prefix(['v', 'V']).unwrap_or(token);
    let parts: Vec<&str> = token.split('.').collect();
    let number =
        |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric()) && part.starts_with(|c: char| c.is_ascii_digit());
    let year = |part: &&str| part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    let date = parts.len() == 3 && (parts.first().is_some_and(year) || parts.last().is_some_and(year));
    let measure = is_unit(token.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
    (2..=4).contains(&parts.len())
        && parts.iter().all(number)
        && !date
        && !measure
        && token.parse::<std::net::Ipv4Addr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(line: &str) -> bool {
        is_named(&[line.to_owned()], &["CommuniGate".to_owned()])
    }

    #[test]
    fn a_version_or_a_known_name_tells_a_product() {
        for line in [
            "mail.example.net ESMTP Foo 24.0.0; Mon, 01 Jan 2026 10:00:00 +0100",
            "mail.example.net ESMTP Service (Foo Release 12.0.2) ready at Mon",
            "mail.example.net -- Server ESMTP (Foo Server 8.1)",
            "mail.example.net Foo/3.1.1 ready",
            "mail.example.net (Foo v4.5r8) ready",
            "mail.example.net CommuniGate at work",
            "CommuniGate Pro at your service",
            "mail.example.net ESMTP qpsmtpd 0.96 ready",
            "mail.example.net ESMTP, Version: 9.4",
            "mail.example.net ESMTP foo 8.14.4",
        ] {
            assert!(named(line), "{line}");
        }
        for line in [
            "mail.example.net ESMTP",
            "10.2.example.net ESMTP ready",
            "mail.example.net ESMTP No UCE please, we log",
            "mail.example.net ESMTP 3.1",
            "mail.example.net Hello [192.0.2.7], 192.0.2.7 is logged",
            "mail.example.net ready at 28.11.2026 10:00",
            "mail.example.net ESMTP ready at Sat, 28.11.26 10:00",
            "mail.example.net ESMTP ready at Sat 28.11.26 10:00",
            "mail.example.net ready on 28.11.26",
            "mail.example.net ready, 10.30 Uhr",
            "mail.example.net Ready 10.30 Uhr",
            "mail.example.net ESMTP TLS 1.2",
            "mail.example.net ESMTP (TLS 1.2.3)",
            "mail.example.net ESMTP max 1.5MB",
            "mail.example.net ESMTP Messages 1.5 MB",
            "mail.example.net ESMTP rate 0.5/s",
            "CommuniGate.example.net ESMTP",
            "********",
            "",
        ] {
            assert!(!named(line), "{line}");
        }
    }
}
