//! Large runs, whole program: nothing lost, nothing twice, whatever stops them or stands in their way.
//!
//! The world is the benchmark's (tests/benches/bulk/world): every identity on an address of its own, on loopback.

#![allow(
    clippy::format_collect,
    clippy::items_after_statements,
    clippy::similar_names,
    reason = "a test reads from above to below"
)]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the test runs the program on files, and plays servers"
)]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub, reason = "a test may")]

#[path = "benches/bulk/world/mod.rs"]
mod world;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use world::{Fate, Plan, Running};

struct Scratch {
    folder: tempfile::TempDir,
    world: Running,
}

impl Scratch {
    fn new(plan: Plan) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), world: world::start(plan, 0, 0).unwrap() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A list of the first identities, one a line.
    fn list(&self, identities: u32) -> PathBuf {
        let text: String = (0..identities).map(|i| format!("{}\n", world::address(i))).collect();
        let file = self.file("list");
        std::fs::write(&file, text).unwrap();
        file
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = program(self.world.dns, self.world.smtp_port);
        command.args(["--format", "ndjson"]).args(options);
        command
    }

    fn lines(&self, options: &[&str]) -> (Vec<Value>, String, i32) {
        let output = self.command(options).output().unwrap();
        let lines = results(&String::from_utf8(output.stdout).unwrap());
        (lines, String::from_utf8(output.stderr).unwrap(), output.status.code().unwrap())
    }
}

fn program(dns: SocketAddr, port: u16) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["check", "--control", "none", "--tls", "off", "--helo-as", "probe.example.net"]);
    command.args(["--resolver", &dns.to_string(), "--port", &port.to_string()]).stdin(Stdio::null());
    command
}

fn results(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is torn");
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn targets(results: &[Value]) -> Vec<&str> {
    results.iter().map(|r| r["target"]["input"].as_str().unwrap()).collect()
}

fn counted<'a>(targets: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for target in targets {
        *counts.entry(target).or_default() += 1;
    }
    counts
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{what} did not come about");
        sleep(Duration::from_millis(10));
    }
}

fn octets(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |m| m.len())
}

#[test]
fn every_identity_once_as_done_and_in_order() {
    let scratch = Scratch::new(Plan::default());
    let list = scratch.list(500);
    let input = ["--input", list.to_str().unwrap()];
    let (as_done, told, exit) = scratch.lines(&input);
    assert_eq!(exit, 0, "{told}");
    assert_eq!(as_done.len(), 500);
    assert!(counted(targets(&as_done)).values().all(|n| *n == 1));
    assert!(as_done.iter().all(|r| r["agreement"]["verdict"] == "agree"));
    let (ordered, ..) = scratch.lines(&[&input[..], &["--ordered"]].concat());
    let text = std::fs::read_to_string(&list).unwrap();
    assert_eq!(targets(&ordered), text.lines().collect::<Vec<_>>());
}

#[test]
fn killed_in_the_middle_and_resumed_every_identity_is_there_once() {
    let scratch = Scratch::new(Plan { smtp_delay: Duration::from_millis(2), ..Plan::default() });
    const ALL: u32 = 3000;
    let list = scratch.list(ALL);
    let out = scratch.file("out.ndjson");
    for (format, killed) in [("ndjson", 3), ("csv", 2)] {
        std::fs::write(&out, "").unwrap();
        let options = ["--input", list.to_str().unwrap(), "--resume", out.to_str().unwrap(), "--concurrency", "32"];
        let run = |output: File| -> Child {
            let mut command = program(scratch.world.dns, scratch.world.smtp_port);
            command.args(["--format", format]).args(options).stdout(output).stderr(Stdio::piped()).spawn().unwrap()
        };
        let append = || OpenOptions::new().append(true).open(&out).unwrap();
        for _ in 0..killed {
            let before = octets(&out);
            let mut child = run(append());
            until("some output", || octets(&out) > before + 20_000 || child.try_wait().unwrap().is_some());
            child.kill().unwrap();
            child.wait().unwrap();
            // Wherever the system stopped the write: as if it were in the middle of a line.
            let file = OpenOptions::new().write(true).open(&out).unwrap();
            file.set_len(octets(&out) - 7).unwrap();
        }
        let mut last = run(append());
        let mut told = String::new();
        last.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!(last.wait().unwrap().code(), Some(0), "{told}");
        assert!(told.contains("its last line was not whole and is cut off"), "{told}");
        let text = std::fs::read_to_string(&out).unwrap();
        let checked: Vec<String> = if format == "ndjson" {
            results(&text).iter().map(|r| r["target"]["input"].as_str().unwrap().to_owned()).collect()
        } else {
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let place = reader.headers().unwrap().iter().position(|h| h == "target").unwrap();
            reader.records().map(|r| r.unwrap()[place].to_owned()).collect()
        };
        let counts = counted(checked.iter().map(String::as_str));
        assert_eq!((checked.len(), counts.len()), (ALL as usize, ALL as usize), "{format}");
        let mut command = program(scratch.world.dns, scratch.world.smtp_port);
        let nothing = command.args(["--format", format]).args(options).output().unwrap();
        let told = String::from_utf8(nothing.stderr).unwrap();
        assert_eq!((nothing.stdout.len(), nothing.status.code()), (0, Some(0)), "{told}");
        assert!(told.contains("it held 3000 identities of the list; nothing is left to check"), "{told}");
    }
}

