//! Evidence: what mail logs prove about logins, as a tally per host, service, account, client, method and transport.
//!
//! `log` to the left makes it; `impact` to the right asks it who would break.

mod program;
mod text;
mod time;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::protocol::Protocol;
use crate::rhythm::Rhythm;

pub use program::Programs;
pub use text::Text;
pub(crate) use text::Texts;
pub use time::Time;

/// How a login travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Under TLS.
    Tls,
    /// Without TLS.
    Clear,
    /// Without TLS, from the server's own address.
    Local,
    /// Without TLS, from a network or proxy that the server trusts.
    Trusted,
    /// The log does not tell. Missing is never clear.
    Unknown,
}

impl Transport {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Self; 5] = [
        Self::Clear,
        Self::Unknown,
        Self::Trusted,
        Self::Local,
        Self::Tls,
    ];

    /// The word for this transport in every output.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tls => "tls",
            Self::Clear => "clear",
            Self::Local => "local",
            Self::Trusted => "trusted",
            Self::Unknown => "unknown",
        }
    }
}

/// A place in a log, for anyone who wants to look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Example {
    /// The file as it was named on the command line or found.
    pub file: Arc<Path>,
    /// The line in it, from 1 (in the unpacked text of a compressed file).
    pub line: u64,
}

/// By which way: all about a login that many accounts share.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Way {
    /// The host that wrote the lines; empty where the log does not name it.
    pub host: Text,
    /// The program as logged, without pid: `postfix/submission/smtpd`, `imap-login`.
    pub service: Text,
    /// What was spoken.
    pub protocol: Protocol,
    /// The server's own address of the connection, where logged (`lip=`).
    pub server_address: Option<Text>,
    /// The SASL mechanism in upper case; `XCLIENT` for a login that a front end passed on.
    pub method: Text,
    /// How it travelled.
    pub transport: Transport,
}

/// The logins of one account from one client by one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// By which way.
    pub way: Arc<Way>,
    /// Who logged in; none where the log does not tell.
    pub account: Option<Text>,
    /// The client's address as logged; `unknown` where the server did not know it.
    pub client: Text,
    /// The client's name as logged, where it has one. Never looked up.
    pub client_name: Option<Text>,
    /// `TLSv1.2` and the like; where several were seen, the oldest.
    pub tls_version: Option<Text>,
    /// How many logins. Postfix logs none by itself: each session in which a message of the account was accepted counts as one.
    pub logins: u64,
    /// The first of them.
    pub first: Option<Time>,
    /// The last of them.
    pub last: Option<Time>,
    /// When they came; empty where no line has a time.
    pub rhythm: Rhythm,
    /// One line that shows it.
    pub example: Option<Example>,
    /// The account's name holds words of the log's own syntax, so that it may end elsewhere.
    pub ambiguous: bool,
}

/// A stretch of time that the logs cover.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first line's time.
    pub first: Option<Time>,
    /// The last line's time.
    pub last: Option<Time>,
    /// Days without any line between the two, as first and last missing day (each at 00:00).
    pub gaps: Vec<(Time, Time)>,
}

impl Window {
    /// How many days it spans, both ends counted; none where no line has a time.
    pub fn days(&self) -> Option<i64> {
        let day = |time: Time| time.clock.div_euclid(86_400);
        Some(day(self.last?) - day(self.first?) + 1)
    }
}

/// The time that one log covers, with all its rotated parts, whoever wrote the lines in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The name that the parts share.
    pub log: Arc<Path>,
    /// Its first line's time.
    pub first: Option<Time>,
    /// Its last line's time.
    pub last: Option<Time>,
}

/// A login that was refused for want of TLS, or may have been: this client fails already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The host that wrote the lines.
    pub host: Text,
    /// The program as logged.
    pub service: Text,
    /// What was spoken.
    pub protocol: Protocol,
    /// Who tried, where the log tells.
    pub account: Option<Text>,
    /// The client's address as logged.
    pub client: Text,
    /// Why, in the log's words.
    pub reason: String,
    /// Whether it was for want of TLS beyond doubt. Dovecot does not tell a refused SASL login from one that went wrong
    /// before it named an account; where TLS is required, it is a refusal.
    pub certain: bool,
    /// How often.
    pub times: u64,
    /// The first of them.
    pub first: Option<Time>,
    /// The last of them.
    pub last: Option<Time>,
    /// One line that shows it.
    pub example: Option<Example>,
}

/// What decided whether the silence of one service proves anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// The host that wrote the lines.
    pub host: Text,
    /// The program as logged.
    pub service: Text,
    /// Whether a login of this service without a word of TLS was without TLS.
    pub silence_proves: bool,
    /// Why, in words.
    pub why: String,
}

/// How many lines were looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// All lines.
    pub read: u64,
    /// Those that a login server wrote about a session.
    pub candidate: u64,
    /// Candidates that could not be understood.
    pub unparsed: u64,
}

/// What the logs prove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The tally of logins with an account, sorted.
    pub rows: Vec<Row>,
    /// The tally of logins whose account the log does not tell (for Postfix: logins that sent no mail), sorted.
    pub anonymous: Vec<Row>,
    /// Refused for want of TLS, sorted.
    pub refused: Vec<Refusal>,
    /// One entry for each service, sorted.
    pub calibration: Vec<Calibration>,
    /// The time covered.
    pub window: Window,
    /// The same log by log, sorted.
    pub spans: Vec<Span>,
    /// How much was read.
    pub lines: Lines,
    /// The reading was stopped before its end.
    pub stopped: bool,
    /// What was wrong with the input, each naming file and line.
    pub warnings: Vec<String>,
}

impl Evidence {
    /// The hosts that wrote lines about logins; not those whose log does not name them.
    pub fn hosts(&self) -> BTreeSet<&Text> {
        let rows = self.rows.iter().chain(&self.anonymous);
        let hosts = rows.map(|row| &row.way.host);
        let hosts = hosts.chain(self.refused.iter().map(|one| &one.host));
        let hosts = hosts.chain(self.calibration.iter().map(|one| &one.host));
        hosts.filter(|host| !host.is_empty()).collect()
    }
}
