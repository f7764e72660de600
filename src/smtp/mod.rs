//! The SMTP dialogue without I/O: bytes in, replies out; events in, steps out.
//!
//! Standard: RFC 5321 §4.2 (replies), §4.1.1.1 (EHLO and HELO), §3.1 (a refusing greeting),
//! RFC 3207 (STARTTLS, and forgetting what was said before it).
//! What we say: EHLO, HELO where EHLO is refused, STARTTLS, QUIT. What we never say: MAIL, RCPT, AUTH.
//! One command a reply; nothing before the greeting is complete, so that a pregreet trap has
//! nothing to catch.
//! Failure: a reply that breaks a bound keeps what came before it, as evidence.

mod greeting;
mod queue;
mod reply;
mod server;
mod session;

pub use greeting::{extensions, greeting_name, hello_name};
pub use queue::queue_id;
pub use reply::{Limits, Reply, ReplyFault, ReplyReader};
pub use server::{Action, Cue, Heard, ServerLimits, ServerPlan, ServerRecord, ServerSession, Taking, names_token};
pub use session::{Event, Phase, Session, SessionPlan, Step, TlsMode, offers};
