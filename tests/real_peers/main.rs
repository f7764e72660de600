//! The built binary against Debian's mail servers, filters and NSD, in private networks made by the tests.
//!
//! Needs root and what `.ci/unpack-peers` unpacks; `SMTP_PREFLIGHT_PEERS` says where, `target/real-peers`
//! otherwise. Run by `.ci/run`, or: `.ci/unpack-peers target/real-peers && cargo test --test real_peers -- --ignored`.

#![cfg(target_os = "linux")]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the tests write the servers' files, wait for them and read their logs; what fails fails the test"
)]

mod certificate;
mod exim;
mod hello;
mod identity;
mod nsd;
mod postfix;
mod postscreen;
mod probe;
mod receivers;
mod receivers_servers;
mod receivers_session;
mod repair;
mod resolver;
mod roundtrip;
mod sending;
mod silence;
mod tls;
mod world;
#[path = "../zone_edit/mod.rs"]
mod zone_edit;
mod zones;
