//! A log line in JSON: an entry of the journal, or of a log service.
//!
//! Its fields are read by `entry`.

use std::borrow::Cow;

use serde::Deserialize;

use super::entry::Entry;
use super::prefix::{self, Line};
use super::stamp;
use super::writer;

/// The fields of an entry that matter.
#[derive(Debug, Default)]
pub(crate) struct Fields<'a> {
    pub(crate) stamp: Vec<u8>,
    pub(crate) host: Cow<'a, [u8]>,
    pub(crate) program: Cow<'a, [u8]>,
    pub(crate) pid: Option<u32>,
    pub(crate) message: Cow<'a, [u8]>,
}

impl<'a> Fields<'a> {
    /// Reads one object; none where it is none.
    pub(crate) fn of_json(line: &'a [u8]) -> Option<Self> {
        let entry = Entry::read(line)?;
        let pid = entry.journal_pid.or(entry.pid).unwrap_or_default();
        let micros = entry.micros.unwrap_or_default();
        Some(Self {
            stamp: if micros.is_empty() {
                let time = entry.time.unwrap_or_default();
                since_1970(&time).unwrap_or_else(|| time.into_owned())
            } else {
                stamp_of_micros(&micros)
            },
            host: entry.host.unwrap_or_default(),
            program: entry.program.unwrap_or_default(),
            pid: prefix::digits(&pid),
            message: entry.message.unwrap_or_default(),
        })
    }

    /// Whether the stamp beside a line tells its time better: the line has none, or one without a year of the same day.
    fn is_stamp_of(&self, line: &Line<'_>) -> bool {
        let beside = stamp::cut(&self.stamp).and_then(|(stamp, _)| Some((stamp, stamp.year?)));
        match (prefix::stamp_of(line), beside) {
            (None, _) => true,
            (Some(own), Some((beside, year))) => {
                own.year.is_none() && (own.clock(year) - beside.clock(year)).abs() <= 2 * stamp::DAY
            }
            (Some(_), None) => false,
        }
    }

    /// The line, if a login server wrote it.
    pub(crate) fn line(&self) -> Option<Line<'_>> {
        let message = &*self.message;
        let message = message.strip_suffix(b"\n").unwrap_or(message);
        // Entries of one line only; what follows a line break is not the server's.
        let message = message
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        if self.program.is_empty() {
            // A container's output: the whole syslog line is the message.
            let mut line = prefix::cut(message, message.len())?;
            if self.is_stamp_of(&line) {
                line.stamp = &self.stamp;
            }
            return Some(line);
        }
        // Some services keep the pid with the name.
        let (name, pid) = match self.program.strip_suffix(b"]") {
            Some(inner) => {
                let open = memchr::memchr(b'[', inner)?;
                (&inner[..open], prefix::digits(&inner[open + 1..]))
            }
            None => (&*self.program, self.pid),
        };
        writer::line_of(&self.stamp, &self.host, name, pid, message)
    }
}

/// A number of seconds, milliseconds, microseconds or nanoseconds since 1970, as a stamp.
fn since_1970(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let fraction = match digits {
        10 if text.get(10) == Some(&b'.') => return Some(text.to_vec()),
        10 => &b"0"[..],
        13 | 16 | 19 => &text[10..digits],
        _ => return None,
    };
    Some([&text[..10], b".", fraction].concat())
}

/// `1795490807158776` as `1795490807.158776`, which is a stamp.
pub(crate) fn stamp_of_micros(micros: &[u8]) -> Vec<u8> {
    match micros.len().checked_sub(6) {
        Some(point) => [&micros[..point], b".", &micros[point..]].concat(),
        None => Vec::new(),
    }
}

/// The cursor of the last of some entries of the journal, where `journalctl` always writes one.
pub(crate) fn last_cursor(lines: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "__CURSOR")]
        cursor: String,
    }
    let last = lines.trim_ascii_end();
    let start = memchr::memrchr(b'\n', last).map_or(0, |newline| newline + 1);
    serde_json::from_slice(&last[start..])
        .ok()
        .map(|entry: Entry| entry.cursor)
}

