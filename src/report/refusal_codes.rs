//! Which findings a refusal may stand for, and where its words leave more than one reading open.
//!
//! Input: a refusal as [`crate::bounce`] has read it. Standard: RFC 7372 (codes of authentication and reverse lookup),
//! RFC 5321 §4.2.3 (501 is an error of syntax).

use crate::bounce::{Basis, Bounce, Cause, Identity};
use crate::judge::Code;
use crate::name::EhloName;

/// Words that say less than they seem to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// A rule of the receiver, which calls the client `unknown`: Postfix's word where no PTR leads back.
    CalledUnknown,
    /// 4.7.23 alone: a failed SPF check (RFC 7372 §3.2), and Gmail's code for PTR trouble that may pass.
    SharedCode,
}

/// Whether two readings are open.
pub(super) fn doubt(bounce: &Bounce) -> Option<Doubt> {
    let reply = bounce.reply.as_ref()?;
    let by_code = bounce.matched.as_ref().is_some_and(|m| m.basis == Basis::Code && m.what == "4.7.23");
    if bounce.cause == Cause::Authentication && by_code {
        return Some(Doubt::SharedCode);
    }
    let ruled = matches!(bounce.cause, Cause::Policy | Cause::Unknown);
    (ruled && reply.text.contains("unknown[")).then_some(Doubt::CalledUnknown)
}

/// The findings that a refusal may stand for, the likeliest first; none where it is not about the identity.
pub fn codes_of(bounce: &Bounce) -> Vec<Code> {
    if doubt(bounce).is_some() {
        return vec![Code::PtrMissing, Code::PtrUnconfirmed];
    }
    if bounce.cause != Cause::SenderIdentity {
        return Vec::new();
    }
    let code = bounce.reply.as_ref().and_then(|r| r.code);
    let mut found: Vec<Code> = Vec::new();
    for identity in bounce.identity.iter().chain(&bounce.possible) {
        let codes: Vec<Code> = match identity {
            Identity::PtrMissing => vec![Code::PtrMissing],
            Identity::PtrUnconfirmed => vec![Code::PtrUnconfirmed],
            Identity::PtrGeneric => vec![Code::PtrGeneric],
            Identity::EhloBad => ehlo_codes(bounce, code),
            Identity::Unspecified => vec![Code::PtrMissing, Code::PtrUnconfirmed, Code::EhloUnresolvable],
        };
        found.extend(codes.iter().filter(|c| !found.contains(c)).copied().collect::<Vec<_>>());
    }
    // A receiver whose own lookup fails answers with the same words and 4xx.
    if is_temporary(code) && found.contains(&Code::PtrMissing) {
        found.push(Code::PtrLookupFailed);
    }
    found
}

fn is_temporary(code: Option<u16>) -> bool {
    matches!(code, Some(400..=499))
}

/// What is wrong with an EHLO name: its shape where that can be seen, else what the words and the code say.
fn ehlo_codes(bounce: &Bounce, code: Option<u16>) -> Vec<Code> {
    let shape = bounce.ehlo.as_deref().map(|name| EhloName::read(name).flaws(name));
    let flaws: Vec<Code> = shape.iter().flatten().map(|flaw| Code::from(*flaw)).collect();
    let words = bounce.reply.as_ref().map(|r| r.text.to_ascii_lowercase()).unwrap_or_default();
    // Postfix looks the name up and found neither an address nor an MX.
    let not_found = ["host not found", "malformed dns server reply", "does not resolve", "unresolvable", "not resolve"];
    if not_found.iter().any(|w| words.contains(w)) {
        let mut found = vec![Code::EhloUnresolvable];
        found.extend(is_temporary(code).then_some(Code::EhloLookupFailed));
        // A name without a dot is none that a DNS knows: that is why it was not found.
        found.splice(0..0, flaws);
        return found;
    }
    if !flaws.is_empty() {
        return flaws;
    }
    match code {
        Some(504) => vec![Code::EhloNotFqdn, Code::EhloLocalhost, Code::EhloBareAddress],
        Some(501) => {
            vec![Code::EhloInvalid, Code::EhloNotHostname, Code::EhloNotAscii, Code::EhloLiteralSyntax]
        }
        // The name's shape is right, so it is what the DNS says of it.
        _ if shape.is_some() => vec![Code::EhloUnresolvable, Code::EhloAddressDiffers],
        _ => vec![Code::EhloUnresolvable, Code::EhloAddressDiffers, Code::EhloNotFqdn, Code::EhloLocalhost],
    }
}
