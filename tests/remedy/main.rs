//! What a remedy asks for: which name it chooses, and what it leaves open.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod name;
mod unknown;
mod world;
