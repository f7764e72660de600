//! JUnit XML: a testcase an identity, for whoever shows test results.
//!
//! Shape: `testsuites` of `testsuite`s of at most [`SUITE`] testcases: a suite must give its counts before its cases,
//! so one suite is held back and no more. `failure` where there are findings as heavy as `--fail-on` asks, or a verdict
//! `differ`; `error` where it could not be judged.
//! Standard: XML 1.0 §2.2 (characters), §2.4 and §3.3.3 (escapes); the schema of Jenkins' xunit plugin.

use std::fmt::Write;

use super::cells::{label, ordered_findings, title, told_severity, verdict_words};
use super::clean::clean;
use super::markup::escaped;
use crate::judge::{Check, Severity, Standing};

/// Testcases of a suite.
const SUITE: usize = 500;

/// The suite that is not written yet.
#[derive(Debug)]
pub(super) struct Junit {
    least: Option<Severity>,
    suites: usize,
    cases: String,
    tests: usize,
    failures: usize,
    errors: usize,
    begun: String,
}

impl Junit {
    pub(super) fn new(least: Option<Severity>) -> Self {
        Self { least, suites: 0, cases: String::new(), tests: 0, failures: 0, errors: 0, begun: String::new() }
    }

    pub(super) fn begin() -> String {
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"smtp-preflight\">\n".into()
    }

    pub(super) fn check(&mut self, check: &Check) -> String {
        if self.tests == 0 {
            self.begun.clone_from(&check.observed_at);
        }
        let standing = Standing::of(check, self.least);
        self.tests += 1;
        self.failures += usize::from(standing == Standing::Findings);
        self.errors += usize::from(standing == Standing::Unknown);
        case(&mut self.cases, check, standing);
        if self.tests < SUITE { String::new() } else { self.suite() }
    }

    pub(super) fn end(&mut self) -> String {
        self.suite() + "</testsuites>\n"
    }

    /// Writes what is held.
    fn suite(&mut self) -> String {
        if self.tests == 0 {
            return String::new();
        }
        self.suites += 1;
        let suite = format!(
            "  <testsuite name=\"smtp-preflight {}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" \
             timestamp=\"{}\">\n{}  </testsuite>\n",
            self.suites,
            self.tests,
            self.failures,
            self.errors,
            escaped(self.begun.split(['.', 'Z']).next().unwrap_or_default()),
            self.cases
        );
        *self = Self { suites: self.suites, ..Self::new(self.least) };
        suite
    }
}

fn case(out: &mut String, check: &Check, standing: Standing) {
    let name = match label(check) {
        Some(label) => format!("{label}: {}", title(check)),
        None => title(check),
    };
    // Writing to a String cannot fail.
    let _ = write!(out, "    <testcase classname=\"smtp-preflight.agreement\" name=\"{}\"", escaped(&name));
    let findings = ordered_findings(check);
    let mut text = String::new();
    let edges = &check.agreement;
    for (edge, name) in [
        (&edges.ehlo_ptr, "EHLO with PTR"),
        (&edges.ptr_forward, "PTR with A/AAAA"),
        (&edges.ehlo_forward, "EHLO with A/AAAA"),
    ] {
        let _ = writeln!(text, "{name}: {}", clean(&edge.because));
    }
    for finding in &findings {
        let _ = writeln!(
            text,
            "{} ({}): {}",
            finding.code,
            told_severity(finding.severity, finding.code),
            clean(&finding.detail)
        );
        for line in finding.fix.steps.iter().chain(&finding.fix.records) {
            let _ = writeln!(text, "  {}", clean(line));
        }
    }
    let text = escaped(&text);
    let heaviest = findings.first();
    let kind = heaviest.map_or_else(|| "verdict".to_owned(), |f| f.code.to_string());
    let message = heaviest.map_or_else(
        || verdict_words(check.agreement.verdict).to_owned(),
        |f| format!("{}: {}", clean(&f.title), clean(&f.detail)),
    );
    let _ = match standing {
        Standing::Agrees if findings.is_empty() => writeln!(out, "/>"),
        Standing::Agrees => writeln!(out, ">\n      <system-out>{text}</system-out>\n    </testcase>"),
        Standing::Findings => writeln!(
            out,
            ">\n      <failure type=\"{kind}\" message=\"{}\">{text}</failure>\n    </testcase>",
            escaped(&message)
        ),
        Standing::Unknown => writeln!(
            out,
            ">\n      <error type=\"{kind}\" message=\"{}\">{text}</error>\n    </testcase>",
            escaped(&message)
        ),
    };
}
