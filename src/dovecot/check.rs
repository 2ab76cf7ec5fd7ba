//! A check: what the daemon says against one setting by itself, where it stands.
//!
//! `read` beside this file asks for each assignment. Checks over several settings are in `surface::dovecot`.

use bstr::{BStr, BString, ByteSlice};

use crate::source::Span;
use crate::template;

use super::line::ValueKind;
use super::names::{self, Type};
use super::scope::Section;
use super::{Assignment, Family};

/// What 2.4 says if `dovecot_config_version` is not the first setting (config_parser_get_version, 2.4.1).
pub(super) const NO_HEADER: &str = "The first setting must be dovecot_config_version";

/// Settings of a service up to 2.3 (service_setting_defines in master-settings.c, 2.0.9 to 2.3.21).
const OF_SERVICE: &[&[u8]] = &[
    b"name",
    b"protocol",
    b"type",
    b"executable",
    b"user",
    b"group",
    b"privileged_group",
    b"extra_groups",
    b"chroot",
    b"drop_priv_before_exec",
    b"process_min_avail",
    b"process_limit",
    b"client_limit",
    b"service_count",
    b"idle_kill",
    b"vsz_limit",
];

/// Settings of a listener up to 2.3 (inet_listener_setting_defines in the same files).
const OF_LISTENER: &[&[u8]] = &[
    b"name",
    b"address",
    b"port",
    b"ssl",
    b"reuse_port",
    b"haproxy",
];

/// Settings of the auth module beside those that start with `auth_` (auth-settings.c, 2.3.19.1 and 2.4.1).
const OF_AUTH: &[&[u8]] = &[
    b"verbose_proctitle",
    b"first_valid_uid",
    b"last_valid_uid",
    b"first_valid_gid",
    b"last_valid_gid",
    b"base_dir",
];

/// What the daemon says against an assignment; `around` are the sections it is written in.
pub(super) fn complaint(
    entry: &Assignment,
    around: &[Section],
    family: Family,
) -> Option<(Span, String)> {
    let key = entry.key.as_slice();
    if let Some(why) = unknown(entry, around, family) {
        return Some((entry.key_span, why));
    }
    let by_address = around.iter().any(|section| match section {
        Section::Local(net) | Section::Remote(net) => net.bits() != Some(0),
        Section::LocalName(_) => true,
        Section::Protocol { .. }
        | Section::Service(_)
        | Section::Listener(_)
        | Section::SslServer
        | Section::Group { .. }
        | Section::Other { .. } => false,
    });
    if by_address && around.iter().all(Section::is_filter) && is_auth(key) {
        return Some((
            entry.key_span,
            format!(
                "Auth settings not supported inside local/remote blocks: {}",
                entry.key
            ),
        ));
    }
    if family == Family::V24
        && entry.kind == ValueKind::File
        && is_path(&entry.name)
        && entry.name.ends_with(b"_file")
    {
        // 2.4 takes what the file holds for the name of another (live, 2.4.1 and 2.4.5).
        return Some((
            entry.value_span,
            format!("{}: the file is named without \"<\" from 2.4 on", entry.key),
        ));
    }
    if entry.kind == ValueKind::Heredoc
        && let Some(why) = no_heredoc(entry, around, family)
    {
        return Some((entry.value_span, why));
    }
    if entry.unknown.is_some() {
        return None;
    }
    invalid(&entry.name, entry.item.is_some(), &entry.text, family)
        .map(|why| (entry.value_span, why))
}

/// Whether the value is one only after its `%{…}` is expanded, which no file here does. 2.4 obeys
/// or refuses what comes out once it runs (live, 2.4.1: `ssl = %{env:FOO}` with FOO=no is `no`).
/// 2.3 refuses it there, so that it can only be what Puppet expands before the daemon reads it, such as `%{hiera('ssl')}`.
pub(super) fn awaits_expansion(entry: &Assignment, family: Family) -> bool {
    entry.unknown.is_none()
        && template::variable(&entry.text).is_some()
        && invalid(&entry.name, entry.item.is_some(), &entry.text, family).is_some()
}

/// Settings of the auth module. `disable_plaintext_auth` belongs to the login processes, and so does its successor.
fn is_auth(key: &[u8]) -> bool {
    key.starts_with(b"auth_") && key != b"auth_allow_cleartext" || OF_AUTH.contains(&key)
}

fn unknown(entry: &Assignment, around: &[Section], family: Family) -> Option<String> {
    let key = entry.key.as_slice();
    let known = |key: &[u8]| names::is_known(key, family);
    let prefixed = |prefix: &str| known(&[prefix.as_bytes(), key].concat()) || known(key);
    let fine = match (family, around.last()) {
        _ if entry.item.is_some() || entry.translated => true,
        (Family::V23, Some(Section::Service(_))) => OF_SERVICE.contains(&key),
        (Family::V23, Some(Section::Listener(_))) => OF_LISTENER.contains(&key),
        // In a named section 2.4 tries the name with the section's in front of it first (config_apply_line_full).
        (Family::V24, Some(Section::Service(_))) => prefixed("service_"),
        (Family::V24, Some(Section::Listener(_))) => prefixed("inet_listener_"),
        (Family::V24, Some(Section::SslServer)) => prefixed("ssl_server_"),
        // The passdb section of Dovecot 1.x has settings of its own in it, and so have many others.
        (_, Some(Section::Other { .. } | Section::Group { .. })) => true,
        (_, Some(_) | None) => known(key),
    };
    (!fine).then(|| {
        let mut path = String::new();
        for section in around.iter().filter(|section| !section.is_filter()) {
            let section = section.to_string();
            path.push_str(section.split(' ').next().unwrap_or_default());
            path.push_str(" { ");
        }
        format!("Unknown setting: {path}{}", entry.key)
    })
}