#[test]
fn an_interrupt_lets_end_what_is_in_flight_and_says_how_to_go_on() {
    let scratch = Scratch::new(Plan { smtp_delay: Duration::from_millis(100), ..Plan::default() });
    let list = scratch.list(2000);
    let out = scratch.file("out.ndjson");
    let options = ["--input", list.to_str().unwrap(), "--concurrency", "16"];
    let mut child =
        scratch.command(&options).stdout(File::create(&out).unwrap()).stderr(Stdio::piped()).spawn().unwrap();
    until("output", || octets(&out) > 0);
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGINT).unwrap();
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3), "{told}");
    assert!(told.contains("letting the checks in flight end") && told.contains("--resume FILE >> FILE"), "{told}");
    let first = results(&std::fs::read_to_string(&out).unwrap());
    assert!(first.len() < 2000 && first.iter().all(|r| r["agreement"]["verdict"] == "agree"));
    let (rest, told, exit) = scratch.lines(&["--input", list.to_str().unwrap(), "--resume", out.to_str().unwrap()]);
    assert_eq!(exit, 0, "{told}");
    assert_eq!(counted(targets(&first).into_iter().chain(targets(&rest))).len(), 2000);
    assert_eq!(first.len() + rest.len(), 2000);
}

#[test]
fn the_shards_are_disjoint_and_together_the_list() {
    let scratch = Scratch::new(Plan::default());
    let list = scratch.list(400);
    let mut all = Vec::new();
    for part in 1..=4 {
        let shard = format!("{part}/4");
        let (results, told, exit) = scratch.lines(&["--input", list.to_str().unwrap(), "--shard", &shard]);
        assert_eq!(exit, 0, "{told}");
        assert!((60..140).contains(&results.len()), "{shard}: {}", results.len());
        all.extend(results);
    }
    let counts = counted(targets(&all));
    assert_eq!((all.len(), counts.len()), (400, 400));
    let bad = scratch.command(&["--input", list.to_str().unwrap(), "--shard", "5/4"]).output().unwrap();
    assert_eq!(bad.status.code(), Some(2));
    assert!(String::from_utf8(bad.stderr).unwrap().contains("K from 1 to N"));
}

/// Of ten identities two have a server that hangs, resets or floods, two a reverse zone that is silent.
#[test]
fn a_hostile_list_waits_for_all_who_hang_at_the_same_time_and_all_others_are_right() {
    let scratch = Scratch::new(Plan { trouble: true, ..Plan::default() });
    const ALL: u32 = 300;
    let list = scratch.list(ALL);
    let (results, told, exit) = scratch.lines(&["--input", list.to_str().unwrap(), "--timeout", "4s"]);
    assert_eq!((results.len(), exit), (ALL as usize, 3), "{told}");
    for result in &results {
        let identity = world::identity(result["target"]["address"].as_str().unwrap().parse().unwrap()).unwrap();
        let (verdict, ptr) = (&result["agreement"]["verdict"], &result["dns"]["ptr"]["status"]);
        let fault = result["smtp"]["fault"]["kind"].as_str();
        let (want, faults, status): (_, &[Option<&str>], _) = match world::fate(identity) {
            Fate::Well => ("agree", &[None], "found"),
            Fate::Hangs => ("unknown", &[Some("timed-out")], "found"),
            Fate::Resets => ("unknown", &[Some("reset"), Some("closed")], "found"),
            Fate::Garbage => ("unknown", &[Some("not-smtp"), Some("line-too-long")], "found"),
            Fate::ZoneSilent => ("unknown", &[None], "timeout"),
        };
        assert_eq!((verdict, ptr), (&Value::from(want), &Value::from(status)), "{identity} {result}");
        assert!(faults.contains(&fault), "{identity} {fault:?}");
    }
    // No more time than the timeouts force is: those that hang are waited for together. By count, since a busy machine
    // may be late to begin with some of them.
    let hanging = (0..ALL).filter(|i| world::fate(*i) == Fate::Hangs).count();
    assert!(world::most_hanging() > hanging / 2, "{} of {hanging} at once", world::most_hanging());
}

