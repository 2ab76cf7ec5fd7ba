//! A minimum: who would break if the server asked for a newer version of TLS as well, and which versions are in use.

use std::collections::{BTreeMap, BTreeSet};

use crate::evidence::{Evidence, Row, Text, Time, Transport};
use crate::protocol::Protocol;
use crate::surface::server::Surface;
use crate::surface::{Endpoint, Server, TlsMode};
use crate::tls::Release;

use super::verdict;

/// What a minimum would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// The version, as servers log it.
    pub version: &'static str,
    /// Who was seen with an older one. Sorted.
    pub breaks: Vec<Older>,
    /// Who was seen with an older one where the server asks for a newer one already, so that it was before that. Sorted.
    pub already: Vec<Older>,
    /// How many accounts used TLS of a version that the log does not tell.
    pub unknown: usize,
}

/// A client that was seen with an older version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Older {
    /// Who; none where the log does not tell.
    pub account: Option<Text>,
    /// On what.
    pub protocol: Protocol,
    /// The client's address as logged.
    pub client: Text,
    /// The oldest version it was seen with.
    pub tls_version: Text,
}

/// A version of TLS that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// As logged; none where the log does not tell.
    pub version: Option<Text>,
    /// How many accounts used it.
    pub accounts: usize,
    /// How many logins there were, of clients that were seen with nothing older.
    pub logins: u64,
    /// The last of them.
    pub last: Option<Time>,
}

/// The versions in use, the oldest first.
pub(super) fn in_use(evidence: &Evidence) -> Vec<InUse> {
    let mut seen: BTreeMap<_, (BTreeSet<_>, u64, Option<Time>)> = BTreeMap::new();
    for row in under_tls(evidence) {
        let order = row
            .tls_version
            .as_ref()
            .map(|version| (Release::named(version), version));
        // What is not told comes last.
        let (accounts, logins, last) = seen.entry((order.is_none(), order)).or_default();
        accounts.insert(&row.account);
        *logins += row.logins;
        *last = (*last).max(row.last);
    }
    let versions = seen.into_iter();
    versions
        .map(|((_, version), (accounts, logins, last))| InUse {
            version: version.map(|(_, version)| version.clone()),
            accounts: accounts.len(),
            logins,
            last,
        })
        .collect()
}

/// The minima one asks for today, by the server as it is.
pub(super) fn minima(evidence: &Evidence, server: &Surface) -> Vec<Minimum> {
    ["TLSv1.2", "TLSv1.3"]
        .into_iter()
        .map(|version| minimum(version, evidence, server))
        .collect()
}

fn under_tls(evidence: &Evidence) -> impl Iterator<Item = &Row> {
    let rows = evidence.rows.iter().chain(&evidence.anonymous);
    rows.filter(|row| row.way.transport == Transport::Tls)
}

fn minimum(version: &'static str, evidence: &Evidence, server: &Surface) -> Minimum {
    let wanted = Release::named(version.as_bytes());
    let (mut breaks, mut already, mut unknown) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for row in under_tls(evidence) {
        let used = row.tls_version.as_ref();
        let Some((used, release)) = used.and_then(|used| Some((used, Release::named(used)?)))
        else {
            unknown.insert(&row.account);
            continue;
        };
        if Some(release) >= wanted {
            continue;
        }
        let older = Older {
            account: row.account.clone(),
            protocol: row.way.protocol,
            client: row.client.clone(),
            tls_version: used.clone(),
        };
        if is_asked_for_more(row, release, server) {
            already.insert(older);
        } else {
            breaks.insert(older);
        }
    }
    Minimum {
        version,
        breaks: breaks.into_iter().collect(),
        already: already.into_iter().collect(),
        unknown: unknown.len(),
    }
}

/// Whether every endpoint that a row's logins can have come through takes no version as old as that.
fn is_asked_for_more(row: &Row, used: Release, server: &Surface) -> bool {
    let endpoints = verdict::endpoints_of(row, server);
    !endpoints.is_empty()
        && endpoints
            .iter()
            .all(|endpoint| oldest_at(endpoint, server).is_some_and(|oldest| used < oldest))
}

/// The oldest version that an endpoint takes, where the files tell. The TLS library may ask for more.
fn oldest_at(endpoint: &Endpoint, server: &Surface) -> Option<Release> {
    let setting = match endpoint.server {
        Server::Dovecot => "ssl_min_protocol",
        // smtpd/smtpd.c:smtpd_start_tls: the one where TLS is a must, the other where it is on offer.
        Server::Postfix if endpoint.tls == TlsMode::Implicit || demands_tls(endpoint, server) => {
            "smtpd_tls_mandatory_protocols"
        }
        Server::Postfix => "smtpd_tls_protocols",
    };
    let values = server.setting_at(endpoint, setting);
    let oldest = values.iter().map(|value| match value.unknown {
        Some(_) => None,
        None => Release::oldest_of(&value.because.value),
    });
    // By any of the releases that can be meant.
    oldest.min().flatten()
}

/// Whether a service of Postfix demands TLS before anything else, which smtpd_tls_auth_only does not.
fn demands_tls(endpoint: &Endpoint, server: &Surface) -> bool {
    let levels = server.setting_at(endpoint, "smtpd_tls_security_level");
    let enforced = server.setting_at(endpoint, "smtpd_enforce_tls");
    levels
        .iter()
        .any(|level| level.because.value.eq_ignore_ascii_case(b"encrypt"))
        || levels.iter().all(|level| level.because.value.is_empty())
            && enforced
                .iter()
                .any(|value| value.because.value.eq_ignore_ascii_case(b"yes"))
}
