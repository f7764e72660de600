//! From arguments to a plan: every default filled in, every conflict refused, every value parsed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::args::{CheckArgs, TlsArg};
use super::domain::Domains;
use super::output::say;
use super::range;
use crate::name::{EhloName, unmap};
use crate::observe::{DEFAULT_CONTROLS, Family, Options, Request, Whoami};
use crate::smtp::TlsMode;
use crate::target::Target;

/// The most addresses that `--ip` may expand to.
const MAX_IPS: usize = 65_536;
/// The longest EHLO argument that we take: enough to judge one that is too long.
const MAX_EHLO: usize = 2048;

/// Where the checks come from.
#[derive(Debug)]
pub(super) enum Source {
    /// The command line: a request a target, or one of addresses only.
    Requests(Vec<Request>),
    /// A file, or standard input for `-`.
    Input(PathBuf),
    /// Saved evidence.
    Replay(PathBuf),
    /// This machine, by what these services see of it.
    Own(Vec<Whoami>),
    /// What domains say of their mail hosts.
    Domains(Domains),
}

/// A run of `check`, decided.
#[derive(Debug)]
pub(super) struct Plan {
    /// Where the checks come from.
    pub(super) source: Source,
    /// The resolvers to ask; empty for the system's.
    pub(super) resolvers: Vec<SocketAddr>,
    /// How to observe.
    pub(super) options: Options,
    /// How to read a line of input.
    pub(super) line: LineDefaults,
}

/// What holds for every line of `--input`.
#[derive(Clone, Debug, Default)]
pub(super) struct LineDefaults {
    /// `--port`.
    pub(super) port: Option<u16>,
    /// `--no-connect`.
    pub(super) no_connect: bool,
    /// `--ehlo`, where the line gives none.
    pub(super) ehlo: Option<String>,
}

/// Why arguments make no plan: one sentence.
#[derive(Debug)]
pub(super) struct PlanFault(pub(super) String);

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fault<T>(words: impl Into<String>) -> Result<T, PlanFault> {
    Err(PlanFault(words.into()))
}

impl Plan {
    /// Decides a run.
    pub(super) fn of(args: &CheckArgs) -> Result<Self, PlanFault> {
        let resolvers = args.resolver.iter().map(|r| resolver(r)).collect::<Result<_, _>>()?;
        let options = options(args)?;
        if let Some(ehlo) = &args.ehlo {
            check_ehlo(ehlo)?;
        }
        if !args.whoami.is_empty() && !args.own {
            return fault("--whoami is for --self: it names a service that tells this machine its address");
        }
        let line = LineDefaults { port: args.port, no_connect: args.no_connect, ehlo: args.ehlo.clone() };
        let source = match (&args.replay, &args.input) {
            (Some(file), _) => Source::Replay(file.clone()),
            (None, Some(file)) => {
                if !args.targets.is_empty() || !args.ip.is_empty() {
                    return fault("--input brings its own targets; leave TARGET and --ip out");
                }
                Source::Input(file.clone())
            }
            (None, None) if args.own => Source::Own(super::own::services(&args.whoami)?),
            (None, None) => match Domains::of(args, options.timeout)? {
                Some(domains) => Source::Domains(domains),
                None => Source::Requests(requests(args)?),
            },
        };
        Ok(Self { source, resolvers, options, line })
    }
}

fn requests(args: &CheckArgs) -> Result<Vec<Request>, PlanFault> {
    let ips = addresses(&args.ip)?;
    let request = |target| Request {
        target,
        no_connect: args.no_connect,
        ips: ips.clone(),
        ehlo: args.ehlo.clone(),
        ..Request::default()
    };
    if args.no_connect && ips.is_empty() {
        return fault("--no-connect needs --ip: without dialling, the outbound address must be given");
    }
    if args.targets.is_empty() {
        if ips.is_empty() {
            return fault("nothing to check: give a TARGET, --ip, --self, --input or --replay (see --help)");
        }
        return Ok(vec![request(None)]);
    }
    let target = |t: &String| {
        if let Some((address, port)) = unbracketed_port(t) {
            say(&format!("{t} is read as an IPv6 address; for its port {port} write [{address}]:{port}"));
        }
        Target::parse(t, args.port).map_err(|e| PlanFault(e.to_string()))
    };
    args.targets.iter().map(|t| target(t).map(|t| request(Some(t)))).collect()
}

