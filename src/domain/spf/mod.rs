//! All that a domain's SPF record authorises, as ranges, each with the terms that brought it.
//!
//! Standard: RFC 7208. Of all mechanisms only `+` (pass) authorises; what an earlier `-`, `~` or `?` has decided is
//! taken out of what follows in the same record (§4.6.2). Terms that depend on the message (`exists`, `ptr`, macros)
//! name no set of addresses, and are left out with a sentence.
//! Limits: ten terms that ask the DNS (§4.6.4), two void lookups, ten MX names of an `mx`. Beyond them receivers end in
//! `permerror`, and so does the walk: what was found before stands, since it matches before. A lookup is void here
//! when neither family has an address; a receiver counts its client's family alone.

mod record;

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Known, Remark, Step, addresses, trouble};
use crate::dns::{Lookup, Question, RecordType, Status};
use crate::name::HostName;
use record::{Directive, Mechanism, Spec, SpfRecord, is_spf};

/// Terms that ask the DNS (§4.6.4).
const MAX_TERMS: usize = 10;
/// Lookups that find nothing (§4.6.4).
const MAX_VOID: usize = 2;
/// Names of one `mx` (§4.6.4).
const MAX_MX: usize = 10;

/// A range of addresses that a record authorises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorised {
    /// The range.
    pub range: IpNet,
    /// What earlier terms have taken out of it.
    pub excluded: Vec<IpNet>,
    /// The terms that lead to it, from the domain on: `example.net include:_spf.example.org ip4:192.0.2.0/28`.
    pub via: String,
}

/// All of a domain's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpfRanges {
    /// In the order of the terms.
    pub ranges: Vec<Authorised>,
    /// In order.
    pub remarks: Vec<Remark>,
}

/// The ranges that a domain's SPF record authorises.
pub fn spf_ranges(domain: &HostName, known: &Known) -> Step<SpfRanges> {
    let mut walk =
        Walk { known, found: SpfRanges::default(), terms: 0, void: 0, path: Vec::new(), domain: domain.to_string() };
    match walk.record(domain.as_str(), domain.as_str(), &[]) {
        Err(Halt::Ask(questions)) => Step::Ask(questions),
        Err(Halt::PermError(why)) => {
            let rest = if walk.found.ranges.is_empty() { "nothing" } else { "only what stands before it" };
            let text = format!(
                "the SPF record of {domain} ends in permerror: {why}; receivers go no further, and {rest} is checked"
            );
            walk.found.remarks.push(Remark::left_out(text));
            Step::Done(walk.found)
        }
        Ok(()) => {
            if walk.found.ranges.is_empty() && walk.found.remarks.is_empty() {
                let text = format!("the SPF record of {domain} authorises no address; there is none to check");
                walk.found.remarks.push(Remark::note(text));
            }
            Step::Done(walk.found)
        }
    }
}

/// Why a walk cannot go on.
enum Halt {
    Ask(Vec<Question>),
    PermError(String),
}

struct Walk<'k> {
    known: &'k Known,
    found: SpfRanges,
    terms: usize,
    void: usize,
    /// The domains whose records are open, from the first on.
    path: Vec<String>,
    domain: String,
}

impl<'k> Walk<'k> {
    /// The record of a domain; `excluded` is what the records around it have decided.
    fn record(&mut self, domain: &str, via: &str, excluded: &[IpNet]) -> Result<(), Halt> {
        if self.path.iter().any(|open| open == domain) {
            return Err(Halt::PermError(format!("{domain} includes itself ({})", self.path.join(" → "))));
        }
        let Some(text) = self.text(domain, via)? else { return Ok(()) };
        let record = SpfRecord::parse(&text)
            .map_err(|why| Halt::PermError(format!("the record of {domain} has a syntax error, {why}")))?;
        self.path.push(domain.to_owned());
        let mut excluded = excluded.to_vec();
        let mut all = false;
        for directive in &record.directives {
            if directive.mechanism == Mechanism::All {
                all = true;
                if directive.pass {
                    let text = format!(
                        "{via} {}: it authorises every address there is, which is no list to check",
                        directive.text
                    );
                    self.found.remarks.push(Remark::left_out(text));
                }
                break;
            }
            self.directive(domain, via, directive, &mut excluded)?;
        }
        match record.redirect.filter(|_| !all) {
            None => {}
            Some(Spec::Macro) => {
                self.leave_out(via, "redirect", "its domain holds a macro, which only a receiver can fill in");
            }
            Some(Spec::Name(target)) => {
                self.count(&format!("redirect={target}"))?;
                self.record(&target, &format!("{via} redirect={target}"), &excluded)?;
            }
        }
        self.path.pop();
        Ok(())
    }

