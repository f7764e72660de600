//! Lines and machines known by a number alone: a customer's number, a modem's, a rented machine's.
//!
//! Input: the labels before the organisation's domain, in lower case, and which words stand for a customer's line or for
//! a machine. Output: the form's word and the part of the name that shows it. No address is needed.
//! Design: a host that somebody named has a short number (`web12`, `node3`); these are longer than anybody counts.

/// Digits behind a word for a customer's line: `cliente-82150`.
const CUSTOMER: usize = 4;
/// Digits behind a word for a machine: `vps-12345`.
const MACHINE: usize = 5;
/// Digits that need no known word, where they and a few letters are all of the host's name: `pcd447694`.
const ALONE: usize = 6;
/// Letters that such a number may have before it, with a hyphen between or none.
const LETTERS: usize = 6;

/// The number, where there is one.
pub(super) fn number(
    host: &str,
    is_line: impl Fn(&str) -> bool,
    is_machine: impl Fn(&str) -> bool,
) -> Option<(&'static str, String)> {
    let first = host.split('.').next().unwrap_or(host);
    let letters = first.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = first[letters..].strip_prefix('-').unwrap_or(&first[letters..]);
    if letters <= LETTERS
        && rest.len() >= ALONE
        && rest.bytes().all(|b| b.is_ascii_digit())
        && !host.contains('.')
        && !is_named_by_number(rest)
    {
        return Some(("number", first.to_owned()));
    }
    behind_word(host, &is_line, CUSTOMER)
        .or_else(|| behind_word(host, &is_machine, MACHINE))
        .or_else(|| under_word(host, &is_line))
}

/// Numbers that hosts with a job have: padded with zeros (an account at a hosting company, `w0123456`), or the day on
/// which somebody set them up.
fn is_named_by_number(digits: &str) -> bool {
    if digits.starts_with('0') {
        return true;
    }
    let (Some(year), Some(month), Some(day), 8) = (digits.get(..4), digits.get(4..6), digits.get(6..), digits.len())
    else {
        return false;
    };
    ("1980".."2100").contains(&year) && ("01"..="12").contains(&month) && ("01"..="31").contains(&day)
}

/// A word with its number right behind it.
fn behind_word(host: &str, is_word: &impl Fn(&str) -> bool, least: usize) -> Option<(&'static str, String)> {
    host.split('.').find_map(|label| {
        let word = label.split(|c: char| !c.is_ascii_alphabetic()).next().filter(|word| is_word(word))?;
        let behind = label[word.len()..].strip_prefix(['-', '_']).unwrap_or(&label[word.len()..]);
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let alone = behind.as_bytes().get(digits).is_none_or(|b| !b.is_ascii_alphanumeric());
        (digits >= least && alone).then(|| ("word-and-number", label.to_owned()))
    })
}

/// A label of numbers under a label that is a word for customers: `cst2-176-4.cust`.
fn under_word(host: &str, is_word: &impl Fn(&str) -> bool) -> Option<(&'static str, String)> {
    let labels: Vec<&str> = host.split('.').collect();
    labels.windows(2).find_map(|pair| {
        let [label, word] = pair else { return None };
        let runs: Vec<&str> = label.split(|c: char| !c.is_ascii_digit()).filter(|run| !run.is_empty()).collect();
        let long = runs.iter().any(|run| run.len() >= CUSTOMER);
        (is_word(word) && (runs.len() >= 2 || long)).then(|| ("number-and-word", format!("{label}.{word}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_nobodys_names() {
        let found = |host: &str| number(host, |w| w == "cust" || w == "cliente", |w| w == "vps").map(|(form, _)| form);
        for (host, form) in [
            ("cliente-82150", "word-and-number"),
            ("cust4711", "word-and-number"),
            ("vps-1234567-12345.cp", "word-and-number"),
            ("dpc6745001003", "number"),
            ("151656344", "number"),
            ("pcd447694", "number"),
            ("hwsrv-454437", "number"),
            ("vps-59668", "word-and-number"),
            ("cst2-176-4.cust", "number-and-word"),
            ("a4711.cust", "number-and-word"),
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
        ] {
            assert_eq!(found(host), None, "{host}");
        }
    }
}
