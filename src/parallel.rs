//! Work on many items at once, where the machine has several cores, with the results in the order of the items.

use std::thread;

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
        let running: Vec<_> = shares
            .into_iter()
            .map(|part| scope.spawn(move || part.into_iter().map(work).collect::<Vec<U>>()))
            .collect();
        running
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
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
        let one = scope.spawn(one);
        let other = other();
        match one.join() {
            Ok(one) => (one, other),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
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
