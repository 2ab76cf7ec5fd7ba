//! An old name: what Dovecot 1.x called otherwise and every release up to 2.3 still takes.
//!
//! `read` beside this file asks for each setting outside of service sections
//! (old_settings_handle_root and old_settings_handle_proto in src/config/old-set-parser.c, 2.3.19.1).
//! 2.4 dropped all of it.

use bstr::{BString, ByteSlice};

use super::line::ValueKind;
use super::scope::Section;

/// One setting that an old one stands for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Meant {
    pub(super) key: &'static str,
    pub(super) value: BString,
    pub(super) kind: ValueKind,
    /// The service and listener it belongs to, from the global scope on; none for the scope where it stands.
    pub(super) listener: Option<(&'static str, &'static str)>,
}

/// What `key = value` means; none where it is no old name, an empty list where it means nothing any more.
pub(super) fn meaning(key: &[u8], value: &[u8], around: &[Section]) -> Option<Vec<Meant>> {
    let plain = |key, value: &[u8]| Meant {
        key,
        value: value.into(),
        kind: ValueKind::Plain,
        listener: None,
    };
    Some(match key {
        b"protocols" => protocols(value),
        b"ssl_cert_file" | b"ssl_key_file" | b"ssl_ca_file" => {
            let key = match key {
                b"ssl_cert_file" => "ssl_cert",
                b"ssl_key_file" => "ssl_key",
                _ => "ssl_ca",
            };
            if value.is_empty() {
                Vec::new()
            } else {
                vec![Meant {
                    kind: ValueKind::File,
                    ..plain(key, value)
                }]
            }
        }
        b"ssl_disable" => vec![plain(
            "ssl",
            if value.eq_ignore_ascii_case(b"yes") {
                b"no"
            } else if value.eq_ignore_ascii_case(b"no") {
                b"yes"
            } else {
                value
            },
        )],
        b"listen" | b"ssl_listen" => return listen(key, value, around),
        b"ssl_parameters_regenerate"
        | b"ssl_dh_parameters_length"
        | b"ssl_protocols"
        | b"login_dir"
        | b"login_chroot"
        | b"login_user"
        | b"login_executable"
        | b"login_process_size"
        | b"login_process_per_connection"
        | b"login_processes_count"
        | b"login_max_processes_count"
        | b"login_max_connections"
        | b"max_mail_processes"
        | b"mail_executable"
        | b"mail_process_size"
        | b"mail_drop_priv_before_exec"
        | b"auth_executable"
        | b"auth_process_size"
        | b"auth_user"
        | b"auth_chroot"
        | b"auth_count"
        | b"sieve"
        | b"sieve_storage"
        | b"fsync_disable"
        | b"dbox_rotate_size"
        | b"dbox_rotate_min_size"
        | b"dbox_rotate_days"
        | b"director_consistent_hashing"
        | b"mail_log_max_lines_per_sec"
        | b"maildir_copy_preserve_filename" => Vec::new(),
        _ => return None,
    })
}

/// `imaps` means `imap` with its clear port closed, if `imap` is not listed as well; the same for `pop3s`.
fn protocols(value: &[u8]) -> Vec<Meant> {
    let words: Vec<&[u8]> = value
        .split(|&c| c == b' ')
        .filter(|word| !word.is_empty())
        .collect();
    let has = |word: &[u8]| words.contains(&word);
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut meant = Vec::new();
    for &word in &words {
        match word {
            b"imaps" | b"pop3s" => {}
            b"managesieve" => kept.push(b"sieve"),
            _ => kept.push(word),
        }
    }
    for (old, new, listener) in [
        ("imaps", "imap", ("imap-login", "imap")),
        ("pop3s", "pop3", ("pop3-login", "pop3")),
    ] {
        if has(old.as_bytes()) && !has(new.as_bytes()) {
            kept.push(new.as_bytes());
            meant.push(Meant {
                key: "port",
                value: "0".into(),
                kind: ValueKind::Plain,
                listener: Some(listener),
            });
        }
    }
    meant.push(Meant {
        key: "protocols",
        value: bstr::join(" ", kept).into(),
        kind: ValueKind::Plain,
        listener: None,
    });
    meant
}

