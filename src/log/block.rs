//! A block: 64 bytes that are looked at in one go. Lines and their words are short, and where they end cannot be foreseen,
//! so a loop over bytes that ends at another place each time, or a search begun anew for each, costs more than all of a block.

use wide::u8x16;

/// The first 64 bytes of a text; zeros where it is shorter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block([u8x16; 4]);

impl Block {
    /// How many bytes there are.
    pub(crate) const SIZE: usize = 64;

    #[inline]
    pub(crate) fn of(text: &[u8]) -> Self {
        match text.first_chunk() {
            Some(bytes) => Self::whole(bytes),
            None => {
                let mut bytes = [0; Self::SIZE];
                bytes[..text.len()].copy_from_slice(text);
                Self::whole(&bytes)
            }
        }
    }

    #[inline]
    fn whole(bytes: &[u8; Self::SIZE]) -> Self {
        let mut parts = [u8x16::ZERO; 4];
        for (part, bytes) in parts.iter_mut().zip(bytes.as_chunks().0) {
            *part = u8x16::new(*bytes);
        }
        Self(parts)
    }

    /// Which bytes are this one: bit n for the nth.
    #[inline]
    pub(crate) fn marks_of(self, byte: u8) -> u64 {
        let byte = u8x16::splat(byte);
        let [a, b, c, d] = self
            .0
            .map(|part| u64::from(part.simd_eq(byte).to_bitmask()));
        a | b << 16 | c << 32 | d << 48
    }
}

/// Where a byte stands in a text, from the first place to the last.
#[derive(Debug)]
pub(crate) struct Places<'a> {
    text: &'a [u8],
    byte: u8,
    /// Where the block begins of which `marks` are left.
    block: usize,
    marks: u64,
}

impl<'a> Places<'a> {
    #[inline]
    pub(crate) fn of(byte: u8, text: &'a [u8]) -> Self {
        Self {
            text,
            byte,
            block: 0,
            marks: Block::of(text).marks_of(byte),
        }
    }
}

impl Iterator for Places<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.marks == 0 {
            let rest = self.text.get(self.block + Block::SIZE..)?;
            self.block += Block::SIZE;
            self.marks = Block::of(rest).marks_of(self.byte);
        }
        let at = self.block + self.marks.trailing_zeros() as usize;
        self.marks &= self.marks - 1;
        Some(at)
    }
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
