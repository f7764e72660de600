//! Rights given up behind the binding, and sockets that a service manager hands over.

use std::io::Read;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use crate::client::Client;
use crate::world::Ear;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn root_becomes_another_user_for_good() {
    if !nix::unistd::Uid::effective().is_root() {
        let mut program = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        let output = program.args(["listen", "--bind", "127.0.0.1:0", "--user", "nobody"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "nobody but root can become another user");
        return;
    }
    let ear = Ear::start(&["--user", "nobody", "--once"]).await;
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    for thread in std::fs::read_dir(format!("/proc/{}/task", ear.pid())).unwrap() {
        let status = std::fs::read_to_string(thread.unwrap().path().join("status")).unwrap();
        let ids = |key: &str| {
            let line = status.lines().find_map(|l| l.strip_prefix(key)).unwrap();
            line.split_whitespace().map(|n| n.parse::<u32>().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(ids("Uid:"), [nobody.uid.as_raw(); 4], "real, effective, saved, file system");
        assert_eq!(ids("Gid:"), [nobody.gid.as_raw(); 4]);
        assert!(ids("Groups:").iter().all(|g| *g == nobody.gid.as_raw()), "{status}");
        assert!(status.contains("CapEff:\t0000000000000000"), "{status}");
    }
    let mut client = Client::greeted(ear.doors[0]).await;
    client.say("EHLO mail.example.net").await;
    client.say("QUIT").await;
    assert_eq!(ear.ended().await.lines().len(), 1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_socket_that_does_not_listen_is_refused() {
    let bound = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    bound.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    let there = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = std::net::TcpStream::connect(there.local_addr().unwrap()).unwrap();
    for socket in [OwnedFd::from(bound), OwnedFd::from(connected)] {
        let mut command = Command::new("sh");
        command.args(["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\""]);
        command.args([env!("CARGO_BIN_EXE_smtp-preflight"), "listen", "--for", "1s", "--resolver", "127.0.0.1:9"]);
        let output = command.stdin(Stdio::from(socket)).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(err.contains("LISTEN_FDS: socket 0 does not listen") && err.lines().count() == 1, "{err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_handed_over_is_served() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\" \"$@\""]);
    command.args([env!("CARGO_BIN_EXE_smtp-preflight"), "listen", "--once", "--name", "probe.example.net"]);
    command.args(["--resolver", "127.0.0.1:9", "--timeout", "500ms"]);
    let stdin = Stdio::from(OwnedFd::from(socket));
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut client = Client::greeted(address).await;
    client.say("EHLO mail.example.net").await;
    client.say("QUIT").await;
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    child.wait().unwrap();
    assert_eq!(out.lines().count(), 1, "{err}");
    assert!(err.contains(&format!("listening as probe.example.net at {address}\n")), "port 25 is not bound too: {err}");
}
