//! From an answer to a [`Lookup`]: records by owner name, aliases in order, the zone that answered.

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::SOA;
use hickory_resolver::proto::rr::rdata::opt::{EdnsCode, EdnsOption};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType as WireType};

use super::Keep;
use super::exchange::Answered;
use crate::dns::{Alias, Answer, ExtendedError, Flags, Lookup, RecordType, Soa, Status, from_labels};

/// Records kept of one answer; a larger set is evidence enough.
pub(super) const MAX_ANSWERS: usize = 512;
/// Aliases followed for one question, over however many answers.
const MAX_ALIASES: usize = 16;
/// Octets kept of a TXT record: an SPF record that was cut would read as another.
const MAX_TEXT: usize = 16 << 10;

/// Adds an answer to a lookup. Gives the name to ask next, where the server stopped at an alias
/// whose target it did not look up.
pub(super) fn into_lookup(lookup: &mut Lookup, answered: &Answered, keep: &Keep) -> Option<Name> {
    let Answered { asked, message, kind, transport } = answered;
    lookup.transport = *transport;
    let header = &message.metadata;
    lookup.flags = Flags { aa: header.authoritative, ad: header.authentic_data, ra: header.recursion_available };
    lookup.rcode = Some(u16::from(header.response_code));
    lookup.extended_errors = extended_errors(message);
    // A failure says nothing of the name, whatever stands beside it; NXDOMAIN speaks of the last alias's target.
    let code = header.response_code;
    if !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain) {
        lookup.status = status(lookup, code);
        return None;
    }
    let end = match follow(&mut lookup.chain, asked, &message.answers) {
        Ok(end) => end,
        Err(endless) => {
            lookup.status = Status::Malformed;
            lookup.detail = Some(endless);
            return None;
        }
    };
    if code == ResponseCode::NoError {
        lookup.answers = message
            .answers
            .iter()
            .filter(|r| r.name == end)
            .filter_map(|r| data(r, *kind).map(|data| Answer { data, ttl: r.ttl }))
            .take(MAX_ANSWERS)
            .collect();
    }
    lookup.soa = soa(message, &end);
    lookup.status = status(lookup, code);
    shorten(lookup, keep);
    if lookup.status == Status::Nodata && refers_elsewhere(message) {
        lookup.status = Status::Refused;
        lookup.detail = Some("the server does not recurse, and refers to another".into());
        return None;
    }
    // A full answer to an alias proves what its target has; a bare alias asks to be followed.
    let bare = lookup.status == Status::Nodata && end != *asked && lookup.soa.is_none();
    bare.then_some(end)
}

/// Leaves out records past what is to be kept, and says so. Which ones does not depend on their order, which servers
/// turn from answer to answer: two resolvers that know the same set must not seem to disagree.
fn shorten(lookup: &mut Lookup, keep: &Keep) {
    let all = lookup.answers.len();
    if all <= keep.records {
        return;
    }
    let wanted = |data: &str| keep.always.iter().any(|w| w.eq_ignore_ascii_case(data));
    let mut others: Vec<String> = lookup.data().filter(|d| !wanted(d)).map(str::to_owned).collect();
    others.sort_unstable();
    others.truncate(keep.records);
    lookup.answers.retain(|a| wanted(&a.data) || others.binary_search(&a.data).is_ok());
    lookup.answers.shrink_to_fit();
    lookup.detail = Some(format!("{all} records, of which {} are told", lookup.answers.len()));
}

fn status(lookup: &mut Lookup, code: ResponseCode) -> Status {
    match code {
        ResponseCode::NoError if lookup.answers.is_empty() => Status::Nodata,
        ResponseCode::NoError => Status::Found,
        ResponseCode::NXDomain => Status::Nxdomain,
        ResponseCode::FormErr => Status::Formerr,
        ResponseCode::ServFail => Status::Servfail,
        ResponseCode::NotImp => Status::Notimp,
        ResponseCode::Refused => Status::Refused,
        other => {
            lookup.detail = Some(format!("response code {} ({other})", u16::from(other)));
            Status::Servfail
        }
    }
}

