//! The client's side of the dialogue, as a state machine: events in, the next [`Step`] out.
//!
//! Standard: RFC 5321 §3.1–3.2, §4.1.1.1, §4.1.4; RFC 3207 §4.2 (after STARTTLS all is forgotten and
//! EHLO said again; what the server sent before TLS must not be read as sent inside it), §4.3.2 (EHLO and
//! HELO are accepted with 250 and nothing else: a 220 there belongs to the greeting, and is passed over).
//! The driver does what a step says and reports what came of it; the machine never blocks, never
//! reads a clock and ends after at most seven commands.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reply;

/// When to use TLS on a plain port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TlsMode {
    /// STARTTLS where it is offered.
    #[default]
    Auto,
    /// STARTTLS, and its absence is a finding.
    Require,
    /// Never.
    Off,
}

/// What to say, decided before the dialogue.
#[derive(Clone, Debug)]
pub struct SessionPlan {
    /// Our own EHLO name: a fully qualified name or a literal.
    pub helo_as: String,
    /// STARTTLS policy; of no weight where `implicit_tls` is set.
    pub tls: TlsMode,
    /// TLS before the first octet (RFC 8314 §3.3).
    pub implicit_tls: bool,
}

/// What happened since the last step.
#[derive(Debug)]
pub enum Event<'a> {
    /// The connection stands.
    Connected,
    /// The TLS handshake is done.
    Secured,
    /// A complete reply to the last command (or the greeting), and how many octets came behind it.
    Reply(&'a Reply, usize),
}

/// What the driver must do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read one reply.
    Read,
    /// Send this command (without CRLF) and read one reply.
    Ask(String),
    /// That was no reply to the command but one more greeting: read on for the reply.
    ReadOn,
    /// Do the TLS handshake.
    Handshake,
    /// The server sent octets before TLS that a careless client would read as sent inside it: stop.
    RefuseInjection,
    /// Send QUIT; no reply to it is needed.
    Quit,
    /// Close without a word: the server has closed its side, or said 421.
    Close,
}

/// Greetings passed over in one dialogue; more are no delay but a loop.
const MAX_LATE_GREETINGS: u8 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Handshake,
    Over,
}

/// The client session.
#[derive(Debug)]
pub struct Session {
    plan: SessionPlan,
    state: State,
    secured: bool,
    late_greetings: u8,
}

impl Session {
    /// A session that has not begun.
    pub fn new(plan: SessionPlan) -> Self {
        Self { plan, state: State::Start, secured: false, late_greetings: 0 }
    }

    /// The name of the phase that we are in, for faults: `greeting`, `ehlo`, `helo`, `starttls`, `tls`.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Start | State::Greeting => Phase::Greeting,
            State::Ehlo | State::Over => Phase::Ehlo,
            State::Helo => Phase::Helo,
            State::StartTls => Phase::StartTls,
            State::Handshake => Phase::Tls,
        }
    }

    /// Whether TLS stands.
    pub fn secured(&self) -> bool {
        self.secured
    }

    /// The next step after an event.
    pub fn on(&mut self, event: Event<'_>) -> Step {
        let (state, step) = match (self.state, event) {
            (State::Start, Event::Connected) if self.plan.implicit_tls => (State::Handshake, Step::Handshake),
            (State::Start, Event::Connected) => (State::Greeting, Step::Read),
            (State::Handshake, Event::Secured) => {
                self.secured = true;
                if self.plan.implicit_tls { (State::Greeting, Step::Read) } else { self.hello("EHLO") }
            }
            (State::Greeting, Event::Reply(reply, _)) if reply.is_positive() => self.hello("EHLO"),
            (state @ (State::Ehlo | State::Helo), Event::Reply(reply, _))
                if reply.code == Some(220) && self.late_greetings < MAX_LATE_GREETINGS =>
            {
                self.late_greetings += 1;
                (state, Step::ReadOn)
            }
            (State::Ehlo, Event::Reply(reply, _)) if reply.accepts_hello() => {
                if self.wants_starttls(reply) {
                    (State::StartTls, Step::Ask("STARTTLS".into()))
                } else {
                    (State::Over, Step::Quit)
                }
            }
            (State::Ehlo, Event::Reply(reply, _)) if reply.is_permanent() => self.hello("HELO"),
            (State::StartTls, Event::Reply(reply, surplus)) if reply.is_positive() => {
                if surplus > 0 {
                    (State::Over, Step::RefuseInjection)
                } else {
                    (State::Handshake, Step::Handshake)
                }
            }
            (_, Event::Reply(reply, _)) if reply.code == Some(421) => (State::Over, Step::Close),
            (_, Event::Reply(..)) => (State::Over, Step::Quit),
            (_, Event::Connected | Event::Secured) => (State::Over, Step::Close),
        };
        self.state = state;
        step
    }

    fn hello(&self, verb: &str) -> (State, Step) {
        let state = if verb == "EHLO" { State::Ehlo } else { State::Helo };
        (state, Step::Ask(format!("{verb} {}", self.plan.helo_as)))
    }

    fn wants_starttls(&self, ehlo: &Reply) -> bool {
        !self.secured && self.plan.tls != TlsMode::Off && offers(&ehlo.lines, "STARTTLS")
    }
}

