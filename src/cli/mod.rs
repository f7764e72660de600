//! The command line: arguments to a plan, a plan to a run, a run to an exit code.

#![expect(clippy::disallowed_methods, reason = "this room reads arguments and files and starts everything else")]

mod args;
mod bounce;
mod check;
mod demo;
mod exit;
mod explain;
mod input;
mod listen;
mod local_mta;
mod output;
mod own;
mod plan;
mod printer;
mod receivers;
mod roundtrip;
mod save;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

pub use args::Cli;
pub use exit::{Exit, FailOn, Tally};

use args::Command;
use output::{Results, say};

/// Runs the program on the process's arguments.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            let usage = e.use_stderr();
            let _ = e.print();
            return if usage { Exit::Usage } else { Exit::Agrees }.into();
        }
    };
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        say(&format!("a defect of ours{place}; please report it with the command and -v"));
    }));
    std::panic::catch_unwind(|| dispatch(cli.command)).unwrap_or(Exit::Defect).into()
}

fn dispatch(command: Command) -> Exit {
    match command {
        Command::Check(args) => in_runtime(|| async move { check::run(&args).await }),
        Command::Bounce(args) => in_runtime(|| async move { bounce::run(&args).await }),
        Command::Roundtrip(args) => roundtrip::run(&args),
        Command::Listen(args) => listen::run(&args),
        Command::Demo(args) => in_runtime(|| async move { demo::run(&args).await }),
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

/// One thread: the work is waiting, and a single check starts the sooner for it.
fn in_runtime<F: Future<Output = Exit>>(run: impl FnOnce() -> F) -> Exit {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            say(&format!("this machine gives no event loop: {e}"));
            return Exit::Defect;
        }
    };
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
