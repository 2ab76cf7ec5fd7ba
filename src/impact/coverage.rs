//! The coverage: how much of the window that is asked for the logs tell about, for each of the two servers.
//!
//! A log covers the days between its first and its last line, whoever wrote these, but for days without any line. Dovecot
//! often writes a log of its own that is kept for less time than the others, so each server is looked at by itself.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::evidence::{Evidence, Refusal, Row, Span, Text, Time, Window};
use crate::log::stem;
use crate::project::MOST_DAYS;
use crate::protocol::Protocol;
use crate::surface::{Endpoint, Server, Verdict};

use super::Hosts;

/// What of the window the logs tell about one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Postfix or Dovecot.
    pub server: Server,
    /// The logs that hold its logins.
    pub logs: Vec<PathBuf>,
    /// From when on, within the window.
    pub first: Option<Time>,
    /// Until when.
    pub last: Option<Time>,
    /// How many days of the window these logs cover.
    pub days: i64,
    /// When somebody logged in or was refused there last.
    pub last_login: Option<Time>,
}

/// A pause in the logins of one host that says nothing: a weekend and a holiday.
const PAUSE: i64 = 3;

/// What is asked of the logs, and what they hold.
pub(super) struct Question<'a> {
    pub(super) evidence: &'a Evidence,
    pub(super) hosts: &'a Hosts,
    /// How many days the logs have to cover, counted back from their last line.
    pub(super) asked: i64,
}

impl Question<'_> {
    /// The last days of the logs that are asked for.
    fn window(&self) -> Option<(i64, i64)> {
        let last = day(self.evidence.window.last?);
        Some((last - self.asked.min(MOST_DAYS) + 1, last))
    }

    /// How many of these days the logs cover, taken together.
    pub(super) fn covered(&self) -> Option<i64> {
        let (from, to) = self.window()?;
        let first = day(self.evidence.window.first?);
        Some(days_without_gaps(
            &self.evidence.window,
            first.max(from),
            to,
        ))
    }

    /// What the logs cover of each server that takes logins and is heard of in them.
    pub(super) fn of_servers(&self, endpoints: &[Endpoint]) -> Vec<Coverage> {
        [Server::Postfix, Server::Dovecot]
            .into_iter()
            .filter(|server| {
                endpoints
                    .iter()
                    .any(|one| one.server == *server && one.verdict != Verdict::NoAuth)
            })
            .filter_map(|server| self.of_server(server))
            .collect()
    }

    fn of_server(&self, server: Server) -> Option<Coverage> {
        let is_its = |protocol: Protocol| server_of(protocol) == server;
        let rows = self.evidence.rows.iter().chain(&self.evidence.anonymous);
        let rows: Vec<&Row> = rows.filter(|row| is_its(row.way.protocol)).collect();
        let refused: Vec<&Refusal> = self
            .evidence
            .refused
            .iter()
            .filter(|one| is_its(one.protocol))
            .collect();
        let examples = rows.iter().filter_map(|row| row.example.as_ref());
        let examples = examples.chain(refused.iter().filter_map(|one| one.example.as_ref()));
        let logs: BTreeSet<PathBuf> = examples.map(|example| stem(&example.file)).collect();
        if logs.is_empty() {
            return None;
        }
        let spans = self.evidence.spans.iter();
        let spans: Vec<&Span> = spans.filter(|span| logs.contains(&*span.log)).collect();
        let window = &self.evidence.window;
        // What lies outside of the time that was asked for is not counted, so no log covers it.
        let first = spans.iter().filter_map(|span| span.first).min();
        let first = first.max(window.first);
        let last = spans.iter().filter_map(|span| span.last).max();
        let last = last.min(window.last).or(window.last);
        let days = match (self.window(), first, last) {
            (Some((from, to)), Some(first), Some(last)) => {
                days_without_gaps(window, day(first).max(from), day(last).min(to))
            }
            (None | Some(_), _, _) => 0,
        };
        let logins = rows.iter().filter_map(|row| row.last);
        let logins = logins.chain(refused.iter().filter_map(|one| one.last));
        Some(Coverage {
            server,
            logs: logs.into_iter().collect(),
            first,
            last,
            days,
            last_login: logins.max(),
        })
    }

    /// What the logs lack, each as a reason against the change.
    pub(super) fn lacks(&self, servers: &[Coverage]) -> Vec<String> {
        let mut lacks = Vec::new();
        let asked = self.asked;
        let window = &self.evidence.window;
        let (Some(covered), Some((from, to))) = (self.covered(), self.window()) else {
            return vec![
                "no line in the logs has a time, so nobody can tell what they cover".to_owned(),
            ];
        };
        if let Some(days) = window.days().filter(|&days| days < asked) {
            lacks.push(format!(
                "the logs cover {days} of the {asked} days asked for (--window, or preflight.days of plainsight.toml)"
            ));
        }
        let missing = (to - from + 1).min(window.days().unwrap_or(0)) - covered;
        if missing > 0 {
            lacks.push(format!(
                "the logs have no line for {missing} of the last {asked} days"
            ));
        }
        for one in servers {
            let name = name(one.server);
            if one.days < covered {
                let logs: Vec<String> = one
                    .logs
                    .iter()
                    .map(|log| log.display().to_string())
                    .collect();
                lacks.push(format!(
                    "for {name} the logs cover {} of the {asked} days asked for: {} {}",
                    one.days,
                    logs.join(", "),
                    reach(one)
                ));
            } else if let Some(login) = one.last_login.filter(|login| day(*login) < from) {
                lacks.push(format!(
                    "{name} logged in nobody since {login}: if the logs of its logins are elsewhere by now, name them too (--log)"
                ));
            }
        }
        lacks.extend(self.silences(from, to));
        lacks
    }

    /// Days on which a host that shares its logs with others has no login: those of the others say nothing about it.
    fn silences(&self, from: i64, to: i64) -> Option<String> {
        if self.hosts.left_out.is_empty() {
            return None;
        }
        let rows = self.evidence.rows.iter().chain(&self.evidence.anonymous);
        let days: BTreeSet<i64> = rows
            .flat_map(|row| row.rhythm.days())
            .filter(|day| (from..=to).contains(day))
            .collect();
        let from = from.max(day(self.evidence.window.first?));
        let ends = std::iter::once(from - 1).chain(days.iter().copied());
        let begins = days.iter().copied().chain(std::iter::once(to + 1));
        let (before, after) = ends
            .zip(begins)
            .max_by_key(|(before, after)| (after - before, -before))?;
        (after - before - 1 > PAUSE).then(|| {
            let hosts: Vec<String> = self.hosts.judged.iter().map(Text::to_string).collect();
            format!(
                "no login at {} from {} to {}, in logs that other hosts write as well: if it logged elsewhere then, name that log too (--log)",
                hosts.join(", "),
                midnight(before + 1).day(),
                midnight(after - 1).day(),
            )
        })
    }
}

