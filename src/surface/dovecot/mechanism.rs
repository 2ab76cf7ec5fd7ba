//! The SASL mechanisms of auth_mechanisms: what they send, and which of them a release knows.

use bstr::BString;

use crate::dovecot::{Config, Lookup};
use crate::version::Version;

use super::fails;
use super::policy::Answer;

/// What kinds of mechanisms a list holds, for a client without TLS.
pub(super) struct Mechanisms {
    /// Those that send the password or a token as it is (MECH_SEC_PLAINTEXT in src/auth/mech-*.c).
    pub(super) plaintext: bool,
    /// Those that answer a challenge, and the like.
    pub(super) challenge: bool,
    /// A client certificate alone is enough.
    pub(super) external: bool,
}

impl Mechanisms {
    /// Sorts the words of a list.
    pub(super) fn of(list: &BString, protocol: &str) -> Self {
        let mut found = Self {
            plaintext: false,
            challenge: false,
            external: false,
        };
        for word in list
            .split(|c| b" ,\t".contains(c))
            .filter(|word| !word.is_empty())
        {
            match word.to_ascii_uppercase().as_slice() {
                b"PLAIN" | b"LOGIN" | b"XOAUTH2" | b"OAUTHBEARER" => found.plaintext = true,
                // It needs a client certificate, and so TLS.
                b"EXTERNAL" => found.external = true,
                // A command of POP3, no SASL mechanism that others could use.
                b"APOP" => found.challenge |= protocol == "pop3",
                _ => found.challenge = true,
            }
        }
        found
    }
}

/// A mechanism that the auth service does not know: it dies, and nobody logs in (mech_register_init in src/auth/mech.c,
/// and the mech-*.c of 2.0.9, 2.2.36, 2.3.0, 2.3.13, 2.3.19.1 and 2.4.1).
pub(super) fn unknown(config: &Config, version: Version) -> Option<Answer> {
    let mechanisms = config.effective("auth_mechanisms", &Lookup::default());
    if mechanisms.unknown.is_some() {
        return None;
    }
    let winbind = || {
        config
            .effective("auth_use_winbind", &Lookup::default())
            .is_yes()
            == Some(true)
    };
    let known = |name: &[u8]| match name {
        b"PLAIN" | b"LOGIN" | b"CRAM-MD5" | b"DIGEST-MD5" | b"APOP" | b"OTP" | b"ANONYMOUS"
        | b"EXTERNAL" | b"GSSAPI" | b"GSS-SPNEGO" => true,
        b"NTLM" => version < Version::patch(2, 3, 13) || winbind(),
        b"LANMAN" | b"RPA" | b"SKEY" => version < Version::patch(2, 3, 13),
        b"SCRAM-SHA-1" | b"XOAUTH2" | b"OAUTHBEARER" => version >= Version::new(2, 2),
        b"SCRAM-SHA-256" => version >= Version::new(2, 3),
        b"SCRAM-SHA-1-PLUS" | b"SCRAM-SHA-256-PLUS" => version >= Version::new(2, 4),
        _ => false,
    };
    // Up to 2.3 only blanks separate them.
    let mut words = mechanisms
        .text
        .split(|&c| c == b' ')
        .filter(|word| !word.is_empty());
    let unknown = words.find(|word| !known(&word.to_ascii_uppercase()));
    let none = mechanisms.text.iter().all(|&c| c == b' ');
    let message = match unknown {
        Some(name) => format!(
            "auth: Unknown authentication mechanism '{}'",
            String::from_utf8_lossy(name)
        ),
        None if none => "auth: No authentication mechanisms configured".into(),
        None => return None,
    };
    Some(fails(
        message,
        "auth_mechanisms",
        &mechanisms.text,
        mechanisms.origin,
    ))
}
