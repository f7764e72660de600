//! The order of the output: as done, or as in the input within a bounded window.
//!
//! Limit: with `--ordered`, [`WINDOW`] results at most wait for one before them; then no check begins until it is
//! done, so that memory does not grow with the list.

use std::collections::BTreeMap;

/// Results that may wait.
const WINDOW: u64 = 1024;

/// Results by their place in the input.
#[derive(Debug)]
pub(super) struct Order<T> {
    /// The place of the next to be printed; `None` where the order does not matter.
    next: Option<u64>,
    waiting: BTreeMap<u64, T>,
}

impl<T> Order<T> {
    pub(super) fn new(ordered: bool) -> Self {
        Self { next: ordered.then_some(0), waiting: BTreeMap::new() }
    }

    /// Whether the check at this place may begin.
    pub(super) fn has_room(&self, place: u64) -> bool {
        self.next.is_none_or(|next| place < next + WINDOW)
    }

    /// Takes a result, and gives those that are due.
    pub(super) fn take(&mut self, place: u64, result: T) -> Vec<T> {
        let Some(next) = &mut self.next else { return vec![result] };
        self.waiting.insert(place, result);
        let mut due = Vec::new();
        while let Some(result) = self.waiting.remove(next) {
            due.push(result);
            *next += 1;
        }
        due
    }

    /// What is left when the run was cut short, in order.
    pub(super) fn rest(&mut self) -> Vec<T> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_the_input_within_the_window() {
        let mut order: Order<char> = Order::new(true);
        assert!(order.has_room(0) && order.has_room(WINDOW - 1) && !order.has_room(WINDOW));
        assert!(order.take(2, 'c').is_empty());
        assert_eq!(order.take(0, 'a'), ['a']);
        assert!(order.has_room(WINDOW));
        assert_eq!(order.take(1, 'b'), ['b', 'c']);
        assert!(order.take(5, 'f').is_empty());
        assert!(order.take(4, 'e').is_empty());
        assert_eq!(order.rest(), ['e', 'f']);
        let mut as_done: Order<char> = Order::new(false);
        assert!(as_done.has_room(u64::MAX));
        assert_eq!(as_done.take(7, 'h'), ['h']);
    }
}
