//! Colour: what each state and weight looks like, and nothing where colour is off.
//!
//! Colour never carries a meaning alone; every sign and word reads without it.

use anstyle::{AnsiColor, Style};

use crate::judge::{EdgeState, Severity, Verdict};

/// A pen that writes in colour or not at all.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    pub color: bool,
}

const fn of(color: AnsiColor) -> Style {
    Style::new().fg_color(Some(anstyle::Color::Ansi(color)))
}

const GOOD: Style = of(AnsiColor::Green);
const BAD: Style = of(AnsiColor::Red);
const DOUBT: Style = of(AnsiColor::Yellow);
const RECORD: Style = of(AnsiColor::Cyan);

impl Ink {
    fn paint(self, style: Style, text: &str) -> String {
        if self.color && !text.is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(super) fn strong(self, text: &str) -> String {
        self.paint(Style::new().bold(), text)
    }

    pub(super) fn faint(self, text: &str) -> String {
        self.paint(Style::new().dimmed(), text)
    }

    pub(super) fn record(self, text: &str) -> String {
        self.paint(RECORD, text)
    }

    pub(super) fn verdict(self, verdict: Verdict, text: &str) -> String {
        let style = match verdict {
            Verdict::Agree => GOOD,
            Verdict::Differ => BAD,
            Verdict::Unknown => DOUBT,
        };
        self.paint(style.bold(), text)
    }

    pub(super) fn state(self, state: EdgeState, text: &str) -> String {
        let style = match state {
            EdgeState::Agree => GOOD,
            EdgeState::Differ | EdgeState::Absent => BAD,
            EdgeState::Unknown => DOUBT,
        };
        self.paint(style, text)
    }

    pub(super) fn severity(self, severity: Severity, text: &str) -> String {
        match severity {
            Severity::Error => self.paint(BAD.bold(), text),
            Severity::Warning => self.paint(DOUBT.bold(), text),
            Severity::Info => self.paint(Style::new().bold(), text),
        }
    }
}
