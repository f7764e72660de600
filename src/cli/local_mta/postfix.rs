//! Postfix's `main.cf`: `smtp_helo_name`, which is `$myhostname` unless it is set (postconf(5)).

use std::collections::HashMap;

use super::Setting;

/// References followed one inside another.
const MAX_DEPTH: usize = 12;
/// The longest value that an expansion may make.
const MAX_VALUE: usize = 4096;

/// The name that the SMTP client says, and the setting that gives it; `host` is the machine's name.
pub(super) fn helo_name(main_cf: &str, host: &str) -> Setting {
    let mut settings = parse(main_cf);
    let set = |name: &str| settings.get(name).is_some_and(|v| !v.is_empty());
    let from = match (set("smtp_helo_name"), set("myhostname")) {
        (true, _) => "smtp_helo_name",
        (false, true) => "myhostname",
        (false, false) => "the host name, by default,",
    };
    for (name, default) in defaults(&settings, host) {
        settings.entry(name.into()).or_insert(default);
    }
    let value = expand("$smtp_helo_name", &settings, 0)?;
    match value.trim() {
        "" => Err("smtp_helo_name is empty".into()),
        name => Ok((name.to_owned(), from)),
    }
}

/// Whether a service in `master.cf` sets another name (`-o smtp_helo_name=`, `-o myhostname=`).
pub(super) fn is_overridden(master_cf: &str) -> bool {
    let live = master_cf.lines().filter(|l| !l.trim_start().starts_with('#'));
    live.flat_map(str::split_whitespace).any(|w| {
        let w = w.trim_start_matches(['-', 'o', '{']);
        w.starts_with("smtp_helo_name=") || w.starts_with("myhostname=")
    })
}

/// What Postfix takes where nothing is set: a host name without a dot gets the domain behind it.
fn defaults(settings: &HashMap<String, String>, host: &str) -> Vec<(&'static str, String)> {
    let domain = |name: &str| name.split_once('.').map(|(_, d)| d.to_owned()).filter(|d| !d.is_empty());
    let named = settings.get("myhostname").map_or(host, String::as_str);
    let mydomain = domain(named).unwrap_or_else(|| "localdomain".into());
    let myhostname = if host.contains('.') { host.to_owned() } else { format!("{host}.$mydomain") };
    vec![("smtp_helo_name", "$myhostname".into()), ("mydomain", mydomain), ("myhostname", myhostname)]
}

/// Logical lines: one that begins with white space goes on with the line before it; comments and blank
/// lines between do not end it. The last setting of a name counts.
fn parse(text: &str) -> HashMap<String, String> {
    let mut settings = HashMap::new();
    let mut logical = String::new();
    let mut keep = |line: &str| {
        if let Some((name, value)) = line.split_once('=') {
            settings.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    };
    for line in text.lines().filter(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#')) {
        if line.starts_with([' ', '\t']) {
            logical.push(' ');
            logical.push_str(line.trim());
        } else {
            keep(&logical);
            line.clone_into(&mut logical);
        }
    }
    keep(&logical);
    settings
}

/// `$name`, `${name}`, `$(name)`, and `$$` for a dollar sign; conditional forms are refused.
fn expand(value: &str, settings: &HashMap<String, String>, depth: usize) -> Result<String, String> {
    if depth > MAX_DEPTH {
        return Err("its references go round in a circle".into());
    }
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match (rest.strip_prefix('{'), rest.strip_prefix('(')) {
            (Some(inner), _) => inner.split_once('}').ok_or("a reference is not closed")?,
            (_, Some(inner)) => inner.split_once(')').ok_or("a reference is not closed")?,
            _ => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(format!("`{value}` is a conditional expansion, which only Postfix itself can do"));
        }
        let inner = settings.get(name).ok_or_else(|| format!("`${name}` is not set in main.cf"))?;
        out.push_str(&expand(inner, settings, depth + 1)?);
        if out.len() > MAX_VALUE {
            return Err("its value is too long".into());
        }
        rest = after;
    }
    Ok(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_postfix_would_say_them() {
        for (main_cf, name) in [
            ("", "relay.example.net"),
            ("# smtp_helo_name = no.example\n", "relay.example.net"),
            ("myhostname = mail.example.org", "mail.example.org"),
            ("myhostname=a.example\nmyhostname = b.example\n", "b.example"),
            ("smtp_helo_name = $myhostname\nmyhostname = m.example.org", "m.example.org"),
            ("smtp_helo_name = out.$mydomain\nmyhostname = m.example.org", "out.example.org"),
            ("smtp_helo_name = out.${mydomain}\nmydomain = example.com", "out.example.com"),
            ("smtp_helo_name = $(myhostname)", "relay.example.net"),
            ("smtp_helo_name =\n# between\n\n    out.example.org\n", "out.example.org"),
            ("smtp_helo_name = [203.0.113.10]", "[203.0.113.10]"),
            ("a = b\n  smtp_helo_name = no.example\n", "relay.example.net"),
            ("smtp_helo_name = out.example.org\r\n", "out.example.org"),
        ] {
            assert_eq!(helo_name(main_cf, "relay.example.net").map(|(n, _)| n), Ok(name.to_owned()), "{main_cf:?}");
        }
        let short = |main_cf: &str| helo_name(main_cf, "relay").map(|(n, _)| n);
        assert_eq!(short(""), Ok("relay.localdomain".into()));
        assert_eq!(short("mydomain = example.net"), Ok("relay.example.net".into()));
    }

    #[test]
    fn what_cannot_be_told_is_not_guessed() {
        let many = "a = $b$b$b$b$b$b$b$b\nb = $c$c$c$c$c$c$c$c\nc = $d$d$d$d$d$d$d$d\nd = $e$e$e$e$e$e$e$e\n\
                    e = xxxxxxxxxxxxxxxx\nsmtp_helo_name = $a";
        for (main_cf, why) in [
            ("smtp_helo_name = $smtp_helo_name", "circle"),
            ("smtp_helo_name = ${x?{a}:{b}}", "conditional"),
            ("smtp_helo_name = ${myhostname", "not closed"),
            ("smtp_helo_name = $nothing", "not set"),
            ("smtp_helo_name = $", "conditional"),
            ("smtp_helo_name =", "empty"),
            (many, "too long"),
        ] {
            let fault = helo_name(main_cf, "relay.example.net").unwrap_err();
            assert!(fault.contains(why), "{main_cf}: {fault}");
        }
    }

    #[test]
    fn overrides() {
        for (master, is) in [
            ("smtp unix - - y - - smtp\n -o smtp_helo_name=x.example", true),
            ("smtp unix - - y - - smtp\n -osmtp_helo_name=x.example", true),
            ("smtp unix - - y - - smtp\n# -o smtp_helo_name=x.example", false),
            ("smtp unix - - y - - smtp\n -o smtp_bind_address=192.0.2.1", false),
            ("", false),
        ] {
            assert_eq!(is_overridden(master), is, "{master}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text: String, shaped in "[a-z$=(){}#\\n \t?:]{0,80}") {
            let _ = helo_name(&text, "relay");
            let _ = helo_name(&format!("smtp_helo_name = {shaped}"), "relay");
        }
    }
}
