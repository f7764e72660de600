//! `--shard K/N`: the K-th of N parts of a list, by the hash of each identity; no coordinator is needed.
//!
//! Whatever the order of the list: an identity falls into shard 1 + hash mod N, of every list and in every run.

use std::fmt;
use std::str::FromStr;

use super::identity::Identity;

/// The most shards.
const MOST: u32 = 1_000_000;

/// One of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    part: u32,
    of: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
        match parts {
            Some((part, of)) if (1..=of).contains(&part) && of <= MOST => Ok(Self { part, of }),
            _ => Err(format!("give K/N with K from 1 to N, as in 1/4, and N at most {MOST}")),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.part, self.of)
    }
}

impl Shard {
    /// Whether an identity belongs to this part.
    pub(super) fn holds(self, identity: &Identity) -> bool {
        identity.hash() % u64::from(self.of) + 1 == u64::from(self.part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_as_they_are_written() {
        for (text, ok) in [("1/1", true), ("4/4", true), ("7/1000000", true)] {
            assert_eq!(text.parse::<Shard>().is_ok_and(|s| s.to_string() == text), ok, "{text}");
        }
        for bad in ["", "1", "0/4", "5/4", "1/0", "-1/4", "a/b", "1/2/3", "1/1000001", "1/ 4"] {
            assert!(bad.parse::<Shard>().is_err(), "{bad}");
        }
    }

    #[test]
    fn every_identity_is_in_one_part_and_the_parts_are_alike() {
        for of in [1u32, 2, 3, 4, 7, 64] {
            let parts: Vec<Shard> = (1..=of).map(|k| format!("{k}/{of}").parse().unwrap()).collect();
            let mut sizes = vec![0u32; parts.len()];
            for n in 0..6400u32 {
                let identity = Identity::of(None, Some(std::net::Ipv4Addr::from(n << 4).into()), None);
                let holding: Vec<usize> = (0..parts.len()).filter(|p| parts[*p].holds(&identity)).collect();
                assert_eq!(holding.len(), 1, "{identity:?}");
                sizes[holding[0]] += 1;
            }
            let fair = 6400 / of;
            assert!(sizes.iter().all(|s| s.abs_diff(fair) < fair / 2 + 1), "{of}: {sizes:?}");
        }
    }
}
