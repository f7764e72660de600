//! The argument of MAIL and RCPT: a path and its parameters.
//!
//! Standard: RFC 5321 §4.1.1.2, §4.1.1.3, §4.1.2. Read leniently where clients are lax (white space before the
//! path, no angle brackets), since what they say is evidence; the address is given as it was said.
//! Design: no part of an address is looked into but the local part, for a token: nothing is routed by it.

/// A path, and what stands behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said<'a> {
    /// Between the angle brackets.
    pub(super) address: &'a str,
    /// The parameters, in one piece.
    pub(super) parameters: &'a str,
}

/// Reads `FROM:<path> parameters`; nothing where it is no such thing.
pub(super) fn read<'a>(argument: &'a str, keyword: &str) -> Option<Said<'a>> {
    let head = argument.get(..keyword.len())?;
    let rest = argument[keyword.len()..].trim_start();
    if !head.eq_ignore_ascii_case(keyword) || rest.is_empty() {
        return None;
    }
    let Some(inner) = rest.strip_prefix('<') else {
        let (address, parameters) = rest.split_once(' ').unwrap_or((rest, ""));
        return (!address.contains(['<', '>'])).then_some(Said { address, parameters: parameters.trim() });
    };
    let end = closing(inner)?;
    let behind = &inner[end + 1..];
    let apart = behind.is_empty() || behind.starts_with(' ');
    apart.then_some(Said { address: &inner[..end], parameters: behind.trim() })
}

/// The place of the bracket that closes a path; one inside a quoted local part does not.
fn closing(path: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in path.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '>' if !quoted => return Some(at),
            '<' if !quoted => return None,
            _ => {}
        }
    }
    None
}

impl Said<'_> {
    /// The size that the client announces (RFC 1870 §6).
    pub(super) fn size(&self) -> Option<u64> {
        let announced = self.parameters.split(' ').find_map(|p| {
            let (key, value) = p.split_once('=')?;
            key.eq_ignore_ascii_case("SIZE").then_some(value)
        });
        // What is no number is no announcement; one too long to hold is too large.
        announced
            .filter(|v| !v.is_empty() && v.bytes().all(|b| b.is_ascii_digit()))
            .map(|v| v.parse().unwrap_or(u64::MAX))
    }
}

/// The mailbox of a path, which a source route may stand before (RFC 5321 §4.1.2).
fn mailbox(path: &str) -> &str {
    path.strip_prefix('@').and_then(|r| r.split_once(':')).map_or(path, |(_, mailbox)| mailbox)
}

/// Whether a path leads to this mailbox.
pub(super) fn leads_to(path: &str, address: &str) -> bool {
    mailbox(path).eq_ignore_ascii_case(address)
}

/// Whether a path's mailbox is of this domain; a source route says nothing of it.
pub(super) fn lies_in(path: &str, domain: &str) -> bool {
    mailbox(path).rsplit_once('@').is_some_and(|(_, of)| of.trim_end_matches('.').eq_ignore_ascii_case(domain))
}

/// Whether an address names this token: as its local part, or as the last part of it behind `+`, `-` or `=`.
pub fn names_token(address: &str, token: &str) -> bool {
    let mailbox = mailbox(address);
    let local = mailbox.rsplit_once('@').map_or(mailbox, |(local, _)| local).trim_matches('"');
    if local.eq_ignore_ascii_case(token) {
        return true;
    }
    let Some(at) = local.len().checked_sub(token.len() + 1) else { return false };
    local.is_char_boundary(at)
        && local.is_char_boundary(at + 1)
        && local[at..].starts_with(['+', '-', '='])
        && local[at + 1..].eq_ignore_ascii_case(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for (argument, address, parameters) in [
            ("FROM:<a@b.example>", "a@b.example", ""),
            ("from:<>", "", ""),
            ("FROM: <a@b.example> SIZE=10 BODY=7BIT", "a@b.example", "SIZE=10 BODY=7BIT"),
            ("FROM:a@b.example SIZE=10", "a@b.example", "SIZE=10"),
            ("FROM:<\"a>\\\"b\"@b.example>", "\"a>\\\"b\"@b.example", ""),
            ("FROM:<@x.example,@y.example:a@b.example>", "@x.example,@y.example:a@b.example", ""),
            ("FROM:<bücher@b.example>", "bücher@b.example", ""),
        ] {
            assert_eq!(read(argument, "FROM:"), Some(Said { address, parameters }), "{argument}");
        }
        for bad in
            ["", "FROM", "FROM:", "TO:<a@b.example>", "FROM:<a@b", "FROM:<a<b>", "FROM:<a>SIZE=1", "FROM:a>b", "é"]
        {
            assert_eq!(read(bad, "FROM:"), None, "{bad}");
        }
    }

    #[test]
    fn sizes() {
        for (parameters, size) in [
            ("SIZE=10", Some(10)),
            ("BODY=7BIT size=10", Some(10)),
            ("SIZE=99999999999999999999999", Some(u64::MAX)),
            ("SIZE=", None),
            ("SIZE=x", None),
            ("", None),
        ] {
            assert_eq!(Said { address: "", parameters }.size(), size, "{parameters}");
        }
    }

    #[test]
    fn tokens() {
        for (address, named) in [
            ("t1@probe.example", true),
            ("T1@probe.example", true),
            ("\"t1\"@probe.example", true),
            ("postmaster+t1@probe.example", true),
            ("user-t1@probe.example", true),
            ("@relay.example:t1@probe.example", true),
            ("t1", true),
            ("xt1@probe.example", false),
            ("t1+x@probe.example", false),
            ("t10@probe.example", false),
            ("a@t1", false),
            ("ét1@probe.example", false),
            ("", false),
        ] {
            assert_eq!(names_token(address, "t1"), named, "{address}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_argument(argument: String, token in "[a-zé]{1,6}") {
            if let Some(said) = read(&format!("TO:{argument}"), "TO:") {
                proptest::prop_assert!(argument.contains(said.address));
                let _ = (said.size(), names_token(said.address, &token));
            }
        }
    }
}
