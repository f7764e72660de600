//! SpamAssassin: the rules that depend on the client's identity, and their scores.
//!
//! Measured: SpamAssassin 4.0.1 (Debian 12, the package's own rules), score set 1, on the Received
//! line that Postfix writes.
//! - Nothing is looked up: the rules read the EHLO name, the client's confirmed name and its address
//!   from the topmost Received line. A PTR that does not lead back is `unknown` there: no name.
//! - The shape of a name decides: an address in EHLO costs ten times what it costs in the PTR.
//! - `KHOP_HELO_FCRDNS` compares by beginning only, and lets names of 4 to 14 characters pass.
//! - One rule reads on past the EHLO name into the receiver's own name.

use std::net::IpAddr;

use super::names::{DigitRuns, digits_then_digits, ends_with_any, sits_between};
use super::order;
use super::postfix;
use super::prediction::{Basis, Outcome, Prediction, Symbol, Text};
use super::received_line;
use super::world::{Found, Lacking, World};
use crate::knowledge::receivers::spamassassin;

const NAME: &str = "spamassassin";
const SOURCE: &str = "the rules shipped with SpamAssassin; measured with 4.0.1 of Debian 12";
const ASSUMES: &str = "behind Postfix, score set 1 (network tests, no Bayes), the rules of the package without \
    sa-update, `From` with a full name, no SPF or DKIM pass; the SPF of the EHLO name is not counted";

/// Longer names are read this far.
const MAX_READ: usize = 1000;
/// The score set of network tests without Bayes.
const SCORE_SET: usize = 1;
/// What stands behind the EHLO name in SpamAssassin's own line, for a receiver's name with two dots.
const BEHIND: &str = " by=mx.receiver.example ";

pub(super) fn predict(world: &World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)> {
    vec![("symbols", prediction(world))]
}

fn prediction(world: &World<'_>) -> Result<Prediction, Lacking> {
    let ehlo = world.ehlo()?;
    let ptr = world.ptr()?;
    let rules = rules(world, ehlo, ptr, 0)?;
    let total = sum(&rules);
    let mut assumes: Vec<Text> = vec![ASSUMES.into()];
    if rules.contains(&"HELO_DYNAMIC_IPADDR") {
        assumes.push("the receiver's own host name has two dots".into());
    }
    assumes.extend(order::other_totals(ptr, total, |first| Ok(sum(&self::rules(world, ehlo, ptr, first)?))));
    let threshold = spamassassin().threshold;
    let acts = if total >= threshold { "it is spam by that alone" } else { "it is not spam by that alone" };
    Ok(Prediction {
        receiver: NAME.into(),
        rule: "symbols".into(),
        outcome: Outcome::Score,
        reply: None,
        score: Some(total),
        threshold: Some(threshold),
        greylist_threshold: None,
        reject_threshold: None,
        symbols: rules.into_iter().map(|name| Symbol { name: name.into(), score: score(name) }).collect(),
        basis: Basis::Measured,
        assumes,
        because: format!("adds {total} of {threshold}: {acts}").into(),
        source: SOURCE.into(),
    })
}

fn score(rule: &str) -> f64 {
    spamassassin().scores.get(rule).map_or(0.0, |sets| sets[SCORE_SET])
}

fn sum(rules: &[&'static str]) -> f64 {
    let total = rules.iter().map(|rule| score(rule)).fold(0.0, |sum, score| sum + score);
    (total * 1000.0).round() / 1000.0
}

/// The fields of the Received line, as the rules read them.
struct Line<'a> {
    ip: IpAddr,
    /// As Postfix writes it.
    written: &'a str,
    /// As SpamAssassin keeps it.
    helo: &'a str,
    /// `helo` in lower case.
    low: &'a str,
    /// The client's name; empty where there is none.
    rdns: &'a str,
}

impl Line<'_> {
    /// The first line of the header field, as Postfix writes it.
    fn received(&self) -> String {
        let rdns = if self.rdns.is_empty() { "unknown" } else { self.rdns };
        let family = if self.ip.is_ipv6() { "IPv6:" } else { "" };
        format!("from {} ({rdns} [{family}{}])", self.written, self.ip)
    }
}

