//! Handing a test message to a relay, as a client that submits mail.
//!
//! Standard: RFC 5321, RFC 3207, RFC 4954 (AUTH), RFC 6409 (submission). The dialogue is mail-send's; the connection
//! and its TLS are ours, so that the source address, the relay's certificate and every reply are evidence.
//! Design: credentials leave only inside TLS whose certificate is the relay's, or any where that was asked for;
//! otherwise they stay here, and that is the fault.
//! Limits: one deadline for all; replies as mail-send bounds them.
//! Failure: a [`SendFault`] beside what came before it.

use std::fmt::Display;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use mail_send::smtp::AssertReply;
use mail_send::{Credentials, Error, SmtpClient};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout_at};

use super::dial;
use super::load::Load;
use super::tls::{OTHER_NAME, Tls};
use crate::evidence::{SendFault, SendStage, Sending, Stage, TlsFacts};
use crate::smtp::queue_id;
use crate::target::Target;

/// QUIT and its reply.
const QUIT: Duration = Duration::from_secs(2);
/// Stands for the password where a relay quotes it.
const LEFT_OUT: &str = "(the password)";
/// Names of a certificate that are told.
const NAMES: usize = 4;
/// Characters kept of one reply.
const MAX_TEXT: usize = 1000;

/// A message and how to hand it over.
#[derive(Clone)]
pub struct Letter {
    /// The envelope sender.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// Header and body, its lines ended by CRLF.
    pub message: Vec<u8>,
    /// The name that we say in EHLO.
    pub helo_as: String,
    /// The address to dial from.
    pub source: Option<IpAddr>,
    /// Whether TLS must be.
    pub tls: SendTls,
    /// Name and password; never without TLS.
    pub login: Option<Login>,
    /// Authorities trusted beside Mozilla's, and relays' own certificates.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Credentials may go to a relay whose certificate cannot be verified.
    pub any_certificate: bool,
    /// All of it ends within this.
    pub timeout: Duration,
}

/// TLS when a message is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendTls {
    /// Its absence is an error.
    #[default]
    Require,
    /// Where it is offered.
    Auto,
    /// Never.
    Off,
}

/// Who we are to the relay.
#[derive(Clone)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// The only mechanism to use; what the relay offers, the plainest first inside TLS, where there is none.
    pub mechanism: Option<Mechanism>,
}

impl Login {
    /// A relay's words without the password, which it may quote from AUTH, in clear text or in the forms of RFC 4616
    /// and of LOGIN.
    fn left_out_of(&self, text: &str) -> String {
        let (user, password) = (self.user.as_bytes(), self.password.as_bytes());
        let plain = [b"\0", user, b"\0", password].concat();
        let full = [user, b"\0", user, b"\0", password].concat();
        let forms = [base64(&full), base64(&plain), base64(password), self.password.clone()];
        forms.iter().fold(text.to_owned(), |text, form| {
            // Some servers drop the padding.
            text.replace(form.trim_end_matches('='), LEFT_OUT)
        })
    }
}

fn base64(octets: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(octets)
}

/// SASL mechanisms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Obsolete and everywhere.
    Login,
    /// RFC 2195.
    CramMd5,
}

impl Mechanism {
    fn bit(self) -> u64 {
        match self {
            Self::Plain => smtp_proto::AUTH_PLAIN,
            Self::Login => smtp_proto::AUTH_LOGIN,
            Self::CramMd5 => smtp_proto::AUTH_CRAM_MD5,
        }
    }
}

/// Hands a message to the relay at this address, unless it is told to stop before.
pub async fn send(target: &Target, address: IpAddr, letter: &Letter, stop: impl Future<Output = ()>) -> Sending {
    let mut hand = Hand {
        letter,
        stage: SendStage::Connect,
        broken: false,
        deadline: Instant::now() + letter.timeout,
        sending: Sending {
            began_at: jiff::Timestamp::now().to_string(),
            relay: match address {
                IpAddr::V6(_) if target.host.to_string().contains(':') => format!("[{}]:{}", target.host, target.port),
                _ => format!("{}:{}", target.host, target.port),
            },
            address: Some(address),
            from: letter.from.clone(),
            to: letter.to.clone(),
            ..Sending::default()
        },
    };
    let handed = tokio::select! {
        handed = hand.over(target, address) => Some(handed),
        () = stop => None,
    };
    hand.sending.fault = match handed {
        Some(handed) => handed.err(),
        // Only the farewell is cut short.
        None if hand.sending.accepted => None,
        None if hand.stage == SendStage::Message => {
            Some(fault(hand.stage, "interrupted before the relay had answered to the message"))
        }
        None => Some(fault(hand.stage, "interrupted before the message")),
    };
    hand.sending
}

