//! A segment: what one stretch of log reduces to, however it was cut.
//!
//! It holds the tally, and for each `process` the *head* (the session whose beginning lies before the stretch, up to its end in it)
//! and what is open at its end. `a.then(b)` resolves the heads of `b` from what is open in `a` and is associative,
//! so that scanning the parts and joining them equals scanning the whole.
//! It keeps what the log shows; what that proves is decided at the very end, in `transport`, where a configuration may help.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use super::logins::Login;
use super::names::{Name, Names};
use super::period::Period;
use super::process::Process;
use super::refusal;
use super::services::{Renaming, Service, Services};
use super::session::{Conclusion, End, Key, Part};
use super::stamp::DAY;
use super::tally::{self, Position, Seen, Shown, Tally, Way, Who};
use crate::evidence::{Lines, Time};
use crate::protocol::Protocol;

/// What one stretch of log reduces to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Segment {
    pub(crate) names: Names,
    pub(crate) services: Services,
    pub(crate) logins: Tally,
    pub(crate) refused: Tally,
    pub(crate) lines: Lines,
    pub(crate) first: Option<Time>,
    pub(crate) last: Option<Time>,
    /// The days, counted from 1970-01-01, on which a line was written.
    pub(crate) days: BTreeSet<i64>,
    pub(crate) warnings: Vec<String>,
    /// What is outside of this time is not counted.
    pub(crate) period: Period,
    /// Nothing lies before it, so that it has no heads.
    pub(crate) sealed: bool,
    /// The processes with a session that began before the stretch, or does not end in it.
    pub(crate) processes: HashMap<Key, Process>,
    /// The first and the last file of which lines are in it, and how many lines of these two.
    first_file: Option<u32>,
    last_file: Option<u32>,
    lines_of_last_file: u64,
}

impl Segment {
    /// The segment of the stretch before all others.
    pub(crate) fn beginning(period: Period) -> Self {
        Self {
            sealed: true,
            period,
            ..Self::default()
        }
    }

    /// An empty stretch with others before it.
    pub(crate) fn of(period: Period) -> Self {
        Self {
            period,
            ..Self::default()
        }
    }

    /// Declares that the lines that come are from this file.
    pub(crate) fn enter_file(&mut self, file: u32) {
        if self.last_file != Some(file) {
            self.first_file = self.first_file.or(Some(file));
            self.last_file = Some(file);
            self.lines_of_last_file = 0;
        }
    }

    /// Declares that what is joined next is of this file, behind so many lines of it.
    pub(crate) fn continue_file(&mut self, file: u32, lines: u64) {
        self.enter_file(file);
        self.lines_of_last_file = lines;
    }

    /// Gives the files other numbers.
    pub(crate) fn renumber_files(&mut self, number: impl Fn(u32) -> u32) {
        let renumber = |at: &mut Position| {
            if *at != Position::NOWHERE {
                at.file = number(at.file);
            }
        };
        self.logins.positions().for_each(renumber);
        self.refused.positions().for_each(renumber);
        for process in self.processes.values_mut() {
            if let Some(part) = &mut process.open {
                part.positions().for_each(renumber);
            }
            if let Some(head) = &mut process.head {
                let (part, end) = &mut **head;
                part.positions().for_each(renumber);
                if let End::Disconnect { seen, .. } = end {
                    renumber(&mut seen.at);
                }
            }
        }
    }

    /// Says that lines of the current file were read.
    pub(crate) fn read_lines(&mut self, lines: u64) {
        self.lines.read += lines;
        self.lines_of_last_file += lines;
    }

    /// Where the line stands that comes after `lines` more of the current file.
    pub(crate) fn position(&self, lines: u64) -> Position {
        Position {
            file: self.last_file.unwrap_or(0),
            line: self.lines_of_last_file + lines + 1,
        }
    }

