//! A word: a few bytes up to a mark, found eight bytes at a time. For text so short a search by wider vectors does not pay.

/// Where the first byte stands that is one of these two.
pub(crate) fn first_of(text: &[u8], one: u8, other: u8) -> Option<usize> {
    let mut at = 0;
    while let Some(eight) = text.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let found = zeros(word ^ (ONES * u64::from(one))) | zeros(word ^ (ONES * u64::from(other)));
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize / 8);
        }
        at += 8;
    }
    let rest = text.get(at..)?;
    let found = rest.iter().position(|byte| *byte == one || *byte == other);
    found.map(|found| at + found)
}

/// Where the first such byte stands.
pub(crate) fn first(text: &[u8], byte: u8) -> Option<usize> {
    first_of(text, byte, byte)
}

const ONES: u64 = u64::from_le_bytes([1; 8]);

/// Marks a byte that is zero by its highest bit; bytes above the first that is may be marked wrongly.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES * 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_one_is_found_wherever_it_stands() {
        let text = b"\x01 \x80\xffabc[ d!\x1f[";
        for start in 0..text.len() {
            for end in start..=text.len() {
                let text = &text[start..end];
                for byte in *b" [!\x01\x00\x80\xffz" {
                    let expected = text.iter().position(|one| *one == byte);
                    assert_eq!(first(text, byte), expected);
                    let expected = text.iter().position(|one| *one == byte || *one == b'[');
                    assert_eq!(first_of(text, byte, b'['), expected);
                }
            }
        }
    }
}
