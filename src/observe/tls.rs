//! The TLS handshake as a witness: it records what the server showed and refuses nothing.
//!
//! Standard: RFC 3207, RFC 8314, RFC 5280. Trust is measured against Mozilla's roots, compiled in, so
//! that the answer is the same on every machine.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::evidence::TlsFacts;
use crate::target::Host;

/// Names kept of one certificate.
const MAX_NAMES: usize = 64;

/// What every handshake shares.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    verifier: Arc<WebPkiServerVerifier>,
}

impl Tls {
    pub(super) fn new() -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|e| Error::General(e.to_string()))?;
        Ok(Self { provider, verifier })
    }

    /// Does the handshake. The name dialled goes into SNI; an address sends none.
    pub(super) async fn handshake(
        &self,
        stream: TcpStream,
        host: &Host,
    ) -> std::io::Result<(TlsStream<TcpStream>, TlsFacts)> {
        let name = match host {
            Host::Name(name) => ServerName::try_from(name.as_str().to_owned()).ok(),
            Host::Address(ip) => Some(ServerName::from(*ip)),
        };
        let name = match name {
            Some(name) => name,
            None => ServerName::from(stream.peer_addr()?.ip()),
        };
        let objections = Arc::new(Mutex::new(Vec::new()));
        let witness = Witness { inner: self.verifier.clone(), objections: objections.clone() };
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(std::io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(witness))
            .with_no_client_auth();
        config.resumption = rustls::client::Resumption::disabled();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        let objections = std::mem::take(&mut *objections.lock().unwrap_or_else(PoisonError::into_inner));
        let facts = facts(stream.get_ref().1, objections);
        Ok((stream, facts))
    }
}

fn facts(connection: &rustls::ClientConnection, objections: Vec<String>) -> TlsFacts {
    let mut facts = TlsFacts {
        version: connection.protocol_version().map_or_else(String::new, |v| match v {
            rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2".into(),
            rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3".into(),
            other => format!("{other:?}"),
        }),
        cipher: connection
            .negotiated_cipher_suite()
            .map_or_else(String::new, |s| format!("{:?}", s.suite()).replace("TLS13_", "TLS_")),
        names: Vec::new(),
        not_before: None,
        not_after: None,
        issuer: None,
        trusted: objections.is_empty(),
        why_not: objections.into_iter().next(),
    };
    let leaf = connection.peer_certificates().and_then(|c| c.first());
    if let Some((_, certificate)) = leaf.and_then(|der| X509Certificate::from_der(der).ok()) {
        facts.names = names(&certificate);
        let instant = |t: i64| jiff::Timestamp::from_second(t).ok().map(|t| t.to_string());
        facts.not_before = instant(certificate.validity().not_before.timestamp());
        facts.not_after = instant(certificate.validity().not_after.timestamp());
        facts.issuer = Some(certificate.issuer().to_string());
    }
    facts
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(Some(alternatives)) = certificate.subject_alternative_name() {
        for name in &alternatives.value.general_names {
            match name {
                GeneralName::DNSName(name) => names.push((*name).to_owned()),
                GeneralName::IPAddress(octets) => {
                    if let Ok(v4) = <[u8; 4]>::try_from(*octets) {
                        names.push(std::net::Ipv4Addr::from(v4).to_string());
                    } else if let Ok(v6) = <[u8; 16]>::try_from(*octets) {
                        names.push(std::net::Ipv6Addr::from(v6).to_string());
                    }
                }
                _ => {}
            }
        }
    }
    if names.is_empty() {
        names.extend(certificate.subject().iter_common_name().filter_map(|n| n.as_str().ok()).map(str::to_owned));
    }
    names.truncate(MAX_NAMES);
    names
}

/// Asks the real verifier, writes down its objections, and lets the handshake go on.
#[derive(Debug)]
struct Witness {
    inner: Arc<WebPkiServerVerifier>,
    objections: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    fn note(&self, result: Result<(), Error>) {
        let words = match result {
            // The names are compared by the judge, with more names than the one dialled.
            Ok(())
            | Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => return,
            Err(Error::InvalidCertificate(error)) => match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired".into(),
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    "it is not valid yet".into()
                }
                CertificateError::UnknownIssuer => "no public authority issued it".into(),
                other => other.to_string(),
            },
            Err(other) => other.to_string(),
        };
        self.objections.lock().unwrap_or_else(PoisonError::into_inner).push(words);
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.note(self.inner.verify_server_cert(leaf, chain, name, ocsp, now).map(|_| ()));
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(self.inner.verify_tls12_signature(message, leaf, signed).map(|_| ()));
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(self.inner.verify_tls13_signature(message, leaf, signed).map(|_| ()));
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
