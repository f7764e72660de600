//! Exim's configuration: `helo_data` of an smtp transport, else `primary_hostname` (spec.txt §14 and §30).

use super::Setting;

/// Macros kept; a configuration has a few dozen.
const MAX_MACROS: usize = 512;
/// The longest value that macros may make.
const MAX_VALUE: usize = 4096;

/// What one `.ifdef` and its branches have come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Branch {
    /// The lines count.
    Taken,
    /// They do not, and a later branch may.
    Waiting,
    /// They do not, and neither does a later branch.
    Over,
    /// Whether they count is known to Exim alone: it hangs on how it was built.
    Unknown,
}

#[derive(Default)]
struct Read {
    primary: Option<String>,
    /// Of the transport that is being read: driver, `protocol` and `helo_data`.
    driver: Option<String>,
    protocol: Option<String>,
    helo: Option<String>,
    /// Of every smtp transport, what it sets.
    transports: Vec<Option<String>>,
    /// Why what was read may not be all.
    unsure: Option<String>,
}

impl Read {
    fn end_of_transport(&mut self) {
        let (helo, protocol) = (self.helo.take(), self.protocol.take());
        // What speaks LMTP hands over to a mailbox, not to another host.
        if self.driver.take().as_deref() == Some("smtp") && protocol.as_deref() != Some("lmtp") {
            self.transports.push(helo);
        }
    }

    fn unsure(&mut self, why: impl FnOnce() -> String) {
        self.unsure.get_or_insert_with(why);
    }
}

/// The name that Exim's smtp transports say, and the setting that gives it; `host` is the machine's name.
///
/// Nothing is claimed where a file that is included, or a macro that Exim's build defines, may set another, nor where
/// two transports say two names.
pub(super) fn helo_name(text: &str, host: &str) -> Setting {
    let read = parse(text);
    if let Some(why) = read.unsure {
        return Err(why);
    }
    let primary = match &read.primary {
        Some(name) if name.contains('$') => Err(format!("primary_hostname is `{name}`, which only Exim can expand")),
        Some(name) => Ok((name.clone(), "primary_hostname")),
        None => Ok((host.to_owned(), "the host name, by default,")),
    };
    let mut said: Vec<Setting> = Vec::new();
    for helo in &read.transports {
        let name = helo.as_deref().map_or_else(|| primary.clone(), |helo| expanded(helo, &primary));
        if !said.iter().any(|s| names(s) == names(&name)) {
            said.push(name);
        }
    }
    match said.len() {
        0 => primary,
        1 => said.swap_remove(0),
        _ => {
            let all: Vec<&str> =
                said.iter().map(|s| s.as_ref().map_or("one that only Exim can expand", |n| &n.0)).collect();
            Err(format!("its smtp transports say different names: {}", all.join(", ")))
        }
    }
}

fn names(setting: &Setting) -> Result<&str, &str> {
    setting.as_ref().map(|(name, _)| name.as_str()).map_err(String::as_str)
}

/// `helo_data` with the one variable in it that the file itself defines.
fn expanded(helo: &str, primary: &Setting) -> Setting {
    let own = ["${primary_hostname}", "$primary_hostname"];
    let name = match primary {
        Ok((name, _)) => own.iter().fold(helo.to_owned(), |h, o| h.replace(o, name)),
        Err(_) => helo.to_owned(),
    };
    if name.is_empty() || name.contains('$') {
        return Err(format!("helo_data is `{helo}`, which only Exim can expand"));
    }
    Ok((name, "helo_data"))
}

/// Whether a condition holds (spec.txt §6.9): whether any macro's name stands anywhere in the rest of the line.
/// `None` where only macros of Exim's build, which begin with `_`, could be meant.
fn condition(rest: &str, macros: &[(String, String)]) -> Option<bool> {
    let known = macros.iter().any(|(name, _)| rest.contains(name.as_str()));
    let built_in = rest.split_whitespace().any(|word| word.starts_with('_'));
    if known { Some(true) } else { (!built_in).then_some(false) }
}

fn begun(holds: Option<bool>) -> Branch {
    match holds {
        Some(true) => Branch::Taken,
        Some(false) => Branch::Waiting,
        None => Branch::Unknown,
    }
}

/// The next branch of an `.ifdef`.
fn next(last: Branch, holds: Option<bool>) -> Branch {
    match last {
        Branch::Taken | Branch::Over => Branch::Over,
        Branch::Waiting => begun(holds),
        // An earlier branch may have been the one.
        Branch::Unknown => Branch::Unknown,
    }
}

