//! `--input`: one target a line, one JSON object a line, or CSV with a header; streamed.
//!
//! Failure: a bad line is one sentence with its number; the lines after it are read all the same.

mod csv;
mod lines;

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::Value;
use tokio::io::AsyncBufRead;

use super::plan::{LineDefaults, check_ehlo_heard};
use super::range;
use crate::domain::Remark;
use crate::observe::Request;
use crate::target::Target;
use lines::{Line, Lines};

/// The most addresses of a range on a line that has a target too: they share its one dialogue.
const MAX_BEHIND_TARGET: usize = 256;

/// One entry of a list, whatever its format.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    target: Option<String>,
    ip: Option<String>,
    ehlo: Option<String>,
    port: Option<u16>,
    #[serde(default)]
    label: Value,
}

/// A line of input, read.
#[derive(Debug)]
pub(super) enum Read {
    /// A check to run.
    Request(Request),
    /// A line that is none, with its number and the reason.
    Bad(String),
    /// Something to say of where the checks come from.
    Remark(Remark),
}

/// What the lines are.
enum Shape {
    /// Not known before the first that is no note.
    Open,
    /// Targets and objects.
    Lines,
    /// Records below a header.
    Csv(csv::Header),
    /// Records with this separator, below a header that names no column of ours; one sentence tells of them all.
    Headless(char),
}

/// The addresses of a range that are still to come, each a check of its own.
struct Pool {
    request: Request,
    rest: Box<dyn Iterator<Item = IpAddr> + Send>,
}

/// A list, read as its checks are wanted.
pub(super) struct Input<R> {
    lines: Lines<R>,
    shape: Shape,
    defaults: LineDefaults,
    pool: Option<Pool>,
}

impl<R: AsyncBufRead + Unpin> Input<R> {
    /// The list that a reader holds.
    pub(super) fn new(reader: R, defaults: LineDefaults) -> Self {
        Self { lines: Lines::new(reader), shape: Shape::Open, defaults, pool: None }
    }

    /// The next request; `None` at the end. Blank lines and lines that begin with `#` are passed over.
    pub(super) async fn next(&mut self) -> std::io::Result<Option<Read>> {
        loop {
            if let Some(pool) = &mut self.pool {
                if let Some(ip) = pool.rest.next() {
                    return Ok(Some(Read::Request(Request { ips: vec![ip], ..pool.request.clone() })));
                }
                self.pool = None;
            }
            let Some(Line { number, text }) = self.lines.next().await? else { return Ok(None) };
            let line = match text {
                Ok(line) => line,
                Err(why) => return Ok(Some(bad(number, &why))),
            };
            if line.trim().is_empty() || line.trim_start().starts_with('#') {
                continue;
            }
            if matches!(self.shape, Shape::Open) {
                self.shape = Shape::Lines;
                match csv::Header::of(&line) {
                    Some(Ok(header)) => {
                        self.shape = Shape::Csv(header);
                        continue;
                    }
                    Some(Err(why)) => return Ok(Some(bad(number, &why))),
                    None if !line.trim_start().starts_with('{') => {
                        if let Some((separator, why)) = csv::no_header(&line) {
                            self.shape = Shape::Headless(separator);
                            return Ok(Some(bad(number, &why)));
                        }
                    }
                    None => {}
                }
            }
            let object = line.trim_start().starts_with('{');
            if matches!(self.shape, Shape::Headless(separator) if !object && line.contains(separator)) {
                continue;
            }
            let row = match &self.shape {
                Shape::Csv(header) => {
                    let record = header.record();
                    self.record(record, line).await?
                }
                _ => row_of_line(line.trim(), self.defaults.no_connect),
            };
            match row.and_then(|row| pool(row, &self.defaults)) {
                Ok(Entry::One(request)) => return Ok(Some(Read::Request(*request))),
                Ok(Entry::Pool(pool)) => self.pool = Some(*pool),
                Err(why) => return Ok(Some(bad(number, &why))),
            }
        }
    }

