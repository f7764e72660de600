//! A question as it goes out: header, question, and the OPT record that says what we take.
//!
//! Standard: RFC 1035 §4.1 (header, question), RFC 6891 §6.1 (OPT), RFC 6840 §5.7 (AD asks for AD, without asking
//! for signatures). Written here, since a run of many checks does little else; answers are hickory's to read.

use crate::dns::{Question, RecordType, to_wire};

/// RFC 6891 §6.2.5, and the payload that passes every path.
const UDP_PAYLOAD: u16 = 1232;
/// Octets of a header (RFC 1035 §4.1.1).
pub(super) const HEADER: usize = 12;
/// RD, AD.
const FLAGS: [u8; 2] = [0x01, 0x20];
const OPT: u16 = 41;
const IN: u16 = 1;

/// A query message with one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Query {
    octets: Vec<u8>,
    kind: RecordType,
    /// Where the question section ends.
    end: usize,
}

impl Query {
    /// With an OPT record; `None` where the DNS cannot hold the name.
    pub(super) fn new(question: &Question) -> Option<Self> {
        Some(Self::of_wire(&to_wire(&question.name)?, question.kind))
    }

    /// Of a name on the wire.
    pub(super) fn of_wire(name: &[u8], kind: RecordType) -> Self {
        let mut octets = Vec::with_capacity(HEADER + name.len() + 4 + 11);
        octets.extend([0, 0, FLAGS[0], FLAGS[1], 0, 1, 0, 0, 0, 0, 0, 1]);
        octets.extend(name);
        octets.extend(code(kind).to_be_bytes());
        octets.extend(IN.to_be_bytes());
        let end = octets.len();
        // The root's name, type, payload, extended code with version and flags, no options.
        octets.push(0);
        octets.extend(OPT.to_be_bytes());
        octets.extend(UDP_PAYLOAD.to_be_bytes());
        octets.extend([0; 6]);
        Self { octets, kind, end }
    }

    /// The same without OPT, for servers from before EDNS (RFC 6891 §7).
    pub(super) fn plain(&self) -> Self {
        let mut octets = self.octets[..self.end].to_vec();
        octets[11] = 0;
        Self { octets, ..*self }
    }

    /// Puts it under an id.
    pub(super) fn set_id(&mut self, id: u16) {
        self.octets[..2].copy_from_slice(&id.to_be_bytes());
    }

    /// The message.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Name, type and class.
    pub(super) fn question(&self) -> &[u8] {
        &self.octets[HEADER..self.end]
    }

    /// The name asked for.
    pub(super) fn name(&self) -> &[u8] {
        &self.octets[HEADER..self.end - 4]
    }

    /// The type asked for.
    pub(super) fn kind(&self) -> RecordType {
        self.kind
    }
}

/// RFC 1035 §3.2.2, RFC 3596 §2.1.
fn code(kind: RecordType) -> u16 {
    match kind {
        RecordType::A => 1,
        RecordType::Ns => 2,
        RecordType::Soa => 6,
        RecordType::Ptr => 12,
        RecordType::Mx => 15,
        RecordType::Txt => 16,
        RecordType::Aaaa => 28,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::proto::op::{Edns, Message, MessageType, OpCode};
    use hickory_resolver::proto::rr::{DNSClass, Name};

    /// Another implementation reads what we meant.
    #[test]
    fn a_query_reads_as_it_was_meant() {
        for (kind, number) in [
            (RecordType::A, 1),
            (RecordType::Ns, 2),
            (RecordType::Soa, 6),
            (RecordType::Ptr, 12),
            (RecordType::Mx, 15),
            (RecordType::Txt, 16),
            (RecordType::Aaaa, 28),
        ] {
            let mut query = Query::new(&Question::new("10.0/25.Example\\.x.net.", kind)).unwrap();
            query.set_id(0xbeef);
            let message = Message::from_vec(query.octets()).unwrap();
            let header = &message.metadata;
            assert_eq!((header.id, header.message_type, header.op_code), (0xbeef, MessageType::Query, OpCode::Query));
            assert!(header.recursion_desired && header.authentic_data && !header.checking_disabled);
            let [asked] = message.queries.as_slice() else { panic!("{message:?}") };
            let labels: [&[u8]; 3] = [b"10", b"0/25", b"example.x"];
            assert_eq!(asked.name, Name::from_labels(labels.into_iter().chain([&b"net"[..]])).unwrap());
            assert_eq!((u16::from(asked.query_type), asked.query_class), (number, DNSClass::IN));
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_PAYLOAD);
            assert_eq!(message.edns, Some(edns));
            let plain = Message::from_vec(query.plain().octets()).unwrap();
            assert_eq!((plain.edns, plain.queries), (None, message.queries.clone()));
        }
        assert_eq!(Query::new(&Question::new("a..b", RecordType::A)), None);
    }
}
