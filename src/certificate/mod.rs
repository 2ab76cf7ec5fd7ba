//! A certificate and its key, judged as the servers and their clients would judge them.
//!
//! `pem` beside this file finds the blocks of a file, `der` reads what is inside them. Nothing here reads files:
//! who asks gives the bytes. Chains are not verified, because the servers do not verify their own either.

mod der;
mod pem;

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

/// Why a certificate and key cannot serve TLS; the words follow the name of the file.
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
    /// The key cannot be decoded.
    #[error("the private key is broken")]
    BrokenKey,
    /// The key needs a passphrase.
    #[error("the private key is protected by a passphrase")]
    Encrypted,
    /// Certificate and key do not belong together.
    #[error("the private key is not that of the first certificate")]
    Mismatch,
    /// A chain file has a certificate before its key.
    #[error("a certificate stands where its private key has to come first")]
    KeyNotFirst,
    /// A chain file has a key without a certificate behind it.
    #[error("a private key has no certificate behind it")]
    KeyAlone,
}

/// Judges a certificate file and a key file, which may be the same: the first certificate and the first key count
/// (SSL_CTX_use_certificate_chain_file and SSL_CTX_use_PrivateKey_file of OpenSSL; load_mixed_file in tls/tls_certkey.c).
/// What clients may object to does not keep the server from serving and is returned in words that follow the name of
/// the file; `now` is in seconds since 1970 UTC.
///
/// # Errors
/// The first reason for which a server cannot use the pair.
pub fn judge(certificate: &[u8], key: &[u8], now: i64) -> Result<Vec<String>, Fault> {
    let leaf = judge_certificate(certificate)?;
    pair(&leaf, &first_key(key)?, now)
}

/// Judges a chain file in Postfix's order: a key, its certificate, the issuers, and so on for each algorithm
/// (tls/tls_certkey.c, load_chain_files, 3.4). The bytes of several files are judged as one.
///
/// # Errors
/// The first reason for which a server cannot use it.
pub fn judge_chain(bytes: &[u8], now: i64) -> Result<Vec<String>, Fault> {
    let mut notes = Vec::new();
    let mut key: Option<Key> = None;
    let mut any = false;
    for block in pem::blocks(bytes) {
        match block.kind {
            pem::Kind::Certificate => {
                let body = block.body.ok_or(Fault::BrokenCertificate)?;
                let certificate = der::certificate(&body).ok_or(Fault::BrokenCertificate)?;
                match key.take() {
                    Some(key) => notes.extend(pair(&certificate, &key, now)?),
                    None if !any => return Err(Fault::KeyNotFirst),
                    // A certificate behind another one is its issuer.
                    None => {}
                }
                any = true;
            }
            pem::Kind::Key => {
                if key.is_some() {
                    return Err(Fault::KeyAlone);
                }
                key = Some(read_key(block)?);
            }
            pem::Kind::Encrypted => return Err(Fault::Encrypted),
            pem::Kind::Other => {}
        }
    }
    match (any, key) {
        (_, Some(_)) => Err(Fault::KeyAlone),
        (false, None) => Err(Fault::NoCertificate),
        (true, None) => Ok(notes),
    }
}

/// Reads the first certificate of a file.
fn judge_certificate(bytes: &[u8]) -> Result<der::Certificate, Fault> {
    let block = pem::blocks(bytes)
        .find(|block| block.kind == pem::Kind::Certificate)
        .ok_or(Fault::NoCertificate)?;
    let body = block.body.ok_or(Fault::BrokenCertificate)?;
    der::certificate(&body).ok_or(Fault::BrokenCertificate)
}

/// Whether a file of trusted certificates holds at least one that can be read.
///
/// # Errors
/// Why the server cannot use it.
pub fn judge_authorities(bytes: &[u8]) -> Result<(), Fault> {
    judge_certificate(bytes).map(|_| ())
}

type Key = der::PublicKey;

/// The first key of a file.
fn first_key(bytes: &[u8]) -> Result<Key, Fault> {
    let block = pem::blocks(bytes)
        .find(|block| matches!(block.kind, pem::Kind::Key | pem::Kind::Encrypted))
        .ok_or(Fault::NoKey)?;
    read_key(block)
}

