//! A host: whose lines the logs hold, and which of them are those of the server that is judged.

use std::borrow::Cow;
use std::collections::BTreeSet;

use bstr::{BString, ByteSlice};

use crate::evidence::{Evidence, Text};
use crate::log::names_host;
use crate::protocol::Protocol;
use crate::surface::Server;
use crate::surface::server::Surface;

use super::calibrate::calibrate;
use super::coverage::server_of;

/// Whose lines the logs hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Those that are judged.
    pub judged: Vec<Text>,
    /// Those that are not, since the lines of the server are known among them.
    pub left_out: Vec<Text>,
    /// The programs whose logins are left out, since no configuration of them is here and so nothing of it changes.
    pub unconfigured: Vec<Server>,
    /// Why nobody can tell which lines are those of the server.
    pub unclear: Option<String>,
}

impl Hosts {
    /// By the names that the server goes by. `own` says that the logs were found where the server keeps its own.
    pub(super) fn of(server: &Surface, own: bool, evidence: &Evidence) -> Self {
        Self {
            unconfigured: unconfigured(server, evidence),
            ..Self::by_names(&calibrate(server).hosts, own, evidence)
        }
    }

    fn by_names(names: &[BString], own: bool, evidence: &Evidence) -> Self {
        let all = evidence.hosts();
        let is_own = |host: &&Text| names.iter().any(|name| names_host(name, host));
        let (judged, others): (Vec<&Text>, Vec<&Text>) = all.iter().copied().partition(is_own);
        let listed = |hosts: &[&Text]| hosts.iter().map(|host| (*host).clone()).collect();
        if !judged.is_empty() {
            return Self {
                judged: listed(&judged),
                left_out: listed(&others),
                ..Self::default()
            };
        }
        let unclear = match (names, others.as_slice()) {
            (_, []) => None,
            // Nothing says otherwise, so it is this server.
            ([], [_]) => None,
            (_, [_]) if own => None,
            ([], many) => Some(format!(
                "the logs are of {}, and nothing tells which of them this server is: say so with --host, or under [hosts] in plainsight.toml",
                some(many.iter().map(|host| host.as_bstr()))
            )),
            (names, others) => Some(format!(
                "the logs are of {}, and this server goes by {}: if it is the same machine, say so with --host {}, or under [hosts] in plainsight.toml",
                some(others.iter().map(|host| host.as_bstr())),
                some(names.iter().map(|name| name.as_bstr())),
                others
                    .first()
                    .map_or_else(String::new, |host| host.to_string()),
            )),
        };
        Self {
            judged: listed(&others),
            unclear,
            ..Self::default()
        }
    }

    /// Which lines count, where not all do: `judged by the lines of mail, not by those of mx2, mx3`.
    pub fn sentence(&self) -> Option<String> {
        let listed = |hosts: &[Text]| some(hosts.iter().map(|host| host.as_bstr()));
        let mut sentence = "judged".to_owned();
        if !self.left_out.is_empty() {
            let (judged, left_out) = (listed(&self.judged), listed(&self.left_out));
            sentence.push_str(&format!(
                " by the lines of {judged}, not by those of {left_out}"
            ));
        }
        for server in &self.unconfigured {
            let name = match server {
                Server::Postfix => "Postfix",
                Server::Dovecot => "Dovecot",
            };
            sentence.push_str(&format!(
                " without the logins at {name}, of which no configuration is here"
            ));
        }
        (sentence != "judged").then_some(sentence)
    }

    /// What the lines of the judged hosts prove, and those that name none.
    pub(super) fn narrowed<'a>(&self, evidence: &'a Evidence) -> Cow<'a, Evidence> {
        if self.left_out.is_empty() && self.unconfigured.is_empty() {
            return Cow::Borrowed(evidence);
        }
        let counts = |host: &Text, protocol: Protocol| {
            !self.left_out.contains(host) && !self.unconfigured.contains(&server_of(protocol))
        };
        let mut narrowed = evidence.clone();
        narrowed
            .rows
            .retain(|row| counts(&row.way.host, row.way.protocol));
        narrowed
            .anonymous
            .retain(|row| counts(&row.way.host, row.way.protocol));
        narrowed
            .refused
            .retain(|one| counts(&one.host, one.protocol));
        narrowed
            .calibration
            .retain(|one| !self.left_out.contains(&one.host));
        Cow::Owned(narrowed)
    }
}

/// The programs that logged somebody in and have no configuration here.
fn unconfigured(server: &Surface, evidence: &Evidence) -> Vec<Server> {
    let is_here = |one: &Server| match one {
        Server::Postfix => server.postfix.is_some(),
        Server::Dovecot => server.dovecot.is_some(),
    };
    let rows = evidence.rows.iter().chain(&evidence.anonymous);
    let protocols: BTreeSet<Protocol> = rows
        .map(|row| row.way.protocol)
        .chain(evidence.refused.iter().map(|one| one.protocol))
        .collect();
    let is_heard = |one: &Server| {
        protocols
            .iter()
            .any(|protocol| server_of(*protocol) == *one)
    };
    [Server::Postfix, Server::Dovecot]
        .into_iter()
        .filter(|one| !is_here(one) && is_heard(one))
        .collect()
}

/// How many names stand in a sentence.
const MOST: usize = 4;

/// `mx1, mx2, mx3, mx4 and others`.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a bstr::BStr>) -> String {
    let more = names.len() > MOST;
    let mut text = names
        .take(MOST)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if more {
        text.push_str(" and others");
    }
    text
}
