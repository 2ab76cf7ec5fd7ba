//! An acceptance: an account or a network that may break, because its owner has been told. `[[accept]]` of plainsight.toml.

use std::net::IpAddr;

use bstr::{BStr, BString};
use ipnet::IpNet;
use jiff::civil::Date;
use toml_edit::TableLike;

use crate::toml::Reader;

use super::network::{self, Network};

/// Who may break, and why that is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The account, as the log names it; none where it does not matter.
    pub account: Option<BString>,
    /// Where the client is; none where it does not matter. One of the two is always given.
    pub networks: Option<Vec<IpNet>>,
    /// Why.
    pub reason: String,
    /// Who looks after it.
    pub owner: Option<String>,
    /// The last day on which it holds; for ever without one.
    pub until: Option<Date>,
    /// The line in plainsight.toml; 0 where it was said elsewhere.
    pub line: usize,
}

impl Acceptance {
    /// Reads what a command line can say: a network or address, the name of a known network, else an account.
    pub fn from_word(word: &str, known: &[Network], reason: &str) -> Self {
        let networks = known
            .iter()
            .find(|network| network.name == word)
            .map(|network| network.ranges.clone())
            .or_else(|| network::range(word).ok().map(|range| vec![range]));
        Self {
            account: networks.is_none().then(|| word.into()),
            networks,
            reason: reason.to_owned(),
            owner: None,
            until: None,
            line: 0,
        }
    }

    /// Whether it speaks of this account at this address; what is not known is not spoken of.
    pub fn covers(&self, account: Option<&BStr>, client: Option<IpAddr>) -> bool {
        let account_fits = match &self.account {
            Some(wanted) => account.is_some_and(|account| account == wanted),
            None => true,
        };
        let network_fits = match &self.networks {
            Some(ranges) => client.is_some_and(|client| network::contains(ranges, client)),
            None => true,
        };
        account_fits && network_fits
    }

    /// Whether its last day has passed.
    pub fn is_expired(&self, today: Date) -> bool {
        self.until.is_some_and(|until| until < today)
    }
}

/// Reads every `[[accept]]`.
pub(super) fn acceptances(
    reader: &mut Reader<'_>,
    top: &dyn TableLike,
    known: &[Network],
) -> Vec<Acceptance> {
    let mut acceptances = Vec::new();
    for (table, header) in reader.placed_tables(top, "accept") {
        reader.only(
            table,
            "[[accept]]",
            &["account", "network", "reason", "owner", "until"],
        );
        let line = reader.line(header);
        let account = reader.optional(table, "account").map(BString::from);
        let networks = table
            .contains_key("network")
            .then(|| named_ranges(reader, table, known));
        if !table.contains_key("account") && networks.is_none() {
            reader.complain(
                crate::toml::place(table),
                "[[accept]] needs an \"account\" or a \"network\"".to_owned(),
            );
        }
        acceptances.push(Acceptance {
            account,
            networks,
            reason: reader.string(table, "reason").unwrap_or_default(),
            owner: reader.optional(table, "owner"),
            until: reader.date(table, "until"),
            line,
        });
    }
    acceptances
}

/// The ranges behind `network`: each text is one, or the name of a network under `[networks]`.
fn named_ranges(reader: &mut Reader<'_>, table: &dyn TableLike, known: &[Network]) -> Vec<IpNet> {
    let mut ranges = Vec::new();
    let texts = reader.texts(table, "network");
    reader.not_empty(table, "network");
    for (text, span) in texts {
        match known.iter().find(|network| network.name == text) {
            Some(network) => ranges.extend(&network.ranges),
            None => match network::range(&text) {
                Ok(range) => ranges.push(range),
                Err(why) => {
                    reader.complain(span, format!("{why}, nor a name under [networks]"));
                }
            },
        }
    }
    ranges
}
