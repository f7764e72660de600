//! `check --self`: from "this machine" to requests: the addresses that it sends from, and the name that it says.
//!
//! Order: both address families and the EHLO name at once. The name is the first that there is of: `--ehlo`,
//! the one configured mail server's setting, the greeting on 127.0.0.1:25, this machine's full name.
//! Failure: a family without an address is a sentence; no address at all is a sentence and exit 3.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use super::args::CheckArgs;
use super::check::dns_try;
use super::exit::Exit;
use super::local_mta::{configured, full_name};
use super::output::say;
use super::plan::{PlanFault, check_ehlo, host_name, server};
use crate::dns::RecordType;
use crate::evidence::{Dialogue, EhloSource, IpSource, OwnSeen};
use crate::judge::OwnAddress;
use crate::name::HostName;
use crate::observe::{DEFAULT_WHOAMI, Dns, Observer, Options, OwnIdentity, Request, Whoami, own_addresses};
use crate::smtp::{TlsMode, hello_name};
use crate::target::Target;

/// The least that is left for the check itself, however long the questions before it took.
const LEAST: Duration = Duration::from_millis(100);
/// How long the local mail server may take to greet.
const GREETING: Duration = Duration::from_secs(5);

/// The services to ask: those given, or the defaults.
pub(super) fn services(given: &[String]) -> Result<Vec<Whoami>, PlanFault> {
    if given.is_empty() {
        return DEFAULT_WHOAMI.iter().map(|text| service(text)).collect();
    }
    given.iter().map(|text| service(text)).collect()
}

/// `NAME[/TYPE]@SERVER[:PORT]`.
fn service(text: &str) -> Result<Whoami, PlanFault> {
    let bad = |why: &str| {
        PlanFault(format!("--whoami {text}: {why}; give NAME[/TYPE]@SERVER[:PORT], as in myip.example/TXT@192.0.2.53"))
    };
    let (asked, at) = text.rsplit_once('@').ok_or_else(|| bad("there is no server"))?;
    let server = server(at).ok_or_else(|| bad("the server is no IP address"))?;
    let (name, kind) = match asked.rsplit_once('/') {
        None => (asked, None),
        Some((name, kind)) => (name, Some(kind.to_ascii_uppercase())),
    };
    let kind = match (kind.as_deref(), server.is_ipv4()) {
        (None, _) => None,
        (Some("A"), true) => Some(RecordType::A),
        (Some("AAAA"), false) => Some(RecordType::Aaaa),
        (Some("TXT"), _) => Some(RecordType::Txt),
        (Some("A"), false) => return Err(bad("a server asked over IPv6 sees no IPv4 address")),
        (Some("AAAA"), true) => return Err(bad("a server asked over IPv4 sees no IPv6 address")),
        (Some(_), _) => return Err(bad("the type is none of A, AAAA and TXT")),
    };
    let name = HostName::parse(name).map_err(|e| bad(&e.to_string()))?;
    Ok(Whoami::new(name.as_str(), kind, server))
}

/// One request an address, and the time that is left for them.
pub(super) async fn requests(
    args: &CheckArgs,
    options: &Options,
    services: &[Whoami],
) -> Result<(Vec<Request>, Duration), Exit> {
    let begun = Instant::now();
    let half = options.timeout / 2;
    let addresses = own_addresses(
        services,
        options.family,
        options.source,
        dns_try(options.timeout),
        tokio::time::Instant::now() + half,
    );
    let name = own_ehlo(args, options, Path::new("/"), host_name().unwrap_or_default(), LOCAL_MTA);
    let (seen, name) = tokio::join!(addresses, name);
    let remark = |words: &str| {
        if !args.quiet {
            say(words);
        }
    };
    let read: Vec<(OwnSeen, OwnAddress)> = seen.into_iter().map(|s| (s.clone(), OwnAddress::of(&s))).collect();
    if read.iter().all(|(_, own)| own.to_judge().is_none()) {
        say(&format!("--self: {}; give the address with --ip", nothing(&read)));
        return Err(Exit::Unknown);
    }
    for (_, own) in read.iter().filter(|(_, own)| own.outside.is_none() && own.local.is_some()) {
        remark(&format!("--self: {}", unseen(own)));
    }
    match &name {
        None => remark("--self: no EHLO name was found: this machine's name has no domain; give the name with --ehlo"),
        Some(name) if name.guessed => {
            remark(&format!("--self: EHLO {}: {}; give --ehlo if it says another", name.name, name.from));
        }
        Some(_) => {}
    }
    let left = options.timeout.saturating_sub(begun.elapsed()).max(LEAST);
    Ok((read.into_iter().filter_map(|(seen, own)| request(seen, &own, name.as_ref())).collect(), left))
}