    /// Says that a line was written then.
    pub(crate) fn cover(&mut self, time: Time) {
        if !self.period.holds(Some(time)) {
            return;
        }
        self.first = tally::earlier(self.first, Some(time));
        self.last = tally::later(self.last, Some(time));
        self.days.insert(time.clock.div_euclid(DAY));
    }

    /// The number of a service.
    pub(crate) fn service(&mut self, host: &[u8], name: &[u8]) -> Service {
        self.services.intern(&mut self.names, host, name)
    }

    /// A process that writes.
    pub(crate) fn process(&mut self, key: Key) -> &mut Process {
        self.processes.entry(key).or_default()
    }

    /// A session begins.
    pub(crate) fn connect(&mut self, key: Key) {
        let sealed = self.sealed;
        if let Some(overtaken) = self.process(key).connect(sealed) {
            self.conclude(key.service, overtaken, End::Overtaken);
        }
    }

    /// The session of a process is over.
    pub(crate) fn end(&mut self, key: Key, end: End) {
        let sealed = self.sealed;
        let process = self.process(key);
        let part = process.open.take().unwrap_or_default();
        if let Some(part) = process.end(part, end, sealed) {
            self.conclude(key.service, part, end);
        }
    }

    fn conclude(&mut self, service: Service, part: Part, end: End) {
        let Self {
            names,
            logins,
            refused,
            services,
            period,
            ..
        } = self;
        let way = |method, shown| Way {
            service,
            protocol: Protocol::Smtp,
            server: Name::NONE,
            method,
            shown,
        };
        if let End::Disconnect {
            counters: Some(counters),
            ..
        } = end
        {
            if let Some(habits) = services.heard(service) {
                habits.counted += 1;
                habits.starttls += u64::from(counters.starttls > 0);
                habits.tls_not_logged += u64::from(part.tells_tls_unlogged(counters));
            }
            if counters.auth_tried == 0 && part.logins.is_empty() {
                return;
            }
        }
        part.conclude(end, |conclusion| match conclusion {
            Conclusion::Login {
                login,
                shown,
                version,
            } if period.holds(login.seen.time) => {
                let way = way(login.method, shown);
                logins.add(names, way, login.who, version, login.seen, 1);
            }
            Conclusion::Anonymous {
                who,
                seen,
                shown,
                version,
                count,
            } if period.holds(seen.time) => {
                let method = names.intern(b"");
                logins.add(names, way(method, shown), who, version, seen, count);
            }
            Conclusion::Refused {
                certain,
                who,
                seen,
                shown,
                count,
            } if period.holds(seen.time) => {
                let reason = names.intern(if certain {
                    NOT_LOOKED_AT
                } else {
                    refusal::GIVEN_UP.as_bytes()
                });
                refused.add(names, way(reason, shown), who, Name::NONE, seen, count);
            }
            Conclusion::Login { .. }
            | Conclusion::Anonymous { .. }
            | Conclusion::Refused { .. } => {}
        });
    }

    /// Joins the stretch that follows. `next` must not be sealed.
    pub(crate) fn then(self, next: Self) -> Self {
        // The first stretch is joined with nothing; its rows stay where they are.
        let mut both = if self.names.len() == 0 && self.lines_of_last_file == 0 {
            self.begun_with(next)
        } else {
            self.joined(next)
        };
        both.settle();
        both
    }

    /// [`Self::then`] where `self` has no names, hence neither rows nor sessions, and no lines of the file that `next` goes on
    /// with.
    fn begun_with(self, mut next: Self) -> Self {
        next.sealed = self.sealed;
        if next.sealed {
            next.conclude_heads();
        }
        next.lines.read += self.lines.read;
        next.lines.candidate += self.lines.candidate;
        next.lines.unparsed += self.lines.unparsed;
        next.first = tally::earlier(self.first, next.first);
        next.last = tally::later(self.last, next.last);
        next.days.extend(self.days);
        next.warnings.splice(..0, self.warnings);
        next.first_file = self.first_file.or(next.first_file);
        next.last_file = next.last_file.or(self.last_file);
        next
    }

