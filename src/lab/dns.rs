//! A DNS server on loopback, UDP and TCP on one port, that serves a scenario's zones and faults.
//!
//! Design: the answers come from [`super::zone`]; this file puts the planned trouble in their way.
//! Failure: a socket that cannot be bound.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Edns, Header, HeaderCounts, Metadata, Query, ResponseCode};
use hickory_server::proto::rr::rdata::opt::EdnsOption;
use hickory_server::proto::rr::rdata::{CNAME, NULL};
use hickory_server::proto::rr::{LowerName, Name, RData, Record, RecordType};
use hickory_server::proto::serialize::binary::{BinDecoder, BinEncodable, BinEncoder};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::{MessageResponseBuilder, Queries};
use tokio::net::{TcpListener, UdpSocket};

use super::scenario::{DnsFault, DnsPlan};
use super::zone::{Manner, Said, Zones, known, name};

/// Option code of an extended error (RFC 8914 §2).
const EXTENDED_ERROR: u16 = 15;
/// How long a TCP connection may stand idle.
const TCP_IDLE: Duration = Duration::from_secs(10);
/// How often a port that is free on UDP and taken on TCP is tried anew.
const PORT_TRIES: usize = 20;

/// A server that runs until it is dropped.
pub(super) struct DnsServer {
    pub(super) address: SocketAddr,
    zones: Arc<RwLock<Zones>>,
    _server: Server<Handler>,
}

impl DnsServer {
    /// Answers from this zone text from now on.
    pub(super) fn publish(&self, zone: &str) -> Result<(), String> {
        let zones = Zones::parse(zone)?;
        *self.zones.write().unwrap_or_else(PoisonError::into_inner) = zones;
        Ok(())
    }
}

/// Starts a resolver; `expand` fills the placeholders.
pub(super) async fn start(
    plan: &DnsPlan,
    delay: Option<Duration>,
    expand: impl Fn(&str) -> String,
) -> Result<DnsServer, String> {
    let handler = Handler::new(plan, delay, expand)?;
    let at = plan.address.unwrap_or(Ipv4Addr::LOCALHOST.into());
    let (udp, tcp) = sockets(at).await.map_err(|e| format!("no port for the DNS server: {e}"))?;
    let address = udp.local_addr().map_err(|e| e.to_string())?;
    let zones = handler.zones.clone();
    let mut server = Server::new(handler);
    server.register_socket(udp);
    server.register_listener(tcp, TCP_IDLE, 32);
    Ok(DnsServer { address, zones, _server: server })
}

/// One port, free on UDP and on TCP.
async fn sockets(at: IpAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut tries = 0;
    loop {
        let udp = UdpSocket::bind((at, 0)).await?;
        match TcpListener::bind(udp.local_addr()?).await {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(e) if tries >= PORT_TRIES => return Err(e),
            Err(_) => tries += 1,
        }
    }
}

struct Trouble {
    /// `None` is every name.
    name: Option<LowerName>,
    kind: Option<RecordType>,
    fault: DnsFault,
    first: Option<u32>,
    delay: Option<Duration>,
    ede: Option<u16>,
}

struct Handler {
    zones: Arc<RwLock<Zones>>,
    manner: Manner,
    delay: Option<Duration>,
    trouble: Vec<Trouble>,
    /// How often each trouble was met.
    met: Mutex<HashMap<usize, u32>>,
}

impl Handler {
    fn new(plan: &DnsPlan, delay: Option<Duration>, expand: impl Fn(&str) -> String) -> Result<Self, String> {
        let mut trouble = Vec::new();
        for fault in &plan.fault {
            let text = expand(&fault.name);
            let name = match text.as_str() {
                "*" => None,
                text => {
                    Some(name(text, None).ok_or_else(|| format!("the fault's name {text} is not absolute"))?.into())
                }
            };
            trouble.push(Trouble {
                name,
                kind: fault.kind.map(record_type),
                fault: fault.fault,
                first: fault.first,
                delay: fault.delay_ms.map(Duration::from_millis),
                ede: fault.ede,
            });
        }
        Ok(Self {
            zones: Arc::new(RwLock::new(Zones::parse(&expand(&plan.zone))?)),
            manner: Manner { follow: !plan.authoritative, whole_tree: !plan.authoritative },
            delay,
            trouble,
            met: Mutex::default(),
        })
    }

    /// The first trouble planned for a question, unless it has been met often enough.
    fn trouble(&self, question: &LowerName, kind: RecordType) -> Option<&Trouble> {
        let planned = |t: &Trouble| t.name.as_ref().is_none_or(|n| n == question) && t.kind.is_none_or(|k| k == kind);
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        self.trouble.iter().enumerate().find_map(|(place, trouble)| {
            if !planned(trouble) {
                return None;
            }
            let met = met.entry(place).or_default();
            *met += 1;
            trouble.first.is_none_or(|first| *met <= first).then_some(trouble)
        })
    }
}

