//! A session: what the lines of one smtpd process between `connect` and `disconnect` add up to.
//!
//! A [`Part`] is as much of it as one stretch of log shows. Parts of neighbouring stretches join,
//! and what a finished session proves does not depend on where it was cut.
//! One process serves one client after the other, never two at a time (master/single_server.c), so host, program and pid
//! name the session.

use std::hash::{Hash, Hasher};

use super::logins::{Login, Logins};
use super::names::Name;
use super::services::{Renaming, Service};
use super::smtpd::Counters;
use super::tally::{Position, Seen, Shown, Who};

/// Whose session: host and program, and pid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) service: Service,
    pub(crate) pid: u32,
}

/// As one number, which takes less time than two.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64((self.service.number() as u64) << 32 | u64::from(self.pid));
    }
}

/// The TLS line of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tls {
    /// Whose it is.
    pub(crate) client: Name,
    pub(crate) version: Name,
}

/// What one stretch of log shows of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its `connect` line is in it.
    pub(crate) began: bool,
    /// Its last TLS line.
    pub(crate) tls: Option<Tls>,
    /// Its logins in order: one for each account before and after the TLS line, for `client=` comes once a message.
    pub(crate) logins: Logins,
    /// Failed and aborted AUTH commands that smtpd logged.
    pub(crate) failed: u32,
    /// The client left during AUTH or right behind it.
    pub(crate) hung_up: bool,
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With its `disconnect` line.
    Disconnect {
        /// What that line counts, since 3.0.
        counters: Option<Counters>,
        /// The client that it names; no account.
        who: Who,
        seen: Seen,
    },
    /// The process began another one; the end is missing, or not whole.
    Overtaken,
    /// Not before the log ends.
    Open,
}

/// What a finished session proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// A login, with the version of TLS where a line told it.
    Login {
        login: Login,
        shown: Shown,
        version: Name,
    },
    /// Logins that no line names, since they sent no mail.
    Anonymous {
        who: Who,
        seen: Seen,
        shown: Shown,
        version: Name,
        count: u32,
    },
    /// AUTH commands that were turned down without a look at the password; or perhaps, where it is not `certain`, given up.
    Refused {
        certain: bool,
        who: Who,
        seen: Seen,
        shown: Shown,
        count: u32,
    },
}

impl Part {
    /// Takes in a login, unless its account is known already from an earlier message.
    pub(crate) fn login(&mut self, mut login: Login) {
        if let (Some(tls), false) = (self.tls, login.under_tls) {
            login.under_tls = true;
            login.of_another = !login.front_end && tls.client != login.who.client;
        }
        if !self.logins.has(login.who.account, login.under_tls) {
            self.logins.push(login);
        }
    }

    /// Whether it has shown that this account is logged in, under TLS if that is where it is now.
    pub(crate) fn knows(&self, account: Name) -> bool {
        self.logins.has(account, self.tls.is_some())
    }

    /// Joins what the next stretch shows of the same session.
    pub(crate) fn then(mut self, next: Self) -> Self {
        for login in next.logins {
            self.login(login);
        }
        self.tls = next.tls.or(self.tls);
        self.failed = self.failed.saturating_add(next.failed);
        self.hung_up |= next.hung_up;
        self
    }

    /// The lines that show its logins.
    pub(crate) fn positions(&mut self) -> impl Iterator<Item = &mut Position> {
        self.logins.positions()
    }

    /// The same with the names and lines of another segment.
    pub(crate) fn translated(
        mut self,
        renaming: &Renaming,
        shift: impl Fn(Position) -> Position,
    ) -> Self {
        self.tls = self.tls.map(|tls| Tls {
            client: renaming.of(tls.client),
            version: renaming.of(tls.version),
        });
        let logins = self.logins.into_iter();
        self.logins = logins
            .map(|login| Login {
                who: login.who.translated(renaming),
                method: renaming.of(login.method),
                seen: Seen {
                    at: shift(login.seen.at),
                    ..login.seen
                },
                ..login
            })
            .collect();
        self
    }

