//! The list, read ahead of the checks by a bounded number of requests, less what this run leaves out.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, BufReader, ReadBuf};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::engine::Given;
use super::identity::Identity;
use super::loops::Loop;
use super::resume::Done;
use super::shard::Shard;
use crate::cli::domain::Domains;
use crate::cli::exit::Tally;
use crate::cli::input::{Input, Read};
use crate::cli::plan::LineDefaults;
use crate::observe::{Dns, Request};

/// Requests that are read before there is a place for them.
const AHEAD: usize = 64;

/// A list, and how much of it has been read.
pub(in crate::cli) struct List {
    reader: Counted,
    read: Arc<AtomicU64>,
    octets: Option<u64>,
}

impl List {
    /// Of a source of this many octets, where that is known.
    pub(in crate::cli) fn new(source: Box<dyn AsyncRead + Unpin + Send>, octets: Option<u64>) -> Self {
        let read = Arc::new(AtomicU64::new(0));
        let reader = Counted { source: BufReader::with_capacity(1 << 15, source), read: read.clone() };
        Self { reader, read, octets: octets.filter(|o| *o > 0) }
    }
}

/// What has been read of the list.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reached {
    /// Requests that the run does.
    pub(super) requests: usize,
    /// Requests that it leaves out: of another shard.
    pub(super) elsewhere: usize,
    /// Requests that it leaves out: done before.
    pub(super) done: usize,
    /// What these came to.
    pub(super) before: Tally,
    /// The list has ended.
    pub(super) ended: bool,
}

/// Which requests are left out.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) shard: Option<Shard>,
    pub(super) done: Option<Done>,
}

/// What is being read.
pub(super) struct Reading {
    pub(super) list: mpsc::Receiver<Given>,
    pub(super) reached: watch::Receiver<Reached>,
    /// Where the size of the list is known.
    pub(super) share: Option<Share>,
    /// Where domains are asked about; ends with this.
    pub(super) asking: Option<Loop>,
}

/// How many requests there will be.
pub(super) enum Share {
    /// A list of so many octets: by the share of them that has been taken.
    Octets { read: Arc<AtomicU64>, octets: u64 },
    /// The command line: so many.
    Requests(usize),
}

impl Share {
    /// Requests that the run does, those to come reckoned as those that have been read: in a shard as many of them
    /// are left out; what was done before is behind us.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a reckoning, which no memory hangs on"
    )]
    pub(super) fn requests(&self, reached: Reached) -> usize {
        let Reached { requests, elsewhere, done, ended, .. } = reached;
        let read = requests + elsewhere + done;
        if ended || read == 0 {
            return requests;
        }
        let all = match self {
            Self::Octets { read: taken, octets } => {
                read as f64 * (*octets as f64 / taken.load(Ordering::Relaxed).max(1) as f64).max(1.0)
            }
            Self::Requests(all) => *all as f64,
        };
        let ours = if requests + elsewhere == 0 { 1.0 } else { requests as f64 / (requests + elsewhere) as f64 };
        requests + ((all - read as f64).max(0.0) * ours) as usize
    }
}

impl Reading {
    /// Reads in a task of its own, since half a line must not be lost when something else is ready first.
    pub(super) fn of_list(list: List, defaults: LineDefaults, mut part: Part) -> Self {
        let List { reader, read, octets } = list;
        let (given, taken) = mpsc::channel(AHEAD);
        let (reached, seen) = watch::channel(Reached::default());
        tokio::spawn(async move {
            let mut input = Input::new(reader, defaults);
            while let Some(line) = input.next().await.transpose() {
                let failed = line.is_err();
                let given_now = match line {
                    Ok(Read::Request(request)) => match part.leaves(request, &reached) {
                        Some(request) => Given::Request(Box::new(request)),
                        None => continue,
                    },
                    Ok(Read::Bad(why)) => Given::Bad(why),
                    Ok(Read::Remark(remark)) => Given::Remark(remark),
                    Err(e) => Given::Bad(format!("--input: reading stopped: {e}")),
                };
                if given.send(given_now).await.is_err() || failed {
                    break;
                }
            }
            reached.send_modify(|r| r.ended = true);
        });
        Self { list: taken, reached: seen, share: octets.map(|octets| Share::Octets { read, octets }), asking: None }
    }

