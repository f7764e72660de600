//! Lines and machines known by a number alone: a customer's number, a modem's, a rented machine's.
//!
//! Input: the labels before the organisation's domain, in lower case, and which words stand for a customer's line or for
//! a machine, and whether the domain is of somebody who lets machines. Output: the form's word and the part of the name that shows it. No address is needed.
//! Design: a host that somebody named has a short number (`web12`, `node3`); these are longer than anybody counts.

/// Digits behind a word for a customer's line: `cliente-82150`.
const CUSTOMER: usize = 4;
/// Digits behind a word for a machine: `vps-12345`.
const MACHINE: usize = 5;
/// Digits that need no known word, where they and a few letters are all of the host's name: `pcd447694`.
const ALONE: usize = 6;
/// Letters that such a number may have before it, with a hyphen between or none.
const LETTERS: usize = 6;
/// Digits that need no letter, in the domain of somebody who lets machines: `4711.`
const LET: usize = 4;
/// Hexadecimal digits of an identifier with a word or a letter before it, and of one by itself.
const HEX: (usize, usize) = (7, 12);

type Found = Option<(&'static str, String)>;

/// Which words stand for what.
pub(super) struct Meaning<L, U, M> {
    /// Whether a word stands for a customer's line.
    pub is_line: L,
    /// Whether a label of that word has customers' lines under it.
    pub is_under: U,
    /// Whether a word stands for a machine.
    pub is_machine: M,
    /// Whether the domain is of somebody who lets machines.
    pub lets: bool,
}

/// The number, where there is one.
pub(super) fn number<L, U, M>(host: &str, meaning: &Meaning<L, U, M>) -> Found
where
    L: Fn(&str) -> bool,
    U: Fn(&str) -> bool,
    M: Fn(&str) -> bool,
{
    let Meaning { is_line, is_under, is_machine, lets } = meaning;
    let (first, rest) = host.split_once('.').unwrap_or((host, ""));
    alone(first, rest, *lets)
        .or_else(|| behind_word(host, is_line, CUSTOMER))
        .or_else(|| behind_word(host, is_machine, MACHINE))
        .or_else(|| under_word(host, is_under, is_machine))
        .or_else(|| identifier(first, rest, *lets, &|word| is_under(word) || is_machine(word)))
}

/// A number with a few letters before it or none.
fn alone(first: &str, rest: &str, lets: bool) -> Found {
    let letters = first.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = first[letters..].strip_prefix('-').unwrap_or(&first[letters..]);
    let least = match (lets, letters) {
        (true, 0) => LET,
        (true, _) => MACHINE,
        // Nobody calls a host by six digits and nothing else, wherever it stands.
        (false, 0) => ALONE,
        (false, _) if rest.is_empty() => ALONE,
        (false, _) => return None,
    };
    let counted = letters <= LETTERS && digits.len() >= least && digits.bytes().all(|b| b.is_ascii_digit());
    (counted && !is_named_by_number(digits)).then(|| ("number", first.to_owned()))
}

/// Numbers that hosts with a job have: padded with zeros (an account at a hosting company, `w0123456`), or the year or
/// the day in which somebody set them up.
fn is_named_by_number(digits: &str) -> bool {
    let years = "1980".."2100";
    if digits.starts_with('0') || digits.len() == 4 && years.contains(&digits) {
        return true;
    }
    let (Some(year), Some(month), Some(day), 8) = (digits.get(..4), digits.get(4..6), digits.get(6..), digits.len())
    else {
        return false;
    };
    years.contains(&year) && ("01"..="12").contains(&month) && ("01"..="31").contains(&day)
}

/// A word with its number right behind it, or a hexadecimal identifier.
fn behind_word(host: &str, is_word: &impl Fn(&str) -> bool, least: usize) -> Found {
    host.split('.').find_map(|label| {
        let starts = std::iter::once(0).chain(label.match_indices(['-', '_']).map(|(at, _)| at + 1));
        starts.into_iter().find_map(|start| {
            let part = &label[start..];
            let word = part.split(|c: char| !c.is_ascii_alphabetic()).next().filter(|word| is_word(word))?;
            let behind = part[word.len()..].strip_prefix(['-', '_']);
            let text = behind.unwrap_or(&part[word.len()..]);
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let ends = text.as_bytes().get(digits).is_none_or(|b| !b.is_ascii_alphanumeric());
            let hex = behind.is_some_and(|id| is_hex_identifier(id, HEX.0));
            (digits >= least && ends || hex).then(|| ("word-and-number", label.to_owned()))
        })
    })
}

/// A label of numbers under a label that is a word for customers (`cst2-176-4.cust`), or a number under a machine's
/// (`337978.vps`).
fn under_word(host: &str, is_line: &impl Fn(&str) -> bool, is_machine: &impl Fn(&str) -> bool) -> Found {
    let labels: Vec<&str> = host.split('.').collect();
    labels.windows(2).find_map(|pair| {
        let [label, word] = pair else { return None };
        let runs: Vec<&str> = label.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
        let long = runs.iter().any(|run| run.len() >= CUSTOMER);
        let line = is_line(word) && (runs.len() >= 2 || long);
        let bare = label.len() >= CUSTOMER && label.bytes().all(|b| b.is_ascii_digit()) && !is_named_by_number(label);
        (line || is_machine(word) && bare).then(|| ("number-and-word", format!("{label}.{word}")))
    })
}

/// What a program made: an identifier in hexadecimal digits (`m9b11517`, a UUID), a number and an identifier
/// (`118725-xoxc2`), or, under a label that says so or where machines are let, numbers in a row of which one is long (`ik1-154-62236.vs`).
fn identifier(first: &str, rest: &str, lets: bool, is_word: &impl Fn(&str) -> bool) -> Found {
    let found = || Some(("identifier", first.to_owned()));
    let parts: Vec<&str> = first.split('-').collect();
    if parts.iter().any(|part| is_hex_identifier(part, HEX.1)) {
        return found();
    }
    // What stands behind it is nothing, or says whose it is.
    let under = rest.split('.').next().is_some_and(is_word);
    let placed = rest.is_empty() || under;
    let one_letter = first.get(1..).filter(|_| first.starts_with(|c: char| c.is_ascii_alphabetic()));
    if placed
        && !is_by_site(first)
        && (is_hex_identifier(first, HEX.0) || one_letter.is_some_and(|id| is_hex_identifier(id, HEX.0)))
    {
        return found();
    }
    let runs: Vec<&str> = first.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
    let long = |run: &&str| run.len() >= MACHINE && !is_named_by_number(run);
    let letters = first.bytes().filter(u8::is_ascii_alphabetic).count();
    // A postcode or a rack's number stands in a host's own name (`s1-b2-10115`).
    if (under || lets) && runs.len() >= 3 && letters <= LETTERS && runs.iter().any(long) {
        return found();
    }
    let [number, id] = parts.as_slice() else { return None };
    let counted = number.len() >= ALONE && number.bytes().all(|b| b.is_ascii_digit()) && long(number);
    let mixed =
        id.bytes().any(|b| b.is_ascii_digit()) && id.bytes().any(|b| b.is_ascii_alphabetic()) && !is_by_site(id);
    if placed && counted && mixed && id.len() >= CUSTOMER { found() } else { None }
}

/// Hexadecimal digits in which letters stand between decimal ones, as nobody writes a name and its number (`dd49702`).
fn is_hex_identifier(text: &str, least: usize) -> bool {
    const DECIMAL: usize = 4;
    let decimal = |b: &u8| b.is_ascii_digit();
    let mixed = |text: &str| {
        let inner = text.trim_matches(|c: char| c.is_ascii_alphabetic());
        inner.bytes().any(|b| b.is_ascii_alphabetic())
    };
    text.len() >= least
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && text.bytes().filter(decimal).count() >= DECIMAL
        && mixed(text)
        && (least >= HEX.1 || !text.starts_with('0'))
        && !(if text.len() >= HEX.1 { is_even(text) } else { is_by_site(text) })
}

/// The site, the role and the number, as people name hosts: a few letters and their number, again and again
/// (`dc01be02`, `ec2b2b01`, `web1`).
fn is_by_site(text: &str) -> bool {
    const LETTERS: usize = 3;
    const DIGITS: usize = 4;
    let short = |run: &str| run.len() <= if run.starts_with(|c: char| c.is_ascii_digit()) { DIGITS } else { LETTERS };
    text.starts_with(|c: char| c.is_ascii_alphabetic()) && runs(text).all(short)
}

/// So named, with every part as long as the others (`dc01be02fe03`): a long text splits by chance, and never so evenly.
fn is_even(text: &str) -> bool {
    let lengths: Vec<usize> = runs(text).map(str::len).collect();
    is_by_site(text) && lengths.len().is_multiple_of(2) && lengths.chunks(2).all(|pair| pair == &lengths[..2])
}

/// The runs of digits and of what is none.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.as_bytes()
        .chunk_by(|one, next| one.is_ascii_digit() == next.is_ascii_digit())
        .filter_map(|run| std::str::from_utf8(run).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_domain(host: &str, lets: bool) -> Option<&'static str> {
        let is_line = |word: &str| word == "cust" || word == "cliente";
        let is_machine = |word: &str| word == "vps" || word == "vs";
        number(host, &Meaning { is_line, is_under: is_line, is_machine, lets }).map(|(form, _)| form)
    }

    #[test]
    fn who_lets_machines_counts_them() {
        for host in ["4711", "s12345", "hwsrv-45443.x"] {
            assert_eq!((in_domain(host, true), in_domain(host, false)), (Some("number"), None), "{host}");
        }
        for host in ["box5123", "web12", "w0123456", "2026", "sv171"] {
            assert_eq!(in_domain(host, true), None, "{host}");
        }
    }

    #[test]
    fn long_numbers_are_nobodys_names() {
        let found = |host: &str| in_domain(host, false);
        for (host, form) in [
            ("cliente-82150", "word-and-number"),
            ("cust4711", "word-and-number"),
            ("vps-1234567-12345.cp", "word-and-number"),
            ("dpc6745001003", "number"),
            ("151656344", "number"),
            ("146725694.box", "number"),
            ("pcd447694", "number"),
            ("hwsrv-454437", "number"),
            ("vps-59668", "word-and-number"),
            ("cst2-176-4.cust", "number-and-word"),
            ("a4711.cust", "number-and-word"),
            ("12345.vps", "number-and-word"),
            ("ip6-cust-35838", "word-and-number"),
            ("vps-3ab9f1c2", "word-and-number"),
            ("m9b11517", "identifier"),
            ("i-0f3ab27c91d2e4a55.compute", "identifier"),
            ("5f2b9c1e-7a40-4d1b-9c3e-0b8f6a12d7e4.x", "identifier"),
            ("ik1-154-62236.vs", "identifier"),
            ("118725-xoxc2", "identifier"),
        ] {
            assert_eq!(found(host), Some(form), "{host}");
        }
        for host in [
            "cust12",
            "vps1234",
            "web12.cust",
            "host20261127",
            "db20261127",
            "srv123456789.dc1",
            "w0123456",
            "cust4711a",
            "cust",
            "dd49702",
            "w01bf0c4",
            "gw-2026-11-28",
            "a1-b2-c3",
            "cafe24.vps",
            "c3d4e5.x",
            "12345.web",
            "20261128.web",
            "20261128-web1x",
            "dc01be02",
            "sdc01fe02",
            "ec2b2b01",
            "b2b2026",
            "dc01be02fe03",
            "node-dc01fe02",
            "vps-dc01fe02",
            "s1-b2-10115",
            "gw1-ber-10115-2",
            "10115-b2b1",
            "118725-web1",
        ] {
            assert_eq!(found(host), None, "{host}");
        }
    }
}
