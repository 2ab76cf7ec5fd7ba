//! A network with a name: `[networks]` of plainsight.toml.

use std::net::IpAddr;
use std::ops::Range;

use ipnet::IpNet;
use toml_edit::TableLike;

use crate::toml::Reader;

/// Addresses that belong together, under the name that their owner gave them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The name: `office`.
    pub name: String,
    /// What belongs to it.
    pub ranges: Vec<IpNet>,
}

impl Network {
    /// Whether an address belongs to it.
    pub fn contains(&self, address: IpAddr) -> bool {
        contains(&self.ranges, address)
    }
}

/// Reads a network `192.0.2.0/24`, or an address, which is a network of one.
///
/// # Errors
/// Says what was expected.
pub fn range(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let range = text.parse::<IpNet>().map(|range| range.trunc());
    range
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| format!("\"{text}\" is no address or network such as 192.0.2.0/24"))
}

/// Whether an address lies in one of the ranges. An IPv4 address that was logged as IPv6 (`::ffff:192.0.2.1`) is one.
pub(super) fn contains(ranges: &[IpNet], address: IpAddr) -> bool {
    let address = address.to_canonical();
    ranges.iter().any(|range| range.contains(&address))
}

/// Reads `[networks]`, in the order of its names in the file.
pub(super) fn networks(reader: &mut Reader<'_>, table: &dyn TableLike) -> Vec<Network> {
    let names: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    let mut networks = Vec::new();
    for name in names {
        let texts = reader.texts(table, &name);
        let ranges = ranges(reader, texts);
        networks.push(Network { name, ranges });
    }
    networks
}

/// Reads ranges that stand as texts in the file.
pub(super) fn ranges(
    reader: &mut Reader<'_>,
    texts: Vec<(String, Option<Range<usize>>)>,
) -> Vec<IpNet> {
    let mut ranges = Vec::new();
    for (text, span) in texts {
        match range(&text) {
            Ok(range) => ranges.push(range),
            Err(why) => reader.complain(span, why),
        }
    }
    ranges
}
