//! A private network with servers in it: own network, mounts and process ids, on addresses of the
//! documentation ranges that live on its loopback interface.
//!
//! Its first process waits for the end of its standard input, which this process holds: when the
//! [`World`] is dropped, or this process dies in whatever way, the kernel ends every server in it.

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The longest that a server may take to listen.
const STARTUP: Duration = Duration::from_secs(20);

/// Shell of the first process; `$1` is the root of the servers.
const FIRST: &str = r#"
PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs -o mode=755 dev "$1/dev"
mknod -m 666 "$1/dev/null" c 1 3
mknod -m 666 "$1/dev/random" c 1 8
mknod -m 666 "$1/dev/urandom" c 1 9
mount -t tmpfs -o mode=755 world "$1/world"
chroot "$1" ip link set lo up
echo up
exec cat > "$1/dev/null"
"#;

/// A private network.
pub(crate) struct World {
    first: Child,
    /// The first process, as numbered outside.
    pid: u32,
    root: PathBuf,
    /// Servers and their names, to say who died.
    servers: Vec<(String, Child)>,
}

impl World {
    /// A network whose loopback interface holds these addresses beside its own.
    pub(crate) fn new(addresses: &[&str]) -> Self {
        let folder = std::env::var_os("SMTP_PREFLIGHT_PEERS")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/real-peers"), PathBuf::from);
        assert!(folder.join("versions").is_file(), "no servers in {}: run .ci/unpack-peers there", folder.display());
        let root = folder.join("root");
        let mut first = Command::new("unshare")
            .args(["--net", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"])
            .args(["sh", "-euc", FIRST, "sh"])
            .arg(&root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare (util-linux) starts");
        let mut said = String::new();
        BufReader::new(first.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "up\n", "no private network: these tests need root and its full capabilities");
        let children = std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", first.id())).unwrap();
        let pid = children.split_whitespace().next().expect("unshare has one child").parse().unwrap();
        let world = Self { first, pid, root, servers: Vec::new() };
        for address in addresses {
            match address.parse::<IpAddr>().unwrap() {
                IpAddr::V4(ip) => world.run("ip", &["address", "add", &format!("{ip}/32"), "dev", "lo"]),
                IpAddr::V6(ip) => world.run("ip", &["address", "add", &format!("{ip}/128"), "dev", "lo", "nodad"]),
            };
        }
        world
    }

    /// A command on this machine's files, inside the network only.
    pub(crate) fn outside(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/proc/{}/ns/net", self.pid)).arg("--").arg(program);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }

    /// The network namespace, to be entered.
    pub(crate) fn network(&self) -> PathBuf {
        format!("/proc/{}/ns/net", self.pid).into()
    }

    /// A command of the servers' root, inside.
    fn inside(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--net", "--mount", "--pid", "--", "chroot"]);
        command.arg(&self.root).arg(program).args(args);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
        command
    }

    /// Puts an empty folder of this mode over a folder of the servers' root, for this world only.
    pub(crate) fn cover(&self, folder: &str, mode: u32) {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount", "--", "mount", "-t", "tmpfs"]);
        let place = self.root.join(folder.trim_start_matches('/'));
        let status = command.args(["-o", &format!("mode={mode:o}"), "cover"]).arg(place).status().unwrap();
        assert!(status.success(), "{folder}: {status}");
    }

    /// Runs a command of the servers' root to its good end; gives what it said.
    pub(crate) fn run(&self, program: &str, args: &[&str]) -> String {
        let output = self.inside(program, args).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{program} {args:?}: {}: {said}", output.status);
        said
    }

    /// Starts a server that stays in the foreground; returns when it listens on all of these.
    pub(crate) fn serve(&mut self, name: &str, program: &str, args: &[&str], listens: &[SocketAddr]) {
        let log = std::fs::File::create(self.path(&format!("{name}.out"))).unwrap();
        let child = self
            .inside(program, args)
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        self.servers.push((name.to_owned(), child));
        self.wait(&format!("{name} to listen on {listens:?}"), |world| {
            let open = world.listening();
            listens.iter().all(|l| open.contains(l)).then_some(())
        });
    }

    /// Waits until a look at the world gives something; fails when it never does.
    pub(crate) fn wait<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(seen) = look(self) {
                return seen;
            }
            let dead = self.servers.iter_mut().find_map(|(n, c)| c.try_wait().unwrap().map(|s| format!("{n}: {s}")));
            assert_eq!(dead, None, "died while we waited for {what}");
            assert!(begun.elapsed() < STARTUP, "waited too long for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// All that the servers wrote to their logs.
    fn words(&self) -> String {
        let mut words = String::new();
        for entry in std::fs::read_dir(self.path("")).unwrap().map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|e| e == "out" || e == "log") {
                words.extend(["--- ", &name, "\n", &self.read(&name)]);
            }
        }
        words
    }

    /// The TCP sockets that listen in this network.
    fn listening(&self) -> Vec<SocketAddr> {
        let mut open = Vec::new();
        for file in ["tcp", "tcp6"] {
            let table = std::fs::read_to_string(format!("/proc/{}/net/{file}", self.pid)).unwrap();
            for row in table.lines().skip(1) {
                let columns: Vec<&str> = row.split_whitespace().collect();
                if columns[3] == "0A" {
                    open.push(socket(columns[1]));
                }
            }
        }
        open
    }

    /// Where a file of the servers' `/world` is seen from here.
    fn path(&self, name: &str) -> PathBuf {
        let root = self.root.strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.pid)).join(root).join("world").join(name)
    }

    /// Writes `/world/name`, with its folders, for anyone to read.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    /// Makes the folder `/world/name` of this owner and mode.
    pub(crate) fn folder(&self, name: &str, owner: (u32, u32), mode: u32) {
        let path = self.path(name);
        std::fs::create_dir_all(&path).unwrap();
        chown(&path, Some(owner.0), Some(owner.1)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Hands `/world/name` over to this owner.
    pub(crate) fn give(&self, name: &str, owner: u32) {
        chown(self.path(name), Some(owner), Some(owner)).unwrap();
    }

    /// Reads `/world/name`; empty where there is none yet.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read(self.path(name)).map_or_else(|_| String::new(), |o| String::from_utf8_lossy(&o).into_owned())
    }

    /// The names of the files in `/world/name`; none where it is not there yet.
    pub(crate) fn files(&self, name: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(name)).into_iter().flatten();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// Adds a rule of nftables to the chain of what leaves (`out`) or comes in (`in`).
    pub(crate) fn drop_packets(&self, chain: &str, matching: &str) {
        let hook = if chain == "out" { "output" } else { "input" };
        self.run("nft", &["add", "table", "inet", "test"]);
        self.run(
            "nft",
            &["add", "chain", "inet", "test", chain, &format!("{{ type filter hook {hook} priority 0; }}")],
        );
        self.run("nft", &[&format!("add rule inet test {chain} {matching} counter drop")]);
    }

    /// Packets that the rules have dropped.
    pub(crate) fn dropped(&self) -> u64 {
        let rules = self.run("nft", &["list", "ruleset"]);
        let counts = rules.split("packets ").skip(1).map(|r| r.split(' ').next().unwrap().parse::<u64>().unwrap());
        counts.sum()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::io::stderr().write_all(self.words().as_bytes()).ok();
        }
        // The first process ends with its input; all that it holds ends with it.
        drop(self.first.stdin.take());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(5) && matches!(self.first.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(10));
        }
        self.first.kill().ok();
        self.first.wait().ok();
        for (_, child) in &mut self.servers {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// The address of a row of `/proc/net/tcp`: words of the address in the machine's order, and the port.
fn socket(text: &str) -> SocketAddr {
    let (address, port) = text.split_once(':').unwrap();
    let words = address.as_bytes().chunks(8).map(|w| {
        let word = u32::from_str_radix(std::str::from_utf8(w).unwrap(), 16).unwrap();
        word.to_ne_bytes()
    });
    let octets: Vec<u8> = words.flatten().collect();
    let ip = match <[u8; 4]>::try_from(octets.as_slice()) {
        Ok(v4) => IpAddr::from(v4),
        Err(_) => IpAddr::from(<[u8; 16]>::try_from(octets.as_slice()).unwrap()),
    };
    SocketAddr::new(ip, u16::from_str_radix(port, 16).unwrap())
}
