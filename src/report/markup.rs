//! Text inside XML and HTML.
//!
//! Standard: XML 1.0 §2.2 (which characters there may be), §2.4 and §3.3.3 (escapes). What XML cannot hold, and what a
//! reader would not see, is written out first.

use super::clean::clean;

/// Text for an element or an attribute in either quotes; line ends stay.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (place, line) in text.split('\n').enumerate() {
        if place > 0 {
            out.push('\n');
        }
        for c in clean(line).chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            }
        }
    }
    out
}
