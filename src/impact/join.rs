//! The join: for every account, protocol and client in the evidence, what the change does to it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use bstr::ByteSlice;

use crate::evidence::{Evidence, Refusal, Row, Text, Time, Transport};
use crate::fix::Change;
use crate::parallel;
use crate::project::Acceptance;
use crate::protocol::Protocol;
use crate::rhythm::Rhythm;
use crate::surface::server::Surface;

use super::schedule::schedule;
use super::{AccountImpact, Asked, ClientImpact, Impact, verdict};

/// Where a client is that no named network holds.
const OUTSIDE: &str = "outside";

/// One account from one client on one protocol, over all its rows.
type Whose<'a> = (Option<&'a Text>, Protocol, &'a Text);

/// Every account with its clients, the worst first.
pub(super) fn accounts(
    before: &Surface,
    change: &Change,
    evidence: &Evidence,
    asked: &Asked,
) -> Vec<AccountImpact> {
    let rows = || evidence.rows.iter().chain(&evidence.anonymous);
    let schedules = schedules(rows());
    let mut accounts: BTreeMap<(Option<Text>, Protocol), Vec<ClientImpact>> = BTreeMap::new();
    let joined = parallel::map(rows().collect(), |row: &Row| {
        let client = of_row(row, before, change, &schedules);
        (&row.account, row.way.protocol, client)
    });
    let joined = joined.into_iter().chain(
        evidence
            .refused
            .iter()
            // What may have been a refusal was one where TLS is required, and elsewhere it went wrong by itself.
            .filter(|one| one.certain || verdict::requires_tls(one, before))
            .map(|one| (&one.account, one.protocol, of_refusal(one))),
    );
    for (account, protocol, mut client) in joined {
        let address = address(&client.client);
        client.network = network(asked, address);
        client.days_ago = days_between(client.last, evidence.window.last);
        let name = account.as_ref().map(|name| name.as_bstr());
        client.mail_program = name
            .and_then(|name| asked.programs.of(name, client.client.as_bstr()))
            .map(|program| Text::from(program.as_slice()));
        if matters(client.impact) {
            let acceptance = asked
                .acceptances
                .iter()
                .find(|one| one.covers(name, address));
            client.accepted = acceptance.map(|one| one.reason.clone());
        }
        accounts
            .entry((account.clone(), protocol))
            .or_default()
            .push(client);
    }
    let mut accounts: Vec<AccountImpact> = accounts
        .into_iter()
        .map(|((account, protocol), clients)| {
            let mut clients = merged(clients);
            clients.sort_by(|a, b| {
                (a.impact, &a.client, &a.service).cmp(&(b.impact, &b.client, &b.service))
            });
            AccountImpact {
                impact: clients
                    .first()
                    .map_or(Impact::Unknown, |worst| worst.impact),
                account,
                protocol,
                clients,
            }
        })
        .collect();
    accounts.sort_by(|a, b| {
        (a.impact, &a.account, a.protocol).cmp(&(b.impact, &b.account, b.protocol))
    });
    accounts
}

/// One entry for what differs only in what is not shown, such as the host that wrote the lines.
fn merged(clients: Vec<ClientImpact>) -> Vec<ClientImpact> {
    let mut merged: Vec<ClientImpact> = Vec::new();
    let mut places = HashMap::new();
    for client in clients {
        let key = (
            client.client.clone(),
            client.service.clone(),
            client.method.clone(),
            (client.transport, client.impact, client.why.clone()),
        );
        let Some(&place) = places.get(&key) else {
            places.insert(key, merged.len());
            merged.push(client);
            continue;
        };
        let one: &mut ClientImpact = &mut merged[place];
        one.logins += client.logins;
        one.first = [one.first, client.first].into_iter().flatten().min();
        one.last = one.last.max(client.last);
        one.days_ago = [one.days_ago, client.days_ago].into_iter().flatten().min();
        one.example = [one.example.take(), client.example]
            .into_iter()
            .flatten()
            .min();
        one.client_name = one.client_name.take().or(client.client_name);
    }
    merged
}

/// The acceptances that speak of nobody who breaks or may break.
pub(super) fn unused(asked: &Asked, accounts: &[AccountImpact]) -> Vec<String> {
    let used = |one: &&Acceptance| {
        !accounts.iter().any(|account| {
            let name = account.account.as_ref().map(|name| name.as_bstr());
            account
                .clients
                .iter()
                .filter(|client| matters(client.impact))
                .any(|client| one.covers(name, address(&client.client)))
        })
    };
    asked
        .acceptances
        .iter()
        .filter(used)
        .map(described)
        .collect()
}