fn parse(text: &str) -> Read {
    let mut read = Read::default();
    let mut macros: Vec<(String, String)> = Vec::new();
    // Macros that are defined under an unknown condition.
    let mut doubtful: Vec<String> = Vec::new();
    let mut branches: Vec<Branch> = Vec::new();
    let mut section = "main".to_owned();
    for line in logical(text) {
        let (first, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let holds = condition(rest, &macros);
        let dead = branches.iter().any(|b| matches!(b, Branch::Waiting | Branch::Over));
        match first {
            ".ifdef" | ".ifndef" if dead => branches.push(Branch::Over),
            ".ifdef" => branches.push(begun(holds)),
            ".ifndef" => branches.push(begun(holds.map(|h| !h))),
            ".elifdef" | ".elifndef" | ".else" => {
                let holds = match first {
                    ".elifdef" => holds,
                    ".elifndef" => holds.map(|h| !h),
                    _ => Some(true),
                };
                if let Some(last) = branches.last_mut() {
                    *last = next(*last, holds);
                }
            }
            ".endif" => drop(branches.pop()),
            _ if dead => {}
            ".include" | ".include_if_exists" => {
                read.unsure(|| format!("it includes {}, which may set another name", rest.trim()));
            }
            "begin" => {
                read.end_of_transport();
                rest.trim().clone_into(&mut section);
            }
            _ => {
                let open = branches.contains(&Branch::Unknown);
                let is_macro = first.starts_with(|c: char| c.is_ascii_uppercase());
                if is_macro && let Some((name, value)) = line.split_once('=') {
                    let (name, value) = (name.trim().to_owned(), value.trim_start_matches('=').trim());
                    if open && doubtful.len() < MAX_MACROS {
                        doubtful.push(name.clone());
                    }
                    macros.retain(|(m, _)| *m != name);
                    if macros.len() < MAX_MACROS {
                        macros.push((name, substituted(value, &macros)));
                    }
                } else if setting(&mut read, &section, &substituted(&line, &macros))
                    && (open || doubtful.iter().any(|name| line.contains(name.as_str())))
                {
                    read.unsure(|| "the name is set under a condition that hangs on how Exim was built".into());
                }
            }
        }
    }
    read.end_of_transport();
    read
}

/// Takes a line; whether it set something that the name hangs on.
fn setting(read: &mut Read, section: &str, line: &str) -> bool {
    let Some((name, value)) = line.split_once('=') else {
        if section == "transports" && line.trim_end().ends_with(':') {
            read.end_of_transport();
        }
        return false;
    };
    let value = value.trim().trim_matches('"').to_owned();
    match (section, name.trim()) {
        ("main", "primary_hostname") => read.primary = Some(value).filter(|v| !v.is_empty()),
        ("transports", "driver") => {
            read.driver = Some(value);
            return false;
        }
        ("transports", "protocol") => {
            read.protocol = Some(value);
            return false;
        }
        ("transports", "helo_data") => read.helo = Some(value),
        _ => return false,
    }
    true
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
            // The first branch that holds is the only one, however many follow it.
            (
                "A=1\n.ifdef A\nprimary_hostname = a.example\n.elifdef B\nprimary_hostname = b.example\n.else\n\
                 primary_hostname = c.example\n.endif".into(),
                "a.example",
            ),
            (
                "B=1\n.ifdef A\nprimary_hostname = a.example\n.elifdef B\nprimary_hostname = b.example\n.else\n\
                 primary_hostname = c.example\n.endif".into(),
                "b.example",
            ),
            (
                ".ifdef A\nprimary_hostname = a.example\n.elifdef B\nprimary_hostname = b.example\n.else\n\
                 primary_hostname = c.example\n.endif".into(),
                "c.example",
            ),
            (
                "B=1\n.ifdef A\n.elifndef B\nprimary_hostname = a.example\n.elifdef B\n\
                 primary_hostname = b.example\n.else\nprimary_hostname = c.example\n.endif".into(),
                "b.example",
            ),
            // Within a branch that is not taken no other is looked at.
            (
                ".ifdef A\n.ifdef B\n.else\nprimary_hostname = a.example\n.endif\n.endif".into(),
                "relay.example.net",
            ),
            ("MINE=1\n.ifdef OTHER MINE\nprimary_hostname = mx.example\n.endif".into(), "mx.example"),
            (".ifdef _HAVE_TLS\ntls_certificate = x\n.endif".into(), "relay.example.net"),
            (
                "begin transports\na:\n driver = smtp\n helo_data = o.example\nb:\n driver = smtp\n helo_data = o.example\n\
                 c:\n driver = smtp\n protocol = lmtp".into(),
                "o.example",
            ),
        ] {
            assert_eq!(helo_name(&text, "relay.example.net").map(|(n, _)| n), Ok(name.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        let helo = "begin transports\nr:\n driver = smtp\n helo_data = ${lookup{$x}lsearch{/etc/helo}}";
        assert!(helo_name(helo, "r.example").unwrap_err().contains("helo_data"));
        for (text, words) in [
            (
                "begin transports\na:\n driver = smtp\n helo_data = a.example\nb:\n driver = smtp\n helo_data = b.example",
                "a.example, b.example",
            ),
            (
                "begin transports\na:\n driver = smtp\n helo_data = a.example\nb:\n driver = smtp",
                "a.example, r.example",
            ),
            (".include /etc/exim4/local\nprimary_hostname = a.example", "/etc/exim4/local"),
            (".include_if_exists /etc/exim4/local", "/etc/exim4/local"),
            (".ifdef _HAVE_DKIM\nprimary_hostname = a.example\n.else\nprimary_hostname = b.example\n.endif", "built"),
        ] {
            let why = helo_name(text, "r.example").unwrap_err();
            assert!(why.contains(words), "{text}: {why}");
        }
        let dead = ".ifdef NONE\n.include /etc/exim4/local\n.endif";
        assert_eq!(helo_name(dead, "r.example").map(|(n, _)| n).as_deref(), Ok("r.example"));
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
