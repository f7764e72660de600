//! How near does a large run come to what the machine can do?
//!
//! `cargo bench --bench bulk` measures, in turn and run by run, on one world ([`world`]): a raw client that does
//! the four steps and nothing else ([`raw`]: the ceiling, on one thread and on as many as there are cores; and, no
//! ceiling since the program does more, one that leaves the reply to QUIT unread), the program with the same four
//! steps, the program with everything a check does by default, and the four steps in Python (`yardstick.py`). Each is
//! a process of its own, as is the world. Printed for 1,000, 10,000 and 100,000 targets: medians of checks per second,
//! CPU seconds (user and system) per 1,000 checks and peak memory, with the ratios to the ceiling of the same size; and
//! the memory of a further check in flight.
//!
//! `cargo bench --bench bulk -- sizes 1000,10000` measures other sizes; `-- world [DNS-PORT SMTP-PORT]
//! [dns-delay MS] [smtp-delay MS] [trouble]` runs the world until standard input ends, for any client;
//! `-- list N` prints its addresses.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark measures with bare sockets and the clock"
)]
#![expect(clippy::disallowed_macros, reason = "a benchmark prints its figures")]
#![allow(missing_docs, unreachable_pub, reason = "a benchmark's modules are its own")]

mod contest;
mod raw;
mod run;
mod world;

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        [] => contest::all(&[1_000, 10_000, 100_000]),
        ["sizes", list] => match list.split(',').map(str::parse).collect::<Result<Vec<u32>, _>>() {
            Ok(sizes) => contest::all(&sizes),
            Err(e) => Err(format!("sizes {list}: {e}")),
        },
        ["world", rest @ ..] => world(rest),
        ["list", n] => n.parse::<u32>().map_err(|e| e.to_string()).map(|n| print!("{}", run::list(n))),
        ["raw", list, at_once, threads, dns, port, rest @ ..] if rest.is_empty() || rest == ["hasty"] => (|| {
            let number = |text: &str| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
            let dns = dns.parse().map_err(|e| format!("{dns}: {e}"))?;
            let port = port.parse().map_err(|e| format!("{port}: {e}"))?;
            let manner = raw::Manner { at_once: number(at_once)?, threads: number(threads)?, hasty: rest == ["hasty"] };
            raw::run(list, manner, dns, port)
        })(),
        other => Err(format!("`{}` is not understood; see the head of tests/benches/bulk/main.rs", other.join(" "))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bulk: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the world until standard input ends: whoever started it, and dies, takes it along.
fn world(words: &[&str]) -> Result<(), String> {
    let mut plan = world::Plan::default();
    let mut ports = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut millis = || {
            let text = words.next().ok_or_else(|| format!("{word}: how many milliseconds?"))?;
            text.parse().map(Duration::from_millis).map_err(|e| format!("{word} {text}: {e}"))
        };
        match *word {
            "trouble" => plan.trouble = true,
            "dns-delay" => plan.dns_delay = millis()?,
            "smtp-delay" => plan.smtp_delay = millis()?,
            port => ports.push(port.parse().map_err(|e| format!("{port}: {e}"))?),
        }
    }
    let port = |place: usize| ports.get(place).copied().unwrap_or(0);
    let running = world::start(plan, port(0), port(1)).map_err(|e| format!("the world: {e}"))?;
    println!("{} {}", running.dns, running.smtp_port);
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    Ok(())
}
