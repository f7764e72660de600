//! Relays that greet by one name and send by another, from another address: Postfix, Exim and OpenSMTPD.

use std::net::SocketAddr;

use crate::world::World;
use crate::{certificate, postfix};

/// Where each relay is dialled.
pub(crate) const GREETS_AT: &str = "203.0.113.10";
/// How it greets.
pub(crate) const GREETS_AS: &str = "greet.example.net";

const POSTFIX: u32 = 2001;
const EXIM: u32 = 2003;

/// How a relay sends.
pub(crate) struct Out {
    pub(crate) ip: &'static str,
    pub(crate) name: &'static str,
}

/// Postfix: `myhostname` is the greeting's, `smtp_helo_name` and `smtp_bind_address` are the sending side's.
pub(crate) fn postfix(world: &mut World, out: &Out) {
    let pem = certificate::write(world, GREETS_AS, 2098, POSTFIX);
    let services = [postfix::smtpd(&format!("{GREETS_AT}:25"), GREETS_AS)
        .set("smtpd_banner", "$myhostname ESMTP Postfix")
        .set("smtpd_tls_security_level", "may")
        .set("smtpd_tls_chain_files", &pem)];
    let settings = format!(
        "inet_interfaces = 127.0.0.1, {GREETS_AT}\nmynetworks = 203.0.113.0/24\nsmtp_helo_name = {}\n\
         smtp_bind_address = {}\nsmtp_tls_security_level = may\nsmtp_host_lookup = dns\n",
        out.name, out.ip
    );
    postfix::start(world, GREETS_AS, &services, &settings);
}

/// Exim: `primary_hostname` is the greeting's, the transport's `helo_data` and `interface` are the sending side's.
pub(crate) fn exim(world: &mut World, out: &Out) {
    let pem = certificate::write(world, GREETS_AS, 2098, EXIM);
    world.folder("exim", (EXIM, EXIM), 0o750);
    for log in ["main", "panic", "reject"] {
        let file = format!("exim-{log}.log");
        world.write(&file, "");
        world.give(&file, EXIM);
    }
    // Every address here is the machine's own, the receiver's too: `self = send`.
    let config = format!(
        "primary_hostname = {GREETS_AS}\nlocal_interfaces = {GREETS_AT}\ndaemon_smtp_ports = 25\n\
         pid_file_path = /world/exim.pid\nspool_directory = /world/exim\nlog_file_path = /world/exim-%s.log\n\
         keep_environment =\nrfc1413_hosts =\nnever_users = root\ntls_certificate = {pem}\ntls_privatekey = {pem}\n\
         tls_advertise_hosts = *\nauth_advertise_hosts = *\nacl_smtp_rcpt = rcpt\nqueue_only = false\n\
         begin acl\nrcpt:\n  accept authenticated = *\n  deny message = log in first\n\
         begin routers\nout:\n  driver = dnslookup\n  transport = out\n  self = send\n\
         begin transports\nout:\n  driver = smtp\n  interface = {}\n  helo_data = {}\n  hosts_try_dane =\n\
         begin authenticators\nplain:\n  driver = plaintext\n  public_name = PLAIN\n\
         \x20 server_condition = ${{if and{{{{eq{{$auth2}}{{sender}}}}{{eq{{$auth3}}{{open sesame}}}}}}}}\n\
         \x20 server_set_id = $auth2\nlogin:\n  driver = plaintext\n  public_name = LOGIN\n\
         \x20 server_prompts = Username:: : Password::\n\
         \x20 server_condition = ${{if and{{{{eq{{$auth1}}{{sender}}}}{{eq{{$auth2}}{{open sesame}}}}}}}}\n\
         \x20 server_set_id = $auth1\ncram:\n  driver = cram_md5\n  public_name = CRAM-MD5\n\
         \x20 server_secret = ${{if eq{{$auth1}}{{sender}}{{open sesame}}fail}}\n  server_set_id = $auth1\n",
        out.ip, out.name
    );
    world.write("exim.conf", &config);
    let listens = SocketAddr::new(GREETS_AT.parse().unwrap(), 25);
    world.serve("exim", "exim4", &["-bdf", "-q1m", "-C", "/world/exim.conf"], &[listens]);
}

/// OpenSMTPD: the listener's `hostname` is the greeting's, the action's `src` and `helo` are the sending side's.
pub(crate) fn opensmtpd(world: &mut World, out: &Out) {
    // Its socket and its queue have fixed places; other worlds have the same.
    world.cover("/run", 0o755);
    world.cover("/var/spool/smtpd", 0o711);
    // With an ECDSA key Debian 12's build ends every handshake in an internal error: plain text.
    let config = format!(
        "listen on {GREETS_AT} port 25 hostname {GREETS_AS}\n\
         action \"out\" relay src {} helo {}\nmatch from any for any action \"out\"\n",
        out.ip, out.name
    );
    world.write("smtpd.conf", &config);
    let listens = SocketAddr::new(GREETS_AT.parse().unwrap(), 25);
    world.serve("opensmtpd", "/usr/sbin/smtpd", &["-d", "-f", "/world/smtpd.conf"], &[listens]);
}
