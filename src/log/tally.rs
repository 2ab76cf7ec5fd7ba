//! A tally: how often something was seen, for each way, account and client; the part of a segment that only grows.
//!
//! Every number here is a sum, a least or a greatest, so tallies join in any order.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use serde::{Deserialize, Serialize};

use super::cell::{self, Cell};
use super::names::{Name, Names, fetched};
use super::reach::Reach;
use super::services::{Renaming, Service};
use crate::evidence::Time;
use crate::parallel;
use crate::protocol::Protocol;

/// What the log shows of a login, whatever the configuration may say about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shown {
    /// A TLS line before it, or the word TLS in it.
    Tls,
    /// A TLS line before it, but the counters of its session know no STARTTLS, as in wrapper mode; else they are of another one.
    TlsUncounted,
    /// The counters of its session say that STARTTLS succeeded.
    StartTls,
    /// STARTTLS came after it in the same session.
    BeforeTls,
    /// The counters of a session seen from its beginning say that STARTTLS did not succeed, and there was no TLS line.
    NoStartTls,
    /// The same, but the beginning of the session is missing, and a TLS line may be missing with it.
    NoStartTlsCut,
    /// A session seen from its beginning, without TLS line and without counters.
    Silent,
    /// The beginning or the end of its session is missing.
    Cut,
    /// A front end passed the login on (XCLIENT): smtpd saw no password.
    FrontEnd,
    /// `secured`, and the client's address is the server's.
    SameHost,
    /// `secured`, from another address.
    Secured,
    /// An element list without a word about TLS.
    Wordless,
    /// An element list with the word TLS where a name could have brought it.
    Doubtful,
    /// The same with `secured`, and the client's address is the server's.
    DoubtfulSameHost,
    /// The same from another address.
    DoubtfulSecured,
}

impl Shown {
    /// Whether a line that tells the version of TLS shows it.
    pub(crate) const fn is_by_tls_line(self) -> bool {
        matches!(self, Self::Tls | Self::TlsUncounted)
    }
}

/// The line that shows something. Lines count from 1 in the file, or in the stretch of it that a segment covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The number of the file among the inputs.
    pub(crate) file: u32,
    /// The line.
    pub(crate) line: u64,
}

impl Position {
    /// Where nothing is seen.
    pub(crate) const NOWHERE: Self = Self { file: 0, line: 0 };

    /// Of something that was seen in a line that nobody knows any more: behind all others, in no file.
    pub(crate) const UNKNOWN: Self = Self {
        file: u32::MAX,
        line: u64::MAX,
    };
}

/// By which way: everything about a login that many accounts share, as the log shows it. What that proves is for the evidence's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) service: Service,
    pub(crate) protocol: Protocol,
    pub(crate) server: Name,
    /// The mechanism; for refusals the reason.
    pub(crate) method: Name,
    pub(crate) shown: Shown,
}

impl Way {
    /// Where it is remembered.
    const fn slot(&self) -> usize {
        let names = 3 * self.service.number() + 5 * self.method.number();
        (names + 7 * self.shown as usize) % RECENT
    }
}

/// Who, from where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) account: Name,
    pub(crate) ambiguous: bool,
    pub(crate) client: Name,
    pub(crate) client_name: Name,
}

/// When and in which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) time: Option<Time>,
    pub(crate) at: Position,
}

/// How many ways are remembered.
const RECENT: usize = 32;

/// How much is counted before it is put into its rows.
const WAITING: usize = 256;

/// The rows of a segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    ways: Vec<Way>,
    numbers: HashMap<Way, u32>,
    /// Recent ways with their numbers: a few are by far the most frequent.
    recent: [Option<(Way, u32)>; RECENT],
    cells: Vec<Cell>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// What was counted and is not in its row yet.
    waiting: Vec<Waiting>,
    /// Their hashes and the numbers of their rows, while they are put there.
    places: Vec<(u64, u32)>,
}

/// Something that was counted.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    way: u32,
    who: Who,
    version: Name,
    seen: Seen,
    count: u32,
}

impl Waiting {
    /// What its row is looked up by.
    const fn key(&self) -> (u32, Name, Name) {
        (self.way, self.who.account, self.who.client)
    }
}

