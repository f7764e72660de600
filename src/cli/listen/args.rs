//! The options of `listen`, as declared; those of the door are `roundtrip`'s too.

#![expect(
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "the doc comments are the help text, and a switch is a bool"
)]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::ColorArg;
use crate::cli::exit::FailOn;

/// Options of `listen`.
#[derive(Debug, Args)]
#[command(
    after_help = "No mail is ever stored or passed on. Exit codes: 0 every identity heard agrees · 1 findings, or a \
verdict `differ` · 2 usage, or a socket or file that cannot be had · 3 nobody was heard, fewer than --count asks for, \
or an identity that could not be judged · 70 a defect of ours"
)]
pub struct ListenArgs {
    /// Our own door
    #[command(flatten)]
    pub door: DoorArgs,

    /// Take mail and drop it, instead of refusing each recipient with 451; nothing is stored
    #[arg(long, help_heading = "Which sessions")]
    pub accept: bool,
    /// Report only sessions with this recipient: its local part, or what stands behind the last +, - or = in it
    #[arg(long, value_name = "TOKEN", help_heading = "Which sessions")]
    pub only: Option<String>,
    /// Stop after the first session that says a name (with --only: that names the recipient)
    #[arg(long, conflicts_with = "count", help_heading = "Which sessions")]
    pub once: bool,
    /// Stop after so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), help_heading = "Which sessions")]
    pub count: Option<u64>,
    /// Stop after this time (90s, 10m, 8h)
    #[arg(long = "for", value_name = "TIME", help_heading = "Which sessions")]
    pub duration: Option<String>,

    /// Ask this server, not the system's; repeat it, and disagreement is a result
    #[arg(long, value_name = "IP[:PORT]", help_heading = "How to look")]
    pub resolver: Vec<String>,
    /// The check of one identity ends within this time (10s, 1500ms, 2m)
    #[arg(long, value_name = "TIME", default_value = "20s", help_heading = "How to look")]
    pub timeout: String,

    /// How to print [default: table on a terminal, else ndjson]
    #[arg(long, value_enum, help_heading = "Report")]
    pub format: Option<ListenFormat>,
    /// Append the results to this file instead of standard output
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub output: Option<PathBuf>,
    /// What makes exit 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, help_heading = "Report")]
    pub fail_on: FailOn,
    /// Colour [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, value_enum, default_value_t = ColorArg::Auto, help_heading = "Report")]
    pub color: ColorArg,
    /// Under a table, what each finding means and its own remedy
    #[arg(long, help_heading = "Report")]
    pub explain: bool,
    /// No remarks on standard error
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
}

/// The door: where we listen, as whom, and how much we bear.
#[derive(Debug, Default, Args)]
pub struct DoorArgs {
    /// Listen here: ADDR, ADDR:PORT, :PORT for both families, smtps://ADDR for TLS before the greeting
    /// [default: port 25 of both families, or what a service manager hands over]
    #[arg(long, value_name = "ADDR", help_heading = "Our door")]
    pub bind: Vec<String>,
    /// The name with which we greet [default: this machine's full name]
    #[arg(long, value_name = "NAME", help_heading = "Our door")]
    pub name: Option<String>,
    /// Our certificate and its chain, PEM; needs --key [default: one made for this run]
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "Our door")]
    pub cert: Option<PathBuf>,
    /// The certificate's key, PEM
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "Our door")]
    pub key: Option<PathBuf>,
    /// A balancer that names the client by PROXY protocol version 2, and must; from others a header is refused
    #[arg(long, value_name = "IP|CIDR", help_heading = "Our door")]
    pub proxy_from: Vec<String>,
    /// Become this user once the sockets are bound
    #[arg(long, value_name = "NAME", help_heading = "Our door")]
    pub user: Option<String>,
    /// Sessions at once; more wait outside
    #[arg(long, value_name = "N", default_value_t = 2500, value_parser = clap::value_parser!(u32).range(1..=50_000), help_heading = "Our door")]
    pub max_sessions: u32,
    /// Sessions at once of one address, or of one IPv6 /64; more are refused with 421
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=50_000), help_heading = "Our door")]
    pub max_per_address: u32,
    /// How long we wait before the greeting, to see who cannot
    #[arg(long, value_name = "TIME", default_value = "250ms", help_heading = "Our door")]
    pub greet_delay: String,
    /// A command, a handshake or a PROXY header is complete within this
    #[arg(long, value_name = "TIME", default_value = "60s", help_heading = "Our door")]
    pub command_time: String,
    /// A session ends within this
    #[arg(long, value_name = "TIME", default_value = "5m", help_heading = "Our door")]
    pub session_time: String,
}

/// The formats of `listen`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListenFormat {
    /// For a person at a terminal
    Table,
    /// One object with all sessions and counts
    Json,
    /// One object a session, a line each
    Ndjson,
    /// For a ticket
    Markdown,
}
