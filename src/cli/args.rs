//! The command line, as declared; no logic (see [`super::plan`]).

#![expect(
    clippy::doc_markdown,
    clippy::struct_excessive_bools,
    reason = "the doc comments are the help text, and a switch is a bool"
)]

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::batch::{Rate, Shard};
use super::exit::FailOn;
use crate::judge::receivers::Selection;
use crate::report::{Format, Ticket};

/// Checks that a mail server's EHLO name, its PTR and that name's A/AAAA agree, as receiving servers will.
#[derive(Debug, Parser)]
#[command(
    name = "smtp-preflight",
    version,
    after_help = "Exit codes: 0 agrees · 1 findings, or a verdict `differ` · 2 usage or unreadable input · \
                  3 could not be judged · 70 a defect of ours"
)]
pub struct Cli {
    /// The verb.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The probe: dial, look up, judge, and show the three-way agreement
    Check(Box<CheckArgs>),
    /// A bounce, a message, pasted words: the cause, the sending address, and its state today
    Bounce(Box<super::bounce::BounceArgs>),
    /// Receiver's eye: what a relay says when it connects to us, and what receivers make of it
    Listen(Box<super::listen::ListenArgs>),
    /// Send a test message through a relay, catch it here, and judge both sides
    Roundtrip(Box<super::roundtrip::RoundtripArgs>),
    /// The embedded lab: every scenario on real loopback sockets, no network needed
    Demo(DemoArgs),
    /// What a finding, a receiver's rule or an SMTP refusal means, and the fix
    Explain(ExplainArgs),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page (roff)
    Man,
}

/// Options of `check`.
#[derive(Clone, Debug, Default, Args)]
pub struct CheckArgs {
    /// A host, host:port, IP, [v6]:port, smtps://host (implicit TLS) or submission://host (587)
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,

    /// Judge these outbound addresses instead of the address dialled
    #[arg(long, value_name = "IP|CIDR", help_heading = "Identity")]
    pub ip: Vec<String>,
    /// Judge this client EHLO name instead of the one that the server replies with
    #[arg(long, value_name = "NAME", help_heading = "Identity")]
    pub ehlo: Option<String>,
    /// DNS only; needs --ip (or identities in --input)
    #[arg(long, help_heading = "Identity")]
    pub no_connect: bool,
    /// This machine: the address that it sends from, as DNS services see it, and the EHLO name of --ehlo, of
    /// the local mail server's configuration or of its greeting on 127.0.0.1:25 (--no-connect leaves the greeting out)
    #[arg(long = "self", conflicts_with_all = ["targets", "ip", "input", "replay"], help_heading = "Identity")]
    pub own: bool,
    /// With --self: ask this DNS server for this name, whose answer is the asker's own address; TYPE is A,
    /// AAAA or TXT [default: two operators, over IPv4 and IPv6]
    #[arg(long, value_name = "NAME[/TYPE]@SERVER[:PORT]", help_heading = "Identity")]
    pub whoami: Vec<String>,

    /// Many: one TARGET a line, NDJSON {"target":…} / {"ip":…,"ehlo":…}, or CSV with a header of target, ip,
    /// ehlo, port; with an optional "label"
    #[arg(long, value_name = "FILE|-", help_heading = "Many")]
    pub input: Option<PathBuf>,
    /// Checks at once [default: as many as resolver and machine bear]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=16384), help_heading = "Many")]
    pub concurrency: Option<u16>,
    /// Connections to one address at once; what a dialogue with it has shown holds for the whole run
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Many")]
    pub per_host: u16,
    /// Checks begun a second, at most
    #[arg(long, value_name = "N", help_heading = "Many")]
    pub rate: Option<Rate>,
    /// Print in the order of --input, not as done
    #[arg(long, help_heading = "Many")]
    pub ordered: bool,
    /// Leave out what this output of an earlier run holds (ndjson or csv, as --format); what may be half of its
    /// last result is cut off it, and the exit code is that of the whole list
    #[arg(long, value_name = "FILE", conflicts_with = "replay", help_heading = "Many")]
    pub resume: Option<PathBuf>,
    /// Do the K-th of N parts of the list: each identity is in one part, whatever the order
    #[arg(long, value_name = "K/N", conflicts_with = "replay", help_heading = "Many")]
    pub shard: Option<Shard>,

    /// TARGET as a domain.
    #[command(flatten)]
    pub domain: super::domain::DomainArgs,
    /// The comparison.
    #[command(flatten)]
    pub baseline: super::baseline::BaselineArgs,
    /// The repetition.
    #[command(flatten)]
    pub watch: super::watch::WatchArgs,

