//! What a code says by its number alone: an enhanced status code, a bare code at its stage.
//!
//! Standard: RFC 3463 and the IANA registry of enhanced status codes, RFC 7372 (authentication and reverse lookup
//! codes), RFC 7505 (null MX), RFC 5321 §4.2.2 and §4.3.2 (reply codes).

use super::{Cause, Identity, Reply, Stage};

/// What a code stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    pub cause: Cause,
    pub identity: Option<Identity>,
    /// It names its cause closely, not from afar.
    pub close: bool,
    /// It is given whatever the reason, the sender's identity among them.
    pub untold: bool,
}

impl Meaning {
    const fn close(cause: Cause) -> Self {
        Self { cause, identity: None, close: true, untold: false }
    }

    const fn far(cause: Cause) -> Self {
        Self { close: false, ..Self::close(cause) }
    }

    /// From afar, and of a cause that the identity may hide behind.
    const fn untold(cause: Cause) -> Self {
        Self { untold: true, ..Self::far(cause) }
    }

    const fn identity(identity: Identity) -> Self {
        Self { identity: Some(identity), ..Self::close(Cause::SenderIdentity) }
    }
}

/// A code that is about the destination by its definition (RFC 3463 §3.2 and §3.3).
pub(super) fn is_destination(reply: &Reply) -> bool {
    reply.enhanced.as_deref().is_some_and(|code| {
        let place = code.split_once('.').map_or("", |(_, rest)| rest);
        matches!(place, "1.1" | "1.2" | "1.3" | "1.4" | "1.6" | "1.10") || place.starts_with("2.")
    })
}

/// What an enhanced status code names.
pub(super) fn by_enhanced(code: &str) -> Option<Meaning> {
    let mut parts = code.split('.').map(|p| p.parse::<u16>().ok());
    let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
    if class == 2 {
        return None;
    }
    Some(match (subject, detail) {
        (1, 7 | 8) | (7, 8 | 9 | 30 | 50..=199) => Meaning::close(Cause::Policy),
        (1 | 2, 0) => Meaning::far(Cause::Recipient),
        (1 | 2, _) if (subject, detail) != (2, 3) => Meaning::close(Cause::Recipient),
        (2, 3) | (3, 4) => Meaning::close(Cause::Content),
        // 5.3.2 is a host that takes no mail at all, 4.3.2 one that takes none now.
        (3, 2) if class == 5 => Meaning::close(Cause::Recipient),
        // A command that is none, too many recipients, another version of the protocol.
        (5, 1 | 3 | 5) => Meaning::far(Cause::Transport),
        (3, 0) | (5, _) => Meaning::untold(Cause::Transport),
        // Exchange Online's directory-based refusal borrows 5.4.1 (no answer from host).
        (4, 0 | 1) if class == 5 => Meaning::far(Cause::Transport),
        // Postfix and Exchange say 4.7.5 when the receiver's certificate cannot be trusted.
        (3 | 4, _) | (7, 5) => Meaning::close(Cause::Transport),
        (6, 0) => Meaning::far(Cause::Content),
        (6, _) => Meaning::close(Cause::Content),
        (7, 25) => Meaning::identity(Identity::PtrMissing),
        (7, 506) => Meaning::identity(Identity::EhloBad),
        (7, 20..=24 | 26 | 29 | 509 | 512 | 515) => Meaning::close(Cause::Authentication),
        (7, 13 | 14 | 17 | 18 | 27) => Meaning::close(Cause::Recipient),
        (7, 28 | 508) => Meaning::close(Cause::Rate),
        (7, 500..=505 | 511 | 606..=709) => Meaning::close(Cause::Reputation),
        (7, _) => Meaning::untold(Cause::Policy),
        _ => return None,
    })
}

/// What a bare code means at its stage. A refusal of EHLO can only be about who the client is; 501 and 504 find
/// fault with the argument of the command, which is the name.
pub(super) fn guess(code: u16, stage: Option<Stage>) -> Option<Meaning> {
    Some(match (stage, code) {
        (Some(Stage::Ehlo), 501 | 504) => Meaning::identity(Identity::EhloBad),
        (Some(Stage::Ehlo), 503 | 505..=599) => Meaning::identity(Identity::Unspecified),
        // A greeting that refuses turns this client away, whatever it means to send.
        (Some(Stage::Connect), 421 | 550..=554) => Meaning::far(Cause::Reputation),
        (Some(Stage::Rcpt), 550 | 551 | 553) | (_, 552) => Meaning::far(Cause::Recipient),
        (Some(Stage::Mail | Stage::Data), 550..=554) => Meaning::untold(Cause::Policy),
        // A command that the server does not have, or not here.
        (_, 500 | 502 | 503) => Meaning::far(Cause::Transport),
        (_, 421 | 451 | 501 | 504) => Meaning::untold(Cause::Transport),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_leave_the_reason_open() {
        let enhanced = |code: &str| by_enhanced(code).map(|m| (m.cause, m.untold));
        assert_eq!(enhanced("5.7.1"), Some((Cause::Policy, true)));
        assert_eq!(enhanced("4.3.0"), Some((Cause::Transport, true)));
        assert_eq!(enhanced("5.5.4"), Some((Cause::Transport, true)));
        // No answer from the host, a command out of order, a sender's address, a user: these name theirs.
        assert_eq!(enhanced("4.4.1"), Some((Cause::Transport, false)));
        assert_eq!(enhanced("5.5.1"), Some((Cause::Transport, false)));
        assert_eq!(enhanced("5.1.8"), Some((Cause::Policy, false)));
        assert_eq!(enhanced("5.1.1"), Some((Cause::Recipient, false)));
        assert_eq!(enhanced("2.0.0"), None);
    }

    #[test]
    fn the_argument_of_ehlo_is_the_name() {
        let at = |code, stage| guess(code, stage).and_then(|m| m.identity);
        assert_eq!(at(501, Some(Stage::Ehlo)), Some(Identity::EhloBad));
        assert_eq!(at(550, Some(Stage::Ehlo)), Some(Identity::Unspecified));
        assert_eq!(at(502, Some(Stage::Ehlo)), None);
        assert_eq!(at(501, Some(Stage::Rcpt)), None);
    }
}
