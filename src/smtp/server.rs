//! The server's side of the dialogue, as a state machine: octets in, [`Action`]s out.
//!
//! Standard: RFC 5321 §4.1.1 (commands), §4.2 (replies), §4.5.3.1.4 (line length); RFC 2920 §3.1 (what may be
//! pipelined); RFC 3207 §4.2 (after STARTTLS all is forgotten, and what came before TLS is dropped).
//! Input: the client's octets in any chunks, and word from the driver that the greeting is out or that
//! TLS stands. Output: what to send, when to wait, to begin TLS or to close.
//! Design: it writes down what the client says ([`ServerRecord`]) and takes no mail: MAIL is answered with
//! a temporary refusal.
//! Failure: none. A client that passes a bound is told so and cut off.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

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
}

impl Default for ServerLimits {
    fn default() -> Self {
        Self { line: 2048, waiting: 16 << 10, commands: 100 }
    }
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
    /// Bounds.
    pub limits: ServerLimits,
    /// Answers that replace the standard ones.
    pub scripts: BTreeMap<Cue, Vec<Action>>,
}

/// One command line of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The command's word, in upper case.
    pub verb: String,
    /// What stands behind it, as it was said: not cleaned of control characters.
    pub argument: String,
    /// It was said inside TLS.
    pub secure: bool,
}

/// What a client said and did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerRecord {
    /// Every complete command line.
    pub commands: Vec<Heard>,
    /// Octets came before the greeting was out.
    pub early: bool,
    /// A command came before the reply to the last one, where it may not.
    pub pipelined: bool,
    /// Octets that came behind STARTTLS and before TLS; they were dropped.
    pub injected: usize,
    /// A bound was passed.
    pub cut_off: bool,
}

impl ServerRecord {
    /// Whether this command was said.
    pub fn said(&self, verb: &str) -> bool {
        self.commands.iter().any(|c| c.verb == verb)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Greeting,
    Commands,
    Over,
}

/// The server session of one connection.
#[derive(Debug)]
pub struct ServerSession {
    plan: ServerPlan,
    state: State,
    waiting: Vec<u8>,
    /// The client has said EHLO and may pipeline, if that was offered.
    extended: bool,
    secure: bool,
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
            secure: false,
            record: ServerRecord::default(),
        }
    }

    /// What the client has said so far.
    pub fn record(&self) -> &ServerRecord {
        &self.record
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
        if self.state != State::Commands {
            return None;
        }
        let end = self.waiting.iter().position(|b| *b == b'\n');
        if end.map_or(self.waiting.len(), |end| end + 1) > self.plan.limits.line {
            self.record.cut_off = true;
            return Some(self.end(500, "5.5.2 Line too long"));
        }
        let line: Vec<u8> = self.waiting.drain(..=end?).collect();
        if self.record.commands.len() >= self.plan.limits.commands {
            self.record.cut_off = true;
            return Some(self.end(421, "4.7.0 Too many commands"));
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end_matches(['\r', '\n']);
        let (verb, argument) = text.split_once(' ').unwrap_or((text, ""));
        let (verb, argument) = (verb.to_ascii_uppercase(), argument.trim().to_owned());
        let out_of_turn = !self.waiting.is_empty() && !self.may_pipeline(&verb);
        self.record.commands.push(Heard { verb: verb.clone(), argument: argument.clone(), secure: self.secure });
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
                self.extended = true;
                self.script(if self.secure { Cue::EhloSecure } else { Cue::Ehlo }).unwrap_or_else(|| self.ehlo())
            }
            "HELO" => self.script(Cue::Helo).unwrap_or_else(|| vec![reply(250, &[self.name()])]),
            "STARTTLS" if self.plan.starttls && !self.secure => {
                self.script(Cue::StartTls).unwrap_or_else(|| vec![reply(220, &["2.0.0 Go ahead"]), Action::StartTls])
            }
            "QUIT" => {
                self.state = State::Over;
                self.script(Cue::Quit).unwrap_or_else(|| vec![reply(221, &["2.0.0 Bye"]), Action::Close])
            }
            "NOOP" | "RSET" => vec![reply(250, &["2.0.0 Ok"])],
            "MAIL" => vec![reply(451, &["4.7.1 No mail is taken here"])],
            "RCPT" | "DATA" | "BDAT" => vec![reply(503, &["5.5.1 MAIL first"])],
            "STARTTLS" | "AUTH" | "VRFY" | "EXPN" | "HELP" | "TURN" | "ETRN" => {
                vec![reply(502, &["5.5.1 Not offered here"])]
            }
            _ => vec![reply(500, &["5.5.2 What?"])],
        }
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
mod tests {
    use super::*;

