//! `roundtrip`: listen, dial the relay, send through it, wait for the message, put both sides together.
//!
//! Order: our door stands before the message leaves. The relay is dialled first and as any stranger, so that its
//! greeting is what others see; then the message is handed over at the address that greeted.
//! Stopping: a signal ends the dialling, the handing over or the waiting, and what is known by then is printed. A
//! message that was begun may have been taken.

pub(super) mod args;
mod credentials;
mod message;
mod progress;

use std::net::IpAddr;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::{Instant, sleep_until};

pub(super) use args::RoundtripArgs;
use args::{RoundtripFormat, SendTlsArg};

use super::exit::{Exit, Tally};
use super::listen::{door, observer, places, settle};
use super::output::{Results, color, say, width};
use super::plan::{PlanFault, check_ehlo, duration, resolver, span};
use super::signals::Signals;
use crate::desk::{Outcome, Roundtrip};
use crate::evidence::{Evidence, SendFault, SendStage, Sending};
use crate::judge::{Listened, judge};
use crate::name::unmap;
use crate::observe::listen::{Door, Heard, ListenOptions, Listener, Stop};
use crate::observe::send::{Letter, SendTls, send};
use crate::observe::{Family, Options, Request};
use crate::report::{self, TableOptions};
use crate::smtp::{Phase, Taking, TlsMode};
use crate::target::Target;
use message::Recipient;
use progress::Progress;

/// Connections kept that did not name the token.
const OTHERS: usize = 20;

/// A run, decided.
struct Plan {
    relay: Target,
    recipient: Recipient,
    letter: Letter,
    wait: Duration,
    door: ListenOptions,
    options: Options,
    resolvers: Vec<std::net::SocketAddr>,
}

/// Runs `roundtrip`.
pub(super) fn run(args: &RoundtripArgs) -> Exit {
    let prepared = if args.setup { setup(args).map(|()| None) } else { prepare(args).map(Some) };
    match prepared {
        Ok(Some((plan, doors))) => super::in_runtime(|| async move { hold(args, plan, doors).await }),
        Ok(None) => Exit::Agrees,
        Err(fault) => {
            say(&fault.to_string());
            Exit::Usage
        }
    }
}

fn setup(args: &RoundtripArgs) -> Result<(), PlanFault> {
    if args.format.is_some() {
        return Err(PlanFault(
            "--setup prints lines for a zone file and has no other format; leave --format out".into(),
        ));
    }
    let recipient = Recipient::parse(&args.to)?;
    let options = door::options(&args.door)?;
    // What is asked for is an address, not a socket.
    let doors =
        if args.door.bind.is_empty() || !args.address.is_empty() { Vec::new() } else { door::doors(&args.door)? };
    let text = message::records(&recipient, &options.name, &args.address, &doors)?;
    Results::default().write(&text).map_err(|e| PlanFault(format!("standard output cannot be written: {e}")))
}

fn prepare(args: &RoundtripArgs) -> Result<(Plan, Vec<Door>), PlanFault> {
    let relay = args.relay.as_deref().unwrap_or_default();
    let relay = Target::parse(relay, None).map_err(|e| PlanFault(format!("--relay: {e}")))?;
    let recipient = Recipient::parse(&args.to)?;
    let timeout = duration(&args.timeout)?;
    let mut door = ListenOptions {
        taking: Taking::Drop,
        token: Some(recipient.token.clone()),
        domain: Some(recipient.domain.clone()),
        only_token: true,
        ..door::options(&args.door)?
    };
    if let Some(name) = &args.helo_as {
        check_ehlo(name)?;
    }
    let helo_as = args.helo_as.clone().unwrap_or_else(|| door.name.clone());
    if !args.quiet && !helo_as.contains('.') && !helo_as.starts_with('[') {
        say(&format!("says EHLO {helo_as}, which is no full name: a relay may refuse it; give --name HOST.DOMAIN"));
    }
    let login = credentials::login(args)?;
    if login.is_some() && args.tls == SendTlsArg::Off && !relay.implicit_tls {
        return Err(PlanFault("--tls off: credentials are never sent in clear text; leave one of them out".into()));
    }
    let from = message::sender(args.from.as_deref(), &recipient)?;
    door.sender = Some(from.clone());
    let letter = Letter {
        message: message::message(&recipient, &from, &door.name),
        to: recipient.address(),
        from,
        helo_as: helo_as.clone(),
        source: args.source.map(unmap),
        tls: match args.tls {
            SendTlsArg::Require => SendTls::Require,
            SendTlsArg::Auto => SendTls::Auto,
            SendTlsArg::Off => SendTls::Off,
        },
        login,
        authorities: authorities(args)?,
        any_certificate: args.any_certificate,
        timeout,
    };
    let options = Options {
        timeout,
        helo_as: Some(helo_as),
        source: letter.source,
        family: match letter.source {
            Some(IpAddr::V4(_)) => Family::V4,
            Some(IpAddr::V6(_)) => Family::V6,
            None => Family::Both,
        },
        tls: if args.tls == SendTlsArg::Off { TlsMode::Off } else { TlsMode::Auto },
        ..Options::default()
    };
    let wait = span("--wait", &args.wait, Duration::from_secs(1), Duration::from_hours(24))?;
    let resolvers = args.resolver.iter().map(|r| resolver(r)).collect::<Result<_, _>>()?;
    let doors = door::doors(&args.door)?;
    settle(args.door.user.as_deref(), &mut door, args.quiet)?;
    Ok((Plan { relay, recipient, letter, wait, door, options, resolvers }, doors))
}

