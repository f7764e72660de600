//! A pool for a person: a frame with a row an address, then what holds once, then what to do.
//!
//! Units: columns. Below [`FRAMED_FROM`] there is no room for a frame; each address stands on lines of its own.

use super::super::cells::{MAX_TEXT, finding_sign, state_sign};
use super::super::clean::clean_bounded;
use super::super::ink::Ink;
use super::super::receivers::HEAD;
use super::super::table::{MAX_WIDTH, MIN_WIDTH, TableOptions, nothing_to_change, one_record, pad};
use super::super::todo::{span, the_way};
use super::super::wrap::{fit, hang, width, wrap};
use super::{Pool, Row};
use crate::judge::Verdict;

/// The narrowest frame.
const FRAMED_FROM: usize = 64;
/// The columns of the edges, the widest line of each head.
const EDGES: [(&str, &str); 3] = [("EHLO", "=PTR"), ("PTR", "→A"), ("EHLO", "→A")];
/// Columns of an edge.
const EDGE: usize = 4;
/// The head of the last column.
const DIFFERS: &str = "what differs";
/// The keys of the facts.
const KEY: usize = 10;
/// Indent of a finding's body and of a step's.
const BODY: usize = 3;

/// How a cell's text is coloured.
type Paint = Box<dyn Fn(&str) -> String>;

/// A pool as text.
pub fn pool_table(pool: &Pool, options: &TableOptions) -> String {
    let limit = options.width.clamp(MIN_WIDTH, MAX_WIDTH);
    let ink = Ink { color: options.color };
    let mut lines = head(pool, limit, ink);
    lines.push(String::new());
    if limit < FRAMED_FROM {
        lines.extend(pool.rows.iter().flat_map(|row| stacked(pool, row, limit, ink)));
    } else {
        lines.extend(frame(pool, limit, ink));
    }
    let ehlo = pool.ehlo().map(|name| ("EHLO", name.to_owned()));
    let facts: Vec<_> = ehlo.into_iter().chain(pool.facts.iter().cloned()).collect();
    if !facts.is_empty() {
        lines.push(String::new());
    }
    for (key, text) in facts {
        let lead = ink.faint(&format!(" {key:width$}", width = KEY - 1));
        lines.extend(hang(&lead, &text, KEY, limit));
    }
    lines.extend(receivers(pool, limit, ink));
    lines.extend(todo(pool, limit, ink));
    for group in pool.findings() {
        lines.push(String::new());
        let lead = ink.severity(group.first.severity, &format!("{:BODY$}", finding_sign(&group.first)));
        let whose = pool.whose(group).map(|w| format!(" ({w})")).unwrap_or_default();
        let heading = format!("{}: {}{whose}", group.first.code, clean_bounded(&group.first.title, MAX_TEXT));
        for (place, line) in wrap(&heading, limit - BODY).iter().enumerate() {
            lines.push(if place == 0 { lead.clone() } else { pad(BODY) } + &ink.strong(line));
        }
        let reference = clean_bounded(&group.first.reference, MAX_TEXT);
        let reference = if reference.is_empty() { String::new() } else { format!(" ({reference})") };
        lines.extend(hang(&pad(BODY), &(Pool::detail(group) + &reference), BODY, limit));
    }
    if pool.findings.is_empty() && pool.verdict().0 == Verdict::Agree {
        lines.push(String::new());
        lines.extend(nothing_to_change(&pool.answers.despite(), limit));
    }
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn head(pool: &Pool, limit: usize, ink: Ink) -> Vec<String> {
    let (verdict, words) = pool.verdict();
    let mut lines = wrap(&pool.title(), limit - width(&words) - 2);
    let first = &mut lines[0];
    let gap = pad(limit - width(&words) - width(first));
    *first = format!("{}{gap}{}", ink.strong(first), ink.verdict(verdict, &words));
    lines
}

/// The columns of address, PTR name and words.
fn columns(pool: &Pool, limit: usize) -> [usize; 3] {
    // Six cells: seven bars, a space on both sides of each.
    let room = limit - 7 - 12 - EDGES.len() * EDGE;
    let widest = |of: &dyn Fn(&Row) -> usize, head: &str| pool.rows.iter().map(of).max().unwrap_or(0).max(width(head));
    let address = widest(&|r| width(&r.address), "address").min(room / 3);
    let words = widest(&|r| width(&pool.words(r)), DIFFERS);
    let ptr = widest(&|r| width(&r.ptr), "PTR");
    let left = room - address;
    let words = words.min(left.saturating_sub(ptr)).max(words.min(left / 2));
    [address, ptr.min(left - words), words]
}

fn frame(pool: &Pool, limit: usize, ink: Ink) -> Vec<String> {
    let [address, ptr, words] = columns(pool, limit);
    let widths = [address, ptr, EDGE, EDGE, EDGE, words];
    let rule = |left: &str, middle: &str, right: &str| {
        let parts: Vec<String> = widths.iter().map(|w| "─".repeat(w + 2)).collect();
        format!("{left}{}{right}", parts.join(middle))
    };
    let cells = |cells: [(&str, Paint); 6]| {
        let parts: Vec<String> =
            cells.iter().zip(widths).map(|((text, paint), w)| format!(" {} ", paint(&fit(text, w)))).collect();
        format!("│{}│", parts.join("│"))
    };
    let faint = || -> Paint { Box::new(move |t| ink.faint(t)) };
    let heads = |edge: fn(&(&'static str, &'static str)) -> &'static str, rest: [&'static str; 3]| {
        let [a, b, c] = EDGES;
        cells([
            (rest[0], faint()),
            (rest[1], faint()),
            (edge(&a), faint()),
            (edge(&b), faint()),
            (edge(&c), faint()),
            (rest[2], faint()),
        ])
    };
    let mut lines = vec![
        rule("╭", "┬", "╮"),
        heads(|e| e.0, ["address", "PTR", DIFFERS]),
        heads(|e| e.1, ["", "", ""]),
        rule("├", "┼", "┤"),
    ];
    for row in &pool.rows {
        let (a, p, w) = (wrap(&row.address, address), wrap(&row.ptr, ptr), wrap(&pool.words(row), words));
        for line in 0..a.len().max(p.len()).max(w.len()) {
            let part = |of: &[String]| of.get(line).cloned().unwrap_or_default();
            let sign = |n: usize| if line == 0 { state_sign(row.states[n]) } else { "" };
            let verdict = row.verdict;
            let state = |n: usize| -> Paint {
                let state = row.states[n];
                Box::new(move |t| ink.state(state, t))
            };
            lines.push(cells([
                (&part(&a), Box::new(move |t| ink.verdict(verdict, t))),
                (&part(&p), Box::new(str::to_owned)),
                (sign(0), state(0)),
                (sign(1), state(1)),
                (sign(2), state(2)),
                (&part(&w), Box::new(str::to_owned)),
            ]));
        }
    }
    lines.push(rule("╰", "┴", "╯"));
    lines
}

