//! The pictures: weeks, versions of TLS, and the hours of those who log in without it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use bstr::{BStr, ByteSlice};

use crate::evidence::Transport;
use crate::report::answer::Answer;
use crate::rhythm::Rhythm;
use crate::tls::Release;

use super::chart::{self, Usage};
use super::table::name;

/// The most accounts whose hours are drawn: beyond that nobody looks, and the page grows slow.
const MOST_PICTURES: usize = 60;

/// Draws what changes over time.
pub(super) fn write_pictures(out: &mut dyn Write, answer: &Answer<'_>) -> io::Result<()> {
    writeln!(out, "<div class=\"pictures\">")?;
    if !answer.preflight.trend.is_empty() {
        let chart = chart::weeks(&answer.preflight.trend);
        writeln!(
            out,
            "<figure>{chart}<figcaption>Accounts without TLS, by week</figcaption></figure>"
        )?;
    }
    let versions = versions(answer);
    if !versions.is_empty() {
        let chart = chart::versions(&versions);
        writeln!(
            out,
            "<figure>{chart}<figcaption>Accounts and logins under TLS, by version</figcaption></figure>"
        )?;
    }
    let clear = |transport: Transport| match transport {
        Transport::Clear | Transport::Unknown => true,
        Transport::Tls | Transport::Local | Transport::Trusted => false,
    };
    let mut rhythms: BTreeMap<&BStr, Rhythm> = BTreeMap::new();
    for row in answer
        .evidence
        .rows
        .iter()
        .filter(|row| clear(row.way.transport))
    {
        if let Some(account) = &row.account {
            rhythms
                .entry(account.as_bstr())
                .or_default()
                .join(&row.rhythm);
        }
    }
    let all = rhythms.len();
    for (whose, rhythm) in rhythms.into_iter().take(MOST_PICTURES) {
        let chart = chart::hours(&rhythm.hours());
        writeln!(
            out,
            "<figure>{chart}<figcaption>{}: logins without TLS by hour and weekday</figcaption></figure>",
            name(whose)
        )?;
    }
    writeln!(out, "</div>")?;
    if all > MOST_PICTURES {
        writeln!(
            out,
            "<p class=\"soft\">The first {MOST_PICTURES} of {all} accounts are drawn.</p>"
        )?;
    }
    Ok(())
}

/// How much each version of TLS is used, the oldest first.
fn versions(answer: &Answer<'_>) -> Vec<Usage> {
    type Version = (Option<Release>, String);
    type Users<'a> = (BTreeSet<&'a BStr>, u64);
    let mut seen: BTreeMap<Version, Users<'_>> = BTreeMap::new();
    for row in answer
        .evidence
        .rows
        .iter()
        .filter(|row| row.way.transport == Transport::Tls)
    {
        let logged = row.tls_version.as_ref().map(|version| version.as_bstr());
        let release = logged.and_then(|version| Release::named(version));
        let words = match (logged, release) {
            (Some(version), Some(_)) => version.to_string(),
            (Some(_), None) => "another".to_owned(),
            (None, _) => "not logged".to_owned(),
        };
        let (accounts, logins) = seen.entry((release, words)).or_default();
        accounts.extend(row.account.as_ref().map(|account| account.as_bstr()));
        *logins += row.logins;
    }
    let usage = |((release, version), (accounts, logins)): (Version, Users<'_>)| Usage {
        is_old: release.is_some() && release < Release::named(b"TLSv1.2"),
        version,
        accounts: accounts.len(),
        logins,
    };
    // What no name tells stands last.
    let (unknown, known): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .partition(|((release, _), _)| release.is_none());
    known.into_iter().chain(unknown).map(usage).collect()
}
