//! The pages under docs/ that are generated are equal to what the program says.
//!
//! After a change that is meant: `UPDATE_DOCS=1 cargo test --test docs` writes them anew.

#![expect(clippy::disallowed_methods, reason = "the test reads, and when told writes, the pages")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;

fn same(page: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "{page} is not what the program says; run UPDATE_DOCS=1 cargo test --test docs");
}

#[test]
fn findings() {
    same("docs/findings.md", &smtp_preflight::report::catalogue_markdown());
}

#[test]
fn schema() {
    same("docs/schema/report.json", &smtp_preflight::report::schema_json());
    same("docs/schema/bounces.json", &smtp_preflight::report::bounces_schema_json());
}

/// The README shows what the program prints, to the letter.
#[test]
fn readme() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut now = page.clone();
    for (command, evidence) in [
        ("$ smtp-preflight check relay.example.net --tls off\n", "fixtures/evidence/agree.json"),
        ("$ smtp-preflight check relay.example.org --tls off\n", "fixtures/evidence/no-ptr.json"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_smtp-preflight"))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["check", "--replay", evidence])
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let begin = now.find(command).unwrap() + command.len();
        let end = begin + now[begin..].find("```").unwrap();
        now.replace_range(begin..end, &printed);
    }
    same("README.md", &now);
}

/// What the README tells a newcomer to type is what the program understands.
#[test]
fn the_readme_names_options_that_there_are() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let help =
        std::process::Command::new(env!("CARGO_BIN_EXE_smtp-preflight")).args(["check", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let options: std::collections::BTreeSet<&str> = page
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| {
            word.starts_with("--")
                && word.trim_matches(|c| c == '-').len() > 1
                && *word != "--release"
                && *word != "--path"
        })
        .collect();
    assert!(options.len() >= 8, "{options:?}");
    for option in options {
        assert!(help.contains(option), "README names {option}, and --help does not");
    }
}