    fn plan() -> ServerPlan {
        ServerPlan {
            greeting: "mail.example.net ESMTP".into(),
            name: "mail.example.net".into(),
            extensions: vec!["PIPELINING".into()],
            starttls: true,
            ..ServerPlan::default()
        }
    }

    /// Plays octets in chunks into a session that has greeted; gives what it sends, and the session.
    fn play(plan: ServerPlan, octets: &[u8], size: usize) -> (String, ServerSession) {
        let mut session = ServerSession::new(plan);
        let mut sent = Vec::new();
        let mut actions = session.open();
        session.greeted();
        let mut chunks = octets.chunks(size);
        loop {
            for action in actions {
                match action {
                    Action::Send(octets) => sent.extend(octets),
                    Action::StartTls => {
                        sent.extend(b"<tls>");
                        session.secured();
                    }
                    Action::Close => sent.extend(b"<close>"),
                    other => panic!("unplanned {other:?}"),
                }
            }
            actions = loop {
                if let Some(actions) = session.answer() {
                    break actions;
                }
                match chunks.next().map(|chunk| session.push(chunk)) {
                    Some(Some(actions)) => break actions,
                    Some(None) => {}
                    None => return (String::from_utf8(sent).unwrap(), session),
                }
            };
        }
    }

    #[test]
    fn the_polite_dialogue_in_any_chunking() {
        let octets =
            b"EHLO probe.example\r\nRSET\r\nnoop\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\n\
            AUTH PLAIN AA==\r\nXYZ\r\nHELO\r\nHELO probe.example\r\nQUIT\r\nEHLO after.example\r\n";
        let sent = "220 mail.example.net ESMTP\r\n250-mail.example.net\r\n250-PIPELINING\r\n250 STARTTLS\r\n250 2.0.0 Ok\r\n\
            250 2.0.0 Ok\r\n451 4.7.1 No mail is taken here\r\n503 5.5.1 MAIL first\r\n503 5.5.1 MAIL first\r\n\
            502 5.5.1 Not offered here\r\n500 5.5.2 What?\r\n501 5.5.4 Say your name\r\n250 mail.example.net\r\n\
            221 2.0.0 Bye\r\n<close>";
        for size in 1..=octets.len() {
            let (got, session) = play(plan(), octets, size);
            assert_eq!(got, sent, "chunks of {size}");
            let verbs: Vec<&str> = session.record().commands.iter().map(|c| c.verb.as_str()).collect();
            let said = ["EHLO", "RSET", "NOOP", "MAIL", "RCPT", "DATA", "AUTH", "XYZ", "HELO", "HELO", "QUIT"];
            assert_eq!(verbs, said, "chunks of {size}");
            assert_eq!(session.record().commands[3].argument, "FROM:<a@b.example>");
        }
    }

    #[test]
    fn starttls_forgets_and_drops_what_came_before_it() {
        let plan = ServerPlan { secure_name: Some("inside.example.net".into()), ..plan() };
        let mut session = ServerSession::new(plan);
        session.greeted();
        assert_eq!(session.push(b"EHLO a.example\r\nSTARTTLS\r\nMAIL FROM:<>\r\n"), None);
        session.answer();
        assert_eq!(session.answer(), Some(vec![Action::Send(b"220 2.0.0 Go ahead\r\n".to_vec()), Action::StartTls]));
        session.secured();
        assert_eq!(session.record().injected, 14);
        assert_eq!(session.answer(), None);
        session.push(b"EHLO a.example\r\n");
        let sent = b"250-inside.example.net\r\n250 PIPELINING\r\n".to_vec();
        assert_eq!(session.answer(), Some(vec![Action::Send(sent)]));
        assert_eq!(session.record().commands.iter().map(|c| c.secure).collect::<Vec<_>>(), [false, false, true]);
    }