    /// Whether STARTTLS succeeded, yet there is no TLS line: then the service does not log TLS.
    pub(crate) const fn tells_tls_unlogged(&self, counters: Counters) -> bool {
        counters.starttls > 0 && self.began && self.tls.is_none()
    }

    /// What the session proves, now that it is over.
    pub(crate) fn conclude(self, end: End, mut prove: impl FnMut(Conclusion)) {
        let version = self.tls.map_or(Name::NONE, |tls| tls.version);
        let named = self.logins.iter().filter(|login| !login.front_end).count();
        for login in self.logins.iter() {
            let shown = self.shows(login, named, end);
            let version = if shown.is_by_tls_line() {
                version
            } else {
                Name::NONE
            };
            prove(Conclusion::Login {
                login: *login,
                shown,
                version,
            });
        }
        if let End::Disconnect {
            counters: Some(counters),
            who,
            seen,
        } = end
        {
            self.conclude_counters(counters, named, who, seen, prove);
        }
    }

    /// How one of its logins travelled, of which lines name so many, as far as the lines show.
    fn shows(&self, login: &Login, named: usize, end: End) -> Shown {
        let counters = match end {
            End::Disconnect { counters, .. } => counters,
            End::Overtaken | End::Open => None,
        };
        // Where the client changes and no XCLIENT tells why, the lines between two sessions are missing.
        let renamed = counters.is_some_and(|one| one.xclient > 0);
        if login.of_another && !renamed {
            return Shown::Cut;
        }
        // Every login but one that a front end passed on is an AUTH that succeeded. Where there are more of them, some are of
        // another session: any, or those farther from the end.
        let auth = counters.map_or(usize::MAX, |one| one.auth as usize);
        if !login.front_end && auth < named && (auth == 0 || !login.under_tls) {
            return Shown::Cut;
        }
        // Of a front end too, if it speaks TLS to smtpd: such a login goes on where TLS is required.
        if login.under_tls {
            return by_tls_line(counters);
        }
        if login.front_end {
            return Shown::FrontEnd;
        }
        if let Some(tls) = self.tls {
            // Nothing comes before the TLS of a session in wrapper mode, which is one without STARTTLS.
            let could_be = by_tls_line(counters) == Shown::Tls;
            return if could_be && (tls.client == login.who.client || renamed) {
                Shown::BeforeTls
            } else {
                Shown::Cut
            };
        }
        match end {
            End::Disconnect {
                counters: Some(counters),
                who,
                ..
            } => {
                if who.client != login.who.client && !renamed {
                    Shown::Cut
                } else {
                    self.counted(counters, counters.auth)
                }
            }
            // The end of the log explains why the rest is missing; another session does not.
            End::Disconnect { counters: None, .. } | End::Open if self.began => Shown::Silent,
            End::Disconnect { counters: None, .. } | End::Open | End::Overtaken => Shown::Cut,
        }
    }

    /// What counters show of one of `logins` logins in a session without TLS line.
    fn counted(&self, counters: Counters, logins: u32) -> Shown {
        match (counters.starttls > 0, logins) {
            (true, 0 | 1) => Shown::StartTls,
            // A second AUTH is possible only after STARTTLS, so one of them came before it; which, nobody tells.
            (true, _) => Shown::Cut,
            (false, _) if self.began => Shown::NoStartTls,
            (false, _) => Shown::NoStartTlsCut,
        }
    }

