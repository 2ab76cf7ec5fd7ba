//! A row: one line of a saved segment, with the names that its JSON has.
//!
//! They are those of `scan`, where there is one for the same thing. docs/json.md describes them.

use bstr::BString;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::smtpd::Counters;
use super::tally::Shown;
use crate::evidence::Time;
use crate::protocol::Protocol;

/// What a saved segment says of itself.
pub(crate) const SCHEMA: &str = "plainsight/evidence/1";

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) schema: String,
    pub(crate) version: String,
    /// Nothing lies before it.
    pub(crate) sealed: bool,
    pub(crate) settings: Settings,
    #[serde(with = "time")]
    pub(crate) first: Option<Time>,
    #[serde(with = "time")]
    pub(crate) last: Option<Time>,
    pub(crate) days: Vec<i64>,
    /// Read, candidate, unparsed.
    pub(crate) lines: [u64; 3],
    pub(crate) warnings: Vec<String>,
}

/// How the lines were read: another scan must read the next ones alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) timezone: Option<String>,
    #[serde(with = "time")]
    pub(crate) since: Option<Time>,
    #[serde(with = "time")]
    pub(crate) until: Option<Time>,
}

/// A file that the segment was made of; its place among the files is its number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename = "file")]
pub(crate) struct File {
    pub(crate) name: Text,
    /// How many of its first bytes `digest` is of.
    pub(crate) head: usize,
    pub(crate) digest: String,
    pub(crate) packed: bool,
    /// How many bytes of it were read; of a packed file, all that it has.
    #[serde(deserialize_with = "count")]
    pub(crate) bytes: u64,
    #[serde(deserialize_with = "count")]
    pub(crate) lines: u64,
    /// It is read to its end, and nothing will be written to it any more.
    pub(crate) finished: bool,
    /// Of the journal: the entry that was read last.
    pub(crate) cursor: Option<String>,
    /// When its lines were written.
    #[serde(with = "time")]
    pub(crate) first: Option<Time>,
    #[serde(with = "time")]
    pub(crate) last: Option<Time>,
    /// Hashes of the lines of login servers, where another log may hold the same ones.
    pub(crate) hashes: Option<Vec<u64>>,
}

/// Every other line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "kebab-case")]
pub(crate) enum Row {
    Service(Service),
    Login(Tally),
    Refused(Tally),
    /// The end of a session that began before.
    Head(Head),
    /// A session that did not end.
    Session(Session),
}

impl Row {
    /// The greatest number of a file that it names.
    pub(crate) fn last_file(&self) -> usize {
        let of_session =
            |session: &Session| session.logins.iter().map(|login| login.seen.file).max();
        let file = match self {
            Self::Service(_) => None,
            Self::Login(row) | Self::Refused(row) => Some(row.file),
            Self::Head(head) => match &head.end {
                End::Disconnect { seen, .. } => Some(seen.file).max(of_session(&head.session)),
                End::Overtaken | End::Open => of_session(&head.session),
            },
            Self::Session(session) => of_session(session),
        };
        file.map_or(0, |file| file as usize)
    }
}

/// The logging habits of a service.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Service {
    pub(crate) host: Text,
    pub(crate) service: Text,
    #[serde(deserialize_with = "count")]
    pub(crate) tls_lines: u64,
    #[serde(default, with = "time")]
    pub(crate) tls_first: Option<Time>,
    #[serde(default, with = "time")]
    pub(crate) tls_last: Option<Time>,
    #[serde(deserialize_with = "count")]
    pub(crate) tls_not_logged: u64,
    #[serde(deserialize_with = "count")]
    pub(crate) starttls: u64,
    #[serde(deserialize_with = "count")]
    pub(crate) counted: u64,
    #[serde(deserialize_with = "count")]
    pub(crate) words: u64,
}

/// A row of the tally. Of a refusal, `method` is the reason.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) host: Text,
    pub(crate) service: Text,
    pub(crate) protocol: Protocol,
    pub(crate) account: Option<Text>,
    pub(crate) client: Text,
    pub(crate) client_name: Option<Text>,
    pub(crate) server_address: Option<Text>,
    pub(crate) method: Text,
    pub(crate) shown: Shown,
    pub(crate) tls_version: Option<Text>,
    #[serde(deserialize_with = "count")]
    pub(crate) times: u64,
    #[serde(with = "time")]
    pub(crate) first: Option<Time>,
    #[serde(with = "time")]
    pub(crate) last: Option<Time>,
    /// Logins per hour of the week, where there are any.
    pub(crate) hours: Vec<(u8, u32)>,
    /// Minutes of the hour.
    pub(crate) minutes: Vec<u8>,
    /// Days since 1970-01-01.
    pub(crate) days: Vec<i64>,
    pub(crate) file: u32,
    #[serde(deserialize_with = "count")]
    pub(crate) line: u64,
    pub(crate) ambiguous: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Head {
    #[serde(flatten)]
    pub(crate) session: Session,
    pub(crate) end: End,
}

/// As much of a session as the stretch shows.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) host: Text,
    pub(crate) service: Text,
    pub(crate) pid: u32,
    pub(crate) began: bool,
    /// The version in its TLS line, and the client.
    pub(crate) tls: Option<Text>,
    #[serde(default)]
    pub(crate) tls_client: Option<Text>,
    pub(crate) failed: u32,
    #[serde(default)]
    pub(crate) hung_up: bool,
    pub(crate) logins: Vec<Login>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Login {
    #[serde(flatten)]
    pub(crate) who: Who,
    pub(crate) method: Text,
    #[serde(flatten)]
    pub(crate) seen: Seen,
    pub(crate) under_tls: bool,
    #[serde(default)]
    pub(crate) of_another: bool,
    pub(crate) front_end: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Who {
    pub(crate) account: Option<Text>,
    pub(crate) client: Option<Text>,
    pub(crate) client_name: Option<Text>,
    pub(crate) ambiguous: bool,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Seen {
    #[serde(with = "time")]
    pub(crate) time: Option<Time>,
    pub(crate) file: u32,
    #[serde(deserialize_with = "count")]
    pub(crate) line: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub(crate) enum End {
    Disconnect {
        counters: Option<Counters>,
        who: Who,
        seen: Seen,
    },
    Overtaken,
    Open,
}

/// Bytes as a JSON string, or as the journal does it, as an array of byte values where they are no UTF-8.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text(pub(crate) BString);

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => to.serialize_str(text),
            Err(_) => to.collect_seq(self.0.iter()),
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Bytes(Vec<u8>),
        }
        Ok(Self(match Either::deserialize(from)? {
            Either::Text(text) => text.into(),
            Either::Bytes(bytes) => bytes.into(),
        }))
    }
}

/// More lines, bytes or logins than any log has, of which a million can be added up all the same.
pub(crate) const MOST: u64 = 1 << 44;

/// A count of what is in a log.
fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let count = u64::deserialize(from)?;
    if count >= MOST {
        return Err(serde::de::Error::custom(format!("{count} is too many")));
    }
    Ok(count)
}

/// A time as text.
mod time {
    use super::*;

    pub(super) fn serialize<S: Serializer>(time: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
        time.map(|time| time.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Time>, D::Error> {
        let text: Option<String> = Option::deserialize(from)?;
        text.map(|text| text.parse())
            .transpose()
            .map_err(serde::de::Error::custom)
    }
}
