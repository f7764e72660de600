//! What a report prints beside a finding is the judge's answer, not one of its own.

use smtp_preflight::judge::{Code, judge};
use smtp_preflight::report::{TableOptions, table};

use super::samples;

#[test]
fn a_certificate_for_any_name_of_the_server_is_for_the_server() {
    let mut evidence = samples::agreeing_evidence();
    for (names, covers, words) in [
        (&["mail.example.net"][..], true, "names match"),
        (&["*.example.net"], true, "names match"),
        (&["relay.example.net"], true, "names match"),
        (&["elsewhere.example"], false, "names elsewhere.example, not this server"),
        (&[], false, "no names"),
    ] {
        let tls = evidence.smtp.as_mut().and_then(|s| s.tls.as_mut()).unwrap();
        tls.names = names.iter().map(ToString::to_string).collect();
        let check = judge(&evidence);
        assert_eq!(check.smtp.as_ref().unwrap().tls_covers, Some(covers), "{names:?}");
        assert_eq!(check.findings.iter().any(|f| f.code == Code::TlsNameMismatch), !covers, "{names:?}");
        let text = table(&check, &TableOptions { width: 160, ..TableOptions::default() });
        assert!(text.contains(words), "{names:?}:\n{text}");
    }
}

#[test]
fn a_banner_is_compared_once() {
    let mut evidence = samples::agreeing_evidence();
    for (banner, ehlo, same) in [
        ("mail.example.net", "MAIL.example.net.", true),
        ("mail.example.net", "other.example.net", false),
        ("[IPv6:2001:db8::1]", "[IPv6:2001:DB8:0::1]", true),
    ] {
        let smtp = evidence.smtp.as_mut().unwrap();
        smtp.greeting.as_mut().unwrap().lines = vec![format!("{banner} ESMTP")];
        for exchange in smtp.exchanges.iter_mut().filter(|e| e.command.starts_with("EHLO ")) {
            ehlo.clone_into(&mut exchange.reply.as_mut().unwrap().lines[0]);
        }
        let check = judge(&evidence);
        assert_eq!(check.smtp.as_ref().unwrap().banner_is_ehlo, Some(same), "{banner} {ehlo}");
        assert_eq!(check.findings.iter().any(|f| f.code == Code::BannerDiffersFromEhlo), !same, "{banner} {ehlo}");
        let text = table(&check, &TableOptions { width: 160, ..TableOptions::default() });
        assert_eq!(text.contains("the EHLO reply"), !same, "{banner} {ehlo}:\n{text}");
    }
}
