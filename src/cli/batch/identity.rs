//! What a request is known by, from one run to the next: its identity, normalised, and that identity's hash.
//!
//! Shape: `host|port|tls|ip|ehlo` in ASCII lower case; a part that was not given is empty, `tls` is `tls` where
//! TLS comes before the greeting. Of an IPv4-mapped address the IPv4 address counts. The label is no part of it.
//! Hash: SipHash-2-4, 64 bits (for resuming, 128), its key sixteen zero octets, over the octets of that text. It is
//! the same on every platform and in every version; docs/scale.md shows how to work it out elsewhere.

use std::hash::Hasher;
use std::net::IpAddr;

use siphasher::sip::SipHasher24;
use siphasher::sip128::{Hasher128, SipHasher24 as SipHasher24Wide};

use crate::evidence::{EhloSource, IpSource};
use crate::judge::Check;
use crate::observe::Request;
use crate::target::{Host, Target};

/// A request's identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity(String);

impl Identity {
    /// Of a request with one address, or with none.
    pub(super) fn of_request(request: &Request) -> Self {
        Self::of(request.target.as_ref(), request.ips.first().copied(), request.ehlo.as_deref())
    }

    /// Of the request that a check came of; `None` where its target cannot be read.
    pub(super) fn of_check(check: &Check) -> Option<Self> {
        let target = match &check.target.host {
            Some(_) => Some(Target::parse(&check.target.input, check.target.port).ok()?),
            None => None,
        };
        let given = |source| source != Some(IpSource::Dialled);
        let ip = check.client.ip.filter(|_| given(check.client.ip_source));
        let said = check.client.ehlo_source != Some(EhloSource::Replied);
        Some(Self::of(target.as_ref(), ip, check.client.ehlo.as_deref().filter(|_| said)))
    }

    /// Of its parts.
    pub(super) fn of(target: Option<&Target>, ip: Option<IpAddr>, ehlo: Option<&str>) -> Self {
        let host = target.map(|t| t.host.to_string()).unwrap_or_default();
        let port = target.map(|t| t.port.to_string()).unwrap_or_default();
        let tls = if target.is_some_and(|t| t.implicit_tls) { "tls" } else { "" };
        let ip = ip.map(|ip| ip.to_canonical().to_string()).unwrap_or_default();
        let mut text = [&host, &port, tls, &ip, ehlo.unwrap_or_default()].join("|");
        text.make_ascii_lowercase();
        Self(text)
    }

    /// Whether one request of this identity may be several checks: a name may have several addresses.
    pub(super) fn may_be_several(target: Option<&Target>, ips: usize) -> bool {
        ips == 0 && target.is_some_and(|t| matches!(t.host, Host::Name(_)))
    }

    /// For shards.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = SipHasher24::new_with_keys(0, 0);
        hasher.write(self.0.as_bytes());
        hasher.finish()
    }

    /// For sets of identities, with the label, which tells apart what is the same otherwise.
    pub(super) fn wide_hash(&self, label: &str) -> u128 {
        let mut hasher = SipHasher24Wide::new_with_keys(0, 0);
        hasher.write(self.0.as_bytes());
        hasher.write(b"\n");
        hasher.write(label.as_bytes());
        hasher.finish128().as_u128()
    }
}

/// A label as text: what CSV shows of it.
pub(super) fn label_text(label: &serde_json::Value) -> String {
    match label {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(target: &str, ip: &str, ehlo: &str) -> Identity {
        let target = (!target.is_empty()).then(|| Target::parse(target, None).unwrap());
        Identity::of(target.as_ref(), ip.parse().ok(), Some(ehlo).filter(|e| !e.is_empty()))
    }

    #[test]
    fn the_same_identity_however_it_is_written() {
        assert_eq!(identity("Mail.Example.NET.", "", "").0, "mail.example.net|25|||");
        assert_eq!(identity("smtps://mail.example.net", "", ""), identity("mail.example.net:465", "", ""));
        assert_eq!(identity("", "::ffff:192.0.2.1", "A.example"), identity("", "192.0.2.1", "a.EXAMPLE"));
        assert_ne!(identity("mail.example.net", "", ""), identity("mail.example.net:587", "", ""));
        assert_ne!(identity("192.0.2.1", "", ""), identity("", "192.0.2.1", ""));
    }

    /// The values stand in docs/scale.md: whoever splits a list elsewhere relies on them.
    #[test]
    fn the_hash_stays_what_it_is() {
        assert_eq!(identity("mail.example.net", "", "").hash(), 0x39ad_92fd_47fa_ce6a);
        assert_eq!(identity("", "192.0.2.1", "mail.example.net").hash(), 0x45f5_6dfc_87b5_eaa6);
        let tls = identity("smtps://mail.example.net", "192.0.2.1", "");
        assert_eq!(tls.hash(), 0x858f_0737_9629_7b6a);
    }
}
