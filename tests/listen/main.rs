//! `listen`, the built program on loopback: what it hears, what it bears, and that no mail gets through it.

#![cfg(unix)]
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the tests are the clients, and measure how long and how much"
)]
#![allow(clippy::unwrap_used, reason = "a test may")]

mod client;
mod flood;
mod memory;
mod open_relay;
mod privileges;
mod sessions;
mod stopping;
mod usage;
mod world;