    #[test]
    fn a_client_that_cannot_wait_is_noticed_and_refused_where_asked() {
        let mut lenient = ServerSession::new(plan());
        assert_eq!(lenient.push(b"EHLO a.example\r\n"), None);
        assert_eq!(lenient.answer(), None, "no answer before the greeting is out");
        lenient.greeted();
        assert!(lenient.answer().is_some() && lenient.record().early);

        let mut strict = ServerSession::new(ServerPlan { strict: true, ..plan() });
        let refused = strict.push(b"E").unwrap();
        assert_eq!(refused.last(), Some(&Action::Close));
        strict.greeted();
        assert_eq!((strict.push(b"HLO a\r\n"), strict.answer()), (None, None), "over is over");

        let (sent, session) = play(ServerPlan { strict: true, ..plan() }, b"EHLO a\r\nQUIT\r\n", 64);
        assert!(session.record().pipelined);
        assert!(sent.ends_with("554 5.5.0 You spoke before my reply\r\n<close>"), "{sent}");
        let (sent, session) = play(ServerPlan { strict: true, ..plan() }, b"EHLO a\r\nQUIT\r\n", 8);
        assert!(!session.record().pipelined);
        assert!(sent.ends_with("221 2.0.0 Bye\r\n<close>"), "{sent}");
        let (_, session) = play(ServerPlan { strict: true, ..plan() }, b"EHLO a\r\nRSET\r\nRCPT\r\nQUIT\r\n", 8);
        assert!(!session.record().pipelined, "RSET and RCPT may be followed");
    }

    #[test]
    fn bounds() {
        let limits = ServerLimits { line: 16, waiting: 40, commands: 3 };
        for (octets, reply) in [
            (&b"NOOP 0123456789a\r\n"[..], "500 5.5.2 Line too long\r\n<close>"),
            (&b"NOOP 0123456789abcdef"[..], "500 5.5.2 Line too long\r\n<close>"),
            (&b"NOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\nNOOP\r\n"[..], "421 4.7.0 Too many commands\r\n<close>"),
        ] {
            for size in 1..=octets.len() {
                let (sent, session) = play(ServerPlan { limits, ..plan() }, octets, size);
                assert!(sent.ends_with(reply) && session.record().cut_off, "{sent}");
            }
        }
        let (sent, _) = play(ServerPlan { limits, ..plan() }, &[b'a'; 41], 41);
        assert!(sent.ends_with("421 4.7.0 Too much at once\r\n<close>"), "{sent}");
    }

    #[test]
    fn a_script_replaces_the_standard_answer() {
        let scripts = BTreeMap::from([
            (Cue::Greeting, vec![Action::Wait(Duration::from_secs(1)), Action::Send(b"220 late\r\n".to_vec())]),
            (Cue::Ehlo, vec![Action::Send(b"502 no\r\n".to_vec())]),
        ]);
        let mut session = ServerSession::new(ServerPlan { scripts, ..plan() });
        assert_eq!(session.open().len(), 2);
        session.greeted();
        session.push(b"EHLO a.example\r\n");
        assert_eq!(session.answer(), Some(vec![Action::Send(b"502 no\r\n".to_vec())]));
    }

    proptest::proptest! {
        #[test]
        fn any_octets_are_bounded(octets in proptest::collection::vec(0u8..=255, 0..4000), size in 1usize..500) {
            let limits = ServerLimits { line: 64, waiting: 600, commands: 20 };
            let plan = ServerPlan { limits, starttls: false, ..plan() };
            let (_, session) = play(plan, &octets, size);
            proptest::prop_assert!(session.record().commands.len() <= limits.commands);
            proptest::prop_assert!(session.waiting.len() <= limits.waiting + 500);
        }
    }
}
