//! The logins of one session that lines name: one for each account before and after the TLS line, for `client=` comes once a message.

use hashbrown::HashSet;

use super::names::Name;
use super::tally::{Position, Seen, Who};

/// A login of a session that some line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) who: Who,
    pub(crate) method: Name,
    pub(crate) seen: Seen,
    /// A TLS line came before it.
    pub(crate) under_tls: bool,
    /// That line is of another client, so that lines are missing in between.
    pub(crate) of_another: bool,
    /// `sasl_method=XCLIENT`.
    pub(crate) front_end: bool,
}

/// The logins of a session, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Logins {
    list: Vec<Login>,
    /// Accounts, and whether under TLS, where there are many: of a log that lacks the lines between sessions.
    known: Option<Box<HashSet<(Name, bool)>>>,
}

/// So many logins are gone through faster than they are looked up.
const FEW: usize = 16;

impl Logins {
    /// Whether there is one of this account.
    pub(crate) fn has(&self, account: Name, under_tls: bool) -> bool {
        let is = |login: &Login| login.who.account == account && login.under_tls == under_tls;
        match &self.known {
            Some(known) => known.contains(&(account, under_tls)),
            None => self.list.iter().any(is),
        }
    }

    /// Adds one of which there is none yet.
    pub(crate) fn push(&mut self, login: Login) {
        let key = |login: &Login| (login.who.account, login.under_tls);
        self.list.push(login);
        match &mut self.known {
            Some(known) => {
                known.insert(key(&login));
            }
            None if self.list.len() > FEW => {
                self.known = Some(Box::new(self.list.iter().map(key).collect()));
            }
            None => {}
        }
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The lines that show them.
    pub(crate) fn positions(&mut self) -> impl Iterator<Item = &mut Position> {
        self.list.iter_mut().map(|login| &mut login.seen.at)
    }

    /// Each of them.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Login> {
        self.list.iter()
    }
}

impl IntoIterator for Logins {
    type Item = Login;
    type IntoIter = std::vec::IntoIter<Login>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl FromIterator<Login> for Logins {
    fn from_iter<I: IntoIterator<Item = Login>>(logins: I) -> Self {
        let mut all = Self::default();
        logins.into_iter().for_each(|login| all.push(login));
        all
    }
}
