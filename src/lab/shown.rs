//! A named field of a check or of its evidence, and whether it holds a text.
//!
//! Input: a path of field names with dots between them, in the check's JSON, or in the evidence's behind
//! `evidence.`. An element of a list is named by its number, or by its `code` or `type`.
//! Output: text holds when it stands in the field's string, in one string of the field's list, or is the
//! field's number or truth value.

use serde_json::Value;

/// Whether the field at `path` holds `text`; where not, what it holds instead.
pub(super) fn holds(whole: &Value, path: &str, text: &str) -> Result<(), String> {
    let field = path.split('.').try_fold(whole, step);
    let Some(field) = field else { return Err(format!("there is no field {path}")) };
    let held = match field {
        Value::String(is) => is.contains(text),
        Value::Array(all) => all.iter().any(|v| v.as_str().is_some_and(|is| is.contains(text))),
        Value::Number(is) => is.to_string() == text,
        Value::Bool(is) => is.to_string() == text,
        Value::Object(_) | Value::Null => false,
    };
    if held { Ok(()) } else { Err(format!("{path} is {field}, without {text}")) }
}

fn step<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Array(all) = value else { return value.get(name) };
    let named = |v: &&Value| ["code", "type"].iter().any(|key| v.get(key).and_then(Value::as_str) == Some(name));
    name.parse::<usize>().ok().map_or_else(|| all.iter().find(named), |place| all.get(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_field_named_counts() {
        let whole = serde_json::json!({
            "dns": {"ptr": {"status": "servfail", "chain": ["a.example", "b.example"], "ttl": null}},
            "findings": [{"code": "one", "detail": "first"}, {"code": "two", "detail": "second"}],
            "smtp": {"banner": {"code": 554}, "open": false}
        });
        for (path, text) in [
            ("dns.ptr.status", "servfail"),
            ("dns.ptr.chain", "b.exam"),
            ("dns.ptr.chain.0", "a.example"),
            ("findings.two.detail", "second"),
            ("smtp.banner.code", "554"),
            ("smtp.open", "false"),
        ] {
            assert_eq!(holds(&whole, path, text), Ok(()));
        }
        for (path, text) in [
            ("dns.ptr.status", "timeout"),
            ("dns.ptr.ttl", "null"),
            ("dns.ptr", "servfail"),
            ("dns.ptr.chain.2", "a"),
            ("findings.three.detail", ""),
            ("findings.one.detail", "second"),
            ("smtp.banner.code", "55"),
        ] {
            assert!(holds(&whole, path, text).is_err(), "{path} {text}");
        }
    }
}
