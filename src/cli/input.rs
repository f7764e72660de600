//! `--input`: one target a line, or one JSON object a line, streamed.
//!
//! Failure: a bad line is one sentence with its number; the lines after it are read all the same.

use std::net::IpAddr;

use serde::Deserialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use super::plan::{LineDefaults, check_ehlo};
use crate::name::unmap;
use crate::observe::Request;
use crate::target::Target;

/// The longest line that we take, in octets without its line end.
const MAX_LINE: usize = 64 << 10;

/// A JSON line.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    target: Option<String>,
    ip: Option<IpAddr>,
    ehlo: Option<String>,
    #[serde(default)]
    label: serde_json::Value,
}

/// A line of input, read.
#[derive(Debug)]
pub(super) enum Read {
    /// A check to run.
    Request(Request),
    /// A line that is none, with its number and the reason.
    Bad(String),
}

/// The next request; `None` at the end. Blank lines and lines that begin with `#` are passed over.
pub(super) async fn next<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    number: &mut u64,
    defaults: &LineDefaults,
) -> std::io::Result<Option<Read>> {
    loop {
        let mut line = Vec::new();
        // A line of the greatest length and its CRLF.
        let limit = MAX_LINE as u64 + 2;
        if (&mut *reader).take(limit).read_until(b'\n', &mut line).await? == 0 {
            return Ok(None);
        }
        *number += 1;
        let bad = |why: String| Ok(Some(Read::Bad(format!("input line {number}: {why}"))));
        let (ended, content) = match line.strip_suffix(b"\n") {
            Some(content) => (true, content.strip_suffix(b"\r").unwrap_or(content)),
            None => (false, line.as_slice()),
        };
        if content.len() > MAX_LINE {
            if !ended {
                skip_line(reader).await?;
            }
            return bad(format!("longer than {MAX_LINE} octets; one target a line"));
        }
        let Ok(text) = std::str::from_utf8(content) else {
            return bad("not UTF-8; save the list as UTF-8".into());
        };
        // A byte order mark is how some editors begin a file, not part of a name.
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        return match request(text, defaults) {
            Ok(request) => Ok(Some(Read::Request(request))),
            Err(why) => bad(why),
        };
    }
}

async fn skip_line<R: AsyncBufRead + Unpin>(reader: &mut R) -> std::io::Result<()> {
    loop {
        let buffer = reader.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(());
        }
        let (length, done) = match buffer.iter().position(|b| *b == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), false),
        };
        reader.consume(length);
        if done {
            return Ok(());
        }
    }
}

fn request(text: &str, defaults: &LineDefaults) -> Result<Request, String> {
    let line = if text.starts_with('{') {
        serde_json::from_str(text).map_err(|e| format!("{e}; as in {{\"target\":\"mail.example.net\"}}"))?
    } else {
        Line { target: Some(text.to_owned()), ip: None, ehlo: None, label: serde_json::Value::Null }
    };
    let target = line.target.map(|t| Target::parse(&t, defaults.port)).transpose().map_err(|e| e.to_string())?;
    let ips: Vec<IpAddr> = line.ip.map(unmap).into_iter().collect();
    let ehlo = line.ehlo.or_else(|| defaults.ehlo.clone());
    if let Some(ehlo) = &ehlo {
        check_ehlo(ehlo).map_err(|e| e.to_string())?;
    }
    match (&target, ips.is_empty(), defaults.no_connect) {
        (None, true, _) => Err("give \"target\" or \"ip\"".into()),
        (_, true, true) => Err("--no-connect needs an \"ip\" on the line".into()),
        _ => {
            Ok(Request { label: line.label, target, no_connect: defaults.no_connect, ips, ehlo, ..Request::default() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(text: &[u8], defaults: &LineDefaults) -> Vec<String> {
        let mut reader = text;
        let (mut number, mut got) = (0, Vec::new());
        while let Some(read) = next(&mut reader, &mut number, defaults).await.unwrap() {
            got.push(match read {
                Read::Request(r) => format!(
                    "{}|{:?}|{}|{}",
                    r.target.map(|t| format!("{}:{}", t.host, t.port)).unwrap_or_default(),
                    r.ips,
                    r.ehlo.unwrap_or_default(),
                    r.label
                ),
                Read::Bad(why) => why,
            });
        }
        got
    }

    #[tokio::test]
    async fn lines_and_objects() {
        let text = "\u{feff}mail.example.net\n\n# note\n {\"ip\":\"203.0.113.7\",\"ehlo\":\"m.example\",\"label\":{\"k\":1}}\r\n[2001:db8::1]:2525";
        assert_eq!(
            all(text.as_bytes(), &LineDefaults::default()).await,
            ["mail.example.net:25|[]||null", "|[203.0.113.7]|m.example|{\"k\":1}", "2001:db8::1:2525|[]||null"]
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
        assert!(got[1].contains("--no-connect needs"));
    }
}
