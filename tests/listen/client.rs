//! An SMTP client that does as it is told.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

pub(crate) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// The longest that a test waits for a reply: the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(10);

pub(crate) struct Client {
    wire: Option<Box<dyn Wire>>,
    read: Vec<u8>,
}

impl Client {
    /// Connects, and says and hears nothing yet.
    pub(crate) async fn connect(to: SocketAddr) -> Self {
        Self::try_connect(to).await.unwrap()
    }

    /// The client of a connection that stands.
    pub(crate) fn over(stream: TcpStream) -> Self {
        Self { wire: Some(Box::new(stream)), read: Vec::new() }
    }

    /// The same, where there may be nobody any more.
    pub(crate) async fn try_connect(to: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self::over(stream))
    }

    /// Connects, and reads the greeting.
    pub(crate) async fn greeted(to: SocketAddr) -> Self {
        let mut client = Self::connect(to).await;
        assert_eq!(client.reply().await, 220);
        client
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        let wire = self.wire.as_mut().unwrap();
        wire.write_all(octets).await?;
        wire.flush().await
    }

    /// The next reply's code; 0 where the connection ends instead.
    pub(crate) async fn reply(&mut self) -> u16 {
        loop {
            while let Some(end) = self.read.iter().position(|b| *b == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                if line[3] == b' ' {
                    return std::str::from_utf8(&line[..3]).unwrap().parse().unwrap();
                }
            }
            let mut buffer = [0; 1024];
            let wire = self.wire.as_mut().unwrap();
            match timeout(PATIENCE, wire.read(&mut buffer)).await.expect("a reply in time") {
                Ok(n) if n > 0 => self.read.extend_from_slice(&buffer[..n]),
                _ => return 0,
            }
        }
    }

    /// One command and its reply.
    pub(crate) async fn say(&mut self, line: &str) -> u16 {
        match self.send(format!("{line}\r\n").as_bytes()).await {
            Ok(()) => self.reply().await,
            Err(_) => 0,
        }
    }

    /// The TLS handshake, whatever certificate is shown.
    pub(crate) async fn secure(&mut self) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone))
            .with_no_client_auth();
        let name = ServerName::try_from("probe.example.net").unwrap();
        let wire = self.wire.take().unwrap();
        let secured = TlsConnector::from(Arc::new(config)).connect(name, wire).await.unwrap();
        self.wire = Some(Box::new(secured));
    }

    pub(crate) async fn starttls(&mut self) {
        assert_eq!(self.say("STARTTLS").await, 220);
        self.secure().await;
    }
}

#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verify_tls13_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
