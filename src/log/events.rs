//! The events of one file, in order, taken into a segment.

use std::hash::Hasher;

use hashbrown::HashSet;
use siphasher::sip::SipHasher13;

use super::calendar::Calendar;
use super::clock::Clock;
use super::elements::{Elements, Word};
use super::event::{Batch, Event, Said};
use super::glance::{Glance, Recent};
use super::head::Form;
use super::hits::Hit;
use super::json;
use super::login;
use super::logins::Login;
use super::names::Name;
use super::prefix::{self, Line};
use super::segment::Segment;
use super::services::Service;
use super::session::{End, Key, NOBODY, Tls};
use super::smtpd;
use super::stamp;
use super::tally::{self, Position, Seen, Shown, Way};
use super::writer::Writer;
use crate::evidence::Time;
use crate::protocol::Protocol;

/// How many services are remembered.
const SOURCES: usize = 64;

/// Takes lines of one file, in order, into a segment.
#[derive(Debug)]
pub(crate) struct Events<'a> {
    pub(crate) segment: Segment,
    /// Lines that other logs hold, by their hash; they are left out.
    pub(crate) known: Vec<&'a HashSet<u64>>,
    /// Of these, the lines of logs that a scan of everything reads later.
    pub(crate) known_later: Vec<&'a HashSet<u64>>,
    /// One of the latter came.
    pub(crate) overtaken: bool,
    /// The lines taken, by their hash, where another log may repeat them.
    pub(crate) seen: Option<Vec<u64>>,
    /// The time of the youngest line, whoever wrote it.
    pub(crate) last: Option<Time>,
    /// Room for the hits of a chunk.
    pub(crate) hits: Vec<Hit>,
    calendar: &'a Calendar,
    clock: Clock<'a>,
    /// The services of recent lines.
    sources: [Option<Service>; SOURCES],
    recent: Recent,
    /// The last mechanism, version of TLS, and address of a server.
    method: Name,
    version: Name,
    server: Name,
}

impl<'a> Events<'a> {
    /// Goes on behind what `segment` holds.
    pub(crate) const fn new(segment: Segment, calendar: &'a Calendar) -> Self {
        Self {
            segment,
            known: Vec::new(),
            known_later: Vec::new(),
            overtaken: false,
            seen: None,
            last: None,
            hits: Vec::new(),
            calendar,
            clock: Clock::new(calendar),
            sources: [None; SOURCES],
            recent: Recent::new(),
            method: Name::NONE,
            version: Name::NONE,
            server: Name::NONE,
        }
    }

