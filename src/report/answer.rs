//! The answer of `preflight` with everything that a report of it shows.

use std::collections::BTreeSet;

use crate::evidence::{Evidence, Text};
use crate::impact::{ClientImpact, Decision, Impact, Preflight};
use crate::surface::server::Surface;

use super::check::count;
use super::invocation::Invocation;
use super::scan::few;

/// What a report of `preflight` is made from.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The decision.
    pub preflight: &'a Preflight,
    /// What the logs prove.
    pub evidence: &'a Evidence,
    /// How it was asked for.
    pub invocation: &'a Invocation,
    /// The server as it is.
    pub before: &'a Surface,
    /// The change as a patch; empty where there is nothing to change.
    pub patch: &'a [u8],
}

/// How clients can fare, the worst first, with what is said of those who do.
pub const GROUPS: [(Impact, &str); 6] = [
    (Impact::Breaks, "would break"),
    (Impact::Unknown, "the log does not tell"),
    (
        Impact::Relays,
        "lose the login, their mail is still accepted",
    ),
    (Impact::Refused, "are refused already"),
    (
        Impact::Exempt,
        "go on without TLS, as the server exempts them",
    ),
    (Impact::Survives, "go on, under TLS already"),
];

/// What stands above those who fare so: `Would break: 3 accounts`.
pub fn heading(title: &str, accounts: usize) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    let title: String = first.into_iter().chain(letters).collect();
    format!("{title}: {}", count(accounts, "account"))
}

impl Answer<'_> {
    /// What to do next, to stand behind the decision.
    pub fn next(&self) -> Option<String> {
        let preflight = self.preflight;
        let breaks = |client: &ClientImpact| {
            let is_open = client.accepted.is_none() && !client.already_forbidden;
            client.impact == Impact::Breaks && is_open
        };
        let accounts = preflight.accounts.iter();
        let accounts = accounts.filter(|one| one.clients.iter().any(breaks));
        let named: BTreeSet<Option<&Text>> = accounts.map(|one| one.account.as_ref()).collect();
        match preflight.decision {
            Decision::Go if !preflight.enforced => Some(self.invocation.apply(&self.before.root)),
            Decision::NoGo if !named.is_empty() => {
                let names: Option<BTreeSet<&Text>> = named.into_iter().collect();
                let names = names.and_then(few);
                let names = names.as_deref().unwrap_or("them");
                Some(format!("move {names} to TLS"))
            }
            Decision::Go | Decision::NoGo | Decision::CannotTell => None,
        }
    }

    /// The clients that fare so, each with its account and protocol.
    pub fn clients(&self, impact: Impact) -> impl Iterator<Item = Whose<'_>> {
        self.preflight.accounts.iter().flat_map(move |one| {
            one.clients
                .iter()
                .filter(move |client| client.impact == impact)
                .map(move |client| Whose {
                    account: one.account.as_ref(),
                    protocol: one.protocol,
                    client,
                })
        })
    }
}

/// A client with the account it logs in to.
#[derive(Clone, Copy, Debug)]
pub struct Whose<'a> {
    /// Who; none where the log does not tell.
    pub account: Option<&'a Text>,
    /// On what.
    pub protocol: crate::protocol::Protocol,
    /// From where, and how it fares.
    pub client: &'a ClientImpact,
}
