//! What the receivers' rules predict, and what the real servers say: the same identities, the same DNS.
//!
//! The identities are those of `fixtures/receivers` whose world one name server can hold (no per-type fault, no
//! second use of an address or a name). The evidence is gathered by the program; the answers come from Postfix,
//! Exim and OpenSMTPD, one rule switched on at a time, and from rspamd behind Postfix and SpamAssassin on the
//! Received line that Postfix wrote. Any difference fails; the counts are printed.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::receivers_servers::{self as servers, FILTERED, MAIL, RULES};
use crate::receivers_session::{Job, Said, sessions};
use crate::world::World;
use crate::zones::RESOLVER;
use crate::{nsd, probe};

/// Fewer identities or rules would not be the promised sample.
const LEAST: usize = 120;
/// Those of `filters.toml` send messages, and of the others every so-manieth: a filter takes long.
const MESSAGE_EVERY: usize = 9;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    world: Vec<String>,
    identity: Vec<Identity>,
}

#[derive(Clone, Deserialize)]
struct Identity {
    id: String,
    ip: IpAddr,
    ehlo: String,
    zone: Vec<String>,
    /// Its file is the one about filters.
    #[serde(skip)]
    for_filters: bool,
}

/// The sample, and its zone: by name and type the data, and the names of which the server knows nothing.
#[derive(Default)]
struct Sample {
    identities: Vec<Identity>,
    records: BTreeMap<String, Vec<(String, String)>>,
    failing: BTreeSet<String>,
}

impl Sample {
    fn read() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/receivers");
        let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        let mut sample = Self::default();
        for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "toml")) {
            let file: File = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            let world: Vec<_> = file.world.iter().map(|r| split(r)).collect();
            for mut identity in file.identity {
                identity.for_filters = path.ends_with("filters.toml");
                sample.take(identity, &world);
            }
        }
        sample
    }

    /// Adds the identity, where nothing that is there already says otherwise.
    fn take(&mut self, identity: Identity, world: &[(String, String, String)]) {
        let records: Vec<_> = world.iter().cloned().chain(identity.zone.iter().map(|r| split(r))).collect();
        let sayable = !identity.ehlo.is_empty() && identity.ehlo.len() < 2000;
        let sayable = sayable && !identity.ehlo.chars().any(char::is_control);
        let served = records.iter().all(|(_, kind, data)| !data.starts_with('!') || kind == "*" && data == "!SERVFAIL");
        // NSD ends a loop of aliases in its own way, and no resolver is in between.
        let mut links: BTreeMap<&str, &str> = BTreeMap::new();
        links.extend(records.iter().filter(|r| r.1 == "CNAME").map(|r| (r.0.as_str(), r.2.trim_end_matches('.'))));
        let looped = links.keys().any(|start| {
            let mut at = *start;
            (0..=links.len()).all(|_| links.get(at).is_some_and(|next| std::mem::replace(&mut at, next) != *next))
        });
        let wild = records.iter().any(|r| r.0.starts_with('*') || links.values().any(|to| to.starts_with('*')));
        let taken = self.identities.iter().any(|known| known.ip == identity.ip);
        if !sayable || !served || looped || wild || taken {
            return;
        }
        let mut own: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
        let mut failing = BTreeSet::new();
        for (name, kind, data) in records {
            if data.starts_with('!') {
                failing.insert(name);
            } else {
                let set = own.entry(name).or_default();
                if !set.contains(&(kind.clone(), data.clone())) {
                    set.push((kind, data));
                }
            }
        }
        let differs = own.iter().any(|(name, set)| self.records.get(name).is_some_and(|known| known != set));
        let fails = own.keys().any(|name| self.failing.contains(name))
            || failing.iter().any(|name| self.records.contains_key(name) || own.contains_key(name));
        if !differs && !fails {
            self.records.extend(own);
            self.failing.extend(failing);
            self.identities.push(identity);
        }
    }

    fn zone(&self) -> String {
        let lines = self.records.iter().flat_map(|(name, set)| {
            set.iter().map(move |(kind, data)| format!("{}. 300 IN {kind} {data}\n", name.trim_end_matches('.')))
        });
        // Else what a filter says of the messages' author depends on which of its lookups came in time.
        let author = "sender.example. 300 IN A 192.0.2.25\nsender.example. 300 IN MX 10 sender.example.\n";
        nsd::zone(&(lines.collect::<String>() + author))
    }

    fn world(&self) -> World {
        let addresses: Vec<String> = self.identities.iter().map(|i| i.ip.to_string()).collect();
        let own = [RESOLVER, servers::V4, servers::V6];
        let mut world = World::new(&own.into_iter().chain(addresses.iter().map(String::as_str)).collect::<Vec<_>>());
        let mut zones = vec![(".", Some(self.zone()))];
        zones.extend(self.failing.iter().map(|name| (name.as_str(), None)));
        nsd::start(&mut world, RESOLVER, &zones);
        world
    }
}

fn split(record: &str) -> (String, String, String) {
    let mut fields = record.splitn(3, ' ').map(str::to_owned);
    let mut field = || fields.next().unwrap();
    (field().to_ascii_lowercase(), field(), field())
}

/// What the program predicts: a check an identity, by its place.
fn predicted(world: &World, identities: &[Identity]) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("identities");
    let lines = identities.iter().enumerate().map(|(n, i)| json!({"ip": i.ip, "ehlo": i.ehlo, "label": n}).to_string());
    std::fs::write(&list, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let receivers = "postfix,exim,opensmtpd,rspamd-3.4,spamassassin";
    let list = list.to_str().unwrap();
    let ran = probe::run(
        world,
        &["--input", list, "--resolver", RESOLVER, "--receivers", receivers, "--format", "ndjson", "--no-connect"],
    );
    assert_eq!(ran.err, "");
    let mut checks: Vec<Value> = ran.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    checks.sort_by_key(|c| c["label"].as_u64());
    assert_eq!(checks.len(), identities.len());
    checks
}