    /// What a glance tells of the line that has the first `length` bytes of `text`.
    pub(crate) fn glance<'l>(&mut self, text: &'l [u8], length: usize) -> Glance<'l> {
        self.recent.glance(text, length, &mut self.segment)
    }

    /// Understands a line, if it says something of use. `service` is told where it is known, `lines` is how many lines of the
    /// chunk are before it, and `times` is how often it stands for itself.
    #[inline]
    pub(crate) fn understand<'l>(
        &mut self,
        line: &Line<'l>,
        service: Option<Service>,
        lines: u64,
        times: u32,
        understood: &mut Batch<'l>,
    ) {
        self.segment.lines.candidate += 1;
        // Each kind is made where it is kept, since it is large.
        match line.writer {
            Writer::Smtpd => {
                if let Some(said) = smtpd::understand(line.message) {
                    let service = service.unwrap_or_else(|| self.source(line));
                    let names = &self.segment.names;
                    understood.push_smtpd(said, service, line, lines, times, names);
                }
            }
            Writer::Login(protocol) => match login::understand(line.message) {
                Some(said) => {
                    let service = service.unwrap_or_else(|| self.source(line));
                    let names = &self.segment.names;
                    let of = (service, protocol);
                    understood.push_login(said, of, line, lines, times, names);
                }
                None => {
                    let login = [&b"Login: "[..], b"Logged in: "];
                    let login = login.iter().any(|word| line.message.starts_with(word));
                    self.segment.lines.unparsed += u64::from(login);
                }
            },
        }
    }

    /// Takes some events and leaves none.
    pub(crate) fn take_all(&mut self, understood: &mut Batch<'_>) {
        let hashes = understood.hashes.iter().copied();
        self.segment.names.fetch(hashes);
        for event in &understood.events {
            self.take(event);
        }
        understood.clear();
    }

    fn take(&mut self, event: &Event<'_>) {
        match &event.said {
            Said::Smtpd(said) => self.smtpd(event, said),
            Said::Login(protocol, said) => self.login(event, *protocol, said),
        }
    }

    fn smtpd(&mut self, event: &Event<'_>, said: &smtpd::Said<'_>) {
        let service = event.service;
        let key = event.pid.map(|pid| Key { service, pid });
        match said {
            smtpd::Said::Connect => {
                if let Some(key) = key {
                    self.segment.connect(key);
                }
            }
            smtpd::Said::Tls { version, .. } => {
                let time = self.clock.time(event.stamp);
                if let Some(habits) = self.segment.services.heard(service) {
                    habits.tls_lines += 1;
                    habits.tls_first = tally::earlier(habits.tls_first, time);
                    habits.tls_last = tally::later(habits.tls_last, time);
                }
                if let Some(key) = key {
                    let names = &mut self.segment.names;
                    self.version = names.intern_like(self.version, version);
                    let tls = Tls {
                        client: event.who(names, false).client,
                        version: self.version,
                    };
                    self.segment.process(key).session().tls = Some(tls);
                }
            }
            smtpd::Said::AuthFailed => {
                if let Some(key) = key {
                    let failed = &mut self.segment.process(key).session().failed;
                    *failed = failed.saturating_add(event.times);
                }
            }
            smtpd::Said::HungUp => {
                if let Some(key) = key {
                    self.segment.process(key).session().hung_up = true;
                }
            }
            smtpd::Said::Broken => {
                if let Some(key) = key {
                    self.segment.end(key, End::Overtaken);
                }
            }
            smtpd::Said::Login(login) => self.smtpd_login(event, key, login),
            smtpd::Said::Disconnect(_, counters) => {
                if let Some(key) = key {
                    let told = counters.is_some_and(|counters| counters.auth_tried > 0);
                    let (who, seen) = if told {
                        let who = event.who(&mut self.segment.names, false);
                        (who, self.seen(event))
                    } else {
                        (NOBODY, NEVER)
                    };
                    let end = End::Disconnect {
                        counters: *counters,
                        who,
                        seen,
                    };
                    self.segment.end(key, end);
                }
            }
        }
    }

    fn smtpd_login(&mut self, event: &Event<'_>, key: Option<Key>, login: &smtpd::Login<'_>) {
        let ambiguous = login.ambiguous || !event.ended;
        let who = event.who(&mut self.segment.names, ambiguous);
        // Every message of a session names its login, so most are known.
        if key.is_some_and(|key| self.segment.process(key).session().knows(who.account)) {
            return;
        }
        self.segment.services.heard(event.service);
        let login = Login {
            who,
            method: self.method(login.method),
            seen: self.seen(event),
            under_tls: false,
            of_another: false,
            front_end: login.method.eq_ignore_ascii_case(b"XCLIENT"),
        };
        match key {
            Some(key) => self.segment.process(key).session().login(login),
            None => self.segment.lone_login(event.service, login),
        }
    }

    fn login(&mut self, event: &Event<'_>, protocol: Protocol, said: &login::Said<'_>) {
        let (login::Said::Login(elements)
        | login::Said::Refused(elements, _)
        | login::Said::Other(elements)) = said;
        if let Some(habits) = self.segment.services.heard(event.service) {
            habits.words += match elements.word {
                Word::Tls | Word::Secured => 1,
                Word::None | Word::Doubtful | Word::DoubtfulSecured => 0,
            };
        }
        let (method, refusal, times) = match said {
            login::Said::Login(_) => (self.method(elements.method), false, event.times),
            login::Said::Refused(_, words) => {
                let reason = self.segment.names.intern(words.text.as_bytes());
                (reason, true, event.times.saturating_mul(words.attempts))
            }
            login::Said::Other(_) => return,
        };
        let way = Way {
            service: event.service,
            protocol,
            server: self.server(elements.server),
            method,
            shown: match shown(elements) {
                // A word may have stood behind the address, where the line goes on no more.
                Shown::Wordless if !event.ended && elements.session.is_empty() => Shown::Cut,
                shown => shown,
            },
        };
        let who = event.who(&mut self.segment.names, elements.ambiguous);
        let seen = self.seen(event);
        if refusal {
            self.segment.refusal(way, who, seen, times);
        } else {
            let version = match elements.version {
                Some(version) => self.segment.names.intern(version),
                None => Name::NONE,
            };
            self.segment.login(way, who, version, seen, times);
        }
    }

    /// The service that wrote a line. Few of them write all lines, so the last ones are tried before they are looked up.
    fn source(&mut self, line: &Line<'_>) -> Service {
        let letter = |text: &[u8]| text.last().map_or(0, |byte| usize::from(*byte));
        let slot = letter(line.host) + 5 * line.program.len() + 3 * letter(line.program);
        let slot = &mut self.sources[slot % SOURCES];
        let Segment {
            names, services, ..
        } = &mut self.segment;
        match *slot {
            Some(service) if services.is(service, names, line.host, line.program) => service,
            Some(_) | None => *slot.insert(services.intern(names, line.host, line.program)),
        }
    }

    /// The server's own address, which is mostly the same.
    fn server(&mut self, address: &[u8]) -> Name {
        self.server = self.segment.names.intern_like(self.server, address);
        self.server
    }

    /// Mechanisms are as the client typed them, so upper case makes them one.
    fn method(&mut self, method: &[u8]) -> Name {
        let names = &mut self.segment.names;
        if names.get(self.method) != Some(method) {
            self.method = names.intern(&method.to_ascii_uppercase());
        }
        self.method
    }

    fn seen(&mut self, event: &Event<'_>) -> Seen {
        Seen {
            time: self.clock.time(event.stamp),
            at: self.segment.position(event.lines),
        }
    }

    /// Whether another log holds the same line; notes it for others. The hash is the same everywhere, since it is saved.
    pub(crate) fn was_seen(&mut self, line: &[u8]) -> bool {
        let Some(seen) = &mut self.seen else {
            return false;
        };
        let mut hasher = SipHasher13::new();
        hasher.write(line);
        let hash = hasher.finish();
        if self.known.iter().any(|known| known.contains(&hash)) {
            self.overtaken |= self.known_later.iter().any(|known| known.contains(&hash));
            return true;
        }
        seen.push(hash);
        false
    }

    /// The time of any line, whoever wrote it.
    pub(crate) fn time_of(&self, form: Form, line: &[u8]) -> Option<Time> {
        let line = prefix::bare(line);
        let stamp = if form == Form::Json && line.first() == Some(&b'{') {
            json::stamp_in(line)
        } else {
            prefix::any_stamp(line)
        };
        self.calendar.time(&stamp?)
    }

    /// Says that a line was written then.
    pub(crate) fn cover(&mut self, time: Option<Time>) {
        if let Some(time) = time {
            self.last = tally::later(self.last, Some(time));
            self.segment.cover(time);
        }
    }

    /// Says that an entry with this stamp was written.
    pub(crate) fn cover_stamp(&mut self, stamp: &[u8]) {
        let stamp = stamp::cut(stamp).map(|(stamp, _)| stamp);
        self.cover(stamp.and_then(|stamp| self.calendar.time(&stamp)));
    }
}

/// Where nothing is seen.
const NEVER: Seen = Seen {
    time: None,
    at: Position::NOWHERE,
};

fn shown(elements: &Elements<'_>) -> Shown {
    match elements.word {
        Word::None => Shown::Wordless,
        Word::Secured if elements.client == elements.server => Shown::SameHost,
        Word::Secured => Shown::Secured,
        Word::Tls => Shown::Tls,
        Word::Doubtful => Shown::Doubtful,
        Word::DoubtfulSecured if elements.client == elements.server => Shown::DoubtfulSameHost,
        Word::DoubtfulSecured => Shown::DoubtfulSecured,
    }
}
