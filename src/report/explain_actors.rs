//! Who can act, in words: one mail server's or one hosting provider's entry, with its source and its age.

use super::ink::Ink;
use super::table::{TableOptions, pad};
use super::wrap::{hang_own, verbatim};
use crate::knowledge::mtas::Mta;
use crate::knowledge::pattern::NamePattern;
use crate::knowledge::providers::{ForwardFirst, Kind, Provider, Settable};

/// Indent of a section's text.
const BODY: usize = 2;
/// How the forms of names are to be read.
const FORMS: &str = "In the forms, # stands for digits, % for hexadecimal digits, @ for letters, * for a part of a label, \
                     ** for any part of the name.";

/// One line of a section.
enum Line {
    /// Prose, folded.
    Words(String),
    /// To be copied, whole.
    Copied(String),
}

struct Sheet {
    lines: Vec<String>,
    options: TableOptions,
}

impl Sheet {
    fn new(slug: &str, name: &str, kind: &str, options: &TableOptions) -> Self {
        let ink = Ink { color: options.color };
        let heading = hang_own("", &format!("{slug} ({kind}): {name}"), 0, options.width);
        Self { lines: heading.iter().map(|l| ink.strong(l)).collect(), options: *options }
    }

    fn section(&mut self, title: &str, body: Vec<Line>) {
        if body.is_empty() {
            return;
        }
        let ink = Ink { color: self.options.color };
        self.lines.extend([String::new(), ink.strong(title)]);
        for line in body {
            match line {
                Line::Words(text) => self.lines.extend(hang_own(&pad(BODY), &text, BODY, self.options.width)),
                Line::Copied(text) => self.lines.push(ink.record(&verbatim(&text, BODY + 2, self.options.width))),
            }
        }
    }

    fn finish(self) -> String {
        self.lines.join("\n") + "\n"
    }
}

fn words(text: impl Into<String>) -> Line {
    Line::Words(text.into())
}

fn listed<T: AsRef<str>>(before: &str, all: impl IntoIterator<Item = T>) -> Option<Line> {
    let all: Vec<String> = all.into_iter().map(|t| t.as_ref().to_owned()).collect();
    (!all.is_empty()).then(|| words(format!("{before}: {}", all.join(", "))))
}

fn forms(before: &str, patterns: &'static [NamePattern]) -> Option<Line> {
    listed(before, patterns.iter().map(NamePattern::as_str))
}

fn known(documentation: &str, source: &str, checked: &str, verified: bool, unverified: &[String]) -> Vec<Line> {
    let sure = match (verified, unverified) {
        (true, []) => "read in its documentation or source".to_owned(),
        (true, open) => format!("read in its documentation, all but: {}", open.join(", ")),
        (false, []) => "not verified in its documentation".to_owned(),
        (false, open) => format!("not verified in its documentation, nor anywhere: {}", open.join(", ")),
    };
    vec![
        words(format!("see {documentation}")),
        words(format!("source: {source}")),
        words(format!("as of {checked}; {sure}")),
    ]
}