fn authorities(args: &RoundtripArgs) -> Result<Vec<CertificateDer<'static>>, PlanFault> {
    let Some(file) = &args.ca else { return Ok(Vec::new()) };
    let fault = |e: &dyn std::fmt::Display| PlanFault(format!("--ca {}: {e}; give a PEM file", file.display()));
    let read = CertificateDer::pem_file_iter(file).map_err(|e| fault(&e))?;
    let all = read.collect::<Result<Vec<_>, _>>().map_err(|e| fault(&e))?;
    if all.is_empty() { Err(fault(&"there is no certificate in it")) } else { Ok(all) }
}

async fn hold(args: &RoundtripArgs, plan: Plan, doors: Vec<Door>) -> Exit {
    let mut progress = Progress::new(args.quiet);
    progress.say(&format!("listening as {} at {}", plan.door.name, places(&doors)));
    let started = observer(&plan.resolvers, plan.options.clone()).and_then(|observer| {
        let listener = Listener::start(doors, plan.door.clone(), observer.clone());
        listener.map(|l| (l, observer)).map_err(|e| PlanFault(format!("the sockets cannot be used: {e}")))
    });
    let (mut listener, observer) = match started {
        Ok(started) => started,
        Err(fault) => {
            say(&fault.to_string());
            return Exit::Usage;
        }
    };
    let mut signals = Signals::new();
    let mut trip = Trip { arrival: None, others: Vec::new(), sent: None };
    progress.say(&format!("dialling {}", plan.relay.input));
    let request = Request { target: Some(plan.relay.clone()), ..Request::default() };
    let dialled = tokio::select! {
        dialled = observer.observe(&request) => Some(dialled),
        () = signals.next() => None,
    };
    let mut interrupted = dialled.is_none();
    let mut sending = interrupted.then(|| not_begun(&plan));
    let greeting = dialled.and_then(chosen);
    if let Some(address) = greeting.as_ref().filter(|e| greets(e)).and_then(|e| e.target.address) {
        progress.say(&format!("sending to {} through {address}", plan.recipient.address()));
        let stop = async {
            signals.next().await;
            interrupted = true;
        };
        sending = Some(send(&plan.relay, address, &plan.letter, stop).await);
        trip.sent = Some(Instant::now());
    }
    if interrupted {
        progress.say("interrupted: what is known by now is told");
    } else if sending.as_ref().is_some_and(|s| s.accepted || s.unanswered()) {
        trip.wait(&mut listener, &mut signals, &mut progress, &plan, sending.as_ref()).await;
    }
    listener.stop(Stop::Soon);
    trip.rest(&mut listener, &mut signals).await;
    progress.end();
    let roundtrip =
        Roundtrip::of(plan.recipient.token, greeting.as_ref().map(judge), sending, trip.arrival, trip.others);
    print(args, &roundtrip)
}

