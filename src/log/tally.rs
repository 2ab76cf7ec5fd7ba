//! A tally: how often something was seen, for each way, account and client; the part of a segment that only grows.
//!
//! Every number here is a sum, a least or a greatest, so tallies join in any order.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use serde::{Deserialize, Serialize};

use super::names::{Name, Names, Renaming};
use crate::evidence::Time;
use crate::protocol::Protocol;
use crate::rhythm::Rhythm;

/// What the log shows of a login, whatever the configuration may say about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shown {
    /// A TLS line before it, or the word TLS in it.
    Tls,
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
    /// An element list with such a word where a name could have brought it.
    Doubtful,
}

/// The line that shows something. Lines count from 1 in the file, or in the stretch of it that a segment covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    /// The number of the file among the inputs.
    pub(crate) file: u32,
    /// The line.
    pub(crate) line: u64,
}

/// By which way: everything about a login that many accounts share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Way {
    pub(crate) host: Name,
    pub(crate) service: Name,
    pub(crate) protocol: Protocol,
    pub(crate) server: Name,
    /// The mechanism; for refusals the reason.
    pub(crate) method: Name,
    pub(crate) shown: Shown,
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

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    /// Its way, by number in the tally.
    way: u32,
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

/// After how many rows their memory is given back.
const GIVEN_BACK: usize = 4096;

/// The rows of a segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    ways: Vec<Way>,
    numbers: HashMap<Way, u32>,
    cells: Vec<Cell>,
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Tally {
    /// The rows with their ways, in no order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Way, &Cell)> {
        self.cells
            .iter()
            .filter_map(|cell| Some((self.ways.get(cell.way as usize)?, cell)))
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
        let cell = self.cell(way, who.account, who.client, seen.at);
        cell.count += u64::from(count);
        cell.ambiguous |= who.ambiguous;
        cell.client_name = least(names, cell.client_name, who.client_name);
        cell.version = least(names, cell.version, version);
        cell.example = cell.example.min(seen.at);
        cell.first = earlier(cell.first, seen.time);
        cell.last = later(cell.last, seen.time);
        if let Some(time) = seen.time {
            cell.rhythm.add(time.clock, count);
        }
    }

    /// Takes in a row of another tally, in the names of this one.
    pub(crate) fn insert(&mut self, names: &Names, way: Way, row: Cell) {
        self.cell(way, row.account, row.client, row.example)
            .join(names, row);
    }

    /// The rows from the last to the first by `key`. Each is given back to the system once it is handed out,
    /// so that what is made of them finds room.
    pub(crate) fn backwards<K: Ord>(
        self,
        key: impl Fn(&Way, &Cell) -> K,
    ) -> impl Iterator<Item = (Way, Cell)> {
        let Self {
            ways, mut cells, ..
        } = self;
        let way_of = move |cell: &Cell| ways.get(cell.way as usize).copied();
        cells.sort_by_cached_key(|cell| way_of(cell).map(|way| key(&way, cell)));
        std::iter::from_fn(move || {
            let cell = cells.pop()?;
            if cells.len().is_multiple_of(GIVEN_BACK) {
                cells.shrink_to_fit();
            }
            Some((way_of(&cell), cell))
        })
        .filter_map(|(way, cell)| Some((way?, cell)))
    }

    /// Takes in the rows of the stretch that follows; `names` is where `renaming` leads to.
    pub(crate) fn join(
        &mut self,
        names: &Names,
        later_rows: Self,
        renaming: &Renaming,
        shift: impl Fn(Position) -> Position,
    ) {
        let Self { ways, cells, .. } = later_rows;
        for mut row in cells {
            let Some(way) = ways.get(row.way as usize) else {
                continue;
            };
            let way = Way {
                host: renaming.of(way.host),
                service: renaming.of(way.service),
                server: renaming.of(way.server),
                method: renaming.of(way.method),
                ..*way
            };
            for name in [
                &mut row.account,
                &mut row.client,
                &mut row.client_name,
                &mut row.version,
            ] {
                *name = renaming.of(*name);
            }
            row.example = shift(row.example);
            self.insert(names, way, row);
        }
    }

    fn cell(&mut self, way: Way, account: Name, client: Name, example: Position) -> &mut Cell {
        let ways = &mut self.ways;
        let way = *self.numbers.entry(way).or_insert_with(|| {
            ways.push(way);
            u32::try_from(ways.len() - 1).unwrap_or(u32::MAX)
        });
        let Self {
            cells,
            index,
            hasher,
            ..
        } = self;
        let hash = hasher.hash_one((way, account, client));
        let known = index.find(hash, |&number| {
            let cell = &cells[number as usize];
            cell.way == way && cell.account == account && cell.client == client
        });
        let number = known.copied().unwrap_or_else(|| {
            let number = u32::try_from(cells.len()).unwrap_or(u32::MAX);
            cells.push(Cell {
                way,
                ..Cell::new(account, client, example)
            });
            index.insert_unique(hash, number, |&number| {
                let cell = &cells[number as usize];
                hasher.hash_one((cell.way, cell.account, cell.client))
            });
            number
        });
        &mut cells[number as usize]
    }
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

    /// Takes in another row of the same account and client.
    pub(crate) fn join(&mut self, names: &Names, other: Self) {
        self.count += other.count;
        self.ambiguous |= other.ambiguous;
        self.client_name = least(names, self.client_name, other.client_name);
        self.version = least(names, self.version, other.version);
        self.example = self.example.min(other.example);
        self.first = earlier(self.first, other.first);
        self.last = later(self.last, other.last);
        if self.rhythm == Rhythm::default() {
            self.rhythm = other.rhythm;
        } else {
            self.rhythm.join(&other.rhythm);
        }
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

fn least(names: &Names, a: Name, b: Name) -> Name {
    if a == b || !b.is_some() {
        a
    } else if !a.is_some() || names.text(b) < names.text(a) {
        b
    } else {
        a
    }
}