/// A delegation is not an answer: no records, no SOA, only the servers that one should ask instead.
fn refers_elsewhere(message: &Message) -> bool {
    let header = &message.metadata;
    let has = |kind| message.authorities.iter().any(|r| r.record_type() == kind);
    message.answers.is_empty()
        && !header.authoritative
        && !header.recursion_available
        && has(WireType::NS)
        && !has(WireType::SOA)
}

/// The last name of the alias chain; each step is recorded. By owner, since servers may reorder.
/// Aliases without end lead nowhere: that is neither a record nor "there is none".
fn follow(chain: &mut Vec<Alias>, asked: &Name, records: &[Record]) -> Result<Name, String> {
    let mut current = asked.clone();
    loop {
        let alias = records.iter().find_map(|r| match &r.data {
            RData::CNAME(target) if r.name == current => Some((target.0.clone(), r.ttl)),
            _ => None,
        });
        let Some((target, ttl)) = alias else { return Ok(current) };
        let step = Alias { from: text(&current), to: text(&target), ttl };
        if chain.iter().any(|seen| seen.from.eq_ignore_ascii_case(&step.from)) {
            return Err("the aliases lead back to themselves".into());
        }
        if chain.len() >= MAX_ALIASES {
            return Err(format!("more than {MAX_ALIASES} aliases in a row"));
        }
        chain.push(step);
        current = target;
    }
}

fn data(record: &Record, kind: RecordType) -> Option<String> {
    match (&record.data, kind) {
        (RData::PTR(name), RecordType::Ptr) => Some(text(&name.0)),
        (RData::NS(name), RecordType::Ns) => Some(text(&name.0)),
        (RData::A(ip), RecordType::A) => Some(ip.0.to_string()),
        (RData::AAAA(ip), RecordType::Aaaa) => Some(ip.0.to_string()),
        (RData::MX(mx), RecordType::Mx) => Some(format!("{} {}", mx.preference, text(&mx.exchange))),
        (RData::TXT(txt), RecordType::Txt) => {
            let octets: Vec<u8> = txt.txt_data.iter().flat_map(|s| s.iter().copied()).take(MAX_TEXT).collect();
            Some(String::from_utf8_lossy(&octets).into_owned())
        }
        (RData::SOA(soa), RecordType::Soa) => Some(format!("{} {}", text(&soa.mname), text(&soa.rname))),
        _ => None,
    }
}

/// The zone of the answer: an SOA in the answer itself, or in the authority section above the name.
fn soa(message: &Message, end: &Name) -> Option<Soa> {
    let of = |r: &Record| match &r.data {
        RData::SOA(soa) => Some(zone(r, soa)),
        _ => None,
    };
    message
        .answers
        .iter()
        .filter(|r| r.name == *end && r.record_type() == WireType::SOA)
        .find_map(of)
        .or_else(|| message.authorities.iter().filter(|r| r.name.zone_of(end)).find_map(of))
}

fn zone(record: &Record, soa: &SOA) -> Soa {
    let mut labels = soa.rname.iter();
    let user = labels.next().map(|l| String::from_utf8_lossy(l).into_owned()).unwrap_or_default();
    let host = from_labels(labels);
    Soa {
        apex: text(&record.name),
        primary: text(&soa.mname),
        contact: format!("{user}@{host}"),
        negative_ttl: record.ttl.min(soa.minimum),
    }
}

