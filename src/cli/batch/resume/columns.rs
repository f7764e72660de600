//! A CSV output of an earlier run: which columns tell an identity, and which tell what its check came to.

use std::net::IpAddr;

use super::{Held, Identity, Tally};
use crate::cli::exit::FailOn;
use crate::judge::{Code, Severity, Standing, Verdict, tells_left_out};
use crate::target::Target;

/// Where the columns stand.
#[derive(Debug)]
pub(super) struct Columns {
    /// The first line, which stands again where outputs were joined.
    pub(super) header: String,
    label: usize,
    target: usize,
    port: usize,
    address: usize,
    ip: usize,
    ip_source: usize,
    ehlo: usize,
    ehlo_source: usize,
    verdict: usize,
    /// Codes by severity, and the fault; an output that lacks them tells nothing by them.
    errors: Option<usize>,
    warnings: Option<usize>,
    infos: Option<usize>,
    fault: Option<usize>,
}

impl Columns {
    /// Of the first line.
    pub(super) fn of(header: &str) -> Result<Self, String> {
        let names = fields(header)?;
        let found = |name: &str| names.iter().position(|n| n == name);
        let place = |name: &str| {
            found(name).ok_or_else(|| format!("neither NDJSON nor CSV of this program: it has no column `{name}`"))
        };
        Ok(Self {
            header: header.trim_end().to_owned(),
            label: place("label")?,
            target: place("target")?,
            port: place("port")?,
            address: place("address")?,
            ip: place("ip")?,
            ip_source: place("ip_source")?,
            ehlo: place("ehlo")?,
            ehlo_source: place("ehlo_source")?,
            verdict: place("verdict")?,
            errors: found("errors"),
            warnings: found("warnings"),
            infos: found("infos"),
            fault: found("fault"),
        })
    }

    /// One row.
    pub(super) fn read(&self, line: &str, fail_on: FailOn) -> Result<Held, String> {
        let fields = fields(line)?;
        let at = |place: usize| {
            let text = fields.get(place).map(String::as_str).ok_or("it has fewer columns than the header")?;
            // The apostrophe that keeps a spreadsheet from calculating is not part of the text.
            let guarded = text.strip_prefix('\'').filter(|t| t.starts_with(['=', '+', '-', '@', '\t', '\r']));
            Ok::<_, String>(guarded.unwrap_or(text))
        };
        let target = match at(self.target)? {
            "" => None,
            text => Some(Target::parse(text, at(self.port)?.parse().ok()).map_err(|e| e.to_string())?),
        };
        let given = !matches!(at(self.ip_source)?, "" | "dialled");
        let ip = at(self.ip)?.parse::<IpAddr>().ok().filter(|_| given);
        let said = at(self.ehlo_source)? == "replied";
        let ehlo = Some(at(self.ehlo)?).filter(|e| !e.is_empty() && !said);
        let verdict = match at(self.verdict)? {
            "agree" => Verdict::Agree,
            "differ" => Verdict::Differ,
            "unknown" => Verdict::Unknown,
            other => return Err(format!("`{}` is no verdict", crate::report::clean_bounded(other, 60))),
        };
        let cell = |place: Option<usize>| place.map_or(Ok(""), at);
        let [errors, warnings, infos] = [cell(self.errors)?, cell(self.warnings)?, cell(self.infos)?];
        let codes = [(Severity::Error, errors), (Severity::Warning, warnings), (Severity::Info, infos)];
        let heaviest = codes.iter().find(|(_, codes)| !codes.is_empty()).map(|(severity, _)| *severity);
        let mut all = codes.iter().flat_map(|(_, list)| list.split(' '));
        let open = all.clone().any(tells_left_out) || !cell(self.fault)?.is_empty();
        Ok(Held {
            key: Identity::of(target.as_ref(), ip, ehlo).wide_hash(at(self.label)?),
            address: at(self.address)?.parse().ok(),
            may_be_several: Identity::may_be_several(target.as_ref(), usize::from(given)),
            tally: Tally::told(
                Standing::told(verdict, heaviest, open, fail_on.least()),
                all.any(|code| code == Code::Defect.entry().slug),
            ),
        })
    }
}

fn fields(line: &str) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).ok_or("a line that is no CSV")?;
    Ok(record.iter().map(str::to_owned).collect())
}
