//! A cipher list, as far as a list can be judged without the TLS library: whether it names anything at all.

/// Words that stand for sets of ciphers (ciphers(1) of OpenSSL, section "CIPHER STRINGS").
const SETS: &[&str] = &[
    "ALL",
    "COMPLEMENTOFALL",
    "DEFAULT",
    "COMPLEMENTOFDEFAULT",
    "HIGH",
    "MEDIUM",
    "LOW",
    "FIPS",
    "SUITEB128",
    "SUITEB128ONLY",
    "SUITEB192",
    "PROFILE=SYSTEM",
    "TLSv1",
    "TLSv1.0",
    "TLSv1.2",
    "SSLv3",
    "kRSA",
    "aRSA",
    "kDHE",
    "kEDH",
    "kECDHE",
    "kEECDH",
    "EECDH",
    "aECDSA",
    "aDSS",
    "kPSK",
    "aPSK",
    "kDHEPSK",
    "kECDHEPSK",
    "kRSAPSK",
    "AESGCM",
    "AESCCM",
    "AESCCM8",
    "ARIAGCM",
    "CAMELLIA",
    "EXPORT",
];

/// The parts that names of ciphers are made of.
const PARTS: &[&str] = &[
    "TLS",
    "WITH",
    "ECDHE",
    "ECDH",
    "DHE",
    "EDH",
    "DH",
    "ADH",
    "AECDH",
    "RSA",
    "DSS",
    "ECDSA",
    "PSK",
    "SRP",
    "AES",
    "AES128",
    "AES256",
    "128",
    "256",
    "GCM",
    "CCM",
    "CCM8",
    "CBC",
    "CBC3",
    "SHA",
    "SHA1",
    "SHA256",
    "SHA384",
    "CHACHA20",
    "POLY1305",
    "CAMELLIA",
    "CAMELLIA128",
    "CAMELLIA256",
    "ARIA",
    "ARIA128",
    "ARIA256",
    "SEED",
    "3DES",
    "DES",
    "IDEA",
    "RC4",
    "RC2",
    "MD5",
    "NULL",
    "eNULL",
    "aNULL",
    "EXP",
    "EDE",
    "anon",
];

/// Whether some word that adds ciphers may be one that a TLS library knows. If none is, it refuses the list, and with it
/// TLS as a whole.
pub(super) fn may_work(list: &[u8]) -> bool {
    let words = list
        .split(|c| b": ,;".contains(c))
        .filter(|word| !word.is_empty());
    words
        .filter(|word| {
            !word.starts_with(b"!") && !word.starts_with(b"-") && !word.starts_with(b"@")
        })
        .any(|word| {
            let word = word.strip_prefix(b"+").unwrap_or(word);
            word.split(|&c| c == b'+').all(|word| {
                let is = |known: &str| known.as_bytes() == word;
                SETS.iter().any(|set| is(set))
                    || word
                        .split(|c| b"-_".contains(c))
                        .all(|part| PARTS.iter().any(|known| known.as_bytes() == part))
            })
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_nothing_known_cannot_work() {
        for (list, expected) in [
            ("HIGH:!aNULL", true),
            ("EECDH+AESGCM:EDH+AESGCM", true),
            ("ECDHE-RSA-AES128-GCM-SHA256:!DSS", true),
            ("ALL:!kRSA:!SRP@STRENGTH", true),
            ("NOTHING-OF-THE-KIND", false),
            ("!aNULL", false),
        ] {
            assert_eq!(may_work(list.as_bytes()), expected, "{list}");
        }
    }
}
