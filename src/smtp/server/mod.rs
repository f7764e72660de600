//! The server's side of the dialogue, as a state machine: octets in, [`Action`]s out.
//!
//! Standard: RFC 5321 §4.1.1 (commands), §4.2 (replies), §4.5.3.1 (sizes); RFC 2920 §3.1 (what may be
//! pipelined); RFC 3207 §4.2 (after STARTTLS all is forgotten, and what came before TLS is dropped).
//! Input: the client's octets in any chunks, and word from the driver that the greeting is out or that
//! TLS stands. Output: what to send, when to wait, to begin TLS or to close.
//! Design: it writes down what the client says ([`ServerRecord`]). What becomes of mail is a [`Taking`]: it is
//! refused for now, or taken and dropped; no message is kept, and none can leave this room.
//! Failure: none. A client that passes a bound is told so and cut off.

mod body;
mod path;
mod record;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use body::Body;
pub use path::names_token;
pub use record::{Heard, ServerRecord};

/// What the driver must do next, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send these octets.
    Send(Vec<u8>),
    /// Send these octets again and again until the client goes.
    Repeat(Vec<u8>),
    /// Let this much time pass; octets that come meanwhile go to [`ServerSession::push`].
    Wait(Duration),
    /// Do the TLS handshake, then call [`ServerSession::secured`].
    StartTls,
    /// Close the connection.
    Close,
}

/// A moment of the dialogue whose standard answer a [`ServerPlan`] may replace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cue {
    /// The connection stands.
    Greeting,
    /// EHLO before TLS (or where there is none).
    Ehlo,
    /// EHLO inside TLS.
    EhloSecure,
    /// HELO.
    Helo,
    /// STARTTLS.
    StartTls,
    /// The place of the TLS handshake.
    Handshake,
    /// QUIT.
    Quit,
}

/// Bounds on one client.
#[derive(Clone, Copy, Debug)]
pub struct ServerLimits {
    /// Octets in one command line, its end included.
    pub line: usize,
    /// Octets that may wait to be read as commands.
    pub waiting: usize,
    /// Commands in one connection.
    pub commands: usize,
    /// Recipients of one message (RFC 5321 §4.5.3.1.8 asks for 100).
    pub recipients: usize,
    /// Octets of one message.
    pub message: usize,
    /// Octets of the client's words that are written down.
    pub kept: usize,
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self { line: 2048, waiting: 16 << 10, commands: 100, recipients: 100, message: 1 << 20, kept: 8 << 10 }
    }
}

/// What becomes of mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Taking {
    /// MAIL is refused for now.
    #[default]
    NoMail,
    /// Sender and recipients are heard, and every recipient is refused for now.
    Nobody,
    /// Mail is taken and dropped: with a [`ServerPlan::token`] to its recipient and to [`ServerPlan::sender`] only,
    /// else to any.
    Drop,
}

/// How the server behaves, decided before the dialogue.
#[derive(Clone, Debug, Default)]
pub struct ServerPlan {
    /// The text behind `220`.
    pub greeting: String,
    /// The first line of the EHLO and HELO replies: the server's name, or nothing.
    pub name: String,
    /// The name inside TLS, where it is another.
    pub secure_name: Option<String>,
    /// The extensions of the EHLO reply, `STARTTLS` left out.
    pub extensions: Vec<String>,
    /// STARTTLS is offered.
    pub starttls: bool,
    /// Refuse a client that speaks before the greeting is out, or before it may.
    pub strict: bool,
    /// What becomes of mail.
    pub taking: Taking,
    /// The recipient that is waited for, by local part or subaddress.
    pub token: Option<String>,
    /// The domain of that recipient, where it must be this one: mail to another is a stranger's.
    pub domain: Option<String>,
    /// The envelope sender of the message that is waited for. It is a recipient too, for relays that ask whether it
    /// exists before they take its mail (a callout) and for bounces; mail to it is not what is waited for, nor is mail
    /// of the null sender.
    pub sender: Option<String>,
    /// Bounds.
    pub limits: ServerLimits,
    /// Answers that replace the standard ones.
    pub scripts: BTreeMap<Cue, Vec<Action>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Commands,
    Data,
    Over,
}

