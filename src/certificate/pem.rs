//! A PEM block: base64 between `-----BEGIN X-----` and `-----END X-----`.

use memchr::memmem;

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Certificate,
    Key,
    /// A key that needs a passphrase.
    Encrypted,
    /// Parameters, requests and the like, which servers pass over.
    Other,
}

/// One block.
pub(super) struct Block<'a> {
    pub(super) kind: Kind,
    /// The word behind BEGIN.
    pub(super) label: &'a [u8],
    /// The bytes inside; none where they are no base64 or the block has no end.
    pub(super) body: Option<Vec<u8>>,
}

/// The blocks of a file, in order.
pub(super) fn blocks(bytes: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let start = memmem::find(rest, b"-----BEGIN ")? + b"-----BEGIN ".len();
        rest = &rest[start..];
        let label_end = memmem::find(rest, b"-----")?;
        let label = &rest[..label_end];
        rest = &rest[label_end + 5..];
        let end = memmem::find(rest, b"-----END ");
        let text = &rest[..end.unwrap_or(rest.len())];
        rest = &rest[text.len()..];
        let encrypted = label == b"ENCRYPTED PRIVATE KEY"
            || memmem::find(text, b"Proc-Type: 4,ENCRYPTED").is_some();
        Some(Block {
            kind: match label {
                b"CERTIFICATE" | b"X509 CERTIFICATE" | b"TRUSTED CERTIFICATE" => Kind::Certificate,
                _ if encrypted => Kind::Encrypted,
                _ if label.ends_with(b"PRIVATE KEY") => Kind::Key,
                _ => Kind::Other,
            },
            label,
            body: end.and_then(|_| base64(text)),
        })
    })
}

/// Decodes base64, passing over whitespace.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut bits = 0_u32;
    let mut count = 0;
    let mut padding = 0;
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => {
                padding += 1;
                continue;
            }
            _ if byte.is_ascii_whitespace() => continue,
            _ => return None,
        };
        if padding > 0 {
            return None;
        }
        bits = bits << 6 | u32::from(value);
        count += 1;
        if count == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            bits = 0;
            count = 0;
        }
    }
    match (count, padding) {
        (0, 0) => {}
        (2, 2) => out.push((bits >> 4) as u8),
        (3, 1) => out.extend_from_slice(&(bits >> 2).to_be_bytes()[2..]),
        _ => return None,
    }
    (!out.is_empty()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_strictly_but_for_whitespace() {
        assert_eq!(base64(b"aGVs\r\nbG8=\n"), Some(b"hello".to_vec()));
        assert_eq!(base64(b"aGVsbG8h"), Some(b"hello!".to_vec()));
        assert_eq!(base64(b"aGVsbA=="), Some(b"hell".to_vec()));
        for text in [&b"aGVsbG8"[..], b"a", b"aG=s", b"aGVs!G8=", b""] {
            assert_eq!(base64(text), None);
        }
    }
}
