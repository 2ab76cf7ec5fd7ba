//! The places of a byte in a short text, found eight bytes at a time. Where the next one stands cannot be foreseen, so a search begun
//! anew for each costs more.

/// Where a byte stands in a text, from the first place to the last.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    text: &'a [u8],
    byte: u8,
    /// Where the bytes begin of which `marks` are left.
    start: usize,
    /// The highest bit of each byte that is the one.
    marks: u64,
}

const EIGHT: usize = 8;
const ONES: u64 = u64::from_le_bytes([1; EIGHT]);

impl<'a> Places<'a> {
    #[inline]
    pub(crate) fn of(byte: u8, text: &'a [u8]) -> Self {
        Self {
            text,
            byte,
            start: 0,
            marks: marks(byte, text),
        }
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.marks == 0 {
            let rest = self.text.get(self.start + EIGHT..)?;
            self.start += EIGHT;
            self.marks = marks(self.byte, rest);
        }
        let at = self.start + self.marks.trailing_zeros() as usize / EIGHT;
        self.marks &= self.marks - 1;
        Some(at)
    }
}

/// Marks which of the first eight bytes of a text are this one.
#[inline]
fn marks(byte: u8, text: &[u8]) -> u64 {
    let bytes = match text.first_chunk() {
        Some(bytes) => *bytes,
        None => {
            let mut bytes = [!byte; EIGHT];
            bytes[..text.len()].copy_from_slice(text);
            bytes
        }
    };
    // A byte that is the one becomes zero, and only that has no bit left after the addition.
    let differing = u64::from_le_bytes(bytes) ^ (ONES * u64::from(byte));
    let low = ONES * 0x7f;
    !(((differing & low) + low) | differing | low)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_places_are_found_in_order() {
        // Of every, every 7th, 64th and 65th byte, and of none; from every place on.
        for step in [1, 7, 64, 65, 1000] {
            let text: Vec<u8> = (1..300)
                .map(|n| if n % step == 0 { b'\n' } else { 0x8a })
                .collect();
            for start in 0..=text.len() {
                let text = &text[start..];
                let expected: Vec<usize> =
                    (0..text.len()).filter(|at| text[*at] == b'\n').collect();
                let mut newlines = Places::of(b'\n', text);
                assert_eq!(newlines.by_ref().collect::<Vec<usize>>(), expected);
                assert_eq!(newlines.next(), None);
            }
        }
    }
}
