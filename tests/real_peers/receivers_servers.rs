//! The receiving servers, a port a rule, as their packages bring them; and what the filters made of the messages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use crate::postfix::{self, Service, smtpd};
use crate::world::World;

/// The receivers' addresses.
pub(crate) const V4: &str = "192.0.2.25";
pub(crate) const V6: &str = "2001:db8:ffff::25";
/// Their name; SpamAssassin's rules read on into it.
const NAME: &str = "mx.receiver.example";

/// Postfix without a rule: takes messages for SpamAssassin.
pub(crate) const MAIL: u16 = 2520;
/// The same with rspamd as its milter.
pub(crate) const FILTERED: u16 = 2521;
/// Where rspamd speaks the milter protocol.
const MILTER: &str = "127.0.0.1:11332";

/// The user that the delivered messages belong to, and that runs rspamd.
const RECIPIENT: u32 = 2001;
const RSPAMD: u32 = 2006;
const EXIM: u32 = 2003;

/// A rule, and the port of the server where it alone is switched on.
pub(crate) struct Rule {
    pub(crate) receiver: &'static str,
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    /// Its Postfix setting, Exim ACL or OpenSMTPD filter.
    switch: &'static str,
}

const fn rule(receiver: &'static str, name: &'static str, port: u16, switch: &'static str) -> Rule {
    Rule { receiver, name, port, switch }
}

pub(crate) const RULES: [Rule; 12] = [
    rule("postfix", "base", 2501, ""),
    rule("postfix", "reject_unknown_reverse_client_hostname", 2502, "smtpd_client_restrictions"),
    rule("postfix", "reject_unknown_client_hostname", 2503, "smtpd_client_restrictions"),
    rule("postfix", "reject_invalid_helo_hostname", 2504, "smtpd_helo_restrictions"),
    rule("postfix", "reject_non_fqdn_helo_hostname", 2505, "smtpd_helo_restrictions"),
    rule("postfix", "reject_unknown_helo_hostname", 2506, "smtpd_helo_restrictions"),
    rule("exim", "base", 2601, ""),
    rule("exim", "verify_reverse_host_lookup", 2602, "require verify = reverse_host_lookup"),
    rule("exim", "verify_helo", 2603, "require verify = helo"),
    rule("opensmtpd", "base", 2701, ""),
    rule("opensmtpd", "rdns", 2702, "!rdns"),
    rule("opensmtpd", "fcrdns", 2703, "!fcrdns"),
];

/// The server's address for a client of this family.
pub(crate) fn address(client: IpAddr) -> IpAddr {
    if client.is_ipv4() { V4 } else { V6 }.parse().unwrap()
}

fn rules(receiver: &str) -> impl Iterator<Item = &'static Rule> {
    RULES.iter().filter(move |r| r.receiver == receiver)
}

fn sockets(ports: impl Iterator<Item = u16>) -> Vec<SocketAddr> {
    ports.flat_map(|port| [V4, V6].map(|ip| SocketAddr::new(ip.parse().unwrap(), port))).collect()
}

/// Starts all of them.
pub(crate) fn start(world: &mut World) {
    start_rspamd(world);
    start_postfix(world);
    start_exim(world);
    start_opensmtpd(world);
}

fn start_postfix(world: &mut World) {
    let mut services: Vec<Service> = Vec::new();
    for socket in sockets(rules("postfix").map(|r| r.port).chain([MAIL, FILTERED])) {
        let mut service = smtpd(&socket.to_string(), NAME);
        if let Some(rule) = RULES.iter().find(|r| r.port == socket.port() && !r.switch.is_empty()) {
            service = service.set(rule.switch, rule.name);
        }
        if socket.port() == FILTERED {
            service = service.set("smtpd_milters", &format!("inet:{MILTER}"));
        }
        services.push(service);
    }
    world.folder("mail", (RECIPIENT, RECIPIENT), 0o700);
    let settings = format!(
        "virtual_mailbox_domains = receiver.example\nvirtual_mailbox_base = /world/mail\n\
         virtual_mailbox_maps = static:box/\nvirtual_uid_maps = static:{RECIPIENT}\n\
         virtual_gid_maps = static:{RECIPIENT}\nsmtpd_error_sleep_time = 0\nmilter_default_action = tempfail\n\
         smtpd_client_connection_count_limit = 0\n"
    );
    postfix::start(world, NAME, &services, &settings);
}

