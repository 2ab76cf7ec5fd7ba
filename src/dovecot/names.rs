//! The names of settings: how the newest release calls what older ones call otherwise, and what is built in.
//!
//! The model knows every setting by its newest name, so that a rule need not ask for the release.

use std::borrow::Cow;
use std::sync::LazyLock;

use bstr::BString;

use super::Family;
use super::scope::Section;

/// Names up to 2.3 and the names that 2.4 gives the same things (doc "Upgrading Dovecot CE from 2.3 to 2.4").
/// `disable_plaintext_auth` turned into its opposite.
const RENAMED: &[(&str, &str)] = &[
    ("disable_plaintext_auth", "auth_allow_cleartext"),
    ("ssl_alt_cert", "ssl_server_alt_cert_file"),
    ("ssl_alt_key", "ssl_server_alt_key_file"),
    ("ssl_ca", "ssl_server_ca_file"),
    ("ssl_cert", "ssl_server_cert_file"),
    ("ssl_cert_username_field", "ssl_server_cert_username_field"),
    ("ssl_dh", "ssl_server_dh_file"),
    ("ssl_key", "ssl_server_key_file"),
    ("ssl_key_password", "ssl_server_key_password"),
    ("ssl_prefer_server_ciphers", "ssl_server_prefer_ciphers"),
    ("ssl_require_crl", "ssl_server_require_crl"),
    ("ssl_verify_client_cert", "ssl_server_request_client_cert"),
];

/// Settings of 2.4 whose first part a section of that name may stand for.
const IN_SSL_SERVER: &[&str] = &[
    "alt_cert_file",
    "alt_key_file",
    "ca_file",
    "cert_file",
    "cert_username_field",
    "dh_file",
    "key_file",
    "key_password",
    "prefer_ciphers",
    "request_client_cert",
    "require_crl",
];

/// Settings of a listener by their short names, with the newest full one.
const IN_LISTENER: &[(&str, &str)] = &[
    ("address", "inet_listener_listen"),
    ("haproxy", "inet_listener_haproxy"),
    ("listen", "inet_listener_listen"),
    ("port", "inet_listener_port"),
    ("reuse_port", "inet_listener_reuse_port"),
    ("ssl", "inet_listener_ssl"),
];

/// The newest name of a setting that is written as `key` inside of `around`.
pub(super) fn newest(key: &[u8], around: &[Section]) -> BString {
    let text = |name: &str| BString::from(name);
    let named = |table: &[(&str, &str)]| {
        let found = table.iter().find(|(old, _)| old.as_bytes() == key);
        found.map(|(_, new)| text(new))
    };
    match around.last() {
        Some(Section::Listener(_)) => named(IN_LISTENER).unwrap_or_else(|| key.into()),
        Some(Section::SslServer) if IN_SSL_SERVER.iter().any(|short| short.as_bytes() == key) => {
            let mut full = text("ssl_server_");
            full.extend_from_slice(key);
            full
        }
        Some(Section::Service(_)) if key == b"protocol" || key == b"type" => {
            let mut full = text("service_");
            full.extend_from_slice(key);
            full
        }
        Some(_) | None => named(RENAMED).unwrap_or_else(|| key.into()),
    }
}

/// The newest name of a setting that has another one by now.
pub fn renamed(old: &str) -> Option<&'static str> {
    let found = RENAMED.iter().find(|(known, _)| *known == old);
    found.map(|(_, newest)| *newest)
}

/// The name of a setting in the releases of a family, as their manual has it.
pub fn native(newest: &str, family: Family) -> Cow<'_, str> {
    match family {
        Family::V24 => Cow::Borrowed(newest),
        Family::V23 => {
            let old = RENAMED.iter().find(|(_, new)| *new == newest);
            Cow::Borrowed(match (old, newest) {
                (Some((old, _)), _) => old,
                (None, "inet_listener_listen") => "address",
                (None, _) => newest.strip_prefix("inet_listener_").unwrap_or(newest),
            })
        }
    }
}

