//! The command line: arguments to a plan, a plan to a run, a run to an exit code.

#![expect(clippy::disallowed_methods, reason = "this room reads arguments and files and starts everything else")]

mod args;
mod baseline;
mod batch;
mod bounce;
mod check;
mod demo;
mod domain;
mod exit;
mod explain;
mod explained;
mod input;
mod judged;
mod listen;
mod local_mta;
mod output;
mod own;
mod part;
mod plan;
mod printer;
mod range;
mod receivers;
mod roundtrip;
mod save;
mod signals;
mod waiting;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use args::Cli;
pub use batch::{Rate, Shard};
pub use exit::{Exit, FailOn, Tally};

use args::Command;
use output::{Results, say};

use crate::report::Format;

/// Runs the program on the process's arguments.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let usage = e.use_stderr();
            let _ = e.print();
            return match usage {
                false => Exit::Agrees,
                true if asked_by_monitor() => {
                    output::tell_monitor(Some(&in_a_line(&e.to_string())));
                    Exit::Unknown
                }
                true => Exit::Usage,
            }
            .into();
        }
    };
    let monitored = matches!(&cli.command, Command::Check(args) if args.format == Some(Format::Nagios));
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        say(&format!("a defect of ours{place}; please report it with the command and -v"));
    }));
    let exit = std::panic::catch_unwind(|| dispatch(cli.command)).unwrap_or(Exit::Defect);
    if !monitored {
        return exit.into();
    }
    // A monitor has its own codes, in which 2 is CRITICAL: what could not run is UNKNOWN.
    output::tell_monitor(None);
    exit.monitored().into()
}

/// Whether arguments that cannot be read ask for a monitor's format.
fn asked_by_monitor() -> bool {
    let args: Vec<String> = std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect();
    let split = args.windows(2).any(|pair| pair == ["--format", "nagios"]);
    args.get(1).is_some_and(|verb| verb == "check") && (split || args.iter().any(|a| a == "--format=nagios"))
}

/// What stands in the first paragraph of a usage error.
fn in_a_line(error: &str) -> String {
    let first = error.split("\n\n").next().unwrap_or_default();
    let words: Vec<&str> = first.strip_prefix("error: ").unwrap_or(first).split_whitespace().collect();
    words.join(" ")
}

fn dispatch(command: Command) -> Exit {
    match command {
        Command::Check(args) => in_runtime(|| check::run(*args)),
        Command::Bounce(args) => in_runtime(|| async move { bounce::run(&args).await }),
        Command::Demo(args) => in_runtime(|| async move { demo::run(&args).await }),
        Command::Roundtrip(args) => roundtrip::run(&args),
        Command::Listen(args) => listen::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "smtp-preflight", &mut script);
            print(&script)
        }
        Command::Man => {
            let mut page = Vec::new();
            match clap_mangen::Man::new(Cli::command()).render(&mut page) {
                Ok(()) => print(&page),
                Err(_) => Exit::Defect,
            }
        }
    }
}

/// One thread: the work is waiting, and a single check starts the sooner for it. Many checks have loops of their own.
fn in_runtime<F: Future<Output = Exit>>(run: impl FnOnce() -> F) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            say(&format!("this machine gives no event loop: {e}"));
            return Exit::Defect;
        }
    };
    {
        let _within = runtime.enter();
        signals::outlive_full_files();
    }
    let exit = runtime.block_on(run());
    // What is left are last words that no verdict waits for, and perhaps a read of standard input.
    runtime.shutdown_background();
    exit
}

fn print(octets: &[u8]) -> Exit {
    match Results::default().write(&String::from_utf8_lossy(octets)) {
        Ok(()) => Exit::Agrees,
        Err(e) => {
            say(&format!("standard output cannot be written: {e}"));
            Exit::Usage
        }
    }
}
