//! What could not be looked up is not absent, not in place, and nothing to point a PTR at.

use smtp_preflight::judge::{Check, Side};
use smtp_preflight::report::{Ticket, ticket};

use crate::world::{PTR, check, check_where};

fn reverse(check: &Check) -> Vec<String> {
    let steps = check.remedy.iter().flat_map(|r| &r.steps).filter(|s| s.side == Side::Reverse);
    steps.flat_map(|s| s.publish.iter().chain(&s.withdraw).cloned()).collect()
}

#[tokio::test]
async fn a_confirmed_ptr_is_kept_where_the_ehlo_name_cannot_be_looked_up() {
    let zone = format!("good A 198.51.100.25\nlost A 198.51.100.25\n{PTR} good.example.net.");
    let check = check_where("lost.example.net", &zone, "lost.example.net").await;
    assert_eq!(check.remedy.as_ref().unwrap().name.as_deref(), Some("good.example.net"));
    assert_eq!(reverse(&check), [""; 0]);
}

#[tokio::test]
async fn nothing_is_asked_of_the_provider_before_the_name_was_looked_up() {
    let zone = format!("lost A 198.51.100.25\nold A 198.51.100.99\n{PTR} old.example.net.");
    let check = check_where("lost.example.net", &zone, "lost.example.net").await;
    assert_eq!(reverse(&check), [""; 0]);
    assert!(check.remedy.as_ref().is_none_or(|r| !r.by_records_alone));
    assert!(!ticket(&check, Ticket::Provider).contains("in place"));
}

#[tokio::test]
async fn a_failed_lookup_of_one_of_several_names_is_not_told_as_an_absence() {
    let zone = format!("good A 198.51.100.25\nlost A 198.51.100.25\n{PTR} good.example.net.\n25 PTR lost.example.net.");
    let failed = check_where("good.example.net", &zone, "lost.example.net").await;
    assert!(!failed.findings.iter().any(|f| f.code.to_string() == "ptr-partly-unconfirmed"));
    let open = failed.findings.iter().find(|f| f.code.to_string() == "ptr-forward-lookup-failed").unwrap();
    assert!(open.detail.contains("lost.example.net could not be looked up"), "{}", open.detail);
    assert_eq!(reverse(&failed), [""; 0], "nothing is removed for a failed lookup");
    let zone = zone.replace("lost A 198.51.100.25", "lost A 198.51.100.99");
    let stray = check("good.example.net", &zone).await;
    assert!(stray.findings.iter().any(|f| f.code.to_string() == "ptr-partly-unconfirmed"));
    let letter = ticket(&stray, Ticket::Provider);
    assert!(letter.contains("keep the PTR to good.example.net, and remove:"), "{letter}");
    assert!(letter.contains("IN PTR lost.example.net.") && !letter.contains("refuse our mail"), "{letter}");
}

#[tokio::test]
async fn no_address_is_printed_beside_an_alias() {
    let zone = format!("mail CNAME host\nhost A 198.51.100.99\n{PTR} mail.example.net.");
    let check = check("mail.example.net", &zone).await;
    let records: Vec<&String> = check.findings.iter().flat_map(|f| &f.fix.records).collect();
    assert!(records.iter().any(|r| *r == "host.example.net. 3600 IN A 198.51.100.25"), "{records:?}");
    assert!(!records.iter().any(|r| r.starts_with("mail.example.net.")), "{records:?}");
}

/// A report that withholds a change in one place prints it in no other.
#[tokio::test]
async fn where_something_is_wrong_and_nothing_can_be_planned_yet_every_text_says_so() {
    for zone in ["lost A 198.51.100.25".to_owned(), format!("old A 198.51.100.99\n{PTR} old.example.net.")] {
        let check = check_where("lost.example.net", &zone, "lost.example.net").await;
        let records: Vec<&String> = check.findings.iter().flat_map(|f| &f.fix.records).collect();
        assert!(records.is_empty(), "{records:?}");
        let letter = ticket(&check, Ticket::Customer);
        assert!(letter.contains("We could not tell yet what is to be changed: A of lost.example.net"), "{letter}");
        assert!(!letter.contains("What we need you to do"), "{letter}");
        let remark = ticket(&check, Ticket::Provider);
        assert!(remark.contains("check again first") && !remark.contains("no change"), "{remark}");
    }
}