    /// The record that begins with this line. Where it cannot be read, only its first line is lost.
    async fn record(&mut self, mut record: csv::Record, first: String) -> std::io::Result<Result<Row, String>> {
        let mut more: Vec<Line> = Vec::new();
        let mut line = first;
        let why = loop {
            match record.push(&line) {
                Ok(Some(fields)) => {
                    let Shape::Csv(header) = &self.shape else { unreachable!("a record has its header") };
                    return Ok(header.row(fields));
                }
                Ok(None) => {}
                Err(why) => break why,
            }
            match self.lines.next().await? {
                None => break "a quote is opened here and never closed".to_owned(),
                Some(next) => match next.text.clone() {
                    Ok(text) => {
                        more.push(next);
                        line = text;
                    }
                    Err(why) => {
                        let why = format!("the record goes on in line {}, which is {why}", next.number);
                        more.push(next);
                        break why;
                    }
                },
            }
        };
        self.lines.again(more.into_iter());
        Ok(Err(why))
    }
}

fn bad(number: u64, why: &str) -> Read {
    Read::Bad(format!("input line {number}: {why}"))
}

fn row_of_line(text: &str, no_connect: bool) -> Result<Row, String> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|e| format!("{e}; as in {{\"target\":\"mail.example.net\"}}"));
    }
    let text = text.to_owned();
    match range::is_range(&text) {
        // Nothing is dialled, so it can only be what is to be judged.
        true if no_connect => Ok(Row { ip: Some(text), ..Row::default() }),
        true if text.contains('/') => Err(format!(
            "{text} is a range, and a target is one host to dial; to judge its addresses by DNS alone add --no-connect, \
             or begin the list with a line `ip`"
        )),
        _ => Ok(Row { target: Some(text), ..Row::default() }),
    }
}

/// What a row asks for.
enum Entry {
    One(Box<Request>),
    Pool(Box<Pool>),
}

