//! Input that means harm: cut, mangled, huge, nested, in a wrong coding. Nothing panics or hangs, no
//! control character comes out, and what cannot be read says so in a sentence.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, reason = "a test reads its fixtures and measures time")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use smtp_preflight::bounce::{self, Bounce, Cause, MAX_MESSAGE, Splitter};

/// Far above what a debug build needs, far below a hang.
const PATIENCE: Duration = Duration::from_secs(20);

fn samples() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/bounces");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let all: Vec<Vec<u8>> =
        files.iter().filter(|f| f.extension().is_some_and(|e| e != "tsv")).map(|f| std::fs::read(f).unwrap()).collect();
    assert!(all.len() >= 60);
    all
}

/// No text anywhere in a result holds a control character.
fn no_controls(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::String(s) => !s.chars().any(char::is_control),
        serde_json::Value::Array(a) => a.iter().all(no_controls),
        serde_json::Value::Object(o) => o.values().all(no_controls),
        _ => true,
    }
}

/// Reads, and holds the result against what must be true of every one.
fn sane(bytes: &[u8]) -> Bounce {
    let got = bounce::read(bytes);
    let json = serde_json::to_string(&got).unwrap();
    let raw = serde_json::to_value(&got).unwrap();
    assert!(no_controls(&raw), "{json}");
    assert!(json.len() < 64 << 10, "{} octets of result", json.len());
    assert_eq!(got.sending_ip.ip.is_some(), got.sending_ip.source.is_some());
    assert!(got.sending_ip.ip.is_none_or(bounce::can_be_outbound));
    assert_eq!(got.identity.is_some(), got.cause == Cause::SenderIdentity);
    got
}

fn quick(name: &str, bytes: &[u8]) -> Bounce {
    let begun = Instant::now();
    let got = sane(bytes);
    assert!(begun.elapsed() < PATIENCE, "{name}: {:?}", begun.elapsed());
    got
}

