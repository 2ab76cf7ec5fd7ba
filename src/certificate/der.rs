//! DER: just so much of it as tells the public key and the dates of a certificate and the public half of a key.
//!
//! X.509 is RFC 5280 section 4.1, PKCS#1 is RFC 8017 appendix A.1, PKCS#8 is RFC 5958, and SEC 1 keys are RFC 5915.
//! It is lenient: what OpenSSL accepts has to be accepted here, odd serial numbers and all.

/// What a certificate tells.
pub(super) struct Certificate {
    pub(super) key: PublicKey,
    /// Seconds since 1970 UTC.
    pub(super) not_before: Option<i64>,
    pub(super) not_after: Option<i64>,
}

/// A public key, as far as the private key tells it too.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// The modulus, without leading zeros.
    Rsa(Vec<u8>),
    /// The point on the curve.
    Ec(Vec<u8>),
    /// An elliptic-curve key that leaves the point out.
    EcPrivate,
    /// A kind that is not compared, by its object identifier.
    Other(Vec<u8>),
}

impl PublicKey {
    /// Whether both are the same key; none where that cannot be told.
    pub(super) fn matches(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Rsa(a), Self::Rsa(b)) | (Self::Ec(a), Self::Ec(b)) => Some(a == b),
            (Self::Ec(_), Self::EcPrivate) | (Self::EcPrivate, Self::Ec(_)) => None,
            (Self::Other(a), Self::Other(b)) if a == b => None,
            _ => Some(false),
        }
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// 1.2.840.113549.1.1.1, rsaEncryption, and .10, RSASSA-PSS.
const RSA: [&[u8]; 2] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10],
];
/// 1.2.840.10045.2.1, id-ecPublicKey.
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];

/// Reads a certificate.
pub(super) fn certificate(bytes: &[u8]) -> Option<Certificate> {
    let mut outer = Reader(bytes);
    let mut tbs = Reader(Reader(outer.take(SEQUENCE)?).take(SEQUENCE)?);
    if tbs.0.first() == Some(&0xa0) {
        tbs.any()?;
    }
    tbs.take(INTEGER)?; // serial number
    tbs.take(SEQUENCE)?; // signature algorithm
    tbs.take(SEQUENCE)?; // issuer
    let mut validity = Reader(tbs.take(SEQUENCE)?);
    let not_before = validity.any().and_then(time);
    let not_after = validity.any().and_then(time);
    tbs.take(SEQUENCE)?; // subject
    let mut info = Reader(tbs.take(SEQUENCE)?);
    let algorithm = Reader(info.take(SEQUENCE)?).take(OBJECT)?;
    let point = info.take(BIT_STRING)?.get(1..)?;
    let key = if RSA.contains(&algorithm) {
        PublicKey::Rsa(integer(
            Reader(Reader(point).take(SEQUENCE)?).take(INTEGER)?,
        ))
    } else if algorithm == EC {
        PublicKey::Ec(point.to_vec())
    } else {
        PublicKey::Other(algorithm.to_vec())
    };
    Some(Certificate {
        key,
        not_before,
        not_after,
    })
}

/// Reads a private key from a block with this label, as its public half.
pub(super) fn private_key(label: &[u8], bytes: &[u8]) -> Option<PublicKey> {
    match label {
        b"RSA PRIVATE KEY" => rsa(bytes),
        b"EC PRIVATE KEY" => ec(bytes),
        b"PRIVATE KEY" => {
            let mut fields = Reader(Reader(bytes).take(SEQUENCE)?);
            fields.take(INTEGER)?;
            let algorithm = Reader(fields.take(SEQUENCE)?).take(OBJECT)?;
            let inside = fields.take(OCTET_STRING)?;
            if RSA.contains(&algorithm) {
                rsa(inside)
            } else if algorithm == EC {
                ec(inside)
            } else {
                Some(PublicKey::Other(algorithm.to_vec()))
            }
        }
        _ => Some(PublicKey::Other(label.to_vec())),
    }
}

fn rsa(bytes: &[u8]) -> Option<PublicKey> {
    let mut fields = Reader(Reader(bytes).take(SEQUENCE)?);
    fields.take(INTEGER)?;
    Some(PublicKey::Rsa(integer(fields.take(INTEGER)?)))
}

fn ec(bytes: &[u8]) -> Option<PublicKey> {
    let mut fields = Reader(Reader(bytes).take(SEQUENCE)?);
    fields.take(INTEGER)?;
    fields.take(OCTET_STRING)?;
    while let Some((tag, inside)) = fields.any() {
        if tag == 0xa1 {
            return Some(PublicKey::Ec(
                Reader(inside).take(BIT_STRING)?.get(1..)?.to_vec(),
            ));
        }
    }
    Some(PublicKey::EcPrivate)
}

/// A number without the zeros before it.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
    bytes[zeros..].to_vec()
}

/// UTCTime and GeneralizedTime, as seconds since 1970 UTC (RFC 5280 section 4.1.2.5).
fn time((tag, text): (u8, &[u8])) -> Option<i64> {
    let digits = |from: usize, to: usize| -> Option<i64> {
        std::str::from_utf8(text.get(from..to)?).ok()?.parse().ok()
    };
    let (year, at) = match tag {
        0x17 => {
            let year = digits(0, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, 2)
        }
        0x18 => (digits(0, 4)?, 4),
        _ => return None,
    };
    let (month, day) = (digits(at, at + 2)?, digits(at + 2, at + 4)?);
    let (hour, minute) = (digits(at + 4, at + 6)?, digits(at + 6, at + 8)?);
    let second = digits(at + 8, at + 10).unwrap_or(0);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970 of a date in the Gregorian calendar, counting years from March so that a leap day comes last.
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// The day of a time, as `2026-11-24`.
pub(super) fn date(seconds: i64) -> String {
    let days = seconds.div_euclid(86_400) + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Reads values one after the other.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value, if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.any()
            .filter(|&(found, _)| found == tag)
            .map(|(_, value)| value)
    }

    /// The next value with its tag.
    fn any(&mut self) -> Option<(u8, &'a [u8])> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let bytes = usize::from(first & 0x7f);
            if bytes == 0 || bytes > 4 {
                return None;
            }
            let (length, rest) = rest.split_at_checked(bytes)?;
            let length = length
                .iter()
                .fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
            (length, rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds() {
        for (tag, text, seconds) in [
            (0x17, &b"700101000000Z"[..], 0),
            (0x17, b"261124061500Z", 1_795_500_900),
            (0x18, b"20000229120000Z", 951_825_600),
            (0x17, b"991231235959Z", 946_684_799),
        ] {
            assert_eq!(time((tag, text)), Some(seconds));
        }
        assert_eq!(time((0x17, b"26")), None);
        assert_eq!(date(951_825_600), "2000-02-29");
        assert_eq!(date(0), "1970-01-01");
    }
}
