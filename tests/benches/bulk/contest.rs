//! The contest: who runs, in which order, and the table of what came of it.

use std::path::Path;
use std::process::Command;

use super::run::{self, Figures, World, measure};

/// Targets that the raw client and the Python script have in flight.
const AT_ONCE: &str = "256";
/// Above this the Python script is not run: it would only take time.
const PYTHON_UP_TO: u32 = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Who {
    RawOneThread,
    Raw,
    Hasty,
    FourSteps,
    Everything,
    Python,
}

impl Who {
    const ALL: [Self; 6] =
        [Self::RawOneThread, Self::Raw, Self::Hasty, Self::FourSteps, Self::Everything, Self::Python];

    fn name(self) -> &'static str {
        match self {
            Self::RawOneThread => "raw client, 1 thread",
            Self::Raw => "raw client, all cores",
            Self::Hasty => "1 thread, 221 unread",
            Self::FourSteps => "check, the four steps",
            Self::Everything => "check, everything",
            Self::Python => "Python asyncio script",
        }
    }

    fn good(self) -> &'static str {
        match self {
            Self::FourSteps | Self::Everything => "\"verdict\":\"agree\"",
            _ => " agree",
        }
    }

    fn command(self, list: &Path, world: &World) -> Result<Command, String> {
        let (dns, port) = (world.dns.to_string(), world.smtp_port.to_string());
        let raw = |threads: usize| {
            let mut command = Command::new(std::env::current_exe().map_err(|e| e.to_string())?);
            command.arg("raw").arg(list).args([AT_ONCE, &threads.to_string(), &dns, &port]);
            Ok::<_, String>(command)
        };
        Ok(match self {
            Self::RawOneThread => raw(1)?,
            Self::Raw => raw(cores())?,
            Self::Hasty => {
                let mut command = raw(1)?;
                command.arg("hasty");
                command
            }
            Self::FourSteps => program(list, world, &["--tls", "off", "--receivers", "none"]),
            Self::Everything => program(list, world, &[]),
            Self::Python => {
                let mut command = Command::new("python3");
                command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/benches/bulk/yardstick.py"));
                command.arg(list).args([AT_ONCE, &world.dns.port().to_string(), &port]);
                command
            }
        })
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The program on a list, with further options.
pub fn program(list: &Path, world: &World, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["check", "--format", "ndjson", "--control", "none", "--helo-as", "probe.example.net"]);
    command.args(["--resolver", &world.dns.to_string(), "--port", &world.smtp_port.to_string()]);
    command.arg("--input").arg(list).args(options);
    command
}

/// Every size in turn, and the memory of a check in flight.
pub fn all(sizes: &[u32]) -> Result<(), String> {
    let (folder, out) = run::scratch()?;
    println!("{} cores; medians of runs in turn; ratios to the better raw client of the same size", cores());
    for &size in sizes {
        let list = folder.path().join(format!("list-{size}"));
        std::fs::write(&list, run::list(size)).map_err(|e| e.to_string())?;
        let rounds = match size {
            0..=1_000 => 9,
            1_001..=10_000 => 5,
            _ => 3,
        };
        let mut runs: Vec<(Who, Vec<Figures>)> = Vec::new();
        for _ in 0..rounds {
            for who in Who::ALL {
                if who == Who::Python && size > PYTHON_UP_TO {
                    continue;
                }
                let world = World::start(&[])?;
                let figures = measure(who.command(&list, &world)?, size, &out, who.good())?;
                match runs.iter_mut().find(|(w, _)| *w == who) {
                    Some((_, all)) => all.push(figures),
                    None => runs.push((who, vec![figures])),
                }
            }
        }
        table(size, rounds, &runs);
    }
    println!();
    in_flight(folder.path(), &out)
}

fn table(size: u32, rounds: usize, runs: &[(Who, Vec<Figures>)]) {
    println!("\n{size} targets, {rounds} runs each");
    println!("{:<24}{:>10}{:>8}{:>12}{:>8}{:>10}", "", "checks/s", "ratio", "CPU s/1000", "ratio", "peak MB");
    let of = |who: Who, figure: fn(&Figures) -> f64| {
        runs.iter().find(|(w, _)| *w == who).map(|(_, all)| median(all.iter().map(figure).collect()))
    };
    let raw = [Who::RawOneThread, Who::Raw];
    let best = raw.iter().filter_map(|w| of(*w, |f| f.checks_per_s)).fold(0.0, f64::max);
    let cheapest = raw.iter().filter_map(|w| of(*w, |f| f.cpu_s)).fold(f64::INFINITY, f64::min);
    for (who, _) in runs {
        let (Some(rate), Some(cpu), Some(peak)) =
            (of(*who, |f| f.checks_per_s), of(*who, |f| f.cpu_s), of(*who, |f| f.peak_kib as f64))
        else {
            continue;
        };
        println!(
            "{:<24}{rate:>10.0}{:>8.2}{cpu:>12.4}{:>8.2}{:>10.1}",
            who.name(),
            rate / best,
            cpu / cheapest,
            peak / 1024.0
        );
    }
    if let (Some(ours), Some(python)) = (of(Who::FourSteps, |f| f.checks_per_s), of(Who::Python, |f| f.checks_per_s)) {
        println!("the four steps are {:.1} times the Python script's checks per second", ours / python);
    }
}

/// Targets that are open at once: fewer than may wait for the world to accept them.
const OPEN: [u32; 2] = [1_000, 4_000];

/// Replies held back by 1.5 s, every target open at once: what one more in flight takes, with the four steps and with
/// everything.
fn in_flight(folder: &Path, out: &Path) -> Result<(), String> {
    for (name, steps) in [("the four steps", &["--tls", "off", "--receivers", "none"][..]), ("everything", &[])] {
        let mut peaks = Vec::new();
        for size in OPEN {
            let list = folder.join(format!("open-{size}"));
            std::fs::write(&list, run::list(size)).map_err(|e| e.to_string())?;
            let world = World::start(&["smtp-delay", "1500"])?;
            let at_once = size.to_string();
            let options = [steps, &["--concurrency", &at_once]].concat();
            let figures = measure(program(&list, &world, &options), size, out, "\"verdict\":\"agree\"")?;
            peaks.push(figures.peak_kib as f64);
        }
        let each = (peaks[1] - peaks[0]) / f64::from(OPEN[1] - OPEN[0]);
        let [few, many] = [peaks[0] / 1024.0, peaks[1] / 1024.0];
        println!("in flight, {name}: {few:.1} MB at {}, {many:.1} MB at {}, {each:.1} KiB each", OPEN[0], OPEN[1]);
    }
    Ok(())
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
