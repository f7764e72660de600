//! TLS at our own door: a certificate of our own making or a given one, and what a handshake shows of a client.
//!
//! Standard: RFC 3207, RFC 8314. Relays that send do not check our certificate unless they are told to, so that a
//! self-made one serves; one that does check needs a given one.

use std::fmt::Display;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};
use tokio_rustls::TlsAcceptor;

use crate::evidence::ClientTls;
use crate::observe::tls::version_words;

/// What our door shows.
#[derive(Clone)]
pub struct ListenTls(pub(super) TlsAcceptor);

impl std::fmt::Debug for ListenTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ListenTls")
    }
}

impl ListenTls {
    /// A fresh certificate, signed by itself, for this name.
    pub fn self_made(name: &str) -> Result<Self, String> {
        let fault = |e: &dyn Display| format!("no certificate can be made for {name}: {e}");
        let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(|e| fault(&e))?;
        params.distinguished_name.push(DnType::CommonName, name);
        let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now());
        let year = i32::from(today.year());
        params.not_before = date_time_ymd(year - 1, 1, 1);
        params.not_after = date_time_ymd(year + 2, 1, 1);
        let key = KeyPair::generate().map_err(|e| fault(&e))?;
        let certificate = params.self_signed(&key).map_err(|e| fault(&e))?;
        let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|e| fault(&e))?;
        Self::new(vec![certificate.der().clone()], key)
    }

    /// A given certificate with its chain, and its key, as PEM.
    pub fn given(certificate: &[u8], key: &[u8]) -> Result<Self, String> {
        let chain = CertificateDer::pem_slice_iter(certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|e| format!("the certificate is no PEM: {e}"))?;
        if chain.is_empty() {
            return Err("there is no certificate in it; give PEM, the server's own first".into());
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| format!("the key is no PEM: {e}"))?;
        Self::new(chain, key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, String> {
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|e| e.to_string())?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

pub(super) fn facts(connection: &ServerConnection) -> ClientTls {
    ClientTls {
        version: version_words(connection.protocol_version()),
        cipher: connection
            .negotiated_cipher_suite()
            .map_or_else(String::new, |s| format!("{:?}", s.suite()).replace("TLS13_", "TLS_")),
        server_name: connection.server_name().map(str::to_owned),
    }
}