/// What the plain part of a dialogue came to.
enum Begun {
    /// All is said.
    Over,
    /// TLS is to begin.
    StartTls,
}

struct Hand<'a> {
    letter: &'a Letter,
    /// Where in the dialogue we are.
    stage: SendStage,
    /// The connection is of no more use, not even for QUIT.
    broken: bool,
    deadline: Instant,
    sending: Sending,
}

fn fault(stage: SendStage, detail: impl Display) -> SendFault {
    SendFault { stage, detail: detail.to_string() }
}

impl Hand<'_> {
    async fn over(&mut self, target: &Target, address: IpAddr) -> Result<(), SendFault> {
        let connected =
            dial::connect(SocketAddr::new(address, target.port), self.letter.source, &Load::default(), self.deadline)
                .await;
        let stream = connected.map_err(|f| fault(SendStage::Connect, f.detail))?;
        // A message and its end follow each other without a reply between them.
        let _ = stream.set_nodelay(true);
        if target.implicit_tls {
            let mut client = self.secure(stream, target).await?;
            let done = self.within_tls(&mut client, true).await;
            self.farewell(&mut client).await;
            return done;
        }
        let mut client = SmtpClient { stream, timeout: self.left() };
        match self.up_to_tls(&mut client).await {
            Ok(Begun::StartTls) => {}
            done => {
                self.farewell(&mut client).await;
                return done.map(|_| ());
            }
        }
        let mut client = self.secure(client.stream, target).await?;
        // What was offered before TLS is forgotten (RFC 3207 §4.2).
        let done = self.within_tls(&mut client, false).await;
        self.farewell(&mut client).await;
        done
    }

    /// From the greeting to the end, or to the reply that lets TLS begin.
    async fn up_to_tls(&mut self, client: &mut SmtpClient<TcpStream>) -> Result<Begun, SendFault> {
        self.greeting(client).await?;
        let offers = self.ehlo(client).await?;
        let offered = offers.has_capability(smtp_proto::EXT_START_TLS);
        match self.letter.tls {
            SendTls::Require | SendTls::Auto if offered => {
                let go = self.command(client, SendStage::Tls, b"STARTTLS\r\n").await;
                go.map_err(|f| fault(SendStage::Tls, format!("STARTTLS was refused: {}", f.detail)))?;
                Ok(Begun::StartTls)
            }
            SendTls::Require => {
                Err(fault(SendStage::Tls, "the relay does not offer STARTTLS; --tls auto sends without it"))
            }
            SendTls::Auto | SendTls::Off => self.submit(client, offers, false).await.map(|()| Begun::Over),
        }
    }

    async fn within_tls<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
        greeting: bool,
    ) -> Result<(), SendFault> {
        if greeting {
            self.greeting(client).await?;
        }
        let offers = self.ehlo(client).await?;
        self.submit(client, offers, true).await
    }

    /// QUIT, whatever came before (RFC 5321 §4.1.1.10), where there is still somebody to say it to; what comes of it
    /// changes nothing.
    async fn farewell<T: AsyncRead + AsyncWrite + Unpin>(&mut self, client: &mut SmtpClient<T>) {
        if !self.broken {
            let _ = tokio::time::timeout(QUIT, client.cmd(b"QUIT\r\n")).await;
        }
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    async fn secure(
        &mut self,
        stream: TcpStream,
        target: &Target,
    ) -> Result<SmtpClient<tokio_rustls::client::TlsStream<TcpStream>>, SendFault> {
        self.stage = SendStage::Tls;
        let failed = |e: &dyn Display| fault(SendStage::Tls, format!("the TLS handshake failed: {e}"));
        let tls = Tls::with_authorities(&self.letter.authorities).map_err(|e| failed(&e))?.for_the_name_dialled();
        let done = timeout_at(self.deadline, tls.handshake(stream, &target.host)).await;
        let (stream, facts) = done.map_err(|_| failed(&"no answer in time"))?.map_err(|e| failed(&e))?;
        self.sending.tls = Some(facts);
        Ok(SmtpClient { stream, timeout: self.left() })
    }

    async fn greeting<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
    ) -> Result<(), SendFault> {
        self.stage = SendStage::Greeting;
        let reply = match timeout_at(self.deadline, client.read()).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(e)) => return Err(self.refused(SendStage::Greeting, &e)),
            Err(_) => {
                self.broken = true;
                return Err(fault(SendStage::Greeting, "no greeting in time"));
            }
        };
        self.note(SendStage::Greeting, &reply);
        match reply.code() {
            220 => Ok(()),
            code => Err(fault(SendStage::Greeting, format!("the relay greets with {code}"))),
        }
    }

    async fn ehlo<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
    ) -> Result<smtp_proto::EhloResponse<String>, SendFault> {
        self.stage = SendStage::Ehlo;
        client.timeout = self.left();
        client.ehlo(&self.letter.helo_as).await.map_err(|e| self.refused(SendStage::Ehlo, &e))
    }

    /// AUTH, and the message.
    async fn submit<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
        offers: smtp_proto::EhloResponse<String>,
        secure: bool,
    ) -> Result<(), SendFault> {
        if let Some(login) = &self.letter.login {
            self.may_log_in(secure)?;
            self.log_in(client, login, offers).await?;
        }
        let letter = self.letter;
        self.command(client, SendStage::Mail, format!("MAIL FROM:<{}>\r\n", letter.from).as_bytes()).await?;
        self.command(client, SendStage::Rcpt, format!("RCPT TO:<{}>\r\n", letter.to).as_bytes()).await?;
        self.stage = SendStage::Data;
        client.timeout = self.left();
        let go = client.cmd(b"DATA\r\n").await.map_err(|e| self.refused(SendStage::Data, &e))?;
        self.note(SendStage::Data, &go);
        go.assert_code(354).map_err(|e| fault(SendStage::Data, words(&e)))?;
        let taken = self.message(client).await?;
        self.sending.accepted = true;
        self.sending.queue_id = queue_id(taken.message());
        Ok(())
    }

    /// The message and the reply to its end.
    async fn message<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
    ) -> Result<smtp_proto::Response<String>, SendFault> {
        // From here on the relay may have all of it (RFC 5321 §4.1.1.4), whatever we hear of it.
        self.stage = SendStage::Message;
        let handing = async {
            client.write_message(&self.letter.message).await.map_err(Error::Io)?;
            client.read().await
        };
        let what = match timeout_at(self.deadline, handing).await {
            Ok(Ok(reply)) => return self.taken(&reply).map(|()| reply),
            Ok(Err(Error::UnparseableReply)) => {
                "the relay closed the connection after the message, or its reply to it cannot be read".into()
            }
            Ok(Err(Error::Io(e))) if e.kind() == ErrorKind::UnexpectedEof => {
                "the relay closed the connection after the message".into()
            }
            Ok(Err(e)) => words(&e),
            Err(_) => "the relay took the message and did not answer in time".into(),
        };
        self.broken = true;
        Err(fault(SendStage::Message, what))
    }

    fn taken(&mut self, reply: &smtp_proto::Response<String>) -> Result<(), SendFault> {
        self.note(SendStage::Message, reply);
        if reply.is_positive_completion() {
            return Ok(());
        }
        Err(fault(SendStage::Message, format!("the relay answers {}", reply.code())))
    }

    fn may_log_in(&self, secure: bool) -> Result<(), SendFault> {
        if !secure {
            return Err(fault(SendStage::Auth, "the connection is not encrypted: the credentials were not sent"));
        }
        match &self.sending.tls {
            Some(TlsFacts { trusted: false, why_not, names, .. }) if !self.letter.any_certificate => {
                let why = why_not.as_deref().unwrap_or("it could not be verified");
                let remedy = match names.as_slice() {
                    // An authority more would change nothing.
                    [first, others @ ..] if why == OTHER_NAME => {
                        let more = if others.is_empty() { String::new() } else { format!(" (or {})", some(others)) };
                        format!("dial it as {first}{more}, the name in its certificate")
                    }
                    _ => "give its authority, or itself where it is self-signed, with --ca FILE".into(),
                };
                Err(fault(
                    SendStage::Auth,
                    format!(
                        "the relay's certificate is not trusted ({why}): the credentials were not sent; {remedy}, or \
                         --any-certificate"
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    async fn log_in<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
        login: &Login,
        mut offers: smtp_proto::EhloResponse<String>,
    ) -> Result<(), SendFault> {
        if let Some(only) = login.mechanism {
            offers.auth_mechanisms &= only.bit();
        }
        self.stage = SendStage::Auth;
        client.timeout = self.left();
        let credentials = Credentials::new(login.user.as_str(), login.password.as_str());
        match client.authenticate(&credentials, &offers).await {
            Ok(_) => {
                self.sending.authenticated = true;
                Ok(())
            }
            Err(Error::UnsupportedAuthMechanism) => Err(fault(
                SendStage::Auth,
                "the relay offers no AUTH mechanism that we may use (PLAIN, LOGIN, CRAM-MD5)",
            )),
            Err(e) => Err(self.refused(SendStage::Auth, &e)),
        }
    }

    async fn command<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
        stage: SendStage,
        line: &[u8],
    ) -> Result<(), SendFault> {
        self.stage = stage;
        client.timeout = self.left();
        let reply = client.cmd(line).await.map_err(|e| self.refused(stage, &e))?;
        self.note(stage, &reply);
        reply.assert_positive_completion().map_err(|e| fault(stage, words(&e)))
    }

    /// The fault of a stage; a reply in it is kept too.
    fn refused(&mut self, stage: SendStage, error: &Error) -> SendFault {
        match error {
            Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply) => {
                self.note(stage, reply);
                self.broken |= reply.code() == 421;
            }
            Error::Io(_) | Error::Tls(_) | Error::Timeout | Error::UnparseableReply => self.broken = true,
            _ => {}
        }
        fault(stage, words(error))
    }

    fn note(&mut self, stage: SendStage, reply: &smtp_proto::Response<String>) {
        let [class, subject, detail] = reply.esc;
        // A relay may quote our line in its reply to AUTH, and the credentials with it.
        let said = if stage == SendStage::Auth { "" } else { reply.message() };
        let said = self.letter.login.as_ref().map_or_else(|| said.to_owned(), |login| login.left_out_of(said));
        let text: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        self.sending.stages.push(Stage {
            stage,
            code: reply.code(),
            enhanced: (class > 0).then(|| format!("{class}.{subject}.{detail}")),
            text: text.chars().take(MAX_TEXT).collect(),
        });
    }
}

/// The first of them.
fn some(names: &[String]) -> String {
    let more = if names.len() > NAMES { ", …" } else { "" };
    names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ") + more
}

/// What went wrong, in our words.
fn words(error: &Error) -> String {
    match error {
        Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply) => {
            format!("the relay answers {}", reply.code())
        }
        Error::Timeout => "no answer in time".into(),
        Error::UnparseableReply => "the relay closed the connection, or its reply cannot be read".into(),
        // What TLS libraries say of it is for programmers.
        Error::Io(e) if e.kind() == ErrorKind::UnexpectedEof => "the relay closed the connection".into(),
        Error::Io(e) => e.to_string(),
        other => other.to_string(),
    }
}

/// Sixteen hexadecimal digits that nobody else has.
pub fn fresh_token() -> Result<String, rustls::Error> {
    let mut octets = [0; 8];
    let random = rustls::crypto::ring::default_provider().secure_random;
    random.fill(&mut octets).map_err(|_| rustls::Error::FailedToGetRandomBytes)?;
    Ok(format!("{:016x}", u64::from_be_bytes(octets)))
}
