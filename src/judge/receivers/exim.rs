//! Exim: the EHLO syntax check, `verify = reverse_host_lookup` and `verify = helo`.
//!
//! Measured: Exim 4.96-15+deb12u10 (Debian 12) with `host_lookup = *`, one condition at a time in
//! the RCPT ACL under `require`; the sources of 4.96 and later were read beside it.
//! - All PTR names are looked up, A and AAAA both, and every one that leads back is confirmed. One
//!   temporary failure on the way defers, even when an earlier name was confirmed.
//! - One family's answer hides the other family's failure: no A for lack of an answer, but some
//!   AAAA, is "no", not "later".
//! - A literal verifies when it *begins with* the client's address as text: `[192.0.2.129]` is good
//!   for 192.0.2.12, and `[IPv6:…]`, the only correct form for IPv6, never is.
//! - From 4.97 on a PTR name with anything but letters, digits, `.` and `-` is passed over (commit b855ee2fb, "Filter
//!   rDNS returns for bad chars"), so that `_` and `/`, good for 4.96, are no name: where that changes the answer, the
//!   prediction says so.
//! - `verify = helo` knows no temporary result: an EHLO name that cannot be looked up is 550.

use std::net::IpAddr;

use super::prediction::{Answer, Prediction, Text};
use super::world::{Found, Lacking, World};
use crate::dns::{RecordType, Status};

const NAME: &str = "exim";
const SOURCE: &str = "Exim specification, ch. 44; measured with Exim 4.96 of Debian 12";

/// With a longer argument the line is no command any more.
const MAX_ARGUMENT: usize = 16378;

pub(super) fn predict(world: &World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)> {
    vec![
        ("base", session(world, "base", |_, _, _| Ok((Answer::accept("no identity rule is switched on"), None)))),
        ("verify_reverse_host_lookup", session(world, "verify_reverse_host_lookup", reverse_host_lookup)),
        ("verify_helo", session(world, "verify_helo", verify_helo)),
    ]
}

type Judged = Result<(Answer, Option<Text>), Lacking>;

/// Which PTR names count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    /// All: the version that was measured.
    All,
    /// Those of plain characters: 4.97 and later.
    Plain,
}

impl Names {
    fn count(self, name: &str) -> bool {
        self == Self::All || is_plain(name)
    }
}

/// `letter_digit_hyphen_dot` of 4.97.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
}

fn session(
    world: &World<'_>,
    rule: &'static str,
    judge: fn(&World<'_>, Option<&str>, Names) -> Judged,
) -> Result<Prediction, Lacking> {
    let mut assumes = Vec::new();
    let helo = world.ehlo().ok().map(|said| said.trim_matches(is_space));
    match helo.map(refused_syntax) {
        Some(Some(refused)) => return Ok(refused.predict(NAME, rule, SOURCE, assumes)),
        Some(None) => {}
        None => assumes.push("an EHLO name of valid syntax is given".into()),
    }
    let (answer, condition) = judge(world, helo, Names::All)?;
    assumes.extend(condition);
    if let Ok(ptr) = world.ptr()
        && let Some(odd) = ptr.data.iter().find(|name| !is_plain(name))
        && let Ok((later, _)) = judge(world, helo, Names::Plain)
        && later.reply.code != answer.reply.code
    {
        assumes.push(
            format!("Exim before 4.97; later ones take the PTR name {odd} for none: {}", later.reply.code).into(),
        );
    }
    Ok(answer.predict(NAME, rule, SOURCE, assumes))
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c')
}

fn refused_syntax(helo: &str) -> Option<Answer> {
    if helo.len() > MAX_ARGUMENT {
        return Some(Answer::of(500, None, "the EHLO line is too long to be a command"));
    }
    let refused = || Some(Answer::of(501, None, format!("{} is not a valid EHLO argument", shown(helo))));
    let Some(inner) = helo.strip_prefix('[') else {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'.' || b == b'-';
        return if helo.is_empty() || !helo.bytes().all(plain) { refused() } else { None };
    };
    let Some(inner) = inner.strip_suffix(']') else { return refused() };
    let tag = inner.get(..5).unwrap_or_default();
    let address =
        if tag.eq_ignore_ascii_case("ipv6:") || tag.eq_ignore_ascii_case("ipv4:") { &inner[5..] } else { inner };
    if let Some((_, scope)) = address.split_once('%')
        && !address.contains('/')
        && scope.bytes().all(|b| b.is_ascii_graphic())
    {
        return Some(Answer::of(421, None, "Debian's build stumbles over a `%` in a literal"));
    }
    let valid = match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(_)) => !tag.eq_ignore_ascii_case("ipv6:"),
        Ok(IpAddr::V6(_)) => !tag.eq_ignore_ascii_case("ipv4:"),
        Err(_) => false,
    };
    if valid { None } else { refused() }
}

