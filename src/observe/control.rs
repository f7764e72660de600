//! Control connections: is it that server, or can this machine not use the port at all?
//!
//! Tried only when a dialled server did not answer on port 25, or when a control was asked for by
//! name. They connect and close; not one octet is sent.

use std::net::{IpAddr, SocketAddr};

use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout_at};

use super::inquiry::Inquiry;
use crate::dns::{Lookup, RecordType};
use crate::evidence::Control;
use crate::target::{Host, Target};

/// Mail servers that are always up, of two operators, for a machine on the Internet.
pub const DEFAULT_CONTROLS: [&str; 2] = ["gmail-smtp-in.l.google.com:25", "mx-aol.mail.gm0.yahoodns.net:25"];

/// Enough for any path on which port 25 works.
const PATIENCE: Duration = Duration::from_secs(5);
/// Silence for less than this shows nothing.
const LEAST: Duration = Duration::from_secs(1);

pub(super) async fn connect_all(hosts: &[&Target], inquiry: impl Fn() -> Inquiry, deadline: Instant) -> Vec<Control> {
    let deadline = deadline.min(Instant::now() + PATIENCE);
    join_all(hosts.iter().map(|host| connect(host, inquiry(), deadline))).await
}

async fn connect(target: &Target, inquiry: Inquiry, deadline: Instant) -> Control {
    let host = format!("{}:{}", target.host, target.port);
    let address: Option<IpAddr> = match &target.host {
        Host::Address(ip) => Some(*ip),
        Host::Name(name) => {
            let answers = inquiry.ask(name.as_str(), RecordType::A).await;
            answers.iter().flat_map(Lookup::data).find_map(|d| d.parse().ok())
        }
    };
    let Some(ip) = address else {
        return Control { host, address, connected: None, detail: Some("its address could not be looked up".into()) };
    };
    let begun = Instant::now();
    let (connected, detail) = match timeout_at(deadline, TcpStream::connect(SocketAddr::new(ip, target.port))).await {
        Ok(Ok(_)) => (Some(true), None),
        Ok(Err(e)) => (Some(false), Some(e.to_string())),
        Err(_) if begun.elapsed() < LEAST => (None, Some("the time for this check ran out".into())),
        Err(_) => (Some(false), Some("no answer".into())),
    };
    Control { host, address, connected, detail }
}
