//! The remedy under the table: who does what, in which order, with the records to the letter.

use super::clean::clean_bounded;
use super::ink::Ink;
use super::table::{one_record, pad};
use super::wrap::{hang, hang_own, verbatim, width};
use crate::judge::{MtaHint, Remedy, RemedyStep, Side};

/// Indent of a step's body: `1. `.
const STEP: usize = 3;
/// How much of a step is shown: a text from the data, never longer than this.
const MAX_TEXT: usize = 1200;

/// The steps, each a few lines; `all` shows hints beyond the first way too.
pub(super) fn todo(remedy: &Remedy, all: bool, limit: usize, ink: Ink) -> Vec<String> {
    let text = |t: &str| clean_bounded(t, MAX_TEXT).into_owned();
    let mut lines = vec![ink.strong("To do, in this order:")];
    for (place, step) in remedy.steps.iter().enumerate() {
        lines.extend(one_step(place + 1, step, limit, ink));
        if step.side == Side::Reverse
            && let Some(provider) = &remedy.provider
        {
            let names: Vec<&str> = std::iter::once(&provider.name).chain(&provider.also).map(String::as_str).collect();
            let by = format!("{} (recognised by {})", names.join(" or "), provider.recognised_by);
            let sure = if provider.verified { "" } else { "; not verified in its documentation" };
            let see = format!("see {}, as of {}{sure}", provider.documentation, provider.checked);
            let limits = provider.limits.join("; ");
            lines.extend(hang(&pad(STEP), &text(&by), STEP, limit));
            for line in [limits, see].iter().filter(|l| !l.is_empty()) {
                lines.extend(hang_own(&pad(STEP), &text(line), STEP, limit));
            }
        }
        if step.side == Side::Ehlo
            && let Some(mta) = &remedy.mta
        {
            let sure = if mta.certain { "" } else { "; a guess, since others answer alike" };
            lines.extend(hang(&pad(STEP), &text(&format!("It greets as {}{sure}.", mta.name)), STEP, limit));
            lines.extend(alike(mta, all).iter().flat_map(|line| hang(&pad(STEP), &text(line), STEP, limit)));
            if all {
                for note in &mta.notes {
                    lines.extend(hang_own(&pad(STEP), &text(&format!("note: {note}")), STEP, limit));
                }
                lines.extend(hang_own(&pad(STEP), &text(&format!("see {}", mta.documentation)), STEP, limit));
            }
        }
    }
    lines
}

/// What greets in the same words and is set up elsewhere: its settings where all is shown, else its names.
fn alike(mta: &MtaHint, all: bool) -> Vec<String> {
    let name =
        |slug: &String| mta.alternatives.iter().find(|o| o.slug == *slug).map_or(slug.clone(), |o| o.name.clone());
    let names: Vec<String> = mta.also.iter().map(name).collect();
    match (names.is_empty(), all && !mta.alternatives.is_empty()) {
        (true, _) => Vec::new(),
        (_, true) => mta.alternatives.iter().map(|o| format!("if it is {}: {}", o.name, o.setting)).collect(),
        (_, false) => {
            let (does, are) = if names.len() == 1 { ("does", "is") } else { ("do", "are") };
            let elsewhere = format!(", which {are} set up elsewhere: see --explain");
            let elsewhere = if mta.alternatives.is_empty() { "" } else { &elsewhere };
            vec![format!("So {does} {}{elsewhere}.", names.join(", "))]
        }
    }
}

fn one_step(number: usize, step: &RemedyStep, limit: usize, ink: Ink) -> Vec<String> {
    let text = |t: &str| clean_bounded(t, MAX_TEXT).into_owned();
    let mut action = text(&step.action);
    if step.side == Side::Recheck {
        if let Some(seconds) = step.cached_for.filter(|s| *s > 0) {
            action = format!("{action} The resolver asked may give the old answers for another {}.", span(seconds));
        }
    } else {
        action = format!("{action} ({})", text(&step.who));
    }
    let mut lines = hang(&format!("{number}. "), &action, STEP, limit);
    for record in &step.publish {
        lines.push(ink.record(&one_record(&text(record), limit)));
    }
    if !step.withdraw.is_empty() {
        lines.push(format!("{}{}", pad(STEP), step.withdrawal()));
    }
    for record in &step.withdraw {
        lines.push(ink.faint(&one_record(&text(record), limit)));
    }
    lines.extend(the_way(step, STEP, limit, ink));
    lines
}

/// Where and how; what is to be copied stands on a line of its own, whole and without a mark before it.
pub(super) fn the_way(step: &RemedyStep, indent: usize, limit: usize, ink: Ink) -> Vec<String> {
    let text = |t: &str| clean_bounded(t, MAX_TEXT).into_owned();
    let mut lines = Vec::new();
    // Moved to the left together, since some indent one under another.
    let room = step.verbatim.iter().map(|line| limit.saturating_sub(width(line))).min().unwrap_or(limit);
    for how in &step.how {
        if step.verbatim.contains(how) {
            lines.push(ink.record(&verbatim(&text(how), room.min(indent + 2), limit)));
        } else {
            lines.extend(hang_own(&format!("{}· ", pad(indent)), &text(how), indent + 2, limit));
        }
    }
    lines
}

/// Seconds in words: `40 s`, `15 min`, `2 h`, `1 d`.
pub(super) fn span(seconds: u32) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds.div_ceil(60)),
        7200..=172_799 => format!("{} h", seconds.div_ceil(3600)),
        _ => format!("{} d", seconds.div_ceil(86_400)),
    }
}
