//! What this project itself says that receivers reply, read as a bounce: each reply is recognised as the identity,
//! with its leg, or as words that name no reason; never as anything but the identity.

#![allow(clippy::unwrap_used, clippy::disallowed_macros, reason = "a test")]

use std::collections::BTreeSet;

use smtp_preflight::bounce::{self, Bounce, Cause, Identity};
use smtp_preflight::judge::Code;
use smtp_preflight::knowledge::receivers::{Condition, policies, rule_words};
use smtp_preflight::report::{TableOptions, explain_refusal};

const REVERSE: &[Identity] = &[Identity::PtrMissing, Identity::PtrUnconfirmed];

/// How a reply was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Read {
    Leg(Identity),
    NotTold,
}

/// `Err` where a reply is said to be about something else, or about another leg.
fn read(reply: &str, legs: &[Identity]) -> Result<Read, String> {
    let bounce: Bounce = bounce::read(reply.as_bytes());
    let fault =
        |what: &str| format!("{reply}: {what}: {:?} {:?} by {:?}", bounce.cause, bounce.identity, bounce.matched);
    let about = explain_refusal(&bounce, &TableOptions::default());
    if about.contains("not the sender's PTR or EHLO name") {
        return Err(fault("not the identity"));
    }
    let Some(leg) = bounce.identity else {
        let open = bounce.untold() || bounce.cause == Cause::Unknown;
        return if open { Ok(Read::NotTold) } else { Err(fault("not said to be open")) };
    };
    let right = legs.contains(&leg) || bounce.possible.iter().any(|l| legs.contains(l));
    if right { Ok(Read::Leg(leg)) } else { Err(fault("another leg")) }
}

/// The replies in a rule's words: each begins with its code and ends where the words say when it is given.
fn replies(words: &str) -> Vec<String> {
    let coded = |part: &&str| part.len() > 4 && part.as_bytes()[..3].iter().all(u8::is_ascii_digit);
    let filled = |part: &str| {
        let said = part.split(" where ").next().unwrap_or_default();
        said.replace("[ADDRESS]", "[203.0.113.9]").replace("ADDRESS", "203.0.113.9").replace("NAME", "mail.example.net")
    };
    words.split("; ").filter(coded).map(filled).collect()
}

#[test]
fn the_replies_of_every_rule() {
    let (mut legs, mut open, mut silent, mut faults) = (0, Vec::new(), Vec::new(), Vec::new());
    for rule in rule_words() {
        // Before any other rule a server looks at the syntax of EHLO.
        let of_ehlo = rule.rule == "base" || rule.rule.contains("helo");
        let wanted = if of_ehlo { &[Identity::EhloBad][..] } else { REVERSE };
        let said = replies(&rule.reply);
        if said.is_empty() {
            silent.push(rule.receiver.as_str());
        }
        for reply in said {
            match read(&reply, wanted) {
                Ok(Read::Leg(_)) => legs += 1,
                Ok(Read::NotTold) => open.push(reply),
                Err(why) => faults.push(why),
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    // A filter's score is no reply, and an operator's own text is not known.
    silent.dedup();
    assert_eq!(silent, ["opensmtpd", "rspamd", "rspamd-3.4", "spamassassin"]);
    assert_eq!(
        open,
        [
            "550 Administrative prohibition",
            "451 Temporary local problem - please try later",
            "550 Administrative prohibition"
        ]
    );
    assert!(legs >= 11, "{legs} replies were read as the identity");
}

#[test]
fn the_receivers_own_codes() {
    let (mut open, mut faults) = (BTreeSet::new(), Vec::new());
    for policy in policies() {
        let (Some(code), wanted) = (policy.code, wanted(policy.when)) else { continue };
        let enhanced = policy.enhanced.as_deref().map(|e| format!("{e} ")).unwrap_or_default();
        // The code alone, behind words that name no reason, and where it is a page's parameter in the page's address.
        let mut said = vec![policy.rule.clone(), format!("Message rejected. {}", policy.rule)];
        if policy.rule.contains('=') {
            let page = policy.source.split('#').next().unwrap_or_default();
            said.push(format!("For explanation visit {page}?ip=203.0.113.9&{}", policy.rule));
        }
        for words in said {
            match read(&format!("{code} {enhanced}{words}"), &wanted) {
                Ok(Read::Leg(_)) => {}
                Ok(Read::NotTold) if words.contains("://") => faults.push(format!("{words}: not told")),
                Ok(Read::NotTold) => drop(open.insert(format!("{} {}", policy.receiver, policy.rule))),
                Err(why) => faults.push(why),
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    // Titles of pages and names of rules that no reply has in these words, or none by itself.
    assert_eq!(
        open.into_iter().collect::<Vec<_>>(),
        [
            "cox DNS check failure",
            "gmail HELO argument",
            "gmail IPv6AuthError",
            "gmx c=rdns",
            "ovh reject_unknown_reverse_client_hostname",
            "rackspace G1F",
            "t-online 4.1 host name",
            "t-online DIAL"
        ]
    );
}

/// The legs that a policy's condition is about.
fn wanted(when: Condition) -> Vec<Identity> {
    match when {
        Condition::NoPtr | Condition::Unconfirmed | Condition::PtrTrouble => REVERSE.to_vec(),
        Condition::Generic => vec![Identity::PtrGeneric],
        Condition::EhloMalformed => vec![Identity::EhloBad],
        Condition::Never => Vec::new(),
    }
}

/// `550 no rDNS` in the catalogue of findings: what a receiver does, where that is a reply of it.
#[test]
fn the_replies_in_the_catalogue_of_findings() {
    let (mut legs, mut open, mut faults) = (0, Vec::new(), Vec::new());
    for entry in Code::all() {
        let wanted: &[Identity] = match entry.slug {
            slug if slug.starts_with("ehlo-") => &[Identity::EhloBad],
            "ptr-generic" => &[Identity::PtrGeneric],
            slug if slug.starts_with("ptr-") => REVERSE,
            _ => continue,
        };
        for rule in entry.receivers {
            let said = rule.does.split([',', ';']).next().unwrap_or_default();
            let words = said.split(' ').skip_while(|w| w.starts_with(|c: char| c.is_ascii_digit())).collect::<Vec<_>>();
            let prose = words.len() < 2 || ["for", "instead", "where"].contains(&words[0]);
            let coded =
                said.len() > 4 && said.as_bytes()[..3].iter().all(u8::is_ascii_digit) && said.as_bytes()[3] == b' ';
            if coded && !prose {
                match read(said, wanted) {
                    Ok(Read::Leg(_)) => legs += 1,
                    Ok(Read::NotTold) => open.push(said),
                    Err(why) => faults.push(format!("{}: {why}", entry.slug)),
                }
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
    open.dedup();
    assert_eq!(open, ["451 Temporary local problem"]);
    assert!(legs >= 20, "{legs} replies");
}
