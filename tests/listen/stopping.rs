//! Bounds, and how it stops.

use std::io::Read;
use std::time::Duration;

use crate::client::Client;
use crate::world::Ear;

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut_off_and_recorded() {
    let ear = Ear::start(&["--command-time", "1s", "--session-time", "3s", "--for", "6s"]).await;
    let mut silent = Client::greeted(ear.doors[0]).await;
    let mut dripping = Client::greeted(ear.doors[0]).await;
    let mut endless = Client::greeted(ear.doors[0]).await;
    let silence = async { silent.reply().await };
    let drip = async {
        for octet in b"EHLO mail.example.net and on and on and on" {
            if dripping.send(&[*octet]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        dripping.reply().await
    };
    let talk = async {
        loop {
            match endless.say("NOOP").await {
                250 => tokio::time::sleep(Duration::from_millis(300)).await,
                other => return other,
            }
        }
    };
    assert_eq!(tokio::join!(silence, drip, talk), (421, 421, 421));
    let mut long = Client::greeted(ear.doors[0]).await;
    long.send(&[b'a'; 4000]).await.unwrap();
    assert_eq!(long.reply().await, 500);
    let mut lines = ear.ended().await.lines();
    lines.sort_by_key(|l| l["session"]["number"].as_u64());
    let ends: Vec<&str> = lines.iter().map(|l| l["session"]["ended"].as_str().unwrap()).collect();
    assert_eq!(ends, ["idle", "idle", "overtime", "cut-off"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_at_once_is_said_at_once() {
    let ear = Ear::start(&["--command-time", "30m", "--session-time", "30m"]).await;
    let mut client = Client::greeted(ear.doors[0]).await;
    client.send(&b"NOOP\r\n".repeat(5000)).await.unwrap();
    let mut code = 250;
    while code == 250 {
        code = client.reply().await;
    }
    assert_eq!(code, 421);
    ear.signal("TERM");
    assert_eq!(ear.ended().await.lines()[0]["session"]["ended"], "cut-off");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_from_one_address_are_refused() {
    let ear = Ear::start(&["--max-per-address", "2"]).await;
    let one = Client::greeted(ear.doors[0]).await;
    let _two = Client::greeted(ear.doors[0]).await;
    assert_eq!(Client::connect(ear.doors[0]).await.reply().await, 421);
    drop(one);
    tokio::time::sleep(Duration::from_secs(1)).await;
    Client::greeted(ear.doors[0]).await;
    ear.signal("TERM");
    let ended = ear.ended().await;
    assert!(ended.err.contains("1 connections refused: too many at once from one address"), "{}", ended.err);
    assert_eq!(ended.lines().len(), 3);
    assert_eq!(ended.status.code(), Some(3), "nobody said a name");
}

#[tokio::test(flavor = "multi_thread")]
async fn past_the_most_sessions_the_next_waits_outside_and_is_served() {
    let ear = Ear::start(&["--max-sessions", "1", "--count", "3"]).await;
    let mut one = Client::greeted(ear.doors[0]).await;
    let mut two = Client::connect(ear.doors[0]).await;
    let mut three = Client::connect(ear.doors[0]).await;
    let unserved = tokio::time::timeout(Duration::from_secs(2), two.reply()).await;
    assert!(unserved.is_err(), "nobody is greeted while the only place is taken");
    assert_eq!(one.say("EHLO mail.example.net").await, 250);
    one.say("QUIT").await;
    for client in [&mut two, &mut three] {
        assert_eq!(client.reply().await, 220);
        client.say("EHLO mail.example.net").await;
        client.say("QUIT").await;
    }
    assert_eq!(ear.ended().await.lines().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_at_the_signal_is_recorded() {
    for signal in ["TERM", "INT", "HUP"] {
        let ear = Ear::start(&[]).await;
        let mut client = Client::greeted(ear.doors[0]).await;
        client.say("EHLO mail.example.net").await;
        client.say("MAIL FROM:<a@example.net>").await;
        ear.signal(signal);
        assert_eq!(client.reply().await, 421);
        let ended = ear.ended().await;
        let lines = ended.lines();
        assert_eq!(lines[0]["session"]["ended"], "stopped", "{signal}");
        assert_eq!(lines[0]["check"]["agreement"]["verdict"], "agree");
        assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_that_is_ignored_stays_ignored() {
    let ear = Ear::start_under("trap '' HUP", &["--once"]).await;
    ear.signal("HUP");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut client = Client::greeted(ear.doors[0]).await;
    client.say("EHLO mail.example.net").await;
    assert_eq!(client.say("QUIT").await, 221);
    assert_eq!(ear.ended().await.lines().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_it_and_a_file_keeps_all() {
    let mut ear = Ear::start(&[]).await;
    drop(ear.take_out());
    for _ in 0..2 {
        let mut client = Client::connect(ear.doors[0]).await;
        if client.reply().await != 220 {
            break;
        }
        client.say("EHLO mail.example.net").await;
        client.say("QUIT").await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    ear.signal("TERM");
    let err = ear.ended().await.err;
    assert!(err.contains("the reader of the results has gone: what it had not taken is lost"), "{err}");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heard.ndjson");
    for _ in 0..2 {
        let mut ear = Ear::start(&["--once", "--output", file.to_str().unwrap()]).await;
        let mut client = Client::greeted(ear.doors[0]).await;
        client.say("EHLO mail.example.net").await;
        client.say("QUIT").await;
        let mut out = String::new();
        ear.take_out().read_to_string(&mut out).unwrap();
        assert_eq!(out, "");
        ear.ended().await;
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2, "a second run adds to the first");
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_whole_lines() {
    // A file may not grow past 60 or 120 KiB, as the shell counts; whether or not the signal that says so is ignored.
    for shell in ["trap '' XFSZ; ulimit -f 120", "ulimit -f 120"] {
        fill(shell, false).await;
    }
    fill("ulimit -f 120", true).await;
}

#[cfg(target_os = "linux")]
async fn fill(shell: &str, redirected: bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heard.ndjson");
    std::fs::write(&file, "{\"half\": ").unwrap();
    // The same where the shell has made standard output of the file.
    let path = file.to_str().unwrap();
    let shell = if redirected { format!("{shell}; exec >>{path}") } else { shell.to_owned() };
    let output = ["--output", path];
    let ear = Ear::start_under(&shell, if redirected { &[] } else { &output }).await;
    for _ in 0..40 {
        let Ok(mut client) = Client::try_connect(ear.doors[0]).await else { break };
        if client.reply().await != 220 {
            break;
        }
        client.say("EHLO mail.example.net").await;
        client.say("QUIT").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ended = ear.ended().await;
    assert_eq!(ended.status.code(), Some(2), "{}", ended.err);
    let place = if redirected { "standard output" } else { "heard.ndjson" };
    assert!(ended.err.contains(&format!("{place} cannot be written: File too large")), "{}", ended.err);
    let text = std::fs::read_to_string(&file).unwrap();
    let (half, whole) = text.split_once(if redirected { '{' } else { '\n' }).unwrap();
    if redirected {
        assert!(text.ends_with('\n'), "no half line of ours");
        return;
    }
    assert_eq!(half, "{\"half\": ", "an earlier run's half line is not ours to remove, nor to go on with");
    assert!(whole.ends_with('\n') && whole.lines().count() > 1);
    for line in whole.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    }
}
