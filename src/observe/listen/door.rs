//! A socket that listens, and who may come in.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener as BoundListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection::{Ends, TOO_MANY};
use super::{Listening, Stop, told};

/// Connections that the system may hold for us, within a bound of its own (`net.core.somaxconn`). Past that a client
/// believes itself connected and waits for seconds until it is.
const BACKLOG: i32 = 4096;
/// How long to wait when the system has no descriptor for a caller.
const PAUSE: Duration = Duration::from_millis(100);

/// A socket that is bound and listens, with no one at it yet.
#[derive(Debug)]
pub struct Door {
    socket: BoundListener,
    implicit_tls: bool,
}

/// Binds a socket: of IPv6 only where the address is, so that both families can have the same port.
pub fn bind(address: SocketAddr, implicit_tls: bool) -> io::Result<Door> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A port that was ours a moment ago is ours again at once.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(Door::from_socket(socket.into(), implicit_tls))
}

impl Door {
    /// A door at a socket that listens already, as a service manager hands it over.
    pub fn from_socket(socket: BoundListener, implicit_tls: bool) -> Self {
        Self { socket, implicit_tls }
    }

    /// Where it is.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Whether TLS comes before the greeting.
    pub fn implicit_tls(&self) -> bool {
        self.implicit_tls
    }

    pub(super) fn open(self) -> io::Result<(TcpListener, bool)> {
        self.socket.set_nonblocking(true)?;
        Ok((TcpListener::from_std(self.socket)?, self.implicit_tls))
    }
}

/// The sessions of each address.
pub(super) struct Callers {
    most: usize,
    here: Mutex<HashMap<IpAddr, usize>>,
}

impl Callers {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, here: Mutex::default() })
    }

    fn enter(self: &Arc<Self>, ip: IpAddr) -> Option<Caller> {
        let key = key(ip);
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let count = here.entry(key).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Caller { callers: self.clone(), key })
    }
}

/// An IPv6 client has a whole network to call from.
pub(super) fn key(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => {
            let s = v6.segments();
            Ipv6Addr::new(s[0], s[1], s[2], s[3], 0, 0, 0, 0).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// One session's share of its address.
pub(super) struct Caller {
    callers: Arc<Callers>,
    key: IpAddr,
}

impl Drop for Caller {
    fn drop(&mut self) {
        let mut here = self.callers.here.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = here.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                here.remove(&self.key);
            }
        }
    }
}

/// A session's place; given up when it is dropped.
pub(super) struct Place {
    _place: OwnedSemaphorePermit,
    caller: Option<Caller>,
}

impl Listening {
    /// Counts a client that a balancer names; `false`, and counted as turned away, where its address has too many.
    pub(super) fn seat(&self, place: &mut Place, ip: IpAddr) -> bool {
        place.caller = self.callers.enter(ip);
        if place.caller.is_none() {
            self.turned.per_address.fetch_add(1, Ordering::Relaxed);
        }
        place.caller.is_some()
    }
}

/// Lets clients in until there is word to stop, and waits for those who are in. One client more than there is room
/// for stands at each door, unserved, until somebody leaves.
pub(super) async fn keep(socket: TcpListener, implicit_tls: bool, with: Arc<Listening>) {
    let mut stop = with.stop.clone();
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            () = told(&mut stop, |s| s != Stop::No) => break,
            accepted = socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(e) => {
                *with.turned.why.lock().unwrap_or_else(PoisonError::into_inner) = e.to_string();
                with.turned.failed.fetch_add(1, Ordering::Relaxed);
                sleep(PAUSE).await;
                continue;
            }
        };
        // Many clients stand behind one balancer; its own address is not theirs, and who they are comes with the header.
        let proxied = with.is_proxy(peer.ip());
        let caller = if proxied { None } else { with.callers.enter(peer.ip()) };
        if caller.is_none() && !proxied {
            with.turned.per_address.fetch_add(1, Ordering::Relaxed);
            refuse(stream);
            continue;
        }
        let place = tokio::select! {
            biased;
            () = told(&mut stop, |s| s != Stop::No) => break,
            place = with.places.clone().acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let _ = stream.set_nodelay(true);
        let Ok(local) = stream.local_addr() else { continue };
        let (with, place) = (with.clone(), Place { _place: place, caller });
        sessions.spawn(async move { with.serve(stream, Ends { peer, local, implicit_tls }, place).await });
    }
    drop(socket);
    while sessions.join_next().await.is_some() {}
}

/// One line that does not wait: the buffer of a new connection is empty.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = stream.write(format!("421 {TOO_MANY}\r\n").as_bytes());
    }
}
