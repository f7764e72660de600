//! The address inside a name, in the forms in which providers write it.
//!
//! Input: the labels before the organisation's domain, in lower case. Output: the form's word and the
//! part of the name that holds the address. Digits count only where they are this address's.

use std::net::{Ipv4Addr, Ipv6Addr};

type Found = Option<(&'static str, String)>;

/// The orders in which the four octets are met: as numbers of the octets, and the form's word.
const ORDERS: &[([usize; 4], &str)] = &[
    ([0, 1, 2, 3], "ipv4"),
    ([3, 2, 1, 0], "ipv4-reversed"),
    ([3, 0, 1, 2], "ipv4-last-first"),
    ([2, 3, 0, 1], "ipv4-halves"),
    ([1, 0, 3, 2], "ipv4-halves"),
    ([3, 2, 0, 1], "ipv4-halves"),
    ([2, 3, 1, 0], "ipv4-halves"),
];

/// A run of digits and where it stands.
struct Run<'a> {
    text: &'a str,
    start: usize,
}

impl Run<'_> {
    /// Its value, where it can be an octet.
    fn octet(&self) -> Option<u8> {
        (self.text.len() <= 3).then(|| self.text.parse().ok()).flatten()
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// IPv4: `spoken` is whether a word in the name speaks of lines, customers or machines, which a part of
/// the address needs beside it. Numbers that stand alone need none.
pub(super) fn ipv4(host: &str, ip: Ipv4Addr, spoken: bool) -> Found {
    let octets = ip.octets();
    let runs = runs(host);
    let bare = !host.bytes().any(|b| b.is_ascii_alphabetic());
    whole(host, &runs, octets)
        .or_else(|| joined(host, &runs, octets))
        .or_else(|| hexadecimal(host, octets))
        .or_else(|| three(host, &runs, octets, spoken))
        .or_else(|| if spoken || bare { two(host, &runs, octets) } else { None })
        .or_else(|| if bare { only(host, octets[3]) } else { None })
}

/// Nothing but the last octet before the organisation's domain.
fn only(host: &str, last: u8) -> Found {
    (host.len() >= 2 && host.parse() == Ok(last)).then(|| ("ipv4-part", host.to_owned()))
}

/// Whether a form holds the whole address.
pub(super) fn is_whole(pattern: &str) -> bool {
    !pattern.ends_with("-part") && pattern != "word-and-octet"
}

/// Whether the last octet stands anywhere as a number of its own, one digit long as well.
pub(super) fn holds_last(host: &str, ip: Ipv4Addr) -> bool {
    runs(host).iter().any(|run| run.octet() == Some(ip.octets()[3]))
}

/// One of the words with the last octet right behind it: `user204`, `cust-69`.
pub(super) fn numbered(host: &str, ip: Ipv4Addr, is_line: impl Fn(&str) -> bool) -> Found {
    let [.., last] = ip.octets();
    runs(host).iter().filter(|run| run.text.len() >= 2 && run.octet() == Some(last)).find_map(|run| {
        let before = host.get(..run.start)?;
        let before = before.strip_suffix('-').unwrap_or(before);
        let word = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next()?;
        is_line(word).then(|| ("word-and-octet", host[before.len() - word.len()..run.end()].to_owned()))
    })
}

fn runs(host: &str) -> Vec<Run<'_>> {
    let mut runs: Vec<Run<'_>> = Vec::new();
    let mut start = None;
    for (at, byte) in host.bytes().chain(std::iter::once(b'.')).enumerate() {
        match (byte.is_ascii_digit(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                runs.push(Run { text: &host[from..at], start: from });
                start = None;
            }
            _ => {}
        }
    }
    runs
}

