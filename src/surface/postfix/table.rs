//! A table that smtpd looks clients up in, as far as its text can be read here.

use std::net::IpAddr;
use std::path::Path;

use bstr::{BString, ByteSlice};
use ipnet::IpNet;

use crate::postfix::words;

use super::Instance;

/// Looks the client in question up in a list of tables: `Some(None)` where none of them names it,
/// none where that cannot be told. A client from outside that nobody named is in no table but one for everybody.
pub(super) fn look_up(instance: &Instance<'_>, tables: &[u8]) -> Option<Option<BString>> {
    let client = instance.question.client.map(|client| client.from);
    for table in words(tables) {
        let (kind, name) = table.split_once_str(":")?;
        let text = instance
            .sources
            .tree()
            .read(Path::new(name.to_path().ok()?))
            .ok()?;
        let hit = match kind {
            b"cidr" => by_network(&text, client),
            b"hash" | b"texthash" | b"btree" | b"lmdb" | b"cdb" | b"dbm" => by_key(&text, client),
            _ => return None,
        };
        if hit.is_some() {
            return Some(hit);
        }
    }
    Some(None)
}

/// `NETWORK RESULT` lines, the first that holds the client decides (cidr_table(5)).
fn by_network(text: &[u8], client: Option<IpAddr>) -> Option<BString> {
    entries(text).find_map(|(key, result)| {
        let text = key.to_str().ok()?;
        let network: IpNet = text
            .parse()
            .ok()
            .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))?;
        let holds = match client {
            Some(client) => network.contains(&client),
            None => network.prefix_len() == 0,
        };
        holds.then(|| result.into())
    })
}

/// `ADDRESS RESULT` lines (postmap(1) source); a hit is the whole address.
fn by_key(text: &[u8], client: Option<IpAddr>) -> Option<BString> {
    let client = client?.to_string();
    entries(text)
        .find(|(key, _)| key.eq_ignore_ascii_case(client.as_bytes()))
        .map(|(_, result)| result.into())
}

/// Key and result of each line that is neither blank nor a comment.
fn entries(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.lines()
        .map(|line| line.trim_ascii())
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .filter_map(|line| {
            let end = line.find_byteset(b" \t")?;
            Some((&line[..end], line[end..].trim_ascii_start()))
        })
}
