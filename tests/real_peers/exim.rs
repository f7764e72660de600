//! Exim's daemon in the foreground.

use std::net::SocketAddr;

use crate::world::World;

/// The id that `.ci/unpack-peers` gives.
const EXIM: u32 = 2003;

/// Starts Exim at `ip:25` under this name, with these main settings and this ACL for HELO and EHLO.
pub(crate) fn start(world: &mut World, ip: &str, name: &str, settings: &str, helo_acl: &str) {
    world.folder("exim", (EXIM, EXIM), 0o750);
    let config = format!(
        "primary_hostname = {name}\nlocal_interfaces = {ip}\ndaemon_smtp_ports = 25\npid_file_path = /world/exim.pid\n\
         spool_directory = /world/exim\nlog_file_path = /world/exim-%s.log\nkeep_environment =\nrfc1413_hosts =\n\
         never_users = root\nacl_smtp_helo = helo\n{settings}\nbegin acl\nhelo:\n{helo_acl}\n  accept\n"
    );
    world.write("exim.conf", &config);
    for log in ["main", "panic", "reject"] {
        let file = format!("exim-{log}.log");
        world.write(&file, "");
        world.give(&file, EXIM);
    }
    let listens = SocketAddr::new(ip.parse().unwrap(), 25);
    world.serve("exim", "exim4", &["-bdf", "-C", "/world/exim.conf"], &[listens]);
}
