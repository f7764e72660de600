//! The PROXY header in front of a connection: who the client is, where a balancer stands between.
//!
//! Standard: `HAProxy`'s PROXY protocol, version 2 (§2.2). Version 1, a line of text, is not taken.
//! Design: a header is believed only from the addresses that were named; from anywhere else it would let anyone
//! write whatever identity he likes into the results.
//! A header that names nobody (of a Unix socket, or of an unspecified family) is refused too: the name heard would be
//! judged at the balancer's address. The balancer's own connections (LOCAL) are served and are no client's.
//! Failure: a broken or missing header ends the connection.

use std::io;
use std::net::SocketAddr;

use proxy_header::{ParseConfig, Protocol, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Signature, command, family and length.
const FIXED: usize = 16;
/// Octets behind them; addresses take 36 at most, the rest is for the balancer's own notes.
const VARIABLE: usize = 2048;
/// How a version 2 header begins.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// How a version 1 header begins.
const VERSION_1: &[u8] = b"PROXY ";

/// Version 2 and the command LOCAL.
const LOCAL: u8 = 0x20;

/// For whom a balancer speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A client, and the address that it dialled.
    Client { source: SocketAddr, destination: SocketAddr },
    /// Itself, as in a health check.
    Itself,
}

/// Reads a header, and not one octet more.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Named> {
    let mut header = vec![0; FIXED];
    stream.read_exact(&mut header).await?;
    if !header.starts_with(SIGNATURE) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let length = usize::from(u16::from_be_bytes([header[14], header[15]]));
    if length > VARIABLE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    header.resize(FIXED + length, 0);
    stream.read_exact(&mut header[FIXED..]).await?;
    // The rest of such a header is to be ignored, whatever its family.
    if header[12] == LOCAL {
        return Ok(Named::Itself);
    }
    let config = ParseConfig { include_tlvs: false, allow_v1: false, allow_v2: true };
    let (read, _) = ProxyHeader::parse(&header, config).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    match read.proxied_address() {
        Some(a) if a.protocol == Protocol::Stream => Ok(Named::Client { source: a.source, destination: a.destination }),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Whether a client's first octets begin a PROXY header; `None` where more must come to tell: of version 2 the five
/// octets with which no line of text begins.
pub(super) fn begins(octets: &[u8]) -> Option<bool> {
    let version_2 = &SIGNATURE[..5];
    if octets.starts_with(VERSION_1) || octets.starts_with(version_2) {
        return Some(true);
    }
    (!VERSION_1.starts_with(octets) && !version_2.starts_with(octets)).then_some(false)
}

#[cfg(test)]
mod tests {
    use proxy_header::{ProxiedAddress, ProxyHeader};

    use super::*;

    fn header(source: &str, destination: &str) -> Vec<u8> {
        let address = ProxiedAddress::stream(source.parse().unwrap(), destination.parse().unwrap());
        let mut octets = [0; 64];
        let length = ProxyHeader::with_address(address).encode_to_slice_v2(&mut octets).unwrap();
        octets[..length].to_vec()
    }

    #[tokio::test]
    async fn a_header_is_read_to_its_end() {
        for (source, destination) in
            [("203.0.113.10:40000", "192.0.2.1:25"), ("[2001:db8::10]:40000", "[2001:db8::1]:25")]
        {
            let mut octets = header(source, destination);
            assert_eq!((begins(&octets), begins(&octets[..4]), begins(&octets[..5])), (Some(true), None, Some(true)));
            octets.extend(b"EHLO");
            let mut rest = octets.as_slice();
            let named = read(&mut rest).await.unwrap();
            let (source, destination) = (source.parse().unwrap(), destination.parse().unwrap());
            assert_eq!(named, Named::Client { source, destination });
            assert_eq!(rest, b"EHLO");
        }
        for own in [&b"\x20\0\0\0EHLO"[..], b"\x20\x31\0\x02xxEHLO", b"\x20\xff\0\x01xEHLO"] {
            let octets = [SIGNATURE, own].concat();
            let mut rest = octets.as_slice();
            assert_eq!(read(&mut rest).await.unwrap(), Named::Itself, "{own:?}");
            assert_eq!(rest, b"EHLO");
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_refused() {
        let endless = [SIGNATURE, b"\x21\x11\xff\xff", &[0; 9000]].concat();
        let short = [SIGNATURE, b"\x21\x11\0\x04", &[0; 4]].concat();
        let datagram = [SIGNATURE, b"\x21\x12\0\x0c", &[1; 12]].concat();
        let unspecified = [SIGNATURE, b"\x21\0\0\0"].concat();
        let unix = [SIGNATURE, b"\x21\x31\0\xd8", &[b'/'; 216]].concat();
        let version = [SIGNATURE, b"\x11\x11\0\x0c", &[1; 12]].concat();
        for octets in [
            &b"PROXY TCP4 203.0.113.1 192.0.2.1 1 25\r\n"[..],
            b"EHLO mail.example.net\r\n",
            &endless,
            &short,
            &datagram,
            &unspecified,
            &unix,
            &version,
        ] {
            assert!(read(&mut { octets }).await.is_err());
        }
        for (octets, is) in [
            (&b"PROXY TCP4"[..], Some(true)),
            (b"PROXY", None),
            (b"P", None),
            (b"\r\n", None),
            (b"\r\nEHLO x\r\n", Some(false)),
            (b"PROXYING\r\n", Some(false)),
            (b"EHLO x", Some(false)),
        ] {
            assert_eq!(begins(octets), is, "{octets:?}");
        }
    }
}
