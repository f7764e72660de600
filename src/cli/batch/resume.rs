//! `--resume FILE`: what an earlier run of the same list has written, as NDJSON or CSV, is not done again.
//!
//! A run may have been killed at any moment, so the end of the file is not trusted: a line without its end is cut
//! off, and so are the rows of the last request where it may be several checks (a name with several addresses). That
//! request is done again, whole: what this run writes before it would hide that some of it is missing, were this run
//! killed too. Where the list does not hold it, its rows are put back in the end.
//! What its results come to is part of the run's exit: that is the list's, not the rest's.
//! Limits: sixteen octets, a count and three bits an identity; [`MAX_LINE`] a line.
//! Failure: a sentence that says which line is no result of ours, or that the file holds another format.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

mod columns;

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;

use super::identity::{Identity, label_text};
use crate::cli::exit::{FailOn, Tally};
use crate::judge::Check;
use crate::observe::Request;
use crate::report::{Format, clean};
use crate::target::Target;
use columns::Columns;

/// The longest line of an earlier output, in octets.
const MAX_LINE: u64 = 16 << 20;

/// How every line of ours begins, and the header of CSV.
const JSON_BEGINS: &str = "{\"label\":";
const CSV_BEGINS: &str = "label,";

/// What an earlier run has done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Each identity that is not to be done again.
    held: HashMap<u128, Times>,
    /// The request to be done again.
    again: Option<Again>,
    /// Checks in the file.
    pub(super) checks: usize,
    /// What the file holds; `None` where no line of it is whole.
    pub(super) format: Option<Format>,
    /// Octets of a line without its end, which were cut off.
    pub(super) cut: u64,
}

/// How often an identity is in the file, and what its results come to.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    left: u32,
    tally: Tally,
}

/// A request that may be half done, and its rows.
#[derive(Debug)]
pub(super) struct Again {
    key: u128,
    /// Where its rows begin.
    begin: u64,
    pub(super) rows: String,
}

/// The request that a row or several beside each other came of.
struct Group {
    key: u128,
    addresses: HashSet<Option<IpAddr>>,
    tally: Tally,
    may_be_several: bool,
    begin: u64,
}

/// What one line says of the request that it came of.
struct Held {
    key: u128,
    address: Option<IpAddr>,
    may_be_several: bool,
    tally: Tally,
}

impl Done {
    /// Reads a file that a run in this format goes on with, and cuts off what one that was killed has left of its
    /// last line. Findings that `fail_on` counts make its results what the exit says.
    pub(super) fn read(path: &Path, format: Option<Format>, fail_on: FailOn) -> Result<Self, String> {
        if !matches!(format, Some(Format::Ndjson | Format::Csv)) {
            return Err("give --format ndjson or --format csv with it: no other output can be taken up".into());
        }
        let words = |e: io::Error| format!("{e}; give the file that holds the earlier output");
        let mut file = File::options().read(true).open(path).map_err(words)?;
        let mut done = Self::default();
        let mut whole = done.lines(&mut file, fail_on)?;
        if let Some(holds) = done.format.filter(|holds| Some(*holds) != format) {
            let (what, option) = if holds == Format::Csv { ("CSV", "csv") } else { ("NDJSON", "ndjson") };
            return Err(format!("it holds {what}, and what is added must be the same; give --format {option}"));
        }
        let length = file.metadata().map_err(words)?.len();
        done.cut = length - whole;
        if let Some(again) = &mut done.again {
            file.seek(SeekFrom::Start(again.begin)).map_err(words)?;
            (&mut file).take(whole - again.begin).read_to_string(&mut again.rows).map_err(words)?;
            whole = again.begin;
        }
        if length > whole {
            // What comes behind it would else be part of a line, or of a request that seems to be done.
            let cut = File::options().write(true).open(path).and_then(|f| f.set_len(whole));
            cut.map_err(|e| {
                format!("its end may be half of a result, and cannot be cut off: {e}; let it be written to")
            })?;
        }
        Ok(done)
    }

