//! The engine: requests in, results out, never more than a bounded number between the two.
//!
//! Each check is a task of its own ([`super::loops`]): one that fails, or ends in a defect of ours, ends alone. A check
//! begins when there is a place for it ([`super::adapt`]), the pace allows it ([`super::pace`]) and the order of the output
//! has room ([`super::order`]); the list is read no faster than that.
//! Interrupts: the first lets what is in flight end, the second drops it.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use super::adapt::{Adapt, TICK};
use super::busy::Busy;
use super::loops::{Ended, Loops};
use super::order::Order;
use super::pace::{Pace, Rate};
use crate::domain::Remark;
use crate::observe::{LoadSeen, Request};

/// What the list gives.
#[derive(Debug)]
pub(super) enum Given {
    /// A check to do.
    Request(Box<Request>),
    /// A line that is none, and why; or why reading ended.
    Bad(String),
    /// Something to say of where the checks come from.
    Remark(Remark),
}

/// What came of a request.
#[derive(Debug)]
pub(super) struct Finished<T> {
    pub(super) request: Arc<Request>,
    /// The results, or the words of the panic that stands in their place.
    pub(super) came: Result<T, String>,
}

/// What ends within this is taken together, where every place is taken: to be woken for each result costs more than to
/// take it.
const TOGETHER: Duration = Duration::from_millis(1);
/// Checks in flight from which on that is worth the wait.
const MANY: usize = 16;

/// What the engine is told to keep to.
#[derive(Debug)]
pub(super) struct Bounds {
    /// Event loops for the checks; 0 for the engine's own.
    pub(super) loops: usize,
    pub(super) adapt: Adapt,
    pub(super) rate: Option<Rate>,
    pub(super) ordered: bool,
}

/// How checks are done.
pub(super) trait Work: Send + Sync + 'static {
    /// What a check gives.
    type Result: Send + 'static;

    /// Does one check.
    fn check(self: Arc<Self>, request: Arc<Request>) -> BoxFuture<'static, Self::Result>;

    /// What machine and resolvers have borne so far.
    fn load(&self) -> LoadSeen;
}

/// Where results go.
pub(super) trait Sink<T> {
    /// One result, in the order of the output.
    fn take(&mut self, finished: Finished<T>) -> impl Future<Output = ()>;
    /// A line of the list that is no request.
    fn bad(&mut self, why: &str);
    /// Something to say of where the checks come from.
    fn remark(&mut self, remark: &Remark);
    /// What is held goes out.
    fn flush(&mut self);
    /// Nobody reads any more.
    fn gone(&self) -> bool;
    /// A moment has passed: so many checks have begun, and so many of them have not ended.
    fn tick(&mut self, begun: u64, in_flight: usize);
    /// The first interrupt has come (`false`), or the one that drops what is in flight.
    fn interrupted(&mut self, dropped: bool);
}

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// An interrupt ended it.
    pub(super) interrupted: bool,
    /// A defect of ours took a check along, and ended it.
    pub(super) lost: bool,
}

