//! Shapes that SpamAssassin looks for in a Received line as it stands, not in a name of it.
//!
//! Source: SpamAssassin 4.0.1, `20_head_tests.cf` and `72_active.cf`.

/// `RCVD_DBL_DQ`: two addresses in brackets, one right behind the other.
pub(super) fn two_literals(line: &str) -> bool {
    line.match_indices('[').any(|(at, _)| literal(&line[at..]).is_some_and(|rest| literal(rest).is_some()))
}

/// What stands behind an address in brackets.
fn literal(text: &str) -> Option<&str> {
    let (inside, rest) = text.strip_prefix('[')?.split_once(']')?;
    let numbers: Vec<&str> = inside.split('.').collect();
    let digits = |number: &&str| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (numbers.len() == 4 && numbers.iter().all(digits)).then_some(rest)
}

/// `RCVD_DOUBLE_IP_LOOSE`: `from` or `by`, one to four characters and four numbers, and at most four characters
/// behind them the same once more.
pub(super) fn two_addresses(line: &str) -> bool {
    let low = line.to_ascii_lowercase();
    if low.matches("from").chain(low.matches("by")).count() < 2 {
        return false;
    }
    let all: Vec<char> = low.chars().collect();
    (0..all.len()).any(|at| ends(&all, at).any(|end| (end..=end + 4).any(|next| ends(&all, next).next().is_some())))
}

/// Where one such shape that begins here may end.
fn ends(all: &[char], at: usize) -> impl Iterator<Item = usize> + '_ {
    let word = ["from", "by"].into_iter().find(|word| {
        word.chars().eq(all.iter().skip(at).take(word.len()).copied())
            && is_edge(all, at)
            && is_edge(all, at + word.len())
    });
    let behind = word.map(|word| at + word.len());
    behind.into_iter().flat_map(move |behind| (behind + 1..=behind + 4).filter_map(|start| four_numbers(all, start)))
}

/// Where four numbers of one to three digits that begin here end; this machine's own address is none.
fn four_numbers(all: &[char], start: usize) -> Option<usize> {
    let mut at = start;
    for number in 0..4 {
        if number > 0 {
            all.get(at).filter(|c| matches!(c, '.' | '_' | '-'))?;
            at += 1;
        }
        let digits = all.iter().skip(at).take_while(|c| c.is_ascii_digit()).count();
        if !(1..=3).contains(&digits) {
            return None;
        }
        at += digits;
    }
    let own = all.get(..at)?.ends_with(&['1', '2', '7', '.', '0', '.', '0', '.', '1']);
    (is_edge(all, start) && is_edge(all, at) && !own).then_some(at)
}

/// Between a letter, digit or underscore and something else.
fn is_edge(all: &[char], at: usize) -> bool {
    let word =
        |at: Option<usize>| at.and_then(|at| all.get(at)).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '_');
    word(at.checked_sub(1)) != word(Some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_right_behind_each_other() {
        for (line, hit) in [
            ("from [1.2.3.4][5.6.7.8] (", true),
            ("from x[1.2.3.4][1111.2.3.4]y (", true),
            ("from [[1.2.3.4][5.6.7.8]] (", true),
            ("from [1.2.3.4] [5.6.7.8] (", false),
            ("from [1.2.3.4][5.6.7] (", false),
            ("from [1.2.3.4] (", false),
        ] {
            assert_eq!(two_literals(line), hit, "{line}");
        }
    }

    #[test]
    fn addresses_behind_from_and_by() {
        for (line, hit) in [
            ("from 1.2.3.4-by-5.6.7.8 (unknown [192.0.2.1])", true),
            ("from 1.2.3.4 (BY-5-6-7-8.example [192.0.2.1])", true),
            ("from 1.2.3.4.by.5_6_7_8 (", true),
            ("from 1.2.3.4.by.5-6-7-8 (", true),
            ("from 127.0.0.1-by-5.6.7.8 (", false),
            ("from 1.2.3.4-on-5.6.7.8 (", false),
            ("from 1.2.3.4-baby-5.6.7.8 (", false),
            ("from 1.2.3.4567-by-5.6.7.8 (", false),
            ("from 1.2.3.4 (unknown [192.0.2.1])", false),
        ] {
            assert_eq!(two_addresses(line), hit, "{line}");
        }
    }
}
