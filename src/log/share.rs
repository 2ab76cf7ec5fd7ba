//! A share: the neighbouring parts, of one input or several, that a thread reads into one segment.
//!
//! A thread that has finished its share takes half of what another has left: so there are few segments to join,
//! and no thread is left without work.

/// How many parts of a share another thread must leave for it to be worth a segment of its own.
const WORTH_SHARING: usize = 2;

/// The shares of all parts, in order as far as they were not divided.
pub(crate) struct Shares(Vec<Share>);

/// Neighbouring parts, by their numbers.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pub(crate) start: usize,
    /// The one that comes next.
    next: usize,
    /// The one behind them.
    pub(crate) end: usize,
    begun: bool,
}

impl Shares {
    /// So many parts in as many shares as there are threads.
    pub(crate) fn of(parts: usize, threads: usize) -> Self {
        let length = parts.div_ceil(threads.max(1)).max(1);
        let shares = (0..parts).step_by(length).map(|start| Share {
            start,
            next: start,
            end: parts.min(start + length),
            begun: false,
        });
        Self(shares.collect())
    }

    /// The number of the next share to work on.
    pub(crate) fn begin(&mut self) -> Option<usize> {
        let fresh = self.0.iter().position(|share| !share.begun);
        if let Some(fresh) = fresh {
            self.0[fresh].begun = true;
            return Some(fresh);
        }
        let longest = self
            .0
            .iter_mut()
            .max_by_key(|share| share.end - share.next)?;
        let left = longest.end - longest.next;
        if left < WORTH_SHARING {
            return None;
        }
        let middle = longest.end - left / 2;
        let share = Share {
            start: middle,
            next: middle,
            end: longest.end,
            begun: true,
        };
        longest.end = middle;
        self.0.push(share);
        Some(self.0.len() - 1)
    }

    /// The number of the next part of a share.
    pub(crate) fn next(&mut self, share: usize) -> Option<usize> {
        let share = self.0.get_mut(share)?;
        let part = share.next;
        (part < share.end).then(|| {
            share.next += 1;
            part
        })
    }

    /// Says that nothing more of a share will be read.
    pub(crate) fn finish(&mut self, share: usize) -> Share {
        let share = &mut self.0[share];
        share.next = share.end;
        *share
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: usize = 23;

    #[test]
    fn every_part_is_read_once_whoever_is_faster() {
        for threads in 1..5 {
            for slow in 1..9 {
                let mut shares = Shares::of(PARTS, threads);
                let mut seen = Vec::new();
                let mut finished = Vec::new();
                let mut working = vec![None; threads];
                let mut turn = 0;
                while finished
                    .iter()
                    .map(|(start, end)| end - start)
                    .sum::<usize>()
                    < PARTS
                {
                    turn += 1;
                    for (thread, share) in working.iter_mut().enumerate() {
                        if thread > 0 && turn % slow != 0 {
                            continue;
                        }
                        let Some(number) = share.or_else(|| shares.begin()) else {
                            continue;
                        };
                        *share = Some(number);
                        match shares.next(number) {
                            Some(part) => seen.push(part),
                            None => {
                                let share = shares.finish(number);
                                finished.push((share.start, share.end));
                            }
                        }
                        if seen.len() > PARTS {
                            panic!("{seen:?}");
                        }
                        if finished
                            .last()
                            .is_some_and(|last| last.0 == shares.0[number].start)
                        {
                            *share = None;
                        }
                    }
                }
                seen.sort_unstable();
                assert_eq!(seen, (0..PARTS).collect::<Vec<_>>());
                finished.sort_unstable();
                assert!(finished.windows(2).all(|pair| pair[0].1 == pair[1].0));
            }
        }
    }
}
