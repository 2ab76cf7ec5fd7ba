//! Relaying: the stop without which smtpd dies, and the networks that send without a login.

use std::net::IpAddr;

use bstr::{BStr, ByteSlice};
use ipnet::IpNet;

use crate::postfix::{View, words};
use crate::surface::Because;
use crate::version::Version;

use super::start::Down;

/// One of these has to work in the relay or recipient restrictions (smtpd/smtpd_check.c:smtpd_check_init, rcpt_required).
const STOPS: &[&str] = &[
    "reject_unauth_destination",
    "defer_unauth_destination",
    "reject",
    "defer",
    "defer_if_permit",
    "check_relay_domains",
];

/// Restriction classes may name each other; smtpd follows them without end, we do not.
const DEEPEST: usize = 8;

/// Without a working relay stop smtpd is fatal on every connection (smtpd_check.c:fail_required; live 3.7.11).
pub(super) fn missing_stop(view: &View<'_>) -> Option<Down> {
    let relay = Version::new(2, 10) <= view.version();
    let names: &[&str] = if relay {
        &["smtpd_relay_restrictions", "smtpd_recipient_restrictions"]
    } else {
        &["smtpd_recipient_restrictions"]
    };
    let mut because = None;
    for name in names {
        let value = view.value(name).ok()?;
        if has_stop(view, &value.text, 0) {
            return None;
        }
        because.get_or_insert(Because {
            setting: (*name).to_owned(),
            value: value.text,
            origin: value.origin,
        });
    }
    Some(Down {
        message: format!(
            "in parameter {}, specify at least one working instance of: reject_unauth_destination, \
             defer_unauth_destination, reject, defer or defer_if_permit",
            names.join(" or ")
        ),
        because,
    })
}

/// smtpd_check.c:has_required: `permit` ends the search, what follows `warn_if_reject` does not count, classes do.
fn has_stop(view: &View<'_>, list: &[u8], depth: usize) -> bool {
    let mut restrictions = words(list);
    while let Some(word) = restrictions.next() {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("warn_if_reject") {
            restrictions.next();
        } else if is("permit") {
            return false;
        } else if STOPS.iter().any(|stop| is(stop)) {
            return true;
        } else if depth < DEEPEST && is_class(view, word) {
            let class = view.value(&word.to_str_lossy());
            if class.is_ok_and(|value| has_stop(view, &value.text, depth + 1)) {
                return true;
            }
        }
    }
    false
}

fn is_class(view: &View<'_>, word: &BStr) -> bool {
    view.value("smtpd_restriction_classes")
        .is_ok_and(|classes| classes.words().any(|class| class == word))
}

/// Whether `address` lies in mynetworks, so that `permit_mynetworks` lets its mail through without a login.
/// None where mynetworks names a table, or is left to the interfaces of the machine.
pub fn is_in_mynetworks(view: &View<'_>, address: IpAddr) -> Option<bool> {
    if !view.is_set("mynetworks") {
        // mynetworks_style: the machine's own addresses or networks, which no file tells; loopback always belongs to them.
        return address.is_loopback().then_some(true);
    }
    let value = view.value("mynetworks").ok()?;
    let mut unknown = false;
    for word in value.words() {
        let (negated, word) = match word.strip_prefix(b"!") {
            Some(rest) => (true, rest.as_bstr()),
            None => (false, word),
        };
        match network(word) {
            Some(network) if network.contains(&address) => return Some(!negated),
            Some(_) => {}
            None => unknown = true,
        }
    }
    (!unknown).then_some(false)
}

/// `192.0.2.0/24`, `192.0.2.1`, `[2001:db8::]/32`, `[::1]` (util/match_ops.c:match_hostaddr).
fn network(word: &BStr) -> Option<IpNet> {
    let text = word.to_str().ok()?.replace(['[', ']'], "");
    text.parse::<IpNet>()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
