//! `listen`: plan, open the door, give up privileges, hear, judge, print; and stop without losing anything.
//!
//! Stopping: SIGTERM or SIGINT, or the count or the time asked for. Nobody more is let in, sessions have two seconds,
//! lookups their own time, and all that was heard is written out. A second signal ends sessions and lookups at once
//! and writes all the same; a third gives up writing.

pub(super) mod args;
pub(super) mod door;
mod printer;
pub(super) mod privileges;
mod writer;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

pub(super) use args::ListenArgs;
use args::ListenFormat;

use super::check::dns_try;
use super::exit::Exit;
use super::output::{color, say, width};
use super::plan::{PlanFault, duration, resolver, span};
use crate::observe::listen::{Door, Heard, ListenOptions, Listener, Stop};
use crate::observe::{Dns, NoResolver, Observer, Options};
use crate::report::{self, TableOptions};
use crate::smtp::Taking;
use printer::Printer;
use writer::{Sink, Writer};

/// A token longer than this is no local part (RFC 5321 §4.5.3.1.1).
const MAX_TOKEN: usize = 64;
/// Remarks on what is turned away come no more often than this.
const REMARK: Duration = Duration::from_mins(1);

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
    if token.is_empty() || token.len() > MAX_TOKEN || !token.chars().all(fits) {
        return Err(PlanFault(format!(
            "{option} {}: give 1 to {MAX_TOKEN} letters, digits and any of . _ - + =, without the domain",
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
    settle(&args.door.user, &mut plan.door, args.quiet)?;
    Ok((plan, doors, sink))
}

/// Descriptors and the user of the time to come.
pub(super) fn settle(user: &Option<String>, door: &mut ListenOptions, quiet: bool) -> Result<(), PlanFault> {
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
        servers => Dns::each_of(servers, per_try),
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
    let table = TableOptions { width: width(), color: args.output.is_none() && color(args.color), explain: args.explain };
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

struct Run<'a> {
    args: &'a ListenArgs,
    listener: Listener,
    printer: Printer,
    writer: Writer,
    /// Sessions that are still waited for.
    wanted: Option<u64>,
    until: Option<Instant>,
    told: Stop,
    /// When it was last said what was turned away, and how many.
    remarked: Option<(Instant, u64)>,
    /// A third signal came while the reader took nothing.
    gave_up: bool,
}

impl Run<'_> {
    async fn run(mut self) -> Exit {
        let begin = self.printer.begin();
        let mut open = begin.is_empty() || self.writer.write(begin).await;
        let mut signals = Signals::new();
        loop {
            let time = self.until;
            tokio::select! {
                biased;
                () = signals.next() => self.signalled(),
                () = sleep_until(time.unwrap_or_else(Instant::now)), if time.is_some() => {
                    self.until = None;
                    self.stop(Stop::Soon);
                }
                heard = self.listener.next() => {
                    let Some(heard) = heard else { break };
                    open &= self.take(heard, open, &mut signals).await;
                    if !open {
                        self.stop(Stop::Soon);
                    }
                }
            }
        }
        self.finish(open, signals).await
    }

    fn signalled(&mut self) {
        if self.told == Stop::No {
            self.remark("told to stop: sessions have two seconds, what was heard is looked up and written");
            self.stop(Stop::Soon);
        } else {
            self.remark("told again: sessions and lookups end now, what was heard is written");
            self.stop(Stop::Now);
        }
    }

    fn stop(&mut self, how: Stop) {
        self.listener.stop(how);
        if self.told != Stop::Now {
            self.told = how;
        }
    }

    fn remark(&self, words: &str) {
        if !self.args.quiet {
            say(words);
        }
    }

    /// One session; `false` when nobody takes results any more.
    async fn take(&mut self, heard: Heard, open: bool, signals: &mut Signals) -> bool {
        self.turned_away();
        if self.args.only.is_some() && !heard.session.matched {
            return true;
        }
        let counts = heard.session.ehlo.is_some();
        let text = self.printer.take(heard);
        if counts && let Some(wanted) = &mut self.wanted {
            *wanted = wanted.saturating_sub(1);
            if *wanted == 0 {
                self.stop(Stop::Soon);
            }
        }
        if !open {
            return false;
        }
        // A reader may be slow for as long as it likes; a signal is heard meanwhile.
        let mut writing = std::pin::pin!(self.writer.write(text));
        loop {
            tokio::select! {
                written = &mut writing => return written,
                () = signals.next() => {
                    if self.told == Stop::Now {
                        self.gave_up = true;
                        return false;
                    }
                    let how = if self.told == Stop::No { Stop::Soon } else { Stop::Now };
                    self.listener.stop(how);
                    self.told = how;
                    if !self.args.quiet {
                        say("told to stop: waiting for the reader of the results; a third signal gives up on it");
                    }
                }
            }
        }
    }

    fn turned_away(&mut self) {
        let turned = self.listener.turned();
        let (many, failed) = (turned.per_address.load(Ordering::Relaxed), turned.failed.load(Ordering::Relaxed));
        let now = Instant::now();
        let due = self.remarked.is_none_or(|(then, count)| {
            count != many + failed && now.duration_since(then) >= REMARK
        });
        if many + failed > 0 && due {
            self.remarked = Some((now, many + failed));
            self.remark(&turned_words(many, failed));
        }
    }

    async fn finish(mut self, open: bool, mut signals: Signals) -> Exit {
        self.remarked = self.remarked.filter(|(_, count)| {
            let turned = self.listener.turned();
            *count == turned.per_address.load(Ordering::Relaxed) + turned.failed.load(Ordering::Relaxed)
        });
        if self.remarked.is_none() {
            self.turned_away();
        }
        const LOST: &str = "gave up on the reader of the results: what it had not taken is lost";
        if self.gave_up {
            say(LOST);
            return Exit::Usage;
        }
        let end = self.printer.end();
        if open && !end.is_empty() {
            self.writer.write(end).await;
        }
        let written = tokio::select! {
            written = self.writer.finish() => written,
            () = third(&mut signals, self.told) => {
                say(LOST);
                return Exit::Usage;
            }
        };
        if let Err(e) = written {
            let place = self.args.output.as_deref().map_or("standard output".into(), |f| f.display().to_string());
            say(&format!("{place} cannot be written: {e}; sessions heard after that are lost"));
            return Exit::Usage;
        }
        if !self.args.quiet {
            say(&format!("heard {}", report::listen_summary(self.printer.summary())));
        }
        match self.wanted {
            Some(missing) if missing > 0 => {
                let exit = self.printer.exit();
                if exit == Exit::Agrees { Exit::Unknown } else { exit }
            }
            _ => self.printer.exit(),
        }
    }
}

fn turned_words(many: u64, failed: u64) -> String {
    let mut words = Vec::new();
    if many > 0 {
        words.push(format!("{many} connections refused: too many at once from one address (--max-per-address)"));
    }
    if failed > 0 {
        words.push(format!("{failed} connections could not be accepted: the system has no descriptors left"));
    }
    words.join("; ")
}

/// The signal that outweighs waiting for a reader.
async fn third(signals: &mut Signals, told: Stop) {
    let missing = match told {
        Stop::No => 3,
        Stop::Soon => 2,
        Stop::Now => 1,
    };
    for _ in 0..missing {
        signals.next().await;
    }
}

/// SIGINT and SIGTERM.
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: Option<tokio::signal::unix::Signal>,
    #[cfg(unix)]
    interrupt: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    #[cfg(unix)]
    pub(super) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self { terminate: signal(SignalKind::terminate()).ok(), interrupt: signal(SignalKind::interrupt()).ok() }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Self {
        Self {}
    }

    /// The next one; never, where the system lets us have none.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        async fn of(signal: &mut Option<tokio::signal::unix::Signal>) {
            let heard = match signal {
                Some(signal) => signal.recv().await.is_some(),
                None => false,
            };
            if !heard {
                std::future::pending::<()>().await;
            }
        }
        tokio::select! {
            () = of(&mut self.terminate) => {}
            () = of(&mut self.interrupt) => {}
        }
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
