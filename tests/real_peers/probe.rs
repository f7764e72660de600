//! Runs the built binary in a world, and reads what it says.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::world::World;

/// The name that the probe says in EHLO.
pub(crate) const US: &str = "probe.example.org";

/// A run that has ended.
pub(crate) struct Ran {
    /// The exit code.
    pub(crate) exit: i32,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
    /// Wall time.
    pub(crate) took: Duration,
}

/// The binary under test: cargo's, unless `SMTP_PREFLIGHT_BINARY` names another (`.ci/run`: the release build).
pub(crate) fn binary() -> String {
    std::env::var("SMTP_PREFLIGHT_BINARY").unwrap_or_else(|_| env!("CARGO_BIN_EXE_smtp-preflight").into())
}

/// Runs `check` with these arguments; 60 s at most.
pub(crate) fn run(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.outside("timeout");
    command.args(["--kill-after=1", "60", &binary(), "check", "--helo-as", US]);
    command.args(arguments);
    let begun = Instant::now();
    let output = command.output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).expect("output is UTF-8");
    Ran {
        exit: output.status.code().expect("it ended by itself"),
        out: text(output.stdout),
        err: text(output.stderr),
        took: begun.elapsed(),
    }
}

/// The one check of a run with `--format json`, and the exit code.
pub(crate) fn check(world: &World, arguments: &[&str]) -> Seen {
    let ran = run(world, &[arguments, &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err));
    assert_eq!(report["schema"], "smtp-preflight/1");
    assert_eq!(report["summary"]["checks"], 1, "{report:#}");
    let check = report["checks"][0].clone();
    // One sentence beside the report where the dialogue ended early, and nothing otherwise.
    let lines = usize::from(check.pointer("/smtp/fault").is_some_and(|f| !f.is_null()));
    assert_eq!(ran.err.lines().count(), lines, "{}", ran.err);
    Seen { exit: ran.exit, check, took: ran.took }
}

/// One check as JSON.
pub(crate) struct Seen {
    /// The exit code.
    pub(crate) exit: i32,
    /// The check.
    pub(crate) check: Value,
    /// Wall time.
    pub(crate) took: Duration,
}

impl Seen {
    /// The value at this JSON pointer.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.check.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {:#}", self.check))
    }

    /// Demands the values at these pointers.
    #[track_caller]
    pub(crate) fn is(&self, wanted: &[(&str, Value)]) -> &Self {
        for (pointer, value) in wanted {
            assert_eq!(self.at(pointer), value, "{pointer} of {:#}", self.check);
        }
        self
    }

    /// Demands the verdict, the edges (EHLO–PTR, PTR–address, EHLO–address), iprev and the exit code.
    #[track_caller]
    pub(crate) fn judged(&self, verdict: &str, edges: [&str; 3], iprev: &str, exit: i32) -> &Self {
        let seen = ["ehlo_ptr", "ptr_forward", "ehlo_forward"].map(|e| self.at(&format!("/agreement/{e}/state")));
        assert_eq!(self.at("/agreement/verdict"), verdict, "{:#}", self.check);
        assert_eq!(seen, edges, "{:#}", self.check["agreement"]);
        assert_eq!(self.at("/iprev"), iprev);
        assert_eq!(self.exit, exit, "exit code; findings {:?}", self.codes());
        self
    }

    /// The findings' codes.
    pub(crate) fn codes(&self) -> Vec<&str> {
        self.check["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
    }

    /// Demands exactly these findings, in any order.
    #[track_caller]
    pub(crate) fn found(&self, wanted: &[&str]) -> &Self {
        let mut wanted: Vec<&str> = wanted.to_vec();
        let mut codes = self.codes();
        wanted.sort_unstable();
        codes.sort_unstable();
        assert_eq!(codes, wanted, "findings of {:#}", self.check);
        self
    }

    /// The finding of this code.
    #[track_caller]
    pub(crate) fn finding(&self, code: &str) -> &Value {
        let all = self.check["findings"].as_array().unwrap();
        all.iter().find(|f| f["code"] == code).unwrap_or_else(|| panic!("no {code}: {:?}", self.codes()))
    }

    /// The extensions of the EHLO reply at this pointer, by keyword.
    #[track_caller]
    pub(crate) fn extensions(&self, pointer: &str) -> Vec<String> {
        let lines = self.at(&format!("{pointer}/extensions")).as_array().unwrap();
        lines.iter().map(|l| l.as_str().unwrap().split(' ').next().unwrap().to_owned()).collect()
    }
}