/// A prediction as it is compared: `450 4.7.25`, or a filter's total and its symbols.
fn written(prediction: &Value) -> String {
    if let Some(code) = prediction["reply"]["code"].as_u64() {
        let enhanced = prediction["reply"]["enhanced"].as_str().map(|e| format!(" {e}")).unwrap_or_default();
        return format!("{code}{enhanced}");
    }
    let symbols = prediction["symbols"].as_array().unwrap().iter();
    symbols_written(&symbols.map(|s| (s["name"].as_str().unwrap().to_owned(), s["score"].as_f64().unwrap())).collect())
}

fn symbols_written(symbols: &BTreeMap<String, f64>) -> String {
    let total: f64 = symbols.values().sum();
    symbols.iter().fold(format!("{:.3}", total + 0.0), |text, (name, score)| format!("{text} {name}={score:.3}"))
}

/// The symbols that depend on the identity, as the data files have them.
fn identity_symbols(file: &str) -> BTreeSet<String> {
    let path = format!("{}/src/knowledge/receivers/{file}.toml", env!("CARGO_MANIFEST_DIR"));
    let table: toml::Table = toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    table["scores"].as_table().unwrap().keys().cloned().collect()
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim, OpenSMTPD, SpamAssassin, rspamd and NSD: .ci/run brings them"]
fn the_real_servers_answer_as_predicted() {
    let sample = Sample::read();
    let mut world = sample.world();
    servers::start(&mut world);
    let identities = &sample.identities;
    let checks = predicted(&world, identities);
    let jobs: Vec<Job> = identities
        .iter()
        .enumerate()
        .flat_map(|(n, identity)| {
            let job = move |port, message| Job { from: identity.ip, port, ehlo: identity.ehlo.clone(), n, message };
            let rules = RULES.iter().map(move |rule| job(rule.port, false));
            // rspamd reads a PTR that names the root, or loses it, by what else is in the packet.
            let packet_decides = identity.zone.iter().any(|r| r.ends_with(" PTR ."));
            let sends = (identity.for_filters || n % MESSAGE_EVERY == 0) && !packet_decides;
            let messages = [MAIL, FILTERED].into_iter().filter(move |_| sends);
            rules.chain(messages.map(move |port| job(port, true)))
        })
        .collect();
    let said: Vec<Said> = sessions(&world, &jobs, servers::address);
    let mut answers: BTreeMap<(usize, &str, &str), String> = BTreeMap::new();
    for (job, said) in jobs.iter().zip(&said).filter(|(job, _)| !job.message) {
        let rule = RULES.iter().find(|rule| rule.port == job.port).unwrap();
        answers.insert((job.n, rule.receiver, rule.name), said.answer.clone());
    }
    let mut unknown: Vec<String> = Vec::new();
    let delivered = jobs.iter().zip(&said).filter(|(job, said)| job.message && said.answer == "250").count();
    for (receiver, file, seen) in [
        ("spamassassin", "spamassassin", servers::spamassassin(&mut world, delivered)),
        ("rspamd-3.4", "rspamd", servers::rspamd(&world)),
    ] {
        let known = identity_symbols(file);
        // What comes for some identities only, and is in no table of ours, would go unpredicted and unseen.
        let all: BTreeSet<&String> = seen.values().flat_map(BTreeMap::keys).collect();
        let ours = |symbol: &&String| !known.contains(*symbol) && !seen.iter().all(|(_, s)| s.contains_key(*symbol));
        unknown.extend(all.into_iter().filter(ours).map(|symbol| format!("{receiver}: {symbol}")));
        for (n, symbols) in seen {
            let own: BTreeMap<String, f64> = symbols.into_iter().filter(|(name, _)| known.contains(name)).collect();
            answers.insert((n, receiver, "symbols"), symbols_written(&own));
        }
    }
    let (mut verdicts, mut differing) = (BTreeMap::<&str, usize>::new(), Vec::new());
    for ((n, receiver, rule), said) in &answers {
        let own = checks[*n]["receivers"].as_array().unwrap();
        let prediction = own.iter().find(|p| p["receiver"] == *receiver && p["rule"] == *rule);
        let predicted = prediction.map_or_else(|| "nothing".into(), written);
        *verdicts.entry(receiver).or_default() += 1;
        if predicted != *said {
            let Identity { id, ip, ehlo, .. } = &identities[*n];
            differing.push(format!("{id} ({ip}, EHLO {ehlo}) {receiver}/{rule}: said {said}, predicted {predicted}"));
        }
    }
    let total: usize = verdicts.values().sum();
    let by: Vec<String> = verdicts.iter().map(|(receiver, count)| format!("{receiver} {count}")).collect();
    #[expect(clippy::disallowed_macros, reason = "the counts are what the run is for")]
    {
        println!(
            "receivers live: {} identities, {total} verdicts ({}), {} disagreements",
            identities.len(),
            by.join(", "),
            differing.len()
        );
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
    assert!(unknown.is_empty(), "symbols of some identities that no table has: {}", unknown.join(", "));
    assert!(identities.len() >= LEAST && verdicts.len() == 5, "the sample shrank");
    assert!(verdicts.values().all(|count| *count >= 40), "a receiver was hardly asked");
}
