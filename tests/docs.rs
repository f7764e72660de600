//! The pages under docs/ that are generated are equal to what the program says.
//!
//! After a change that is meant: `UPDATE_DOCS=1 cargo test --test docs` writes them anew.

#![expect(clippy::disallowed_methods, reason = "the test reads, and when told writes, the pages")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;

use smtp_preflight::lab::{Lab, Scenario};

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

/// The tables of the receivers' rules, between their marks; the rest of the page is written by hand.
#[test]
fn receivers() {
    use smtp_preflight::report::{policies_markdown, rules_markdown, settings_markdown};
    let mut now = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/receivers.md")).unwrap();
    for (mark, table) in
        [("rules", rules_markdown()), ("settings", settings_markdown()), ("policies", policies_markdown())]
    {
        let begin = now.find(&format!("<!-- {mark}: ")).unwrap();
        let begin = begin + now[begin..].find('\n').unwrap() + 1;
        let end = begin + now[begin..].find("<!-- end -->").unwrap();
        now.replace_range(begin..end, &format!("\n{table}\n"));
    }
    same("docs/receivers.md", &now);
}

#[test]
fn schema() {
    same("docs/schema/report.json", &smtp_preflight::report::schema_json());
    same("docs/schema/bounces.json", &smtp_preflight::report::bounces_schema_json());
    same("docs/schema/roundtrip.json", &smtp_preflight::report::roundtrip_schema_json());
    same("docs/schema/listen.json", &smtp_preflight::report::listen_schema_json());
}

/// The README shows what the program prints, to the letter. Of the bounce, what changes from run to run
/// (the resolver's port, the time taken) stands for itself.
#[tokio::test(flavor = "multi_thread")]
async fn readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut now = std::fs::read_to_string(root.join("README.md")).unwrap();
    for (command, evidence, more) in [
        ("$ smtp-preflight check relay.example.net --tls off\n", "fixtures/evidence/agree.json", &[][..]),
        ("$ smtp-preflight check relay.example.org --tls off\n", "fixtures/evidence/no-ptr.json", &[]),
        (
            "$ smtp-preflight check relay.example.org --ticket provider\n",
            "fixtures/evidence/no-ptr.json",
            &["--ticket", "provider"],
        ),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_smtp-preflight"))
            .current_dir(root)
            .args(["check", "--replay", evidence])
            .args(more)
            .output()
            .unwrap();
        show(&mut now, command, &String::from_utf8(output.stdout).unwrap());
    }
    show(&mut now, "$ smtp-preflight bounce bounce.eml\n", &bounce(root).await);
    same("README.md", &now);
}

fn show(page: &mut String, command: &str, printed: &str) {
    let begin = page.find(command).unwrap() + command.len();
    let end = begin + page[begin..].find("```").unwrap();
    page.replace_range(begin..end, printed);
}

/// A bounce's report, before the DNS of `fixtures/desk.toml`.
async fn bounce(root: &Path) -> String {
    let scenario = std::fs::read_to_string(root.join("fixtures/desk.toml")).unwrap();
    let lab = Lab::start(&Scenario::parse("desk", &scenario).unwrap()).await.unwrap();
    let resolver = lab.resolvers[0].to_string();
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(root.join("fixtures/bounces/01-postfix-gmail-ptr.eml"), folder.path().join("bounce.eml")).unwrap();
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    program.current_dir(folder.path()).args(["bounce", "bounce.eml", "--resolver", &resolver]);
    let output = tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (before, after) = printed.split_once(&format!("asked {resolver} · ")).unwrap();
    let (_, after) = after.split_once('\n').unwrap();
    // The page's command names no resolver, so neither does the command that checks again.
    let named = format!(" --resolver {resolver}");
    assert!(after.contains(&named), "{after}");
    let after = after.replace(&named, "");
    format!("{before}asked 192.0.2.53 · 0.6 ms\n{after}")
}

/// What the README tells a newcomer to type is what the program understands.
#[test]
fn the_readme_names_options_that_there_are() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let help: String = ["check", "bounce", "listen", "roundtrip"]
        .into_iter()
        .map(|verb| {
            let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
            String::from_utf8(program.args([verb, "--help"]).output().unwrap().stdout).unwrap()
        })
        .collect();
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
