//! An event: one line of a login server, understood.
//!
//! `prefix` has cut the line; `smtpd` and `login` understand the message; `events` puts it into a segment.

use super::login;
use super::names::{Hash, Name, Names};
use super::prefix::Line;
use super::services::Service;
use super::smtpd::{self, Peer};
use super::tally::Who;
use crate::protocol::Protocol;

/// What a line says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event<'l> {
    pub(crate) said: Said<'l>,
    /// Who says it.
    pub(crate) service: Service,
    pub(crate) pid: Option<u32>,
    /// The stamp of the line, uncut.
    pub(crate) stamp: &'l [u8],
    /// The line has an end, so that it cannot go on elsewhere.
    pub(crate) ended: bool,
    /// How many lines of the chunk are before it.
    pub(crate) lines: u64,
    /// For how many lines it stands.
    pub(crate) times: u32,
    /// Account, client and name of the client, as far as it tells them.
    who: [Option<Named<'l>>; 3],
}

/// Some events in order, with the hashes of their names.
#[derive(Debug, Default)]
pub(crate) struct Batch<'l> {
    pub(crate) events: Vec<Event<'l>>,
    pub(crate) hashes: Vec<Hash>,
}

impl Batch<'_> {
    /// With room for so many.
    pub(crate) fn with_capacity(events: usize) -> Self {
        Self {
            events: Vec::with_capacity(events),
            hashes: Vec::with_capacity(3 * events),
        }
    }

    /// Empties it.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
        self.hashes.clear();
    }
}

/// What was said, and by whom it can be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'l> {
    Smtpd(smtpd::Said<'l>),
    Login(Protocol, login::Said<'l>),
}

impl<'l> Batch<'l> {
    /// Takes in what smtpd says in a line that has so many before it, and is repeated so often.
    #[inline]
    pub(crate) fn push_smtpd(
        &mut self,
        said: smtpd::Said<'l>,
        service: Service,
        line: &Line<'l>,
        lines: u64,
        times: u32,
        names: &Names,
    ) {
        let who = match said {
            smtpd::Said::Tls { client, .. } => [None, Some(self.named(client, names)), None],
            smtpd::Said::Login(login) => {
                let account = self.named(login.account, names);
                let [client, name] = self.peer(login.peer, names);
                [Some(account), client, name]
            }
            smtpd::Said::Disconnect(peer, Some(counters)) if counters.auth_tried > 0 => {
                let [client, name] = self.peer(peer, names);
                [None, client, name]
            }
            smtpd::Said::Connect
            | smtpd::Said::AuthFailed
            | smtpd::Said::HungUp
            | smtpd::Said::Broken
            | smtpd::Said::Disconnect(..) => [None; 3],
        };
        let said = Said::Smtpd(said);
        self.events
            .push(Event::new(said, who, service, line, lines, times));
    }

    /// The same of a login process.
    #[inline]
    pub(crate) fn push_login(
        &mut self,
        said: login::Said<'l>,
        (service, protocol): (Service, Protocol),
        line: &Line<'l>,
        lines: u64,
        times: u32,
        names: &Names,
    ) {
        let who = match &said {
            login::Said::Login(list) | login::Said::Refused(list, _) => {
                let account = list.user.map(|user| self.named(user, names));
                [account, Some(self.named(list.client, names)), None]
            }
            login::Said::Other(_) => [None; 3],
        };
        let said = Said::Login(protocol, said);
        self.events
            .push(Event::new(said, who, service, line, lines, times));
    }

    /// The address of a client, and its name.
    #[inline]
    fn peer(&mut self, peer: Peer<'l>, names: &Names) -> [Option<Named<'l>>; 2] {
        let client = Some(self.named(peer.address, names));
        match peer.name {
            b"" | b"unknown" => [client, None],
            name => [client, Some(self.named(name, names))],
        }
    }

    #[inline]
    fn named(&mut self, text: &'l [u8], names: &Names) -> Named<'l> {
        let hash = names.hash(text);
        self.hashes.push(hash);
        Named { text, hash }
    }
}

impl<'l> Event<'l> {
    #[inline]
    fn new(
        said: Said<'l>,
        who: [Option<Named<'l>>; 3],
        service: Service,
        line: &Line<'l>,
        lines: u64,
        times: u32,
    ) -> Self {
        Self {
            said,
            service,
            pid: line.pid,
            stamp: line.stamp,
            ended: line.ended,
            lines,
            times: times.saturating_mul(line.times),
            who,
        }
    }

    /// Who it is about. Where the account is told, the name may be `ambiguous`.
    pub(crate) fn who(&self, names: &mut Names, ambiguous: bool) -> Who {
        let mut name = |named: Option<Named<'_>>| match named {
            Some(Named { text, hash }) => names.intern_hashed(hash, text),
            None => Name::NONE,
        };
        let [account, client, client_name] = self.who;
        Who {
            account: name(account),
            ambiguous,
            client: name(client),
            client_name: name(client_name),
        }
    }
}

/// A text that is to become a name, with its hash.
#[derive(Clone, Copy, Debug)]
struct Named<'l> {
    text: &'l [u8],
    hash: Hash,
}
