//! smtp-preflight: does a mail server's EHLO name agree with its PTR, and both with the A/AAAA records?
//!
//! Three names that people confuse, and that stay apart here: the *banner name* and the *EHLO reply
//! name* are how a host greets; the *client EHLO name* is what it says when it sends, and what
//! receivers judge. A check by dialling assumes that the two are one, and says so.
//!
//! Flow: [`target`] → [`observe`] → [`evidence`] → [`judge`] → [`report`]. Observing forms no opinion;
//! judging does no I/O.

pub mod bounce;
pub mod cli;
pub mod desk;
pub mod dns;
pub mod domain;
pub mod evidence;
pub mod judge;
pub mod knowledge;
pub mod lab;
pub mod name;
pub mod observe;
pub mod report;
pub mod smtp;
pub mod target;
