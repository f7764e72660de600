//! The zones that most tests share: one name server for a small Internet.
//!
//! 203.0.113.0/24 is the addresses of example.net; 198.51.100.0/24 has a reverse zone that does not
//! load; 192.0.2.128/26 is delegated as RFC 2317 describes; `2001:db8:25::/48` is IPv6.

use crate::nsd;
use crate::world::World;

/// The name server's address.
pub(crate) const RESOLVER: &str = "192.0.2.53";

const FORWARD: &str = "
ns1 IN A 192.0.2.53
ns2 IN A 192.0.2.54
mx1 IN A 203.0.113.10
mx1 IN AAAA 2001:db8:25::10
nxdomain IN A 203.0.113.11
nodata IN A 203.0.113.12
real IN A 203.0.113.14
elsewhere IN A 203.0.113.99
alias IN CNAME mx1
secure IN A 203.0.113.30
exim IN A 203.0.113.31
screened IN A 203.0.113.32
sender IN A 203.0.113.34
delegated IN A 192.0.2.130
only6 IN AAAA 2001:db8:25::16
crowd IN A 203.0.113.40
";

const REVERSE_V4: &str = "
10 600 IN PTR mx1.example.net.
12 IN TXT \"this address has a name, and no PTR\"
13 IN PTR host-13.isp.example.
14 IN PTR real.example.net.
15 IN PTR host-15.broken.example.
16 IN PTR only6.example.net.
30 IN PTR secure.example.net.
31 IN PTR exim.example.net.
32 IN PTR screened.example.net.
34 IN PTR sender.example.net.
";

/// PTR names of 203.0.113.40, which do not fit a datagram.
pub(crate) const CROWD: usize = 60;

/// Starts the name server.
pub(crate) fn start(world: &mut World) {
    // NSD answers in the zone's order; ten names are looked at.
    let tenants = (1..CROWD).map(|n| format!("40 IN PTR a-rather-long-name-of-tenant-{n:02}.example.net.\n"));
    let crowd: String = ["40 IN PTR crowd.example.net.\n".to_owned()].into_iter().chain(tenants).collect();
    nsd::start(
        world,
        RESOLVER,
        &[
            ("example.net", Some(nsd::zone(FORWARD))),
            ("isp.example", Some(nsd::zone("host-13 IN A 198.51.100.13"))),
            ("broken.example", None),
            ("113.0.203.in-addr.arpa", Some(nsd::zone(&format!("{REVERSE_V4}{crowd}")))),
            ("100.51.198.in-addr.arpa", None),
            (
                "2.0.192.in-addr.arpa",
                Some(nsd::zone("128/26 IN NS ns1.example.net.\n130 IN CNAME 130.128/26\n131 IN CNAME 131.128/26")),
            ),
            ("128/26.2.0.192.in-addr.arpa", Some(nsd::zone("130 IN PTR delegated.example.net."))),
            (
                "5.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
                Some(nsd::zone("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 IN PTR mx1.example.net.")),
            ),
        ],
    );
}
