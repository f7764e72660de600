//! `--baseline`: an earlier report to compare with, read as a stream, and where it is wanted replaced by this run's.
//!
//! Input: what `--format json`, `ndjson` or `csv` printed, of this version or another, or what `--save` wrote.
//! Memory: the identities' states in short; the report itself is never held.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::exit::FailOn;
use super::part::Part;
use crate::evidence::{EhloSource, Evidence};
use crate::judge::{
    Check, Comparison, EarlierCheck, EdgeState, Identity, LastKnown, SCHEMA, State, Verdict, judge, tells_left_out,
};
use crate::report;

/// The longest line of a baseline.
const MAX_LINE: u64 = 64 << 20;

/// Options of the comparison.
#[derive(Clone, Debug, Default, Args)]
pub struct BaselineArgs {
    /// Compare with an earlier report (json, ndjson or csv), and show only what changed: new, broken, fixed,
    /// changed, gone, by identity
    #[arg(long, value_name = "FILE", conflicts_with = "resume", help_heading = "Over time")]
    pub baseline: Option<PathBuf>,
    /// With --baseline: put this run's results in its place when all is checked; the file need not be there yet
    #[arg(long, requires = "baseline", help_heading = "Over time")]
    pub update_baseline: bool,
}

/// A baseline, and the file that will take its place.
pub(super) struct Baseline {
    pub(super) comparison: Comparison,
    pub(super) next: Option<Next>,
}

/// The next run's baseline, in the making.
pub(super) struct Next {
    part: Part,
    file: PathBuf,
    failed: Option<io::Error>,
}

impl Next {
    /// Adds a check, and what is known from before where this run has not seen it.
    pub(super) fn keep(&mut self, check: &Check, last_known: &[LastKnown]) {
        if self.failed.is_none()
            && let Err(e) = self.part.write(&report::baseline_ndjson(check, last_known))
        {
            self.failed = Some(e);
        }
    }

    /// Takes the baseline's place.
    pub(super) fn complete(self) -> io::Result<()> {
        match self.failed {
            Some(e) => Err(e),
            None => self.part.complete(&self.file),
        }
    }
}

impl Baseline {
    /// What the arguments name; one sentence where it cannot be used.
    pub(super) fn of(args: &BaselineArgs, fail_on: FailOn) -> Result<Option<Self>, String> {
        let Some(file) = &args.baseline else { return Ok(None) };
        let refuse = |why: String| format!("--baseline {}: {why}", file.display());
        let mut comparison = Comparison::new(fail_on.least());
        match File::open(file) {
            Ok(open) => read(open, &mut comparison).map_err(refuse)?,
            Err(e) if e.kind() == io::ErrorKind::NotFound && args.update_baseline => {}
            Err(e) => {
                let first = if args.update_baseline { "" } else { ", or add --update-baseline to begin one" };
                return Err(refuse(format!("{e}; give an earlier report{first}")));
            }
        }
        let next = args.update_baseline.then(|| begin(file)).transpose();
        let next = next.map_err(|e| refuse(format!("{e}; give a file that can be written")))?;
        Ok(Some(Self { comparison, next }))
    }
}

fn begin(file: &Path) -> io::Result<Next> {
    Ok(Next { part: Part::beside(file)?, file: file.to_owned(), failed: None })
}

/// Reads a report of any of its formats.
fn read(open: impl Read, into: &mut Comparison) -> Result<(), String> {
    let mut reader = BufReader::new(open);
    let mut first = Vec::new();
    next_line(&mut reader, &mut first)?;
    let begin = first.trim_ascii();
    if begin.starts_with(b"{") {
        if serde_json::from_slice::<Line>(begin).is_ok_and(|l| l.holds()) {
            return lines(&first, reader, into);
        }
        return document(first.chain(reader), into);
    }
    let text = String::from_utf8_lossy(begin);
    if text.contains("verdict") && text.contains(',') {
        return csv(first.chain(reader), into);
    }
    Err("not a report; give what --format json, ndjson or csv printed, or what --save wrote".into())
}

fn next_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> Result<usize, String> {
    let length = reader.take(MAX_LINE).read_until(b'\n', line).map_err(|e| e.to_string())?;
    if length as u64 == MAX_LINE { Err("a line of it is longer than 64 MiB".into()) } else { Ok(length) }
}

