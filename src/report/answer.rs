//! The answer of `preflight` with everything that a report of it shows.

use crate::evidence::Evidence;
use crate::impact::{ClientImpact, Impact, Preflight};
use crate::surface::server::Surface;

use super::invocation::Invocation;

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

impl Answer<'_> {
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
    pub account: Option<&'a crate::evidence::Text>,
    /// On what.
    pub protocol: crate::protocol::Protocol,
    /// From where, and how it fares.
    pub client: &'a ClientImpact,
}