/// `✗ ✗ ✓ 203.0.113.20: no PTR`, on as many lines as it takes.
fn stacked(pool: &Pool, row: &Row, limit: usize, ink: Ink) -> Vec<String> {
    let signs: Vec<String> = row.states.iter().map(|s| ink.state(*s, state_sign(*s))).collect();
    let named = if row.ptr.is_empty() { String::new() } else { format!(" PTR {}", row.ptr) };
    let text = format!("{}{named}: {}", row.address, pool.words(row));
    hang(&format!("{} ", signs.join(" ")), &text, 6, limit)
}

/// What receivers answer: in one line where it is the same for all, else a line an answer.
fn receivers(pool: &Pool, limit: usize, ink: Ink) -> Vec<String> {
    let answers = pool.answers.lines(pool.rows.len());
    let (head, indent) = (ink.strong(HEAD), HEAD.len());
    let mut lines = match answers.as_slice() {
        [] => return Vec::new(),
        [one] => hang(&head, one, indent, limit),
        several => {
            let each = several.iter().flat_map(|answer| hang(" ", answer, BODY, limit));
            std::iter::once(head.trim_end().to_owned()).chain(each).collect()
        }
    };
    lines.insert(0, String::new());
    lines
}

/// The steps, each once, with the records of all addresses that need it.
fn todo(pool: &Pool, limit: usize, ink: Ink) -> Vec<String> {
    let text = |t: &str| clean_bounded(t, MAX_TEXT).into_owned();
    let steps = pool.steps.ordered();
    if steps.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), ink.strong("To do, in this order:")];
    for (place, one) in steps.iter().enumerate() {
        let step = &one.todo;
        let action = format!("{} ({}) {}", text(&step.action), text(&step.who), one.whose());
        lines.extend(hang(&format!("{}. ", place + 1), &action, BODY, limit));
        for record in &step.publish {
            lines.push(ink.record(&one_record(&text(record), limit)));
        }
        if !step.withdraw.is_empty() {
            lines.push(format!("{}{}", pad(BODY), step.withdrawal()));
        }
        for record in &step.withdraw {
            lines.push(ink.faint(&one_record(&text(record), limit)));
        }
        if one.more > 0 {
            let more = format!("and {} lines more; --format ndjson has them all", one.more);
            lines.extend(hang(&pad(BODY), &more, BODY, limit));
        }
        lines.extend(the_way(step, BODY, limit, ink));
    }
    if pool.steps.left_out > 0 {
        let more = format!("and {} steps more; --format ndjson has them all", pool.steps.left_out);
        lines.extend(hang(&pad(BODY), &more, BODY, limit));
    }
    let cached = steps.iter().filter_map(|s| s.todo.cached_for).max().filter(|s| *s > 0);
    let cached = cached.map(|s| format!(" The resolver asked may give the old answers for another {}.", span(s)));
    let again = format!("Check again, with this same command.{}", cached.unwrap_or_default());
    lines.extend(hang(&format!("{}. ", steps.len() + 1), &again, BODY, limit));
    lines
}
