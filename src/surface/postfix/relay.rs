//! Relaying: the stop without which smtpd dies, and the networks that send without a login.

use std::collections::HashSet;
use std::net::IpAddr;

use bstr::{BStr, BString, ByteSlice};

use crate::postfix::{Value, View, quoted_words};
use crate::version::Version;

use super::because;
use super::start::Down;
use super::table::network;

/// One of these has to work in the relay or recipient restrictions (smtpd/smtpd_check.c:smtpd_check_init, rcpt_required).
const STOPS: &[&str] = &[
    "reject_unauth_destination",
    "defer_unauth_destination",
    "reject",
    "defer",
    "defer_if_permit",
    "check_relay_domains",
];

/// Without a working relay stop smtpd is fatal on every connection (smtpd_check.c:fail_required; live 3.7.11).
pub(super) fn missing_stop(view: &View<'_>) -> Option<Down> {
    let relay = Version::new(2, 10) <= view.version();
    let names: &[&str] = if relay {
        &["smtpd_relay_restrictions", "smtpd_recipient_restrictions"]
    } else {
        &["smtpd_recipient_restrictions"]
    };
    let classes = match view.value("smtpd_restriction_classes") {
        Ok(classes) => classes,
        Err(fault) => return Some(Down::from(fault)),
    };
    if let Some(down) = undefined_class(view, &classes) {
        return Some(down);
    }
    let mut reason = None;
    for name in names {
        let value = match view.value(name) {
            Ok(value) => value,
            Err(fault) => return Some(Down::from(fault)),
        };
        let mut search = Search {
            view,
            classes: classes.words().collect(),
            seen: HashSet::new(),
        };
        if search.has_stop(&value.text) {
            return None;
        }
        reason.get_or_insert(because(name, &value));
    }
    Some(Down {
        message: format!(
            "in parameter {}, specify at least one working instance of: reject_unauth_destination, \
             defer_unauth_destination, reject, defer or defer_if_permit",
            names.join(" or ")
        ),
        because: reason,
        unknown: false,
    })
}

/// smtpd_check.c:smtpd_check_init: "restriction class needs a definition".
fn undefined_class(view: &View<'_>, classes: &Value) -> Option<Down> {
    classes.words().find_map(|class| {
        let value = view.value(&class.to_str_lossy()).ok()?;
        value.text.is_empty().then(|| Down {
            message: format!("restriction class `{class}' needs a definition"),
            because: Some(because("smtpd_restriction_classes", classes)),
            unknown: false,
        })
    })
}

/// The search for a stop through restriction classes, of which each is looked through once.
struct Search<'v> {
    view: &'v View<'v>,
    classes: HashSet<&'v BStr>,
    seen: HashSet<BString>,
}

impl Search<'_> {
    /// smtpd_check.c:has_required: `permit` ends the search, what follows `warn_if_reject` does not count, classes do.
    fn has_stop(&mut self, list: &[u8]) -> bool {
        let mut restrictions = quoted_words(list);
        while let Some(word) = restrictions.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("warn_if_reject") {
                restrictions.next();
            } else if is("permit") {
                return false;
            } else if STOPS.iter().any(|stop| is(stop)) {
                return !is("defer_unauth_destination")
                    || self.view.version() >= Version::new(2, 10);
            } else if self.classes.contains(word) && self.seen.insert(word.into()) {
                let class = self.view.value(&word.to_str_lossy());
                if class.is_ok_and(|value| self.has_stop(&value.text)) {
                    return true;
                }
            }
        }
        false
    }
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
