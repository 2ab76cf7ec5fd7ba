//! A host: whose lines the logs hold, and which of them are those of the server that is judged.

use std::borrow::Cow;

use bstr::{BString, ByteSlice};

use crate::evidence::{Evidence, Text};
use crate::log::names_host;

/// Whose lines the logs hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Those that are judged.
    pub judged: Vec<Text>,
    /// Those that are not, since the lines of the server are known among them.
    pub left_out: Vec<Text>,
    /// Why nobody can tell which lines are those of the server.
    pub unclear: Option<String>,
}

impl Hosts {
    /// By the names that the server goes by. `own` says that the logs were found where the server keeps its own.
    pub(super) fn of(names: &[BString], own: bool, evidence: &Evidence) -> Self {
        let all = evidence.hosts();
        let is_own = |host: &&Text| names.iter().any(|name| names_host(name, host));
        let (judged, others): (Vec<&Text>, Vec<&Text>) = all.iter().copied().partition(is_own);
        let listed = |hosts: &[&Text]| hosts.iter().map(|host| (*host).clone()).collect();
        if !judged.is_empty() {
            return Self {
                judged: listed(&judged),
                left_out: listed(&others),
                unclear: None,
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
            left_out: Vec::new(),
            unclear,
        }
    }

    /// Whose lines count, where the logs hold others too: `judged by the lines of mail, not by those of mx2, mx3`.
    pub fn sentence(&self) -> Option<String> {
        let listed = |hosts: &[Text]| some(hosts.iter().map(|host| host.as_bstr()));
        (!self.left_out.is_empty()).then(|| {
            format!(
                "judged by the lines of {}, not by those of {}",
                listed(&self.judged),
                listed(&self.left_out)
            )
        })
    }

    /// What the lines of the judged hosts prove, and those that name none.
    pub(super) fn narrowed<'a>(&self, evidence: &'a Evidence) -> Cow<'a, Evidence> {
        if self.left_out.is_empty() {
            return Cow::Borrowed(evidence);
        }
        let counts = |host: &Text| !self.left_out.contains(host);
        let mut narrowed = evidence.clone();
        narrowed.rows.retain(|row| counts(&row.host));
        narrowed.anonymous.retain(|row| counts(&row.host));
        narrowed.refused.retain(|one| counts(&one.host));
        narrowed.calibration.retain(|one| counts(&one.host));
        Cow::Owned(narrowed)
    }
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
