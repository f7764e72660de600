//! OpenSMTPD's `smtpd.conf`: `helo` of a relay action, else the mail name, else the host name (smtpd.conf(5)).

use super::Setting;

/// The name that its relay actions say, and the setting that gives it; `mailname` is that file's text.
///
/// Nothing is claimed where another file is included, nor where two relay actions say two names; one without `helo`
/// says the mail name.
pub(super) fn helo_name(text: &str, mailname: Option<&str>, host: &str) -> Setting {
    let mailname = mailname.and_then(|m| m.lines().next()).map(str::trim).filter(|m| !m.is_empty());
    let default = mailname.map_or((host, "the host name, by default,"), |name| (name, "the mail name"));
    let mut said: Vec<(String, &'static str)> = Vec::new();
    for words in text.replace("\\\n", " ").lines().map(words) {
        if let [include, file, ..] = words.as_slice()
            && include == "include"
        {
            return Err(format!("it includes {file}, which may set another name"));
        }
        let relays = words.first().is_some_and(|w| w == "action") && words.iter().any(|w| w == "relay");
        if !relays {
            continue;
        }
        if words.iter().any(|w| w == "helo-src") {
            return Err("helo-src takes the name from a table, by source address".into());
        }
        let own = words.windows(2).find(|pair| pair[0] == "helo").map(|pair| (pair[1].clone(), "helo"));
        let name = own.unwrap_or_else(|| (default.0.to_owned(), default.1));
        if !said.iter().any(|(known, _)| *known == name.0) {
            said.push(name);
        }
    }
    match said.as_slice() {
        [(name, "helo")] if name.starts_with(['$', '<']) => Err(format!("helo is `{name}`, defined elsewhere")),
        [(name, what)] => Ok((name.clone(), what)),
        [] => Ok((default.0.to_owned(), default.1)),
        _ => {
            let all: Vec<&str> = said.iter().map(|(name, _)| name.as_str()).collect();
            Err(format!("its relay actions say different names: {}", all.join(", ")))
        }
    }
}

/// The words of a line, quotes taken off, up to a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with('#') {
        let (word, after) = match rest.strip_prefix('"') {
            Some(inner) => inner.split_once('"').unwrap_or((inner, "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_opensmtpd_would_say_them() {
        for (text, mailname, name) in [
            ("", None, Ok("relay.example.net")),
            ("", Some("mx.example.org\n"), Ok("mx.example.org")),
            ("action \"out\" relay helo \"out.example.org\"", Some("mx.example.org"), Ok("out.example.org")),
            ("action out relay helo out.example.org # helo no.example", None, Ok("out.example.org")),
            ("action out \\\n relay helo out.example.org", None, Ok("out.example.org")),
            ("# action out relay helo no.example", None, Ok("relay.example.net")),
            ("action in maildir\nlisten on lo hostname no.example", None, Ok("relay.example.net")),
            ("action a relay helo a.example\naction b relay helo b.example", None, Err("different names")),
            ("action a relay helo a.example\naction b relay", Some("m.example"), Err("a.example, m.example")),
            ("action a relay helo m.example\naction b relay", Some("m.example"), Ok("m.example")),
            ("include \"/etc/mail/more.conf\"\naction a relay helo a.example", None, Err("/etc/mail/more.conf")),
            ("action a relay helo-src <names>", None, Err("helo-src")),
            ("action a relay helo $name", None, Err("defined elsewhere")),
            ("action a relay helo", None, Ok("relay.example.net")),
            ("action \"a relay helo \"x", None, Ok("relay.example.net")),
        ] {
            match (helo_name(text, mailname, "relay.example.net"), name) {
                (Ok((got, _)), Ok(want)) => assert_eq!(got, want, "{text}"),
                (Err(got), Err(want)) => assert!(got.contains(want), "{text}: {got}"),
                (got, want) => panic!("{text}: {got:?}, not {want:?}"),
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_a_panic(text: String) {
            let _ = helo_name(&text, Some(&text), "relay");
        }
    }
}
