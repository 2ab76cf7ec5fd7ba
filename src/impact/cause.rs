//! A cause: one client or front end behind which many accounts fare alike. A webmail or a proxy is one thing to mend, not a
//! hundred users.
//! From the logs it cannot be told from a router that hides an office behind its own address, so all three are named.

use std::collections::{BTreeMap, BTreeSet};

use super::join::address;
use super::{AccountImpact, Impact};
use crate::evidence::Text;

/// From how many accounts on a client is taken for a front end.
const MANY: usize = 5;

/// What such a client can be.
const FRONT_END: &str = "a webmail, a proxy or a router";

/// A client behind which many accounts fare alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Its address as logged; none for a front end that passes on the addresses of its own clients.
    pub client: Option<Text>,
    /// Its name as logged, where it has one.
    pub client_name: Option<Text>,
    /// How they fare.
    pub impact: Impact,
    /// The files forbid their logins already.
    pub already_forbidden: bool,
    /// How many accounts.
    pub accounts: usize,
    /// Why they may break, where somebody accepted that.
    pub accepted: Option<String>,
}

impl Cause {
    /// `behind 192.0.2.7, so a webmail, a proxy or a router`.
    pub fn words(&self) -> String {
        self.client.as_ref().map_or_else(
            || {
                "through a front end that speaks for its clients (XCLIENT or a proxy's protocol)"
                    .to_owned()
            },
            |client| format!("behind {client}, so {FRONT_END}"),
        )
    }

    /// Whether a client of an account is part of this.
    pub fn explains(&self, client: &super::ClientImpact) -> bool {
        client.impact == self.impact
            && place(client) == self.client.as_ref()
            && client.already_forbidden == self.already_forbidden
            && client.accepted == self.accepted
    }
}

/// What makes clients one cause.
type Key<'a> = (Impact, Option<&'a Text>, bool, &'a Option<String>);

/// Where a client is; a front end has one place for all.
const fn place(client: &super::ClientImpact) -> Option<&Text> {
    if client.passed_on {
        None
    } else {
        Some(&client.client)
    }
}

/// The causes, those with the most accounts first.
pub(super) fn causes(accounts: &[AccountImpact]) -> Vec<Cause> {
    let mut behind: BTreeMap<Key<'_>, BTreeSet<&Text>> = BTreeMap::new();
    let mut names: BTreeMap<&Text, &Text> = BTreeMap::new();
    for one in accounts {
        let Some(account) = &one.account else {
            continue;
        };
        for client in &one.clients {
            let counts = match client.impact {
                Impact::Breaks | Impact::Unknown | Impact::Relays | Impact::Exempt => true,
                Impact::Refused | Impact::Survives => false,
            };
            // Clients whose address the server did not know are not one client.
            if counts && (client.passed_on || address(&client.client).is_some()) {
                let key = (
                    client.impact,
                    place(client),
                    client.already_forbidden,
                    &client.accepted,
                );
                behind.entry(key).or_default().insert(account);
                if let Some(name) = &client.client_name {
                    names.insert(&client.client, name);
                }
            }
        }
    }
    let mut causes: Vec<Cause> = behind
        .into_iter()
        .filter(|(_, accounts)| accounts.len() >= MANY)
        .map(
            |((impact, client, already_forbidden, accepted), accounts)| Cause {
                client: client.cloned(),
                client_name: client
                    .and_then(|client| names.get(client))
                    .map(|name| (*name).clone()),
                impact,
                already_forbidden,
                accounts: accounts.len(),
                accepted: accepted.clone(),
            },
        )
        .collect();
    causes.sort_by(|a, b| {
        let key = |one: &Cause| (one.impact, one.already_forbidden);
        (key(a), b.accounts, &a.client, &a.accepted).cmp(&(
            key(b),
            a.accounts,
            &b.client,
            &b.accepted,
        ))
    });
    causes
}
