//! Zone data from text, and the answer that it gives to a question.
//!
//! Standard: RFC 1035 §5.1 (the text: `$ORIGIN`, `$TTL`, `owner [ttl] [IN] TYPE data`, `;` comments), RFC 2308
//! (NXDOMAIN and NODATA with the zone's SOA), RFC 8020 (a name above an existing one exists).
//! Design: a `$ORIGIN` opens a zone; a zone without SOA or NS gets standard ones. The order of records is
//! that of the text. Escapes are decimal and labels hold any octet, which the resolver library's own parser
//! does not allow.
//! Failure: a sentence with the line's number.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use hickory_server::proto::op::ResponseCode;
use hickory_server::proto::rr::rdata::{A, AAAA, CNAME, MX, NS, PTR, SOA, TXT};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType};

use crate::dns::to_labels;

const DEFAULT_TTL: u32 = 3600;
/// The TTL and MINIMUM of a standard SOA: how long "there is none" may be cached.
const NEGATIVE_TTL: u32 = 300;
/// CNAMEs followed for one question.
const MAX_CHAIN: usize = 20;

/// All zones that one server knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Zones {
    /// Apex to SOA.
    soas: BTreeMap<LowerName, Record>,
    records: BTreeMap<LowerName, Vec<Record>>,
}

/// What the data says to a question.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: ResponseCode,
    pub(super) answers: Vec<Record>,
    pub(super) soa: Option<Record>,
}

/// How a server treats what it has no data for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// Follow aliases from zone to zone, as a resolver does.
    pub(super) follow: bool,
    /// Names outside all zones do not exist, by the root's word; otherwise they are refused.
    pub(super) whole_tree: bool,
}

impl Zones {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut zones = Self::default();
        let (mut origin, mut ttl, mut owner) = (None, DEFAULT_TTL, None);
        for (number, line) in text.lines().enumerate() {
            let at = |fault: &str| format!("line {} of the zone ({}): {fault}", number + 1, line.trim());
            let line = uncommented(line);
            let mut words = line.split_whitespace().peekable();
            let Some(first) = words.peek().copied() else { continue };
            match first {
                "$ORIGIN" => {
                    let name = words.nth(1).and_then(|w| name(w, None)).ok_or_else(|| at("not an absolute name"))?;
                    zones.soas.entry((&name).into()).or_insert_with(|| standard_soa(&name));
                    (origin, owner) = (Some(name), None);
                }
                "$TTL" => ttl = words.nth(1).and_then(|w| w.parse().ok()).ok_or_else(|| at("not a number"))?,
                _ => {
                    if !line.starts_with([' ', '\t']) {
                        owner = Some(name(first, origin.as_ref()).ok_or_else(|| at("not a name"))?);
                        words.next();
                    }
                    let owner = owner.clone().ok_or_else(|| at("the record has no owner"))?;
                    if zones.apex(&owner.clone().into()).is_none() {
                        return Err(at("the owner lies in none of the zones opened with $ORIGIN"));
                    }
                    let own_ttl = words.peek().and_then(|w| w.parse().ok());
                    if own_ttl.is_some() {
                        words.next();
                    }
                    if words.peek() == Some(&"IN") {
                        words.next();
                    }
                    let words: Vec<&str> = words.collect();
                    let data = data(&words, origin.as_ref()).ok_or_else(|| at("not a record that the lab knows"))?;
                    zones.add(Record::from_rdata(owner, own_ttl.unwrap_or(ttl), data));
                }
            }
        }
        zones.complete();
        Ok(zones)
    }

    fn add(&mut self, record: Record) {
        let owner = LowerName::from(&record.name);
        if record.record_type() == RecordType::SOA {
            self.soas.insert(owner.clone(), record.clone());
        }
        self.records.entry(owner).or_default().push(record);
    }

    /// Gives every apex the SOA and the NS that a zone must have.
    fn complete(&mut self) {
        for (apex, soa) in &self.soas {
            let records = self.records.entry(apex.clone()).or_default();
            if !records.iter().any(|r| r.record_type() == RecordType::SOA) {
                records.push(soa.clone());
            }
            if !records.iter().any(|r| r.record_type() == RecordType::NS) {
                for server in ["ns1", "ns2"] {
                    records.push(Record::from_rdata(
                        soa.name.clone(),
                        DEFAULT_TTL,
                        RData::NS(NS(known(&format!("{server}.host.example")))),
                    ));
                }
            }
        }
    }

    /// The zone that a name lies in.
    fn apex(&self, name: &LowerName) -> Option<&LowerName> {
        self.soas.keys().filter(|apex| apex.zone_of(name)).max_by_key(|apex| apex.num_labels())
    }

    /// Whether a name owns records, or stands above one that does.
    fn exists(&self, name: &LowerName) -> bool {
        self.records.keys().any(|owner| name.zone_of(owner))
    }

    pub(super) fn answer(&self, question: &LowerName, kind: RecordType, manner: Manner) -> Said {
        let mut name = question.clone();
        let mut answers: Vec<Record> = Vec::new();
        let first = self.apex(&name).cloned();
        loop {
            let Some(apex) = self.apex(&name) else {
                let code = match (answers.is_empty(), manner.whole_tree) {
                    (true, false) => ResponseCode::Refused,
                    (false, false) => ResponseCode::NoError,
                    (_, true) => ResponseCode::NXDomain,
                };
                return Said { code, answers, soa: manner.whole_tree.then(|| standard_soa(&Name::root())) };
            };
            if !manner.follow && first.as_ref() != Some(apex) {
                return Said { code: ResponseCode::NoError, answers, soa: None };
            }
            let here = self.records.get(&name).map(Vec::as_slice).unwrap_or_default();
            let before = answers.len();
            answers.extend(here.iter().filter(|r| r.record_type() == kind).cloned());
            if answers.len() > before {
                return Said { code: ResponseCode::NoError, answers, soa: None };
            }
            let alias = here.iter().find_map(|r| match &r.data {
                RData::CNAME(target) => Some((r.clone(), LowerName::from(&target.0))),
                _ => None,
            });
            match alias {
                Some((record, target)) if answers.len() < MAX_CHAIN => {
                    answers.push(record);
                    name = target;
                }
                Some(_) => return Said { code: ResponseCode::ServFail, answers: Vec::new(), soa: None },
                None => {
                    let code = if self.exists(&name) { ResponseCode::NoError } else { ResponseCode::NXDomain };
                    return Said { code, answers, soa: self.soas.get(apex).cloned() };
                }
            }
        }
    }
}

