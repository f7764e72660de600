//! Received lines of the servers in use, one a row (`fixtures/received.tsv`), and what each means.

#![allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]

use smtp_preflight::bounce::{Hop, RdnsState};

#[test]
fn every_line_is_read_as_its_server_meant_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/received.tsv");
    let table = std::fs::read_to_string(path).unwrap();
    let mut rows = 0;
    for row in table.lines().skip(1) {
        let columns: Vec<&str> = row.split('\t').collect();
        let hop = Hop::read(columns[0]);
        let text = |v: &Option<String>| v.clone().unwrap_or_default();
        let got = [
            hop.ip.map(|i| i.to_string()).unwrap_or_default(),
            text(&hop.ehlo),
            text(&hop.rdns),
            text(&hop.by),
            text(&hop.tls),
        ];
        assert_eq!(got.as_slice(), &columns[1..], "{}", columns[0]);
        // Folded as it stands in a message, it reads the same.
        let folded = format!("Received: {}", columns[0].replace(" by ", "\r\n\tby "));
        assert_eq!(Hop::read(&folded).ip, hop.ip, "{folded}");
        rows += 1;
    }
    assert!(rows >= 35, "{rows}");
}

#[test]
fn what_the_server_meant_by_the_looked_up_name() {
    for (line, state) in [
        ("from a.example (unknown [192.0.2.1]) by b.example (Postfix) with ESMTP", RdnsState::Unknown),
        ("from a.example (a.example [192.0.2.1]) by b.example (Postfix) with ESMTP", RdnsState::Confirmed),
        (
            "from a.example (c.example [192.0.2.1] (may be forged)) by b.example (8.15.2/8.15.2) with ESMTP",
            RdnsState::Unconfirmed,
        ),
        ("from a.example (c.example. [192.0.2.1]) by mx.google.com with ESMTP", RdnsState::Named),
        ("from a.example ([192.0.2.1]) by b.example with Microsoft SMTPSVC(6.0)", RdnsState::NotStated),
        ("from unknown (HELO a.example) (192.0.2.1) by b.example with SMTP", RdnsState::Unknown),
    ] {
        assert_eq!(Hop::read(line).rdns_state, state, "{line}");
    }
    assert!(Hop::read("from a ([192.0.2.1]) by b.example with ESMTPSA id 1").authenticated);
    assert!(!Hop::read("from a ([192.0.2.1]) by b.example with ESMTPS id 1").authenticated);
}
