//! Whether a greeting names the product behind it.
//!
//! Input: the greeting's lines, and the names of products that are known and have no entry. Output: yes or no.
//! Design: a list never ends, so a version tells too: what stands before `13.0.3` is a product's name. Greetings that
//! an administrator made up have no versions.

/// Whether the greeting names a product: one of these, or any with its version.
pub(super) fn is_named(banner: &[String], known: &[String]) -> bool {
    let listed = |line: &String| known.iter().any(|name| line.contains(name.as_str()));
    // The first word is the host's name.
    let first = banner.first().map(|line| line.split_once(' ').map_or("", |(_, rest)| rest));
    let rest = banner.iter().skip(1).map(String::as_str);
    banner.iter().any(listed) || first.into_iter().chain(rest).any(holds_version)
}

/// Whether a word with a version behind it stands in the text; `Version:`, `Release` and `v` may stand between.
fn holds_version(text: &str) -> bool {
    let mut named = false;
    for token in text.split(|c: char| c.is_whitespace() || "()[];,/".contains(c)).filter(|t| !t.is_empty()) {
        if named && is_version(token) {
            return true;
        }
        named |= token.bytes().any(|b| b.is_ascii_alphabetic()) && !["ESMTP", "SMTP", "ESMTPS"].contains(&token);
    }
    false
}

/// Two to four numbers with dots between, and perhaps letters: `8.17.1`, `v4.5r8`. Neither an address nor a date.
fn is_version(token: &str) -> bool {
    let token = token.strip_prefix(['v', 'V']).unwrap_or(token);
    let parts: Vec<&str> = token.split('.').collect();
    let number =
        |part: &&str| part.bytes().all(|b| b.is_ascii_alphanumeric()) && part.starts_with(|c: char| c.is_ascii_digit());
    let year = |part: &&str| part.len() == 4 && (part.starts_with("19") || part.starts_with("20"));
    let date = parts.len() == 3 && (parts.first().is_some_and(year) || parts.last().is_some_and(year));
    (2..=4).contains(&parts.len()) && parts.iter().all(number) && !date && token.parse::<std::net::Ipv4Addr>().is_err()
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
            "********",
            "",
        ] {
            assert!(!named(line), "{line}");
        }
    }
}
