//! The smtp-preflight command; see the library's `cli`.

/// Checks on every core allocate little and often; the system's allocator takes a third of their time for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    smtp_preflight::cli::run()
}
