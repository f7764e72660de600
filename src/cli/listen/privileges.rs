//! What the system grants: root's rights, given up once the sockets are bound, and descriptors.
//!
//! Order: all that needs rights (sockets, certificate, key, the file of results) comes before [`become_user`], and
//! that before there is a second thread.

#[cfg(all(unix, not(target_vendor = "apple")))]
pub(in crate::cli) use unix::{allow_sessions, become_user, is_root};

#[cfg(all(unix, not(target_vendor = "apple")))]
mod unix {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    use nix::unistd::{Uid, User, initgroups, setgid, setuid};

    use crate::cli::plan::PlanFault;

    /// Descriptors for all that is no session: doors, files, questions to the DNS.
    const SPARE: u64 = 400;

    /// Gives up what the sockets needed: supplementary groups, group and user, in this order, for good.
    pub(in crate::cli) fn become_user(name: &str) -> Result<(), PlanFault> {
        let fault = |e: &dyn std::fmt::Display| PlanFault(format!("--user {name}: {e}"));
        let user = User::from_name(name).map_err(|e| fault(&e))?.ok_or_else(|| fault(&"there is no such user here"))?;
        if user.uid.is_root() {
            return Err(fault(&"that is root, which gives up nothing; name another user"));
        }
        let c_name = std::ffi::CString::new(name).map_err(|e| fault(&e))?;
        initgroups(&c_name, user.gid).map_err(|e| fault(&format!("{e}; only root can become another user")))?;
        setgid(user.gid).map_err(|e| fault(&e))?;
        setuid(user.uid).map_err(|e| fault(&e))?;
        if setuid(Uid::from_raw(0)).is_ok() {
            return Err(fault(&"root's rights could be had again; not going on"));
        }
        Ok(())
    }

    /// Whether this process has root's rights.
    pub(in crate::cli) fn is_root() -> bool {
        Uid::effective().is_root()
    }

    /// Has the system allow a descriptor for each session; gives how many sessions it allows where those are fewer.
    pub(in crate::cli) fn allow_sessions(wanted: usize) -> Option<usize> {
        let needed = wanted as u64 + SPARE;
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        if soft >= needed {
            return None;
        }
        let most = needed.min(hard);
        if setrlimit(Resource::RLIMIT_NOFILE, most, hard).is_ok() && most == needed {
            return None;
        }
        let allowed = getrlimit(Resource::RLIMIT_NOFILE).map_or(soft, |(soft, _)| soft);
        usize::try_from(allowed.saturating_sub(SPARE).max(1)).ok().filter(|n| *n < wanted)
    }
}

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
pub(in crate::cli) use elsewhere::{allow_sessions, become_user, is_root};

#[cfg(not(all(unix, not(target_vendor = "apple"))))]
mod elsewhere {
    use crate::cli::plan::PlanFault;

    pub(in crate::cli) fn become_user(name: &str) -> Result<(), PlanFault> {
        Err(PlanFault(format!("--user {name}: not on this system; have its service manager hand over the sockets")))
    }

    pub(in crate::cli) fn is_root() -> bool {
        false
    }

    pub(in crate::cli) fn allow_sessions(_: usize) -> Option<usize> {
        None
    }
}
