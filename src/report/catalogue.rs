//! The findings catalogue as a page: `docs/findings.md`.

use std::fmt::Write;

use crate::judge::{Code, Severity};

/// The page, generated so that it cannot differ from what the program says.
pub fn catalogue_markdown() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         Every code that a report can hold, from `src/judge/catalogue.rs`; a test keeps this page equal to it.\n\
         A code is stable for ever.\n\n\
         `error`: refused in practice. `warning`: scored, or refused by some. `info`: worth knowing, and every\n\
         \"could not tell\" (the verdict `unknown` and exit code 3 say that the check is open).\n",
    );
    for severity in [Severity::Error, Severity::Warning, Severity::Info] {
        let word = word(severity);
        let _ = write!(page, "\n## Severity `{word}`\n");
        for entry in Code::all().filter(|e| e.severity == severity) {
            let _ = write!(
                page,
                "\n### `{}`\n\n**{}.** {}\n\n- Who: {}\n- Remedy: {}\n- Reference: {}\n",
                entry.slug, entry.title, entry.meaning, entry.who, entry.remedy, entry.reference
            );
        }
    }
    page
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}