/// What a server has seen: all connections, and the most that stood at once, up to the last words of each.
#[derive(Clone, Default)]
struct Connections {
    all: Arc<AtomicUsize>,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// Greets, says who it is, is slow to say goodbye, and counts.
fn counting_server(name: &'static str, seen: &Connections) -> SocketAddr {
    let listener = TcpListener::bind("127.77.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let seen = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, seen) = (stream.unwrap(), seen.clone());
            seen.all.fetch_add(1, Ordering::SeqCst);
            seen.most.fetch_max(seen.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::spawn(move || {
                sleep(Duration::from_millis(30));
                let _ = write!(stream, "220 {name}\r\n");
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                while lines.next().and_then(Result::ok).is_some_and(|line| !line.starts_with("QUIT")) {
                    let _ = write!(stream, "250 {name}\r\n");
                }
                sleep(Duration::from_millis(50));
                // Before the client can know that it is over.
                seen.now.fetch_sub(1, Ordering::SeqCst);
                let _ = write!(stream, "221 bye\r\n");
            });
        }
    });
    at
}

#[test]
fn the_ports_of_an_address_are_dialled_one_after_the_other() {
    let scratch = Scratch::new(Plan::default());
    let seen = Connections::default();
    let list = scratch.file("list");
    let lines: String = (0..6).map(|_| format!("{}\n", counting_server("mail.example.net", &seen))).collect();
    std::fs::write(&list, lines).unwrap();
    for (per_host, most) in [("1", 1..=1), ("3", 2..=3)] {
        let mut command = program(scratch.world.dns, 25);
        command.args(["--format", "ndjson", "--per-host", per_host, "--input", list.to_str().unwrap()]);
        let output = command.output().unwrap();
        assert_eq!(results(&String::from_utf8(output.stdout).unwrap()).len(), 6);
        // The run's end waits for no goodbye.
        until("all connections are over", || seen.now.load(Ordering::SeqCst) == 0);
        assert_eq!(seen.all.swap(0, Ordering::SeqCst), 6);
        let at_once = seen.most.swap(0, Ordering::SeqCst);
        assert!(most.contains(&at_once), "--per-host {per_host}: {at_once} at once");
    }
}

#[test]
fn one_address_is_dialled_once() {
    let scratch = Scratch::new(Plan::default());
    let seen = Connections::default();
    let at = counting_server("mail.example.net", &seen);
    let list = scratch.file("list");
    // The same server by its address and beside given identities: one dialogue serves them all.
    let lines: String = (0..40)
        .map(|n| match n % 2 {
            0 => format!("{{\"target\":\"{}\",\"label\":{n}}}\n", at.ip()),
            _ => format!("{{\"target\":\"{}\",\"ip\":\"{}\",\"label\":{n}}}\n", at.ip(), world::address(n)),
        })
        .collect();
    std::fs::write(&list, lines).unwrap();
    let mut command = program(scratch.world.dns, at.port());
    let output = command.args(["--format", "ndjson", "--input", list.to_str().unwrap()]).output().unwrap();
    let results = results(&String::from_utf8(output.stdout).unwrap());
    assert_eq!(results.len(), 40, "{}", String::from_utf8_lossy(&output.stderr));
    assert!(results.iter().all(|r| r["smtp"]["ehlo"]["name"] == "mail.example.net"));
    assert_eq!(seen.all.load(Ordering::SeqCst), 1);
}

#[test]
fn a_pool_is_dialled_once_printed_in_order_and_counted() {
    let scratch = Scratch::new(Plan::default());
    let pool = "127.1.0.0/27";
    let (results, told, exit) = scratch.lines(&["--ip", pool, "--no-connect"]);
    assert_eq!(exit, 3, "nobody said an EHLO name: {told}");
    let ips: Vec<&str> = results.iter().map(|r| r["client"]["ip"].as_str().unwrap()).collect();
    let want: Vec<String> = (0..32).map(|i| world::address(i).to_string()).collect();
    assert_eq!(ips, want);
}

#[test]
fn no_more_than_the_rate_begin() {
    let scratch = Scratch::new(Plan::default());
    let list = scratch.list(30);
    let begun = Instant::now();
    let (results, told, _) = scratch.lines(&["--input", list.to_str().unwrap(), "--rate", "20"]);
    assert_eq!(results.len(), 30, "{told}");
    assert!(begun.elapsed() >= Duration::from_millis(1350), "{:?}", begun.elapsed());
}

#[test]
fn a_resume_file_that_is_no_output_of_ours_is_refused() {
    let scratch = Scratch::new(Plan::default());
    let list = scratch.list(1);
    for (text, why) in [("hello\n", "line 1"), ("{}\n", "line 1")] {
        let file = scratch.file("other");
        std::fs::write(&file, text).unwrap();
        let (_, told, exit) = scratch.lines(&["--input", list.to_str().unwrap(), "--resume", file.to_str().unwrap()]);
        assert_eq!(exit, 2);
        assert!(told.contains("--resume") && told.contains(why) || told.contains("no column"), "{told}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "what is not ours is left alone");
    }
    let (_, told, exit) = scratch.lines(&["--input", list.to_str().unwrap(), "--resume", "/no/such/file"]);
    assert_eq!(exit, 2);
    assert!(told.contains("give the file that holds the earlier output"), "{told}");
}