    /// The text of a domain's one record; `None` where it could not be looked up, or the first domain has none.
    fn text(&mut self, domain: &str, via: &str) -> Result<Option<String>, Halt> {
        let lookup = self.ask(domain, RecordType::Txt)?;
        let first = self.path.is_empty();
        if !lookup.status.is_definite() {
            let text =
                format!("{via}: the record of {domain} could not be looked up ({}); try again later", trouble(lookup));
            self.found.remarks.push(Remark::left_out(text));
            return Ok(None);
        }
        let records: Vec<&str> = lookup.data().filter(|t| is_spf(t)).collect();
        match records.as_slice() {
            [one] => Ok(Some((*one).to_owned())),
            [] if first => {
                let why = if lookup.status == Status::Nxdomain { " (the name does not exist)" } else { "" };
                let text = format!("{} has no SPF record{why}; there is no address to check", self.domain);
                self.found.remarks.push(Remark::left_out(text));
                Ok(None)
            }
            [] => {
                self.count_void(lookup)?;
                Err(Halt::PermError(format!("{domain} has no SPF record (§5.2)")))
            }
            several => {
                Err(Halt::PermError(format!("{domain} has {} SPF records, and may have one (§4.5)", several.len())))
            }
        }
    }

    fn directive(
        &mut self,
        domain: &str,
        via: &str,
        directive: &Directive,
        excluded: &mut Vec<IpNet>,
    ) -> Result<(), Halt> {
        let Directive { text, pass, mechanism } = directive;
        let via = format!("{via} {text}");
        let ranges = match mechanism {
            Mechanism::All => Vec::new(),
            Mechanism::Ip(range) => vec![*range],
            Mechanism::Ptr => {
                self.count(text)?;
                self.leave_out(&via, text, "any address may come to match by its own PTR (§5.5 advises against it)");
                Vec::new()
            }
            Mechanism::Exists => {
                self.count(text)?;
                self.leave_out(&via, text, "it asks by parts of the message, and names no addresses");
                Vec::new()
            }
            Mechanism::Include(Spec::Name(target)) => {
                self.count(text)?;
                if *pass {
                    return self.record(target, &via, excluded);
                }
                // What it would pass is decided against: found apart, and then taken out.
                let before = self.found.ranges.len();
                self.record(target, &via, &[])?;
                self.found.ranges.split_off(before).into_iter().map(|a| a.range).collect()
            }
            Mechanism::Include(Spec::Macro)
            | Mechanism::A(Some(Spec::Macro), ..)
            | Mechanism::Mx(Some(Spec::Macro), ..) => {
                self.count(text)?;
                self.leave_out(&via, text, "its domain holds a macro, which only a receiver can fill in");
                Vec::new()
            }
            Mechanism::A(spec, v4, v6) => {
                self.count(text)?;
                let name = named(spec.as_ref(), domain);
                self.hosts(&[name], &via, *v4, *v6)?
            }
            Mechanism::Mx(spec, v4, v6) => {
                self.count(text)?;
                let names = self.mx_names(&named(spec.as_ref(), domain), &via)?;
                self.hosts(&names, &via, *v4, *v6)?
            }
        };
        if !pass {
            excluded.extend(ranges);
            return Ok(());
        }
        let whole = |range: &IpNet| excluded.iter().any(|e| e.contains(range));
        let kept = ranges.into_iter().filter(|r| !whole(r));
        let authorised = kept.map(|range| Authorised {
            range,
            excluded: excluded.iter().filter(|e| range.contains(*e)).copied().collect(),
            via: via.clone(),
        });
        self.found.ranges.extend(authorised);
        Ok(())
    }

    fn mx_names(&mut self, domain: &str, via: &str) -> Result<Vec<String>, Halt> {
        let lookup = self.ask(domain, RecordType::Mx)?;
        if !lookup.status.is_definite() {
            let text =
                format!("{via}: the MX of {domain} could not be looked up ({}); try again later", trouble(lookup));
            self.found.remarks.push(Remark::left_out(text));
            return Ok(Vec::new());
        }
        self.count_void(lookup)?;
        let names: Vec<String> =
            lookup.data().filter_map(|d| d.split_once(' ')).map(|(_, host)| host.to_owned()).collect();
        if names.len() > MAX_MX {
            return Err(Halt::PermError(format!("{domain} has {} MX names, more than {MAX_MX} (§4.6.4)", names.len())));
        }
        Ok(names.into_iter().filter(|n| n != ".").collect())
    }

