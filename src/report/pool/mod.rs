//! Several addresses behind one request, side by side: a row an address, and what holds for all said once.
//!
//! Input: the checks of one request, one at a time. Output: a [`Pool`], which [`table`] and [`markdown`]
//! print. Limits: of a check only its row is kept, each of its texts bounded; findings and steps are kept
//! once each, with the first few addresses and records and the number of all.

mod markdown;
mod receivers;
mod steps;
mod table;

use super::cells::{MAX_TEXT, dialled, edges, label, verdict_words};
use super::clean::clean_bounded;
use super::facts::facts;
use crate::judge::{Check, Code, EdgeState, Finding, Severity, Verdict};
use receivers::Answers;
use steps::Steps;

pub(super) use markdown::section;
pub use table::pool_table;

/// Addresses named of a finding that not all share.
const MAX_NAMED: usize = 4;
/// The longest PTR name of a row; a longer one is cut.
const MAX_PTR: usize = 120;
/// The facts that may hold for all; the others are each address's own.
const SHARED_FACTS: [&str; 6] = ["Label", "Self", "Assumed", "SMTP", "Banner", "TLS"];
/// Codes that the three edges and the row's own words tell already.
const TOLD: [Code; 8] = [
    Code::PtrMissing,
    Code::PtrUnconfirmed,
    Code::PtrLookupFailed,
    Code::PtrForwardLookupFailed,
    Code::EhloDiffersFromPtr,
    Code::EhloUnresolvable,
    Code::EhloAddressDiffers,
    Code::EhloLookupFailed,
];

/// The checks of one request, gathered.
#[derive(Debug, Default)]
pub struct Pool {
    title: String,
    rows: Vec<Row>,
    differ: usize,
    unknown: usize,
    facts: Vec<(&'static str, String)>,
    findings: Vec<Group>,
    answers: Answers,
    steps: Steps,
}

/// One address.
#[derive(Debug)]
struct Row {
    address: String,
    ehlo: String,
    ptr: String,
    states: [EdgeState; 3],
    verdict: Verdict,
    /// What does not agree, in few words.
    faults: Vec<String>,
    /// Codes of weight beside the edges, and their titles.
    beside: Vec<(Code, String)>,
}

/// A finding, once, with whose it is.
#[derive(Debug)]
struct Group {
    first: Finding,
    addresses: Vec<String>,
    count: usize,
    /// Whether all of them say the same.
    same: bool,
}

impl Pool {
    /// One more check of the request.
    pub fn add(&mut self, check: &Check) {
        let address = check.client.ip.map_or_else(|| "none".to_owned(), |ip| ip.to_string());
        let shared = facts(check).into_iter().filter(|(key, _)| SHARED_FACTS.contains(key));
        if self.rows.is_empty() {
            let host = check.target.host.as_ref().map(|_| dialled(check));
            self.title = host.or_else(|| label(check)).unwrap_or_else(|| address.clone());
            self.facts = shared.collect();
        } else {
            let shared: Vec<_> = shared.collect();
            self.facts.retain(|fact| shared.contains(fact));
        }
        match check.agreement.verdict {
            Verdict::Agree => {}
            Verdict::Differ => self.differ += 1,
            Verdict::Unknown => self.unknown += 1,
        }
        for finding in &check.findings {
            self.count(finding, &address);
        }
        self.answers.add(check, &address);
        self.steps.add(check, &address);
        self.rows.push(row(check, address));
    }

    fn count(&mut self, finding: &Finding, address: &str) {
        match self.findings.iter_mut().find(|g| g.first.code == finding.code) {
            Some(group) => {
                let new = group.addresses.last().is_none_or(|a| a != address);
                group.count += usize::from(new);
                if new && group.addresses.len() < MAX_NAMED {
                    group.addresses.push(address.to_owned());
                }
                group.same &= group.first.detail == finding.detail;
            }
            None => self.findings.push(Group {
                first: finding.clone(),
                addresses: vec![address.to_owned()],
                count: 1,
                same: true,
            }),
        }
    }

