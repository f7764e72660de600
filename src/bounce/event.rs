//! Delivery services' events, as JSON.
//!
//! Input: text that is a JSON object, an array of them, or one a line: a pasted event, a webhook's body, a log.
//! Output: what each event tells in words, each value in a paragraph of its own.
//! Design: a service writes the reply into one value (`response`, `reason`, `diagnostic`) with `\n` for its
//! lines. Keys, numbers and bare words (`ip`, `event`, `id`) are the service's own and say nothing of the refusal.
//! One object is held at a time.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde_json::Value;

/// The events of a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Events {
    /// The words of each event that has any, with its number in the text from 1 on.
    pub words: Vec<(usize, String)>,
    /// Where the text is no JSON any more, in octets; what stands before it was read.
    pub broken: Option<usize>,
    met: usize,
}

impl Events {
    /// Keeps an event's words, where it has any.
    fn take(&mut self, event: &Value) {
        self.met += 1;
        let mut words = String::new();
        gather(event, &mut words);
        if !words.is_empty() {
            self.words.push((self.met, words));
        }
    }
}

/// `None` where the text is no JSON, or no objects.
pub(super) fn events(text: &[u8]) -> Option<Events> {
    let lead = text.len() - text.trim_ascii_start().len();
    let text = &text[lead..];
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut events = Events::default();
    let mut from = 0;
    while let Some(step) = text[from..].iter().position(|b| !b.is_ascii_whitespace()) {
        let begin = from + step;
        // `StreamDeserializer` would hold a whole array.
        let mut json = serde_json::Deserializer::from_slice(&text[begin..]).into_iter::<Value>();
        let taken = if text[begin] == b'[' {
            let mut array = serde_json::Deserializer::from_slice(&text[begin..]);
            match Each(&mut events).deserialize(&mut array) {
                // An array is the whole of its file.
                Ok(()) => text.len() - begin,
                Err(e) => {
                    events.broken = Some(lead + begin + place(&text[begin..], e.line(), e.column()));
                    break;
                }
            }
        } else {
            match json.next() {
                Some(Ok(value)) if value.is_object() => {
                    events.take(&value);
                    json.byte_offset()
                }
                _ => {
                    events.broken = Some(lead + begin);
                    break;
                }
            }
        };
        from = begin + taken;
    }
    (events.met > 0).then_some(events)
}

/// Where a line and a column of it stand, in octets.
fn place(text: &[u8], line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive(|b| *b == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (before + column).min(text.len())
}

/// An array's objects, one after the other.
struct Each<'a>(&'a mut Events);

impl<'de> DeserializeSeed<'de> for Each<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Each<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        while let Some(event) = array.next_element::<serde_json::Map<String, Value>>()? {
            self.0.take(&Value::Object(event));
        }
        Ok(())
    }
}

fn gather(value: &Value, out: &mut String) {
    match value {
        Value::String(s) if s.trim().contains(char::is_whitespace) => {
            // As in a report's Diagnostic-Code (RFC 3464 §2.3.6).
            let words = s.trim();
            out.push_str(words.strip_prefix("smtp;").map_or(words, str::trim_start));
            out.push_str("\n\n");
        }
        Value::Array(all) => all.iter().for_each(|v| gather(v, out)),
        // What the message was about is the sender's word, not the receiver's.
        Value::Object(all) => {
            all.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("subject")).for_each(|(_, v)| gather(v, out));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[u8]) -> Option<Vec<String>> {
        events(text).map(|e| e.words.into_iter().map(|(_, words)| words).collect())
    }

    #[test]
    fn the_words_of_each_event() {
        let event = br#"{"email":"a@b.example","ip":"192.0.2.1","mta":{"response":"550-no\n550 PTR"},"try":"3"}"#;
        assert_eq!(words(event).unwrap(), ["550-no\n550 PTR\n\n"]);
        assert_eq!(words(br#"[{"a":"x y"},{"a":"z"},{"a":"z z"}]"#).unwrap(), ["x y\n\n", "z z\n\n"]);
        assert_eq!(words(b" {\"a\":\"x y\"}\n\n{\"a\":\"z z\"}\n").unwrap(), ["x y\n\n", "z z\n\n"]);
        assert_eq!(words(b"{\"a\":1}").unwrap(), [""; 0]);
        let event = br#"{"Details":"smtp; 550 5.1.1 no such user","Subject":"Your PTR is missing"}"#;
        assert_eq!(words(event).unwrap(), ["550 5.1.1 no such user\n\n"]);
        for none in ["[192.0.2.1] no PTR", "{LED=no};{IP=x y}", "{", "", "[1, 2]", "[]"] {
            assert_eq!(words(none.as_bytes()), None, "{none}");
        }
    }

    #[test]
    fn an_event_without_words_is_counted() {
        let events = events(b"{\"a\":1}\n{\"a\":\"x y\"}").unwrap();
        assert_eq!(events.words, [(2, "x y\n\n".to_owned())]);
    }

    #[test]
    fn what_stands_before_a_fault_is_read() {
        let lines = events(b"{\"a\":\"x y\"}\n{\"a\":\"z").unwrap();
        assert_eq!((lines.words.len(), lines.broken), (1, Some(12)));
        let array = events(b"[\n{\"a\":\"x y\"},\n{\"a\":\"z").unwrap();
        assert_eq!(array.words.len(), 1);
        assert!(array.broken.is_some_and(|at| (15..=23).contains(&at)), "{:?}", array.broken);
        assert_eq!(events(b"{\"a\":\"x y\"}").unwrap().broken, None);
    }
}
