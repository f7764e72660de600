//! Names between wire labels and text (RFC 1035 §5.1): `\.` and `\DDD` escapes, so that a label may
//! hold any octet and still be asked for again.

use std::fmt::Write;

/// Labels as text, without a final dot; the root is `.`.
pub fn from_labels<'a>(labels: impl Iterator<Item = &'a [u8]>) -> String {
    let mut text = String::new();
    for label in labels {
        if !text.is_empty() {
            text.push('.');
        }
        for &octet in label {
            match octet {
                b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                    text.push('\\');
                    text.push(octet as char);
                }
                0x21..=0x7e => text.push(octet as char),
                _ => {
                    let _ = write!(text, "\\{octet:03}");
                }
            }
        }
    }
    if text.is_empty() { ".".into() } else { text }
}

/// Text as labels; `None` when it is not a name, as for [`to_wire`].
pub fn to_labels(text: &str) -> Option<Vec<Vec<u8>>> {
    let wire = to_wire(text)?;
    let (mut labels, mut rest) = (Vec::new(), wire.as_slice());
    while let Some((&length, behind)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, next) = behind.split_at_checked(usize::from(length))?;
        labels.push(label.to_vec());
        rest = next;
    }
    Some(labels)
}

/// Text as a name on the wire (RFC 1035 §3.1); `None` when it is not a name: an empty or over-long label, an
/// over-long name, a broken escape.
pub fn to_wire(text: &str) -> Option<Vec<u8>> {
    if text == "." {
        return Some(vec![0]);
    }
    let mut wire = Vec::with_capacity(text.len() + 2);
    // Where the label's length goes, once it is known.
    let mut at = 0;
    wire.push(0);
    let mut octets = text.strip_suffix('.').filter(|t| !t.ends_with('\\')).unwrap_or(text).bytes();
    while let Some(octet) = octets.next() {
        match octet {
            b'.' => {
                end_label(&mut wire, at)?;
                at = wire.len();
                wire.push(0);
            }
            b'\\' => {
                let first = octets.next()?;
                let literal = if first.is_ascii_digit() {
                    let digits = [first, octets.next()?, octets.next()?];
                    std::str::from_utf8(&digits).ok()?.parse().ok()?
                } else {
                    first
                };
                wire.push(literal);
            }
            _ => wire.push(octet),
        }
    }
    end_label(&mut wire, at)?;
    wire.push(0);
    (wire.len() <= 255).then_some(wire)
}

/// Writes the length of the last label to its place; `None` for a label that is empty or too long.
fn end_label(wire: &mut [u8], at: usize) -> Option<()> {
    let length = wire.len() - at - 1;
    if !(1..=63).contains(&length) {
        return None;
    }
    *wire.get_mut(at)? = u8::try_from(length).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> Option<String> {
        to_labels(text).map(|labels| from_labels(labels.iter().map(Vec::as_slice)))
    }

    #[test]
    fn text_to_labels_and_back() {
        for text in ["mail.example.net", "10.0/25.113.0.203.in-addr.arpa", "a\\.b.example", "x\\032y\\255.example", "."]
        {
            assert_eq!(round(text).as_deref(), Some(text));
        }
        assert_eq!(round("mail.example.net.").as_deref(), Some("mail.example.net"));
        assert_eq!(to_labels("a\\.b.c").unwrap(), [b"a.b".to_vec(), b"c".to_vec()]);
        for bad in ["", "a..b", ".a", "a\\", "a\\25", "a\\999", &"a".repeat(64), &["abcdefgh"; 32].join(".")] {
            assert_eq!(to_labels(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_labels_survive(labels in proptest::collection::vec(proptest::collection::vec(0u8..=255, 1..20), 1..8)) {
            let text = from_labels(labels.iter().map(Vec::as_slice));
            proptest::prop_assert!(text.bytes().all(|b| (0x21..=0x7e).contains(&b)));
            proptest::prop_assert_eq!(to_labels(&text), Some(labels));
        }
    }
}