fn rules(world: &World<'_>, ehlo: &str, ptr: &Found<'_>, first: usize) -> Result<Vec<&'static str>, Lacking> {
    let written: String = postfix::written_helo(ehlo).chars().take(MAX_READ).collect();
    let helo: String = written.chars().map(|c| if "#[]()<>|\0".contains(c) { '!' } else { c }).collect();
    let low = helo.to_ascii_lowercase();
    let name = postfix::confirmed_name(world, ptr, first)?.unwrap_or_default().trim_end_matches('.');
    let rdns = if name.eq_ignore_ascii_case("unknown") { "" } else { name };
    let line = Line { ip: world.ip()?, written: &written, helo: &helo, low: &low, rdns };
    if helo.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut add = |rule: &'static str, hit: bool| {
        if hit {
            found.push(rule);
        }
    };
    client_rules(&line, &mut add);
    dynamic_helo_rules(&line, &mut add);
    helo_rules(&line, &mut add);
    Ok(found)
}

fn client_rules(line: &Line<'_>, add: &mut impl FnMut(&'static str, bool)) {
    let rdns = line.rdns.to_ascii_lowercase();
    add("RDNS_NONE", rdns.is_empty());
    add("RDNS_DYNAMIC", !rdns.is_empty() && is_dynamic_name(line.rdns, &rdns));
    if let IpAddr::V4(ip) = line.ip {
        let [first, ..] = ip.octets();
        add("RDNS_LOCALHOST", first != 127 && matches!(rdns.as_str(), "localhost" | "localhost.localdomain"));
        add("RCVD_ILLEGAL_IP", first == 0 || first >= 224 || ip.is_documentation());
        add("HK_RCVD_IP_MULTICAST", ip.is_multicast());
    }
    let telesp = rdns.strip_suffix(".dsl.telesp.net.br").is_some_and(|head| {
        head.split('-').count() == 4 && head.split('-').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()))
    });
    let foreign = line.written.len() >= 3 && line.written.chars().rev().nth(2) == Some('.');
    add("FORGED_TELESP_RCVD", telesp && foreign && !line.written.ends_with("br"));
}

/// `RDNS_DYNAMIC`, for a name as it is and in lower case.
pub(super) fn is_dynamic_name(name: &str, low: &str) -> bool {
    let words = &spamassassin().words;
    if words.static_name.iter().any(|word| low.contains(word.as_str())) {
        return false;
    }
    let runs = DigitRuns::of(low);
    // Four numbers with one character between, then two more dots with text.
    let address = !has_static_label(low) && runs.chains(4).any(|chain| two_dots(&low[chain[3].0 + 1..]));
    address
        || access_before_numbers(low, false)
        || numbers_before_access(low)
        || is_hex_name(name)
        || is_dialin(name)
        || begins_split(low)
        || words.dynamic_label.iter().any(|word| sits_between(low, word))
        || spamassassin().has_shape("RDNS_DYNAMIC", name, low)
}

/// `static` between separators, not at the very start.
fn has_static_label(low: &str) -> bool {
    sits_between(low, "static")
}

/// A dot, text, another dot, text.
fn two_dots(text: &str) -> bool {
    text.split_once('.').is_some_and(|(_, tail)| one_dot(tail))
}

/// Text, a dot, text.
fn one_dot(text: &str) -> bool {
    text.bytes().enumerate().any(|(at, octet)| octet == b'.' && at > 0 && at + 1 < text.len())
}

/// The word of an access network, and two numbers behind it.
fn access_before_numbers(low: &str, in_helo: bool) -> bool {
    spamassassin().words.access.iter().any(|word| {
        low.match_indices(word.as_str()).any(|(at, _)| {
            let head = &low[..at];
            let excused = in_helo && word == "cm" && (head.ends_with('a') || head.ends_with("smtp"));
            !excused && digits_then_digits(&low[at + word.len()..]).is_some()
        })
    })
}

/// Two numbers, and the word of an access network as a label behind them.
fn numbers_before_access(low: &str) -> bool {
    let Some(end) = digits_then_digits(low) else { return false };
    let tail = &low[end..];
    spamassassin().words.access_label.iter().any(|word| {
        tail.match_indices(word.as_str())
            .any(|(at, _)| tail[..at].ends_with('.') && tail[at + word.len()..].starts_with('.'))
    })
}

/// An address as hexadecimal digits behind `0x`.
fn is_hex_name(name: &str) -> bool {
    let hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
    let Some(rest) = name.strip_prefix("0x") else { return false };
    rest.len() > 8 && rest.as_bytes()[..8].iter().all(hex) && rest.as_bytes()[8] == b'.'
}