/// The check of one family's address by this name; `None` where there is no address.
fn request(mut seen: OwnSeen, own: &OwnAddress, name: Option<&OwnEhlo>) -> Option<Request> {
    let ip = own.to_judge()?;
    seen.ehlo_from = name.map(|n| n.from.clone());
    Some(Request {
        ips: vec![ip],
        ip_source: Some(if own.outside.is_some() { IpSource::Reported } else { IpSource::Given }),
        ehlo: name.map(|n| n.name.clone()),
        ehlo_source: name.map(|n| n.source),
        own: Some(Box::new(OwnIdentity { seen, greeted: name.and_then(|n| n.greeted.clone()) })),
        ..Request::default()
    })
}

/// Why a family's address is not known, and what stands in for it.
fn unseen(own: &OwnAddress) -> String {
    let Some(local) = own.local else { return String::new() };
    let family = if local.is_ipv4() { "IPv4" } else { "IPv6" };
    let why: Vec<String> =
        own.services.iter().map(|s| format!("{} ({})", s.service, s.trouble.as_deref().unwrap_or("nothing"))).collect();
    let who = if own.services.len() == 1 { "the service did not tell" } else { "no service told" };
    let then = match own.local_is() {
        None => format!("judging {local}, the interface's own"),
        Some(kind) => format!("the interface has {local}, {kind}, so {family} is not judged"),
    };
    format!("{who} this machine's {family} address: {}; {then}", why.join(", "))
}

/// Why there is no address at all.
fn nothing(read: &[(OwnSeen, OwnAddress)]) -> String {
    let asked: Vec<String> = read.iter().filter(|(_, own)| own.local.is_some()).map(|(_, own)| unseen(own)).collect();
    if asked.is_empty() { "this machine has no route to any of the services".into() } else { asked.join("; ") }
}

/// The EHLO name and where it was found.
struct OwnEhlo {
    name: String,
    source: EhloSource,
    from: String,
    greeted: Option<(Target, IpAddr, Dialogue)>,
    /// Nobody said it: the reader has to know.
    guessed: bool,
}

/// Where the local mail server greets.
const LOCAL_MTA: (IpAddr, u16) = (IpAddr::V4(Ipv4Addr::LOCALHOST), 25);

async fn own_ehlo(
    args: &CheckArgs,
    options: &Options,
    root: &Path,
    host: String,
    local: (IpAddr, u16),
) -> Option<OwnEhlo> {
    let given = |name: String, from: String, guessed| {
        Some(OwnEhlo { name, source: EhloSource::Given, from, greeted: None, guessed })
    };
    if let Some(name) = &args.ehlo {
        return given(name.clone(), "given with --ehlo".into(), false);
    }
    let usable = |name: &Result<String, String>| name.clone().ok().filter(|n| check_ehlo(n).is_ok());
    let configured = configured(root, &host);
    if let [one] = configured.as_slice()
        && let Some(name) = usable(&one.name)
    {
        return given(name, one.from.clone(), false);
    }
    if !args.no_connect
        && let Some(greeted) = greeting(options, local).await
    {
        return Some(greeted);
    }
    if let Some((name, one)) = configured.iter().find_map(|c| Some((usable(&c.name)?, c))) {
        let from = format!("{}, of several mail servers configured here", one.from);
        return given(name, from, true);
    }
    let why = match configured.first() {
        Some(one) => format!("this machine's name, since {} cannot be told", one.from),
        None => "this machine's name, since no mail server's configuration or greeting was found".into(),
    };
    full_name(root, &host).filter(|n| check_ehlo(n).is_ok()).and_then(|name| given(name, why, true))
}