/// From the first run of a window to its last, as it stands in the name.
fn span(host: &str, window: &[Run<'_>]) -> String {
    let (from, to) = (window.first().map_or(0, |r| r.start), window.last().map_or(0, Run::end));
    host.get(from..to).unwrap_or_default().to_owned()
}

/// Four numbers in a row that are the four octets, padded or not.
fn whole(host: &str, runs: &[Run<'_>], octets: [u8; 4]) -> Found {
    runs.windows(4).find_map(|window| {
        let (_, word) = ORDERS
            .iter()
            .find(|(order, _)| order.iter().zip(window).all(|(&n, run)| run.octet() == Some(octets[n])))?;
        Some((*word, span(host, window)))
    })
}

/// The octets written into one number: padded to three digits each, plain, or as one 32-bit number.
fn joined(host: &str, runs: &[Run<'_>], octets: [u8; 4]) -> Found {
    if runs.is_empty() {
        return None;
    }
    let reversed = [octets[3], octets[2], octets[1], octets[0]];
    let padded = |o: [u8; 4]| o.map(|n| format!("{n:03}")).concat();
    let plain = |o: [u8; 4]| o.map(|n| n.to_string()).concat();
    for (forms, word) in [([padded(octets), padded(reversed)], "ipv4-padded")] {
        for size in 1..=3 {
            for window in runs.windows(size) {
                let digits: String = window.iter().map(|run| run.text).collect();
                if forms.contains(&digits) {
                    return Some((word, span(host, window)));
                }
            }
        }
    }
    // Shorter than seven digits could be a machine's number by accident.
    let plain = [plain(octets), plain(reversed)];
    let number = [u32::from_be_bytes(octets).to_string(), u32::from_le_bytes(octets).to_string()];
    runs.iter().filter(|run| run.text.len() >= 7).find_map(|run| {
        let word = if plain.iter().any(|form| form == run.text) {
            "ipv4-joined"
        } else if number.iter().any(|form| form == run.text) {
            "ipv4-decimal"
        } else {
            return None;
        };
        Some((word, run.text.to_owned()))
    })
}

/// Eight hexadecimal digits, together or in groups.
fn hexadecimal(host: &str, octets: [u8; 4]) -> Found {
    let longest = host.bytes().filter(|b| !b".-_".contains(b)).fold((0, 0), |(longest, run), b| {
        let run = if b.is_ascii_hexdigit() { run + 1 } else { 0 };
        (run.max(longest), run)
    });
    if longest.0 < 8 {
        return None;
    }
    let forms = [octets, [octets[3], octets[2], octets[1], octets[0]]].map(|o| o.map(|n| format!("{n:02x}")).concat());
    let (letters, places): (Vec<u8>, Vec<usize>) =
        host.bytes().enumerate().filter(|(_, b)| !b".-_".contains(b)).map(|(at, b)| (b, at)).unzip();
    letters.windows(8).zip(0..).find_map(|(window, at)| {
        let found = forms.iter().any(|form| form.as_bytes() == window);
        let (from, to) = (*places.get(at)?, *places.get(at + 7)?);
        // Within a longer hexadecimal run it would be a part of something else; a short prefix is met.
        let prefix = host.as_bytes().get(..from)?.iter().rev().take_while(|b| b.is_ascii_hexdigit()).count();
        let bounded = prefix <= 4 && !host.as_bytes().get(to + 1).is_some_and(u8::is_ascii_hexdigit);
        (found && bounded).then(|| ("ipv4-hexadecimal", host[from..=to].to_owned()))
    })
}

/// Three octets in a row; small numbers need a word beside them.
fn three(host: &str, runs: &[Run<'_>], [a, b, c, d]: [u8; 4], spoken: bool) -> Found {
    let forms = [[a, b, c], [b, c, d], [c, b, a], [d, c, b]];
    runs.windows(3).enumerate().find_map(|(at, window)| {
        let found = forms.iter().any(|form| form.iter().zip(window).all(|(n, run)| run.octet() == Some(*n)));
        let digits: usize = window.iter().map(|run| run.text.len()).sum();
        // A fourth number beside them makes it another address's name.
        let [first, _, last] = window else { return None };
        let fourth = at.checked_sub(1).and_then(|n| runs.get(n)).is_some_and(|run| run.end() + 1 == first.start)
            || runs.get(at + 3).is_some_and(|run| last.end() + 1 == run.start);
        (found && !fourth && (spoken || digits >= 6)).then(|| ("ipv4-part", span(host, window)))
    })
}

/// The last two octets side by side, or joined and padded.
fn two(host: &str, runs: &[Run<'_>], [_, _, c, d]: [u8; 4]) -> Found {
    let beside = runs.windows(2).find_map(|window| {
        let values = [window[0].octet()?, window[1].octet()?];
        let between = host.get(window[0].end()..window[1].start)?;
        let digits = window[0].text.len() + window[1].text.len();
        let found = (values == [c, d] || values == [d, c]) && matches!(between, "-" | "." | "_" | "x") && digits >= 3;
        found.then(|| ("ipv4-part", span(host, window)))
    });
    beside.or_else(|| {
        let padded = format!("{c:03}{d:03}");
        runs.iter().find(|run| run.text == padded).map(|run| ("ipv4-part", run.text.to_owned()))
    })
}

/// IPv6: all 32 digits in either direction, or the groups as they are written.
pub(super) fn ipv6(host: &str, ip: Ipv6Addr) -> Found {
    let digits = ip.octets().map(|n| format!("{n:02x}")).concat();
    let reversed: String = digits.chars().rev().collect();
    let bare: String = host.chars().filter(|c| !".-_".contains(*c)).collect();
    if bare.contains(&digits) {
        return Some(("ipv6", digits));
    }
    if bare.contains(&reversed) {
        return Some(("ipv6-reversed", reversed));
    }
    groups(host, ip).or_else(|| {
        // The interface's half alone, as sixteen digits.
        let half = digits.get(16..)?;
        let sparse = half.bytes().filter(|b| *b == b'0').count() > 8;
        (!sparse && bare.contains(half)).then(|| ("ipv6-part", half.to_owned()))
    })
}

/// The groups of the address in a row, zeros written out or left away.
fn groups(host: &str, ip: Ipv6Addr) -> Found {
    let wanted: Vec<u16> = ip.segments().into_iter().filter(|group| *group != 0).collect();
    // Groups are four digits at most; what is longer, or no number, ends a row.
    let given: Vec<Option<u16>> = host
        .split(['.', '-', '_'])
        .map(
            |part| {
                if part.is_empty() { Some(0) } else { u16::from_str_radix(part, 16).ok().filter(|_| part.len() <= 4) }
            },
        )
        .collect();
    let mut row: Vec<u16> = Vec::new();
    for part in given.into_iter().chain(std::iter::once(None)) {
        match part {
            Some(0) => {}
            Some(group) => row.push(group),
            None => {
                let whole = wanted.len() >= 3 && row.windows(wanted.len()).any(|window| window == wanted);
                let part =
                    wanted.len() >= 4 && wanted.windows(4).any(|four| row.windows(4).any(|window| window == four));
                if whole || part {
                    let shown = row.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join("-");
                    return Some((if whole { "ipv6" } else { "ipv6-part" }, shown));
                }
                row.clear();
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn four(host: &str, ip: &str, spoken: bool) -> Option<&'static str> {
        ipv4(host, ip.parse().unwrap(), spoken).map(|(word, _)| word)
    }

    fn six(host: &str, ip: &str) -> Option<&'static str> {
        ipv6(host, ip.parse().unwrap()).map(|(word, _)| word)
    }

    #[test]
    fn each_form_of_an_ipv4_address() {
        for (host, word) in [
            ("203-0-113-10", "ipv4"),
            ("c-203-0-113-10.hsd1.wa", "ipv4"),
            ("203.0.113.10", "ipv4"),
            ("203x0x113x10", "ipv4"),
            ("host203-0-113-10", "ipv4"),
            ("syn-203-000-113-010.res", "ipv4"),
            ("10.113.0.203.bc", "ipv4-reversed"),
            ("010-113-000-203", "ipv4-reversed"),
            ("ip-10.net-203-0-113", "ipv4-last-first"),
            ("h113-10.203-0", "ipv4-halves"),
            ("203000113010.user", "ipv4-padded"),
            ("010113000203.user", "ipv4-padded"),
            ("203000-113010", "ipv4-padded"),
            ("u203011310", "ipv4-joined"),
            ("x3405803786", "ipv4-decimal"),
            ("pcb00710a.dip0", "ipv4-hexadecimal"),
            ("cb-00-71-0a", "ipv4-hexadecimal"),
            ("0a.71.00cb.ip4", "ipv4-hexadecimal"),
            ("x.203-0-113", "ipv4-part"),
        ] {
            assert_eq!(four(host, "203.0.113.10", false), Some(word), "{host}");
        }
    }

    #[test]
    fn a_part_needs_a_word_and_other_digits_are_nothing() {
        assert_eq!(four("xvm-113-10", "203.0.113.10", false), None);
        assert_eq!(four("xvm-113-10", "203.0.113.10", true), Some("ipv4-part"));
        assert_eq!(four("cust113010", "203.0.113.10", true), Some("ipv4-part"));
        assert_eq!(four("rack1-2-3", "10.1.2.3", false), None);
        for host in ["203-0-113-11", "web10", "n113", "v1-2-3-4", "f41", "20301131", "deadbeefcb00710a", "host10"] {
            assert_eq!(four(host, "203.0.113.10", true), None, "{host}");
        }
    }

    #[test]
    fn each_form_of_an_ipv6_address() {
        let ip = "2001:db8:f6:5f47:db04:930d:c5bd:4534";
        for (host, word) in [
            ("p20010db800f65f47db04930dc5bd4534.dip0", "ipv6"),
            ("2001-db8-f6-5f47-db04-930d-c5bd-4534", "ipv6"),
            ("2001-0db8-00f6-5f47-db04-930d-c5bd-4534.rev", "ipv6"),
            ("4.3.5.4.d.b.5.c.d.0.3.9.4.0.b.d.7.4.f.5.6.f.0.0.8.b.d.0.1.0.0.2", "ipv6-reversed"),
            ("dynamic-2001-db8-f6-5f47.pool", "ipv6-part"),
            ("db04-930d-c5bd-4534.cust", "ipv6-part"),
            ("db04930dc5bd4534", "ipv6-part"),
        ] {
            assert_eq!(six(host, ip), Some(word), "{host}");
        }
        assert_eq!(six("2001-db8--a-b", "2001:db8::a:b"), Some("ipv6"));
        assert_eq!(six("2001-db8--1", "2001:db8::1"), Some("ipv6"));
        for host in ["mail", "db8", "f6-5f47", "2001-db8-f6", "a.b.c.d", "2001"] {
            assert_eq!(six(host, ip), None, "{host}");
        }
    }
}
