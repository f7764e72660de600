//! The TLS handshake as a witness: it records what the server showed and refuses nothing.
//!
//! Standard: RFC 3207, RFC 8314, RFC 5280. Trust is measured against Mozilla's roots, compiled in, so
//! that the answer is the same on every machine.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::evidence::TlsFacts;
use crate::target::Host;

/// Said of a certificate whose only fault that is.
pub(super) const OTHER_NAME: &str = "it is for another name than the one dialled";
/// Names kept of one certificate.
const MAX_NAMES: usize = 64;

/// What every handshake shares.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    provider: Arc<CryptoProvider>,
    verifier: Arc<WebPkiServerVerifier>,
    /// Certificates that are trusted as a server's own too.
    given: Arc<[CertificateDer<'static>]>,
    /// A certificate for another name than the one dialled is not trusted.
    by_name: bool,
}

impl Tls {
    pub(super) fn new() -> Result<Self, Error> {
        Self::with_authorities(&[])
    }

    /// Trusts these authorities too, and a server that shows one of these very certificates.
    pub(super) fn with_authorities(authorities: &[CertificateDer<'static>]) -> Result<Self, Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for authority in authorities {
            roots.add(authority.clone())?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .map_err(|e| Error::General(e.to_string()))?;
        Ok(Self { provider, verifier, given: authorities.into(), by_name: false })
    }

    /// For whoever gives something away inside: a certificate must also be for the name dialled (RFC 6125 §6).
    pub(super) fn for_the_name_dialled(self) -> Self {
        Self { by_name: true, ..self }
    }

    fn witness(&self, objections: Arc<Mutex<Vec<String>>>) -> Witness {
        Witness { inner: self.verifier.clone(), given: self.given.clone(), by_name: self.by_name, objections }
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
        let witness = self.witness(objections.clone());
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

/// `TLSv1.3` or `TLSv1.2`.
pub(super) fn version_words(version: Option<rustls::ProtocolVersion>) -> String {
    version.map_or_else(String::new, |v| match v {
        rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2".into(),
        rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3".into(),
        other => format!("{other:?}"),
    })
}

fn facts(connection: &rustls::ClientConnection, objections: Vec<String>) -> TlsFacts {
    let mut facts = TlsFacts {
        version: version_words(connection.protocol_version()),
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
    given: Arc<[CertificateDer<'static>]>,
    by_name: bool,
    objections: Arc<Mutex<Vec<String>>>,
}

/// What still has to hold of a certificate that was given as trusted itself: its time, its purpose, its name. No chain
/// is built, since an authority's own certificate in a server's place would end it (RFC 5280 §4.2.1.9).
fn verify_given(leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> Result<(), Error> {
    let parsed = ParsedCertificate::try_from(leaf)?;
    let bad = |why| Err(Error::InvalidCertificate(why));
    let Ok((_, certificate)) = X509Certificate::from_der(leaf) else { return bad(CertificateError::BadEncoding) };
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now < certificate.validity().not_before.timestamp() {
        return bad(CertificateError::NotValidYet);
    }
    if now > certificate.validity().not_after.timestamp() {
        return bad(CertificateError::Expired);
    }
    let for_servers =
        certificate.extended_key_usage().is_ok_and(|usage| usage.is_none_or(|u| u.value.any || u.value.server_auth));
    if for_servers { verify_server_name(&parsed, name) } else { bad(CertificateError::InvalidPurpose) }
}

impl Witness {
    fn note(&self, result: Result<(), Error>, leaf: &CertificateDer<'_>) {
        if let Some(words) = result.err().and_then(|e| objection(&e, is_self_issued(leaf), self.by_name)) {
            self.objections.lock().unwrap_or_else(PoisonError::into_inner).push(words);
        }
    }
}

/// Whether a certificate names itself as its issuer (RFC 5280 §3.2).
fn is_self_issued(leaf: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(leaf).is_ok_and(|(_, c)| c.issuer().as_raw() == c.subject().as_raw())
}

/// Why a certificate is not trusted, to stand behind "not publicly trusted:"; `None` for a name that
/// differs, unless it matters here: the judge compares names, and with more of them than the one dialled.
fn objection(error: &Error, self_issued: bool, by_name: bool) -> Option<String> {
    const NO_AUTHORITY: &str = "no public authority issued it";
    let Error::InvalidCertificate(error) = error else {
        return Some(coded("the server's proof that the certificate is its own was not accepted", error));
    };
    let words = match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            return by_name.then(|| OTHER_NAME.to_owned());
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "it has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "it is not valid yet",
        CertificateError::Revoked => "its issuer has revoked it",
        CertificateError::BadEncoding => "it is not encoded as RFC 5280 says",
        CertificateError::BadSignature => "the signature on it, or on one of its chain, is wrong",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not made for servers (extended key usage)"
        }
        CertificateError::UnhandledCriticalExtension => "it has a critical extension that is not known here",
        CertificateError::UnknownIssuer if self_issued => "it is self-signed",
        CertificateError::UnknownIssuer => NO_AUTHORITY,
        CertificateError::Other(other) => match code(&other.0.to_string()).as_str() {
            // An authority's own certificate in the place of a server's, as `openssl req -x509` makes them.
            "CaUsedAsEndEntity" if self_issued => "it is self-signed",
            "CaUsedAsEndEntity" => "it is an authority's own certificate, not a server's",
            "UnsupportedCertVersion" => "it is not of X.509 version 3",
            _ => return Some(coded("it was not accepted", &other.0)),
        },
        other => return Some(coded("it was not accepted", other)),
    };
    Some(words.to_owned())
}

/// A sentence of ours with the library's name for the trouble, without its structure.
fn coded(words: &str, error: &impl std::fmt::Debug) -> String {
    format!("{words} (code {})", code(&format!("{error:?}")))
}

/// The first word of a library's text.
fn code(text: &str) -> String {
    text.chars().take_while(char::is_ascii_alphanumeric).take(40).collect()
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
        let result = if self.given.contains(leaf) {
            verify_given(leaf, name, now)
        } else {
            self.inner.verify_server_cert(leaf, chain, name, ocsp, now).map(|_| ())
        };
        self.note(result, leaf);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(self.inner.verify_tls12_signature(message, leaf, signed).map(|_| ()), leaf);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.note(self.inner.verify_tls13_signature(message, leaf, signed).map(|_| ()), leaf);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
    use rustls::PeerIncompatible;

    use super::*;

    fn params(authority: bool) -> CertificateParams {
        let mut params = CertificateParams::new(["mail.example.net".to_owned()]).unwrap();
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    }

    /// What the real verifier says of a certificate, in our words.
    fn said(leaf: &CertificateDer<'_>) -> Vec<String> {
        said_by(&Tls::new().unwrap(), leaf)
    }

    fn said_by(tls: &Tls, leaf: &CertificateDer<'_>) -> Vec<String> {
        let objections = Arc::new(Mutex::new(Vec::new()));
        let witness = tls.witness(objections.clone());
        let name = ServerName::try_from("mail.example.net").unwrap();
        witness.verify_server_cert(leaf, &[], &name, &[], UnixTime::now()).unwrap();
        objections.lock().unwrap().clone()
    }

    #[test]
    fn certificates_without_an_authority_are_told_in_plain_words() {
        let key = KeyPair::generate().unwrap();
        let plain = params(false).self_signed(&key).unwrap();
        let as_openssl_makes_it = params(true).self_signed(&key).unwrap();
        let mut authority = params(true);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Example Authority");
        let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let mut leaf = params(false);
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let end_entity = leaf.signed_by(&key, &issuer).unwrap();
        let subordinate = params(true).signed_by(&key, &issuer).unwrap();
        for (der, words) in [
            (plain.der(), "it is self-signed"),
            (as_openssl_makes_it.der(), "it is self-signed"),
            (end_entity.der(), "no public authority issued it"),
            (subordinate.der(), "it is an authority's own certificate, not a server's"),
        ] {
            assert_eq!(said(der), [words]);
        }
        assert!(said(&CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01])).len() == 1);
    }

    #[test]
    fn a_certificate_that_was_given_is_trusted_as_a_servers_own() {
        let made = |change: &dyn Fn(&mut CertificateParams)| {
            let mut params = params(true);
            change(&mut params);
            params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
        };
        let trusting = |given: &CertificateDer<'static>| {
            Tls::with_authorities(std::slice::from_ref(given)).unwrap().for_the_name_dialled()
        };
        let openssls = made(&|_| {});
        assert_eq!(said_by(&trusting(&openssls), &openssls), [""; 0]);
        assert_eq!(
            said_by(&trusting(&made(&|_| {})), &openssls),
            ["it is self-signed"],
            "another one of the same name"
        );
        for (der, words) in [
            (made(&|p| p.not_after = rcgen::date_time_ymd(2020, 1, 1)), "it has expired"),
            (made(&|p| p.not_before = rcgen::date_time_ymd(4000, 1, 1)), "it is not valid yet"),
            (
                made(&|p| p.subject_alt_names = vec![rcgen::SanType::DnsName("other.example".try_into().unwrap())]),
                "it is for another name than the one dialled",
            ),
            (
                made(&|p| p.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
                "it is not made for servers (extended key usage)",
            ),
        ] {
            assert_eq!(said_by(&trusting(&der), &der), [words]);
        }
    }

    #[test]
    fn what_has_no_words_of_ours_has_a_code_and_no_structure() {
        let other = |e| CertificateError::Other(rustls::OtherError(Arc::new(std::io::Error::other(e))));
        for error in [
            Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure),
            Error::InvalidCertificate(other("Some { strange: [structure] }")),
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::General("\u{1b}[31m".into()),
        ] {
            let words = objection(&error, false, false).unwrap();
            let (sentence, code) = words.strip_suffix(')').unwrap().split_once(" (code ").unwrap();
            assert!(sentence.contains(" not accepted") && code.chars().all(|c| c.is_ascii_alphanumeric()), "{words}");
        }
        let name = Error::InvalidCertificate(CertificateError::NotValidForName);
        assert_eq!(objection(&name, false, false), None);
        assert!(objection(&name, false, true).is_some_and(|words| words.contains("another name")));
    }
}