    /// The addresses of names, as ranges.
    fn hosts(&mut self, names: &[String], via: &str, v4: u8, v6: u8) -> Result<Vec<IpNet>, Halt> {
        let mut missing = Vec::new();
        let mut ranges: Vec<IpNet> = Vec::new();
        for name in names {
            match addresses(self.known, name) {
                Err(questions) => missing.extend(questions),
                Ok(both) => {
                    if let Some(failed) = both.iter().find(|l| !l.status.is_definite()) {
                        let why = trouble(failed);
                        let kind = failed.question.kind;
                        let text = format!("{via}: {kind} of {name} could not be looked up ({why}); try again later");
                        self.found.remarks.push(Remark::left_out(text));
                    } else if both.iter().all(|l| l.status.is_none()) {
                        self.count_void(both[0])?;
                    }
                    for ip in both.iter().flat_map(|l| l.data()).filter_map(|d| d.parse::<IpAddr>().ok()) {
                        let prefix = if ip.is_ipv4() { v4 } else { v6 };
                        if let Ok(range) = IpNet::new(ip, prefix).map(|r| r.trunc())
                            && !ranges.contains(&range)
                        {
                            ranges.push(range);
                        }
                    }
                }
            }
        }
        if missing.is_empty() { Ok(ranges) } else { Err(Halt::Ask(missing)) }
    }

    fn ask(&self, name: &str, kind: RecordType) -> Result<&'k Lookup, Halt> {
        let question = Question::new(name, kind);
        self.known.get(&question).ok_or_else(|| Halt::Ask(vec![question]))
    }

    fn count(&mut self, term: &str) -> Result<(), Halt> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Halt::PermError(format!(
                "`{term}` is lookup {}, and {MAX_TERMS} are allowed (§4.6.4)",
                self.terms
            )));
        }
        Ok(())
    }

    fn count_void(&mut self, lookup: &Lookup) -> Result<(), Halt> {
        self.void += usize::from(lookup.status.is_none());
        if self.void > MAX_VOID {
            let name = &lookup.question.name;
            return Err(Halt::PermError(format!(
                "{name} is void lookup {}, and {MAX_VOID} are allowed (§4.6.4)",
                self.void
            )));
        }
        Ok(())
    }

    fn leave_out(&mut self, via: &str, term: &str, why: &str) {
        let rest = via.strip_suffix(term).unwrap_or(via).trim_end();
        self.found.remarks.push(Remark::left_out(format!("{rest}: `{term}` is left out: {why}")));
    }
}

