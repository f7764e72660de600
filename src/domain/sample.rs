//! Which addresses of a range are looked at: all of a small one, a sample of a large one where that is wanted.
//!
//! Rule: a sample is spread evenly over the range and always the same, so that two runs compare.

use std::net::IpAddr;

use ipnet::IpNet;

/// A range of more addresses than this is looked at as a whole only where a sample as large is asked for.
pub const MAX_UNSAMPLED: u128 = 256;

/// What is looked at of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    /// So many addresses, spread evenly; of a small range all.
    Take {
        /// The range.
        range: IpNet,
        /// How many.
        count: u128,
    },
    /// Too many, and no sample was asked for; how many, in words.
    TooMany(u128),
}

/// How many addresses a range has; all 2^128 are one fewer.
fn size(range: IpNet) -> u128 {
    let bits = u32::from(range.max_prefix_len() - range.prefix_len());
    1_u128.checked_shl(bits).unwrap_or(u128::MAX)
}

/// What to look at of a range; `sample` is how many addresses of a large one.
pub fn portion(range: IpNet, sample: Option<u32>) -> Portion {
    let all = size(range);
    match sample {
        _ if all <= MAX_UNSAMPLED => Portion::Take { range, count: all },
        Some(sample) => Portion::Take { range, count: all.min(sample.into()) },
        None => Portion::TooMany(all),
    }
}

impl Portion {
    /// The addresses, in order.
    pub fn addresses(self) -> impl Iterator<Item = IpAddr> + Send {
        let (range, count) = match self {
            Self::Take { range, count } => (range, count),
            Self::TooMany(_) => (IpNet::default(), 0),
        };
        let step = size(range).checked_div(count).unwrap_or_default();
        (0..count).map(move |place| {
            let offset = place * step + step / 2;
            match range.network() {
                IpAddr::V4(first) => {
                    IpAddr::V4((u32::from(first).wrapping_add(u32::try_from(offset).unwrap_or_default())).into())
                }
                IpAddr::V6(first) => IpAddr::V6(u128::from(first).wrapping_add(offset).into()),
            }
        })
    }

    /// How many in words: `1024`, `2^64`.
    pub fn words(count: u128) -> String {
        if count > 1 << 32 {
            format!("2^{}", 128 - count.leading_zeros() - u32::from(count != u128::MAX))
        } else {
            count.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str, sample: Option<u32>) -> Option<Vec<String>> {
        match portion(range.parse().unwrap(), sample) {
            Portion::TooMany(_) => None,
            take @ Portion::Take { .. } => Some(take.addresses().map(|ip| ip.to_string()).collect()),
        }
    }

    #[test]
    fn small_ranges_whole_and_large_ones_spread() {
        assert_eq!(of("192.0.2.8/30", Some(1)).unwrap(), ["192.0.2.8", "192.0.2.9", "192.0.2.10", "192.0.2.11"]);
        assert_eq!(of("192.0.2.0/24", None).unwrap().len(), 256);
        assert_eq!(of("192.0.2.0/23", None), None);
        assert_eq!(of("10.0.0.0/8", Some(4)).unwrap(), ["10.32.0.0", "10.96.0.0", "10.160.0.0", "10.224.0.0"]);
        assert_eq!(of("2001:db8::/64", Some(2)).unwrap(), ["2001:db8:0:0:4000::", "2001:db8:0:0:c000::"]);
        assert_eq!(of("::/0", Some(3)).unwrap().len(), 3);
        assert_eq!(of("192.0.2.0/23", Some(1000)).unwrap().len(), 512, "a sample as large is the whole");
    }

    #[test]
    fn counts_in_words() {
        for (count, words) in [(512, "512"), (1 << 24, "16777216"), (1 << 64, "2^64"), (u128::MAX, "2^128")] {
            assert_eq!(Portion::words(count), words);
        }
    }

    proptest::proptest! {
        #[test]
        fn a_sample_is_within_the_range_and_without_repeats(octets: [u8; 16], prefix in 0u8..=128, sample in 1u32..2000) {
            let range = IpNet::new(IpAddr::from(octets), prefix).unwrap().trunc();
            let found: Vec<IpAddr> = portion(range, Some(sample)).addresses().collect();
            proptest::prop_assert!(found.iter().all(|ip| range.contains(ip)));
            proptest::prop_assert!(found.is_sorted_by(|a, b| a < b));
            proptest::prop_assert_eq!(found.len() as u128, size(range).min(if size(range) <= 256 { 256 } else { sample.into() }));
        }
    }
}
