//! Lines and machines known by a number alone: a customer's number, a modem's, a rented machine's.
//!
//! Input: the labels before the organisation's domain, in lower case, and which words stand for a customer's line or for
//! a machine. Output: the form's word and the part of the name that shows it. No address is needed.
//! Design: a host that somebody named has a short number (`web12`, `node3`); these are longer than anybody counts.

/// Digits behind a word for a customer's line: `cliente-82150`.
const CUSTOMER: usize = 4;
/// Digits behind a word for a machine: `vps-1234567`.
const MACHINE: usize = 6;
/// Digits that need no word: `dpc6745001003`. Longer than a date.
const ALONE: usize = 9;
/// Letters that such a number may have before it.
const LETTERS: usize = 4;

/// The number, where there is one.
pub(super) fn number(
    host: &str,
    is_line: impl Fn(&str) -> bool,
    is_machine: impl Fn(&str) -> bool,
) -> Option<(&'static str, String)> {
    let first = host.split('.').next().unwrap_or(host);
    let letters = first.bytes().take_while(u8::is_ascii_alphabetic).count();
    let rest = &first[letters..];
    if letters <= LETTERS && rest.len() >= ALONE && rest.bytes().all(|b| b.is_ascii_digit()) && !host.contains('.') {
        return Some(("number", first.to_owned()));
    }
    behind_word(host, &is_line, CUSTOMER)
        .or_else(|| behind_word(host, &is_machine, MACHINE))
        .or_else(|| under_word(host, &is_line))
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
            ("cst2-176-4.cust", "number-and-word"),
            ("a4711.cust", "number-and-word"),
        ] {
            assert_eq!(found(host), Some(form), "{host}");
        }
        for host in
            ["cust12", "vps1234", "web12.cust", "host20261127", "db20261127", "srv123456789.dc1", "cust4711a", "cust"]
        {
            assert_eq!(found(host), None, "{host}");
        }
    }
}