/// The name with which the local mail server replies to EHLO.
async fn greeting(options: &Options, (ip, port): (IpAddr, u16)) -> Option<OwnEhlo> {
    let target = Target::parse(&std::net::SocketAddr::new(ip, port).to_string(), None).ok()?;
    let within = GREETING.min(options.timeout / 2);
    let options =
        Options { tls: TlsMode::Off, source: None, timeout: within, connect_timeout: within, ..options.clone() };
    let observer = Observer::new(Dns::each_of(&[], within), options).ok()?;
    let dialogue = observer.greet(&target, ip).await;
    let reply = ["EHLO", "HELO"].iter().filter_map(|verb| dialogue.reply_to(verb, false)).find(|r| r.is_positive())?;
    let name = hello_name(reply.lines.first()?)?.to_owned();
    check_ehlo(&name).ok()?;
    let from = format!("the EHLO reply of {}", target.input);
    Some(OwnEhlo { name, source: EhloSource::Replied, from, greeted: Some((target, ip, dialogue)), guessed: false })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Lab, Scenario};

    #[test]
    fn services_as_they_are_written() {
        for (text, kind, server) in [
            ("me.example@192.0.2.53", "A", "192.0.2.53:53"),
            ("me.example/a@192.0.2.53:5353", "A", "192.0.2.53:5353"),
            ("me.example@2001:db8::53", "AAAA", "[2001:db8::53]:53"),
            ("o-o.me.example/TXT@[2001:db8::53]:5353", "TXT", "[2001:db8::53]:5353"),
        ] {
            let service = service(text).unwrap();
            assert_eq!((service.question.kind.to_string(), service.server.to_string()), (kind.into(), server.into()));
        }
        for (text, why) in [
            ("me.example", "no server"),
            ("me.example@dns.example", "no IP address"),
            ("me.example@192.0.2.53:0", "no IP address"),
            ("@192.0.2.53", "empty"),
            ("a b@192.0.2.53", "no host name"),
            ("me.example/MX@192.0.2.53", "none of A"),
            ("me.example/AAAA@192.0.2.53", "no IPv6"),
            ("me.example/A@2001:db8::53", "no IPv4"),
        ] {
            let fault = service(text).unwrap_err().to_string();
            assert!(fault.contains(why), "{text}: {fault}");
        }
        let defaults = services(&[]).unwrap();
        for v4 in [true, false] {
            assert_eq!(defaults.iter().filter(|s| s.server.is_ipv4() == v4).count(), 2, "two operators a family");
        }
    }

    const PEER: &str = "
