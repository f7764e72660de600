//! A message's header: its fields by name, folding undone.
//!
//! Standard: RFC 5322 §2.2 (fields and folding). Read generously: lines that are no field are passed over.

/// Octets of one header looked at.
pub(super) const MAX_HEADER: usize = 256 << 10;

/// A header: lower-case names and unfolded bodies in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Header(Vec<(String, String)>);

impl Header {
    /// Reads lines up to the first empty one. Octets that are not UTF-8 are replaced.
    pub(super) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_HEADER)]);
        Self::of_lines(text.lines())
    }

    pub(super) fn of_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Self {
        let mut fields: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.trim().is_empty() {
                if fields.is_empty() {
                    continue;
                }
                break;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((_, body)) = fields.last_mut() {
                    body.push(' ');
                    body.push_str(line.trim());
                }
            } else if let Some((name, body)) = field(line) {
                fields.push((name.to_ascii_lowercase(), body.trim().to_owned()));
            }
        }
        Self(fields)
    }

    /// The first field of this lower-case name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, b)| b.as_str())
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, b)| b.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A line as a header field: a name of printable characters, a colon.
pub(super) fn field(line: &str) -> Option<(&str, &str)> {
    let (name, body) = line.split_once(':')?;
    let name = name.trim_end();
    let good =
        !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    good.then_some((name, body))
}