#[test]
fn cut_at_any_octet() {
    for sample in samples() {
        for end in (0..sample.len()).step_by(7) {
            sane(&sample[..end]);
        }
        for start in (0..sample.len()).step_by(61) {
            sane(&sample[start..]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn octets_changed_and_samples_crossed(which in 0_usize..60, other in 0_usize..60, cut in 0_usize..1000, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40)) {
        let all = samples();
        let (a, b) = (&all[which], &all[other]);
        let at = |v: &[u8]| v.len() * cut / 1000;
        let mut bytes = [&a[..at(a)], &b[at(b)..]].concat();
        for (place, octet) in edits {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = octet;
            }
        }
        sane(&bytes);
    }

    #[test]
    fn any_octets(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        sane(&bytes);
    }

    #[test]
    fn any_text_in_a_reply_and_in_a_received_line(text in "\\PC{0,300}") {
        sane(format!("550 5.7.1 {text}").as_bytes());
        sane(format!("Received: from {text} by mx.receiver.example with ESMTP; x\nFrom: a@b.example\n\nx\n").as_bytes());
    }
}

#[test]
fn what_is_no_mail_says_so() {
    for (bytes, word) in [
        (Vec::new(), "empty"),
        (b" \r\n\t\n".to_vec(), "empty"),
        ((0_u8..=255).cycle().take(20_000).collect(), "binary"),
        (vec![0; 4096], "binary"),
        (vec![b'x'; MAX_MESSAGE + 1], "too large"),
        (vec![b'\n'; 50 << 20], "too large"),
    ] {
        let got = quick(word, &bytes);
        let why = got.unreadable.unwrap_or_default();
        assert!(why.starts_with(word), "{why}");
    }
}

#[test]
fn large_files_are_read_in_their_first_part() {
    let dsn = samples().swap_remove(0);
    // The report stands first, a huge attachment behind it.
    let text = String::from_utf8(dsn).unwrap();
    let big = text.replace("Hello Bert.", &"QUJD".repeat(7 << 20));
    let got = quick("attachment", big.as_bytes());
    assert!(got.truncated && got.cause == Cause::SenderIdentity && got.sending_ip.ip.is_some());
    let lines = "Received: from a.example (a.example [203.0.113.1]) by b.example with ESMTP; x\n".repeat(200_000);
    quick("received", format!("{lines}From: a@b.example\n\nx").as_bytes());
    quick(
        "one line",
        format!("From: MAILER-DAEMON@b.example\nSubject: {}\n\n550 {}", "s".repeat(4 << 20), "no PTR ".repeat(1 << 20))
            .as_bytes(),
    );
    quick(
        "folded",
        format!("From: MAILER-DAEMON@b.example\nTo: x@y.example\n{}\n\n550 x", " more\n".repeat(1 << 20)).as_bytes(),
    );
    // RFC 2231 parameters: a parser's work grows with their number squared.
    let parameters: String = (0..200_000).map(|n| ["; a", &n.to_string(), "*0=b"].concat()).collect();
    for name in ["Content-Type", "content-disposition "] {
        quick(
            "parameters",
            format!("From: MAILER-DAEMON@b.example\nSubject: x\n{name}: text/plain{parameters}\n\n550 no PTR")
                .as_bytes(),
        );
    }
    quick(
        "announcements",
        format!("From: MAILER-DAEMON@b.example\nSubject: x\n\n{}", "Your original message:\nspam\n".repeat(1 << 16))
            .as_bytes(),
    );
    quick("codes", "550 5.7.1 no [203.0.113.1] ".repeat(1 << 18).as_bytes());
    quick("replies", "host x.example[203.0.113.1] said: 550 5.7.1 no\n".repeat(1 << 18).as_bytes());
    quick("addresses", format!("550 {}", "for 203.0.113.1 ".repeat(1 << 18)).as_bytes());
}

#[test]
fn utf_16_and_bare_carriage_returns_are_text() {
    let text = "From: MAILER-DAEMON@b.example\nSubject: failure notice\n\n550 5.7.25 no PTR record for 203.0.113.1\n";
    let wide: Vec<u8> = std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    for bytes in [wide, text.replace('\n', "\r").into_bytes()] {
        assert_eq!(quick("text", &bytes).cause, Cause::SenderIdentity);
    }
}

#[test]
fn nesting_is_bounded() {
    let deep = |n: usize, line: &str| {
        let mut out = String::from("From: MAILER-DAEMON@b.example\nMIME-Version: 1.0\n");
        for k in 0..n {
            out.push_str(&line.replace('#', &k.to_string()));
        }
        out.push_str("\n550 5.7.25 no PTR record for 203.0.113.1\n");
        out
    };
    let multiparts = deep(20_000, "Content-Type: multipart/mixed; boundary=b#\n\n--b#\n");
    assert!(quick("multiparts", multiparts.as_bytes()).truncated);
    let messages = deep(20_000, "Content-Type: message/rfc822\n\nFrom: a#@b.example\n");
    assert!(quick("messages", messages.as_bytes()).truncated);
    let digests = deep(20_000, "Content-Type: multipart/digest; boundary=b#\n\n--b#\n\n");
    quick("digests", digests.as_bytes());
    let lost = deep(200_000, "Content-Type: multipart/mixed; boundary=lost\n\n");
    quick("lost boundaries", lost.as_bytes());
    let encoded = {
        let mut inner = String::from("550 no PTR");
        for _ in 0..64 {
            inner = format!(
                "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\n{}",
                inner.replace('=', "=3D")
            );
        }
        format!("From: MAILER-DAEMON@b.example\n{inner}")
    };
    quick("encoded messages", encoded.as_bytes());
    quick(
        "parentheses",
        format!("Received: from x {} by y.example; z\nFrom: a@b.example\n\n", "(".repeat(100_000)).as_bytes(),
    );
}

#[test]
fn an_mbox_goes_on_behind_a_bad_message() {
    let good = "From a@b.example Thu Apr 29 23:34:45 2010\nFrom: MAILER-DAEMON@b.example\nSubject: failure notice\n\n550 5.7.25 no PTR record for 203.0.113.1\n\n";
    let mut mbox = good.as_bytes().to_vec();
    mbox.extend_from_slice(b"From a@b.example Thu Apr 29 23:34:46 2010\n");
    mbox.extend(std::iter::repeat_n(0_u8, 10_000));
    mbox.extend_from_slice(b"\n\n");
    mbox.extend_from_slice(good.as_bytes());
    let (numbers, got): (Vec<_>, Vec<_>) = bounce::read_all(&mbox).into_iter().unzip();
    assert_eq!(numbers, [Some(1), Some(2), Some(3)]);
    assert_eq!(got.len(), 3);
    assert!(got[0].unreadable.is_none() && got[1].unreadable.is_some() && got[2].unreadable.is_none());
    assert_eq!(got[2].cause, Cause::SenderIdentity);
    let mut splitter = Splitter::new();
    let mut count = 0;
    for chunk in mbox.chunks(13) {
        splitter.push(chunk, |_| count += 1);
    }
    splitter.finish(|_| count += 1);
    assert_eq!(count, 3);
}
