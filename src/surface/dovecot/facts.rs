//! The settings that decide about logins without TLS, as they are in force for one client at one listener.

use crate::dovecot::{Config, Lookup, Value};

use super::policy::Place;

/// What TLS policy can be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ssl {
    No,
    Yes,
    Required,
}

impl Ssl {
    pub(super) fn of(value: &Value) -> Self {
        match value.text.as_slice() {
            b"no" => Self::No,
            b"required" => Self::Required,
            _ => Self::Yes,
        }
    }
}

/// The settings that decide, as they are in force for one client.
pub(super) struct Facts {
    /// `ssl` for the policy; 2.4 reads it as the TLS code does.
    pub(super) ssl: Value,
    /// `ssl` as the login settings have it, which 2.4 checks against clear text.
    pub(super) plain_ssl: Value,
    pub(super) cleartext: Value,
    pub(super) trusted: Value,
    pub(super) client_certificate: Value,
    pub(super) requests_certificate: Value,
    pub(super) mechanisms: Value,
    /// `ssl` as the process knows it from its start, by which it offers STARTTLS at all.
    pub(super) process_ssl: Value,
}

impl Facts {
    pub(super) fn of(config: &Config, at: &Place<'_>) -> Self {
        let lookup = at.lookup(config);
        let tls = Lookup {
            ssl_server: true,
            ..lookup
        };
        Self {
            ssl: config.effective("ssl", &tls),
            plain_ssl: config.effective("ssl", &lookup),
            cleartext: config.effective("auth_allow_cleartext", &lookup),
            trusted: config.effective("login_trusted_networks", &lookup),
            client_certificate: config.effective("auth_ssl_require_client_cert", &lookup),
            requests_certificate: config.effective("ssl_server_request_client_cert", &tls),
            // What stands in a protocol block has no effect on what is offered (live, all releases).
            mechanisms: config.effective("auth_mechanisms", &Lookup::default()),
            process_ssl: config.effective(
                "ssl",
                &Lookup {
                    protocol: lookup.protocol,
                    ssl_server: true,
                    ..Lookup::default()
                },
            ),
        }
    }
}
