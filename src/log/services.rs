//! A service: one program on one host, as the lines name it, and what its lines show about its logging.
//!
//! A segment knows it by a number, as it knows a text by that of its name.

use hashbrown::HashMap;

use super::names::{Name, Names};
use super::tally;
use crate::evidence::Time;

/// A service of a segment, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Service(u32);

impl Service {
    /// None: what no line names.
    const NONE: Self = Self(u32::MAX);

    /// Its number, from 0.
    pub(crate) const fn number(self) -> usize {
        self.0 as usize
    }
}

/// What the lines of a service show about its logging.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Habits {
    /// A line of it said something about a login or about TLS.
    pub(crate) spoke: bool,
    /// smtpd: lines that say a TLS connection was established.
    pub(crate) tls_lines: u64,
    /// When the first and the last of them were written.
    pub(crate) tls_first: Option<Time>,
    pub(crate) tls_last: Option<Time>,
    /// smtpd: sessions in which STARTTLS succeeded, seen from the beginning, without such a line.
    pub(crate) tls_not_logged: u64,
    /// smtpd: sessions in which STARTTLS succeeded.
    pub(crate) starttls: u64,
    /// smtpd: sessions that ended with counters.
    pub(crate) counted: u64,
    /// Dovecot: element lists with a word about TLS.
    pub(crate) words: u64,
}

impl Habits {
    /// Adds what another stretch shows of the same service.
    pub(crate) fn join(&mut self, other: &Self) {
        self.spoke |= other.spoke;
        self.tls_lines += other.tls_lines;
        self.tls_first = tally::earlier(self.tls_first, other.tls_first);
        self.tls_last = tally::later(self.tls_last, other.tls_last);
        self.tls_not_logged += other.tls_not_logged;
        self.starttls += other.starttls;
        self.counted += other.counted;
        self.words += other.words;
    }
}

/// The services of one segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Services {
    known: Vec<(Name, Name, Habits)>,
    numbers: HashMap<(Name, Name), Service>,
}

impl Services {
    /// The service with this name on this host; a new one is taken in.
    pub(crate) fn number(&mut self, host: Name, name: Name) -> Service {
        let known = &mut self.known;
        *self.numbers.entry((host, name)).or_insert_with(|| {
            // There are fewer services than names, which have numbers of the same size.
            let number = u32::try_from(known.len()).unwrap_or(u32::MAX);
            known.push((host, name, Habits::default()));
            Service(number)
        })
    }

    /// The same by the texts.
    pub(crate) fn intern(&mut self, names: &mut Names, host: &[u8], name: &[u8]) -> Service {
        let (host, name) = (names.intern(host), names.intern(name));
        self.number(host, name)
    }

    /// The host and the name of one.
    pub(crate) fn names_of(&self, service: Service) -> (Name, Name) {
        match self.known.get(service.number()) {
            Some((host, name, _)) => (*host, *name),
            None => (Name::NONE, Name::NONE),
        }
    }

    /// Whether it is the service with this name on this host.
    pub(crate) fn is(&self, service: Service, names: &Names, host: &[u8], name: &[u8]) -> bool {
        let known = self.names_of(service);
        names.get(known.0) == Some(host) && names.get(known.1) == Some(name)
    }

    /// What is noted of one; it has spoken.
    #[inline]
    pub(crate) fn heard(&mut self, service: Service) -> Option<&mut Habits> {
        let (_, _, habits) = self.known.get_mut(service.number())?;
        habits.spoke = true;
        Some(habits)
    }

    /// All, each with its host, its name and its habits.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Service, Name, Name, &Habits)> {
        self.known
            .iter()
            .zip(0..)
            .map(|((host, name, habits), number)| (Service(number), *host, *name, habits))
    }

    /// Those that have spoken.
    pub(crate) fn that_spoke(&self) -> impl Iterator<Item = (Service, Name, Name, &Habits)> {
        self.all().filter(|(.., habits)| habits.spoke)
    }
}

/// The names and services that those of one segment are in another.
#[derive(Debug)]
pub(crate) struct Renaming {
    names: Vec<Name>,
    services: Vec<Service>,
}

impl Renaming {
    /// Takes every name and service of a segment into another.
    pub(crate) fn new(from: (&Names, &Services), into: (&mut Names, &mut Services)) -> Self {
        let names = into.0.take_in(from.0);
        let mut renaming = Self {
            names,
            services: Vec::new(),
        };
        for (_, host, name, habits) in from.1.all() {
            let service = into.1.number(renaming.of(host), renaming.of(name));
            if let Some((.., known)) = into.1.known.get_mut(service.number()) {
                known.join(habits);
            }
            renaming.services.push(service);
        }
        renaming
    }

    /// The name in the other segment.
    pub(crate) fn of(&self, name: Name) -> Name {
        self.names.get(name.number()).copied().unwrap_or(Name::NONE)
    }

    /// The service in the other segment.
    pub(crate) fn service(&self, service: Service) -> Service {
        self.services
            .get(service.number())
            .copied()
            .unwrap_or(Service::NONE)
    }
}
