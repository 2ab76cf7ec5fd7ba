//! An event: one line of a login server, taken into a segment.
//!
//! `prefix` has cut the line; `smtpd` and `login` understand the message; here it is put into `segment`.

use std::hash::Hasher;

use hashbrown::HashSet;
use siphasher::sip::SipHasher13;

use super::calendar::Calendar;
use super::clock::Clock;
use super::elements::{Elements, Word};
use super::glance::{Glance, Recent};
use super::head::Form;
use super::hits::Hit;
use super::json;
use super::login;
use super::names::Name;
use super::prefix::{self, Line};
use super::segment::Segment;
use super::services::Service;
use super::session::{End, Key, Login, NOBODY, Part, Tls};
use super::smtpd::{self, Peer};
use super::stamp;
use super::tally::{self, Position, Seen, Shown, Way, Who};
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

    /// Takes one line. `service` is told where it is known, `lines` is how many lines of the chunk are before it,
    /// and `times` is how often it stands for itself.
    pub(crate) fn take(
        &mut self,
        line: &Line<'_>,
        service: Option<Service>,
        lines: u64,
        times: u32,
    ) {
        self.segment.lines.candidate += 1;
        match line.writer {
            Writer::Smtpd => self.smtpd(line, service, lines, times),
            Writer::Login(protocol) => self.login(line, protocol, service, lines, times),
        }
    }

    fn smtpd(&mut self, line: &Line<'_>, service: Option<Service>, lines: u64, times: u32) {
        let Some(said) = smtpd::understand(line.message) else {
            return;
        };
        let service = service.unwrap_or_else(|| self.source(line));
        let key = line.pid.map(|pid| Key { service, pid });
        match said {
            smtpd::Said::Connect => {
                if let Some(key) = key {
                    self.segment.connect(key);
                }
            }
            smtpd::Said::Tls { client, version } => {
                let time = self.clock.time(line.stamp);
                if let Some(habits) = self.segment.services.heard(service) {
                    habits.tls_lines += 1;
                    habits.tls_first = tally::earlier(habits.tls_first, time);
                    habits.tls_last = tally::later(habits.tls_last, time);
                }
                if let Some(key) = key {
                    let names = &mut self.segment.names;
                    self.version = names.intern_like(self.version, version);
                    let tls = Tls {
                        client: names.intern(client),
                        version: self.version,
                    };
                    self.segment.process(key).session().tls = Some(tls);
                }
            }
            smtpd::Said::AuthFailed => {
                if let Some(key) = key {
                    let failed = &mut self.segment.process(key).session().failed;
                    *failed = failed.saturating_add(times.saturating_mul(line.times));
                }
            }
            smtpd::Said::HungUp => {
                if let Some(key) = key {
                    self.segment.process(key).session().hung_up = true;
                }
            }
            smtpd::Said::Login(login) => self.smtpd_login(line, service, key, login, lines),
            smtpd::Said::Disconnect(peer, counters) => {
                if let Some(key) = key {
                    let part = self.segment.process(key).open.take().unwrap_or_default();
                    let told = counters.is_some_and(|counters| counters.auth_tried > 0);
                    let (who, seen) = if told {
                        let who = self.who(peer, None, false, part.client());
                        (who, self.seen(line, lines))
                    } else {
                        (NOBODY, NEVER)
                    };
                    let end = End::Disconnect {
                        counters,
                        who,
                        seen,
                    };
                    self.segment.end(key, part, end);
                }
            }
        }
    }

    fn smtpd_login(
        &mut self,
        line: &Line<'_>,
        service: Service,
        key: Option<Key>,
        login: smtpd::Login<'_>,
        lines: u64,
    ) {
        let near = match key {
            Some(key) => {
                let open = &self.segment.processes.get(&key);
                let open = open.and_then(|process| process.open.as_ref());
                // Every message of a session names its login.
                if open.is_some_and(|part| part.knows(&self.segment.names, login.account)) {
                    return;
                }
                open.map_or(NOBODY, Part::client)
            }
            None => NOBODY,
        };
        self.segment.services.heard(service);
        let ambiguous = login.ambiguous || !line.ended;
        let login = Login {
            who: self.who(login.peer, Some(login.account), ambiguous, near),
            method: self.method(login.method),
            seen: self.seen(line, lines),
            under_tls: false,
            of_another: false,
            front_end: login.method.eq_ignore_ascii_case(b"XCLIENT"),
        };
        match key {
            Some(key) => self.segment.process(key).session().login(login),
            None => self.segment.lone_login(service, login),
        }
    }

    fn login(
        &mut self,
        line: &Line<'_>,
        protocol: Protocol,
        service: Option<Service>,
        lines: u64,
        times: u32,
    ) {
        let Some(said) = login::understand(line.message) else {
            if line.message.starts_with(b"Login: ") || line.message.starts_with(b"Logged in: ") {
                self.segment.lines.unparsed += 1;
            }
            return;
        };
        let service = service.unwrap_or_else(|| self.source(line));
        let (login::Said::Login(elements)
        | login::Said::Refused(elements, _)
        | login::Said::Other(elements)) = said;
        if let Some(habits) = self.segment.services.heard(service) {
            habits.words += match elements.word {
                Word::Tls | Word::Secured => 1,
                Word::None | Word::Doubtful => 0,
            };
        }
        let (method, refusal, times) = match said {
            login::Said::Login(_) => (self.method(elements.method), false, times),
            login::Said::Refused(_, words) => {
                let reason = self.segment.names.intern(words.text.as_bytes());
                (reason, true, times.saturating_mul(words.attempts))
            }
            login::Said::Other(_) => return,
        };
        let way = Way {
            service,
            protocol,
            server: self.server(elements.server),
            method,
            shown: match shown(&elements) {
                // A word may have stood behind the address, where the line goes on no more.
                Shown::Wordless if !line.ended && elements.session.is_empty() => Shown::Cut,
                shown => shown,
            },
        };
        let peer = Peer {
            name: b"",
            address: elements.client,
        };
        let who = self.who(peer, elements.user, elements.ambiguous, NOBODY);
        let seen = self.seen(line, lines);
        let times = times.saturating_mul(line.times);
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

    /// Names somebody. `near` is somebody of the same session, who is likely to have the same client.
    fn who(&mut self, peer: Peer<'_>, account: Option<&[u8]>, ambiguous: bool, near: Who) -> Who {
        let names = &mut self.segment.names;
        Who {
            account: account.map_or(Name::NONE, |account| names.intern(account)),
            ambiguous,
            client: names.intern_like(near.client, peer.address),
            client_name: match peer.name {
                b"" | b"unknown" => Name::NONE,
                name => names.intern_like(near.client_name, name),
            },
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

    fn seen(&mut self, line: &Line<'_>, lines: u64) -> Seen {
        Seen {
            time: self.clock.time(line.stamp),
            at: self.segment.position(lines),
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
    at: Position { file: 0, line: 0 },
};

fn shown(elements: &Elements<'_>) -> Shown {
    match elements.word {
        Word::None => Shown::Wordless,
        Word::Secured if elements.client == elements.server => Shown::SameHost,
        Word::Secured => Shown::Secured,
        Word::Tls => Shown::Tls,
        Word::Doubtful => Shown::Doubtful,
    }
}
