//! The transport: what the things that a log shows prove about logins, with a configuration or without.
//!
//! Missing is unknown, never clear: that a line about TLS is not there proves something only where it is known
//! that it would be there (logs.md 3, postfix.md 6.6 and 7.22, dovecot.md 3.3).

use std::path::PathBuf;

use bstr::{BString, ByteSlice};

use super::calibration::{Calibration, LoginService, PostfixService, Wrapper};
use super::names::Name;
use super::prefix;
use super::segment::{Habits, Segment};
use super::stamp::DAY;
use super::tally::{Cell, Shown, Way};
use crate::evidence::{self, Evidence, Example, Refusal, Row, Time, Transport, Window};

/// What silence means for one service on one host.
#[derive(Clone, Debug)]
struct Meaning {
    host: Name,
    service: Name,
    /// Of counters without STARTTLS in a whole session, and of the same where the beginning is missing.
    no_starttls: Transport,
    no_starttls_cut: Transport,
    /// Of a whole session that says nothing.
    silent: Transport,
    /// Of a session of which a part is missing.
    cut: Transport,
    /// Of an element list without a word.
    wordless: Transport,
    /// Of a word left of the client's address.
    doubtful: Transport,
    why: String,
}

impl Segment {
    /// What the segment proves, taken as all there is. `files` are the names of the inputs.
    pub(crate) fn evidence(self, calibration: Option<&Calibration>, files: &[PathBuf]) -> Evidence {
        let segment = self.concluded();
        let meanings = segment.meanings(calibration);
        let example = |cell: &Cell| {
            files.get(cell.example.file as usize).map(|file| Example {
                file: file.clone(),
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
            if transport(way.shown, way, &meanings) != Transport::Tls
                && (way.shown == Shown::Wordless
                    || transport(way.shown, way, &meanings) == Transport::Clear)
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
        let mut calibration: Vec<_> = meanings
            .iter()
            .map(|meaning| evidence::Calibration {
                host: segment.text(meaning.host),
                service: segment.text(meaning.service),
                silence_proves: [meaning.no_starttls, meaning.silent, meaning.wordless]
                    .contains(&Transport::Clear),
                why: meaning.why.clone(),
            })
            .collect();
        calibration.sort_by(|a, b| (&a.host, &a.service).cmp(&(&b.host, &b.service)));
        Evidence {
            rows,
            anonymous,
            refused,
            calibration,
            window: segment.window(),
            lines: segment.lines,
            warnings: segment.warnings,
        }
    }

    fn text(&self, name: Name) -> BString {
        self.names.text(name).into()
    }

    fn row(&self, way: &Way, cell: &Cell, meanings: &[Meaning], example: Option<Example>) -> Row {
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
            transport: transport(way.shown, way, meanings),
            tls_version: known(cell.version),
            logins: cell.count,
            first: cell.first,
            last: cell.last,
            hours: cell.hours(),
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

    /// What silence means, for each service that wrote a line.
    fn meanings(&self, calibration: Option<&Calibration>) -> Vec<Meaning> {
        let mut hosts: Vec<Name> = self.habits.keys().map(|(host, _)| *host).collect();
        hosts.sort();
        hosts.dedup();
        let mut meanings = Vec::new();
        for (&(host, service), habits) in &self.habits {
            let configured = calibration
                .filter(|calibration| applies(calibration, self.names.text(host), hosts.len()));
            let name = self.names.text(service);
            let foreign = calibration.is_some() && configured.is_none();
            let mut meaning = if prefix::login_process(name).is_some() {
                let words_elsewhere = self
                    .habits
                    .iter()
                    .any(|(&(other, _), habits)| other == host && habits.words > 0);
                let service =
                    configured.and_then(|c| c.dovecot.iter().find(|s| s.log_name == name));
                login_meaning(habits, words_elsewhere, service, configured.is_some())
            } else {
                let service =
                    configured.and_then(|c| c.postfix.iter().find(|s| s.log_name == name));
                smtpd_meaning(habits, service, configured.is_some())
            };
            if foreign {
                meaning
                    .why
                    .push_str("; the configuration is that of another host");
            }
            meanings.push(Meaning {
                host,
                service,
                ..meaning
            });
        }
        meanings
    }
}

/// Whether a configuration is that of a host in the log.
fn applies(calibration: &Calibration, host: &[u8], hosts: usize) -> bool {
    let short = |name: &[u8]| -> Vec<u8> {
        let end = name.find_byte(b'.').unwrap_or(name.len());
        name[..end].to_ascii_lowercase()
    };
    hosts == 1
        || host.is_empty()
        || calibration
            .hosts
            .iter()
            .any(|name| short(name) == short(host))
}

static NOTHING: Meaning = Meaning {
    host: Name::NONE,
    service: Name::NONE,
    no_starttls: Transport::Unknown,
    no_starttls_cut: Transport::Unknown,
    silent: Transport::Unknown,
    cut: Transport::Unknown,
    wordless: Transport::Unknown,
    doubtful: Transport::Unknown,
    why: String::new(),
};

fn smtpd_meaning(habits: &Habits, service: Option<&PostfixService>, configured: bool) -> Meaning {
    let mut meaning = NOTHING.clone();
    let because = service.map_or("", |service| &service.because);
    let wrapper = service.map_or(Wrapper::Unknown, |service| service.wrapper);
    let tls_logged = service.and_then(|service| service.tls_logged);
    if wrapper == Wrapper::Yes && habits.starttls == 0 {
        // Every session of a wrapper-mode service is under TLS from its first byte.
        for silence in [
            &mut meaning.no_starttls,
            &mut meaning.no_starttls_cut,
            &mut meaning.silent,
            &mut meaning.cut,
        ] {
            *silence = Transport::Tls;
        }
        meaning.why = format!("every session is under TLS from its first byte ({because})");
        return meaning;
    }
    if habits.tls_not_logged > 0 {
        meaning.why = format!(
            "{} sessions with STARTTLS left no TLS line, so its absence proves nothing",
            habits.tls_not_logged
        );
    } else if habits.tls_lines > 0 && tls_logged != Some(false) {
        meaning.no_starttls = Transport::Clear;
        meaning.silent = Transport::Clear;
        meaning.why = format!(
            "TLS is logged ({} lines say so), so a session without such a line is without TLS",
            habits.tls_lines
        );
    } else if tls_logged == Some(true) {
        meaning.no_starttls = Transport::Clear;
        meaning.silent = Transport::Clear;
        meaning.why =
            format!("TLS is logged ({because}), so a session without such a line is without TLS");
    } else if tls_logged == Some(false) {
        meaning.why = format!("TLS is not logged ({because})");
    } else {
        meaning.why = "no line shows that TLS is logged".to_owned();
    }
    if wrapper == Wrapper::No {
        meaning.no_starttls = Transport::Clear;
        meaning.no_starttls_cut = Transport::Clear;
        if meaning.silent == Transport::Unknown {
            meaning.why.push_str(if habits.counted > 0 {
                "; no service of this name is in wrapper mode, so the counters of the disconnect lines tell"
            } else {
                "; and there are no counters in the disconnect lines (Postfix before 3.0)"
            });
        }
    } else if meaning.silent == Transport::Unknown {
        meaning.why.push_str(match (service, configured, wrapper) {
            (None, false, _) => {
                "; without the configuration a session without STARTTLS may be one in wrapper mode"
            }
            (None, true, _) => "; the configuration has no service that logs under this name",
            (Some(_), _, Wrapper::Mixed) => {
                "; services in wrapper mode and others share this name, give them syslog_name to tell them apart"
            }
            (Some(_), _, Wrapper::No | Wrapper::Yes | Wrapper::Unknown) => {
                "; whether the service is in wrapper mode is not known"
            }
        });
    }
    meaning
}

fn login_meaning(
    habits: &Habits,
    words_elsewhere: bool,
    service: Option<&LoginService>,
    configured: bool,
) -> Meaning {
    let mut meaning = NOTHING.clone();
    match service {
        Some(service) if !service.shows_tls() => {
            meaning.why = format!(
                "login_log_format_elements has neither %c nor %k, so the lines do not tell ({})",
                service.because
            );
            return meaning;
        }
        Some(service) => {
            meaning.wordless = Transport::Clear;
            if service.tls_before_client() {
                meaning.doubtful = Transport::Tls;
            }
            meaning.why = format!("login lines tell TLS ({})", service.because);
        }
        None if habits.words > 0 => {
            meaning.wordless = Transport::Clear;
            meaning.why = format!(
                "login lines tell TLS ({} lines say TLS or secured), so one without is without TLS",
                habits.words
            );
        }
        None if words_elsewhere => {
            meaning.wordless = Transport::Clear;
            meaning.why =
                "login lines tell TLS (those of another login service on this host say TLS or secured)"
                    .to_owned();
        }
        None => {
            meaning.why = if configured {
                "no line says TLS or secured, and the configuration has no such service"
            } else {
                "no line says TLS or secured: either all logins are without TLS or the log does not tell; give the configuration to know"
            }
            .to_owned();
        }
    }
    meaning
}

/// How a login travelled, by what the log shows of it.
fn transport(shown: Shown, way: &Way, meanings: &[Meaning]) -> Transport {
    let meaning = meanings
        .iter()
        .find(|meaning| meaning.host == way.host && meaning.service == way.service)
        .unwrap_or(&NOTHING);
    match shown {
        Shown::Tls | Shown::StartTls => Transport::Tls,
        Shown::BeforeTls => Transport::Clear,
        Shown::NoStartTls => meaning.no_starttls,
        Shown::NoStartTlsCut => meaning.no_starttls_cut,
        Shown::Silent => meaning.silent,
        Shown::Cut => meaning.cut,
        Shown::FrontEnd | Shown::Secured => Transport::Trusted,
        Shown::SameHost => Transport::Local,
        Shown::Wordless => meaning.wordless,
        Shown::Doubtful => meaning.doubtful,
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
        if kept.hours.is_empty() {
            kept.hours = std::mem::take(&mut row.hours);
        } else {
            for (kept, more) in kept.hours.iter_mut().zip(&row.hours) {
                *kept = kept.saturating_add(*more);
            }
        }
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
