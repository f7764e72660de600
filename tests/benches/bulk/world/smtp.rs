//! Every mail server of the world behind one listening socket: which of them is meant, the address dialled says.
//!
//! Standard: RFC 5321 §4.3.2, as far as a probe goes: greeting, EHLO, QUIT; anything else is 502.

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Fate, Plan, fate, identity, name};

/// Connections to servers that hang, now and at most.
static HANGING: AtomicUsize = AtomicUsize::new(0);
static MOST_HANGING: AtomicUsize = AtomicUsize::new(0);

/// The most servers of this process's worlds that have hung at once.
#[allow(dead_code, reason = "tests ask, the benchmark does not")]
pub(super) fn most_hanging() -> usize {
    MOST_HANGING.load(Ordering::SeqCst)
}

/// Accepts until the process ends.
pub(super) fn serve(listener: TcpListener, plan: Plan) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let listening = listener.set_nonblocking(true).and_then(|()| tokio::net::TcpListener::from_std(listener));
        let Ok(listener) = listening else { return };
        loop {
            match listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(async move {
                        let _ = session(stream, plan).await;
                    });
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    });
}

async fn session(mut stream: TcpStream, plan: Plan) -> std::io::Result<()> {
    let identity = identity(stream.local_addr()?.ip().to_canonical()).unwrap_or_default();
    match fate(identity) {
        _ if !plan.trouble => {}
        Fate::Hangs => {
            MOST_HANGING.fetch_max(HANGING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Until the other side goes away.
            while matches!(stream.read(&mut [0; 64]).await, Ok(n) if n > 0) {}
            HANGING.fetch_sub(1, Ordering::SeqCst);
            return Ok(());
        }
        Fate::Resets => {
            stream.set_zero_linger()?;
            return Ok(());
        }
        Fate::Garbage => {
            while stream.write(&[0xfe; 4096]).await.is_ok() {}
            return Ok(());
        }
        Fate::Well | Fate::ZoneSilent => {}
    }
    let name = name(identity);
    say(&mut stream, plan, format!("220 {name} ESMTP\r\n").as_bytes()).await?;
    let (mut buffer, mut filled) = ([0; 512], 0);
    loop {
        let Some(end) = buffer[..filled].iter().position(|b| *b == b'\n') else {
            match stream.read(&mut buffer[filled..]).await? {
                0 => return Ok(()),
                n => filled += n,
            }
            continue;
        };
        let verb = buffer[..end.min(4)].to_ascii_uppercase();
        buffer.copy_within(end + 1..filled, 0);
        filled -= end + 1;
        match verb.as_slice() {
            b"EHLO" => {
                let reply = format!("250-{name}\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250 8BITMIME\r\n");
                say(&mut stream, plan, reply.as_bytes()).await?;
            }
            b"QUIT" => return say(&mut stream, plan, b"221 2.0.0 Bye\r\n").await,
            _ => say(&mut stream, plan, b"502 5.5.1 not here\r\n").await?,
        }
    }
}

async fn say(stream: &mut TcpStream, plan: Plan, reply: &[u8]) -> std::io::Result<()> {
    if !plan.smtp_delay.is_zero() {
        tokio::time::sleep(plan.smtp_delay).await;
    }
    stream.write_all(reply).await
}