/// Only a text or a file may be a heredoc (config_apply_exact_line, 2.4.5).
fn no_heredoc(entry: &Assignment, around: &[Section], family: Family) -> Option<String> {
    let key = entry.key.as_slice();
    let section = match around.last() {
        Some(Section::Service(_)) => "service",
        Some(Section::Listener(_)) => "inet_listener",
        Some(Section::SslServer) => "ssl_server",
        Some(Section::Other { key, .. }) => key.to_str().unwrap_or_default(),
        Some(
            Section::Protocol { .. }
            | Section::Local(_)
            | Section::Remote(_)
            | Section::LocalName(_)
            | Section::Group { .. },
        )
        | None => "",
    };
    let full = [section.as_bytes(), b"_", key].concat();
    let (name, kind) = match (&entry.item, names::type_of(&full, family)) {
        (Some(_), _) => (
            [entry.name.as_slice(), b"/", key].concat(),
            Some(Type::List),
        ),
        (None, Some(kind)) => (full, Some(kind)),
        (None, None) => (key.to_vec(), names::type_of(key, family)),
    };
    let name = BStr::new(&name);
    match kind? {
        Type::Text => None,
        Type::List => Some(format!(
            "Heredoc syntax is not supported for list settings: {name}"
        )),
        Type::Other => Some(format!(
            "Heredoc syntax is not supported for this setting: {name}"
        )),
    }
}

/// What is wrong with a value of a setting, if the daemon refuses it.
fn invalid(name: &BString, item: bool, text: &BString, family: Family) -> Option<String> {
    if item {
        return names::boolean(text).is_none().then(|| bad_boolean(text));
    }
    match name.as_slice() {
        b"ssl" => (!matches!(text.as_slice(), b"yes" | b"no" | b"required"))
            .then(|| format!("Invalid value: {text}")),
        b"inet_listener_port" => {
            let digits = std::str::from_utf8(text)
                .ok()
                .filter(|text| text.bytes().all(|c| c.is_ascii_digit()));
            let port = digits.and_then(|text| text.parse::<u16>().ok());
            port.is_none()
                .then(|| format!("Invalid port number {text}"))
        }
        b"listen" if text.is_empty() => Some("listen can't be set empty".into()),
        _ if names::is_boolean(name) => names::boolean(text).is_none().then(|| bad_boolean(text)),
        _ if names::is_list(name, family) => None,
        _ => None,
    }
}

fn bad_boolean(text: &BString) -> String {
    format!("Invalid boolean value: {text} (use yes or no)")
}

/// Whether the value of a setting names a file with a certificate or key, so that the path matters and not what it
/// holds, which may be secret.
pub(super) fn is_path(name: &BString) -> bool {
    let named = |part: &[u8]| name.ends_with(part);
    name.starts_with(b"ssl_")
        && (named(b"_file") || named(b"_cert") || named(b"_key") || named(b"_ca"))
        || named(b"_password")
}

/// Whether a value read from a file can matter to a login.
pub(super) fn is_known(name: &BString, family: Family) -> bool {
    names::built_in(&name.to_string(), family).is_some()
}

/// The text that a variable gives for a value: yes or no for a boolean, whatever was written.
pub(super) fn exported(text: &BString, name: &BString) -> Vec<u8> {
    match names::boolean(text) {
        Some(true) if names::is_boolean(name) => b"yes".to_vec(),
        Some(false) if names::is_boolean(name) => b"no".to_vec(),
        Some(_) | None => text.to_vec(),
    }
}

/// What the daemon says to a section it does not know; none where it knows it, or where we do not know that.
pub(super) fn unknown_section(key: &[u8], around: &[Section], family: Family) -> Option<String> {
    let inside = around.iter().any(|section| match section {
        Section::Other { .. } | Section::Service(_) | Section::Listener(_) => true,
        Section::Protocol { .. }
        | Section::Local(_)
        | Section::Remote(_)
        | Section::LocalName(_)
        | Section::SslServer
        | Section::Group { .. } => false,
    });
    let known = match family {
        Family::V23 => matches!(
            key,
            b"namespace"
                | b"passdb"
                | b"userdb"
                | b"plugin"
                | b"dict"
                | b"metric"
                | b"event_exporter"
        ),
        Family::V24 => {
            let label = match around.last() {
                Some(Section::SslServer) => "ssl_server_",
                Some(_) | None => "",
            };
            let grouped = matches!(around.first(), Some(Section::Group { .. }));
            grouped
                || names::is_known(&[label.as_bytes(), key].concat(), family)
                || names::is_known(key, family)
        }
    };
    (!inside && !known).then(|| format!("Unknown setting: {}", BStr::new(key)))
}
