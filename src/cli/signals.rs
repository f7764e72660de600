//! Signals that tell us to stop, and the one that must not kill us.
//!
//! SIGINT, SIGTERM and SIGHUP, which a terminal sends as it closes; SIGHUP stays ignored where it was when we were
//! started (nohup). Where a system has no such signals, Ctrl-C.
//! SIGXFSZ: a file that may not grow further is an error of writing, told like a full disk, not our end in the middle
//! of a line.

#[cfg(unix)]
use std::task::Poll;

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Those of them that are taken.
pub(super) struct Signals {
    #[cfg(unix)]
    taken: Vec<Signal>,
}

impl Signals {
    /// All that tell a server to stop.
    #[cfg(unix)]
    pub(super) fn new() -> Self {
        Self::of(&[SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()])
    }

    /// Those of a terminal: the interrupt key, and that it closes.
    #[cfg(unix)]
    pub(super) fn of_terminal() -> Self {
        Self::of(&[SignalKind::interrupt(), SignalKind::hangup()])
    }

    #[cfg(unix)]
    fn of(kinds: &[SignalKind]) -> Self {
        let wanted = kinds.iter().filter(|k| **k != SignalKind::hangup() || hangup_is_ours());
        Self { taken: wanted.filter_map(|k| signal(*k).ok()).collect() }
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Self {
        Self {}
    }

    #[cfg(not(unix))]
    pub(super) fn of_terminal() -> Self {
        Self {}
    }

    /// The next one; never, where the system lets us have none.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let heard = self.taken.iter_mut().any(|s| s.poll_recv(context) == Poll::Ready(Some(())));
            if heard { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// One word from the terminal to stop.
pub(super) async fn interrupt() {
    Signals::of_terminal().next().await;
}

/// Whether SIGHUP was not ignored when we were started. Asked once, since our own handler would be the answer later;
/// where the system cannot be asked, it is left as it is.
#[cfg(unix)]
fn hangup_is_ours() -> bool {
    static OURS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *OURS.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
        let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & (1 << (SignalKind::hangup().as_raw_value() - 1)) == 0)
    })
}

/// From here on a file that may not grow is an error of writing. Must be called within a runtime.
pub(super) fn outlive_full_files() {
    #[cfg(unix)]
    {
        // A handler once set stays; where none can be, all is as it was.
        let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
    }
}
