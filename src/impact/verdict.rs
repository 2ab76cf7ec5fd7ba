//! What becomes of one client: the changed configuration, judged for that very client.

use std::net::IpAddr;

use bstr::ByteSlice;

use crate::dovecot::Family;
use crate::evidence::{Refusal, Row, Transport};
use crate::protocol::Protocol;
use crate::surface::postfix::sends_without_login;
use crate::surface::server::Surface;
use crate::surface::{Client, Endpoint, ExemptionKind, Server, TlsMode, Verdict};

use super::Impact;
use super::coverage::server_of;

/// What the change does to the client of a row, and why. `after` is the server with the change made.
pub(super) fn of_row(row: &Row, after: &Surface) -> (Impact, String) {
    let endpoints = endpoints_of(row, after);
    if endpoints.is_empty() {
        return (Impact::Unknown, nowhere(row, after));
    }
    let mut outcomes: Vec<(Impact, String)> = endpoints
        .iter()
        .map(|endpoint| at_endpoint(row, endpoint, after))
        .collect();
    outcomes.sort();
    outcomes.dedup_by_key(|outcome| outcome.0);
    match outcomes.as_slice() {
        [one] => one.clone(),
        // Endpoints of one name would treat the client differently, and the log does not tell them apart.
        _ => (
            Impact::Unknown,
            format!(
                "several ports write {} to the log, and it would fare differently on them",
                row.way.service
            ),
        ),
    }
}

/// Whether the server, as it is, takes logins of this client's kind only under TLS.
pub(super) fn requires_tls(refusal: &Refusal, server: &Surface) -> bool {
    let client = refusal
        .client
        .to_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .map(|from| Client { from, to: None });
    let mut endpoints = server.endpoints_of(server_of(refusal.protocol), client);
    endpoints.retain(|endpoint| {
        writes(endpoint, refusal.protocol, &refusal.service)
            && endpoint.tls != TlsMode::Implicit
            && endpoint.verdict != Verdict::NoAuth
    });
    !endpoints.is_empty()
        && endpoints
            .iter()
            .all(|endpoint| endpoint.verdict == Verdict::TlsOnly)
}

/// Whether the files as they are forbid the logins of a row, since it is without TLS.
pub(super) fn is_forbidden(row: &Row, before: &Surface) -> bool {
    match of_row(row, before).0 {
        Impact::Breaks | Impact::Relays => true,
        Impact::Unknown | Impact::Refused | Impact::Exempt | Impact::Survives => false,
    }
}

/// Whether a front end passed a login on (`sasl_method=XCLIENT`), or a proxy its connection, so that the client's address is
/// not that of whoever spoke to the server.
pub(super) fn is_passed_on(row: &Row, after: &Surface) -> bool {
    let is_proxied = |endpoint: &Endpoint| {
        let mut exemptions = endpoint.exemptions.iter();
        writes(endpoint, row.way.protocol, &row.way.service)
            && exemptions.any(|one| match (one.kind, endpoint.server) {
                (ExemptionKind::HaProxy, Server::Dovecot) => {
                    row.way.transport == Transport::Trusted
                }
                // With a network it speaks of those who may use XCLIENT.
                (ExemptionKind::HaProxy, Server::Postfix) => one.network.is_none(),
                (
                    ExemptionKind::SameHost | ExemptionKind::TrustedNetwork | ExemptionKind::Filter,
                    _,
                ) => false,
            })
    };
    row.way.method.as_slice() == b"XCLIENT"
        || row.way.transport != Transport::Tls && after.endpoints.iter().any(is_proxied)
}

/// Whether every login such as those of a row is under TLS by the files as they are, whatever the log tells of it.
pub(super) fn is_under_tls(row: &Row, before: &Surface) -> bool {
    let endpoints = endpoints_of(row, before);
    !endpoints.is_empty()
        && endpoints
            .iter()
            .all(|endpoint| endpoint.verdict == Verdict::TlsOnly)
}

