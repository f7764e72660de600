//! The lookups of one evidence by question, and one answer from all resolvers'.
//!
//! Where several resolvers were asked: records win over "none" and "none" over trouble, and the
//! records are the union in order of first sight. Records count only in an answer that says `found`:
//! evidence may come from a file, and a failure's records are nobody's word.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::dns::{Lookup, Question, RecordType, Status};
use crate::evidence::Evidence;

/// Every resolver's answer to every question, by question; to one question, in the order of the evidence.
pub(super) struct Answers<'a>(Vec<&'a Lookup>);

impl<'a> Answers<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let mut answers: Vec<&Lookup> = evidence.lookups.iter().collect();
        answers.sort_by(|one, other| one.question.cmp(&other.question));
        Self(answers)
    }

    /// All resolvers' answers to one question, in the order of the evidence.
    pub(super) fn to(&self, question: &Question) -> &[&'a Lookup] {
        let from = self.0.partition_point(|l| l.question < *question);
        let behind = &self.0[from..];
        &behind[..behind.iter().take_while(|l| l.question == *question).count()]
    }

    /// One answer from all resolvers'; `None` where nobody was asked. A single resolver's is borrowed.
    pub(super) fn merged(&self, question: &Question) -> Option<Cow<'a, Lookup>> {
        let answers = self.to(question);
        if let [only] = answers
            && (only.status == Status::Found || only.answers.is_empty())
        {
            return Some(Cow::Borrowed(only));
        }
        let rank = |l: &Lookup| match l.status {
            Status::Found => 0,
            Status::Nxdomain | Status::Nodata => 1,
            Status::NotAsked => 3,
            _ => 2,
        };
        let mut merged = Lookup::clone(answers.iter().min_by_key(|l| rank(l))?);
        if merged.status != Status::Found {
            merged.answers.clear();
            return Some(Cow::Owned(merged));
        }
        let mut seen: HashSet<String> = merged.data().map(str::to_ascii_lowercase).collect();
        let found = answers.iter().filter(|l| l.status == Status::Found);
        let more = found.flat_map(|l| &l.answers).filter(|a| seen.insert(a.data.to_ascii_lowercase()));
        merged.answers.extend(more.cloned());
        Some(Cow::Owned(merged))
    }

    /// [`Self::merged`], by name and type.
    pub(super) fn about(&self, name: &str, kind: RecordType) -> Option<Cow<'a, Lookup>> {
        self.merged(&Question::new(name, kind))
    }
}
