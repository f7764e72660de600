//! What a client's DNS can make us keep: few octets of large answers, and a bounded number of its identities.

use std::fmt::Write;
use std::net::SocketAddr;

use futures_util::future::join_all;
use tokio::net::TcpSocket;

use crate::client::Client;
use crate::flood::peak_memory;
use crate::world::Ear;

/// Addresses that the attacker has, and connections at once from each.
const ADDRESSES: u8 = 4;
const AT_ONCE: usize = 30;
/// Names that each connection says, one after the other.
const NAMES: usize = 2;

/// Ten PTR names for each address, and so many addresses for each name that the client's is the last of them.
fn world() -> String {
    let mut zone = String::from("$ORIGIN big.example.\n");
    for name in 0..10 {
        for last in (1..=230).rev() {
            let _ = writeln!(zone, "p{name} A 203.0.113.{last}");
        }
        for last in 1..=ADDRESSES {
            let _ = writeln!(zone, "p{name} A 127.0.3.{last}");
        }
    }
    zone.push_str("$ORIGIN 3.0.127.in-addr.arpa.\n");
    for last in 1..=ADDRESSES {
        for name in 0..10 {
            let _ = writeln!(zone, "{last} PTR p{name}.big.example.");
        }
    }
    format!("[[dns]]\nzone = '''\n{zone}'''\n")
}

#[cfg(target_os = "linux")]
#[expect(clippy::disallowed_macros, reason = "the figure is worth seeing (--nocapture)")]
#[tokio::test(flavor = "multi_thread")]
async fn large_answers_to_many_names_take_little_memory() {
    let ear = Ear::start_in(&world(), ":", &["--timeout", "10m", "--max-per-address", "5000"]).await;
    let (door, pid) = (ear.doors[0], ear.pid());
    let clients = (0..ADDRESSES).flat_map(|a| (0..AT_ONCE).map(move |n| (a + 1, n)));
    join_all(clients.map(|(last, number)| async move {
        for name in 0..NAMES {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::from(([127, 0, 3, last], 0))).unwrap();
            let mut client = Client::over(socket.connect(door).await.unwrap());
            assert_eq!(client.reply().await, 220);
            assert_eq!(client.say(&format!("EHLO n{name}-{number}-{last}.big.example")).await, 250);
            assert_eq!(client.say("QUIT").await, 221);
        }
    }))
    .await;
    ear.signal("TERM");
    let mut peak = 0;
    let watched = async {
        loop {
            peak = peak.max(peak_memory(pid));
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let ended = tokio::select! {
        ended = ear.ended() => ended,
        () = watched => unreachable!(),
    };
    let lines = ended.lines();
    assert_eq!(lines.len(), usize::from(ADDRESSES) * AT_ONCE * NAMES, "{}", ended.err);
    for line in &lines {
        let forward = &line["check"]["dns"]["forward"][9];
        assert_eq!(forward["holds_ip"], true, "the client's own address is among what is kept: {forward}");
        assert_eq!(forward["addresses"].as_array().unwrap().len(), 65);
        assert_eq!(forward["detail"], "234 records, of which 65 are told");
    }
    println!("{} identities of 10 names with 234 addresses: peak memory {} MB", lines.len(), peak / 1024);
    assert!(peak > 0 && peak < 60 * 1024, "peak memory {peak} kB");
}
