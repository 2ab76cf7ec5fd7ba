//! The pictures: weeks, versions of TLS, and the hours of those who log in without it.

use std::collections::BTreeMap;
use std::io::{self, Write};

use bstr::{BStr, ByteSlice};

use crate::evidence::Transport;
use crate::report::answer::Answer;
use crate::rhythm::Rhythm;

use super::chart;
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
            "<figure>{chart}<figcaption>Accounts by the oldest version of TLS seen</figcaption></figure>"
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
        .filter(|row| clear(row.transport))
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

/// How many accounts were seen with each version, as the oldest of theirs.
fn versions(answer: &Answer<'_>) -> Vec<(String, usize)> {
    let mut oldest: BTreeMap<&BStr, &BStr> = BTreeMap::new();
    for row in &answer.evidence.rows {
        if let (Some(account), Some(version)) = (&row.account, &row.tls_version) {
            let seen = oldest.entry(account.as_bstr()).or_insert(version.as_bstr());
            *seen = (*seen).min(version.as_bstr());
        }
    }
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for version in oldest.values() {
        *count.entry(version.to_string()).or_default() += 1;
    }
    count.into_iter().collect()
}
