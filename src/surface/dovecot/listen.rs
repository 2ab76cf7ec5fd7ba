//! Listeners that cannot all be opened, so that nothing runs.

use std::collections::{HashMap, HashSet};

use bstr::BString;

use crate::dovecot::{Config, Listener, Lookup};

use super::fails;
use super::policy::Answer;

/// Why they cannot be opened, if so.
pub(super) fn refusal(config: &Config, listeners: &[Listener]) -> Option<Answer> {
    duplicate(listeners)
        .or_else(|| unusable_address(config, listeners))
        .or_else(|| occupied(config, listeners))
}

/// Two listeners on one address and port (master_settings_verify).
fn duplicate(listeners: &[Listener]) -> Option<Answer> {
    let mut seen: HashSet<(&BString, &BString)> = HashSet::new();
    for listener in listeners
        .iter()
        .filter(|listener| listener.port.text != "0" && listener.port.unknown.is_none())
    {
        let place = (&listener.port.text, &listener.address.text);
        if !seen.insert(place) {
            return Some(fails(
                format!(
                    "duplicate listener: {}:{}",
                    listener.address.text, listener.port.text
                ),
                &listener.port.setting,
                &listener.port.text,
                listener.port.origin,
            ));
        }
    }
    None
}

/// An address of digits and dots that is none cannot be resolved.
fn unusable_address(config: &Config, listeners: &[Listener]) -> Option<Answer> {
    let listen = config.effective("listen", &Lookup::default());
    let values = listeners
        .iter()
        .map(|listener| &listener.address)
        .chain([&listen]);
    values.into_iter().find_map(|value| {
        let address = super::addresses_of(&value.text)
            .into_iter()
            .find(|address| {
                let parts: Vec<Option<u32>> = address
                    .shown
                    .split('.')
                    .map(|part| part.parse().ok())
                    .collect();
                let numbers = address
                    .shown
                    .bytes()
                    .all(|c| c.is_ascii_digit() || c == b'.');
                numbers
                    && (parts.len() > 4
                        || parts.len() == 4
                            && parts.iter().any(|part| part.is_none_or(|part| part > 255)))
            })?;
        let message = format!("Can't resolve address {}", address.shown);
        Some(fails(message, &value.setting, &value.text, value.origin))
    })
}

/// Two listeners that want one port of one address: the second finds it in use.
fn occupied(config: &Config, listeners: &[Listener]) -> Option<Answer> {
    let listen = config.effective("listen", &Lookup::default());
    let mut open: HashMap<&BString, Vec<super::Address>> = HashMap::new();
    for listener in listeners
        .iter()
        .filter(|listener| listener.port.text != "0" && listener.port.unknown.is_none())
    {
        let own = &listener.address.text;
        for address in super::addresses_of(if own.is_empty() { &listen.text } else { own }) {
            let open = open.entry(&listener.port.text).or_default();
            if open.iter().any(|taken| taken.overlaps(&address)) {
                let message = format!(
                    "listen({}, {}) failed: Address already in use",
                    address.shown, listener.port.text
                );
                return Some(fails(
                    message,
                    &listener.port.setting,
                    &listener.port.text,
                    listener.port.origin,
                ));
            }
            open.push(address);
        }
    }
    None
}
