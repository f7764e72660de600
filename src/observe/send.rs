//! Handing a test message to a relay, as a client that submits mail.
//!
//! Standard: RFC 5321, RFC 3207, RFC 4954 (AUTH), RFC 6409 (submission). The dialogue is mail-send's; the connection
//! and its TLS are ours, so that the source address, the relay's certificate and every reply are evidence.
//! Design: credentials leave only inside TLS whose certificate is the relay's, or any where that was asked for;
//! otherwise they stay here, and that is the fault.
//! Limits: one deadline for all; replies as mail-send bounds them.
//! Failure: a [`SendFault`] beside what came before it.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};

use mail_send::smtp::AssertReply;
use mail_send::{Credentials, Error, SmtpClient};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout_at};

use super::load::Load;
use super::{dial, tls::Tls};
use crate::evidence::{SendFault, SendStage, Sending, Stage, TlsFacts};
use crate::smtp::queue_id;
use crate::target::Target;

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

/// Hands a message to the relay at this address.
pub async fn send(target: &Target, address: IpAddr, letter: &Letter) -> Sending {
    let mut hand = Hand {
        letter,
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
    if let Err(fault) = hand.over(target, address).await {
        hand.sending.fault = Some(fault);
    }
    hand.sending
}

struct Hand<'a> {
    letter: &'a Letter,
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
            self.greeting(&mut client).await?;
            let offers = self.ehlo(&mut client).await?;
            return self.submit(&mut client, offers, true).await;
        }
        let mut client = SmtpClient { stream, timeout: self.left() };
        self.greeting(&mut client).await?;
        let offers = self.ehlo(&mut client).await?;
        if self.letter.tls == SendTls::Off {
            return self.submit(&mut client, offers, false).await;
        }
        if offers.has_capability(smtp_proto::EXT_START_TLS) {
            let go = self.command(&mut client, SendStage::Tls, b"STARTTLS\r\n").await;
            go.map_err(|f| fault(SendStage::Tls, format!("STARTTLS was refused: {}", f.detail)))?;
            let mut client = self.secure(client.stream, target).await?;
            // What was offered before TLS is forgotten (RFC 3207 §4.2).
            let offers = self.ehlo(&mut client).await?;
            return self.submit(&mut client, offers, true).await;
        }
        if self.letter.tls == SendTls::Require {
            return Err(fault(SendStage::Tls, "the relay does not offer STARTTLS; --tls auto sends without it"));
        }
        self.submit(&mut client, offers, false).await
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
    }

    async fn secure(
        &mut self,
        stream: TcpStream,
        target: &Target,
    ) -> Result<SmtpClient<tokio_rustls::client::TlsStream<TcpStream>>, SendFault> {
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
        let read = timeout_at(self.deadline, client.read()).await;
        let reply = read.map_err(|_| fault(SendStage::Greeting, "no greeting in time"))?;
        let reply = reply.map_err(|e| fault(SendStage::Greeting, words(&e)))?;
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
        client.timeout = self.left();
        let go = client.cmd(b"DATA\r\n").await.map_err(|e| self.refused(SendStage::Data, &e))?;
        self.note(SendStage::Data, &go);
        go.assert_code(354).map_err(|e| fault(SendStage::Data, words(&e)))?;
        let taken = self.message(client).await?;
        self.sending.accepted = true;
        self.sending.queue_id = queue_id(taken.message());
        // The message is over; what comes of QUIT changes nothing.
        let _ = tokio::time::timeout(Duration::from_secs(2), client.cmd(b"QUIT\r\n")).await;
        Ok(())
    }

    /// The message and the reply to its end.
    async fn message<T: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        client: &mut SmtpClient<T>,
    ) -> Result<smtp_proto::Response<String>, SendFault> {
        let handing = async {
            client.write_message(&self.letter.message).await.map_err(Error::Io)?;
            client.read().await
        };
        let reply = match timeout_at(self.deadline, handing).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(Error::UnparseableReply)) => {
                let what = "the relay closed the connection after the message, or its reply to it cannot be read";
                return Err(fault(SendStage::Message, what));
            }
            Ok(Err(e)) => return Err(fault(SendStage::Message, words(&e))),
            Err(_) => return Err(fault(SendStage::Message, "the relay took the message and did not answer in time")),
        };
        self.note(SendStage::Message, &reply);
        reply.into_positive_completion().map_err(|e| fault(SendStage::Message, words(&e)))
    }

    fn may_log_in(&self, secure: bool) -> Result<(), SendFault> {
        if !secure {
            return Err(fault(SendStage::Auth, "the connection is not encrypted: the credentials were not sent"));
        }
        match &self.sending.tls {
            Some(TlsFacts { trusted: false, why_not, .. }) if !self.letter.any_certificate => {
                let why = why_not.as_deref().unwrap_or("it could not be verified");
                Err(fault(
                    SendStage::Auth,
                    format!(
                        "the relay's certificate is not trusted ({why}): the credentials were not sent; give its \
                         authority, or itself where it is self-signed, with --ca FILE, or --any-certificate"
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
        client.timeout = self.left();
        let reply = client.cmd(line).await.map_err(|e| self.refused(stage, &e))?;
        self.note(stage, &reply);
        reply.assert_positive_completion().map_err(|e| fault(stage, words(&e)))
    }

    /// The fault of a stage; a reply in it is kept too.
    fn refused(&mut self, stage: SendStage, error: &Error) -> SendFault {
        if let Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply) = error {
            self.note(stage, reply);
        }
        fault(stage, words(error))
    }

    fn note(&mut self, stage: SendStage, reply: &smtp_proto::Response<String>) {
        let [class, subject, detail] = reply.esc;
        // A relay may quote our line in its reply to AUTH, and the credentials with it.
        let said = if stage == SendStage::Auth { "" } else { reply.message() };
        let text: String = said.split_whitespace().collect::<Vec<_>>().join(" ");
        self.sending.stages.push(Stage {
            stage,
            code: reply.code(),
            enhanced: (class > 0).then(|| format!("{class}.{subject}.{detail}")),
            text: text.chars().take(MAX_TEXT).collect(),
        });
    }
}

/// What went wrong, in our words.
fn words(error: &Error) -> String {
    match error {
        Error::UnexpectedReply(reply) | Error::AuthenticationFailed(reply) => {
            format!("the relay answers {}", reply.code())
        }
        Error::Timeout => "no answer in time".into(),
        Error::UnparseableReply => "the relay closed the connection, or its reply cannot be read".into(),
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
