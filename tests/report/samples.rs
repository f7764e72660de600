//! Checks to print: made by judging evidence, with findings put in by hand where the words matter.

use smtp_preflight::dns::{Alias, Answer, FailedTry, Lookup, Question, RecordType, Soa, Status, reverse_name};
use smtp_preflight::evidence::{
    Client, Dialogue, EhloSource, Evidence, Exchange, Fault, FaultKind, IpSource, OwnSeen, TargetSeen, TimingMs,
    TlsFacts,
};
use smtp_preflight::judge::{Check, Code, Finding, Fix, judge};
use smtp_preflight::smtp::{Phase, Reply};

const RESOLVER: &str = "192.0.2.53:53";

fn lookup(name: &str, kind: RecordType, status: Status, data: &[&str]) -> Lookup {
    let mut lookup = Lookup::empty(Question::new(name, kind), RESOLVER.into(), status, None);
    lookup.answers = data.iter().map(|d| Answer { data: (*d).into(), ttl: 3600 }).collect();
    lookup.took_ms = 1.25;
    lookup.flags.ra = true;
    lookup
}

fn found(name: &str, kind: RecordType, data: &[&str]) -> Lookup {
    lookup(name, kind, Status::Found, data)
}

fn ptr(ip: &str, names: &[&str]) -> Lookup {
    found(&reverse_name(ip.parse().unwrap()), RecordType::Ptr, names)
}

fn reply(code: u16, lines: &[&str]) -> Reply {
    Reply { code: Some(code), lines: lines.iter().map(ToString::to_string).collect(), complete: true }
}

fn exchange(command: &str, secure: bool, code: u16, lines: &[&str]) -> Exchange {
    Exchange { command: command.into(), secure, reply: Some(reply(code, lines)), surplus: 0 }
}

/// A dialogue with STARTTLS, the banner and the EHLO reply saying these names.
fn dialogue(banner: &str, ehlo: &str) -> Dialogue {
    Dialogue {
        helo_as: "probe.example.org".into(),
        source: Some("198.51.100.7".parse().unwrap()),
        greeting: Some(reply(220, &[&format!("{banner} ESMTP")])),
        exchanges: vec![
            exchange("EHLO probe.example.org", false, 250, &[ehlo, "PIPELINING", "STARTTLS"]),
            exchange("STARTTLS", false, 220, &["2.0.0 Ready to start TLS"]),
            exchange("EHLO probe.example.org", true, 250, &[ehlo, "PIPELINING", "8BITMIME"]),
            exchange("QUIT", true, 221, &["2.0.0 Bye"]),
        ],
        tls: Some(TlsFacts {
            version: "TLSv1.3".into(),
            cipher: "TLS13_AES_256_GCM_SHA384".into(),
            names: vec!["relay.example.net".into(), "mail.example.net".into()],
            not_before: Some("2026-11-01T00:00:00Z".into()),
            not_after: Some("2027-01-30T00:00:00Z".into()),
            issuer: Some("CN=Example CA".into()),
            trusted: true,
            why_not: None,
        }),
        timing_ms: TimingMs {
            connect: Some(12.4),
            first_octet: Some(30.0),
            banner: Some(34.1),
            ehlo: Some(9.8),
            tls: Some(81.0),
        },
        ..Dialogue::default()
    }
}

fn evidence(host: &str, ip: &str, smtp: Option<Dialogue>, lookups: Vec<Lookup>) -> Evidence {
    let address = ip.parse().unwrap();
    Evidence {
        label: serde_json::Value::Null,
        observed_at: "2026-11-24T16:00:00Z".into(),
        target: TargetSeen {
            input: host.into(),
            host: Some(host.into()),
            address: smtp.as_ref().map(|_| address),
            port: smtp.as_ref().map(|_| 25),
        },
        own: None,
        target_questions: Vec::new(),
        client: Client { ip: Some(address), ip_source: Some(IpSource::Dialled), ehlo: None, ehlo_source: None },
        smtp,
        lookups,
        resolvers: vec![RESOLVER.into()],
        resolvers_given: false,
        controls: Vec::new(),
    }
}

/// A finding in the catalogue's words.
fn finding(code: Code, detail: &str, steps: &[&str], records: &[&str]) -> Finding {
    let entry = code.entry();
    Finding {
        code,
        severity: entry.severity,
        title: entry.title.into(),
        detail: format!("{detail} {}", entry.meaning),
        fix: Fix {
            who: entry.who.into(),
            steps: if steps.is_empty() {
                vec![entry.remedy.into()]
            } else {
                steps.iter().map(ToString::to_string).collect()
            },
            records: records.iter().map(ToString::to_string).collect(),
        },
        reference: entry.reference.into(),
    }
}

fn judged(evidence: &Evidence, findings: Vec<Finding>) -> Check {
    Check { findings, ..judge(evidence) }
}

