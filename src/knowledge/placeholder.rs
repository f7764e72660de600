//! Words in capitals that stand for a value in a command, a path or a call of the data files: `NAME`, `IP`.

/// Puts `value` where the word stands by itself: not as part of a longer word.
pub(super) fn fill(text: &str, word: &str, value: &str) -> String {
    let mut filled = String::with_capacity(text.len() + value.len());
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let joined = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let alone = !before.ends_with(joined) && !after.starts_with(joined);
        filled.push_str(before);
        filled.push_str(if alone { value } else { word });
        rest = after;
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn a_word_is_filled_where_it_stands_alone() {
        assert_eq!(
            fill("put IP on IPAM, IPv6 and /ip/IP/", "IP", "192.0.2.1"),
            "put 192.0.2.1 on IPAM, IPv6 and /ip/192.0.2.1/"
        );
        assert_eq!(fill("`confHELO_NAME', `NAME'", "NAME", "a.example"), "`confHELO_NAME', `a.example'");
    }
}
