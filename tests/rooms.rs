//! Each room imports only the rooms that the architecture allows it (docs/architecture.md).
//!
//! Textual: it reads `crate::room` and `super`-free paths in `src/`. Together with the lints of
//! `.clippy.toml` it keeps observing and judging apart.

#![expect(clippy::disallowed_methods, reason = "the test reads the sources")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A room, what it may use of ours, and what it must not use of others'.
const ROOMS: &[(&str, &[&str], &[&str])] = &[
    ("name", &[], PURE),
    ("target", &["name"], PURE),
    ("smtp", &["name"], PURE),
    ("dns", &["name"], PURE),
    ("domain", &["name", "dns"], PURE),
    ("evidence", &["name", "target", "smtp", "dns"], PURE),
    ("knowledge", &["name"], PURE),
    ("judge", &["evidence", "knowledge", "name", "smtp", "dns"], PURE),
    ("bounce", &["knowledge", "name", "smtp"], PURE),
    ("desk", &["bounce", "judge", "evidence", "dns", "name"], PURE),
    ("report", &["judge", "bounce", "desk", "evidence", "knowledge", "name", "smtp", "dns"], PURE),
    ("observe", &["evidence", "name", "target", "smtp", "dns"], &["clap::", "tabled::"]),
    ("lab", &["observe", "evidence", "judge", "name", "target", "smtp", "dns"], &["clap::", "tabled::"]),
    (
        "cli",
        &[
            "bounce",
            "desk",
            "domain",
            "knowledge",
            "judge",
            "observe",
            "lab",
            "report",
            "evidence",
            "name",
            "target",
            "smtp",
            "dns",
        ],
        &[],
    ),
];

const PURE: &[&str] = &[
    "tokio::",
    "hickory_",
    "rustls::",
    "std::fs",
    "std::env",
    "io::stdin",
    "io::stdout",
    "io::stderr",
    "SystemTime",
    "Instant",
];

fn sources(room: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    if src.join(room).is_dir() {
        walk(&src.join(room), &mut found);
    }
    found.extend(Some(src.join(format!("{room}.rs"))).filter(|file| file.is_file()));
    assert!(!found.is_empty(), "room `{room}` has no file");
    found
}

/// The code of a file: without comments and without its test module.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms named behind `crate::`, braces included: in a list each item's first word, whatever it nests.
fn imported(code: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for behind in code.split("crate::").skip(1) {
        let names = match behind.trim_start().strip_prefix('{') {
            Some(list) => items(list),
            None => vec![behind],
        };
        for name in names {
            let name: String = name.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() {
                rooms.insert(name);
            }
        }
    }
    rooms
}

/// The items of a brace list, up to the brace that closes it.
fn items(list: &str) -> Vec<&str> {
    let (mut depth, mut from, mut found) = (0_usize, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(&list[from..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found
}

#[test]
fn nested_braces_hide_no_import() {
    let code = "use crate::{\n    dns::{Lookup, reply::{Reply}},\n    observe::{Dns},\n    judge,\n};\nuse crate::name::{EhloName};\nlet x = crate::smtp::offers(y);";
    assert_eq!(Vec::from_iter(imported(code)), ["dns", "judge", "name", "observe", "smtp"]);
}

/// Room and "may use" of each row of the page's table.
fn page() -> Vec<(String, BTreeSet<String>)> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/architecture.md")).unwrap();
    let table = text.split("| room | holds | may use |").nth(1).unwrap().split("\n\n").next().unwrap();
    let quoted = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let rows = table.lines().filter(|l| l.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.split('|').collect();
        assert_eq!(cells.len(), 5, "{row}");
        let may = quoted(cells[3]).iter().flat_map(|names| names.split(' ')).map(str::to_owned).collect();
        (quoted(cells[1]).remove(0), may)
    })
    .collect()
}

#[test]
fn the_page_shows_this_table() {
    let ours: Vec<(String, BTreeSet<String>)> = ROOMS
        .iter()
        .map(|(room, may, _)| ((*room).to_owned(), may.iter().map(ToString::to_string).collect()))
        .collect();
    for (room, may) in &ours {
        let row = page().into_iter().find(|(r, _)| r == room);
        assert_eq!(row.as_ref().map(|(_, m)| m), Some(may), "room `{room}` in docs/architecture.md");
    }
    assert_eq!(page().len(), ours.len(), "docs/architecture.md has a room that there is not");
}

#[test]
fn every_room_keeps_to_its_imports() {
    let mut seen = 0;
    for (room, may, may_not) in ROOMS {
        for path in sources(room) {
            let code = code(&path);
            for import in imported(&code) {
                assert!(
                    import == *room || may.contains(&import.as_str()),
                    "{} uses crate::{import}; room `{room}` may use {may:?}",
                    path.display()
                );
                seen += 1;
            }
            for foreign in *may_not {
                assert!(!code.contains(foreign), "{} uses {foreign}; room `{room}` must not", path.display());
            }
        }
    }
    assert!(seen > 40, "the test must have read the imports, and found {seen}");
}

#[test]
fn every_room_is_in_the_table() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(src).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let room = name.strip_suffix(".rs").unwrap_or(&name);
        assert!(
            ["lib", "main"].contains(&room) || ROOMS.iter().any(|(r, ..)| *r == room),
            "src/{name} is a room without a row in tests/rooms.rs"
        );
    }
}
