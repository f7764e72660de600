//! From options to an open door: sockets bound or handed over, the certificate read.
//!
//! Failure: one sentence; nothing is left half open.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use listenfd::ListenFd;

use super::args::DoorArgs;
use crate::cli::local_mta::full_name;
use crate::cli::plan::{PlanFault, host_name, span};
use crate::name::{EhloName, HostName, unmap};
use crate::observe::listen::{Door, ListenOptions, ListenTls, bind};

/// The largest certificate or key file that is read.
const MAX_PEM: u64 = 1 << 20;

/// Sockets that a service manager may hand over.
const MAX_HANDED: u32 = 1024;

/// A socket to bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    address: SocketAddr,
    implicit_tls: bool,
    /// One half of a pair for both families: a machine without IPv6 has only the other.
    may_lack: bool,
}

/// What the options say, read and checked; nothing is bound yet.
pub(in crate::cli) fn options(args: &DoorArgs) -> Result<ListenOptions, PlanFault> {
    let name = own_name(args.name.as_deref())?;
    let tls = match (&args.cert, &args.key) {
        (Some(certificate), Some(key)) => {
            let (chain, secret) = (pem("--cert", certificate)?, pem("--key", key)?);
            ListenTls::given(&chain, &secret)
                .map_err(|e| PlanFault(format!("--cert {}, --key {}: {e}", certificate.display(), key.display())))?
        }
        _ => ListenTls::self_made(&name).map_err(PlanFault)?,
    };
    let long = Duration::from_hours(1);
    Ok(ListenOptions {
        greet_delay: span("--greet-delay", &args.greet_delay, Duration::ZERO, Duration::from_mins(1))?,
        command_time: span("--command-time", &args.command_time, Duration::from_millis(100), long)?,
        session_time: span("--session-time", &args.session_time, Duration::from_millis(100), long)?,
        sessions: args.max_sessions as usize,
        per_address: args.max_per_address as usize,
        proxy_from: args.proxy_from.iter().map(|p| range(p)).collect::<Result<_, _>>()?,
        ..ListenOptions::new(&name, tls)
    })
}

/// The name with which we greet: it stands in our replies and in our certificate.
fn own_name(given: Option<&str>) -> Result<String, PlanFault> {
    if let Some(name) = given {
        let read = EhloName::read(name);
        return match read.host() {
            Some(host) if read.flaws(name).is_empty() => Ok(host.to_string()),
            _ => Err(PlanFault(format!("--name {name}: give a full host name, as in probe.example.net"))),
        };
    }
    let name = host_name().unwrap_or_default();
    let full = full_name(Path::new("/"), &name).unwrap_or(name);
    Ok(HostName::parse(&full).map_or_else(|_| "localhost".into(), |n| n.to_string()))
}

fn pem(option: &str, file: &Path) -> Result<Vec<u8>, PlanFault> {
    let fault = |e: &dyn std::fmt::Display| PlanFault(format!("{option} {}: {e}; give a PEM file", file.display()));
    let size = std::fs::metadata(file).map_err(|e| fault(&e))?.len();
    if size > MAX_PEM {
        return Err(fault(&"it is larger than 1 MiB"));
    }
    std::fs::read(file).map_err(|e| fault(&e))
}

fn range(text: &str) -> Result<IpNet, PlanFault> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(|ip| IpNet::from(unmap(ip))));
    net.map_err(|_| PlanFault(format!("--proxy-from {text}: give an IP address or a range such as 192.0.2.0/28")))
}

/// `ADDR`, `ADDR:PORT`, `:PORT`, each with `smtp://` or `smtps://` in front or not.
fn places(text: &str) -> Result<Vec<Place>, PlanFault> {
    let bad = || {
        PlanFault(format!(
            "--bind {text}: give an address of this machine, as in 192.0.2.1, [2001:db8::1]:2525, :25 for both families, \
             or smtps://192.0.2.1 for TLS before the greeting"
        ))
    };
    let (scheme, rest) = text.split_once("://").map_or((None, text), |(s, r)| (Some(s.to_ascii_lowercase()), r));
    let scheme_port = match scheme.as_deref() {
        None | Some("smtp") => 25,
        Some("smtps" | "submissions") => 465,
        Some(_) => return Err(bad()),
    };
    let (ip, port) = if let Some(port) = rest.strip_prefix(':').filter(|p| p.parse::<IpAddr>().is_err()) {
        match port.parse::<u16>() {
            Ok(port) => (None, Some(port)),
            // `::`, `::1` and the like are addresses.
            Err(_) => (Some(rest.parse().map_err(|_| bad())?), None),
        }
    } else if let Ok(address) = rest.parse::<SocketAddr>() {
        (Some(address.ip()), Some(address.port()))
    } else {
        let bare = rest.strip_prefix('[').and_then(|r| r.strip_suffix(']')).unwrap_or(rest);
        (Some(bare.parse::<IpAddr>().map_err(|_| bad())?), None)
    };
    let given = port;
    let port = port.unwrap_or(scheme_port);
    // Port 465 speaks TLS first (RFC 8314 §3.3), unless `smtp://` says otherwise.
    let implicit_tls = scheme_port == 465 || scheme.is_none() && given == Some(465);
    let place = |ip, may_lack| Place { address: SocketAddr::new(ip, port), implicit_tls, may_lack };
    Ok(match ip {
        Some(ip) => vec![place(ip, false)],
        None => vec![place(Ipv4Addr::UNSPECIFIED.into(), false), place(Ipv6Addr::UNSPECIFIED.into(), true)],
    })
}