/// What is known of a message where a signal came before the relay had greeted.
fn not_begun(plan: &Plan) -> Sending {
    let detail = "interrupted while the relay was dialled".to_owned();
    Sending {
        began_at: jiff::Timestamp::now().to_string(),
        relay: plan.relay.input.clone(),
        from: plan.letter.from.clone(),
        to: plan.letter.to.clone(),
        fault: Some(SendFault { stage: SendStage::Connect, detail }),
        ..Sending::default()
    }
}

/// The address that greeted; the first where none did.
fn chosen(dialled: Vec<Evidence>) -> Option<Evidence> {
    let greeted = dialled.iter().position(|e| e.smtp.as_ref().is_some_and(|s| s.fault.is_none()));
    dialled.into_iter().nth(greeted.unwrap_or(0))
}

/// Whether the relay has said anything: where it cannot be reached or is silent, a second try only takes the time again.
fn greets(dialled: &Evidence) -> bool {
    let fault = dialled.smtp.as_ref().and_then(|s| s.fault.as_ref());
    fault.is_none_or(|f| f.connected() && f.phase != Phase::Greeting)
}

/// What our door has seen.
struct Trip {
    arrival: Option<(Listened, f64)>,
    others: Vec<Listened>,
    sent: Option<Instant>,
}

impl Trip {
    /// Until the message is there, the time is over, or a signal comes.
    async fn wait(
        &mut self,
        listener: &mut Listener,
        signals: &mut Signals,
        progress: &mut Progress,
        plan: &Plan,
        sending: Option<&Sending>,
    ) {
        let until = Instant::now() + plan.wait;
        match sending.and_then(|s| s.queue_id.as_deref()) {
            _ if sending.is_some_and(Sending::unanswered) => {
                progress.say("the relay did not answer to the message; waiting for it here all the same");
            }
            Some(id) => progress.say(&format!("the relay queued it as {id}; waiting for it here")),
            None => progress.say("the relay queued it; waiting for it here"),
        }
        while self.arrival.is_none() {
            tokio::select! {
                heard = listener.next() => match heard {
                    Some(heard) => self.take(heard, progress),
                    None => return,
                },
                () = sleep_until(until) => return,
                () = progress.tick(until) => {}
                () = signals.next() => {
                    progress.say("interrupted: no longer waiting");
                    return;
                }
            }
        }
    }

    /// Sessions that end as we stop; a signal ends them and their lookups at once.
    async fn rest(&mut self, listener: &mut Listener, signals: &mut Signals) {
        loop {
            tokio::select! {
                heard = listener.next() => match heard {
                    Some(heard) => self.take(heard, &mut Progress::new(true)),
                    None => return,
                },
                () = signals.next() => listener.stop(Stop::Now),
            }
        }
    }

    fn take(&mut self, heard: Heard, progress: &mut Progress) {
        let check = heard.evidence.as_deref().map(judge);
        let listened = Listened::new(heard.session, check);
        let from = listened.session.client.ip();
        // A relay that verifies the recipient names the token too, and brings no message.
        if listened.session.arrived && self.arrival.is_none() {
            let took = self.sent.map_or(0.0, |sent| sent.elapsed().as_secs_f64() * 1000.0);
            progress.say(&format!("it came from {from}"));
            self.arrival = Some((listened, (took * 100.0).round() / 100.0));
        } else if self.others.len() < OTHERS {
            progress.say(&format!("another connection from {from}"));
            self.others.push(listened);
        }
    }
}

fn print(args: &RoundtripArgs, roundtrip: &Roundtrip) -> Exit {
    let table = TableOptions { width: width(), color: color(args.color), explain: args.explain };
    let text = match args.format.unwrap_or(RoundtripFormat::Table) {
        RoundtripFormat::Table => report::roundtrip_table(roundtrip, &table),
        RoundtripFormat::Json => report::roundtrip_json(roundtrip),
        RoundtripFormat::Ndjson => report::roundtrip_ndjson(roundtrip),
        RoundtripFormat::Markdown => report::roundtrip_markdown(roundtrip),
    };
    if let Err(e) = Results::default().write(&text) {
        say(&format!("standard output cannot be written: {e}"));
        return Exit::Usage;
    }
    match roundtrip.arrival.as_ref().and_then(|a| a.check.as_ref()) {
        Some(check) if roundtrip.outcome == Outcome::Arrived => {
            let mut tally = Tally::default();
            tally.add(check, args.fail_on);
            tally.exit()
        }
        _ => Exit::Unknown,
    }
}
