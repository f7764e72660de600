//! What a client said and did, within bounds.

#![expect(clippy::struct_excessive_bools, reason = "what was seen or not is a bool each")]

/// Octets kept of one argument.
const ARGUMENT: usize = 512;
/// Octets kept of a word that is no command.
const VERB: usize = 32;

/// Commands, ours or not.
const COMMANDS: [&str; 16] = [
    "EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT", "VRFY", "EXPN", "HELP", "ETRN",
    "TURN", "AUTH",
];
/// Commands that begin something else, and end an AUTH that went on unasked.
const AFRESH: [&str; 4] = ["EHLO", "HELO", "STARTTLS", "MAIL"];
/// Stands for a line that may be a password.
const NOT_TOLD: &str = "(behind AUTH)";
/// Stands for one that looks like one, wherever it comes.
const LIKE_BASE64: &str = "(like base64)";

/// One command line of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The command's word, in upper case.
    pub verb: String,
    /// What stands behind it, as it was said: not cleaned of control characters, and cut off behind 512 octets.
    /// Of AUTH only the mechanism, and of lines that are no commands nothing where they stand behind it or look like
    /// base64: they may be somebody's password. Of MAIL and RCPT nothing: [`ServerRecord::senders`] and
    /// [`ServerRecord::recipients`] have it.
    pub argument: String,
    /// It was said inside TLS.
    pub secure: bool,
}

/// What a client said and did, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerRecord {
    /// The command lines, as far as they were written down.
    pub commands: Vec<Heard>,
    /// The last EHLO or HELO, whatever else there was no room for.
    pub hello: Option<Heard>,
    /// The last one before TLS, likewise.
    pub hello_before_tls: Option<Heard>,
    /// All command lines.
    pub count: usize,
    /// Commands, senders and recipients that there was no room to write down.
    pub not_written: usize,
    /// The senders named in MAIL, without angle brackets; empty for the null sender.
    pub senders: Vec<String>,
    /// The recipients named in RCPT, without angle brackets.
    pub recipients: Vec<String>,
    /// A recipient names the token that is waited for.
    pub matched: bool,
    /// Messages taken and dropped.
    pub messages: usize,
    /// One of them was for the recipient that is waited for.
    pub arrived: bool,
    /// Octets of those messages.
    pub message_octets: usize,
    /// The Received lines, newest first, folding undone: of the message that is waited for, else of the last one.
    pub received: Vec<String>,
    /// Octets came before the greeting was out.
    pub early: bool,
    /// A command came before the reply to the last one, where it may not.
    pub pipelined: bool,
    /// Octets that came behind STARTTLS and before TLS; they were dropped.
    pub injected: usize,
    /// A bound was passed.
    pub cut_off: bool,
    /// The client said QUIT.
    pub quit: bool,
    /// Octets of the client's words that are kept.
    kept: usize,
    /// Lines that are no commands may be the rest of an AUTH that went on unasked.
    secret: bool,
}

impl ServerRecord {
    /// Whether this command was said.
    pub fn said(&self, verb: &str) -> bool {
        self.commands.iter().any(|c| c.verb == verb)
    }

    /// One command line: its word in upper case, and as it was said.
    pub(super) fn note(&mut self, (verb, word): (&str, &str), argument: &str, secure: bool, limit: usize) {
        self.count += 1;
        let known = COMMANDS.contains(&verb);
        self.secret = verb == "AUTH" || (self.secret && !AFRESH.contains(&verb));
        let enveloped = matches!(verb, "MAIL" | "RCPT");
        let (verb, argument) = match verb {
            "AUTH" => (verb, argument.split_ascii_whitespace().next().unwrap_or_default()),
            _ if enveloped => (verb, ""),
            _ if self.secret && known => (verb, ""),
            _ if self.secret => (NOT_TOLD, ""),
            _ if !known && like_base64(word) => (LIKE_BASE64, ""),
            _ => (verb, argument),
        };
        let heard = Heard { verb: clipped(verb, VERB), argument: clipped(argument, ARGUMENT), secure };
        if matches!(verb, "EHLO" | "HELO") && !heard.argument.is_empty() {
            self.hello = Some(heard.clone());
            if !secure {
                self.hello_before_tls = Some(heard.clone());
            }
        }
        if self.room(heard.verb.len() + heard.argument.len(), limit) {
            self.commands.push(heard);
        } else {
            // Of a sender or recipient it is the address that is missed, and that counts there.
            self.not_written += usize::from(!enveloped);
        }
    }

    pub(super) fn note_sender(&mut self, address: &str, limit: usize) {
        let address = clipped(address, ARGUMENT);
        if self.room(address.len(), limit) {
            self.senders.push(address);
        } else {
            self.not_written += 1;
        }
    }

    pub(super) fn note_recipient(&mut self, address: &str, limit: usize) {
        let address = clipped(address, ARGUMENT);
        if self.room(address.len(), limit) {
            self.recipients.push(address);
        } else {
            self.not_written += 1;
        }
    }

    pub(super) fn note_message(&mut self, octets: usize, received: Vec<String>, awaited: bool) {
        self.messages += 1;
        self.message_octets += octets;
        if awaited || !self.arrived {
            self.received = received;
        }
        self.arrived |= awaited;
    }

    /// Whether these octets may be kept too; they count when they may.
    fn room(&mut self, octets: usize, limit: usize) -> bool {
        let fits = self.kept + octets <= limit;
        if fits {
            self.kept += octets;
        }
        fits
    }
}

/// Whether a word may be base64 of eight characters or more: its alphabet and length, and what hardly stands in a
/// command's word: a digit or sign, or small and capital letters mixed.
fn like_base64(word: &str) -> bool {
    let word = word.as_bytes();
    let letters = word.strip_suffix(b"==").or_else(|| word.strip_suffix(b"=")).unwrap_or(word);
    let has = |kind: fn(&u8) -> bool| word.iter().any(kind);
    let mixed = has(u8::is_ascii_lowercase) && word.iter().skip(1).any(u8::is_ascii_uppercase);
    word.len() >= 8
        && word.len().is_multiple_of(4)
        && letters.iter().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(b))
        && (mixed || has(|b| !b.is_ascii_alphabetic()))
}

fn clipped(text: &str, limit: usize) -> String {
    text[..text.floor_char_boundary(limit)].to_owned()
}