    /// Takes every whole line; gives the octets that they take up.
    fn lines(&mut self, file: &mut (impl Read + Seek), fail_on: FailOn) -> Result<u64, String> {
        let failed = |e: io::Error| e.to_string();
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let (mut whole, mut number) = (0, 0u64);
        let mut columns: Option<Columns> = None;
        let mut last: Option<Group> = None;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = (&mut reader).take(MAX_LINE).read_until(b'\n', &mut line).map_err(failed)?;
            if !line.ends_with(b"\n") {
                if read as u64 == MAX_LINE {
                    return Err(format!("line {}: longer than any result", number + 1));
                }
                // Somebody else's file must not lose its last line to us.
                if number == 0 && ![JSON_BEGINS, CSV_BEGINS].iter().any(|b| begins_as(&line, b.as_bytes())) {
                    return Err("neither a result in NDJSON nor one in CSV".into());
                }
                break;
            }
            let begin = whole;
            whole += read as u64;
            number += 1;
            let text = std::str::from_utf8(&line).map_err(|_| format!("line {number}: not UTF-8"))?;
            let held = match &columns {
                None if number == 1 && !text.starts_with('{') => {
                    columns = Some(Columns::of(text)?);
                    self.format = Some(Format::Csv);
                    continue;
                }
                None if !text.starts_with('{') => Err("neither a result in NDJSON nor one in CSV".into()),
                None => of_json(text, fail_on),
                Some(columns) if text.trim_end() == columns.header => continue,
                Some(columns) => columns.read(text, fail_on),
            };
            let held = held.map_err(|why| format!("line {number}: {why}"))?;
            self.checks += 1;
            self.format.get_or_insert(Format::Ndjson);
            // A name's several addresses stand together, each once.
            match &mut last {
                Some(group) if group.takes(&held) => {
                    group.addresses.insert(held.address);
                    group.tally.merge(held.tally);
                }
                _ => {
                    if let Some(whole) = last.replace(Group::of(&held, begin)) {
                        self.hold(&whole);
                    }
                }
            }
        }
        match last {
            // Earlier rows of it, apart from these, are the same request's, which was taken up before.
            Some(group) if group.may_be_several && !self.held.contains_key(&group.key) => {
                self.again = Some(Again { key: group.key, begin: group.begin, rows: String::new() });
            }
            Some(whole) => self.hold(&whole),
            None => {}
        }
        Ok(whole)
    }

    fn hold(&mut self, whole: &Group) {
        let times = self.held.entry(whole.key).or_default();
        times.left += 1;
        times.tally.merge(whole.tally);
    }

    /// What the results of a request come to that has been done; each of several that are the same counts for one in
    /// the file. `None` where it is to be done.
    pub(super) fn skips(&mut self, request: &Request) -> Option<Tally> {
        let times = self.held.get_mut(&key(request)).filter(|times| times.left > 0)?;
        times.left -= 1;
        Some(times.tally)
    }

    /// The request that is to be done again.
    pub(super) fn take_again(&mut self) -> Option<Again> {
        self.again.take()
    }
}

impl Again {
    /// Whether it is this request.
    pub(super) fn is(&self, request: &Request) -> bool {
        self.key == key(request)
    }
}

impl Group {
    fn of(held: &Held, begin: u64) -> Self {
        let addresses = HashSet::from([held.address]);
        Self { key: held.key, addresses, tally: held.tally, may_be_several: held.may_be_several, begin }
    }

    fn takes(&self, held: &Held) -> bool {
        self.may_be_several && self.key == held.key && !self.addresses.contains(&held.address)
    }
}

/// With the label as CSV shows it, which is cleaned of control characters.
fn key(request: &Request) -> u128 {
    Identity::of_request(request).wide_hash(&clean(&label_text(&request.label)))
}

/// Whether a line without its end may have been one that begins so.
fn begins_as(torn: &[u8], whole: &[u8]) -> bool {
    torn.iter().zip(whole).all(|(a, b)| a == b)
}

