//! The EHLO names of one dialogue, for those who ask about them while it goes on.
//!
//! Several may listen, each from its own place in the list; the list ends when its [`Teller`] is dropped. Not a
//! channel of tokio's: one would take as much memory of every check in flight as all else that is said here.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// What has been said, and whether more may come.
#[derive(Default)]
pub(super) struct Said {
    told: Mutex<Told>,
    news: Notify,
}

#[derive(Default)]
struct Told {
    names: Vec<String>,
    over: bool,
}

impl Said {
    /// Who tells the names; none can come after it is dropped.
    pub(super) fn teller(&self) -> Teller<'_> {
        Teller(self)
    }

    /// All so far.
    pub(super) fn names(&self) -> Vec<String> {
        self.told().names.clone()
    }

    /// Those behind the first `heard`, as soon as there are any; `None` when no more can come.
    pub(super) async fn after(&self, heard: usize) -> Option<Vec<String>> {
        loop {
            // Made before the look: what is told between the two wakes it.
            let news = self.news.notified();
            {
                let told = self.told();
                match told.names.get(heard..) {
                    Some(new) if !new.is_empty() => return Some(new.to_vec()),
                    _ if told.over => return None,
                    _ => {}
                }
            }
            news.await;
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells names.
pub(super) struct Teller<'a>(&'a Said);

impl Teller<'_> {
    /// Tells a name, unless it was told before.
    pub(super) fn tell(&self, name: &str) {
        let mut told = self.0.told();
        if told.names.iter().any(|n| n == name) {
            return;
        }
        told.names.push(name.to_owned());
        drop(told);
        self.0.news.notify_waiters();
    }
}

impl Drop for Teller<'_> {
    fn drop(&mut self) {
        self.0.told().over = true;
        self.0.news.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::Said;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn each_listener_hears_every_name_once_and_then_the_end() {
        let said = Said::default();
        let teller = said.teller();
        assert!(said.after(0).now_or_never().is_none(), "nothing is said yet");
        let listen = || async {
            let mut heard = Vec::new();
            while let Some(new) = said.after(heard.len()).await {
                heard.extend(new);
            }
            heard
        };
        let tell = async {
            for name in ["a.example", "a.example", "b.example"] {
                teller.tell(name);
                tokio::task::yield_now().await;
            }
            drop(teller);
        };
        let (one, other, ()) = tokio::join!(listen(), listen(), tell);
        assert_eq!(one, ["a.example", "b.example"]);
        assert_eq!(other, one);
        assert_eq!(listen().await, one, "who comes late hears all the same");
        assert_eq!(said.after(2).await, None);
    }

    #[tokio::test]
    async fn what_is_told_between_a_look_and_the_wait_is_heard() {
        let said = Said::default();
        let teller = said.teller();
        let mut waiting = std::pin::pin!(said.after(0));
        assert!(waiting.as_mut().now_or_never().is_none());
        teller.tell("a.example");
        assert_eq!(waiting.await, Some(vec!["a.example".to_owned()]));
    }
}
