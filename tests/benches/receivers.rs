//! What do the predictions cost a check? `cargo bench --bench receivers`.
//!
//! The evidence of every identity in `fixtures/receivers`, judged by all receivers; printed: the
//! median and the worst time for one identity. The budget is 50 µs at the median.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a benchmark measures and prints")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may")]

#[path = "../receivers_zone/mod.rs"]
mod receivers_zone;

use std::hint::black_box;
use std::time::{Duration, Instant};

use receivers_zone::Zone;
use serde::Deserialize;
use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::receivers::{Selection, predict};

const RUNS: u32 = 40;
const BATCHES: u32 = 5;
const BUDGET: Duration = Duration::from_micros(50);

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    world: Vec<String>,
    identity: Vec<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    ip: std::net::IpAddr,
    ehlo: String,
    zone: Vec<String>,
}

fn identities() -> Vec<Evidence> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/receivers");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "toml") {
            continue;
        }
        let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for identity in file.identity {
            let mut zone = Zone::default();
            for record in file.world.iter().chain(&identity.zone) {
                let mut fields = record.splitn(3, ' ');
                let mut field = || fields.next().unwrap();
                zone.add(field(), field(), field());
            }
            all.push(zone.evidence(identity.ip, &identity.ehlo));
        }
    }
    all
}

fn main() {
    let identities = identities();
    let mut times: Vec<Duration> = identities
        .iter()
        .map(|evidence| {
            black_box(predict(evidence, &Selection::All));
            let batch = || {
                let begun = Instant::now();
                for _ in 0..RUNS {
                    black_box(predict(black_box(evidence), &Selection::All));
                }
                begun.elapsed() / RUNS
            };
            // The best of a few batches is the cost; the others hold what else the machine did.
            (0..BATCHES).map(|_| batch()).min().unwrap_or_default()
        })
        .collect();
    times.sort();
    let median = times[times.len() / 2];
    println!("{} identities: median {median:?}, worst {:?} for all receivers", times.len(), times[times.len() - 1]);
    assert!(cfg!(debug_assertions) || median < BUDGET, "over the budget of {BUDGET:?}");
}
