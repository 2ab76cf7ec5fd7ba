//! A cell: one row of a tally. Every number in it is a sum, a least or a greatest, so cells of one row join in any order.

use super::names::Name;
use super::tally::{Position, Seen, Who, earlier, later};
use crate::evidence::{Texts, Time};
use crate::rhythm::Rhythm;

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Its way, by number in the tally.
    pub(crate) way: u32,
    pub(crate) account: Name,
    pub(crate) client: Name,
    /// The least of the names, so that the order of joining does not matter.
    pub(crate) client_name: Name,
    /// The oldest version of TLS: in the order of their bytes, SSLv3 < TLSv1 < TLSv1.1 and so on.
    pub(crate) version: Name,
    pub(crate) count: u64,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    pub(crate) example: Position,
    pub(crate) ambiguous: bool,
    pub(crate) rhythm: Rhythm,
}

impl Cell {
    /// An empty row.
    pub(crate) fn new(account: Name, client: Name, example: Position) -> Self {
        Self {
            way: 0,
            account,
            client,
            client_name: Name::NONE,
            version: Name::NONE,
            count: 0,
            first: None,
            last: None,
            example,
            ambiguous: false,
            rhythm: Rhythm::default(),
        }
    }

    /// What a row is looked up by.
    pub(crate) const fn key(&self) -> (u32, Name, Name) {
        (self.way, self.account, self.client)
    }

    /// Counts it, but for the rhythm.
    pub(crate) fn add(&mut self, texts: &Texts, who: Who, version: Name, seen: Seen, count: u32) {
        let Seen { time, at } = seen;
        self.count += u64::from(count);
        self.ambiguous |= who.ambiguous;
        self.client_name = least(texts, self.client_name, who.client_name);
        self.version = least(texts, self.version, version);
        self.example = self.example.min(at);
        self.first = earlier(self.first, time);
        self.last = later(self.last, time);
    }

    /// Takes in another row of the same account and client.
    pub(crate) fn join(&mut self, texts: &Texts, other: &Self) {
        self.count += other.count;
        self.ambiguous |= other.ambiguous;
        self.client_name = least(texts, self.client_name, other.client_name);
        self.version = least(texts, self.version, other.version);
        self.example = self.example.min(other.example);
        self.first = earlier(self.first, other.first);
        self.last = later(self.last, other.last);
        self.rhythm.join(&other.rhythm);
    }
}

/// After how many rows their memory is given back.
const GIVEN_BACK: usize = 4096;

/// Gives the memory of rows that were taken away from the end back to the system from time to time, so that what is made of them
/// finds room.
pub(crate) fn give_back(cells: &mut Vec<Cell>) {
    if cells.len().is_multiple_of(GIVEN_BACK) {
        cells.shrink_to_fit();
    }
}

fn least(texts: &Texts, a: Name, b: Name) -> Name {
    if a == b || !b.is_some() {
        a
    } else if !a.is_some() || texts.get(b.number()) < texts.get(a.number()) {
        b
    } else {
        a
    }
}
