//! The steps that a server gets by how it greets: what it is taken for, where its EHLO name is set, and how sure that is.

#![allow(clippy::unwrap_used, reason = "a test may")]

use smtp_preflight::judge::{Check, RemedyStep, Side, judge};
use smtp_preflight::lab::{Lab, Scenario};
use smtp_preflight::report::{TableOptions, table};

/// A server whose address is mail.example.net in both directions, and that greets and answers EHLO like this.
async fn check(greeting: &[&str], ehlo: &[&str]) -> Check {
    let reply = |code: u16, lines: &[&str]| {
        let last = lines.len() - 1;
        let line = |(at, text): (usize, &&str)| format!("{code}{}{text}\r\n", if at == last { ' ' } else { '-' });
        lines.iter().enumerate().map(line).collect::<String>()
    };
    let send = |moment: &str, text: String| format!("[[peer.script]]\non = '{moment}'\ndo = [{{ send = {text:?} }}]\n");
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[[dns]]\nzone = '''\n$ORIGIN example.net.\nmail A {{ip}}\n\
         $ORIGIN {{reverse_zone}}.\n{{reverse}}. PTR mail.example.net.\n'''\n[[peer]]\naddress = '127.7.0.2'\n\
         [peer.tls]\noffered = false\n{}{}[[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\n\
         ehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n",
        send("greeting", reply(220, greeting)),
        send("ehlo", reply(250, ehlo)),
    );
    let scenario = Scenario::parse("server", &text).unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    judge(&lab.observe(&scenario).await.unwrap()[0])
}

fn setting(check: &Check) -> &RemedyStep {
    check.remedy.as_ref().unwrap().steps.iter().find(|s| s.side == Side::Ehlo).unwrap()
}

fn shown(check: &Check, explain: bool) -> String {
    table(check, &TableOptions { width: 250, color: false, explain })
}

#[tokio::test]
async fn cpanel_is_told_to_look_at_its_ptr_first() {
    let greeting = [
        "old.example.net ESMTP Exim 4.98 #2 Sat, 28 Nov 2026 10:00:00 +0100 ",
        "We do not authorize the use of this system to transport unsolicited, ",
        "and/or bulk e-mail.",
    ];
    let check = check(&greeting, &["old.example.net Hello probe.example.org [127.0.0.1]", "SIZE 52428800"]).await;
    let how = &setting(&check).how;
    let at = |text: &str| how.iter().position(|h| h.contains(text)).unwrap_or_else(|| panic!("{text}: {how:#?}"));
    let look = at("once that is mail.example.net, press \"Rebuild Reverse DNS Cache and Update Mail HELO\"");
    let table = at("only where that is switched off");
    assert!(look < table && table < at("*: mail.example.net"), "{how:#?}");
    assert!(how[at("setting:")].contains("Use the reverse DNS entry for the mail HELO/EHLO if available\" off"));
    assert!(shown(&check, false).contains("So does Exim, which is set up elsewhere: see --explain."), "{check:?}");
}

#[tokio::test]
async fn a_product_without_an_entry_is_not_taken_for_another() {
    let check = check(
        &["old.example.net ESMTP Unheard-Of Mailer 7.2.1; Sat, 28 Nov 2026 10:00:00 +0100"],
        &["old.example.net Hello probe.example.org [127.0.0.1], pleased to meet you", "DSN", "DELIVERBY"],
    )
    .await;
    let remedy = check.remedy.as_ref().unwrap();
    assert!(remedy.mta.is_none() && setting(&check).how.is_empty(), "{remedy:#?}");
}

#[tokio::test]
async fn words_that_several_use_are_a_guess() {
    let check = check(
        &["old.example.net ESMTP"],
        &["old.example.net Hello probe.example.org [127.0.0.1], pleased to meet you"],
    )
    .await;
    let mta = check.remedy.as_ref().unwrap().mta.as_ref().unwrap();
    assert!(mta.slug == "sendmail" && !mta.certain, "{mta:?}");
    let shown = shown(&check, true);
    for words in ["a guess, since others answer alike", "if it is MDaemon: ", "if it is OpenSMTPD: "] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[tokio::test]
async fn lines_that_belong_together_are_copied_together() {
    let check =
        check(&["old.example.net ESMTP Postal/AB12CD"], &["My capabilities are", "AUTH CRAM-MD5 PLAIN LOGIN"]).await;
    let step = setting(&check);
    assert_eq!(step.verbatim, ["dns:", "  helo_hostname: mail.example.net"]);
    for width in [250, 40, 20] {
        let shown = table(&check, &TableOptions { width, color: false, explain: false });
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines.iter().position(|l| l.trim() == "dns:").unwrap_or_else(|| panic!("{shown}"));
        // The second line is indented under the first.
        assert_eq!(lines[at + 1].find("helo_hostname: mail"), lines[at].find("dns:").map(|n| n + 2), "{shown}");
    }
}