[[dns]]
[[peer]]
name = 'greets.example.net'
";

    #[tokio::test]
    async fn the_name_is_the_first_that_there_is() {
        let lab = Lab::start(&Scenario::world("own", PEER).unwrap()).await.unwrap();
        let peer = (lab.peers()[0].ip(), lab.peers()[0].port());
        let nobody = (IpAddr::from([127, 0, 0, 99]), 1);
        let root = |files: &[(&str, &str)]| {
            let root = tempfile::tempdir().unwrap();
            std::fs::create_dir_all(root.path().join("etc/postfix")).unwrap();
            for (file, text) in files {
                std::fs::write(root.path().join(file), text).unwrap();
            }
            root
        };
        let postfix = ("etc/postfix/main.cf", "smtp_helo_name = postfix.example.net\n");
        let expanded = ("etc/postfix/main.cf", "smtp_helo_name = ${x?y}\n");
        let opensmtpd = ("etc/smtpd.conf", "action out relay helo smtpd.example.net\n");
        let hosts = ("etc/hosts", "127.0.1.1 box.example.net box\n");
        let given = CheckArgs { ehlo: Some("given.example.net".into()), ..CheckArgs::default() };
        let mute = CheckArgs { no_connect: true, ..CheckArgs::default() };
        let plain = CheckArgs::default();
        for (args, files, local, name, from, guessed) in [
            (&given, vec![postfix], peer, "given.example.net", "--ehlo", false),
            (&plain, vec![postfix], peer, "postfix.example.net", "smtp_helo_name in /etc/postfix/main.cf", false),
            (&plain, vec![], peer, "greets.example.net", "the EHLO reply of 127.0.0.1:", false),
            (&plain, vec![expanded], peer, "greets.example.net", "the EHLO reply of", false),
            (&plain, vec![postfix, opensmtpd], peer, "greets.example.net", "the EHLO reply of", false),
            (&plain, vec![postfix, opensmtpd], nobody, "postfix.example.net", "of several mail servers", true),
            (&mute, vec![hosts], peer, "box.example.net", "no mail server's configuration", true),
            (&plain, vec![expanded, hosts], nobody, "box.example.net", "Postfix: EHLO name in /etc/postfix", true),
            (&plain, vec![], nobody, "", "", false),
        ] {
            let root = root(&files);
            let options = Options { timeout: Duration::from_secs(5), ..Options::default() };
            let Some(found) = own_ehlo(args, &options, root.path(), "box".into(), local).await else {
                assert_eq!(name, "", "{files:?}");
                continue;
            };
            assert_eq!(found.name, name, "{files:?}");
            assert!(found.from.contains(from), "{files:?}: {}", found.from);
            assert_eq!(found.guessed, guessed, "{files:?}");
            assert_eq!(found.source == EhloSource::Replied, found.greeted.is_some(), "{files:?}");
        }
    }

    /// A name that the local server greeted with is an assumption, and its dialogue is evidence; a public
    /// interface address that stands in for what no service told is `given`.
    #[tokio::test]
    async fn a_greeted_name_keeps_its_dialogue() {
        let lab = Lab::start(&Scenario::world("own", PEER).unwrap()).await.unwrap();
        let options = Options { timeout: Duration::from_secs(5), ..Options::default() };
        let name = greeting(&options, (lab.peers()[0].ip(), lab.peers()[0].port())).await.unwrap();
        let seen = OwnSeen { local: "8.8.4.4".parse().ok(), ..OwnSeen::default() };
        let request = request(seen.clone(), &OwnAddress::of(&seen), Some(&name)).unwrap();
        let dns = Dns::each_of(&lab.resolvers, Duration::from_secs(1));
        let evidence = Observer::new(dns, options).unwrap().observe(&request).await;
        let check = crate::judge::judge(&evidence[0]);
        assert_eq!(
            (check.client.ip_source, check.client.ehlo_source),
            (Some(IpSource::Given), Some(EhloSource::Replied))
        );
        assert_eq!(check.client.ehlo.as_deref(), Some("greets.example.net"));
        assert!(check.client.assumes_greets_as_it_sends);
        assert_eq!(check.target.input, lab.peers()[0].to_string());
        assert_eq!(check.smtp.unwrap().ehlo.unwrap().name.as_deref(), Some("greets.example.net"));
        assert!(check.own.unwrap().ehlo_from.unwrap().starts_with("the EHLO reply of 127.0.0.1:"));
        for heard in lab.heard() {
            assert!(heard.said("QUIT") && !heard.said("MAIL") && !heard.said("STARTTLS"));
        }
    }
}
