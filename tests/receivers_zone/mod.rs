//! A zone in memory that answers like a recursive resolver with a fixed record order, and the
//! evidence that a check of one identity would gather from it.
//!
//! Shape: records `(name, type, data)`. Data that begins with `!` is a fault; type `*` is every
//! type. CNAMEs are followed; a loop, or more than 16 links, is SERVFAIL.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "shared by tests, each of which uses its part"
)]

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use smtp_preflight::dns::{Alias, Answer, Lookup, Question, RecordType, Status, from_labels, to_labels};
use smtp_preflight::evidence::{Client, EhloSource, Evidence, IpSource, TargetSeen};
use smtp_preflight::judge::receivers::{MAX_NAMES, Selection, questions};

type Labels = Vec<Vec<u8>>;

#[derive(Default)]
pub struct Zone {
    records: HashMap<(Labels, String), Vec<String>>,
    faults: HashMap<(Labels, String), String>,
    names: HashSet<Labels>,
}

fn key(name: &str) -> Labels {
    let labels = to_labels(name).unwrap_or_else(|| panic!("{name:?} is not a name"));
    labels.into_iter().map(|l| l.to_ascii_lowercase()).collect()
}

fn text(name: &str) -> String {
    let labels = to_labels(name).unwrap_or_else(|| panic!("{name:?} is not a name"));
    from_labels(labels.iter().map(Vec::as_slice))
}

impl Zone {
    pub fn add(&mut self, name: &str, kind: &str, data: &str) {
        let at = (key(name), kind.to_owned());
        self.names.insert(at.0.clone());
        if data.starts_with('!') {
            self.faults.insert(at, data.to_owned());
            return;
        }
        let data = match kind {
            "PTR" | "CNAME" => text(data),
            "MX" => {
                let (preference, host) = data.split_once(' ').unwrap();
                format!("{preference} {}", text(host))
            }
            "A" | "AAAA" => data.parse::<IpAddr>().unwrap().to_string(),
            _ => data.to_owned(),
        };
        let set = self.records.entry(at).or_default();
        if !set.contains(&data) {
            set.push(data);
        }
    }

    pub fn resolve(&self, question: &Question) -> Lookup {
        const MAX_LINKS: usize = 16;
        let kind = question.kind.to_string();
        let mut lookup = Lookup::empty(question.clone(), "127.0.0.53:53".into(), Status::Found, None);
        let mut name = question.name.clone();
        loop {
            let at = |kind: &str| (key(&name), kind.to_owned());
            if let Some(fault) = self.faults.get(&at("*")).or_else(|| self.faults.get(&at(&kind))) {
                (lookup.status, lookup.rcode) = match fault.as_str() {
                    "!SERVFAIL" => (Status::Servfail, Some(2)),
                    "!REFUSED" => (Status::Refused, Some(5)),
                    "!FORMERR" => (Status::Formerr, Some(1)),
                    "!NOTIMP" => (Status::Notimp, Some(4)),
                    "!NXDOMAIN" => (Status::Nxdomain, Some(3)),
                    "!NODATA" => (Status::Nodata, Some(0)),
                    "!TIMEOUT" | "!TCPDROP" => (Status::Timeout, None),
                    other => panic!("{other} is not a fault"),
                };
                if !lookup.status.is_definite() {
                    lookup.chain.clear();
                }
                return lookup;
            }
            if let Some(records) = self.records.get(&at(&kind)) {
                lookup.rcode = Some(0);
                lookup.answers = records.iter().map(|data| Answer { data: data.clone(), ttl: 300 }).collect();
                return lookup;
            }
            let Some(target) = self.records.get(&at("CNAME")).map(|set| set[0].clone()) else {
                let exists = self.names.contains(&key(&name));
                (lookup.status, lookup.rcode) =
                    if exists { (Status::Nodata, Some(0)) } else { (Status::Nxdomain, Some(3)) };
                return lookup;
            };
            lookup.chain.push(Alias { from: text(&name), to: target.clone(), ttl: 300 });
            if lookup.chain.len() > MAX_LINKS {
                lookup.chain.clear();
                (lookup.status, lookup.rcode) = (Status::Servfail, Some(2));
                return lookup;
            }
            name = target;
        }
    }

    /// What a check of this identity gathers: the rules' questions are asked until there are none.
    pub fn evidence(&self, ip: IpAddr, ehlo: &str) -> Evidence {
        let mut evidence = Evidence {
            label: serde_json::Value::Null,
            observed_at: "2026-01-01T00:00:00Z".into(),
            target: TargetSeen { input: ip.to_string(), host: None, address: None, port: None },
            client: Client {
                ip: Some(ip),
                ip_source: Some(IpSource::Given),
                ehlo: Some(ehlo.to_owned()),
                ehlo_source: Some(EhloSource::Given),
            },
            smtp: None,
            lookups: Vec::new(),
            resolvers: vec!["127.0.0.53:53".into()],
            resolvers_given: false,
            controls: Vec::new(),
            own: None,
            target_questions: Vec::new(),
        };
        for _round in 0..4 {
            let wanted = questions(&evidence, &Selection::All, MAX_NAMES);
            evidence.lookups.extend(wanted.iter().map(|question| self.resolve(question)));
        }
        assert_eq!(questions(&evidence, &Selection::All, MAX_NAMES), [], "the questions never end");
        evidence
    }
}

#[test]
fn the_zone_answers_like_a_resolver() {
    let mut zone = Zone::default();
    for (name, kind, data) in [
        ("a.example", "CNAME", "b.example."),
        ("b.example", "A", "192.0.2.1"),
        ("loop.example", "CNAME", "loop.example."),
        ("bad.example", "*", "!REFUSED"),
        ("text.example", "TXT", "x"),
    ] {
        zone.add(name, kind, data);
    }
    let ask = |name: &str| zone.resolve(&Question::new(name, RecordType::A));
    assert_eq!(ask("A.example").data().collect::<Vec<_>>(), ["192.0.2.1"]);
    assert_eq!(ask("a.example").chain.len(), 1);
    assert_eq!(
        ["loop.example", "bad.example", "text.example", "none.example"].map(|n| ask(n).status),
        [Status::Servfail, Status::Refused, Status::Nodata, Status::Nxdomain]
    );
}
