//! Exim's configuration: `helo_data` of an smtp transport, else `primary_hostname` (spec.txt §14 and §30).

use super::Setting;

/// Macros kept; a configuration has a few dozen.
const MAX_MACROS: usize = 512;
/// The longest value that macros may make.
const MAX_VALUE: usize = 4096;

#[derive(Default)]
struct Read {
    primary: Option<String>,
    /// Of the transport that is being read: driver and `helo_data`.
    driver: Option<String>,
    helo: Option<String>,
    /// Of the first smtp transport that sets it.
    found: Option<String>,
}

impl Read {
    fn end_of_transport(&mut self) {
        let helo = self.helo.take();
        if self.driver.take().as_deref() == Some("smtp") && self.found.is_none() {
            self.found = helo;
        }
    }
}

/// The name that Exim's smtp transports say, and the setting that gives it; `host` is the machine's name.
pub(super) fn helo_name(text: &str, host: &str) -> Setting {
    let read = parse(text);
    let primary = match &read.primary {
        Some(name) if name.contains('$') => Err(format!("primary_hostname is `{name}`, which only Exim can expand")),
        Some(name) => Ok((name.clone(), "primary_hostname")),
        None => Ok((host.to_owned(), "the host name, by default,")),
    };
    match read.found {
        None => primary,
        Some(helo) => {
            let own = ["${primary_hostname}", "$primary_hostname"];
            let named = own.iter().any(|o| helo.contains(o));
            let name = match (named, &primary) {
                (true, Ok((name, _))) => own.iter().fold(helo.clone(), |h, o| h.replace(o, name)),
                _ => helo.clone(),
            };
            if name.is_empty() || name.contains('$') {
                return Err(format!("helo_data is `{helo}`, which only Exim can expand"));
            }
            Ok((name, "helo_data"))
        }
    }
}

fn parse(text: &str) -> Read {
    let mut read = Read::default();
    let mut macros: Vec<(String, String)> = Vec::new();
    // What every open `.ifdef` says of the lines inside it.
    let mut live: Vec<bool> = Vec::new();
    let mut section = "main".to_owned();
    for line in logical(text) {
        let mut words = line.split_whitespace();
        let first = words.next().unwrap_or_default();
        let defined = |name: Option<&str>| name.is_some_and(|n| macros.iter().any(|(m, _)| n.contains(m.as_str())));
        match first {
            ".ifdef" => live.push(defined(words.next())),
            ".ifndef" => live.push(!defined(words.next())),
            ".else" | ".elifdef" | ".elifndef" => {
                if let Some(last) = live.last_mut() {
                    *last = !*last;
                }
            }
            ".endif" => drop(live.pop()),
            _ if live.contains(&false) => {}
            "begin" => {
                read.end_of_transport();
                words.next().unwrap_or_default().clone_into(&mut section);
            }
            _ => {
                let is_macro = first.starts_with(|c: char| c.is_ascii_uppercase());
                if is_macro && let Some((name, value)) = line.split_once('=') {
                    let (name, value) = (name.trim().to_owned(), value.trim_start_matches('=').trim());
                    macros.retain(|(m, _)| *m != name);
                    if macros.len() < MAX_MACROS {
                        macros.push((name, substituted(value, &macros)));
                    }
                } else {
                    setting(&mut read, &section, &substituted(&line, &macros));
                }
            }
        }
    }
    read.end_of_transport();
    read
}

fn setting(read: &mut Read, section: &str, line: &str) {
    let Some((name, value)) = line.split_once('=') else {
        if section == "transports" && line.trim_end().ends_with(':') {
            read.end_of_transport();
        }
        return;
    };
    let value = value.trim().trim_matches('"').to_owned();
    match (section, name.trim()) {
        ("main", "primary_hostname") => read.primary = Some(value).filter(|v| !v.is_empty()),
        ("transports", "driver") => read.driver = Some(value),
        ("transports", "helo_data") => read.helo = Some(value),
        _ => {}
    }
}

/// A macro's name is replaced wherever it stands, as Exim does.
fn substituted(text: &str, macros: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in macros {
        if text.contains(name.as_str()) && text.len() < MAX_VALUE {
            text = text.replace(name.as_str(), value);
        }
    }
    text
}

/// Lines with their continuations (`\` at the end), without comments and blank lines.
fn logical(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut held = String::new();
    for line in text.lines().map(str::trim).filter(|l| !l.starts_with('#')) {
        if let Some(part) = line.strip_suffix('\\') {
            held.push_str(part);
        } else {
            held.push_str(line);
            lines.push(std::mem::take(&mut held));
        }
    }
    lines.push(held);
    lines.retain(|l| !l.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_exim_would_say_them() {
        let transport = |helo: &str| {
            format!(
                "primary_hostname = mx.example.org\nbegin transports\nlocal:\n driver = appendfile\nremote_smtp:\n driver = smtp\n{helo}\nbegin retry\n"
            )
        };
        for (text, name) in [
            (String::new(), "relay.example.net"),
            ("primary_hostname = mx.example.org".into(), "mx.example.org"),
            ("# primary_hostname = no.example\nprimary_hostname = \\\n  mx.example.org".into(), "mx.example.org"),
            (transport(""), "mx.example.org"),
            (transport(" helo_data = out.example.org"), "out.example.org"),
            (transport(" helo_data = $primary_hostname"), "mx.example.org"),
            (transport(" helo_data = \"${primary_hostname}\""), "mx.example.org"),
            ("begin transports\nlmtp:\n driver = lmtp\n helo_data = no.example\n".into(), "relay.example.net"),
            (
                "NAME=mx.example.com\n.ifdef NAME\nprimary_hostname = NAME\n.else\nprimary_hostname = no.example\n.endif".into(),
                "mx.example.com",
            ),
            (".ifdef NAME\nprimary_hostname = NAME\n.endif\n".into(), "relay.example.net"),
            (".ifndef NAME\nNAME = m.example\n.endif\nprimary_hostname = NAME".into(), "m.example"),
            ("begin acl\n primary_hostname = no.example".into(), "relay.example.net"),
        ] {
            assert_eq!(helo_name(&text, "relay.example.net").map(|(n, _)| n), Ok(name.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        let helo = "begin transports\nr:\n driver = smtp\n helo_data = ${lookup{$x}lsearch{/etc/helo}}";
        assert!(helo_name(helo, "r.example").unwrap_err().contains("helo_data"));
        assert!(helo_name("primary_hostname = ${env{X}}", "r.example").unwrap_err().contains("primary_hostname"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text: String, shaped in "[A-C.=:a-d\\\\\n ]{0,200}") {
            let _ = helo_name(&text, "relay");
            let _ = helo_name(&shaped, "relay");
        }
    }
}
