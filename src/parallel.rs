//! Work on many items at once, where the machine has several cores, with the results in the order of the items.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Below this many items a second thread costs more than it saves.
const WORTH_IT: usize = 8;

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Applies `work` to every item, in one thread for each core.
pub(crate) fn map<T: Send, U: Send>(items: Vec<T>, work: impl Fn(T) -> U + Sync) -> Vec<U> {
    let threads = cores();
    if threads == 1 || items.len() < WORTH_IT {
        return items.into_iter().map(work).collect();
    }
    let share = items.len().div_ceil(threads);
    let mut shares: Vec<Vec<T>> = Vec::new();
    let mut rest = items.into_iter();
    loop {
        let part: Vec<T> = rest.by_ref().take(share).collect();
        if part.is_empty() {
            break;
        }
        shares.push(part);
    }
    let work = &work;
    thread::scope(|scope| {
        let begun: Vec<_> = shares
            .into_iter()
            .map(|part| {
                begin(scope, move || {
                    part.into_iter().map(work).collect::<Vec<U>>()
                })
            })
            .collect();
        begun.into_iter().flat_map(Begun::end).collect()
    })
}

/// Fewer small things than these are not worth a thread of their own, which takes as long to start as some hundred of them; less in
/// tests, so that theirs are.
const WORTH_HALVING: usize = if cfg!(test) { 16 } else { 4096 };

/// Does both halves of the work on so many small things, at once where they are many.
pub(crate) fn halves<A: Send, B>(
    things: usize,
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    if things < WORTH_HALVING || cores() == 1 {
        return (one(), other());
    }
    thread::scope(|scope| {
        let one = begin(scope, one);
        let other = other();
        (one.end(), other)
    })
}

/// Work that a thread does, or that is done.
enum Begun<'scope, T> {
    Running(ScopedJoinHandle<'scope, T>),
    Done(T),
}

/// Begins work in a thread of its own; where the system allows no more threads, it is done here.
fn begin<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Begun<'scope, T> {
    // A thread that cannot be started does not give back what it was to do, so it takes that from here.
    let here = Arc::new(Mutex::new(Some(work)));
    let there = Arc::clone(&here);
    let running = thread::Builder::new().spawn_scoped(scope, move || done(&there));
    match running {
        Ok(running) => Begun::Running(running),
        Err(_) => Begun::Done(done(&here)),
    }
}

/// Does work that is there for one.
fn done<T, W: FnOnce() -> T>(work: &Mutex<Option<W>>) -> T {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
    match work {
        Some(work) => work(),
        None => unreachable!("either the thread does it, or whoever could not start it"),
    }
}

impl<T> Begun<'_, T> {
    /// What it gave.
    fn end(self) -> T {
        match self {
            Self::Running(thread) => match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Self::Done(done) => done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_kept() {
        for count in [0, 1, 7, 8, 9, 1000] {
            let items: Vec<usize> = (0..count).collect();
            let doubled: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(map(items, |item| item * 2), doubled);
        }
    }

    #[test]
    fn both_halves_are_done() {
        for count in [0, WORTH_HALVING] {
            assert_eq!(halves(count, || 1, || 2), (1, 2));
        }
    }
}