    fn joined(mut self, mut next: Self) -> Self {
        let renaming = Renaming::new(
            (&next.names, &next.services),
            (&mut self.names, &mut self.services),
        );
        // From here on they are in the way only.
        next.names = Names::default();
        let shift = {
            let (file, lines) = (self.last_file, self.lines_of_last_file);
            move |at: Position| match file == Some(at.file) && at != Position::NOWHERE {
                true => Position {
                    line: at.line + lines,
                    ..at
                },
                false => at,
            }
        };
        self.logins.join(&self.names, next.logins, &renaming, shift);
        self.refused
            .join(&self.names, next.refused, &renaming, shift);
        for (key, process) in next.processes {
            let key = Key {
                service: renaming.service(key.service),
                ..key
            };
            let process = process.translated(&renaming, shift);
            let mut before = self.processes.remove(&key).unwrap_or_default();
            let concluded = before.then(process, self.sealed);
            if !before.is_done() {
                self.processes.insert(key, before);
            }
            if let Some((part, end)) = concluded {
                self.conclude(key.service, part, end);
            }
        }
        self.lines.read += next.lines.read;
        self.lines.candidate += next.lines.candidate;
        self.lines.unparsed += next.lines.unparsed;
        self.first = tally::earlier(self.first, next.first);
        self.last = tally::later(self.last, next.last);
        self.days.extend(next.days);
        self.warnings.extend(next.warnings);
        if next.last_file.is_some() {
            let one_file = next.first_file == next.last_file && next.last_file == self.last_file;
            self.lines_of_last_file =
                next.lines_of_last_file + if one_file { self.lines_of_last_file } else { 0 };
            self.first_file = self.first_file.or(next.first_file);
            self.last_file = next.last_file;
        }
        self
    }

    /// Nothing lies before it and nothing follows: every session is concluded.
    pub(crate) fn concluded(mut self) -> Self {
        self.sealed = true;
        self.conclude_heads();
        for (key, process) in std::mem::take(&mut self.processes) {
            if let Some(part) = process.open {
                self.conclude(key.service, part, End::Open);
            }
        }
        self.settle();
        self
    }

    /// Nothing lies before it: no session began there.
    fn conclude_heads(&mut self) {
        let mut processes = std::mem::take(&mut self.processes);
        processes.retain(|key, process| {
            if let Some(head) = process.head.take() {
                let (part, end) = *head;
                self.conclude(key.service, part, end);
            }
            !process.is_done()
        });
        self.processes = processes;
    }

    /// Puts what was counted into its rows.
    pub(crate) fn settle(&mut self) {
        self.logins.settle(&self.names);
        self.refused.settle(&self.names);
    }

    /// A login that one line tells whole.
    pub(crate) fn login(&mut self, way: Way, who: Who, version: Name, seen: Seen, count: u32) {
        if self.period.holds(seen.time) {
            self.logins.add(&self.names, way, who, version, seen, count);
        }
    }

    /// A refusal for want of TLS; `way.method` is the reason.
    pub(crate) fn refusal(&mut self, way: Way, who: Who, seen: Seen, count: u32) {
        if self.period.holds(seen.time) {
            self.refused
                .add(&self.names, way, who, Name::NONE, seen, count);
        }
    }

    /// A login of smtpd in a log that names no process, so that no other line of its session can be told.
    pub(crate) fn lone_login(&mut self, service: Service, login: Login) {
        let way = Way {
            service,
            protocol: Protocol::Smtp,
            server: Name::NONE,
            method: login.method,
            shown: if login.front_end {
                Shown::FrontEnd
            } else {
                Shown::Cut
            },
        };
        self.login(way, login.who, Name::NONE, login.seen, 1);
    }
}

/// The reason of a refusal that smtpd shows by its counters alone.
const NOT_LOOKED_AT: &[u8] =
    b"AUTH without TLS was turned down before the password was looked at (auth=0)";
