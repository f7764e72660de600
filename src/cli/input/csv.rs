//! CSV with a header (RFC 4180; the separator may be a comma, a semicolon or a tab, as spreadsheets write it).
//!
//! Shape: the columns `target`, `ip`, `ehlo`, `label` and `port`, in any order, of which `target` or `ip` must be
//! there. Every other column is passed through: then the label is an object of all of them, each a text.
//! Failure: a sentence; a record that cannot be read does not stop the next.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use serde_json::{Map, Value};

use super::Row;
use super::lines::MAX_LINE;

/// The most columns of a file.
const MAX_COLUMNS: usize = 256;
/// The most columns that a sentence names.
const MAX_SHOWN: usize = 8;
/// Marks a text that a spreadsheet would take for a formula, in front of it (see `report::csv`).
const GUARD: char = '\'';

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Column {
    Target,
    Ip,
    Ehlo,
    Label,
    Port,
    /// Passed through, under this name.
    Other(String),
}

/// The first line of a file, read.
#[derive(Clone, Debug)]
pub(super) struct Header {
    separator: u8,
    columns: Vec<Column>,
}

impl Header {
    /// The header that a line is; `None` where it names neither `target` nor `ip`.
    pub(super) fn of(line: &str) -> Option<Result<Self, String>> {
        let separator = separator(line).unwrap_or(b',');
        let mut record = Record::new(separator);
        let Ok(Some(names)) = record.push(line) else { return None };
        let columns: Vec<Column> = names.iter().map(|name| column(name)).collect();
        if !columns.iter().any(|c| matches!(c, Column::Target | Column::Ip)) {
            return None;
        }
        for (place, column) in columns.iter().enumerate() {
            if columns[..place].contains(column) {
                let name = crate::report::clean_bounded(&names[place], 60).into_owned();
                return Some(Err(format!("the column `{name}` stands there twice; give each column its own name")));
            }
        }
        Some(Ok(Self { separator, columns }))
    }

    /// An empty record of this file.
    pub(super) fn record(&self) -> Record {
        Record::new(self.separator)
    }

    /// The row that a record's fields are.
    pub(super) fn row(&self, fields: Vec<String>) -> Result<Row, String> {
        if fields.len() != self.columns.len() {
            let plural = if fields.len() == 1 { "" } else { "s" };
            return Err(format!("{} field{plural}, and the header has {}", fields.len(), self.columns.len()));
        }
        let mut row = Row::default();
        let mut others = Map::new();
        for (column, field) in self.columns.iter().zip(fields) {
            let text = Some(unguarded(field.trim())).filter(|t| !t.is_empty());
            match (column, text) {
                (Column::Target, text) => row.target = text,
                (Column::Ip, text) => row.ip = text,
                (Column::Ehlo, text) => row.ehlo = text,
                (Column::Label, text) => row.label = text.map_or(Value::Null, Value::String),
                (Column::Port, Some(text)) => match text.parse::<u16>() {
                    Ok(port) if port > 0 => row.port = Some(port),
                    _ => return Err(format!("`{text}` is not a port; give a number from 1 to 65535")),
                },
                (Column::Port, None) => {}
                (Column::Other(name), text) => {
                    others.insert(name.clone(), text.unwrap_or_default().into());
                }
            }
        }
        if self.columns.iter().any(|c| matches!(c, Column::Other(_))) {
            if !row.label.is_null() {
                others.insert("label".into(), row.label);
            }
            row.label = Value::Object(others);
        }
        Ok(row)
    }
}

/// Of a line that separates something: its separator, and a sentence on the header that it is not.
pub(super) fn no_header(line: &str) -> Option<(char, String)> {
    let separator = separator(line)?;
    let names = Record::new(separator).push(line).ok().flatten().unwrap_or_else(|| vec![line.to_owned()]);
    let mut shown: Vec<String> = names
        .iter()
        .take(MAX_SHOWN)
        .map(|name| format!("`{}`", crate::report::clean_bounded(name.trim(), 40)))
        .collect();
    let last = match names.len() - shown.len() {
        0 => shown.pop().unwrap_or_default(),
        more => format!("{more} more"),
    };
    let columns = if shown.is_empty() { last } else { format!("{} and {last}", shown.join(", ")) };
    let why = format!(
        "a CSV header with the columns {columns}; name one `target` (what to dial) or `ip` (what to judge), others may \
         be `ehlo`, `port` and `label`; its rows are left out"
    );
    Some((char::from(separator), why))
}

fn separator(line: &str) -> Option<u8> {
    [b'\t', b';', b','].into_iter().find(|s| line.as_bytes().contains(s))
}

fn column(name: &str) -> Column {
    let name = name.trim();
    match name.to_ascii_lowercase().as_str() {
        "target" => Column::Target,
        "ip" => Column::Ip,
        "ehlo" => Column::Ehlo,
        "label" => Column::Label,
        "port" => Column::Port,
        _ => Column::Other(name.to_owned()),
    }
}

/// A report of ours is a list too: what stands there against formulas is no part of the text.
fn unguarded(field: &str) -> String {
    match field.strip_prefix(GUARD) {
        Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r']) => rest.to_owned(),
        _ => field.to_owned(),
    }
}

/// A record to be: quotes may make it longer than a line.
pub(super) struct Record {
    reader: Reader,
    separator: u8,
    output: Vec<u8>,
    written: usize,
    ends: Vec<usize>,
    fields: usize,
}

impl Record {
    fn new(separator: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(separator).build();
        Self { reader, separator, output: Vec::new(), written: 0, ends: vec![0; MAX_COLUMNS + 1], fields: 0 }
    }

    /// Adds a line. Gives the fields once the record is complete; `None` while a quote is open.
    pub(super) fn push(&mut self, line: &str) -> Result<Option<Vec<String>>, String> {
        let line = format!("{line}\n");
        if self.written + line.len() > MAX_LINE {
            return Err(format!("the record is longer than {MAX_LINE} octets; a quote may be left open"));
        }
        self.output.resize(self.written + line.len(), 0);
        let (result, _, written, fields) =
            self.reader.read_record(line.as_bytes(), &mut self.output[self.written..], &mut self.ends[self.fields..]);
        self.written += written;
        self.fields += fields;
        match result {
            ReadRecordResult::Record => Ok(Some(self.take())),
            ReadRecordResult::InputEmpty | ReadRecordResult::End => Ok(None),
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                Err(format!("more than {MAX_COLUMNS} columns"))
            }
        }
    }

    fn take(&mut self) -> Vec<String> {
        let mut begin = 0;
        let ends = self.ends.iter().take(self.fields);
        let fields = ends
            .map(|end| {
                let field = String::from_utf8_lossy(&self.output[begin..*end]).into_owned();
                begin = *end;
                field
            })
            .collect();
        *self = Self::new(self.separator);
        fields
    }
}
