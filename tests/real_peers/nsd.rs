//! NSD, authoritative for zones of ours. It answers REFUSED for every other zone, and SERVFAIL for a
//! zone whose file it cannot read.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::world::World;

/// Starts an NSD at `ip:53`. A zone without text is one whose file is missing.
pub(crate) fn start(world: &mut World, ip: &str, zones: &[(&str, Option<String>)]) {
    let home = format!("nsd-{ip}");
    let mut config = format!(
        "server:\n  ip-address: {ip}\n  server-count: 1\n  username: root\n  chroot: \"\"\n  zonesdir: /world/{home}\n  \
         pidfile: /world/{home}/pid\n  xfrdfile: /world/{home}/xfrd\n  xfrdir: /world/{home}\n  database: \"\"\n  \
         zonelistfile: /world/{home}/list\n  hide-version: yes\nremote-control:\n  control-enable: no\n"
    );
    for (number, (apex, text)) in zones.iter().enumerate() {
        // A zone's name may hold a slash (RFC 2317), a file's may not.
        let file = format!("{number}.zone");
        writeln!(config, "zone:\n  name: \"{apex}\"\n  zonefile: \"{file}\"").unwrap();
        if let Some(text) = text {
            world.write(&format!("{home}/{file}"), text);
        }
    }
    world.write(&format!("{home}/nsd.conf"), &config);
    let listens = SocketAddr::new(ip.parse().unwrap(), 53);
    world.serve(&home, "nsd", &["-d", "-c", &format!("/world/{home}/nsd.conf")], &[listens]);
}

/// A zone's text: its SOA, its NS, and these lines. Negative answers may be cached for 300 s.
pub(crate) fn zone(records: &str) -> String {
    format!(
        "$TTL 3600\n@ IN SOA ns1.example.net. hostmaster.example.net. 1 7200 900 1209600 300\n@ IN NS ns1.example.net.\n\
         @ IN NS ns2.example.net.\n{records}\n"
    )
}
