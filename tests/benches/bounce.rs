//! 10,000 bounces read one after another: seconds, throughput and the memory's high-water mark.
//!
//! Run with `cargo bench --bench bounce`. The project's samples are repeated, with the public
//! collection where it is present (`../shared/cases/bounces/mail`).

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a benchmark reads files, measures time and prints"
)]

use std::path::PathBuf;
use std::time::Instant;

use smtp_preflight::bounce::{self, BounceSummary};

const MESSAGES: usize = 10_000;

fn samples() -> Vec<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let cases = std::env::var("SMTP_PREFLIGHT_CASES").map_or_else(|_| root.join("../shared/cases"), PathBuf::from);
    let mut files: Vec<PathBuf> = [root.join("fixtures/bounces"), cases.join("bounces/mail")]
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "eml" || e == "txt"))
        .collect();
    files.sort();
    files.iter().filter_map(|f| std::fs::read(f).ok()).collect()
}

/// `VmHWM` in MiB, where the system tells it.
fn high_water() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM"))?;
    Some(line.split_whitespace().nth(1)?.parse::<usize>().ok()? / 1024)
}

fn main() {
    let samples = samples();
    let mut summary = BounceSummary::default();
    let mut octets = 0;
    let mut first_thousand = None;
    let begun = Instant::now();
    for (n, sample) in samples.iter().cycle().take(MESSAGES).enumerate() {
        summary.add(&bounce::read(sample));
        octets += sample.len();
        if n == 999 {
            first_thousand = high_water();
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let summary = summary.finish();
    println!(
        "{} messages ({} different, {:.1} MB) in {seconds:.2} s: {:.0} a second, {:.1} MB/s",
        summary.messages,
        samples.len(),
        octets as f64 / 1e6,
        summary.messages as f64 / seconds,
        octets as f64 / 1e6 / seconds
    );
    if let (Some(then), Some(now)) = (first_thousand, high_water()) {
        println!("memory's high-water mark: {then} MiB after 1,000, {now} MiB after all");
    }
}
