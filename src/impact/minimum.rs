//! A minimum: who would break if the server asked for a newer version of TLS as well.

use std::collections::BTreeSet;

use crate::evidence::{Evidence, Row, Text, Transport};
use crate::protocol::Protocol;

/// What a minimum would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minimum {
    /// The version, as servers log it.
    pub version: &'static str,
    /// Who was seen with an older one: account, protocol, client and that version. Sorted.
    pub breaks: Vec<Older>,
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

/// Versions as OpenSSL names them, the oldest first (ssl/ssl_lib.c:SSL_get_version); both servers log these words.
const VERSIONS: [&str; 6] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];

/// The minima one asks for today.
pub(super) fn minima(evidence: &Evidence) -> Vec<Minimum> {
    ["TLSv1.2", "TLSv1.3"]
        .into_iter()
        .map(|version| minimum(version, evidence))
        .collect()
}

fn minimum(version: &'static str, evidence: &Evidence) -> Minimum {
    let wanted = rank(version.as_bytes());
    let under_tls = |row: &&Row| row.transport == Transport::Tls;
    let rows = || {
        evidence
            .rows
            .iter()
            .chain(&evidence.anonymous)
            .filter(under_tls)
    };
    let known = |row: &Row| row.tls_version.as_ref().and_then(|version| rank(version));
    let breaks: BTreeSet<Older> = rows()
        .filter(|row| known(row).is_some_and(|rank| Some(rank) < wanted))
        .filter_map(|row| {
            Some(Older {
                account: row.account.clone(),
                protocol: row.protocol,
                client: row.client.clone(),
                tls_version: row.tls_version.clone()?,
            })
        })
        .collect();
    let unknown: BTreeSet<_> = rows()
        .filter(|row| known(row).is_none())
        .map(|row| &row.account)
        .collect();
    Minimum {
        version,
        breaks: breaks.into_iter().collect(),
        unknown: unknown.len(),
    }
}

fn rank(version: &[u8]) -> Option<usize> {
    VERSIONS
        .iter()
        .position(|known| known.as_bytes() == version)
}
