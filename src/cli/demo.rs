//! `demo`: the lab's scenarios on real loopback sockets; a row each, or one in full.
//!
//! Exit: 0 where every scenario comes out as its file says, 70 where one does not (a defect of ours),
//! 2 for an unknown name.

use std::fmt::Write as _;

use futures_util::stream::{self, StreamExt};

use super::args::DemoArgs;
use super::exit::Exit;
use super::output::{Results, color, say, width};
use crate::judge::{Agreement, Check, Code, Edge, EdgeState, Verdict, judge_for};
use crate::lab::{Lab, LabFault, Outcome, Scenario};
use crate::report::{self, TableOptions};

/// Scenarios at once: most of a scenario's time is waiting.
const AT_ONCE: usize = 16;

/// Runs `demo`.
pub(super) async fn run(args: &DemoArgs) -> Exit {
    let done = match &args.scenario {
        Some(name) => one(name, args).await,
        None => all().await,
    };
    match done {
        Ok(exit) => exit,
        Err(fault @ LabFault::Unknown(_)) => {
            say(&fault.to_string());
            Exit::Usage
        }
        Err(fault) => {
            say(&fault.to_string());
            Exit::Defect
        }
    }
}

async fn one(name: &str, args: &DemoArgs) -> Result<Exit, LabFault> {
    let scenario = Lab::scenario(name)?;
    let outcome = Lab::run(&scenario).await?;
    let options = TableOptions { width: width(), color: color(args.color), explain: args.explain };
    let mut text = format!("{}: {}\n{}\n\n", scenario.name, scenario.title, wrap(&scenario.about, options.width));
    let checks = outcome.evidence.iter().map(|evidence| judge_for(evidence, &args.receivers));
    let tables: Vec<String> = checks.map(|check| report::table(&check, &options)).collect();
    text += &tables.join("\n");
    Ok(print(&text, &[(scenario, outcome)]))
}

async fn all() -> Result<Exit, LabFault> {
    let scenarios = Lab::scenarios().collect::<Result<Vec<_>, _>>()?;
    let count = scenarios.len();
    let outcomes: Vec<Result<(Scenario, Outcome), LabFault>> = stream::iter(scenarios)
        .map(|scenario| async move { Lab::run(&scenario).await.map(|outcome| (scenario, outcome)) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut text = rows(&outcomes, width());
    let _ = write!(text, "\n{count} scenarios; `smtp-preflight demo NAME` shows one in full.\n");
    Ok(print(&text, &outcomes))
}

/// Prints, and says which scenario did not come out as its file has it.
fn print(text: &str, outcomes: &[(Scenario, Outcome)]) -> Exit {
    if let Err(e) = Results::default().write(text) {
        say(&format!("standard output cannot be written: {e}"));
        return Exit::Usage;
    }
    let mut exit = Exit::Agrees;
    for (scenario, outcome) in outcomes {
        for difference in outcome.differences(scenario) {
            say(&format!("scenario {} did not come out as expected: {difference}", scenario.name));
            exit = Exit::Defect;
        }
    }
    exit
}

/// A row an identity, and one for those of a scenario that are alike: the name, the three edges, the verdict, and the codes, one under the other where
/// they do not fit beside each other.
fn rows(outcomes: &[(Scenario, Outcome)], width: usize) -> String {
    let name_width = outcomes.iter().map(|(s, _)| s.name.len()).max().unwrap_or_default();
    let mut text = format!("{:name_width$}  EHLO PTR EHLO\n{:name_width$}  =PTR  =A   =A  verdict\n", "", "scenario");
    for (scenario, outcome) in outcomes {
        for (check, count) in alike(outcome.checks()) {
            let Agreement { verdict, ehlo_ptr, ptr_forward, ehlo_forward } = &check.agreement;
            let verdict = match verdict {
                Verdict::Agree => "agree",
                Verdict::Differ => "differ",
                Verdict::Unknown => "unknown",
            };
            let [one, two, three] = [ehlo_ptr, ptr_forward, ehlo_forward].map(sign);
            let head = format!("{:name_width$}   {one}    {two}    {three}  {verdict:7}", scenario.name);
            let mut codes: Vec<String> = check.findings.iter().map(|f| f.code.to_string()).collect();
            if count > 1 {
                codes.insert(0, format!("{count}×"));
            }
            let indent = head.chars().count() + 1;
            let codes = wrap(&codes.join(" "), width.saturating_sub(indent).max(26));
            let codes = codes.replace('\n', &format!("\n{:indent$}", ""));
            let _ = writeln!(text, "{}", format!("{head} {codes}").trim_end());
        }
    }
    text += "\n✓ agree · ✗ differ or absent · ? could not tell\n";
    text
}

/// Checks with the same row, one after the other, as one and their count.
fn alike(checks: Vec<Check>) -> Vec<(Check, usize)> {
    let row = |check: &Check| {
        let Agreement { ehlo_ptr, ptr_forward, ehlo_forward, .. } = &check.agreement;
        let codes: Vec<Code> = check.findings.iter().map(|f| f.code).collect();
        ([ehlo_ptr, ptr_forward, ehlo_forward].map(sign), codes)
    };
    let mut rows: Vec<(Check, usize)> = Vec::new();
    for check in checks {
        match rows.last_mut().filter(|(last, _)| row(last) == row(&check)) {
            Some((_, count)) => *count += 1,
            None => rows.push((check, 1)),
        }
    }
    rows
}

fn sign(edge: &Edge) -> char {
    match edge.state {
        EdgeState::Agree => '✓',
        EdgeState::Differ | EdgeState::Absent => '✗',
        EdgeState::Unknown => '?',
    }
}

fn wrap(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|l| l.chars().count() + word.chars().count() < width);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