/// An IPv6 address whose last group is a mail port, and that is an address without it too.
fn unbracketed_port(text: &str) -> Option<(&str, &str)> {
    text.parse::<std::net::Ipv6Addr>().ok()?;
    let (address, port) = text.rsplit_once(':')?;
    let mail = ["25", "465", "587", "2525"].contains(&port) && address.parse::<std::net::Ipv6Addr>().is_ok();
    mail.then_some((address, port))
}

fn options(args: &CheckArgs) -> Result<Options, PlanFault> {
    let timeout = duration(&args.timeout)?;
    if let Some(name) = &args.helo_as {
        check_ehlo(name)?;
    }
    Ok(Options {
        timeout,
        helo_as: args.helo_as.clone().or_else(own_name),
        source: args.source.map(unmap),
        family: family(args)?,
        tls: match args.tls {
            TlsArg::Auto => TlsMode::Auto,
            TlsArg::Require => TlsMode::Require,
            TlsArg::Off => TlsMode::Off,
        },
        controls: controls(&args.control)?,
        further: super::receivers::further(&args.receivers, args.no_connect && args.ip.len() == 1),
        extent: super::receivers::extent(&args.receivers),
        ..Options::default()
    })
}

/// The families to dial; from an address of one family nothing of the other can be dialled.
fn family(args: &CheckArgs) -> Result<Family, PlanFault> {
    let source = args.source.map(unmap);
    match (source, args.ipv4, args.ipv6) {
        (Some(ip), true, _) if ip.is_ipv6() => {
            fault(format!("--source {ip} is an IPv6 address, and -4 dials IPv4 only; leave one of them out"))
        }
        (Some(ip), _, true) if ip.is_ipv4() => {
            fault(format!("--source {ip} is an IPv4 address, and -6 dials IPv6 only; leave one of them out"))
        }
        (None, false, false) => Ok(Family::Both),
        (_, true, _) | (Some(IpAddr::V4(_)), ..) => Ok(Family::V4),
        (_, _, true) | (Some(IpAddr::V6(_)), ..) => Ok(Family::V6),
    }
}

/// A remark on our own EHLO name, where it is one that servers may refuse.
pub(super) fn own_name_remark(name: &str) -> Option<String> {
    let read = EhloName::read(name);
    let flaws = read.flaws(name);
    (!flaws.is_empty()).then(|| {
        format!(
            "--helo-as {name}: servers may refuse this EHLO name; use a full host name or a literal such as [192.0.2.1]"
        )
    })
}

/// This machine's name, where it can stand in EHLO as it is.
fn own_name() -> Option<String> {
    let name = host_name()?;
    let read = EhloName::read(&name);
    (read.host().is_some() && read.flaws(&name).is_empty()).then_some(name)
}

/// This machine's name, as it calls itself.
pub(super) fn host_name() -> Option<String> {
    hostname::get().ok()?.into_string().ok()
}

fn controls(given: &[String]) -> Result<Vec<Target>, PlanFault> {
    if given.iter().any(|c| c == "none") {
        return Ok(Vec::new());
    }
    let defaults: Vec<String> = DEFAULT_CONTROLS.iter().map(ToString::to_string).collect();
    let hosts = if given.is_empty() { &defaults } else { given };
    hosts.iter().map(|h| Target::parse(h, None).map_err(|e| PlanFault(format!("--control: {e}")))).collect()
}

/// `10`, `10s`, `1500ms`, `2m`; from 100 ms to an hour.
pub(super) fn duration(text: &str) -> Result<Duration, PlanFault> {
    let allowed = Duration::from_millis(100)..=Duration::from_hours(1);
    time(text)
        .filter(|t| allowed.contains(t))
        .ok_or_else(|| PlanFault(format!("--timeout {text}: give a time from 100ms to 1h, as in 10s or 1500ms")))
}

