//! `--resume FILE`: what an earlier run of the same list has written, as NDJSON or CSV, is not done again.
//!
//! A run may have been killed at any moment, so the end of the file is not trusted: a line without its end is cut
//! off, and the last request in the file is checked again where it may be several checks (a name with several
//! addresses); of its checks, those are printed that the file does not hold.
//! Limits: sixteen octets and a count an identity; [`MAX_LINE`] a line.
//! Failure: a sentence that says which line is no result of ours.

#![expect(clippy::disallowed_types, reason = "files belong to this room")]

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;

use super::identity::{Identity, label_text};
use crate::judge::Check;
use crate::observe::Request;
use crate::target::Target;

/// The longest line of an earlier output, in octets.
const MAX_LINE: u64 = 16 << 20;

/// How every line of ours begins, and the header of CSV.
const JSON_BEGINS: &str = "{\"label\":";
const CSV_BEGINS: &str = "label,";

/// What an earlier run has done.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// How often each identity is in the file, and not to be done again.
    held: HashMap<u128, u32>,
    /// The request to be done again.
    again: Option<Again>,
    /// Checks in the file.
    pub(super) checks: usize,
    /// The file holds a CSV header.
    pub(super) csv: bool,
    /// Octets of a line without its end, which were cut off.
    pub(super) cut: u64,
}

/// A request that may be half done, and the addresses of it that the file holds.
#[derive(Debug)]
pub(super) struct Again {
    key: u128,
    addresses: HashSet<Option<IpAddr>>,
}

/// What one line says of the request that it came of.
struct Held {
    key: u128,
    address: Option<IpAddr>,
    may_be_several: bool,
}