    /// The verdict over all.
    fn verdict(&self) -> (Verdict, String) {
        let all = self.rows.len();
        let some = |n: usize, verdict, word: &str| {
            let words = if n == all { verdict_words(verdict).to_owned() } else { format!("{n} OF {all} {word}") };
            (verdict, words)
        };
        match (self.differ, self.unknown) {
            (0, 0) => (Verdict::Agree, verdict_words(Verdict::Agree).to_owned()),
            (0, n) => some(n, Verdict::Unknown, "COULD NOT BE TOLD"),
            (n, _) => some(n, Verdict::Differ, if n == 1 { "DIFFERS" } else { "DIFFER" }),
        }
    }

    fn title(&self) -> String {
        let all = self.rows.len();
        let (Some(first), Some(last)) = (self.rows.first(), self.rows.last()) else { return self.title.clone() };
        if self.title == first.address {
            return format!("{} … {}, {all} addresses", first.address, last.address);
        }
        format!("{} → {all} addresses", self.title)
    }

    /// The EHLO name that all of them have.
    fn ehlo(&self) -> Option<&str> {
        let first = &self.rows.first()?.ehlo;
        self.rows.iter().all(|r| r.ehlo == *first).then_some(first.as_str())
    }

    /// Findings, the heaviest first.
    fn findings(&self) -> Vec<&Group> {
        let mut findings: Vec<&Group> = self.findings.iter().collect();
        findings.sort_by_key(|g| (std::cmp::Reverse(g.first.severity), !g.first.code.entry().unknown));
        findings
    }

    /// What differs in a row: its edges, and what not all of the pool have beside them.
    fn words(&self, row: &Row) -> String {
        let mut words = Vec::new();
        if self.ehlo().is_none() {
            words.push(format!("says {}", row.ehlo));
        }
        words.extend(row.faults.iter().cloned());
        let own = |code: &Code| self.findings.iter().any(|g| g.first.code == *code && g.count < self.rows.len());
        words.extend(row.beside.iter().filter(|(code, _)| own(code)).map(|(_, title)| title.clone()));
        if row.verdict == Verdict::Agree {
            words.insert(0, "agrees".into());
        }
        words.join(", ")
    }

    /// Whose a finding is: nothing where it is everybody's.
    fn whose(&self, group: &Group) -> Option<String> {
        if group.count == self.rows.len() {
            return None;
        }
        let more = group.count - group.addresses.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(format!("{} of {}: {}{more}", group.count, self.rows.len(), group.addresses.join(", ")))
    }