fn start_exim(world: &mut World) {
    world.folder("exim", (EXIM, EXIM), 0o750);
    for log in ["main", "panic", "reject"] {
        let file = format!("exim-{log}.log");
        world.write(&file, "");
        world.give(&file, EXIM);
    }
    let ports: Vec<String> = rules("exim").map(|r| r.port.to_string()).collect();
    // One daemon; the port decides which ACL is asked.
    let (mut choice, mut acls) = ("accept_all".to_owned(), String::new());
    for rule in rules("exim").filter(|r| !r.switch.is_empty()) {
        choice = format!("${{if eq{{$received_port}}{{{}}}{{{}}}{{{choice}}}}}", rule.port, rule.name);
        writeln!(acls, "{}:\n  {}\n  accept", rule.name, rule.switch).unwrap();
    }
    let config = format!(
        "primary_hostname = {NAME}\nlocal_interfaces = <; {V4} ; {V6}\ndaemon_smtp_ports = {}\n\
         pid_file_path = /world/exim.pid\nspool_directory = /world/exim\nlog_file_path = /world/exim-%s.log\n\
         keep_environment =\nrfc1413_hosts =\ntls_advertise_hosts =\nnever_users = root\nhost_lookup = *\n\
         smtp_accept_max = 200\nacl_smtp_rcpt = {choice}\nbegin acl\naccept_all:\n  accept\n{acls}",
        ports.join(" : ")
    );
    world.write("exim.conf", &config);
    world.serve("exim", "exim4", &["-bdf", "-C", "/world/exim.conf"], &sockets(rules("exim").map(|r| r.port)));
}

fn start_opensmtpd(world: &mut World) {
    let (mut filters, mut listens) = (String::new(), String::new());
    for rule in rules("opensmtpd") {
        let mut filter = String::new();
        if !rule.switch.is_empty() {
            filter = format!(" filter \"{}\"", rule.name);
            let (name, switch) = (rule.name, rule.switch);
            writeln!(filters, "filter \"{name}\" phase connect match {switch} disconnect \"550 no {name}\"").unwrap();
        }
        for ip in [V4, V6] {
            writeln!(listens, "listen on {ip} port {} hostname {NAME}{filter}", rule.port).unwrap();
        }
    }
    let config = format!(
        "{filters}{listens}action \"out\" relay host smtp://127.0.0.1:9\n\
         match from any for domain \"receiver.example\" action \"out\"\n"
    );
    world.write("smtpd.conf", &config);
    let ports = sockets(rules("opensmtpd").map(|r| r.port));
    world.serve("opensmtpd", "/usr/sbin/smtpd", &["-d", "-f", "/world/smtpd.conf"], &ports);
}

fn start_rspamd(world: &mut World) {
    for folder in ["rspamd", "rspamd/db", "rspamd/run", "rspamd/log"] {
        world.folder(folder, (RSPAMD, RSPAMD), 0o755);
    }
    let file = |name: &str, text: &str| world.write(&format!("rspamd/etc/local.d/{name}"), text);
    let proxy = format!(
        "bind_socket = \"{MILTER}\"; milter = yes;\nupstream \"local\" {{ default = yes; self_scan = yes; }}\n"
    );
    file("worker-proxy.inc", &proxy);
    file("worker-normal.inc", "enabled = false;\n");
    file("worker-controller.inc", "enabled = false;\n");
    file("worker-fuzzy.inc", "enabled = false;\n");
    file("logging.inc", "type = \"console\"; level = \"warning\";\n");
    // The public suffixes take half a minute to compile, and no symbol of the identity looks at them.
    world.write("rspamd/suffixes", "com\nnet\norg\nexample\n");
    file("options.inc", "url_tld = \"/world/rspamd/suffixes\"; dns { nameserver = [\"192.0.2.53:53\"]; }\n");
    file("milter_headers.conf", "use = [\"x-spamd-result\"]; skip_local = false; skip_authenticated = false;\n");
    file("actions.conf", "reject = null; greylist = null;\n");
    // What asks the Internet or a database says nothing of the identity.
    for module in ["rbl", "surbl", "fuzzy_check", "greylist", "phishing", "replies", "ratelimit", "neural", "dmarc"] {
        file(&format!("{module}.conf"), "enabled = false;\n");
    }
    let set = |name: &str, folder: &str| format!("--var={name}=/world/rspamd/{folder}");
    let vars = [set("DBDIR", "db"), set("RUNDIR", "run"), set("LOGDIR", "log"), set("LOCAL_CONFDIR", "etc")];
    let vars: Vec<&str> = vars.iter().map(String::as_str).collect();
    let arguments = [&vars[..], &["-f", "-u", "_rspamd", "-g", "_rspamd"]].concat();
    world.serve("rspamd", "/usr/bin/rspamd", &arguments, &[MILTER.parse().unwrap()]);
}

