//! SASL mechanisms: what an authentication service offers, and what of it some options leave.
//!
//! smtpd does not know mechanisms by itself; it asks the service behind `smtpd_sasl_path`, which sends the properties of each.

use bstr::ByteSlice;

use super::Because;

/// What the authentication service behind smtpd offers, as its own configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// The mechanisms.
    pub mechanisms: Mechanisms,
    /// The setting that names them.
    pub because: Because,
}

/// A set of mechanisms, one bit each in the order of `KNOWN`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanisms(u32);

/// The secret travels as it is.
const PLAINTEXT: u8 = 1;
/// Someone who listens can guess at the secret.
const DICTIONARY: u8 = 2;
/// Someone in between can take part.
const ACTIVE: u8 = 4;
const ANONYMOUS: u8 = 8;
const MUTUAL: u8 = 16;

/// The mechanisms of Dovecot with their properties (lib-sasl/sasl-server-mech-*.c, 2.4; auth/mech-*.c, 2.3).
/// PRIVATE ones such as APOP are never handed to smtpd.
const KNOWN: [(&str, u8); 17] = [
    ("PLAIN", PLAINTEXT),
    ("LOGIN", PLAINTEXT),
    ("OAUTHBEARER", PLAINTEXT),
    ("XOAUTH2", PLAINTEXT),
    ("CRAM-MD5", DICTIONARY | ACTIVE),
    ("DIGEST-MD5", DICTIONARY | ACTIVE | MUTUAL),
    ("NTLM", DICTIONARY | ACTIVE),
    ("SCRAM-SHA-1", MUTUAL),
    ("SCRAM-SHA-256", MUTUAL),
    ("SCRAM-SHA-1-PLUS", MUTUAL),
    ("SCRAM-SHA-256-PLUS", MUTUAL),
    ("OTP", DICTIONARY | ACTIVE),
    ("SKEY", DICTIONARY | ACTIVE),
    ("GSSAPI", 0),
    ("GSS-SPNEGO", 0),
    ("EXTERNAL", 0),
    ("ANONYMOUS", ANONYMOUS),
];

impl Mechanisms {
    /// No mechanism at all.
    pub const NONE: Self = Self(0);

    /// The mechanisms of these names, in any case; others are passed over.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut bits = 0;
        for name in names {
            for (bit, (known, _)) in KNOWN.iter().enumerate() {
                if name.eq_ignore_ascii_case(known.as_bytes()) {
                    bits |= 1 << bit;
                }
            }
        }
        Self(bits)
    }

    /// Whether nothing is left.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one of them sends a secret as it is.
    pub fn sends_secret(self) -> bool {
        self.keep(|_, properties| properties & PLAINTEXT != 0).0 != 0
    }

    /// Those whose name `condition` accepts.
    pub fn filtered(self, condition: impl Fn(&str) -> bool) -> Self {
        self.keep(|name, _| condition(name))
    }

    /// What `smtpd_sasl_security_options` leaves (xsasl/xsasl_dovecot_server.c; the words in any case).
    ///
    /// # Errors
    /// The first word that is no option, on which smtpd dies.
    pub fn under<'a>(self, options: impl IntoIterator<Item = &'a [u8]>) -> Result<Self, &'a [u8]> {
        let mut without = 0;
        let mut only = 0;
        let mut impossible = false;
        for option in options {
            match option.to_ascii_lowercase().as_slice() {
                b"noplaintext" => without |= PLAINTEXT,
                b"noactive" => without |= ACTIVE,
                b"nodictionary" => without |= DICTIONARY,
                b"noanonymous" => without |= ANONYMOUS,
                b"mutual_auth" => only |= MUTUAL,
                // No mechanism of Dovecot has it.
                b"forward_secrecy" => impossible = true,
                _ => return Err(option.as_bytes()),
            }
        }
        Ok(self.keep(|_, properties| {
            !impossible && properties & without == 0 && properties & only == only
        }))
    }

    fn keep(self, condition: impl Fn(&str, u8) -> bool) -> Self {
        let kept = KNOWN
            .iter()
            .enumerate()
            .filter(|(bit, (name, properties))| {
                self.0 & 1 << bit != 0 && condition(name, *properties)
            })
            .fold(0, |bits, (bit, _)| bits | 1 << bit);
        Self(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &str) -> Mechanisms {
        Mechanisms::named(list.split(' ').map(str::as_bytes))
    }

    /// Live 3.5.25, 3.7.11, 3.10.13 and 3.11.7 in front of a Dovecot with plain, login and cram-md5.
    #[test]
    fn options_leave_what_the_daemon_offers() {
        let all = names("plain login cram-md5");
        for (options, left) in [
            ("noanonymous", "PLAIN LOGIN CRAM-MD5"),
            ("noplaintext", "CRAM-MD5"),
            ("NoDictionary", "PLAIN LOGIN"),
            ("noactive", "PLAIN LOGIN"),
            ("noplaintext nodictionary", ""),
            ("mutual_auth", ""),
            ("forward_secrecy", ""),
        ] {
            let words = options.split(' ').map(str::as_bytes);
            assert_eq!(all.under(words), Ok(names(left)), "{options}");
        }
        assert_eq!(all.under([&b"typo"[..]]), Err(&b"typo"[..]));
        assert!(!names("cram-md5 scram-sha-256").sends_secret());
    }
}