/// The mail transaction that is open (RFC 5321 §3.3).
#[derive(Clone, Copy, Debug, Default)]
struct Transaction {
    /// Recipients named.
    named: usize,
    /// Recipients taken.
    taken: usize,
    /// One of them is waited for.
    awaited: bool,
    /// It is of the null sender.
    null: bool,
}

/// The server session of one connection.
#[derive(Debug)]
pub struct ServerSession {
    plan: ServerPlan,
    state: State,
    waiting: Vec<u8>,
    /// The client has said EHLO and may pipeline, if that was offered.
    extended: bool,
    /// The client has said EHLO or HELO.
    met: bool,
    secure: bool,
    transaction: Option<Transaction>,
    body: Body,
    record: ServerRecord,
}

impl ServerSession {
    /// A session that has not begun.
    pub fn new(plan: ServerPlan) -> Self {
        Self {
            plan,
            state: State::Greeting,
            waiting: Vec::new(),
            extended: false,
            met: false,
            secure: false,
            transaction: None,
            body: Body::default(),
            record: ServerRecord::default(),
        }
    }

    /// What the client has said so far.
    pub fn record(&self) -> &ServerRecord {
        &self.record
    }

    /// What the client has said in all.
    pub fn into_record(self) -> ServerRecord {
        self.record
    }

    /// Whether a whole command waits to be answered, or a line that is too long to be one.
    pub fn ready(&self) -> bool {
        self.waiting.contains(&b'\n') || self.waiting.len() > self.plan.limits.line
    }

    /// Whether the driver waits for a message's octets, not for a command.
    pub fn in_message(&self) -> bool {
        self.state == State::Data
    }

    /// The answer that replaces the standard one at this moment, where there is one.
    pub fn script(&self, cue: Cue) -> Option<Vec<Action>> {
        self.plan.scripts.get(&cue).cloned()
    }

    /// The greeting. Play it, then call [`ServerSession::greeted`].
    pub fn open(&self) -> Vec<Action> {
        self.script(Cue::Greeting).unwrap_or_else(|| vec![reply(220, &[&self.plan.greeting])])
    }

    /// The greeting's last octet is out: from here on the client may speak.
    pub fn greeted(&mut self) {
        if self.state == State::Greeting {
            self.state = State::Commands;
        }
    }

    /// TLS stands: what was said before it is forgotten (RFC 3207 §4.2), the record apart. Octets that
    /// came before it are no part of what comes inside.
    pub fn secured(&mut self) {
        self.record.injected += self.waiting.len();
        self.waiting.clear();
        self.secure = true;
        self.extended = false;
        self.met = false;
        self.transaction = None;
    }

    /// Ends the dialogue from this side, as for a client that is too slow: what to send last.
    pub fn dismiss(&mut self, code: u16, text: &str) -> Vec<Action> {
        self.end(code, text)
    }

    /// Takes the client's next octets. `Some` replaces whatever is being played: the client is refused.
    pub fn push(&mut self, octets: &[u8]) -> Option<Vec<Action>> {
        if self.state == State::Over || octets.is_empty() {
            return None;
        }
        self.waiting.extend_from_slice(octets);
        if self.state == State::Greeting {
            self.record.early = true;
            if self.plan.strict {
                return Some(self.end(554, "5.5.0 You spoke before the greeting"));
            }
        }
        if self.waiting.len() > self.plan.limits.waiting {
            self.record.cut_off = true;
            return Some(self.end(421, "4.7.0 Too much at once"));
        }
        None
    }

