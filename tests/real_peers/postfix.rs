//! Postfix: one master, and a service for each name and address that it is to play.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crate::world::World;

/// The ids that `.ci/unpack-peers` gives.
const POSTFIX: u32 = 2001;
const POSTDROP: u32 = 2002;

/// What every instance has; identities are the services' own.
const MAIN: &str = "
compatibility_level = 3.6
queue_directory = /world/spool
data_directory = /world/lib
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
shlib_directory = /usr/lib/postfix
meta_directory = /world/postfix
mail_owner = postfix
setgid_group = postdrop
maillog_file = /world/postfix.log
maillog_file_prefixes = /world
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = all
inet_protocols = all
alias_maps =
alias_database =
local_recipient_maps =
smtpd_banner = $myhostname ESMTP
smtpd_tls_security_level = none
";

/// Services that others need.
const INNER: &str = "
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
smtpd pass - - n - - smtpd
dnsblog unix - - n - 0 dnsblog
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
";

/// One listening service.
pub(crate) struct Service {
    listen: SocketAddr,
    program: &'static str,
    settings: Vec<(String, String)>,
}

/// An smtpd that answers at this address under this name.
pub(crate) fn smtpd(listen: &str, name: &str) -> Service {
    Service { listen: listen.parse().unwrap(), program: "smtpd", settings: vec![("myhostname".into(), name.into())] }
}

/// A postscreen at this address; it hands over to the `smtpd` of the main settings.
pub(crate) fn postscreen(listen: &str) -> Service {
    Service { listen: listen.parse().unwrap(), program: "postscreen", settings: Vec::new() }
}

impl Service {
    /// With one more setting.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push((key.into(), value.into()));
        self
    }

    fn line(&self) -> String {
        let limit = if self.program == "postscreen" { "1" } else { "-" };
        let mut line = format!("{} inet n - n - {limit} {}\n", self.listen, self.program);
        for (key, value) in &self.settings {
            writeln!(line, "  -o {{ {key} = {value} }}").unwrap();
        }
        line
    }
}

/// Starts Postfix under this name with these services, and these settings of all.
pub(crate) fn start(world: &mut World, name: &str, services: &[Service], settings: &str) {
    world.folder("spool", (0, 0), 0o755);
    for folder in
        ["active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "saved", "trace"]
    {
        world.folder(&format!("spool/{folder}"), (POSTFIX, 0), 0o700);
    }
    world.folder("spool/maildrop", (POSTFIX, POSTDROP), 0o1730);
    world.folder("spool/public", (POSTFIX, POSTDROP), 0o2710);
    world.folder("spool/pid", (0, 0), 0o755);
    world.folder("lib", (POSTFIX, POSTFIX), 0o755);
    world.write("postfix/main.cf", &format!("{MAIN}myhostname = {name}\n{settings}\n"));
    let listed: String = services.iter().map(Service::line).collect();
    world.write("postfix/master.cf", &format!("{listed}{INNER}"));
    let listens: Vec<SocketAddr> = services.iter().map(|s| s.listen).collect();
    world.serve("postfix", "/usr/lib/postfix/sbin/master", &["-d", "-c", "/world/postfix"], &listens);
}