/// A mail server: what it is recognised by, and the setting that changes the name that it says when it sends.
pub fn explain_mta(mta: &'static Mta, options: &TableOptions) -> String {
    let mut sheet = Sheet::new(&mta.slug, &mta.name, "mail server", options);
    let quoted = |texts: &[String]| texts.iter().map(|t| format!("\"{t}\"")).collect::<Vec<_>>();
    let recognised = [
        listed("its greeting holds", quoted(&mta.banner)),
        forms("and the greeting's name has the form", &mta.host),
        forms("the first line of its EHLO reply has the form", &mta.ehlo),
        listed("an extension of its own", &mta.any_extension),
        listed("a guess, where it announces together", &mta.all_extensions),
        listed("others greet in the same way", &mta.also),
        (!(mta.host.is_empty() && mta.ehlo.is_empty())).then(|| words(FORMS)),
    ];
    sheet.section("How it is recognised", recognised.into_iter().flatten().collect());
    let look = |look: &String| words(format!("as shipped it says the PTR of the address that it sends from; {look}"));
    let mut way: Vec<Line> = mta.by_ptr.iter().map(look).collect();
    let place =
        if way.is_empty() { mta.place.clone() } else { format!("only where that is switched off: {}", mta.place) };
    way.push(words(place));
    way.extend(mta.directive.iter().map(|d| words(format!("setting: {d}"))));
    way.extend(mta.example.iter().map(|e| Line::Copied(e.clone())));
    if !mta.example_debian.is_empty() {
        way.push(words("on Debian:"));
        way.extend(mta.example_debian.iter().cloned().map(Line::Copied));
    }
    way.extend(mta.apply.iter().map(|a| words(format!("then: {a}"))));
    let title = if mta.changeable { "Where the EHLO name is set" } else { "The EHLO name cannot be changed" };
    sheet.section(title, way);
    let banner = mta.banner_setting.iter().map(words);
    sheet.section("What changes only how it greets", banner.collect());
    sheet.section("Mind", mta.notes.iter().map(words).collect());
    sheet.section("How it is known", known(&mta.documentation, &mta.source, &mta.checked, mta.verified, &[]));
    sheet.finish()
}

/// A provider: what it is recognised by, how a PTR is set there, and what limits that.
pub fn explain_provider(provider: &'static Provider, options: &TableOptions) -> String {
    let kind = match provider.kind {
        Kind::Cloud => "cloud",
        Kind::Hosting => "hosting provider",
        Kind::Isp => "access provider",
        Kind::MailService => "mail service",
    };
    let mut sheet = Sheet::new(&provider.slug, &provider.name, kind, options);
    let patterns = [&provider.default_names, &provider.own_names, &provider.mail_names, &provider.zone_servers];
    let recognised = [
        forms("the PTR name that an address has until another is set", &provider.default_names),
        forms("its own or its business lines' names, which are no sign of a forgotten PTR", &provider.own_names),
        forms("its own mail services' names, whose PTR and EHLO name are its own", &provider.mail_names),
        provider.ptr_example.as_ref().map(|e| words(format!("as in {e}"))),
        forms("a server of the reverse zone", &provider.zone_servers),
        patterns.iter().any(|p| !p.is_empty()).then(|| words(FORMS)),
    ];
    sheet.section("How it is recognised", recognised.into_iter().flatten().collect());
    let settable = match provider.settable {
        Settable::SelfService => "The customer sets the PTR.",
        Settable::OnRequest => "Its support sets the PTR, at the customer's request.",
        Settable::No => "The PTR is its own; customers cannot change it.",
    };
    let mut way = vec![words(settable)];
    way.extend(provider.who.iter().map(|w| words(format!("who: {w}"))));
    way.extend(provider.panel.iter().map(|p| words(format!("panel: {p}"))));
    let note = provider.command_note.as_ref().map(|note| format!("  # {note}")).unwrap_or_default();
    way.extend(provider.command.iter().map(|c| Line::Copied(format!("{c}{note}"))));
    way.extend(provider.api.iter().map(|a| words(format!("API: {a}"))));
    sheet.section("Where the PTR is set", way);
    let first = match provider.forward_first {
        ForwardFirst::Required => Some("the forward record must be there first"),
        ForwardFirst::OtherProof => Some("ownership of the domain must be proven first"),
        ForwardFirst::No => Some("the forward record is not asked for; publish it first all the same"),
        ForwardFirst::Unknown => None,
    };
    let mut limits: Vec<Line> = first.into_iter().map(words).collect();
    limits.extend(forms("nobody can change the PTR of addresses with names of the form", &provider.fixed_names));
    limits.extend(provider.ipv6.iter().map(|t| words(format!("IPv6: {t}"))));
    limits.extend(provider.port25.iter().map(|t| words(format!("port 25: {t}"))));
    limits.extend(provider.limits.iter().map(words));
    sheet.section("Limits", limits);
    let Provider { documentation, source, checked, verified, unverified, .. } = provider;
    sheet.section("How it is known", known(documentation, source, checked, *verified, unverified));
    sheet.finish()
}
