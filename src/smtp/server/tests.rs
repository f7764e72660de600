use super::*;

fn plan() -> ServerPlan {
    ServerPlan {
        greeting: "mail.example.net ESMTP".into(),
        name: "mail.example.net".into(),
        extensions: vec!["PIPELINING".into()],
        starttls: true,
        ..ServerPlan::default()
    }
}

/// Plays octets in chunks into a session that has greeted; gives what it sends, and the session.
fn play(plan: ServerPlan, octets: &[u8], size: usize) -> (String, ServerSession) {
    let mut session = ServerSession::new(plan);
    let mut sent = Vec::new();
    let mut actions = session.open();
    session.greeted();
    let mut chunks = octets.chunks(size);
    loop {
        for action in actions {
            match action {
                Action::Send(octets) => sent.extend(octets),
                Action::StartTls => {
                    sent.extend(b"<tls>");
                    session.secured();
                }
                Action::Close => sent.extend(b"<close>"),
                other => panic!("unplanned {other:?}"),
            }
        }
        actions = loop {
            if let Some(actions) = session.answer() {
                break actions;
            }
            match chunks.next().map(|chunk| session.push(chunk)) {
                Some(Some(actions)) => break actions,
                Some(None) => {}
                None => return (String::from_utf8(sent).unwrap(), session),
            }
        };
    }
}

#[test]
fn the_polite_dialogue_in_any_chunking() {
    let octets = b"EHLO probe.example\r\nRSET\r\nnoop\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\
        AUTH PLAIN AA==\r\nXYZ\r\nHELO\r\nHELO probe.example\r\nQUIT\r\nEHLO after.example\r\n";
    let sent = "220 mail.example.net ESMTP\r\n250-mail.example.net\r\n250-PIPELINING\r\n250 STARTTLS\r\n250 2.0.0 Ok\r\n\
        250 2.0.0 Ok\r\n451 4.7.1 No mail is taken here\r\n503 5.5.1 MAIL first\r\n503 5.5.1 MAIL first\r\n\
        502 5.5.1 Not offered here\r\n500 5.5.2 What?\r\n501 5.5.4 Say your name\r\n250 mail.example.net\r\n\
        221 2.0.0 Bye\r\n<close>";
    for size in 1..=octets.len() {
        let (got, session) = play(plan(), octets, size);
        assert_eq!(got, sent, "chunks of {size}");
        let verbs: Vec<&str> = session.record().commands.iter().map(|c| c.verb.as_str()).collect();
        let said = ["EHLO", "RSET", "NOOP", "MAIL", "RCPT", "DATA", "AUTH", "(behind AUTH)", "HELO", "HELO", "QUIT"];
        assert_eq!(verbs, said, "chunks of {size}");
        assert_eq!(session.record().commands[0].argument, "probe.example");
    }
}

#[test]
fn starttls_has_no_parameters() {
    let (got, session) = codes(plan(), b"EHLO a\r\nSTARTTLS now\r\nQUIT\r\n", 64);
    assert_eq!(got, [220, 250, 501, 221]);
    assert!(!session.secure);
}

