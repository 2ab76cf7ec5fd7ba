//! A table that smtpd looks client addresses up in, as far as its text can be read here.
//!
//! Of databases only the source that postmap was run on is read; a database that was not made anew since may differ.

use std::net::IpAddr;
use std::path::Path;

use bstr::{BStr, BString, ByteSlice};
use ipnet::IpNet;

use crate::postfix::{quoted_words, table_lines};

use super::Instance;

/// What a list of tables says of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hit {
    /// The first table that names it gives this.
    Found(BString),
    /// None of them names it.
    Absent,
    /// That cannot be told; the text says why.
    Unknown(String),
}

/// One table: its entries in the order in which they are tried.
#[derive(Debug)]
pub(super) struct Table {
    entries: Vec<Entry>,
}

/// Which clients an entry is for, and what they get.
#[derive(Debug)]
struct Entry {
    clients: Clients,
    result: BString,
}

#[derive(Debug)]
enum Clients {
    All,
    /// One address, by its text.
    Address(BString),
    /// All conditions have to hold: the network of the entry, and of each `if` around it.
    Networks(Vec<(IpNet, bool)>),
}

impl Clients {
    /// Whether a client belongs to them. One from outside that nobody named belongs to no network but to the whole world.
    fn include(&self, client: Option<IpAddr>) -> bool {
        match (self, client) {
            (Self::All, _) => true,
            (Self::Address(address), Some(client)) => {
                address.eq_ignore_ascii_case(client.to_string().as_bytes())
            }
            (Self::Address(_), None) => false,
            (Self::Networks(networks), Some(client)) => networks.iter().all(|(network, inside)| {
                // A rule says nothing of addresses of the other family, negated or not (live).
                client.is_ipv4() == network.addr().is_ipv4() && network.contains(&client) == *inside
            }),
            (Self::Networks(networks), None) => networks
                .iter()
                .all(|(network, inside)| (network.prefix_len() == 0) == *inside),
        }
    }

    /// How to name them, where they are some and not all.
    fn name(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Address(address) => Some(address.to_string()),
            Self::Networks(networks) => {
                let names = networks.iter().map(|(network, inside)| {
                    format!("{}{network}", if *inside { "" } else { "!" })
                });
                Some(names.collect::<Vec<_>>().join(" in "))
            }
        }
    }
}

/// The tables of a list such as `cidr:/etc/postfix/clients, inline:{192.0.2.1=auth}`; for each that cannot be read, why.
pub(super) fn tables(instance: &Instance<'_>, list: &[u8]) -> Vec<Result<Table, String>> {
    quoted_words(list)
        .map(|name| table(instance, name).ok_or_else(|| format!("{name} cannot be read here")))
        .collect()
}

/// What the tables say of a client (global/maps.c:maps_find: the first table that names it decides).
pub(super) fn look_up(tables: &[Result<Table, String>], client: Option<IpAddr>) -> Hit {
    for table in tables {
        match table {
            Err(why) => return Hit::Unknown(why.clone()),
            Ok(table) => {
                let entry = table
                    .entries
                    .iter()
                    .find(|entry| entry.clients.include(client));
                if let Some(entry) = entry {
                    return Hit::Found(entry.result.clone());
                }
            }
        }
    }
    Hit::Absent
}

/// Each group of clients that the tables name, and what it gets.
pub(super) fn groups(tables: &[Result<Table, String>]) -> impl Iterator<Item = (String, &BStr)> {
    tables
        .iter()
        .flatten()
        .flat_map(|table| &table.entries)
        .filter_map(|entry| Some((entry.clients.name()?, entry.result.as_bstr())))
}

/// Reads one `type:name`.
fn table(instance: &Instance<'_>, name: &BStr) -> Option<Table> {
    let (kind, name) = name.split_once_str(":")?;
    let read = || {
        let path = Path::new(name.to_path().ok()?);
        let directory = &instance.config.directory;
        instance.sources.tree().read(&directory.join(path)).ok()
    };
    let entries = match kind {
        b"static" => vec![Entry {
            clients: Clients::All,
            result: unbraced(name).into(),
        }],
        b"inline" => inline(name),
        b"cidr" if name.starts_with(b"{") => {
            let lines = quoted_words(unbraced(name)).map(|rule| unbraced(rule).to_vec());
            by_network(&lines.collect::<Vec<_>>())
        }
        b"cidr" => by_network(&table_lines(&read()?)),
        b"hash" | b"texthash" | b"btree" | b"lmdb" | b"cdb" | b"dbm" | b"sdbm" => {
            by_key(&table_lines(&read()?))
        }
        _ => return None,
    };
    Some(Table { entries })
}

