//! A log line in JSON: an entry of the journal, or of a log service.
//!
//! Only lines with a needle come here, so that most of a log is never parsed.

use serde::Deserialize;

use super::prefix::{self, Line};
use super::stamp;
use super::writer;

/// The fields that matter, under the names of journald and of common log services.
#[derive(Debug, Deserialize)]
struct Entry {
    #[serde(rename = "MESSAGE", alias = "message", alias = "msg", alias = "log")]
    message: Option<Text>,
    #[serde(
        rename = "SYSLOG_IDENTIFIER",
        alias = "program",
        alias = "ident",
        alias = "appname",
        alias = "tag"
    )]
    program: Option<Text>,
    #[serde(rename = "_PID")]
    journal_pid: Option<Text>,
    #[serde(rename = "SYSLOG_PID", alias = "pid", alias = "procid")]
    pid: Option<Text>,
    #[serde(rename = "_HOSTNAME", alias = "host", alias = "hostname")]
    host: Option<Text>,
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    micros: Option<Text>,
    #[serde(rename = "time", alias = "timestamp", alias = "@timestamp")]
    time: Option<Text>,
}

/// A value: journald writes what is not printable as an array of byte values.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Number(i64),
    Bytes(Vec<u8>),
    Other(serde::de::IgnoredAny),
}

impl Text {
    fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::Plain(text) => text.into_bytes(),
            Self::Number(number) => number.to_string().into_bytes(),
            Self::Bytes(bytes) => bytes,
            Self::Other(_) => Vec::new(),
        }
    }
}

/// An entry whose fields are its own.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    pub(crate) stamp: Vec<u8>,
    pub(crate) host: Vec<u8>,
    pub(crate) program: Vec<u8>,
    pub(crate) pid: Option<u32>,
    pub(crate) message: Vec<u8>,
}

impl Fields {
    /// Reads one object; none where it is none.
    pub(crate) fn of_json(line: &[u8]) -> Option<Self> {
        let entry: Entry = serde_json::from_slice(line).ok()?;
        let bytes = |text: Option<Text>| text.map(Text::into_bytes).unwrap_or_default();
        let pid = bytes(entry.journal_pid.or(entry.pid));
        let micros = bytes(entry.micros);
        Some(Self {
            stamp: if micros.is_empty() {
                bytes(entry.time)
            } else {
                stamp_of_micros(&micros)
            },
            host: bytes(entry.host),
            program: bytes(entry.program),
            pid: prefix::digits(&pid),
            message: bytes(entry.message),
        })
    }

    /// The line, if a login server wrote it.
    pub(crate) fn line(&self) -> Option<Line<'_>> {
        let message = self.message.strip_suffix(b"\n").unwrap_or(&self.message);
        // Entries of one line only; what follows a line break is not the server's.
        let message = message
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        if self.program.is_empty() {
            // A container's output: the whole syslog line is the message.
            let mut line = prefix::cut(message, message.len())?;
            if line.stamp.is_empty() {
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
            None => (&self.program[..], self.pid),
        };
        writer::line_of(&self.stamp, &self.host, name, pid, message)
    }
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
        let digits = value
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if digits == 16 {
            return stamp::cut(&stamp_of_micros(&value[..digits])).map(|(stamp, _)| stamp);
        }
        return stamp::cut(value).map(|(stamp, _)| stamp);
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
            (r#"{"SYSLOG_IDENTIFIER":"#, "no entry"),
        ] {
            let shown = shown(line).replace("L\\xFF", "L\u{fffd}");
            assert_eq!(shown, expected, "{line}");
        }
    }
}