/// Runs until the list ends and every check is done, or an interrupt ends it.
pub(super) async fn run<W: Work>(
    mut list: mpsc::Receiver<Given>,
    work: Arc<W>,
    bounds: Bounds,
    sink: &mut impl Sink<W::Result>,
    mut interrupts: mpsc::Receiver<()>,
) -> End {
    let Bounds { loops, mut adapt, rate, ordered } = bounds;
    let mut order: Order<Finished<W::Result>> = Order::new(ordered);
    let mut pace = Pace::new(rate, Instant::now());
    let mut running: Loops<(u64, Finished<W::Result>)> = Loops::new(loops);
    let (mut position, mut open, mut full, mut ended) = (0, true, false, 0);
    let mut end = End::default();
    let mut busy = Busy::new(loops.max(1));
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if !open && running.is_empty() {
            break;
        }
        let places = running.len() < adapt.at_once();
        full |= !places;
        let may_begin = open && places && order.has_room(position);
        let wait = pace.wait(Instant::now()).filter(|_| may_begin);
        tokio::select! {
            biased;
            Some(()) = interrupts.recv() => {
                sink.interrupted(end.interrupted);
                if end.interrupted {
                    running.abort_all();
                    break;
                }
                end.interrupted = true;
                open = false;
            }
            due = ticks.tick() => {
                let late = Instant::now().saturating_duration_since(due).max(running.late());
                adapt.tick(work.load(), ended, full, late, busy.share());
                (full, ended) = (false, 0);
                sink.flush();
                open &= !sink.gone();
                sink.tick(position, running.len());
            }
            Some(done) = running.next(), if !running.is_empty() => {
                if running.len() >= MANY && !may_begin {
                    sleep(TOGETHER).await;
                }
                let mut done = Some(done);
                while let Some(one) = done {
                    ended += 1;
                    match one {
                        Ended::Done((at, finished)) => {
                            for finished in order.take(at, finished) {
                                sink.take(finished).await;
                            }
                        }
                        // A panic is caught within the task: its loop has died, and nobody knows of which check it was.
                        Ended::Broken => {
                            end.lost = true;
                            open = false;
                        }
                    }
                    done = running.try_next();
                }
                // Else at the next tick: a write for each result would be half of a check's work.
                if running.is_empty() {
                    sink.flush();
                }
                open &= !sink.gone();
            }
            given = list.recv(), if may_begin && wait.is_none() => match given {
                None => open = false,
                Some(Given::Bad(why)) => sink.bad(&why),
                Some(Given::Remark(remark)) => sink.remark(&remark),
                Some(Given::Request(request)) => {
                    pace.begun(Instant::now());
                    running.spawn(check(work.clone(), position, Arc::from(request)));
                    position += 1;
                }
            },
            () = sleep_until(wait.unwrap_or_else(Instant::now)), if wait.is_some() => {}
        }
    }
    for finished in order.rest() {
        sink.take(finished).await;
    }
    sink.flush();
    end
}