fn named(spec: Option<&Spec>, domain: &str) -> String {
    match spec {
        Some(Spec::Name(name)) => name.clone(),
        _ => domain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Answer;

    /// Records as `name TYPE data`; what is not there does not exist.
    fn walk(zone: &[&str], domain: &str) -> (SpfRanges, usize) {
        let domain = HostName::parse(domain).unwrap();
        let (mut known, mut asked) = (Known::new(), 0);
        loop {
            match spf_ranges(&domain, &known) {
                Step::Done(found) => return (found, asked),
                Step::Ask(questions) => {
                    assert!(!questions.is_empty());
                    for question in questions {
                        asked += 1;
                        let kind = question.kind.to_string();
                        let data = zone.iter().filter_map(|line| {
                            let (name, rest) = line.split_once(' ')?;
                            let (is, data) = rest.split_once(' ')?;
                            (name == question.name && is == kind).then(|| Answer { data: data.into(), ttl: 60 })
                        });
                        let answers: Vec<Answer> = data.collect();
                        let status = match answers.first().map(|a| a.data.as_str()) {
                            None => Status::Nxdomain,
                            Some("SERVFAIL") => Status::Servfail,
                            Some(_) => Status::Found,
                        };
                        let mut lookup = Lookup::empty(question.clone(), String::new(), status, None);
                        lookup.answers = answers;
                        assert!(known.insert(question, lookup).is_none(), "asked once");
                    }
                }
            }
        }
    }

    fn ranges(found: &SpfRanges) -> Vec<String> {
        found.ranges.iter().map(|a| a.range.to_string()).collect()
    }

    #[test]
    fn every_mechanism_that_names_addresses() {
        let zone = [
            "d.example TXT v=spf1 a mx/28 a:r.example//64 ip4:192.0.2.0/24 include:i.example ip6:2001:db8:1::/48 ~all",
            "d.example TXT unrelated",
            "d.example A 203.0.113.1",
            "d.example MX 10 m.example",
            "m.example A 203.0.113.40",
            "r.example AAAA 2001:db8::25",
            "i.example TXT v=spf1 ip4:198.51.100.7 -all",
        ];
        let (found, asked) = walk(&zone, "d.example");
        assert_eq!(
            ranges(&found),
            [
                "203.0.113.1/32",
                "203.0.113.32/28",
                "2001:db8::/64",
                "192.0.2.0/24",
                "198.51.100.7/32",
                "2001:db8:1::/48"
            ]
        );
        assert_eq!(found.ranges[4].via, "d.example include:i.example ip4:198.51.100.7");
        assert_eq!((found.remarks.as_slice(), asked), (&[][..], 9));
    }

    #[test]
    fn redirect_counts_only_without_all_and_qualifiers_take_out() {
        let zone = [
            "d.example TXT v=spf1 -ip4:192.0.2.9 ?ip4:192.0.2.32/28 ip4:192.0.2.0/26 ip4:192.0.2.9 redirect=e.example",
            "e.example TXT v=spf1 ip4:192.0.2.40 ip4:192.0.2.64 -all redirect=nowhere.example",
        ];
        let (found, _) = walk(&zone, "d.example");
        assert_eq!(ranges(&found), ["192.0.2.0/26", "192.0.2.64/32"]);
        let excluded: Vec<String> = found.ranges[0].excluded.iter().map(ToString::to_string).collect();
        assert_eq!(excluded, ["192.0.2.9/32", "192.0.2.32/28"]);
        assert_eq!(found.ranges[1].via, "d.example redirect=e.example ip4:192.0.2.64");
        assert_eq!(found.remarks, []);
    }

    #[test]
    fn what_names_no_addresses_is_left_out_with_its_reason() {
        let zone = [
            "d.example TXT v=spf1 exists:%{i}.x.example ptr include:%{d}.y.example a:%{h} ip4:192.0.2.1 include:s.example +all",
            "s.example TXT SERVFAIL",
        ];
        let (found, _) = walk(&zone, "d.example");
        assert_eq!(ranges(&found), ["192.0.2.1/32"], "the rest goes on");
        let said: Vec<&str> = found.remarks.iter().map(|r| r.text.as_str()).collect();
        assert!(found.remarks.iter().all(|r| r.left_out));
        for (said, words) in
            said.iter().zip(["names no addresses", "its own PTR", "macro", "macro", "servfail", "every address"])
        {
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(said.len(), 6);
        assert!(said[0].starts_with("d.example: `exists:%{i}.x.example` is left out"), "{}", said[0]);
    }

    #[test]
    fn errors_that_end_the_record_for_receivers_end_the_walk() {
        let chain: Vec<String> = (0..12)
            .map(|n| format!("c{n}.example TXT v=spf1 ip4:192.0.2.{n} include:c{}.example -all", n + 1))
            .collect();
        let chain: Vec<&str> = chain.iter().map(String::as_str).collect();
        let (found, asked) = walk(&chain, "c0.example");
        assert_eq!((found.ranges.len(), asked), (11, 11), "ten includes and no more");
        assert!(found.remarks[0].text.contains("`include:c11.example` is lookup 11, and 10 are allowed"), "{found:?}");
        for (zone, words, kept) in [
            (vec!["d.example TXT v=spf1 -all", "d.example TXT v=spf1 a"], "has 2 SPF records", 0),
            (vec!["d.example TXT v=spf1 ip4:192.0.2.1 bogus"], "syntax error, `bogus`", 0),
            (vec!["d.example TXT v=spf1 ip4:192.0.2.1 include:d.example"], "includes itself", 1),
            (vec!["d.example TXT v=spf1 ip4:192.0.2.1 include:none.example"], "none.example has no SPF record", 1),
            (
                vec!["d.example TXT v=spf1 a:x.example a:y.example a:z.example ip4:192.0.2.1"],
                "z.example is void lookup 3",
                0,
            ),
            (vec![], "has no SPF record (the name does not exist)", 0),
        ] {
            let (found, _) = walk(&zone, "d.example");
            assert_eq!(found.ranges.len(), kept, "{words}");
            assert!(found.remarks.len() == 1 && found.remarks[0].text.contains(words), "{words}: {found:?}");
            assert!(found.remarks[0].left_out);
        }
        let many: Vec<String> = (0..11).map(|n| format!("d.example MX 10 m{n}.example")).collect();
        let zone: Vec<&str> =
            std::iter::once("d.example TXT v=spf1 mx").chain(many.iter().map(String::as_str)).collect();
        assert!(walk(&zone, "d.example").0.remarks[0].text.contains("11 MX names"));
    }
}
