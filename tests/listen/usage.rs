//! Bad usage is one sentence and exit 2.

use std::process::{Command, Stdio};

#[test]
fn what_a_service_manager_says_is_read_or_refused() {
    for (name, said) in [("LISTEN_FDS", "x"), ("LISTEN_FDS", "-1"), ("LISTEN_FDS", "99999999999"), ("LISTEN_PID", "x")]
    {
        let mut program = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        program.stdin(Stdio::null()).args(["listen", "--bind", "127.0.0.1:0", "--for", "100ms"]).env(name, said);
        let output = program.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{name}={said}: {err}");
        assert!(err.contains(&format!("{name}={said}: a service manager")) && err.lines().count() == 1, "{err}");
    }
}

#[test]
fn bad_usage() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (args, words) in [
        (vec!["--bind", "mail.example.net"], "--bind mail.example.net: give an address of this machine"),
        (vec!["--bind", &taken], "another server listens there"),
        (vec!["--bind", "192.0.2.77:2525"], "it is no address of this machine"),
        (vec!["--name", "x y"], "--name x y: give a full host name"),
        (vec!["--name", "localhost"], "--name localhost: give a full host name"),
        (vec!["--only", "a@b"], "--only a@b: give 1 to 64 letters"),
        (vec!["--only", ""], "--only : give 1 to 64 letters"),
        (vec!["--for", "soon"], "--for soon: give a time from 100ms"),
        (vec!["--command-time", "0"], "--command-time 0: give a time from 100ms to 1h"),
        (vec!["--greet-delay", "2m"], "--greet-delay 2m: give a time from 0ms to 60s"),
        (vec!["--proxy-from", "balancer"], "--proxy-from balancer: give an IP address or a range"),
        (vec!["--cert", "/nonexistent", "--key", "/nonexistent"], "--cert /nonexistent: No such file"),
        (vec!["--cert", "Cargo.toml", "--key", "Cargo.toml"], "there is no certificate in it"),
        (vec!["--bind", "127.0.0.1:0", "--output", "/nonexistent/x"], "--output /nonexistent/x: No such file"),
        (vec!["--bind", "127.0.0.1:0", "--user", "no-such-user"], "--user no-such-user: there is no such user"),
        (vec!["--bind", "127.0.0.1:0", "--resolver", "dns.example"], "--resolver dns.example: give the server's IP"),
    ] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        program.current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).arg("listen").args(&args);
        let output = program.output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(words) && err.lines().count() == 1, "{args:?}: {err}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
