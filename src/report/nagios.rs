//! One line for Nagios, Icinga and their kin: the state, a sentence, performance data; long output behind it.
//!
//! Standard: the monitoring plugins' development guidelines (plugin output, performance data, return codes). The exit
//! is 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. CRITICAL is an error, WARNING a warning or a verdict `differ`, where
//! `--fail-on` counts them; they outweigh UNKNOWN, which outweighs OK.
//! Hostile text: a `|` would begin performance data, and is written out. At most 8 KiB, the worst first.

use std::fmt::Write;

use super::cells::{MAX_NAME, ordered_findings, title};
use super::clean::{clean, clean_bounded};
use super::csv::verdict;
use super::summary::{not_given, worst_words};
use crate::judge::{Check, Severity, Standing, Summary, open_side};

/// The most that is printed, in octets; servers cut what is longer.
const MAX_OUTPUT: usize = 8 << 10;
/// The longest reason of a run that could not be made.
const MAX_REASON: usize = 1 << 10;

/// What has been seen.
#[derive(Debug)]
pub(super) struct Nagios {
    least: Option<Severity>,
    checks: usize,
    error: bool,
    failed: bool,
    unknown: bool,
    /// The only check, in words; gone where there is another.
    single: Option<Single>,
}

#[derive(Debug)]
struct Single {
    says: String,
    lines: Vec<String>,
    times: Vec<(&'static str, f64)>,
}

impl Nagios {
    pub(super) fn new(least: Option<Severity>) -> Self {
        Self { least, checks: 0, error: false, failed: false, unknown: false, single: None }
    }

    pub(super) fn check(&mut self, check: &Check) -> String {
        self.checks += 1;
        match Standing::of(check, self.least) {
            Standing::Agrees => {}
            Standing::Unknown => self.unknown = true,
            Standing::Findings => {
                self.failed = true;
                self.error |= check.findings.iter().any(|f| f.severity == Severity::Error);
            }
        }
        self.single = (self.checks == 1).then(|| single(check));
        String::new()
    }

    /// The state, and the weight of what makes it.
    pub(super) fn standing(&self) -> (Standing, Option<Severity>) {
        match self {
            Self { error: true, .. } => (Standing::Findings, Some(Severity::Error)),
            Self { failed: true, .. } => (Standing::Findings, Some(Severity::Warning)),
            Self { unknown: true, .. } => (Standing::Unknown, None),
            Self { .. } => (Standing::Agrees, None),
        }
    }

    pub(super) fn end(&mut self, summary: &Summary, open: Option<&str>) -> String {
        self.unknown |= open.is_some();
        let state = match self.standing() {
            (Standing::Findings, Some(Severity::Error)) => "CRITICAL",
            (Standing::Findings, _) => "WARNING",
            (Standing::Unknown, _) => "UNKNOWN",
            (Standing::Agrees, _) => "OK",
        };
        let mut says = match &self.single {
            Some(single) => single.says.clone(),
            None if self.checks == 0 && open.is_some() => "nothing was checked".into(),
            None if self.checks == 0 => "nothing to check in this part of the list".into(),
            None => format!(
                "{} of {} agree, {} differ, {} unknown{}",
                summary.agree,
                summary.checks,
                summary.differ,
                summary.unknown,
                not_given(summary)
            ),
        };
        says.extend(open.map(|open| format!("; {}", plain(open))));
        let mut out = format!("SMTP IDENTITY {state} - {says} |");
        // Writing to a String cannot fail.
        for (name, value) in [
            ("checks", summary.checks),
            ("agree", summary.agree),
            ("differ", summary.differ),
            ("unknown", summary.unknown),
            ("errors", summary.errors),
            ("warnings", summary.warnings),
        ] {
            let _ = write!(out, " {name}={value};;;0");
        }
        for (name, seconds) in self.single.iter().flat_map(|s| &s.times) {
            let _ = write!(out, " {name}={seconds:.4}s;;;0");
        }
        out.push('\n');
        let long: Vec<String> = match &self.single {
            Some(single) => single.lines.clone(),
            None => summary.worst.iter().map(worst).collect(),
        };
        for line in long {
            if out.len() + line.len() < MAX_OUTPUT {
                out.push_str(&line);
                out.push('\n');
            }
        }
        out
    }
}

/// The status line of a run that could not be made: the reason is one sentence.
pub fn monitor_not_run(reason: &str) -> String {
    format!("SMTP IDENTITY UNKNOWN - {}\n", plain(&clean_bounded(reason, MAX_REASON)))
}

fn single(check: &Check) -> Single {
    let findings = ordered_findings(check);
    let mut says = format!("{} {}", plain(&title(check)), verdict(check.agreement.verdict));
    if let Some(first) = findings.first().filter(|f| f.severity > Severity::Info) {
        let _ = write!(says, ": {} ({})", plain(&first.title), first.code);
    } else if let Some(open) = open_side(check) {
        let _ = write!(says, ": {}", plain(&clean_bounded(&open, MAX_NAME)));
    }
    let lines =
        findings.iter().map(|f| format!("{}: {}", f.code, plain(&clean_bounded(&f.detail, MAX_NAME)))).collect();
    let mut times = Vec::new();
    if let Some(smtp) = &check.smtp {
        let timing = smtp.timing_ms;
        for (name, ms) in
            [("connect", timing.connect), ("banner", timing.banner), ("ehlo", timing.ehlo), ("tls", timing.tls)]
        {
            times.extend(ms.map(|ms| (name, ms / 1000.0)));
        }
    }
    times.extend(check.dns.ptr.as_ref().map(|p| ("ptr", p.took_ms / 1000.0)));
    Single { says, lines, times }
}

fn worst(worst: &crate::judge::Worst) -> String {
    let ip = worst.ip.map(|ip| format!(" {ip}")).unwrap_or_default();
    let codes = plain(&worst_words(worst));
    let target = plain(&clean_bounded(&worst.target, MAX_NAME));
    let ip = if ip.trim() == target { String::new() } else { ip };
    format!("{target}{ip} {}: {}", verdict(worst.verdict), codes)
}

/// One line without the mark that begins performance data.
fn plain(text: &str) -> String {
    clean(text).replace('|', "\\x7c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_shard_is_in_order_and_what_was_left_out_is_not() {
        let mut empty = Nagios::new(None);
        assert!(empty.end(&Summary::default(), None).starts_with("SMTP IDENTITY OK - nothing to check"));
        assert_eq!(empty.standing(), (Standing::Agrees, None));
        let told = empty.end(&Summary::default(), Some("interrupted"));
        assert!(told.starts_with("SMTP IDENTITY UNKNOWN - nothing was checked; interrupted |"), "{told}");
        assert_eq!(empty.standing(), (Standing::Unknown, None));
    }
}
