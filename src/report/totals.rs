//! The totals of a scan: how many accounts were seen each way, on each protocol.

use std::collections::BTreeMap;
use std::io::{self, Write};

use hashbrown::HashMap;

use crate::evidence::{Evidence, Transport};
use crate::protocol::Protocol;

use super::screen::{Screen, Tone};
use super::table::{Cell, Column, Table};

/// How many accounts were seen at least once each way, on one protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Accounts in all.
    pub accounts: usize,
    /// Seen without TLS.
    pub clear: usize,
    /// Seen under TLS.
    pub tls: usize,
    /// Seen from the same host.
    pub local: usize,
    /// Seen from a trusted network.
    pub trusted: usize,
    /// Seen where the log does not tell.
    pub unknown: usize,
}

/// The totals of each protocol that was seen.
pub fn totals(evidence: &Evidence) -> BTreeMap<Protocol, Totals> {
    let mut ways: BTreeMap<Protocol, HashMap<&[u8], [bool; 5]>> = BTreeMap::new();
    for row in &evidence.rows {
        if let Some(account) = &row.account {
            let seen = ways
                .entry(row.way.protocol)
                .or_default()
                .entry(account)
                .or_default();
            for (place, transport) in Transport::ALL.iter().enumerate() {
                seen[place] |= *transport == row.way.transport;
            }
        }
    }
    let sum = |accounts: &HashMap<&[u8], [bool; 5]>, transport: Transport| {
        let place = Transport::ALL.iter().position(|one| *one == transport);
        accounts
            .values()
            .filter(|seen| place.is_some_and(|place| seen[place]))
            .count()
    };
    ways.iter()
        .map(|(&protocol, accounts)| {
            let totals = Totals {
                accounts: accounts.len(),
                clear: sum(accounts, Transport::Clear),
                tls: sum(accounts, Transport::Tls),
                local: sum(accounts, Transport::Local),
                trusted: sum(accounts, Transport::Trusted),
                unknown: sum(accounts, Transport::Unknown),
            };
            (protocol, totals)
        })
        .collect()
}

/// Writes them as a table.
///
/// # Errors
/// What the writer says.
pub(super) fn write(out: &mut dyn Write, evidence: &Evidence, screen: &Screen) -> io::Result<()> {
    let totals = totals(evidence);
    if totals.is_empty() {
        return Ok(());
    }
    let mut table = Table::new(vec![
        Column::name("PROTOCOL"),
        Column::number("ACCOUNTS"),
        Column::number("CLEAR"),
        Column::number("UNKNOWN"),
        Column::number("TRUSTED"),
        Column::number("LOCAL"),
        Column::number("TLS"),
    ]);
    for (protocol, one) in &totals {
        let number = |number: usize, tone: Tone| match number {
            0 => Cell::from("0"),
            _ => Cell::toned(number.to_string(), tone),
        };
        table.row(vec![
            protocol.to_string().into(),
            number(one.accounts, Tone::Neutral),
            number(one.clear, Tone::Bad),
            number(one.unknown, Tone::Doubt),
            number(one.trusted, Tone::Neutral),
            number(one.local, Tone::Neutral),
            number(one.tls, Tone::Good),
        ]);
    }
    writeln!(out)?;
    table.write(out, screen, 0)
}
