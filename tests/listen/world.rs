//! A DNS that knows this machine's loopback address as mail.example.net, and a `listen` that asks it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::Value;
use smtp_preflight::lab::{Lab, Scenario};
use tokio::sync::oneshot;

const WORLD: &str = "
[[dns]]
zone = '''
$ORIGIN example.net.
mail A 127.0.0.1
other A 192.0.2.9
$ORIGIN 0.0.127.in-addr.arpa.
1 PTR mail.example.net.
$ORIGIN 113.0.203.in-addr.arpa.
10 PTR relay.example.net.
'''
";

/// A `listen` that runs; killed when it is dropped.
pub(crate) struct Ear {
    child: Child,
    pub(crate) doors: Vec<SocketAddr>,
    said: BufReader<ChildStderr>,
    out: Option<ChildStdout>,
    _lab: Names,
}

/// The DNS, in a thread of its own: the clients of a test may keep its other threads busy for longer than a try lasts.
struct Names {
    resolver: SocketAddr,
    /// The DNS goes when this is dropped.
    _stop: oneshot::Sender<()>,
}

impl Names {
    async fn start(world: String) -> Self {
        let (tell, resolver) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let lab = Lab::start(&Scenario::world("ear", &world).unwrap()).await.unwrap();
                tell.send(lab.resolvers[0]).unwrap();
                let _: Result<(), _> = stopped.await;
            });
        });
        Self { resolver: resolver.await.unwrap(), _stop: stop }
    }
}

/// What a run came to.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// One object a line.
    #[track_caller]
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
    }
}

impl Ear {
    /// Starts it with these options behind a door of its own choice, and waits until it listens.
    pub(crate) async fn start(more: &[&str]) -> Self {
        Self::start_under(":", more).await
    }

    /// The same in a shell that has done this first.
    pub(crate) async fn start_under(shell: &str, more: &[&str]) -> Self {
        Self::start_in(WORLD, shell, more).await
    }

    /// The same with another DNS.
    pub(crate) async fn start_in(world: &str, shell: &str, more: &[&str]) -> Self {
        let lab = Names::start(world.to_owned()).await;
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{shell}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_smtp-preflight")]);
        command.args(["listen", "--name", "probe.example.net", "--resolver", &lab.resolver.to_string()]);
        if !more.contains(&"--bind") {
            command.args(["--bind", "127.0.0.1:0"]);
        }
        command.args(more).env_remove("NO_COLOR");
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let out = child.stdout.take();
        let doors = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "it ended before it listened");
            if let Some((_, places)) = line.split_once("listening as probe.example.net at ") {
                let address = |p: &str| p.trim().trim_start_matches("smtps://").parse().unwrap();
                break places.split(", ").map(address).collect();
            }
        };
        Self { child, doors, said, out, _lab: lab }
    }

    /// Its process number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.pid())]).status().unwrap();
        assert!(sent.success());
    }

    /// Its standard output, to be read by whoever wants to.
    pub(crate) fn take_out(&mut self) -> ChildStdout {
        self.out.take().unwrap()
    }

    /// Reads all that it says, until it ends.
    pub(crate) async fn ended(mut self) -> Ended {
        tokio::task::spawn_blocking(move || {
            let reader = self.out.take().map(|out| std::thread::spawn(|| std::io::read_to_string(out).unwrap()));
            let mut err = String::new();
            std::io::Read::read_to_string(&mut self.said, &mut err).unwrap();
            let out = reader.map(|r| r.join().unwrap()).unwrap_or_default();
            Ended { status: self.child.wait().unwrap(), out, err }
        })
        .await
        .unwrap()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
