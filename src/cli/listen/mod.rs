//! `listen`: plan, open the door, give up privileges, hear, judge, print; and stop without losing anything.
//!
//! Stopping: SIGTERM, SIGINT or SIGHUP, or the count or the time asked for. Nobody more is let in, sessions have two seconds,
//! lookups their own time, and all that was heard is written out. A second signal ends sessions and lookups at once
//! and writes all the same; a third gives up writing.

pub(super) mod args;
pub(super) mod door;
mod printer;
pub(super) mod privileges;
mod run;
mod writer;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

pub(super) use args::ListenArgs;
use args::ListenFormat;

use super::check::dns_try;
use super::exit::Exit;
use super::output::{color, say, width};
use super::plan::{PlanFault, duration, resolver, span};
use crate::observe::listen::{Door, ListenOptions, Listener, Stop};
use crate::observe::{Dns, NoResolver, Observer, Options};
use crate::report::{self, TableOptions};
use crate::smtp::Taking;
use printer::Printer;
use run::Run;
use writer::{Sink, Writer};

/// A token longer than this is no local part (RFC 5321 §4.5.3.1.1).
const MAX_TOKEN: usize = 64;

/// A run, decided.
struct Plan {
    door: ListenOptions,
    resolvers: Vec<SocketAddr>,
    timeout: Duration,
    count: Option<u64>,
    duration: Option<Duration>,
}

impl Plan {
    fn of(args: &ListenArgs) -> Result<Self, PlanFault> {
        let longest = Duration::from_hours(24 * 366);
        let duration_of = |text: &String| span("--for", text, Duration::from_millis(100), longest);
        if let Some(token) = &args.only {
            check_token("--only", token)?;
        }
        Ok(Self {
            resolvers: args.resolver.iter().map(|r| resolver(r)).collect::<Result<_, _>>()?,
            timeout: duration(&args.timeout)?,
            count: if args.once { Some(1) } else { args.count },
            duration: args.duration.as_ref().map(duration_of).transpose()?,
            door: ListenOptions {
                taking: if args.accept { Taking::Drop } else { Taking::Nobody },
                token: args.only.clone(),
                only_token: args.only.is_some(),
                ..door::options(&args.door)?
            },
        })
    }
}

/// A token that can be the end of a local part.
pub(super) fn check_token(option: &str, token: &str) -> Result<(), PlanFault> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '=');
    // No atom of a dot-string is empty (RFC 5321 §4.1.2).
    if token.len() > MAX_TOKEN || !token.chars().all(fits) || token.split('.').any(str::is_empty) {
        return Err(PlanFault(format!(
            "{option} {}: give 1 to {MAX_TOKEN} letters, digits and any of . _ - + =, a dot only between others, \
             without the domain",
            report::clean_bounded(token, 80)
        )));
    }
    Ok(())
}

/// Runs `listen`.
pub(super) fn run(args: &ListenArgs) -> Exit {
    match prepare(args) {
        Ok((plan, doors, sink)) => super::in_runtime(|| async move { hear(args, plan, doors, sink).await }),
        Err(fault) => {
            say(&fault.to_string());
            Exit::Usage
        }
    }
}

/// All that needs privileges, and then without them.
fn prepare(args: &ListenArgs) -> Result<(Plan, Vec<Door>, Sink), PlanFault> {
    let mut plan = Plan::of(args)?;
    let doors = door::doors(&args.door)?;
    let sink = Sink::open(args.output.as_deref()).map_err(|e| {
        let file = args.output.as_deref().unwrap_or_else(|| "-".as_ref());
        PlanFault(format!("--output {}: {e}; give a file that can be written", file.display()))
    })?;
    settle(args.door.user.as_deref(), &mut plan.door, args.quiet)?;
    Ok((plan, doors, sink))
}

/// Descriptors and the user of the time to come.
pub(super) fn settle(user: Option<&str>, door: &mut ListenOptions, quiet: bool) -> Result<(), PlanFault> {
    if let Some(allowed) = privileges::allow_sessions(door.sessions) {
        if !quiet {
            say(&format!(
                "the system allows descriptors for {allowed} sessions, not for {}; raise its limit (ulimit -n)",
                door.sessions
            ));
        }
        door.sessions = allowed;
    }
    match user {
        Some(user) => privileges::become_user(user)?,
        None if privileges::is_root() && !quiet => {
            say("runs as root, which it need not once its sockets are bound; --user NAME gives that up");
        }
        None => {}
    }
    Ok(())
}

/// An observer for the identities heard: DNS only.
pub(super) fn observer(resolvers: &[SocketAddr], options: Options) -> Result<Observer, PlanFault> {
    let per_try = dns_try(options.timeout);
    let dns = match resolvers {
        [] => Dns::of_system(per_try)
            .map_err(|NoResolver(e)| PlanFault(format!("no resolver: {e}; name one with --resolver IP[:PORT]")))?,
        servers => Dns::each_of(servers, per_try).given(),
    };
    Observer::new(dns, options).map_err(|e| PlanFault(format!("TLS cannot be set up: {e}")))
}

async fn hear(args: &ListenArgs, plan: Plan, doors: Vec<Door>, sink: Sink) -> Exit {
    let at = places(&doors);
    let started = observer(&plan.resolvers, Options { timeout: plan.timeout, ..Options::default() }).and_then(|o| {
        Listener::start(doors, plan.door.clone(), o).map_err(|e| PlanFault(format!("the sockets cannot be used: {e}")))
    });
    let listener = match started {
        Ok(listener) => listener,
        Err(fault) => {
            say(&fault.to_string());
            return Exit::Usage;
        }
    };
    tokio::task::spawn_blocking(crate::knowledge::load);
    if !args.quiet {
        say(&format!("listening as {} at {at}", plan.door.name));
    }
    let table =
        TableOptions { width: width(), color: args.output.is_none() && color(args.color), explain: args.explain };
    let format = args.format.unwrap_or_else(|| {
        let terminal = args.output.is_none() && std::io::stdout().is_terminal();
        if terminal { ListenFormat::Table } else { ListenFormat::Ndjson }
    });
    Run {
        args,
        listener,
        printer: Printer::new(format, table, args.fail_on),
        writer: Writer::start(sink),
        wanted: plan.count,
        past: 0,
        until: plan.duration.map(|d| Instant::now() + d),
        told: Stop::No,
        remarked: None,
        gave_up: false,
    }
    .run()
    .await
}

/// The doors, for a person.
pub(super) fn places(doors: &[Door]) -> String {
    let place = |door: &Door| {
        let address = door.address().map_or_else(|_| "?".into(), |a| a.to_string());
        if door.implicit_tls() { format!("smtps://{address}") } else { address }
    };
    doors.iter().map(place).collect::<Vec<_>>().join(", ")
}