#[async_trait::async_trait]
impl RequestHandler for Handler {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, mut out: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        metadata.authoritative = !self.manner.follow;
        metadata.recursion_available = self.manner.follow;
        let Ok(info) = request.request_info() else {
            metadata.response_code = ResponseCode::FormErr;
            let reply = MessageResponseBuilder::from_message_request(request).build_no_records(metadata);
            let _ = out.send_response(reply).await;
            return told(metadata);
        };
        let (question, kind) = (info.query.name(), info.query.query_type());
        let trouble = self.trouble(question, kind);
        for wait in [self.delay, trouble.and_then(|t| t.delay)].into_iter().flatten() {
            tokio::time::sleep(wait).await;
        }
        let mut said = self.zones.read().unwrap_or_else(PoisonError::into_inner).answer(question, kind, self.manner);
        metadata.response_code = said.code;
        let udp = request.protocol() == Protocol::Udp;
        let mut queries = None;
        if let Some(fault) = trouble.map(|t| t.fault) {
            match fault {
                DnsFault::Silence => return told(metadata),
                DnsFault::TcpDrop if !udp => return told(metadata),
                DnsFault::TruncateUdp if !udp => {}
                DnsFault::TruncateUdp | DnsFault::TruncateAlways | DnsFault::TcpDrop => {
                    metadata.truncation = true;
                    said = nothing(ResponseCode::NoError);
                }
                DnsFault::WrongQuestion => queries = elsewhere(kind),
                DnsFault::Malformed => said.answers = vec![broken(info.query.original().name().clone(), kind)],
                DnsFault::AliasLoop => said = alias_loop(info.query.original().name()),
                DnsFault::RecordsWithServfail => said.code = ResponseCode::ServFail,
                DnsFault::Delay => {}
                DnsFault::Servfail => said = nothing(ResponseCode::ServFail),
                DnsFault::Refused => said = nothing(ResponseCode::Refused),
                DnsFault::Formerr => said = nothing(ResponseCode::FormErr),
                DnsFault::Notimp => said = nothing(ResponseCode::NotImp),
                DnsFault::Nodata => said = nothing(ResponseCode::NoError),
                DnsFault::Nxdomain => said = nothing(ResponseCode::NXDomain),
            }
            metadata.response_code = said.code;
        }
        let edns = edns(request, trouble.and_then(|t| t.ede));
        let mut builder = MessageResponseBuilder::new(queries.as_ref().unwrap_or(&request.queries), None);
        if let Some(edns) = &edns {
            builder.edns(edns);
        }
        let reply = builder.build(metadata, &said.answers, &[], &said.soa, &[]);
        let _ = out.send_response(reply).await;
        told(metadata)
    }
}

fn nothing(code: ResponseCode) -> Said {
    Said { code, answers: Vec::new(), soa: None }
}

/// Both halves of a loop in one answer, as a server that does not look for loops gives it.
fn alias_loop(asked: &Name) -> Said {
    let elsewhere = known("alias.loop.example");
    let alias = |from: &Name, to: &Name| Record::from_rdata(from.clone(), 60, RData::CNAME(CNAME(to.clone())));
    let answers = vec![alias(asked, &elsewhere), alias(&elsewhere, asked)];
    Said { code: ResponseCode::NoError, answers, soa: None }
}

/// A record whose data is one octet, too short for any type that we ask for.
fn broken(owner: Name, kind: RecordType) -> Record {
    Record::from_rdata(owner, 60, RData::Unknown { code: kind, rdata: NULL::with(vec![0xff]) })
}

/// A question that nobody asked.
fn elsewhere(kind: RecordType) -> Option<Queries> {
    let mut octets = Vec::new();
    Query::query(known("not.asked.example"), kind).emit(&mut BinEncoder::new(&mut octets)).ok()?;
    Queries::read(&mut BinDecoder::new(&octets), 1).ok()
}

fn edns(request: &Request, ede: Option<u16>) -> Option<Edns> {
    let asked = request.edns.as_ref()?;
    let mut edns = Edns::new();
    edns.set_max_payload(asked.max_payload());
    if let Some(code) = ede {
        edns.options_mut().insert(EdnsOption::Unknown(EXTENDED_ERROR, code.to_be_bytes().to_vec()));
    }
    Some(edns)
}

/// What the library wants to log of an answer, sent or not.
fn told(metadata: Metadata) -> ResponseInfo {
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}

fn record_type(kind: crate::dns::RecordType) -> RecordType {
    match kind {
        crate::dns::RecordType::Ptr => RecordType::PTR,
        crate::dns::RecordType::A => RecordType::A,
        crate::dns::RecordType::Aaaa => RecordType::AAAA,
        crate::dns::RecordType::Soa => RecordType::SOA,
        crate::dns::RecordType::Ns => RecordType::NS,
        crate::dns::RecordType::Mx => RecordType::MX,
        crate::dns::RecordType::Txt => RecordType::TXT,
    }
}