fn standard_soa(apex: &Name) -> Record {
    let data =
        SOA::new(known("ns1.host.example"), known("hostmaster.host.example"), 1, 7200, 900, 1_209_600, NEGATIVE_TTL);
    Record::from_rdata(apex.clone(), NEGATIVE_TTL, RData::SOA(data))
}

/// A name that is known to be one.
pub(super) fn known(text: &str) -> Name {
    name(&format!("{text}."), None).unwrap_or_default()
}

/// A name as the text has it: absolute with its final dot, or below the origin.
pub(super) fn name(text: &str, origin: Option<&Name>) -> Option<Name> {
    if text == "@" {
        return origin.cloned();
    }
    let labels = to_labels(text)?;
    let mut name = Name::from_labels(labels.iter().map(Vec::as_slice)).ok()?;
    if !text.ends_with('.') {
        name = name.append_domain(origin?).ok()?;
    }
    name.set_fqdn(true);
    Some(name)
}

fn data(words: &[&str], origin: Option<&Name>) -> Option<RData> {
    let (kind, words) = words.split_first()?;
    Some(match (*kind, words) {
        ("A", [ip]) => RData::A(A(ip.parse::<Ipv4Addr>().ok()?)),
        ("AAAA", [ip]) => RData::AAAA(AAAA(ip.parse::<Ipv6Addr>().ok()?)),
        ("PTR", [target]) => RData::PTR(PTR(name(target, origin)?)),
        ("CNAME", [target]) => RData::CNAME(CNAME(name(target, origin)?)),
        ("NS", [target]) => RData::NS(NS(name(target, origin)?)),
        ("MX", [preference, target]) => RData::MX(MX::new(preference.parse().ok()?, name(target, origin)?)),
        ("TXT", [_, ..]) => {
            let strings: Vec<Vec<u8>> = words.iter().map(|w| unescaped(w)).collect();
            RData::TXT(TXT::from_bytes(strings.iter().map(Vec::as_slice).collect()))
        }
        ("SOA", [primary, contact]) => {
            let (primary, contact) = (name(primary, origin)?, name(contact, origin)?);
            RData::SOA(SOA::new(primary, contact, 1, 7200, 900, 1_209_600, NEGATIVE_TTL))
        }
        _ => return None,
    })
}

/// One string of a TXT record: `\DDD` is an octet.
fn unescaped(word: &str) -> Vec<u8> {
    let mut rest = word.as_bytes();
    let mut text = Vec::new();
    while let [octet, tail @ ..] = rest {
        let code = tail.get(..3).and_then(|d| std::str::from_utf8(d).ok()?.parse::<u8>().ok());
        let (octet, after) = match code.filter(|_| *octet == b'\\') {
            Some(code) => (code, &tail[3..]),
            None => (*octet, tail),
        };
        text.push(octet);
        rest = after;
    }
    text
}