/// A small letter, capital hexadecimal digits, `.dip.`.
fn is_dialin(name: &str) -> bool {
    let Some((head, _)) = name.split_once(".dip.") else { return false };
    let capital = |b: &u8| b.is_ascii_digit() || (b'A'..=b'F').contains(b);
    matches!(head.as_bytes(), [first, rest @ ..] if first.is_ascii_lowercase() && !rest.is_empty() && rest.iter().all(capital))
}

/// A number and a dot at the start, and three numbers later, each with one character behind it.
fn begins_split(low: &str) -> bool {
    let digits = low.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 || low.as_bytes().get(digits) != Some(&b'.') {
        return false;
    }
    let from = digits + 2;
    DigitRuns::of(low).chains(3).any(|chain| chain[0].1 > from && chain[2].1 < low.len())
}

fn dynamic_helo_rules(line: &Line<'_>, add: &mut impl FnMut(&'static str, bool)) {
    let tables = spamassassin();
    let fixed = tables.has_shape("HELO_STATIC_HOST", line.helo, line.low);
    add("HELO_STATIC_HOST", fixed);
    add("HELO_DYNAMIC_IPADDR", !fixed && holds_address(line.low));
    let split = begins_split(line.low);
    add("HELO_DYNAMIC_IPADDR2", !split && begins_with_address(line.low));
    add("HELO_DYNAMIC_SPLIT_IP", split);
    add("HELO_DYNAMIC_DHCP", !fixed && access_before_numbers(line.low, true));
    add("HELO_DYNAMIC_HCC", !fixed && numbers_before_access(line.low));
    add("HELO_DYNAMIC_HEXIP", is_hex_name(line.helo));
    add("HELO_DYNAMIC_DIALIN", is_dialin(line.helo));
    for rule in ["HELO_DYNAMIC_CHELLO_NL", "HELO_DYNAMIC_HOME_NL"] {
        add(rule, tables.has_shape(rule, line.helo, line.low));
    }
    let generic = tables.words.generic_helo.iter().any(|word| line.low.contains(word.as_str()));
    add("CK_HELO_GENERIC", generic && digits_then_digits(line.low).is_some());
}

/// `HELO_DYNAMIC_IPADDR`: a letter first, four numbers with one character between and one behind,
/// and from the next dot on a dot inside a word. That dot may lie in what follows the EHLO name.
fn holds_address(low: &str) -> bool {
    if !low.starts_with(|c: char| c.is_ascii_lowercase()) || has_static_label(low) {
        return false;
    }
    if low.bytes().filter(u8::is_ascii_digit).count() < 4 {
        return false;
    }
    let line = format!("{low}{BEHIND}");
    DigitRuns::of(low).chains(4).filter(|chain| chain[3].1 < low.len()).any(|chain| {
        // The one character behind may take several octets.
        let rest = &line[chain[3].1..];
        let rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
        rest.split_once('.').is_some_and(|(_, tail)| one_dot(tail.split(' ').next().unwrap_or_default()))
    })
}

/// `HELO_DYNAMIC_IPADDR2`: four numbers of one to three digits at the start, and two dots behind.
fn begins_with_address(low: &str) -> bool {
    let cleared = spamassassin().words.not_an_address.iter().any(|word| label_with_digits(low, word));
    let mut rest = low;
    for number in 0..4 {
        if number > 0 {
            let Some(gap) = rest.chars().next().filter(|c| matches!(c, 'x' | '_') || !(c.is_alphanumeric())) else {
                return false;
            };
            rest = &rest[gap.len_utf8()..];
        }
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if !(1..=3).contains(&digits) {
            return false;
        }
        rest = &rest[digits..];
    }
    let Some(behind) = rest.chars().next() else { return false };
    !cleared && rest[behind.len_utf8()..].split_once('.').is_some_and(|(_, tail)| one_dot(tail))
}

/// The word, with any digits behind it, between separators and not at the very start.
fn label_with_digits(low: &str, word: &str) -> bool {
    let sep = |octet: Option<u8>| matches!(octet, Some(b'.' | b'-'));
    low.match_indices(word).any(|(at, _)| {
        let behind = low[at + word.len()..].trim_start_matches(|c: char| c.is_ascii_digit());
        at >= 2 && sep(low.as_bytes().get(at - 1).copied()) && sep(behind.bytes().next())
    })
}

