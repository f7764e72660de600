//! No address form gets mail through: each recipient is refused, or taken and dropped, and nothing connects out.

use tokio::net::TcpListener;

use crate::client::Client;
use crate::world::Ear;

/// The recipient forms that open-relay testers try, for a listener called probe.example.net at 127.0.0.1, and a
/// victim at victim.example. After RFC 2505 §2.1 and the forms of the well-known public testers.
fn recipients() -> Vec<String> {
    let forms = [
        "<user@victim.example>",
        "user@victim.example",
        "<user@[127.0.0.1]>",
        "<user@localhost>",
        "<user@probe.example.net>",
        "<user>",
        "<user%victim.example>",
        "<user%victim.example@probe.example.net>",
        "<user%victim.example@[127.0.0.1]>",
        "<user%victim.example@localhost>",
        "<\"user@victim.example\">",
        "<\"user%victim.example\">",
        "<\"user@victim.example\"@probe.example.net>",
        "<\"user@victim.example\"@[127.0.0.1]>",
        "<\"user@victim.example\"@>",
        "<user@victim.example@probe.example.net>",
        "<user@victim.example@[127.0.0.1]>",
        "<user@victim.example@>",
        "<@probe.example.net:user@victim.example>",
        "<@[127.0.0.1]:user@victim.example>",
        "<@localhost,@probe.example.net:user@victim.example>",
        "<victim.example!user>",
        "<victim.example!user@probe.example.net>",
        "<victim.example!user@[127.0.0.1]>",
        "<probe.example.net!victim.example!user>",
        "<user@victim.example.>",
        "< user@victim.example>",
        "<>",
        "<postmaster>",
        "<user@victim.example> ORCPT=rfc822;user@victim.example NOTIFY=SUCCESS",
        "<user@victim.example>,<second@victim.example>",
        "<user\0@victim.example>",
        "<user@victim.example\r>",
    ];
    forms.map(str::to_owned).into()
}

const SENDERS: [&str; 7] = [
    "<>",
    "<spam@probe.example.net>",
    "<spam@localhost>",
    "<spam>",
    "<spam@[127.0.0.1]>",
    "<postmaster@probe.example.net>",
    "<user@victim.example>",
];

async fn try_all(more: &[&str], taken: bool) {
    // Where a relay would go on to: nothing may ever come here.
    let next_hop = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ear = Ear::start(more).await;
    let mut tried = 0;
    for sender in SENDERS {
        let mut client = Client::greeted(ear.doors[0]).await;
        assert_eq!(client.say("EHLO mail.example.net").await, 250);
        for recipient in recipients() {
            assert_eq!(client.say(&format!("MAIL FROM:{sender}")).await, 250, "{sender}");
            let code = client.say(&format!("RCPT TO:{recipient}")).await;
            assert!([451, 501].contains(&code) || taken && code == 250, "{recipient}: {code}");
            let data = client.say("DATA").await;
            assert_eq!(data == 354, code == 250, "{recipient}: DATA {data}");
            if data == 354 {
                assert_eq!(client.say("Subject: x\r\n\r\nrelay me\r\n.").await, 250);
            }
            assert_eq!(client.say("RSET").await, 250);
            tried += 1;
            // A connection may say so many commands; the next form comes over a new one.
            if tried % 40 == 0 {
                client.say("QUIT").await;
                client = Client::greeted(ear.doors[0]).await;
                client.say("EHLO mail.example.net").await;
            }
        }
        client.say("QUIT").await;
    }
    assert_eq!(tried, 7 * 33);
    assert_eq!(sockets_out(ear.pid()), 0, "it connects to nobody");
    assert_eq!(files(ear.pid()), [""; 0], "it has no file open to write to");
    ear.signal("TERM");
    let ended = ear.ended().await;
    assert!(!ended.out.contains("relay me"));
    let taken_in_all: u64 = ended.lines().iter().map(|l| l["session"]["messages"].as_u64().unwrap()).sum();
    assert_eq!(taken_in_all > 0, taken);
    assert!(futures_util::FutureExt::now_or_never(next_hop.accept()).is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_is_refused() {
    try_all(&["--resolver", "127.0.0.1:9", "--timeout", "500ms"], false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_accept_every_form_is_refused_or_dropped() {
    try_all(&["--accept", "--resolver", "127.0.0.1:9", "--timeout", "500ms"], true).await;
}

/// TCP connections of the process that it made itself: those from no port that it listens at.
#[cfg(target_os = "linux")]
fn sockets_out(pid: u32) -> usize {
    let table = |name: &str| std::fs::read_to_string(format!("/proc/{pid}/net/{name}")).unwrap_or_default();
    let inodes: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|e| std::fs::read_link(e.ok()?.path()).ok()?.to_str().map(str::to_owned))
        .filter_map(|l| Some(l.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let rows: Vec<Vec<String>> = [table("tcp"), table("tcp6")]
        .concat()
        .lines()
        .map(|l| l.split_whitespace().map(str::to_owned).collect())
        .filter(|c: &Vec<String>| c.len() > 9 && inodes.contains(&c[9]))
        .collect();
    let port = |address: &str| address.rsplit(':').next().unwrap_or_default().to_owned();
    let own: Vec<String> = rows.iter().filter(|c| c[3] == "0A").map(|c| port(&c[1])).collect();
    rows.iter().filter(|c| !own.contains(&port(&c[1]))).count()
}

/// Regular files that the process has opened: not those that it was born with, which the test holds open too.
#[cfg(target_os = "linux")]
fn files(pid: u32) -> Vec<String> {
    let of = |process: String| -> Vec<String> {
        let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
        let links = open.filter_map(|e| std::fs::read_link(e.ok()?.path()).ok());
        links.filter(|l| l.is_absolute() && !l.starts_with("/dev")).map(|l| l.display().to_string()).collect()
    };
    let inherited = of("self".into());
    of(pid.to_string()).into_iter().filter(|file| !inherited.contains(file)).collect()
}

#[cfg(not(target_os = "linux"))]
fn sockets_out(_: u32) -> usize {
    0
}

#[cfg(not(target_os = "linux"))]
fn files(_: u32) -> Vec<String> {
    Vec::new()
}