    /// The answer to the next command that waits; `None` when there is none. Call it again after playing
    /// the answer.
    pub fn answer(&mut self) -> Option<Vec<Action>> {
        match self.state {
            State::Commands => {}
            State::Data => return self.message(),
            State::Greeting | State::Over => return None,
        }
        let end = self.waiting.iter().position(|b| *b == b'\n');
        if end.map_or(self.waiting.len(), |end| end + 1) > self.plan.limits.line {
            self.record.cut_off = true;
            return Some(self.end(500, "5.5.2 Line too long"));
        }
        let line: Vec<u8> = self.waiting.drain(..=end?).collect();
        if self.record.count >= self.plan.limits.commands {
            self.record.cut_off = true;
            return Some(self.end(421, "4.7.0 Too many commands"));
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        let (verb, argument) = text.split_once([' ', '\t']).unwrap_or((text, ""));
        let (word, verb, argument) = (verb, verb.to_ascii_uppercase(), argument.trim().to_owned());
        let out_of_turn = !self.waiting.is_empty() && !self.may_pipeline(&verb);
        self.record.note((&verb, word), &argument, self.secure, self.plan.limits.kept);
        if out_of_turn {
            self.record.pipelined = true;
            if self.plan.strict {
                return Some(self.end(554, "5.5.0 You spoke before my reply"));
            }
        }
        Some(self.dispatch(&verb, &argument))
    }

    /// Whether more may stand behind this command (RFC 2920 §3.1).
    fn may_pipeline(&self, verb: &str) -> bool {
        let offered = self.plan.extensions.iter().any(|e| e.eq_ignore_ascii_case("PIPELINING"));
        self.extended && offered && matches!(verb, "RSET" | "MAIL" | "RCPT")
    }

    fn dispatch(&mut self, verb: &str, argument: &str) -> Vec<Action> {
        match verb {
            "EHLO" | "HELO" if argument.is_empty() => vec![reply(501, &["5.5.4 Say your name"])],
            "EHLO" => {
                (self.extended, self.met, self.transaction) = (true, true, None);
                self.script(if self.secure { Cue::EhloSecure } else { Cue::Ehlo }).unwrap_or_else(|| self.ehlo())
            }
            "HELO" => {
                (self.met, self.transaction) = (true, None);
                self.script(Cue::Helo).unwrap_or_else(|| vec![reply(250, &[self.name()])])
            }
            // RFC 3207 §4.
            "STARTTLS" if self.plan.starttls && !self.secure && !argument.is_empty() => {
                vec![reply(501, &["5.5.4 STARTTLS stands alone"])]
            }
            "STARTTLS" if self.plan.starttls && !self.secure => {
                self.script(Cue::StartTls).unwrap_or_else(|| vec![reply(220, &["2.0.0 Go ahead"]), Action::StartTls])
            }
            "QUIT" => {
                self.state = State::Over;
                self.record.quit = true;
                self.script(Cue::Quit).unwrap_or_else(|| vec![reply(221, &["2.0.0 Bye"]), Action::Close])
            }
            "NOOP" => vec![reply(250, &["2.0.0 Ok"])],
            "RSET" => {
                self.transaction = None;
                vec![reply(250, &["2.0.0 Ok"])]
            }
            "MAIL" => self.mail(argument),
            "RCPT" => self.rcpt(argument),
            "DATA" => self.data(argument),
            "BDAT" => vec![reply(503, &["5.5.1 MAIL first"])],
            "STARTTLS" | "AUTH" | "VRFY" | "EXPN" | "HELP" | "TURN" | "ETRN" => {
                vec![reply(502, &["5.5.1 Not offered here"])]
            }
            _ => vec![reply(500, &["5.5.2 What?"])],
        }
    }

    fn mail(&mut self, argument: &str) -> Vec<Action> {
        if self.plan.taking == Taking::NoMail {
            return vec![reply(451, &["4.7.1 No mail is taken here"])];
        }
        if !self.met {
            return vec![reply(503, &["5.5.1 EHLO first"])];
        }
        if self.transaction.is_some() {
            return vec![reply(503, &["5.5.1 One sender at a time"])];
        }
        let Some(said) = path::read(argument, "FROM:") else {
            return vec![reply(501, &["5.1.7 MAIL FROM:<address>"])];
        };
        if said.size().is_some_and(|size| size > self.plan.limits.message as u64) {
            return vec![reply(552, &["5.3.4 Too large"])];
        }
        self.record.note_sender(said.address, self.plan.limits.kept);
        self.transaction = Some(Transaction { null: said.address.is_empty(), ..Transaction::default() });
        vec![reply(250, &["2.1.0 Ok"])]
    }

    fn rcpt(&mut self, argument: &str) -> Vec<Action> {
        let Some(mut transaction) = self.transaction else { return vec![reply(503, &["5.5.1 MAIL first"])] };
        let said = path::read(argument, "TO:").filter(|said| !said.address.is_empty());
        let Some(said) = said else { return vec![reply(501, &["5.1.3 RCPT TO:<address>"])] };
        if transaction.named >= self.plan.limits.recipients {
            return vec![reply(452, &["4.5.3 Too many recipients"])];
        }
        self.record.note_recipient(said.address, self.plan.limits.kept);
        transaction.named += 1;
        let there = self.plan.domain.as_ref().is_none_or(|domain| path::lies_in(said.address, domain));
        let matches = self.plan.token.as_ref().map(|token| there && names_token(said.address, token));
        self.record.matched |= matches == Some(true);
        let sender = self.plan.sender.as_ref().is_some_and(|sender| path::leads_to(said.address, sender));
        let taken = self.plan.taking == Taking::Drop && (matches != Some(false) || sender);
        let ours = self.plan.sender.is_none() || !transaction.null;
        transaction.awaited |= taken && ours && matches == Some(true);
        transaction.taken += usize::from(taken);
        self.transaction = Some(transaction);
        if taken {
            vec![reply(250, &["2.1.5 Ok, it will be dropped"])]
        } else {
            vec![reply(451, &["4.7.1 You were seen; no mail is taken here"])]
        }
    }

    fn data(&mut self, argument: &str) -> Vec<Action> {
        match self.transaction {
            _ if !argument.is_empty() => vec![reply(501, &["5.5.4 DATA stands alone"])],
            None => vec![reply(503, &["5.5.1 MAIL first"])],
            Some(Transaction { taken: 0, .. }) => vec![reply(554, &["5.5.1 No recipient was taken"])],
            Some(_) => {
                self.state = State::Data;
                self.body = Body::default();
                vec![reply(354, &["End with a dot on a line of its own"])]
            }
        }
    }

    /// Reads on in the message; an answer when it is over.
    fn message(&mut self) -> Option<Vec<Action>> {
        let ended = self.body.read(&self.waiting);
        self.waiting.drain(..ended.unwrap_or(self.waiting.len()));
        if self.body.octets() > self.plan.limits.message {
            self.record.cut_off = true;
            return Some(self.end(552, "5.3.4 Too large"));
        }
        ended?;
        let body = std::mem::take(&mut self.body);
        let awaited = self.transaction.is_some_and(|t| t.awaited);
        self.record.note_message(body.octets(), body.into_received(), awaited);
        (self.state, self.transaction) = (State::Commands, None);
        Some(vec![reply(250, &["2.0.0 Taken and dropped"])])
    }

    fn name(&self) -> &str {
        match &self.plan.secure_name {
            Some(name) if self.secure => name,
            _ => &self.plan.name,
        }
    }

    fn ehlo(&self) -> Vec<Action> {
        let mut lines = vec![self.name()];
        lines.extend(self.plan.extensions.iter().map(String::as_str));
        if self.plan.starttls && !self.secure {
            lines.push("STARTTLS");
        }
        vec![reply(250, &lines)]
    }

    fn end(&mut self, code: u16, text: &str) -> Vec<Action> {
        self.state = State::Over;
        vec![reply(code, &[text]), Action::Close]
    }
}

/// A reply of these lines (RFC 5321 §4.2.1).
fn reply(code: u16, lines: &[&str]) -> Action {
    let last = lines.len().saturating_sub(1);
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        let mark = if place == last { ' ' } else { '-' };
        let _ = write!(text, "{code}{mark}{line}\r\n");
    }
    Action::Send(text.into_bytes())
}

#[cfg(test)]
mod tests;
