//! Where checks run: on event loops of their own, one a core, each with a thread and sockets that no other loop reads.
//!
//! A check stays on the loop that it began on. Loops that take work from each other keep it in queues which every
//! core must look into, and move a check away from the cache that holds it: a tenth of a check's processor time went
//! there. The one who gives checks out and writes what comes of them is on none of them: a reader of the output who
//! lets it wait does not let a check time out.
//! Units: lateness in microseconds, looked for every [`TICK`].

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::FutureExt;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::adapt::TICK;

/// Tasks on loops.
pub(super) struct Loops<T> {
    tasks: JoinSet<(Option<usize>, T)>,
    begun: Vec<Loop>,
    most: usize,
    late: Arc<AtomicU64>,
}

/// How a task has ended.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ended<T> {
    /// It was aborted, or has panicked.
    Broken,
    Done(T),
}

/// A loop on a thread of its own; ends when this is dropped.
pub(super) struct Loop {
    pub(super) handle: Handle,
    tasks: usize,
    _until: oneshot::Sender<()>,
}

impl<T: Send + 'static> Loops<T> {
    /// Up to so many loops, begun as they are needed; 0 for the caller's own and no other.
    pub(super) fn new(most: usize) -> Self {
        Self { tasks: JoinSet::new(), begun: Vec::new(), most, late: Arc::default() }
    }

    /// Begins a task on the loop that has the fewest; on the caller's where the machine gives no thread.
    pub(super) fn spawn(&mut self, task: impl Future<Output = T> + Send + 'static) {
        let at = self.place();
        // Not an async block around it: in that the task would lie twice.
        let task = task.map(move |done| (at, done));
        match at.map(|at| &mut self.begun[at]) {
            Some(chosen) => {
                chosen.tasks += 1;
                self.tasks.spawn_on(task, &chosen.handle)
            }
            None => self.tasks.spawn(task),
        };
    }

    fn place(&mut self) -> Option<usize> {
        let fewest = (0..self.begun.len()).min_by_key(|at| self.begun[*at].tasks);
        if fewest.is_none_or(|at| self.begun[at].tasks > 0) && self.begun.len() < self.most {
            match Loop::begin(&self.late) {
                Ok(another) => {
                    self.begun.push(another);
                    return Some(self.begun.len() - 1);
                }
                Err(_) => self.most = self.begun.len(),
            }
        }
        fewest
    }

    /// Tasks that have not been taken back.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Waits for one to end.
    pub(super) async fn next(&mut self) -> Option<Ended<T>> {
        let ended = self.tasks.join_next().await?;
        Some(self.taken(ended))
    }

    /// One that has ended already.
    pub(super) fn try_next(&mut self) -> Option<Ended<T>> {
        let ended = self.tasks.try_join_next()?;
        Some(self.taken(ended))
    }

    fn taken(&mut self, ended: Result<(Option<usize>, T), JoinError>) -> Ended<T> {
        let Ok((at, value)) = ended else { return Ended::Broken };
        if let Some(at) = at {
            self.begun[at].tasks -= 1;
        }
        Ended::Done(value)
    }

    /// By how much a loop has come too late since this was last asked: what it has to do is too much for it.
    pub(super) fn late(&self) -> Duration {
        Duration::from_micros(self.late.swap(0, Ordering::Relaxed))
    }

    /// Ends them all where they are.
    pub(super) fn abort_all(&mut self) {
        self.tasks.abort_all();
    }
}

impl Loop {
    /// Begins one, which tells by how much it is late at most.
    pub(super) fn begin(late: &Arc<AtomicU64>) -> io::Result<Self> {
        let late = late.clone();
        let (until, dropped) = oneshot::channel();
        let (give, given) = std::sync::mpsc::channel();
        // A runtime is made and ends on its own thread: it must not be dropped within another.
        std::thread::Builder::new().name("checks".into()).spawn(move || {
            match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => {
                    let _ = give.send(Ok(runtime.handle().clone()));
                    runtime.block_on(async {
                        tokio::select! {
                            _ = dropped => {}
                            () = watched(&late) => {}
                        }
                    });
                    // Last words that no verdict waits for.
                    runtime.shutdown_background();
                }
                Err(e) => drop(give.send(Err(e))),
            }
        })?;
        let handle = given.recv().map_err(|_| io::ErrorKind::Other)??;
        Ok(Self { handle, tasks: 0, _until: until })
    }
}

async fn watched(late: &AtomicU64) {
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let due = ticks.tick().await;
        let by = Instant::now().saturating_duration_since(due).as_micros();
        late.fetch_max(u64::try_from(by).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::thread::{ThreadId, current};

    use tokio::time::sleep;

    use super::*;

    async fn all<T: Send + 'static>(loops: &mut Loops<T>) -> Vec<Ended<T>> {
        let mut all = Vec::new();
        while let Some(one) = loops.next().await {
            all.push(one);
        }
        all
    }

    /// The thread of a task before and after it has waited.
    async fn threads() -> (ThreadId, ThreadId) {
        let before = current().id();
        sleep(Duration::from_millis(20)).await;
        (before, current().id())
    }

    #[tokio::test]
    async fn tasks_are_shared_out_evenly_and_stay_where_they_began() {
        let mut loops = Loops::new(3);
        for _ in 0..30 {
            loops.spawn(threads());
        }
        let mut on: HashMap<ThreadId, usize> = HashMap::new();
        for ended in all(&mut loops).await {
            let Ended::Done((before, after)) = ended else { panic!("{ended:?}") };
            assert_eq!(before, after);
            *on.entry(before).or_default() += 1;
        }
        assert_eq!(on.into_values().collect::<Vec<_>>(), [10, 10, 10]);
        // What has ended leaves room: one after the other all go to one loop.
        let mut one_by_one = Vec::new();
        for _ in 0..5 {
            loops.spawn(threads());
            one_by_one.extend(all(&mut loops).await);
        }
        assert!(one_by_one.iter().all(|on| *on == one_by_one[0]));
    }

    #[tokio::test]
    async fn a_loop_that_is_kept_from_its_work_says_so_once() {
        let mut loops = Loops::new(1);
        loops.spawn(async {
            sleep(2 * TICK).await;
            std::thread::sleep(4 * TICK);
            sleep(TICK).await;
        });
        all(&mut loops).await;
        assert!(loops.late() >= 2 * TICK, "it stood still for {:?}", 4 * TICK);
        assert!(loops.late() < 2 * TICK);
    }

    #[tokio::test]
    async fn without_loops_the_callers_own_runs_them() {
        let mut loops = Loops::new(0);
        loops.spawn(threads());
        let Some(Ended::Done((before, after))) = loops.next().await else { panic!("it ends") };
        assert_eq!((before, after), (current().id(), current().id()));
    }

    #[tokio::test]
    async fn what_is_aborted_comes_back_empty_and_a_panic_takes_nothing_along() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let mut loops = Loops::new(1);
        loops.spawn(async { panic!("one") });
        loops.spawn(async { 2 });
        let mut came = all(&mut loops).await;
        std::panic::set_hook(hook);
        came.sort_unstable();
        assert_eq!(came, [Ended::Broken, Ended::Done(2)]);
        loops.spawn(std::future::pending());
        loops.abort_all();
        assert_eq!(all(&mut loops).await, [Ended::Broken]);
    }
}