fn read_key(block: pem::Block<'_>) -> Result<Key, Fault> {
    if block.kind == pem::Kind::Encrypted {
        return Err(Fault::Encrypted);
    }
    let body = block.body.ok_or(Fault::BrokenKey)?;
    der::private_key(block.label, &body).ok_or(Fault::BrokenKey)
}

/// Whether a key belongs to a certificate, and what clients will say to its dates.
fn pair(leaf: &der::Certificate, key: &Key, now: i64) -> Result<Vec<String>, Fault> {
    let mut notes = Vec::new();
    match leaf.key.matches(key) {
        Some(true) => {}
        Some(false) => return Err(Fault::Mismatch),
        None => notes.push("its key is of a kind that does not tell whether they match".to_owned()),
    }
    if let Some(end) = leaf.not_after.filter(|&end| end < now) {
        notes.push(format!("it expired on {}", der::date(end)));
    }
    if let Some(start) = leaf.not_before.filter(|&start| now < start) {
        notes.push(format!("it is not valid before {}", der::date(start)));
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day on which the test certificates are valid; they were made with OpenSSL for a hundred years.
    const NOW: i64 = 1_800_000_000;

    fn file(name: &str) -> Vec<u8> {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/certificate/");
        std::fs::read(format!("{directory}{name}")).unwrap()
    }

    /// Expected values from `openssl x509`, `openssl pkey` and s_server, which loads or refuses the same pairs.
    #[test]
    fn a_pair_matches_or_does_not() {
        let good = Ok(Vec::new());
        let unmatched = Ok(vec![
            "its key is of a kind that does not tell whether they match".to_owned(),
        ]);
        for (certificate, key, expected) in [
            ("rsa.pem", "rsa.key", good.clone()),
            ("rsa.pem", "rsa1.key", good.clone()),
            ("ec.pem", "ec.key", good.clone()),
            ("ec.pem", "ec8.key", good.clone()),
            ("ed.pem", "ed.key", unmatched),
            ("rsa.pem", "other.key", Err(Fault::Mismatch)),
            ("rsa.pem", "ec.key", Err(Fault::Mismatch)),
            ("rsa.pem", "enc.key", Err(Fault::Encrypted)),
            ("rsa.pem", "rsa.pem", Err(Fault::NoKey)),
            ("rsa.key", "rsa.key", Err(Fault::NoCertificate)),
        ] {
            let judged = judge(&file(certificate), &file(key), NOW);
            assert_eq!(judged, expected, "{certificate} with {key}");
        }
    }

    #[test]
    fn dates_are_noted_and_change_nothing_else() {
        let (certificate, key) = (file("ec.pem"), file("ec.key"));
        assert_eq!(
            judge(&certificate, &key, 0),
            Ok(vec!["it is not valid before 2026-11-24".to_owned()])
        );
        assert_eq!(
            judge(&certificate, &key, 9_000_000_000),
            Ok(vec!["it expired on 2126-10-31".to_owned()])
        );
    }

    #[test]
    fn a_chain_has_its_key_first() {
        let chain = |names: &[&str]| {
            let bytes: Vec<u8> = names.iter().flat_map(|name| file(name)).collect();
            judge_chain(&bytes, NOW)
        };
        assert_eq!(chain(&["rsa.key", "rsa.pem"]), Ok(Vec::new()));
        let two = ["rsa.key", "rsa.pem", "ed.pem", "ec.key", "ec.pem"];
        assert_eq!(chain(&two), Ok(Vec::new()));
        assert_eq!(chain(&["rsa.pem", "rsa.key"]), Err(Fault::KeyNotFirst));
        assert_eq!(chain(&["rsa.key", "ec.key"]), Err(Fault::KeyAlone));
        assert_eq!(chain(&["rsa.key"]), Err(Fault::KeyAlone));
        assert_eq!(chain(&["other.key", "rsa.pem"]), Err(Fault::Mismatch));
        assert_eq!(chain(&[]), Err(Fault::NoCertificate));
    }

    #[test]
    fn no_prefix_and_no_flipped_byte_makes_it_stumble() {
        let bytes = [file("ec.key"), file("ec.pem")].concat();
        for end in 0..bytes.len() {
            let _ = judge_chain(&bytes[..end], NOW);
            let _ = judge(&bytes[..end], &bytes[..end], NOW);
            let mut flipped = bytes.clone();
            flipped[end] ^= 0x15;
            let _ = judge_chain(&flipped, NOW);
        }
    }
}
