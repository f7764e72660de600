//! A domain's MX hosts, by preference.

use std::collections::HashSet;
use std::net::IpAddr;

use super::{Known, Remark, Step, trouble};
use crate::dns::{Lookup, Question, RecordType, Status};
use crate::name::HostName;

/// MX hosts of a domain that are taken; more are said.
const MAX_HOSTS: usize = 64;

/// One MX host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxHost {
    /// Its name, or the domain's own where there is no MX.
    pub host: String,
    /// Its preference; `None` where there is no MX.
    pub preference: Option<u16>,
}

/// The MX hosts of a domain, and what there is to say of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MxHosts {
    /// By preference, then by name.
    pub hosts: Vec<MxHost>,
    /// In order.
    pub remarks: Vec<Remark>,
}

/// The MX hosts of a domain.
pub fn mx_hosts(domain: &HostName, known: &Known) -> Step<MxHosts> {
    let question = Question::new(domain.as_str(), RecordType::Mx);
    let Some(lookup) = known.get(&question) else { return Step::Ask(vec![question]) };
    let mut found = MxHosts::default();
    match lookup.status {
        Status::Found => take(domain, lookup, &mut found),
        Status::Nodata => {
            found.hosts.push(MxHost { host: domain.to_string(), preference: None });
            let text = format!("{domain} has no MX; its own address stands in (implicit MX, RFC 5321 §5.1)");
            found.remarks.push(Remark::note(text));
        }
        Status::Nxdomain => {
            found
                .remarks
                .push(Remark::left_out(format!("{domain} does not exist (nxdomain); nothing was checked of it")));
        }
        _ => {
            let why = trouble(lookup);
            found
                .remarks
                .push(Remark::left_out(format!("the MX of {domain} could not be looked up ({why}); try again later")));
        }
    }
    Step::Done(found)
}

fn take(domain: &HostName, lookup: &Lookup, found: &mut MxHosts) {
    let mut null = false;
    for data in lookup.data() {
        let Some((preference, host)) = data.split_once(' ') else { continue };
        let preference = preference.parse().ok();
        if host == "." || host.is_empty() {
            null = true;
        } else if host.parse::<IpAddr>().is_ok() {
            let text =
                format!("{domain} has the MX {host}: an address, where RFC 5321 §5.1 wants a host name; left out");
            found.remarks.push(Remark::left_out(text));
        } else {
            found.hosts.push(MxHost { host: host.to_ascii_lowercase(), preference });
        }
    }
    found.hosts.sort_by(|a, b| (a.preference, &a.host).cmp(&(b.preference, &b.host)));
    let mut seen = HashSet::new();
    found.hosts.retain(|h| seen.insert(h.host.clone()));
    if found.hosts.len() > MAX_HOSTS {
        let text = format!("{domain} has {} MX hosts; the first {MAX_HOSTS} are checked", found.hosts.len());
        found.remarks.push(Remark::left_out(text));
        found.hosts.truncate(MAX_HOSTS);
    }
    if null && found.hosts.is_empty() {
        let text = format!("{domain} accepts no mail (null MX, RFC 7505); there is no host to check");
        found.remarks.push(Remark::note(text));
    } else if null {
        let text = format!("{domain} has a null MX beside others, which RFC 7505 §3 forbids; the others are checked");
        found.remarks.push(Remark::note(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Answer;

    fn of(status: Status, data: &[&str]) -> MxHosts {
        let domain = HostName::parse("example.net").unwrap();
        let question = Question::new("example.net", RecordType::Mx);
        assert_eq!(mx_hosts(&domain, &Known::new()), Step::Ask(vec![question.clone()]));
        let mut lookup = Lookup::empty(question.clone(), "192.0.2.53:53".into(), status, None);
        lookup.answers = data.iter().map(|d| Answer { data: (*d).into(), ttl: 60 }).collect();
        match mx_hosts(&domain, &Known::from([(question, lookup)])) {
            Step::Done(found) => found,
            Step::Ask(more) => panic!("{more:?}"),
        }
    }

    #[test]
    fn hosts_by_preference_and_what_there_is_to_say() {
        let found = of(Status::Found, &["20 b.example", "10 C.example", "10 a.example", "30 c.example", "5 192.0.2.1"]);
        let hosts: Vec<_> = found.hosts.iter().map(|h| (h.preference.unwrap(), h.host.as_str())).collect();
        assert_eq!(hosts, [(10, "a.example"), (10, "c.example"), (20, "b.example")]);
        assert!(found.remarks[0].left_out && found.remarks[0].text.contains("an address"));
        for (status, data, hosts, words, left_out) in [
            (Status::Found, &["0 ."][..], 0, "null MX", false),
            (Status::Found, &["0 .", "10 a.example"], 1, "null MX beside others", false),
            (Status::Nodata, &[], 1, "implicit MX", false),
            (Status::Nxdomain, &[], 0, "does not exist", true),
            (Status::Servfail, &[], 0, "could not be looked up (servfail", true),
        ] {
            let found = of(status, data);
            assert_eq!(found.hosts.len(), hosts, "{words}");
            assert!(found.remarks[0].text.contains(words) && found.remarks[0].left_out == left_out, "{found:?}");
        }
    }
}
