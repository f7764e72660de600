//! How a check is observed: its times, its addresses, and how much is asked.

use std::net::IpAddr;

use tokio::time::Duration;

use super::Further;
use crate::smtp::TlsMode;
use crate::target::Target;

/// How to observe.
#[derive(Clone, Debug)]
pub struct Options {
    /// The whole check of an identity ends within this.
    pub timeout: Duration,
    /// Given addresses of one request that are looked up at once.
    pub identities_at_once: usize,
    /// A TCP connection stands within this, or is given up.
    pub connect_timeout: Duration,
    /// Our own EHLO name; our address as a literal where there is none.
    pub helo_as: Option<String>,
    /// The address to dial from.
    pub source: Option<IpAddr>,
    /// The address families to dial.
    pub family: Family,
    /// STARTTLS policy.
    pub tls: TlsMode,
    /// Servers to try when a target's port does not answer; each tells of its own port only.
    pub controls: Vec<Target>,
    /// What else to ask the DNS about an identity, beside what the agreement needs; `None` is nothing.
    pub further: Option<Further>,
    /// How much to ask where the agreement does not need it.
    pub extent: Extent,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(45),
            identities_at_once: 64,
            connect_timeout: Duration::from_secs(10),
            helo_as: None,
            source: None,
            family: Family::Both,
            tls: TlsMode::Auto,
            controls: Vec::new(),
            further: None,
            extent: Extent::All,
        }
    }
}

/// How much to ask of the DNS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Extent {
    /// The zone of the PTR and both families of every name, all side by side.
    #[default]
    All,
    /// The four steps (EHLO, PTR, its name's addresses, the EHLO name's addresses); the zone and the other
    /// family only where these do not agree.
    Needed,
}

/// Which address families to dial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// Both.
    #[default]
    Both,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}