/// Why it is not known what is built in for a setting.
pub(super) fn differs(setting: &str) -> String {
    match setting {
        // master-service-ssl-settings.c (2.3.0, 2.3.13, 2.3.19.1, 2.3.21).
        "ssl_min_protocol" => format!(
            "what is built in for {setting}: TLSv1 up to 2.3.13, TLSv1.2 from 2.3.19 on; set it, and every release agrees"
        ),
        _ => format!("what is built in for {setting}"),
    }
}

/// What is built in for a setting (by its newest name), and since when; in the terms of the family.
///
/// Sources: login-settings.c, master-settings.c, auth-settings.c, master-service-ssl-settings.c (2.0.9 to 2.3.21),
/// ssl-settings.c (2.4.1), read at these tags; `ssl` is `no` in a build without OpenSSL, which nobody packages.
pub(super) fn built_in(newest: &str, family: Family) -> Option<(&'static str, &'static str)> {
    Some(match (newest, family) {
        ("ssl", _) => ("yes", "2.0"),
        ("auth_allow_cleartext", Family::V23) => ("yes", "2.0"),
        ("auth_allow_cleartext", Family::V24) => ("no", "2.4"),
        ("auth_mechanisms", _) => ("plain", "2.0"),
        ("listen", Family::V23) => ("*, ::", "2.0"),
        ("listen", Family::V24) => ("* ::", "2.4"),
        ("protocols", Family::V23) => ("imap pop3 lmtp", "2.0"),
        ("protocols", Family::V24) => ("", "2.4"),
        ("login_log_format_elements", Family::V23) => (
            "user=<%u> method=%m rip=%r lip=%l mpid=%e %c session=<%{session}>",
            "2.2",
        ),
        ("login_log_format_elements", Family::V24) => (
            "user=<%{user}> method=%{mechanism} rip=%{remote_ip} lip=%{local_ip} mpid=%{mail_pid} %{secured} session=<%{session}>",
            "2.4",
        ),
        ("login_log_format", Family::V23) => ("%$: %s", "2.0"),
        ("login_log_format", Family::V24) => ("%{message}: %{elements}", "2.4"),
        // `doveconf -d` of 2.3.19.1 and 2.4.1.
        ("auth_username_format", Family::V23) => ("%Lu", "2.0"),
        ("auth_username_format", Family::V24) => ("%{user | lower}", "2.4"),
        ("log_path", _) => ("syslog", "2.0"),
        ("ssl_min_protocol", Family::V24) => ("TLSv1.2", "2.4"),
        ("default_internal_user", _) => ("dovecot", "2.0"),
        ("default_login_user", _) => ("dovenull", "2.0"),
        ("auth_ssl_require_client_cert", _)
        | ("ssl_server_request_client_cert", _)
        | ("inet_listener_ssl", _)
        | ("inet_listener_haproxy", _)
        | ("auth_ssl_username_from_cert", _)
        | ("auth_verbose", _)
        | ("auth_debug", _)
        | ("verbose_ssl", _) => ("no", "2.0"),
        ("inet_listener_port", _) => ("0", "2.0"),
        (
            "login_trusted_networks"
            | "haproxy_trusted_networks"
            | "ssl_server_cert_file"
            | "ssl_server_key_file"
            | "ssl_server_ca_file"
            | "ssl_server_key_password"
            | "ssl_server_alt_cert_file"
            | "ssl_server_alt_key_file"
            | "ssl_server_dh_file"
            | "inet_listener_listen"
            | "info_log_path"
            | "debug_log_path"
            | "login_plugins"
            | "login_access_sockets",
            _,
        ) => ("", "2.0"),
        (_, Family::V23 | Family::V24) => return None,
    })
}

/// Whether it is a list of names that are on or off (SET_BOOLLIST), in the family where it is.
pub(super) fn is_list(newest: &[u8], family: Family) -> bool {
    family == Family::V24
        && matches!(
            newest,
            b"auth_mechanisms"
                | b"protocols"
                | b"listen"
                | b"inet_listener_listen"
                | b"login_trusted_networks"
                | b"haproxy_trusted_networks"
                | b"login_plugins"
                | b"login_source_ips"
                | b"mail_plugins"
        )
}

