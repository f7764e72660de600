//! A delivery service's event, pasted as JSON.
//!
//! Input: text that is a JSON object, an array of them, or one a line. Output: what it tells in words, each
//! value in a paragraph of its own.
//! Design: a service writes the reply into one value (`response`, `reason`, `diagnostic`) with `\n` for its
//! lines. Keys, numbers and bare words (`ip`, `event`, `id`) are the service's own and say nothing of the refusal.

use serde_json::Value;

/// Octets of a text that is tried.
const MAX: usize = 256 << 10;

/// The words of an event; `None` where the text is no JSON.
pub(super) fn words(text: &[u8]) -> Option<String> {
    let text = text.trim_ascii();
    if text.len() > MAX || !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let values: Vec<Value> = serde_json::Deserializer::from_slice(text).into_iter().collect::<Result<_, _>>().ok()?;
    if !values.iter().all(|v| v.is_object() || v.as_array().is_some_and(|a| a.iter().all(Value::is_object))) {
        return None;
    }
    let mut out = String::new();
    for value in &values {
        tell(value, &mut out);
    }
    Some(out).filter(|o| !o.is_empty())
}

fn tell(value: &Value, out: &mut String) {
    match value {
        Value::String(s) if s.trim().contains(char::is_whitespace) => {
            out.push_str(s.trim());
            out.push_str("\n\n");
        }
        Value::Array(all) => all.iter().for_each(|v| tell(v, out)),
        Value::Object(all) => all.values().for_each(|v| tell(v, out)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_an_event() {
        let event = br#"{"email":"a@b.example","ip":"192.0.2.1","mta":{"response":"550-no\n550 PTR"},"try":"3"}"#;
        assert_eq!(words(event).as_deref(), Some("550-no\n550 PTR\n\n"));
        assert_eq!(words(br#"[{"a":"x y"},{"a":"z z"}]"#).as_deref(), Some("x y\n\nz z\n\n"));
        assert_eq!(words(b"{\"a\":\"x y\"}\n{\"a\":\"z z\"}").as_deref(), Some("x y\n\nz z\n\n"));
        for none in ["[192.0.2.1] no PTR", "{LED=no};{IP=x y}", "{\"a\":1}", "{", "", "[1, 2]"] {
            assert_eq!(words(none.as_bytes()), None, "{none}");
        }
    }
}
