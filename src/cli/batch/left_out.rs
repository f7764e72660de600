//! What a run was told of where its checks come from, and what of it is the reason that not all was checked.

use crate::domain::Remark;

/// Notes that are kept although nobody wants them said, in case nothing else is.
const MAX_UNSAID: usize = 16;

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    bad_lines: Told,
    /// What should have been looked at and was not.
    missed: Told,
    notes: Told,
    unsaid: Vec<String>,
}

/// Sentences of a kind: the first, and how many.
#[derive(Debug, Default)]
struct Told {
    first: Option<String>,
    count: usize,
}

impl Told {
    fn add(&mut self, text: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| text.to_owned());
    }

    fn words(&self) -> Option<String> {
        let first = self.first.as_ref()?;
        Some(if self.count > 1 { format!("{first}; and {} more", self.count - 1) } else { first.clone() })
    }
}

impl LeftOut {
    /// A line that cannot be read.
    pub(super) fn bad_line(&mut self, why: &str) {
        self.bad_lines.add(why);
    }

    /// Takes a remark; says whether it is for standard error now.
    pub(super) fn remark(&mut self, remark: &Remark, quiet: bool) -> bool {
        if remark.left_out {
            self.missed.add(&remark.text);
            return true;
        }
        self.notes.add(&remark.text);
        if quiet && self.unsaid.len() < MAX_UNSAID {
            self.unsaid.push(remark.text.clone());
        }
        !quiet
    }

    /// Whether some line could not be read.
    pub(super) fn has_bad_lines(&self) -> bool {
        self.bad_lines.count > 0
    }

    /// Whether anything was told.
    pub(super) fn any(&self) -> bool {
        self.bad_lines.count + self.missed.count + self.notes.count > 0
    }

    /// Why not all was checked, in a run of so many requests; `None` where it was.
    pub(super) fn reason(&self, requests: usize) -> Option<String> {
        let notes = if requests == 0 { self.notes.words() } else { None };
        self.bad_lines.words().or_else(|| self.missed.words()).or(notes)
    }

    /// Notes that were held back and are all that there is to say of a run without a check.
    pub(super) fn unsaid(&self) -> &[String] {
        if self.any() && self.bad_lines.count + self.missed.count == 0 { &self.unsaid } else { &[] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weightiest_is_the_reason_and_a_note_only_of_a_run_without_checks() {
        let remark = |text: &str, left_out| Remark { text: text.into(), left_out };
        let mut told = LeftOut::default();
        assert!(!told.remark(&remark("a note", false), true) && told.remark(&remark("a note", false), false));
        assert_eq!((told.reason(1), told.unsaid().len()), (None, 1));
        assert_eq!(told.reason(0).unwrap(), "a note; and 1 more");
        assert!(told.remark(&remark("a range", true), true));
        assert_eq!((told.reason(1).unwrap(), told.unsaid().len()), ("a range".into(), 0));
        told.bad_line("input line 1: what");
        assert_eq!((told.reason(1).unwrap(), told.has_bad_lines()), ("input line 1: what".into(), true));
    }
}