    /// A finding's own words; where the addresses have each their own, those of the first, named.
    fn detail(group: &Group) -> String {
        let detail = clean_bounded(&group.first.detail, MAX_TEXT);
        if group.same { detail.into_owned() } else { format!("The first: {detail}") }
    }
}

fn row(check: &Check, address: String) -> Row {
    let [ehlo_ptr, ..] = edges(check);
    let text = |lines: &[super::cells::Line]| lines.first().map(|l| clean_bounded(&l.text, MAX_PTR).into_owned());
    let (ehlo, ptr) = ehlo_ptr.pairs.first().map(|(l, r)| (text(l), text(r))).unwrap_or_default();
    let names = check.dns.ptr.as_ref().map_or(0, |p| p.names.len());
    let more = if names > 1 { format!(" +{}", names - 1) } else { String::new() };
    let agreement = &check.agreement;
    let heavy = |f: &&Finding| f.severity > Severity::Info && !TOLD.contains(&f.code);
    Row {
        address,
        ehlo: ehlo.unwrap_or_default(),
        ptr: ptr.unwrap_or_default() + &more,
        states: [agreement.ehlo_ptr.state, agreement.ptr_forward.state, agreement.ehlo_forward.state],
        verdict: agreement.verdict,
        faults: faults(check).iter().map(|f| (*f).to_owned()).collect(),
        beside: check.findings.iter().filter(heavy).map(|f| (f.code, lower(&f.title))).collect(),
    }
}

/// What is wrong with the edges, in few words; one word for what makes two of them fail.
fn faults(check: &Check) -> Vec<&'static str> {
    use EdgeState::{Absent, Agree, Differ, Unknown};
    let agreement = &check.agreement;
    let named = check.dns.ptr.as_ref().is_some_and(|p| !p.names.is_empty());
    let mut words = Vec::new();
    match (agreement.ptr_forward.state, named) {
        (Agree, _) => {}
        (Unknown, false) => words.push("PTR not known"),
        (Unknown, true) => words.push("PTR's address not known"),
        (_, false) => words.push("no PTR"),
        (Absent, true) => words.push("PTR name has no address"),
        (Differ, true) => words.push("PTR leads elsewhere"),
    }
    match agreement.ehlo_ptr.state {
        Differ => words.push("EHLO is not the PTR"),
        Absent if named => words.push("no EHLO name"),
        Unknown if named => words.push("EHLO not known"),
        _ => {}
    }
    match agreement.ehlo_forward.state {
        Differ => words.push("EHLO leads elsewhere"),
        Absent if check.client.ehlo.is_some() => words.push("EHLO has no address"),
        Unknown if check.client.ehlo.is_some() => words.push("EHLO's address not known"),
        _ => {}
    }
    words
}

/// A title inside a sentence: its first letter small, unless the word is an abbreviation.
fn lower(title: &str) -> String {
    let title = clean_bounded(title, MAX_PTR);
    let mut chars = title.chars();
    match (chars.next(), chars.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(chars).collect(),
        _ => title.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::clean::is_hidden;
    use crate::report::table::{MIN_WIDTH, TableOptions};
    use crate::report::wrap::width;

    fn pool(times: usize) -> Pool {
        let mut pool = Pool::default();
        for text in [
            include_str!("../../../fixtures/evidence/agree.json"),
            include_str!("../../../fixtures/evidence/no-ptr.json"),
        ] {
            let evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
            let mut check = crate::judge::judge(&evidence);
            check.target.host = Some("relay\u{1b}[31m.example.net".into());
            for _ in 0..times {
                pool.add(&check);
            }
        }
        pool
    }

    #[test]
    fn what_all_share_is_said_once() {
        let pool = pool(1);
        assert_eq!(pool.verdict().1, "1 OF 2 DIFFERS");
        let text = pool_table(&pool, &TableOptions { width: 120, color: false, explain: false });
        assert_eq!(text.matches("ptr-missing").count(), 1, "{text}");
        assert!(text.contains("no PTR") && text.contains("(1 of 2: 203."), "{text}");
    }

    #[test]
    fn no_line_is_wider_and_nothing_hidden_comes_out() {
        for times in [1, 40] {
            let pool = pool(times);
            for limit in [10, MIN_WIDTH, 63, 64, 80, 120, 300] {
                let text = pool_table(&pool, &TableOptions { width: limit, color: false, explain: false });
                for line in text.lines() {
                    let zone_line = line.contains(" IN PTR");
                    assert!(width(line) <= limit.clamp(MIN_WIDTH, 120) || zone_line, "{limit}: {line}");
                }
                assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
            }
            let text = section(&pool);
            assert!(!text.chars().any(|c| c != '\n' && is_hidden(c)), "{text:?}");
        }
    }

    #[test]
    fn a_large_pool_is_bounded_but_for_its_rows() {
        let pool = pool(2000);
        assert_eq!(pool.rows.len(), 4000);
        assert!(pool.findings.iter().all(|g| g.addresses.len() <= MAX_NAMED));
        let text = pool_table(&pool, &TableOptions { width: 100, color: false, explain: false });
        assert!(text.lines().count() < 4100, "{}", text.lines().count());
    }
}
