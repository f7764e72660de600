//! The options of `roundtrip`, as declared.

#![expect(
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "the doc comments are the help text, and a switch is a bool"
)]

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::ColorArg;
use crate::cli::exit::FailOn;
use crate::cli::listen::args::DoorArgs;

/// Options of `roundtrip`.
#[derive(Debug, Args)]
#[command(
    after_help = "Credentials come from --credentials, from SMTP_PREFLIGHT_USER and SMTP_PREFLIGHT_PASSWORD, or \
from a prompt (--auth-user), never from the command line, and leave only inside TLS.\n\nExit codes: 0 the sending side \
agrees · 1 findings, or a verdict `differ` · 2 usage, or a socket or file that cannot be had · 3 the message was not \
handed over, did not arrive, or could not be judged · 70 a defect of ours"
)]
pub struct RoundtripArgs {
    /// The relay to send through: host, host:port, submission://host (587), smtps://host (465)
    #[arg(long, value_name = "HOST[:PORT]", required_unless_present = "setup", help_heading = "The message")]
    pub relay: Option<String>,
    /// The recipient: a domain whose mail arrives here (a fresh token is made), or TOKEN@DOMAIN
    #[arg(long, value_name = "[TOKEN@]DOMAIN", help_heading = "The message")]
    pub to: String,
    /// The envelope sender, where the relay wants one of its own [default: one in the recipient's domain]
    #[arg(long, value_name = "ADDRESS", help_heading = "The message")]
    pub from: Option<String>,
    /// How long to wait for the message
    #[arg(long, value_name = "TIME", default_value = "2m", help_heading = "The message")]
    pub wait: String,
    /// Print the records that the recipient's domain needs, and send nothing
    #[arg(long, help_heading = "The message")]
    pub setup: bool,
    /// With --setup: the public address of this machine [default: the addresses of --bind]
    #[arg(long, value_name = "IP", help_heading = "The message")]
    pub address: Vec<IpAddr>,

    /// A file with the user's name on its first line and the password on its second
    #[arg(long, value_name = "FILE", help_heading = "Logging in")]
    pub credentials: Option<PathBuf>,
    /// The user; the password is asked for at the terminal
    #[arg(long, value_name = "NAME", conflicts_with = "credentials", help_heading = "Logging in")]
    pub auth_user: Option<String>,
    /// The only mechanism to use [default: what the relay offers]
    #[arg(long, value_enum, help_heading = "Logging in")]
    pub auth: Option<AuthArg>,
    /// STARTTLS at the relay: required, where offered, or never
    #[arg(long, value_enum, default_value_t = SendTlsArg::Require, help_heading = "Logging in")]
    pub tls: SendTlsArg,
    /// Trust this authority, or this certificate of the relay itself, too, PEM: credentials go to no relay whose certificate cannot be verified
    #[arg(long, value_name = "FILE", help_heading = "Logging in")]
    pub ca: Option<PathBuf>,
    /// Log in whatever certificate the relay shows
    #[arg(long, help_heading = "Logging in")]
    pub any_certificate: bool,

    /// Our own door
    #[command(flatten)]
    pub door: DoorArgs,

    /// Ask this server, not the system's; repeat it, and disagreement is a result
    #[arg(long, value_name = "IP[:PORT]", help_heading = "How to look")]
    pub resolver: Vec<String>,
    /// Dialling the relay, handing over the message, and each check end within this time
    #[arg(long, value_name = "TIME", default_value = "45s", help_heading = "How to look")]
    pub timeout: String,
    /// The EHLO name with which we dial [default: that of --name]
    #[arg(long, value_name = "NAME", help_heading = "How to look")]
    pub helo_as: Option<String>,
    /// Dial from this address of this machine
    #[arg(long, value_name = "IP", help_heading = "How to look")]
    pub source: Option<IpAddr>,

    /// How to print [default: table]
    #[arg(long, value_enum, help_heading = "Report")]
    pub format: Option<RoundtripFormat>,
    /// What makes exit 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, help_heading = "Report")]
    pub fail_on: FailOn,
    /// Colour [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, value_enum, default_value_t = ColorArg::Auto, help_heading = "Report")]
    pub color: ColorArg,
    /// Under the table, what each finding means and its own remedy
    #[arg(long, help_heading = "Report")]
    pub explain: bool,
    /// No progress on standard error
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
}

/// `--auth`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthArg {
    /// PLAIN
    Plain,
    /// LOGIN
    Login,
    /// CRAM-MD5
    CramMd5,
}

/// `--tls` of `roundtrip`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SendTlsArg {
    /// Its absence is an error
    #[default]
    Require,
    /// Where it is offered
    Auto,
    /// Never
    Off,
}

/// The formats of `roundtrip`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoundtripFormat {
    /// For a person at a terminal
    Table,
    /// One object
    Json,
    /// The same in one line
    Ndjson,
    /// For a ticket
    Markdown,
}
