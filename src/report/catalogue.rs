//! The findings catalogue as a page: `docs/findings.md`.

use std::fmt::Write;

use super::cells::severity_words;
use crate::judge::{Code, Entry};

/// The page, generated so that it cannot differ from what the program says.
pub fn catalogue_markdown() -> String {
    let mut page = String::from(
        "# Findings\n\n\
         Every code that a report can hold, from `src/judge/catalogue/`; a test keeps this page equal to it.\n\
         `smtp-preflight explain CODE` prints the same. A code is stable for ever.\n\n\
         `error`: refused in practice. `warning`: scored, or refused by some. `info`: worth knowing, and every\n\
         \"could not tell\" (the verdict `unknown` and exit code 3 say that the check is open).\n\n\
         Scores and replies are of stock settings. Measured: Postfix 3.7, Exim 4.96, OpenSMTPD 6.8, Sendmail 8.17,\n\
         rspamd 3.4 and 4.1.5, SpamAssassin 4.0.1 (network tests, no Bayes). The others are as documented or seen.\n",
    );
    for subject in Code::subjects() {
        let _ = write!(page, "\n- [{}](#{})", subject.title, anchor(subject.title));
    }
    page.push('\n');
    for subject in Code::subjects() {
        let _ = write!(page, "\n## {}\n", subject.title);
        for entry in subject.entries {
            section(&mut page, entry);
        }
    }
    page
}

fn section(page: &mut String, entry: &Entry) {
    let severity = severity_words(entry.severity);
    let _ = write!(
        page,
        "\n### `{}`\n\n**{}** (`{severity}`). {}\n\n{}\n\n- Why `{severity}`: {}\n",
        entry.slug, entry.title, entry.meaning, entry.precise, entry.why
    );
    if !entry.receivers.is_empty() {
        page.push_str("- Who acts on it:\n");
        for rule in entry.receivers {
            let _ = writeln!(page, "  - `{}`: {}", rule.name, rule.does);
        }
    }
    let _ = write!(
        page,
        "- Who can remove it: {}\n- Remedy: {}\n- Reference: {}\n",
        entry.who, entry.remedy, entry.reference
    );
}

/// The address that a heading gets on the usual sites: lower case, hyphens for spaces.
fn anchor(title: &str) -> String {
    title.to_lowercase().replace(' ', "-")
}