/// The time of an entry, for lines that no login server wrote.
pub(crate) fn stamp_in(line: &[u8]) -> Option<stamp::Stamp> {
    for key in [
        &b"\"__REALTIME_TIMESTAMP\""[..],
        b"\"time\"",
        b"\"timestamp\"",
        b"\"@timestamp\"",
    ] {
        let Some(at) = memchr::memmem::find(line, key) else {
            continue;
        };
        let rest = line[at + key.len()..].trim_ascii_start();
        let rest = rest.strip_prefix(b":")?.trim_ascii_start();
        let value = rest.strip_prefix(b"\"").unwrap_or(rest);
        let value = &value[..value.len().min(40)];
        let moment = since_1970(value);
        return stamp::cut(moment.as_deref().unwrap_or(value)).map(|(stamp, _)| stamp);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use bstr::ByteSlice;

    fn shown(line: &str) -> String {
        let Some(fields) = Fields::of_json(line.as_bytes()) else {
            return "no entry".to_owned();
        };
        fields.line().map_or("-".to_owned(), |line| {
            format!(
                "{} | {} | {} | {:?} | {}",
                line.stamp.as_bstr(),
                line.host.as_bstr(),
                line.program.as_bstr(),
                line.pid,
                line.message.as_bstr()
            )
        })
    }

    #[test]
    fn entries_of_many_services() {
        for (line, expected) in [
            (
                r#"{"SYSLOG_IDENTIFIER":"postfix/smtpd","_PID":"12","MESSAGE":"connect from x[192.0.2.9]","__REALTIME_TIMESTAMP":"1795490807158776","_HOSTNAME":"mail","X":null}"#,
                "1795490807.158776 | mail | postfix/smtpd | Some(12) | connect from x[192.0.2.9]",
            ),
            (
                r#"{"SYSLOG_IDENTIFIER":"dovecot","SYSLOG_PID":"12","MESSAGE":[105,109,97,112,45,108,111,103,105,110,58,32,76,255]}"#,
                " |  | imap-login | Some(12) | L\u{fffd}",
            ),
            (
                r#"{"time":"2025-11-27T16:26:19Z","program":"postfix/smtpd","priority":"info","message":"connect from x[192.0.2.9]"}"#,
                "2025-11-27T16:26:19Z |  | postfix/smtpd | None | connect from x[192.0.2.9]",
            ),
            (
                r#"{"log":"Nov  4 08:00:01 h postfix/smtpd[3]: x\n","stream":"stdout","time":"2025-11-27T16:26:19Z"}"#,
                "Nov  4 08:00:01 | h | postfix/smtpd | Some(3) | x",
            ),
            (
                r#"{"SYSLOG_IDENTIFIER":"postfix/cleanup","MESSAGE":"postfix/smtpd[1]: x"}"#,
                "-",
            ),
            (
                r#"{"log":"Nov  4 08:00:01 h postfix/smtpd[3]: x\n","stream":"stdout","time":"2025-11-04T07:00:01Z"}"#,
                "2025-11-04T07:00:01Z | h | postfix/smtpd | Some(3) | x",
            ),
            (
                r#"{"timestamp":1772348400,"host":{"name":"x"},"hostname":"mail","appname":"postfix/smtpd","message":"x","log":"y"}"#,
                "1772348400.0 | mail | postfix/smtpd | None | x",
            ),
            (
                r#"{"time":1772348400.5,"program":"dovecot","message":"imap-login: x"}"#,
                "1772348400.500000 |  | imap-login | None | x",
            ),
            (
                r#"{"@timestamp":"1772348400123","program":"dovecot","message":"imap-login: x"}"#,
                "1772348400.123 |  | imap-login | None | x",
            ),
            (r#"{"SYSLOG_IDENTIFIER":"#, "no entry"),
        ] {
            let shown = shown(line).replace("L\\xFF", "L\u{fffd}");
            assert_eq!(shown, expected, "{line}");
        }
    }
}
