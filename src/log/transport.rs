//! The transport: what the things that a log shows prove about logins, with a configuration or without.
//!
//! What it means that a service says nothing about TLS is for `meaning`; here a segment becomes evidence.

use std::path::Path;

use bstr::{BString, ByteSlice};

use super::calibration::Calibration;
use super::meaning::Meanings;
use super::names::Name;
use super::segment::Segment;
use super::stamp::DAY;
use super::tally::{Cell, Shown, Way};
use crate::evidence::{Evidence, Example, Refusal, Row, Time, Transport, Window};

impl Segment {
    /// What the segment proves, taken as all there is. `files` are the names of the inputs.
    pub(crate) fn evidence(self, calibration: Option<&Calibration>, files: &[&Path]) -> Evidence {
        let segment = self.concluded();
        let meanings = Meanings::of(&segment, calibration);
        let example = |cell: &Cell| {
            files.get(cell.example.file as usize).map(|file| Example {
                file: file.to_path_buf(),
                line: cell.example.line,
            })
        };
        let mut rows = Vec::new();
        for (way, cell) in segment.logins.rows() {
            rows.push(segment.row(way, cell, &meanings, example(cell)));
        }
        let mut refused = Vec::new();
        for (way, cell) in segment.refused.rows() {
            // Without TLS is what makes it a refusal for want of TLS; where that is not known, it is none.
            if meanings.transport(way) != Transport::Tls
                && (way.shown == Shown::Wordless || meanings.transport(way) == Transport::Clear)
            {
                refused.push(segment.refusal_row(way, cell, example(cell)));
            }
        }
        let rows = merged(rows);
        refused.sort_by(|a, b| {
            (&a.host, &a.service, &a.account, &a.client, &a.reason)
                .cmp(&(&b.host, &b.service, &b.account, &b.client, &b.reason))
        });
        let (rows, anonymous) = rows.into_iter().partition(|row| row.account.is_some());
        Evidence {
            rows,
            anonymous,
            refused,
            calibration: meanings.calibration(&segment),
            window: segment.window(),
            lines: segment.lines,
            stopped: false,
            warnings: segment.warnings,
        }
    }

    fn text(&self, name: Name) -> BString {
        self.names.text(name).into()
    }

    fn row(&self, way: &Way, cell: &Cell, meanings: &Meanings, example: Option<Example>) -> Row {
        let text = |name: Name| self.names.get(name).map(BString::from);
        let known = |name: Name| text(name).filter(|text| !text.is_empty());
        Row {
            host: self.text(way.host),
            service: self.text(way.service),
            protocol: way.protocol,
            account: known(cell.account),
            client: self.text(cell.client),
            client_name: known(cell.client_name),
            server_address: known(way.server),
            method: self.text(way.method).to_ascii_uppercase().into(),
            transport: meanings.transport(way),
            tls_version: known(cell.version),
            logins: cell.count,
            first: cell.first,
            last: cell.last,
            rhythm: cell.rhythm.clone(),
            example,
            ambiguous: cell.ambiguous,
        }
    }

    fn refusal_row(&self, way: &Way, cell: &Cell, example: Option<Example>) -> Refusal {
        let account = self.text(cell.account);
        Refusal {
            host: self.text(way.host),
            service: self.text(way.service),
            protocol: way.protocol,
            account: (!account.is_empty()).then_some(account),
            client: self.text(cell.client),
            reason: self.text(way.method).to_str_lossy().into_owned(),
            times: cell.count,
            first: cell.first,
            last: cell.last,
            example,
        }
    }

    fn window(&self) -> Window {
        let midnight = |day: i64| Time {
            clock: day * DAY,
            offset: None,
        };
        let mut gaps = Vec::new();
        let mut before = None;
        for &day in &self.days {
            if let Some(before) = before
                && day > before + 1
            {
                gaps.push((midnight(before + 1), midnight(day - 1)));
            }
            before = Some(day);
        }
        Window {
            first: self.first,
            last: self.last,
            gaps,
        }
    }
}

/// Sorted, with rows that differ only in what the log showed made one.
fn merged(mut rows: Vec<Row>) -> Vec<Row> {
    fn key(row: &Row) -> impl Ord + '_ {
        (
            &row.host,
            &row.service,
            row.protocol,
            &row.account,
            &row.client,
            &row.server_address,
            &row.method,
            row.transport,
        )
    }
    rows.sort_by(|a, b| key(a).cmp(&key(b)));
    rows.dedup_by(|row, kept| {
        if key(row) != key(kept) {
            return false;
        }
        kept.logins += row.logins;
        kept.first = super::tally::earlier(kept.first, row.first);
        kept.last = super::tally::later(kept.last, row.last);
        kept.rhythm.join(&row.rhythm);
        kept.ambiguous |= row.ambiguous;
        kept.client_name = least(kept.client_name.take(), row.client_name.take());
        kept.tls_version = least(kept.tls_version.take(), row.tls_version.take());
        kept.example = least_example(kept.example.take(), row.example.take());
        true
    });
    rows
}

fn least(a: Option<BString>, b: Option<BString>) -> Option<BString> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn least_example(a: Option<Example>, b: Option<Example>) -> Option<Example> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