/// A line of NDJSON: a check, or an identity that was gone then.
#[derive(Deserialize)]
struct Line {
    gone: Option<IgnoredAny>,
    #[serde(flatten)]
    check: Option<EarlierCheck>,
}

impl Line {
    fn holds(&self) -> bool {
        self.check.is_some() || self.gone.is_some()
    }
}

fn lines(first: &[u8], mut reader: impl BufRead, into: &mut Comparison) -> Result<(), String> {
    let (mut line, mut number) = (first.to_vec(), 1_u64);
    loop {
        let text = line.trim_ascii();
        if !text.is_empty() {
            let read = serde_json::from_slice::<Line>(text).ok().filter(Line::holds);
            match read {
                Some(Line { check: Some(check), .. }) => add(check, into),
                Some(_) => {}
                // The reason is in the check, not in the line as either of two.
                None => match serde_json::from_slice::<EarlierCheck>(text) {
                    Ok(check) => add(check, into),
                    Err(e) => return Err(format!("line {number} is no check ({e})")),
                },
            }
        }
        line.clear();
        number += 1;
        if next_line(&mut reader, &mut line)? == 0 {
            return Ok(());
        }
    }
}

fn add(check: EarlierCheck, into: &mut Comparison) {
    let (identity, state, last_known) = check.split();
    into.insert(&identity, &state, &last_known);
}

fn document(reader: impl Read, into: &mut Comparison) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
    let found = Document(into).deserialize(&mut json).and_then(|found| json.end().map(|()| found));
    match found {
        Ok(true) => Ok(()),
        Ok(false) => Err("not a report: it holds neither `checks` nor `evidence`".into()),
        Err(e) => {
            Err(format!("not a report ({e}); give what --format json, ndjson or csv printed, or what --save wrote"))
        }
    }
}

/// One JSON object: a report, or an evidence file. Says whether it held either.
struct Document<'a>(&'a mut Comparison);

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "schema" => {
                    let schema: String = map.next_value()?;
                    let known = [SCHEMA, crate::evidence::EVIDENCE_SCHEMA].contains(&schema.as_str());
                    if !known {
                        let shown = report::clean_bounded(&schema, 60);
                        return Err(serde::de::Error::custom(format!("its schema is `{shown}`, not `{SCHEMA}`")));
                    }
                }
                "checks" => {
                    found = true;
                    map.next_value_seed(Each::new(|check: EarlierCheck| add(check, self.0)))?;
                }
                "evidence" => {
                    found = true;
                    map.next_value_seed(Each::new(|evidence: Evidence| {
                        let check = judge(&evidence);
                        self.0.insert(&Identity::of(&check), &State::of(&check), &[]);
                    }))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

/// A sequence, item by item.
struct Each<T, F>(F, PhantomData<T>);

impl<T, F: FnMut(T)> Each<T, F> {
    fn new(take: F) -> Self {
        Self(take, PhantomData)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> DeserializeSeed<'de> for Each<T, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T)> Visitor<'de> for Each<T, F> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<T>()? {
            self.0(item);
        }
        Ok(())
    }
}

fn csv(reader: impl Read, into: &mut Comparison) -> Result<(), String> {
    let mut reader = ::csv::Reader::from_reader(reader);
    let broken = |e: ::csv::Error| format!("not a CSV report ({e})");
    let header = reader.headers().map_err(broken)?.clone();
    let place = |name: &str| {
        let found = header.iter().position(|column| column == name);
        found.ok_or_else(|| format!("not a CSV report of ours: it has no column `{name}`"))
    };
    let names = [
        "host",
        "port",
        "ip",
        "ehlo",
        "ehlo_source",
        "verdict",
        "ehlo_ptr",
        "ptr_forward",
        "ehlo_forward",
        "ptr",
        "errors",
        "warnings",
        "infos",
        "fault",
        "change",
    ];
    let places = names.iter().map(|name| place(name)).collect::<Result<Vec<_>, _>>()?;
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(0, ::csv::Position::line);
        let cells: Vec<&str> = places.iter().map(|at| unguarded(record.get(*at).unwrap_or_default())).collect();
        if cells[14] != "gone" {
            let (identity, state) =
                row(&cells).map_err(|what| format!("line {line} of it: `{what}` cannot be read"))?;
            into.insert(&identity, &state, &[]);
        }
    }
    Ok(())
}