    /// Logins without a name, and refusals: what the counters hold beyond the lines.
    fn conclude_counters(
        &self,
        counters: Counters,
        named: usize,
        who: Who,
        seen: Seen,
        mut prove: impl FnMut(Conclusion),
    ) {
        let version = self.tls.map_or(Name::NONE, |tls| tls.version);
        let mut anonymous = |shown: Shown, count| {
            let version = if shown.is_by_tls_line() {
                version
            } else {
                Name::NONE
            };
            if count > 0 {
                prove(Conclusion::Anonymous {
                    who,
                    seen,
                    shown,
                    version,
                    count,
                });
            }
        };
        let of_another = |client: Name| client != who.client && counters.xclient == 0;
        let mut logins = self.logins.iter();
        if self.tls.is_some_and(|tls| of_another(tls.client))
            || logins.any(|login| !login.front_end && of_another(login.who.client))
        {
            let own = |login: &&Login| login.who.client == who.client;
            let own = self.logins.iter().filter(own).count();
            anonymous(Shown::Cut, beyond(counters.auth, own));
            return;
        }
        let nameless = beyond(counters.auth, named);
        // Of two logins one came before STARTTLS; but after an XCLIENT another AUTH is possible too, which ends the login and
        // not the TLS (smtpd.c `xclient_cmd`).
        let twice = counters.starttls > 0 && counters.auth > 1;
        let both_ways = twice && counters.xclient == 0;
        let under = if twice && !both_ways {
            Shown::Cut
        } else if self.tls.is_some() {
            by_tls_line(Some(counters))
        } else {
            self.counted(counters, 1)
        };
        match (nameless, named) {
            (0, _) => {}
            (1.., 0) if both_ways => {
                anonymous(Shown::BeforeTls, 1);
                anonymous(under, nameless - 1);
            }
            (1.., 0) => anonymous(under, nameless),
            (1.., 1..) if both_ways && self.tls.is_some() => {
                let named_under_tls = self.logins.iter().any(|login| login.under_tls);
                anonymous(
                    if named_under_tls {
                        Shown::BeforeTls
                    } else {
                        Shown::Tls
                    },
                    nameless,
                );
            }
            (1.., 1..) => anonymous(Shown::Cut, nameless),
        }
        // Where the password was looked at, smtpd logs the failure. What fails without such a line was turned down before:
        // 503 "authentication not enabled" or 530 "Must issue a STARTTLS command first". Where one AUTH of a session
        // was looked at, all were; then the others were malformed (501) or came after a login (503), which is not logged either.
        let looked_at = counters.auth > 0 || self.failed > 0;
        if !looked_at
            && counters.auth_tried > 0
            && self.began
            // Else the beginning is that of another session.
            && named == 0
            && counters.starttls == 0
            && self.tls.is_none()
        {
            prove(Conclusion::Refused {
                // A client that leaves in the middle of AUTH, without having sent a password, looks the same.
                certain: !self.hung_up,
                who,
                seen,
                shown: Shown::NoStartTls,
                count: counters.auth_tried,
            });
        }
    }
}

/// What a TLS line shows of a login behind it, in a session with these counters.
fn by_tls_line(counters: Option<Counters>) -> Shown {
    match counters {
        Some(Counters { starttls: 0, .. }) => Shown::TlsUncounted,
        Some(_) | None => Shown::Tls,
    }
}

/// Nobody is named.
pub(crate) const NOBODY: Who = Who {
    account: Name::NONE,
    ambiguous: false,
    client: Name::NONE,
    client_name: Name::NONE,
};

/// How many there are beyond so many.
fn beyond(count: u32, others: usize) -> u32 {
    count.saturating_sub(u32::try_from(others).unwrap_or(u32::MAX))
}

impl Who {
    /// The same with the names of another segment.
    pub(crate) fn translated(self, renaming: &Renaming) -> Self {
        Self {
            account: renaming.of(self.account),
            client: renaming.of(self.client),
            client_name: renaming.of(self.client_name),
            ..self
        }
    }
}

impl End {
    /// The same with the names and lines of another segment.
    pub(crate) fn translated(
        self,
        renaming: &Renaming,
        shift: impl Fn(Position) -> Position,
    ) -> Self {
        match self {
            Self::Disconnect {
                counters,
                who,
                seen,
            } => Self::Disconnect {
                counters,
                who: who.translated(renaming),
                seen: Seen {
                    at: shift(seen.at),
                    ..seen
                },
            },
            Self::Overtaken | Self::Open => self,
        }
    }
}
