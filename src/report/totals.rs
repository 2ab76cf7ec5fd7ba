//! The totals of a scan: how many accounts were seen each way, on each protocol.

use std::collections::BTreeMap;
use std::io::{self, Write};

use hashbrown::HashMap;

use crate::evidence::{Evidence, Text, Transport};
use crate::protocol::Protocol;

use super::screen::{Screen, Tone};
use super::table::{Cell, Column, Table};

/// How many accounts were seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// On each protocol that was seen.
    pub protocols: BTreeMap<Protocol, Seen>,
    /// On any of them.
    pub all: Seen,
    /// Those of all of which the log does not tell, and that were never seen without TLS.
    pub only_unknown: usize,
}

/// How many accounts were seen at least once each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
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

/// The ways by which one account was seen on each protocol, as [`bit`] has them.
type Ways = [u8; Protocol::ALL.len()];

const fn bit(transport: Transport) -> u8 {
    1 << transport as u8
}

/// The totals of the logins with an account.
pub fn totals(evidence: &Evidence) -> Totals {
    let mut accounts: HashMap<&Text, Ways> = HashMap::new();
    for row in &evidence.rows {
        if let Some(account) = &row.account {
            let ways = accounts.entry(account).or_default();
            ways[row.way.protocol.number()] |= bit(row.way.transport);
        }
    }
    let mut totals = Totals::default();
    for ways in accounts.values() {
        for (protocol, ways) in Protocol::ALL.into_iter().zip(ways) {
            if *ways != 0 {
                totals.protocols.entry(protocol).or_default().add(*ways);
            }
        }
        let all = ways.iter().fold(0, |all, ways| all | ways);
        totals.all.add(all);
        let (clear, unknown) = (bit(Transport::Clear), bit(Transport::Unknown));
        totals.only_unknown += usize::from(all & (clear | unknown) == unknown);
    }
    totals
}

impl Seen {
    /// Counts an account that was seen these ways.
    fn add(&mut self, ways: u8) {
        self.accounts += 1;
        for (count, transport) in [
            (&mut self.clear, Transport::Clear),
            (&mut self.tls, Transport::Tls),
            (&mut self.local, Transport::Local),
            (&mut self.trusted, Transport::Trusted),
            (&mut self.unknown, Transport::Unknown),
        ] {
            *count += usize::from(ways & bit(transport) != 0);
        }
    }
}

/// Writes them as a table.
///
/// # Errors
/// What the writer says.
pub(super) fn write(out: &mut dyn Write, totals: &Totals, screen: &Screen) -> io::Result<()> {
    if totals.protocols.is_empty() {
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
    for (protocol, one) in &totals.protocols {
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
