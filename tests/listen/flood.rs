//! Two thousand connections at once, half of them hostile, and a reader who reads nothing until the end.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Barrier, oneshot};
use tokio::task::JoinSet;

use crate::client::Client;
use crate::world::Ear;

const HONEST: usize = 1000;
const HOSTILE: usize = 1000;
/// Honest clients that are in the middle of their session when the signal comes.
const IN_FLIGHT: usize = 100;

#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_macros, reason = "the figure is worth seeing (--nocapture)")]
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_at_once_and_nothing_is_lost() {
    let most = nix::sys::resource::Resource::RLIMIT_NOFILE;
    let (_, allowed) = nix::sys::resource::getrlimit(most).unwrap();
    nix::sys::resource::setrlimit(most, allowed.min(8192), allowed).unwrap();
    // Nobody is cut off for the time that a busy machine takes: all stay until the signal, which is the most to bear.
    let times = ["--command-time", "20m", "--session-time", "30m", "--timeout", "10m"];
    let mut ear = Ear::start(&[&["--max-per-address", "5000"], &times[..]].concat()).await;
    let (door, pid, out) = (ear.doors[0], ear.pid(), ear.take_out());
    let all_here = Arc::new(Barrier::new(HONEST + HOSTILE));
    let mut honest = JoinSet::new();
    let mut hostile = JoinSet::new();
    for number in 0..HONEST {
        let all_here = all_here.clone();
        honest.spawn(async move { honest_client(door, number, &all_here).await });
    }
    for number in 0..HOSTILE {
        let all_here = all_here.clone();
        hostile.spawn(async move { hostile_client(door, number, &all_here).await });
    }
    let mut in_flight = Vec::new();
    while let Some(done) = honest.join_next().await {
        in_flight.extend(done.unwrap());
    }
    assert_eq!(in_flight.len(), IN_FLIGHT);
    let before = peak_memory(pid);
    ear.signal("TERM");
    let (tell, told) = oneshot::channel();
    std::thread::spawn(move || {
        let lines: Vec<String> = BufReader::new(out).lines().map(Result::unwrap).collect();
        tell.send(lines).unwrap();
    });
    let mut peak = before;
    let lines = {
        let mut told = std::pin::pin!(told);
        loop {
            tokio::select! {
                lines = &mut told => break lines.unwrap(),
                () = tokio::time::sleep(Duration::from_millis(20)) => peak = peak.max(peak_memory(pid)),
            }
        }
    };
    hostile.shutdown().await;
    let ended = ear.ended().await;
    let sessions: Vec<Value> = lines.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    let heard = |number: usize| {
        let from = format!("c{number}@example.net");
        sessions.iter().filter(|s| s["session"]["mail_from"][0] == from.as_str()).collect::<Vec<_>>()
    };
    for number in 0..HONEST {
        let of = heard(number);
        assert_eq!(of.len(), 1, "client {number} is recorded once");
        let agreement = &of[0]["check"]["agreement"];
        assert_eq!(agreement["verdict"], "agree", "client {number} is judged: {agreement}");
        let wanted = if number < IN_FLIGHT { "stopped" } else { "quit" };
        assert_eq!(of[0]["session"]["ended"], wanted, "client {number}");
    }
    assert_eq!(sessions.len(), HONEST + HOSTILE, "every connection is recorded: {}", ended.err);
    println!("2,000 connections at once: {} recorded, peak memory {} MB", sessions.len(), peak / 1024);
    assert!(peak < 200 * 1024, "peak memory {peak} kB");
}

/// Says all that an honest client says; every tenth inside TLS. Some stop half-way, and are given back.
async fn honest_client(door: SocketAddr, number: usize, all_here: &Barrier) -> Option<Client> {
    let mut client = Client::connect(door).await;
    all_here.wait().await;
    assert_eq!(client.reply().await, 220);
    assert_eq!(client.say("EHLO mail.example.net").await, 250);
    if number.is_multiple_of(10) {
        client.starttls().await;
        assert_eq!(client.say("EHLO mail.example.net").await, 250);
    }
    assert_eq!(client.say(&format!("MAIL FROM:<c{number}@example.net>")).await, 250);
    assert_eq!(client.say("RCPT TO:<x@probe.example>").await, 451);
    if number < IN_FLIGHT {
        return Some(client);
    }
    assert_eq!(client.say("QUIT").await, 221);
    None
}

/// One of five kinds, until it is cut off.
async fn hostile_client(door: SocketAddr, number: usize, all_here: &Barrier) {
    // Greeted, so through the door: one that still stood before it at the signal would be nobody's loss.
    let mut client = Client::greeted(door).await;
    all_here.wait().await;
    match number % 5 {
        // Silent.
        0 => {}
        // An octet at a time.
        1 => {
            while client.send(b"E").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        }
        // A line without end.
        2 => while client.send(&[b'a'; 1000]).await.is_ok() {},
        // As much as can be said, over and over, and no answer read.
        3 => {
            let line = format!("EHLO {}\r\nMAIL FROM:<{}@x>\r\n", "n".repeat(400), "s".repeat(400));
            while client.send(line.as_bytes()).await.is_ok() {}
        }
        // A polite beginning, and then nothing; no QUIT ever.
        _ => {
            client.say("EHLO slow.example.net").await;
        }
    }
    client.reply().await;
    std::future::pending::<()>().await;
}

/// `VmHWM`, in kB.
pub(crate) fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.map_or(0, |l| l.trim().trim_end_matches(" kB").parse().unwrap())
}