#[test]
fn starttls_forgets_and_drops_what_came_before_it() {
    let plan = ServerPlan { secure_name: Some("inside.example.net".into()), ..plan() };
    let mut session = ServerSession::new(plan);
    session.greeted();
    assert_eq!(session.push(b"EHLO a.example\r\nSTARTTLS\r\nMAIL FROM:<>\r\n"), None);
    session.answer();
    assert_eq!(session.answer(), Some(vec![Action::Send(b"220 2.0.0 Go ahead\r\n".to_vec()), Action::StartTls]));
    session.secured();
    assert_eq!(session.record().injected, 14);
    assert_eq!(session.answer(), None);
    session.push(b"EHLO a.example\r\n");
    let sent = b"250-inside.example.net\r\n250 PIPELINING\r\n".to_vec();
    assert_eq!(session.answer(), Some(vec![Action::Send(sent)]));
    assert_eq!(session.record().commands.iter().map(|c| c.secure).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn a_client_that_cannot_wait_is_noticed_and_refused_where_asked() {
    let mut lenient = ServerSession::new(plan());
    assert_eq!(lenient.push(b"EHLO a.example\r\n"), None);
    assert_eq!(lenient.answer(), None, "no answer before the greeting is out");
    lenient.greeted();
    assert!(lenient.answer().is_some() && lenient.record().early);

    let mut strict = ServerSession::new(ServerPlan { strict: true, ..plan() });
    let refused = strict.push(b"E").unwrap();
    assert_eq!(refused.last(), Some(&Action::Close));
    strict.greeted();
    assert_eq!((strict.push(b"HLO a\r\n"), strict.answer()), (None, None), "over is over");

    let (sent, session) = play(ServerPlan { strict: true, ..plan() }, b"EHLO a\r\nQUIT\r\n", 64);
    assert!(session.record().pipelined);
    assert!(sent.ends_with("554 5.5.0 You spoke before my reply\r\n<close>"), "{sent}");
    let (sent, session) = play(ServerPlan { strict: true, ..plan() }, b"EHLO a\r\nQUIT\r\n", 8);
    assert!(!session.record().pipelined);
    assert!(sent.ends_with("221 2.0.0 Bye\r\n<close>"), "{sent}");
    let (_, session) = play(ServerPlan { strict: true, ..plan() }, b"EHLO a\r\nRSET\r\nRCPT\r\nQUIT\r\n", 8);
    assert!(!session.record().pipelined, "RSET and RCPT may be followed");
}

#[test]
fn bounds() {
    let limits = ServerLimits { line: 16, waiting: 40, commands: 3, ..ServerLimits::default() };
    for (octets, reply) in [
        (&b"NOOP 0123456789a\r\n"[..], "500 5.5.2 Line too long\r\n<close>"),
        (&b"NOOP 0123456789abcdef"[..], "500 5.5.2 Line too long\r\n<close>"),
        (&b"NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"[..], "421 4.7.0 Too many commands\r\n<close>"),
    ] {
        for size in 1..=octets.len() {
            let (sent, session) = play(ServerPlan { limits, ..plan() }, octets, size);
            assert!(sent.ends_with(reply) && session.record().cut_off, "{sent}");
        }
    }
    let (sent, _) = play(ServerPlan { limits, ..plan() }, &[b'a'; 41], 41);
    assert!(sent.ends_with("421 4.7.0 Too much at once\r\n<close>"), "{sent}");
}

#[test]
fn a_script_replaces_the_standard_answer() {
    let scripts = BTreeMap::from([
        (Cue::Greeting, vec![Action::Wait(Duration::from_secs(1)), Action::Send(b"220 late\r\n".to_vec())]),
        (Cue::Ehlo, vec![Action::Send(b"502 no\r\n".to_vec())]),
    ]);
    let mut session = ServerSession::new(ServerPlan { scripts, ..plan() });
    assert_eq!(session.open().len(), 2);
    session.greeted();
    session.push(b"EHLO a.example\r\n");
    assert_eq!(session.answer(), Some(vec![Action::Send(b"502 no\r\n".to_vec())]));
}

proptest::proptest! {
    #[test]
    fn any_octets_are_bounded(octets in proptest::collection::vec(0u8..=255, 0..4000), size in 1usize..500) {
        let limits = ServerLimits { line: 64, waiting: 600, commands: 20, ..ServerLimits::default() };
        let plan = ServerPlan { limits, starttls: false, ..plan() };
        let (_, session) = play(plan, &octets, size);
        proptest::prop_assert!(session.record().commands.len() <= limits.commands);
        proptest::prop_assert!(session.waiting.len() <= limits.waiting + 500);
    }
}

const MESSAGE: &[u8] = b"EHLO a.example\r\nMAIL FROM:<x@a.example> SIZE=100\r\nRCPT TO:<t1@probe.example>\r\n\
    RCPT TO:<other@probe.example>\r\nDATA\r\nReceived: from b by a\r\n\r\nMAIL FROM:<hidden@x.example>\r\n..\r\n.\r\n\
    MAIL FROM:<>\r\nQUIT\r\n";

/// The replies' codes, and the session.
fn codes(plan: ServerPlan, octets: &[u8], size: usize) -> (Vec<u16>, ServerSession) {
    let (sent, session) = play(plan, octets, size);
    let codes = sent.lines().filter(|l| l.as_bytes().get(3) == Some(&b' ')).map(|l| l[..3].parse().unwrap());
    (codes.collect(), session)
}

#[test]
fn nobody_gets_mail_through_and_all_of_the_envelope_is_heard() {
    let plan = ServerPlan { taking: Taking::Nobody, token: Some("t1".into()), ..plan() };
    for size in 1..=MESSAGE.len() {
        let (got, session) = codes(plan.clone(), MESSAGE, size);
        assert_eq!(got[..6], [220, 250, 250, 451, 451, 554], "chunks of {size}");
        // What would have been the message is read as commands, and none of it is one.
        assert!(got[6..].iter().all(|c| [500, 503, 221].contains(c)), "{got:?}");
        let record = session.record();
        assert_eq!(record.recipients, ["t1@probe.example", "other@probe.example"]);
        assert_eq!((record.matched, record.messages), (true, 0));
        assert_eq!(record.senders, ["x@a.example"]);
    }
}

#[test]
fn a_message_is_taken_for_the_token_only_and_dropped() {
    let plan = ServerPlan { taking: Taking::Drop, token: Some("t1".into()), ..plan() };
    for size in 1..=MESSAGE.len() {
        let (got, session) = codes(plan.clone(), MESSAGE, size);
        assert_eq!(got, [220, 250, 250, 250, 451, 354, 250, 250, 221], "chunks of {size}");
        let record = session.record();
        assert_eq!((record.messages, record.message_octets), (1, 62));
        assert_eq!(record.received, ["from b by a"]);
        assert_eq!(record.senders, ["x@a.example", ""]);
        assert!(!record.commands.iter().any(|c| c.argument.contains("hidden")), "a message holds no commands");
    }
    let (got, _) = codes(ServerPlan { token: None, ..plan }, MESSAGE, 64);
    assert_eq!(got, [220, 250, 250, 250, 250, 354, 250, 250, 221], "without a token everybody's is dropped");
}

#[test]
fn the_sender_is_a_recipient_and_its_mail_is_not_what_is_waited_for() {
    let plan = ServerPlan {
        taking: Taking::Drop,
        token: Some("t1".into()),
        sender: Some("t1-sender@probe.example".into()),
        ..plan()
    };
    // A callout for the recipient, one for the sender, one for somebody like it, and a bounce.
    let octets = b"EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<t1@probe.example>\r\nRSET\r\n\
        MAIL FROM:<double-bounce@a>\r\nRCPT TO:<T1-sender@probe.example>\r\nRSET\r\n\
        MAIL FROM:<>\r\nRCPT TO:<t1-sender@other.example>\r\nRSET\r\n\
        MAIL FROM:<>\r\nRCPT TO:<@a:t1-sender@probe.example>\r\nDATA\r\nReceived: bounce\r\n\r\n.\r\nQUIT\r\n";
    for size in 1..=octets.len() {
        let (got, session) = codes(plan.clone(), octets, size);
        assert_eq!(got[1..11], [250, 250, 250, 250, 250, 250, 250, 250, 451, 250], "chunks of {size}");
        assert_eq!(got[11..], [250, 250, 354, 250, 221], "chunks of {size}");
        let record = session.record();
        assert_eq!((record.matched, record.messages, record.arrived), (true, 1, false));
        assert_eq!(record.received, ["bounce"]);
    }
    let both =
        [MESSAGE.strip_suffix(b"QUIT\r\n").unwrap(), b"RCPT TO:<t1-sender@probe.example>\r\nDATA\r\n.\r\n"].concat();
    let (_, session) = codes(plan, &both, 64);
    let record = session.record();
    assert_eq!((record.arrived, record.messages), (true, 2));
    assert_eq!(record.received, ["from b by a"], "a bounce behind it leaves the message's own lines");
}

#[test]
fn another_domains_recipient_and_the_null_sender_are_not_what_is_waited_for() {
    let plan = ServerPlan {
        taking: Taking::Drop,
        token: Some("t1".into()),
        domain: Some("probe.example".into()),
        sender: Some("t1-sender@probe.example".into()),
        ..plan()
    };
    for (from, to, code, arrived) in [
        ("a@b", "t1@probe.example", 250, true),
        ("a@b", "box+T1@PROBE.example", 250, true),
        ("a@b", "@a,@b:t1@probe.example", 250, true),
        ("", "t1@probe.example", 250, false),
        ("a@b", "t1@victim.example", 451, false),
        ("a@b", "x+t1@victim.example", 451, false),
        ("a@b", "@probe.example:t1@victim.example", 451, false),
        ("a@b", "t1%victim.example@probe.example", 451, false),
        ("a@b", "t1", 451, false),
    ] {
        let octets = format!("HELO x\r\nMAIL FROM:<{from}>\r\nRCPT TO:<{to}>\r\nDATA\r\n.\r\n");
        let (got, session) = codes(plan.clone(), octets.as_bytes(), 64);
        assert_eq!((got[3], session.record().arrived), (code, arrived), "{from} {to}");
    }
}

#[test]
fn mail_has_an_order_and_bounds() {
    let limits = ServerLimits { message: 50, recipients: 2, ..ServerLimits::default() };
    let plan = ServerPlan { taking: Taking::Drop, limits, ..plan() };
    for (octets, replies) in [
        (&b"MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n"[..], &[503, 503, 503][..]),
        (b"HELO x\r\nMAIL FROM:<>\r\nMAIL FROM:<>\r\n", &[250, 250, 503]),
        (b"HELO x\r\nMAIL FROM:<>\r\nRSET\r\nRCPT TO:<a@b>\r\n", &[250, 250, 250, 503]),
        (b"HELO x\r\nMAIL FROM:<>\r\nHELO x\r\nRCPT TO:<a@b>\r\n", &[250, 250, 250, 503]),
        (b"HELO x\r\nMAIL FROM:<> SIZE=51\r\n", &[250, 552]),
        (b"HELO x\r\nMAIL FROM\r\nMAIL TO:<a@b>\r\n", &[250, 501, 501]),
        (b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<>\r\nRCPT TO:a@b\r\nDATA x\r\n", &[250, 250, 501, 250, 501]),
        (b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<b@b>\r\nRCPT TO:<c@b>\r\n", &[250, 250, 250, 250, 452]),
        (
            b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n0123456789012345678901234567890123456789012345678901",
            &[250, 250, 250, 354, 552],
        ),
        (b"HELO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@b>\r\nDATA\r\n.\r\nDATA\r\n", &[250, 250, 250, 354, 250, 503]),
        (b"HELO x\r\nBDAT 3 LAST\r\nVRFY a\r\nEXPN a\r\nETRN a\r\nTURN\r\n", &[250, 503, 502, 502, 502, 502]),
    ] {
        for size in 1..=octets.len() {
            let (got, _) = codes(plan.clone(), octets, size);
            assert_eq!(got[1..], *replies, "{} in chunks of {size}", String::from_utf8_lossy(octets));
        }
    }
}

#[test]
fn a_hundred_recipients_are_written_down_and_what_counts_outlives_the_bound() {
    let plan = ServerPlan { taking: Taking::Nobody, token: Some("t1".into()), ..plan() };
    let recipients = |length: usize| -> Vec<u8> {
        (0..99).flat_map(|n| format!("RCPT TO:<{n:0length$}@probe.example>\r\n").into_bytes()).collect()
    };
    let begin = b"EHLO early.example\r\nSTARTTLS\r\n".as_slice();
    let mail = b"EHLO late.example\r\nMAIL FROM:<a@b.example>\r\n".as_slice();
    for (length, all) in [(60, true), (400, false)] {
        let mut session = ServerSession::new(ServerPlan {
            limits: ServerLimits { commands: 300, waiting: 1 << 20, ..ServerLimits::default() },
            ..plan.clone()
        });
        session.greeted();
        session.push(begin);
        while session.answer().is_some_and(|a| !a.contains(&Action::StartTls)) {}
        session.secured();
        session.push(&[mail, &recipients(length), b"RCPT TO:<t1@probe.example>\r\nHELO last.example\r\n"].concat());
        while session.answer().is_some() {}
        let record = session.into_record();
        assert_eq!(record.recipients.len() == 100, all, "{}", record.recipients.len());
        assert_eq!(record.not_written == 0, all, "{}", record.not_written);
        assert!(record.matched, "the token is heard, whatever is written down");
        assert_eq!(record.hello_before_tls.map(|h| h.argument).as_deref(), Some("early.example"));
        assert_eq!(record.hello.map(|h| h.argument).as_deref(), Some("last.example"));
    }
}

#[test]
fn the_record_is_bounded_and_keeps_no_password() {
    let mut octets = b"EHLO a\r\nAUTH PLAIN AGEAc2VjcmV0\r\nMAIL FROM:<>\r\n".to_vec();
    for _ in 0..90 {
        octets.extend(format!("RCPT TO:<{}@b>\r\n", "a".repeat(1500)).bytes());
    }
    let (_, session) = play(ServerPlan { taking: Taking::Nobody, ..plan() }, &octets, 1000);
    let record = session.into_record();
    assert_eq!(record.count, 93);
    assert_eq!(record.commands[1].argument, "PLAIN");
    // What is cut is counted, and every name that weighs stands apart from what may be.
    assert_eq!(record.recipients.len() + record.not_written, 90);
    assert!(record.not_written > 0);
    let secret = b"EHLO a\r\nAUTH\tPLAIN\tAGEAc2VjcmV0\r\nAUTH LOGIN\r\nYWxpY2U=\r\nc2VjcmV0 x\r\nNOOP c2V\r\nc2VjcmV0\r\nEHLO a\r\nGET /\r\n\
        c2VjcmV0\r\ncGFzc3dvcmQ=\r\nSUBMITTER x\r\nXYZ\r\n";
    let (_, session) = play(plan(), secret, 1000);
    let words: Vec<String> =
        session.into_record().commands.iter().map(|c| format!("{} {}", c.verb, c.argument)).collect();
    let told = ["EHLO a", "AUTH PLAIN", "AUTH LOGIN", "(behind AUTH) ", "(behind AUTH) ", "NOOP ", "(behind AUTH) "];
    let later = ["EHLO a", "GET /", "(like base64) ", "(like base64) ", "SUBMITTER x", "XYZ "];
    assert_eq!(words, [&told[..], &later[..]].concat());
    let kept: usize = record.commands.iter().map(|c| c.verb.len() + c.argument.len()).sum::<usize>()
        + record.recipients.iter().map(String::len).sum::<usize>();
    assert!(kept <= ServerLimits::default().kept, "{kept}");
}