impl Done {
    /// Reads a file, and cuts off what a run that was killed has left of its last line.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let words = |e: io::Error| format!("{e}; give the file that holds the earlier output");
        let mut file = File::options().read(true).open(path).map_err(words)?;
        let mut done = Self::default();
        let whole = done.lines(&mut file)?;
        let length = file.metadata().map_err(words)?.len();
        if length > whole {
            // What comes behind it would else be part of that line.
            let cut = File::options().write(true).open(path).and_then(|f| f.set_len(whole));
            cut.map_err(|e| format!("its last line is not whole, and cannot be cut off: {e}; remove that line"))?;
            done.cut = length - whole;
        }
        Ok(done)
    }

    /// Takes every whole line; gives the octets that they take up.
    fn lines(&mut self, file: &mut (impl Read + Seek)) -> Result<u64, String> {
        let failed = |e: io::Error| e.to_string();
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut reader = BufReader::with_capacity(1 << 16, file);
        let (mut whole, mut number) = (0, 0u64);
        let mut columns: Option<Columns> = None;
        let mut last: Option<(u128, bool, HashSet<Option<IpAddr>>)> = None;
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
            whole += read as u64;
            number += 1;
            let text = std::str::from_utf8(&line).map_err(|_| format!("line {number}: not UTF-8"))?;
            let held = match &columns {
                _ if text.starts_with('{') => of_json(text),
                None if number == 1 => {
                    columns = Some(Columns::of(text)?);
                    self.csv = true;
                    continue;
                }
                Some(columns) if text.trim_end() == columns.header => continue,
                Some(columns) => columns.read(text),
                None => Err("neither a result in NDJSON nor one in CSV".into()),
            };
            let held = held.map_err(|why| format!("line {number}: {why}"))?;
            self.checks += 1;
            // A name's several addresses stand together, each once.
            match &mut last {
                Some((key, several, addresses))
                    if *key == held.key && *several && !addresses.contains(&held.address) =>
                {
                    addresses.insert(held.address);
                }
                _ => {
                    if let Some((key, ..)) = last.take() {
                        *self.held.entry(key).or_default() += 1;
                    }
                    last = Some((held.key, held.may_be_several, HashSet::from([held.address])));
                }
            }
        }
        match last {
            Some((key, true, addresses)) => self.again = Some(Again { key, addresses }),
            Some((key, false, _)) => *self.held.entry(key).or_default() += 1,
            None => {}
        }
        Ok(whole)
    }

    /// Whether a request has been done; each of several that are the same counts for one in the file.
    pub(super) fn skips(&mut self, request: &Request) -> bool {
        match self.held.get_mut(&key(request)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// The request that is to be done again.
    pub(super) fn take_again(&mut self) -> Option<Again> {
        self.again.take()
    }
}

impl Again {
    /// The addresses that the file holds of this request; once, since another of the same identity is another's.
    pub(super) fn printed(again: &mut Option<Self>, request: &Request) -> HashSet<Option<IpAddr>> {
        let key = again.as_ref().map(|_| key(request));
        again.take_if(|again| Some(again.key) == key).map(|again| again.addresses).unwrap_or_default()
    }
}

fn key(request: &Request) -> u128 {
    Identity::of_request(request).wide_hash(&label_text(&request.label))
}

/// Whether a line without its end may have been one that begins so.
fn begins_as(torn: &[u8], whole: &[u8]) -> bool {
    torn.iter().zip(whole).all(|(a, b)| a == b)
}

fn of_json(line: &str) -> Result<Held, String> {
    let check: Check = serde_json::from_str(line).map_err(|e| format!("no result of this program: {e}"))?;
    let identity = Identity::of_check(&check).ok_or("its target cannot be read")?;
    let target = check.target.host.as_ref().and_then(|_| Target::parse(&check.target.input, check.target.port).ok());
    let given = check.client.ip_source.is_some_and(|s| s != crate::evidence::IpSource::Dialled);
    Ok(Held {
        key: identity.wide_hash(&label_text(&check.label)),
        address: check.target.address,
        may_be_several: Identity::may_be_several(target.as_ref(), usize::from(given)),
    })
}

/// Where the columns that tell an identity stand in CSV.
#[derive(Debug)]
struct Columns {
    header: String,
    label: usize,
    target: usize,
    port: usize,
    address: usize,
    ip: usize,
    ip_source: usize,
    ehlo: usize,
    ehlo_source: usize,
}

impl Columns {
    fn of(header: &str) -> Result<Self, String> {
        let names = fields(header)?;
        let place = |name: &str| {
            let place = names.iter().position(|n| n == name);
            place.ok_or_else(|| format!("neither NDJSON nor CSV of this program: it has no column `{name}`"))
        };
        Ok(Self {
            header: header.trim_end().to_owned(),
            label: place("label")?,
            target: place("target")?,
            port: place("port")?,
            address: place("address")?,
            ip: place("ip")?,
            ip_source: place("ip_source")?,
            ehlo: place("ehlo")?,
            ehlo_source: place("ehlo_source")?,
        })
    }

    fn read(&self, line: &str) -> Result<Held, String> {
        let fields = fields(line)?;
        let at = |place: usize| {
            let text = fields.get(place).map(String::as_str).ok_or("it has fewer columns than the header")?;
            // The apostrophe that keeps a spreadsheet from calculating is not part of the text.
            let guarded = text.strip_prefix('\'').filter(|t| t.starts_with(['=', '+', '-', '@', '\t', '\r']));
            Ok::<_, String>(guarded.unwrap_or(text))
        };
        let target = match at(self.target)? {
            "" => None,
            text => Some(Target::parse(text, at(self.port)?.parse().ok()).map_err(|e| e.to_string())?),
        };
        let given = !matches!(at(self.ip_source)?, "" | "dialled");
        let ip = at(self.ip)?.parse::<IpAddr>().ok().filter(|_| given);
        let said = at(self.ehlo_source)? == "replied";
        let ehlo = Some(at(self.ehlo)?).filter(|e| !e.is_empty() && !said);
        Ok(Held {
            key: Identity::of(target.as_ref(), ip, ehlo).wide_hash(at(self.label)?),
            address: at(self.address)?.parse().ok(),
            may_be_several: Identity::may_be_several(target.as_ref(), usize::from(given)),
        })
    }
}

fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).ok_or("a line that is no CSV")?;
    Ok(record.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let done = Done::read(file.path());
        (file, done)
    }

    #[test]
    fn what_is_held_is_skipped_as_often_as_it_is_held() {
        let address = |a: &str, label| line(a, Some(a), Some(a), label);
        let text = [address("192.0.2.1", ""), address("192.0.2.2", "x"), address("192.0.2.1", "")].concat();
        let mut done = read(&text).1.unwrap();
        assert_eq!((done.checks, done.cut, done.csv), (3, 0, false));
        let skipped: Vec<bool> =
            [("192.0.2.1", ""), ("192.0.2.1", ""), ("192.0.2.1", ""), ("192.0.2.2", ""), ("192.0.2.2", "x")]
                .map(|(t, label)| done.skips(&request(t, label)))
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
            assert!(done.skips(&request("192.0.2.1", "")) && !done.skips(&request("192.0.2.2", "")));
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
        assert!(done.skips(&again), "the first of two that are the same is whole");
        assert!(!done.skips(&again));
        let mut left = done.take_again();
        assert_eq!(Again::printed(&mut left, &request("other.example", "")), HashSet::new());
        let printed = Again::printed(&mut left, &again);
        assert_eq!(printed, ["192.0.2.1", "192.0.2.2"].map(|a| a.parse().ok()).into());
        assert_eq!(Again::printed(&mut left, &again), HashSet::new());
    }

    #[test]
    fn csv_by_its_header() {
        let header = "label,target,host,port,address,ip,ip_source,ehlo,ehlo_source,verdict\n";
        let text = format!(
            "{header}x,192.0.2.1,192.0.2.1,25,192.0.2.1,192.0.2.1,dialled,m.example,replied,agree\n\
             '=x,,,,,192.0.2.2,given,m.example,given,agree\n{header}\"a, \"\"b\"\"\",192.0.2.3,192.0.2.3,2525,"
        );
        let mut done = read(&text).1.unwrap();
        assert_eq!((done.checks, done.csv), (2, true));
        assert!(done.skips(&request("192.0.2.1", "x")));
        let alone = Request {
            ips: vec!["192.0.2.2".parse().unwrap()],
            ehlo: Some("m.example".into()),
            label: "=x".into(),
            ..Request::default()
        };
        assert!(done.skips(&alone));
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
