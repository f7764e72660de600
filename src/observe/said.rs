//! The EHLO names of one dialogue, for those who ask about them while it goes on.
//!
//! Several may listen, each from its own place in the list; the list ends when its [`Teller`] is dropped. Not a
//! channel of tokio's, which would bring eight notifiers to every check in flight.

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
    /// The one who tells the names; none can come after it is dropped.
    pub(super) fn teller(&self) -> Teller<'_> {
        Teller(self)
    }

    /// All so far; one may stand there more than once.
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
    /// Tells a name, unless it is the one told last. Of several addresses in turn, an earlier one's name may come
    /// again: the last is the one that counts.
    pub(super) fn tell(&self, name: &str) {
        let mut told = self.0.told();
        if told.names.last().is_some_and(|n| n == name) {
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
    use std::pin::pin;

    use futures_util::FutureExt;

    use super::Said;

    #[test]
    fn all_who_listen_are_woken_by_a_name_and_by_the_end() {
        let said = Said::default();
        let teller = said.teller();
        let (mut one, mut other) = (pin!(said.after(0)), pin!(said.after(0)));
        for waiting in [&mut one, &mut other] {
            assert_eq!(waiting.as_mut().now_or_never(), None, "nothing is said yet");
        }
        teller.tell("a.example");
        for waiting in [one, other] {
            assert_eq!(waiting.now_or_never(), Some(Some(vec!["a.example".to_owned()])));
        }
        let (mut one, mut other) = (pin!(said.after(1)), pin!(said.after(1)));
        for waiting in [&mut one, &mut other] {
            assert_eq!(waiting.as_mut().now_or_never(), None, "all is heard, and more may come");
        }
        drop(teller);
        for waiting in [one, other] {
            assert_eq!(waiting.now_or_never(), Some(None));
        }
    }

    #[test]
    fn who_comes_late_hears_all_in_the_order_that_it_was_said() {
        let said = Said::default();
        let teller = said.teller();
        for name in ["a.example", "a.example", "b.example", "a.example"] {
            teller.tell(name);
        }
        drop(teller);
        assert_eq!(said.names(), ["a.example", "b.example", "a.example"]);
        assert_eq!(said.after(0).now_or_never(), Some(Some(said.names())));
        assert_eq!(said.after(2).now_or_never(), Some(Some(vec!["a.example".to_owned()])));
        assert_eq!(said.after(3).now_or_never(), Some(None));
    }

    /// The window between the look and the wait is open to another thread only.
    #[test]
    fn nothing_is_missed_of_what_another_thread_tells() {
        let said = Said::default();
        let count = std::thread::scope(|threads| {
            let teller = said.teller();
            threads.spawn(move || (0..2_000).for_each(|n| teller.tell(&n.to_string())));
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let mut heard = 0;
                let all = async {
                    while let Some(new) = said.after(heard).await {
                        heard += new.len();
                    }
                };
                tokio::time::timeout(std::time::Duration::from_secs(30), all).await.expect("the end is heard");
                heard
            })
        });
        assert_eq!(count, 2_000);
    }
}
