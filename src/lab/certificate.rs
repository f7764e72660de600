//! Self-signed certificates for the lab's peers.
//!
//! Failure: a name that no certificate can hold.

use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// An acceptor with a fresh certificate for these names.
pub(super) fn acceptor(names: &[String], expired: bool) -> Result<TlsAcceptor, String> {
    let fault = |e: &dyn std::fmt::Display| format!("no certificate for {}: {e}", names.join(", "));
    let mut params = CertificateParams::new(names.to_vec()).map_err(|e| fault(&e))?;
    let common = names.first().map_or("lab", String::as_str);
    params.distinguished_name.push(DnType::CommonName, common);
    (params.not_before, params.not_after) = if expired {
        (date_time_ymd(2019, 1, 1), date_time_ymd(2020, 1, 1))
    } else {
        (date_time_ymd(2020, 1, 1), date_time_ymd(2099, 1, 1))
    };
    let key = KeyPair::generate().map_err(|e| fault(&e))?;
    let certificate = params.self_signed(&key).map_err(|e| fault(&e))?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|e| fault(&e))?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| fault(&e))?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(|e| fault(&e))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
