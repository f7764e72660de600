//! The name that a message has in a relay's queue, from the reply that takes it over.
//!
//! No standard: each server has its form. Postfix `queued as ID`, Exim `id=ID`, Sendmail and OpenSMTPD
//! `ID Message accepted for delivery`.

/// The longest name kept.
const MAX: usize = 64;

/// The queue's name for a message, where the text tells one.
pub fn queue_id(text: &str) -> Option<String> {
    let behind = |mark: &str| {
        let at = text.to_ascii_lowercase().find(mark)?;
        text.get(at + mark.len()..)?.split_whitespace().next()
    };
    let before = || {
        let at = text.find(" Message accepted")?;
        text[..at].split_whitespace().last()
    };
    let found = behind("queued as ").or_else(|| behind("id=")).or_else(before)?;
    let id = found.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    (plain && (4..=MAX).contains(&id.len())).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        for (text, id) in [
            ("Ok: queued as 4Xyz1k2Vtqz3xfS", Some("4Xyz1k2Vtqz3xfS")),
            ("Ok: queued as 0A1B2C3D4E", Some("0A1B2C3D4E")),
            ("OK id=1tGQpk-0000yB-1C", Some("1tGQpk-0000yB-1C")),
            ("2.0.0 4B1CdEfG012345 Message accepted for delivery", Some("4B1CdEfG012345")),
            ("5ab1c2d3 Message accepted for delivery", Some("5ab1c2d3")),
            ("Ok", None),
            ("Message accepted", None),
            ("queued as ", None),
            ("queued as \u{1b}[31m;rm -rf", None),
            ("ſ queued as ABCDE", Some("ABCDE")),
        ] {
            assert_eq!(queue_id(text).as_deref(), id, "{text}");
        }
    }
}