/// A line without its comment; an escaped semicolon is none.
fn uncommented(line: &str) -> &str {
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            ';' if !escaped => return &line[..at],
            _ => escaped = c == '\\' && !escaped,
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESOLVER: Manner = Manner { follow: true, whole_tree: true };
    const SERVER: Manner = Manner { follow: false, whole_tree: false };

    const TEXT: &str = "
        ; the comment's line
$ORIGIN example.net.
mail 60 IN A 203.0.113.10 ; one
     AAAA 2001:db8::10
odd\\032name A 203.0.113.11
relay CNAME mail
away CNAME host.elsewhere.example.
gone CNAME nowhere.example.net.
loop CNAME loop
deep.er A 203.0.113.12
$ORIGIN 113.0.203.in-addr.arpa.
@ SOA ns.isp.example. noc.isp.example.
10 CNAME 10.0/25
$ORIGIN 0/25.113.0.203.in-addr.arpa.
10 PTR mail.example.net.
   PTR Second.example.net.
";

    fn ask(question: &str, kind: RecordType, manner: Manner) -> (ResponseCode, Vec<String>, Option<String>) {
        let zones = Zones::parse(TEXT).unwrap();
        let said = zones.answer(&name(question, None).unwrap().into(), kind, manner);
        let answers = said.answers.iter().map(|r| format!("{} {}", r.record_type(), r.data)).collect();
        (said.code, answers, said.soa.map(|r| r.name.to_string()))
    }

    #[test]
    fn found_none_and_outside() {
        use ResponseCode::{NXDomain, NoError, Refused};
        let zone = || Some("example.net.".to_owned());
        let some = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(ask("Mail.Example.Net.", RecordType::A, RESOLVER), (NoError, some(&["A 203.0.113.10"]), None));
        assert_eq!(ask("odd\\032name.example.net.", RecordType::A, RESOLVER).1.len(), 1);
        assert_eq!(ask("mail.example.net.", RecordType::PTR, RESOLVER), (NoError, vec![], zone()));
        assert_eq!(ask("er.example.net.", RecordType::A, RESOLVER), (NoError, vec![], zone()), "RFC 8020");
        assert_eq!(ask("no.example.net.", RecordType::A, RESOLVER), (NXDomain, vec![], zone()));
        assert_eq!(ask("no.example.org.", RecordType::A, RESOLVER), (NXDomain, vec![], Some(".".into())));
        assert_eq!(ask("no.example.org.", RecordType::A, SERVER), (Refused, vec![], None));
    }

    #[test]
    fn aliases() {
        use ResponseCode::{NXDomain, NoError, ServFail};
        let (code, answers, _) = ask("10.113.0.203.in-addr.arpa.", RecordType::PTR, RESOLVER);
        assert_eq!(code, NoError);
        assert_eq!(
            answers,
            ["CNAME 10.0\\/25.113.0.203.in-addr.arpa.", "PTR mail.example.net.", "PTR Second.example.net."]
        );
        let (_, answers, _) = ask("10.113.0.203.in-addr.arpa.", RecordType::PTR, SERVER);
        assert_eq!(answers.len(), 1, "the other zone is another server's");
        assert_eq!(ask("relay.example.net.", RecordType::A, SERVER).1.len(), 2);
        let (code, answers, soa) = ask("gone.example.net.", RecordType::A, RESOLVER);
        assert_eq!((code, answers.len(), soa.as_deref()), (NXDomain, 1, Some("example.net.")));
        assert_eq!(ask("loop.example.net.", RecordType::A, RESOLVER).0, ServFail);
        let soa = ask("113.0.203.in-addr.arpa.", RecordType::SOA, RESOLVER).1;
        assert!(soa[0].starts_with("SOA ns.isp.example."), "{soa:?}");
        assert_eq!(ask("example.net.", RecordType::NS, RESOLVER).1.len(), 2);
    }

    #[test]
    fn a_bad_line_is_named() {
        for (text, words) in [
            ("$ORIGIN example.net\nmail A 203.0.113.10", "line 1"),
            ("$ORIGIN example.net.\nmail A 203.0.113.256", "line 2"),
            ("$ORIGIN example.net.\nother.example. A 203.0.113.1", "none of the zones"),
            ("$ORIGIN example.net.\n A 203.0.113.1", "no owner"),
            ("$ORIGIN example.net.\n$INCLUDE file", "not a record"),
            ("mail A 203.0.113.1", "not a name"),
        ] {
            let fault = Zones::parse(text).unwrap_err();
            assert!(fault.contains(words), "{text:?}: {fault}");
        }
    }
}
