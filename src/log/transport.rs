//! The transport: what the things that a log shows prove about logins, with a configuration or without.
//!
//! What it means that a service says nothing about TLS is for `meaning`; here a segment becomes evidence.

use std::path::Path;
use std::sync::Arc;

use bstr::ByteSlice;
use hashbrown::{HashMap, HashSet};

use super::calibration::Calibration;
use super::cell::Cell;
use super::meaning::Meanings;
use super::names::{Name, Names, Ranks};
use super::ordered::Ordered;
use super::refusal::{self, Kind};
use super::segment::Segment;
use super::services::{Service, Services};
use super::stamp::DAY;
use super::tally::{Position, Shown, Tally, Way};
use crate::evidence::{
    self, Evidence, Example, Refusal, Row, Text, Texts, Time, Transport, Window,
};

impl Segment {
    /// What the segment proves, taken as all there is. `files` are the names of the inputs.
    pub(crate) fn evidence(self, calibration: Option<&Calibration>, files: &[&Path]) -> Evidence {
        let mut segment = self.concluded();
        let meanings = Meanings::of(&segment, calibration);
        let mut logins = std::mem::take(&mut segment.logins);
        let mut refused = std::mem::take(&mut segment.refused);
        for rows in [&mut logins, &mut refused] {
            meanings.divide(rows, &segment.names);
        }
        let showing = showing_methods(&logins, &refused, &segment.names, &meanings);
        let order = Order::of(&segment);
        let (calibration, window) = (meanings.calibration(&segment), segment.window());
        let words = Words {
            empty: segment.names.intern(b""),
            texts: Arc::new(segment.names.into_texts()),
            services: segment.services,
            files: files.iter().map(|file| Arc::from(*file)).collect(),
        };
        let (rows, anonymous) = rows(logins, &meanings, &order, &words);
        Evidence {
            rows,
            anonymous,
            refused: refusals(refused, &meanings, &order, &showing, &words),
            calibration,
            window,
            spans: Vec::new(),
            lines: segment.lines,
            stopped: false,
            warnings: segment.warnings,
        }
    }

    fn window(&self) -> Window {
        let midnight = |day: i64| Time {
            clock: day * DAY,
            offset: None,
        };
        let mut gaps = Vec::new();
        let mut before = None;
        for &day in &self.days {
            if let Some(before) = before
                && day > before + 1
            {
                gaps.push((midnight(before + 1), midnight(day - 1)));
            }
            before = Some(day);
        }
        Window {
            first: self.first,
            last: self.last,
            gaps,
        }
    }
}

/// The logins with and without an account, each sorted. Those that differ only in what the log showed are made one.
fn rows(tally: Tally, meanings: &Meanings, order: &Order, words: &Words) -> (Vec<Row>, Vec<Row>) {
    let first = |way: &Way, cell: &Cell| {
        let service = order.services.get(way.service.number());
        let account = order.names.of(words.known(cell.account));
        let client = order.names.of(cell.client);
        joined([
            service.copied().unwrap_or(0),
            way.protocol as u32,
            account,
            client,
        ])
    };
    let rest = |way: &Way, cell: &Cell| {
        let server = order.names.of(words.known(way.server));
        let transport = meanings.transport(way, cell);
        (server, order.names.of(way.method), transport)
    };
    let mut ordered = Ordered::by(tally, first, rest);
    let mut ways = HashMap::new();
    let mut rows = (Vec::with_capacity(ordered.size_hint().0), Vec::new());
    while let Some((way, mut cell)) = ordered.next() {
        let own = (first(&way, &cell), rest(&way, &cell));
        let alike = |way: &Way, cell: &Cell| first(way, cell) == own.0 && rest(way, cell) == own.1;
        while let Some((_, next)) = ordered.next_if(alike) {
            cell.join(&words.texts, &next);
        }
        let (.., transport) = own.1;
        if transport == Transport::Unknown {
            // The line that names a version may be of another session.
            cell.version = Name::NONE;
        }
        let way = ways
            .entry((way, transport))
            .or_insert_with(|| Arc::new(words.way(way, transport)));
        let row = row(Arc::clone(way), cell, words);
        if row.account.is_some() {
            rows.0.push(row);
        } else {
            rows.1.push(row);
        }
    }
    rows
}

/// The order of texts, and that of the services by their hosts and names.
struct Order {
    names: Ranks,
    /// By their numbers.
    services: Vec<u32>,
}

