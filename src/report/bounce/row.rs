//! A bounce in one line: cause, what has become of it, sending address, receiver, file.
//!
//! Each line stands alone, so that any number can be written as they are read.

use super::table::paint;
use super::words::{cause_word, short, standing_word, title};
use crate::bounce::Cause;
use crate::desk::Entry;
use crate::report::ink::Ink;
use crate::report::table::{MIN_WIDTH, TableOptions};
use crate::report::wrap::fit;

/// Cause, state now, address; the address of IPv6 may be longer, and is never cut.
const COLUMNS: [usize; 3] = [15, 9, 15];
const GAP: &str = "  ";

/// The widths of receiver and file.
fn rest(options: &TableOptions) -> (usize, usize) {
    let taken: usize = COLUMNS.iter().map(|c| c + GAP.len()).sum();
    let room = options.width.max(MIN_WIDTH).saturating_sub(taken + GAP.len());
    let receiver = (room / 2).min(20);
    (receiver, room - receiver)
}

/// The line above the rows.
pub fn bounce_rows_header(options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let cells = ["CAUSE", "NOW", "SENT FROM", "RECEIVER", "FILE"].map(str::to_owned);
    ink.faint(join(&cells, options).trim_end()) + "\n"
}

/// One bounce.
pub fn bounce_row(entry: &Entry, options: &TableOptions) -> String {
    let bounce = &entry.bounce;
    let ink = Ink { color: options.color };
    let file = title(entry);
    let left_out = bounce.unreadable.as_ref().map(|why| ("unreadable", why));
    if let Some((word, why)) = left_out.or_else(|| bounce.skipped.as_ref().map(|why| ("skipped", why))) {
        let cause = paint(entry, &fit(word, COLUMNS[0]), ink);
        let room = options.width.max(MIN_WIDTH).saturating_sub(COLUMNS[0] + GAP.len());
        // The file in full where it leaves room for half of the reason.
        let file = end_of(&file, room / 2);
        return format!("{cause}{GAP}{}\n", fit(&format!("{file}: {}", short(why)), room).trim_end());
    }
    let cause = if bounce.complaint {
        "complaint"
    } else if bounce.bounce || bounce.cause != Cause::Unknown || bounce.identity.is_some() {
        cause_word(bounce.cause, bounce.identity)
    } else {
        "no bounce"
    };
    let now = entry.since.as_ref().map(|s| standing_word(s.standing)).unwrap_or_default();
    let ip = bounce.sending_ip.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let receiver = bounce.receiver.as_deref().map(short).unwrap_or_default();
    let line = join(&[cause.into(), now.into(), ip, receiver, file], options);
    // The cause's and the state's cells are of ASCII, so that their octets are their columns.
    let (head, tail) = line.split_at(COLUMNS[0] + GAP.len() + COLUMNS[1]);
    format!("{}{}\n", paint(entry, head, ink), tail.trim_end())
}

fn join(cells: &[String; 5], options: &TableOptions) -> String {
    let (receiver, file) = rest(options);
    let [cause, now, ip, who, at] = cells;
    let ip = format!("{ip:width$}", width = COLUMNS[2]);
    [fit(cause, COLUMNS[0]), fit(now, COLUMNS[1]), ip, fit(who, receiver), end_of(at, file)].join(GAP)
}

/// A path whose end tells more than its beginning.
fn end_of(path: &str, limit: usize) -> String {
    if crate::report::wrap::width(path) <= limit {
        return path.to_owned();
    }
    let mut end = String::new();
    for c in path.chars().rev() {
        let longer = format!("{c}{end}");
        if crate::report::wrap::width(&longer) + 1 > limit {
            break;
        }
        end = longer;
    }
    format!("…{end}")
}
