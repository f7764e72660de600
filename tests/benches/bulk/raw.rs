//! The machine's ceiling: a client that does the four steps and nothing else. Connect, greeting, EHLO and QUIT with
//! its reply (RFC 5321 §4.1.1.10) beside PTR and A of its name; then A of the name in the EHLO reply. One line a
//! target, no evidence, no judgement.
//!
//! DNS: one UDP socket for all, answers sorted by their id, a question asked anew after a second, three times.

use std::collections::HashMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::oneshot;

const PTR: u16 = 12;
const A: u16 = 1;

/// How the raw client goes about it.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Checks at once.
    pub at_once: usize,
    pub threads: usize,
    /// Closes behind QUIT, its reply unread: what is cheaper so is told beside the ceiling, which the program keeps to.
    pub hasty: bool,
}

/// Checks every address of the list.
pub fn run(list: &str, manner: Manner, dns: SocketAddr, port: u16) -> Result<(), String> {
    let threads = manner.threads;
    let text = std::fs::read_to_string(list).map_err(|e| format!("{list}: {e}"))?;
    let targets: Vec<Ipv4Addr> = text.lines().filter_map(|l| l.parse().ok()).collect();
    let mut builder = if threads > 1 {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    let runtime = builder.worker_threads(threads.max(1)).enable_all().build().map_err(|e| e.to_string())?;
    runtime.block_on(all(targets, manner, dns, port))
}

async fn all(targets: Vec<Ipv4Addr>, manner: Manner, dns: SocketAddr, port: u16) -> Result<(), String> {
    let questions = Arc::new(Questions::begin(dns).await.map_err(|e| e.to_string())?);
    let (targets, next) = (Arc::new(targets), Arc::new(AtomicUsize::new(0)));
    let out = Arc::new(Mutex::new(std::io::BufWriter::new(std::io::stdout())));
    let mut workers = Vec::new();
    for _ in 0..manner.at_once {
        let (questions, targets, next, out) = (questions.clone(), targets.clone(), next.clone(), out.clone());
        workers.push(tokio::spawn(async move {
            while let Some(ip) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
                let verdict = check(*ip, port, manner.hasty, &questions).await;
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(out, "{ip} {verdict}");
            }
        }));
    }
    for worker in workers {
        worker.await.map_err(|e| e.to_string())?;
    }
    out.lock().unwrap_or_else(PoisonError::into_inner).flush().map_err(|e| e.to_string())
}

async fn check(ip: Ipv4Addr, port: u16, hasty: bool, questions: &Questions) -> &'static str {
    let names = async {
        let name = questions.ask(reverse(ip), PTR).await?;
        let address = questions.ask(name.clone(), A).await?;
        Some((name, address))
    };
    let said = async {
        let name = dialogue(ip, port, hasty).await?;
        let address = questions.ask(name.clone(), A).await?;
        Some((name, address))
    };
    let (names, said) = tokio::join!(names, said);
    let Some(((ptr, forward), (ehlo, address))) = names.zip(said) else { return "unknown" };
    if ptr == ehlo && forward == ip.octets() && address == ip.octets() { "agree" } else { "differ" }
}

/// The name in the EHLO reply, as wire labels.
async fn dialogue(ip: Ipv4Addr, port: u16, hasty: bool) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect((IpAddr::V4(ip), port)).await.ok()?;
    let mut buffer = [0; 2048];
    reply(&mut stream, &mut buffer).await?;
    stream.write_all(b"EHLO raw.example.net\r\n").await.ok()?;
    let length = reply(&mut stream, &mut buffer).await?;
    stream.write_all(b"QUIT\r\n").await.ok()?;
    let first = buffer[..length].split(|b| matches!(b, b'\r' | b' ')).next()?;
    let mut name = Vec::new();
    for label in first.get(4..)?.split(|b| *b == b'.') {
        name.push(u8::try_from(label.len()).ok()?);
        name.extend(label);
    }
    name.push(0);
    if !hasty {
        reply(&mut stream, &mut buffer).await?;
    }
    Some(name)
}

/// Reads to the end of one reply.
async fn reply(stream: &mut TcpStream, buffer: &mut [u8; 2048]) -> Option<usize> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await.ok().filter(|n| *n > 0)?;
        filled += read;
        let text = buffer[..filled].strip_suffix(b"\r\n");
        let last = text.and_then(|t| t.rsplit(|b| *b == b'\n').next());
        if last.is_some_and(|l| l.get(3) == Some(&b' ')) {
            return Some(filled);
        }
    }
}

fn reverse(ip: Ipv4Addr) -> Vec<u8> {
    let mut name = Vec::new();
    for octet in ip.octets().iter().rev() {
        let digits = octet.to_string();
        name.push(u8::try_from(digits.len()).unwrap_or_default());
        name.extend(digits.as_bytes());
    }
    name.extend(b"\x07in-addr\x04arpa\0");
    name
}

struct Questions {
    socket: Arc<UdpSocket>,
    next: AtomicU16,
    waiting: Arc<Mutex<HashMap<u16, oneshot::Sender<Vec<u8>>>>>,
}

impl Questions {
    async fn begin(dns: SocketAddr) -> std::io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        socket.connect(dns).await?;
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        let (socket, waiting) = (Arc::new(socket), Arc::new(Mutex::new(HashMap::<_, oneshot::Sender<_>>::new())));
        let (reading, answers) = (socket.clone(), waiting.clone());
        tokio::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok(length) = reading.recv(&mut buffer).await {
                let id = u16::from_be_bytes([buffer[0], buffer[1]]);
                let waits = answers.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
                if let Some(waits) = waits {
                    let _ = waits.send(buffer[..length].to_vec());
                }
            }
        });
        Ok(Self { socket, next: AtomicU16::new(0), waiting })
    }

    /// The data of the first record: a name's labels, or four octets. The world compresses owners only.
    async fn ask(&self, name: Vec<u8>, kind: u16) -> Option<Vec<u8>> {
        for _ in 0..3 {
            let id = self.next.fetch_add(1, Ordering::Relaxed);
            let mut query = Vec::with_capacity(name.len() + 16);
            query.extend(id.to_be_bytes());
            query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
            query.extend(&name);
            query.extend(kind.to_be_bytes());
            query.extend([0, 1]);
            let (answered, answer) = oneshot::channel();
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, answered);
            self.socket.send(&query).await.ok()?;
            if let Ok(Ok(answer)) = tokio::time::timeout(Duration::from_secs(1), answer).await {
                let data = query.len() + 12;
                return (answer.get(7) == Some(&1)).then(|| answer.get(data..).map(<[u8]>::to_vec))?;
            }
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        }
        None
    }
}
