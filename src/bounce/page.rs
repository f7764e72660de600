//! The page that a reply points to: a parameter of its address names the cause.
//!
//! Input: `src/knowledge/bounce/pages.toml`, embedded, and a reply's text. Output: what the parameter stands for.
//! Standard: RFC 3986 §3 (host and query of a URL), read generously.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::{Cause, Identity};

/// Addresses of pages looked at in one text.
const MAX_URLS: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    page: Vec<Page>,
}

/// A receiver's pages on its refusals.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    hosts: BTreeMap<String, String>,
    parameter: String,
    pub source: String,
    pub date: String,
    values: Vec<Value>,
}

/// What one value of the parameter stands for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Value {
    is: String,
    pub cause: Cause,
    pub identity: Option<Identity>,
    #[serde(default)]
    pub possible: Vec<Identity>,
    #[serde(default)]
    pub untold: bool,
}

/// A page that a reply points to.
pub(super) struct Pointed {
    pub page: &'static Page,
    pub value: &'static Value,
    pub receiver: &'static str,
    /// The parameter as it stands: `c=rdns`.
    pub what: String,
}

/// The embedded file is checked by a test; one that does not parse finds nothing.
static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let file: Result<File, _> = toml::from_str(include_str!("../knowledge/bounce/pages.toml"));
    file.map(|f| f.page).unwrap_or_default()
});

/// The first page that a text points to and whose parameter is known.
pub(super) fn pointed(text: &str) -> Option<Pointed> {
    text.split_whitespace().filter_map(|word| word.split_once("://")).take(MAX_URLS).find_map(|(_, rest)| of_url(rest))
}

/// What a refusal is labelled with, or the page that it points to is called: `RDNS-001`, `/help/brokenptr`,
/// `#missing-rdns`. The page counts only for a refusal of the client that gives no reason itself.
pub(super) fn spelled(text: &str, page: bool) -> Option<(Identity, String)> {
    let label = text.split_whitespace().next().filter(|w| {
        let code = w.trim_end_matches(':');
        code.len() <= 24
            && code.contains(['-', '_'])
            && code.chars().any(|c| c.is_ascii_digit())
            && code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '-' | '_'))
    });
    let paths = text.split_whitespace().filter_map(|w| w.split_once("://")).take(if page { MAX_URLS } else { 0 });
    // Its last step names the page; hosts and parameters name other things.
    let paths = paths.filter_map(|(_, rest)| rest.split_once('/')).map(|(_, path)| {
        let path = path.split('?').next().unwrap_or_default().trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        path.rsplit(['/', '#']).next().unwrap_or_default()
    });
    label.into_iter().chain(paths).find_map(|name| named(name).map(|identity| (identity, name.to_owned())))
}

/// The leg that a label or the name of a page spells out, alone or with a word of fault run into it.
fn named(name: &str) -> Option<Identity> {
    const TOPICS: [(&str, Identity); 6] = [
        ("reversedns", Identity::PtrMissing),
        ("fcrdns", Identity::PtrUnconfirmed),
        ("rdns", Identity::PtrMissing),
        ("ptr", Identity::PtrMissing),
        ("helo", Identity::EhloBad),
        ("ehlo", Identity::EhloBad),
    ];
    const BESIDE: [&str; 20] = [
        "no", "broken", "bad", "missing", "invalid", "wrong", "require", "required", "error", "err", "fail", "failed",
        "failure", "mismatch", "record", "records", "check", "problem", "html", "htm",
    ];
    let stem = name.to_ascii_lowercase();
    let word: String = stem.chars().filter(char::is_ascii_alphabetic).collect();
    TOPICS.iter().find_map(|(topic, identity)| {
        let (before, behind) = word.split_once(topic)?;
        let fits = |mut rest: &str| {
            while let Some(next) = BESIDE.iter().filter_map(|w| rest.strip_prefix(w)).min_by_key(|r| r.len()) {
                rest = next;
            }
            rest.is_empty()
        };
        (fits(before) && fits(behind)).then_some(*identity)
    })
}

