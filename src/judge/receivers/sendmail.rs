//! Sendmail: the EHLO syntax check, and `FEATURE(require_rdns)`.
//!
//! Measured: Sendmail 8.17.1.9 (Debian 12, glibc 2.36), stock codes; the m4 files were read beside it.
//! - Of several PTR records only the first counts, and a first one that is no host name spoils all.
//! - A PTR that does not lead back is "possibly forged" for whatever reason, temporary trouble
//!   included: 451, never a bounce. No PTR is 550.
//! - A PTR name that reads as an address in any form of `inet_addr` counts as no name.

use super::glibc::{self, Forward, Reverse};
use super::order::{self, Ordered};
use super::prediction::{Answer, Prediction};
use super::world::{Lacking, World};

const NAME: &str = "sendmail";
const SOURCE: &str = "cf/README, require_rdns; measured with Sendmail 8.17.1.9";

const MAX_NAME: usize = 256;
/// With a longer argument the line is no command any more.
const MAX_ARGUMENT: usize = 2041;

pub(super) fn predict(world: &World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)> {
    vec![
        ("base", session(world, "base", |_| Ok(Answer::accept("no identity rule is switched on").into()))),
        ("require_rdns", session(world, "require_rdns", require_rdns)),
    ]
}

fn session(
    world: &World<'_>,
    rule: &'static str,
    judge: fn(&World<'_>) -> Result<Ordered, Lacking>,
) -> Result<Prediction, Lacking> {
    let mut assumes = Vec::new();
    match world.ehlo() {
        Ok(ehlo) => {
            if let Some(refused) = refused_syntax(ehlo) {
                return Ok(refused.predict(NAME, rule, SOURCE, assumes));
            }
        }
        Err(_) => assumes.push("an EHLO name of valid syntax is given".into()),
    }
    let judged = judge(world)?;
    assumes.extend(judged.other_orders());
    Ok(judged.seen.predict(NAME, rule, SOURCE, assumes))
}

fn refused_syntax(ehlo: &str) -> Option<Answer> {
    if ehlo.len() > MAX_ARGUMENT {
        return Some(Answer::of(421, Some("4.7.0"), "the EHLO line is too long"));
    }
    let name = ehlo.trim_matches(|c: char| c == ' ' || ('\t'..='\r').contains(&c));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"[].-_#:".contains(&b);
    if !name.is_empty() && name.len() <= MAX_NAME && name.bytes().all(plain) {
        return None;
    }
    let because = if name.is_empty() {
        "EHLO was said without a name".to_owned()
    } else if name.len() > MAX_NAME {
        format!("the EHLO name is longer than {MAX_NAME} characters")
    } else {
        format!("{name} holds a character that Sendmail forbids in EHLO")
    };
    Some(Answer::of(501, Some("5.0.0"), because))
}

fn require_rdns(world: &World<'_>) -> Result<Ordered, Lacking> {
    let ptr = world.ptr()?;
    let ip = world.ip()?;
    order::each_first(ptr, |first| {
        let name = match glibc::reverse(ptr, first) {
            Reverse::Name(name) => name,
            Reverse::Temporary => {
                return Ok(Answer::of(451, Some("4.1.8"), format!("the PTR could not be looked up ({})", ptr.status)));
            }
            Reverse::None => {
                return Ok(Answer::of(
                    550,
                    Some("5.7.1"),
                    match ptr.data.get(first) {
                        Some(name) => format!("the PTR {name} is not a valid host name"),
                        None => format!("the address has no PTR ({})", ptr.status),
                    },
                ));
            }
        };
        // The C library's "no address" value is 255.255.255.255, which therefore passes as a name.
        if glibc::inet_aton(name).is_some_and(|a| !a.is_broadcast()) {
            return Ok(Answer::of(550, Some("5.7.1"), format!("the PTR {name} is an address in text")));
        }
        Ok(match glibc::forward(world, name)? {
            Forward::Confirmed => Answer::accept(format!("the PTR {name} leads back to {ip}")),
            Forward::Temporary => Answer::of(
                451,
                Some("4.1.8"),
                format!("the PTR {name} could not be looked up, which counts as not leading back"),
            ),
            _ if name.is_empty() => Answer::of(451, Some("4.1.8"), "the PTR names the root"),
            _ => Answer::of(451, Some("4.1.8"), format!("the PTR {name} does not lead back to {ip}")),
        })
    })
}