/// The acceptances that have ended: `scanner (until 2026-01-31)`.
pub(super) fn expired(asked: &Asked) -> Vec<String> {
    let ended = asked.expired.iter();
    ended
        .filter_map(|one| Some(format!("{} (until {})", described(one), one.until?)))
        .collect()
}

/// Whether the impact is one that somebody has to accept.
const fn matters(impact: Impact) -> bool {
    match impact {
        Impact::Breaks | Impact::Unknown => true,
        Impact::Relays | Impact::Refused | Impact::Exempt | Impact::Survives => false,
    }
}

fn described(one: &Acceptance) -> String {
    let account = one.account.as_ref().map(ToString::to_string);
    let networks = one.networks.iter().flatten().map(ToString::to_string);
    account
        .into_iter()
        .chain(networks)
        .collect::<Vec<_>>()
        .join(" ")
}

fn of_row(
    row: &Row,
    before: &Surface,
    change: &Change,
    schedules: &BTreeMap<Whose<'_>, String>,
) -> ClientImpact {
    let (mut impact, mut why) = verdict::of_row(row, &change.after);
    let already_forbidden = match impact {
        Impact::Breaks | Impact::Relays => verdict::is_forbidden(row, before),
        Impact::Unknown | Impact::Refused | Impact::Exempt | Impact::Survives => false,
    };
    if already_forbidden {
        why.push_str(", which these files forbid already");
    }
    // The change does nothing to those who have to use TLS as it is.
    if impact == Impact::Unknown
        && row.way.transport == Transport::Unknown
        && verdict::is_under_tls(row, before)
    {
        impact = Impact::Survives;
        "logs in where TLS is required already".clone_into(&mut why);
    }
    ClientImpact {
        client: row.client.clone(),
        client_name: row.client_name.clone(),
        service: row.way.service.clone(),
        method: row.way.method.clone(),
        transport: row.way.transport,
        impact,
        why,
        passed_on: verdict::is_passed_on(row, &change.after),
        already_forbidden,
        logins: row.logins,
        first: row.first,
        last: row.last,
        example: row.example.clone(),
        days_ago: None,
        mail_program: None,
        schedule: schedules.get(&whose(row)).cloned(),
        network: None,
        accepted: None,
    }
}

fn of_refusal(refusal: &Refusal) -> ClientImpact {
    ClientImpact {
        client: refusal.client.clone(),
        client_name: None,
        service: refusal.service.clone(),
        method: Text::default(),
        transport: Transport::Clear,
        impact: Impact::Refused,
        why: refusal.reason.clone(),
        passed_on: false,
        already_forbidden: true,
        logins: refusal.times,
        first: refusal.first,
        last: refusal.last,
        example: refusal.example.clone(),
        days_ago: None,
        mail_program: None,
        schedule: None,
        network: None,
        accepted: None,
    }
}

fn whose(row: &Row) -> Whose<'_> {
    (row.account.as_ref(), row.way.protocol, &row.client)
}

/// The schedules of those that have one. A device may use several services or both transports, so its rows count together.
fn schedules<'a>(rows: impl Iterator<Item = &'a Row>) -> BTreeMap<Whose<'a>, String> {
    struct Logins {
        rhythm: Rhythm,
        number: u64,
        first: Option<Time>,
        last: Option<Time>,
    }
    let mut logins: BTreeMap<Whose<'_>, Logins> = BTreeMap::new();
    for row in rows.filter(|row| row.account.is_some()) {
        let one = logins.entry(whose(row)).or_insert_with(|| Logins {
            rhythm: Rhythm::default(),
            number: 0,
            first: row.first,
            last: row.last,
        });
        one.rhythm.join(&row.rhythm);
        one.number += row.logins;
        one.first = [one.first, row.first].into_iter().flatten().min();
        one.last = [one.last, row.last].into_iter().flatten().max();
    }
    logins
        .into_iter()
        .filter_map(|(whose, one)| {
            let span = one.last?.clock - one.first?.clock;
            Some((whose, schedule(&one.rhythm, one.number, span)?))
        })
        .collect()
}

/// The address of a client, where it is one.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    text.to_str().ok()?.parse().ok()
}

fn network(asked: &Asked, address: Option<IpAddr>) -> Option<String> {
    if asked.networks.is_empty() {
        return None;
    }
    let address = address?;
    let network = asked.networks.iter().find(|one| one.contains(address));
    Some(network.map_or(OUTSIDE, |one| &one.name).to_owned())
}

fn days_between(earlier: Option<Time>, later: Option<Time>) -> Option<i64> {
    let day = |time: Time| time.clock.div_euclid(86_400);
    Some(day(later?) - day(earlier?))
}