/// Of an address without its scheme.
fn of_url(rest: &str) -> Option<Pointed> {
    let (place, query) = rest.split_once('?')?;
    let host = place.split(['/', ':']).next().unwrap_or_default().to_ascii_lowercase();
    let query = query.split('#').next().unwrap_or_default();
    let known = PAGES.iter().find_map(|page| page.receiver(&host).map(|receiver| (page, receiver)));
    let (page, receiver) = known?;
    query.split(['&', ';']).find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        let given = value.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let value = page.values.iter().find(|v| name == page.parameter && v.fits(given))?;
        Some(Pointed { page, value, receiver, what: format!("{name}={given}") })
    })
}

impl Page {
    /// Whose host it is, where it is one of these or below one.
    fn receiver(&self, host: &str) -> Option<&str> {
        let own = |end: &str| host.strip_suffix(end).is_some_and(|head| head.is_empty() || head.ends_with('.'));
        self.hosts.iter().find(|(end, _)| own(end)).map(|(_, receiver)| receiver.as_str())
    }
}

impl Value {
    fn fits(&self, given: &str) -> bool {
        match self.is.strip_suffix('*') {
            Some(begin) => given.get(..begin.len()).is_some_and(|g| g.eq_ignore_ascii_case(begin)),
            None => given.eq_ignore_ascii_case(&self.is),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_pages_are_whole() {
        assert!(PAGES.len() >= 2);
        for page in PAGES.iter() {
            assert!(!page.hosts.is_empty() && !page.values.is_empty() && page.date.len() == 7);
            for value in &page.values {
                assert_eq!(value.identity.is_some(), value.cause == Cause::SenderIdentity, "{}", value.is);
                assert!(value.is.len() >= 2, "{}", value.is);
            }
        }
    }

    #[test]
    fn a_label_or_the_name_of_a_page_spells_it_out() {
        for (text, want) in [
            ("PTR-17 Mail refused", Some(Identity::PtrMissing)),
            ("refused, see https://help.recv.example/mail/missing-rdns.html", Some(Identity::PtrMissing)),
            ("refused: http://recv.example/x#badhelo.", Some(Identity::EhloBad)),
            ("see http://noptr.list.example/query?ip=192.0.2.1", None),
            ("see http://recv.example/script", None),
            ("see http://recv.example/why?topic=rdns", None),
            ("PTR 17 is refused", None),
        ] {
            assert_eq!(spelled(text, true).map(|s| s.0), want, "{text}");
        }
    }

    #[test]
    fn the_parameter_names_the_cause_wherever_it_stands() {
        for (url, want) in [
            ("http://postmaster.gmx.com/en/error-messages?ip=203.0.113.9&c=rdns", "c=rdns"),
            ("http://postmaster.web.de/error-messages?c=rdns&ip=203.0.113.9", "c=rdns"),
            ("(https://postmaster.gmx.net/en/case?c=r0602&i=ip&v=203.0.113.9&r=1N5W0m-1sZnz8).", "c=r0602"),
            ("https://postmaster.1und1.de/en/case?i=ip&amp;v=203.0.113.9&amp;c=r0601,", "c=r0601"),
            ("https://web.de/email/senderguidelines?ip=203.0.113.9&c=hi", "c=hi"),
            ("https://support.google.com/mail/?p=helo", "p=helo"),
            // Another's page, another parameter, a value that is not known, a piece of a longer one.
            ("https://postmaster.example/en/case?c=rdns", ""),
            ("https://notgmx.net/case?c=rdns", ""),
            ("https://postmaster.gmx.net/en/case?v=rdns", ""),
            ("https://postmaster.gmx.net/en/case?c=r9901", ""),
            ("https://postmaster.gmx.net/en/case?c=rdnsx", ""),
            ("https://postmaster.gmx.net/c=rdns", ""),
        ] {
            let got = pointed(&format!("554 For explanation visit {url}")).map(|p| p.what).unwrap_or_default();
            assert_eq!(got, want, "{url}");
        }
        assert_eq!(pointed("see https://www.gmx.net/x?c=bl").map(|p| p.receiver), Some("GMX / WEB.DE"));
        assert_eq!(pointed("see https://postmaster.ionos.com/x?c=bl").map(|p| p.receiver), Some("IONOS"));
    }
}
