//! What is there to be copied is never folded: records, commands, settings and the addresses of pages, at every
//! width, in the table, in a pool's table and in a ticket.

use smtp_preflight::judge::receivers::{receiver_names, rule_entries};
use smtp_preflight::judge::{Check, Remedy};
use smtp_preflight::report::{Pool, TableOptions, Ticket, explain_receiver, explain_rule, pool_table, table, ticket};

use crate::samples;

const WIDTHS: [usize; 4] = [40, 60, 80, 120];

fn at(width: usize, explain: bool) -> TableOptions {
    TableOptions { width, color: false, explain }
}

fn remedy(check: &Check) -> &Remedy {
    check.remedy.as_ref().unwrap()
}

/// The lines of a check's remedy that are to be copied.
fn copied(check: &Check) -> Vec<&str> {
    let lines = remedy(check).steps.iter().flat_map(|s| s.publish.iter().chain(&s.withdraw).chain(&s.verbatim));
    lines.map(String::as_str).collect()
}

/// A line of the text that is this one and nothing else, white space before it aside.
fn has_line(text: &str, line: &str) -> bool {
    text.lines().any(|l| l.trim_start() == line)
}

#[test]
fn records_and_commands_stand_on_a_line() {
    let checks = samples::over_v6();
    let all: Vec<&str> = checks.iter().flat_map(copied).collect();
    for needed in [
        " IN PTR ",
        " IN AAAA ",
        "hcloud server set-rdns",
        "smtp_helo_name = ",
        "REMOTE_SMTP_HELO_DATA = ",
        "MAIN_HARDCODE_PRIMARY_HOSTNAME = ",
        "smtp-preflight check --ip",
    ] {
        assert!(all.iter().any(|l| l.contains(needed)), "no {needed:?} among {all:#?}");
    }
    assert!(remedy(&checks[0]).steps.iter().any(|s| !s.withdraw.is_empty()));
    for check in &checks {
        for (width, explain) in WIDTHS.into_iter().flat_map(|w| [(w, false), (w, true)]) {
            let text = table(check, &at(width, explain));
            for line in copied(check) {
                assert!(has_line(&text, line), "{width}: {line}\n{text}");
            }
            for page in remedy(check).provider.iter().map(|p| &p.documentation) {
                assert!(text.contains(page.as_str()), "{width}: {page}\n{text}");
            }
        }
        let text = ticket(check, Ticket::Customer);
        // A customer is not told to run this program.
        for line in copied(check).iter().filter(|l| !l.starts_with("smtp-preflight ")) {
            assert!(has_line(&text, line), "{line}\n{text}");
        }
    }
    let mut pool = Pool::default();
    // A pool is one server's.
    for check in &checks[..2] {
        pool.add(check);
    }
    for width in WIDTHS {
        let text = pool_table(&pool, &at(width, false));
        for line in checks[..2].iter().flat_map(copied).filter(|l| !l.starts_with("smtp-preflight ")) {
            assert!(has_line(&text, line), "{width}: {line}\n{text}");
        }
    }
}

/// A command within a sentence stands in backticks, and is not folded either.
#[test]
fn a_command_within_a_sentence_stays_whole() {
    let checks = samples::over_v6();
    let how = remedy(&checks[1]).steps.iter().flat_map(|s| &s.how);
    let commands: Vec<&str> = how.filter_map(|h| h.split('`').nth(1)).collect();
    assert!(commands.contains(&"postfix reload"), "{commands:?}");
    for width in WIDTHS {
        let text = table(&checks[1], &at(width, true));
        for command in &commands {
            assert!(text.contains(&format!("`{command}`")), "{width}: {command}\n{text}");
        }
    }
}

#[test]
fn the_address_of_a_page_stays_whole() {
    for width in WIDTHS {
        for entry in rule_entries() {
            let text = explain_rule(&entry, &at(width, false));
            for word in entry.source.split(' ').filter(|w| w.contains("https://")) {
                assert!(text.contains(word), "{width}: {word}\n{text}");
            }
        }
        let all: String = receiver_names().iter().map(|r| explain_receiver(Some(r), &at(width, false))).collect();
        assert!(all.lines().count() > 20);
    }
}