pub(crate) fn agreeing_evidence() -> Evidence {
    let (ip, name) = ("203.0.113.10", "mail.example.net");
    evidence(
        "relay.example.net",
        ip,
        Some(dialogue(name, name)),
        vec![ptr(ip, &[name]), found(name, RecordType::A, &[ip]), lookup(name, RecordType::Aaaa, Status::Nodata, &[])],
    )
}

/// The same of this machine itself, behind NAT, told by one of two services.
pub(crate) fn own_evidence() -> Evidence {
    let mut told = found("me.example.net", RecordType::Txt, &["203.0.113.10"]);
    let silent = lookup("me.example.net", RecordType::A, Status::Timeout, &[]);
    told.resolver = "192.0.2.54:53".into();
    let own = OwnSeen {
        local: "10.0.0.5".parse().ok(),
        asked: vec![silent, told],
        ehlo_from: Some("Postfix: myhostname in /etc/postfix/main.cf".into()),
    };
    Evidence { own: Some(own), ..agreeing_evidence() }
}

fn agreeing() -> Check {
    judged(&agreeing_evidence(), Vec::new())
}

pub(crate) fn no_ptr_evidence() -> Evidence {
    let (ip, name) = ("203.0.113.10", "mail.example.net");
    let mut none = lookup(&reverse_name(ip.parse().unwrap()), RecordType::Ptr, Status::Nxdomain, &[]);
    none.rcode = Some(3);
    none.soa = Some(Soa {
        apex: "113.0.203.in-addr.arpa".into(),
        primary: "ns1.host.example".into(),
        contact: "hostmaster@host.example".into(),
        negative_ttl: 900,
    });
    let servers = found("113.0.203.in-addr.arpa", RecordType::Ns, &["ns1.host.example", "ns2.host.example"]);
    evidence(
        "relay.example.net",
        ip,
        Some(dialogue("smtp-in.example.net", name)),
        vec![none, servers, found(name, RecordType::A, &[ip]), lookup(name, RecordType::Aaaa, Status::Nodata, &[])],
    )
}

fn no_ptr() -> Check {
    let ask = "Ask the holder of 113.0.203.in-addr.arpa (hostmaster@host.example) to publish this record:";
    judged(
        &no_ptr_evidence(),
        vec![
            finding(Code::BannerDiffersFromEhlo, "The banner says smtp-in.example.net.", &[], &[]),
            finding(
                Code::PtrMissing,
                "203.0.113.10 has no PTR (nxdomain).",
                &[ask],
                &["10.113.0.203.in-addr.arpa. 3600 IN PTR mail.example.net."],
            ),
        ],
    )
}

pub(crate) fn unreachable_evidence() -> Evidence {
    let ip = "203.0.113.10";
    let mut failed = lookup(&reverse_name(ip.parse().unwrap()), RecordType::Ptr, Status::Timeout, &[]);
    failed.detail = Some("no answer in 5 s".into());
    failed.took_ms = 5000.0;
    failed.failed_tries =
        vec![FailedTry { resolver: "192.0.2.54:53".into(), status: Status::Servfail, detail: None, took_ms: 12.0 }];
    let smtp = Dialogue {
        helo_as: "probe.example.org".into(),
        fault: Some(Fault { phase: Phase::Connect, kind: FaultKind::TimedOut, detail: "no answer in 30 s".into() }),
        ..Dialogue::default()
    };
    evidence("relay.example.net", ip, Some(smtp), vec![failed])
}

fn unreachable() -> Check {
    judged(
        &unreachable_evidence(),
        vec![
            finding(Code::PtrLookupFailed, "192.0.2.53 did not answer, 192.0.2.54 said servfail.", &[], &[]),
            finding(Code::ConnectTimeout, "203.0.113.10 port 25 did not answer in 30 s.", &[], &[]),
        ],
    )
}

/// The EHLO name is not the PTR name; a second PTR name does not lead back.
fn differing() -> Check {
    let (ip, name) = ("203.0.113.10", "mail.example.net");
    let names = ["host-10.customers.isp.example", "old.example.net"];
    let mut smtp = dialogue(name, name);
    let tls = smtp.tls.as_mut().unwrap();
    (tls.trusted, tls.why_not) = (false, Some("unknown issuer".into()));
    tls.names = vec!["*.isp.example".into()];
    judged(
        &evidence(
            "relay.example.net",
            ip,
            Some(smtp),
            vec![
                ptr(ip, &names),
                found(names[0], RecordType::A, &["198.51.100.1", ip]),
                lookup(names[1], RecordType::A, Status::Nxdomain, &[]),
                found(
                    name,
                    RecordType::A,
                    &["198.51.100.20", "198.51.100.21", "198.51.100.22", "198.51.100.23", "198.51.100.24"],
                ),
            ],
        ),
        vec![
            finding(
                Code::EhloDiffersFromPtr,
                "EHLO says mail.example.net, the PTR says host-10.customers.isp.example.",
                &[
                    "Ask the holder of the reverse zone to set the PTR to mail.example.net.",
                    "Give mail.example.net the address that sends.",
                ],
                &["10.113.0.203.in-addr.arpa. IN PTR mail.example.net.", "mail.example.net. IN A 203.0.113.10"],
            ),
            finding(Code::PtrPartlyUnconfirmed, "old.example.net does not exist.", &[], &[]),
        ],
    )
}

