//! A socket that listens, and who may come in.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener as BoundListener};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::connection::Ends;
use super::{Listening, Stop, told};

/// Connections that the system may hold for us.
const BACKLOG: i32 = 1024;
/// How long to wait when the system has no descriptor for a caller.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a refusal may take.
const REFUSAL: Duration = Duration::from_secs(1);

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
fn key(ip: IpAddr) -> IpAddr {
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
    _caller: Option<Caller>,
}

/// Lets clients in until there is word to stop, and waits for those who are in.
pub(super) async fn keep(socket: TcpListener, implicit_tls: bool, with: Arc<Listening>) {
    let mut stop = with.stop.clone();
    let mut sessions = JoinSet::new();
    loop {
        let accepted = async {
            let place = with.places.clone().acquire_owned().await;
            (place, socket.accept().await)
        };
        tokio::select! {
            biased;
            () = told(&mut stop, |s| s != Stop::No) => break,
            Some(_) = sessions.join_next(), if !sessions.is_empty() => {}
            (place, accepted) = accepted => match (place, accepted) {
                (Ok(place), Ok((stream, peer))) => {
                    let with = with.clone();
                    sessions.spawn(async move { admit(&with, stream, peer, implicit_tls, place).await });
                }
                (_, Err(_)) => {
                    with.turned.failed.fetch_add(1, Ordering::Relaxed);
                    sleep(PAUSE).await;
                }
                (Err(_), _) => break,
            },
        }
    }
    drop(socket);
    while sessions.join_next().await.is_some() {}
}

async fn admit(
    with: &Arc<Listening>,
    mut stream: TcpStream,
    peer: SocketAddr,
    implicit_tls: bool,
    place: OwnedSemaphorePermit,
) {
    // Many clients stand behind one balancer; its own address is not theirs.
    let caller = if with.is_proxy(peer.ip()) { None } else { Some(with.callers.enter(peer.ip())) };
    let caller = match caller {
        Some(None) => {
            with.turned.per_address.fetch_add(1, Ordering::Relaxed);
            let refusal = stream.write_all(b"421 4.7.0 Too many connections from your address\r\n");
            let _ = timeout(REFUSAL, refusal).await;
            return;
        }
        Some(caller) => caller,
        None => None,
    };
    let _ = stream.set_nodelay(true);
    let Ok(local) = stream.local_addr() else { return };
    let place = Place { _place: place, _caller: caller };
    with.serve(stream, Ends { peer, local, implicit_tls }, place).await;
}
