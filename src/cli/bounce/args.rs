//! The options of `bounce`, as declared.

#![expect(clippy::doc_markdown, reason = "the doc comments are the help text")]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::ColorArg;
use crate::judge::receivers::Selection;

/// Options of `bounce`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 no cause in the sender's identity, or fixed since · 1 a cause in the sender's \
identity that is still there, or that --no-check left unverified · 2 usage, or input that could not be read · \
3 a cause in the sender's identity that could not be checked again · 70 a defect of ours")]
pub struct BounceArgs {
    /// A bounce, a message, a log line; a directory, a Maildir, an mbox; - for standard input, which is
    /// also read where nothing is given
    #[arg(value_name = "FILE|DIR|-")]
    pub inputs: Vec<PathBuf>,
    /// The pasted words themselves, as in --text '550 5.7.25 …'
    #[arg(long, value_name = "WORDS", conflicts_with = "inputs")]
    pub text: Option<String>,

    /// Read only: ask the DNS nothing
    #[arg(long, help_heading = "Then and now")]
    pub no_check: bool,
    /// Ask this server, not the system's; repeat it, and disagreement is a result
    #[arg(long, value_name = "IP[:PORT]", help_heading = "Then and now")]
    pub resolver: Vec<String>,
    /// The check of one address ends within this time (10s, 1500ms, 2m)
    #[arg(long, value_name = "TIME", default_value = "15s", help_heading = "Then and now")]
    pub timeout: String,
    /// Addresses checked at once
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Then and now")]
    pub concurrency: u16,

    /// Whose answer today to predict, in JSON: `all`, `none`, or names such as `postfix,gmail`
    #[arg(long, value_name = "all|none|NAME,…", default_value = "all", help_heading = "Then and now")]
    pub receivers: Selection,

    /// How to print [default: one bounce in full; of many, a row each and a summary]
    #[arg(long, value_enum, help_heading = "Report")]
    pub format: Option<BounceFormat>,
    /// An answer to paste instead of the report
    #[arg(long, value_enum, value_name = "FOR", conflicts_with = "format", help_heading = "Report")]
    pub ticket: Option<TicketFor>,
    /// What makes exit 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, help_heading = "Report")]
    pub fail_on: FailOn,
    /// Colour [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, value_enum, default_value_t = ColorArg::Auto, help_heading = "Report")]
    pub color: ColorArg,
    /// One row a message, and no summary
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
    /// Every DNS answer, on standard error
    #[arg(short, long, help_heading = "Report")]
    pub verbose: bool,
}

/// The formats of `bounce`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum BounceFormat {
    /// Each in full, for a person
    Table,
    /// One object with all of them and a summary
    Json,
    /// One object a line
    Ndjson,
    /// For a ticket: one in full, many as a table
    Markdown,
}

/// Whom a ticket is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TicketFor {
    /// Who runs the sending server
    Customer,
}

/// What makes exit 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// A cause in the sender's identity that is seen to be still there
    Error,
    /// That, and one that --no-check left unverified
    #[default]
    Warning,
    /// Nothing
    Never,
}