fn of_json(line: &str, fail_on: FailOn) -> Result<Held, String> {
    let check: Check = serde_json::from_str(line).map_err(|e| format!("no result of this program: {e}"))?;
    let identity = Identity::of_check(&check).ok_or("its target cannot be read")?;
    let target = check.target.host.as_ref().and_then(|_| Target::parse(&check.target.input, check.target.port).ok());
    let given = check.client.ip_source.is_some_and(|s| s != crate::evidence::IpSource::Dialled);
    Ok(Held {
        key: identity.wide_hash(&clean(&label_text(&check.label))),
        address: check.target.address,
        may_be_several: Identity::may_be_several(target.as_ref(), usize::from(given)),
        tally: Tally::of(&check, fail_on),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    fn line(input: &str, host: Option<&str>, address: Option<&str>, label: &str) -> String {
        let text = include_str!("../../../fixtures/evidence/agree.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        evidence.label = if label.is_empty() { serde_json::Value::Null } else { label.into() };
        evidence.target.input = input.into();
        evidence.target.host = host.map(str::to_owned);
        evidence.target.address = address.map(|a| a.parse().unwrap());
        crate::report::check_ndjson(&crate::judge::judge(&evidence))
    }

    fn request(target: &str, label: &str) -> Request {
        let label = if label.is_empty() { serde_json::Value::Null } else { label.into() };
        Request { target: Some(Target::parse(target, None).unwrap()), label, ..Request::default() }
    }

    fn read(text: &str) -> (tempfile::NamedTempFile, Result<Done, String>) {
        let file = tempfile::NamedTempFile::new().unwrap();
        #[expect(clippy::disallowed_methods, reason = "a test writes its own file")]
        std::fs::write(file.path(), text).unwrap();
        let format = if text.starts_with('{') || text.is_empty() { Format::Ndjson } else { Format::Csv };
        let done = Done::read(file.path(), Some(format), FailOn::Warning);
        (file, done)
    }

    #[test]
    fn what_is_held_is_skipped_as_often_as_it_is_held() {
        let address = |a: &str, label| line(a, Some(a), Some(a), label);
        let text = [address("192.0.2.1", ""), address("192.0.2.2", "x"), address("192.0.2.1", "")].concat();
        let mut done = read(&text).1.unwrap();
        assert_eq!((done.checks, done.cut, done.format), (3, 0, Some(Format::Ndjson)));
        let skipped: Vec<bool> =
            [("192.0.2.1", ""), ("192.0.2.1", ""), ("192.0.2.1", ""), ("192.0.2.2", ""), ("192.0.2.2", "x")]
                .map(|(t, label)| done.skips(&request(t, label)).is_some())
                .to_vec();
        assert_eq!(skipped, [true, true, false, false, true]);
    }

    #[test]
    fn a_torn_line_is_cut_off_wherever_it_is_torn() {
        let (first, second) = (
            line("192.0.2.1", Some("192.0.2.1"), Some("192.0.2.1"), ""),
            line("192.0.2.2", Some("192.0.2.2"), Some("192.0.2.2"), ""),
        );
        for length in [1, second.len() / 2, second.len() - 1] {
            let (file, done) = read(&format!("{first}{}", &second[..length]));
            let mut done = done.unwrap();
            assert_eq!((done.checks, done.cut), (1, length as u64));
            assert!(done.skips(&request("192.0.2.1", "")).is_some());
            assert!(done.skips(&request("192.0.2.2", "")).is_none());
            #[expect(clippy::disallowed_methods, reason = "a test reads its own file")]
            let left = std::fs::read_to_string(file.path()).unwrap();
            assert_eq!(left, first);
        }
    }

    /// Two of a name's three addresses were written when the run was killed.
    #[test]
    fn the_last_request_is_done_again_where_it_may_be_half_done() {
        let of = |a: &str| line("mail.example.net", Some("mail.example.net"), Some(a), "");
        let text = [of("192.0.2.1"), of("192.0.2.2"), of("192.0.2.1"), of("192.0.2.2")].concat();
        let mut done = read(&text).1.unwrap();
        let again = request("mail.example.net", "");
        assert!(done.skips(&again).is_some() && done.skips(&again).is_some(), "there are two that are the same");
        assert!(done.take_again().is_none());
        let (file, done) =
            read(&(line("192.0.2.9", Some("192.0.2.9"), Some("192.0.2.9"), "") + &text[..text.len() / 2]));
        let mut done = done.unwrap();
        assert!(done.skips(&again).is_none(), "there may be a third address");
        let left = done.take_again().unwrap();
        assert!(left.is(&again) && !left.is(&request("other.example", "")));
        assert_eq!(left.rows, text[..text.len() / 2]);
        #[expect(clippy::disallowed_methods, reason = "a test reads its own file")]
        let kept = std::fs::read_to_string(file.path()).unwrap();
        assert!(kept.contains("192.0.2.9") && kept.lines().count() == 1, "{kept}");
    }

    #[test]
    fn csv_by_its_header() {
        let header = "label,target,host,port,address,ip,ip_source,ehlo,ehlo_source,verdict\n";
        let text = format!(
            "{header}x,192.0.2.1,192.0.2.1,25,192.0.2.1,192.0.2.1,dialled,m.example,replied,agree\n\
             '=x,,,,,192.0.2.2,given,m.example,given,agree\n{header}\"a, \"\"b\"\"\",192.0.2.3,192.0.2.3,2525,"
        );
        let mut done = read(&text).1.unwrap();
        assert_eq!((done.checks, done.format), (2, Some(Format::Csv)));
        assert!(done.skips(&request("192.0.2.1", "x")).is_some());
        let alone = Request {
            ips: vec!["192.0.2.2".parse().unwrap()],
            ehlo: Some("m.example".into()),
            label: "=x".into(),
            ..Request::default()
        };
        assert!(done.skips(&alone).is_some());
    }

    #[test]
    fn rows_of_joined_csv_outputs_are_cut_off_where_they_begin() {
        let header = "label,target,host,port,address,ip,ip_source,ehlo,ehlo_source,verdict\n";
        let first = format!("{header}{},192.0.2.1,192.0.2.1,25,192.0.2.1,,dialled,,,agree\n", clean("a\nb"));
        let of = |address: &str| format!(",m.example,m.example,25,{address},,dialled,,,agree\n");
        for rows in [of("192.0.2.2") + header + &of("192.0.2.3"), of("192.0.2.2") + header] {
            let (file, done) = read(&format!("{first}{rows}"));
            let mut done = done.unwrap();
            assert_eq!(done.take_again().unwrap().rows, rows);
            #[expect(clippy::disallowed_methods, reason = "a test reads its own file")]
            let left = std::fs::read_to_string(file.path()).unwrap();
            assert_eq!(left, first);
            assert!(done.skips(&request("192.0.2.1", "a\nb")).is_some(), "CSV shows a label cleaned");
        }
    }

    #[test]
    fn a_csv_row_tells_what_was_left_out_by_its_code_or_its_fault() {
        let header = "label,target,host,port,address,ip,ip_source,ehlo,ehlo_source,verdict,infos,fault\n";
        for (infos, fault, exit) in [
            ("address-not-public", "", Exit::Agrees),
            ("address-not-public target-many-addresses", "", Exit::Unknown),
            ("", "no answer", Exit::Unknown),
            ("defect", "", Exit::Defect),
        ] {
            let row = format!(",192.0.2.1,192.0.2.1,25,192.0.2.1,192.0.2.1,dialled,,,agree,{infos},{fault}\n");
            let mut done = read(&format!("{header}{row}")).1.unwrap();
            assert_eq!(done.skips(&request("192.0.2.1", "")).unwrap().exit(), exit, "{row}");
        }
    }

    #[test]
    fn what_the_rows_come_to_is_told_by_both_formats() {
        let checks: Vec<Check> = [
            include_str!("../../../fixtures/evidence/agree.json"),
            include_str!("../../../fixtures/evidence/no-ptr.json"),
            // The last is a name's, and done again.
            include_str!("../../../fixtures/evidence/agree.json"),
        ]
        .into_iter()
        .map(|text| crate::judge::judge(&crate::evidence::EvidenceFile::from_json(text).unwrap().evidence[0]))
        .collect();
        for format in [Format::Ndjson, Format::Csv] {
            let of = |checks: &[Check], fail_on| {
                let file = tempfile::NamedTempFile::new().unwrap();
                #[expect(clippy::disallowed_methods, reason = "a test writes its own file")]
                std::fs::write(file.path(), crate::report::whole(format, checks, None).unwrap()).unwrap();
                let done = Done::read(file.path(), Some(format), fail_on).unwrap();
                let mut tally = Tally::default();
                done.held.values().for_each(|times| tally.merge(times.tally));
                tally.exit()
            };
            assert_eq!(of(&checks[..1], FailOn::Warning), Exit::Agrees, "{format:?}");
            assert_eq!(of(&checks, FailOn::Warning), Exit::Findings, "{format:?}");
            assert_eq!(of(&checks, FailOn::Never), Exit::Agrees, "{format:?}");
        }
    }

    #[test]
    fn another_format_than_the_file_s_is_refused_and_the_file_left_as_it_is() {
        let good = line("192.0.2.1", Some("192.0.2.1"), Some("192.0.2.1"), "");
        let csv = "label,target,host,port,address,ip,ip_source,ehlo,ehlo_source,verdict\n".to_owned();
        for (text, format, words) in [
            (good.clone() + "{\"la", Some(Format::Csv), "it holds NDJSON"),
            (csv.clone() + "x,", Some(Format::Ndjson), "it holds CSV"),
            (csv, None, "give --format ndjson or --format csv"),
            (good, Some(Format::Json), "give --format ndjson or --format csv"),
        ] {
            let file = tempfile::NamedTempFile::new().unwrap();
            #[expect(clippy::disallowed_methods, reason = "a test writes and reads its own file")]
            {
                std::fs::write(file.path(), &text).unwrap();
                let why = Done::read(file.path(), format, FailOn::Warning).unwrap_err();
                assert!(why.contains(words), "{why}");
                assert_eq!(std::fs::read_to_string(file.path()).unwrap(), text);
            }
        }
    }

    #[test]
    fn what_is_no_result_is_refused_with_its_line() {
        let good = line("192.0.2.1", Some("192.0.2.1"), Some("192.0.2.1"), "");
        for (text, why) in [
            ("hello\nworld\n".to_owned(), "no column `label`"),
            (format!("{good}{{}}\n"), "line 2: no result"),
            (format!("{good}\n"), "line 2"),
            ("somebody else's last line".into(), "neither"),
        ] {
            assert!(read(&text).1.unwrap_err().contains(why), "{text}");
        }
        assert_eq!(read("").1.unwrap().checks, 0);
        let mut torn = read("{\"la").1.unwrap();
        assert_eq!((torn.checks, torn.cut, torn.take_again().is_none()), (0, 4, true));
    }
}