/// Binds what the options name; without any, takes what a service manager hands over, else port 25.
pub(in crate::cli) fn doors(args: &DoorArgs) -> Result<Vec<Door>, PlanFault> {
    let handed = handed_over()?;
    if !handed.is_empty() && args.bind.is_empty() {
        return Ok(handed);
    }
    let default = [":25".to_owned()];
    let texts = if args.bind.is_empty() { &default[..] } else { &args.bind };
    let mut doors = handed;
    for place in texts.iter().map(|t| places(t)).collect::<Result<Vec<_>, _>>()?.concat() {
        match bind(place.address, place.implicit_tls) {
            Ok(door) => doors.push(door),
            Err(_) if place.may_lack => {}
            Err(e) => return Err(PlanFault(not_bound(place.address, &e))),
        }
    }
    Ok(doors)
}

fn not_bound(address: SocketAddr, error: &std::io::Error) -> String {
    let what = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 need root (then --user NAME gives it up), CAP_NET_BIND_SERVICE or a service manager's socket"
        }
        std::io::ErrorKind::AddrInUse => "another server listens there; stop it or give another --bind",
        std::io::ErrorKind::AddrNotAvailable => "it is no address of this machine; give one that is",
        _ => "give another --bind",
    };
    format!("--bind {address}: {error}; {what}")
}

/// Sockets of `LISTEN_FDS` (`sd_listen_fds(3)`). One at port 465 speaks TLS first.
fn handed_over() -> Result<Vec<Door>, PlanFault> {
    // listenfd reads what is no number as nothing, and port 25 would be bound instead.
    for (name, most) in [("LISTEN_FDS", MAX_HANDED), ("LISTEN_PID", u32::MAX)] {
        number_of(name, std::env::var_os(name), most)?;
    }
    let mut all = ListenFd::from_env();
    let mut doors = Vec::new();
    for place in 0..all.len() {
        let taken = all.take_tcp_listener(place);
        let socket = taken.map_err(|e| PlanFault(format!("LISTEN_FDS: socket {place} is no TCP listener: {e}")))?;
        if let Some(socket) = socket {
            if !listens(&socket) {
                return Err(PlanFault(format!(
                    "LISTEN_FDS: socket {place} does not listen; hand over one that does (systemd: Accept=no, the default)"
                )));
            }
            let implicit_tls = socket.local_addr().is_ok_and(|a| a.port() == 465);
            doors.push(Door::from_socket(socket, implicit_tls));
        }
    }
    Ok(doors)
}

/// Whether a socket is one that accepts: one that is only bound, or a connection (`Accept=yes`), never will. Where the
/// system cannot tell, it is believed.
fn listens(socket: &TcpListener) -> bool {
    #[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
    return socket2::SockRef::from(socket).is_listener().unwrap_or(true);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let _ = socket;
        true
    }
}

/// What a service manager says of its sockets is a number, or not said.
fn number_of(name: &str, said: Option<OsString>, most: u32) -> Result<(), PlanFault> {
    let Some(said) = said.filter(|s| !s.is_empty()) else { return Ok(()) };
    match said.to_str().and_then(|s| s.parse::<u32>().ok()) {
        Some(number) if number <= most => Ok(()),
        _ => Err(PlanFault(format!(
            "{name}={}: a service manager sets a number from 0 to {most} there; unset it, or let systemd hand the sockets over",
            crate::report::clean_bounded(&said.to_string_lossy(), 40)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_bind() {
        for (text, wanted) in [
            ("192.0.2.1", &[("192.0.2.1:25", false)][..]),
            ("192.0.2.1:2525", &[("192.0.2.1:2525", false)]),
            ("192.0.2.1:465", &[("192.0.2.1:465", true)]),
            ("smtp://192.0.2.1:465", &[("192.0.2.1:465", false)]),
            ("smtps://192.0.2.1", &[("192.0.2.1:465", true)]),
            ("smtps://[::]:2465", &[("[::]:2465", true)]),
            ("::", &[("[::]:25", false)]),
            ("::1", &[("[::1]:25", false)]),
            ("[::1]", &[("[::1]:25", false)]),
            ("[2001:db8::1]:2525", &[("[2001:db8::1]:2525", false)]),
            (":2525", &[("0.0.0.0:2525", false), ("[::]:2525", false)]),
            ("smtps://:465", &[("0.0.0.0:465", true), ("[::]:465", true)]),
            (":0", &[("0.0.0.0:0", false), ("[::]:0", false)]),
        ] {
            let got = places(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let got: Vec<(String, bool)> = got.iter().map(|p| (p.address.to_string(), p.implicit_tls)).collect();
            let wanted: Vec<(String, bool)> = wanted.iter().map(|(a, t)| ((*a).to_owned(), *t)).collect();
            assert_eq!(got, wanted, "{text}");
        }
        for bad in ["", ":", "mail.example.net", "192.0.2.1:", "192.0.2.1:99999", "http://192.0.2.1", "[::1", ":smtp"] {
            assert!(places(bad).is_err(), "{bad}");
        }
    }
}
