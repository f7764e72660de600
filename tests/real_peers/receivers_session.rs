//! SMTP sessions from many addresses of a private network: what each identity hears first that is no 2xx.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpSocket;

use crate::world::World;

/// Sessions at once.
const AT_ONCE: usize = 32;
/// A session lasts no longer.
const LONGEST: Duration = Duration::from_secs(30);

/// One session to hold.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) from: IpAddr,
    pub(crate) port: u16,
    pub(crate) ehlo: String,
    /// The identity's place, which a message carries in a header.
    pub(crate) n: usize,
    /// Send a message, not only the envelope.
    pub(crate) message: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    /// `250`, or the first refusal: `450 4.7.25`.
    pub(crate) answer: String,
}

/// Holds the sessions inside the world, each from its own address; answers in the order of the jobs.
pub(crate) fn sessions(world: &World, jobs: &[Job], to: fn(IpAddr) -> IpAddr) -> Vec<Said> {
    let network = std::fs::File::open(world.network()).unwrap();
    std::thread::scope(|scope| {
        // The thread enters the network and never leaves it: it ends with its work.
        let held = scope.spawn(|| {
            move_into_link_name_space(std::os::fd::AsFd::as_fd(&network), Some(LinkNameSpaceType::Network)).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let mut held: Vec<(usize, Said)> = runtime.block_on(
                stream::iter(jobs.iter().cloned().enumerate())
                    .map(|(place, job)| async move {
                        let server = SocketAddr::new(to(job.from), job.port);
                        let held = tokio::time::timeout(LONGEST, session(&job, server)).await;
                        (place, Said { answer: held.unwrap_or_else(|_| "no end".into()) })
                    })
                    .buffer_unordered(AT_ONCE)
                    .collect(),
            );
            held.sort_by_key(|(place, _)| *place);
            held.into_iter().map(|(_, said)| said).collect()
        });
        held.join().unwrap()
    })
}

async fn session(job: &Job, server: SocketAddr) -> String {
    let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
    socket.bind(SocketAddr::new(job.from, 0)).unwrap();
    let stream = match socket.connect(server).await {
        Ok(stream) => stream,
        Err(e) => return format!("no connection: {e}"),
    };
    let mut stream = BufReader::new(stream);
    let mut lines = vec![
        String::new(),
        format!("EHLO {}", job.ehlo),
        format!("MAIL FROM:<identity{}@sender.example>", job.n),
        "RCPT TO:<user@receiver.example>".into(),
    ];
    if job.message {
        let lane = job.port;
        lines.push("DATA".into());
        lines.push(format!(
            "From: \"A. Sender\" <identity{0}@sender.example>\r\nTo: \"A. User\" <user@receiver.example>\r\n\
             Subject: Minutes of the meeting\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n\
             Message-ID: <{0}.{lane}@sender.example>\r\nX-Identity: {0}\r\nX-Lane: {lane}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=us-ascii\r\n\r\nThe minutes are on the usual page.\r\n.",
            job.n
        ));
    }
    for line in lines {
        if !line.is_empty() && stream.write_all(format!("{line}\r\n").as_bytes()).await.is_err() {
            return "closed".into();
        }
        match reply(&mut stream).await {
            Some((200..300 | 354, _)) => {}
            Some((code, enhanced)) => return enhanced.map_or_else(|| code.to_string(), |e| format!("{code} {e}")),
            None => return "closed".into(),
        }
    }
    // Whoever only wanted to know leaves without a message.
    let _ = stream.write_all(b"QUIT\r\n").await;
    let _ = reply(&mut stream).await;
    "250".into()
}

/// A reply's code and its enhanced code, if it has one.
async fn reply(stream: &mut BufReader<tokio::net::TcpStream>) -> Option<(u16, Option<String>)> {
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
            return None;
        }
        let line = String::from_utf8_lossy(&line).into_owned();
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        let code = line.get(..3)?.parse().ok()?;
        let word = line.get(4..).unwrap_or_default().split_whitespace().next().unwrap_or_default();
        let parts: Vec<&str> = word.split('.').collect();
        let is_enhanced =
            parts.len() == 3 && parts.iter().all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
        return Some((code, is_enhanced.then(|| word.to_owned())));
    }
}