fn shown(helo: &str) -> &str {
    if helo.is_empty() { "an empty name" } else { helo }
}

/// What came of a host name's lookup, both families together.
enum Host {
    /// It has addresses.
    Found(Vec<IpAddr>),
    /// One of the two failed, and the other brought nothing.
    Again,
    /// It has none.
    None,
}

fn host(world: &World<'_>, name: &str) -> Result<Host, Lacking> {
    if !is_dns_name(name) || name.parse::<IpAddr>().is_ok() {
        return Ok(Host::None);
    }
    let aaaa = world.ask(name, RecordType::Aaaa)?;
    let a = world.ask(name, RecordType::A)?;
    if aaaa.status == Status::Found || a.status == Status::Found {
        return Ok(Host::Found(aaaa.addresses().chain(a.addresses()).collect()));
    }
    Ok(if failed(&a) || failed(&aaaa) { Host::Again } else { Host::None })
}

/// No answer, or one that says that the server would not: FORMERR too.
fn failed(found: &Found<'_>) -> bool {
    found.status != Status::Found && !found.status.is_none()
}

/// `check_dns_names_pattern`: labels that begin and end with a letter, a digit or `_`, with `/` and
/// `-` allowed inside, and a final dot.
fn is_dns_name(name: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.').all(|label| {
        let label = label.as_bytes();
        label.first().is_some_and(|b| word(*b))
            && label.last().is_some_and(|b| word(*b))
            && label.iter().all(|b| word(*b) || *b == b'/' || *b == b'-')
    })
}

/// What Exim knows of the client after looking it up.
enum Client<'a> {
    /// The PTR names that lead back, and how many were not looked at.
    Confirmed(Vec<&'a str>, usize),
    Deferred(Text),
    Failed(Text),
}

fn client<'a>(world: &World<'a>, counted: Names) -> Result<Client<'a>, Lacking> {
    let ip = world.ip()?;
    let ptr = world.ptr()?;
    if ptr.status != Status::Found {
        // An alias without a PTR at its end comes as "unrecoverable" from the second attempt.
        let dangling = ptr.status == Status::Nodata && !ptr.chain.is_empty();
        return Ok(if dangling {
            Client::Deferred("the PTR is an alias of a name without PTR".into())
        } else if ptr.status.is_none() {
            Client::Failed(format!("the address has no PTR ({})", ptr.status).into())
        } else {
            Client::Deferred(format!("the PTR could not be looked up ({})", ptr.status).into())
        });
    }
    let mut confirmed = Vec::new();
    let mut unseen = 0;
    let mut lacking = None;
    let names = || ptr.data.iter().copied().filter(|n| *n != "." && counted.count(n));
    for name in names() {
        match host(world, name) {
            Ok(Host::Found(addresses)) if addresses.iter().any(|a| a.to_canonical() == ip) => confirmed.push(name),
            Ok(Host::Found(_) | Host::None) => {}
            Ok(Host::Again) => {
                return Ok(Client::Deferred(format!("the PTR name {name} could not be looked up").into()));
            }
            Err(missing) => {
                unseen += 1;
                lacking.get_or_insert(missing);
            }
        }
    }
    match lacking {
        Some(missing) if confirmed.is_empty() => return Err(missing),
        _ => {}
    }
    if confirmed.is_empty() {
        return Ok(Client::Failed(match names().count() {
            0 if counted == Names::Plain => "no PTR name counts".into(),
            0 => "the PTR names the root".into(),
            1 => format!("the PTR {} does not lead back to {ip}", ptr.data[0]).into(),
            n => format!("none of the {n} PTR names leads back to {ip}").into(),
        }));
    }
    Ok(Client::Confirmed(confirmed, unseen))
}

