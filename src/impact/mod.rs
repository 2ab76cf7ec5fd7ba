//! Impact: who would break. The one place where the configuration and the logs meet.
//!
//! `calibrate` beside this file tells the log what its silence proves, from the configuration, and `log_files` where it is;
//! `verdict` asks the changed configuration what becomes of each client in the evidence, `schedule` whether it comes by the
//! clock, and `join` puts that together by account; `host` knows whose lines count, `spelling` which accounts are one, `owner` which senders are the server's own, `coverage` what they cover, `cause` finds what many accounts have in common, `trend` follows the
//! weeks, `minimum` asks for newer versions of TLS, and `decide` says go or no-go.

mod calibrate;
mod cause;
mod coverage;
mod decide;
mod host;
mod join;
mod log_files;
mod minimum;
mod owner;
mod schedule;
mod spelling;
mod trend;
mod verdict;

pub use calibrate::calibrate;
pub use cause::Cause;
pub use coverage::Coverage;
pub use host::Hosts;
pub use log_files::{LogFiles, common_log_files, log_files};
pub use minimum::{InUse, Minimum, Older};
pub use owner::owner;
pub use trend::{LastClear, Week};

use crate::evidence::{Evidence, Example, Programs, Text, Time, Transport};
use crate::fix::Change;
use crate::project::{Acceptance, Network};
use crate::protocol::Protocol;
use crate::surface::Endpoint;
use crate::surface::server::Surface;

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
    pub client: Text,
    /// Its name as logged, where it has one.
    pub client_name: Option<Text>,
    /// The program it logged in to, as logged.
    pub service: Text,
    /// The mechanism.
    pub method: Text,
    /// How it travelled.
    pub transport: Transport,
    /// What the change does to it.
    pub impact: Impact,
    /// Why, in words.
    pub why: String,
    /// A front end or a proxy passed it on, so that many clients may be one.
    pub passed_on: bool,
    /// The files forbid its logins as they are, without the change.
    pub already_forbidden: bool,
    /// How many logins.
    pub logins: u64,
    /// The first of them.
    pub first: Option<Time>,
    /// The last of them.
    pub last: Option<Time>,
    /// One line that shows it.
    pub example: Option<Example>,
    /// How many days before the end of the logs it was last seen.
    pub days_ago: Option<i64>,
    /// What the client calls itself, which anybody can claim.
    pub mail_program: Option<Text>,
    /// That it comes by the clock, in words: `daily at 07:00`. Read from all logins of the account from this client.
    pub schedule: Option<String>,
    /// The network of [`Asked`] it is in, or `outside`; none where no network is named, or its address is not known.
    pub network: Option<String>,
    /// Why it may break, where somebody accepted that.
    pub accepted: Option<String>,
}

/// One account on one protocol, with the worst that happens to any of its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountImpact {
    /// Who; none for logins whose account the log does not tell.
    pub account: Option<Text>,
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

/// What is asked of `preflight`, beside configuration and logs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// How many days the logs have to cover.
    pub days: i64,
    /// The networks that have a name.
    pub networks: Vec<Network>,
    /// Who may break.
    pub acceptances: Vec<Acceptance>,
    /// Who might break until a day that has passed.
    pub expired: Vec<Acceptance>,
    /// What mail programs were seen.
    pub programs: Programs,
    /// The logs were found where the server keeps its own.
    pub own_logs: bool,
}

/// The answer of `preflight`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preflight {
    /// May the change be made now?
    pub decision: Decision,
    /// What stands in the way, the first step first; or why nothing does.
    pub reasons: Vec<String>,
    /// Nothing is left to change: the files enforce TLS as they are.
    pub enforced: bool,
    /// Who fares how, the worst first.
    pub accounts: Vec<AccountImpact>,
    /// Clients behind which many accounts break or are unknown.
    pub causes: Vec<Cause>,
    /// How many accounts logged in without TLS, week by week.
    pub trend: Vec<Week>,
    /// When somebody logged in without TLS last.
    pub last_clear: Option<LastClear>,
    /// Which versions of TLS are in use, the oldest first.
    pub tls_versions: Vec<InUse>,
    /// Who would break if a newer version of TLS were asked for as well.
    pub minima: Vec<Minimum>,
    /// Whose lines were judged.
    pub hosts: Hosts,
    /// How many days the logs have to cover, and how many they do.
    pub days: (i64, Option<i64>),
    /// The same for each server that takes logins.
    pub coverage: Vec<Coverage>,
    /// The endpoints as they are after the change.
    pub endpoints_after: Vec<Endpoint>,
    /// Acceptances that speak of nobody in the evidence, as they were written.
    pub unused: Vec<String>,
    /// Acceptances whose last day has passed, with that day.
    pub expired: Vec<String>,
}

/// Joins the change of `before` with the evidence.
pub fn preflight(
    before: &Surface,
    change: &Change,
    evidence: &Evidence,
    asked: &Asked,
) -> Preflight {
    let hosts = Hosts::of(before, asked.own_logs, evidence);
    let spelling = spelling::Spelling::of(before);
    let evidence = &*spelling.joined(hosts.narrowed(evidence));
    let asked = &Asked {
        acceptances: spelling.accepted(&asked.acceptances),
        ..asked.clone()
    };
    let question = coverage::Question {
        evidence,
        hosts: &hosts,
        asked: asked.days,
    };
    let coverage = question.of_servers(&before.endpoints);
    let covered = question.covered();
    let lacks = question.lacks(&coverage);
    let accounts = join::accounts(before, change, evidence, asked);
    let causes = cause::causes(&accounts);
    let enforced = change.files.is_empty() && change.left_open().next().is_none();
    let (decision, reasons) = decide::decide(&decide::Question {
        before,
        change,
        enforced,
        accounts: &accounts,
        causes: &causes,
        evidence,
        unlogged: calibrate::without_tls_lines(before),
        days: asked.days,
        lacks,
        unclear: hosts.unclear.clone(),
    });
    Preflight {
        decision,
        reasons,
        enforced,
        causes,
        days: (asked.days, covered),
        coverage,
        tls_versions: minimum::in_use(evidence),
        trend: trend::weeks(evidence),
        last_clear: trend::last_clear(evidence),
        minima: minimum::minima(evidence, before),
        endpoints_after: change.after.endpoints.clone(),
        unused: join::unused(asked, &accounts),
        expired: join::expired(asked),
        accounts,
        hosts,
    }
}
