//! Tickets about checks, to send unchanged: to the hosting provider, or to the customer whose mail is refused.
//!
//! Plain text, laid out by [`Letter`](super::letter); every string of a check is cleaned. What a provider is asked
//! for is gathered over all checks, since the addresses of one zone are one ticket; a customer's letter is about one
//! check. What there is nothing to write about is a remark, which is no part of any letter.

mod customer;
mod facts;
mod provider;
mod request;

use super::clean::clean_bounded;
use crate::judge::{Check, EdgeState, RemedyStep, Side};

pub(super) use facts::moment;
use request::Request;

/// To whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Ticket {
    /// The hosting provider, who holds the reverse zone.
    Provider,
    /// The customer whose mail is refused.
    Customer,
}

/// The tickets of a run.
#[derive(Debug)]
pub struct Tickets {
    to: Ticket,
    letters: Vec<String>,
    /// What is asked of each holder: one ticket each.
    requests: Vec<Vec<Request>>,
    remarks: Vec<String>,
}

impl Tickets {
    /// None yet.
    pub fn new(to: Ticket) -> Self {
        Self { to, letters: Vec::new(), requests: Vec::new(), remarks: Vec::new() }
    }

    /// Takes what one check asks for.
    pub fn add(&mut self, check: &Check) {
        match self.to {
            Ticket::Customer => match customer::letter(check) {
                Ok(letter) => self.letters.push(letter),
                Err(remark) => self.remarks.push(remark),
            },
            Ticket::Provider => match Request::of(check) {
                Ok(request) => self.join(request),
                Err(remark) => self.remarks.push(remark),
            },
        }
    }

    fn join(&mut self, request: Request) {
        if request.name.is_none() {
            self.remarks.push(format!(
                "the ticket for {} lacks the name that the PTR shall hold: give --ehlo NAME",
                request.ip
            ));
        }
        match self.requests.iter_mut().find(|r| r.first().is_some_and(|first| first.goes_with(&request))) {
            Some(requests) if requests.iter().all(|r| r.ip != request.ip) => requests.push(request),
            Some(_) => {}
            None => self.requests.push(vec![request]),
        }
    }

    /// The letters, with a rule between two; and the remarks, a sentence each, for beside them.
    pub fn finish(self) -> (String, Vec<String>) {
        let asked = self.requests.iter().map(|r| provider::letter(r));
        let letters: Vec<String> = self.letters.iter().cloned().chain(asked).collect();
        (letters.join("\n----\n\n"), self.remarks)
    }
}

/// The text of a ticket about one check, or why there is none.
pub fn ticket(check: &Check, to: Ticket) -> String {
    let mut tickets = Tickets::new(to);
    tickets.add(check);
    let (letters, remarks) = tickets.finish();
    if letters.is_empty() { remarks.join("\n") + "\n" } else { letters }
}

fn text(t: &str) -> String {
    clean_bounded(t, 400).into_owned()
}

fn texts(all: &[String]) -> Vec<String> {
    all.iter().map(|t| text(t)).collect()
}

fn step(check: &Check, side: Side) -> Option<&RemedyStep> {
    check.remedy.as_ref()?.steps.iter().find(|s| s.side == side)
}

/// Whether something is wrong, and what is to change cannot be told before a failed lookup succeeds.
fn undecided(check: &Check) -> bool {
    let agreement = &check.agreement;
    let edges = [&agreement.ptr_forward, &agreement.ehlo_forward, &agreement.ehlo_ptr];
    check.remedy.is_none() && edges.iter().any(|e| is_wrong(e.state))
}

/// What kind of address it is, where no receiver sees it.
fn unseen(check: &Check) -> Option<String> {
    check.remedy.as_ref()?.unseen.as_deref().map(text)
}

/// What could not be looked up.
fn open(check: &Check) -> String {
    let agreement = &check.agreement;
    let edges = [&agreement.ptr_forward, &agreement.ehlo_forward, &agreement.ehlo_ptr];
    let edge = edges.into_iter().find(|e| e.state == EdgeState::Unknown);
    text(edge.map_or("", |e| e.because.trim_end_matches('.')))
}

/// What is wrong at the PTR, and what leaves open what it shall become.
fn undecided_because(check: &Check) -> String {
    let wrong = text(check.agreement.ptr_forward.because.trim_end_matches('.'));
    format!("{wrong}, and what its PTR shall name could not be told yet: {}", open(check))
}

fn is_wrong(state: EdgeState) -> bool {
    matches!(state, EdgeState::Differ | EdgeState::Absent)
}
