//! What this machine and its resolvers can bear, as numbers that only grow; a run that is too fast sees it here.
//!
//! Failure: none; shortages are waited out by whoever meets them.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::io::Errno;

/// How long to wait before a shortage is looked at again.
pub(super) const SHORTAGE_WAIT: Duration = Duration::from_millis(50);

/// The counters, shared by all checks of an observer.
#[derive(Debug, Default)]
pub(super) struct Load {
    answered: AtomicU64,
    retried: AtomicU64,
    unanswered: AtomicU64,
    shortages: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadSeen {
    /// Questions with a definite answer.
    pub answered: u64,
    /// Of these, those that needed a second try: most often a datagram was lost.
    pub retried: u64,
    /// Questions that ended in temporary trouble.
    pub unanswered: u64,
    /// Sockets that this machine could not give, for want of descriptors or buffers.
    pub shortages: u64,
}

impl Load {
    pub(super) fn question(&self, definite: bool, tries: usize) {
        let counter = if definite { &self.answered } else { &self.unanswered };
        counter.fetch_add(1, Ordering::Relaxed);
        if definite && tries > 1 {
            self.retried.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn shortage(&self) {
        self.shortages.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn seen(&self) -> LoadSeen {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LoadSeen {
            answered: of(&self.answered),
            retried: of(&self.retried),
            unanswered: of(&self.unanswered),
            shortages: of(&self.shortages),
        }
    }
}

/// Whether this machine had no descriptor or buffer left: our own trouble, which passes.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM))
}