type Symbols = BTreeMap<usize, BTreeMap<String, f64>>;

/// Delivered messages by their lane and identity.
fn delivered(world: &World, lane: u16) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for name in world.files("mail/box/new") {
        let text = world.read(&format!("mail/box/new/{name}"));
        let header = |key: &str| text.lines().find_map(|l| l.strip_prefix(key)?.trim().parse::<usize>().ok());
        if header("X-Lane:") == Some(lane.into()) {
            found.push((header("X-Identity:").unwrap(), text));
        }
    }
    found
}

/// What rspamd wrote into the messages that went through it.
pub(crate) fn rspamd(world: &World) -> Symbols {
    let mut all = Symbols::new();
    for (n, text) in delivered(world, FILTERED) {
        let head = text.split_once("\n\n").unwrap().0.replace("\n\t", " ").replace("\n ", " ");
        let result = head.lines().find_map(|l| l.strip_prefix("X-Spamd-Result:")).unwrap_or_else(|| panic!("{head}"));
        let symbols = result.split(';').skip(1).filter_map(|part| {
            let (name, rest) = part.trim().split_once('(')?;
            Some((name.to_owned(), rest.split_once(')')?.0.parse().ok()?))
        });
        all.insert(n, symbols.collect());
    }
    all
}

/// Reads each message of a folder and prints its identity, and what hit with which score.
const ASK: &str = r#"
use strict; use warnings; use Mail::SpamAssassin;
my ($part, $parts) = @ARGV;
my $sa = Mail::SpamAssassin->new({
  rules_filename => '/usr/share/spamassassin', site_rules_filename => '/etc/spamassassin',
  userstate_dir => '/world/sa', userprefs_filename => '/world/sa/none', dont_copy_prefs => 1, local_tests_only => 0,
  post_config_text => "use_bayes 0\ntrusted_networks 192.0.2.25\ninternal_networks 192.0.2.25\n"
    . "dns_server 192.0.2.53\ndns_available yes\nuse_razor2 0\nuse_pyzor 0\nrbl_timeout 2\n",
});
opendir(my $dir, '/world/mail/box/new') or die; my $at = 0;
for my $name (sort grep { !/^\./ } readdir $dir) {
  open(my $f, '<', "/world/mail/box/new/$name") or die; my $text = do { local $/; <$f> };
  next unless $text =~ /^X-Lane: 2520$/m; next if $at++ % $parts != $part;
  my ($n) = $text =~ /^X-Identity: (\d+)$/m;
  my $message = $sa->parse($text); my $status = $sa->check($message);
  my %hit = map { split /=/, $_, 2 } grep { length } split /,/, $status->get_tag('TESTSSCORES', ',');
  print join("\t", "hit", $n, map { "$_=$hit{$_}" } sort keys %hit), "\n";
  $status->finish; $message->finish;
}
"#;

/// What SpamAssassin makes of the messages that Postfix alone has written down, once `both` lanes are delivered.
pub(crate) fn spamassassin(world: &mut World, both: usize) -> Symbols {
    world.wait(&format!("{both} messages"), |world| {
        (world.files("mail/box/new").len() >= both && both > 0).then_some(())
    });
    world.folder("sa", (0, 0), 0o755);
    world.write("ask.pl", ASK);
    let parts = 2;
    let said: Vec<String> = std::thread::scope(|scope| {
        let world = &*world;
        let running: Vec<_> = (0..parts)
            .map(|part| {
                scope.spawn(move || world.run("perl", &["/world/ask.pl", &part.to_string(), &parts.to_string()]))
            })
            .collect();
        running.into_iter().map(|r| r.join().unwrap()).collect()
    });
    let mut all = Symbols::new();
    for line in said.iter().flat_map(|s| s.lines()).filter_map(|l| l.strip_prefix("hit\t")) {
        let mut fields = line.split('\t');
        let n = fields.next().unwrap().parse().unwrap();
        let symbols = fields.map(|f| f.split_once('=').unwrap()).map(|(name, s)| (name.to_owned(), s.parse().unwrap()));
        all.insert(n, symbols.collect());
    }
    all
}
