//! The smtp-preflight command; see the library's `cli`.

fn main() -> std::process::ExitCode {
    smtp_preflight::cli::run()
}