async fn check<W: Work>(work: Arc<W>, place: u64, request: Arc<Request>) -> (u64, Finished<W::Result>) {
    let checked = AssertUnwindSafe(async { work.check(request.clone()).await }).catch_unwind().await;
    let came = checked.map_err(|panic| {
        let words = panic.downcast_ref::<&str>().map(ToString::to_string);
        words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without words".into())
    });
    (place, Finished { request, came })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// A panic that is caught, and panics again when it is thrown away.
    struct Spiteful;

    impl Drop for Spiteful {
        fn drop(&mut self) {
            panic!("and again");
        }
    }

    /// The label of a request says what its check does: a number of milliseconds to take, `panic`, or `lost`.
    struct Labels {
        running: AtomicUsize,
        most: AtomicUsize,
    }

    impl Work for Labels {
        type Result = String;

        fn check(self: Arc<Self>, request: Arc<Request>) -> BoxFuture<'static, String> {
            async move {
                let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(running, Ordering::SeqCst);
                let label = request.label.as_str().unwrap().to_owned();
                let millis = label.split(' ').next_back().unwrap();
                if millis == "panic" {
                    self.running.fetch_sub(1, Ordering::SeqCst);
                    panic!("label {label}");
                }
                if millis == "lost" {
                    std::panic::panic_any(Spiteful);
                }
                tokio::time::sleep(Duration::from_millis(millis.parse().unwrap())).await;
                self.running.fetch_sub(1, Ordering::SeqCst);
                label
            }
            .boxed()
        }

        fn load(&self) -> LoadSeen {
            LoadSeen::default()
        }
    }

    #[derive(Default)]
    struct Kept {
        lines: Vec<String>,
        stop_after: Option<usize>,
        said: Vec<bool>,
    }

    impl Sink<String> for Kept {
        async fn take(&mut self, finished: Finished<String>) {
            self.lines.push(finished.came.unwrap_or_else(|panic| format!("defect: {panic}")));
        }
        fn bad(&mut self, why: &str) {
            self.lines.push(format!("bad: {why}"));
        }
        fn remark(&mut self, remark: &Remark) {
            self.lines.push(remark.text.clone());
        }
        fn flush(&mut self) {}
        fn gone(&self) -> bool {
            self.stop_after.is_some_and(|n| self.lines.len() >= n)
        }
        fn tick(&mut self, _: u64, _: usize) {}
        fn interrupted(&mut self, dropped: bool) {
            self.said.push(dropped);
        }
    }

    fn request(label: &str) -> Given {
        Given::Request(Box::new(Request { label: label.into(), ..Request::default() }))
    }

    async fn ran(
        labels: &[&str],
        at_once: usize,
        ordered: bool,
        mut kept: Kept,
        interrupts: &[u64],
    ) -> (Kept, End, usize) {
        let (list, given) = mpsc::channel(4);
        let labels: Vec<Given> =
            labels.iter().map(|l| if *l == "bad" { Given::Bad("no".into()) } else { request(l) }).collect();
        tokio::spawn(async move {
            for given in labels {
                if list.send(given).await.is_err() {
                    break;
                }
            }
        });
        let (interrupt, interrupted) = mpsc::channel(4);
        let interrupts = interrupts.to_vec();
        tokio::spawn(async move {
            for after in interrupts {
                tokio::time::sleep(Duration::from_millis(after)).await;
                let _ = interrupt.send(()).await;
            }
            std::future::pending::<()>().await;
        });
        let work = Arc::new(Labels { running: AtomicUsize::new(0), most: AtomicUsize::new(0) });
        let bounds = Bounds { loops: 2, adapt: Adapt::new(at_once, true), rate: None, ordered };
        let end = run(given, work.clone(), bounds, &mut kept, interrupted).await;
        (kept, end, work.most.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn as_done_or_in_order_and_never_more_than_allowed_at_once() {
        let labels = ["a 300", "b 100", "c 200", "d 10", "e 10"];
        let (kept, end, most) = ran(&labels, 3, false, Kept::default(), &[]).await;
        assert_eq!(kept.lines, ["b 100", "d 10", "e 10", "c 200", "a 300"]);
        assert_eq!((end.interrupted, most), (false, 3));
        let (kept, ..) = ran(&labels, 3, true, Kept::default(), &[]).await;
        assert_eq!(kept.lines, labels);
    }

    #[tokio::test]
    async fn a_panic_is_the_result_of_its_check_alone() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let (kept, ..) = ran(&["a 10", "b panic", "bad", "c 10"], 1, true, Kept::default(), &[]).await;
        std::panic::set_hook(hook);
        assert_eq!(kept.lines, ["a 10", "defect: label b panic", "bad: no", "c 10"]);
    }

    #[tokio::test]
    async fn a_check_that_is_lost_ends_the_run_and_the_others_are_written() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let (kept, end, _) = ran(&["a 10", "b lost", "c 300", "d 10", "e 10"], 3, true, Kept::default(), &[]).await;
        std::panic::set_hook(hook);
        assert!(end.lost && !end.interrupted, "{end:?}");
        assert_eq!(kept.lines.first().map(String::as_str), Some("a 10"));
        assert!(kept.lines.contains(&"c 300".to_owned()), "it was in flight: {:?}", kept.lines);
        let (_, end, _) = ran(&["a 10"], 1, true, Kept::default(), &[]).await;
        assert!(!end.lost);
    }

    #[tokio::test]
    async fn the_first_interrupt_lets_end_what_is_in_flight_and_the_second_drops_it() {
        let labels = ["a 100", "b 500", "c 100", "d 100"];
        let (kept, end, _) = ran(&labels, 2, false, Kept::default(), &[50]).await;
        assert_eq!((kept.lines.as_slice(), end.interrupted), (["a 100", "b 500"].map(str::to_owned).as_slice(), true));
        let (kept, end, _) = ran(&labels, 2, false, Kept::default(), &[50, 100]).await;
        assert_eq!((kept.lines.as_slice(), end.interrupted), (["a 100"].map(str::to_owned).as_slice(), true));
        assert_eq!(kept.said, [false, true]);
    }

    #[tokio::test]
    async fn a_reader_who_goes_away_ends_the_run() {
        let labels: Vec<String> = (0..1000).map(|n| format!("{n} 10")).collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let (kept, ..) = ran(&labels, 10, false, Kept { stop_after: Some(5), ..Kept::default() }, &[]).await;
        assert!(kept.lines.len() <= 30, "{}", kept.lines.len());
    }
}