impl Tally {
    /// The rows with their ways, in no order. The tally must be settled.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Way, &Cell)> {
        debug_assert!(self.waiting.is_empty(), "the tally is not settled");
        self.cells
            .iter()
            .filter_map(|cell| Some((self.ways.get(cell.way as usize)?, cell)))
    }

    /// The ways; there are rows of each.
    pub(crate) fn ways(&self) -> &[Way] {
        &self.ways
    }

    /// The lines that show the rows.
    pub(crate) fn positions(&mut self) -> impl Iterator<Item = &mut Position> {
        self.cells.iter_mut().map(|cell| &mut cell.example)
    }

    /// Counts `count` events.
    pub(crate) fn add(
        &mut self,
        names: &Names,
        way: Way,
        who: Who,
        version: Name,
        seen: Seen,
        count: u32,
    ) {
        let way = self.number(way);
        self.waiting.push(Waiting {
            way,
            who,
            version,
            seen,
            count,
        });
        if self.waiting.len() >= WAITING {
            self.settle(names);
        }
    }

    /// Puts all that was counted into its rows.
    ///
    /// These lie all over the memory, so each step first fetches what it needs of all of them.
    pub(crate) fn settle(&mut self, names: &Names) {
        let waiting = std::mem::take(&mut self.waiting);
        let hasher = self.hasher.clone();
        let mut places = std::mem::take(&mut self.places);
        places.clear();
        let hashes = waiting.iter().map(|one| hasher.hash_one(one.key()));
        places.extend(hashes.map(|hash| (hash, self.likely(hash))));
        self.touch(&places);
        for (one, (hash, number)) in waiting.iter().zip(&mut places) {
            *number = self.row(*hash, one.key(), one.seen.at);
            if let Some(cell) = self.cells.get_mut(*number as usize) {
                cell.add(names.texts(), one.who, one.version, one.seen, one.count);
            }
        }
        let rows = places.iter().map(|(_, number)| self.cell(*number));
        fetched(rows.map(|cell| cell.map_or(0, |cell| cell.rhythm.last_entry())));
        for (one, (_, number)) in waiting.iter().zip(&places) {
            let cell = self.cells.get_mut(*number as usize);
            if let (Some(cell), Some(time)) = (cell, one.seen.time) {
                cell.rhythm.add(time.clock, one.count);
            }
        }
        self.places = places;
        self.waiting = waiting;
        self.waiting.clear();
    }

    fn cell(&self, number: u32) -> Option<&Cell> {
        self.cells.get(number as usize)
    }

    /// Takes in a row of another tally, in the names of this one.
    pub(crate) fn insert(&mut self, names: &Names, way: Way, row: Cell) {
        let row = Cell {
            way: self.number(way),
            ..row
        };
        let hash = self.hasher.hash_one(row.key());
        match self.find(hash, row.key()) {
            Some(number) => self.cells[number as usize].join(names.texts(), &row),
            None => {
                self.push(hash, row);
            }
        }
    }

    /// Divides the rows of the ways that have a reach; what is beyond it becomes rows that are `shown` so.
    pub(crate) fn divide(
        &mut self,
        names: &Names,
        shown: Shown,
        reach: impl Fn(&Way) -> Option<Reach>,
    ) {
        let reaches: Vec<Option<Reach>> = self.ways.iter().map(reach).collect();
        let mut beyond = Vec::new();
        for cell in &mut self.cells {
            let way = cell.way as usize;
            if let Some(Some(reach)) = reaches.get(way)
                && let Some(rest) = reach.rest_of(cell)
            {
                beyond.push((way, rest));
            }
        }
        for (way, rest) in beyond {
            let way = Way {
                shown,
                ..self.ways[way]
            };
            self.insert(names, way, rest);
        }
    }

    /// The ways and their rows, in no order.
    pub(crate) fn into_rows(self) -> (Vec<Way>, Vec<Cell>) {
        debug_assert!(self.waiting.is_empty(), "the tally is not settled");
        (self.ways, self.cells)
    }

    /// Takes in the rows of the stretch that follows; `names` is where `renaming` leads to.
    pub(crate) fn join(
        &mut self,
        names: &Names,
        later_rows: Self,
        renaming: &Renaming,
        shift: impl Fn(Position) -> Position + Sync,
    ) {
        let (ways, mut cells) = later_rows.into_rows();
        let renamed = |way: Way| Way {
            service: renaming.service(way.service),
            server: renaming.of(way.server),
            method: renaming.of(way.method),
            ..way
        };
        let ways: Vec<u32> = ways
            .into_iter()
            .map(|way| self.number(renamed(way)))
            .collect();
        let number = cells.len();
        let (low, high) = cells.split_at_mut(number / 2);
        let translate = |rows: &mut [Cell]| {
            for row in rows.iter_mut() {
                row.way = ways.get(row.way as usize).copied().unwrap_or(u32::MAX);
                for name in [
                    &mut row.account,
                    &mut row.client,
                    &mut row.client_name,
                    &mut row.version,
                ] {
                    *name = renaming.of(*name);
                }
                row.example = shift(row.example);
            }
            self.places_of(rows)
        };
        let (mut places, others) = parallel::halves(number, || translate(low), || translate(high));
        places.extend(others);
        let middle = self.cells.len() / 2;
        let (low, high) = self.cells.split_at_mut(middle);
        // Each takes in what belongs to its half.
        let take_in = |own: &mut [Cell], first: usize| {
            for (row, (_, number)) in cells.iter().zip(&places) {
                if let Some(cell) = own.get_mut((*number as usize).wrapping_sub(first)) {
                    cell.join(names.texts(), row);
                }
            }
        };
        parallel::halves(number, || take_in(low, 0), || take_in(high, middle));
        // What is new here is added; the memory of all is given back on the way.
        while let (Some(row), Some((hash, number))) = (cells.pop(), places.pop()) {
            if number == u32::MAX {
                self.push(hash, row);
            }
            cell::give_back(&mut cells);
        }
    }

    /// The hash of each row and the number of the one with the same key here, if there is one.
    fn places_of(&self, rows: &[Cell]) -> Vec<(u64, u32)> {
        let mut places = Vec::with_capacity(rows.len());
        for rows in rows.chunks(WAITING) {
            let hashes = rows.iter().map(|row| self.hasher.hash_one(row.key()));
            let from = places.len();
            places.extend(hashes.map(|hash| (hash, self.likely(hash))));
            self.touch(&places[from..]);
            for (row, (hash, number)) in rows.iter().zip(&mut places[from..]) {
                *number = self.find(*hash, row.key()).unwrap_or(u32::MAX);
            }
        }
        places
    }

    /// The number of a row that is likely to have this hash.
    fn likely(&self, hash: u64) -> u32 {
        let likely = self.index.find(hash, |_| true);
        likely.copied().unwrap_or(u32::MAX)
    }

    /// Has these rows at hand.
    fn touch(&self, places: &[(u64, u32)]) {
        let rows = places.iter().map(|(_, number)| self.cell(*number));
        fetched(rows.map(|cell| cell.map_or(0, |cell| cell.account.number())));
    }

    /// The number of a way.
    fn number(&mut self, way: Way) -> u32 {
        let slot = way.slot();
        match self.recent[slot] {
            Some((known, number)) if known == way => return number,
            Some(_) | None => {}
        }
        let ways = &mut self.ways;
        let number = *self.numbers.entry(way).or_insert_with(|| {
            ways.push(way);
            u32::try_from(ways.len() - 1).unwrap_or(u32::MAX)
        });
        self.recent[slot] = Some((way, number));
        number
    }

    /// The number of the row of this way, account and client, if there is one.
    fn find(&self, hash: u64, key: (u32, Name, Name)) -> Option<u32> {
        let cells = &self.cells;
        let known = self
            .index
            .find(hash, |&number| cells[number as usize].key() == key);
        known.copied()
    }

    /// The number of the row of this way, account and client; a new one is made.
    fn row(&mut self, hash: u64, key: (u32, Name, Name), example: Position) -> u32 {
        if let Some(number) = self.find(hash, key) {
            return number;
        }
        let (way, account, client) = key;
        let cell = Cell {
            way,
            ..Cell::new(account, client, example)
        };
        self.push(hash, cell)
    }

    /// Adds a row, which must be new.
    fn push(&mut self, hash: u64, cell: Cell) -> u32 {
        let Self {
            cells,
            index,
            hasher,
            ..
        } = self;
        let number = u32::try_from(cells.len()).unwrap_or(u32::MAX);
        cells.push(cell);
        index.insert_unique(hash, number, |&number| {
            hasher.hash_one(cells[number as usize].key())
        });
        number
    }
}

/// The earlier of two times on one scale: where both have a zone, in that of UTC.
pub(crate) fn earlier(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.order() < a.order() { b } else { a }),
        (a, b) => a.or(b),
    }
}

/// The later of two times.
pub(crate) fn later(a: Option<Time>, b: Option<Time>) -> Option<Time> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.order() > a.order() { b } else { a }),
        (a, b) => a.or(b),
    }
}