fn pool(row: Row, defaults: &LineDefaults) -> Result<Entry, String> {
    let port = row.port.or(defaults.port);
    let target = row.target.map(|t| Target::parse(&t, port)).transpose().map_err(|e| e.to_string())?;
    let range = row.ip.map(|ip| range::range(&ip)).transpose().map_err(|why| format!("ip {why}"))?;
    let ehlo = row.ehlo.or_else(|| defaults.ehlo.clone());
    if let Some(ehlo) = &ehlo {
        check_ehlo_heard(ehlo).map_err(|e| e.to_string())?;
    }
    match (&target, &range, defaults.no_connect) {
        (None, None, _) => return Err("give \"target\" or \"ip\"".into()),
        (_, None, true) => {
            return Err("--no-connect needs the address to judge: a line that is an address or a range, or an \"ip\" \
                        beside the target, in NDJSON or CSV"
                .into());
        }
        _ => {}
    }
    let alone = target.is_none();
    let request = Request { label: row.label, target, no_connect: defaults.no_connect, ehlo, ..Request::default() };
    let Some(range) = range else { return Ok(Entry::One(Box::new(request))) };
    let mut rest = range::each(range);
    if alone || defaults.no_connect {
        return Ok(Entry::Pool(Box::new(Pool { request, rest })));
    }
    let ips: Vec<IpAddr> = rest.by_ref().take(MAX_BEHIND_TARGET).collect();
    if rest.next().is_some() {
        return Err(format!(
            "ip {range}: at most {MAX_BEHIND_TARGET} addresses are judged by one target's greeting; leave \"target\" out, \
             or split the range"
        ));
    }
    Ok(Entry::One(Box::new(Request { ips, ..request })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lines::MAX_LINE;

    async fn all(text: &[u8], defaults: &LineDefaults) -> Vec<String> {
        let mut input = Input::new(text, defaults.clone());
        let mut got = Vec::new();
        while let Some(read) = input.next().await.unwrap() {
            got.push(match read {
                Read::Request(r) => format!(
                    "{}|{:?}|{}|{}",
                    r.target.map(|t| format!("{}:{}", t.host, t.port)).unwrap_or_default(),
                    r.ips,
                    r.ehlo.unwrap_or_default(),
                    r.label
                ),
                Read::Bad(why) => why,
                Read::Remark(remark) => remark.text,
            });
        }
        got
    }

    #[tokio::test]
    async fn lines_and_objects() {
        let text = "\u{feff}mail.example.net\n\n# note\n {\"ip\":\"203.0.113.7\",\"ehlo\":\"m.example\",\"label\":{\"k\":1}}\r\n[2001:db8::1]:2525\n{\"target\":\"m.example\",\"port\":587}";
        assert_eq!(
            all(text.as_bytes(), &LineDefaults::default()).await,
            [
                "mail.example.net:25|[]||null",
                "|[203.0.113.7]|m.example|{\"k\":1}",
                "2001:db8::1:2525|[]||null",
                "m.example:587|[]||null"
            ]
        );
    }

    #[tokio::test]
    async fn a_bad_line_does_not_stop_the_next() {
        let mut text = b"a b\n{\"ip\":\"x\"}\n{\"tarqet\":\"m\"}\n{}\n\xff\n".to_vec();
        text.extend(std::iter::repeat_n(b'a', MAX_LINE * 3));
        text.extend(b"\ngood.example\n");
        let got = all(&text, &LineDefaults::default()).await;
        let starts: Vec<&str> = got.iter().map(|l| l.split(':').next().unwrap()).collect();
        assert_eq!(
            starts,
            [
                "input line 1",
                "input line 2",
                "input line 3",
                "input line 4",
                "input line 5",
                "input line 6",
                "good.example"
            ]
        );
        assert!(got[2].contains("tarqet"), "{}", got[2]);
    }

    #[tokio::test]
    async fn a_line_about_as_long_as_allowed_takes_nothing_of_the_next() {
        for length in MAX_LINE - 2..=MAX_LINE + 3 {
            for end in ["\n", "\r\n"] {
                // A note may be as long as a line.
                let text = format!("#{}{end}good.example{end}", "a".repeat(length - 1));
                let got = all(text.as_bytes(), &LineDefaults::default()).await;
                assert_eq!(got.last().unwrap(), "good.example:25|[]||null", "{length} {end:?}");
                assert_eq!(got.len() == 2, length > MAX_LINE, "{length} {end:?}: {got:?}");
            }
        }
    }

    #[tokio::test]
    async fn no_connect_keeps_the_target_and_needs_an_address() {
        let defaults = LineDefaults { no_connect: true, ..LineDefaults::default() };
        let got = all(b"{\"target\":\"m.example\",\"ip\":\"203.0.113.7\"}\nm.example\n", &defaults).await;
        assert_eq!(got[0], "m.example:25|[203.0.113.7]||null");
        assert!(got[1].contains("--no-connect needs the address to judge"));
        let got = all(b"192.0.2.1\n192.0.2.8/31\n2001:db8::1\n10.0.0.0/8\n192.0.2.1:25\n", &defaults).await;
        let each = ["192.0.2.1", "192.0.2.8", "192.0.2.9", "2001:db8::1"].map(|ip| format!("|[{ip}]||null"));
        assert_eq!(got[..4], each);
        assert!(got[4].starts_with("input line 4: ip 10.0.0.0/8: a range of 2^24"), "{}", got[4]);
        assert!(got[5].starts_with("input line 5: --no-connect needs"), "{}", got[5]);
    }

    #[tokio::test]
    async fn a_range_to_dial_is_told_what_to_do() {
        let got = all(b"192.0.2.1\n192.0.2.8/31\n", &LineDefaults::default()).await;
        assert_eq!(got[0], "192.0.2.1:25|[]||null");
        assert!(got[1].starts_with("input line 2: 192.0.2.8/31 is a range") && got[1].contains("add --no-connect"));
        let cured = all(b"ip\n192.0.2.1\n192.0.2.8/31\n", &LineDefaults::default()).await;
        assert_eq!(cured, ["192.0.2.1", "192.0.2.8", "192.0.2.9"].map(|ip| format!("|[{ip}]||null")));
    }

    #[tokio::test]
    async fn an_ehlo_argument_may_be_any_that_a_client_can_have_said() {
        let text = concat!(
            r#"{"ip":"192.0.2.1","ehlo":""}"#,
            "\n",
            r#"{"ip":"192.0.2.1","ehlo":"my\thost"}"#,
            "\n",
            r#"{"ip":"192.0.2.1","ehlo":"a\rb"}"#
        );
        let got = all(text.as_bytes(), &LineDefaults::default()).await;
        assert_eq!(got[..2], ["|[192.0.2.1]||null", "|[192.0.2.1]|my\thost|null"]);
        assert!(got[2].contains("line 3: the EHLO name `a\\rb` cannot be judged"), "{}", got[2]);
    }

    #[tokio::test]
    async fn ranges_become_a_check_an_address_and_stay_together_behind_a_target() {
        let text = "{\"ip\":\"192.0.2.6/31\",\"label\":\"p\"}\n{\"target\":\"m.example\",\"ip\":\"192.0.2.0/31\"}\n\
                    {\"target\":\"m.example\",\"ip\":\"192.0.2.0/23\"}\n{\"ip\":\"10.0.0.0/8\"}\n";
        let got = all(text.as_bytes(), &LineDefaults::default()).await;
        assert_eq!(
            got[..3],
            ["|[192.0.2.6]||\"p\"", "|[192.0.2.7]||\"p\"", "m.example:25|[192.0.2.0, 192.0.2.1]||null"]
        );
        assert!(got[3].starts_with("input line 3: ip 192.0.2.0/23: at most 256"), "{}", got[3]);
        assert!(got[4].starts_with("input line 4: ip 10.0.0.0/8: a range of 2^24"), "{}", got[4]);
        assert_eq!(got.len(), 5);
    }

    #[tokio::test]
    async fn csv_by_its_header() {
        let text = "# exported\r\nIP,\"ehlo\",customer,label\r\n203.0.113.7,m.example,\"Ex, \"\"am\"\"\nple\",t7\r\n\r\n203.0.113.8,,,\r\n";
        assert_eq!(
            all(text.as_bytes(), &LineDefaults::default()).await,
            [
                "|[203.0.113.7]|m.example|{\"customer\":\"Ex, \\\"am\\\"\\nple\",\"label\":\"t7\"}",
                "|[203.0.113.8]||{\"customer\":\"\"}"
            ]
        );
        let text = "target;port;label\nmail.example.net;587;'=1+1\nmail.example.net:2525;;\n";
        assert_eq!(
            all(text.as_bytes(), &LineDefaults::default()).await,
            ["mail.example.net:587|[]||\"=1+1\"", "mail.example.net:2525|[]||null"]
        );
        assert_eq!(
            all(b"target\nmail.example.net\n", &LineDefaults::default()).await,
            ["mail.example.net:25|[]||null"]
        );
        assert_eq!(all(b"ip\tx\n192.0.2.1\t=\n", &LineDefaults::default()).await, ["|[192.0.2.1]||{\"x\":\"=\"}"]);
    }

    #[tokio::test]
    async fn a_bad_record_does_not_stop_the_next() {
        let text = "target,port\na..b,25\nm.example,x\nm.example\n\"open,25\ngood.example,25\n,25\ngood.example,26\n";
        let got = all(text.as_bytes(), &LineDefaults::default()).await;
        let expected = [
            "input line 2: target `a..b`",
            "input line 3: `x` is not a port",
            "input line 4: 1 field, and the header has 2",
            "input line 5: a quote is opened here and never closed",
            "good.example:25",
            "input line 7: give \"target\"",
            "good.example:26",
        ];
        assert_eq!(got.len(), expected.len(), "{got:#?}");
        for (got, begin) in got.iter().zip(expected) {
            assert!(got.starts_with(begin), "{got}");
        }
        let twice = all(b"ip,ip\n192.0.2.1,192.0.2.2\n", &LineDefaults::default()).await;
        assert!(twice[0].starts_with("input line 1: the column `ip` stands there twice"), "{twice:?}");
        let none =
            all(b"host\x1bname;ipaddr;\nm;192.0.2.1;\nn;192.0.2.2;\ngood.example\n{\"target\":\"j.example\",\"label\":\"a;b\"}\n", &LineDefaults::default()).await;
        assert!(none[0].contains("the columns `host\\x1bname`, `ipaddr` and ``; name one `target`"), "{none:?}");
        assert_eq!(
            none[1..],
            ["good.example:25|[]||null", "j.example:25|[]||\"a;b\""],
            "one sentence for all of its rows"
        );
    }
}
