//! A misspelt parameter: a name in main.cf or behind `-o` that no release knows, and that is nearly one of theirs.
//!
//! A name that is used as `$name`, as a restriction class, or as the prefix of a table's settings is meant as it is.

use std::collections::HashSet;

use crate::postfix::{Config, is_parameter, parameter_names, words};
use crate::spelling;
use crate::surface::Server;
use crate::surface::server::Surface;

use super::{Trap, TrapKind};

pub(super) fn find(surface: &Surface, traps: &mut Vec<Trap>) {
    let Some(config) = &surface.postfix else {
        return;
    };
    let mut used: Option<HashSet<Vec<u8>>> = None;
    let main = config.main.iter().flat_map(|main| main.parameters());
    let main = main.map(|one| (&one.name, one.name_span));
    let options = config.services().flat_map(|service| &service.overrides);
    let options = options.map(|one| (&one.name, one.name_span));
    for (name, span) in main.chain(options) {
        if is_parameter(name) {
            continue;
        }
        let shown = name.to_string();
        let used = used.get_or_insert_with(|| used_names(config));
        if used.contains(name.as_slice()) || is_prefixed(name, used) {
            continue;
        }
        if let Some(meant) = spelling::nearest(&shown, parameter_names()) {
            traps.push(Trap {
                span,
                kind: TrapKind::MisspeltParameter,
                server: Server::Postfix,
                detail: format!("{shown}, where {meant} may be meant"),
            });
        }
    }
}

/// Whether a name begins with that of a table, as in `ldapusers_server_host` beside `ldap:ldapusers` (ldap_table(5)).
fn is_prefixed(name: &[u8], used: &HashSet<Vec<u8>>) -> bool {
    name.iter()
        .enumerate()
        .any(|(at, &byte)| byte == b'_' && used.contains(&name[..at]))
}

/// Every name that some value refers to: `$name`, `${name…`, `$(name…`, a word behind a colon, and restriction classes.
fn used_names(config: &Config) -> HashSet<Vec<u8>> {
    let mut used = HashSet::new();
    let mut add = |value: &[u8]| {
        for (at, &byte) in value.iter().enumerate() {
            let start = match byte {
                b'$' if matches!(value.get(at + 1), Some(b'{' | b'(')) => at + 2,
                b'$' | b':' => at + 1,
                _ => continue,
            };
            let rest = value[start..].trim_ascii_start();
            let length = rest
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                .count();
            if length > 0 {
                used.insert(rest[..length].to_vec());
            }
        }
    };
    for parameter in config.main.iter().flat_map(|main| main.parameters()) {
        add(&parameter.value);
    }
    for argument in config.services().flat_map(|service| &service.arguments) {
        add(&argument.text);
    }
    let classes = config
        .main
        .as_ref()
        .and_then(|main| main.winner("smtpd_restriction_classes"));
    for class in classes.iter().flat_map(|classes| words(&classes.value)) {
        used.insert(class.to_vec());
    }
    used
}
