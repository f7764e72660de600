//! `bounce`: read, check the identity found again, set then beside now, print as it is made.
//!
//! Order: the input's. Memory: one message, the checks in flight, the summary.
//! Exit: 2 where something could not be read, else 1 where a cause in the sender's identity is still
//! there or was left unverified, else 3 where one could not be checked again, else 0.

mod args;
mod printer;
mod recheck;
mod source;

use std::cell::Cell;
use std::io::IsTerminal;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use tokio::sync::mpsc;

pub(super) use args::BounceArgs;

use super::exit::Exit;
use super::output::say;
use super::plan::{PlanFault, duration, resolver};
use super::signals::interrupt;
use crate::desk::Entry;
use printer::Printer;
use recheck::Rechecker;
use source::Input;

/// Messages read ahead of the checks.
const AHEAD: usize = 16;

/// Runs `bounce`.
pub(super) async fn run(args: &BounceArgs) -> Exit {
    match plan(args) {
        Ok((inputs, resolvers, timeout)) => desk(args, inputs, &resolvers, timeout).await,
        Err(fault) => {
            say(&fault.to_string());
            Exit::Usage
        }
    }
}

type Planned = (Vec<Input>, Vec<std::net::SocketAddr>, Duration);

fn plan(args: &BounceArgs) -> Result<Planned, PlanFault> {
    let resolvers = args.resolver.iter().map(|r| resolver(r)).collect::<Result<_, _>>()?;
    let timeout = duration(&args.timeout)?;
    let inputs = match (&args.text, args.inputs.as_slice()) {
        (Some(text), _) => vec![Input::Text(text.clone())],
        (None, []) if std::io::stdin().is_terminal() => {
            return Err(PlanFault(
                "nothing to read: give a FILE, a directory or --text 'WORDS', or pipe a bounce in (see --help)".into(),
            ));
        }
        (None, []) => vec![Input::Stdin],
        (None, paths) => {
            paths.iter().map(|p| if p.as_os_str() == "-" { Input::Stdin } else { Input::Path(p.clone()) }).collect()
        }
    };
    Ok((inputs, resolvers, timeout))
}

async fn desk(args: &BounceArgs, inputs: Vec<Input>, resolvers: &[std::net::SocketAddr], timeout: Duration) -> Exit {
    let looking = if args.no_check {
        None
    } else {
        let dns = recheck::resolvers(resolvers, timeout);
        match dns.and_then(|dns| Ok((recheck::observer(dns.clone(), timeout, &args.receivers)?, dns))) {
            Ok(looking) => Some(looking),
            Err(why) => {
                say(&why);
                return Exit::Usage;
            }
        }
    };
    let rechecker = looking.as_ref().map(|(o, dns)| Rechecker::new(o, dns.clone(), timeout, args));
    let (send, mut read) = mpsc::channel(AHEAD);
    // Reading is work for a processor and waits for disks: a thread of its own, beside the printing.
    let reading = tokio::task::spawn_blocking(move || source::read(inputs, |b| send.blocking_send(b).is_ok()));
    let mut printer = Printer::new(args);
    let stopped = Cell::new(false);
    {
        let interrupted = async {
            interrupt().await;
            stopped.set(true);
            say("interrupted: what was begun is printed");
        };
        let bounces = stream::poll_fn(|context| read.poll_recv(context)).take_until(Box::pin(interrupted));
        let entries = bounces.map(|bounce| {
            let rechecker = rechecker.as_ref();
            async move {
                match rechecker {
                    None => Entry::unchecked(bounce),
                    Some(rechecker) => rechecker.entry(bounce).await,
                }
            }
        });
        let mut entries = std::pin::pin!(entries.buffered(usize::from(args.concurrency)));
        while let Some(entry) = entries.next().await {
            if !printer.take(entry) {
                stopped.set(true);
                break;
            }
        }
    }
    read.close();
    // A reader that was stopped may still wait for its input, and is not waited for.
    if !stopped.get() && reading.await.is_err() {
        return Exit::Defect;
    }
    printer.finish()
}