/// RFC 8914: option 15, two octets of INFO-CODE, then EXTRA-TEXT in UTF-8.
fn extended_errors(message: &Message) -> Vec<ExtendedError> {
    let Some(edns) = &message.edns else { return Vec::new() };
    match edns.option(EdnsCode::Unknown(15)) {
        Some(EdnsOption::Unknown(_, octets)) => match octets.as_slice() {
            [high, low, text @ ..] => {
                let text = String::from_utf8_lossy(&text[..text.len().min(256)]).into_owned();
                vec![ExtendedError { code: u16::from_be_bytes([*high, *low]), text }]
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// A name as it goes on the wire.
pub(super) fn wire(name: &Name) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len() + 1);
    for label in name {
        // Labels of a name that was read hold 63 octets at most.
        wire.push(u8::try_from(label.len()).unwrap_or_default());
        wire.extend(label);
    }
    wire.push(0);
    wire
}

fn text(name: &Name) -> String {
    from_labels(name.iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Question, Transport};
    use hickory_resolver::proto::rr::rdata::{CNAME, PTR};

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    fn read(code: ResponseCode, answers: Vec<Record>) -> (Lookup, Option<Name>) {
        let mut lookup =
            Lookup::empty(Question::new("0.example", RecordType::Ptr), String::new(), Status::NotAsked, None);
        let mut message = Message::query();
        message.metadata.response_code = code;
        message.answers = answers;
        let asked = name("0.example.");
        let answered = Answered { asked, message, kind: RecordType::Ptr, transport: Transport::Tcp };
        let next = into_lookup(&mut lookup, &answered, &Keep::default());
        (lookup, next)
    }

    fn ptr(owner: &str) -> Record {
        Record::from_rdata(name(owner), 60, RData::PTR(PTR(name("mail.example.net."))))
    }

    fn alias(from: &str, to: &str) -> Record {
        Record::from_rdata(name(from), 60, RData::CNAME(CNAME(name(to))))
    }

    #[test]
    fn records_beside_a_failure_are_not_believed() {
        use ResponseCode::{FormErr, NXDomain, NoError, NotImp, Refused, ServFail};
        assert_eq!(read(NoError, vec![ptr("0.example.")]).0.answers.len(), 1);
        for code in [NXDomain, ServFail, Refused, FormErr, NotImp, ResponseCode::NotAuth] {
            let (lookup, next) = read(code, vec![ptr("0.example.")]);
            assert_ne!(lookup.status, Status::Found, "{code}");
            assert!(lookup.answers.is_empty() && next.is_none(), "{code}");
        }
    }

    #[test]
    fn what_is_left_out_depends_on_no_order_and_what_is_wanted_stays() {
        let address = |n: u8| {
            Record::from_rdata(
                name("0.example."),
                60,
                RData::A(hickory_resolver::proto::rr::rdata::A::new(192, 0, 2, n)),
            )
        };
        let keep = Keep { records: 4, always: ["192.0.2.99".to_owned()].into() };
        let shortened = |records: Vec<Record>| {
            let mut lookup =
                Lookup::empty(Question::new("0.example", RecordType::A), String::new(), Status::NotAsked, None);
            let mut message = Message::query();
            message.answers = records;
            let asked = name("0.example.");
            let answered = Answered { asked, message, kind: RecordType::A, transport: Transport::Tcp };
            into_lookup(&mut lookup, &answered, &keep);
            let mut data: Vec<String> = lookup.data().map(str::to_owned).collect();
            data.sort();
            (data, lookup.detail)
        };
        let told = shortened((1..=100).map(address).collect());
        assert_eq!(told, shortened((1..=100).rev().map(address).collect()));
        assert_eq!((told.0.len(), told.0.contains(&"192.0.2.99".to_owned())), (5, true));
        assert_eq!(told.1.as_deref(), Some("100 records, of which 5 are told"));
        assert_eq!(shortened((1..=4).map(address).collect()).1, None);
    }

    #[test]
    fn aliases_without_end_are_malformed_and_bounded() {
        for answers in [
            vec![alias("0.example.", "0.example.")],
            vec![alias("0.example.", "1.example."), alias("1.EXAMPLE.", "0.Example.")],
            (0..2501).map(|n| alias(&format!("{n}.example."), &format!("{}.example.", n + 1))).collect(),
        ] {
            let (lookup, next) = read(ResponseCode::NoError, answers);
            assert_eq!((lookup.status, next), (Status::Malformed, None));
            assert!(lookup.detail.is_some_and(|d| d.contains("aliases")) && lookup.chain.len() <= MAX_ALIASES);
        }
        let twelve = (0..12).map(|n| alias(&format!("{n}.example."), &format!("{}.example.", n + 1)));
        let (lookup, _) = read(ResponseCode::NoError, twelve.chain([ptr("12.example.")]).collect());
        assert_eq!((lookup.status, lookup.chain.len()), (Status::Found, 12));
    }
}
