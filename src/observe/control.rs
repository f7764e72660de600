//! Control connections: is it that server, or can this machine not use the port at all?
//!
//! Tried when a dialled server stays silent on its port, beside the attempt, so that they have time of their
//! own. They go to the same port, over the same address family, from the same source; they connect and close,
//! and not one octet is sent.
//! Failure: data. Only silence for [`LEAST`] and more counts as silence; a refusal is an answer, and what
//! could not be tried shows nothing.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use futures_util::future::{FutureExt, join_all};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Duration, Instant, timeout, timeout_at};

use super::Options;
use super::hosts::Hosts;
use super::inquiry::Inquiry;
use crate::dns::{Lookup, RecordType};
use crate::evidence::{Control, Fault, FaultKind};
use crate::target::{Host, Target};

/// Mail servers that are always up, of two operators, for a machine on the Internet.
pub const DEFAULT_CONTROLS: [&str; 2] = ["gmail-smtp-in.l.google.com:25", "mx-aol.mail.gm0.yahoodns.net:25"];

/// Enough for any path on which the port works.
const PATIENCE: Duration = Duration::from_secs(5);
/// Silence for less than this shows nothing.
const LEAST: Duration = Duration::from_secs(1);
/// How long a target may be silent before the controls are tried beside it.
const HEAD_START: Duration = Duration::from_secs(2);

/// Waits for an attempt to connect within `limit`, and for the controls where it comes to nothing but silence.
pub(super) async fn beside<T>(
    mut attempt: Pin<&mut impl Future<Output = Result<T, Fault>>>,
    limit: Duration,
    mut controls: Pin<&mut impl Future<Output = Vec<Control>>>,
) -> (Result<T, Fault>, Vec<Control>) {
    if let Ok(done) = timeout(HEAD_START.min(limit / 3), &mut attempt).await {
        return (done, Vec::new());
    }
    let mut tried = None;
    loop {
        tokio::select! {
            biased;
            done = &mut attempt => {
                let silent = matches!(&done, Err(fault) if fault.kind == FaultKind::TimedOut);
                let tried = match tried {
                    _ if !silent => Vec::new(),
                    Some(tried) => tried,
                    None => controls.await,
                };
                return (done, tried);
            }
            all = &mut controls, if tried.is_none() => tried = Some(all),
        }
    }
}

/// Tries every control that can tell about `dialled`; over many checks, each once a while.
pub(super) async fn connect_all(
    dialled: SocketAddr,
    options: &Options,
    hosts: Option<&Hosts>,
    inquiry: impl Fn() -> Inquiry,
    deadline: Instant,
) -> Vec<Control> {
    let same_port = options.controls.iter().filter(|c| c.port == dialled.port());
    join_all(same_port.map(|host| {
        let (name, v4, inquiry) = (format!("{}:{}", host.host, host.port), dialled.is_ipv4(), inquiry());
        let attempt = try_one(host.clone(), dialled.ip(), options.source, inquiry, deadline).boxed();
        async move {
            match hosts {
                Some(hosts) => hosts.control(name, v4, attempt).await,
                None => attempt.await,
            }
        }
    }))
    .await
}

async fn try_one(
    target: Target,
    dialled: IpAddr,
    source: Option<IpAddr>,
    inquiry: Inquiry,
    deadline: Instant,
) -> Control {
    let deadline = deadline.min(Instant::now() + PATIENCE);
    let mut control =
        Control { host: format!("{}:{}", target.host, target.port), address: None, connected: None, detail: None };
    let found = match &target.host {
        Host::Address(ip) => Ok(*ip),
        Host::Name(name) => {
            let kind = if dialled.is_ipv4() { RecordType::A } else { RecordType::Aaaa };
            let answers = inquiry.ask(name.as_str(), kind).await;
            let first = answers.iter().flat_map(Lookup::data).find_map(|d| d.parse::<IpAddr>().ok());
            first.ok_or_else(|| format!("no {kind} of it could be looked up"))
        }
    };
    let ip = match found {
        Ok(ip) if ip == dialled => Err("it is the address dialled itself".to_owned()),
        Ok(ip) if ip.is_ipv4() != dialled.is_ipv4() => Err("it is of the other address family".to_owned()),
        found => found,
    };
    control.address = ip.as_ref().ok().copied();
    (control.connected, control.detail) = match ip {
        Err(why) => (None, Some(why)),
        Ok(ip) => {
            // The time allowed, not the time measured: a timer that fires early or late changes no result.
            let allowed = deadline.saturating_duration_since(Instant::now());
            let reached = timeout_at(deadline, connect(SocketAddr::new(ip, target.port), source)).await;
            shown(reached.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())), allowed)
        }
    };
    control
}

async fn connect(to: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.connect(to).await
}

/// What an attempt shows of the port, and in which words; `allowed` is how long it could wait.
fn shown<T>(reached: io::Result<T>, allowed: Duration) -> (Option<bool>, Option<String>) {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset, TimedOut};
    match reached {
        Ok(_) => (Some(true), None),
        Err(e) if matches!(e.kind(), ConnectionRefused | ConnectionReset) => (Some(true), Some(e.to_string())),
        Err(e) if e.kind() == TimedOut && allowed >= LEAST => (Some(false), Some("no answer".into())),
        Err(e) if e.kind() == TimedOut => {
            (None, Some(format!("there was no time to wait for it ({} ms)", allowed.as_millis())))
        }
        Err(e) => (None, Some(e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_patience_makes_silence() {
        let fails = |kind: io::ErrorKind, ms| shown::<()>(Err(kind.into()), Duration::from_millis(ms)).0;
        assert_eq!(shown(Ok(()), Duration::ZERO), (Some(true), None));
        assert_eq!(fails(io::ErrorKind::TimedOut, 1000), Some(false));
        assert_eq!(fails(io::ErrorKind::TimedOut, 999), None);
        assert_eq!(fails(io::ErrorKind::ConnectionRefused, 1), Some(true));
        for kind in [io::ErrorKind::NetworkUnreachable, io::ErrorKind::HostUnreachable, io::ErrorKind::PermissionDenied]
        {
            assert_eq!(fails(kind, 5000), None, "{kind}");
        }
    }
}