impl Order {
    fn of(segment: &Segment) -> Self {
        let names = segment.names.ranks();
        let services = segment.services.all();
        let mut sorted: Vec<_> = services
            .map(|(service, host, name, _)| (names.of(host), names.of(name), service.number()))
            .collect();
        sorted.sort_unstable();
        let mut services = vec![0; sorted.len()];
        for (place, (.., service)) in (0..).zip(sorted) {
            services[service] = place;
        }
        Self { names, services }
    }
}

/// Numbers as one that is ordered as they are, one after the other.
fn joined(numbers: [u32; 4]) -> u128 {
    numbers
        .into_iter()
        .fold(0, |all, number| all << u32::BITS | u128::from(number))
}

fn row(way: Arc<evidence::Way>, cell: Cell, words: &Words) -> Row {
    Row {
        way,
        account: words.known_text(cell.account),
        client: words.text(cell.client),
        client_name: words.known_text(cell.client_name),
        tls_version: words.known_text(cell.version),
        logins: cell.count,
        first: cell.first,
        last: cell.last,
        rhythm: cell.rhythm,
        example: words.example(cell.example),
        ambiguous: cell.ambiguous,
    }
}

/// The services whose lines show the mechanism: some do, or the configuration says so.
fn showing_methods(
    logins: &Tally,
    refused: &Tally,
    names: &Names,
    meanings: &Meanings,
) -> HashSet<Service> {
    let with_method = logins.ways().iter();
    let with_method = with_method.filter(|way| !names.text(way.method).is_empty());
    let with_kind = refused.ways().iter().filter(|way| {
        meanings.shows_method(way) || refusal::kind(names.text(way.method)) == Kind::Doubtful
    });
    with_method
        .chain(with_kind)
        .map(|way| way.service)
        .collect()
}

/// The refusals, sorted.
fn refusals(
    tally: Tally,
    meanings: &Meanings,
    order: &Order,
    showing_methods: &HashSet<Service>,
    words: &Words,
) -> Vec<Refusal> {
    let first = |way: &Way, cell: &Cell| {
        let service = order.services.get(way.service.number());
        let account = order.names.of(words.known(cell.account));
        let (client, reason) = (order.names.of(cell.client), order.names.of(way.method));
        joined([service.copied().unwrap_or(0), account, client, reason])
    };
    let rest = |way: &Way, _: &Cell| (order.names.of(way.server), way.shown);
    let refused: Vec<(Kind, Refusal)> = Ordered::by(tally, first, rest)
        .filter_map(|(way, cell)| {
            let kind = refusal::kind(words.bytes(way.method));
            let transport = meanings.transport(&way, &cell);
            let certain = match kind {
                Kind::Attempt | Kind::Session => true,
                Kind::Unlooked => showing_methods.contains(&way.service),
                Kind::Doubtful => false,
            };
            // Without TLS is what makes it a refusal for want of TLS. Where that is not known, the words have to say it.
            let counts = transport == Transport::Clear || certain && way.shown == Shown::Wordless;
            let (host, service) = words.services.names_of(way.service);
            let refusal = Refusal {
                host: words.text(host),
                service: words.text(service),
                protocol: way.protocol,
                account: words.known_text(cell.account),
                client: words.text(cell.client),
                reason: words.bytes(way.method).to_str_lossy().into_owned(),
                certain,
                times: cell.count,
                first: cell.first,
                last: cell.last,
                example: words.example(cell.example),
            };
            counts.then_some((kind, refusal))
        })
        .collect();
    refusal::merged(refused)
}

/// Of what the names of the evidence are made.
struct Words {
    texts: Arc<Texts>,
    /// The name whose text is empty.
    empty: Name,
    services: Services,
    files: Vec<Arc<Path>>,
}

impl Words {
    fn text(&self, name: Name) -> Text {
        name.text(&self.texts)
    }

    fn bytes(&self, name: Name) -> &[u8] {
        self.texts.get(name.number())
    }

    /// The name, or [`Name::NONE`] where its text is empty.
    fn known(&self, name: Name) -> Name {
        if name == self.empty { Name::NONE } else { name }
    }

    /// The text, where it is not empty.
    fn known_text(&self, name: Name) -> Option<Text> {
        let known = self.known(name);
        known.is_some().then(|| self.text(known))
    }

    fn way(&self, way: Way, transport: Transport) -> evidence::Way {
        let (host, service) = self.services.names_of(way.service);
        evidence::Way {
            host: self.text(host),
            service: self.text(service),
            protocol: way.protocol,
            server_address: self.known_text(way.server),
            method: self.text(way.method),
            transport,
        }
    }

    fn example(&self, at: Position) -> Option<Example> {
        self.files.get(at.file as usize).map(|file| Example {
            file: Arc::clone(file),
            line: at.line,
        })
    }
}
