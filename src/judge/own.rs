//! This machine's address as the outside sees it, from what the services said (JSON `self`).
//!
//! An answer counts when it is an address of the family in which the service was asked, and one that the
//! outside can see. Of several that count, the preferred service's wins.

use std::net::{IpAddr, SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::findings::special;
use crate::dns::Lookup;
use crate::evidence::OwnSeen;
use crate::name::unmap;

/// How this machine's own identity was learnt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnAddress {
    /// The interface address; `null` when there is no route in this family.
    pub local: Option<IpAddr>,
    /// The address that the outside sees; `null` when no service told one.
    pub outside: Option<IpAddr>,
    /// Whether the two differ; `null` when one is not known.
    pub nat: Option<bool>,
    /// What each service said, the preferred first.
    pub services: Vec<ServiceSaid>,
    /// Where the EHLO name was found.
    pub ehlo_from: Option<String>,
}

/// One service's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceSaid {
    /// `NAME TYPE at address:port`.
    pub service: String,
    /// The address that it told; `null` when it told none that counts.
    pub address: Option<IpAddr>,
    /// Why none counts.
    pub trouble: Option<String>,
}

impl OwnAddress {
    /// Reads the answers.
    pub fn of(seen: &OwnSeen) -> Self {
        let services: Vec<ServiceSaid> = seen.asked.iter().map(|l| said(l, seen.local)).collect();
        let outside = services.iter().find_map(|s| s.address);
        Self {
            local: seen.local,
            outside,
            nat: seen.local.zip(outside).map(|(local, outside)| local != outside),
            services,
            ehlo_from: seen.ehlo_from.clone(),
        }
    }

    /// The address to judge: what the outside sees, or the interface's own where that is public.
    pub fn to_judge(&self) -> Option<IpAddr> {
        self.outside.or(self.local.filter(|ip| special(*ip).is_none()))
    }

    /// Why the interface's own address cannot stand in, where it cannot.
    pub fn local_is(&self) -> Option<&'static str> {
        self.local.and_then(special)
    }
}

fn said(lookup: &Lookup, local: Option<IpAddr>) -> ServiceSaid {
    let question = &lookup.question;
    let read = told(lookup, local);
    ServiceSaid {
        service: format!("{} {} at {}", question.name, question.kind, lookup.resolver),
        address: read.as_ref().ok().copied(),
        trouble: read.err(),
    }
}

/// The address that a service told, or why there is none.
fn told(lookup: &Lookup, local: Option<IpAddr>) -> Result<IpAddr, String> {
    let detail = lookup.detail.as_ref().map(|d| format!(", {d}")).unwrap_or_default();
    let Some(first) = lookup.data().next() else { return Err(format!("{}{detail}", lookup.status)) };
    let Some(ip) = lookup.data().find_map(|d| d.trim().parse::<IpAddr>().ok()).map(unmap) else {
        let shown: String = first.chars().take(60).collect();
        return Err(format!("`{shown}` is no address"));
    };
    let v4 = lookup.resolver.parse::<SocketAddr>().map_or(ip.is_ipv4(), |server| server.is_ipv4());
    if ip.is_ipv4() != v4 {
        return Err(format!("{ip} is of the other address family"));
    }
    // One that sees us at our own address is an outside as far as it goes; one that sees another private
    // address stands on this side of a NAT that is yet to come.
    match special(ip) {
        Some(kind) if local != Some(ip) && !for_documentation(ip) => Err(format!("{ip} is {kind}")),
        _ => Ok(ip),
    }
}

/// RFC 5737, RFC 3849, RFC 9637: these stand for public addresses, in examples and in test networks.
fn for_documentation(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_documentation(),
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            first == 0x2001 && second == 0xdb8 || first == 0x3fff && second < 0x1000
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Answer, Question, RecordType, Status};

    fn answer(server: &str, kind: RecordType, data: &[&str]) -> Lookup {
        let status = if data.is_empty() { Status::Timeout } else { Status::Found };
        let mut lookup = Lookup::empty(Question::new("me.example", kind), server.into(), status, None);
        lookup.answers = data.iter().map(|d| Answer { data: (*d).into(), ttl: 0 }).collect();
        lookup
    }

    fn own(local: &str, asked: Vec<Lookup>) -> OwnAddress {
        OwnAddress::of(&OwnSeen { local: local.parse().ok(), asked, ehlo_from: None })
    }

    #[test]
    fn the_preferred_answer_that_counts_wins() {
        const V4: &str = "192.0.2.53:53";
        const V6: &str = "[2001:db8::53]:53";
        use RecordType::{A, Aaaa, Txt};
        for (local, asked, outside, nat) in [
            ("203.0.113.10", vec![answer(V4, A, &["203.0.113.10"])], "203.0.113.10", Some(false)),
            ("10.0.0.5", vec![answer(V4, A, &["203.0.113.10"])], "203.0.113.10", Some(true)),
            ("10.0.0.5", vec![answer(V4, A, &["10.0.0.5"])], "10.0.0.5", Some(false)),
            ("10.0.0.5", vec![answer(V4, A, &["10.0.0.1"]), answer(V4, A, &["8.8.4.4"])], "8.8.4.4", Some(true)),
            ("10.0.0.5", vec![answer(V4, A, &[]), answer(V4, Txt, &["203.0.113.9"])], "203.0.113.9", Some(true)),
            ("10.0.0.5", vec![answer(V4, Txt, &["edns0-client-subnet 8.8.0.0/16", "8.8.4.4"])], "8.8.4.4", Some(true)),
            ("fd00::5", vec![answer(V6, Aaaa, &["2001:db8::5"])], "2001:db8::5", Some(true)),
            ("fd00::5", vec![answer(V6, Txt, &["203.0.113.9"])], "", None),
            (
                "10.0.0.5",
                vec![answer(V4, Txt, &["::1"]), answer(V4, Txt, &["x"]), answer(V4, A, &["0.0.0.0"])],
                "",
                None,
            ),
            ("10.0.0.5", vec![answer(V4, Txt, &["::ffff:203.0.113.9"])], "203.0.113.9", Some(true)),
            ("", vec![answer(V4, A, &["203.0.113.9"])], "203.0.113.9", None),
        ] {
            let own = own(local, asked);
            assert_eq!((own.outside, own.nat), (outside.parse().ok(), nat), "{own:?}");
            assert!(own.services.iter().all(|s| s.address.is_none() == s.trouble.is_some()), "{own:?}");
        }
    }

    #[test]
    fn a_public_interface_stands_in_and_a_private_one_does_not() {
        let silent = || vec![answer("192.0.2.53:53", RecordType::A, &[])];
        assert_eq!(own("8.8.4.4", silent()).to_judge(), "8.8.4.4".parse().ok());
        for private in ["10.0.0.5", "100.64.0.1", "127.0.0.1", "203.0.113.10", ""] {
            let own = own(private, silent());
            assert_eq!(own.to_judge(), None, "{private}");
            assert_eq!(own.local_is().is_some(), !private.is_empty(), "{private}");
        }
    }
}