/// `ssl_listen`, and `listen` with a port or inside of a protocol, set address and port of listeners.
fn listen(key: &[u8], value: &[u8], around: &[Section]) -> Option<Vec<Meant>> {
    let secure = key == b"ssl_listen";
    let global = around.is_empty();
    let with_port = value.contains(&b':')
        && value
            .split(|&c| c == b' ' || c == b',')
            .filter(|part| !part.is_empty())
            .any(|part| {
                !matches!(part, b"*" | b"::" | b"[::]")
                    && part
                        .to_str()
                        .is_ok_and(|part| part.parse::<std::net::IpAddr>().is_err())
            });
    if !secure && global && !with_port {
        return None;
    }
    if value.is_empty() {
        return Some(Vec::new());
    }
    let for_protocol = |name: &str| {
        around.iter().all(|section| match section {
            Section::Protocol {
                name: wanted,
                negated,
            } => (wanted == name) != *negated,
            Section::Local(_) | Section::Remote(_) | Section::LocalName(_) => false,
            Section::Service(_)
            | Section::Listener(_)
            | Section::SslServer
            | Section::Group { .. }
            | Section::Other { .. } => true,
        })
    };
    let listeners: Vec<(&'static str, &'static str)> = [
        (
            "imap",
            ("imap-login", if secure { "imaps" } else { "imap" }),
        ),
        (
            "pop3",
            ("pop3-login", if secure { "pop3s" } else { "pop3" }),
        ),
        ("sieve", ("managesieve-login", "managesieve")),
    ]
    .into_iter()
    .filter(|(protocol, _)| for_protocol(protocol) && !(secure && *protocol == "sieve"))
    .map(|(_, listener)| listener)
    .collect();
    let colon = value.rfind_byte(b':').filter(|_| with_port);
    let (address, port) = match colon {
        Some(colon) => (&value[..colon], Some(&value[colon + 1..])),
        None => (value, None),
    };
    let mut meant = Vec::new();
    let mut set = |key: &'static str, value: &[u8], listener| {
        meant.push(Meant {
            key,
            value: value.into(),
            kind: ValueKind::Plain,
            listener,
        });
    };
    for &listener in &listeners {
        if let Some(port) = port {
            set("port", port, Some(listener));
        }
        if secure || !global {
            set("address", address, Some(listener));
        }
    }
    if !secure && global {
        set("listen", address, None);
    }
    Some(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(key: &str, value: &str, around: &[Section]) -> Option<Vec<String>> {
        let meant = meaning(key.as_bytes(), value.as_bytes(), around)?;
        Some(
            meant
                .iter()
                .map(|m| match m.listener {
                    Some((service, listener)) => {
                        format!("{service}/{listener}/{}={}", m.key, m.value)
                    }
                    None => format!("{}={}", m.key, m.value),
                })
                .collect(),
        )
    }

    #[test]
    fn old_settings_mean_new_ones() {
        for (key, value, expected) in [
            (
                "protocols",
                "imap imaps pop3s",
                &["pop3-login/pop3/port=0", "protocols=imap pop3"][..],
            ),
            ("protocols", "managesieve", &["protocols=sieve"]),
            ("ssl_disable", "yes", &["ssl=no"]),
            ("ssl_cert_file", "/c.pem", &["ssl_cert=/c.pem"]),
            (
                "ssl_listen",
                "*:10943",
                &[
                    "imap-login/imaps/port=10943",
                    "imap-login/imaps/address=*",
                    "pop3-login/pop3s/port=10943",
                    "pop3-login/pop3s/address=*",
                ],
            ),
        ] {
            let expected: Vec<String> = expected.iter().map(|&text| text.into()).collect();
            assert_eq!(show(key, value, &[]), Some(expected), "{key} = {value}");
        }
        assert_eq!(show("listen", "*, ::", &[]), None);
        let imap = [Section::Protocol {
            name: "imap".into(),
            negated: false,
        }];
        assert_eq!(
            show("listen", "192.0.2.1:10143", &imap),
            Some(vec![
                "imap-login/imap/port=10143".into(),
                "imap-login/imap/address=192.0.2.1".into()
            ])
        );
    }
}
