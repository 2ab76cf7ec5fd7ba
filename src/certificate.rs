//! A certificate and its key, judged as the servers and their clients would judge them.

use bstr::ByteSlice;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// What to make of the certificate and key files that a configuration names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What a file that is not there means.
    pub missing: Missing,
    /// The time to judge expiry by, in seconds since 1970 UTC.
    pub now: i64,
}

/// What a file that is not there means. A file that is there is always judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is taken for good, and the endpoint says so under `assumed`: checkouts rarely hold keys.
    Assume,
    /// It is missing on the server.
    Fault,
}

/// Why a certificate and key cannot serve TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The certificate file holds none.
    #[error("it holds no certificate in PEM")]
    NoCertificate,
    /// The first certificate cannot be decoded.
    #[error("its first certificate is broken")]
    BrokenCertificate,
    /// The key file holds none.
    #[error("there is no private key in PEM")]
    NoKey,
    /// The key needs a passphrase, which a server cannot give.
    #[error("the private key is protected by a passphrase")]
    Encrypted,
    /// Certificate and key do not belong together.
    #[error("the private key is not that of the first certificate")]
    Mismatch,
}

/// Judges a certificate and its key, both in PEM; `now` is in seconds since 1970 UTC.
/// What clients may object to (expiry) does not keep the server from serving and is returned in words.
///
/// # Errors
/// The first reason for which a server cannot use the pair.
pub fn judge(certificate: &[u8], key: &[u8], now: i64) -> Result<Vec<String>, Fault> {
    let mut certificates = CertificateDer::pem_slice_iter(certificate);
    let der = match certificates.next() {
        Some(Ok(der)) => der,
        Some(Err(_)) => return Err(Fault::BrokenCertificate),
        None => return Err(Fault::NoCertificate),
    };
    let parsed = Certificate::from_der(&der).map_err(|_| Fault::BrokenCertificate)?;
    if key.contains_str("ENCRYPTED") {
        return Err(Fault::Encrypted);
    }
    let key = match PrivateKeyDer::pem_slice_iter(key).next() {
        Some(Ok(key)) => key,
        Some(Err(_)) | None => return Err(Fault::NoKey),
    };
    let body = parsed.tbs_certificate();
    let public = body
        .subject_public_key_info()
        .subject_public_key
        .raw_bytes();
    if belongs(&key, public) == Some(false) {
        return Err(Fault::Mismatch);
    }
    let validity = body.validity();
    let seconds = |time: &x509_cert::time::Time| {
        i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
    };
    let mut notes = Vec::new();
    if now > seconds(&validity.not_after) {
        notes.push(format!("it expired on {}", validity.not_after));
    }
    if now < seconds(&validity.not_before) {
        notes.push(format!("it is not valid before {}", validity.not_before));
    }
    Ok(notes)
}

/// Whether a private key belongs to the public key of a certificate; none where its form does not tell.
fn belongs(key: &PrivateKeyDer<'_>, public: &[u8]) -> Option<bool> {
    match key {
        PrivateKeyDer::Pkcs1(key) => rsa(key.secret_pkcs1_der(), public),
        PrivateKeyDer::Sec1(key) => elliptic(key.secret_sec1_der(), public),
        PrivateKeyDer::Pkcs8(key) => {
            // PrivateKeyInfo (RFC 5208): version, algorithm, and the key inside of an octet string.
            let (_, body, _) = element(key.secret_pkcs8_der())?;
            let (_, _, rest) = element(body)?;
            let (_, _, rest) = element(rest)?;
            let (_, inner, _) = element(rest)?;
            rsa(inner, public).or_else(|| elliptic(inner, public))
        }
        _ => None,
    }
}

/// RSAPrivateKey (RFC 8017): version 0, modulus, … against RSAPublicKey: modulus, exponent.
fn rsa(private: &[u8], public: &[u8]) -> Option<bool> {
    let (0x30, body, _) = element(private)? else {
        return None;
    };
    let (0x02, [0], rest) = element(body)? else {
        return None;
    };
    let (0x02, modulus, _) = element(rest)? else {
        return None;
    };
    let Some((0x30, body, _)) = element(public) else {
        return Some(false);
    };
    Some(element(body).is_some_and(|(_, theirs, _)| theirs == modulus))
}

/// ECPrivateKey (RFC 5915): version 1, key, [0] curve, [1] public key, where written.
fn elliptic(private: &[u8], public: &[u8]) -> Option<bool> {
    let (0x30, body, _) = element(private)? else {
        return None;
    };
    let (0x02, [1], mut rest) = element(body)? else {
        return None;
    };
    while let Some((tag, content, next)) = element(rest) {
        if tag == 0xa1 {
            let (_, bits, _) = element(content)?;
            return Some(bits.get(1..)? == public);
        }
        rest = next;
    }
    None
}

/// The first DER element: its tag, its content, and what follows it.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count)?;
        let length = bytes
            .iter()
            .fold(0_usize, |length, &byte| length << 8 | usize::from(byte));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}
