//! Relaying: the stop without which smtpd dies, and the clients that send without a login.

use std::collections::HashSet;
use std::net::IpAddr;

use bstr::{BStr, BString, ByteSlice};

use crate::postfix::{Value, View, quoted_words};
use crate::version::Version;

use super::because;
use super::policy::Policy;
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
            // Whoever fills it in is taken to know about the stop; see `assumes_stop`.
            Err(fault) if fault.unknown => return None,
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

/// The parameter in which a relay stop is taken for granted, since some other program fills it in.
pub(super) fn assumed_stop(view: &View<'_>) -> Option<String> {
    let names = ["smtpd_relay_restrictions", "smtpd_recipient_restrictions"];
    let fault = names.iter().find_map(|name| view.value(name).err())?;
    fault.unknown.then_some(fault.name)
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

/// The restrictions that a message passes, in their order; each may spare clients that are logged in (postconf(5)).
const RESTRICTIONS: &[&str] = &[
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
    "smtpd_data_restrictions",
    "smtpd_end_of_data_restrictions",
];

/// These reject a sender address that belongs to an account when nobody is logged in (postconf(5), smtpd_sender_restrictions).
const OWNED_SENDERS: &[&str] = &[
    "reject_sender_login_mismatch",
    "reject_known_sender_login_mismatch",
    "reject_unauthenticated_sender_login_mismatch",
];

/// Whether mail that this client sends under a login is surely accepted from it without login and without TLS as well:
/// it is in mynetworks, and nothing behind a `permit_sasl_authenticated` can hit it.
pub fn sends_without_login(view: &View<'_>, address: IpAddr) -> bool {
    let classes = view.value("smtpd_restriction_classes");
    let Ok(classes) = classes else {
        return false;
    };
    is_in_mynetworks(view, address) == Some(true)
        && Policy::of(view).is_ok_and(|policy| !policy.enforces)
        && RESTRICTIONS
            .iter()
            .filter(|&&name| {
                name != "smtpd_relay_restrictions" || view.version() >= Version::new(2, 10)
            })
            .all(|name| {
                view.value(name)
                    .is_ok_and(|list| needs_no_login(&list.text, &classes))
            })
}

/// Whether a list treats a client in mynetworks as it treats one that is logged in, as far as the list itself tells:
/// what stands before `permit_sasl_authenticated` hits both alike.
fn needs_no_login(list: &[u8], classes: &Value) -> bool {
    let mut spared = false;
    for word in quoted_words(list) {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("permit_mynetworks") || is("permit") {
            return true;
        }
        if is("permit_sasl_authenticated") {
            spared = true;
        } else if spared
            || OWNED_SENDERS.iter().any(|name| is(name))
            || classes.words().any(|class| class == word)
        {
            return false;
        }
    }
    true
}

/// Whether `address` lies in mynetworks.
/// None where mynetworks names a table, or is left to the interfaces of the machine.
pub(super) fn is_in_mynetworks(view: &View<'_>, address: IpAddr) -> Option<bool> {
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