    /// What domains say of their mail hosts, asked on a loop of its own: not where a reader of the output lets us wait.
    pub(super) fn of_domains(domains: Domains, dns: Dns, mut part: Part) -> Self {
        let (found, mut checks) = mpsc::channel(AHEAD);
        let asking = Loop::begin(&Arc::default()).ok();
        let here = Handle::current();
        asking.as_ref().map_or(&here, |own| &own.handle).spawn(domains.feed(dns, found));
        let (given, taken) = mpsc::channel(AHEAD);
        let (reached, seen) = watch::channel(Reached::default());
        tokio::spawn(async move {
            while let Some(read) = checks.recv().await {
                let given_now = match read {
                    Read::Request(request) => match part.leaves(request, &reached) {
                        Some(request) => Given::Request(Box::new(request)),
                        None => continue,
                    },
                    Read::Remark(remark) => Given::Remark(remark),
                    Read::Bad(why) => Given::Bad(why),
                };
                if given.send(given_now).await.is_err() {
                    return;
                }
            }
            reached.send_modify(|r| r.ended = true);
        });
        Self { list: taken, reached: seen, share: None, asking }
    }

    /// The requests of the command line: an address of a pool is a request of its own.
    pub(super) fn of_requests(requests: Vec<Request>, mut part: Part) -> Self {
        let (given, taken) = mpsc::channel(AHEAD);
        let (reached, seen) = watch::channel(Reached::default());
        let all = requests.iter().map(|r| r.ips.len().max(1)).sum();
        tokio::spawn(async move {
            for request in requests {
                let (ips, request) = (request.ips.clone(), Request { ips: Vec::new(), ..request });
                let each: Box<dyn Iterator<Item = Request> + Send> = if ips.is_empty() {
                    Box::new(std::iter::once(request))
                } else {
                    Box::new(ips.into_iter().map(move |ip| Request { ips: vec![ip], ..request.clone() }))
                };
                for request in each {
                    if let Some(request) = part.leaves(request, &reached)
                        && given.send(Given::Request(Box::new(request))).await.is_err()
                    {
                        return;
                    }
                }
            }
            reached.send_modify(|r| r.ended = true);
        });
        Self { list: taken, reached: seen, share: Some(Share::Requests(all)), asking: None }
    }
}

impl Part {
    /// The request, where this run does it.
    fn leaves(&mut self, request: Request, reached: &watch::Sender<Reached>) -> Option<Request> {
        let elsewhere = self.shard.is_some_and(|shard| !shard.holds(&Identity::of_request(&request)));
        let done = if elsewhere { None } else { self.done.as_mut().and_then(|done| done.skips(&request)) };
        reached.send_modify(|r| match (elsewhere, done) {
            (true, _) => r.elsewhere += 1,
            (_, Some(tally)) => {
                r.done += 1;
                r.before.merge(tally);
            }
            _ => r.requests += 1,
        });
        (!elsewhere && done.is_none()).then_some(request)
    }
}

/// A source that counts what is taken of it: what lies ready in the buffer is not yet read.
struct Counted {
    source: BufReader<Box<dyn AsyncRead + Unpin + Send>>,
    read: Arc<AtomicU64>,
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.source).poll_read(cx, buffer);
        self.read.fetch_add((buffer.filled().len() - before) as u64, Ordering::Relaxed);
        polled
    }
}

impl AsyncBufRead for Counted {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().source).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, octets: usize) {
        self.read.fetch_add(octets as u64, Ordering::Relaxed);
        Pin::new(&mut self.source).consume(octets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_that_is_read_at_once_is_not_done_at_once() {
        let text = "192.0.2.1\n".repeat(400);
        let octets = text.len() as u64;
        let list = List::new(Box::new(io::Cursor::new(text)), Some(octets));
        let mut reading = Reading::of_list(list, LineDefaults::default(), Part::default());
        let share = reading.share.take().unwrap();
        for taken in 1..=400 {
            reading.list.recv().await.unwrap();
            tokio::task::yield_now().await;
            let reached = *reading.reached.borrow();
            assert!(reached.requests <= taken + AHEAD + 1, "{reached:?}");
            assert!((395..=405).contains(&share.requests(reached)), "{} of {reached:?}", share.requests(reached));
        }
        assert!(reading.list.recv().await.is_none());
        assert_eq!(share.requests(*reading.reached.borrow()), 400);
    }

    #[test]
    fn a_shard_is_a_part_of_what_is_to_come_and_what_was_done_is_not() {
        let of = |requests, elsewhere, done| {
            Share::Requests(1000).requests(Reached { requests, elsewhere, done, ..Reached::default() })
        };
        assert_eq!((of(25, 75, 0), of(100, 0, 400), of(0, 0, 500)), (250, 600, 500));
    }
}
