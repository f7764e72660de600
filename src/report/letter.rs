//! Plain text to send unchanged: how every ticket is laid out, and what all of them say alike.
//!
//! Units: lines of at most [`WIDTH`] columns, as mail is read; a zone line, a command or a word that is longer
//! stays in one piece, since it is there to be copied. The texts put in are cleaned by the caller.

use super::wrap::{width, words};
use crate::bounce::Identity;

/// Mail is read at this width.
pub(super) const WIDTH: usize = 76;

/// A letter that is being written.
pub(super) struct Letter {
    lines: Vec<String>,
}

/// One thing that the reader shall do.
pub(super) struct Task<'a> {
    pub action: &'a str,
    /// Who can; empty where it is the reader.
    pub who: &'a str,
    /// Zone lines to publish.
    pub publish: &'a [String],
    /// Zone lines that go.
    pub withdraw: &'a [String],
    /// Where and how.
    pub how: &'a [String],
    /// Those of them that are commands or settings.
    pub verbatim: &'a [String],
}

impl Letter {
    /// A letter with its greeting.
    pub(super) fn new(subject: Option<&str>) -> Self {
        let subject = subject.into_iter().flat_map(|s| [format!("Subject: {s}"), String::new()]);
        Self { lines: subject.chain(["Hello,".to_owned()]).collect() }
    }

    /// Words on their own, without greeting: there is nothing to ask of anybody.
    pub(super) fn note(text: &str) -> String {
        fill(text, WIDTH).join("\n") + "\n"
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.lines.push(String::new());
        self.lines.extend(fill(text, WIDTH));
    }

    /// What somebody else wrote.
    pub(super) fn quote(&mut self, text: &str) {
        self.lines.push(String::new());
        self.lines.extend(fill(text, WIDTH - 6).into_iter().map(|l| format!("    > {l}")));
    }

    /// Lines to be copied as they are.
    pub(super) fn records(&mut self, lines: &[String]) {
        self.lines.push(String::new());
        self.lines.extend(lines.iter().map(|l| format!("    {l}")));
    }

    pub(super) fn tasks(&mut self, heading: &str, tasks: &[Task<'_>]) {
        self.paragraph(heading);
        for (place, task) in tasks.iter().enumerate() {
            self.lines.push(String::new());
            self.hang(&format!("{}. ", place + 1), task.action);
            if !task.who.is_empty() {
                self.hang("   ", &format!("Who can do it: {}.", task.who.trim_end_matches('.')));
            }
            self.lines.extend(task.publish.iter().map(|l| format!("       {l}")));
            if !task.withdraw.is_empty() {
                let heading = if task.publish.is_empty() { "   to be removed" } else { "   in place of" };
                self.lines.push(heading.into());
            }
            self.lines.extend(task.withdraw.iter().map(|l| format!("       {l}")));
            for how in task.how {
                if task.verbatim.contains(how) {
                    self.lines.push(format!("       {how}"));
                } else {
                    self.hang("   - ", how);
                }
            }
        }
    }

    /// Facts, a key and its text each.
    pub(super) fn facts(&mut self, heading: &str, facts: &[(String, String)]) {
        self.paragraph(heading);
        self.lines.push(String::new());
        for (key, text) in facts {
            self.hang("  - ", &format!("{key}: {text}"));
        }
    }

    /// What every letter that asks for something ends with.
    pub(super) fn when_done(&mut self) {
        self.paragraph("Please tell us when it is done; we then look again.");
    }

    pub(super) fn finish(self) -> String {
        self.lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    fn hang(&mut self, lead: &str, text: &str) {
        let indent = width(lead);
        for (place, line) in fill(text, WIDTH - indent).into_iter().enumerate() {
            let before = if place == 0 { lead.to_owned() } else { " ".repeat(indent) };
            self.lines.push(before + &line);
        }
    }
}

/// Folds at spaces only, and at none within backticks.
fn fill(text: &str, limit: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words(text) {
        match lines.last_mut().filter(|l| l.is_empty() || width(l) + 1 + width(word) <= limit) {
            Some(line) => {
                line.push_str(if line.is_empty() { "" } else { " " });
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What receivers expect, for a reader who does not know the terms.
pub(super) fn expectation(leg: Identity) -> &'static str {
    match leg {
        Identity::PtrMissing => {
            "Receiving servers look up the name of every address that connects to them (its PTR record). An \
             address without one is taken for a home connection or a forgotten server."
        }
        Identity::PtrUnconfirmed => {
            "Receiving servers look up the name of the connecting address (its PTR record) and then that name's \
             address. The two must be the same; a name alone could be anybody's."
        }
        Identity::PtrGeneric => {
            "A name made of the address's numbers is what providers give to home connections; mail servers are \
             expected to have a name of their own."
        }
        Identity::EhloBad => {
            "A sending server introduces itself by name (EHLO). Receivers expect a full host name that resolves \
             to the sending address."
        }
        Identity::Unspecified => {
            "Receivers expect that the name of the sending address (PTR), that name's address and the name that \
             the server says (EHLO) agree."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_folded_and_what_is_copied_is_not() {
        let record = format!("{}.example. 3600 IN PTR mail.example.net.", "1.".repeat(40));
        let mut letter = Letter::new(Some("a subject"));
        letter.paragraph(&"word ".repeat(60));
        letter.quote(&"said ".repeat(60));
        letter.records(std::slice::from_ref(&record));
        letter.when_done();
        let text = letter.finish();
        assert!(text.contains(&record), "{text}");
        assert!(text.lines().all(|l| width(l) <= WIDTH || l.contains(&record)), "{text}");
        assert!(text.starts_with("Subject: a subject\n\nHello,\n"), "{text}");
    }
}
