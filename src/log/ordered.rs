//! Rows of a tally in order.

use super::cell::{self, Cell};
use super::tally::{Tally, Way};

/// Rows, from the first to the last. Each is given back to the system once it is handed out.
pub(crate) struct Ordered {
    ways: Vec<Way>,
    /// The next one is the last.
    cells: Vec<Cell>,
}

impl Ordered {
    /// Those of a tally in the order of `key` and, where that is the same for several, of `rest`.
    pub(crate) fn by<K: Ord>(
        tally: Tally,
        key: impl Fn(&Way, &Cell) -> u128,
        rest: impl Fn(&Way, &Cell) -> K,
    ) -> Self {
        let (ways, mut cells) = tally.into_rows();
        let way_of = |cell: &Cell| ways.get(cell.way as usize);
        let mut order: Vec<(u128, usize)> = (0..)
            .zip(&cells)
            .map(|(at, cell)| (way_of(cell).map_or(0, |way| key(way, cell)), at))
            .collect();
        order.sort_unstable_by_key(|(key, _)| *key);
        for alike in order.chunk_by_mut(|a, b| a.0 == b.0) {
            if alike.len() > 1 {
                alike.sort_by_cached_key(|(_, at)| {
                    let cell = cells.get(*at)?;
                    way_of(cell).map(|way| rest(way, cell))
                });
            }
        }
        // They are handed out from the end.
        order.reverse();
        // Each row goes to its place; what stood there has been put behind, where the order finds it.
        for to in 0..order.len() {
            let mut from = order[to].1;
            while from < to {
                from = order[from].1;
            }
            order[to].1 = from;
            cells.swap(to, from);
        }
        Self { ways, cells }
    }

    /// The next row, if it is such a one.
    pub(crate) fn next_if(&mut self, is: impl FnOnce(&Way, &Cell) -> bool) -> Option<(Way, Cell)> {
        let next = self.cells.last()?;
        let way = *self.ways.get(next.way as usize)?;
        if !is(&way, next) {
            return None;
        }
        let cell = self.cells.pop()?;
        cell::give_back(&mut self.cells);
        Some((way, cell))
    }
}

impl Iterator for Ordered {
    type Item = (Way, Cell);

    fn next(&mut self) -> Option<(Way, Cell)> {
        self.next_if(|_, _| true)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.cells.len(), Some(self.cells.len()))
    }
}
