//! EHLO keywords that are withheld: the commands behind AUTH and STARTTLS are refused as well.
//!
//! `smtpd_discard_ehlo_keywords`, and for the clients that `smtpd_discard_ehlo_keyword_address_maps` names what it says
//! instead (smtpd/smtpd.c:smtpd_proto, global/ehlo_mask.c: any case, unknown words are passed over; live, four releases).

use std::net::IpAddr;

use bstr::ByteSlice;

use crate::postfix::{Fault, Value, View, words};
use crate::surface::Because;

use super::table::{self, Hit, Table};
use super::{Instance, because};

/// What is withheld from whom.
pub(super) struct Keywords {
    general: Value,
    maps: Value,
    tables: Vec<Result<Table, String>>,
}

/// What is withheld from one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Withheld {
    pub(super) auth: bool,
    pub(super) starttls: bool,
}

impl Withheld {
    fn by(keywords: &[u8]) -> Self {
        let has = |keyword: &[u8]| words(keywords).any(|word| word.eq_ignore_ascii_case(keyword));
        Self {
            auth: has(b"AUTH"),
            starttls: has(b"STARTTLS"),
        }
    }
}

impl Keywords {
    pub(super) fn of(instance: &Instance<'_>, view: &View<'_>) -> Result<Self, Fault> {
        let maps = view.value("smtpd_discard_ehlo_keyword_address_maps")?;
        Ok(Self {
            general: view.value("smtpd_discard_ehlo_keywords")?,
            tables: table::tables(instance, &maps.text),
            maps,
        })
    }

    /// What is withheld from a client, and why that cannot be told where it cannot.
    pub(super) fn from(&self, client: Option<IpAddr>) -> (Withheld, Option<String>) {
        match table::look_up(&self.tables, client) {
            Hit::Found(keywords) => (Withheld::by(&keywords), None),
            Hit::Absent => (Withheld::by(&self.general.text), None),
            Hit::Unknown(why) => (
                Withheld::by(&self.general.text),
                Some(format!(
                    "smtpd_discard_ehlo_keyword_address_maps decides who is offered AUTH and STARTTLS, and {why}"
                )),
            ),
        }
    }

    /// Each group of clients that the tables name, and what is withheld from it.
    pub(super) fn groups(&self) -> impl Iterator<Item = (String, Withheld)> {
        table::groups(&self.tables)
            .map(|(network, keywords)| (network, Withheld::by(keywords.as_bytes())))
    }

    /// The setting that withholds: the general one, unless only the tables say so.
    pub(super) fn because(&self) -> Because {
        let general = Withheld::by(&self.general.text);
        if general.auth || general.starttls || self.maps.text.is_empty() {
            because("smtpd_discard_ehlo_keywords", &self.general)
        } else {
            self.maps_because()
        }
    }

    pub(super) fn maps_because(&self) -> Because {
        because("smtpd_discard_ehlo_keyword_address_maps", &self.maps)
    }
}