    /// Ask this server, not the system's; repeat it, and disagreement is a result
    #[arg(long, value_name = "IP[:PORT]", help_heading = "How to look")]
    pub resolver: Vec<String>,
    /// The whole check ends within this time (10s, 1500ms, 2m)
    #[arg(long, value_name = "TIME", default_value = "45s", help_heading = "How to look")]
    pub timeout: String,
    /// Our own EHLO name [default: this machine's full name, or its address as a literal]
    #[arg(long, value_name = "NAME", help_heading = "How to look")]
    pub helo_as: Option<String>,
    /// Dial from this address of this machine, and so only addresses of its family
    #[arg(long, value_name = "IP", help_heading = "How to look")]
    pub source: Option<IpAddr>,
    /// Dial IPv4 addresses only
    #[arg(short = '4', conflicts_with = "ipv6", help_heading = "How to look")]
    pub ipv4: bool,
    /// Dial IPv6 addresses only
    #[arg(short = '6', help_heading = "How to look")]
    pub ipv6: bool,
    /// STARTTLS: where offered, required, or never
    #[arg(long, value_enum, default_value_t = TlsArg::Auto, help_heading = "How to look")]
    pub tls: TlsArg,
    /// The port, where the target gives none [default: 25]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..), help_heading = "How to look")]
    pub port: Option<u16>,
    /// A mail server to try when a target's port is silent, to tell a block on this machine from a dead
    /// server; `none` tries none [default: two large receivers, for port 25]
    #[arg(long, value_name = "HOST[:PORT]", help_heading = "How to look")]
    pub control: Vec<String>,

    /// Whose answer to predict: `all`, `none`, or names such as `postfix,gmail` (`explain` lists them)
    #[arg(long, value_name = "all|none|NAME,…", default_value = "all", help_heading = "Report")]
    pub receivers: Selection,
    /// How to print [default: table; one row a check where --input holds several]
    #[arg(long, value_enum, help_heading = "Report")]
    pub format: Option<Format>,
    /// Write the evidence to this file
    #[arg(long, value_name = "FILE", help_heading = "Report")]
    pub save: Option<PathBuf>,
    /// Judge saved evidence, with no network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["targets", "ip", "ehlo", "no_connect", "input", "save"], help_heading = "Report")]
    pub replay: Option<PathBuf>,
    /// Print a ticket to send, ready to paste, instead of the report
    #[arg(long, value_enum, conflicts_with = "format", help_heading = "Report")]
    pub ticket: Option<Ticket>,
    /// Under the table, what each finding means and its own remedy
    #[arg(long, help_heading = "Report")]
    pub explain: bool,
    /// What makes exit 1
    #[arg(long, value_enum, default_value_t = FailOn::Warning, help_heading = "Report")]
    pub fail_on: FailOn,
    /// Colour [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, value_enum, default_value_t = ColorArg::Auto, help_heading = "Report")]
    pub color: ColorArg,
    /// One row a check, and no remarks
    #[arg(short, long, help_heading = "Report")]
    pub quiet: bool,
    /// The transcript, SMTP and DNS, on standard error
    #[arg(short, long, help_heading = "Report")]
    pub verbose: bool,
}

impl CheckArgs {
    /// Whether this is, by the look of it, more than a handful of checks.
    pub(super) fn many(&self) -> bool {
        self.input.is_some()
            || self.domain.mx
            || self.domain.spf
            || self.targets.len() > 8
            || self.ip.iter().any(|ip| ip.contains('/'))
    }
}

/// Options of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// One scenario in full; all of them, a row each, without
    pub scenario: Option<String>,
    /// Whose answer to show: `all`, `none`, or names such as `postfix,gmail`
    #[arg(long, value_name = "all|none|NAME,…", default_value = "all")]
    pub receivers: Selection,
    /// Under the table, what each finding means and its own remedy
    #[arg(long)]
    pub explain: bool,
    /// Colour [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, value_enum, default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
}

/// Options of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A finding's code, a receiver or its rule (postfix/reject_unknown_client_hostname), a mail server (zimbra), a
    /// provider (hetzner), several of these, or a refusal as the receiver put it, in quotes ('550 5.7.25 …'); without,
    /// the list of all names
    #[arg(value_name = "NAME|REPLY")]
    pub what: Vec<String>,
    /// Colour [default: on a terminal, unless NO_COLOR is set]
    #[arg(long, value_enum, default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
}

/// `--tls`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum TlsArg {
    /// Where it is offered
    #[default]
    Auto,
    /// Its absence is an error
    Require,
    /// Never
    Off,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
