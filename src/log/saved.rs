//! A saved segment: what a stretch of log reduces to, as NDJSON, so that another scan can go on behind it.
//!
//! The first line is a header, every other line a row; `row` knows their names. Rows are sorted and name nothing by number
//! but files, so that the same logs give the same bytes.

use std::collections::BTreeSet;

use super::cell::Cell;
use super::logins::Login;
use super::names::{Name, Names};
use super::row::MOST;
use super::row::{self, Header, Row, SCHEMA, Text};
use super::segment::Segment;
use super::services::{Habits, Service, Services};
use super::session::{End, Key, Part, Tls};
use super::tally::{Position, Seen, Way, Who};
use crate::evidence::Lines;
use crate::rhythm::{CALENDAR, Rhythm};

/// A segment with the files it was made of.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    /// By their number in the positions of the segment.
    pub(crate) files: Vec<row::File>,
    /// How its lines were read.
    pub(crate) settings: row::Settings,
    pub(crate) segment: Segment,
}

impl Saved {
    /// Behind which entry of the journal one goes on.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.files.iter().find_map(|file| file.cursor.as_deref())
    }

    /// As NDJSON.
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let segment = &self.segment;
        let header = Header {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            sealed: segment.sealed,
            settings: self.settings.clone(),
            first: segment.first,
            last: segment.last,
            days: segment.days.iter().copied().collect(),
            lines: [
                segment.lines.read,
                segment.lines.candidate,
                segment.lines.unparsed,
            ],
            warnings: segment.warnings.clone(),
        };
        line(out, &header);
        for file in &self.files {
            line(out, file);
        }
        let mut rows = Vec::new();
        let names = Texts(&segment.names, &segment.services);
        for (service, .., habits) in segment.services.that_spoke() {
            rows.push(names.habits(service, habits));
        }
        for (way, cell) in segment.logins.rows() {
            rows.push(Row::Login(names.cell(way, cell)));
        }
        for (way, cell) in segment.refused.rows() {
            rows.push(Row::Refused(names.cell(way, cell)));
        }
        for (key, process) in &segment.processes {
            if let Some(head) = &process.head {
                let (part, end) = &**head;
                rows.push(Row::Head(row::Head {
                    session: names.session(*key, part),
                    end: names.end(end),
                }));
            }
            if let Some(part) = &process.open {
                rows.push(Row::Session(names.session(*key, part)));
            }
        }
        rows.sort();
        for row in &rows {
            line(out, row);
        }
    }

    /// Reads it again.
    ///
    /// # Errors
    /// Names the line that is not as it should be.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut lines = bytes.split(|byte| *byte == b'\n').zip(1..);
        let (first, _) = lines.next().unwrap_or_default();
        let header: Header = serde_json::from_slice(first)
            .map_err(|_| "1: not a saved scan: the first line is no header".to_owned())?;
        if header.schema != SCHEMA {
            return Err(format!(
                "1: the schema is {:?}, and this release reads {SCHEMA:?}",
                header.schema
            ));
        }
        let mut saved = Self {
            files: Vec::new(),
            settings: header.settings,
            segment: Segment::default(),
        };
        let segment = &mut saved.segment;
        segment.sealed = header.sealed;
        (segment.first, segment.last) = (header.first, header.last);
        let are_days = header.days.iter().all(|day| CALENDAR.contains(day));
        if !are_days || header.lines.iter().any(|&lines| lines >= MOST) {
            return Err(
                "1: it tells of days that no calendar has, or of more lines than there can be"
                    .to_owned(),
            );
        }
        segment.days = BTreeSet::from_iter(header.days);
        let [read, candidate, unparsed] = header.lines;
        segment.lines = Lines {
            read,
            candidate,
            unparsed,
        };
        segment.warnings = header.warnings;
        let mut rest = lines.filter(|(text, _)| !text.is_empty()).peekable();
        while let Some((text, _)) = rest.peek()
            && let Ok(file) = serde_json::from_slice(text)
        {
            saved.files.push(file);
            rest.next();
        }
        for (text, number) in rest {
            let row: Row =
                serde_json::from_slice(text).map_err(|error| format!("{number}: {error}"))?;
            if row.last_file() >= saved.files.len() {
                return Err(format!("{number}: the file it names is not in the list"));
            }
            take(&mut saved.segment, row);
        }
        Ok(saved)
    }
}

fn line(out: &mut Vec<u8>, row: &impl serde::Serialize) {
    // Memory takes every byte, and no row has anything that JSON cannot say.
    let _always_written = serde_json::to_writer(&mut *out, row);
    out.push(b'\n');
}

/// The names and services of a segment, as texts of rows.
struct Texts<'a>(&'a Names, &'a Services);