fn helo_rules(line: &Line<'_>, add: &mut impl FnMut(&'static str, bool)) {
    let words = &spamassassin().words;
    let (low, rdns) = (line.low, line.rdns);
    let local = low == "localhost";
    add("FSL_HELO_NON_FQDN_1", low.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    add("HELO_NO_DOMAIN", !low.contains('.') && !local);
    add("HELO_LOCALHOST", local);
    add("HELO_LH_HOME", [".home", ".lan"].iter().any(|end| low.len() > end.len() && low.ends_with(end)));
    let device = ["device.lan", "dsldevice.lan", "speedtouch.lan"].iter().any(|name| {
        low.strip_prefix(name).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    add("FSL_HELO_DEVICE", device);
    add("HELO_OEM", low == "pc" || low.starts_with("oem"));
    let numbers: Vec<&str> = low.split('.').collect();
    let quad = numbers.len() == 4 && numbers.iter().all(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    add("FSL_HELO_BARE_IP_1", quad && numbers.iter().all(|n| n.len() <= 3) && !low.starts_with("127"));
    add("RCVD_HELO_IP_MISMATCH", quad && is_far_address(&numbers, line.ip));
    add("TVD_RCVD_IP", begins_with_numbers(line.written));
    add("TVD_RCVD_IP4", quad && line.written == line.helo);
    add("RCVD_DBL_DQ", received_line::two_literals(line.written));
    add("RCVD_DOUBLE_IP_LOOSE", received_line::two_addresses(&line.received()));
    let begins = line.helo.get(..rdns.len()).is_some_and(|head| head.eq_ignore_ascii_case(rdns));
    let short = (4..=14).contains(&rdns.chars().count());
    let trusted = ends_with_any(rdns, &words.trusted_name);
    add("KHOP_HELO_FCRDNS", !rdns.is_empty() && !begins && !short && !trusted);
    let big = words
        .big_domain
        .iter()
        .any(|domain| low.strip_suffix(domain.as_str()).is_some_and(|head| head.is_empty() || head.ends_with('.')));
    add("NO_RDNS_DOTCOM_HELO", rdns.is_empty() && big && !is_private(line.ip));
    let profile = low.match_indices('.').any(|(at, _)| {
        let behind = low[at + 1..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        behind && words.high_profile.iter().any(|word| low[..at].ends_with(word.as_str()))
    });
    add("PDS_HP_HELO_NORDNS", rdns.is_empty() && profile);
    add("RCVD_FAKE_HELO_DOTCOM", words.faked.iter().any(|name| name == line.written));
    add("FSL_NEW_HELO_USER", low == "user");
    add("NSL_RCVD_FROM_USER", line.written == "User");
    let hotmail =
        |text: &str| text.contains(".hotmail.com") && (1..=4).any(|n| text.contains(&format!("mx{n}.hotmail.com")));
    add("FSL_FAKE_HOTMAIL_RVCD", hotmail(line.helo) || hotmail(rdns));
}

/// Three numbers, each with one character behind that is neither letter nor digit, and a fourth
/// with a dot or the end behind it.
fn begins_with_numbers(written: &str) -> bool {
    let mut rest = written;
    for number in 0..4 {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = &rest[digits..];
        if number < 3 {
            let Some(gap) = rest.chars().next().filter(|c| !c.is_ascii_alphanumeric()) else { return false };
            rest = &rest[gap.len_utf8()..];
        }
    }
    rest.is_empty() || rest.starts_with('.')
}

/// A public address in text that shares no /24 with the client's, also public.
fn is_far_address(numbers: &[&str], ip: IpAddr) -> bool {
    let octet = |n: &&str| n.parse::<u8>().ok().filter(|_| n.len() < 3 || !n.starts_with('0'));
    let (Some(said), IpAddr::V4(client)) = (numbers.iter().map(octet).collect::<Option<Vec<u8>>>(), ip) else {
        return false;
    };
    let [a, b, c, d] = said[..] else { return false };
    let text = client.to_string();
    let same_net = text.starts_with(&format!("{}.{}.{}.", numbers[0], numbers[1], numbers[2]));
    !is_private(IpAddr::from([a, b, c, d])) && !is_private(ip) && !same_net
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unique_local(),
    }
}
