//! Impact: who would break. The one place where the configuration and the logs meet.
//!
//! `calibrate` beside this file tells the log what its silence proves, from the configuration;
//! `verdict` asks the changed configuration what becomes of each client in the evidence; `decide` says go or no-go.

mod calibrate;
mod decide;
mod log_files;
mod schedule;
mod verdict;

pub use calibrate::calibrate;

use std::collections::BTreeMap;

use bstr::BString;

use crate::evidence::{Evidence, Example, Row, Time, Transport};
use crate::fix::Change;
use crate::protocol::Protocol;
use crate::surface::Endpoint;

/// What the change does to one client of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Impact {
    /// It can log in today and not afterwards.
    Breaks,
    /// The log or the configuration does not tell.
    Unknown,
    /// A client inside mynetworks: it loses the login, and its mail is still accepted.
    Relays,
    /// It is refused already.
    Refused,
    /// It logs in without TLS and still may: same host, or trusted where the version exempts it.
    Exempt,
    /// It uses TLS already.
    Survives,
}

impl Impact {
    /// The word for it in every output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Breaks => "breaks",
            Self::Unknown => "unknown",
            Self::Relays => "relays",
            Self::Refused => "refused",
            Self::Exempt => "exempt",
            Self::Survives => "survives",
        }
    }
}

/// One client of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientImpact {
    /// The client's address as logged.
    pub client: BString,
    /// Its name as logged, where it has one.
    pub client_name: Option<BString>,
    /// The program it logged in to, as logged.
    pub service: BString,
    /// The mechanism.
    pub method: BString,
    /// How it travelled.
    pub transport: Transport,
    /// What the change does to it.
    pub impact: Impact,
    /// Why, in words.
    pub why: String,
    /// How many logins.
    pub logins: u64,
    /// The first of them.
    pub first: Option<Time>,
    /// The last of them.
    pub last: Option<Time>,
    /// One line that shows it.
    pub example: Option<Example>,
}

/// One account on one protocol, with the worst that happens to any of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountImpact {
    /// Who; none for logins whose account the log does not tell.
    pub account: Option<BString>,
    /// On what.
    pub protocol: Protocol,
    /// The clients, the worst first.
    pub clients: Vec<ClientImpact>,
    /// The worst of them.
    pub impact: Impact,
}

/// May the change be made now?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes: every endpoint ends enforced, nobody breaks, nothing is unknown, and the logs cover the window.
    Go,
    /// No: something stands in the way.
    NoGo,
    /// There is no evidence to decide on.
    CannotTell,
}

impl Decision {
    /// The word for it in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::NoGo => "no-go",
            Self::CannotTell => "cannot-tell",
        }
    }
}

/// The answer of `preflight`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// May the change be made now?
    pub decision: Decision,
    /// What stands in the way, the first step first; or why nothing does.
    pub reasons: Vec<String>,
    /// Who fares how, the worst first.
    pub accounts: Vec<AccountImpact>,
    /// The endpoints as they are after the change.
    pub endpoints_after: Vec<Endpoint>,
}

/// Joins the change with the evidence; the logs have to cover `days`.
pub fn preflight(change: &Change, evidence: &Evidence, days: i64) -> Preflight {
    let mut accounts: BTreeMap<(Option<BString>, Protocol), Vec<ClientImpact>> = BTreeMap::new();
    for row in evidence.rows.iter().chain(&evidence.anonymous) {
        accounts
            .entry((row.account.clone(), row.protocol))
            .or_default()
            .push(client_impact(row, change));
    }
    for refusal in &evidence.refused {
        accounts
            .entry((refusal.account.clone(), refusal.protocol))
            .or_default()
            .push(ClientImpact {
                client: refusal.client.clone(),
                client_name: None,
                service: refusal.service.clone(),
                method: BString::default(),
                transport: Transport::Clear,
                impact: Impact::Refused,
                why: refusal.reason.clone(),
                logins: refusal.times,
                first: refusal.first,
                last: refusal.last,
                example: refusal.example.clone(),
            });
    }
    let mut accounts: Vec<AccountImpact> = accounts
        .into_iter()
        .map(|((account, protocol), mut clients)| {
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
    let (decision, reasons) = decide::decide(change, &accounts, evidence, days);
    Preflight {
        decision,
        reasons,
        accounts,
        endpoints_after: change.after.endpoints.clone(),
    }
}

fn client_impact(row: &Row, change: &Change) -> ClientImpact {
    let (impact, why) = verdict::of_row(row, &change.after);
    ClientImpact {
        client: row.client.clone(),
        client_name: row.client_name.clone(),
        service: row.service.clone(),
        method: row.method.clone(),
        transport: row.transport,
        impact,
        why,
        logins: row.logins,
        first: row.first,
        last: row.last,
        example: row.example.clone(),
    }
}