/// `begins 2026-11-23` or `ends 2026-11-20`.
fn reach(one: &Coverage) -> String {
    let day = |time: Option<Time>| time.map_or_else(|| "-".to_owned(), Time::day);
    format!("reaches from {} to {}", day(one.first), day(one.last))
}

/// What a server's logins are called.
pub(super) const fn name(server: Server) -> &'static str {
    match server {
        Server::Postfix => "smtpd of Postfix",
        Server::Dovecot => "the login processes of Dovecot",
    }
}

/// Who writes the lines about a protocol.
pub(super) const fn server_of(protocol: Protocol) -> Server {
    match protocol {
        Protocol::Smtp => Server::Postfix,
        Protocol::Imap | Protocol::Pop3 | Protocol::Sieve | Protocol::Submission => Server::Dovecot,
    }
}

/// How many days there are from one to another, both counted, without those in a gap.
fn days_without_gaps(window: &Window, from: i64, to: i64) -> i64 {
    let in_gaps =
        |&(first, last): &(Time, Time)| (day(last).min(to) - day(first).max(from) + 1).max(0);
    (to - from + 1).max(0) - window.gaps.iter().map(in_gaps).sum::<i64>()
}

const fn day(time: Time) -> i64 {
    time.clock.div_euclid(86_400)
}

const fn midnight(day: i64) -> Time {
    Time {
        clock: day * 86_400,
        offset: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_gaps_between_the_days_count() {
        let window = Window {
            first: Some(midnight(0)),
            last: Some(midnight(30)),
            gaps: vec![
                (midnight(2), midnight(3)),
                (midnight(15), midnight(18)),
                (midnight(25), midnight(25)),
            ],
        };
        assert_eq!(days_without_gaps(&window, 17, 30), 14 - 3, "17, 18 and 25");
        assert_eq!(days_without_gaps(&window, 0, 30), 31 - 7);
        assert_eq!(days_without_gaps(&window, 16, 17), 0);
        assert_eq!(days_without_gaps(&window, 5, 4), 0);
    }
}