/// Whether an EHLO reply offers an extension; the keyword's case is of no weight (RFC 5321 §2.4).
pub fn offers(lines: &[String], keyword: &str) -> bool {
    lines.iter().skip(1).any(|l| l.split_whitespace().next().is_some_and(|k| k.eq_ignore_ascii_case(keyword)))
}

/// Where in the dialogue something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Finding the target's addresses.
    Resolve,
    /// The TCP connection.
    Connect,
    /// The greeting.
    Greeting,
    /// EHLO, before or after TLS.
    Ehlo,
    /// HELO.
    Helo,
    /// The STARTTLS command.
    StartTls,
    /// The TLS handshake.
    Tls,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, lines: &[&str]) -> Reply {
        Reply { code: Some(code), lines: lines.iter().map(ToString::to_string).collect(), complete: true }
    }

    /// Plays replies into a session; gives the steps, one a line.
    fn play(tls: TlsMode, implicit_tls: bool, replies: &[Reply]) -> Vec<String> {
        let mut session = Session::new(SessionPlan { helo_as: "probe.example".into(), tls, implicit_tls });
        let mut replies = replies.iter();
        let mut step = session.on(Event::Connected);
        let mut steps = Vec::new();
        loop {
            steps.push(match &step {
                Step::Ask(line) => line.clone(),
                other => format!("{other:?}"),
            });
            step = match step {
                Step::Read | Step::ReadOn | Step::Ask(_) => match replies.next() {
                    Some(reply) => {
                        session.on(Event::Reply(reply, usize::from(reply.lines.contains(&"surplus".into()))))
                    }
                    None => return steps,
                },
                Step::Handshake => session.on(Event::Secured),
                Step::RefuseInjection | Step::Quit | Step::Close => return steps,
            };
        }
    }

    #[test]
    fn the_plain_and_the_starttls_dialogue() {
        let greeting = reply(220, &["mail.example.net ESMTP"]);
        let plain = reply(250, &["mail.example.net", "PIPELINING"]);
        let tls = reply(250, &["mail.example.net", "starttls"]);
        assert_eq!(
            play(TlsMode::Auto, false, &[greeting.clone(), plain.clone()]),
            ["Read", "EHLO probe.example", "Quit"]
        );
        assert_eq!(
            play(TlsMode::Auto, false, &[greeting.clone(), tls.clone(), reply(220, &["go"]), tls.clone()]),
            ["Read", "EHLO probe.example", "STARTTLS", "Handshake", "EHLO probe.example", "Quit"]
        );
        assert_eq!(play(TlsMode::Off, false, &[greeting.clone(), tls.clone()]), ["Read", "EHLO probe.example", "Quit"]);
        assert_eq!(play(TlsMode::Auto, true, &[greeting, tls]), ["Handshake", "Read", "EHLO probe.example", "Quit"]);
    }

    #[test]
    fn a_late_greeting_is_no_reply_to_ehlo() {
        let greeting = reply(220, &["mail.example.net ESMTP"]);
        let late = reply(220, &["second.example.net"]);
        let hello = reply(250, &["mail.example.net"]);
        assert_eq!(
            play(TlsMode::Auto, false, &[greeting.clone(), late.clone(), late.clone(), hello]),
            ["Read", "EHLO probe.example", "ReadOn", "ReadOn", "Quit"]
        );
        assert_eq!(
            play(TlsMode::Auto, false, &[std::slice::from_ref(&greeting), vec![late; 9].as_slice()].concat()),
            ["Read", "EHLO probe.example", "ReadOn", "ReadOn", "ReadOn", "ReadOn", "Quit"]
        );
        let odd = reply(251, &["mail.example.net", "STARTTLS"]);
        assert_eq!(play(TlsMode::Auto, false, &[greeting, odd]), ["Read", "EHLO probe.example", "Quit"]);
    }

    #[test]
    fn refusals() {
        let greeting = reply(220, &["mail.example.net"]);
        assert_eq!(play(TlsMode::Auto, false, &[reply(554, &["no"])]), ["Read", "Quit"]);
        assert_eq!(play(TlsMode::Auto, false, &[reply(421, &["busy"])]), ["Read", "Close"]);
        assert_eq!(
            play(TlsMode::Auto, false, &[greeting.clone(), reply(502, &["what"]), reply(250, &["mail.example.net"])]),
            ["Read", "EHLO probe.example", "HELO probe.example", "Quit"]
        );
        assert_eq!(
            play(TlsMode::Auto, false, &[greeting.clone(), reply(450, &["later"])]),
            ["Read", "EHLO probe.example", "Quit"]
        );
        assert_eq!(
            play(TlsMode::Auto, false, &[greeting.clone(), reply(250, &["m", "STARTTLS"]), reply(454, &["no"])]),
            ["Read", "EHLO probe.example", "STARTTLS", "Quit"]
        );
        assert_eq!(
            play(TlsMode::Auto, false, &[greeting, reply(250, &["m", "STARTTLS"]), reply(220, &["surplus"])]),
            ["Read", "EHLO probe.example", "STARTTLS", "RefuseInjection"]
        );
    }
}