/// Why no endpoint is one that a row's logins can have come through.
fn nowhere(row: &Row, after: &Surface) -> String {
    if after
        .endpoints
        .iter()
        .any(|endpoint| writes(endpoint, row.way.protocol, &row.way.service))
    {
        format!(
            "by these files nobody logs in the way it did at a port that writes {} to the log",
            row.way.service
        )
    } else {
        format!(
            "no endpoint in the configuration writes {} to the log",
            row.way.service
        )
    }
}

/// Whether an endpoint writes such lines.
fn writes(endpoint: &Endpoint, protocol: Protocol, service: &[u8]) -> bool {
    let named = match protocol {
        Protocol::Smtp => {
            endpoint.server == Server::Postfix && endpoint.log_name.as_bytes() == service
        }
        Protocol::Imap | Protocol::Pop3 | Protocol::Sieve | Protocol::Submission => {
            endpoint.server == Server::Dovecot
        }
    };
    named && endpoint.protocol == protocol
}

/// The endpoints after the change that this row's logins can have come through.
pub(super) fn endpoints_of(row: &Row, after: &Surface) -> Vec<Endpoint> {
    let mut endpoints = after.endpoints_of(server_of(row.way.protocol), client_of(row));
    endpoints.retain(|endpoint| writes(endpoint, row.way.protocol, &row.way.service));
    if row.way.protocol == Protocol::Smtp {
        endpoints.retain(|endpoint| endpoint.verdict != Verdict::NoAuth);
    }
    // A login without TLS cannot have come through a port that begins with a handshake, nor the reverse.
    let fits = |endpoint: &Endpoint| match row.way.transport {
        Transport::Clear | Transport::Local | Transport::Trusted => {
            endpoint.tls != TlsMode::Implicit
        }
        Transport::Tls | Transport::Unknown => true,
    };
    endpoints.retain(fits);
    endpoints
}

/// The client of a row, where its address is one.
fn client_of(row: &Row) -> Option<Client> {
    let address = |text: &[u8]| -> Option<IpAddr> { text.to_str().ok()?.parse().ok() };
    Some(Client {
        from: address(&row.client)?,
        to: row
            .way
            .server_address
            .as_ref()
            .and_then(|text| address(text.as_slice())),
    })
}

fn at_endpoint(row: &Row, endpoint: &Endpoint, after: &Surface) -> (Impact, String) {
    match &endpoint.verdict {
        Verdict::LockedOut => (
            Impact::Breaks,
            "nobody can log in there after the change, since TLS cannot work".to_owned(),
        ),
        Verdict::Fails(why) => (Impact::Breaks, format!("the service would be down: {why}")),
        Verdict::NoAuth => (
            Impact::Breaks,
            "no login is possible there after the change".to_owned(),
        ),
        Verdict::Unknown(why) => (Impact::Unknown, why.clone()),
        Verdict::Cleartext => open(row, "the server still accepts a password without TLS"),
        Verdict::Challenge if is_challenge(&row.way.method) => {
            open(row, "the server still accepts challenge logins without TLS")
        }
        Verdict::Challenge | Verdict::TlsOnly => closed(row, endpoint, after),
    }
}

/// The endpoint still takes this client without TLS.
fn open(row: &Row, why: &str) -> (Impact, String) {
    match row.way.transport {
        Transport::Tls => (Impact::Survives, "uses TLS already".to_owned()),
        Transport::Local => (
            Impact::Exempt,
            "comes from the server itself, which Dovecot exempts".to_owned(),
        ),
        Transport::Trusted => (
            Impact::Exempt,
            "comes from a network or proxy that the server trusts".to_owned(),
        ),
        Transport::Clear | Transport::Unknown => (Impact::Exempt, why.to_owned()),
    }
}

