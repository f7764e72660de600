//! The letter to a customer: in plain words what is wrong and what is needed of them.

use super::{is_wrong, open, step, text, texts, undecided, unseen};
use crate::bounce::Identity;
use crate::judge::{Check, RemedyStep, Severity, Side, Verdict};
use crate::report::letter::{Letter, Task, expectation};
use crate::report::todo::span;

/// The letter, or why there is none.
pub(super) fn letter(check: &Check) -> Result<String, String> {
    let Some(ip) = check.client.ip else {
        return Err(
            "the address that the mail comes from is not known, so there is nothing to write to a customer".into()
        );
    };
    if let Some(kind) = unseen(check) {
        return Err(format!("there is nothing to write to a customer: {ip} is {kind}; give --ip the public address"));
    }
    let mut letter = Letter::new(None);
    letter.paragraph(&format!("we looked at the server that sends your mail ({ip})."));
    let steps: Vec<&RemedyStep> =
        check.remedy.iter().flat_map(|r| &r.steps).filter(|s| s.side != Side::Recheck).collect();
    match check.agreement.verdict {
        Verdict::Agree if steps.is_empty() => {
            letter.paragraph(
                "Its name, its address and its reverse DNS agree today, so they are not the reason for a refusal now. \
                 If your mail is still refused, please send us the newest bounce message.",
            );
            return Ok(letter.finish());
        }
        Verdict::Unknown if steps.is_empty() => {
            letter.paragraph(&format!(
                "We could not tell yet whether its name and address agree: {}. This is often temporary. We will look \
                 again; you need to do nothing for now.",
                open(check)
            ));
            return Ok(letter.finish());
        }
        Verdict::Unknown => letter
            .paragraph(&format!("Some of it could not be looked up yet: {}. One thing is wrong already.", open(check))),
        Verdict::Agree | Verdict::Differ => {}
    }
    wrong(&mut letter, check);
    if undecided(check) {
        letter.paragraph(&format!(
            "We could not tell yet what is to be changed: {}. This is often temporary. We will look again; you need to \
             do nothing for now.",
            open(check)
        ));
        return Ok(letter.finish());
    }
    let cleaned: Vec<[Vec<String>; 4]> =
        steps.iter().map(|s| [texts(&s.publish), texts(&s.withdraw), texts(&s.how), texts(&s.verbatim)]).collect();
    let words: Vec<(String, String)> = steps.iter().map(|s| (text(&s.action), text(&s.who))).collect();
    let tasks: Vec<Task<'_>> = cleaned
        .iter()
        .zip(&words)
        .map(|([publish, withdraw, how, verbatim], (action, who))| Task {
            action,
            who,
            publish,
            withdraw,
            how,
            verbatim,
        })
        .collect();
    letter.tasks("What we need you to do:", &tasks);
    limits(&mut letter, check);
    wait(&mut letter, check, &steps);
    letter.when_done();
    Ok(letter.finish())
}

/// What is wrong, a sentence for each error; and what receivers make of it, as far as was seen.
fn wrong(letter: &mut Letter, check: &Check) {
    let of = |least: Severity| -> Vec<(String, String)> {
        let found = check.findings.iter().filter(|f| f.severity == least && !f.code.entry().unknown);
        found.map(|f| (text(&f.title), text(&f.detail))).collect()
    };
    let errors = of(Severity::Error);
    let told = if errors.is_empty() { of(Severity::Warning) } else { errors };
    if !told.is_empty() {
        letter.facts("What is wrong:", &told);
    }
    let agreement = &check.agreement;
    if let Some(leg) = leg(check) {
        letter.paragraph(expectation(leg));
    }
    if is_wrong(agreement.ptr_forward.state) {
        letter.paragraph(
            "Where an address has no name that leads back to it, many mail servers take the mail for forged and refuse \
             it or put it into the spam folder. The text of your mail is not the reason.",
        );
    } else if is_wrong(agreement.ehlo_ptr.state) || is_wrong(agreement.ehlo_forward.state) {
        letter.paragraph(
            "Mail servers compare these, and filters count it against the mail where they do not agree; some servers \
             refuse it. The text of your mail is not the reason.",
        );
    }
}

/// The leg that is wrong, the PTR's first.
fn leg(check: &Check) -> Option<Identity> {
    let named = check.dns.ptr.as_ref().is_some_and(|p| !p.names.is_empty());
    let agreement = &check.agreement;
    match (is_wrong(agreement.ptr_forward.state), named) {
        (true, false) => Some(Identity::PtrMissing),
        (true, true) => Some(Identity::PtrUnconfirmed),
        (false, _) if is_wrong(agreement.ehlo_forward.state) => Some(Identity::EhloBad),
        (false, _) => is_wrong(agreement.ehlo_ptr.state).then_some(Identity::Unspecified),
    }
}

/// How long the change may stay unseen. What one resolver keeps says nothing of the others, so it is told as its own.
fn wait(letter: &mut Letter, check: &Check, steps: &[&RemedyStep]) {
    let provider = check.remedy.as_ref().and_then(|r| r.provider.as_ref());
    let set_there = provider.filter(|_| steps.iter().any(|s| s.side == Side::Reverse && !s.publish.is_empty()));
    if let Some((provider, seconds)) = set_there.and_then(|p| Some((p, p.published_after?))) {
        letter.paragraph(&format!(
            "{} may take up to {} until it publishes the change.",
            text(&provider.name),
            span(seconds)
        ));
    }
    if let Some(seconds) = steps.iter().filter_map(|s| s.cached_for).max().filter(|s| *s > 0) {
        letter.paragraph(&format!(
            "Once it is published, the resolver that we asked may give the old answer for another {}; other servers \
             may keep theirs longer or shorter.",
            span(seconds)
        ));
    }
}

/// What the provider's customers must know before they ask.
fn limits(letter: &mut Letter, check: &Check) {
    let provider = check.remedy.as_ref().and_then(|r| r.provider.as_ref());
    let Some(provider) = provider.filter(|p| !p.limits.is_empty() && step(check, Side::Reverse).is_some()) else {
        return;
    };
    let all: Vec<(String, String)> = provider.limits.iter().map(|limit| (text(&provider.name), text(limit))).collect();
    letter.facts("Good to know:", &all);
}