/// `inline:{ key=value, { key = value with blanks } }` (inline_table in DATABASE_README, 3.0).
fn inline(text: &[u8]) -> Vec<Entry> {
    quoted_words(unbraced(text))
        .filter_map(|pair| {
            let (key, value) = unbraced(pair).split_once_str("=")?;
            Some(Entry {
                clients: Clients::Address(key.trim_ascii().into()),
                result: value.trim_ascii().into(),
            })
        })
        .collect()
}

/// `[!]NETWORK RESULT`, `if [!]NETWORK` and `endif` (cidr_table(5)); the first rule that holds the client decides.
fn by_network(lines: &[Vec<u8>]) -> Vec<Entry> {
    let mut around: Vec<(IpNet, bool)> = Vec::new();
    let mut entries = Vec::new();
    for line in lines {
        let (key, result) = key_and_result(line);
        match key.to_ascii_lowercase().as_slice() {
            b"if" => around.extend(condition(result)),
            b"endif" => {
                around.pop();
            }
            _ => {
                let Some(own) = condition(key).filter(|_| !result.is_empty()) else {
                    continue;
                };
                entries.push(Entry {
                    clients: Clients::Networks(around.iter().copied().chain([own]).collect()),
                    result: result.into(),
                });
            }
        }
    }
    entries
}

/// `192.0.2.0/24`, `!192.0.2.1`, `[2001:db8::]/32`; a network with bits beyond its mask is skipped with a warning.
fn condition(text: &[u8]) -> Option<(IpNet, bool)> {
    let bare = text.trim_start_with(|c| c == '!');
    let inside = (text.len() - bare.len()).is_multiple_of(2);
    let network = network(bare.as_bstr())?;
    (network.trunc() == network).then_some((network, inside))
}

/// A network or an address, which may stand in brackets (util/cidr_match.c).
pub(super) fn network(text: &BStr) -> Option<IpNet> {
    let text = text.to_str().ok()?.replace(['[', ']'], "");
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// `ADDRESS RESULT` (postmap(1)); smtpd asks for the whole address only.
fn by_key(lines: &[Vec<u8>]) -> Vec<Entry> {
    lines
        .iter()
        .map(|line| key_and_result(line))
        .filter(|(_, result)| !result.is_empty())
        .map(|(key, result)| Entry {
            clients: Clients::Address(key.into()),
            result: result.into(),
        })
        .collect()
}

fn key_and_result(line: &[u8]) -> (&[u8], &[u8]) {
    let end = line.find_byteset(b" \t\r").unwrap_or(line.len());
    (&line[..end], line[end..].trim_ascii())
}

/// The text inside of braces, or all of it.
fn unbraced(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"{")
        .and_then(|rest| rest.strip_suffix(b"}"))
        .unwrap_or(text)
        .trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(entries: Vec<Entry>, client: Option<&str>) -> Hit {
        let client = client.map(|address| address.parse().expect("an address"));
        look_up(&[Ok(Table { entries })], client)
    }

    /// Live 3.7.11 and 3.10.13 with smtpd_discard_ehlo_keyword_address_maps.
    #[test]
    fn the_first_rule_that_holds_the_client_decides() {
        let text = b"# office\nif 192.0.2.0/24\n192.0.2.2 auth\nendif\n!198.51.100.0/24 starttls\n0.0.0.0/0\tdsn\n";
        let rules = || by_network(&table_lines(text));
        for (client, result) in [
            (Some("192.0.2.2"), "auth"),
            (Some("192.0.2.3"), "starttls"),
            (Some("198.51.100.7"), "dsn"),
            (None, "starttls"),
        ] {
            assert_eq!(
                found(rules(), client),
                Hit::Found(result.into()),
                "{client:?}"
            );
        }
        let inside = inline(b"{198.51.100.7=auth, { 192.0.2.1 = starttls, auth }}");
        assert_eq!(
            found(inside, Some("192.0.2.1")),
            Hit::Found("starttls, auth".into())
        );
        assert_eq!(
            found(by_key(&table_lines(b"192.0.2 auth\n")), Some("192.0.2.1")),
            Hit::Absent
        );
    }
}