/// The endpoint takes this client only under TLS.
fn closed(row: &Row, endpoint: &Endpoint, after: &Surface) -> (Impact, String) {
    match row.way.transport {
        Transport::Tls => (Impact::Survives, "uses TLS already".to_owned()),
        Transport::Unknown if endpoint.tls == TlsMode::Implicit => {
            (Impact::Survives, "comes through a port that begins with TLS".to_owned())
        }
        Transport::Unknown => (
            Impact::Unknown,
            "the log does not tell whether it uses TLS".to_owned(),
        ),
        Transport::Local if row.way.protocol != Protocol::Smtp => (
            Impact::Breaks,
            "logs in without TLS from the server itself, which is not exempt here".to_owned(),
        ),
        Transport::Trusted if proxy_is_believed(endpoint, after) => (
            Impact::Exempt,
            "comes through a proxy that says it uses TLS, which Dovecot believes".to_owned(),
        ),
        Transport::Trusted if row.way.protocol == Protocol::Smtp => match client_of(row) {
            Some(client) if relays(client, endpoint, after) => relayed(),
            Some(_) | None => (
                Impact::Breaks,
                "a front end passes its login on without TLS to smtpd (XCLIENT)".to_owned(),
            ),
        },
        Transport::Trusted => (
            Impact::Breaks,
            "logs in without TLS from a network or proxy that is trusted no more once TLS is required"
                .to_owned(),
        ),
        Transport::Clear | Transport::Local => match client_of(row) {
            Some(client) if row.way.protocol == Protocol::Smtp && relays(client, endpoint, after) => {
                relayed()
            }
            Some(_) | None if is_passed_on(row, after) => (
                Impact::Breaks,
                "logs in without TLS, or its TLS ends at the proxy in front of smtpd".to_owned(),
            ),
            Some(_) | None => (Impact::Breaks, "logs in without TLS".to_owned()),
        },
    }
}

fn relayed() -> (Impact, String) {
    let why = "logs in without TLS from mynetworks: it loses the login, its mail is still accepted";
    (Impact::Relays, why.to_owned())
}

/// Whether `secured` in the log is the word of a proxy that its client uses TLS, which is enough after the change too.
///
/// Dovecot 2.3 logs `secured` for such a client (login-common/client-common.c `client_get_log_str`: it looks for a TLS of its
/// own), and never for one that came through a proxy without TLS, unless its network is trusted, which is judged before.
/// 2.4 logs `TLS` for the one, and `secured` for the other until TLS is required.
fn proxy_is_believed(endpoint: &Endpoint, after: &Surface) -> bool {
    let is_23 = after
        .dovecot
        .as_ref()
        .is_some_and(|config| config.family == Family::V23);
    // What is judged for one client lists no exemptions.
    let proxied = |one: &Endpoint| {
        one.is_at(endpoint)
            && one
                .exemptions
                .iter()
                .any(|exemption| exemption.kind == ExemptionKind::HaProxy)
    };
    endpoint.server == Server::Dovecot && is_23 && after.endpoints.iter().any(proxied)
}

/// Whether Postfix accepts mail from this client without a login, as the service sees it.
fn relays(client: Client, endpoint: &Endpoint, after: &Surface) -> bool {
    let Some(config) = &after.postfix else {
        return false;
    };
    let version = after.postfix_version();
    let service = config.labelled(&endpoint.service);
    sends_without_login(&config.view(service, version), client.from)
}

/// Mechanisms that answer a challenge and do not send the password itself (dovecot src/auth/mech-*.c at 2.3.19.1 and
/// 2.4.1, those without MECH_SEC_PLAINTEXT). What is not among them is not taken for one.
fn is_challenge(method: &[u8]) -> bool {
    const CHALLENGE: [&str; 6] = [
        "CRAM-MD5",
        "DIGEST-MD5",
        "APOP",
        "NTLM",
        "GSSAPI",
        "GSS-SPNEGO",
    ];
    let known = CHALLENGE
        .iter()
        .any(|one| method.eq_ignore_ascii_case(one.as_bytes()));
    known || method.to_ascii_uppercase().starts_with(b"SCRAM-")
}