/// A text without what stands in it against formulas.
fn unguarded(text: &str) -> &str {
    text.strip_prefix('\'').filter(|t| t.starts_with(['=', '+', '-', '@'])).unwrap_or(text)
}

/// A row's identity and state; or the cell that cannot be read.
fn row(cells: &[&str]) -> Result<(Identity, State), String> {
    fn word<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, String> {
        let plain: serde::de::value::StrDeserializer<'de, serde::de::value::Error> =
            serde::de::IntoDeserializer::into_deserializer(text);
        T::deserialize(plain).map_err(|_| report::clean_bounded(text, 60).into_owned())
    }
    let some = |at: usize| Some(cells[at]).filter(|t| !t.is_empty());
    let parsed = |at: usize| some(at).map(|t| t.parse().map_err(|_| t.to_owned())).transpose();
    let source: Option<EhloSource> = some(4).map(word).transpose()?;
    let port = some(1).map(|t| t.parse().map_err(|_| t.to_owned())).transpose()?;
    let identity = Identity::new(some(0), port, parsed(2)?, some(3), source);
    let list = |at: usize| -> Vec<String> { cells[at].split_whitespace().map(str::to_owned).collect() };
    let mut ptr: Vec<String> = list(9).iter().map(|n| n.to_ascii_lowercase()).collect();
    ptr.sort();
    ptr.dedup();
    let edge = |at: usize| word::<EdgeState>(cells[at]);
    let state = State {
        verdict: word::<Verdict>(cells[5])?,
        edges: [edge(6)?, edge(7)?, edge(8)?],
        ehlo: some(3).map(str::to_owned),
        ptr,
        errors: list(10),
        warnings: list(11),
        open: some(13).is_some() || [10, 11, 12].iter().any(|at| cells[*at].split_whitespace().any(tells_left_out)),
    };
    Ok((identity, state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::EvidenceFile;
    use crate::judge::{Report, Severity};
    use crate::report::Format;

    fn checks() -> Vec<Check> {
        [include_str!("../../fixtures/evidence/agree.json"), include_str!("../../fixtures/evidence/no-ptr.json")]
            .iter()
            .flat_map(|text| EvidenceFile::from_json(text).unwrap().evidence)
            .map(|e| judge(&e))
            .collect()
    }

    #[test]
    fn every_format_of_a_report_is_a_baseline() {
        let mut checks = checks();
        checks[0].client.ehlo = Some("=evil.example".into());
        checks[1].label = serde_json::json!("two, \"quoted\"\nlines");
        let evidence = include_str!("../../fixtures/evidence/no-ptr.json").to_owned();
        let mut texts: Vec<(usize, String)> = [Format::Json, Format::Ndjson, Format::Csv]
            .iter()
            .map(|format| (2, report::whole(*format, &checks, Some(Severity::Warning)).unwrap()))
            .collect();
        texts.push((2, report::report_json(&Report::new(checks.clone()))));
        texts.push((1, evidence));
        for (count, text) in texts {
            let mut comparison = Comparison::new(None);
            read(text.as_bytes(), &mut comparison).unwrap_or_else(|why| panic!("{why}\n{text}"));
            assert_eq!(comparison.len(), count, "{text}");
            let seen: Vec<_> = checks[2 - count..].iter().map(|c| comparison.see(c)).collect();
            assert!(seen.iter().all(Option::is_none), "{seen:?}\n{text}");
            assert_eq!(comparison.gone(), []);
        }
    }

    #[test]
    fn what_is_no_report_says_so() {
        for (text, words) in [
            ("", "not a report"),
            ("hello", "not a report"),
            ("{", "not a report"),
            ("{}", "neither `checks` nor `evidence`"),
            ("{\"schema\":\"other/1\",\"checks\":[]}", "its schema is `other/1`"),
            ("{\"checks\":[{}]}", "missing field"),
            ("target,verdict\nx,agree\n", "it has no column `host`"),
        ] {
            let why = read(text.as_bytes(), &mut Comparison::new(None)).unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
        let good = report::check_ndjson(&checks()[0]);
        let cut = format!("{good}{}", &good[..good.len() / 2]);
        let why = read(cut.as_bytes(), &mut Comparison::new(None)).unwrap_err();
        assert!(why.starts_with("line 2 is no check"), "{why}");
    }
}