/// Whether the value is yes or no, which up to 2.3 `$name` prints as such whatever was written.
pub(super) fn is_boolean(newest: &[u8]) -> bool {
    matches!(
        newest,
        b"auth_allow_cleartext"
            | b"auth_ssl_require_client_cert"
            | b"auth_ssl_username_from_cert"
            | b"ssl_server_request_client_cert"
            | b"ssl_server_require_crl"
            | b"inet_listener_ssl"
            | b"inet_listener_haproxy"
            | b"inet_listener_reuse_port"
            | b"auth_verbose"
            | b"auth_debug"
            | b"verbose_ssl"
    )
}

/// yes or no as the daemons read it: `yes`, `y` and `no` in any case, and `1` (get_bool in settings-parser.c,
/// str_parse_get_bool in 2.4).
pub(super) fn boolean(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"yes") || text.eq_ignore_ascii_case(b"y") || text == b"1" {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"no") {
        Some(false)
    } else {
        None
    }
}

/// The names that some release of each family knows, one a line and sorted: those in the settings tables of its source
/// (2.0.9, 2.1.17, 2.2.36, 2.3.0, 2.3.13, 2.3.19.1, 2.3.21; 2.4.1, 2.4.4, main of 2026) and those that `doveconf -a`
/// prints on Debian 11 to 14 with all packages installed. Behind a name of 2.4 stands `list` or `other` where it is no text
/// and no file (live, 2.4.5: which of them take a heredoc).
const KNOWN_23: &str = include_str!("names-2.3.txt");
const KNOWN_24: &str = include_str!("names-2.4.txt");

/// The type of a setting, as far as a heredoc asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Text, the name of a file, or what is not known.
    Text,
    /// A list, or sections that have names.
    List,
    /// A number, yes or no, a section and others.
    Other,
}

static OLD: LazyLock<Vec<(&str, Type)>> = LazyLock::new(|| typed(KNOWN_23));
static NEW: LazyLock<Vec<(&str, Type)>> = LazyLock::new(|| typed(KNOWN_24));

fn typed(list: &'static str) -> Vec<(&'static str, Type)> {
    list.lines()
        .map(|line| match line.split_once(' ') {
            Some((name, "list")) => (name, Type::List),
            Some((name, _)) => (name, Type::Other),
            None => (line, Type::Text),
        })
        .collect()
}

/// The type of a setting that a list has.
pub(super) fn type_of(key: &[u8], family: Family) -> Option<Type> {
    let list = match family {
        Family::V23 => &OLD,
        Family::V24 => &NEW,
    };
    let at = list
        .binary_search_by(|(known, _)| known.as_bytes().cmp(key))
        .ok()?;
    Some(list[at].1)
}

/// Whether any release of the family, or a package for it, knows a setting or a section by this name.
pub fn is_known(key: &[u8], family: Family) -> bool {
    // Pigeonhole has its own, of which only those of its packages were seen.
    let elsewhere: &[&[u8]] = match family {
        Family::V23 => &[b"managesieve_", b"mail_cache_compress_"],
        Family::V24 => &[b"managesieve_", b"sieve", b"imapsieve_"],
    };
    type_of(key, family).is_some() || elsewhere.iter().any(|prefix| key.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_have_what_matters() {
        for list in [&OLD, &NEW] {
            assert!(list.is_sorted_by_key(|(name, _)| *name));
        }
        for (name, expected) in [
            ("mail_log_prefix", Some(Type::Text)),
            ("ssl_server_cert_file", Some(Type::Text)),
            ("auth_mechanisms", Some(Type::List)),
            ("passdb", Some(Type::List)),
            ("ssl", Some(Type::Other)),
            ("disable_plaintext_auth", None),
        ] {
            assert_eq!(type_of(name.as_bytes(), Family::V24), expected, "{name}");
        }
        for (name, old, new) in [
            ("ssl", true, true),
            ("disable_plaintext_auth", true, false),
            ("auth_allow_cleartext", false, true),
            ("ssl_cert", true, false),
            ("ssl_server_cert_file", false, true),
            ("ssl_server", false, true),
            ("protocols", true, true),
            ("mail_location", true, false),
            ("ssl_disable", false, false),
            ("disable_plaintext_auht", false, false),
        ] {
            assert_eq!(is_known(name.as_bytes(), Family::V23), old, "{name}");
            assert_eq!(is_known(name.as_bytes(), Family::V24), new, "{name}");
        }
    }
}