/// A time of another option, within its own bounds.
pub(super) fn span(option: &str, text: &str, least: Duration, most: Duration) -> Result<Duration, PlanFault> {
    time(text).filter(|t| (least..=most).contains(t)).ok_or_else(|| {
        let words = |t: Duration| match (t.as_secs(), t.as_millis()) {
            (0, millis) => format!("{millis}ms"),
            (secs, _) if secs % 3600 == 0 => format!("{}h", secs / 3600),
            (secs, _) => format!("{secs}s"),
        };
        PlanFault(format!("{option} {text}: give a time from {} to {}, as in 10s or 1500ms", words(least), words(most)))
    })
}

/// Seconds, or a number with its unit.
pub(super) fn time(text: &str) -> Option<Duration> {
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => text.parse::<jiff::SignedDuration>().ok().and_then(|d| d.try_into().ok()),
    }
}

/// `192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`.
pub(super) fn server(text: &str) -> Option<SocketAddr> {
    let bracketless = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    match bracketless.parse::<IpAddr>() {
        Ok(ip) => Some(SocketAddr::new(ip, 53)),
        Err(_) => text.parse::<SocketAddr>().ok().filter(|s| s.port() > 0),
    }
}

pub(super) fn resolver(text: &str) -> Result<SocketAddr, PlanFault> {
    server(text).ok_or_else(|| {
        PlanFault(format!(
            "--resolver {text}: give the server's IP address, with a port where it is not 53, as in 192.0.2.53:5353"
        ))
    })
}

/// Addresses and ranges, each address once, in order.
fn addresses(given: &[String]) -> Result<Vec<IpAddr>, PlanFault> {
    let mut all: Vec<IpAddr> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for text in given {
        let range = range::range(text).map_err(|why| PlanFault(format!("--ip {why}")))?;
        all.extend(range::each(range).filter(|ip| seen.insert(*ip)));
        if all.len() > MAX_IPS {
            return fault(format!("--ip: more than {MAX_IPS} addresses; split the run"));
        }
    }
    Ok(all)
}

/// An EHLO argument that a client may have said, an empty one and one with control characters among them: what
/// servers make of these is worth knowing. Line ends and NUL never reach a server as part of one.
pub(super) fn check_ehlo_heard(text: &str) -> Result<(), PlanFault> {
    if text.len() > MAX_EHLO || text.contains(['\r', '\n', '\0']) {
        return fault(format!(
            "the EHLO name `{}` cannot be judged: give at most {MAX_EHLO} characters, no line end and no NUL",
            crate::report::clean_bounded(text, 60)
        ));
    }
    Ok(())
}

/// An EHLO argument that can be said at all.
pub(super) fn check_ehlo(text: &str) -> Result<(), PlanFault> {
    if text.is_empty() || text.len() > MAX_EHLO || text.chars().any(char::is_control) {
        return fault(format!(
            "the EHLO name `{}` cannot be used: give 1 to {MAX_EHLO} characters without control characters",
            crate::report::clean_bounded(text, 60)
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(duration("10").unwrap(), Duration::from_secs(10));
        assert_eq!(duration("1.5").unwrap(), Duration::from_millis(1500));
        assert_eq!(duration("1500ms").unwrap(), Duration::from_millis(1500));
        assert_eq!(duration("2m").unwrap(), Duration::from_mins(2));
        for bad in ["", "0", "-1s", "fast", "2h", "1e400", "NaN", "inf", "50ms"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn resolvers() {
        for (text, want) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]", "[2001:db8::53]:53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(resolver(text).unwrap().to_string(), want);
        }
        for bad in ["", "dns.example", "192.0.2.53:", "192.0.2.53:0", "192.0.2.256", "192.0.2.53:99999"] {
            assert!(resolver(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn pools() {
        let of = |given: &[&str]| addresses(&given.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(of(&["192.0.2.4/30", "192.0.2.5"]).unwrap().len(), 4);
        assert_eq!(of(&["2001:db8::/120"]).unwrap().len(), 256);
        assert_eq!(of(&["::ffff:192.0.2.1"]).unwrap(), ["192.0.2.1".parse::<IpAddr>().unwrap()]);
        assert!(of(&["10.0.0.0/8"]).unwrap_err().to_string().contains("too large"));
        assert!(of(&["10.0.0.0/16", "10.1.0.0/16"]).unwrap_err().to_string().contains("more than"));
        assert!(of(&["mail.example.net"]).is_err());
    }
}