/// IPv6, long names, a U-label, an RFC 2317-like chain, and a label.
fn long_names() -> Check {
    let ip = "2001:db8:1234:5678:9abc:def0:1234:5678";
    let said = "xn--mlserver-0za.outbound-pool-17.mx.provider-with-a-long-name.example";
    let named = "ip6-9abc-def0-1234-5678.customers.provider-with-a-long-name.example";
    let mut answer = ptr(ip, &[named]);
    answer.chain = vec![Alias {
        from: reverse_name(ip.parse().unwrap()),
        to: format!("25.pool.{}", "provider-with-a-long-name.example"),
        ttl: 300,
    }];
    let mut evidence = evidence(
        "relay.example.net",
        ip,
        None,
        vec![
            answer,
            found(named, RecordType::Aaaa, &[ip]),
            found(said, RecordType::A, &["203.0.113.10"]),
            lookup(said, RecordType::Aaaa, Status::Nodata, &[]),
        ],
    );
    evidence.label = "ticket 4711".into();
    evidence.client.ip_source = Some(IpSource::Given);
    evidence.client.ehlo = Some(said.into());
    evidence.client.ehlo_source = Some(EhloSource::Given);
    let owner = format!("{}.", reverse_name(ip.parse().unwrap()));
    judged(
        &evidence,
        vec![
            finding(
                Code::EhloUnresolvable,
                &format!("{said} has no AAAA (nodata)."),
                &[],
                &[&format!("{said}. IN AAAA {ip}")],
            ),
            finding(Code::EhloDiffersFromPtr, "The names differ.", &[], &[&format!("{owner} IN PTR {said}.")]),
        ],
    )
}

/// A client that says a literal, with more PTR names than are shown.
fn literal() -> Check {
    let ip = "203.0.113.10";
    let names: Vec<String> = (1..=12).map(|n| format!("host{n}.example.net")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut lookups = vec![ptr(ip, &names)];
    lookups.extend(names.iter().map(|n| found(n, RecordType::A, &[ip])));
    let mut evidence = evidence(ip, ip, None, lookups);
    evidence.client.ip_source = Some(IpSource::Given);
    evidence.client.ehlo = Some("[203.0.113.10]".into());
    evidence.client.ehlo_source = Some(EhloSource::Given);
    judged(&evidence, vec![finding(Code::EhloLiteral, "EHLO says [203.0.113.10].", &[], &[])])
}

pub(crate) fn all() -> Vec<(&'static str, Check)> {
    vec![
        ("agree", agreeing()),
        ("no-ptr", no_ptr()),
        ("unreachable", unreachable()),
        ("differ", differing()),
        ("long-names", long_names()),
        ("literal", literal()),
        ("no-findings", judged(&unreachable_evidence(), Vec::new())),
    ]
}

/// IPv6, where an owner name alone takes 72 columns: a provider's default PTR, or none, and a server that says
/// another name, or one that is no full name. The first two make a pool; the last greets as Exim.
pub(crate) fn over_v6() -> [Check; 3] {
    ["2001:db8::25", "2001:db8::26", "2001:db8::27"].map(|ip| {
        let first = ip.ends_with("25");
        let said = if first { "a-rather-long-host-name.internal-zone.example.net" } else { "mailhost" };
        let mut dialogue = dialogue("relay.example.net", said);
        let mta = if ip.ends_with("27") { "Exim 4.96" } else { "Postfix" };
        dialogue.greeting = Some(reply(220, &[&format!("relay.example.net ESMTP {mta}")]));
        let names: &[&str] = if first { &["static.25.0.8.201.clients.your-server.de"] } else { &[] };
        let status = if names.is_empty() { Status::Nxdomain } else { Status::Found };
        let lookups = vec![
            lookup(&reverse_name(ip.parse().unwrap()), RecordType::Ptr, status, names),
            lookup(said, RecordType::Aaaa, Status::Nxdomain, &[]),
            lookup(said, RecordType::A, Status::Nxdomain, &[]),
            lookup("static.25.0.8.201.clients.your-server.de", RecordType::Aaaa, Status::Nxdomain, &[]),
            lookup("static.25.0.8.201.clients.your-server.de", RecordType::A, Status::Nxdomain, &[]),
        ];
        judge(&evidence("relay.example.net", ip, Some(dialogue), lookups))
    })
}
