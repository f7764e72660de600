//! One run of one contestant as a process: how long it took, what it cost, how much memory it had at most.

use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use super::world;

/// How often the memory of a running process is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A world in a process of its own; it ends with this.
pub struct World {
    child: Child,
    pub dns: SocketAddr,
    pub smtp_port: u16,
}

impl World {
    pub fn start(words: &[&str]) -> Result<Self, String> {
        let own = std::env::current_exe().map_err(|e| e.to_string())?;
        let mut command = Command::new(own);
        command.arg("world").args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|e| format!("the world: {e}"))?;
        let mut line = String::new();
        let out = child.stdout.take().ok_or("the world has no output")?;
        BufReader::new(out).read_line(&mut line).map_err(|e| e.to_string())?;
        let (dns, port) = line.trim().split_once(' ').ok_or("the world did not start")?;
        let bad = |e: &dyn std::fmt::Display| format!("the world said `{}`: {e}", line.trim());
        Ok(Self { dns: dns.parse().map_err(|e| bad(&e))?, smtp_port: port.parse().map_err(|e| bad(&e))?, child })
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A run's figures.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    pub checks_per_s: f64,
    /// User and system, per 1,000 checks.
    pub cpu_s: f64,
    pub peak_kib: u64,
}

/// Runs a command to its end; `out` takes its standard output and must then hold `checks` lines with `good` in them.
pub fn measure(mut command: Command, checks: u32, out: &Path, good: &str) -> Result<Figures, String> {
    let what = format!("{command:?}");
    let file = File::create(out).map_err(|e| format!("{}: {e}", out.display()))?;
    let before = cpu()?;
    let begun = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(file).stderr(Stdio::piped()).spawn().map_err(|e| format!("{what}: {e}"))?;
    let mut peak_kib = 0;
    let (took, status) = loop {
        if let Some(status) = child.try_wait().map_err(|e| e.to_string())? {
            break (begun.elapsed(), status);
        }
        peak_kib = peak(child.id()).unwrap_or(peak_kib).max(peak_kib);
        std::thread::sleep(LOOK.min(begun.elapsed() / 20).max(Duration::from_millis(1)));
    };
    let cpu_s = cpu()? - before;
    let text = std::fs::read_to_string(out).map_err(|e| e.to_string())?;
    let right = text.lines().filter(|l| l.contains(good)).count();
    if right != checks as usize {
        let mut said = String::new();
        if let Some(mut err) = child.stderr.take() {
            let _ = std::io::Read::read_to_string(&mut err, &mut said);
        }
        return Err(format!("{what} ended with {status}: {right} of {checks} as they should be\n{said}"));
    }
    let per_thousand = 1000.0 / f64::from(checks);
    Ok(Figures { checks_per_s: f64::from(checks) / took.as_secs_f64(), cpu_s: cpu_s * per_thousand, peak_kib })
}

/// CPU seconds of all children that have ended.
fn cpu() -> Result<f64, String> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|e| e.to_string())?;
    let seconds = |t: nix::sys::time::TimeVal| {
        use nix::sys::time::TimeValLike;
        t.num_microseconds() as f64 / 1e6
    };
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

/// `VmHWM` of a process.
fn peak(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// The addresses of the first identities, a line each.
pub fn list(identities: u32) -> String {
    let mut text = String::new();
    for i in 0..identities {
        let _ = writeln!(text, "{}", world::address(i));
    }
    text
}

/// A folder for lists and outputs, removed with this.
pub fn scratch() -> Result<(tempfile::TempDir, PathBuf), String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let out = folder.path().join("out");
    Ok((folder, out))
}