fn unseen_names(count: usize) -> Option<Text> {
    (count > 0).then(|| format!("the {count} PTR names that were not looked up do not fail temporarily").into())
}

fn reverse_host_lookup(world: &World<'_>, _: Option<&str>, counted: Names) -> Judged {
    let ip = world.ip()?;
    Ok(match client(world, counted)? {
        Client::Confirmed(names, unseen) => {
            (Answer::accept(format!("the PTR name {} leads back to {ip}", names[0])), unseen_names(unseen))
        }
        Client::Deferred(why) => (Answer::of(451, None, why), None),
        Client::Failed(why) => (Answer::of(550, None, why), None),
    })
}

fn verify_helo(world: &World<'_>, helo: Option<&str>, counted: Names) -> Judged {
    let helo = helo.ok_or(Lacking::Ehlo)?;
    let ip = world.ip()?;
    if let Some(literal) = helo.strip_prefix('[') {
        return Ok((
            if literal.starts_with(&ip.to_string()) {
                Answer::accept(format!("the literal {helo} begins with the client's address"))
            } else {
                Answer::of(550, None, format!("the literal {helo} does not begin with {ip}"))
            },
            None,
        ));
    }
    // The EHLO name's own addresses settle it whatever the PTR says, so look there first.
    let own = host(world, helo);
    if let Ok(Host::Found(addresses)) = &own
        && addresses.contains(&ip)
    {
        return Ok((Answer::accept(format!("{helo} has {ip} among its addresses")), None));
    }
    if let Client::Confirmed(names, unseen) = client(world, counted)?
        && names.iter().any(|n| n.eq_ignore_ascii_case(helo))
    {
        return Ok((Answer::accept(format!("{helo} is a PTR name that leads back")), unseen_names(unseen)));
    }
    Ok((
        Answer::of(
            550,
            None,
            match own? {
                Host::Found(_) => format!("{helo} has other addresses than {ip}, and is no PTR name that leads back"),
                Host::Again => format!("{helo} could not be looked up, and is no PTR name that leads back"),
                Host::None => format!("{helo} has no address, and is no PTR name that leads back"),
            },
        ),
        None,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_the_dns_is_asked_for() {
        for ok in ["mail.example", "mail/1.example", "a_b.example.", "x", "a.123"] {
            assert!(is_dns_name(ok), "{ok}");
        }
        for bad in ["", ".", "-a.example", "a-.example", "/a.example", "a..b", "m\\195il.example", "a b.example"] {
            assert!(!is_dns_name(bad), "{bad}");
        }
    }

    #[test]
    fn syntax_of_the_argument() {
        let code = |helo: &str| refused_syntax(helo).map_or(250, |a| a.reply.code);
        for ok in ["mail.example", "a..b", ".", "-", "12345", "192.0.2.1", "[192.0.2.1]", "[IPv4:192.0.2.1]", "[::1]"] {
            assert_eq!(code(ok), 250, "{ok}");
        }
        for bad in ["", "a_b", "2001:db8::1", "[192.0.2.1", "[192.000.2.1]", "[]", "[", "[IPv4:::1]", "[a.example]"] {
            assert_eq!(code(bad), 501, "{bad}");
        }
        assert_eq!(code("[IPv6:fe80::1%eth0]"), 421);
    }
}