impl Texts<'_> {
    fn text(&self, name: Name) -> Text {
        Text(self.0.text(name).into())
    }

    fn known(&self, name: Name) -> Option<Text> {
        self.0.get(name).map(|text| Text(text.into()))
    }

    /// The host and the name of a service.
    fn service(&self, service: Service) -> (Text, Text) {
        let (host, name) = self.1.names_of(service);
        (self.text(host), self.text(name))
    }

    fn habits(&self, service: Service, habits: &Habits) -> Row {
        let (host, service) = self.service(service);
        Row::Service(row::Service {
            host,
            service,
            tls_lines: habits.tls_lines,
            tls_first: habits.tls_first,
            tls_last: habits.tls_last,
            tls_not_logged: habits.tls_not_logged,
            starttls: habits.starttls,
            counted: habits.counted,
            words: habits.words,
        })
    }

    fn cell(&self, way: &Way, cell: &Cell) -> row::Tally {
        let (hours, minutes, days) = cell.rhythm.parts();
        let (host, service) = self.service(way.service);
        row::Tally {
            host,
            service,
            protocol: way.protocol,
            account: self.known(cell.account),
            client: self.text(cell.client),
            client_name: self.known(cell.client_name),
            server_address: self.known(way.server),
            method: self.text(way.method),
            shown: way.shown,
            tls_version: self.known(cell.version),
            times: cell.count,
            first: cell.first,
            last: cell.last,
            hours,
            minutes,
            days,
            file: cell.example.file,
            line: cell.example.line,
            ambiguous: cell.ambiguous,
        }
    }

    fn session(&self, key: Key, part: &Part) -> row::Session {
        let (host, service) = self.service(key.service);
        row::Session {
            host,
            service,
            pid: key.pid,
            began: part.began,
            tls: part.tls.map(|tls| self.text(tls.version)),
            tls_client: part.tls.map(|tls| self.text(tls.client)),
            failed: part.failed,
            hung_up: part.hung_up,
            logins: part.logins.iter().map(|login| self.login(login)).collect(),
        }
    }

    fn login(&self, login: &Login) -> row::Login {
        row::Login {
            who: self.who(login.who),
            method: self.text(login.method),
            seen: seen(login.seen),
            under_tls: login.under_tls,
            of_another: login.of_another,
            front_end: login.front_end,
        }
    }

    fn who(&self, who: Who) -> row::Who {
        row::Who {
            account: self.known(who.account),
            client: self.known(who.client),
            client_name: self.known(who.client_name),
            ambiguous: who.ambiguous,
        }
    }

    fn end(&self, end: &End) -> row::End {
        match *end {
            End::Disconnect {
                counters,
                who,
                seen: at,
            } => row::End::Disconnect {
                counters,
                who: self.who(who),
                seen: seen(at),
            },
            End::Overtaken => row::End::Overtaken,
            End::Open => row::End::Open,
        }
    }
}

fn seen(seen: Seen) -> row::Seen {
    row::Seen {
        time: seen.time,
        file: seen.at.file,
        line: seen.at.line,
    }
}

/// Takes a row into a segment.
fn take(segment: &mut Segment, row: Row) {
    match row {
        Row::Service(one) => {
            let service = segment.service(&one.host.0, &one.service.0);
            if let Some(habits) = segment.services.heard(service) {
                habits.join(&Habits {
                    spoke: true,
                    tls_lines: one.tls_lines,
                    tls_first: one.tls_first,
                    tls_last: one.tls_last,
                    tls_not_logged: one.tls_not_logged,
                    starttls: one.starttls,
                    counted: one.counted,
                    words: one.words,
                });
            }
        }
        Row::Login(row) => {
            let (way, cell) = taken_cell(segment, row);
            segment.logins.insert(&segment.names, way, cell);
        }
        Row::Refused(row) => {
            let (way, cell) = taken_cell(segment, row);
            segment.refused.insert(&segment.names, way, cell);
        }
        Row::Head(head) => {
            let (key, part) = taken_session(segment, head.session);
            let names = &mut segment.names;
            let end = match head.end {
                row::End::Disconnect {
                    counters,
                    who,
                    seen,
                } => End::Disconnect {
                    counters,
                    who: taken_who(names, who),
                    seen: taken_seen(&seen),
                },
                row::End::Overtaken => End::Overtaken,
                row::End::Open => End::Open,
            };
            segment.process(key).head = Some(Box::new((part, end)));
        }
        Row::Session(session) => {
            let (key, part) = taken_session(segment, session);
            segment.process(key).open = Some(part);
        }
    }
}

fn known(names: &mut Names, text: Option<Text>) -> Name {
    text.map_or(Name::NONE, |text| names.intern(&text.0))
}

fn taken_cell(segment: &mut Segment, row: row::Tally) -> (Way, Cell) {
    let service = segment.service(&row.host.0, &row.service.0);
    let names = &mut segment.names;
    let way = Way {
        service,
        protocol: row.protocol,
        server: known(names, row.server_address),
        method: names.intern(&row.method.0),
        shown: row.shown,
    };
    let example = Position {
        file: row.file,
        line: row.line,
    };
    let (account, client) = (known(names, row.account), names.intern(&row.client.0));
    let mut cell = Cell::new(account, client, example);
    cell.client_name = known(names, row.client_name);
    cell.version = known(names, row.tls_version);
    cell.count = row.times;
    (cell.first, cell.last) = (row.first, row.last);
    cell.ambiguous = row.ambiguous;
    cell.rhythm = Rhythm::of_parts(&row.hours, &row.minutes, &row.days);
    (way, cell)
}

fn taken_session(segment: &mut Segment, session: row::Session) -> (Key, Part) {
    let service = segment.service(&session.host.0, &session.service.0);
    let names = &mut segment.names;
    let key = Key {
        service,
        pid: session.pid,
    };
    let part = Part {
        began: session.began,
        tls: session.tls.map(|version| Tls {
            client: known(names, session.tls_client),
            version: names.intern(&version.0),
        }),
        logins: session
            .logins
            .into_iter()
            .map(|login| Login {
                who: taken_who(names, login.who),
                method: names.intern(&login.method.0),
                seen: taken_seen(&login.seen),
                under_tls: login.under_tls,
                of_another: login.of_another,
                front_end: login.front_end,
            })
            .collect(),
        failed: session.failed,
        hung_up: session.hung_up,
    };
    (key, part)
}

fn taken_who(names: &mut Names, who: row::Who) -> Who {
    Who {
        account: known(names, who.account),
        ambiguous: who.ambiguous,
        client: known(names, who.client),
        client_name: known(names, who.client_name),
    }
}

fn taken_seen(seen: &row::Seen) -> Seen {
    Seen {
        time: seen.time,
        at: Position {
            file: seen.file,
            line: seen.line,
        },
    }
}
